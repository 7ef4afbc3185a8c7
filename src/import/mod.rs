//! From what others have measured or written down to a scenario: traces (OpenTelemetry, Jaeger, Zipkin), metrics of calls
//! (service graphs, Istio), Kiali's graph, Jaeger's dependencies, Kubernetes and Istio objects, compose files, isotope graphs, and
//! rates over time.
//!
//! Several inputs fill one another's gaps, in whichever order they come: what traces say of times and steps, metrics of rates and
//! failures, manifests of replicas and policies. Behind every number the text says where it comes from; what no input says is an open
//! question with its default, and nothing is made up.
//!
//! - **How often** a call is made is as it was counted: a `split` with a way for each number of calls, as heavy as it was frequent. Where
//!   only a mean is known (metrics, Kiali, dependencies) these are the two whole numbers next to it.
//! - **Failures** of a callee are its caller's, unless that mostly went on: then the call has `fallback = []`, and the line says how many
//!   it lived with. Of counts the same is told by a caller that fails less often than its callees would make it. What fails although the
//!   last try of each of its calls went well fails by itself: before its first step (`error_rate`), or, where most had called others by
//!   then, behind its last (a call `….ends` in its own process).
//! - **Tries** are told from calls: the same callee again after a failure. Each fails by itself, as a file has it, so that of tries that
//!   only fail the first time some come back failing twice. One that left no span at a callee who has others never came there.
//! - **Messages**: what a service does with those of one broker is one law. Where a consumer's span only fetches, the work is what begins
//!   below it when that is over. More messages than anybody in the input has sent are sent by a service of their own, `….-sender`.
//! - **Circles** of counts come back as often as they were gone round where somebody enters them; else the call that closes one is left out.
//! - **Names** of other letters than a scenario has become hyphens; two that come out alike stay two, and the second has a number.
//! - **Autoscalers** aim at a share of what a replica asks for (`requests`), and begin within their bounds.
//!
//! ```
//! let mut import = hoptax::import::Import::default();
//! import.read("graph.yaml", "services:\n- name: a\n  isEntrypoint: true\n  script:\n  - call: b\n- name: b\n")?;
//! let text = import.scenario("graph");
//! assert!(text.contains("{ call = \"b\" }"));
//! # Ok::<(), String>(())
//! ```

mod compose;
mod dependencies;
mod draft;
mod fit;
mod flows;
mod found;
mod isotope;
mod istio;
mod jaeger;
mod kiali;
mod kind;
mod kubernetes;
mod learn;
mod measured;
mod metrics;
mod names;
mod often;
mod otlp;
mod rates;
mod routed;
mod settle;
mod spans;
mod zipkin;

pub use draft::{OPEN, open_lines};
pub use fit::{Fitted, fit};
pub use kind::Kind;

use std::collections::{BTreeMap, BTreeSet};

use found::{Client, Found};
use learn::Learner;

/// How a format's spans are read.
type Reader = fn(&str, &mut spans::Names) -> Result<Vec<spans::Span>, serde_json::Error>;

/// What was read so far.
#[derive(Debug, Default)]
pub struct Import {
    found: Found,
    learner: Learner,
    /// What was only counted waits for what has an order, in whichever order the files came.
    counted: Vec<Counted>,
    /// How many spans the files before had.
    heard: u64,
    inputs: Vec<String>,
    traced: Vec<String>,
}

/// Requests that were counted.
#[derive(Debug)]
enum Counted {
    Graph(metrics::Graph),
    Mesh(kiali::Mesh),
    Dependencies(dependencies::Dependencies),
}

