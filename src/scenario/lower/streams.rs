//! Topics and their groups become plan.

use std::collections::BTreeSet;

use super::super::written::{Ack, Acks, Consumer, OnError, Publish, Topic};
use super::Lowering;
use crate::model::id::NONE;
use crate::model::stream::{self, Protocol, Readers, Seat, Spread};
use crate::random::draw::name_hash;
use crate::units::Span;

impl<'s> Lowering<'s> {
    /// Topics, and the groups that read them; programs stand already.
    pub(super) fn streams(&mut self) {
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

    fn topic(&mut self, name: &str, topic: &'s Topic, groups: std::ops::Range<u32>) -> stream::Topic {
        stream::Topic {
            node: self.nodes[name],
            partitions: topic.partitions.value,
            publish_latency: self.law(&topic.publish_latency.value),
            retention: topic.retention.value,
            replication: topic.replication.value,
            min_insync: 1,
            acks: match topic.acks.value {
                Acks::All => stream::Acks::All,
                Acks::Leader => stream::Acks::Leader,
                Acks::None => stream::Acks::None,
            },
            linger: topic.linger.value,
            batch: topic.batch.value.unwrap_or(NONE),
            groups,
        }
    }

    /// The names of a topic's groups, in order.
    fn groups_of(&self, topic: &str) -> BTreeSet<&'s str> {
        let all = self.scenario.nodes.values().flat_map(|node| &node.consumes);
        all.filter(|c| c.from.value == topic).filter_map(|c| Some(c.group.as_ref()?.value.as_str())).collect()
    }

    fn group(&mut self, topic: u32, from: &'s str, group: &'s str) {
        let mut seats = Vec::new();
        for (name, node) in &self.scenario.nodes {
            let own = |c: &&Consumer| c.from.value == from && c.group.as_ref().is_some_and(|g| g.value == group);
            for consumer in node.consumes.iter().filter(own) {
                seats.push(self.seat(name, from, consumer));
            }
        }
        let name = format!("{from}/{group}");
        self.plan.groups.push(Readers {
            hash: name_hash(&name),
            name,
            topic,
            protocol: Protocol::Eager,
            session_timeout: Span(45_000_000_000),
            max_poll_interval: Span(300_000_000_000),
            replay: None,
            seats,
        });
    }

    fn seat(&mut self, service: &str, from: &str, consumer: &'s Consumer) -> Seat {
        let (host, broker) = (self.nodes[service], self.nodes[from]);
        let latency = self.latency(host, broker);
        let endpoint = self.endpoints[&(host, consumer.program.name.value.as_str())];
        let node = self.plan.node(host);
        Seat {
            first_replica: node.first_replica,
            replicas: node.replicas,
            concurrency: consumer.concurrency.value,
            entry: self.plan.endpoints[endpoint.index()].entry,
            endpoint,
            there: latency,
            back: latency,
            batch: consumer.batch.value.unwrap_or(NONE),
            poll: consumer.poll.value.as_ref().map(|law| self.law(law)),
            ack_before: consumer.ack.value == Ack::Before,
            commit_every: consumer.commit_every.value,
            from_start: consumer.from_start.value,
            on_error: match consumer.on_error.value {
                OnError::Skip => stream::OnError::Skip,
                _ => stream::OnError::Retry,
            },
        }
    }

    /// How what a step publishes is spread over the partitions of its topic.
    pub(super) fn spread(&mut self, publish: &'s Publish) -> u32 {
        let topic = &self.scenario.topics[&publish.to.value];
        let key = publish.key.as_ref().or(topic.key.as_ref());
        let spread = key.map_or(Spread::Turns, |key| Spread::Own(name_hash(&key.value)));
        self.plan.spreads.push(spread);
        self.plan.spreads.len() as u32 - 1
    }
}
