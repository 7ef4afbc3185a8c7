//! One interaction held against the rules: which pattern fits, and why.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::experiment::summary::Summary;
use crate::graph::Arrow;
use crate::scenario::Checked;
use crate::scenario::written::{Call, Endpoint, How, NodeKind, Scenario, Verb};
use crate::scenario::{client_transport, each_step, transport_of};

/// How something is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A client's call.
    Entry,
    /// A call between services.
    Call,
    /// A message to a queue.
    Queue,
    /// An event to a topic.
    Topic,
}

/// Whether what is there is what fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// It is.
    Fits,
    /// Something else is as good.
    Either,
    /// It costs what it does not give back.
    MoreThanNeeded,
    /// Something else fits.
    Change,
}

/// Somebody tells somebody something.
#[derive(Clone, Debug, Serialize)]
pub struct Interaction {
    /// From whom to whom; a broker stands for all who listen.
    pub edge: String,
    /// How.
    pub by: By,
    /// Over which transport; nothing for messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    /// Whether the answer is used.
    pub uses_reply: bool,
    /// How many services want what is told: of a call those that the same request tells without needing an answer, of a
    /// queue or topic the services that consume.
    pub receivers: usize,
    /// How often, 1/s; nothing where it was not seen.
    pub rate_per_s: Option<f64>,
    /// What fits.
    pub pattern: &'static str,
    /// Whether that is what is there.
    pub fit: Fit,
    /// By which rule.
    pub why: String,
}

/// What is seen of an edge before it is judged.
#[derive(Default)]
struct Seen {
    by: Option<By>,
    transport: Option<String>,
    uses_reply: bool,
    receivers: usize,
    /// Of a queue: how many are told something by the program that sends to it, without an answer.
    together: usize,
    besides: Option<Besides>,
}

/// What else is seen of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Besides {
    /// The client is a browser.
    Browser,
    /// The callee is a third party.
    ThirdParty,
    /// The order of events, or past ones, are needed.
    Order,
}

/// All interactions of a file, in the order of their names; each judged by the first rule that is about it.
pub(super) fn interactions(checked: &Checked, summary: Option<&Summary>) -> Vec<Interaction> {
    let scenario = &checked.scenario;
    let mut seen: BTreeMap<(String, String), Seen> = BTreeMap::new();
    for (name, client) in &scenario.clients {
        for call in &client.calls {
            let one = seen.entry((name.clone(), call.target.value.node.clone())).or_default();
            one.by = Some(By::Entry);
            one.transport = Some(client_transport(scenario, client).name.value.clone());
            one.uses_reply = true;
            one.besides = client.browser.value.then_some(Besides::Browser);
        }
    }
    for (name, node) in &scenario.nodes {
        for program in node.programs() {
            look(scenario, name, program, &mut seen);
        }
    }
    let judged = |((from, to), seen): (&(String, String), &Seen)| {
        let edge = Arrow { from, to }.to_string();
        let (pattern, fit, why) = judge(seen);
        let rate_per_s = summary.and_then(|summary| rate(summary, &edge));
        Interaction {
            edge,
            by: seen.by.unwrap_or(By::Call),
            transport: seen.transport.clone(),
            uses_reply: seen.uses_reply,
            receivers: seen.receivers,
            rate_per_s,
            pattern,
            fit,
            why,
        }
    };
    seen.iter().map(judged).collect()
}

