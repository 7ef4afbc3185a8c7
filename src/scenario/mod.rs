//! The scenario file: vocabulary, reading, checking, editing, lowering.
pub mod written;
