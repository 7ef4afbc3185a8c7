//! Differences between two runs under common random numbers: replication i of the one against replication i of the other.
//!
//! What both share (the same arrivals, the same work) cancels within a pair, so the interval of the difference is
//! narrower than that of either figure. Law, "Simulation Modeling and Analysis", 10.2.1 and 11.2.

use super::interval::{jackknifed, two_sided};
use super::share::unseen;
use super::{ENOUGH_BEYOND, Interval, beyond, t_chance, t_quantile, variance_gain};

/// A difference, second minus first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Paired {
    /// Second minus first.
    pub difference: Interval,
    /// How many times more replications independent seeds would have needed for the same interval.
    pub gain: Option<f64>,
    /// How often chance alone gives a difference as large as this (two-sided).
    pub chance: Option<f64>,
}

impl Paired {
    const NONE: Self = Self { difference: Interval::NONE, gain: None, chance: None };

    fn point(difference: f64) -> Self {
        Self { difference: Interval::point(difference), ..Self::NONE }
    }

    /// A difference with as much to either side, which `pairs` pairs carry.
    fn around(difference: f64, half: f64, pairs: usize, confidence: f64) -> Self {
        let error = half / two_sided(confidence, pairs);
        let chance = match (difference == 0.0, error > 0.0) {
            (true, _) => 1.0,
            (false, true) => t_chance(difference / error, (pairs - 1) as f64),
            (false, false) => 0.0,
        };
        Self { difference: Interval::around(difference, half), gain: None, chance: Some(chance) }
    }
}

/// The difference of two ratios of sums over replications (means, rates, shares). The jackknifed values of the two are
/// paired; with as many samples in each replication that is Student's t on the differences of the replications.
pub fn paired_ratio(first: &[(f64, f64)], second: &[(f64, f64)], confidence: f64) -> Paired {
    let pooled = |parts: &[(f64, f64)]| {
        let (above, below) = parts.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        above / below
    };
    let difference = pooled(second) - pooled(first);
    if !difference.is_finite() {
        return Paired::NONE;
    }
    let pairs = first.len();
    let whole = |parts: &[(f64, f64)]| parts.iter().all(|part| part.1 > 0.0);
    if pairs != second.len() || pairs < 2 || !whole(first) || !whole(second) {
        return Paired::point(difference);
    }
    let (first, second) = (jackknifed(first), jackknifed(second));
    let single: Vec<f64> = first.iter().zip(&second).map(|(a, b)| b - a).collect();
    let middle = single.iter().sum::<f64>() / pairs as f64;
    let half = scatter(&single, middle, pairs) * two_sided(confidence, pairs);
    Paired { gain: variance_gain(&first, &second), ..Paired::around(difference, half, pairs, confidence) }
}

/// The difference of two shares: (successes, trials) per replication. Where all trials of both ended alike, the rule of
/// three bounds what was not seen.
pub fn paired_share(first: &[(u64, u64)], second: &[(u64, u64)], confidence: f64) -> Paired {
    let all = |parts: &[(u64, u64)]| parts.iter().fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    let (one, other) = (all(first), all(second));
    let alike = |sum: (u64, u64)| sum.0 == 0 || sum.0 == sum.1;
    if one.1.min(other.1) > 0 && alike(one) && alike(other) && (one.0 == 0) == (other.0 == 0) {
        let rare = unseen(one.1.min(other.1), 1.0, confidence);
        return Paired { difference: Interval::between(0.0, -rare, rare), gain: None, chance: Some(1.0) };
    }
    let float = |parts: &[(u64, u64)]| parts.iter().map(|(a, b)| (*a as f64, *b as f64)).collect::<Vec<_>>();
    paired_ratio(&float(first), &float(second), confidence)
}

/// What a quantile is told from: the pooled one, and that of each replication.
#[derive(Clone, Debug, Default)]
pub struct Sections {
    /// Over all replications; `None` where the samples do not carry it.
    pub pooled: Option<f64>,
    /// By replication.
    pub each: Vec<Option<f64>>,
    /// Samples over all replications.
    pub count: u64,
}

/// How wide a bucket of the histograms is, of the values in it, at most.
const RESOLUTION: f64 = 1.0 / 1024.0;

