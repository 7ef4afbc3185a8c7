//! `autoscale`: replicas that follow the load, as the horizontal pod autoscaler of Kubernetes decides.
//!
//! Every `every` (15 s) the metric, averaged since the last look on each replica that is ready and then over these, all alike,
//! is held against its `target`: desired = ⌈ready · metric ÷ target⌉, and nothing happens within 10 % of the target. Replicas
//! that are not ready yet count as idle when there are to be more, and not at all when there are to be fewer; if that turns
//! the direction round, nothing happens. Replicas that are leaving are not looked at. Scaling up adds 4 replicas or doubles them, whichever is more, in any 15 s; scaling
//! down goes to the most that was desired within `stabilization` (300 s). `min` and `max` bound all of it.
//!
//! `scale_up = { pods = 2, percent = "50%", period = "60s", select = "min", stabilization = "60s" }` and `scale_down = { … }` are the
//! `behavior` of Kubernetes: so many replicas, and such a share of them, may come or go within the period; `select` says which of the
//! two counts (`max`, `min`, or `disabled`: no way at all), and scaling up waits until the wish for more has lasted through its
//! `stabilization`. What is not said is as above: up 4 or 100 % in 15 s, down 100 % in 15 s.
//! Source: kubernetes.io, "Horizontal Pod Autoscaling", and the replica calculator of kube-controller-manager
//! (`replica_calculator.go`: `groupPods`, `GetResourceReplicas`).
//!
//! Metrics of a replica: `cpu` (cores at work ÷ `request`, the cores that are asked for; unless that is said ÷ `cores`, or ÷
//! workers where every worker has its own), so that it is at most `cores` ÷ `request`, `workers` (those
//! held, waiting for a callee or not, ÷ all), `in_flight` (requests there), `rps` (requests that arrive per second), and for
//! consumers `lag` (messages or records that wait, per replica). A service that waits holds workers and uses no CPU: it is
//! not scaled by `cpu`. With `metric_lag` the metric is that old when it is seen: kubelets scrape every 15 s, a
//! metrics server holds 15 s to a minute; default 0 s.
//!
//! `lag` counts as KEDA does: a topic's lag asks for no more replicas than the topic has partitions, since whoever is beyond that
//! has nothing to read (`allow_idle_consumers = true` lifts that), and with `min = 0` nobody is there while nothing waits: the
//! first look at a message starts one replica. Source: kedacore/keda, `kafka_scaler.go` (`allowIdleConsumers`), and
//! keda.sh, "Scaling deployments": to zero after the cooldown of 300 s, which is `stabilization` here.
//!
//! A new replica is ready after `ready_after` (20 s unless said), then gets requests, and works `factor` times as slowly at
//! first (`warmup`). One too many, the newest first, gets no new requests from then on, still takes for 5 s what callers
//! send that have not heard (the pause in a `preStop` hook), and ends what it has. Where all of `max` are taken by some that
//! still end their work, a new one begins beside it on the same workers. At time zero all replicas are ready and warm.

use std::collections::VecDeque;

use crate::units::{Span, Time};

/// No change while the metric is this close to its target.
const TOLERANCE: f64 = 0.1;

/// How quickly replicas may come, or go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// So many within the period; `None`: no such rule.
    pub pods: Option<u32>,
    /// Such a share of them within the period; `None`: no such rule.
    pub share: Option<f64>,
    /// What both are counted over.
    pub period: Span,
    /// Which of the two counts.
    pub select: Select,
}

/// Which of two rules counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Select {
    /// When the one counts that allows more.
    Max,
    /// When the one counts that allows less.
    Min,
    /// When nothing is allowed.
    Disabled,
}

impl Pace {
    /// Kubernetes' scaling up: four replicas or all of them again in 15 s.
    pub const UP: Self = Self { pods: Some(4), share: Some(1.0), period: Span(15_000_000_000), select: Select::Max };
    /// Kubernetes' scaling down: all of them.
    pub const DOWN: Self = Self { pods: None, share: Some(1.0), period: Span(15_000_000_000), select: Select::Max };

