//! Probes that ask a replica whether it works.

use crate::units::{Span, Time};

/// Probes as planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Time between two probes of a replica.
    pub every: Span,
    /// So many in a row fail before it is out.
    pub failures: u32,
}

impl Readiness {
    /// A probe every 10 s, three failures: Kubernetes' defaults.
    pub const USUAL: Self = Self { every: Span(10_000_000_000), failures: 3 };

    /// When the nth probe (from 1) after `since` comes, of a replica that is probed at `phase` and every so often after it.
    pub fn nth_after(&self, since: Time, phase: Span, nth: u32) -> Time {
        let every = self.every.0;
        let passed = if since.0 < phase.0 { 0 } else { (since.0 - phase.0) / every + 1 };
        Time(phase.0 + (passed + u64::from(nth.max(1)) - 1) * every)
    }

    /// When a replica whose state has been as it is since then is taken out (or, if it `works`, back).
    pub fn noticed(&self, since: Time, phase: Span, works: bool) -> Time {
        self.nth_after(since, phase, if works { 1 } else { self.failures })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_replica_that_dies_is_noticed_by_the_third_probe_after() {
        let probes = Readiness { every: Span(10 * SECOND), failures: 3 };
        let at = |since: u64, works| probes.noticed(Time(since * SECOND), Span(4 * SECOND), works).0 / SECOND;
        // Probes at 4, 14, 24, 34, …
        assert_eq!([at(0, false), at(3, false), at(4, false), at(5, false), at(14, false)], [24, 24, 34, 34, 44]);
        assert_eq!([at(0, true), at(4, true), at(25, true)], [4, 14, 34]);
    }

    #[test]
    fn over_all_phases_it_takes_twenty_to_thirty_seconds() {
        let probes = Readiness { every: Span(10 * SECOND), failures: 3 };
        let waits =
            (0..10).map(|phase| probes.noticed(Time(100 * SECOND), Span(phase * SECOND), false).0 / SECOND - 100);
        let waits: Vec<u64> = waits.collect();
        assert_eq!((waits.iter().min(), waits.iter().max()), (Some(&21), Some(&30)));
    }
}
