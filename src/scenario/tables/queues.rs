//! `[queues.*]`: each message goes to one consumer.

use std::collections::BTreeSet;

use super::super::check::zero;
use super::super::declare::{Count, CountOr, Duration, Flag, Maybe, Or, Said, Text, Told, Varying, Without};
use super::super::declare::{Site, table, words};
use super::super::lower::Lowering;
use super::super::read::{View, suggest};
use super::super::vocab::{Word, word};
use super::super::walk;
use super::super::written::{Given, Keyed, OnError, Scenario, Zone};
use crate::diag::{Complaint, code};
use crate::model::QueueId;
use crate::model::id::NONE;
use crate::model::queue::{self as run, Groups, Rules};
use crate::random::dist::Law;
use crate::random::draw::name_hash;
use crate::units::Span;

pub use run::WhenFull;

words! {
    for WhenFull {
        DropOldest = "drop_oldest",
            "The message at the head is dropped (or dead-lettered), the new one is confirmed: `drop-head`.";
        Reject = "reject",
            "The new message is refused: `reject-publish`. Who waits for the broker's answer (a nack) fails with `overloaded`, who does not never hears of it.";
        DeadLetter = "dead_letter",
            "The same, and the message goes to the queue's `dead_letter`: `reject-publish-dlx`.";
        Block = "block",
            "The sender waits until there is room, whether it waits for the broker's answer or not: a bounded queue within a process, or a broker's flow control. (RabbitMQ itself blocks by alarms of memory and disk, never by length.)";
    }
}

words! {
    /// Which of SQS's two kinds of queue it is.
    pub enum QueueKind {
        Standard = "standard",
            "Who received a message last may delete it, also when its time is over and nobody has received it since.";
        Fifo = "fifo", "Whoever is late is refused. Its groups are those of `key`.";
    }
}

/// As much as comes.
pub(crate) enum Unlimited {}

impl Without for Unlimited {
    const WORD: &'static [Word] = &[word("unlimited", "No limit.")];
}

table! {
    /// `[queues.*]`.
    pub struct Queue: "[queues.*]",
    "A queue: each message goes to one consumer, and is gone when that has acknowledged it. The broker is a node of its own and costs nothing but what is written here.",
    meant Self::meant {
        publish_latency: Given<Law> as Or<Varying> = "\"0s\"",
            "From a message's arrival at the broker until it is safe there: only then is it delivered and confirmed.";
        capacity: Given<Option<u32>> as Or<CountOr<Unlimited>> = "\"unlimited\"",
            "Messages ready for delivery; those with consumers do not count.";
        when_full: Given<WhenFull> as Or<WhenFull> = "\"drop_oldest\"",
            "What happens beyond the capacity. The default is RabbitMQ's, `drop-head`.";
        ack_timeout: Given<Option<Span>> as Maybe<Duration>,
            "RabbitMQ: a consumer that has not acknowledged a message so long after its delivery loses its channel: all it has is delivered again, what it says later is refused; it works on. Default: never (RabbitMQ: 30 min).";
        visibility_timeout: Given<Option<Span>> as Maybe<Duration>,
            "SQS: a message is hidden so long after it was received, whatever becomes of who has it. SQS's default is 30 s.";
        kind: Given<QueueKind> as Or<QueueKind> = "\"standard\"",
            "With a visibility_timeout: what a late acknowledgement does.";
        max_deliveries: Given<Option<u32>> as Or<CountOr<Unlimited>> = "\"unlimited\"",
            "A message that comes back after so many deliveries goes to `dead_letter`, or is dropped. SQS's maxReceiveCount; RabbitMQ's delivery-limit + 1 (its default for quorum queues is 20).";
        dead_letter: Option<Given<String>> as Said<Text>,
            "The queue that gets what is given up here. Default: it is dropped.";
        message_ttl: Given<Option<Span>> as Maybe<Duration>,
            "A message expires when it reaches the head older than that. Default: never.";
        priorities: Given<bool> as Or<Flag> = "false",
            "Whether messages are delivered by priority (inherited from the client), 0 first.";
        key: Option<Given<Keyed>> as Said<Keyed>,
            "Groups of messages, of which one consumer at a time gets any (SQS FIFO: MessageGroupId). Default: no groups.";
        broker: Option<Given<String>> as Said<Text>,
            "The broker whose memory it shares with other queues that name it, for `alarm`. Default: one of its own.";
        alarm: Given<Option<u32>> as Maybe<Count>,
            "With more messages than that in all queues of its broker, ready or with consumers, whoever publishes to any of them waits; consumers go on. RabbitMQ's memory and disk alarms. Default: none.";
        confirms: Given<bool> as Or<Flag> = "false",
            "Whether publishers wait until the message is safe, where the step does not say it (wait_for_ack).";
        zone: Given<Option<Zone>> as Maybe<Site>,
            "`region/zone/host`: decides the network class to it. Default: all in one zone.";
        + /// Name, placed at its table header.
        name: Given<String> = View::title;
    }
}

