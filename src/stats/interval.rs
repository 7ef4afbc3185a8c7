//! Intervals: how far a figure can be trusted.
//!
//! Every figure of a report is an [`Interval`]. Its bounds come from independent replications and Student's t; where no
//! honest bounds exist they are `None`, which is not the same as being narrow. All functions take the confidence as a
//! share (0.95).

use serde::{Deserialize, Serialize};

use super::t_quantile;

/// An estimate: a value with a confidence interval. `low` and `high` are `None` where no honest interval exists, `value`
/// where the samples do not carry it.
///
/// An interval of the mean is not what one real run will show: `run_low` and `run_high` hold a new single run with
/// probability `run_level`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The point estimate.
    pub value: Option<f64>,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
    /// What one more run will not fall below; absent where single runs are too few or have no such figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_low: Option<f64>,
    /// What one more run will not exceed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_high: Option<f64>,
    /// The probability of both: 0.95 from 39 runs, less with fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_level: Option<f64>,
}

impl Interval {
    /// Nothing known.
    pub const NONE: Self = Self { value: None, low: None, high: None, run_low: None, run_high: None, run_level: None };

    /// A value without an interval; nothing if it is not finite.
    pub fn point(value: f64) -> Self {
        Self { value: value.is_finite().then_some(value), ..Self::NONE }
    }

    /// A value and as much to either side; without an interval if `half` is not finite.
    pub fn around(value: f64, half: f64) -> Self {
        if value.is_finite() && half.is_finite() {
            Self::between(value, value - half, value + half)
        } else {
            Self::point(value)
        }
    }

    /// A value with both ends.
    pub fn between(value: f64, low: f64, high: f64) -> Self {
        Self { value: Some(value), low: Some(low), high: Some(high), ..Self::NONE }
    }

    /// With what one more run will show, from the figures of `single` runs ([`one_run`]).
    #[must_use]
    pub fn with_runs(self, single: &[f64], confidence: f64) -> Self {
        let Some((low, high, level)) = one_run(single, confidence) else { return self };
        Self { run_low: Some(low), run_high: Some(high), run_level: Some(level), ..self }
    }

    /// With value and ends in a unit of so many: 1,100,000 ns are 1.1 ms, where the product with 1e-6 is a hair less.
    #[must_use]
    pub fn in_units_of(self, unit: f64) -> Self {
        self.each(|x| x / unit)
    }

    /// In another unit: everything times a positive `factor`.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        self.each(|x| x * factor)
    }

    /// With its ends so many times as far from the value.
    #[must_use]
    pub fn stretched(self, times: f64) -> Self {
        let Some(value) = self.value else { return self };
        let far = |end: f64| value + (end - value) * times;
        Self { low: self.low.map(far), high: self.high.map(far), ..self }
    }

    /// With all ends kept within `min` and `max`.
    #[must_use]
    pub fn clamped(self, min: f64, max: f64) -> Self {
        Self { value: self.value, ..self.each(|x| x.clamp(min, max)) }
    }

    /// What is left of 1.
    #[must_use]
    pub fn complement(self) -> Self {
        let less = self.each(|x| 1.0 - x);
        Self { low: less.high, high: less.low, run_low: less.run_high, run_high: less.run_low, ..less }
    }

    /// Value and ends by a rule of their own; the level stays.
    fn each(self, f: impl Fn(f64) -> f64) -> Self {
        Self {
            value: self.value.map(&f),
            low: self.low.map(&f),
            high: self.high.map(&f),
            run_low: self.run_low.map(&f),
            run_high: self.run_high.map(&f),
            run_level: self.run_level,
        }
    }

    /// Both ends, if there are any.
    pub fn ends(self) -> Option<(f64, f64)> {
        self.low.zip(self.high)
    }

    /// Half of the width, if there is one.
    pub fn half_width(self) -> Option<f64> {
        self.ends().map(|(low, high)| 0.5 * (high - low))
    }

    /// Whether `x` lies within; `None` without an interval.
    pub fn contains(self, x: f64) -> Option<bool> {
        self.ends().map(|(low, high)| low <= x && x <= high)
    }
}

/// Fewest single runs that say something of the next one: from five, two in three.
const FEWEST_RUNS: usize = 5;

/// What the next run will show, and with which probability: of n exchangeable runs and one more, the last lies between the
/// r-th smallest and the r-th largest with probability (n + 1 − 2r) ÷ (n + 1), whatever their distribution (order
/// statistics; Hahn, Meeker, "Statistical Intervals", 5.4). r is the largest with at least `confidence`; below 39 runs
/// (at 95 %) not even the extremes have it, and the level says so.
pub fn one_run(single: &[f64], confidence: f64) -> Option<(f64, f64, f64)> {
    let n = single.len();
    if n < FEWEST_RUNS || single.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let mut sorted = single.to_vec();
    sorted.sort_by(f64::total_cmp);
    let all = (n + 1) as f64;
    let r = ((all * 0.5 * (1.0 - confidence) + 1e-9) as usize).max(1);
    Some((sorted[r - 1], sorted[n - r], (all - 2.0 * r as f64) / all))
}

/// The mean, relative to the first: of equal values exactly that value.
fn mean(values: &[f64]) -> Option<f64> {
    let first = *values.first()?;
    Some(first + values.iter().map(|v| v - first).sum::<f64>() / values.len() as f64)
}

/// Mean and sample variance; the variance is `None` below two values.
fn moments(values: &[f64]) -> Option<(f64, Option<f64>)> {
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    Some((mean, (values.len() > 1).then(|| squares / (values.len() - 1) as f64)))
}

/// t for a two-sided interval from `n` ≥ 2 values.
pub(super) fn two_sided(confidence: f64, n: usize) -> f64 {
    t_quantile(0.5 + 0.5 * confidence, (n - 1) as f64)
}

