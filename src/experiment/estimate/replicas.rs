//! Replicas of a node, and what its autoscaler saw.

use super::super::measure::{Fleet, Tally, bin_width};
use super::super::summary::{Apart, Autoscaled, OneReplica, Replicas, Strength};
use super::{CONFIDENCE, Replication};
use crate::model::Plan;
use crate::model::plan::Node;
use crate::model::policy::Autoscale;
use crate::stats::{Interval, mean_of};
use crate::units::Span;

/// The replicas of a node: by replication on average, and as told.
pub(super) struct Counted {
    pub(super) means: Vec<f64>,
    pub(super) told: Replicas,
}

/// How many replicas a node had.
pub(super) fn replicas(replications: &[Replication], at: usize, plan: &Plan) -> Counted {
    let fleets: Vec<&Fleet> = replications.iter().filter_map(|r| r.measure.fleets[at].as_ref()).collect();
    let node = &plan.nodes[at];
    let apart = apart(replications, node);
    if fleets.len() < replications.len() || fleets.is_empty() {
        let all = f64::from(node.replicas);
        let told = Replicas { mean: Interval::between(all, all, all), max: node.replicas, autoscale: None, apart };
        return Counted { means: vec![all; replications.len()], told };
    }
    let means: Vec<f64> = replications.iter().zip(&fleets).map(|(r, fleet)| fleet.mean(r.span)).collect();
    let told = Replicas {
        mean: mean_of(&means, CONFIDENCE),
        max: fleets.iter().map(|fleet| fleet.max).max().unwrap_or(0),
        autoscale: node.life.and_then(|life| life.autoscale).map(|rule| autoscaled(&fleets, &rule, plan)),
        apart,
    };
    Counted { means, told }
}

/// How the replicas of a node differ, where there are several and somebody came.
fn apart(replications: &[Replication], node: &Node) -> Option<Apart> {
    let first = node.first_replica as usize;
    let own = |r: &Replication| r.measure.tallies.get(first..first + node.replicas as usize).unwrap_or(&[]).to_vec();
    let all: Vec<(Vec<Tally>, Span)> = replications.iter().map(|r| (own(r), r.span)).collect();
    let arrivals = |tallies: &[Tally]| tallies.iter().map(|tally| tally.arrivals).sum::<u64>();
    if node.replicas < 2 || all.iter().any(|(tallies, _)| arrivals(tallies) == 0) {
        return None;
    }
    let share = |pick: fn(u64, u64) -> u64| {
        let of = |(tallies, _): &(Vec<Tally>, Span)| {
            let extreme = tallies.iter().map(|tally| tally.arrivals).reduce(pick).unwrap_or(0);
            extreme as f64 / arrivals(tallies) as f64
        };
        mean_of(&all.iter().map(of).collect::<Vec<f64>>(), CONFIDENCE)
    };
    let one = |nth: usize| {
        let own = || all.iter().map(|(tallies, span)| (&tallies[nth], *span));
        let sum = |of: fn(&Tally) -> u64| own().map(|(tally, _)| of(tally)).sum::<u64>();
        let ended = sum(|tally| tally.good + tally.bad);
        let stayed = own().map(|(tally, _)| tally.stayed).sum::<u128>() as f64 / 1e6;
        OneReplica {
            arrivals: sum(|tally| tally.arrivals),
            failed: sum(|tally| tally.bad),
            mean_busy: own().map(|(tally, span)| tally.mean_busy(span)).sum::<f64>() / all.len() as f64,
            sojourn_mean_ms: (ended > 0).then(|| stayed / ended as f64),
        }
    };
    let each = (0..node.replicas as usize).map(one).collect();
    Some(Apart { busiest: share(u64::max), idlest: share(u64::min), each })
}

fn autoscaled(fleets: &[&Fleet], rule: &Autoscale, plan: &Plan) -> Autoscaled {
    let width = bin_width(plan.duration) as f64 / 1e9;
    let seen = |bin: usize| {
        let (sum, looks) =
            fleets.iter().map(|f| f.seen[bin]).fold((0.0, 0), |(s, n), (sum, looks)| (s + sum, n + looks));
        (looks > 0).then(|| sum / f64::from(looks))
    };
    let strength = |(bin, (replicas, ready)): (usize, (f64, f64))| Strength {
        from_s: bin as f64 * width,
        width_s: width,
        replicas,
        ready,
        metric: seen(bin),
    };
    let timeline = over_time(fleets, 0).into_iter().zip(over_time(fleets, 1)).enumerate().map(strength).collect();
    Autoscaled { metric: rule.metric.word().into(), target: rule.target, timeline }
}

/// Replicas that start or are ready (0), or are ready (1), over time.
fn over_time(fleets: &[&Fleet], which: usize) -> Vec<f64> {
    let mut means = vec![0.0; fleets.first().map_or(0, |fleet| fleet.seen.len())];
    for fleet in fleets {
        let one = fleet.tides[which].means();
        means.iter_mut().zip(one).for_each(|(all, mean)| *all += mean / fleets.len() as f64);
    }
    means
}

/// Replicas of a node that were ready, over time; nothing where they never change.
pub(super) fn ready(replications: &[Replication], at: usize) -> Vec<f64> {
    let fleets: Vec<&Fleet> = replications.iter().filter_map(|r| r.measure.fleets[at].as_ref()).collect();
    over_time(&fleets, 1)
}
