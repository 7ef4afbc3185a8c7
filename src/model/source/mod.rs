//! When clients send: arrival sources.
//!
//! Open sources send whatever happens (`arrivals = "poisson" | "constant" | "bursty"`, any law of gaps, or a replay); a
//! closed source has `users` who each wait for the answer, think, and send again. Latency is measured from the moment a
//! request was meant to set out, so that a slow system cannot hide by slowing its callers (coordinated omission).

mod bursty;
mod closed;
mod gaps;
mod paced;
mod replay;

use crate::random::dist::Dist;
use crate::random::{Draw, Lineage, Purpose};
use crate::units::Time;

pub use bursty::Bursty;
pub use closed::Closed;
pub use gaps::Gaps;
pub use paced::{Paced, Segment};
pub use replay::Replay;

/// A client's source as planned.
#[derive(Clone, Debug)]
pub enum Source {
    /// Poisson or constant, at a rate that may change over time.
    Paced(Paced),
    /// Poisson whose rate jumps between two levels.
    Bursty(Bursty),
    /// Gaps of any law.
    Gaps(Gaps),
    /// Recorded times.
    Replay(Replay),
    /// Users who wait and think.
    Closed(Closed),
}

/// What an open source remembers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// Arrivals so far; names the next one's draws.
    pub arrivals: u64,
    /// Bursty: whether the rate is high now, and until when.
    pub high: bool,
    /// Bursty: when the present stay ends.
    pub until: Time,
    /// Bursty: stays so far.
    pub stays: u64,
}

/// Names the draws of one source.
#[derive(Clone, Copy, Debug)]
pub struct Naming {
    /// Seed of the replication.
    pub seed: u64,
    /// The client's name as a hash.
    pub source: u64,
}

impl Naming {
    /// The draw of the `nth` gap.
    #[inline]
    fn gap(self, nth: u64) -> Draw {
        Draw::new(self.seed, Lineage(self.source), Purpose::Arrival, nth)
    }

    /// The draw of the `nth` of another series (1: stays, 2: batches).
    fn other(self, series: u64, nth: u64) -> Draw {
        Draw::new(self.seed, Lineage(self.source).child(series, 0), Purpose::Arrival, nth)
    }
}

impl Source {
    /// When the next arrival after `now` is, or `None` if there is none any more. Closed sources are asked by user instead.
    #[inline]
    pub fn next(&self, now: Time, pace: &mut Pace, naming: Naming) -> Option<Time> {
        let next = match self {
            Self::Paced(paced) => paced.next(now, pace.arrivals, naming),
            Self::Bursty(bursty) => Some(bursty.next(now, pace, naming)),
            Self::Gaps(gaps) => Some(gaps.next(now, pace.arrivals, naming)),
            Self::Replay(replay) => replay.next(pace.arrivals),
            Self::Closed(_) => None,
        };
        pace.arrivals += 1;
        next
    }

    /// How many requests the `nth` arrival brings.
    #[inline]
    pub fn batch(&self, nth: u64, naming: Naming) -> u64 {
        let batch = match self {
            Self::Paced(p) => &p.batch,
            Self::Bursty(b) => &b.batch,
            Self::Gaps(g) => &g.batch,
            Self::Replay(_) | Self::Closed(_) => &None,
        };
        batch.as_ref().map_or(1, |law| law.sample(&mut naming.other(2, nth)))
    }
}

/// A law of batch sizes, if arrivals come in batches.
pub type Batch = Option<Dist>;
