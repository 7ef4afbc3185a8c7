//! Which faults were on where a call went, while somebody waited for it.

use crate::model::{EndpointId, FaultId, NodeId, Outcome, Plan};
use crate::units::Time;

use super::follow::{Followed, Made};

/// One time that a fault was on.
#[derive(Clone, Copy, Debug)]
pub(in crate::experiment) struct Spell {
    pub(in crate::experiment) fault: FaultId,
    pub(in crate::experiment) from: Time,
    pub(in crate::experiment) until: Time,
}

impl Spell {
    /// Whether it was on at some time between two moments.
    pub(in crate::experiment) fn overlaps(&self, (from, to): (Time, Time)) -> bool {
        self.from <= to && from <= self.until
    }
}

/// A fault begins or ends.
pub(in crate::experiment) fn strike(spells: &mut Vec<Spell>, fault: FaultId, on: bool, now: Time) {
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
    let time = (span.from, span.abandoned.map_or(span.to, |gone| gone.1));
    let call = match span.made {
        Made::Call(call) => plan.call(call),
        Made::Message(_, broker, endpoint) => return of_message(spells, plan, broker, endpoint, time),
        Made::Client | Made::Branch => return Vec::new(),
    };
    let callee = plan.endpoint(call.endpoint).node;
    let node = plan.node(callee);
    let anywhere = anywhere || span.node != callee || span.outcome == Outcome::NoEndpoint;
    let own = if anywhere { 0..node.replicas } else { span.replica..span.replica + 1 };
    let own = node.first_replica + own.start..node.first_replica + own.end;
    named(spells, plan, time, |fault| {
        fault.replicas.iter().any(|replica| own.contains(replica)) || fault.links.contains(&call.link.0)
    })
}

/// Names of the faults that were on at a message's broker, or at its consumer.
fn of_message(
    spells: &[Spell],
    plan: &Plan,
    broker: NodeId,
    endpoint: Option<EndpointId>,
    time: (Time, Time),
) -> Vec<String> {
    let mut names = at_node(spells, plan, broker, time);
    let own = endpoint.map(|id| at_node(spells, plan, plan.endpoint(id).node, time)).unwrap_or_default();
    names.extend(own.into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>());
    names
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
