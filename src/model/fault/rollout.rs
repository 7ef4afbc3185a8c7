//! `deploy` without a `duration`: a rollout, as the Deployment controller of Kubernetes does it. How long it takes is an outcome.
//!
//! New replicas start beside the old ones, which go as the new ones become ready: never more than `max_surge` above the number
//! of replicas (25 %, rounded up), never fewer ready than that less `max_unavailable` (25 %, rounded down; 1 if both would be
//! none). A number is so many, text such as `"25%"` a share. A new replica is ready after `ready_after`, and cold as the service's
//! `warmup` says. The rollout is over when the last of the old ones has been told to go and all new ones are ready; one whose
//! new replicas never get ready does not end, and the old ones that are left go on.
//!
//! An old replica goes by `drain = { pre_stop = "10s", grace = "30s" }` of its service. Two things happen at once, as in Kubernetes: it
//! is taken out of the list of endpoints, of which callers hear `propagation` later, and its `pre_stop` pause begins, in
//! which it works on as before. After that it is told to stop: it takes nothing new (callers that have not heard yet get
//! `connect_failed`), closes its connections and ends what it has. What is not ended `grace` after the beginning, the pause
//! included, is killed (2 s later where the pause takes that long itself) and fails with `reset`. Without a pause (the default)
//! callers race with the news; so they do after a longer one where connections that are open are used on.
//!
//! Sources: kubernetes.io, "Deployments" (rolling update) and "Pod Lifecycle" (termination of pods); kubernetes
//! `deployment/rolling.go` (`reconcileNewReplicaSet`, `reconcileOldReplicaSets`), `deployment_util.go` (`ResolveFenceposts`).

use crate::units::Span;

/// Some of the replicas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Portion {
    /// So many.
    Count(u32),
    /// Such a share of them.
    Share(f64),
}

/// A rollout as planned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rollout {
    /// How many there may be above the number of replicas.
    pub surge: Portion,
    /// How many may be missing.
    pub unavailable: Portion,
    /// Whether versions misunderstand each other until both sides are out.
    pub breaking: bool,
}

impl Rollout {
    /// A quarter more, a quarter fewer: the defaults of Kubernetes.
    pub const QUARTER: Portion = Portion::Share(0.25);

    /// So many above, and so many missing, of so many replicas.
    pub fn bounds(&self, replicas: u32) -> (u32, u32) {
        let of = |portion: Portion, round: fn(f64) -> f64| match portion {
            Portion::Count(count) => count,
            // The last digits of a fraction are noise.
            Portion::Share(share) => round((share * f64::from(replicas) * 1e9).round() / 1e9) as u32,
        };
        let (surge, unavailable) = (of(self.surge, f64::ceil), of(self.unavailable, f64::floor).min(replicas));
        (surge, if surge == 0 { unavailable.max(1) } else { unavailable })
    }
}

/// How a replica goes that is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// How long it goes on as before.
    pub pre_stop: Span,
    /// When what it has is killed, from the beginning.
    pub grace: Span,
}

impl Drain {
    /// No pause and half a minute: the defaults of Kubernetes.
    pub const USUAL: Self = Self { pre_stop: Span::ZERO, grace: Span(30_000_000_000) };

    /// How long it goes on as before: a pause that outlasts the grace period is cut off two seconds after that.
    pub fn pause(self) -> Span {
        self.pre_stop.min(self.end())
    }

    /// When what it still has is killed, from the beginning.
    pub fn end(self) -> Span {
        const EXTENSION: u64 = 2_000_000_000;
        Span(self.grace.0 + if self.pre_stop >= self.grace { EXTENSION } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_round_as_kubernetes_rounds_them() {
        let bounds = |surge, unavailable, replicas| Rollout { surge, unavailable, breaking: false }.bounds(replicas);
        let quarter = |replicas| bounds(Rollout::QUARTER, Rollout::QUARTER, replicas);
        assert_eq!([quarter(1), quarter(3), quarter(4), quarter(10)], [(1, 0), (1, 0), (1, 1), (3, 2)]);
        assert_eq!(bounds(Portion::Count(0), Portion::Share(0.25), 2), (0, 1), "one of them has to go");
        assert_eq!(bounds(Portion::Count(2), Portion::Count(9), 4), (2, 4));
    }

    #[test]
    fn a_pause_is_part_of_the_grace_period() {
        let second = |s: u64| Span(s * 1_000_000_000);
        let ends = |pre_stop, grace| {
            let drain = Drain { pre_stop: second(pre_stop), grace: second(grace) };
            (drain.pause().0 / 1_000_000_000, drain.end().0 / 1_000_000_000)
        };
        assert_eq!([ends(0, 30), ends(10, 30), ends(40, 30), ends(40, 50)], [(0, 30), (10, 30), (32, 32), (40, 50)]);
    }
}
