//! `[[slos]]`: what is promised.
//!
//! Its expression: `p99 < 400ms`, `success_rate >= 99.5%`, `good(400ms) >= 99%`.

use std::collections::BTreeSet;

use super::super::check::known_names;
use super::super::declare::{Filled, Flag, Kind, Must, Or, Said, Spoken, Text, Told, table, words};
use super::super::lower::Lowering;
use super::super::print::quoted;
use super::super::read::{self, Desk, Value, View, suggest};
use super::super::vocab::Shape;
use super::super::walk;
use super::super::written::{Given, Scenario, Target};
use super::consumers::groups;
use crate::diag::{Code, Complaint, code};
use crate::graph::{Arrow, End};
use crate::model::fault::Scope as Times;
use crate::model::id::NONE;
use crate::model::{ClientId, FaultId};
use crate::units::{Rate, parse_nanos, parse_share};

table! {
    /// `[[slos]]`.
    pub struct Slo: "[[slos]]", "What is promised; a run judges it, and a broken promise is exit code 99.",
    needs "write of = \"shoppers\" and expect = \"p99 < 400ms\"",
    then Self::understood, meant Self::meant {
        name: Given<String> as Filled<Text>, "Default: `of` and `expect`.";
        of: Given<String> as Must<Text>,
            "A client, a flow, an endpoint, a node, an edge (\"orders -> payments\"), a queue or a `topic/group`.";
        expect: Given<String> as Must<Expression>,
            "For example \"p99 < 400ms\", \"success_rate >= 99.5%\", \"good(400ms) >= 99%\".";
        outside_faults: Given<bool> as Or<Flag> = "false", "Judged by requests that set out while no fault is on.";
        during: Option<Given<String>> as Said<Text>, "Judged by requests that set out during this fault.";
        after_fault: Option<Given<String>> as Said<Text>, "Judged by requests that set out after this fault.";
        + /// The expression as understood.
        promise: Promise;
        + /// When it holds; `None`: always.
        scope: Option<Given<Scope>>;
    }
}

/// When a promise holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// While no fault is on.
    OutsideFaults,
    /// While this fault is on.
    During(String),
    /// After this fault.
    AfterFault(String),
}

impl Scope {
    /// The fault that it is about, if it is about one.
    pub fn fault(&self) -> Option<&str> {
        match self {
            Self::OutsideFaults => None,
            Self::During(name) | Self::AfterFault(name) => Some(name),
        }
    }
}

/// An SLO's expression as understood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Promise {
    /// The figure.
    pub metric: Metric,
    /// The comparison.
    pub sense: Sense,
    /// The bound, in the metric's own unit (ms, share, per second, count).
    pub bound: f64,
}

/// A figure an SLO may be about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// A latency percentile, ms; the value is the quantile (0.99).
    Percentile(f64),
    /// Mean latency, ms.
    Mean,
    /// Largest latency, ms.
    Max,
    /// Successes ÷ ended.
    SuccessRate,
    /// Failures ÷ ended.
    ErrorRate,
    /// Successes per second.
    Throughput,
    /// Busy ÷ workers; nodes only.
    Utilization,
    /// Time from a fault's end until a client is as well off as before, ms.
    RecoveryTime,
    /// Requests that reach a node per request of all clients.
    Amplification,
    /// Records that a group is not past, time average; groups only.
    Lag,
    /// Most records at once that a group is not past; groups only.
    MaxLag,
    /// Share of all ended requests that succeeded within so many ms.
    Good(f64),
}

impl Metric {
    /// Whether it is a time, ms.
    pub fn is_time(self) -> bool {
        matches!(self, Self::Percentile(_) | Self::Mean | Self::Max | Self::RecoveryTime)
    }
}

words! {
    /// What a promise compares with, the longer signs first: `<=` begins as `<` does.
    pub enum Sense {
        AtMost = "<=", "Not above.";
        AtLeast = ">=", "Not below.";
        Below = "<", "Below.";
        Above = ">", "Above.";
    }
}

impl Promise {
    /// Whether a figure keeps it.
    pub fn keeps(&self, x: f64) -> bool {
        match self.sense {
            Sense::Below => x < self.bound,
            Sense::AtMost => x <= self.bound,
            Sense::Above => x > self.bound,
            Sense::AtLeast => x >= self.bound,
        }
    }

    /// Whether less is better.
    pub fn is_ceiling(&self) -> bool {
        matches!(self.sense, Sense::Below | Sense::AtMost)
    }
}

impl Default for Promise {
    /// An expression that cannot be understood stands in for itself: the target is still checked.
    fn default() -> Self {
        Self { metric: Metric::Mean, sense: Sense::Below, bound: f64::NAN }
    }
}

/// The expression of a promise, as written.
pub(crate) enum Expression {}

