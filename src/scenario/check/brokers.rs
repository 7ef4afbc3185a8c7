//! Queues, topics, their consumers, flows: names lead somewhere, numbers can be, messages end somewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::ranges::zero;
use super::walk;
use crate::diag::{Complaint, code};
use crate::graph::End;
use crate::scenario::law_mean::mean;
use crate::scenario::read::suggest;
use crate::scenario::written::{Consumer, Flow, Given, Node, Publish, Queue, Scenario, WhenFull};
use crate::units::Span;

/// Complains about every name that leads nowhere.
pub(super) fn names(scenario: &Scenario, refused: &[String], complaints: &mut Vec<Complaint>) {
    for node in scenario.nodes.values() {
        for publish in node.programs().flat_map(walk::publishes) {
            publishing(scenario, publish, refused, complaints);
        }
        for consumer in &node.consumes {
            consuming(scenario, consumer, refused, complaints);
        }
    }
    for queue in scenario.queues.values() {
        if let Some(dead) = queue.dead_letter.as_ref().filter(|dead| !scenario.queues.contains_key(&dead.value)) {
            let why = if scenario.topics.contains_key(&dead.value) { "dead letters go to a queue" } else { "" };
            nowhere(scenario, dead, why, false, refused, complaints);
        }
    }
    let bits: usize = scenario.flows.iter().map(|flow| flow.ends.len()).sum();
    if let (Some(flow), true) = (scenario.flows.last(), bits > 64) {
        let message = format!("the flows have {bits} ends together; at most 64");
        complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(flow.name.place.clone()));
    }
    scenario.flows.iter().for_each(|flow| ends(scenario, flow, refused, complaints));
}

fn publishing(scenario: &Scenario, publish: &Publish, refused: &[String], complaints: &mut Vec<Complaint>) {
    let to = &publish.to;
    let topic = scenario.topics.contains_key(&to.value);
    if publish.send && topic {
        let message = format!("`{}` is a topic: nothing is sent to it", to.value);
        let complaint = Complaint::error(code::WRONG_TARGET, message).at(to.place.clone());
        complaints.push(complaint.help(format!("publish to it: {{ publish = \"{}\" }}", to.value)));
    } else if !topic && !scenario.queues.contains_key(&to.value) {
        let why = if scenario.nodes.contains_key(&to.value) { "messages go to a queue or a topic" } else { "" };
        nowhere(scenario, to, why, !publish.send, refused, complaints);
    }
    if let (Some(key), true) = (&publish.key, scenario.queues.contains_key(&to.value)) {
        let complaint = Complaint::warning(code::UNUSED, "`key` means nothing for a queue: it has no partitions");
        complaints.push(complaint.at(key.place.clone()));
    }
}

fn consuming(scenario: &Scenario, consumer: &Consumer, refused: &[String], complaints: &mut Vec<Complaint>) {
    let from = &consumer.from;
    if scenario.topics.contains_key(&from.value) {
        if consumer.group.is_none() {
            let message = format!("a consumer of the topic `{}` without a `group`", from.value);
            let complaint = Complaint::error(code::MISSING_KEY, message).at(from.place.clone());
            complaints
                .push(complaint.help("every group gets every event, its members share them: group = \"billing\""));
        }
    } else if !scenario.queues.contains_key(&from.value) {
        let why = if scenario.nodes.contains_key(&from.value) { "messages come from a queue or a topic" } else { "" };
        nowhere(scenario, from, why, true, refused, complaints);
    }
}

/// Complains about a name that is no queue (and no topic, where that would do).
fn nowhere(
    scenario: &Scenario,
    name: &Given<String>,
    why: &str,
    or_topic: bool,
    refused: &[String],
    complaints: &mut Vec<Complaint>,
) {
    if refused.contains(&name.value) {
        return;
    }
    if !why.is_empty() {
        let complaint = Complaint::error(code::WRONG_TARGET, format!("`{}`: {why}", name.value));
        complaints.push(complaint.at(name.place.clone()).help(format!("define one: [queues.{}-queue]", name.value)));
        return;
    }
    let complaint = Complaint::error(
        code::UNKNOWN_NAME,
        format!("no queue{} is called `{}`", if or_topic { " or topic" } else { "" }, name.value),
    );
    let complaint = complaint.at(name.place.clone());
    let known = scenario.queues.keys().chain(scenario.topics.keys().filter(|_| or_topic)).map(String::as_str);
    complaints.push(match suggest(&name.value, known) {
        Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
        None => complaint.help(format!("define it: [queues.{}]", name.value)),
    });
}

