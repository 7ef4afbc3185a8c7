//! SLOs are about something, and about something that is measured there.

use std::collections::BTreeSet;

use super::{names::known_names, walk};
use crate::diag::{Complaint, code};
use crate::graph::{Arrow, End};
use crate::scenario::read::suggest;
use crate::scenario::written::{Metric, Scenario, Scope, Sense, Slo, Target};

/// What an SLO is about.
enum About {
    Client,
    /// A node and, by the same name, its default endpoint if it has one.
    Node {
        endpoint: bool,
    },
    Endpoint,
    Edge,
    Flow,
    /// A queue.
    Messages,
    /// What a group has of a topic.
    Group,
}

/// Complains about SLOs that cannot be judged.
pub(super) fn check(scenario: &Scenario, refused: &[String], complaints: &mut Vec<Complaint>) {
    let edges = edges(scenario);
    for slo in &scenario.slos {
        match about(scenario, &edges, &slo.of.value) {
            Some(about) => {
                measured(slo, &about, complaints);
                scoped(scenario, slo, &about, complaints);
            }
            None if refused.iter().any(|name| slo.of.value.contains(name.as_str())) => {}
            None if complaints.len() > 100 => {}
            None => complaints.push(unknown(scenario, &edges, slo)),
        }
    }
}

/// All edges by the key they are reported under.
fn edges(scenario: &Scenario) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut add = |from: &str, to: &Target| {
        all.insert(Arrow { from, to: &to.to_string() }.to_string());
    };
    for (name, client) in &scenario.clients {
        client.calls.iter().for_each(|call| add(name, &call.target.value));
    }
    for (name, node) in &scenario.nodes {
        for call in node.programs().flat_map(walk::calls) {
            add(name, &call.target.value);
        }
        for publish in node.programs().flat_map(walk::publishes) {
            add(name, &Target { node: publish.to.value.clone(), endpoint: String::new() });
        }
        for consumer in &node.consumes {
            add(&consumer.from.value, &Target { node: name.clone(), endpoint: String::new() });
        }
    }
    all
}

/// `a -> b` whatever the spaces.
fn edge_key(of: &str) -> Option<String> {
    Arrow::of(of).map(|arrow| arrow.to_string())
}

fn about(scenario: &Scenario, edges: &BTreeSet<String>, of: &str) -> Option<About> {
    if let Some(key) = edge_key(of) {
        return edges.contains(&key).then_some(About::Edge);
    }
    if scenario.clients.contains_key(of) {
        return Some(About::Client);
    }
    if let Some(node) = scenario.nodes.get(of) {
        return Some(About::Node { endpoint: node.endpoints.contains_key("") });
    }
    if scenario.flows.iter().any(|flow| flow.name.value == of) {
        return Some(About::Flow);
    }
    if scenario.queues.contains_key(of) {
        return Some(About::Messages);
    }
    if crate::scenario::tables::consumers::groups(scenario).contains(of) {
        return Some(About::Group);
    }
    let End { node, endpoint } = End::of(of);
    scenario.nodes.get(node)?.endpoints.contains_key(endpoint?).then_some(About::Endpoint)
}

fn unknown(scenario: &Scenario, edges: &BTreeSet<String>, slo: &Slo) -> Complaint {
    let of = &slo.of.value;
    let complaint = Complaint::error(code::SLO_TARGET, format!("the SLO is about `{of}`, which does not exist"))
        .at(slo.of.place.clone());
    let known = known_names(scenario);
    let flows = scenario.flows.iter().map(|flow| &flow.name.value);
    let names =
        known.iter().chain(scenario.clients.keys()).chain(scenario.queues.keys()).chain(flows).chain(edges.iter());
    let names = names.map(String::as_str);
    match suggest(&edge_key(of).unwrap_or_else(|| of.clone()), names) {
        Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
        None => complaint.help(
            "`of` names a client, a flow, an endpoint, a node, a queue, topic/group or an edge: \"shoppers\", \"orders.create\", \"orders -> payments\"",
        ),
    }
}

