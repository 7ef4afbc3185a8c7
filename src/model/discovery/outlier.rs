//! `outlier_detection = { consecutive_errors = 5, interval = "10s", base_ejection = "30s", max_ejected = "10%" }`: a
//! caller leaves out a replica that fails it, for a while. Envoy's rules and defaults.
//!
//! Each caller replica judges by its own tries alone. So many failures in a row (`error`, `overloaded`, `timeout`,
//! `reset`, `connect_failed`; a success begins anew) eject the replica at once, if no more than `max_ejected` of those in the
//! list are out then: 10 % of eight are none, so nobody is left out; with `always_eject_one = true` one always may (Envoy
//! before 1.31), but never the last one. Where there is no room the count begins anew. Every `interval` the
//! caller looks who may come back: after `base_ejection` times the number of ejections, 300 s at most. Every interval
//! that a replica was not out for takes one off that number. Callers look at phases of their own. Source:
//! `outlier_detection_impl.cc`.
//!
//! With `[discovery] panic_threshold = "50%"` a caller that is left with a smaller share of the replicas in its list sends to all
//! of them again: better one in three that answers than all requests on what is left. Envoy does so unless told otherwise
//! (`healthy_panic_threshold`, 50 %). Istio switches it off as soon as it sets outlier detection (`minHealthPercent`, 0 %), and that is
//! the default here. With `kind = "mesh"` replicas that do not answer their probes count as unhealthy, too. Source:
//! `load_balancer_impl.cc`, `isHostSetInPanic`; istio `cluster_traffic_policy.go`.
//!
//! This is what finds a replica that fails fast: readiness probes find it well, and `least_request` sends it more than
//! the others.

use crate::units::{Span, Time};

use super::super::outcome::Outcome;

/// The longest ejection, unless `base_ejection` is longer (Envoy's `max_ejection_time`).
const LONGEST: Span = Span(300_000_000_000);

/// Outlier detection as planned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutlierSpec {
    /// Failures in a row.
    pub consecutive: u32,
    /// Time between two looks at who may come back.
    pub interval: Span,
    /// How long the first ejection lasts at least.
    pub base: Span,
    /// Share of the replicas in the list that may be out.
    pub max_share: f64,
    /// Whether one may be out whatever that share is.
    pub always_one: bool,
}

/// What a caller replica has seen of the replicas of a callee.
#[derive(Clone, Debug)]
pub struct Outliers {
    hosts: Vec<Host>,
    next_look: Time,
}

#[derive(Clone, Copy, Debug, Default)]
struct Host {
    failures: u32,
    /// Ejections, less one for each interval without.
    times: u32,
    out_since: Option<Time>,
}

impl Outliers {
    /// Nothing seen of so many replicas; the first look comes after `phase`.
    pub fn new(replicas: u32, phase: Span) -> Self {
        Self { hosts: vec![Host::default(); replicas as usize], next_look: Time(phase.0) }
    }

    /// Whether a replica is left out.
    pub fn is_out(&self, replica: u32) -> bool {
        self.hosts[replica as usize].out_since.is_some()
    }

    /// A try at a replica has ended; says whether that ejects it. `listed` is how many replicas the caller knows.
    pub fn record(&mut self, spec: &OutlierSpec, replica: u32, outcome: Outcome, now: Time, listed: u32) -> bool {
        if !Self::counts(outcome) {
            return false;
        }
        let out = self.hosts.iter().filter(|host| host.out_since.is_some()).count() as u32;
        let host = &mut self.hosts[replica as usize];
        if outcome.is_good() {
            host.failures = 0;
            return false;
        }
        host.failures += 1;
        if host.failures < spec.consecutive || host.out_since.is_some() {
            return false;
        }
        host.failures = 0;
        if out >= spec.most(listed) {
            return false;
        }
        host.out_since = Some(now);
        if spec.base.0 * u64::from(host.times) < LONGEST.0 + spec.base.0 {
            host.times += 1;
        }
        true
    }

    /// Whether the next look at who may come back is due.
    #[inline]
    pub fn is_due(&self, now: Time) -> bool {
        now >= self.next_look
    }

    /// All looks that were due up to now; says how many came back.
    pub fn look(&mut self, spec: &OutlierSpec, now: Time) -> u32 {
        let mut back = 0;
        while self.is_due(now) {
            let at = self.next_look;
            for host in &mut self.hosts {
                match host.out_since {
                    None => host.times = host.times.saturating_sub(1),
                    Some(since) if at.since(since) >= spec.length(host.times) => {
                        *host = Host { failures: 0, out_since: None, ..*host };
                        back += 1;
                    }
                    Some(_) => {}
                }
            }
            self.next_look = at + spec.interval;
        }
        back
    }

