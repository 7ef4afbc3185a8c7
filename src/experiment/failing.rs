//! Who failed first while things went wrong, what happened to whom, and whose workers were all held.

use crate::model::Plan;
use crate::model::fault::Fault;

use super::estimate::Replication;
use super::measure::{Tried, bin_width, planned};
use super::recovery::middle;
use super::summary::Failing;

/// Calls to a node that fail make it a failing one from this share on.
const FAILS: f64 = 0.05;

/// Who failed, and to whom something happened, in the order in which that began.
pub(crate) fn failing(replications: &[Replication], plan: &Plan) -> Vec<Failing> {
    if plan.faults.is_empty() {
        return Vec::new();
    }
    let width_s = bin_width(plan.duration) as f64 / 1e9;
    let nodes = plan.nodes.len() - plan.clients.len();
    let all = (0..nodes).map(|node| (struck(replications, plan, node), one_node(replications, plan, node, width_s)));
    let mut all: Vec<(Option<f64>, Failing)> = all.collect();
    // In a node that is busy anyway all workers are held now and then; by itself that is no trouble.
    all.retain(|(_, f)| f.failing_s.is_some() || f.saturated_for_s > 0.0 || !f.faults.is_empty());
    let first = |(struck, f): &(Option<f64>, Failing)| {
        [*struck, f.saturated_s, f.failing_s].into_iter().flatten().fold(f64::INFINITY, f64::min)
    };
    // Of several in the same moment, first the one that it happened to.
    all.sort_by(|a, b| first(a).total_cmp(&first(b)).then(a.0.is_none().cmp(&b.0.is_none())));
    all.into_iter().map(|(_, failing)| failing).collect()
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
    let failing_s = lane.iter().position(|s| s.is_some_and(|s| s >= FAILS)).map(|bin| from(bin, width_s, plan));
    let held: Vec<Vec<usize>> = replications.iter().map(|r| saturated(r, plan, node)).collect();
    let mut full: Vec<f64> = replications
        .iter()
        .zip(&held)
        .map(|(r, held)| {
            let instant = r.measure.aftermath.full(node);
            match held.first() {
                Some(first) => begins(*first, instant, plan),
                None => instant.filter(|_| failing_s.is_some()).unwrap_or(f64::INFINITY),
            }
        })
        .collect();
    full.sort_unstable_by(f64::total_cmp);
    let stretches: usize = held.iter().map(Vec::len).sum();
    Failing {
        node: plan.nodes[node].name.clone(),
        faults: happening(plan, node).map(|fault| fault.name.clone()).collect(),
        saturated_s: middle(&full).filter(|s| s.is_finite()),
        saturated_for_s: stretches as f64 * plan.stretch().as_secs_f64() / replications.len().max(1) as f64,
        failing_s,
        worst_share: lane.iter().flatten().copied().fold(0.0, f64::max),
        lane,
        width_s,
    }
}

/// Faults that happen to replicas of a node.
fn happening(plan: &Plan, node: usize) -> impl Iterator<Item = &Fault> {
    let node = &plan.nodes[node];
    let own = node.first_replica..node.first_replica + node.replicas;
    plan.faults.iter().filter(move |fault| fault.replicas.iter().any(|replica| own.contains(replica)))
}

/// When something happened to a node for the first time, s.
fn struck(replications: &[Replication], plan: &Plan, node: usize) -> Option<f64> {
    let at = |fault: &Fault| {
        planned(plan, fault.when).0.or_else(|| {
            let aftermaths = || replications.iter().map(|r| &r.measure.aftermath);
            let own = aftermaths().flat_map(|a| a.spells.iter().map(move |spell| (spell, a.second(spell.from))));
            own.filter(|(spell, _)| std::ptr::eq(&raw const plan.faults[spell.fault.index()], fault))
                .map(|s| s.1)
                .reduce(f64::min)
        })
    };
    happening(plan, node).filter_map(at).reduce(f64::min)
}

/// Workers held make a node a saturated one from this share on.
const HELD: f64 = 0.99;

/// The stretches of the measured time, from the first fault on, in which nearly all workers of a node were held, or those of
/// its replicas that were up.
fn saturated(r: &Replication, plan: &Plan, node: usize) -> Vec<usize> {
    let (Some(course), Some(workers)) = (r.measure.course.as_deref(), plan.nodes[node].capacity()) else {
        return Vec::new();
    };
    let aftermath = &r.measure.aftermath;
    let Some(first) = aftermath.spells.first().map(|spell| aftermath.second(spell.from)) else { return Vec::new() };
    let Some(growth) = course.nodes.get(node) else { return Vec::new() };
    let ready = aftermath.crowds.ready(node);
    let all = f64::from(plan.nodes[node].replicas);
    let stretch = plan.stretch().as_secs_f64();
    let is_full = |(at, [_, _, busy, ..]): &(usize, &[f64; 5])| {
        // In a stretch in which some went down, what they had under way is still held.
        let up = ready.as_ref().map_or(all, |ready| ready.get(*at).map_or(all, |mean| mean.ceil()));
        (*at + 1) as f64 * stretch > first && up > 0.0 && *busy >= HELD * workers as f64 * up
    };
    growth.stretches.iter().enumerate().filter(is_full).map(|(at, _)| at).collect()
}

/// When a node began to be saturated: at the instant at which all its workers were held, where that leads there.
fn begins(first: usize, instant: Option<f64>, plan: &Plan) -> f64 {
    let stretch = plan.stretch().as_secs_f64();
    let (from, until) = (first as f64 * stretch, (first + 1) as f64 * stretch);
    instant.filter(|at| (from - stretch..until).contains(at)).unwrap_or(from)
}

/// When a stretch of time begins; not before the first fault, if that begins in it.
fn from(bin: usize, width_s: f64, plan: &Plan) -> f64 {
    let (begin, end) = (bin as f64 * width_s, (bin + 1) as f64 * width_s);
    let onsets = plan.faults.iter().filter_map(|fault| planned(plan, fault.when).0);
    onsets.filter(|at| (begin..end).contains(at)).reduce(f64::min).unwrap_or(begin)
}