/// A flow begins at a client and ends where something happens.
fn ends(scenario: &Scenario, flow: &Flow, refused: &[String], complaints: &mut Vec<Complaint>) {
    let unknown = |name: &Given<String>, known: Vec<&str>, what: &str| {
        let complaint = Complaint::error(code::UNKNOWN_NAME, format!("{what} is called `{}`", name.value));
        let complaint = complaint.at(name.place.clone());
        match suggest(&name.value, known) {
            Some(meant) => complaint.label(format!("did you mean `{meant}`?")),
            None => {
                complaint.help("a flow runs from a client to a service, `service.endpoint`, a queue or `topic/group`")
            }
        }
    };
    if !scenario.clients.contains_key(&flow.starts.value) && !refused.contains(&flow.starts.value) {
        complaints.push(unknown(&flow.starts, scenario.clients.keys().map(String::as_str).collect(), "no client"));
    }
    let groups = groups(scenario);
    for end in &flow.ends {
        let End { node, endpoint } = End::of(&end.value);
        let has = |n: &Node| endpoint.is_none_or(|name| name.is_empty() || n.endpoints.contains_key(name));
        let served = scenario.nodes.get(node).is_some_and(has);
        let known = served || scenario.queues.contains_key(&end.value) || groups.contains(&end.value);
        if !known && !refused.iter().any(|name| end.value.contains(name.as_str())) {
            let names = scenario.nodes.keys().chain(scenario.queues.keys()).chain(&groups).map(String::as_str);
            complaints.push(unknown(end, names.collect(), "nothing a flow could end at"));
        }
    }
}

/// All groups, as `topic/group`.
pub(super) fn groups(scenario: &Scenario) -> BTreeSet<String> {
    let all = scenario.nodes.values().flat_map(|node| &node.consumes);
    all.filter_map(|c| Some(format!("{}/{}", c.from.value, c.group.as_ref()?.value))).collect()
}

/// Complains about numbers that cannot be.
pub(super) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for queue in scenario.queues.values() {
        let fits = "no message would ever fit";
        zero(queue.capacity.value == Some(0), "capacity", queue.capacity.place.as_ref(), fits, complaints);
        let place = queue.max_deliveries.place.as_ref();
        zero(queue.max_deliveries.value == Some(0), "max_deliveries", place, "nothing would be delivered", complaints);
        let place = queue.message_ttl.place.as_ref();
        zero(
            queue.message_ttl.value == Some(Span::ZERO),
            "message_ttl",
            place,
            "every message would expire",
            complaints,
        );
        let (place, why) = (queue.ack_timeout.place.as_ref(), "no message could be handled in time");
        zero(queue.ack_timeout.value == Some(Span::ZERO), "ack_timeout", place, why, complaints);
    }
    scenario.queues.values().for_each(|queue| buries(queue, complaints));
    for topic in scenario.topics.values() {
        let nowhere = "an event would have nowhere to go";
        zero(topic.partitions.value == 0, "partitions", topic.partitions.place.as_ref(), nowhere, complaints);
        zero(topic.replication.value == 0, "replication", topic.replication.place.as_ref(), nowhere, complaints);
        zero(topic.batch.value == Some(0), "batch", topic.batch.place.as_ref(), nowhere, complaints);
        zero(topic.in_flight.value == Some(0), "in_flight", topic.in_flight.place.as_ref(), nowhere, complaints);
        zero(topic.buffer.value == Some(0), "buffer", topic.buffer.place.as_ref(), nowhere, complaints);
    }
    super::streams::ranges(scenario, complaints);
    for node in scenario.nodes.values() {
        for consumer in &node.consumes {
            numbers(consumer, complaints);
        }
        if let (Some(consumer), true) = (node.consumes.first(), node.preemptive.value) {
            let message = format!("`{}` consumes messages and is preemptive", node.name.value);
            let complaint = Complaint::error(code::PREEMPTION, message).at(consumer.from.place.clone());
            complaints
                .push(complaint.help(
                    "consumers are workers of their own, which no request can take; let another service consume",
                ));
        }
    }
}

