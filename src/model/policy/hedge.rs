//! Hedging: a second try before the first has failed; the first good answer counts.
//!
//! `hedge = { after = "50ms", max = 1 }` sends one more try when no answer has come within 50 ms, and with `max = 3` up to
//! three, each so long after the last. `after` may vary. A try that fails while others are out is waited past, and sends
//! the next at once; the call fails when all have failed. The others are given up, as after a timeout: what they still
//! do is wasted, and counted. A call retries or hedges, not both (as in gRPC).
//!
//! Sources: Dean and Barroso, "The Tail at Scale" (2013); gRPC proposal A6.

use super::super::id::LawId;

/// Hedging as run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hedge {
    /// From one try to the next.
    pub after: LawId,
    /// Tries after the first.
    pub max: u32,
}
