//! A law for measured times: the simplest that cannot be told from them, else the measured quantiles themselves.
//!
//! How far a law is from the samples is the largest distance D of their distribution functions (Kolmogorov, Smirnov), also where a law
//! jumps. Parameters are taken from the samples, so the usual critical values would be too kind: those at 1 % are 1.308 for an
//! exponential, of (D - 0.2 ÷ n)(√n + 0.26 + 0.5 ÷ √n), and 1.035 for a normal, of D(√n - 0.01 + 0.85 ÷ √n) (Stephens, "EDF statistics
//! for goodness of fit and some comparisons", 1974, table 1), which is what the logarithms of a log-normal are; the other two families
//! of two parameters are judged by the same.

use statrs::distribution::{ContinuousCDF as _, Gamma, LogNormal};

/// A law that was fitted, as the scenario file writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The value of `work = …`.
    pub toml: String,
    /// What it is, in a word.
    pub family: &'static str,
    /// Largest distance between its distribution function and the samples'.
    pub distance: f64,
    /// Whether samples of it would look like these.
    pub holds: bool,
}

/// The law of some times in nanoseconds; `None` without any. What was tried stands behind it, the nearest first.
pub fn fit(samples: &[f64]) -> Option<(Fitted, Vec<Fitted>)> {
    let mut sorted: Vec<f64> = samples.iter().copied().filter(|x| x.is_finite() && *x >= 0.0).collect();
    sorted.sort_by(f64::total_cmp);
    let (first, last) = (*sorted.first()?, *sorted.last()?);
    let n = sorted.len() as f64;
    let mean = sorted.iter().sum::<f64>() / n;
    if last - first <= 0.01 * mean || mean < 1.0 {
        let constant = Fitted { toml: time(mean), family: "constant", distance: 0.0, holds: true };
        return Some((constant.clone(), vec![constant]));
    }
    if sorted.len() < FEWEST {
        let toml = format!("{{ mean = {} }}", time(mean));
        let few = Fitted { toml, family: "exponential", distance: f64::NAN, holds: false };
        return Some((few.clone(), vec![few]));
    }
    let mut tried = families(&sorted, mean);
    // The simplest that holds; of those that do not, the quantiles as they are.
    let chosen = tried.iter().find(|law| law.holds).cloned().unwrap_or_else(|| quantiles(&sorted));
    tried.push(quantiles(&sorted));
    tried.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    Some((chosen, tried))
}

/// Fewer samples say nothing of a shape.
const FEWEST: usize = 8;

/// The families that are tried, the simplest first.
fn families(sorted: &[f64], mean: f64) -> Vec<Fitted> {
    let n = sorted.len() as f64;
    let var = sorted.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
    let cv = var.sqrt() / mean;
    let mut all =
        vec![judged(sorted, "exponential", format!("{{ mean = {} }}", time(mean)), |x| 1.0 - (-x / mean).exp())];
    all.extend(lognormal(sorted));
    let shape = 1.0 / (cv * cv);
    if let Ok(law) = Gamma::new(shape, shape / mean) {
        let toml = format!("{{ dist = \"gamma\", mean = {}, cv = {} }}", time(mean), short(cv));
        all.push(judged(sorted, "gamma", toml, |x| law.cdf(x)));
    }
    let half = 3f64.sqrt() * cv * mean;
    if half < mean {
        let (low, high) = (mean - half, mean + half);
        let toml = format!("{{ dist = \"uniform\", min = {}, max = {} }}", time(low), time(high));
        all.push(judged(sorted, "uniform", toml, |x| ((x - low) / (high - low)).clamp(0.0, 1.0)));
    }
    all
}

