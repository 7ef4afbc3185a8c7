//! `slow_start = { window = "30s", aggression = 1.0, min_weight = "10%" }` of `[discovery]`: a replica that is new in a caller's list gets
//! less at first. Envoy's rule.
//!
//! Its weight is max(`min_weight`, (t ÷ `window`)^(1 ÷ `aggression`)), t the time since it came into the list, a second at least;
//! after the window it is that of the others. A replica that fell out of the list and comes back is new; those of the beginning are
//! not. While one is new, `round_robin` takes the replica whose next turn is due (a turn lasts one over the weight: earliest deadline
//! first), and `least_request` the same with the weight divided by the caller's requests there + 1. The other balancers know no
//! weights. Where all replicas are as new as each other all have the same weight, and nothing changes.
//!
//! Sources: Envoy, *Slow start mode*; `load_balancer_impl.cc`, `applySlowStartFactor`.

use crate::random::Draw;
use crate::units::{Span, Time};

/// How new replicas are brought in, as planned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlowStart {
    /// How long a replica is new.
    pub window: Span,
    /// With more it gets more sooner; 1: in proportion to the time.
    pub aggression: f64,
    /// What it weighs at least.
    pub least: f64,
}

/// Turns while some replica is new.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Turns {
    /// By replica: when its next is due; counted in turns of weight 1.
    due: Vec<f64>,
    /// The replicas that were there when the turns were laid out.
    of: Box<[u32]>,
}

/// How long a time is at least that somebody is new.
const LEAST: Span = Span(1_000_000_000);

impl SlowStart {
    /// What a replica weighs that came at a time, beside others of weight 1.
    pub fn weight(&self, since: Time, now: Time) -> f64 {
        let new_for = now.since(since).max(LEAST);
        if new_for >= self.window {
            return 1.0;
        }
        libm::pow(new_for.0 as f64 / self.window.0 as f64, 1.0 / self.aggression).max(self.least)
    }
}

impl Turns {
    /// Whose turn it is, among `hosts` (not empty); each weighs so much now. Whoever's turns were laid out begins anywhere in its
    /// first one, so that callers who hear of a new replica at once do not all begin with the same.
    pub(super) fn next(&mut self, hosts: &[u32], weight: impl Fn(u32) -> f64, draw: &mut Draw) -> u32 {
        if *self.of != *hosts {
            let most = hosts.last().map_or(0, |last| *last as usize + 1);
            self.due = vec![0.0; most];
            self.of = hosts.into();
            for host in hosts {
                self.due[*host as usize] = draw.unit() / weight(*host);
            }
        }
        let due = |host: &&u32| self.due[**host as usize];
        let next = hosts.iter().min_by(|a, b| due(a).total_cmp(&due(b))).copied().unwrap_or(0);
        self.due[next as usize] += 1.0 / weight(next);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Lineage, Purpose};

    const SECOND: u64 = 1_000_000_000;

    fn spec(aggression: f64) -> SlowStart {
        SlowStart { window: Span(100 * SECOND), aggression, least: 0.1 }
    }

    /// Envoy's formula at some points: t/window to the 1/aggression, 10 % at least, and a second at least.
    #[test]
    fn a_new_replica_weighs_what_envoy_says() {
        let weight =
            |aggression: f64, seconds: u64| spec(aggression).weight(Time(SECOND), Time((1 + seconds) * SECOND));
        for (seconds, linear, quick) in
            [(0, 0.1, 0.1), (5, 0.1, 0.223_606_8), (25, 0.25, 0.5), (81, 0.81, 0.9), (100, 1.0, 1.0)]
        {
            assert!((weight(1.0, seconds) - linear).abs() < 1e-6, "{seconds}");
            assert!((weight(2.0, seconds) - quick).abs() < 1e-6, "{seconds}");
        }
    }

    #[test]
    fn turns_are_in_proportion_to_weights() {
        let (mut turns, mut seen) = (Turns::default(), [0u32; 3]);
        let weights = [1.0, 0.25, 0.5];
        for nth in 0..1_750 {
            let draw = &mut Draw::new(7, Lineage(nth), Purpose::Balance, 0);
            seen[turns.next(&[0, 1, 2], |host| weights[host as usize], draw) as usize] += 1;
        }
        assert!(seen.iter().zip([1_000, 250, 500]).all(|(got, due)| got.abs_diff(due) <= 2), "{seen:?}");
    }
}