/// Refused messages that go to the dead letters need some.
fn buries(queue: &Queue, complaints: &mut Vec<Complaint>) {
    if queue.when_full.value == WhenFull::DeadLetter && queue.dead_letter.is_none() {
        let message = format!("`{}` sends what it refuses to the dead letters, and has none", queue.name.value);
        let complaint = Complaint::error(code::MISSING_KEY, message).at(queue.when_full.place.clone());
        complaints
            .push(complaint.help("name the queue that gets them: dead_letter = \"dead\"; or when_full = \"reject\""));
    }
}

fn numbers(consumer: &Consumer, complaints: &mut Vec<Complaint>) {
    let Consumer { concurrency, prefetch, batch, poll, .. } = consumer;
    zero(concurrency.value == 0, "concurrency", concurrency.place.as_ref(), "nobody would consume", complaints);
    zero(prefetch.value == Some(0), "prefetch", prefetch.place.as_ref(), "nothing would be delivered", complaints);
    zero(batch.value == Some(0), "batch", batch.place.as_ref(), "nothing would be taken", complaints);
    let never = poll.value.as_ref().is_some_and(|law| mean(law) <= 0.0);
    zero(never, "poll", poll.place.as_ref(), "endless polls would come at one instant", complaints);
}

/// What runs but looks wrong, and dead letters that go round in a circle.
pub(super) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    dead_letters(scenario, complaints);
    let published: BTreeSet<&str> = scenario
        .nodes
        .values()
        .flat_map(Node::programs)
        .flat_map(walk::publishes)
        .map(|p| p.to.value.as_str())
        .collect();
    let dead: BTreeSet<&str> = dead_letter_queues(scenario);
    let names = scenario
        .queues
        .values()
        .map(|q| ("queue", &q.name))
        .chain(scenario.topics.values().map(|t| ("topic", &t.name)));
    for (kind, name) in names {
        let word = name.value.as_str();
        let consumed = !walk::consumers(scenario, word).is_empty();
        if !published.contains(word) && !dead.contains(word) {
            let complaint = Complaint::warning(code::UNUSED, format!("nobody publishes to the {kind} `{word}`"));
            complaints.push(complaint.at(name.place.clone()));
        } else if !consumed && !dead.contains(word) {
            let complaint = Complaint::warning(code::NOT_CONSUMED, format!("nobody consumes the {kind} `{word}`"));
            let complaint = complaint.at(name.place.clone()).label("its messages pile up");
            complaints.push(complaint.help(format!("let a service do it: consumes = [{{ from = \"{word}\" }}]")));
        }
    }
    scenario.queues.values().for_each(|queue| idle_keys(queue, complaints));
    idle_members(scenario, complaints);
    super::streams::look(scenario, complaints);
    for node in scenario.nodes.values() {
        for consumer in &node.consumes {
            if let Some(queue) = scenario.queues.get(&consumer.from.value) {
                of_queue(queue, consumer, complaints);
            }
        }
    }
}

fn idle_keys(queue: &Queue, complaints: &mut Vec<Complaint>) {
    if queue.capacity.value.is_none() && !queue.when_full.is_default() {
        let complaint = Complaint::warning(code::UNUSED, "`when_full` means something only with a `capacity`");
        complaints.push(complaint.at(queue.when_full.place.clone()));
    }
    if !queue.kind.is_default() && !queue.hides {
        let complaint = Complaint::warning(code::UNUSED, "`kind` means something only with a `visibility_timeout`");
        complaints.push(complaint.at(queue.kind.place.clone()));
    }
}

/// A member of a group without a partition has nothing to do.
fn idle_members(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for topic in scenario.topics.values() {
        let consumers = walk::consumers(scenario, &topic.name.value);
        let mut groups: BTreeMap<&str, Vec<(&Node, &Consumer)>> = BTreeMap::new();
        for (node, consumer) in consumers {
            let Some(group) = &consumer.group else { continue };
            groups.entry(&group.value).or_default().push((node, consumer));
        }
        for (group, own) in groups {
            let members: u64 =
                own.iter().map(|(node, c)| u64::from(node.most_replicas()) * u64::from(c.concurrency.value)).sum();
            let (partitions, place) = (topic.partitions.value, own.first().and_then(|(_, c)| c.from.place.clone()));
            if members > u64::from(partitions) {
                let message = format!(
                    "{} of the {members} members of `{}/{group}` are idle: {partitions} partitions",
                    members - u64::from(partitions),
                    topic.name.value
                );
                let complaint = Complaint::warning(code::IDLE_MEMBERS, message).at(place);
                complaints
                    .push(complaint.help("one partition is read by one member; members are replicas × concurrency"));
            }
        }
    }
}

