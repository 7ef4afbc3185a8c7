//! Experiments: measure, replicate, merge, judge.

mod camps;
pub mod compare;
pub mod coupling;
mod estimate;
mod failing;
mod figure;
pub(crate) mod measure;
mod parallel;
pub mod patterns;
pub mod published;
mod recovery;
mod run;
mod settle;
pub mod summary;
pub mod theory;
pub mod trace;
mod verdict;

pub use run::{Failure, Watch, run};
pub use trace::trace;
