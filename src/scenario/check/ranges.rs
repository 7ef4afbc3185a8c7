//! Numbers that cannot be.

use super::walk;
use crate::diag::{Complaint, code};
use crate::scenario::written::{Given, Load, Node, Place, QueueOrder, Scenario};

/// Complains about every number that cannot be.
pub(super) fn check(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    scenario.sim.ranges(complaints);
    crate::scenario::tables::discovery::ranges(&scenario.discovery, complaints);
    for node in scenario.nodes.values() {
        one_node(node, complaints);
    }
    for client in scenario.clients.values() {
        crate::scenario::tables::clients::ranges(client, scenario.sim.duration.value, complaints);
    }
    many(scenario, complaints);
}

/// Clients of one scenario at most: a request remembers its client in 16 bits.
const CLIENTS: usize = u16::MAX as usize;

/// Users of all closed clients together at most: each is pending at once.
const USERS: u64 = 10_000_000;

/// Promises, and faults, at most.
const LISTED: usize = 2_000;

/// The least share of a core that can be given to a container
/// (<https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/>).
const MILLICORE: f64 = 0.001;

/// Complains about more than one run can have.
fn many(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let mut more = |there: u64, most: u64, what: &str, place: Option<Place>| {
        if there > most {
            let message = format!("{there} {what}; at most {most}");
            complaints.push(Complaint::error(code::TOO_MANY, message).at(place));
        }
    };
    let last = scenario.clients.values().max_by_key(|client| client.name.place.as_ref().map(|place| place.start));
    more(scenario.clients.len() as u64, CLIENTS as u64, "clients", last.and_then(|c| c.name.place.clone()));
    let users = scenario.clients.values().filter_map(|client| match &client.load {
        Load::Closed { users, .. } => Some(users),
        Load::Open { .. } => None,
    });
    let most = users.clone().max_by_key(|users| users.value);
    let all = users.map(|users| u64::from(users.value)).sum();
    more(all, USERS, "users", most.and_then(|users| users.place.clone()));
    let slo = scenario.slos.last().and_then(|slo| slo.of.place.clone());
    more(scenario.slos.len() as u64, LISTED as u64, "promises", slo);
    let fault = scenario.faults.last().and_then(|fault| fault.place.clone());
    more(scenario.faults.len() as u64, LISTED as u64, "faults", fault);
}

pub(in crate::scenario) fn zero(
    is: bool,
    key: &str,
    place: Option<&Place>,
    why: &str,
    complaints: &mut Vec<Complaint>,
) {
    if is {
        complaints.push(Complaint::error(code::OUT_OF_RANGE, format!("`{key}` is zero: {why}")).at(place.cloned()));
    }
}

/// The same for a value that must not be the one that stands for nothing.
pub(in crate::scenario) fn none<T: PartialEq>(
    key: &str,
    given: &Given<T>,
    nothing: &T,
    why: &str,
    complaints: &mut Vec<Complaint>,
) {
    zero(given.value == *nothing, key, given.place.as_ref(), why, complaints);
}

fn one_node(node: &Node, complaints: &mut Vec<Complaint>) {
    let nobody = "nobody would serve";
    zero(node.replicas.value == 0, "replicas", node.replicas.place.as_ref(), nobody, complaints);
    zero(node.concurrency.value == Some(0), "concurrency", node.concurrency.place.as_ref(), nobody, complaints);
    if let Some(cores) = node.cores.value.filter(|cores| *cores < MILLICORE) {
        let message = format!("`cores` is {cores}; the least is {MILLICORE}");
        let complaint = Complaint::error(code::OUT_OF_RANGE, message).at(node.cores.place.clone());
        complaints.push(complaint.help("Kubernetes knows nothing smaller than a thousandth of a core, either"));
    }
    crate::scenario::tables::orders::ranges(&node.queue_order, complaints);
    let takes = matches!(node.queue_order.value, QueueOrder::Lifo | QueueOrder::Priority);
    if node.preemptive.value && !takes {
        let message = "`preemptive` with a line where nobody is more urgent than who is being served";
        let complaint = Complaint::error(code::PREEMPTION, message).at(node.preemptive.place.clone());
        complaints.push(complaint.help("it means something for queue_order = \"lifo\" and \"priority\""));
    }
    for endpoint in node.programs() {
        walk::steps(&endpoint.steps, &mut |step| crate::scenario::tables::steps::ranges(step, complaints));
        let unrolled = walk::unrolled(&endpoint.steps);
        if unrolled > 100_000.0 {
            let message = format!("the steps, `times` multiplied out, are {unrolled:.0}; at most 100000");
            complaints.push(
                Complaint::error(code::TOO_MANY_STEPS, message).at(endpoint.steps.first().map(|s| s.place.clone())),
            );
        }
    }
}
