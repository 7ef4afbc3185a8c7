//! Which of the smallest thresholds is the one that so many reach, and between which ones it lies.

use crate::experiment::estimate::CONFIDENCE;

/// Ranks among thresholds in ascending order, from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ranks {
    /// Seeds.
    pub(super) seeds: u32,
    /// The largest load that a share of at least `probability` of the seeds reaches.
    pub(super) at: usize,
    /// The ends of its interval.
    pub(super) low: usize,
    pub(super) high: usize,
}

impl Ranks {
    /// Of a probability; as many seeds as an interval takes, or more where that is asked for.
    pub(super) fn of(probability: f64, asked: u32) -> Self {
        let tail = 0.5 * (1.0 - CONFIDENCE);
        // That none of them lies below must be rarer than the tail.
        let least = libm::ceil(libm::log(tail) / libm::log(probability)) as u32;
        let seeds = least.max(asked).max(2);
        let below = 1.0 - probability;
        // As many lie below the quantile with a probability that is binomial.
        let mut up_to = 0.0;
        let (mut low, mut high) = (1, seeds as usize);
        for k in 0..=seeds as usize {
            up_to += chance(k, seeds as usize, below);
            if up_to <= tail {
                low = k + 1;
            }
            if up_to >= 1.0 - tail {
                high = (k + 1).min(seeds as usize);
                break;
            }
        }
        let at = ((below * f64::from(seeds) + 1e-9) as usize + 1).clamp(low, high);
        Self { seeds, at, low, high }
    }
}

/// The probability of k among n.
fn chance(k: usize, n: usize, p: f64) -> f64 {
    let ways = libm::lgamma(n as f64 + 1.0) - libm::lgamma(k as f64 + 1.0) - libm::lgamma((n - k) as f64 + 1.0);
    libm::exp(ways + k as f64 * libm::log(p) + (n - k) as f64 * libm::log1p(-p))
}

/// How often tosses of a coin fall so often, or more often, on the one side.
pub(super) fn sign_chance(one: usize, other: usize) -> f64 {
    (one..=one + other).map(|k| chance(k, one + other, 0.5)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_seeds_have_an_interval() {
        // 0.95⁷² = 0.0249: that none of 72 is below is rarer than 2.5 %.
        let ranks = Ranks::of(0.95, 10);
        assert_eq!((ranks.seeds, ranks.at, ranks.low), (72, 4, 1));
        // Of 72, 9 or more are below the 5 % quantile in 1 % of all cases, 8 or more in 2.7 % (binomial).
        let beyond: f64 = (ranks.high..=72).map(|k| chance(k, 72, 0.05)).sum();
        assert!(beyond <= 0.025 && beyond + chance(ranks.high - 1, 72, 0.05) > 0.025, "{ranks:?} {beyond}");
        assert_eq!(Ranks::of(0.5, 10).seeds, 10);
        assert_eq!(Ranks::of(0.5, 10).at, 6);
    }

    #[test]
    fn a_coin_is_a_coin() {
        assert!((sign_chance(5, 0) - 1.0 / 32.0).abs() < 1e-12 && (sign_chance(0, 5) - 1.0).abs() < 1e-12);
        assert!((sign_chance(2, 1) - 0.5).abs() < 1e-12);
    }
}