/// Queues that get dead letters, of queues or of those who read topics.
fn dead_letter_queues(scenario: &Scenario) -> BTreeSet<&str> {
    let queues = scenario.queues.values().filter_map(|queue| queue.dead_letter.as_ref());
    let readers = scenario.nodes.values().flat_map(|n| &n.consumes).filter_map(|c| c.dead_letter.as_ref());
    queues.chain(readers).map(|dead| dead.value.as_str()).collect()
}

/// What one consumer of a queue says that means nothing, or that will not do.
fn of_queue(queue: &Queue, consumer: &Consumer, complaints: &mut Vec<Complaint>) {
    let places = [
        ("group", consumer.group.as_ref().and_then(|g| g.place.clone())),
        ("commit_every", consumer.commit_every.place.clone()),
        ("from_start", consumer.from_start.place.clone()),
        ("ordered", consumer.ordered.place.clone()),
        ("rebalance", consumer.rebalance.place.clone()),
        ("member", consumer.member.place.clone()),
        ("session_timeout", consumer.session_timeout.place.clone()),
        ("max_poll_interval", consumer.max_poll_interval.place.clone()),
        ("replay", consumer.replay.place.clone()),
        ("dead_letter", consumer.dead_letter.as_ref().and_then(|d| d.place.clone())),
    ];
    for (key, place) in places.into_iter().filter(|(_, place)| place.is_some()) {
        let complaint = Complaint::warning(code::UNUSED, format!("`{key}` means something for topics only"));
        complaints.push(complaint.at(place));
    }
    let polls = consumer.poll.value.is_some();
    let (key, given) = if polls { ("prefetch", &consumer.prefetch) } else { ("batch", &consumer.batch) };
    if !given.is_default() && given.value != Some(1) {
        let why =
            if polls { "a consumer that polls takes a `batch`" } else { "the broker pushes: `prefetch` says how many" };
        complaints.push(
            Complaint::warning(code::UNUSED, format!("`{key}` means nothing here: {why}")).at(given.place.clone()),
        );
    }
    outlasts(queue, consumer, complaints);
}

/// What waits with its consumer longer than the queue waits for its acknowledgement is delivered again.
fn outlasts(queue: &Queue, consumer: &Consumer, complaints: &mut Vec<Complaint>) {
    let Some(timeout) = queue.ack_timeout.value else { return };
    let held = if consumer.poll.value.is_some() { consumer.batch.value } else { consumer.prefetch.value };
    let each = consumer.program.work.value.as_ref().map_or(0.0, mean);
    let whole = held.map_or(f64::INFINITY, f64::from) * each;
    if each > 0.0 && whole > timeout.0 as f64 && crate::scenario::written::Ack::After == consumer.ack.value {
        let name = &queue.name.value;
        let held = held.map_or("without limit".to_owned(), |n| format!("{n} at once"));
        let message = format!(
            "messages of `{name}` may be delivered twice: a consumer takes {held}, and the last of them waits longer than {timeout}"
        );
        let complaint = Complaint::warning(code::DELIVERED_TWICE, message).at(consumer.from.place.clone());
        let [few, long] = if queue.hides { ["batch", "visibility_timeout"] } else { ["prefetch", "ack_timeout"] };
        complaints.push(complaint.help(format!("lower its {few}, or lengthen the queue's {long}")));
    }
}

/// Complains about dead letters that come back to where they died.
fn dead_letters(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    // Each queue has one queue for its dead letters at most: where a path comes to what an earlier one saw, it is done.
    let mut seen = BTreeSet::new();
    for start in scenario.queues.keys() {
        let (mut path, mut at) = (Vec::new(), start.as_str());
        while seen.insert(at) {
            path.push(at);
            let Some(next) = scenario.queues.get(at).and_then(|q| q.dead_letter.as_ref()) else { break };
            at = &next.value;
            if let Some(begin) = seen.contains(at).then(|| path.iter().position(|name| *name == at)).flatten() {
                let mut circle = path[begin..].to_vec();
                circle.push(at);
                let message = format!("dead letters go round in a circle: {}", circle.join(" → "));
                let complaint = Complaint::error(code::DEAD_LETTER_CYCLE, message).at(next.place.clone());
                complaints.push(
                    complaint
                        .label("closes the circle")
                        .help("let the last queue keep them: nobody needs to consume it"),
                );
            }
        }
    }
}
