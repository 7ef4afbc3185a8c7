//! Metrics of calls: the service graphs of Tempo, Alloy and OpenTelemetry's connector, and Istio's requests, as they are scraped or
//! as Prometheus answers.
//!
//! Of a histogram the bounds are kept: between two of them nothing is known, and no point in between is said. Counters of a single
//! scrape say shares, not rates.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fit::{pieces, time};
use super::found::{Client, Found, From, Go, Kind, Step, carried, circles};
use super::names::node_name;
use super::rates::{Series, of_series};

/// Labels by their names.
type Labels = BTreeMap<String, String>;

/// What is known of the calls from one to another.
#[derive(Debug, Default)]
struct Edge {
    requests: f64,
    failed: f64,
    /// Cumulative counts by upper bound, ns, as its bits: bounds are positive, so these ascend.
    server: Histogram,
    client: Histogram,
    database: bool,
    messaging: bool,
}

#[derive(Debug, Default)]
struct Histogram {
    below: BTreeMap<u64, f64>,
    sum: f64,
    count: f64,
}

impl Histogram {
    fn mean(&self) -> Option<f64> {
        (self.count > 0.0 && self.sum > 0.0).then(|| self.sum / self.count)
    }

    /// Even between bounds; what lies above the last of them is at that.
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
        Some(pieces(&ends[first - 1..]))
    }
}

#[derive(Debug, Default)]
struct Graph {
    edges: BTreeMap<(String, String), Edge>,
    /// Whether values are rates already.
    rates: bool,
}

/// Whether a line is a sample of a metric that is read here.
pub(super) fn is_sample(line: &str) -> bool {
    ["traces_service_graph_", "istio_request", "traces.service.graph"].iter().any(|word| line.starts_with(word))
}

