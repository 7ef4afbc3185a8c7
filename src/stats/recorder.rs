//! The standard recorder of times: a tally for exact moments, a histogram for quantiles.

use super::tally::Sums;
use super::{Histogram, Tally};

/// Records times in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorder {
    /// Count, smallest and largest are the histogram's.
    sums: Sums,
    histogram: Histogram,
}

impl Recorder {
    /// Records a time, ns.
    #[inline]
    pub fn record(&mut self, nanos: u64) {
        self.sums.add(nanos);
        self.histogram.record(nanos);
    }

    /// Records `nanos` `n` times.
    pub fn record_n(&mut self, nanos: u64, n: u64) {
        self.sums.add_n(nanos, n);
        self.histogram.record_n(nanos, n);
    }

    /// Adds all that another recorder has recorded. Exact, in any order.
    pub fn merge(&mut self, other: &Self) {
        self.sums.merge(&other.sums);
        self.histogram.merge(&other.histogram);
    }

    /// Times recorded.
    pub fn count(&self) -> u64 {
        self.histogram.count()
    }

    /// Exact count, sums, smallest and largest, ns.
    pub fn tally(&self) -> Tally {
        Tally::of(self.count(), self.sums, self.histogram.min(), self.histogram.max())
    }

    /// The distribution, ns, to three digits.
    pub fn histogram(&self) -> &Histogram {
        &self.histogram
    }

    /// The distribution alone, for keeping.
    pub fn into_histogram(self) -> Histogram {
        self.histogram
    }

    /// The mean, ns; `None` without times.
    pub fn mean(&self) -> Option<f64> {
        self.tally().mean()
    }

    /// The `q`-quantile, ns; `None` without times.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        (self.count() > 0).then(|| self.histogram.quantile(q))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tally_and_histogram_tell_of_the_same_times() {
        let (mut all, mut odd, mut even) = (Recorder::default(), Recorder::default(), Recorder::default());
        assert_eq!((all.mean(), all.quantile(0.5)), (None, None));
        for nanos in 1..=1001 {
            all.record(nanos);
            if nanos % 2 == 0 { even.record(nanos) } else { odd.record(nanos) }
        }
        even.merge(&odd);
        assert_eq!(even, all);
        assert_eq!((all.count(), all.histogram().count()), (1001, 1001));
        assert_eq!((all.mean(), all.quantile(0.5)), (Some(501.0), Some(501)));
    }
}
