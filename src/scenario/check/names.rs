//! Names lead somewhere.

use super::walk;
use crate::diag::{Complaint, Source, code};
use crate::graph::End;
use crate::scenario::read::suggest;
use crate::scenario::written::{Call, Given, IN_PROCESS, Mesh, Node, NodeKind, Route, Scenario, Step, Target, Verb};

/// The names that can be called: nodes, and their endpoints as `node.endpoint`.
pub(in crate::scenario) fn known_names(scenario: &Scenario) -> Vec<String> {
    let mut all = Vec::new();
    for (name, node) in &scenario.nodes {
        all.push(name.clone());
        all.extend(node.endpoints.keys().filter(|e| !e.is_empty()).map(|e| End::named(name, e).to_string()));
    }
    all
}

/// Complains about every name that leads nowhere.
pub(super) fn check(scenario: &Scenario, source: &Source, refused: &[String], complaints: &mut Vec<Complaint>) {
    if scenario.clients.is_empty() && refused.is_empty() {
        let end = source.text.find('\n').unwrap_or(source.text.len());
        let complaint = Complaint::error(code::NOTHING_TO_DO, "there is no client, so nothing would happen").at(0..end);
        complaints.push(complaint.help("write for example [clients.shoppers] calls = \"edge\" rate = \"120/s\""));
    }
    for client in scenario.clients.values() {
        for call in &client.calls {
            target(scenario, &call.target, Wants::Client, refused, complaints);
        }
        if let Some(name) = &client.policy {
            policy(scenario, name, complaints);
        }
    }
    for node in scenario.nodes.values() {
        for endpoint in node.programs() {
            walk::steps(&endpoint.steps, &mut |step| one_step(scenario, &node.name.value, step, refused, complaints));
        }
    }
    if let Some(name) = &scenario.defaults.policy {
        policy(scenario, name, complaints);
    }
}

/// What a target is wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wants {
    Client,
    Callee,
    Database,
    Cache,
    /// Who keeps a count: a cache as well as a service.
    Counter,
}

fn one_step(scenario: &Scenario, from: &str, step: &Step, refused: &[String], complaints: &mut Vec<Complaint>) {
    let wants = match step.verb {
        Verb::Query(_) => Wants::Database,
        Verb::Cache { .. } => Wants::Cache,
        Verb::Meter(_) => Wants::Counter,
        _ => Wants::Callee,
    };
    let Some(call) = walk::call(step) else { return };
    if target(scenario, &call.target, wants, refused, complaints) {
        in_process(scenario, from, call, complaints);
    }
    if let Some(name) = &call.policy {
        policy(scenario, name, complaints);
    }
}

fn target(
    scenario: &Scenario,
    to: &Given<Target>,
    wants: Wants,
    refused: &[String],
    complaints: &mut Vec<Complaint>,
) -> bool {
    let Target { node: name, endpoint } = &to.value;
    let Some(node) = scenario.nodes.get(name) else {
        if scenario.queues.contains_key(name) || scenario.topics.contains_key(name) {
            let message = format!("`{name}` is not called: it takes messages");
            let complaint = Complaint::error(code::WRONG_TARGET, message).at(to.place.clone());
            complaints.push(complaint.help(format!("let a service publish to it: {{ publish = \"{name}\" }}")));
            return false;
        }
        if !refused.contains(name) {
            let guess = complaints.len() < GUESSES;
            complaints.push(nowhere(scenario, to, wants, guess));
        }
        return false;
    };
    let wrong = match (wants, node.kind) {
        (Wants::Client, NodeKind::Database) => {
            Some(("a client does not call a database", "put a service between that queries it".to_owned()))
        }
        (Wants::Callee | Wants::Counter, NodeKind::Database) => {
            Some(("a database is not called", format!("ask it: {{ query = \"{name}\" }}")))
        }
        (Wants::Database, NodeKind::Service) => {
            Some(("a service is not queried", format!("call it: {{ call = \"{name}\" }}")))
        }
        (Wants::Database, NodeKind::Gateway) => {
            Some(("a gateway is not queried", format!("call it: {{ call = \"{name}\" }}")))
        }
        (Wants::Database, NodeKind::External) => {
            Some(("a third party is not queried", format!("call it: {{ call = \"{name}\" }}")))
        }
        (Wants::Client, NodeKind::Cache) => {
            Some(("a client does not ask a cache", "put a service between that looks into it".to_owned()))
        }
        (Wants::Callee, NodeKind::Cache) => {
            Some(("a cache is not called", format!("look into it: {{ cache = \"{name}\", on_miss = [...] }}")))
        }
        (Wants::Database, NodeKind::Cache) => {
            Some(("a cache is not queried", format!("look into it: {{ cache = \"{name}\", on_miss = [...] }}")))
        }
        (Wants::Cache, kind) if kind != NodeKind::Cache => {
            Some(("it is no cache", "define one: [caches.prices] keys = 10000".to_owned()))
        }
        _ => None,
    };
    if let Some((why, help)) = wrong {
        complaints
            .push(Complaint::error(code::WRONG_TARGET, format!("`{name}`: {why}")).at(to.place.clone()).help(help));
        return false;
    }
    if node.endpoints.contains_key(endpoint) {
        return true;
    }
    complaints.extend(no_endpoint(node, to));
    false
}

