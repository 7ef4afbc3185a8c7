//! Metrics of calls: the service graphs of Tempo, Alloy and OpenTelemetry's connector, and Istio's requests, as they are scraped or
//! as Prometheus answers.
//!
//! Of a histogram the bounds are kept: between two of them nothing is known, and no point in between is said. Counters of a single
//! scrape say shares, not rates.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::fit::{pieces, time};
use super::flows::{Ends, Flow, Flows};
use super::found::{Broker, Found, From, Go, Kind, carried};
use super::names::distinct;
use super::rates::{Series, of_series};

/// Labels by their names.
type Labels = BTreeMap<String, String>;

/// What is known of the calls from one to another.
#[derive(Debug, Default)]
struct Edge {
    requests: f64,
    failed: f64,
    server: Histogram,
    client: Histogram,
    is_database: bool,
    is_messaging: bool,
    /// Whether the callee has no spans of its own.
    is_outside: bool,
}

#[derive(Debug, Default)]
struct Histogram {
    /// Cumulative counts by upper bound, ns, as its bits: bounds are positive, so these ascend.
    below: BTreeMap<u64, f64>,
    sum: f64,
    count: f64,
}

impl Histogram {
    /// How many there are: as is said, else as are in all of the buckets.
    fn total(&self) -> f64 {
        if self.count > 0.0 { self.count } else { self.below.values().next_back().copied().unwrap_or(0.0) }
    }

    fn mean(&self) -> Option<f64> {
        (self.total() > 0.0 && self.sum > 0.0).then(|| self.sum / self.total())
    }

    fn add(&mut self, other: &Self) {
        other.below.iter().for_each(|(bound, n)| *self.below.entry(*bound).or_default() += n);
        self.sum += other.sum;
        self.count += other.count;
    }

    /// Even between bounds; what lies above the last of them is at that. Without a bound there is none.
    fn law(&self) -> Option<String> {
        let all = self.below.values().next_back().copied().filter(|n| *n > 0.0)?;
        let mut ends = vec![(0.0, 0.0)];
        let mut last = 0.0;
        for (bound, n) in &self.below {
            let bound = f64::from_bits(*bound);
            last = if bound.is_finite() { bound } else { last };
            ends.push((n / all, last));
        }
        // Empty below the first that is not.
        let first = ends.iter().position(|(share, _)| *share > 0.0).unwrap_or(1).max(1);
        (last > 0.0).then(|| pieces(&ends[first - 1..]))
    }
}

/// Calls by caller and callee, as they are called in the input.
#[derive(Debug, Default)]
pub(super) struct Graph {
    edges: BTreeMap<Ends, Edge>,
    /// What callers' proxies count: where callees' do not.
    sent: BTreeMap<Ends, Edge>,
    /// Whether values are rates already.
    rates: bool,
    /// Callers that are known by their workload, of callees that are known by their service.
    workloads: BTreeSet<String>,
    /// Samples that can be none.
    broken: u64,
}

/// Whether a line is a sample of a metric that is read here.
pub(super) fn is_sample(line: &str) -> bool {
    ["traces_service_graph_", "istio_request", "traces.service.graph"].iter().any(|word| line.starts_with(word))
}

/// Reads what is scraped.
pub(super) fn read_text(text: &str) -> Result<Graph, String> {
    let mut graph = Graph::default();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, labels, value) = sample(line)
            .ok_or_else(|| format!("line {}: `{}` is no sample", at + 1, line.chars().take(60).collect::<String>()))?;
        graph.say(&name, &labels, value);
    }
    graph.whole()
}

/// Takes a sample apart: `name{label="value"} 12 1700000000`.
fn sample(line: &str) -> Option<(String, Labels, f64)> {
    let Some((name, rest)) = line.split_once('{') else {
        let (name, value) = line.split_once(char::is_whitespace)?;
        return Some((name.to_owned(), Labels::new(), value.split_whitespace().next()?.parse().ok()?));
    };
    let mut labels = Labels::new();
    let mut rest = rest.trim_start();
    while !rest.starts_with('}') {
        let (key, after) = rest.split_once('=')?;
        let mut value = String::new();
        let mut letters = after.trim_start().strip_prefix('"')?.char_indices();
        let body = after.trim_start().strip_prefix('"')?;
        let end = loop {
            match letters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match letters.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, letter) => value.push(letter),
            }
        };
        labels.insert(key.trim().to_owned(), value);
        rest = body[end + 1..].trim_start().trim_start_matches(',').trim_start();
    }
    let value = rest[1..].split_whitespace().next()?;
    Some((name.trim().to_owned(), labels, value.parse().ok()?))
}

