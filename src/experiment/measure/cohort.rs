//! What became of requests: of a client, an endpoint, an edge.

use crate::model::Outcome;
use crate::model::plan::STRETCHES;
use crate::stats::{Coarse, Recorder};
use crate::units::{Span, Time};

/// Bins of a timeline.
pub(crate) const TIMELINE_BINS: u64 = STRETCHES as u64;

/// Requests and their ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cohort {
    /// Measured requests that set out (or arrived).
    pub(crate) arrived: u64,
    /// Measured requests that ended, by outcome.
    pub(crate) ended: [u64; 1 + Outcome::FAILURES.len()],
    /// Latencies of successes.
    pub(crate) good: Recorder,
    /// Latencies of failures.
    pub(crate) bad: Recorder,
    /// How long those that had not ended were under way when the run stopped.
    pub(crate) open: Recorder,
    /// Until the first message of a streamed answer was there.
    pub(crate) first: Recorder,
    /// Endpoints: requests turned away at once, which are not timed.
    pub(crate) refused: u64,
    /// Successes that ended in the measured time, whenever they set out.
    pub(crate) in_window: u64,
    /// Tries after the first: retries, hedges.
    pub(crate) again: [u64; 2],
    /// Tries that the caller's own policies refused; of these, first ones.
    pub(crate) limited: [u64; 2],
    /// Retries that a budget refused.
    pub(crate) budget_refused: u64,
    /// Replicas that a caller left out.
    pub(crate) ejections: u64,
    /// Answers that nobody waited for any more.
    pub(crate) late_replies: u64,
    /// Work for nobody.
    pub(crate) wasted: Span,
    /// Clients: messages that had their effect once more.
    pub(crate) duplicates: u64,
    /// Endpoints: answers gathered from several, and of these, without some.
    pub(crate) gathered: [u64; 2],
    /// What belongs to no measured request.
    pub(crate) others: Others,
}

/// Requests before and after the measured ones: they count only where levels and rates are told over time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Others {
    pub(crate) arrived: u64,
    pub(crate) ended: u64,
    pub(crate) again: [u64; 2],
    pub(crate) limited: u64,
}

impl Cohort {
    /// A request sets out.
    #[inline]
    pub(super) fn arrive(&mut self, measured: bool) {
        *(if measured { &mut self.arrived } else { &mut self.others.arrived }) += 1;
    }

    #[inline(always)]
    pub(super) fn end(&mut self, outcome: Outcome, latency: Span, measured: bool, open: bool) {
        self.in_window += u64::from(open && outcome.is_good());
        if !measured {
            self.others.ended += 1;
            return;
        }
        self.ended[outcome as usize] += 1;
        if outcome.is_good() {
            self.good.record(latency.0);
        } else {
            self.bad.record(latency.0);
        }
    }

    /// A request was turned away at once.
    pub(super) fn refuse(&mut self, outcome: Outcome) {
        self.ended[outcome as usize] += 1;
        self.refused += 1;
    }

    /// An answer that was gathered leaves, whole or `partial`.
    pub(super) fn gather(&mut self, partial: bool) {
        self.gathered[0] += 1;
        self.gathered[1] += u64::from(partial);
    }

    /// A call was tried again.
    pub(super) fn try_again(&mut self, hedge: bool, measured: bool) {
        let counts = if measured { &mut self.again } else { &mut self.others.again };
        counts[usize::from(hedge)] += 1;
    }

    /// A policy refused a try.
    pub(super) fn limit(&mut self, first: bool, measured: bool) {
        if !measured {
            self.others.limited += 1;
            return;
        }
        self.limited[0] += 1;
        self.limited[1] += u64::from(first);
    }

    /// Over all requests, measured or not: calls, retries, hedges, refused tries.
    pub(super) fn sums(&self) -> [f64; 4] {
        let (own, others) = (self, &self.others);
        let again = [0, 1].map(|kind| own.again[kind] + others.again[kind]);
        [own.arrived + others.arrived, again[0], again[1], own.limited[0] + others.limited].map(|n| n as f64)
    }

    /// All that have set out and have not ended, measured or not.
    pub(super) fn under_way(&self) -> u64 {
        (self.arrived + self.others.arrived).saturating_sub(self.ends() + self.others.ended)
    }

    /// Tries that were sent.
    pub(crate) fn tries(&self) -> u64 {
        self.arrived + self.again[0] + self.again[1] - self.limited[1]
    }

    pub(super) fn late(&mut self, wasted: Span) {
        self.late_replies += 1;
        self.wasted += wasted;
    }

    /// Ends of both kinds.
    pub(crate) fn ends(&self) -> u64 {
        self.ended.iter().sum()
    }

    /// Requests that had not ended when the run stopped.
    pub(crate) fn unanswered(&self) -> u64 {
        self.arrived.saturating_sub(self.ends())
    }

    /// Adds another replication's.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.arrived += other.arrived;
        self.ended.iter_mut().zip(other.ended).for_each(|(a, b)| *a += b);
        self.good.merge(&other.good);
        self.bad.merge(&other.bad);
        self.open.merge(&other.open);
        self.refused += other.refused;
        self.first.merge(&other.first);
        self.in_window += other.in_window;
        self.again.iter_mut().zip(other.again).for_each(|(a, b)| *a += b);
        self.limited.iter_mut().zip(other.limited).for_each(|(a, b)| *a += b);
        self.budget_refused += other.budget_refused;
        self.ejections += other.ejections;
        self.late_replies += other.late_replies;
        self.wasted += other.wasted;
        self.duplicates += other.duplicates;
        self.gathered.iter_mut().zip(other.gathered).for_each(|(a, b)| *a += b);
    }
}

/// The width of a timeline's bins.
pub(crate) fn bin_width(duration: Span) -> u64 {
    (duration.0 / TIMELINE_BINS).max(1)
}

/// Latency over time, by the moment a request was meant to set out.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    start: Time,
    width: u64,
    /// The bin asked for last and when it begins: the next is mostly the same.
    last: (usize, Time),
    pub(crate) bins: Vec<Bin>,
}

/// One stretch of a timeline.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bin {
    pub(crate) arrived: u64,
    pub(crate) failed: u64,
    pub(crate) good: Coarse,
}

impl Timeline {
    pub(super) fn new(start: Time, duration: Span) -> Self {
        let width = bin_width(duration);
        Self { start, width, last: (0, start), bins: vec![Bin::default(); TIMELINE_BINS as usize] }
    }

    #[inline]
    fn bin(&mut self, at: Time) -> &mut Bin {
        if at.0.wrapping_sub(self.last.1.0) >= self.width {
            self.turn_to(at);
        }
        &mut self.bins[self.last.0]
    }

    /// Another bin than the last is asked for.
    #[cold]
    fn turn_to(&mut self, at: Time) {
        let bin = (at.since(self.start).0 / self.width).min(TIMELINE_BINS - 1);
        self.last = (bin as usize, self.start + Span(bin * self.width));
    }

    #[inline]
    pub(super) fn offer(&mut self, at: Time) {
        self.bin(at).arrived += 1;
    }

    #[inline]
    pub(super) fn answer(&mut self, intended: Time, outcome: Outcome, latency: Span) {
        let bin = self.bin(intended);
        if outcome.is_good() {
            bin.good.record(latency.0);
        } else {
            bin.failed += 1;
        }
    }

    /// Adds another replication's.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (a, b) in self.bins.iter_mut().zip(&other.bins) {
            a.arrived += b.arrived;
            a.failed += b.failed;
            a.good.merge(&b.good);
        }
    }
}
