//! The patterns compared on one interaction: every word of the table follows from a number by a stated rule.
//!
//! Latencies come from the run, coupling in time and reliability from outages injected into the callee and the broker,
//! coupling in space and complexity from the scenario as written, counted part by part.

mod study;

use serde::Serialize;

pub use study::{Interaction, RUNS, assess, cast};

use super::coupling::{Late, Toll, Window};
use super::summary::{Estimate, Summary};
use crate::graph::{Arrow, End};
use crate::scenario::Checked;
use crate::scenario::programs::programs;
use crate::scenario::written::{Ack, Consumer, Flow, How, Publish, Verb};
use crate::units::Span;

/// The table.
#[derive(Clone, Debug, Serialize)]
pub struct Patterns {
    /// The interaction.
    pub edge: String,
    /// Beginning and length of the injected outages, s.
    pub outage_at_s: f64,
    /// How long they are, s.
    pub outage_for_s: f64,
    /// An effect that comes later than this by an outage is late, ms.
    pub late_after_ms: f64,
    /// An answer that comes later than this by an outage is late, ms.
    pub answer_late_after_ms: f64,
    /// A row for each.
    pub rows: Vec<Row>,
}

/// One pattern.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub pattern: String,
    /// Mean latency to the callers' answer, ms.
    pub caller_ms: Estimate,
    /// Mean latency until the callee has done it, ms.
    pub effect_ms: Estimate,
    /// The callee down, refusing.
    pub callee_down: Toll,
    /// The callee down, answering nothing.
    pub callee_hangs: Toll,
    /// The broker down, where there is one and that could be assessed.
    pub broker_down: Option<Toll>,
    /// Whether there is a broker.
    pub has_broker: bool,
    /// Edits in the sender's section to move the receiver, and to add one more.
    pub spatial: [u32; 2],
    /// Whether what was sent can be read again.
    pub replayable: bool,
    /// The moving parts.
    pub parts: Vec<String>,
    /// What the numbers are called.
    pub words: Words,
}

/// The words of a row; [`RULES`] says how they follow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Words {
    /// Latency to the caller.
    pub latency: &'static str,
    /// Latency to the effect.
    pub effect: &'static str,
    /// What it is coupled to in time and space.
    pub coupling: String,
    /// What survives the callee's outage.
    pub reliability: String,
    /// How many parts move.
    pub complexity: &'static str,
}

/// How words follow from numbers.
pub const RULES: [&str; 4] = [
    "latency (mean, against the quickest of the table): very low within 10 %, low up to 1.5 times, higher up to 10 times, \
     then far higher",
    "coupling: temporal where at least 5 % of the callers' requests that arrive while the callee (or broker) is down are \
     lost, or late where that many are served but wait it out; spatial where a further receiver is an edit of the sender",
    "reliability: fails where at least half of the effects are lost with the callee, weakened from 5 %, else survives; \
     replayable where the log keeps what was sent",
    "complexity: low up to 2 parts, medium up to 4, then high",
];

/// The broker of an interaction: what the caller publishes to and the callee consumes.
pub fn broker_of(checked: &Checked, edge: &str) -> Option<String> {
    let (from, to) = ends(edge)?;
    let consumed: Vec<&str> = checked.scenario.nodes.get(to)?.consumes.iter().map(|c| c.from.value.as_str()).collect();
    let published = published(checked, from);
    published.into_iter().map(|publish| &publish.to.value).find(|name| consumed.contains(&name.as_str())).cloned()
}

/// Caller and callee of an edge, endpoints left out.
pub fn ends(edge: &str) -> Option<(&str, &str)> {
    let arrow = Arrow::of(edge)?;
    Some((arrow.from, arrow.end().node))
}

/// All that a node publishes.
fn published<'s>(checked: &'s Checked, node: &str) -> Vec<&'s Publish> {
    let mut all = Vec::new();
    let steps = checked
        .scenario
        .nodes
        .get(node)
        .into_iter()
        .flat_map(crate::scenario::written::Node::programs)
        .map(|e| &e.steps);
    steps.for_each(|steps| {
        crate::scenario::each_step(steps, &mut |step| {
            if let Verb::Publish(publish) = &step.verb {
                all.push(publish);
            }
        });
    });
    all
}

