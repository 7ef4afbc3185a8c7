//! Queues, topics, consumers and flows as TOML.

use super::law;
use super::{Page, key, quoted, time, zone};
use crate::scenario::tables::steps::lines as steps;
use crate::scenario::written::{
    Ack, Acks, Consumer, Flow, Given, Keyed, Membership, OnError, Queue, QueueKind, Rebalance, Replay, Scenario, Topic,
    WhenFull,
};

/// All queues and topics.
pub(super) fn brokers(scenario: &Scenario, page: &mut Page) {
    scenario.queues.values().for_each(|q| queue(q, page));
    scenario.topics.values().for_each(|t| topic(t, page));
}

fn count_or(given: &Given<Option<u32>>) -> String {
    given.value.map_or_else(|| "\"unlimited\"".into(), |n| n.to_string())
}

fn queue(queue: &Queue, page: &mut Page) {
    page.header(&format!("[queues.{}]", key(&queue.name.value)));
    let mut none = Vec::new();
    page.given("publish_latency", &queue.publish_latency, law);
    page.line("capacity", count_or(&queue.capacity), queue.capacity.is_default());
    page.given("when_full", &queue.when_full, |w| quoted(when_full(*w)));
    let timeout = if queue.hides { "visibility_timeout" } else { "ack_timeout" };
    page.maybe(timeout, &queue.ack_timeout, &mut none, time);
    if queue.hides || !queue.kind.is_default() {
        page.given("kind", &queue.kind, |k| quoted(if *k == QueueKind::Standard { "standard" } else { "fifo" }));
    }
    page.line("max_deliveries", count_or(&queue.max_deliveries), queue.max_deliveries.is_default());
    page.perhaps("dead_letter", queue.dead_letter.as_ref(), &mut none, |d| quoted(d));
    page.maybe("message_ttl", &queue.message_ttl, &mut none, time);
    page.given("priorities", &queue.priorities, bool::to_string);
    page.given("confirms", &queue.confirms, bool::to_string);
    page.maybe("zone", &queue.zone, &mut none, zone);
    page.none(&none);
}

fn topic(topic: &Topic, page: &mut Page) {
    page.header(&format!("[topics.{}]", key(&topic.name.value)));
    let mut none = Vec::new();
    page.given("publish_latency", &topic.publish_latency, law);
    page.given("partitions", &topic.partitions, u32::to_string);
    page.perhaps("key", topic.key.as_ref(), &mut none, keyed);
    page.given("retention", &topic.retention, time);
    page.given("segment", &topic.segment, time);
    page.given("replication", &topic.replication, u32::to_string);
    page.given("min_insync", &topic.min_insync, u32::to_string);
    page.given("acks", &topic.acks, |a| quoted(acks(*a)));
    page.given("linger", &topic.linger, time);
    page.line("batch", count_or(&topic.batch), topic.batch.is_default());
    page.line("in_flight", count_or(&topic.in_flight), topic.in_flight.is_default());
    page.given("delivery_timeout", &topic.delivery_timeout, time);
    page.line("buffer", count_or(&topic.buffer), topic.buffer.is_default());
    page.given("max_block", &topic.max_block, time);
    page.maybe("zone", &topic.zone, &mut none, zone);
    page.none(&none);
}

/// One entry of `consumes`, under the header of its service.
pub(super) fn consumer(header: &str, consumer: &Consumer, page: &mut Page) {
    page.header(&format!("[[{header}.consumes]]"));
    let mut none = Vec::new();
    page.given("from", &consumer.from, |f| quoted(f));
    page.perhaps("group", consumer.group.as_ref(), &mut none, |g| quoted(g));
    page.given("concurrency", &consumer.concurrency, u32::to_string);
    page.line("prefetch", count_or(&consumer.prefetch), consumer.prefetch.is_default());
    page.line("batch", count_or(&consumer.batch), consumer.batch.is_default());
    page.given("ack", &consumer.ack, |a| quoted(if *a == Ack::After { "after" } else { "before" }));
    page.maybe("commit_every", &consumer.commit_every, &mut none, time);
    page.maybe("poll", &consumer.poll, &mut none, law);
    page.given("from_start", &consumer.from_start, bool::to_string);
    page.given("ordered", &consumer.ordered, bool::to_string);
    page.given("on_error", &consumer.on_error, |o| quoted(on_error(*o)));
    page.given("idempotent", &consumer.idempotent, bool::to_string);
    if consumer.group.is_some() {
        group(consumer, page, &mut none);
    }
    program(consumer, page, &mut none);
    page.none(&none);
}

/// What its group does.
fn group(consumer: &Consumer, page: &mut Page, none: &mut Vec<String>) {
    let word = |r: &Rebalance| quoted(if *r == Rebalance::Eager { "eager" } else { "cooperative" });
    page.given("rebalance", &consumer.rebalance, word);
    let who = |m: &Membership| quoted(if *m == Membership::Static { "static" } else { "dynamic" });
    page.given("member", &consumer.member, who);
    page.given("session_timeout", &consumer.session_timeout, time);
    page.given("max_poll_interval", &consumer.max_poll_interval, time);
    let replay = |r: &Replay| format!("{{ at = {}, from = {} }}", time(&r.at), time(&r.from));
    page.maybe("replay", &consumer.replay, none, replay);
    page.perhaps("dead_letter", consumer.dead_letter.as_ref(), none, |d| quoted(d));
}

fn keyed(key: &Keyed) -> String {
    match key.keys {
        None => quoted(&key.name),
        Some(keys) => format!("{{ name = {}, keys = {keys}, skew = {:?} }}", quoted(&key.name), key.skew),
    }
}

/// What it does, where that is its own: the rest is the service's, and stays so when that is changed.
fn program(consumer: &Consumer, page: &mut Page, none: &mut Vec<String>) {
    let [work, own_steps, error_rate] = consumer.own;
    let program = &consumer.program;
    if error_rate {
        page.given("error_rate", &program.error_rate, |e| format!("{e:?}"));
    }
    match &program.work.value {
        Some(own) if work => page.line("work", law(own), false),
        _ => none.push("work".into()),
    }
    if !own_steps {
        none.push("steps".into());
    } else if program.steps.is_empty() {
        page.line("steps", "[]", false);
    } else {
        page.line("steps", format!("[\n  {},\n]", steps(&program.steps).join(",\n  ")), false);
    }
}

/// One flow.
pub(super) fn flow(flow: &Flow, page: &mut Page) {
    page.header("[[flows]]");
    page.given("name", &flow.name, |n| quoted(n));
    page.given("starts", &flow.starts, |s| quoted(s));
    let ends: Vec<String> = flow.ends.iter().map(|end| quoted(&end.value)).collect();
    page.line("ends", if let [one] = ends.as_slice() { one.clone() } else { format!("[{}]", ends.join(", ")) }, false);
}

fn when_full(what: WhenFull) -> &'static str {
    match what {
        WhenFull::DropOldest => "drop_oldest",
        WhenFull::Reject => "reject",
        WhenFull::DeadLetter => "dead_letter",
        WhenFull::Block => "block",
    }
}

fn acks(acks: Acks) -> &'static str {
    match acks {
        Acks::All => "all",
        Acks::Leader => "leader",
        Acks::None => "none",
    }
}

fn on_error(on_error: OnError) -> &'static str {
    match on_error {
        OnError::Retry => "retry",
        OnError::Skip => "skip",
        OnError::DeadLetter => "dead_letter",
        OnError::NeverAck => "never_ack",
    }
}
