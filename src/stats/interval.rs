//! Intervals: how far a figure can be trusted.
//!
//! Every figure of a report is an [`Interval`]. Its bounds come from independent replications and Student's t; where no
//! honest bounds exist they are `None`, which is not the same as being narrow. All functions take the confidence as a
//! share (0.95).

use serde::Serialize;

use super::t_quantile;

/// An estimate: a value with a confidence interval. `low` and `high` are `None` where no honest interval exists, `value`
/// where the samples do not carry it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Interval {
    /// The point estimate.
    pub value: Option<f64>,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
}

impl Interval {
    /// Nothing known.
    pub const NONE: Self = Self { value: None, low: None, high: None };

    /// A value without an interval; nothing if it is not finite.
    pub fn point(value: f64) -> Self {
        Self { value: value.is_finite().then_some(value), low: None, high: None }
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
        Self { value: Some(value), low: Some(low), high: Some(high) }
    }

    /// In another unit: everything times a positive `factor`.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let times = |x: Option<f64>| x.map(|x| x * factor);
        Self { value: times(self.value), low: times(self.low), high: times(self.high) }
    }

    /// With both ends kept within `min` and `max`.
    #[must_use]
    pub fn clamped(self, min: f64, max: f64) -> Self {
        let within = |x: Option<f64>| x.map(|x| x.clamp(min, max));
        Self { value: self.value, low: within(self.low), high: within(self.high) }
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

/// The mean of one figure per replication, with Student's t. One replication has no interval; none has no value.
pub fn mean_of(values: &[f64], confidence: f64) -> Interval {
    match moments(values) {
        None => Interval::NONE,
        Some((mean, None)) => Interval::point(mean),
        Some((mean, Some(var))) => {
            Interval::around(mean, two_sided(confidence, values.len()) * (var / values.len() as f64).sqrt())
        }
    }
}

/// How many of `count` samples lie beyond the `q`-quantile.
pub fn beyond(count: u64, q: f64) -> u64 {
    // What a float adds to or takes from a whole number does not count.
    (count as f64 * (1.0 - q) + 1e-6) as u64
}

/// A quantile by sectioning (Asmussen, Glynn: "Stochastic Simulation", III.5a): the pooled quantile, and bounds from how
/// the quantiles of the single replications scatter around it.
///
/// No bounds where fewer than 10 samples lie beyond the quantile ([`beyond`]), or where the single quantiles lie so far to
/// one side of the pooled one (more than half of the half-width) that they are biased: run longer. No value
/// where not a single sample lies beyond.
pub fn pooled_quantile(pooled: f64, each: &[f64], samples_beyond: u64, confidence: f64) -> Interval {
    if samples_beyond < 1 || each.is_empty() {
        return Interval::NONE;
    }
    let n = each.len();
    if n < 2 || samples_beyond < 10 {
        return Interval::point(pooled);
    }
    // Differences are taken first: equal quantiles differ by exactly 0.
    let bias = each.iter().map(|q| q - pooled).sum::<f64>() / n as f64;
    let scatter: f64 = each.iter().map(|q| (q - pooled) * (q - pooled)).sum();
    let half = two_sided(confidence, n) * (scatter / (n * (n - 1)) as f64).sqrt();
    if bias.abs() > 0.5 * half { Interval::point(pooled) } else { Interval::around(pooled, half) }
}

/// A ratio of sums over replications, with jackknifed bounds (Miller, "The jackknife: a review", 1974). Replications
/// without anything do not count.
pub fn ratio(parts: &[(f64, f64)], confidence: f64) -> Interval {
    let parts: Vec<(f64, f64)> = parts.iter().copied().filter(|part| *part != (0.0, 0.0)).collect();
    let (above, below) = parts.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    let pooled = above / below;
    let n = parts.len();
    if !pooled.is_finite() || n < 2 {
        return Interval::point(pooled);
    }
    Interval::around(pooled, mean_of(&jackknifed(&parts), confidence).half_width().unwrap_or(f64::NAN))
}

/// What each of the parts of a ratio adds to it, by leaving it out.
pub(super) fn jackknifed(parts: &[(f64, f64)]) -> Vec<f64> {
    let (above, below) = parts.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    let n = parts.len() as f64;
    let without = |part: &(f64, f64)| (above - part.0) / (below - part.1);
    parts.iter().map(|part| n * (above / below) - (n - 1.0) * without(part)).collect()
}

/// A share of trials, (successes, trials) per replication, as [`ratio`]. Where every trial ended alike the other end is
/// bounded by the rule of three, 3 ÷ trials: never an interval of no width for what merely was not seen.
pub fn proportion(parts: &[(u64, u64)], confidence: f64) -> Interval {
    let (hits, trials) = parts.iter().fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    if trials == 0 {
        return Interval::NONE;
    }
    // −ln(1 − confidence) is 3 at 95 %; it is never taken below.
    let rare = ((-libm::log1p(-confidence)).max(3.0) / trials as f64).min(1.0);
    if hits == 0 {
        return Interval::between(0.0, 0.0, rare);
    }
    if hits == trials {
        return Interval::between(1.0, 1.0 - rare, 1.0);
    }
    let parts: Vec<(f64, f64)> = parts.iter().map(|(hits, trials)| (*hits as f64, *trials as f64)).collect();
    ratio(&parts, confidence).clamped(0.0, 1.0)
}

/// The mean of a single long run from the means of its batches, in order. No bounds below ten batches or where
/// neighbours are correlated (lag-1 autocorrelation significant at 5 %): the batches are too short.
pub fn batch_means(batches: &[f64], confidence: f64) -> Interval {
    let Some(mean) = mean(batches) else { return Interval::NONE };
    let n = batches.len() as f64;
    // The lag-1 autocorrelation of n independent values lies around −1/n, with a deviation of about 1/√n.
    let linked = (lag_one(batches, mean) + 1.0 / n).abs() > 1.959_964 / n.sqrt();
    if n < 10.0 || linked { Interval::point(mean) } else { mean_of(batches, confidence) }
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
    mean_of(&differences, confidence)
}

/// What pairing gained: the variance of the difference had the two been independent ÷ that of the pairs. So many times
/// more replications would independent seeds have needed. `None` below two pairs or where nothing varies.
pub fn variance_gain(first: &[f64], second: &[f64]) -> Option<f64> {
    let n = first.len().min(second.len());
    let (first, second) = (&first[..n], &second[..n]);
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| b - a).collect();
    let apart = moments(first)?.1? + moments(second)?.1?;
    let paired = moments(&differences)?.1?;
    (paired > 0.0).then(|| apart / paired)
}

#[cfg(test)]
#[path = "interval_tests.rs"]
mod tests;