/// A promise about some time names a fault, and is about a client.
fn scoped(scenario: &Scenario, slo: &Slo, about: &About, complaints: &mut Vec<Complaint>) {
    let faults = || scenario.faults.iter().map(|fault| fault.name.value.as_str());
    let recovery = slo.promise.metric == Metric::RecoveryTime;
    let not_measured = |why: &str| {
        let message = format!("`{}` is not measured for `{}`", slo.expect.value, slo.of.value);
        Complaint::error(code::SLO_METRIC, message).at(slo.expect.place.clone()).help(why.to_owned())
    };
    if recovery && scenario.faults.is_empty() {
        complaints.push(not_measured("nothing goes wrong in this file, so there is nothing to recover from"));
    }
    let Some(scope) = &slo.scope else { return };
    if let Scope::During(name) | Scope::AfterFault(name) = &scope.value
        && !faults().any(|fault| fault == name)
    {
        let complaint = Complaint::error(code::UNKNOWN_NAME, format!("no fault is called `{name}`"));
        complaints.push(match suggest(name, faults()) {
            Some(meant) => complaint.at(scope.place.clone()).label(format!("did you mean `{meant}`?")),
            None => complaint.at(scope.place.clone()).help("name one of the [[faults]] by its `name`"),
        });
    }
    if !recovery && !matches!(about, About::Client) {
        complaints.push(not_measured("a promise about a time around faults is judged for clients"));
    } else if slo.promise.metric == Metric::Throughput {
        complaints.push(not_measured("throughput is measured over the whole run; use success_rate"));
    } else if recovery && !matches!(scope.value, Scope::AfterFault(_)) {
        complaints.push(not_measured("recovery comes after a fault: after_fault = \"…\", or nothing for all of them"));
    }
}

fn measured(slo: &Slo, about: &About, complaints: &mut Vec<Complaint>) {
    if slo.promise.bound.is_nan() {
        return;
    }
    let node_only = matches!(slo.promise.metric, Metric::Utilization | Metric::Amplification);
    let waits = matches!(slo.promise.metric, Metric::Percentile(_) | Metric::Mean | Metric::Max);
    let lags = matches!(slo.promise.metric, Metric::Lag | Metric::MaxLag);
    let help = match about {
        About::Node { endpoint: false } if !node_only && !lags => {
            "name one of its endpoints: the node itself has no default one"
        }
        About::Client | About::Endpoint | About::Edge | About::Flow | About::Messages | About::Group if node_only => {
            "utilization and amplification are figures of nodes"
        }
        About::Client | About::Flow | About::Group | About::Messages if slo.promise.metric == Metric::RecoveryTime => {
            return;
        }
        _ if slo.promise.metric == Metric::RecoveryTime => "recovery is measured for clients, flows, groups and queues",
        About::Group if !waits && !lags => "a group has lag, max_lag and delays: p50 … p99.9, mean and max",
        About::Client | About::Endpoint | About::Edge | About::Flow | About::Messages | About::Node { .. } if lags => {
            "lag is a figure of groups: of = \"topic/group\""
        }
        About::Messages if !waits => "a queue has waiting times: p50 … p99.9, mean and max",
        _ => return,
    };
    let message = format!("`{}` is not measured for `{}`", slo.expect.value, slo.of.value);
    complaints.push(Complaint::error(code::SLO_METRIC, message).at(slo.expect.place.clone()).help(help));
}

/// Warns of promises that more failures would keep: bounds from the wrong side.
pub(super) fn reversed(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for slo in &scenario.slos {
        let above = matches!(slo.promise.sense, Sense::Above | Sense::AtLeast);
        let (wrong, other) = match slo.promise.metric {
            Metric::Percentile(_) | Metric::Mean | Metric::Max | Metric::RecoveryTime | Metric::ErrorRate => {
                (above, "<")
            }
            Metric::SuccessRate | Metric::Good(_) => (!above, ">="),
            _ => (false, ""),
        };
        if wrong {
            let message = format!("`{}` is kept best where nothing works", slo.expect.value);
            let complaint = Complaint::warning(code::REVERSED, message).at(slo.expect.place.clone());
            complaints.push(complaint.help(format!("turn it round if a bound to be kept was meant: `{other}`")));
        }
    }
}

/// Warns of promises that failing fast would keep: of the mean and the longest of the answered. Percentiles are over all
/// that arrived.
pub(super) fn latency_only(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let success = |slo: &&Slo| matches!(slo.promise.metric, Metric::SuccessRate | Metric::ErrorRate | Metric::Good(_));
    let guarded: BTreeSet<&str> = scenario.slos.iter().filter(success).map(|slo| slo.of.value.as_str()).collect();
    for slo in &scenario.slos {
        let latency = matches!(slo.promise.metric, Metric::Mean | Metric::Max);
        let fails = !scenario.queues.contains_key(&slo.of.value) && !slo.of.value.contains('/');
        if latency && fails && !guarded.contains(slo.of.value.as_str()) && told.insert(&slo.of.value) {
            let message = format!("an SLO on the latency of `{}`, but none on its success", slo.of.value);
            let complaint = Complaint::warning(code::LATENCY_ONLY, message).at(slo.of.place.clone());
            complaints.push(complaint.help(
                "failing fast would meet it; add for example expect = \"success_rate >= 99.5%\", or use good(400ms)",
            ));
        }
    }
}
