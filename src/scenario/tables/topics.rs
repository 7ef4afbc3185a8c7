//! `[topics.*]`: every group of consumers gets every event.

use std::collections::BTreeSet;

use super::super::check::zero;
use super::super::declare::{
    Count, CountOr, Duration, Inner, Kind, Maybe, Must, Number, Or, Record, Said, Site, Text, Varying, table, words,
};
use super::super::lower::Lowering;
use super::super::print::quoted;
use super::super::read::{self, Desk, Value, View};
use super::super::vocab::Shape;
use super::super::walk;
use super::super::written::{Given, Scenario, Zone};
use super::queues::Unlimited;
use crate::diag::{Complaint, code};
use crate::model::id::NONE;
use crate::model::stream::{self as run, Readers};
use crate::random::dist::Law;
use crate::random::draw::name_hash;
use crate::units::{Span, Time};

pub use run::Acks;

words! {
    for Acks {
        All = "all", "Every replica in sync has it.";
        Leader = "leader", "The leader has it.";
        None = "none", "Nobody is asked.";
    }
}

table! {
    /// `[topics.*]`.
    pub struct Topic: "[topics.*]",
    "A topic: a log of events in partitions; every group of consumers gets every event, in order per partition." {
        publish_latency: Given<Law> as Or<Varying> = "\"0s\"",
            "From a message's arrival at the broker until it is safe there: only then is it delivered and confirmed.";
        partitions: Given<u32> as Or<Count> = "1",
            "So many logs; one is read by one member of a group. The default is Kafka's.";
        key: Option<Given<Keyed>> as Said<Keyed>,
            "What decides the partition where a step names no key. Default: none, in turn.";
        retention: Given<Span> as Or<Duration> = "\"7d\"",
            "How long events are kept, read or not. The default is Kafka's.";
        segment: Given<Span> as Or<Duration> = "\"7d\"",
            "A partition begins a new segment when its oldest event is so old; `retention` deletes whole segments, and looks every five minutes. The default is Kafka's.";
        replication: Given<u32> as Or<Count> = "1",
            "Copies of each partition, the leader's included. The default is Kafka's.";
        min_insync: Given<u32> as Or<Count> = "1",
            "Copies in sync without which acks = \"all\" cannot be had. The default is Kafka's.";
        acks: Given<Acks> as Or<Acks> = "\"all\"", "Who must have an event before it is safe. The default is Kafka's.";
        linger: Given<Span> as Or<Duration> = "\"0s\"",
            "How long a publisher gathers a batch (Kafka: 0 ms up to 3.9, 5 ms from 4.0 on).";
        batch: Given<Option<u32>> as Or<CountOr<Unlimited>> = "\"unlimited\"", "Messages of a batch at most.";
        in_flight: Given<Option<u32>> as Or<CountOr<Unlimited>> = "5",
            "Requests of one publisher that the broker has not answered; beyond that events wait and share a batch. The default is Kafka's.";
        delivery_timeout: Given<Span> as Or<Duration> = "\"2m\"",
            "A publisher gives up an event that is not safe so long after it was published. The default is Kafka's.";
        buffer: Given<Option<u32>> as Or<CountOr<Unlimited>> = "\"unlimited\"",
            "Events that one publisher holds until they are safe; when it is full, whoever publishes waits. (Kafka: 32 MiB.)";
        max_block: Given<Span> as Or<Duration> = "\"60s\"",
            "Whoever waits longer for room in the buffer fails. The default is Kafka's.";
        zone: Given<Option<Zone>> as Maybe<Site>,
            "`region/zone/host`: decides the network class to it. Default: all in one zone.";
        + /// Name, placed at its table header.
        name: Given<String> = View::title;
    }
}

table! {
    /// A key that requests share.
    pub struct SharedKey: "key = { … }",
    "A key that requests share: records with the same value go to the same partition, so that popular values make hot partitions. A text alone names a key of which every request has its own value.",
    needs "write { name = \"customer\", keys = 1000, skew = 1.2 }" {
        name: Given<String> as Must<Text>, "Its name.";
        keys: Given<u32> as Must<Count>, "How many values it has.";
        skew: Given<f64> as Or<Number> = "0.0", "The k-th most frequent value has weight k^-skew (Zipf); 0: all alike.";
    }
}

/// The key of a topic's records.
#[derive(Clone, Debug, PartialEq)]
pub enum Keyed {
    /// Every request has its own value of it.
    Own(String),
    /// Requests share its values.
    Shared(SharedKey),
}

