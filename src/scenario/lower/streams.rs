//! Topics and their groups become plan.

use std::collections::BTreeSet;

use super::super::walk;
use super::super::written::{Ack, Acks, Consumer, Membership, OnError, Publish, Rebalance, Topic};
use super::Lowering;
use super::program::{Code, Sites};
use crate::model::id::NONE;
use crate::model::plan::Callee;
use crate::model::stream::{self, Producer, Protocol, Readers, Seat, Spread};
use crate::model::{EndpointId, NodeId, Op, Pc, ProducerId, plan};
use crate::random::draw::name_hash;
use crate::units::{Span, Time};

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
            segment: topic.segment.value,
            replication: topic.replication.value,
            min_insync: topic.min_insync.value,
            acks: match topic.acks.value {
                Acks::All => stream::Acks::All,
                // With one copy, who has the leader's word has everybody's.
                Acks::Leader if topic.replication.value == 1 => stream::Acks::All,
                Acks::Leader => stream::Acks::Leader,
                Acks::None => stream::Acks::None,
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
        let warmup = scenario.sim.warmup.value;
        let since = |span: Span| Time(warmup.0 + span.0);
        let name = format!("{from}/{group}");
        self.plan.groups.push(Readers {
            hash: name_hash(&name),
            name,
            topic,
            protocol: match first.rebalance.value {
                Rebalance::Eager => Protocol::Eager,
                Rebalance::Cooperative => Protocol::Cooperative,
            },
            keeps_names: first.member.value == Membership::Static,
            session_timeout: first.session_timeout.value,
            max_poll_interval: first.max_poll_interval.value,
            replay: first.replay.value.map(|replay| (since(replay.at), since(replay.from))),
            seats,
        });
    }

    /// Topics as nodes, in name order.
    pub(super) fn topic_nodes(&mut self) {
        let scenario = self.scenario;
        for name in scenario.topics.keys() {
            self.bare_node(name, "topic");
        }
    }

    /// What a service does with the records of a topic is an endpoint of its own.
    pub(super) fn reader(&mut self, service: &str, host: NodeId, consumer: &'s Consumer) {
        let id = EndpointId(self.plan.endpoints.len() as u32);
        let from = consumer.program.name.value.as_str();
        self.plan.endpoints.push(plan::Endpoint {
            name: format!("{service} {from}"),
            node: host,
            entry: Pc::default(),
            consumer: true,
            goals: 0,
        });
        self.endpoints.insert((host, from), id);
    }

    /// A record leaves.
    pub(super) fn produce(&mut self, code: &mut Code<'s>, sites: &mut Sites, publish: &'s Publish) {
        let to = publish.to.value.as_str();
        let (host, broker) = (code.place.host, self.nodes[to]);
        let topic = self.scenario.topics.keys().position(|name| name == to).unwrap_or_default() as u32;
        // A record for a single service draws what a call in its place would draw.
        let consumers = walk::consumers(self.scenario, to);
        let label = if let [(only, _)] = consumers.as_slice() { only.name.value.as_str() } else { to };
        let waits = self.waits_for_ack(publish);
        let producer = Producer {
            edge: self.edge(self.nodes[code.place.caller], Callee::Node(broker)),
            topic,
            from: host,
            site: sites.next(label),
            there: self.latency(host, broker),
            back: self.latency(broker, host),
            waits,
            spread: self.spread(publish),
        };
        self.plan.producers.push(producer);
        if waits {
            self.release(code);
        }
        let producer = ProducerId(self.plan.producers.len() as u32 - 1);
        let at = self.emit(Op::Produce { producer, fail: Pc::default() });
        code.fails.push((at, code.held));
    }

    fn seat(&mut self, service: &str, from: &str, consumer: &'s Consumer) -> Seat {
        let (host, broker) = (self.nodes[service], self.nodes[from]);
        let endpoint = self.endpoints[&(host, consumer.program.name.value.as_str())];
        let call = self.delivery(broker, host, endpoint);
        let node = self.plan.node(host);
        Seat {
            first_replica: node.first_replica,
            replicas: node.replicas,
            concurrency: consumer.concurrency.value,
            entry: self.plan.endpoints[endpoint.index()].entry,
            endpoint,
            call,
            batch: consumer.batch.value.unwrap_or(NONE),
            poll: consumer.poll.value.as_ref().map(|law| self.law(law)),
            ack_before: consumer.ack.value == Ack::Before,
            commit_every: consumer.commit_every.value,
            from_start: consumer.from_start.value,
            idempotent: consumer.idempotent.value,
            on_error: match consumer.on_error.value {
                OnError::Retry | OnError::NeverAck => stream::OnError::Retry,
                OnError::Skip => stream::OnError::Skip,
                OnError::DeadLetter => {
                    let queue = consumer.dead_letter.as_ref().and_then(|dead| self.queues.get(dead.value.as_str()));
                    queue.map_or(stream::OnError::Skip, |queue| stream::OnError::DeadLetter(*queue))
                }
            },
        }
    }

    /// How what a step publishes is spread over the partitions of its topic.
    pub(super) fn spread(&mut self, publish: &'s Publish) -> u32 {
        let topic = &self.scenario.topics[&publish.to.value];
        let spread = match (&publish.key, &topic.key) {
            (Some(own), _) => Spread::Own(name_hash(&own.value)),
            (None, Some(key)) => match key.value.keys {
                None => Spread::Own(name_hash(&key.value.name)),
                Some(keys) => Spread::shared(&key.value.name, keys, key.value.skew, topic.partitions.value),
            },
            (None, None) => Spread::Turns,
        };
        self.plan.spreads.push(spread);
        self.plan.spreads.len() as u32 - 1
    }
}
