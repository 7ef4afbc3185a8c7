//! Latency over all that arrived: what failed, and what was never answered, took for ever.
//!
//! A timeout must not make a percentile better by turning the hanging into the failed, so both count as slower than
//! everything. How long an unanswered request would have taken nobody knows; it has taken as long as it was under way. A
//! quantile is exact up to the age of the youngest of them, beyond that it is only known to be at least so much.

use std::collections::BTreeMap;

use super::CONFIDENCE;
use crate::experiment::measure::Cohort;
use crate::experiment::summary::Distribution;
use crate::model::Outcome;
use crate::stats::{Ends, Interval, Recorder, Weighed as _, pooled_quantile};

/// The word for a request that had not ended when the run stopped waiting.
const UNANSWERED: &str = "unanswered";

/// The percentiles of a distribution by their names.
const QUANTILES: [(&str, f64); 5] = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999)];

/// What is known of a quantile over all that arrived, ns.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    /// When it is this.
    Exactly(f64),
    /// When it is this or more.
    AtLeast(f64),
    /// When it lies among those that failed.
    Never,
}

/// All that arrived: those that did not succeed have no end.
fn ends(cohort: &Cohort) -> Ends<'_> {
    Ends { times: &cohort.good, never: cohort.arrived.saturating_sub(cohort.good.count()) }
}

/// The `q`-quantile of all that arrived.
fn known(cohort: &Cohort, q: f64) -> Known {
    let (value, open) = (ends(cohort).at(q), &cohort.open);
    if let Some(value) = value.filter(|value| open.count() == 0 || *value <= open.histogram().min() as f64) {
        return Known::Exactly(value);
    }
    let mut both: Recorder = cohort.good.clone();
    both.merge(open);
    let least = Ends { times: &both, never: cohort.arrived.saturating_sub(both.count()) };
    least.at(q).map_or(Known::Never, Known::AtLeast)
}

/// How many of the replications had no such quantile: it lay among the failed and the unanswered.
pub(crate) fn beyond_in(each: &[&Cohort], q: f64) -> usize {
    each.iter().filter(|c| c.arrived > 0 && !matches!(known(c, q), Known::Exactly(_))).count()
}

/// Any quantile, ms: a value, or nothing and at least how much; infinite where it lies among the failed.
pub(crate) fn quantile(each: &[&Cohort], q: f64) -> (Interval, Option<f64>) {
    let mut all = Cohort::default();
    each.iter().for_each(|c| all.merge(c));
    estimate(&all, each, q)
}

fn estimate(all: &Cohort, each: &[&Cohort], q: f64) -> (Interval, Option<f64>) {
    match known(all, q) {
        _ if all.arrived == 0 => (Interval::NONE, None),
        Known::AtLeast(nanos) => (Interval::NONE, Some(nanos / 1e6)),
        Known::Never => (Interval::NONE, Some(f64::INFINITY)),
        Known::Exactly(_) => {
            let single: Vec<Ends<'_>> = each.iter().map(|c| ends(c)).collect();
            (pooled_quantile(&ends(all), &single, q, CONFIDENCE).in_units_of(1e6), None)
        }
    }
}

/// The quantile of one replication, ms, if it is known.
pub(super) fn single_ms(cohort: &Cohort, q: f64) -> Option<f64> {
    match known(cohort, q) {
        Known::Exactly(nanos) if cohort.arrived > 0 => Some(nanos / 1e6),
        _ => None,
    }
}

/// The distribution over all that arrived; where all of these succeeded it is that of the successes, `good`.
pub(super) fn distribution(each: &[&Cohort], all: &Cohort, good: &Distribution) -> Distribution {
    if all.arrived > 0 && all.good.count() == all.arrived {
        let Distribution { count, mean, p50, p90, p95, p99, p999, max, .. } = *good;
        return Distribution { count, mean, p50, p90, p95, p99, p999, max, ..Distribution::default() };
    }
    let mut at_least = BTreeMap::new();
    let mut told = |name: &str, q: f64| {
        let (value, least) = estimate(all, each, q);
        least.filter(|ms| ms.is_finite()).map(|ms| at_least.insert(name.to_owned(), ms));
        value
    };
    let [p50, p90, p95, p99, p999] = QUANTILES.map(|(name, q)| told(name, q));
    if let Some(mean) = least_mean(all) {
        at_least.insert("mean".to_owned(), mean);
    }
    Distribution {
        count: all.arrived,
        mean: Interval::NONE,
        p50,
        p90,
        p95,
        p99,
        p999,
        at_least_ms: at_least,
        ..Distribution::default()
    }
}

