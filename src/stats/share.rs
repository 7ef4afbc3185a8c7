//! Shares of trials: what failed, what had to wait. Rare outcomes come in clusters, and few clusters make no normal
//! distribution.
//!
//! The rarer of the two outcomes is counted in units (windows of time that are longer than a cluster, and whole
//! replications). How much more its counts vary than independent ones would is how many make a cluster; clusters are
//! independent, and their number has the interval of a Poisson count (Garwood, "Fiducial limits for the Poisson
//! distribution", 1936). Student's t over the replications is taken as well, and of both the farther ends.

use super::gamma::gamma_quantile;
use super::student::beta_quantile;
use super::{Interval, ratio};

/// What is known of how trials hang together.
#[derive(Clone, Copy, Debug)]
pub struct Clusters<'a> {
    /// For each window of time, longer than a cluster, (successes, trials) in it by replication; none where only whole
    /// replications are known.
    pub windows: &'a [Vec<(u64, u64)>],
    /// How many trials in a row share a fate, as far as anything else tells ([`super::persistence`]); 1 where they are
    /// independent. It bounds what was not seen at all: −ln(1 − confidence) × `persistence` ÷ trials, never an interval
    /// of no width.
    pub persistence: f64,
}

/// (Successes, trials) per replication: an interval of the share of successes, of which nothing else is known.
pub fn proportion(parts: &[(u64, u64)], confidence: f64) -> Interval {
    clustered(parts, Clusters { windows: &[], persistence: 1.0 }, confidence)
}

/// (Successes, trials) per replication: an interval of the share of successes, for trials that come in clusters.
pub fn clustered(parts: &[(u64, u64)], of: Clusters<'_>, confidence: f64) -> Interval {
    let (hits, trials) = sum(parts);
    if trials == 0 {
        return Interval::NONE;
    }
    let float: Vec<(f64, f64)> = parts.iter().map(|(hits, trials)| (*hits as f64, *trials as f64)).collect();
    let common = ratio(&float, confidence);
    if hits == 0 || hits == trials {
        let rare = unseen(trials, of.persistence, confidence);
        let (low, high) = if hits == 0 { (0.0, rare) } else { (1.0 - rare, 1.0) };
        return Interval { low: Some(low), high: Some(high), ..common };
    }
    let Some((low, high)) = common.ends() else { return common };
    let (few_low, few_high) = few(parts, of.windows, confidence);
    // What was seen to happen is no longer certain not to: where Student's t leaves the shares there are, counting decides.
    let low = if low > 0.0 { low.min(few_low).max(0.0) } else { few_low.clamp(0.0, hits as f64 / trials as f64) };
    let high = if high < 1.0 { high.max(few_high).min(1.0) } else { few_high.clamp(hits as f64 / trials as f64, 1.0) };
    Interval { low: Some(low), high: Some(high), ..common }
}

fn sum(parts: &[(u64, u64)]) -> (u64, u64) {
    parts.iter().fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1))
}

/// What share may have been missed when none of `trials` had it. −ln(1 − confidence) is 3 at 95 %; it is never taken
/// below.
pub(super) fn unseen(trials: u64, persistence: f64, confidence: f64) -> f64 {
    ((-libm::log1p(-confidence)).max(3.0) * persistence.max(1.0) / trials as f64).min(1.0)
}

/// From so many on, counts that vary less than independent ones are believed.
const MANY: f64 = 400.0;

/// The ends by counting clusters of the rarer outcome.
fn few(parts: &[(u64, u64)], windows: &[Vec<(u64, u64)>], confidence: f64) -> (f64, f64) {
    let (hits, trials) = sum(parts);
    let good_is_rare = 2 * hits < trials;
    let count = (if good_is_rare { hits } else { trials - hits }) as f64;
    let by_run = dispersion(&[parts], good_is_rare);
    let by_window: Dispersion = if windows.is_empty() { by_run } else { dispersion(windows, good_is_rare) };
    // Where clusters are few, the largest is mostly still to be seen: one more window as bad as the worst is supposed.
    let cluster = by_run.size.max(by_window.size + by_window.worst);
    // Few that by chance are spread evenly are no less independent for it.
    let cluster = if count < MANY { cluster.max(1.0 - count / trials as f64) } else { cluster };
    if cluster <= 0.0 {
        return (1.0, 0.0);
    }
    let tail = 0.5 * (1.0 - confidence);
    let end = |clusters: f64, p: f64| cluster * gamma_quantile(p, clusters) / trials as f64;
    let (low, high) = (end(count / cluster, tail), end(count / cluster + 1.0, 1.0 - tail));
    if good_is_rare { (low, high) } else { (1.0 - high, 1.0 - low) }
}

/// How many times more counts vary than independent ones.
#[derive(Clone, Copy)]
struct Dispersion {
    /// That is the size of a cluster.
    size: f64,
    /// What one more unit like the worst would add to it.
    worst: f64,
}

/// How the rarer outcome varies between the replications within the same window, whatever happens from window to window.
fn dispersion<W: AsRef<[(u64, u64)]>>(windows: &[W], good_is_rare: bool) -> Dispersion {
    let (mut count, mut squares, mut worst) = (0.0, 0.0, 0.0_f64);
    for window in windows {
        let window = window.as_ref();
        let rare = |(hits, trials): (u64, u64)| (if good_is_rare { hits } else { trials - hits.min(trials) }) as f64;
        let (hits, trials) = sum(window);
        let (found, runs) = (rare((hits, trials)), window.len() as f64);
        count += found;
        if found == 0.0 || runs < 2.0 {
            continue;
        }
        let apart = |part: &(u64, u64)| rare(*part) - found / trials as f64 * part.1 as f64;
        let each = window.iter().map(|part| apart(part) * apart(part));
        squares += each.clone().sum::<f64>() * runs / (runs - 1.0);
        worst = each.fold(worst, f64::max);
    }
    if count > 0.0 {
        Dispersion { size: squares / count, worst: worst / count }
    } else {
        Dispersion { size: 0.0, worst: 0.0 }
    }
}

/// The share of windows that had something, of `windows` of which `with` had it: exact binomial ends (Clopper, Pearson,
/// "The use of confidence or fiducial limits", 1934); where none had it, at most 1 − (1 − `confidence`)^(1 ÷ windows).
pub fn share_of_windows(with: u64, windows: u64, confidence: f64) -> Interval {
    if windows == 0 {
        return Interval::NONE;
    }
    let (k, n) = (with as f64, windows as f64);
    let one_sided = 1.0 - libm::pow(1.0 - confidence, 1.0 / n);
    if with == 0 {
        return Interval::between(0.0, 0.0, one_sided);
    }
    if with >= windows {
        return Interval::between(1.0, 1.0 - one_sided, 1.0);
    }
    let tail = 0.5 * (1.0 - confidence);
    let low = beta_quantile(tail, k, n - k + 1.0);
    let high = beta_quantile(1.0 - tail, k + 1.0, n - k);
    Interval::between(k / n, low, high)
}

#[cfg(test)]
#[path = "share_tests.rs"]
mod tests;
