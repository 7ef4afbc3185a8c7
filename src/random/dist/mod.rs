//! A number that varies: laws as written and distributions as run.
pub use law::Law;
mod law;