impl Kind for Expression {
    type Value = String;
    const SHAPE: Shape = Shape::Text;
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<String> {
        let text = read::text(desk, key, value)?;
        if let Err(complaint) = promise(&text) {
            desk.push(complaint.at(value.span()));
        }
        Some(text)
    }
    fn print(text: &String) -> String {
        quoted(text)
    }
}

impl Slo {
    /// Its name, its expression and its time.
    fn understood(mut self, desk: &mut Desk<'_>, _: &View<'_>) -> Self {
        self.promise = promise(&self.expect.value).unwrap_or_default();
        self.scope = self.when(desk);
        if self.name.is_default() {
            self.name.value = format!("{} {}", self.of.value, self.expect.value);
        }
        self
    }

    /// When it holds, if not always.
    fn when(&self, desk: &mut Desk<'_>) -> Option<Given<Scope>> {
        let named = |given: &Given<String>, scope: fn(String) -> Scope| Given {
            value: scope(given.value.clone()),
            place: given.place.clone(),
        };
        let outside = Some(&self.outside_faults).filter(|given| given.value);
        let outside = outside.map(|given| Given { value: Scope::OutsideFaults, place: given.place.clone() });
        let during = self.during.as_ref().map(|given| named(given, Scope::During));
        let after = self.after_fault.as_ref().map(|given| named(given, Scope::AfterFault));
        let mut all = [outside, during, after].into_iter().flatten();
        let first = all.next();
        if let Some(second) = all.next() {
            let complaint = Complaint::error(code::SLO_SYNTAX, "an SLO is about one time only").at(second.place);
            desk.push(complaint.help("keep one of outside_faults, during and after_fault, or write two SLOs"));
        }
        first
    }

    /// What the canonical form says: a time only where it is about one.
    fn meant(&self, mut all: Vec<Told>) -> Vec<Told> {
        all.retain(|told| match told.key {
            "outside_faults" => self.outside_faults.value,
            _ => told.value.is_some(),
        });
        all
    }
}

/// The figures and an example of each.
const METRICS: &str = "p50, p90, p95, p99, p99.9, mean and max (\"p99 < 400ms\"), success_rate and error_rate \
    (\"success_rate >= 99.5%\"), throughput (\"throughput > 100/s\"), utilization (\"utilization < 80%\"), \
    good (\"good(400ms) >= 99%\"), lag and max_lag of a group (\"max_lag < 20000\"), \
    recovery_time (\"recovery_time < 30s\"), amplification (\"amplification < 1.5\")";

/// Figures of later versions.
const LATER: [&str; 1] = ["p_lag"];

/// What is wrong with an expression.
type Refusal = (Code, String, String);

/// Reads an expression; the complaint has no place yet.
#[expect(clippy::result_large_err, reason = "a complaint is made once per mistake, not once per event")]
pub(in crate::scenario) fn promise(text: &str) -> Result<Promise, Complaint> {
    parse(text).map_err(|(code, message, help)| Complaint {
        help: (!help.is_empty()).then_some(help),
        ..Complaint::error(code, message)
    })
}

fn syntax(message: String) -> Refusal {
    (code::SLO_SYNTAX, message, format!("the figures are {METRICS}"))
}

/// A bound that cannot be understood: the fragment says itself how it would be right.
fn bound(message: String) -> Refusal {
    (code::SLO_SYNTAX, message, String::new())
}

fn parse(text: &str) -> Result<Promise, Refusal> {
    let at = text.find(['<', '>', '=']).ok_or_else(|| syntax(format!("`{text}` compares nothing")))?;
    let (figure, rest) = (text[..at].trim(), &text[at..]);
    let (sense, limit) = Sense::ALL
        .iter()
        .find_map(|sense| Some((*sense, rest.strip_prefix(sense.word())?.trim())))
        .ok_or_else(|| syntax(format!("`{text}` compares with `=`; write <, <=, > or >=")))?;
    let metric = metric(figure)?;
    let limit = match metric {
        Metric::Percentile(_) | Metric::Mean | Metric::Max | Metric::RecoveryTime => millis(limit)?,
        Metric::Amplification => match limit.parse::<f64>() {
            Ok(times) if times.is_finite() && times >= 0.0 => times,
            _ => return Err(bound(format!("`{limit}` is not a number from 0; write for example amplification < 3"))),
        },
        Metric::Throughput => Rate::parse(limit).map_err(bound)?.per_second(),
        Metric::SuccessRate | Metric::ErrorRate | Metric::Utilization | Metric::Good(_) => {
            parse_share(limit).map_err(bound)?
        }
        Metric::Lag | Metric::MaxLag => match limit.replace('_', "").parse::<f64>() {
            Ok(records) if records.is_finite() && records >= 0.0 => records,
            _ => return Err(bound(format!("`{limit}` is no number of records; write for example max_lag < 20000"))),
        },
    };
    Ok(Promise { metric, sense, bound: limit })
}

fn millis(text: &str) -> Result<f64, Refusal> {
    parse_nanos(text).map(|nanos| nanos / 1e6).map_err(bound)
}