impl Queue {
    /// Whether messages are hidden for a while: then the rules are those of SQS.
    pub fn hides(&self) -> bool {
        self.visibility_timeout.value.is_some()
    }

    /// The broker that it belongs to: one that it names, or one of its own.
    fn broker(&self) -> (bool, &str) {
        self.broker.as_ref().map_or((false, &self.name.value), |broker| (true, &broker.value))
    }

    /// From a delivery until the message is delivered again, whatever that is called; `None`: never.
    pub fn redelivers(&self) -> &Given<Option<Span>> {
        if self.ack_timeout.value.is_some() { &self.ack_timeout } else { &self.visibility_timeout }
    }

    /// What the canonical form says: of what has two names the one that counts.
    fn meant(&self, mut all: Vec<Told>) -> Vec<Told> {
        let (hides, kind) = (self.hides(), self.kind.is_default());
        all.retain(|told| match told.key {
            "ack_timeout" => !hides,
            "visibility_timeout" => hides,
            "kind" => hides || !kind,
            "key" => self.key.is_some(),
            "broker" => self.broker.is_some(),
            _ => true,
        });
        all
    }
}

impl Lowering<'_> {
    /// Queues in name order.
    pub(in crate::scenario) fn queues(&mut self) {
        let scenario = self.scenario;
        for name in scenario.queues.keys() {
            self.queues.insert(name, QueueId(self.queues.len() as u32));
        }
        let brokers = alarmed(scenario);
        self.plan.alarms = brokers.iter().map(|(_, most)| *most).collect();
        for (name, queue) in &scenario.queues {
            let own = brokers.iter().position(|(broker, _)| *broker == queue.broker());
            let planned = run::Queue {
                node: self.bare_node(name, "queue"),
                publish_latency: self.law(&queue.publish_latency.value),
                capacity: queue.capacity.value.unwrap_or(NONE),
                when_full: queue.when_full.value,
                ack_timeout: queue.redelivers().value,
                rules: match (queue.hides(), queue.kind.value) {
                    (false, _) => Rules::Amqp,
                    (true, QueueKind::Standard) => Rules::Standard,
                    (true, QueueKind::Fifo) => Rules::Fifo,
                },
                max_deliveries: queue.max_deliveries.value.unwrap_or(NONE),
                dead_letter: queue.dead_letter.as_ref().map(|dead| self.queues[dead.value.as_str()]),
                ttl: queue.message_ttl.value,
                priorities: queue.priorities.value,
                groups: queue.key.as_ref().map(|key| groups(&key.value)),
                consumed: leads_to_consumers(scenario, name),
                alarm: own.map_or(NONE, |at| at as u32),
            };
            self.plan.queues.push(planned);
        }
    }
}

/// Brokers that have an alarm, by name (whether several queues may share it, and how it is called), and at how many messages.
fn alarmed(scenario: &Scenario) -> Vec<((bool, &str), u32)> {
    let mut all: Vec<((bool, &str), u32)> = Vec::new();
    for queue in scenario.queues.values() {
        if let Some(most) = queue.alarm.value
            && !all.iter().any(|(broker, _)| *broker == queue.broker())
        {
            all.push((queue.broker(), most));
        }
    }
    all
}

/// Whether whoever publishes to a queue may have to wait for its broker.
pub(in crate::scenario) fn may_alarm(scenario: &Scenario, queue: &Queue) -> bool {
    alarmed(scenario).iter().any(|(broker, _)| *broker == queue.broker())
}

/// Whether somebody consumes what comes to a queue: there, or where it goes when it has expired.
fn leads_to_consumers(scenario: &Scenario, name: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut at = name;
    while seen.insert(at) {
        if !walk::consumers(scenario, at).is_empty() {
            return true;
        }
        let expires = scenario.queues.get(at).filter(|queue| queue.message_ttl.value.is_some());
        let Some(next) = expires.and_then(|queue| queue.dead_letter.as_ref()) else { return false };
        at = &next.value;
    }
    false
}

/// The groups of a key.
fn groups(key: &Keyed) -> Groups {
    match key {
        Keyed::Own(name) => Groups::Own(name_hash(name)),
        Keyed::Shared(key) => Groups::shared(name_hash(&key.name.value), key.keys.value, key.skew.value),
    }
}

