//! Which faults were on where a call went, while somebody waited for it.

use crate::model::{FaultId, NodeId, Outcome, Plan};
use crate::units::Time;

use super::Followed;

/// One time that a fault was on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spell {
    fault: FaultId,
    from: Time,
    until: Time,
}

impl Spell {
    fn overlaps(&self, (from, to): (Time, Time)) -> bool {
        self.from <= to && from <= self.until
    }
}

/// A fault begins or ends.
pub(super) fn strike(spells: &mut Vec<Spell>, fault: FaultId, on: bool, now: Time) {
    if on {
        spells.push(Spell { fault, from: now, until: Time::NEVER });
    } else if let Some(spell) = spells.iter_mut().rev().find(|s| s.fault == fault && s.until == Time::NEVER) {
        spell.until = now;
    }
}

/// Names of the faults that were on at a node in a time.
pub(super) fn at_node(spells: &[Spell], plan: &Plan, node: NodeId, time: (Time, Time)) -> Vec<String> {
    let node = plan.node(node);
    let own = node.first_replica..node.first_replica + node.replicas;
    named(spells, plan, time, |fault| fault.replicas.iter().any(|replica| own.contains(replica)))
}

/// Names of the faults that were on at the replica that a call went to, or on its way. Where that replica is not known
/// (`anywhere`, or nobody was found), at any of its callee's.
pub(super) fn of_call(spells: &[Spell], plan: &Plan, span: &Followed, anywhere: bool) -> Vec<String> {
    let Some(call) = span.call.map(|call| plan.call(call)) else { return Vec::new() };
    let callee = plan.endpoint(call.endpoint).node;
    let node = plan.node(callee);
    let anywhere = anywhere || span.node != callee || span.outcome == Outcome::NoEndpoint;
    let own = if anywhere { 0..node.replicas } else { span.replica..span.replica + 1 };
    let own = node.first_replica + own.start..node.first_replica + own.end;
    let time = (span.from, span.abandoned.map_or(span.to, |gone| gone.1));
    named(spells, plan, time, |fault| {
        fault.replicas.iter().any(|replica| own.contains(replica)) || fault.links.contains(&call.link.0)
    })
}

fn named(
    spells: &[Spell],
    plan: &Plan,
    time: (Time, Time),
    hits: impl Fn(&crate::model::fault::Fault) -> bool,
) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for spell in spells.iter().filter(|spell| spell.overlaps(time)) {
        let fault = &plan.faults[spell.fault.index()];
        if hits(fault) && !names.contains(&fault.name) {
            names.push(fault.name.clone());
        }
    }
    names
}
