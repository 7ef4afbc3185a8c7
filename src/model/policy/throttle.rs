//! Adaptive throttling: a caller refuses as many calls itself as the callee would.
//!
//! `adaptive_throttle = { k = 2.0, window = "2m" }`: of the requests of the last `window`, so many were accepted; the next is
//! refused with probability max(0, (requests − k × accepts) ÷ (requests + 1)), and `rate_limited` is what it ends with.
//! Requests refused here count as requests. A callee overloaded for good gets k times what it accepts: a smaller k spares it
//! more, and notices later that it has recovered. What the callee answered, be it with an error, was accepted.
//!
//! Source: "Handling Overload", Site Reliability Engineering (Google, 2016).

use crate::units::{Span, Time};

use super::super::outcome::Outcome;
use super::Verdict;
use super::window::Trailing;

/// Buckets of the window: two seconds each for the default of two minutes.
const BUCKETS: usize = 60;

/// Throttling as run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThrottleSpec {
    /// Requests per accept that are always let through.
    pub k: f64,
    /// How long requests are remembered.
    pub window: Span,
}

/// Requests and accepts of late.
#[derive(Clone, Debug)]
pub struct Throttle {
    k: f64,
    window: Trailing<2>,
}

const REQUESTS: usize = 0;
const ACCEPTS: usize = 1;

impl Throttle {
    /// Nothing refused yet.
    pub fn new(spec: ThrottleSpec) -> Self {
        Self { k: spec.k, window: Trailing::new(spec.window, BUCKETS) }
    }

    /// Whether a request may go; `u` is uniform in [0, 1).
    pub fn admit(&mut self, now: Time, u: f64) -> Verdict {
        let [requests, accepts] = self.window.sums(now);
        self.window.add(now, REQUESTS, 1.0);
        if u < (requests - self.k * accepts) / (requests + 1.0) {
            Verdict::Refuse(Outcome::RateLimited)
        } else {
            Verdict::Go
        }
    }

    /// A request that went has ended.
    pub fn record(&mut self, now: Time, outcome: Outcome) {
        if matches!(outcome, Outcome::Succeeded | Outcome::Error) {
            self.window.add(now, ACCEPTS, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests per second that reach a callee that accepts `capacity` of them per second, in the long run.
    fn sent(k: f64, offered: u64, capacity: u64) -> f64 {
        let mut throttle = Throttle::new(ThrottleSpec { k, window: Span(120_000_000_000) });
        let (mut went, mut u) = (0, 0.0_f64);
        for second in 0..600 {
            let mut accepted = 0;
            for nth in 0..offered {
                let now = Time(second * 1_000_000_000 + nth * 1_000_000_000 / offered);
                u = (u + 0.618_033_988_749_894_9).fract();
                if throttle.admit(now, u) != Verdict::Go {
                    continue;
                }
                went += u64::from(second >= 300);
                let takes = accepted * offered < capacity * (nth + 1);
                accepted += u64::from(takes);
                throttle.record(now, if takes { Outcome::Succeeded } else { Outcome::Overloaded });
            }
        }
        went as f64 / 300.0
    }

    #[test]
    fn the_callee_gets_k_times_what_it_accepts() {
        assert!((sent(2.0, 1_000, 100) - 200.0).abs() < 6.0, "{}", sent(2.0, 1_000, 100));
        assert!((sent(1.1, 300, 100) - 110.0).abs() < 6.0, "{}", sent(1.1, 300, 100));
        assert!((sent(2.0, 80, 100) - 80.0).abs() < 0.1);
    }
}