/// The node is there, but not what is asked of it.
fn no_endpoint(node: &Node, to: &Given<Target>) -> Option<Complaint> {
    let Target { node: name, endpoint } = &to.value;
    if let Some(routes) = node.gate.as_ref().and_then(|gate| gate.routes.as_ref()) {
        return no_route(name, endpoint, &routes.value).map(|complaint| complaint.at(to.place.clone()));
    }
    let others: Vec<String> =
        node.endpoints.keys().filter(|e| !e.is_empty()).map(|e| format!("`{name}.{e}`")).collect();
    let message = if endpoint.is_empty() {
        format!("`{name}` has no default endpoint")
    } else {
        format!("`{name}` has no endpoint `{endpoint}`")
    };
    let mut complaint = Complaint::error(code::UNKNOWN_ENDPOINT, message).at(to.place.clone());
    if let Some(meant) = suggest(endpoint, node.endpoints.keys().map(String::as_str)).filter(|m| !m.is_empty()) {
        complaint = complaint.label(format!("did you mean `{name}.{meant}`?"));
    }
    let has = if others.is_empty() { "only its default one: leave the dot out".into() } else { few(&others) };
    Some(complaint.help(format!("its endpoints: {has}")))
}

/// No route of a gateway takes what is asked of it. Where it has none at all, that is said there.
fn no_route(gateway: &str, asked: &str, routes: &[Route]) -> Option<Complaint> {
    let path = if asked.is_empty() { "/" } else { asked };
    let patterns: Vec<String> = routes.iter().map(|route| format!("`{gateway}:{}`", route.path.value)).collect();
    let message = format!("no route of `{gateway}` takes `{path}`");
    let help = match asked {
        "" => format!("say which path: calls = \"{gateway}:/…\"; its routes: {}", few(&patterns)),
        _ => format!("its routes: {}", few(&patterns)),
    };
    (!routes.is_empty()).then(|| Complaint::error(code::NO_ROUTE, message).help(help))
}

/// The first of many.
pub(in crate::scenario) fn few(all: &[String]) -> String {
    let shown = all.iter().take(12).cloned().collect::<Vec<_>>().join(", ");
    if all.len() > 12 { format!("{shown} … ({} in all)", all.len()) } else { shown }
}

/// After so many complaints the name that was meant is no longer looked for: a long file would take for ever.
const GUESSES: usize = 100;

fn nowhere(scenario: &Scenario, to: &Given<Target>, wants: Wants, guess: bool) -> Complaint {
    let name = &to.value.node;
    if scenario.clients.contains_key(name) {
        let complaint =
            Complaint::error(code::WRONG_TARGET, format!("`{name}` is a client; clients call, nobody calls them"));
        return complaint.at(to.place.clone()).help("call a service, or make it one");
    }
    let complaint = Complaint::error(code::UNKNOWN_NAME, format!("nothing is called `{name}`")).at(to.place.clone());
    if !guess {
        return complaint;
    }
    let names = known_names(scenario);
    let whole = to.value.to_string();
    let meant =
        suggest(&whole, names.iter().map(String::as_str)).or_else(|| suggest(name, names.iter().map(String::as_str)));
    match meant {
        Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
        None => complaint.help(format!("define it: [{}.{name}]", section(&to.value, wants))),
    }
}