#[derive(Debug, Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    error: Option<String>,
    data: Option<Data>,
}

#[derive(Debug, Deserialize)]
struct Data {
    #[serde(default)]
    result: Vec<Told>,
}

#[derive(Debug, Deserialize)]
struct Told {
    #[serde(default)]
    metric: Labels,
    #[serde(default)]
    value: Option<(f64, String)>,
    #[serde(default)]
    values: Vec<(f64, String)>,
}

/// Reads what Prometheus answers: counters or rates of calls; of anything else a range is rates over time, and there is no graph.
pub(super) fn read_answer(text: &str, found: &mut Found) -> Result<Option<Graph>, String> {
    let answer: Answer = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if answer.status != "success" {
        return Err(format!("the query had failed: {}", answer.error.unwrap_or_default()));
    }
    let results = answer.data.map(|data| data.result).unwrap_or_default();
    let of_calls = results.iter().any(|one| ends(&one.metric).is_some());
    if !of_calls {
        let series: Vec<Series> = results.into_iter().map(|one| Series { values: one.values }).collect();
        return of_series(&series, found).map(|()| None);
    }
    let mut graph = Graph {
        rates: results.iter().all(|one| !one.metric.contains_key("__name__") || one.values.len() > 1),
        ..Graph::default()
    };
    for one in &results {
        let name = one.metric.get("__name__").map_or("traces_service_graph_request_total", String::as_str);
        let number = |text: &String| text.parse::<f64>().ok();
        let numbers: Vec<f64> = one.values.iter().filter_map(|(_, value)| number(value)).collect();
        let value = match (&one.value, one.metric.contains_key("__name__")) {
            (Some((_, value)), _) => number(value),
            (None, true) => grown(&numbers).zip(span(&one.values)).map(|(grown, seconds)| grown / seconds),
            (None, false) => Some(numbers.iter().sum::<f64>() / numbers.len().max(1) as f64),
        };
        graph.say(name, &one.metric, value.unwrap_or(0.0));
    }
    graph.whole().map(Some)
}

/// By how much a counter grew over a range. One that is smaller than before has begun again at nought (Prometheus, `increase`).
fn grown(counter: &[f64]) -> Option<f64> {
    let step = |pair: &[f64]| if pair[1] >= pair[0] { pair[1] - pair[0] } else { pair[1] };
    (!counter.is_empty()).then(|| counter.windows(2).map(step).sum())
}

/// How long a range is, s.
fn span(values: &[(f64, String)]) -> Option<f64> {
    Some((values.last()?.0 - values.first()?.0).max(1e-3))
}

/// Caller and callee of a sample. A mesh calls both by the same kind of name, so that who is called is known again where it calls:
/// a workload `orders-v1` is not its service `orders`.
fn ends(labels: &Labels) -> Option<Ends> {
    let label = |key: &str| labels.get(key).filter(|value| !value.is_empty() && *value != "unknown");
    let both = KINDS.iter().find_map(|[from, to]| Some((label(from)?, label(to)?)));
    let (from, to) = if let Some((from, to)) = both {
        (Some(from), to)
    } else {
        let [from, to] = [0, 1].map(|side| KINDS.iter().find_map(|kind| label(kind[side])));
        (from, label("destination_service_name").or(to)?)
    };
    let outside = |name: &&String| *name != UNINSTRUMENTED;
    Some((from.filter(outside).map_or_else(|| USERS.to_owned(), Clone::clone), to.clone()))
}

/// Labels of caller and callee, of one kind each: those of service graphs, and Istio's ("Istio Standard Metrics").
const KINDS: [[&str; 2]; 4] = [
    ["client", "server"],
    ["source_canonical_service", "destination_canonical_service"],
    ["source_app", "destination_app"],
    ["source_workload", "destination_workload"],
];

