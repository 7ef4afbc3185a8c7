//! Replicas of a node, and what its autoscaler saw.

use super::super::measure::{Fleet, bin_width};
use super::super::summary::{Autoscaled, Replicas, Strength};
use super::{CONFIDENCE, Replication};
use crate::model::Plan;
use crate::model::policy::Autoscale;
use crate::stats::{Interval, mean_of};

/// The replicas of a node: by replication on average, and as told.
pub(super) struct Counted {
    pub(super) means: Vec<f64>,
    pub(super) told: Replicas,
}

/// How many replicas a node had.
pub(super) fn replicas(replications: &[Replication], at: usize, plan: &Plan) -> Counted {
    let fleets: Vec<&Fleet> = replications.iter().filter_map(|r| r.measure.fleets[at].as_ref()).collect();
    let node = &plan.nodes[at];
    if fleets.len() < replications.len() || fleets.is_empty() {
        let all = f64::from(node.replicas);
        let told = Replicas { mean: Interval::between(all, all, all), max: node.replicas, autoscale: None };
        return Counted { means: vec![all; replications.len()], told };
    }
    let means: Vec<f64> = replications.iter().zip(&fleets).map(|(r, fleet)| fleet.mean(r.span)).collect();
    let told = Replicas {
        mean: mean_of(&means, CONFIDENCE),
        max: fleets.iter().map(|fleet| fleet.max).max().unwrap_or(0),
        autoscale: node.life.and_then(|life| life.autoscale).map(|rule| autoscaled(&fleets, &rule, plan)),
    };
    Counted { means, told }
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