/// What is read off the scenario as written: spatial coupling, whether it can be replayed, the moving parts.
pub fn written(checked: &Checked, edge: &str) -> ([u32; 2], bool, Vec<String>) {
    let Some((from, to)) = ends(edge) else { return ([0; 2], false, Vec::new()) };
    let Some(broker) = broker_of(checked, edge) else { return called(checked, from, to) };
    let sites = published(checked, from).iter().filter(|publish| publish.to.value == broker).count() as u32;
    let consumer = checked.scenario.nodes[to].consumes.iter().find(|c| c.from.value == broker);
    let topic = checked.scenario.topics.get(&broker);
    let mut parts = vec![format!("sender {from}"), format!("broker {broker}"), format!("consumer in {to}")];
    if consumer.is_some_and(twice) {
        parts.push("messages that come twice".into());
    }
    if topic.is_some() {
        parts.extend(["partitions", "offsets of the group"].map(str::to_owned));
    }
    // Whoever sends to a queue names it: a further receiver needs a queue, and a message, of its own.
    ([0, if topic.is_some() { 0 } else { sites }], topic.is_some_and(|t| t.retention.value > Span(0)), parts)
}

/// Whether a message may be handled twice with an effect each time.
fn twice(consumer: &Consumer) -> bool {
    consumer.ack.value == Ack::After && !consumer.idempotent.value
}

/// A call: the caller knows the address (static discovery), and each further receiver is a further call.
fn called(checked: &Checked, from: &str, to: &str) -> ([u32; 2], bool, Vec<String>) {
    let mut sites = 0;
    let mut parts = vec![format!("caller {from}"), format!("server {to}")];
    for endpoint in checked.scenario.nodes.get(from).into_iter().flat_map(crate::scenario::written::Node::programs) {
        crate::scenario::each_step(&endpoint.steps, &mut |step| {
            let Verb::Call(call) = &step.verb else { return };
            if call.target.value.node == to {
                sites += 1;
                // A transport that does not write JSON needs a schema on both sides.
                if let How::Over(spec) = crate::scenario::transport_of(&checked.scenario, call)
                    && spec.size_factor.value < 1.0
                    && parts.len() < 3
                {
                    parts.push("a schema compiled into both".into());
                }
            }
        });
    }
    ([sites, sites], false, parts)
}

/// Mean latency over all clients, and over the flows that end at the callee.
pub fn latencies(summary: &Summary, flows: &[String]) -> (Estimate, Estimate) {
    let clients = super::compare::mean_of(summary.clients.values());
    let effects = super::compare::mean_of(summary.flows.iter().filter(|(name, _)| flows.contains(name)).map(|f| f.1));
    (clients, effects)
}

/// After how long answers and effects are late: three times their median, at least 100 ms.
pub fn late_after(summary: &Summary, flows: &[String]) -> Late {
    let after = |medians: &mut dyn Iterator<Item = f64>| {
        Span::from_secs_f64((3.0 * medians.fold(0.0, f64::max)).max(100.0) / 1e3)
    };
    let effects = summary.flows.iter().filter(|(name, _)| flows.contains(name)).map(|f| f.1);
    Late {
        answer: after(&mut summary.clients.values().filter_map(|client| client.latency_ms.p50.value)),
        effect: after(&mut effects.filter_map(|flow| flow.latency_ms.p50.value)),
    }
}

/// The table: words are put to the numbers, which compare a row with the others.
pub fn table(edge: &str, window: Window, late: Late, mut rows: Vec<Row>) -> Patterns {
    let least = |of: fn(&Row) -> Estimate| rows.iter().filter_map(|row| of(row).value).fold(f64::INFINITY, f64::min);
    let (caller, effect) = (least(|row| row.caller_ms), least(|row| row.effect_ms));
    for row in &mut rows {
        row.words = words(row, caller, effect);
    }
    Patterns {
        edge: edge.to_owned(),
        outage_at_s: window.at_s,
        outage_for_s: window.for_s,
        late_after_ms: late.effect.as_secs_f64() * 1e3,
        answer_late_after_ms: late.answer.as_secs_f64() * 1e3,
        rows,
    }
}

/// How those who call while something is down depend on it: they fail, or (late) they wait it out; `None`: they do not.
fn coupled(tolls: &[Toll]) -> Option<&'static str> {
    let most = |of: fn(&Toll) -> Estimate| tolls.iter().filter_map(|toll| of(toll).value).fold(0.0, f64::max);
    match (most(|toll| toll.lost), most(|toll| toll.late)) {
        (lost, _) if lost >= 0.05 => Some(""),
        (_, late) if late >= 0.05 => Some(" (late)"),
        _ => None,
    }
}

fn words(row: &Row, caller: f64, effect: f64) -> Words {
    let mut coupling: Vec<String> = Vec::new();
    coupling.extend(coupled(&[row.callee_down, row.callee_hangs]).map(|how| format!("temporal{how}")));
    coupling.extend(coupled(row.broker_down.as_slice()).map(|how| format!("to broker{how}")));
    if row.spatial[1] > 0 {
        coupling.push("spatial".into());
    }
    let lost =
        [row.callee_down, row.callee_hangs].iter().filter_map(|toll| toll.effects_lost.value).fold(0.0, f64::max);
    let reliability = match lost {
        lost if lost >= 0.5 => "fails",
        lost if lost >= 0.05 => "weakened",
        _ => "survives",
    };
    Words {
        latency: latency(row.caller_ms, caller),
        effect: latency(row.effect_ms, effect),
        coupling: if coupling.is_empty() { "neither".into() } else { coupling.join(" + ") },
        reliability: if row.replayable { format!("{reliability}, replayable") } else { reliability.into() },
        complexity: match row.parts.len() {
            0..=2 => "low",
            3..=4 => "medium",
            _ => "high",
        },
    }
}