/// Whoever calls from outside.
const USERS: &str = "users";

/// What Tempo and the connector call a caller that has no spans (grafana/tempo, `servicegraphs`: a virtual node).
const UNINSTRUMENTED: &str = "user";

/// gRPC's codes that are failures of a server (OpenTelemetry, "Semantic conventions for gRPC"): unknown, deadline
/// exceeded, unimplemented, internal, unavailable, data loss.
const GRPC_FAILURES: [&str; 6] = ["2", "4", "12", "13", "14", "15"];

/// Whether a sample counts requests that failed.
fn is_failure(labels: &Labels) -> bool {
    let code = labels.get("response_code").or_else(|| labels.get("status_code"));
    code.is_some_and(|code| code.starts_with('5') || code == "0")
        || labels.get("grpc_response_status").is_some_and(|code| GRPC_FAILURES.contains(&code.as_str()))
}

impl Graph {
    fn say(&mut self, name: &str, labels: &Labels, value: f64) {
        let Some(ends) = ends(labels) else { return };
        if !(0.0..=MOST).contains(&value) {
            self.broken += u64::from(!value.is_nan());
            return;
        }
        if labels.contains_key("source_workload") && !labels.contains_key("destination_workload") {
            self.workloads.insert(ends.0.clone());
        }
        // Both proxies of a mesh count a request: the callee's is taken where there is one.
        let sent = labels.get("reporter").is_some_and(|who| who == "source");
        let edge = if sent { &mut self.sent } else { &mut self.edges }.entry(ends).or_default();
        let kind = labels.get("connection_type").map_or("", String::as_str);
        edge.is_database |= kind == "database";
        edge.is_messaging |= kind == "messaging_system";
        edge.is_outside |= kind == "virtual_node" && labels.get("client").is_some_and(|name| name != UNINSTRUMENTED);
        let name = name.strip_suffix("_total").unwrap_or(name);
        match name {
            "traces_service_graph_request" | "istio_requests" => {
                edge.requests += value;
                edge.failed += if is_failure(labels) { value } else { 0.0 };
            }
            "traces_service_graph_request_failed" => edge.failed += value,
            _ => edge.time(name, labels, value),
        }
    }

    /// With what only callers' proxies saw; an error where there is nothing.
    fn whole(mut self) -> Result<Self, String> {
        for (ends, edge) in std::mem::take(&mut self.sent) {
            let seen = self.edges.get(&ends).is_some_and(|edge| edge.requests > 0.0);
            if !seen {
                self.edges.insert(ends, edge);
            }
        }
        if self.edges.values().all(|edge| edge.requests <= 0.0) {
            return Err(
                "no calls in it: traces_service_graph_request_total or istio_requests_total with both ends are needed"
                    .into(),
            );
        }
        Ok(self)
    }

    /// The same under the names that are written, a workload that is known by no other name under that of its service.
    fn named(&self, found: &mut Found) -> BTreeMap<Ends, Edge> {
        let names = distinct(self.edges.keys().flat_map(|ends| [ends.0.as_str(), &ends.1]), found);
        let callees: BTreeSet<&str> = self.edges.keys().map(|ends| ends.1.as_str()).collect();
        let unknown = self.workloads.iter().filter(|name| !callees.contains(name.as_str()));
        let service_of: BTreeMap<&str, &str> = unknown
            .filter_map(|name| {
                let (service, version) = name.rsplit_once("-v")?;
                let is_version = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
                (is_version && callees.contains(service)).then_some((name.as_str(), service))
            })
            .collect();
        for (workload, service) in &service_of {
            found.flag(format!("{workload} is taken for a workload of {service}: its calls are of that"));
        }
        let mut edges: BTreeMap<Ends, Edge> = BTreeMap::new();
        for ((from, to), edge) in &self.edges {
            let from = service_of.get(from.as_str()).copied().unwrap_or(from);
            edges.entry((names[from].clone(), names[to.as_str()].clone())).or_default().add(edge);
        }
        edges
    }

