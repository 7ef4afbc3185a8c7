//! Kiali's graph: rates and shares of failures of calls within a mesh.
//!
//! Format: kiali `graph/config/cytoscape`: rates per second over the graph's duration, as texts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::fit::{short, time};
use super::flows::{Ends, Flow, Flows};
use super::found::{Found, From, Go};
use super::names::node_name;

#[derive(Debug, Deserialize)]
struct Graph {
    #[serde(default)]
    duration: f64,
    elements: Elements,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Elements {
    nodes: Vec<Held<Node>>,
    edges: Vec<Held<Edge>>,
}

#[derive(Debug, Deserialize)]
struct Held<T> {
    data: T,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Node {
    id: String,
    app: String,
    service: String,
    workload: String,
    namespace: String,
    #[serde(rename = "nodeType")]
    kind: String,
    version: String,
    is_root: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Edge {
    source: String,
    target: String,
    response_time: Option<String>,
    traffic: Option<Traffic>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Traffic {
    protocol: String,
    rates: BTreeMap<String, String>,
}

impl Traffic {
    /// Requests per second, and those of them that fail; of TCP there are bytes and no requests.
    fn requests(&self) -> Option<Flow> {
        let of = |key: String| self.rates.get(&key).and_then(|text| figure(text));
        let [failing, percent] = ["5xx", "PercentErr"].map(|word| of(format!("{}{word}", self.protocol)));
        let requests = of(self.protocol.clone()).filter(|_| self.protocol != "tcp")?;
        let failed = percent.map(|percent| requests * percent / 100.0).or(failing).unwrap_or(0.0);
        Some(Flow { requests, failed: failed.clamp(0.0, requests), is_message: false })
    }
}

/// A figure that may be one: not below nought, and nothing that nobody could have counted.
fn figure(text: &str) -> Option<f64> {
    text.parse().ok().filter(|n| (0.0..=MOST).contains(n))
}

/// More requests a second, or milliseconds, are a mistake.
const MOST: f64 = 1e9;

/// What a graph says.
#[derive(Debug, Default)]
pub(super) struct Mesh {
    calls: BTreeMap<Ends, Flow>,
    /// Response times by callee, ms.
    times: BTreeMap<String, f64>,
    /// Those that are no entry from outside.
    nodes: BTreeSet<String>,
    /// Over how long, as it is told behind a number.
    over: String,
}

/// Reads a graph.
pub(super) fn read(text: &str, found: &mut Found) -> Result<Mesh, serde_json::Error> {
    let graph: Graph = serde_json::from_str(text)?;
    let nodes: Vec<&Node> =
        graph.elements.nodes.iter().map(|held| &held.data).filter(|node| node.kind != "box").collect();
    let names = names(&nodes);
    let mut mesh = Mesh { over: format!("Kiali, over {} s", graph.duration), ..Mesh::default() };
    let (mut bytes, mut broken) = (0, 0);
    for Held { data: edge } in &graph.elements.edges {
        let (Some(ends), Some(traffic)) = (names.get(&edge.source).zip(names.get(&edge.target)), &edge.traffic) else {
            continue;
        };
        let Some(flow) = traffic.requests() else {
            *(if traffic.protocol == "tcp" { &mut bytes } else { &mut broken }) += 1;
            continue;
        };
        let sum = mesh.calls.entry((ends.0.clone(), ends.1.clone())).or_default();
        sum.requests += flow.requests;
        sum.failed += flow.failed;
        if let Some(ms) = edge.response_time.as_ref().and_then(|text| figure(text)).filter(|ms| *ms > 0.0) {
            mesh.times.insert(ends.1.clone(), ms);
        }
    }
    mesh.nodes = nodes.iter().filter(|node| !node.is_root).map(|node| names[&node.id].clone()).collect();
    if bytes > 0 {
        found.flag(format!("{bytes} edges of Kiali's graph carry bytes (TCP) and no requests: they are left out"));
    }
    if broken > 0 {
        found.flag(format!("{broken} edges of Kiali's graph have no rate that could be one: they are left out"));
    }
    Ok(mesh)
}

/// A name for each node: its service's, app's or workload's; with its version or namespace where others are called the same.
fn names(nodes: &[&Node]) -> BTreeMap<String, String> {
    let plain = |node: &Node| {
        let own = [&node.app, &node.service, &node.workload].into_iter().find(|name| !name.is_empty());
        node_name(own.map_or("unnamed", |name| name.split('.').next().unwrap_or(name)))
    };
    let mut names = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for node in nodes {
        let name = plain(node);
        let longer = [
            name.clone(),
            node_name(&format!("{name}-{}", node.version)),
            node_name(&format!("{name}-{}", node.namespace)),
        ];
        let numbered = (2..).map(|n| format!("{name}-{n}"));
        let free = longer.into_iter().chain(numbered).find(|name| !taken.contains(name)).unwrap_or(name);
        taken.insert(free.clone());
        names.insert(node.id.clone(), free);
    }
    names
}

impl Mesh {
    /// Rates and failures; steps and times where no input with an order has any.
    pub(super) fn settle(&self, found: &mut Found) {
        let flows = Flows::of(self.calls.iter().map(|(ends, flow)| (ends, *flow)));
        flows.flag(found);
        for name in &self.nodes {
            found.node(name);
        }
        for (ends, flow) in &self.calls {
            let Some(often) = flows.often(ends) else { continue };
            let (from, to) = ends;
            let origin = format!("{}/s for {}/s; {}", short(flow.requests), short(flows.requests(from)), self.over);
            let go = Go { node: to.clone(), endpoint: Some(String::new()), often, origin, ..Go::default() };
            found.measured_call(from, go.tolerated(flows.tolerated(from).contains(to.as_str())));
        }
        for (name, flow) in flows.arrived() {
            self.node(name, flow, &flows, found);
        }
        let origin = format!("the largest rate of each that nobody calls; at least; {}", self.over);
        found.measured_users(&flows.begun(""), true, &origin);
    }

    fn node(&self, name: &str, flow: Flow, flows: &Flows<'_>, found: &mut Found) {
        let own = flows.own_errors(name);
        if own > 0.0 {
            let origin = format!("failures of {}/s, without those below; {}", short(flow.requests), self.over);
            found.measured_errors(name, &From::new(own, origin));
        }
        let calls = self.calls.keys().any(|(from, to)| from == name && to != name);
        if let (Some(ms), false) = (self.times.get(name), calls) {
            let law = format!("{{ mean = {} }}", time(ms * 1e6));
            let origin = format!("response time at one percentile or mean; {}", self.over);
            found.measured_work(name, &From::new(law, origin));
        }
    }
}
