//! Quantiles over replications, with bounds that hold.
//!
//! Three things are asked of an interval of a percentile, and no one method gives all of them at a few hundred samples that
//! come in bursts: that it holds the truth as often as it says, that whether it is shown does not depend on the sample's
//! own tail (a rule that withholds wild tails shows the samples that missed them), and that it is not needlessly wide.
//! So the wider of two methods is taken, its upper end allows for how few independent looks at the tail there were, and it
//! is shown wherever enough samples are *expected* beyond the quantile: their number and the quantile decide, nothing else.
//! `examples/coverage.rs` measures what comes of it.

use super::interval::two_sided;
use super::{Interval, Occupancy, Recorder, rank};

/// How many of `count` samples are expected beyond the `q`-quantile.
pub fn beyond(count: u64, q: f64) -> u64 {
    // What a float adds to or takes from a whole number does not count.
    (count as f64 * (1.0 - q) + 1e-6) as u64
}

/// Samples expected beyond a quantile, over all replications, from which on it has an interval.
pub const ENOUGH_BEYOND: u64 = 10;

/// How many times longer a run of `count` samples must be for an interval of its `q`-quantile; `None` where it is long
/// enough.
pub fn times_longer(count: u64, q: f64) -> Option<u64> {
    let expected = count as f64 * (1.0 - q);
    let short = count > 0 && beyond(count, q) < ENOUGH_BEYOND;
    short.then(|| libm::ceil(ENOUGH_BEYOND as f64 / expected - 1e-9) as u64)
}

/// What has quantiles, in one replication or in all of them.
pub trait Weighed {
    /// How much there is: samples, or nanoseconds at some level.
    fn weight(&self) -> f64;
    /// The `q`-quantile; `None` without samples, and where it is never reached.
    fn at(&self, q: f64) -> Option<f64>;
    /// How much lies above `x`.
    fn above(&self, x: f64) -> f64;
    /// Mean and variance of what has a value.
    fn moments(&self) -> Option<(f64, f64)>;
    /// Whether enough is expected beyond the `q`-quantile for a value, and for an interval.
    fn carries(&self, q: f64) -> (bool, bool);
}

/// Times that were recorded, ns, and how many more never came: those count as longer than any.
#[derive(Clone, Copy, Debug)]
pub struct Ends<'a> {
    /// What ended.
    pub times: &'a Recorder,
    /// How many have no end.
    pub never: u64,
}

impl<'a> Ends<'a> {
    /// All came to an end.
    pub fn all(times: &'a Recorder) -> Self {
        Self { times, never: 0 }
    }

    /// All there were.
    fn count(self) -> u64 {
        self.times.count() + self.never
    }
}

impl Weighed for Ends<'_> {
    fn weight(&self) -> f64 {
        self.count() as f64
    }

    fn at(&self, q: f64) -> Option<f64> {
        let place = rank(q, self.count());
        (place <= self.times.count()).then(|| self.times.histogram().at_rank(place) as f64)
    }

    fn above(&self, x: f64) -> f64 {
        (self.count() - self.times.histogram().count_at_or_below(x as u64)) as f64
    }

    fn moments(&self) -> Option<(f64, f64)> {
        let tally = self.times.tally();
        Some((tally.mean()?, tally.var().unwrap_or(0.0)))
    }

    fn carries(&self, q: f64) -> (bool, bool) {
        let beyond = beyond(self.count(), q);
        (beyond > 0, beyond >= ENOUGH_BEYOND)
    }
}

impl Weighed for &Occupancy {
    fn weight(&self) -> f64 {
        self.total() as f64
    }

    fn at(&self, q: f64) -> Option<f64> {
        self.quantile(q).map(f64::from)
    }

    fn above(&self, x: f64) -> f64 {
        self.at_or_above(x as u32 + 1) as f64
    }

    fn moments(&self) -> Option<(f64, f64)> {
        self.mean().zip(self.var())
    }

    /// Time at a level is no sample.
    fn carries(&self, _: f64) -> (bool, bool) {
        (true, true)
    }
}

/// The upper end of a quantile lies farther by this ÷ √(independent looks beyond it). By simulation of M/M/1 between 30 and
/// 95 % load, log-normal and Pareto samples, 10 to 10,000 samples beyond, 2 to 40 replications.
const SKEW_OF_QUANTILES: f64 = 1.5;
/// More than this many times farther it does not go.
const FARTHEST: f64 = 4.0;

