//! Queues, topics, consumers, flows.

use toml::de::DeValue;

use super::law;
use super::value::{self, count, count_or, duration, flag, number, share, text, zone};
use super::view::View;
use super::{Desk, Value};
use crate::diag::{Complaint, code};
use crate::scenario::declare::Kind as _;
use crate::scenario::tables::steps::Steps;
use crate::scenario::vocab::{KEYED, REPLAY};
use crate::scenario::written::{
    Ack, Acks, Consumer, Endpoint, Flow, Given, Keyed, Membership, Node, OnError, Queue, QueueKind, Rebalance, Replay,
    Topic, WhenFull,
};
use crate::units::Span;

const WHEN_FULL: [(&str, WhenFull); 4] = [
    ("drop_oldest", WhenFull::DropOldest),
    ("reject", WhenFull::Reject),
    ("dead_letter", WhenFull::DeadLetter),
    ("block", WhenFull::Block),
];

const KIND: [(&str, QueueKind); 2] = [("standard", QueueKind::Standard), ("fifo", QueueKind::Fifo)];

const ACKS: [(&str, Acks); 3] = [("all", Acks::All), ("leader", Acks::Leader), ("none", Acks::None)];

const REBALANCE: [(&str, Rebalance); 2] = [("eager", Rebalance::Eager), ("cooperative", Rebalance::Cooperative)];

const MEMBER: [(&str, Membership); 2] = [("dynamic", Membership::Dynamic), ("static", Membership::Static)];

const ACK: [(&str, Ack); 2] = [("after", Ack::After), ("before", Ack::Before)];

const ON_ERROR: [(&str, OnError); 4] = [
    ("retry", OnError::Retry),
    ("skip", OnError::Skip),
    ("dead_letter", OnError::DeadLetter),
    ("never_ack", OnError::NeverAck),
];

/// One queue.
pub(super) fn queue(desk: &mut Desk<'_>, name: Given<String>, view: &View<'_>) -> Queue {
    Queue {
        publish_latency: view.or_default(desk, "publish_latency", law),
        capacity: view.or_default(desk, "capacity", count_or("unlimited")),
        when_full: view.choice(desk, "when_full", &WHEN_FULL),
        ack_timeout: ack_timeout(desk, view),
        hides: view.has("visibility_timeout"),
        kind: view.choice(desk, "kind", &KIND),
        max_deliveries: view.or_default(desk, "max_deliveries", count_or("unlimited")),
        dead_letter: view.read(desk, "dead_letter", text),
        message_ttl: view.maybe(desk, "message_ttl", duration),
        priorities: view.or_default(desk, "priorities", flag),
        confirms: view.or_default(desk, "confirms", flag),
        zone: view.maybe(desk, "zone", zone),
        name,
    }
}

/// One thing with two names.
fn ack_timeout(desk: &mut Desk<'_>, view: &View<'_>) -> Given<Option<Span>> {
    let ack = view.maybe(desk, "ack_timeout", duration);
    let visibility = view.maybe(desk, "visibility_timeout", duration);
    if let (true, Some(place)) = (view.has("ack_timeout"), view.place_of("visibility_timeout")) {
        let complaint = Complaint::error(code::MISPLACED, "`ack_timeout` and `visibility_timeout` are one thing");
        desk.push(complaint.at(place).help("keep one of them"));
    }
    if ack.value.is_some() { ack } else { visibility }
}

/// One topic.
pub(super) fn topic(desk: &mut Desk<'_>, name: Given<String>, view: &View<'_>) -> Topic {
    Topic {
        publish_latency: view.or_default(desk, "publish_latency", law),
        partitions: view.or_default(desk, "partitions", count),
        key: view.read(desk, "key", keyed),
        min_insync: view.or_default(desk, "min_insync", count),
        retention: view.or_default(desk, "retention", duration),
        segment: view.or_default(desk, "segment", duration),
        replication: view.or_default(desk, "replication", count),
        acks: view.choice(desk, "acks", &ACKS),
        linger: view.or_default(desk, "linger", duration),
        batch: view.or_default(desk, "batch", count_or("unlimited")),
        in_flight: view.or_default(desk, "in_flight", count_or("unlimited")),
        delivery_timeout: view.or_default(desk, "delivery_timeout", duration),
        buffer: view.or_default(desk, "buffer", count_or("unlimited")),
        max_block: view.or_default(desk, "max_block", duration),
        zone: view.maybe(desk, "zone", zone),
        name,
    }
}