/// What one program tells others.
fn look(scenario: &Scenario, from: &str, program: &Endpoint, seen: &mut BTreeMap<(String, String), Seen>) {
    let told = told(scenario, program);
    each_step(&program.steps, &mut |step| match &step.verb {
        Verb::Call(call) => {
            let to = &call.target.value.node;
            let How::Over(spec) = transport_of(scenario, call) else { return };
            let one = seen.entry((from.to_owned(), to.clone())).or_default();
            one.by = Some(By::Call);
            one.transport = Some(spec.name.value.clone());
            one.uses_reply |= call.uses_reply.value;
            let external = scenario.nodes.get(to).is_some_and(|node| node.kind == NodeKind::External);
            one.besides = external.then_some(Besides::ThirdParty);
            one.receivers = one.receivers.max(if call.uses_reply.value { 1 } else { told.len() });
        }
        Verb::Publish(publish) => {
            let broker = &publish.to.value;
            let queue = scenario.queues.contains_key(broker);
            let one = seen.entry((from.to_owned(), broker.clone())).or_default();
            one.by = Some(if queue { By::Queue } else { By::Topic });
            let consuming =
                |node: &&crate::scenario::written::Node| node.consumes.iter().any(|c| c.from.value == *broker);
            one.receivers = scenario.nodes.values().filter(consuming).count();
            if queue {
                one.together = one.together.max(told.len());
            }
            let replayed = scenario
                .nodes
                .values()
                .flat_map(|node| &node.consumes)
                .any(|c| c.from.value == *broker && (c.replay.value.is_some() || c.from_start.value));
            if publish.key.is_some() || replayed {
                one.besides = Some(Besides::Order);
            }
        }
        _ => {}
    });
}

/// The services that one program tells something without needing an answer, by calls or by queues.
fn told<'s>(scenario: &'s Scenario, program: &'s Endpoint) -> BTreeSet<&'s str> {
    let mut all = BTreeSet::new();
    each_step(&program.steps, &mut |step| match &step.verb {
        Verb::Call(Call { target, uses_reply, .. }) if !uses_reply.value => {
            all.insert(target.value.node.as_str());
        }
        Verb::Publish(publish) if scenario.queues.contains_key(&publish.to.value) => {
            all.insert(publish.to.value.as_str());
        }
        _ => {}
    });
    all
}

/// The rules, in order.
fn judge(seen: &Seen) -> (&'static str, Fit, String) {
    let grpc = seen.transport.as_deref() == Some("grpc");
    match seen.by {
        Some(By::Entry) if grpc && seen.besides == Some(Besides::Browser) => {
            ("REST", Fit::Change, "a browser speaks no gRPC: a proxy has to translate each call".into())
        }
        Some(By::Entry) => {
            let fit = if grpc { Fit::Either } else { Fit::Fits };
            ("REST", fit, "a front end asks a back end, and needs the answer".into())
        }
        Some(By::Queue) if seen.receivers == 0 => ("none", Fit::Change, "nobody takes messages from it".into()),
        Some(By::Queue) if seen.together > 1 => {
            let why = format!(
                "{} are told by the same request: one event if it is the same that they are told, else a queue each, as it is",
                seen.together
            );
            ("stream", Fit::Change, why)
        }
        Some(By::Queue) => ("queue", Fit::Fits, "handed over and forgotten: one consumer does it when it can".into()),
        Some(By::Topic) if seen.receivers == 0 => ("none", Fit::Change, "nobody reads it".into()),
        Some(By::Topic) if seen.receivers > 1 => {
            ("stream", Fit::Fits, format!("{} services want the same event, each at its own pace", seen.receivers))
        }
        Some(By::Topic) if seen.besides == Some(Besides::Order) => {
            ("stream", Fit::Fits, "one service reads it, and needs its order or its past".into())
        }
        Some(By::Topic) => (
            "queue",
            Fit::MoreThanNeeded,
            "one service reads it, and needs neither order nor past: a queue has fewer parts".into(),
        ),
        _ if seen.besides == Some(Besides::ThirdParty) => {
            ("REST", Fit::Fits, "a third party speaks what it speaks".into())
        }
        _ if !seen.uses_reply && seen.receivers > 1 => {
            let why = format!(
                "{} services are told, and nobody uses an answer: one event if it is the same that they are told, else a queue each",
                seen.receivers
            );
            ("stream", Fit::Change, why)
        }
        _ if !seen.uses_reply => ("queue", Fit::Change, "nobody uses the answer: hand it over and forget it".into()),
        _ => ("REST or gRPC", Fit::Fits, "the answer is needed at once".into()),
    }
}