fn latency(e: Estimate, least: f64) -> &'static str {
    match e.value.map(|value| value / least) {
        None => "unknown",
        Some(times) if times <= 1.1 => "very low",
        Some(times) if times <= 1.5 => "low",
        Some(times) if times <= 10.0 => "higher",
        Some(_) => "far higher",
    }
}

/// A flow from a client to the callee, so that latency to the effect is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Where it starts.
    pub client: String,
    /// Its name.
    pub name: String,
    /// Whether the file has it.
    pub written: bool,
}

/// Flows to the callee, one for each client whose requests lead there: the file's own where it has one.
pub fn effects(checked: &Checked, edge: &str) -> Vec<Effect> {
    let to = ends(edge).map_or("", |ends| ends.1);
    let own = |client: &str| {
        let fits = |flow: &&Flow| {
            flow.starts.value == client && matches!(flow.ends.value.as_slice(), [end] if end.value == to)
        };
        checked.scenario.flows.iter().find(fits).map(|flow| flow.name.value.clone())
    };
    let taken = |name: &str| checked.scenario.flows.iter().any(|flow| flow.name.value == name);
    let effect = |client: &String| match own(client) {
        Some(name) => Effect { client: client.clone(), name, written: true },
        None => Effect {
            client: client.clone(),
            name: free(&Arrow { from: client, to }.to_string(), taken),
            written: false,
        },
    };
    let graph = programs(&checked.scenario);
    let leads = |client: &&String| {
        let calls = checked.scenario.clients.get(*client).into_iter().flat_map(|client| &client.calls);
        let mut first = calls.map(|call| (call.target.value.node.as_str(), call.target.value.endpoint.as_str()));
        first.any(|first| graph.reached_from(&first).iter().any(|program| program.0 == End::of(to).node))
    };
    checked.scenario.clients.keys().filter(leads).map(effect).collect()
}

/// This name, or one like it that nothing in the file has.
pub fn free(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|n| format!("{name} {n}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(caller: f64, effect: f64, lost: f64, spatial: [u32; 2], parts: usize) -> Row {
        let share = Estimate::point;
        let toll =
            Toll { lost: share(lost), late: share(0.0), effects_lost: share(lost), effects_late: share(1.0 - lost) };
        Row {
            pattern: String::new(),
            caller_ms: share(caller),
            effect_ms: share(effect),
            callee_down: toll,
            callee_hangs: toll,
            broker_down: None,
            has_broker: false,
            spatial,
            replayable: false,
            parts: vec![String::new(); parts],
            words: Words::default(),
        }
    }

    #[test]
    fn words_follow_the_numbers() {
        let window = Window::of(60.0);
        let rows =
            vec![row(20.0, 20.0, 1.0, [1, 1], 2), row(2.0, 31.0, 0.0, [0, 1], 4), row(2.1, 15.0, 0.1, [0, 0], 6)];
        let table = table("a -> b", window, Late::default(), rows);
        let told = |at: usize| {
            let w = &table.rows[at].words;
            (w.latency, w.effect, w.coupling.as_str(), w.reliability.as_str(), w.complexity)
        };
        assert_eq!(told(0), ("higher", "low", "temporal + spatial", "fails", "low"));
        assert_eq!(told(1), ("very low", "higher", "spatial", "survives", "medium"));
        assert_eq!(told(2), ("very low", "very low", "temporal", "weakened", "high"));
    }

    #[test]
    fn whoever_waits_an_outage_out_is_coupled_too() {
        let share = Estimate::point;
        let waits = Toll { late: share(0.9), ..Toll::default() };
        assert_eq!(coupled(&[Toll::default(), waits]), Some(" (late)"));
        assert_eq!(coupled(&[Toll { lost: share(0.05), ..waits }]), Some(""));
        assert_eq!((coupled(&[]), coupled(&[Toll { late: share(0.049), ..Toll::default() }])), (None, None));
        let stream = Row { broker_down: Some(waits), has_broker: true, ..row(1.0, 1.0, 0.0, [0, 0], 6) };
        assert_eq!(words(&stream, 1.0, 1.0).coupling, "to broker (late)");
    }

    #[test]
    fn a_name_that_is_taken_is_numbered() {
        assert_eq!(free("b down", |name| name == "b down" || name == "b down 2"), "b down 3");
    }
}
