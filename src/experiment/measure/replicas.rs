//! How many replicas an autoscaled node had, and what its autoscaler saw, over the measured time.

use crate::units::{Span, Time};

use super::cohort::TIMELINE_BINS;
use super::mail::Tide;

/// The replicas of one node in one replication.
#[derive(Clone, Debug)]
pub(crate) struct Fleet {
    /// Those that start or are ready, now.
    there: u32,
    since: Time,
    /// Replica-nanoseconds in the measured time.
    area: u128,
    /// Most at once in the measured time.
    pub(crate) max: u32,
    /// Those that start or are ready, and those that are ready, over time.
    pub(crate) tides: [Tide; 2],
    /// What the autoscaler saw in each stretch: the sum, and how often it looked.
    pub(crate) seen: Vec<(f64, u32)>,
    start: Time,
    width: u64,
}

impl Fleet {
    pub(super) fn new(start: Time, duration: Span) -> Self {
        Self {
            there: 0,
            since: Time(0),
            area: 0,
            max: 0,
            tides: [Tide::new(start, duration), Tide::new(start, duration)],
            seen: vec![(0.0, 0); TIMELINE_BINS as usize],
            start,
            width: super::bin_width(duration),
        }
    }

    fn advance(&mut self, now: Time) {
        self.area += u128::from(self.there) * u128::from(now.since(self.since).0);
        self.since = now;
    }

    /// The measured time begins.
    pub(super) fn open(&mut self, now: Time) {
        (self.since, self.area, self.max) = (now, 0, self.there);
    }

    /// The measured time is over.
    pub(super) fn close(&mut self, now: Time) {
        self.advance(now);
        self.tides.iter_mut().for_each(|tide| tide.advance(now));
    }

    /// So many start or are ready from now on, and so many of them are ready.
    pub(super) fn change(&mut self, now: Time, there: u32, ready: u32, open: bool) {
        if open {
            self.advance(now);
            self.max = self.max.max(there);
        }
        self.there = there;
        self.tides[0].change(now, there);
        self.tides[1].change(now, ready);
    }

    /// The autoscaler looked, and saw this.
    pub(super) fn see(&mut self, now: Time, metric: f64) {
        let bin = (now >= self.start).then(|| (now.since(self.start).0 / self.width) as usize);
        if let Some((sum, looks)) = bin.and_then(|bin| self.seen.get_mut(bin)) {
            *sum += metric;
            *looks += 1;
        }
    }

    /// Replicas on average over the measured time.
    pub(crate) fn mean(&self, span: Span) -> f64 {
        self.area as f64 / span.0 as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_count_while_they_are_there() {
        let (start, span) = (Time(100), Span(TIMELINE_BINS * 10));
        let mut fleet = Fleet::new(start, span);
        fleet.change(Time(0), 2, 2, false);
        fleet.open(start);
        fleet.change(Time(400), 5, 2, true);
        fleet.change(Time(700), 5, 5, true);
        fleet.see(Time(50), 9.0);
        fleet.see(Time(115), 0.5);
        fleet.see(Time(119), 0.7);
        fleet.change(Time(1_000), 3, 3, true);
        fleet.close(start + span);
        fleet.change(start + span, 9, 9, false);
        // 2 for 300 ns, 5 for 600 ns, 3 for 300 ns.
        assert!((fleet.mean(span) - 3.75).abs() < 1e-12);
        assert_eq!((fleet.max, fleet.seen[1].1), (5, 2));
        assert!((fleet.seen[1].0 - 1.2).abs() < 1e-12);
        let ready: Vec<f64> = fleet.tides[1].means().collect();
        assert_eq!((ready[0], ready[59], ready[60], ready[119]), (2.0, 2.0, 5.0, 3.0));
    }
}
