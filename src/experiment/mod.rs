//! Experiments: measure, replicate, merge.
pub mod summary;
pub mod theory;
