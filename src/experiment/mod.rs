//! Experiments: measure, replicate, merge, judge.

mod estimate;
pub(crate) mod measure;
mod run;
pub mod summary;
mod verdict;

pub use run::{Failure, Watch, run};
