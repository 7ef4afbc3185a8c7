//! Timeouts that invert: a callee that still waits when its caller has given up works for nobody.

use std::collections::BTreeMap;

use super::super::guarded::{longest, of_client, timeout_of};
use super::walk;
use crate::diag::{Complaint, code};
use crate::scenario::written::{Given, Scenario, Target};
use crate::units::Span;

/// The longest a callee may wait for one of its own calls, by endpoint; through calls without a timeout, what lies below.
fn waits(scenario: &Scenario) -> BTreeMap<(&str, &str), Span> {
    let mut waits: BTreeMap<(&str, &str), Span> = BTreeMap::new();
    // As many rounds as a chain of calls without timeouts may be long; more than a few are rare.
    for _ in 0..64 {
        let mut changed = false;
        for (name, node) in &scenario.nodes {
            for (endpoint, inner) in &node.endpoints {
                let wait = walk::calls(inner).into_iter().map(|call| {
                    let Target { node, endpoint } = &call.target.value;
                    longest(&scenario.guards(call))
                        .filter(|_| !walk::transport_of(scenario, call).is_in_process())
                        .unwrap_or_else(|| waits.get(&(node.as_str(), endpoint.as_str())).copied().unwrap_or_default())
                });
                let wait = wait.max().unwrap_or_default();
                changed |= waits.insert((name, endpoint), wait) != Some(wait);
            }
        }
        if !changed {
            break;
        }
    }
    waits
}

/// Warns about callers that give up before their callees do.
pub(super) fn check(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let waits = waits(scenario);
    let mut judge = |caller: &str, target: &Given<Target>, timeout: Option<Span>| {
        let Target { node, endpoint } = &target.value;
        let below = waits.get(&(node.as_str(), endpoint.as_str())).copied().unwrap_or_default();
        if let Some(timeout) = timeout.filter(|t| *t < below) {
            let message = format!(
                "`{caller}` gives up on `{node}` after {timeout}, but `{node}` may wait {below} for its own callees"
            );
            let complaint = Complaint::warning(code::TIMEOUTS_INVERT, message).at(target.place.clone());
            complaints
                .push(complaint.help("it would go on working for nobody; give calls further down shorter timeouts"));
        }
    };
    for (name, client) in &scenario.clients {
        for call in &client.calls {
            judge(name, &call.target, of_client(scenario, client).timeout.map(|timeout| timeout.value));
        }
    }
    for (name, node) in &scenario.nodes {
        for call in node.programs().flat_map(walk::calls) {
            if !walk::transport_of(scenario, call).is_in_process() {
                judge(name, &call.target, timeout_of(scenario, call));
            }
        }
    }
}