/// The log-normal of the samples' logarithms; none where one of them is nothing.
fn lognormal(sorted: &[f64]) -> Option<Fitted> {
    if sorted[0] <= 0.0 {
        return None;
    }
    let n = sorted.len() as f64;
    let middle = sorted.iter().map(|x| x.ln()).sum::<f64>() / n;
    let spread = sorted.iter().map(|x| (x.ln() - middle) * (x.ln() - middle)).sum::<f64>() / (n - 1.0);
    let law = LogNormal::new(middle, spread.sqrt()).ok()?;
    let (mean, cv) = ((middle + 0.5 * spread).exp(), spread.exp_m1().sqrt());
    let toml = format!("{{ dist = \"lognormal\", mean = {}, cv = {} }}", time(mean), short(cv));
    (mean.is_finite() && cv.is_finite()).then(|| judged(sorted, "lognormal", toml, |x| law.cdf(x)))
}

/// A family without jumps, with how far it is.
fn judged(sorted: &[f64], family: &'static str, toml: String, below: impl Fn(f64) -> f64) -> Fitted {
    let distance = distance(sorted, |x| [below(x); 2]);
    let (n, root) = (sorted.len() as f64, (sorted.len() as f64).sqrt());
    let holds = if family == "exponential" {
        (distance - 0.2 / n) * (root + 0.26 + 0.5 / root) < 1.308
    } else {
        distance * (root - 0.01 + 0.85 / root) < 1.035
    };
    Fitted { toml, family, distance, holds }
}

/// The largest distance between the samples' distribution function and a law's, which is asked for its value just before a time and at
/// it: both may jump there.
fn distance(sorted: &[f64], below: impl Fn(f64) -> [f64; 2]) -> f64 {
    let n = sorted.len() as f64;
    let (mut before, mut far) = (0, 0.0_f64);
    for same in sorted.chunk_by(|a, b| a == b) {
        let until = before + same.len();
        let of = below(same[0]);
        far = far.max((of[0] - before as f64 / n).abs()).max((of[1] - until as f64 / n).abs());
        before = until;
    }
    far
}

/// Quantiles between which the samples are spread evenly.
const CUTS: [f64; 14] = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.995, 0.999];

/// The samples' own quantiles: even between two of them.
fn quantiles(sorted: &[f64]) -> Fitted {
    let ends = ends_of(sorted);
    let distance = distance(sorted, |x| [up_to(&ends, x, |end| end < x), up_to(&ends, x, |end| end <= x)]);
    Fitted { toml: pieces(&ends), family: "quantiles", distance, holds: true }
}

/// The ends between which samples are spread evenly, each with the share below.
fn ends_of(sorted: &[f64]) -> Vec<(f64, f64)> {
    let n = sorted.len();
    let at = |q: f64| sorted[((q * n as f64) as usize).min(n - 1)];
    // At least four samples lie between two cuts.
    let cuts: Vec<f64> = CUTS.into_iter().filter(|q| q.min(1.0 - q) * n as f64 >= 4.0).collect();
    let mut ends = vec![(0.0, sorted[0])];
    ends.extend(cuts.into_iter().map(|q| (q, at(q))));
    ends.push((1.0, sorted[n - 1]));
    refine(&mut ends, at);
    ends
}

/// The share of a law that is even between ends up to a time: `past` says which ends are before it.
fn up_to(ends: &[(f64, f64)], x: f64, past: impl Fn(f64) -> bool) -> f64 {
    let next = ends.partition_point(|(_, end)| past(*end));
    let (Some((p, a)), Some((q, b))) = (next.checked_sub(1).map(|last| ends[last]), ends.get(next)) else {
        return if next == 0 { 0.0 } else { 1.0 };
    };
    if *b > a { p + (q - p) * ((x - a) / (b - a)).clamp(0.0, 1.0) } else { *q }
}

/// Cuts where the samples are far from even between two ends, the worst first, until what is off is next to nothing of their mean: of
/// times of two kinds (a hit and a miss, an answer and a timeout) one stretch would hold both and everything in between.
fn refine(ends: &mut Vec<(f64, f64)>, at: impl Fn(f64) -> f64) {
    let mean = (0..TICKS).map(|tick| at(share_of(tick))).sum::<f64>() / TICKS as f64;
    while ends.len() < MOST_ENDS {
        let stretches = ends.windows(2).enumerate().map(|(nth, pair)| (nth, bend(pair[0], pair[1], &at)));
        let Some((nth, (off, tick))) = stretches.max_by(|a, b| a.1.0.total_cmp(&b.1.0)) else { return };
        if off < 0.002 * mean * TICKS as f64 {
            return;
        }
        ends.insert(nth + 1, (share_of(tick), at(share_of(tick))));
    }
}