/// The difference of two `q`-quantiles by sectioning, as [`super::pooled_quantile`] does it for one: the pooled difference,
/// and bounds from how the pairs scatter around it; none where few samples are expected beyond.
pub fn paired_quantile(first: &Sections, second: &Sections, q: f64, confidence: f64) -> Paired {
    let Some((one, other)) = first.pooled.zip(second.pooled) else { return Paired::NONE };
    let difference = other - one;
    let pairs: Vec<(f64, f64)> = first.each.iter().zip(&second.each).filter_map(|(a, b)| a.zip(*b)).collect();
    let n = pairs.len();
    let whole = n == first.each.len() && n == second.each.len() && n > 1;
    if whole && difference == 0.0 && pairs.iter().all(|(a, b)| a == b) {
        return Paired::around(0.0, 0.0, n, confidence);
    }
    if !whole || beyond(first.count.min(second.count), q) < ENOUGH_BEYOND {
        return Paired::point(difference);
    }
    let single: Vec<f64> = pairs.iter().map(|(a, b)| b - a).collect();
    // Who differs by a bucket of the histogram in every pair does not scatter, and is known to a bucket only.
    let bucket = RESOLUTION * one.abs().max(other.abs());
    let half = (scatter(&single, difference, n) * two_sided(confidence, n)).max(bucket);
    let (first, second): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    Paired { gain: variance_gain(&first, &second), ..Paired::around(difference, half, n, confidence) }
}

/// The difference of two figures that have nothing in common but what they measure: Welch's t, from the interval of each and the
/// number of runs behind it (Welch, "The generalization of Student's problem when several different population variances are
/// involved", 1947). An interval that is wider to one side counts as that wide.
pub fn unpaired(first: (Interval, u32), second: (Interval, u32), confidence: f64) -> Paired {
    let Some((one, other)) = first.0.value.zip(second.0.value) else { return Paired::NONE };
    let error = |(figure, runs): (Interval, u32)| {
        let (value, (low, high)) = figure.value.zip(figure.ends())?;
        let wide = (value - low).max(high - value);
        (runs > 1).then(|| (wide / two_sided(confidence, runs as usize), f64::from(runs - 1)))
    };
    let difference = other - one;
    let Some(((a, a_free), (b, b_free))) = error(first).zip(error(second)) else { return Paired::point(difference) };
    let variance = a * a + b * b;
    if variance == 0.0 {
        let chance = if difference == 0.0 { 1.0 } else { 0.0 };
        return Paired { difference: Interval::around(difference, 0.0), gain: None, chance: Some(chance) };
    }
    let free = variance * variance / (a.powi(4) / a_free + b.powi(4) / b_free);
    let half = variance.sqrt() * t_quantile(0.5 + 0.5 * confidence, free);
    let chance = t_chance(difference / variance.sqrt(), free);
    Paired { difference: Interval::around(difference, half), gain: None, chance: Some(chance) }
}

/// The standard error of a mean around `middle`.
fn scatter(values: &[f64], middle: f64, n: usize) -> f64 {
    (values.iter().map(|v| (v - middle) * (v - middle)).sum::<f64>() / (n * (n - 1)) as f64).sqrt()
}

