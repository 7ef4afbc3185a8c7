//! The words of a scenario: times, rates, shares. They parse what people write, print it back and refuse nonsense.

mod rate;
mod share;
mod time;

pub use rate::Rate;
pub use share::parse_share;
pub use time::{Span, Time, parse_nanos};
