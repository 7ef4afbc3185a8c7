//! Experiments: measure, replicate, merge.
pub mod summary;
