//! Walking steps and calls.

use crate::random::dist::Law;
use crate::scenario::written::{Arrivals, Call, Endpoint, Load, NodeKind, Scenario, Step, Transport, Verb};

/// Visits every step, those inside others included, outermost first.
pub(crate) fn steps<'s>(all: &'s [Step], visit: &mut impl FnMut(&'s Step)) {
    for step in all {
        visit(step);
        match &step.verb {
            Verb::Parallel { branches, .. } => {
                for branch in branches {
                    steps(std::slice::from_ref(&branch.step), visit);
                }
            }
            Verb::Split(arms) => {
                for arm in arms {
                    steps(&arm.steps, visit);
                }
            }
            _ => {}
        }
    }
}

/// The call of a step, queries included.
pub(crate) fn call(step: &Step) -> Option<&Call> {
    match &step.verb {
        Verb::Call(call) | Verb::Query(call) => Some(call),
        _ => None,
    }
}

/// All calls of an endpoint.
pub(crate) fn calls(endpoint: &Endpoint) -> Vec<&Call> {
    let mut all = Vec::new();
    steps(&endpoint.steps, &mut |step| all.extend(call(step)));
    all
}

/// How a call travels, its own transport or the default one: databases and third parties are never in-process.
pub fn transport_of(scenario: &Scenario, call: &Call) -> Transport {
    match scenario.nodes.get(&call.target.value.node).map(|node| node.kind) {
        Some(NodeKind::Service) => call.transport.as_ref().map_or(scenario.defaults.transport.value, |t| t.value),
        _ => Transport::Free,
    }
}

/// Visits every law of a scenario, in a fixed order.
pub(crate) fn laws_of<'s>(scenario: &'s Scenario, visit: &mut impl FnMut(&'s Law)) {
    let network = &scenario.network;
    for law in [&network.same_host, &network.same_zone, &network.cross_zone, &network.cross_region] {
        visit(&law.value);
    }
    network.links.iter().for_each(|link| visit(&link.latency.value));
    for client in scenario.clients.values() {
        match &client.load {
            Load::Closed { think_time, .. } => visit(&think_time.value),
            Load::Open { arrivals, batch, .. } => {
                if let Arrivals::Gaps(law) = &arrivals.value {
                    visit(law);
                }
                batch.value.iter().for_each(&mut *visit);
            }
        }
    }
    for node in scenario.nodes.values() {
        node.queue_timeout.value.iter().for_each(&mut *visit);
        for endpoint in node.endpoints.values() {
            endpoint.work.value.iter().chain(&endpoint.wait.value).for_each(&mut *visit);
            steps(&endpoint.steps, &mut |step| {
                if let Verb::Work(law) | Verb::Wait(law) = &step.verb {
                    visit(law);
                }
            });
        }
    }
}