/// Where to define what is asked for: a path is a gateway's, a query a database's.
fn section(to: &Target, wants: Wants) -> &'static str {
    match wants {
        Wants::Database => "databases",
        _ if to.endpoint.starts_with('/') => "gateways",
        _ => "services",
    }
}

fn policy(scenario: &Scenario, name: &Given<String>, complaints: &mut Vec<Complaint>) {
    if scenario.policies.contains_key(&name.value) {
        return;
    }
    let complaint =
        Complaint::error(code::UNKNOWN_NAME, format!("no policy is called `{}`", name.value)).at(name.place.clone());
    complaints.push(match suggest(&name.value, scenario.policies.keys().map(String::as_str)) {
        Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
        None => complaint.help(format!("define it: [policies.{}]", name.value)),
    });
}

/// In-process calls: only services have a program that can run elsewhere, and their own limits then mean nothing.
fn in_process(scenario: &Scenario, from: &str, call: &Call, complaints: &mut Vec<Complaint>) {
    let Some(node) = scenario.nodes.get(&call.target.value.node) else { return };
    let said = call.transport.as_ref().filter(|t| t.value == IN_PROCESS);
    if let (Some(said), true) = (said, node.kind != NodeKind::Service) {
        let message = format!("`{}` is not part of the caller's process", call.target.value.node);
        complaints
            .push(Complaint::error(code::WRONG_TARGET, message).at(said.place.clone()).help("leave the transport out"));
        return;
    }
    // A node that calls itself keeps its own limits.
    if !walk::transport_of(scenario, call).is_in_process() || node.name.value == from {
        return;
    }
    let limits = [
        ("replicas", node.replicas.place.is_some() && node.replicas.value > 1),
        ("concurrency", node.concurrency.place.is_some()),
        ("cores", node.cores.place.is_some()),
        ("queue_limit", node.queue_limit.place.is_some()),
        ("queue_timeout", node.queue_timeout.place.is_some()),
    ];
    let limits =
        limits.into_iter().chain([("timeout", call.guards.timeout.is_some()), ("policy", call.policy.is_some())]);
    let ignored: Vec<&str> = limits.filter(|(_, set)| *set).map(|(name, _)| name).collect();
    // Where in-process is the default of the whole file, as in a variant, the limits are those of the other variants.
    if !ignored.is_empty() && said.is_some() {
        let message =
            format!("an in-process call to `{}`: {} will not apply", call.target.value.node, ignored.join(", "));
        let help =
            "its program runs on the caller's worker and cores; leave the limits out, or call it over the network";
        complaints.push(Complaint::warning(code::LIMITS_IGNORED, message).at(call.target.place.clone()).help(help));
    }
}

/// Whether a variant names it: then it is that one that uses it.
fn varied(scenario: &Scenario, name: &str) -> bool {
    scenario.variants.iter().flat_map(|variant| &variant.edits).any(|(_, value)| value.contains(&format!("\"{name}")))
}

/// Warns of nodes nobody calls and of policies no call uses.
pub(super) fn unused(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let mut called: Vec<&str> = Vec::new();
    let meshed = scenario.mesh.iter().flat_map(Mesh::policies);
    let mut policies: Vec<&str> = scenario.defaults.policy.iter().chain(meshed).map(|p| p.value.as_str()).collect();
    for client in scenario.clients.values() {
        policies.extend(client.policy.as_ref().map(|p| p.value.as_str()));
        called.extend(client.calls.iter().map(|call| call.target.value.node.as_str()));
    }
    for endpoint in scenario.nodes.values().flat_map(Node::programs) {
        for call in walk::calls(endpoint) {
            called.push(&call.target.value.node);
            policies.extend(call.policy.as_ref().map(|p| p.value.as_str()));
        }
    }
    called.sort_unstable();
    policies.sort_unstable();
    for node in scenario
        .nodes
        .values()
        .filter(|n| n.consumes.is_empty() && called.binary_search(&n.name.value.as_str()).is_err())
        .filter(|n| !varied(scenario, &n.name.value))
    {
        let message = format!("nobody calls `{}`", node.name.value);
        complaints.push(Complaint::warning(code::UNUSED, message).at(node.name.place.clone()));
    }
    for policy in scenario.policies.values().filter(|p| policies.binary_search(&p.name.value.as_str()).is_err()) {
        let message = format!("no call uses the policy `{}`", policy.name.value);
        complaints.push(Complaint::warning(code::UNUSED, message).at(policy.name.place.clone()));
    }
}
