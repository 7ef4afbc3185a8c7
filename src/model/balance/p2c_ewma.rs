//! Of two distinct candidates the one with the smaller load: recent latency × (requests outstanding + 1). Linkerd's
//! balancer (Finagle's *peak EWMA*).
//!
//! The latency of a replica is remembered as a peak: a slower answer counts at once, quicker ones bring it down with
//! the weight 1 − e^(−t/10s), t the time since the last; so does time without an answer. A replica that never answered
//! counts as 30 ms. A try counts from when it set out until it ended, well or badly, so that a replica that fails fast
//! looks quick.

use crate::random::Draw;
use crate::units::{Span, Time};

use super::Memory;

/// What a replica that never answered counts as (linkerd2-proxy's `default_rtt`), ns.
const DEFAULT: f64 = 30e6;

/// Time in which a peak is forgotten to 1/e (linkerd2-proxy's `decay`), ns.
const DECAY: f64 = 10e9;

/// How long tries at a replica took of late.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// The peak, ns.
    peak: f64,
    /// When that was brought up to date.
    at: Time,
}

impl Default for Speed {
    fn default() -> Self {
        Self { peak: DEFAULT, at: Time(0) }
    }
}

impl Speed {
    /// A try took so long.
    pub(super) fn learn(&mut self, took: Span, now: Time) {
        self.peak = (took.0 as f64).max(self.toward(took.0 as f64, now));
        self.at = now;
    }

    /// What is left of the peak.
    fn now(&self, now: Time) -> f64 {
        self.toward(0.0, now)
    }

    fn toward(&self, value: f64, now: Time) -> f64 {
        let kept = libm::exp(-(now.since(self.at).0 as f64) / DECAY);
        self.peak * kept + value * (1.0 - kept)
    }
}

pub(super) fn pick(memory: &Memory, now: Time, draw: &mut Draw) -> u32 {
    let replicas = memory.count();
    let first = draw.below(replicas);
    let second = (first + 1 + draw.below(replicas - 1)) % replicas;
    let (first, second) = (memory.at(first), memory.at(second));
    let load = |replica: u32| {
        let speed = memory.speeds.get(replica as usize).copied().unwrap_or_default();
        speed.now(now) * f64::from(memory.outstanding[replica as usize] + 1)
    };
    if load(second) < load(first) { second } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_slow_answer_counts_at_once_and_is_forgotten_slowly() {
        let mut speed = Speed::default();
        speed.learn(Span(2 * MS), Time(10_000 * MS));
        let kept = 30.0 / std::f64::consts::E + 2.0 * (1.0 - 1.0 / std::f64::consts::E);
        assert!((speed.peak / 1e6 - kept).abs() < 1e-6, "{speed:?}");
        speed.learn(Span(500 * MS), Time(10_001 * MS));
        assert!((speed.peak / 1e6 - 500.0).abs() < 1e-6);
        assert!((speed.now(Time(20_001 * MS)) / 1e6 - 500.0 / std::f64::consts::E).abs() < 1e-6);
    }

    #[test]
    fn the_quicker_of_two_is_picked_until_it_has_more_to_do() {
        let mut memory = Memory::new(2);
        memory.learn(0, Span(40 * MS), Time(0));
        memory.learn(1, Span(10 * MS), Time(0));
        // The default of 30 ms was a peak for the second one, too.
        let pick = |memory: &Memory, n| {
            let draw = &mut Draw::new(7, crate::random::Lineage(n), crate::random::Purpose::Balance, 0);
            super::pick(memory, Time(1), draw)
        };
        assert!((0..50).all(|n| pick(&memory, n) == 1));
        memory.outstanding = vec![0, 1];
        assert!((0..50).all(|n| pick(&memory, n) == 0), "40 × 1 against 30 × 2");
    }
}
