//! Retries: a call that failed is tried again.
//!
//! `retries = { max = 2, on = ["timeout", "connect_failed"], backoff = "20ms", backoff_max = "200ms", jitter = "full",
//! budget = "10%" }`. `max` counts the tries after the first. A failure that `on` does not name ends the call. Before
//! retry i (from 0) the caller waits v = min(`backoff_max`, `backoff` × `backoff_factor`^i) with the jitter: `none` v, `full`
//! between 0 and v, `equal` between v/2 and v, `decorrelated` between `backoff` and three times the last wait, at most
//! `backoff_max`, `"20%"` v ± 20 %, `envoy` between 0 and min(`backoff_max`, `backoff` × 2^i), whatever `backoff_factor` says.
//! A wait that passes the deadline ends the call at the deadline. With `other_replica = true` a replica that the call has
//! tried already is drawn anew, up to five times, and then taken; a breaker or DNS that knows of no other leaves none. Where
//! connections are bound to replicas, a try goes where its connection goes.
//!
//! Jitter spreads retries over time; only a budget bounds how many there are. k layers that each try r times
//! multiply: r^k tries reach the bottom when it fails.
//!
//! Formulas: Brooker, "Exponential Backoff and Jitter" (AWS, 2015); gRPC proposal A6; Envoy's `backoff_strategy.cc` (the page
//! of its router filter says 2ⁿ − 1, the code has doubled since 2020), and its `previous_hosts` retry predicate
//! (`source/extensions/retry/host/previous_hosts/previous_hosts.h`: a host is refused if it is among those attempted) with
//! `host_selection_retry_max_attempts: 5`, as Istio writes it into its sidecars' routes.

use crate::units::Span;

use super::super::id::LawId;
use super::{BudgetSpec, OutcomeSet};

/// Retries as run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    /// Tries after the first.
    pub max: u32,
    /// Failures that are tried again.
    pub on: OutcomeSet,
    /// How long to wait before each.
    pub backoff: Backoff,
    /// Whether a retry avoids the replicas that the call has tried already.
    pub other_replica: bool,
    /// What bounds the retries of all calls together.
    pub budget: Option<BudgetSpec>,
}

/// How long a caller waits before a retry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Backoff {
    /// When waits grow by a factor.
    Exponential(Exponential),
    /// When every wait is drawn alike.
    Law(LawId),
}

/// Waits that grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    /// The first wait.
    pub base: Span,
    /// How much longer each wait is than the one before.
    pub factor: f64,
    /// The longest wait, before jitter by a share.
    pub max: Span,
    /// How it is spread.
    pub jitter: Jitter,
}

/// How a wait is spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Jitter {
    /// When it is not.
    None,
    /// When it lies between nothing and the whole wait.
    Full,
    /// When it lies between half of the wait and the whole.
    Equal,
    /// When it lies between the base and three times the wait before.
    Decorrelated,
    /// When it lies within this share below and above the wait.
    Share(f64),
    /// When it lies between nothing and 2ⁿ times the base, n from 0, as in Envoy.
    Envoy,
}

impl Exponential {
    /// The wait before retry `nth` (from 0). `previous` is the wait before that, zero before the first; `u` is uniform in
    /// [0, 1).
    pub fn wait(&self, nth: u32, previous: Span, u: f64) -> Span {
        let (base, max) = (self.base.0 as f64, self.max.0 as f64);
        let plain = self.plain(nth);
        let nanos = match self.jitter {
            Jitter::None => plain,
            Jitter::Full => plain * u,
            Jitter::Equal => plain / 2.0 * (1.0 + u),
            Jitter::Decorrelated => {
                let before = if previous == Span::ZERO { base } else { previous.0 as f64 };
                (base + (3.0 * before - base).max(0.0) * u).min(max)
            }
            Jitter::Share(share) => plain * (1.0 + share * (2.0 * u - 1.0)),
            Jitter::Envoy => self.envoy(nth) * u,
        };
        Span(nanos.round() as u64)
    }

    /// The longest that the wait before retry `nth` (from 0) can be.
    pub fn longest(&self, nth: u32) -> Span {
        let nanos = match self.jitter {
            Jitter::None | Jitter::Full | Jitter::Equal => self.plain(nth),
            Jitter::Decorrelated => (self.base.0 as f64 * libm::pow(3.0, nth as f64 + 1.0)).min(self.max.0 as f64),
            Jitter::Share(share) => self.plain(nth) * (1.0 + share),
            Jitter::Envoy => self.envoy(nth),
        };
        Span(nanos.round() as u64)
    }

    fn plain(&self, nth: u32) -> f64 {
        (self.base.0 as f64 * libm::pow(self.factor, nth as f64)).min(self.max.0 as f64)
    }

    fn envoy(&self, nth: u32) -> f64 {
        (self.base.0 as f64 * libm::pow(2.0, f64::from(nth))).min(self.max.0 as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn backoff(base: u64, max: u64, jitter: Jitter) -> Exponential {
        Exponential { base: Span(base * MS), factor: 2.0, max: Span(max * MS), jitter }
    }

    fn mean_sum(rule: &Exponential, retries: u32) -> f64 {
        let mut sum = 0.0;
        // A grid over the unit square of two draws is enough for waits that do not depend on each other.
        for k in 0..1_000 {
            for nth in 0..retries {
                sum += rule.wait(nth, Span::ZERO, (k as f64 + 0.5) / 1_000.0).as_secs_f64();
            }
        }
        sum / 1_000.0
    }

    #[test]
    fn waits_add_up_as_the_formulas_say() {
        for (base, max, retries, total) in [(100, 1_000_000_000, 4, 1.5), (100, 2_000, 8, 9.1), (5, 2_000, 10, 4.555)] {
            let sum = |jitter| mean_sum(&backoff(base, max, jitter), retries);
            assert!((sum(Jitter::None) - total).abs() < 1e-9);
            assert!((sum(Jitter::Equal) - 0.75 * total).abs() < 1e-6);
            assert!((sum(Jitter::Full) - 0.5 * total).abs() < 1e-6);
            assert!((sum(Jitter::Share(0.2)) - total).abs() < 1e-6);
        }
    }

    #[test]
    fn decorrelated_waits_follow_the_last_one() {
        let rule = backoff(100, 2_000, Jitter::Decorrelated);
        assert_eq!(rule.wait(0, Span::ZERO, 0.5), Span(200 * MS));
        assert_eq!(rule.wait(1, Span(200 * MS), 0.5), Span(350 * MS));
        assert_eq!(rule.wait(2, Span(1_500 * MS), 0.999), Span(2_000 * MS));
        assert_eq!(rule.longest(0), Span(300 * MS));
        assert_eq!(rule.longest(9), Span(2_000 * MS));
    }

    #[test]
    fn envoy_waits_below_25_50_100_200_and_250_ms() {
        let rule = backoff(25, 250, Jitter::Envoy);
        let longest: Vec<u64> = (0..5).map(|nth| rule.longest(nth).0 / MS).collect();
        assert_eq!(longest, [25, 50, 100, 200, 250]);
        assert_eq!(rule.wait(2, Span::ZERO, 0.0), Span::ZERO);
    }
}
