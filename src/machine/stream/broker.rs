//! A topic's broker fails: producers hold their batches back and members get no answer until there is a leader again.
//!
//! With one copy that is when the broker is back. With more, another replica leads after the election (about 9 s, when
//! the silent leader has missed its heartbeats); then records can be read, and written where enough copies are left for
//! `acks = "all"`. What was appended and not safe is written again by its producers under `acks = "all"`, and lost otherwise.
//! Producers wait as long as it takes (Kafka gives up after `delivery.timeout.ms`, 2 min).

use crate::model::stream::Acks;
use crate::model::{Cause, Fact, Probe, TopicId};
use crate::units::Time;

use super::{Beat, ELECTION, Machine, Stage};

impl<P: Probe> Machine<'_, P> {
    /// The broker of a topic goes down, if that is what a replica is.
    pub(super) fn lose_broker(&mut self, replica: u32) {
        let node = self.replicas[replica as usize].node;
        let Some(topic) = self.plan.topics.iter().position(|t| t.node == node) else { return };
        let plan = &self.plan.topics[topic];
        let broker = &mut self.streams.brokers[topic];
        (broker.readable, broker.writable) = (false, false);
        self.lose_unsafe(topic as u32);
        if plan.replication > 1 {
            let due = self.now + ELECTION;
            self.streams.brokers[topic].election = due;
            self.beat_at(due, Beat::Elected(topic as u32));
        }
    }

    /// What the leader alone had is written again, or lost.
    fn lose_unsafe(&mut self, topic: u32) {
        let acks = self.plan.topics[topic as usize].acks;
        let broker = &mut self.streams.brokers[topic as usize];
        broker.logs.iter_mut().for_each(|log| {
            log.lose_unsafe();
        });
        for slot in 0..self.streams.batches.len() as u32 {
            let batch = &self.streams.batches[slot as usize];
            if batch.topic == topic && batch.stage == Stage::Appended {
                if acks == Acks::All {
                    self.charge_waiters(slot, Cause::Broker);
                    self.hold_back(slot);
                } else {
                    self.lose_batch(slot);
                }
            }
        }
    }

    /// A batch waits until somebody can take it; one whose producer asks for nothing is lost.
    pub(super) fn hold_back(&mut self, slot: u32) {
        let topic = self.streams.batches[slot as usize].topic;
        if self.plan.topics[topic as usize].acks == Acks::None {
            return self.lose_batch(slot);
        }
        self.streams.batches[slot as usize].stage = Stage::Held;
        self.streams.brokers[topic as usize].held.push_back(slot);
    }

    fn lose_batch(&mut self, slot: u32) {
        let batch = &self.streams.batches[slot as usize];
        let (topic, records) = (batch.topic, batch.records.len() as u32);
        let groups = self.plan.topics[topic as usize].groups.len();
        for at in 0..records as usize {
            let root = self.streams.batches[slot as usize].records[at].record.root;
            (0..groups).for_each(|_| self.leave_root(root));
        }
        self.free_batch(slot);
        self.tell(Fact::Forfeited { topic: TopicId(topic), records });
    }

    /// The broker of a topic is back, if that is what a replica is.
    pub(super) fn regain_broker(&mut self, replica: u32) {
        let node = self.replicas[replica as usize].node;
        if let Some(topic) = self.plan.topics.iter().position(|t| t.node == node) {
            self.streams.brokers[topic].election = Time::NEVER;
            self.lead_topic(topic as u32, true);
        }
    }

    /// Another replica leads, unless the old one is back already.
    pub(super) fn elect_leader(&mut self, topic: u32) {
        let broker = &mut self.streams.brokers[topic as usize];
        if broker.election != self.now {
            return;
        }
        broker.election = Time::NEVER;
        let plan = &self.plan.topics[topic as usize];
        self.lead_topic(topic, plan.acks != Acks::All || plan.replication > plan.min_insync);
    }

    /// There is a leader: what waited for one goes on.
    fn lead_topic(&mut self, topic: u32, writable: bool) {
        let broker = &mut self.streams.brokers[topic as usize];
        (broker.readable, broker.writable) = (true, writable);
        if writable {
            let held = std::mem::take(&mut broker.held);
            for slot in held {
                // Nobody could take it, so the time since then is the fault's, and not its way's.
                self.charge_waiters(slot, Cause::Fault);
                self.append_batch(slot);
            }
        }
        for group in self.plan.topics[topic as usize].groups.clone() {
            for partition in 0..self.plan.topics[topic as usize].partitions {
                let place = &self.streams.crews[group as usize].places[partition as usize];
                let log = &self.streams.brokers[topic as usize].logs[partition as usize];
                if log.watermark() > place.stock.max(place.cursor.position()) {
                    self.announce_records(group, partition);
                }
            }
        }
    }
}