/// A quantile of all replications, `pooled`, with bounds from how `each` differs.
///
/// No value where not a single sample is expected beyond; no bounds from one replication, below [`ENOUGH_BEYOND`] expected
/// samples, and where an end is never reached.
pub fn pooled_quantile<T: Weighed>(pooled: &T, each: &[T], q: f64, confidence: f64) -> Interval {
    let (carried, enough) = pooled.carries(q);
    let Some(point) = pooled.at(q).filter(|_| carried && !each.is_empty()) else { return Interval::NONE };
    let some: Vec<&T> = each.iter().filter(|e| e.weight() > 0.0).collect();
    let Some(single) = some.iter().map(|e| e.at(q)).collect::<Option<Vec<f64>>>() else {
        return Interval::point(point);
    };
    let shown = enough && single.len() > 1;
    let ends = if shown { ends(pooled, &some, (q, point), &single, confidence) } else { None };
    ends.map_or(Interval::point(point), |(low, high)| Interval::between(point, low, high))
        .with_runs(&single, confidence)
}

/// The farther ends of both methods; `None` where the upper one is never reached.
fn ends<T: Weighed>(
    pooled: &T,
    each: &[&T],
    (q, point): (f64, f64),
    single: &[f64],
    confidence: f64,
) -> Option<(f64, f64)> {
    let t = two_sided(confidence, each.len());
    let sections = t * sectioned(point, single);
    // Twice the root of what lies beyond scatters alike at any level, as a Poisson count does.
    let error = 0.5 * t * share_error(each, point) / (1.0 - q);
    let beyond = |factor: f64| (1.0 - (1.0 - q) * factor * factor).max(0.0);
    // What is counted here, times and lengths, is never negative.
    let low = pooled.at(beyond(1.0 + error))?.min(point - sections).max(0.0);
    let high = pooled.at(beyond((1.0 - error).max(0.0)))?.max(point + sections);
    let farther = 1.0 + (SKEW_OF_QUANTILES / looks(pooled, each, q).sqrt()).min(FARTHEST);
    Some((low, point + (high - point) * farther))
}

/// Sectioning (Asmussen, Glynn: "Stochastic Simulation", III.5a): the standard error from how the quantiles of the single
/// replications scatter around the pooled one. Differences are taken first: equal quantiles differ by exactly 0.
fn sectioned(pooled: f64, each: &[f64]) -> f64 {
    let scatter: f64 = each.iter().map(|x| (x - pooled) * (x - pooled)).sum();
    (scatter / (each.len() * (each.len() - 1)) as f64).sqrt()
}

/// The standard error of the share above `x`, from how the replications differ.
fn share_error<T: Weighed>(each: &[&T], x: f64) -> f64 {
    let parts: Vec<(f64, f64)> = each.iter().map(|e| (e.above(x), e.weight())).collect();
    let (above, all) = parts.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    let apart = |part: &(f64, f64)| part.0 - above / all * part.1;
    let squares: f64 = parts.iter().map(|part| apart(part) * apart(part)).sum();
    let n = parts.len() as f64;
    (squares * n / (n - 1.0)).sqrt() / all
}

/// How many samples in a row are worth one, judged by the whole of them and not by their tail: the variance that the means
/// of the replications have, by the one they would have if all samples were independent. At least 1.
pub fn persistence<T: Weighed>(pooled: &T, each: &[&T]) -> f64 {
    let Some((_, var)) = pooled.moments().filter(|m| m.1 > 0.0) else { return 1.0 };
    let means: Vec<f64> = each.iter().filter_map(|e| e.moments()).map(|m| m.0).collect();
    let n = means.len() as f64;
    if n < 2.0 {
        return 1.0;
    }
    let middle = means.iter().sum::<f64>() / n;
    let between = means.iter().map(|m| (m - middle) * (m - middle)).sum::<f64>() / (n - 1.0);
    (between / var * pooled.weight() / n).max(1.0)
}

/// Independent looks at what lies beyond the `q`-quantile.
fn looks<T: Weighed>(pooled: &T, each: &[&T], q: f64) -> f64 {
    pooled.weight() * (1.0 - q) / persistence(pooled, each)
}

#[cfg(test)]
#[path = "quantile_tests.rs"]
mod tests;
