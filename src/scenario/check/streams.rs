//! Topics and their groups: numbers that cannot be, words that mean nothing, members that disagree.

use super::brokers::groups;
use super::ranges::zero;
use super::walk;
use crate::diag::{Complaint, code};
use crate::graph;
use crate::scenario::read::suggest;
use crate::scenario::written::{Ack, Acks, Consumer, Given, OnError, Place, Scenario, Topic};
use crate::units::Span;

/// Complains about numbers that cannot be.
pub(super) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for topic in scenario.topics.values() {
        let nobody = "no broker could keep it";
        zero(topic.min_insync.value == 0, "min_insync", topic.min_insync.place.as_ref(), nobody, complaints);
        if topic.min_insync.value > topic.replication.value && topic.acks.value == Acks::All {
            let message =
                format!("`min_insync` asks for {} of {} copies", topic.min_insync.value, topic.replication.value);
            let complaint = Complaint::error(code::OUT_OF_RANGE, message).at(topic.min_insync.place.clone());
            complaints.push(complaint.help("nothing could be published: raise `replication`, or lower `min_insync`"));
        }
        for (_, consumer) in walk::consumers(scenario, &topic.name.value) {
            numbers(consumer, complaints);
            refused(consumer, complaints);
            dead_letter(scenario, consumer, complaints);
        }
    }
    for group in groups(scenario) {
        let (topic, group) = graph::group(&group).unwrap_or((&group, ""));
        if scenario.topics.contains_key(topic) {
            agreement(scenario, topic, group, complaints);
        }
    }
}

fn numbers(consumer: &Consumer, complaints: &mut Vec<Complaint>) {
    let never = "the group would never have a member";
    for (key, given) in
        [("session_timeout", &consumer.session_timeout), ("max_poll_interval", &consumer.max_poll_interval)]
    {
        zero(given.value == Span::ZERO, key, given.place.as_ref(), never, complaints);
    }
    let commit = &consumer.commit_every;
    zero(
        commit.value == Some(Span::ZERO),
        "commit_every",
        commit.place.as_ref(),
        "it would commit forever",
        complaints,
    );
    if let Some(replay) = consumer.replay.value.filter(|r| r.from >= r.at) {
        let message = format!("a replay at {} from {}: there is nothing to go back to", replay.at, replay.from);
        let complaint = Complaint::error(code::OUT_OF_RANGE, message).at(consumer.replay.place.clone());
        complaints.push(complaint.help("`from` must lie before `at`"));
    }
}

/// What runs but looks wrong.
pub(super) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for topic in scenario.topics.values() {
        for (_, consumer) in walk::consumers(scenario, &topic.name.value) {
            of_topic(scenario, consumer, complaints);
        }
        batches(topic, complaints);
        segments(scenario, topic, complaints);
    }
}

fn batches(topic: &Topic, complaints: &mut Vec<Complaint>) {
    let gathers = topic.linger.value > Span::ZERO || topic.in_flight.value.is_some();
    if !gathers && topic.batch.value.is_some_and(|b| b > 1) {
        let complaint = Complaint::warning(code::UNUSED, "`batch` means something only with `linger` or `in_flight`");
        complaints.push(complaint.at(topic.batch.place.clone()).help("a batch that does not wait holds one record"));
    }
    if topic.buffer.value.is_none() && !topic.max_block.is_default() {
        let complaint = Complaint::warning(code::UNUSED, "`max_block` means something only with `buffer`");
        complaints.push(complaint.at(topic.max_block.place.clone()).help("a buffer without limit is never full"));
    }
}

/// A retention that deletes nothing, because no segment is closed.
fn segments(scenario: &Scenario, topic: &Topic, complaints: &mut Vec<Complaint>) {
    let run = scenario.sim.warmup.value + scenario.sim.duration.value;
    if topic.retention.value < run && topic.segment.value >= run {
        let message = format!(
            "`retention` deletes whole segments, and one of {} is open for all of the run",
            topic.segment.value
        );
        let complaint = Complaint::warning(code::UNUSED, message).at(topic.retention.place.clone());
        complaints.push(
            complaint.help("to see events deleted set `segment` lower, as busy topics reach their size (1 GiB) sooner"),
        );
    }
}