/// How often an edge is crossed; over all endpoints of the callee.
fn rate(summary: &Summary, edge: &str) -> Option<f64> {
    let arrow = Arrow::of(edge)?;
    let of = |name: &str| {
        Arrow::of(name).is_some_and(|other| other.from == arrow.from && other.end().node == arrow.end().node)
    };
    let time = summary.run.duration_s * f64::from(summary.run.replications);
    let all: Vec<u64> = summary.edges.iter().filter(|(name, _)| of(name)).map(|(_, stats)| stats.arrived).collect();
    (!all.is_empty() && time > 0.0).then(|| all.iter().sum::<u64>() as f64 / time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;
    use crate::scenario::load;

    fn told(text: &str) -> Vec<(String, &'static str, Fit)> {
        let text = format!("version = 1\n{text}");
        let checked = load(&Source::text("shop", &text), &[]).unwrap_or_else(|rejected| panic!("{rejected}"));
        interactions(&checked, None).into_iter().map(|one| (one.edge, one.pattern, one.fit)).collect()
    }

    #[test]
    fn each_row_of_the_quick_reference_is_a_rule() {
        let clients = "[clients.users]\ncalls = \"a\"\nrate = \"1/s\"\n";
        let services = "[services.b]\nwork = \"1ms\"\n[services.c]\nwork = \"1ms\"\n";
        let of = |steps: &str, more: &str| told(&format!("{clients}[services.a]\nsteps = [{steps}]\n{services}{more}"));
        let found = |all: &[(String, &'static str, Fit)], edge: &str| {
            all.iter().find(|one| one.0 == edge).map(|one| (one.1, one.2)).unwrap()
        };
        // Front end to back end; an immediate answer.
        let all = of("\"b\"", "");
        assert_eq!(found(&all, "users -> a"), ("REST", Fit::Fits));
        assert_eq!(found(&all, "a -> b"), ("REST or gRPC", Fit::Fits));
        // Fire and forget.
        let all = of("{ call = \"b\", uses_reply = false }", "");
        assert_eq!(found(&all, "a -> b"), ("queue", Fit::Change));
        // Several consumers of one event.
        let both = "{ call = \"b\", uses_reply = false }, { call = \"c\", uses_reply = false }";
        assert_eq!(found(&of(both, ""), "a -> c"), ("stream", Fit::Change));
        // A stream with one reader is more than needed, unless its order is.
        let more = "[topics.t]\n[[services.d.consumes]]\nfrom = \"t\"\ngroup = \"d\"\nwork = \"1ms\"\n";
        assert_eq!(found(&of("{ publish = \"t\" }", more), "a -> t"), ("queue", Fit::MoreThanNeeded));
        assert_eq!(found(&of("{ publish = \"t\", key = \"user\" }", more), "a -> t"), ("stream", Fit::Fits));
    }

    #[test]
    fn a_call_whose_answer_somebody_uses_is_no_message() {
        let text = "[clients.users]\ncalls = \"a\"\nrate = \"1/s\"\n[services.a]\nsteps = [{ call = \"b\", uses_reply = false }, \"b\"]\n[services.b]\nwork = \"1ms\"\n";
        assert_eq!(told(text)[0], ("a -> b".into(), "REST or gRPC", Fit::Fits));
    }

    #[test]
    fn a_browser_speaks_no_grpc() {
        let text = "[clients.users]\ncalls = \"a\"\nrate = \"1/s\"\nbrowser = true\ntransport = \"grpc\"\n[services.a]\nwork = \"1ms\"\n";
        assert_eq!(told(text)[0].2, Fit::Change);
        assert_eq!(told(&text.replace("browser = true\n", ""))[0].2, Fit::Either);
    }
}