/// How far the samples between two ends are from even, summed over the ticks between them, and the tick at which they are farthest.
fn bend((p, a): (f64, f64), (q, b): (f64, f64), at: impl Fn(f64) -> f64) -> (f64, usize) {
    let [first, last] = [p, q].map(|share| (share * TICKS as f64).round() as usize);
    let off = |tick: usize| {
        let even = a + (b - a) * (tick - first) as f64 / (last - first) as f64;
        (at(share_of(tick)) - even).abs()
    };
    let (mut sum, mut worst) = (0.0, (0.0, first));
    for tick in first + 1..last {
        let own = off(tick);
        sum += own;
        if own > worst.0 {
            worst = (own, tick);
        }
    }
    (sum, worst.1)
}

fn share_of(tick: usize) -> f64 {
    tick as f64 / TICKS as f64
}

/// Shares are written in so many parts of all.
const TICKS: usize = 10_000;

/// So many ends at most; a law is to be read by people, too.
const MOST_ENDS: usize = 40;

/// A law that is even between ends: their shares from below and the times, ns.
pub(super) fn pieces(ends: &[(f64, f64)]) -> String {
    let mut parts = Vec::new();
    for ((p, a), (q, b)) in merged(ends) {
        let share = (q - p) * TICKS as f64 + 1e-3;
        if share < 1.0 {
            continue;
        }
        // Rounded down: the last takes what is left of all.
        let share = format!("share = {}", short(share.floor() / TICKS as f64));
        let (low, high) = (time(a), time(b));
        parts.push(if low == high {
            format!("{{ {share}, value = {low} }}")
        } else {
            format!("{{ {share}, dist = \"uniform\", min = {low}, max = {high} }}")
        });
    }
    // Shares that were rounded add up again where the last takes the rest.
    if let Some(last) = parts.last_mut()
        && let Some((_, rest)) = last.split_once(", ")
    {
        *last = format!("{{ {rest}");
    }
    format!("{{ mix = [{}] }}", parts.join(", "))
}

