//! The words of a scenario: times, rates, shares, sizes. They parse what people write, print it back and refuse nonsense.

mod rate;
mod share;
mod size;
mod time;

pub use rate::Rate;
pub use share::parse_share;
pub use size::{parse_bandwidth, parse_size, size_text};
pub use time::{Span, Time, parse_nanos};