/// A key of which every request has its own value, or one that requests share.
fn keyed(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Keyed> {
    if value.get_ref().as_str().is_some() {
        return text(desk, key, value).map(|name| Keyed { name, keys: None, skew: 0.0 });
    }
    let table = value::table(desk, key, value)?;
    let view = View::open(desk, &KEYED, table, value.span());
    for name in ["name", "keys"] {
        if !view.has(name) {
            view.missing(desk, name, "write { name = \"customer\", keys = 1000, skew = 1.2 }");
        }
    }
    let skew = view.or_default(desk, "skew", number).value;
    let (name, keys) = (view.read(desk, "name", text), view.read(desk, "keys", count));
    if let Some(place) = keys.as_ref().filter(|k| !(1..=1_000_000).contains(&k.value)).map(|k| k.place.clone()) {
        desk.push(Complaint::error(code::OUT_OF_RANGE, "`keys` must be 1 to 1,000,000").at(place));
    }
    Some(Keyed { name: name?.value, keys: Some(keys?.value.clamp(1, 1_000_000)), skew })
}

fn replay(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Replay> {
    let table = value::table(desk, key, value)?;
    let view = View::open(desk, &REPLAY, table, value.span());
    if !view.has("at") {
        view.missing(desk, "at", "say when: replay = { at = \"5m\", from = \"1m\" }");
    }
    let from = view.or_default(desk, "from", duration).value;
    Some(Replay { at: view.read(desk, "at", duration)?.value, from })
}

/// What a service consumes; `node` is the service without it.
pub(super) fn consumers(desk: &mut Desk<'_>, view: &View<'_>, node: &Node) -> Vec<Consumer> {
    let mut all = Vec::new();
    for entry in view.list(desk, "consumes") {
        if !entry.has("from") {
            entry.missing(desk, "from", "name the queue or topic: consumes = [{ from = \"emails\" }]");
        }
        let read = consumer(desk, &entry, node).map(|consumer| numbered(consumer, &all));
        all.extend(read);
    }
    all
}

fn consumer(desk: &mut Desk<'_>, view: &View<'_>, node: &Node) -> Option<Consumer> {
    let group = view.read(desk, "group", text);
    let own = ["work", "steps", "error_rate"].map(|key| view.has(key));
    let program = program(desk, view, node);
    let from = view.read(desk, "from", text)?;
    let name = group.as_ref().map_or(format!("from {}", from.value), |g| format!("from {}/{}", from.value, g.value));
    Some(Consumer {
        place: view.place.clone().unwrap_or_default(),
        program: Endpoint { name: Given { value: name, place: from.place.clone() }, ..program },
        from,
        group,
        concurrency: view.or_default(desk, "concurrency", count),
        prefetch: view.or_default(desk, "prefetch", count_or("unlimited")),
        batch: view.or_default(desk, "batch", count_or("unlimited")),
        ack: view.choice(desk, "ack", &ACK),
        commit_every: view.maybe(desk, "commit_every", duration),
        poll: view.maybe(desk, "poll", law),
        from_start: view.or_default(desk, "from_start", flag),
        ordered: view.or_default(desk, "ordered", flag),
        on_error: view.choice(desk, "on_error", &ON_ERROR),
        rebalance: view.choice(desk, "rebalance", &REBALANCE),
        member: view.choice(desk, "member", &MEMBER),
        session_timeout: view.or_default(desk, "session_timeout", duration),
        max_poll_interval: view.or_default(desk, "max_poll_interval", duration),
        replay: view.maybe(desk, "replay", replay),
        dead_letter: view.read(desk, "dead_letter", text),
        idempotent: view.or_default(desk, "idempotent", flag),
        own,
    })
}

/// Two entries for one queue are told apart.
fn numbered(mut consumer: Consumer, before: &[Consumer]) -> Consumer {
    let same = before.iter().filter(|c| c.from.value == consumer.from.value).count();
    if same > 0 {
        consumer.program.name.value = format!("{} {}", consumer.program.name.value, same + 1);
    }
    consumer
}

/// What is done with a message: what is said here, and for the rest what the service's default endpoint does.
fn program(desk: &mut Desk<'_>, view: &View<'_>, node: &Node) -> Endpoint {
    let default = node.endpoints.get("");
    let own = view.has("work") || view.has("steps");
    let work = view.maybe(desk, "work", law);
    let error_rate = view.read(desk, "error_rate", share);
    let written = view.read(desk, "steps", Steps::read).map(|s| s.value);
    let inherited = |own: bool, rate: Option<Given<f64>>| rate.filter(|_| !own).unwrap_or(Given::default(0.0));
    Endpoint {
        name: Given::default(String::new()),
        work: match default {
            Some(default) if !view.has("work") => default.work.clone(),
            _ => work,
        },
        wait: default.filter(|_| !view.has("work")).map_or(Given::default(None), |d| d.wait.clone()),
        error_rate: error_rate.unwrap_or_else(|| inherited(own, default.map(|d| d.error_rate.clone()))),
        steps: match (written, default) {
            (Some(steps), _) => steps,
            (None, Some(default)) if !view.has("steps") => default.steps.clone(),
            _ => Vec::new(),
        },
    }
}

/// What done means.
pub(super) fn flows(desk: &mut Desk<'_>, view: &View<'_>) -> Vec<Flow> {
    let mut all: Vec<Flow> = Vec::new();
    for flow in view.list(desk, "flows") {
        for key in ["name", "starts", "ends"] {
            if !flow.has(key) {
                flow.missing(
                    desk,
                    key,
                    "write { name = \"order shipped\", starts = \"shoppers\", ends = \"shipping\" }",
                );
            }
        }
        let (name, starts) = (flow.read(desk, "name", text), flow.read(desk, "starts", text));
        let ends = flow.read(desk, "ends", ends).map(|e| e.value).unwrap_or_default();
        let (Some(name), Some(starts)) = (name, starts) else { continue };
        if all.iter().any(|other| other.name.value == name.value) {
            let complaint = Complaint::error(code::NAME_TWICE, format!("two flows are called `{}`", name.value));
            desk.push(complaint.at(name.place.clone()));
        }
        all.push(Flow { name, starts, ends });
    }
    all
}

fn ends(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Vec<Given<String>>> {
    let DeValue::Array(items) = value.get_ref() else {
        return text(desk, key, value).map(|one| vec![Given::at(one, value.span())]);
    };
    if items.is_empty() {
        value::bad(desk, key, value, "a flow without an end");
    }
    let mut all = Vec::new();
    for item in items {
        all.extend(text(desk, key, item).map(|one| Given::at(one, item.span())));
    }
    Some(all)
}