/// The mean of those that did not fail, ms, if each unanswered request had ended when the run stopped: it cannot be less.
/// `None` where all were answered.
fn least_mean(all: &Cohort) -> Option<f64> {
    let (good, open) = (all.good.tally(), all.open.tally());
    let sum = good.sum() as f64 + open.sum() as f64;
    (open.count() > 0).then(|| sum / (good.count() + open.count()) as f64 / 1e6)
}

/// How requests failed, by word.
pub(super) fn failed(all: &Cohort) -> BTreeMap<String, u64> {
    let words = Outcome::FAILURES.iter().map(|o| (o.word().to_owned(), all.ended[*o as usize]));
    let words = words.chain([(UNANSWERED.to_owned(), all.unanswered())]);
    words.filter(|w| w.1 > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Span;

    const MS: u64 = 1_000_000;

    /// Successes, failures and ages of the unanswered, all in ms.
    fn cohort(good: &[u64], failed: usize, open: &[u64]) -> Cohort {
        let mut cohort = Cohort { arrived: (good.len() + failed + open.len()) as u64, ..Cohort::default() };
        good.iter().for_each(|ms| cohort.good.record(Span(ms * MS).0));
        open.iter().for_each(|ms| cohort.open.record(Span(ms * MS).0));
        cohort.ended[Outcome::Succeeded as usize] = good.len() as u64;
        cohort.ended[Outcome::Timeout as usize] = failed as u64;
        cohort
    }

    fn millis(known: Known) -> (u64, bool) {
        match known {
            Known::Exactly(nanos) => ((nanos / MS as f64).round() as u64, true),
            Known::AtLeast(nanos) => ((nanos / MS as f64).round() as u64, false),
            Known::Never => (u64::MAX, true),
        }
    }

    #[test]
    fn the_failed_and_the_unanswered_are_slower_than_all() {
        let failing = cohort(&[10, 20, 30, 40], 4, &[]);
        let at = |q: f64| millis(known(&failing, q));
        assert_eq!((at(0.25), at(0.5), at(0.51)), ((20, true), (40, true), (u64::MAX, true)));
        let hanging = cohort(&[10, 20, 30, 40], 0, &[500, 600, 700, 800]);
        let at = |q: f64| millis(known(&hanging, q));
        assert_eq!((at(0.5), at(0.625), at(1.0)), ((40, true), (500, false), (800, false)));
    }

    #[test]
    fn beyond_the_youngest_of_them_nothing_is_exact() {
        // The one that has been under way for 15 ms may end before the one that took 20 ms, or long after it.
        let mixed = cohort(&[10, 20, 30, 40], 0, &[15]);
        let at = |q: f64| millis(known(&mixed, q));
        assert_eq!((at(0.2), at(0.4), at(0.6)), ((10, true), (15, false), (20, false)));
    }

    #[test]
    fn a_mean_counts_the_ages_and_has_no_upper_end() {
        let all = cohort(&[10, 20], 1, &[70, 100]);
        let told = distribution(&[&all], &all, &Distribution::default());
        assert_eq!((told.mean, told.at_least_ms["mean"]), (Interval::NONE, 50.0));
        let whole = cohort(&[10, 20], 0, &[]);
        let good = super::super::distribution(&[&whole.good, &whole.good], 0);
        let told = distribution(&[&whole, &whole], &whole, &good);
        assert_eq!((told.mean.value, told.at_least_ms.len()), (Some(15.0), 0));
    }

    #[test]
    fn a_replication_without_the_quantile_leaves_no_interval() {
        let (good, bad) = (cohort(&[10; 20], 0, &[]), cohort(&[10; 9], 11, &[]));
        let each = [&good, &good, &bad];
        assert_eq!(beyond_in(&each, 0.5), 1);
        let (told, least) = quantile(&each, 0.5);
        assert!((told.value.unwrap() - 10.0).abs() < 0.1 && told.ends().is_none() && least.is_none());
    }
}