    /// Rates and failures; steps and times where no input with an order has any.
    pub(super) fn settle(&self, found: &mut Found) {
        let edges = self.named(found);
        let flow = |edge: &Edge| Flow {
            requests: edge.requests,
            failed: edge.failed.min(edge.requests),
            is_message: edge.is_messaging,
        };
        let flows = Flows::of(edges.iter().map(|(ends, edge)| (ends, flow(edge))));
        flows.flag(found);
        for (ends, edge) in edges.iter().filter(|(ends, _)| ends.0 != USERS) {
            self.call(ends, edge, &flows, found);
        }
        for (name, flow) in flows.arrived() {
            self.node(name, flow, (&flows, &edges), found);
        }
        found.measured_users(&flows.begun(USERS), self.rates, "requests of those whom nobody calls; at least");
        found.flag("metrics have no order: calls stand one after the other, by name");
        if !self.rates {
            found.flag("counters of one scrape say how requests are shared, not how many a second they are");
        }
        if self.broken > 0 {
            found.flag(format!("{} samples are below nought or beyond all counting, and are left out", self.broken));
        }
    }

    fn call(&self, ends: &Ends, edge: &Edge, flows: &Flows<'_>, found: &mut Found) {
        let Some(often) = flows.often(ends) else { return };
        let (from, to) = ends;
        let origin = format!("{} for {} of {from}", self.many(edge.requests), self.many(flows.requests(from)));
        let mut go = Go { node: to.clone(), endpoint: Some(String::new()), often, origin, ..Go::default() };
        if edge.is_messaging {
            // Who reads is said, and not by which queue.
            if found.nodes.get(to).is_some_and(|node| !node.consumes.is_empty()) {
                return;
            }
            go = Go { node: queue_of(to), endpoint: None, message: true, ..go };
            let origin = format!("{to} gets messages; what its queue is called metrics do not say");
            found.brokers.entry(queue_of(to)).or_insert(Broker { stream: false, origin });
        }
        found.measured_call(from, go.tolerated(flows.tolerated(from).contains(to.as_str())));
    }

    /// A number of requests as it was said.
    fn many(&self, n: f64) -> String {
        if self.rates { format!("{}/s", super::fit::short(n)) } else { carried(n as u64, "request") }
    }

    /// What a node does: its response time, and without that of those it calls where it calls any.
    fn node(&self, name: &str, flow: Flow, (flows, edges): (&Flows<'_>, &BTreeMap<Ends, Edge>), found: &mut Found) {
        let into: Vec<&Edge> = edges.iter().filter(|((_, to), _)| to == name).map(|(_, edge)| edge).collect();
        let out: Vec<&Edge> =
            edges.iter().filter(|((from, to), _)| from == name && to != name).map(|(_, edge)| edge).collect();
        let new = !found.nodes.contains_key(name);
        if new && into.iter().all(|edge| edge.is_database) {
            found.node(name).kind = Kind::Database;
        } else if new && out.is_empty() && into.iter().all(|edge| edge.is_outside) {
            found.node(name).kind = Kind::External;
        }
        if into.iter().any(|edge| edge.is_messaging) && found.node(name).consumes.is_empty() {
            found.node(name).consumes.entry(queue_of(name)).or_default();
        }
        if into.iter().any(|edge| !edge.is_messaging) && found.node(name).endpoints.is_empty() {
            found.endpoint(name, "");
        }
        let own = flows.own_errors(name);
        if own > 0.0 {
            let (failed, all) = (self.many(own * flow.requests), self.many(flow.requests));
            let origin = format!("{failed} failed of {all}, without what failed below");
            found.measured_errors(name, &From::new(own, origin));
        }
        if let Some(law) = self.work(flow.requests, &into, &out) {
            found.measured_work(name, &law);
        }
    }

    fn work(&self, requests: f64, into: &[&Edge], out: &[&Edge]) -> Option<From<String>> {
        let mut all = Histogram::default();
        for edge in into {
            all.add(if edge.server.total() > 0.0 { &edge.server } else { &edge.client });
        }
        let count = self.many(all.total());
        if out.is_empty() {
            let origin = format!("histogram of {count}: its bounds; what is above the last counts as that");
            return all.law().map(|law| From::new(law, origin));
        }
        let spent = |edge: &&Edge| {
            let mean = edge.client.mean().or_else(|| edge.server.mean())?;
            Some(mean * edge.requests / requests)
        };
        let waited = out.iter().filter(|edge| !edge.is_messaging).map(spent).sum::<Option<f64>>()?;
        let own = all.mean().map(|mean| mean - waited).filter(|own| *own > 0.0)?;
        let origin =
            format!("mean response of {count} less the calls below, as if one after the other; its shape is not known");
        Some(From::new(format!("{{ mean = {} }}", time(own)), origin))
    }
}

/// The queue of whoever reads messages.
fn queue_of(reader: &str) -> String {
    format!("{reader}-messages")
}

/// A larger count is a mistake.
const MOST: f64 = 1e18;

impl Edge {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failed += other.failed;
        self.server.add(&other.server);
        self.client.add(&other.client);
        self.is_database |= other.is_database;
        self.is_messaging |= other.is_messaging;
        self.is_outside |= other.is_outside;
    }