fn metric(figure: &str) -> Result<Metric, Refusal> {
    if let Some(limit) =
        figure.strip_prefix("good").and_then(|r| r.trim().strip_prefix('(')).and_then(|r| r.strip_suffix(')'))
    {
        return Ok(Metric::Good(millis(limit)?));
    }
    Ok(match figure {
        "mean" => Metric::Mean,
        "max" => Metric::Max,
        "success_rate" => Metric::SuccessRate,
        "error_rate" => Metric::ErrorRate,
        "throughput" => Metric::Throughput,
        "utilization" => Metric::Utilization,
        "recovery_time" => Metric::RecoveryTime,
        "amplification" => Metric::Amplification,
        "lag" => Metric::Lag,
        "max_lag" => Metric::MaxLag,
        "good" => return Err(syntax("`good` needs a limit: good(400ms)".into())),
        "median" => return Err(syntax("the median is called `p50`".into())),
        later if LATER.contains(&later) => {
            return Err((code::NOT_YET, format!("not supported yet: {later}"), format!("the figures are {METRICS}")));
        }
        other => Metric::Percentile(quantile(other).ok_or_else(|| syntax(format!("`{other}` is not a figure")))?),
    })
}

/// 0.999 of `p99.9` and `p999`.
fn quantile(figure: &str) -> Option<f64> {
    let digits = figure.strip_prefix('p')?;
    let percent = match digits {
        "999" => 99.9,
        "9999" => 99.99,
        _ if digits.chars().all(|c| c.is_ascii_digit() || c == '.') => digits.parse::<f64>().ok()?,
        _ => return None,
    };
    // 99.9 / 100 is not the float nearest to 0.999; rounding at the 12th digit makes it so.
    (percent > 0.0 && percent < 100.0).then(|| (percent / 100.0 * 1e12).round() / 1e12)
}

impl Lowering<'_> {
    /// Promises about some time; faults stand already.
    pub(in crate::scenario) fn promises(&mut self) {
        let scenario = self.scenario;
        for slo in &scenario.slos {
            if let Some(scope) = &slo.scope {
                // Nobody, for a flow or a group: only their recovery is judged around faults.
                let client = scenario.clients.keys().position(|name| *name == slo.of.value);
                let scope = self.scope(&scope.value);
                self.plan.scoped.push((ClientId(client.map_or(NONE, |client| client as u32)), scope));
            }
        }
    }

    /// When a promise holds; a fault that was left out never is on.
    fn scope(&self, scope: &Scope) -> Times {
        let fault = |name: &str| {
            let at = self.plan.faults.iter().position(|fault| fault.name == name);
            FaultId(at.map_or(NONE, |at| at as u32))
        };
        match scope {
            Scope::OutsideFaults => Times::Outside,
            Scope::During(name) => Times::During(fault(name)),
            Scope::AfterFault(name) => Times::After(fault(name)),
        }
    }
}

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
pub(in crate::scenario) fn check(scenario: &Scenario, refused: &[String], complaints: &mut Vec<Complaint>) {
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
    if groups(scenario).contains(of) {
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
pub(in crate::scenario) fn reversed(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
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
pub(in crate::scenario) fn latency_only(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_grammar() {
        let is = |text: &str, metric, sense, bound| {
            assert_eq!(promise(text), Ok(Promise { metric, sense, bound }), "{text}");
        };
        is("p99 < 400ms", Metric::Percentile(0.99), Sense::Below, 400.0);
        is("p99.9<=1s", Metric::Percentile(0.999), Sense::AtMost, 1_000.0);
        is("p999 <= 1s", Metric::Percentile(0.999), Sense::AtMost, 1_000.0);
        is("success_rate >= 99.5%", Metric::SuccessRate, Sense::AtLeast, 0.995);
        is("throughput > 100/s", Metric::Throughput, Sense::Above, 100.0);
        is("good(400ms) >= 99%", Metric::Good(400.0), Sense::AtLeast, 0.99);
        is("max_lag < 20_000", Metric::MaxLag, Sense::Below, 20_000.0);
        is("utilization < 80%", Metric::Utilization, Sense::Below, 0.8);
    }

    #[test]
    fn refuses_the_rest_with_a_cure() {
        for (text, part) in [
            ("p99", "compares nothing"),
            ("p99 = 4ms", "compares with"),
            ("p99 < 400", "no unit"),
            ("p100 < 4ms", "not a figure"),
            ("speed < 4ms", "not a figure"),
            ("good >= 99%", "needs a limit"),
            ("max_lag < 10ms", "no number of records"),
            ("success_rate >= 120%", "between"),
            ("amplification < nan", "not a number"),
            ("amplification < inf", "not a number"),
            ("max_lag < inf", "no number of records"),
        ] {
            let complaint = promise(text).unwrap_err();
            assert!(complaint.message.contains(part), "{text}: {}", complaint.message);
        }
    }
}