impl Import {
    /// Reads a whole text; its kind is told by what it says.
    ///
    /// The error is a fragment: what it is, and where it is broken.
    pub fn read(&mut self, name: &str, text: &str) -> Result<Kind, String> {
        let kind = Kind::of(text)?;
        let wrong = |error: serde_json::Error| format!("{kind}: {error}");
        match kind {
            Kind::Otlp => self.hear(otlp::read, text).map_err(wrong)?,
            Kind::OtlpLines => text.lines().enumerate().try_for_each(|(at, line)| self.line(at + 1, line))?,
            Kind::Jaeger => self.hear(jaeger::read, text).map_err(wrong)?,
            Kind::Zipkin => self.hear(zipkin::read, text).map_err(wrong)?,
            Kind::Dependencies => {
                let dependencies = dependencies::read(text, &mut self.found).map_err(wrong)?;
                self.counted.push(Counted::Dependencies(dependencies));
            }
            Kind::Kiali => {
                let mesh = kiali::read(text, &mut self.found).map_err(wrong)?;
                self.counted.push(Counted::Mesh(mesh));
            }
            Kind::Kubernetes => kubernetes::read(text, &mut self.found).map_err(|why| format!("{kind}: {why}"))?,
            Kind::Compose => compose::read(text, &mut self.found).map_err(|why| format!("{kind}: {why}"))?,
            Kind::Isotope => isotope::read(text, &mut self.found).map_err(|why| format!("{kind}: {why}"))?,
            Kind::PrometheusText => {
                let graph = metrics::read_text(text).map_err(|why| format!("{kind}: {why}"))?;
                self.counted.push(Counted::Graph(graph));
            }
            Kind::PrometheusAnswer => {
                let graph = metrics::read_answer(text, &mut self.found).map_err(|why| format!("{kind}: {why}"))?;
                self.counted.extend(graph.map(Counted::Graph));
            }
            Kind::Rates => rates::read(text, &mut self.found).map_err(|why| format!("{kind}: {why}"))?,
        }
        self.note(name, kind)?;
        Ok(kind)
    }

    /// Takes in one line of a `.jsonl` file of traces, the `nth` of the file.
    pub fn line(&mut self, nth: usize, line: &str) -> Result<(), String> {
        if line.trim().is_empty() {
            return Ok(());
        }
        self.hear(otlp::read, line)
            .map_err(|error| format!("{}, line {nth}: {}", Kind::OtlpLines, kind::of_one_line(&error)))
    }

    /// Says that a file was read to its end; an error where it is one of traces and has none.
    pub fn note(&mut self, name: &str, kind: Kind) -> Result<(), String> {
        if matches!(kind, Kind::Otlp | Kind::OtlpLines | Kind::Jaeger | Kind::Zipkin) {
            if self.learner.spans == std::mem::replace(&mut self.heard, self.learner.spans) {
                return Err(format!("{kind}: there are no spans in it"));
            }
            self.traced.push(name.to_owned());
        }
        self.inputs.push(format!("{name} ({kind})"));
        Ok(())
    }

    /// Whether what was read says of anything that it is there; the error says what is missing.
    pub fn is_enough(&self) -> Result<(), String> {
        if self.learner.spans > 0 || !self.counted.is_empty() || !self.found.is_nothing() {
            return Ok(());
        }
        let said = if self.found.phases.is_some() {
            "rates over time say how many come, and not to whom"
        } else {
            "there is no service in it"
        };
        Err(format!(
            "{}: {said}; name a file besides that says which services there are: traces, metrics, manifests or a graph",
            self.inputs.join(", ")
        ))
    }

    /// Hears the spans of a text, as its format's reader finds them.
    fn hear(&mut self, read: Reader, text: &str) -> Result<(), serde_json::Error> {
        let spans = read(text, &mut self.learner.names)?;
        self.learner.hear(spans);
        Ok(())
    }

    /// The scenario, under a name.
    pub fn scenario(mut self, name: &str) -> String {
        self.learner.finish();
        let origin = match self.traced.as_slice() {
            [one] => one.clone(),
            all => format!("{} files", all.len()),
        };
        settle::settle(&self.learner, &mut self.found, &origin);
        for counted in &self.counted {
            match counted {
                Counted::Graph(graph) => graph.settle(&mut self.found),
                Counted::Mesh(mesh) => mesh.settle(&mut self.found),
                Counted::Dependencies(dependencies) => dependencies.settle(&mut self.found),
            }
        }
        self.found.complete();
        draft::draft(&self.found, name, &self.inputs)
    }
}

impl Found {
    /// Whether nobody is there, not even as a name that a rule is about.
    fn is_nothing(&self) -> bool {
        self.nodes.is_empty() && self.brokers.is_empty() && !self.has_hosts()
    }