/// The mean of one figure per replication, with Student's t, and what one more of them will show. One replication has no
/// interval; none has no value.
/// Of what is never negative, neither end is.
pub fn mean_of(values: &[f64], confidence: f64) -> Interval {
    let found = student(values, confidence).with_runs(values, confidence);
    if values.iter().all(|value| *value >= 0.0) { found.clamped(0.0, f64::INFINITY) } else { found }
}

/// The mean of independent values, with Student's t.
fn student(values: &[f64], confidence: f64) -> Interval {
    match moments(values) {
        None => Interval::NONE,
        Some((mean, None)) => Interval::point(mean),
        Some((mean, Some(var))) => {
            Interval::around(mean, two_sided(confidence, values.len()) * (var / values.len() as f64).sqrt())
        }
    }
}

/// A ratio of sums over replications, with jackknifed bounds (Miller, "The jackknife: a review", 1974). Replications
/// without anything do not count.
pub fn ratio(parts: &[(f64, f64)], confidence: f64) -> Interval {
    let found = jackknife(parts, confidence);
    if parts.iter().all(|part| part.0 >= 0.0 && part.1 >= 0.0) { found.clamped(0.0, f64::INFINITY) } else { found }
}

fn jackknife(parts: &[(f64, f64)], confidence: f64) -> Interval {
    let parts: Vec<(f64, f64)> = parts.iter().copied().filter(|part| *part != (0.0, 0.0)).collect();
    let pooled = pooled(&parts);
    let n = parts.len();
    if !pooled.is_finite() || n < 2 {
        return Interval::point(pooled);
    }
    let half = student(&jackknifed(&parts), confidence).half_width().unwrap_or(f64::NAN);
    let single: Vec<f64> = parts.iter().map(|part| part.0 / part.1).collect();
    Interval::around(pooled, half).with_runs(&single, confidence)
}

/// How much farther the upper end of a mean of times lies, per relative standard error. Means of times in queues are
/// skewed to the right, and a sample that missed the long waits is also one that scatters little: a symmetric interval
/// lies below the truth three times as often as above it (M/M/1 at 85 %, a minute: 91 % instead of 95). The factor is
/// Johnson's correction of t ("Modified t tests and confidence intervals for asymmetrical populations", 1978) at a skewness of three and a half
/// times the coefficient of variation, which is theirs.
const SKEW_OF_MEANS: f64 = 3.0;
/// From this relative error on, the upper end moves no farther.
const LARGEST_ERROR: f64 = 0.4;

/// A mean of times, (sum, count) per replication: a [`ratio`] whose upper end allows for their skewness.
pub fn mean_time(parts: &[(f64, f64)], confidence: f64) -> Interval {
    let found = jackknife(parts, confidence);
    let (Some(mean), Some(half)) = (found.value, found.half_width()) else { return found };
    let runs = parts.iter().filter(|part| **part != (0.0, 0.0)).count();
    let error = half / two_sided(confidence, runs) / mean;
    let wider = half * (1.0 + SKEW_OF_MEANS * error.min(LARGEST_ERROR));
    Interval { high: Some(mean + if mean > 0.0 { wider } else { half }), ..found }.clamped(0.0, f64::INFINITY)
}

fn pooled(parts: &[(f64, f64)]) -> f64 {
    let (above, below) = parts.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    above / below
}

/// What each of the parts of a ratio adds to it, by leaving it out.
pub(super) fn jackknifed(parts: &[(f64, f64)]) -> Vec<f64> {
    let (above, below) = parts.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    let n = parts.len() as f64;
    let without = |part: &(f64, f64)| (above - part.0) / (below - part.1);
    parts.iter().map(|part| n * (above / below) - (n - 1.0) * without(part)).collect()
}

/// The mean of a single long run from the means of its batches, in order. No bounds below ten batches or where
/// neighbours are correlated (lag-1 autocorrelation significant at 5 %): the batches are too short.
pub fn batch_means(batches: &[f64], confidence: f64) -> Interval {
    let Some(mean) = mean(batches) else { return Interval::NONE };
    let n = batches.len() as f64;
    // The lag-1 autocorrelation of n independent values lies around −1/n, with a deviation of about 1/√n.
    let linked = (lag_one(batches, mean) + 1.0 / n).abs() > 1.959_964 / n.sqrt();
    if n < 10.0 || linked { Interval::point(mean) } else { student(batches, confidence) }
}

/// The correlation of neighbours; what independent values would have, if nothing varies.
fn lag_one(values: &[f64], mean: f64) -> f64 {
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    let products: f64 = values.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum();
    if squares == 0.0 { -1.0 / values.len() as f64 } else { products / squares }
}

/// The mean of `second − first`, pair by pair (replications under common random numbers), with Student's t.
pub fn paired_difference(first: &[f64], second: &[f64], confidence: f64) -> Interval {
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| b - a).collect();
    student(&differences, confidence).with_runs(&differences, confidence)
}

/// A variance this much smaller than that of what was subtracted is rounding.
const ROUNDING: f64 = 1e-20;

/// What pairing gained: the variance of the difference had the two been independent ÷ that of the pairs. So many times
/// more replications would independent seeds have needed. `None` below two pairs, where nothing varies, and where pairs
/// differ by no more than floats are rounded.
pub fn variance_gain(first: &[f64], second: &[f64]) -> Option<f64> {
    let n = first.len().min(second.len());
    let (first, second) = (&first[..n], &second[..n]);
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| b - a).collect();
    let apart = moments(first)?.1? + moments(second)?.1?;
    let paired = moments(&differences)?.1?;
    (paired > ROUNDING * apart).then(|| apart / paired)
}

#[cfg(test)]
#[path = "interval_tests.rs"]
mod tests;