    fn time(&mut self, name: &str, labels: &Labels, value: f64) {
        let (side, rest) = match name {
            n if n.starts_with("traces_service_graph_request_server") => {
                (&mut self.server, &n["traces_service_graph_request_server".len()..])
            }
            n if n.starts_with("traces_service_graph_request_client") => {
                (&mut self.client, &n["traces_service_graph_request_client".len()..])
            }
            n if n.starts_with("istio_request_duration") => (&mut self.server, &n["istio_request_duration".len()..]),
            _ => return,
        };
        // Tempo has seconds and says so; the connector has milliseconds where it says nothing.
        let (unit, rest) = match rest {
            r if r.starts_with("_seconds") => (1e9, &r["_seconds".len()..]),
            r if r.starts_with("_milliseconds") => (1e6, &r["_milliseconds".len()..]),
            r => (1e6, r),
        };
        match rest {
            "_bucket" => {
                let bound = labels
                    .get("le")
                    .map_or(f64::NAN, |le| if le == "+Inf" { f64::INFINITY } else { le.parse().unwrap_or(f64::NAN) });
                if bound >= 0.0 {
                    *side.below.entry((bound * unit).to_bits()).or_default() += value;
                }
            }
            "_sum" => side.sum += value * unit,
            "_count" => side.count += value,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_keeps_its_bounds() {
        let text = "# TYPE x counter\n\
            traces_service_graph_request_total{client=\"web\",server=\"db\",connection_type=\"database\"} 100\n\
            traces_service_graph_request_failed_total{client=\"web\",server=\"db\"} 2\n\
            traces_service_graph_request_server_seconds_bucket{client=\"web\",server=\"db\",le=\"0.001\"} 50\n\
            traces_service_graph_request_server_seconds_bucket{client=\"web\",server=\"db\",le=\"0.01\"} 90\n\
            traces_service_graph_request_server_seconds_bucket{client=\"web\",server=\"db\",le=\"+Inf\"} 100\n\
            traces_service_graph_request_server_seconds_sum{client=\"web\",server=\"db\"} 0.5\n\
            traces_service_graph_request_server_seconds_count{client=\"web\",server=\"db\"} 100\n";
        let mut found = Found::default();
        read_text(text).unwrap().settle(&mut found);
        let db = &found.nodes["db"];
        assert_eq!(db.kind, Kind::Database);
        let law = &db.endpoints[""].work.as_ref().unwrap().value;
        assert!(
            law.contains("max = \"1ms\"")
                && law.contains("min = \"1ms\", max = \"10ms\"")
                && law.contains("value = \"10ms\""),
            "{law}"
        );
        assert_eq!(db.endpoints[""].error_rate.as_ref().unwrap().value, 0.02);
        assert_eq!(found.clients["users"].calls[0].0, "web");
        assert!(found.clients["users"].rate.is_none());
    }

    #[test]
    fn labels_may_hold_anything() {
        let (name, labels, value) = sample(r#"a_total{x="q\"},{",y="b"} 3e2 17"#).unwrap();
        assert_eq!(
            (name.as_str(), labels["x"].as_str(), labels["y"].as_str(), value),
            ("a_total", "q\"},{", "b", 300.0)
        );
        for broken in ["a{", "a{x", "a{x=", "a{x=\"", "a{x=\"y\"", "a{x=\"y\"}", "a", "a{x=\"\\"] {
            assert!(sample(broken).is_none(), "{broken}");
        }
    }
}