    /// Makes it a scenario: nodes that are called and of which nothing else is known, and somebody who calls.
    fn complete(&mut self) {
        let mut called: Vec<(String, String)> = Vec::new();
        for node in self.nodes.values() {
            for endpoint in node.endpoints.values().chain(node.consumes.values()) {
                endpoint.steps.iter().for_each(|step| step.leads(&mut called));
            }
        }
        for client in self.clients.values() {
            called.extend(client.calls.iter().map(|(node, endpoint, _)| (node.clone(), endpoint.clone())));
        }
        for (node, endpoint) in called {
            self.endpoint(&node, &endpoint);
        }
        self.hosts();
        let ways = self.ways();
        for node in ways.values().flat_map(|to| &to.value).map(|(node, _)| node) {
            self.node(node);
        }
        self.unnamed();
        self.endless();
        let calling = self.clients.values().any(|client| !client.calls.is_empty());
        if !calling {
            let behind = ways.values().flat_map(|to| &to.value).map(|(node, _)| node.as_str()).collect();
            self.somebody(&behind);
        }
        let entries: Vec<(String, String)> = self
            .clients
            .values()
            .flat_map(|client| client.calls.iter().map(|(node, endpoint, _)| (node.clone(), endpoint.clone())))
            .collect();
        for (node, endpoint) in entries {
            self.endpoint(&node, &endpoint);
        }
        self.clients.retain(|_, client| !client.calls.is_empty());
        self.route(&ways);
        self.fit_plans();
    }

    /// Keeps what each endpoint calls to as many calls as a plan has room for.
    fn fit_plans(&mut self) {
        let mut kept: Vec<String> = Vec::new();
        for (name, node) in &mut self.nodes {
            for own in node.endpoints.values_mut().chain(node.consumes.values_mut()) {
                let mut all: Vec<&mut often::Often> = own.steps.iter_mut().flat_map(found::Step::often).collect();
                let laid_out: u64 = all.iter().map(|often| often.laid_out()).sum();
                let each = ROOM / all.len().max(1) as u64;
                if laid_out > ROOM {
                    all.iter_mut().for_each(|often| often.keep_to(each));
                    kept.push(format!(
                        "{name}: more calls a request than a plan has room for; a step makes at most {each}"
                    ));
                }
            }
        }
        kept.into_iter().for_each(|text| self.flag(text));
    }

    /// Leaves out the steps that would go round for ever, which no scenario may have: how often they really do, no input says.
    fn endless(&mut self) {
        let readers = self.readers();
        let mut arrows: Vec<(String, String)> = Vec::new();
        for (from, program) in self.programs() {
            let to = program.steps.iter().flat_map(|step| certain(step, &readers));
            arrows.extend(to.map(|to| (from.clone(), to)));
        }
        let closing = found::circles(arrows.iter());
        if closing.is_empty() {
            return;
        }
        let mut left: BTreeMap<String, Vec<bool>> = BTreeMap::new();
        for (from, program) in self.programs() {
            let closes = |step: &found::Step| {
                certain(step, &readers).into_iter().any(|to| closing.contains(&(from.clone(), to)))
            };
            let closes: Vec<bool> = program.steps.iter().map(closes).collect();
            if closes.contains(&true) {
                left.insert(from.clone(), closes);
            }
        }
        for from in left.keys() {
            self.flag(format!("{from}: a step that leads back to it is left out; it would go round for ever, and the input does not say how often it does"));
        }
        for (name, node) in &mut self.nodes {
            let calls = node.endpoints.iter_mut().map(|(endpoint, own)| (format!("{name}.{endpoint}"), own));
            let messages = node.consumes.iter_mut().map(|(from, own)| (format!("{name} from {from}"), own));
            for (own, program) in calls.chain(messages) {
                let mut closes = left.remove(&own).into_iter().flatten();
                program.steps.retain(|_| !closes.next().unwrap_or_default());
            }
        }
    }

