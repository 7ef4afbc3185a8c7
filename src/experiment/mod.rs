//! Experiments: measure, replicate, merge, judge. A study is a file: [`variants`] runs a scenario with its variants, [`compare`]
//! holds scenarios against each other, [`advise`] tries ways out of one, [`patterns`] flips one interaction through several, [`trace`](mod@trace) follows one request,
//! [`theory`] and [`published`] hold the simulator against what is known. [`study`] is what they share.

pub mod advise;
pub mod brief;
mod camps;
pub mod capacity;
pub mod compare;
pub mod coupling;
pub mod diagnosis;
mod ear;
pub mod enough;
mod estimate;
mod failing;
mod figure;
pub mod hunt;
pub(crate) mod measure;
mod parallel;
pub mod patterns;
pub mod published;
pub mod recover;
mod recovery;
pub mod roots;
mod run;
mod settle;
pub mod study;
pub mod summary;
pub mod sweep;
pub mod theory;
pub mod trace;
pub mod variants;
mod verdict;
pub mod warmup;
pub mod whatif;
pub mod why;

pub use run::{Failure, SoFar, Watch, run};
pub use trace::trace;
