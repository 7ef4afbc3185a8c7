//! Transports, connections and links: names that lead somewhere, numbers that can be, and what looks wrong.
//!
//! Requests that follow one connection to one replica: "gRPC Load Balancing on Kubernetes without Tears" (linkerd.io,
//! 2018); one request in flight per connection of HTTP/1.1: RFC 9112, §9.3.

use std::collections::BTreeSet;

use super::ranges::zero;
use super::walk;
use crate::diag::{Complaint, code};
use crate::scenario::read::unknown_transport;
use crate::scenario::written::{
    BalancePer, Balancing, Call, Cost, Given, How, IN_PROCESS, Io, Node, Protocol, Scenario, Target, TransportSpec,
};
use crate::units::Span;

/// Complains about transports that are none.
pub(super) fn names(scenario: &Scenario, refused: &[String], complaints: &mut Vec<Complaint>) {
    let mut known = |name: &Given<String>| {
        if name.value != IN_PROCESS && !scenario.transports.contains_key(&name.value) && !refused.contains(&name.value)
        {
            let in_process = IN_PROCESS.to_owned();
            complaints.push(unknown_transport(name, scenario.transports.keys().chain([&in_process])));
        }
    };
    known(&scenario.defaults.transport);
    for node in scenario.nodes.values() {
        node.programs().flat_map(walk::calls).filter_map(|call| call.transport.as_ref()).for_each(&mut known);
    }
    scenario.clients.values().filter_map(|client| client.transport.as_ref()).for_each(&mut known);
    for client in scenario.clients.values() {
        if let Some(said) = client.transport.as_ref().filter(|t| t.value == IN_PROCESS) {
            let message = format!("`{}` is a client, outside of every process", client.name.value);
            let complaint = Complaint::error(code::WRONG_TARGET, message).at(said.place.clone());
            complaints.push(complaint.help("it calls over the network: `free` pays nothing else"));
        }
    }
}

/// The most a byte may cost, in picoseconds: 100 µs.
const DEAREST_BYTE: f64 = 1e8;

/// Complains about numbers that cannot be.
pub(super) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for spec in scenario.transports.values() {
        transport(spec, complaints);
    }
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

fn transport(spec: &TransportSpec, complaints: &mut Vec<Complaint>) {
    let factor = &spec.size_factor;
    zero(factor.value == 0.0, "size_factor", factor.place.as_ref(), "messages would have no bytes", complaints);
    if factor.value > 100.0 {
        let message = format!("`size_factor`: {} bytes on the wire for each byte; at most 100", factor.value);
        complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(factor.place.clone()));
    }
    for Cost { per_byte_ps, .. } in [&spec.encode, &spec.decode] {
        if per_byte_ps.value > DEAREST_BYTE {
            let message =
                format!("`per_byte`: {} for each byte; at most 100us", Span((per_byte_ps.value / 1e3) as u64));
            let complaint = Complaint::error(code::OUT_OF_RANGE, message).at(per_byte_ps.place.clone());
            complaints.push(complaint.help("codecs take nanoseconds per byte: JSON about \"2.4ns\""));
        }
    }
    let (streams, why) = (&spec.streams, "no request could be sent");
    zero(streams.value == 0, "streams", streams.place.as_ref(), why, complaints);
    if streams.value > 1 && !streams.is_default() && spec.protocol.value == Protocol::Http1 {
        let complaint = Complaint::error(code::OUT_OF_RANGE, "over http1 a connection has one request in flight");
        complaints.push(complaint.at(streams.place.clone()).help("write protocol = \"http2\", or leave `streams` out"));
    }
    let Some(connections) = &spec.connections else { return };
    let (max, idle) = (&connections.max, &connections.max_idle);
    zero(max.value == 0, "max", max.place.as_ref(), why, complaints);
    if idle.value > max.value && max.value > 0 {
        let message = format!("`max_idle` = {} means nothing above `max` = {}", idle.value, max.value);
        complaints.push(Complaint::warning(code::UNUSED, message).at(idle.place.clone()));
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
    unused(scenario, complaints);
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
    if call.stream.value.is_none() || spec.protocol.value != Protocol::Http1 {
        return;
    }
    let message = format!("over `{}` a stream is one body: its first message arrives with its last", spec.name.value);
    let complaint = Complaint::note(code::ONE_BODY, message).at(call.stream.place.clone());
    complaints.push(complaint.help("messages one by one need http2: transport = \"grpc\""));
}

/// Warns of transports that nothing uses. In a file with variants it is one of them that does.
fn unused(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    if !scenario.variants.is_empty() {
        return;
    }
    let used = walk::transports_used(scenario);
    let liked: Vec<&str> = scenario.transports.values().filter_map(|t| Some(t.like.as_ref()?.value.as_str())).collect();
    for (name, spec) in &scenario.transports {
        if spec.name.place.is_some() && !used.contains(name.as_str()) && !liked.contains(&name.as_str()) {
            let message = format!("nothing travels over the transport `{name}`");
            complaints.push(Complaint::warning(code::UNUSED, message).at(spec.name.place.clone()));
        }
    }
}
