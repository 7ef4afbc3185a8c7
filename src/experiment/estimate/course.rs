//! From what replications saw over time to one course: means over replications, stretch by stretch.

use std::collections::BTreeMap;

use crate::model::Plan;
use crate::model::id::NONE;

use super::super::measure::{Course, Growth};
use super::super::summary::{ClientCourse, EdgeCourse, Moment, NodeCourse, Stats, Timeline};
use super::Replication;

/// Nanoseconds of a second.
const SECOND: f64 = 1e9;

/// How it went over time; `None` where nothing changes.
pub(crate) fn timeline(
    replications: &[Replication],
    plan: &Plan,
    clients: &BTreeMap<String, Stats>,
) -> Option<Timeline> {
    let courses: Vec<&Course> = replications.iter().filter_map(|r| r.measure.course.as_deref()).collect();
    courses.first()?;
    let client = |at: usize| {
        let name = &plan.node(plan.clients[at].node).name;
        let moments = clients.get(name).map_or(&[][..], |stats| &stats.timeline);
        (name.clone(), of_client(moments, replications.len()))
    };
    let node = |at: usize| {
        let units = [1.0, 1.0, 1.0, 1.0, SECOND];
        let [in_system, queue, busy, working, arrivals_per_s] = grown(courses.iter().map(|c| &c.nodes[at]), units);
        let ready = super::replicas::ready(replications, at).into_iter().map(brief).collect();
        (plan.nodes[at].name.clone(), NodeCourse { arrivals_per_s, in_system, queue, busy, working, ready })
    };
    let guarded =
        (0..plan.edges.len()).filter(|at| plan.calls.iter().any(|c| c.edge.index() == *at && c.guard != NONE));
    Some(Timeline {
        width_s: plan.stretch().as_secs_f64(),
        clients: (0..plan.clients.len()).map(client).collect(),
        nodes: (0..plan.servers()).map(node).collect(),
        edges: guarded.map(|at| (plan.edge_name(plan.edges[at]), of_edge(&courses, at, plan))).collect(),
    })
}

/// A client's requests in flight at the end of each stretch, where that is looked at.
pub(super) fn in_flight(replications: &[Replication], client: usize) -> Vec<f64> {
    let courses = replications.iter().filter_map(|r| r.measure.course.as_deref());
    means(&courses.map(|c| &c.in_flight[client]).collect::<Vec<_>>(), |there| *there)
}

fn of_client(moments: &[Moment], replications: usize) -> ClientCourse {
    let in_flight: Vec<f64> = moments.iter().map_while(|m| m.in_flight).collect();
    let moments = &moments[..in_flight.len()];
    let rate = |m: &Moment| brief(m.arrived as f64 / m.width_s / replications.max(1) as f64);
    let success = |m: &Moment| (m.arrived > 0).then(|| brief(m.succeeded as f64 / m.arrived as f64));
    ClientCourse {
        offered_per_s: moments.iter().map(rate).collect(),
        success_rate: moments.iter().map(success).collect(),
        p50_ms: moments.iter().map(|m| m.p50_ms.map(brief)).collect(),
        p99_ms: moments.iter().map(|m| m.p99_ms.map(brief)).collect(),
        in_flight,
    }
}

fn of_edge(courses: &[&Course], at: usize, plan: &Plan) -> EdgeCourse {
    let [calls_per_s, retries, hedges, limited] = grown(courses.iter().map(|c| &c.edges[at]), [SECOND; 4]);
    let mut guards: Vec<u32> = plan.calls.iter().filter(|c| c.edge.index() == at).map(|c| c.guard).collect();
    guards.retain(|guard| *guard != NONE && plan.rules[plan.guards[*guard as usize].rules as usize].breaker.is_some());
    guards.sort_unstable();
    guards.dedup();
    let [open, half_open] =
        grown(guards.iter().flat_map(|guard| courses.iter().map(|c| &c.breakers[*guard as usize])), [1.0; 2]);
    EdgeCourse {
        calls_per_s,
        retries_per_s: unless_idle(retries),
        hedges_per_s: unless_idle(hedges),
        limited_per_s: unless_idle(limited),
        open_share: open,
        half_open_share: half_open,
    }
}

/// A course in which something happened, or none.
fn unless_idle(course: Vec<f64>) -> Vec<f64> {
    if course.iter().any(|n| *n > 0.0) { course } else { Vec::new() }
}

/// Means over replications of each of the `N` growths, per so many nanoseconds.
fn grown<'a, const N: usize>(each: impl Iterator<Item = &'a Growth<N>>, units: [f64; N]) -> [Vec<f64>; N] {
    let each: Vec<&Vec<[f64; N]>> = each.map(|growth| &growth.stretches).collect();
    std::array::from_fn(|nth| means(&each, |sums| sums[nth] * units[nth]))
}

/// Means over those that have seen a stretch.
fn means<T>(each: &[&Vec<T>], of: impl Fn(&T) -> f64) -> Vec<f64> {
    let length = each.iter().map(|all| all.len()).max().unwrap_or(0);
    let one = |at: usize| {
        let seen: Vec<f64> = each.iter().filter_map(|all| all.get(at)).map(&of).collect();
        brief(seen.iter().sum::<f64>() / seen.len().max(1) as f64)
    };
    (0..length).map(one).collect()
}

/// Four significant digits: a picture needs no more, and a file of many is shorter.
fn brief(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_over_those_that_saw_the_stretch() {
        let (long, short) = (vec![1.0, 3.0, 5.0], vec![2.0]);
        assert_eq!(means(&[&long, &short], |n| *n), [1.5, 3.0, 5.0]);
        assert!(means(&[], |n: &f64| *n).is_empty());
    }

    #[test]
    fn four_digits_are_enough() {
        assert_eq!([brief(123_456.0), brief(0.000_123_449), brief(0.0)], [123_500.0, 0.000_123_4, 0.0]);
    }
}