/// Reads what is scraped.
pub(super) fn read_text(text: &str, found: &mut Found) -> Result<(), String> {
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
    graph.settle(found)
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

/// Reads what Prometheus answers: counters or rates of calls; of anything else a range is rates over time.
pub(super) fn read_answer(text: &str, found: &mut Found) -> Result<(), String> {
    let answer: Answer = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if answer.status != "success" {
        return Err(format!("the query had failed: {}", answer.error.unwrap_or_default()));
    }
    let results = answer.data.map(|data| data.result).unwrap_or_default();
    let of_calls = results.iter().any(|one| ends(&one.metric).is_some());
    if !of_calls {
        let series: Vec<Series> = results.into_iter().map(|one| Series { values: one.values }).collect();
        return of_series(&series, found);
    }
    let mut graph = Graph {
        rates: results.iter().all(|one| !one.metric.contains_key("__name__") || one.values.len() > 1),
        ..Graph::default()
    };
    for one in &results {
        let name = one.metric.get("__name__").map_or("traces_service_graph_request_total", String::as_str);
        let number = |text: &String| text.parse::<f64>().ok();
        let grown = || {
            let ((from, first), (to, last)) = (one.values.first()?, one.values.last()?);
            Some((number(last)? - number(first)?).max(0.0) / (to - from).max(1e-3))
        };
        let value = match (&one.value, one.metric.contains_key("__name__")) {
            (Some((_, value)), _) => number(value),
            // A counter over a range: what it grew by.
            (None, true) => grown(),
            (None, false) => Some(
                one.values.iter().filter_map(|(_, value)| number(value)).sum::<f64>() / one.values.len().max(1) as f64,
            ),
        };
        graph.say(name, &one.metric, value.unwrap_or(0.0));
    }
    graph.settle(found)
}

/// Caller and callee of a sample.
fn ends(labels: &Labels) -> Option<(String, String)> {
    let first = |keys: &[&str]| {
        keys.iter().find_map(|key| labels.get(*key).filter(|value| !value.is_empty() && *value != "unknown"))
    };
    let from = first(&["client", "source_canonical_service", "source_workload", "source_app"]);
    let to = first(&[
        "server",
        "destination_service_name",
        "destination_canonical_service",
        "destination_workload",
        "destination_app",
    ])?;
    Some((from.map_or_else(|| USERS.to_owned(), |name| node_name(name)), node_name(to)))
}

/// Whoever calls from outside.
const USERS: &str = "users";

impl Graph {
    fn say(&mut self, name: &str, labels: &Labels, value: f64) {
        let Some(ends) = ends(labels).filter(|_| value.is_finite()) else { return };
        // Both proxies of a mesh count a request: the callee's is taken.
        if labels.get("reporter").is_some_and(|who| who == "source") {
            return;
        }
        let edge = self.edges.entry(ends).or_default();
        let kind = labels.get("connection_type").map_or("", String::as_str);
        edge.database |= kind == "database";
        edge.messaging |= kind == "messaging_system";
        let name = name.strip_suffix("_total").unwrap_or(name);
        match name {
            "traces_service_graph_request" | "istio_requests" => {
                edge.requests += value;
                let code = labels.get("response_code").or_else(|| labels.get("status_code"));
                if code.is_some_and(|code| code.starts_with('5') || code == "0") {
                    edge.failed += value;
                }
            }
            "traces_service_graph_request_failed" => edge.failed += value,
            _ => edge.time(name, labels, value),
        }
    }

    fn settle(self, found: &mut Found) -> Result<(), String> {
        if self.edges.is_empty() {
            return Err(
                "no calls in it: traces_service_graph_request_total or istio_requests_total with both ends are needed"
                    .into(),
            );
        }
        let closing = circles(self.edges.keys());
        let mut arrived: BTreeMap<&str, f64> = BTreeMap::new();
        for ((_, to), edge) in &self.edges {
            *arrived.entry(to).or_default() += edge.requests;
        }
        for (ends, edge) in &self.edges {
            if closing.contains(ends) || ends.0 == ends.1 {
                found.flag(format!(
                    "{} -> {} closes a circle and is left out: sums do not say which requests go round",
                    ends.0, ends.1
                ));
            } else if ends.0 != USERS {
                self.call(ends, edge, &arrived, found);
            }
        }
        for (to, requests) in &arrived {
            self.node(to, *requests, found);
        }
        self.users(&arrived, found);
        found.flag("metrics have no order: calls stand one after the other, by name");
        if !self.rates {
            found.flag("counters of one scrape say how requests are shared, not how many a second they are");
        }
        Ok(())
    }

    fn call(&self, (from, to): &(String, String), edge: &Edge, arrived: &BTreeMap<&str, f64>, found: &mut Found) {
        let most = || {
            self.edges
                .iter()
                .filter(|((caller, _), _)| caller == from)
                .map(|(_, edge)| edge.requests)
                .fold(0.0, f64::max)
        };
        let requests = arrived.get(from.as_str()).copied().filter(|n| *n > 0.0).unwrap_or_else(most);
        if requests <= 0.0 || edge.requests <= 0.0 {
            return;
        }
        let mean = edge.requests / requests;
        let times = (mean.round() as u32).clamp(1, 1_000);
        let share = (mean / f64::from(times)).min(1.0);
        let origin = format!("{} for {} of {from}", self.many(edge.requests), self.many(requests));
        let endpoint = Some(String::new());
        let probability = (share < 0.999_95).then_some(share);
        let go = Go { node: to.clone(), endpoint, message: false, times, probability, origin, ..Go::default() };
        let steps = &mut found.endpoint(from, "").steps;
        if !steps.iter().any(|step| matches!(step, Step::Go(other) if other.node == go.node)) {
            steps.push(Step::Go(go));
        }
    }

    /// A number of requests as it was said.
    fn many(&self, n: f64) -> String {
        if self.rates { format!("{}/s", super::fit::short(n)) } else { carried(n as u64, "requests") }
    }

    /// What a node does: its response time, and without that of those it calls where it calls any.
    fn node(&self, name: &str, requests: f64, found: &mut Found) {
        let into: Vec<&Edge> = self.edges.iter().filter(|((_, to), _)| to == name).map(|(_, edge)| edge).collect();
        let out: Vec<&Edge> =
            self.edges.iter().filter(|((from, to), _)| from == name && to != name).map(|(_, edge)| edge).collect();
        if into.iter().all(|edge| edge.database) {
            found.node(name).kind = Kind::Database;
        }
        let mut all = Histogram::default();
        for edge in &into {
            let own = if edge.server.count > 0.0 { &edge.server } else { &edge.client };
            own.below.iter().for_each(|(bound, n)| *all.below.entry(*bound).or_default() += n);
            all.sum += own.sum;
            all.count += own.count;
        }
        let failed: f64 = into.iter().map(|edge| edge.failed).sum();
        let below: f64 = out.iter().map(|edge| edge.failed).sum();
        let endpoint = found.endpoint(name, "");
        if failed > below && requests > 0.0 {
            let share = ((failed - below) / requests).min(1.0);
            endpoint.error_rate = Some(From::new(
                share,
                format!("{} failed of {}, without what failed below", self.many(failed), self.many(requests)),
            ));
        }
        if endpoint.work.is_some() {
            return;
        }
        let spent: Option<f64> = out
            .iter()
            .map(|edge| {
                let mean = edge.client.mean().or_else(|| edge.server.mean())?;
                Some(mean * edge.requests / requests)
            })
            .sum();
        let count = self.many(all.count);
        endpoint.work = match (out.is_empty(), all.mean(), spent) {
            (true, ..) => all.law().map(|law| {
                From::new(law, format!("histogram of {count}: its bounds; what is above the last counts as that"))
            }),
            (false, Some(mean), Some(spent)) if mean > spent => Some(From::new(
                format!("{{ mean = {} }}", time(mean - spent)),
                format!(
                    "mean response of {count} less the calls below, as if one after the other; its shape is not known"
                ),
            )),
            _ => None,
        };
    }

    /// Whoever is called by nobody is called by users.
    fn users(&self, arrived: &BTreeMap<&str, f64>, found: &mut Found) {
        let from_outside =
            self.edges.iter().filter(|((from, _), _)| from == USERS).map(|((_, to), edge)| (to.clone(), edge.requests));
        let mut entries: Vec<(String, f64)> = from_outside.collect();
        let callers: std::collections::BTreeSet<&String> =
            self.edges.keys().map(|(from, _)| from).filter(|from| *from != USERS).collect();
        for from in callers.into_iter().filter(|from| !arrived.contains_key(from.as_str())) {
            let most = self
                .edges
                .iter()
                .filter(|((caller, _), _)| caller == from)
                .map(|(_, edge)| edge.requests)
                .fold(0.0, f64::max);
            entries.push((from.clone(), most));
        }
        let all: f64 = entries.iter().map(|(_, n)| n).sum();
        if all <= 0.0 || found.clients.values().any(|client| !client.calls.is_empty()) {
            return;
        }
        let calls = entries.into_iter().filter(|(_, n)| *n > 0.0).map(|(to, n)| (to, String::new(), n / all)).collect();
        let rate = self.rates.then(|| From::new(all, "requests of those whom nobody calls; at least"));
        found.clients.insert(
            USERS.into(),
            Client { calls, rate, origin: "whoever calls those whom nobody in the input calls".into() },
        );
    }
}

impl Edge {
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
        read_text(text, &mut found).unwrap();
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
