//! `readiness`, `liveness`: probes that ask a replica whether it works.
//!
//! `readiness = { every = "10s", failures = 3 }` of `[discovery]` takes a replica out of the list of endpoints that has failed so
//! many probes in a row, and puts it back after the first good one. What a probe is, `probe` says:
//!
//! - `"process"` (default): it sees whether the replica is there, can be reached and goes on. Load changes nothing.
//! - `"shallow"`: it is a request like others, which needs a worker of the service for no time. Where all are taken it stands in
//!   line behind those who are there, and has failed when it has not had its turn after `timeout` (1 s). So an overload takes replicas
//!   out, the others get their load, and are taken out, too; a `panic_threshold` ends that.
//! - `"deep"`: the same, and it calls what the service calls. It fails if at one of these nobody could answer within the time: no
//!   replica that is up and has a worker free or a short line. A database that is down takes out all who use it, also for
//!   requests that would not have needed it.
//!
//! `liveness = { every = "10s", failures = 3, timeout = "1s", probe = "shallow" }` restarts a replica that has failed so many in a row:
//! what it had is lost (`reset`), and it is back after its `ready_after`. Each replica of a service or gateway is probed at a phase of
//! its own. Probes cost no CPU; a service that runs out of `cores` and not of workers passes them.
//!
//! Sources: kubernetes.io, "Configure Liveness, Readiness and Startup Probes" (defaults); alphagov/govuk-helm-charts#132,
//! mozilla/kitsune#3421 (readiness that depends on a database).

use crate::units::{Span, Time};

/// Probes as planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Time between two probes of a replica.
    pub every: Span,
    /// So many in a row fail before it is out.
    pub failures: u32,
    /// How long an answer may take.
    pub timeout: Span,
    /// What a probe sees.
    pub depth: Depth,
}

/// What a probe sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Whether the replica goes on.
    Process,
    /// Whether it has a worker for it in time.
    Shallow,
    /// And whether those could answer whom it calls.
    Deep,
}

impl Readiness {
    /// A probe every 10 s, three failures: Kubernetes' defaults.
    pub const USUAL: Self =
        Self { every: Span(10_000_000_000), failures: 3, timeout: Span(1_000_000_000), depth: Depth::Process };

    /// Whether it stands in line with requests.
    pub fn queues(&self) -> bool {
        self.depth != Depth::Process
    }

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
        let probes = Readiness { every: Span(10 * SECOND), ..Readiness::USUAL };
        let at = |since: u64, works| probes.noticed(Time(since * SECOND), Span(4 * SECOND), works).0 / SECOND;
        // Probes at 4, 14, 24, 34, …
        assert_eq!([at(0, false), at(3, false), at(4, false), at(5, false), at(14, false)], [24, 24, 34, 34, 44]);
        assert_eq!([at(0, true), at(4, true), at(25, true)], [4, 14, 34]);
    }

    #[test]
    fn over_all_phases_it_takes_twenty_to_thirty_seconds() {
        let probes = Readiness { every: Span(10 * SECOND), ..Readiness::USUAL };
        let waits =
            (0..10).map(|phase| probes.noticed(Time(100 * SECOND), Span(phase * SECOND), false).0 / SECOND - 100);
        let waits: Vec<u64> = waits.collect();
        assert_eq!((waits.iter().min(), waits.iter().max()), (Some(&21), Some(&30)));
    }
}
