//! Hedging: a second try before the first has failed; the first good answer counts.
//!
//! `hedge = { after = "50ms", max = 1 }` sends one more try when no answer has come within 50 ms, and with `max = 3` up to
//! three, each so long after the last. `after` may vary. A try that fails while others are out is waited past, and sends
//! the next at once; the call fails when all have failed. The others are given up, as after a timeout: what they still
//! do is wasted, and counted. A call retries or hedges, not both (as in gRPC). A hedge goes to another replica than the
//! tries that are out, where there is one and the caller picks per request (gRPC prefers backends not tried yet).
//!
//! `tied = true`: the tries know of each other. Whichever is begun first, at its replica, sends word to the others (one way
//! through the network); one that still waits in line, or arrives later, is dropped there, one that has been begun is worked
//! on. So `after` can be short, a network delay or two, and hardly anything is done twice.
//!
//! Sources: Dean and Barroso, "The Tail at Scale" (2013), hedged and tied requests; gRPC proposal A6.

use super::super::id::LawId;

/// Hedging as run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hedge {
    /// From one try to the next.
    pub after: LawId,
    /// Tries after the first.
    pub max: u32,
    /// Whether the first that is begun takes the others from their lines.
    pub tied: bool,
}
