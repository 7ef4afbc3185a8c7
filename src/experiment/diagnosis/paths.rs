//! What a client's request goes through: services in a row, calls, circles, and how available that can be.

use std::collections::BTreeSet;

use serde::Serialize;

use super::falls::{Down, Falls};
use crate::graph::Graph;
use crate::scenario::programs::{Programs, called, programs};
use crate::scenario::written::{Client, NodeKind, Scenario};
use crate::scenario::{Hosts, Topology, transport_of};

/// How available a node is taken to be for [`Path::available`].
pub const AVAILABLE: f64 = 0.999;

/// One client's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Path {
    /// The client.
    pub client: String,
    /// The longest chain of calls that wait for each other, by nodes; databases, caches and third parties are not in it.
    pub longest: Vec<String>,
    /// How many of these are services: gateways are none.
    pub services: usize,
    /// Calls to services and gateways for each request, expected; function calls are none.
    pub calls: f64,
    /// Queries and looks into caches for each request, expected.
    pub queries: f64,
    /// Nodes whose outage fails requests, each with the share that it fails, the most harmful first.
    pub needs: Vec<(String, f64)>,
    /// Share of requests that are served where each of these is up [`AVAILABLE`] of the time, independently of the others.
    pub available: f64,
}

/// Of every client.
pub(super) fn paths(scenario: &Scenario) -> Vec<Path> {
    let graph = programs(scenario);
    let order = graph.callees_first(|hop| hop.call().is_some());
    let chains = chains(scenario, &graph, &order);
    let falls = Falls::of(scenario);
    // One node down each, once for all clients.
    let nodes = scenario.nodes.keys().map(|node| (node.as_str(), falls.shares(Down { node, edge: None })));
    let nodes: Vec<(&str, Vec<f64>)> = nodes.collect();
    scenario
        .clients
        .values()
        .map(|client| path(scenario, client, (&graph, &order, &chains), (&falls, &nodes)))
        .collect()
}

fn path(
    scenario: &Scenario,
    client: &Client,
    (graph, order, chains): (&Programs<'_>, &[usize], &[Vec<usize>]),
    (falls, nodes): (&Falls<'_>, &[(&str, Vec<f64>)]),
) -> Path {
    let targets: Vec<(usize, f64, &str)> = client
        .calls
        .iter()
        .filter_map(|call| {
            let target = &call.target.value;
            Some((falls.find(&target.node, &target.endpoint)?, call.often(), target.node.as_str()))
        })
        .collect();
    let longest = targets.iter().map(|(at, ..)| &chains[*at]).max_by_key(|chain| chain.len());
    let mut longest: Vec<String> = longest.into_iter().flatten().rev().map(|at| graph.name(*at).0.to_owned()).collect();
    longest.dedup();
    let serves = |name: &&String| scenario.nodes.get(*name).is_some_and(|node| node.kind == NodeKind::Service);
    let services = longest.iter().filter(serves).count();
    let (calls, queries) = often(scenario, &targets, graph, order);
    let lost = |(node, fails): &(&str, Vec<f64>)| {
        let share = |(at, often, to): &(usize, f64, &str)| often * if to == node { 1.0 } else { fails[*at] };
        let all: f64 = targets.iter().map(|(_, often, _)| often).sum();
        let lost: f64 = targets.iter().map(share).sum();
        (lost > 1e-12).then(|| ((*node).to_owned(), lost / all))
    };
    let mut needs: Vec<(String, f64)> = nodes.iter().filter_map(lost).collect();
    needs.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let available = needs.iter().map(|(_, share)| 1.0 - (1.0 - AVAILABLE) * share).product();
    Path { client: client.name.value.clone(), longest, services, calls, queries, needs, available }
}

/// By program the longest chain of services and gateways below it and itself, the last first. A call that closes a circle ends it.
fn chains(scenario: &Scenario, graph: &Programs<'_>, order: &[usize]) -> Vec<Vec<usize>> {
    let hosts = Hosts::of(scenario);
    let serves = |at: usize| {
        let kind = scenario.nodes.get(graph.name(at).0).map(|node| node.kind);
        matches!(kind, Some(NodeKind::Service | NodeKind::Gateway))
    };
    let mut chains: Vec<Vec<usize>> = vec![Vec::new(); graph.len()];
    for &at in order.iter().filter(|at| serves(**at)) {
        let below = graph.leaving(at).filter(|(_, hop)| hop.call().is_some()).map(|(to, _)| to);
        let longest = below.max_by_key(|to| chains[*to].len());
        let mut chain = longest.map_or_else(Vec::new, |to| chains[to].clone());
        // What is built into its caller is no further hop.
        if !hosts.is_inside(graph.name(at).0) {
            chain.push(at);
        }
        chains[at] = chain;
    }
    chains
}

/// So few visits that are still to come are none; what goes round in circles ends by chance.
const LAST: f64 = 1e-9;

/// Rounds after which what goes round in circles is near enough.
const ROUNDS: usize = 10_000;

/// Calls, and queries, for each request: callers before callees, and what leads back again in another round.
fn often(scenario: &Scenario, targets: &[(usize, f64, &str)], graph: &Programs<'_>, order: &[usize]) -> (f64, f64) {
    let mut coming = vec![0.0; graph.len()];
    let (mut calls, mut queries) = (0.0, 0.0);
    for (at, often, _) in targets {
        coming[*at] += often;
        calls += often;
    }
    for _ in 0..ROUNDS {
        for &at in order.iter().rev() {
            let visits = std::mem::take(&mut coming[at]);
            for (to, hop) in graph.leaving(at).filter(|_| visits > 0.0) {
                let (Some(call), Some(times)) = (hop.call(), hop.times) else { continue };
                let more = visits * times;
                coming[to] += more;
                let kind = scenario.nodes.get(called(call).0).map(|node| node.kind);
                match kind {
                    Some(NodeKind::Database | NodeKind::Cache) => queries += more,
                    _ if transport_of(scenario, call).is_in_process() => {}
                    _ => calls += more,
                }
            }
        }
        if coming.iter().sum::<f64>() < LAST {
            break;
        }
    }
    (calls, queries)
}

/// Nodes that call each other in a circle, each circle with its first again at the end.
pub(super) fn circles(scenario: &Scenario) -> Vec<Vec<String>> {
    let topology = Topology::of(scenario);
    let mut graph: Graph<&str, ()> = Graph::new();
    for link in topology.links.iter().filter(|link| !link.message) {
        graph.connect(&link.from, &link.to, ());
    }
    let circles = graph.circles(|from, to, ()| from != to);
    let all: BTreeSet<Vec<String>> =
        circles.into_iter().map(|circle| circle.path.into_iter().map(|name| (*name).to_owned()).collect()).collect();
    all.into_iter().collect()
}
