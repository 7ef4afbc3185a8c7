//! Who failed first while things went wrong, and whose workers were all held.

use crate::model::Plan;
use crate::model::id::NONE;

use super::estimate::Replication;
use super::measure::{Tried, bin_width, planned};
use super::recovery::middle;
use super::summary::Failing;

/// Calls to a node that fail make it a failing one from this share on.
const FAILS: f64 = 0.05;

/// Who failed, in the order in which that began.
pub(crate) fn failing(replications: &[Replication], plan: &Plan) -> Vec<Failing> {
    if plan.faults.is_empty() {
        return Vec::new();
    }
    let width_s = bin_width(plan.duration) as f64 / 1e9;
    let mut all: Vec<Failing> = (0..plan.servers()).map(|node| one_node(replications, plan, node, width_s)).collect();
    all.retain(|f| f.failing_s.is_some() || f.saturated_s.is_some());
    let first = |f: &Failing| f.saturated_s.unwrap_or(f64::INFINITY).min(f.failing_s.unwrap_or(f64::INFINITY));
    all.sort_by(|a, b| first(a).total_cmp(&first(b)));
    all
}

fn one_node(replications: &[Replication], plan: &Plan, node: usize, width_s: f64) -> Failing {
    let lanes = || replications.iter().map(|r| &r.measure.aftermath.lanes[node]);
    let bins = lanes().next().map_or(0, Vec::len);
    let sum = |bin: usize, of: fn(&Tried) -> u32| lanes().map(|lane| u64::from(of(&lane[bin]))).sum::<u64>();
    let share = |bin: usize| {
        let (ended, failed) = (sum(bin, |t| t.ended), sum(bin, |t| t.failed));
        (ended > 0).then(|| failed as f64 / ended as f64)
    };
    let lane: Vec<Option<f64>> = (0..bins).map(share).collect();
    let mut full: Vec<f64> =
        replications.iter().map(|r| r.measure.aftermath.full(node).unwrap_or(f64::INFINITY)).collect();
    full.sort_unstable_by(f64::total_cmp);
    Failing {
        node: plan.nodes[node].name.clone(),
        saturated_s: middle(&full).filter(|s| s.is_finite()),
        saturated_for_s: saturated_for(replications, plan, node),
        failing_s: lane.iter().position(|s| s.is_some_and(|s| s >= FAILS)).map(|bin| from(bin, width_s, plan)),
        worst_share: lane.iter().flatten().copied().fold(0.0, f64::max),
        lane,
        width_s,
    }
}

/// Workers held make a node a saturated one from this share on.
const HELD: f64 = 0.99;

/// How long nearly all workers of a node were held: stretches of the measured time, mean over replications, s.
fn saturated_for(replications: &[Replication], plan: &Plan, node: usize) -> f64 {
    let planned = &plan.nodes[node];
    if planned.workers == NONE {
        return 0.0;
    }
    let workers = HELD * f64::from(planned.workers);
    let full = |r: &Replication| {
        let (Some(course), fleet) = (r.measure.course.as_deref(), r.measure.fleets[node].as_ref()) else { return 0 };
        let mut ready = fleet.map(|fleet| fleet.tides[1].means());
        let all = f64::from(planned.replicas);
        let is_full = |[_, _, busy, ..]: &&[f64; 5]| {
            let replicas = ready.as_mut().map_or(all, |ready| ready.next().unwrap_or(all));
            *busy >= workers * replicas
        };
        course.nodes[node].stretches.iter().filter(is_full).count()
    };
    let sum: usize = replications.iter().map(full).sum();
    sum as f64 * plan.stretch().as_secs_f64() / replications.len().max(1) as f64
}

/// When a stretch of time begins; not before the first fault, if that begins in it.
fn from(bin: usize, width_s: f64, plan: &Plan) -> f64 {
    let (begin, end) = (bin as f64 * width_s, (bin + 1) as f64 * width_s);
    let onsets = plan.faults.iter().filter_map(|fault| planned(plan, fault.when).0);
    onsets.filter(|at| (begin..end).contains(at)).reduce(f64::min).unwrap_or(begin)
}
