//! What happened to records: of a topic, of a group that reads it. Counts and levels are those of the measured time, delays
//! those of records that were published in it.

use crate::stats::Recorder;
use crate::units::{Span, Time};

use super::TIMELINE_BINS;

/// A topic.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feed {
    pub(crate) published: u64,
    /// Batches that arrived, and records in them.
    pub(crate) batches: u64,
    pub(crate) batched: u64,
    /// Records lost with their leader.
    pub(crate) lost: u64,
}

/// A group.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// Records the group got past, each counted once.
    pub(crate) consumed: u64,
    /// Records it got past once more.
    pub(crate) duplicates: u64,
    /// Records it never worked on to the end.
    pub(crate) skipped: u64,
    pub(crate) rebalances: u64,
    /// Safe records that it is not past, and the area below.
    lag: u64,
    area: u128,
    since: Time,
    pub(crate) max_lag: u64,
    pub(crate) lag_at_end: u64,
    /// How long ago those records of the measured time were published that the group was not past when the run stopped.
    pub(crate) open: Recorder,
    /// From publishing until a record is handled for the first time, or given up; one sample a record.
    pub(crate) delay: Recorder,
    /// The highest lag in each stretch of the measured time.
    pub(crate) curve: Vec<u64>,
    bin: usize,
    start: Time,
    width: u64,
}

impl Reading {
    pub(super) fn new(start: Time, duration: Span) -> Self {
        Self {
            consumed: 0,
            duplicates: 0,
            skipped: 0,
            rebalances: 0,
            lag: 0,
            area: 0,
            since: Time(0),
            max_lag: 0,
            lag_at_end: 0,
            open: Recorder::default(),
            delay: Recorder::default(),
            curve: vec![0; TIMELINE_BINS as usize],
            bin: 0,
            start,
            width: super::bin_width(duration),
        }
    }

    /// The measured time begins.
    pub(super) fn open(&mut self, now: Time) {
        (self.area, self.since, self.max_lag) = (0, now, self.lag);
        self.curve[0] = self.lag;
    }

    /// The measured time is over.
    pub(super) fn close(&mut self, now: Time) {
        self.turn(now, true);
        self.lag_at_end = self.lag;
    }

    /// Lag × nanoseconds since the measured time began.
    pub(super) fn area(&mut self, now: Time) -> u128 {
        self.turn(now, true);
        self.area
    }

    /// Mean lag over the measured time.
    pub(crate) fn mean_lag(&self, span: Span) -> f64 {
        self.area as f64 / span.0 as f64
    }

    #[inline]
    fn advance(&mut self, now: Time) {
        self.area += u128::from(self.lag) * u128::from(now.since(self.since).0);
        self.since = now;
    }

    /// There is more to read.
    #[inline]
    pub(super) fn rise(&mut self, now: Time, by: u64, open: bool) {
        self.turn(now, open);
        self.lag += by;
        if open {
            self.max_lag = self.max_lag.max(self.lag);
            let top = &mut self.curve[self.bin];
            *top = (*top).max(self.lag);
        }
    }

    /// There is less to read.
    #[inline]
    pub(super) fn fall(&mut self, now: Time, by: u64, open: bool) {
        self.turn(now, open);
        self.lag = self.lag.saturating_sub(by);
    }

    /// Brings area and curve to `now`.
    #[inline]
    fn turn(&mut self, now: Time, open: bool) {
        if !open {
            return;
        }
        self.advance(now);
        let bin = ((now.since(self.start).0 / self.width) as usize).min(self.curve.len() - 1);
        while self.bin < bin {
            self.bin += 1;
            self.curve[self.bin] = self.lag;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_a_level_with_a_mean_a_top_and_a_curve() {
        let mut group = Reading::new(Time(120), Span(120));
        group.rise(Time(50), 4, false);
        group.open(Time(120));
        group.rise(Time(150), 6, true);
        group.fall(Time(180), 9, true);
        group.close(Time(240));
        assert_eq!((group.max_lag, group.lag_at_end), (10, 1));
        // 4 for 30 ns, 10 for 30 ns, 1 for 60 ns.
        assert!((group.mean_lag(Span(120)) - 4.0).abs() < 1e-12);
        assert_eq!(
            (group.curve[0], group.curve[29], group.curve[30], group.curve[60], group.curve[61]),
            (4, 4, 10, 10, 1)
        );
    }
}