    /// By how many a number of replicas may change, where `before` is what it was a period ago; a share rounds up.
    fn most(&self, before: u32) -> u32 {
        let share = self.share.map(|share| round_up(share * f64::from(before)));
        let all = self.pods.into_iter().chain(share);
        match self.select {
            Select::Max => all.max().unwrap_or(u32::MAX),
            Select::Min => all.min().unwrap_or(u32::MAX),
            Select::Disabled => 0,
        }
    }
}

/// What is held against the target, as an average over replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Cores at work ÷ those asked for.
    Cpu,
    /// Workers held ÷ workers.
    Workers,
    /// Requests there.
    InFlight,
    /// Requests that arrive per second.
    Rps,
    /// Messages or records that wait.
    Lag,
}

impl Metric {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Workers => "workers",
            Self::InFlight => "in_flight",
            Self::Rps => "rps",
            Self::Lag => "lag",
        }
    }

    /// Whether its target is a share.
    pub fn is_share(self) -> bool {
        matches!(self, Self::Cpu | Self::Workers)
    }
}

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Autoscale {
    /// Fewest replicas.
    pub min: u32,
    /// Most replicas.
    pub max: u32,
    /// What is looked at.
    pub metric: Metric,
    /// What it should be on each replica, in its own unit.
    pub target: f64,
    /// From one look to the next.
    pub every: Span,
    /// Cores that each replica asks for; `None`: as many as it has.
    pub request: Option<f64>,
    /// How long a wish for more replicas holds against a later wish for fewer.
    pub stabilization: Span,
    /// How long a wish for more has to last.
    pub patience: Span,
    /// How quickly replicas come.
    pub up: Pace,
    /// And how quickly they go.
    pub down: Pace,
    /// How old the metric is when it is seen.
    pub metric_lag: Span,
    /// Lag: how many replicas can have something to do.
    pub useful: u32,
}

/// What the autoscaler sees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Replicas that are to be there.
    pub replicas: u32,
    /// Of these, ready.
    pub ready: u32,
    /// The metric, as an average over those that are ready, all alike.
    pub metric: f64,
}

/// What the autoscaler of one node remembers.
#[derive(Clone, Debug)]
pub struct Autoscaler {
    /// What was desired, and when: those that still count, the largest first.
    desired: VecDeque<(Time, u32)>,
    /// The same with the smallest first, for scaling up.
    modest: VecDeque<(Time, u32)>,
    /// By how much the replicas changed, and when.
    changes: VecDeque<(Time, i64)>,
}

impl Autoscaler {
    /// One that begins with so many replicas: that many are desired at first.
    pub fn new(now: Time, replicas: u32) -> Self {
        Self {
            desired: VecDeque::from([(now, replicas)]),
            modest: VecDeque::from([(now, replicas)]),
            changes: VecDeque::new(),
        }
    }

    /// How many replicas there are to be from now on.
    pub fn decide(&mut self, rule: &Autoscale, now: Time, seen: Reading) -> u32 {
        let wish = rule.desired(seen);
        let desired = self.stabilize(rule, now, wish, seen.replicas).min(self.patient(rule, now, wish, seen.replicas));
        let limited = self.paced(rule, now, desired, seen.replicas);
        let replicas = limited.clamp(rule.min, rule.max);
        if replicas != seen.replicas {
            self.changes.push_back((now, i64::from(replicas) - i64::from(seen.replicas)));
        }
        replicas
    }

    /// Fewer replicas only if no more were desired for a while.
    fn stabilize(&mut self, rule: &Autoscale, now: Time, desired: u32, replicas: u32) -> u32 {
        while self.desired.back().is_some_and(|(_, earlier)| *earlier <= desired) {
            self.desired.pop_back();
        }
        self.desired.push_back((now, desired));
        while self.desired.front().is_some_and(|(when, _)| now.since(*when) >= rule.stabilization && *when < now) {
            self.desired.pop_front();
        }
        let most = self.desired.front().map_or(desired, |(_, most)| *most);
        if desired < replicas { most.min(replicas) } else { desired }
    }

