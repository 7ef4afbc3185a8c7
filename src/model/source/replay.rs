//! Recorded arrivals, from the start of the measured time.

use crate::units::Time;

/// Times of simulated time, ascending.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The times.
    pub times: Vec<Time>,
}

impl Replay {
    pub(super) fn next(&self, nth: u64) -> Option<Time> {
        self.times.get(nth as usize).copied()
    }
}