fn of_topic(scenario: &Scenario, consumer: &Consumer, complaints: &mut Vec<Complaint>) {
    if !consumer.prefetch.is_default() {
        let complaint = Complaint::warning(code::UNUSED, "`prefetch` means something for queues only");
        complaints.push(complaint.at(consumer.prefetch.place.clone()).help("members of a group ask: see `batch`"));
    }
    if consumer.ack.value == Ack::Before && consumer.commit_every.value.is_some() {
        let complaint = Complaint::warning(code::UNUSED, "`commit_every` means nothing beside ack = \"before\"");
        complaints.push(complaint.at(consumer.commit_every.place.clone()));
    }
    if let Some(replay) = consumer.replay.value.filter(|r| r.at >= scenario.sim.duration.value) {
        let message = format!("the replay at {} comes after the run", replay.at);
        complaints.push(Complaint::warning(code::UNUSED, message).at(consumer.replay.place.clone()));
    }
}

/// What a topic cannot do.
fn refused(consumer: &Consumer, complaints: &mut Vec<Complaint>) {
    if !consumer.ordered.value {
        let complaint = Complaint::error(code::NOT_YET, "not supported yet: ordered = false for a topic");
        complaints.push(
            complaint
                .at(consumer.ordered.place.clone())
                .help("more `partitions` let more records be worked on at once"),
        );
    }
    if consumer.on_error.value == OnError::NeverAck {
        let complaint = Complaint::error(code::MISPLACED, "a topic knows no acknowledgement of single records");
        complaints.push(
            complaint
                .at(consumer.on_error.place.clone())
                .help("retry blocks the partition, skip and dead_letter pass on"),
        );
    }
}

fn dead_letter(scenario: &Scenario, consumer: &Consumer, complaints: &mut Vec<Complaint>) {
    let wants = consumer.on_error.value == OnError::DeadLetter;
    match &consumer.dead_letter {
        None if wants => {
            let complaint = Complaint::error(code::MISSING_KEY, "dead letters of a topic need a queue to go to");
            let complaint = complaint.at(consumer.on_error.place.clone());
            complaints.push(complaint.help("name one beside it: dead_letter = \"failed\", and define [queues.failed]"));
        }
        Some(queue) if !scenario.queues.contains_key(&queue.value) => {
            let message = format!("no queue is called `{}`", queue.value);
            let complaint = Complaint::error(code::UNKNOWN_NAME, message).at(queue.place.clone());
            complaints.push(match suggest(&queue.value, scenario.queues.keys().map(String::as_str)) {
                Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
                None => complaint.help(format!("define it: [queues.{}]", queue.value)),
            });
        }
        Some(queue) if !wants => {
            let complaint =
                Complaint::warning(code::UNUSED, "`dead_letter` means something only with on_error = \"dead_letter\"");
            complaints.push(complaint.at(queue.place.clone()));
        }
        _ => {}
    }
}

/// What belongs to a group is the same for all its members.
fn agreement(scenario: &Scenario, topic: &str, group: &str, complaints: &mut Vec<Complaint>) {
    let members = walk::members(scenario, topic, group);
    let Some((_, first)) = members.first() else { return };
    let mut differ = |key: &str, same: bool, place: Option<Place>| {
        if !same {
            let message = format!("the members of `{topic}/{group}` disagree on `{key}`");
            let complaint = Complaint::error(code::BAD_VALUE, message).at(place);
            complaints.push(complaint.help("it belongs to the group: say the same in every service"));
        }
    };
    for (_, other) in &members[1..] {
        differ("rebalance", same(&first.rebalance, &other.rebalance), other.from.place.clone());
        differ("member", same(&first.member, &other.member), other.from.place.clone());
        differ("session_timeout", same(&first.session_timeout, &other.session_timeout), other.from.place.clone());
        differ("max_poll_interval", same(&first.max_poll_interval, &other.max_poll_interval), other.from.place.clone());
        differ("replay", same(&first.replay, &other.replay), other.from.place.clone());
    }
}

fn same<T: PartialEq>(a: &Given<T>, b: &Given<T>) -> bool {
    a.value == b.value
}