    /// Whether an end of a try says anything about the replica.
    fn counts(outcome: Outcome) -> bool {
        match outcome {
            Outcome::Succeeded
            | Outcome::Error
            | Outcome::Overloaded
            | Outcome::Timeout
            | Outcome::Reset
            | Outcome::ConnectFailed => true,
            Outcome::PoolTimeout
            | Outcome::Canceled
            | Outcome::Deadline
            | Outcome::RateLimited
            | Outcome::CircuitOpen
            | Outcome::BulkheadFull
            | Outcome::NoEndpoint
            | Outcome::Abandoned
            | Outcome::Deadlock
            | Outcome::LockTimeout => false,
        }
    }
}

impl OutlierSpec {
    /// How many of so many may be out.
    pub fn most(&self, listed: u32) -> u32 {
        let share = (f64::from(listed) * self.max_share + 1e-9).floor() as u32;
        share.max(u32::from(self.always_one)).min(listed.saturating_sub(1))
    }

    /// How long the nth ejection lasts at least.
    fn length(&self, times: u32) -> Span {
        Span((self.base.0 * u64::from(times)).min(LONGEST.0.max(self.base.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    const SPEC: OutlierSpec = OutlierSpec {
        consecutive: 3,
        interval: Span(10 * SECOND),
        base: Span(30 * SECOND),
        max_share: 0.1,
        always_one: false,
    };

    fn fail(outliers: &mut Outliers, replica: u32, times: u32, at: u64) -> bool {
        (0..times).fold(false, |out, _| out | outliers.record(&SPEC, replica, Outcome::Error, Time(at * SECOND), 10))
    }

    #[test]
    fn failures_in_a_row_eject_and_a_success_begins_anew() {
        let mut outliers = Outliers::new(10, Span(5 * SECOND));
        assert!(!fail(&mut outliers, 2, 2, 1));
        outliers.record(&SPEC, 2, Outcome::Succeeded, Time(SECOND), 10);
        assert!(!fail(&mut outliers, 2, 2, 1) && !outliers.is_out(2));
        outliers.record(&SPEC, 2, Outcome::Canceled, Time(SECOND), 10);
        assert!(fail(&mut outliers, 2, 1, 1) && outliers.is_out(2));
    }

    #[test]
    fn no_more_are_out_than_may_be() {
        let mut outliers = Outliers::new(10, Span::ZERO);
        assert!(fail(&mut outliers, 0, 3, 1));
        assert!(!fail(&mut outliers, 1, 30, 1), "a tenth of ten is out");
        for (always_one, ejects) in [(false, false), (true, true)] {
            let mut few = Outliers::new(3, Span::ZERO);
            let spec = OutlierSpec { always_one, ..SPEC };
            let out = (0..3).fold(false, |out, _| out | few.record(&spec, 1, Outcome::Reset, Time(SECOND), 3));
            assert_eq!(out, ejects, "a tenth of three is none");
        }
        let half = OutlierSpec { max_share: 0.5, ..SPEC };
        assert_eq!([half.most(1), half.most(3), half.most(4), half.most(10)], [0, 1, 2, 5]);
        assert_eq!([SPEC.most(9), SPEC.most(10), SPEC.most(15), SPEC.most(20)], [0, 1, 1, 2]);
    }

    #[test]
    fn it_comes_back_at_a_look_and_stays_out_longer_each_time() {
        let mut outliers = Outliers::new(10, Span(5 * SECOND));
        let mut back = Vec::new();
        let mut out = Vec::new();
        for second in 1..200 {
            if outliers.look(&SPEC, Time(second * SECOND)) > 0 {
                back.push(second);
            }
            if fail(&mut outliers, 4, 3, second) {
                out.push(second);
            }
        }
        // Out at 1: the look at 35 is the first that is 30 s later. Out at once again: 60 s, to the look at 95; then 90 s.
        assert_eq!((out, back), (vec![1, 35, 95, 185], vec![35, 95, 185]));
    }

    #[test]
    fn intervals_without_take_ejections_off_again() {
        let mut outliers = Outliers::new(10, Span(5 * SECOND));
        fail(&mut outliers, 4, 3, 1);
        assert_eq!(outliers.look(&SPEC, Time(35 * SECOND)), 1);
        outliers.look(&SPEC, Time(60 * SECOND));
        fail(&mut outliers, 4, 3, 60);
        assert_eq!(outliers.look(&SPEC, Time(94 * SECOND)), 0);
        assert_eq!(outliers.look(&SPEC, Time(95 * SECOND)), 1, "30 s again, not 60");
    }
}