    /// More replicas only if no fewer were desired for a while.
    fn patient(&mut self, rule: &Autoscale, now: Time, desired: u32, replicas: u32) -> u32 {
        if rule.patience == Span::ZERO {
            return u32::MAX;
        }
        while self.modest.back().is_some_and(|(_, earlier)| *earlier >= desired) {
            self.modest.pop_back();
        }
        self.modest.push_back((now, desired));
        while self.modest.front().is_some_and(|(when, _)| now.since(*when) >= rule.patience && *when < now) {
            self.modest.pop_front();
        }
        let least = self.modest.front().map_or(desired, |(_, least)| *least);
        least.max(replicas)
    }

    /// As far towards the desired as replicas may come and go now.
    fn paced(&mut self, rule: &Autoscale, now: Time, desired: u32, replicas: u32) -> u32 {
        let longest = rule.up.period.max(rule.down.period);
        while self.changes.front().is_some_and(|(when, _)| now.since(*when) >= longest) {
            self.changes.pop_front();
        }
        let came = |pace: &Pace| -> i64 {
            let own = self.changes.iter().filter(|(when, _)| now.since(*when) < pace.period);
            own.map(|(_, by)| by).sum()
        };
        let reach = |from: i64| u32::try_from(from.max(0)).unwrap_or(u32::MAX);
        if desired > replicas {
            let before = reach(i64::from(replicas) - came(&rule.up));
            desired.min(before.saturating_add(rule.up.most(before)).max(replicas))
        } else {
            let before = reach(i64::from(replicas) - came(&rule.down));
            desired.max(before.saturating_sub(rule.down.most(before)).min(replicas))
        }
    }
}

impl Autoscale {
    /// What the metric asks for, before limits and stabilization.
    fn desired(&self, seen: Reading) -> u32 {
        self.wanted(seen).min(self.useful)
    }

    /// The same, whatever use they would be.
    fn wanted(&self, seen: Reading) -> u32 {
        let Reading { replicas, ready, metric } = seen;
        if replicas == 0 {
            // Nobody is there who could be averaged: one starts where something waits.
            return u32::from(metric > 0.0);
        }
        if ready == 0 {
            return replicas;
        }
        let ratio = metric / self.target;
        if ready >= replicas || ratio <= 1.0 {
            return if (ratio - 1.0).abs() <= TOLERANCE { replicas } else { round_up(ratio * f64::from(ready)) };
        }
        // Scaling up, those that are not ready count as idle.
        let all = ratio * f64::from(ready);
        let over_all = all / f64::from(replicas);
        if over_all - 1.0 <= TOLERANCE { replicas } else { round_up(all).max(replicas) }
    }
}

