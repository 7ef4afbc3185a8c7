//! Kiali's graph: rates and shares of failures of calls within a mesh.
//!
//! Format: kiali `graph/config/cytoscape`: rates per second over the graph's duration, as texts.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::found::{Client, Found, From, Go, Step, circles};
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
    /// Requests per second, and the share of them that fails; of TCP there are bytes and no requests.
    fn requests(&self) -> Option<(f64, f64)> {
        let of = |key: String| self.rates.get(&key).and_then(|text| text.parse::<f64>().ok());
        let failing = ["5xx", "PercentErr"].map(|word| of(format!("{}{word}", self.protocol)));
        let rate = of(self.protocol.clone()).filter(|_| self.protocol != "tcp")?;
        let share = failing[1].map(|percent| percent / 100.0).or(failing[0].map(|own| own / rate)).unwrap_or(0.0);
        Some((rate, share.clamp(0.0, 1.0)))
    }
}

/// Reads a graph.
pub(super) fn read(text: &str, found: &mut Found) -> Result<(), serde_json::Error> {
    let graph: Graph = serde_json::from_str(text)?;
    let nodes: Vec<&Node> =
        graph.elements.nodes.iter().map(|held| &held.data).filter(|node| node.kind != "box").collect();
    let names = names(&nodes);
    let mut calls = Calls::new();
    let mut times: BTreeMap<String, f64> = BTreeMap::new();
    let mut bytes = 0;
    for Held { data: edge } in &graph.elements.edges {
        let Some((from, to)) = names.get(&edge.source).zip(names.get(&edge.target)) else { continue };
        let Some((rate, share)) = edge.traffic.as_ref().and_then(Traffic::requests) else {
            bytes += 1;
            continue;
        };
        let sum = calls.entry((from.clone(), to.clone())).or_default();
        sum.0 += rate;
        sum.1 += rate * share;
        if let Some(ms) = edge.response_time.as_ref().and_then(|text| text.parse::<f64>().ok()) {
            times.insert(to.clone(), ms);
        }
    }
    let over = format!("Kiali, over {} s", graph.duration);
    settle(&calls, &times, &over, found);
    for node in nodes.iter().filter(|node| !node.is_root) {
        found.node(&names[&node.id]);
    }
    if bytes > 0 {
        found.flag(format!("{bytes} edges of Kiali's graph carry bytes (TCP) and no requests: they are left out"));
    }
    Ok(())
}

/// A name for each node: its service's, app's or workload's; with its version or namespace where others are called the same.
fn names(nodes: &[&Node]) -> BTreeMap<String, String> {
    let plain = |node: &Node| {
        let own = [&node.app, &node.service, &node.workload].into_iter().find(|name| !name.is_empty());
        node_name(own.map_or("unnamed", |name| name.split('.').next().unwrap_or(name)))
    };
    let mut names = BTreeMap::new();
    let mut taken = std::collections::BTreeSet::new();
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

/// Rates and failures by caller and callee.
type Calls = BTreeMap<(String, String), (f64, f64)>;

/// The calls of one.
fn out<'a>(calls: &'a Calls, from: &'a str) -> impl Iterator<Item = (&'a (String, String), &'a (f64, f64))> {
    calls.range((from.to_owned(), String::new())..).take_while(move |((caller, _), _)| caller == from)
}

fn settle(calls: &Calls, times: &BTreeMap<String, f64>, over: &str, found: &mut Found) {
    let closing = circles(calls.keys());
    let mut arrived: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for ((_, to), (rate, failed)) in calls {
        let sum = arrived.entry(to).or_default();
        sum.0 += rate;
        sum.1 += failed;
    }
    for (ends, (rate, _)) in calls {
        let (from, to) = ends;
        if closing.contains(ends) {
            found.flag(format!("{from} -> {to} closes a circle and is left out"));
            continue;
        }
        let most = || out(calls, from).map(|(_, (rate, _))| *rate).fold(0.0, f64::max);
        let requests = arrived.get(from.as_str()).map(|sum| sum.0).filter(|rate| *rate > 0.0).unwrap_or_else(most);
        let mean = rate / requests.max(1e-9);
        let times = (mean.round() as u32).clamp(1, 1_000);
        let share = (mean / f64::from(times)).min(1.0);
        let origin = format!("{rate}/s for {requests}/s; {over}");
        let probability = (share < 0.999_95).then_some(share);
        if *rate > 0.0 {
            let go =
                Go { node: to.clone(), endpoint: Some(String::new()), times, probability, origin, ..Go::default() };
            found.endpoint(from, "").steps.push(Step::Go(go));
        }
    }
    for (name, (rate, failed)) in &arrived {
        let below: f64 = out(calls, name).map(|(_, (_, failed))| failed).sum();
        let endpoint = found.endpoint(name, "");
        if failed > &below {
            endpoint.error_rate =
                Some(From::new((failed - below) / rate, format!("failures of {rate}/s, without those below; {over}")));
        }
        if let (Some(ms), true) = (times.get(*name), out(calls, name).next().is_none()) {
            endpoint.work = Some(From::new(
                format!("{{ mean = \"{ms}ms\" }}"),
                format!("response time at one percentile or mean; {over}"),
            ));
        }
    }
    let callers: std::collections::BTreeSet<&String> = calls.keys().map(|(from, _)| from).collect();
    let roots = callers.into_iter().filter(|from| !arrived.contains_key(from.as_str()));
    let begun: Vec<(String, f64)> =
        roots.map(|from| (from.clone(), out(calls, from).map(|(_, (rate, _))| *rate).fold(0.0, f64::max))).collect();
    let all: f64 = begun.iter().map(|(_, rate)| rate).sum();
    if all > 0.0 {
        let share = |(name, rate): (String, f64)| (name, String::new(), rate / all);
        let calls = begun.into_iter().map(share).collect();
        let rate = Some(From::new(all, format!("the largest rate of each that nobody calls; at least; {over}")));
        found
            .clients
            .insert("users".into(), Client { calls, rate, origin: "whoever calls those whom nobody calls".into() });
    }
}