/// Complains about dead letters that go nowhere.
pub(in crate::scenario) fn names(scenario: &Scenario, refused: &[String], complaints: &mut Vec<Complaint>) {
    for queue in scenario.queues.values() {
        if let Some(dead) = queue.dead_letter.as_ref().filter(|dead| !scenario.queues.contains_key(&dead.value)) {
            let why = if scenario.topics.contains_key(&dead.value) { "dead letters go to a queue" } else { "" };
            nowhere(scenario, dead, why, false, refused, complaints);
        }
    }
}

/// Complains about a name that is no queue (and no topic, where that would do).
pub(in crate::scenario) fn nowhere(
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

/// Complains about numbers that cannot be, and about what is said twice or not at all.
pub(in crate::scenario) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for queue in scenario.queues.values() {
        let Queue { capacity, max_deliveries, message_ttl, .. } = queue;
        let mut none = |is, key, place: &Option<_>, why| zero(is, key, place.as_ref(), why, complaints);
        none(capacity.value == Some(0), "capacity", &capacity.place, "no message would ever fit");
        none(max_deliveries.value == Some(0), "max_deliveries", &max_deliveries.place, "nothing would be delivered");
        none(message_ttl.value == Some(Span::ZERO), "message_ttl", &message_ttl.place, "every message would expire");
        let (timeout, why) = (queue.redelivers(), "no message could be handled in time");
        none(timeout.value == Some(Span::ZERO), "ack_timeout", &timeout.place, why);
        none(queue.alarm.value == Some(0), "alarm", &queue.alarm.place, "nothing could ever be published");
        buries(queue, complaints);
        twice(queue, complaints);
    }
    agree(scenario, complaints);
}

/// One broker has one alarm.
fn agree(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let brokers = alarmed(scenario);
    for queue in scenario.queues.values() {
        let said = brokers.iter().find(|(broker, _)| *broker == queue.broker());
        if let (Some(most), Some((_, said))) = (queue.alarm.value, said)
            && most != *said
        {
            let message = format!("`{}` has one `alarm`: {said} in one queue, {most} in another", queue.broker().1);
            let complaint = Complaint::error(code::BAD_VALUE, message).at(queue.alarm.place.clone());
            complaints
                .push(complaint.help("it belongs to the broker: say it in one of its queues, or the same in all"));
        }
    }
}

/// One thing with two names.
fn twice(queue: &Queue, complaints: &mut Vec<Complaint>) {
    if let (Some(_), Some(place)) = (&queue.ack_timeout.place, &queue.visibility_timeout.place) {
        let complaint = Complaint::error(code::MISPLACED, "`ack_timeout` and `visibility_timeout` are one thing");
        complaints.push(complaint.at(place.clone()).help("keep one of them"));
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

/// What means nothing, and dead letters that go round in a circle.
pub(in crate::scenario) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    dead_letters(scenario, complaints);
    for queue in scenario.queues.values() {
        if let Some(broker) = queue.broker.as_ref().filter(|_| !may_alarm(scenario, queue)) {
            let complaint = Complaint::warning(code::UNUSED, "`broker` means something only with an `alarm`");
            complaints.push(complaint.at(broker.place.clone()).help("say it in one of its queues: alarm = 50000"));
        }
        if queue.capacity.value.is_none() && !queue.when_full.is_default() {
            let complaint = Complaint::warning(code::UNUSED, "`when_full` means something only with a `capacity`");
            complaints.push(complaint.at(queue.when_full.place.clone()));
        }
        if !queue.kind.is_default() && !queue.hides() {
            let complaint = Complaint::warning(code::UNUSED, "`kind` means something only with a `visibility_timeout`");
            complaints.push(complaint.at(queue.kind.place.clone()));
        }
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
                let rejects = |queue: &str| {
                    let consumers = walk::consumers(scenario, queue);
                    consumers.iter().any(|(_, consumer)| consumer.on_error.value == OnError::DeadLetter)
                };
                if circle.iter().any(|queue| rejects(queue)) {
                    continue;
                }
                circle.push(at);
                let message = format!("dead letters go round in a circle: {}", circle.join(" → "));
                let complaint = Complaint::error(code::DEAD_LETTER_CYCLE, message).at(next.place.clone());
                complaints.push(
                    complaint
                        .label("closes the circle")
                        .help("let the last queue keep them: nobody needs to consume it; or let a consumer on the way reject them: on_error = \"dead_letter\""),
                );
            }
        }
    }
}