/// The next whole number, where the last digits of a fraction are noise.
fn round_up(value: f64) -> u32 {
    (value * (1.0 - 1e-9)).ceil() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn rule(min: u32, max: u32) -> Autoscale {
        let (every, stabilization) = (Span(15 * SECOND), Span(300 * SECOND));
        let (up, down, metric_lag) = (Pace::UP, Pace::DOWN, Span::ZERO);
        let patience = Span::ZERO;
        Autoscale {
            min,
            max,
            metric: Metric::Cpu,
            target: 0.5,
            every,
            request: None,
            stabilization,
            patience,
            up,
            down,
            metric_lag,
            useful: u32::MAX,
        }
    }

    /// Replicas after each look, when the load is worth so many busy replicas and all are ready at once.
    fn follow(rule: &Autoscale, start: u32, loads: &[f64]) -> Vec<u32> {
        let (mut scaler, mut replicas) = (Autoscaler::new(Time(0), start), start);
        let look = |(nth, load): (usize, &f64)| {
            let now = Time(15 * SECOND * (nth as u64 + 1));
            let seen = Reading { replicas, ready: replicas, metric: load / f64::from(replicas) };
            replicas = scaler.decide(rule, now, seen);
            replicas
        };
        loads.iter().enumerate().map(look).collect()
    }

    #[test]
    fn it_grows_by_four_or_doubles() {
        let loads = [1.0, 1.0, 1.0, 4.0, 4.0, 4.0, 10.0, 10.0, 10.0, 10.0];
        assert_eq!(follow(&rule(2, 50), 2, &loads), [2, 2, 2, 6, 8, 8, 16, 20, 20, 20]);
    }

    #[test]
    fn a_tenth_off_the_target_is_near_enough() {
        assert_eq!(follow(&rule(2, 50), 2, &[1.05, 1.12, 0.9, 2.0, 2.0, 2.0]), [2, 3, 3, 4, 4, 4]);
    }

    #[test]
    fn it_shrinks_to_the_most_desired_in_five_minutes() {
        let loads: Vec<f64> = (0..33).map(|n| if n < 8 { 20.0 } else { 2.0 }).collect();
        let mut expected = vec![6, 12, 24];
        expected.extend([40; 24]);
        expected.extend([4; 6]);
        assert_eq!(follow(&rule(2, 50), 2, &loads), expected);
    }

    #[test]
    fn bounds_hold() {
        assert_eq!(follow(&rule(2, 5), 2, &[20.0, 20.0]), [5, 5]);
        let idle = follow(&Autoscale { stabilization: Span::ZERO, ..rule(3, 9) }, 6, &[0.0, 0.0]);
        assert_eq!(idle, [3, 3]);
    }

    #[test]
    fn replicas_that_start_are_not_asked_for_twice() {
        let rule = rule(1, 50);
        let desired = |ready, metric| rule.desired(Reading { replicas: 8, ready, metric });
        assert_eq!(desired(8, 1.0), 16);
        assert_eq!(desired(4, 1.0), 8, "the four that start will take their share");
        assert_eq!(desired(6, 1.0), 12);
        assert_eq!(desired(4, 0.25), 2, "those that start are not looked at");
        assert_eq!(desired(7, 0.58), 8, "a tenth above over all eight is near enough");
        assert_eq!(desired(0, 0.0), 8, "nothing is known");
    }

    #[test]
    fn the_limit_counts_what_was_added_within_15_s() {
        let rule = Autoscale { every: Span(5 * SECOND), ..rule(1, 99) };
        let (mut scaler, mut replicas) = (Autoscaler::new(Time(0), 1), 1);
        let mut at = |s: u64| {
            let seen = Reading { replicas, ready: replicas, metric: 9.0 };
            replicas = scaler.decide(&rule, Time(s * SECOND), seen);
            replicas
        };
        assert_eq!([at(0), at(5), at(10), at(15), at(20)], [5, 5, 5, 10, 10]);
    }

    #[test]
    fn behaviours_slow_both_ways() {
        let up = Pace { pods: Some(1), share: Some(0.5), period: Span(60 * SECOND), select: Select::Max };
        let slow =
            Autoscale { up, stabilization: Span::ZERO, down: Pace { pods: Some(2), share: None, ..up }, ..rule(1, 99) };
        let loads = [20.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0, 0.5, 0.5, 0.5, 0.5, 0.5];
        // One or half of them more in a minute; then two less in a minute.
        assert_eq!(follow(&slow, 4, &loads), [6, 6, 6, 6, 9, 9, 9, 9, 7, 7, 7, 7, 5]);
        let never = Autoscale {
            down: Pace { select: Select::Disabled, ..Pace::DOWN },
            stabilization: Span::ZERO,
            ..rule(1, 99)
        };
        assert_eq!(follow(&never, 4, &[0.5, 0.5]), [4, 4]);
    }

    #[test]
    fn more_are_wanted_only_if_that_lasts() {
        let patient = Autoscale { patience: Span(30 * SECOND), ..rule(1, 99) };
        let loads = [4.0, 1.0, 4.0, 1.0, 4.0, 4.0, 4.0, 4.0];
        assert_eq!(follow(&patient, 2, &loads), [2, 2, 2, 2, 2, 6, 8, 8]);
    }

    #[test]
    fn lag_asks_for_no_more_than_can_read_and_for_one_where_nobody_is() {
        let rule = Autoscale { metric: Metric::Lag, target: 10.0, useful: 8, ..rule(0, 99) };
        let desired = |replicas, metric| rule.desired(Reading { replicas, ready: replicas, metric });
        assert_eq!(
            [desired(4, 100.0), desired(4, 15.0), desired(0, 3.0), desired(0, 0.0), desired(2, 0.0)],
            [8, 6, 1, 0, 0]
        );
    }
}
