//! Experiments: measure, replicate, merge, judge.

pub mod compare;
mod estimate;
pub(crate) mod measure;
mod recovery;
mod run;
pub mod summary;
pub mod theory;
pub mod trace;
mod verdict;

pub use run::{Failure, Watch, run};
pub use trace::trace;
