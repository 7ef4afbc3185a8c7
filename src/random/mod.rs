//! Randomness without state: every draw is a function of the seed, the lineage of the request and the purpose.

pub mod dist;
pub mod draw;
mod gauss;
pub(crate) mod ziggurat;

pub use dist::{Dist, Law, Of};
pub use draw::{Draw, Lineage, Purpose};
