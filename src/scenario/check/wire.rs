//! Transports, connections and links: names that lead somewhere, numbers that can be, and what looks wrong.
//!
//! Requests that follow one connection to one replica: "gRPC Load Balancing on Kubernetes without Tears" (linkerd.io,
//! 2018); one request in flight per connection of HTTP/1.1: RFC 9112, §9.3.

use std::collections::BTreeSet;

use super::ranges::zero;
use super::walk;
use crate::diag::{Complaint, code};
use crate::scenario::written::{
    BalancePer, Balancing, Call, Given, How, Io, Node, Protocol, Scenario, Target, TransportSpec,
};

/// Complains about numbers that cannot be.
pub(super) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for call in scenario.nodes.values().flat_map(Node::programs).flat_map(walk::calls) {
        zero(
            call.stream.value == Some(0),
            "stream",
            call.stream.place.as_ref(),
            "the answer would have no end",
            complaints,
        );
    }
}

/// One way in which a caller sends to a callee over connections.
struct Route<'s> {
    from: &'s str,
    caller: Option<&'s Node>,
    to: &'s Given<Target>,
    spec: &'s TransportSpec,
}

/// What runs but looks wrong.
pub(super) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let mut seen = BTreeSet::new();
    let mut judge = |route: &Route<'_>| {
        if seen.insert((route.from.to_owned(), route.to.value.node.clone(), route.spec.name.value.clone())) {
            pinned(scenario, route, complaints);
            few_connections(scenario, route, complaints);
        }
    };
    for (from, client) in &scenario.clients {
        let spec = walk::client_transport(scenario, client);
        client.calls.iter().for_each(|call| judge(&Route { from, caller: None, to: &call.target, spec }));
    }
    for (from, node) in &scenario.nodes {
        for call in node.programs().flat_map(walk::calls) {
            if let How::Over(spec) = walk::transport_of(scenario, call) {
                judge(&Route { from, caller: Some(node), to: &call.target, spec });
            }
        }
    }
    for call in scenario.nodes.values().flat_map(Node::programs).flat_map(walk::calls) {
        one_body(scenario, call, complaints);
    }
}

/// HTTP/2 opens another connection only when the streams of all are taken, and what is balanced are connections.
fn pinned(scenario: &Scenario, route: &Route<'_>, complaints: &mut Vec<Complaint>) {
    let Route { from, to, spec, .. } = route;
    let (Some(connections), Some(callee)) = (&spec.connections, scenario.nodes.get(&to.value.node)) else { return };
    let discovery = &scenario.discovery;
    let replicas = callee.most_replicas();
    if spec.protocol.value != Protocol::Http2
        || discovery.balance_per.value != BalancePer::Connection
        || discovery.load_balancing.value == Balancing::PickFirst
        || connections.max.value >= replicas
    {
        return;
    }
    let (max, callee) = (connections.max.value, &callee.name.value);
    let sender = if route.caller.is_some() { format!("each replica of `{from}`") } else { format!("`{from}`") };
    let few = if max == 1 { "one".to_owned() } else { format!("at most {max}") };
    let message = format!("{sender} sends all its requests to {few} of the {replicas} replicas of `{callee}`");
    let help = format!(
        "connections are balanced, and `{}` opens {}; balance requests ([discovery] balance_per = \"request\"), as a client \
         that knows all replicas or a proxy does: see \"gRPC Load Balancing on Kubernetes without Tears\" (linkerd.io)",
        spec.name.value,
        if max == 1 { "a single one".to_owned() } else { format!("no more than {max}") },
    );
    complaints.push(Complaint::warning(code::PINNED, message).at(to.place.clone()).help(help));
}

/// A blocking caller with more workers than connections: some workers wait for one.
fn few_connections(scenario: &Scenario, route: &Route<'_>, complaints: &mut Vec<Complaint>) {
    let Route { from, to, spec, caller } = route;
    let (Some(connections), Some(caller)) = (&spec.connections, caller) else { return };
    let Some(workers) = caller.concurrency.value.filter(|_| caller.io.value == Io::Blocking) else { return };
    let callees = match (scenario.discovery.balance_per.value, scenario.nodes.get(&to.value.node)) {
        (BalancePer::Request, Some(callee)) => u64::from(callee.most_replicas()),
        _ => 1,
    };
    let room = u64::from(connections.max.value) * u64::from(spec.streams.value) * callees;
    // Nobody chose either number: that the defaults differ is no news.
    if room >= u64::from(workers) || (connections.max.is_default() && caller.concurrency.is_default()) {
        return;
    }
    let sent = if spec.protocol.value == Protocol::Http1 { "connections" } else { "streams" };
    let message = format!(
        "a replica of `{from}` works on {workers} requests at once, but has {room} {sent} to `{}`",
        to.value.node
    );
    let complaint = Complaint::note(code::FEW_CONNECTIONS, message).at(to.place.clone());
    complaints.push(complaint.help("calls beyond them wait for one, and hold their workers meanwhile"));
}

fn one_body(scenario: &Scenario, call: &Call, complaints: &mut Vec<Complaint>) {
    let How::Over(spec) = walk::transport_of(scenario, call) else { return };
    if call.stream.value.is_none() || spec.by_message() {
        return;
    }
    let message = format!("over `{}` a stream is one body: its first message arrives with its last", spec.name.value);
    let complaint = Complaint::note(code::ONE_BODY, message).at(call.stream.place.clone());
    complaints.push(
        complaint.help("messages one by one need http2 (transport = \"grpc\"), or a transport with chunked = true"),
    );
}
