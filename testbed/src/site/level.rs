//! A level over time, and the area under it within the measured time.

use crate::clock;

/// A count that goes up and down.
#[derive(Debug, Default)]
pub(crate) struct Level {
    now: u32,
    since: u64,
    area: f64,
    from: u64,
    until: u64,
}

impl Level {
    /// It is measured between two moments of the common clock.
    pub(crate) fn measure(&mut self, from: u64, until: u64) {
        (self.from, self.until) = (from, until);
    }

    /// It is something else from now on.
    pub(crate) fn set(&mut self, to: u32) {
        self.add_up();
        self.now = to;
    }

    /// Up to now, times ns.
    pub(crate) fn area(&mut self) -> f64 {
        self.add_up();
        self.area
    }

    fn add_up(&mut self) {
        let now = clock::now();
        let (from, until) = (self.since.max(self.from), now.min(self.until));
        self.area += f64::from(self.now) * until.saturating_sub(from) as f64;
        self.since = now;
    }
}
