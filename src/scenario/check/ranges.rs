//! Numbers that cannot be.

use super::walk;
use crate::diag::{Complaint, code};
use crate::scenario::written::{Given, Load, Node, Place, Scenario};

/// Complains about every number that cannot be.
pub(super) fn check(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    scenario.sim.ranges(complaints);
    crate::scenario::tables::discovery::ranges(&scenario.discovery, complaints);
    crate::scenario::tables::zones::ranges(scenario, complaints);
    for node in scenario.nodes.values() {
        crate::scenario::tables::nodes::ranges(node, complaints);
        programs(node, complaints);
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

fn programs(node: &Node, complaints: &mut Vec<Complaint>) {
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
