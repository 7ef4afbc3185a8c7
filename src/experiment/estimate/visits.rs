//! Visits of a node: those that ended, and those that did not.

use super::{Distribution, Plan, Recorder, Replication, distribution};

/// From arrival at a node to its reply, over all its endpoints; requests turned away are not timed.
pub(super) fn sojourns(replications: &[Replication], at: usize, plan: &Plan) -> Distribution {
    let own: Vec<usize> = (0..plan.endpoints.len()).filter(|e| plan.endpoints[*e].node.index() == at).collect();
    let all = |r: &Replication| {
        let mut all = Recorder::default();
        for endpoint in own.iter().map(|e| &r.measure.endpoints[*e]) {
            all.merge(&endpoint.good);
            all.merge(&endpoint.bad);
        }
        all
    };
    let each: Vec<Recorder> = replications.iter().map(all).collect();
    distribution(&each.iter().collect::<Vec<_>>(), still_there(replications, at, plan))
}

/// Requests that came to a node in the measured time and were there when the run stopped.
fn still_there(replications: &[Replication], at: usize, plan: &Plan) -> u64 {
    let own = || (0..plan.endpoints.len()).filter(|e| plan.endpoints[*e].node.index() == at);
    replications
        .iter()
        .flat_map(|r| own().map(|e| &r.measure.endpoints[e]).map(|e| e.arrived.saturating_sub(e.ends())))
        .sum()
}

/// The time in line of requests that came in the measured time; those still there may have to stay however long.
pub(super) fn waits(replications: &[Replication], at: usize, plan: &Plan) -> Distribution {
    let each: Vec<&Recorder> = replications.iter().map(|r| &r.measure.visits[at].wait).collect();
    let in_line = replications.iter().map(|r| r.measure.stations[at].in_line()).sum::<u64>();
    distribution(&each, in_line.min(still_there(replications, at, plan)))
}