impl Kind for Keyed {
    type Value = Self;
    const SHAPE: Shape = Shape::Or(&[Shape::Text, Shape::One(SharedKey::TABLE)]);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Self> {
        if value.get_ref().as_str().is_some() {
            return read::text(desk, key, value).map(Keyed::Own);
        }
        let mut shared: SharedKey = Inner::read(desk, key, value)?;
        let keys = &mut shared.keys;
        if !(1..=1_000_000).contains(&keys.value) {
            let complaint = Complaint::error(code::OUT_OF_RANGE, "`keys` must be 1 to 1,000,000");
            desk.push(complaint.at(keys.place.clone()));
            keys.value = keys.value.clamp(1, 1_000_000);
        }
        Some(Keyed::Shared(shared))
    }
    fn print(keyed: &Self) -> String {
        match keyed {
            Keyed::Own(name) => quoted(name),
            Keyed::Shared(shared) => shared.inline(),
        }
    }
}

impl<'s> Lowering<'s> {
    /// Topics as nodes, in name order.
    pub(in crate::scenario) fn topic_nodes(&mut self) {
        let scenario = self.scenario;
        for name in scenario.topics.keys() {
            self.bare_node(name, "topic");
        }
    }

    /// Topics, and the groups that read them; programs stand already.
    pub(in crate::scenario) fn streams(&mut self) {
        for (at, (name, topic)) in (0..).zip(&self.scenario.topics) {
            let first = self.plan.groups.len() as u32;
            for group in self.groups_of(name) {
                self.group(at, name, group);
            }
            let groups = first..self.plan.groups.len() as u32;
            let planned = self.topic(name, topic, groups);
            self.plan.topics.push(planned);
        }
    }

    fn topic(&mut self, name: &str, topic: &'s Topic, groups: std::ops::Range<u32>) -> run::Topic {
        run::Topic {
            node: self.nodes[name],
            partitions: topic.partitions.value,
            publish_latency: self.law(&topic.publish_latency.value),
            retention: topic.retention.value,
            segment: topic.segment.value,
            replication: topic.replication.value,
            min_insync: topic.min_insync.value,
            acks: match topic.acks.value {
                // With one copy, who has the leader's word has everybody's.
                Acks::Leader if topic.replication.value == 1 => Acks::All,
                acks => acks,
            },
            linger: topic.linger.value,
            batch: topic.batch.value.unwrap_or(NONE),
            in_flight: topic.in_flight.value.unwrap_or(NONE),
            delivery_timeout: topic.delivery_timeout.value,
            buffer: topic.buffer.value.unwrap_or(NONE),
            max_block: topic.max_block.value,
            groups,
        }
    }

    /// The names of a topic's groups, in order.
    fn groups_of(&self, topic: &str) -> BTreeSet<&'s str> {
        let all = self.scenario.nodes.values().flat_map(|node| &node.consumes);
        all.filter(|c| c.from.value == topic).filter_map(|c| Some(c.group.as_ref()?.value.as_str())).collect()
    }

    fn group(&mut self, topic: u32, from: &'s str, group: &'s str) {
        let scenario = self.scenario;
        let members = walk::members(scenario, from, group);
        let seats = members.iter().map(|(node, consumer)| self.seat(&node.name.value, from, consumer)).collect();
        // The check has seen to it that all members say the same.
        let Some((_, first)) = members.first() else { return };
        let warmup = scenario.sim.warmup.value.span();
        let since = |span: Span| Time(warmup.0 + span.0);
        let name = format!("{from}/{group}");
        self.plan.groups.push(Readers {
            hash: name_hash(&name),
            name,
            topic,
            protocol: first.rebalance.value,
            keeps_names: first.member.value == super::consumers::Membership::Static,
            session_timeout: first.session_timeout.value,
            max_poll_interval: first.max_poll_interval.value,
            replay: first.replay.value.as_ref().map(|replay| (since(replay.at.value), since(replay.from.value))),
            seats,
        });
    }
}

/// Complains about numbers that cannot be.
pub(in crate::scenario) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for topic in scenario.topics.values() {
        let Topic { partitions, replication, min_insync, batch, in_flight, buffer, .. } = topic;
        let mut none = |is, key, place: &Option<_>, why| zero(is, key, place.as_ref(), why, complaints);
        let nowhere = "an event would have nowhere to go";
        none(partitions.value == 0, "partitions", &partitions.place, nowhere);
        none(replication.value == 0, "replication", &replication.place, nowhere);
        none(batch.value == Some(0), "batch", &batch.place, nowhere);
        none(in_flight.value == Some(0), "in_flight", &in_flight.place, nowhere);
        none(buffer.value == Some(0), "buffer", &buffer.place, nowhere);
        none(min_insync.value == 0, "min_insync", &min_insync.place, "no broker could keep it");
        if min_insync.value > replication.value && topic.acks.value == Acks::All {
            let message = format!("`min_insync` asks for {} of {} copies", min_insync.value, replication.value);
            let complaint = Complaint::error(code::OUT_OF_RANGE, message).at(min_insync.place.clone());
            complaints.push(complaint.help("nothing could be published: raise `replication`, or lower `min_insync`"));
        }
    }
}

/// What runs but looks wrong.
pub(in crate::scenario) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for topic in scenario.topics.values() {
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
    let run = scenario.sim.warmup.value.span() + scenario.sim.duration.value;
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