/// The stretches between ends; neighbours on which nothing changes are one.
fn merged(ends: &[(f64, f64)]) -> Vec<((f64, f64), (f64, f64))> {
    let same = |one: f64, other: f64| time(one) == time(other);
    let mut merged: Vec<((f64, f64), (f64, f64))> = Vec::new();
    for pair in ends.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        match merged.last_mut() {
            Some((first, last)) if same(first.1, last.1) && same(last.1, to.1) => *last = to,
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// A time in four digits, with its unit, in quotes.
pub(super) fn time(nanos: f64) -> String {
    let (of, unit) = match nanos {
        x if x >= 1e9 => (1e9, "s"),
        x if x >= 1e6 => (1e6, "ms"),
        x if x >= 1e3 => (1e3, "us"),
        _ => (1.0, "ns"),
    };
    format!("\"{}{unit}\"", short(nanos / of))
}

/// A number in four digits.
pub(super) fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".into();
    }
    let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::dist::{Dist, Law};
    use crate::random::{Draw, Lineage, Purpose};

    fn drawn(law: &Law, n: u64, seed: u64) -> Vec<f64> {
        let dist = Dist::new(law).unwrap();
        (0..n).map(|i| dist.sample_f64(&mut Draw::new(seed, Lineage::root(1, i), Purpose::Work, 0))).collect()
    }

    #[test]
    fn the_family_that_was_drawn_is_found() {
        let mean = 5e6;
        for (law, family) in [
            (Law::Exponential { mean }, "exponential"),
            (Law::Lognormal { mean, cv: 0.8 }, "lognormal"),
            (Law::Gamma { mean, cv: 0.5 }, "gamma"),
            (Law::Uniform { min: 1e6, max: 9e6 }, "uniform"),
            (Law::Constant { value: mean }, "constant"),
        ] {
            // A right family is refused in one of a hundred samples.
            let found = (1..=20).filter(|seed| fit(&drawn(&law, 2_000, *seed)).unwrap().0.family == family).count();
            assert!(found >= 18, "{family}: {found} of 20");
        }
    }

    #[test]
    fn what_is_of_no_family_keeps_its_quantiles() {
        let mut two = drawn(&Law::Exponential { mean: 1e6 }, 2_000, 3);
        two.extend(drawn(&Law::Uniform { min: 50e6, max: 51e6 }, 1_000, 3));
        let (found, tried) = fit(&two).unwrap();
        assert_eq!(found.family, "quantiles");
        assert!(found.distance < 0.08 && tried.iter().any(|law| law.family == "lognormal" && !law.holds), "{tried:?}");
        assert!(fit(&[]).is_none());
    }

    /// One answer in a hundred takes a second: nothing lies between the two kinds, and the mean is that of the samples.
    #[test]
    fn two_kinds_of_times_do_not_run_into_each_other() {
        let mut two = drawn(&Law::Lognormal { mean: 4e6, cv: 0.3 }, 19_800, 3);
        two.extend(drawn(&Law::Uniform { min: 990e6, max: 1_010e6 }, 200, 3));
        let mut sorted = two.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |q: f64| sorted[((q * 20_000.0) as usize).min(19_999)];
        let mut ends = vec![(0.0, at(0.0)), (0.95, at(0.95)), (1.0, at(1.0))];
        refine(&mut ends, at);
        let mean: f64 = ends.windows(2).map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0).sum();
        let of_samples = two.iter().sum::<f64>() / 20_000.0;
        assert!((mean / of_samples - 1.0).abs() < 0.02, "{mean} {of_samples}");
        let between: f64 = ends
            .windows(2)
            .filter(|pair| pair[0].1 < 20e6 && pair[1].1 > 900e6)
            .map(|pair| pair[1].0 - pair[0].0)
            .sum();
        assert!(between <= 2e-4, "{between}: {ends:?}");
        assert!(ends.len() < MOST_ENDS, "{}", ends.len());
        assert_eq!(fit(&two).unwrap().0.family, "quantiles");
    }

    /// Stephens' bound for ten times is 0.385; a hundred thousand draws say 0.382, and 1.308 ÷ √10 would be 0.414.
    #[test]
    fn few_times_are_judged_by_their_number() {
        let times: Vec<f64> = (0..10).map(f64::from).collect();
        let far = |d: f64| judged(&times, "exponential", String::new(), |x| (x / 10.0 + d).min(1.0));
        assert!(far(0.38).holds && !far(0.406).holds, "{:?}", far(0.406));
    }

    #[test]
    fn where_both_jump_there_is_no_distance() {
        let mut two = vec![18e6; 500];
        two.extend([25e6; 500]);
        assert!(quantiles(&two).distance < 1e-3, "{:?}", quantiles(&two));
        // Of a hundred and twenty times of two kinds the mean is kept.
        let mut few = drawn(&Law::Lognormal { mean: 4e6, cv: 0.3 }, 110, 3);
        few.extend([60e6; 10]);
        few.sort_by(f64::total_cmp);
        let ends = ends_of(&few);
        let mean: f64 = ends.windows(2).map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0).sum();
        let of_samples = few.iter().sum::<f64>() / 120.0;
        assert!((mean / of_samples - 1.0).abs() < 0.02, "{mean} {of_samples} {ends:?}");
    }

    #[test]
    fn what_never_varies_is_a_constant() {
        assert_eq!(fit(&[2e6, 2e6]).unwrap().0.toml, "\"2ms\"");
    }

    #[test]
    fn numbers_are_short_and_right() {
        assert_eq!([short(0.05), short(12.0), short(123_456.0), short(1.0 / 3.0)], ["0.05", "12", "123456", "0.3333"]);
        assert_eq!([time(1.5e6), time(250.0), time(2e9)], ["\"1.5ms\"", "\"250ns\"", "\"2s\""]);
    }
}