    /// By broker: the programs of those that read it.
    fn readers(&self) -> BTreeMap<String, Vec<String>> {
        let mut readers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, node) in &self.nodes {
            for from in node.consumes.keys() {
                readers.entry(from.clone()).or_default().push(format!("{name} from {from}"));
            }
        }
        readers
    }

    /// Everything that is done on a call or a message, under a name of its own.
    fn programs(&self) -> Vec<(String, &found::Endpoint)> {
        let mut all = Vec::new();
        for (name, node) in &self.nodes {
            all.extend(node.endpoints.iter().map(|(endpoint, own)| (format!("{name}.{endpoint}"), own)));
            all.extend(node.consumes.iter().map(|(from, own)| (format!("{name} from {from}"), own)));
        }
        all
    }

    /// A service has one namespace with brokers and clients: what is called like a node is called otherwise.
    fn unnamed(&mut self) {
        let taken = |found: &Self, name: &str| found.nodes.contains_key(name);
        let twice: Vec<String> = self.clients.keys().filter(|name| taken(self, name)).cloned().collect();
        for name in twice {
            if let Some(client) = self.clients.remove(&name) {
                self.clients.insert(format!("{name}-users"), client);
            }
        }
        let brokers: Vec<String> = self.brokers.keys().filter(|name| taken(self, name)).cloned().collect();
        for name in brokers {
            let other = format!("{name}-messages");
            if let Some(broker) = self.brokers.remove(&name) {
                self.brokers.insert(other.clone(), broker);
            }
            self.rename_broker(&name, &other);
        }
    }

    fn rename_broker(&mut self, name: &str, other: &str) {
        for node in self.nodes.values_mut() {
            if let Some(own) = node.consumes.remove(name) {
                node.consumes.insert(other.to_owned(), own);
            }
            for endpoint in node.endpoints.values_mut().chain(node.consumes.values_mut()) {
                endpoint.steps.iter_mut().for_each(|step| step.rename(name, other));
            }
        }
    }

    /// Users of whatever nobody calls, but those `behind` another name; where somebody calls everything, of the first service.
    fn somebody(&mut self, behind: &BTreeSet<&str>) {
        let mut called = self.called();
        called.extend(behind);
        let uncalled =
            |name: &&String| !called.contains(name.as_str()) && self.nodes[*name].kind == found::Kind::Service;
        let first = self.nodes.keys().filter(uncalled).filter(|name| self.nodes[*name].consumes.is_empty());
        let mut entries: Vec<String> = first.cloned().collect();
        if entries.is_empty() {
            entries.extend(self.nodes.keys().next().cloned());
        }
        let share = 1.0 / entries.len().max(1) as f64;
        let mut calls = Vec::new();
        for node in entries {
            let endpoints: Vec<String> = self.nodes[&node].endpoints.keys().cloned().collect();
            let own = share / endpoints.len().max(1) as f64;
            calls.extend(endpoints.iter().map(|endpoint| (node.clone(), endpoint.clone(), own)));
            if endpoints.is_empty() {
                calls.push((node, String::new(), share));
            }
        }
        let origin = "nobody in the input calls these".to_owned();
        self.clients.insert("users".into(), Client { calls, rate: None, origin });
    }
}

/// Steps of an endpoint, `times` multiplied out, that are sure to have room: a plan takes 100,000.
const ROOM: u64 = 90_000;

/// What a step leads to every time.
fn certain(step: &found::Step, readers: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    match step {
        found::Step::Go(go) if !go.often.is_certain() => Vec::new(),
        found::Step::Wait(_) | found::Step::Split(_) => Vec::new(),
        found::Step::Go(go) if go.message => readers.get(&go.node).cloned().unwrap_or_default(),
        found::Step::Go(go) => vec![format!("{}.{}", go.node, go.endpoint.as_deref().unwrap_or_default())],
        found::Step::Parallel(all) => all.iter().flat_map(|step| certain(step, readers)).collect(),
    }
}

impl found::Step {
    /// Which endpoints it calls.
    fn leads(&self, called: &mut Vec<(String, String)>) {
        let calls = self.goes().into_iter().filter(|go| !go.message);
        called.extend(calls.map(|go| (go.node.clone(), go.endpoint.clone().unwrap_or_default())));
    }

    fn rename(&mut self, name: &str, other: &str) {
        match self {
            Self::Go(go) if go.message && go.node == name => other.clone_into(&mut go.node),
            Self::Parallel(all) => all.iter_mut().for_each(|step| step.rename(name, other)),
            Self::Go(_) | Self::Wait(_) | Self::Split(_) => {}
        }
    }
}