/// Which of several differences stand when all of them were looked at: Holm's correction (Holm, "A simple sequentially
/// rejective multiple test procedure", 1979) keeps the chance of a single false claim below 1 − `confidence`. What has no
/// chance known does not stand.
pub fn holm(chances: &[Option<f64>], confidence: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    let chance = |at: usize| chances[at].unwrap_or(f64::INFINITY);
    order.sort_by(|a, b| chance(*a).total_cmp(&chance(*b)).then(a.cmp(b)));
    let mut stand = vec![false; chances.len()];
    for (before, at) in order.into_iter().enumerate() {
        if chance(at) * (chances.len() - before) as f64 > 1.0 - confidence {
            break;
        }
        stand[at] = true;
    }
    stand
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|f| (f - expected).abs() < 1e-9 * expected.abs().max(1.0)), "{found:?} {expected}");
    }

    #[test]
    fn equal_samples_give_students_t_on_the_pairs() {
        let parts = |values: [f64; 5]| values.map(|v| (v * 10.0, 10.0));
        let paired = paired_ratio(&parts([10.0, 12.0, 11.0, 13.0, 14.0]), &parts([9.0, 11.5, 10.0, 12.0, 13.5]), 0.95);
        // Differences −1, −0.5, −1, −1, −0.5: mean −0.8, s² = 0.075, t(4) = 2.776445.
        near(paired.difference.value, -0.8);
        near(paired.difference.half_width(), 2.776_445_105_197_799 * (0.075_f64 / 5.0).sqrt());
        // Variances 2.5 and 3.075 against 0.075 of the pairs.
        near(paired.gain, (2.5 + 3.075) / 0.075);
        let t = 0.8 / (0.075_f64 / 5.0).sqrt();
        near(paired.chance, t_chance(t, 4.0));
    }

    #[test]
    fn the_same_figures_differ_by_exactly_nothing() {
        let parts = [(10.1, 3.0), (12.7, 4.0), (9.3, 2.0)];
        let paired = paired_ratio(&parts, &parts, 0.95);
        assert_eq!(paired.difference, Interval::between(0.0, 0.0, 0.0));
        assert_eq!((paired.gain, paired.chance), (None, Some(1.0)));
        let sections = Sections { pooled: Some(7.0), each: vec![Some(6.0), Some(8.0), Some(7.5)], count: 5_000 };
        assert_eq!(paired_quantile(&sections, &sections, 0.99, 0.95).difference, Interval::between(0.0, 0.0, 0.0));
    }

    #[test]
    fn a_constant_difference_is_certain() {
        let paired = paired_ratio(&[(1.0, 1.0), (2.0, 1.0)], &[(3.0, 1.0), (4.0, 1.0)], 0.95);
        assert_eq!(paired.difference, Interval::between(2.0, 2.0, 2.0));
        assert_eq!(paired.chance, Some(0.0));
    }

    #[test]
    fn what_was_never_seen_is_bounded_by_three_in_n() {
        let paired = paired_share(&[(500, 500), (500, 500)], &[(500, 500), (500, 500)], 0.95);
        assert_eq!(paired.difference, Interval::between(0.0, -0.003, 0.003));
        let paired = paired_share(&[(500, 500), (500, 500)], &[(0, 500), (0, 500)], 0.95);
        assert_eq!(paired.difference, Interval::between(-1.0, -1.0, -1.0));
    }

    #[test]
    fn quantiles_without_enough_samples_have_no_interval() {
        let sections = |shift: f64, count| Sections {
            pooled: Some(7.0 + shift),
            each: [6.5, 7.5, 7.0].map(|v| Some(v + shift)).into(),
            count,
        };
        let few = paired_quantile(&sections(0.0, 900), &sections(1.0, 900), 0.99, 0.95);
        assert_eq!(few, Paired::point(1.0));
        let enough = paired_quantile(&sections(0.0, 1_000), &sections(1.0, 1_000), 0.99, 0.95);
        // All pairs differ alike: it is known to a bucket of what is 8 ms.
        assert_eq!(enough.difference, Interval::around(1.0, 8.0 / 1024.0));
        let one_bucket = paired_quantile(&sections(0.0, 1_000), &sections(0.005, 1_000), 0.99, 0.95);
        let ends = one_bucket.difference.ends().unwrap();
        assert!(
            ends.0 < 0.0 && ends.1 > 0.0 && one_bucket.chance.is_some_and(|chance| chance > 0.05),
            "{one_bucket:?}"
        );
        assert_eq!(paired_quantile(&Sections::default(), &sections(0.0, 1_000), 0.99, 0.95), Paired::NONE);
    }

    #[test]
    fn figures_of_unequal_runs_differ_by_welchs_t() {
        // Ten runs with a standard error of 0.5, five with one of 1.2: 17.25 − 15 = 2.25, standard error 1.3, and
        // 1.69² ÷ (0.0625 ÷ 9 + 2.0736 ÷ 4) = 5.4366 degrees of freedom.
        let of =
            |value: f64, error: f64, runs: u32| (Interval::around(value, error * two_sided(0.95, runs as usize)), runs);
        let found = unpaired(of(15.0, 0.5, 10), of(17.25, 1.2, 5), 0.95);
        near(found.difference.value, 2.25);
        let free = 1.69 * 1.69 / (0.0625 / 9.0 + 2.0736 / 4.0);
        near(found.difference.half_width(), 1.3 * t_quantile(0.975, free));
        near(found.chance, t_chance(2.25 / 1.3, free));
        assert_eq!(unpaired(of(15.0, 0.5, 10), (Interval::point(17.0), 1), 0.95), Paired::point(2.0));
        assert_eq!(unpaired((Interval::NONE, 10), of(1.0, 0.1, 10), 0.95), Paired::NONE);
    }

    #[test]
    fn holm_stops_at_the_first_that_may_be_chance() {
        // 0.010 · 3 and 0.020 · 2 are below 0.05, 0.06 is not.
        assert_eq!(holm(&[Some(0.020), Some(0.010), Some(0.06)], 0.95), [true, true, false]);
        // 0.02 · 3 is not, so none stands, though 0.02 alone would.
        assert_eq!(holm(&[Some(0.020), Some(0.021), Some(0.022)], 0.95), [false, false, false]);
        assert_eq!(holm(&[None, Some(0.001)], 0.95), [false, true]);
        assert_eq!(holm(&[Some(0.04)], 0.95), [true]);
    }
}
