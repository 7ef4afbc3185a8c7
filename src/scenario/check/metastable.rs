//! Overloads that feed themselves: once a callee is slower than its callers wait, every request becomes several, and if
//! those are more than it can do it stays slow after the cause has gone (Bronson et al., "Metastable Failures in
//! Distributed Systems", 2021). Of such a run some replications collapse and others do not.

use std::collections::BTreeMap;

use super::super::analytic::NodeForecast;
use super::super::guarded::of_client;
use super::walk;
use crate::diag::{Complaint, code};
use crate::model::Outcome;
use crate::scenario::written::{Given, Guards, Node, Scenario, Target, on};
use crate::units::Span;

/// How calls into a node multiply when they time out.
struct Storm<'s> {
    caller: &'s str,
    target: &'s Given<Target>,
    timeout: Span,
    tries: f64,
}

/// Warns of nodes that are not overloaded, but would be if every call to them was tried as often as allowed.
pub(super) fn look(scenario: &Scenario, nodes: &[NodeForecast], complaints: &mut Vec<Complaint>) {
    let mut all = storms(scenario);
    for (node, expected) in scenario.nodes.values().zip(nodes) {
        let used = expected.utilization.max(expected.held).max(expected.peak_utilization);
        let storms = all
            .remove(node.name.value.as_str())
            .unwrap_or_default()
            .into_iter()
            .filter(|storm| !drains(node, expected, storm.timeout));
        let worst = storms.max_by(|a, b| a.tries.total_cmp(&b.tries));
        if let Some(storm) = worst.filter(|storm| used <= 1.0 && used * storm.tries > 1.0) {
            complaints.push(warning(node, used, &storm));
        }
    }
}

fn warning(node: &Node, used: f64, storm: &Storm<'_>) -> Complaint {
    let name = &node.name.value;
    let message = format!(
        "a short overload of `{name}` may last: calls of `{}` time out after {} and are tried {} times, which is {:.0} % of \
         what `{name}` can do",
        storm.caller,
        storm.timeout,
        storm.tries,
        used * storm.tries * 100.0
    );
    let help = "give the retries a budget, or the calls a circuit_breaker; with 20 replications or more a run says \
                whether some collapse and others do not";
    Complaint::warning(code::METASTABLE, message).at(storm.target.place.clone()).help(help)
}

/// By node: calls into it that are tried again when they time out, with nothing that bounds that.
fn storms(scenario: &Scenario) -> BTreeMap<&str, Vec<Storm<'_>>> {
    let own = scenario.nodes.values().flat_map(|caller| {
        let calls = caller.programs().flat_map(walk::calls);
        calls
            .filter(|call| !walk::transport_of(scenario, call).is_in_process())
            .map(move |call| (caller.name.value.as_str(), &call.target, scenario.guards(call)))
    });
    let clients = scenario.clients.values().flat_map(|client| {
        client.calls.iter().map(move |call| (client.name.value.as_str(), &call.target, of_client(scenario, client)))
    });
    let mut all: BTreeMap<&str, Vec<Storm<'_>>> = BTreeMap::new();
    for (caller, target, guards) in own.chain(clients) {
        if let Some((timeout, tries)) = unbounded(&guards) {
            all.entry(&target.value.node).or_default().push(Storm { caller, target, timeout, tries });
        }
    }
    all
}

/// The timeout of a call and its tries, if it is tried again after that and nothing stops it.
fn unbounded(guards: &Guards) -> Option<(Span, f64)> {
    let rule = on(&guards.retries)?;
    let stopped = rule.budget.value.is_some()
        || on(&guards.circuit_breaker).is_some()
        || on(&guards.adaptive_throttle).is_some()
        || on(&guards.rate_limit).is_some();
    let again = rule.on.value.contains(&Outcome::Timeout);
    (again && !stopped).then_some((guards.timeout.as_ref()?.value, 1.0 + f64::from(rule.max.value)))
}

/// Whether even the last in a full line is answered before its caller gives up: then nobody works for the dead.
fn drains(node: &Node, expected: &NodeForecast, timeout: Span) -> bool {
    if on(&node.door.shed).is_some() || on(&node.door.concurrency_limit).is_some() {
        return true;
    }
    let (Some(line), Some(workers)) = (node.queue_limit.value, expected.workers) else { return false };
    let each = workers / f64::from(node.replicas.value).max(1.0);
    let wait_ms = expected.response_ms * (1.0 + f64::from(line) / each.max(1.0));
    wait_ms < timeout.as_secs_f64() * 1e3
}
