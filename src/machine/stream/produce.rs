//! From a publisher into a partition: batches gather, travel, are appended, become safe.

use crate::model::id::NONE;
use crate::model::stream::{Acks, Filed, Producer};
use crate::model::{Cause, Fact, NodeId, Op, Probe, ProducerId, TopicId};
use crate::random::Purpose;
use crate::units::{Span, Time};

use super::{Batch, Beat, Machine, Outgoing, Record, Stage};
use crate::machine::frame::Pose;
use crate::machine::walk::Flow;
use crate::model::Outcome;

impl<P: Probe> Machine<'_, P> {
    /// A frame publishes; it goes on at once, or when its record is safe.
    #[inline(never)]
    pub(in crate::machine) fn produce(&mut self, at: u32, id: ProducerId) -> Flow {
        let post = self.plan.producers[id.index()];
        let flow = self.file_record(at, &post);
        if flow == Flow::On {
            self.frames[at].pc += 1;
        }
        flow
    }

    /// A record goes to its batch; says whether its frame waits until it is safe.
    fn file_record(&mut self, at: u32, post: &Producer) -> Flow {
        let topic = post.topic;
        let plan = &self.plan.topics[topic as usize];
        let frame = &self.frames[at];
        let (replica, lineage) = (frame.replica, frame.lineage);
        let record = Record {
            published: self.now,
            lineage: lineage.child(post.site, 0),
            root: self.root_of(at),
            client: frame.client,
            priority: frame.priority,
            measured: frame.measured,
            poisoned: false,
        };
        let spread = &self.plan.spreads[post.spread as usize];
        let keyed = spread.partition(self.seed, lineage, plan.partitions);
        let broker = &mut self.streams.brokers[topic as usize];
        let partition = keyed.unwrap_or(broker.turns[replica as usize]);
        let batcher = broker.first_batcher + replica * plan.partitions + partition;
        let waits = post.waits && plan.acks != Acks::None;
        let outgoing = Outgoing { record, waiter: if waits { at } else { NONE }, back: post.back };
        (0..plan.groups.len()).for_each(|_| self.join_root(record.root));
        self.tell(Fact::Called { edge: post.edge, measured: record.measured });
        self.tell(Fact::Produced { topic: TopicId(topic) });
        let filed = self.streams.batchers[batcher as usize].file(outgoing, self.now, plan.linger, plan.batch);
        match filed {
            Filed::Opened(due) => self.beat_at(due, Beat::Linger(batcher)),
            Filed::Joined => {}
            Filed::Complete => self.ship_batch(topic, batcher, post.there),
        }
        if waits {
            let frame = &mut self.frames[at];
            frame.since = record.published;
            frame.pose = Pose::Publishing;
            return Flow::Stay;
        }
        let (edge, measured) = (post.edge, record.measured);
        self.tell(Fact::Settled { edge, outcome: Outcome::Succeeded, latency: Span::ZERO, measured });
        Flow::On
    }

    /// An open batch has waited long enough, unless it left before.
    pub(super) fn close_batch(&mut self, batcher: u32) {
        if self.streams.batchers[batcher as usize].is_due(self.now) {
            let after = self.streams.brokers.partition_point(|b| b.first_batcher <= batcher);
            let topic = after as u32 - 1;
            let there = self.way_to(topic, batcher);
            self.ship_batch(topic, batcher, there);
        }
    }

    /// A batch sets out; it does not overtake the one before.
    fn ship_batch(&mut self, topic: u32, batcher: u32, there: crate::model::LawId) {
        let streams = &mut self.streams;
        let plan = &self.plan.topics[topic as usize];
        let vessel = streams.vessels.pop().unwrap_or_default();
        let records = streams.batchers[batcher as usize].take(vessel);
        let broker = &mut streams.brokers[topic as usize];
        let place = batcher - broker.first_batcher;
        let (replica, partition) = (place / plan.partitions, place % plan.partitions);
        // Whoever has no key turns to the next partition with the next batch.
        if broker.turns[replica as usize] == partition {
            broker.turns[replica as usize] = (partition + 1) % plan.partitions;
        }
        let Some(first) = records.first().copied() else { return };
        let batch = Batch { topic, partition, stage: Stage::Sent, records, ..Batch::default() };
        let slot = if let Some(slot) = streams.free.pop() {
            streams.batches[slot as usize] = batch;
            slot
        } else {
            streams.batches.push(batch);
            streams.batches.len() as u32 - 1
        };
        self.charge_waiters(slot, Cause::Broker);
        let there = self.vary(there, first.record.lineage, Purpose::There, 0);
        let arrival = (self.now + there).max(self.streams.arrivals[batcher as usize]);
        self.streams.arrivals[batcher as usize] = arrival;
        if arrival == self.now {
            self.append_batch(slot);
        } else {
            self.beat_at(arrival, Beat::Append(slot));
        }
    }

    /// Charges the frames that wait for a batch.
    pub(super) fn charge_waiters(&mut self, slot: u32, cause: Cause) {
        if !P::ACCOUNTS {
            return;
        }
        let node = self.plan.topics[self.streams.batches[slot as usize].topic as usize].node;
        for at in 0..self.streams.batches[slot as usize].records.len() {
            let waiter = self.streams.batches[slot as usize].records[at].waiter;
            if waiter != NONE {
                self.charge_stay(waiter, node, cause);
            }
        }
    }

    /// A batch arrives at the broker: it is appended, if there is a leader to do that.
    pub(super) fn append_batch(&mut self, slot: u32) {
        let batch = &self.streams.batches[slot as usize];
        let (topic, partition) = (batch.topic, batch.partition);
        let plan = &self.plan.topics[topic as usize];
        self.charge_waiters(slot, Cause::Network);
        if !self.streams.brokers[topic as usize].writable {
            return self.hold_back(slot);
        }
        let latency = self.streams.batches[slot as usize].records[0].record.lineage;
        let latency = self.vary(plan.publish_latency, latency, Purpose::Broker, 0);
        let batch = &mut self.streams.batches[slot as usize];
        let broker = &mut self.streams.brokers[topic as usize];
        let log = &mut broker.logs[partition as usize];
        for outgoing in &batch.records {
            let poisoned = broker.poisons > 0;
            broker.poisons = broker.poisons.saturating_sub(1);
            log.append(Record { poisoned, ..outgoing.record }, self.now);
        }
        let due = (self.now + latency).max(broker.safe[partition as usize]);
        broker.safe[partition as usize] = due;
        (batch.stage, batch.end, batch.due) = (Stage::Appended, log.end(), due);
        let records = batch.records.len() as u32;
        self.tell(Fact::Appended { topic: TopicId(topic), records });
        if plan.acks != Acks::All {
            self.confirm_all(slot);
        }
        if due == self.now {
            self.secure_batch(slot);
        } else {
            self.beat_at(due, Beat::Safe(slot));
        }
    }

    /// A batch is safe: it can be read, and its publishers hear of it.
    pub(super) fn secure_batch(&mut self, slot: u32) {
        let batch = &mut self.streams.batches[slot as usize];
        if batch.stage != Stage::Appended || batch.due != self.now {
            return;
        }
        let (topic, partition, end) = (batch.topic, batch.partition, batch.end);
        let records = batch.records.len() as u32;
        self.streams.brokers[topic as usize].logs[partition as usize].expose(end);
        self.tell(Fact::Exposed { topic: TopicId(topic), records });
        self.confirm_all(slot);
        self.free_batch(slot);
        let groups = self.plan.topics[topic as usize].groups.clone();
        if groups.is_empty() {
            return self.forget_records(topic, partition);
        }
        groups.for_each(|group| self.announce_records(group, partition));
    }

    /// The slot of a batch is free.
    pub(super) fn free_batch(&mut self, slot: u32) {
        let batch = &mut self.streams.batches[slot as usize];
        batch.stage = Stage::Free;
        let mut vessel = std::mem::take(&mut batch.records);
        vessel.clear();
        self.streams.vessels.push(vessel);
        self.streams.free.push(slot);
    }

    /// All publishers that wait for a batch are told.
    fn confirm_all(&mut self, slot: u32) {
        for at in 0..self.streams.batches[slot as usize].records.len() {
            let outgoing = &mut self.streams.batches[slot as usize].records[at];
            let waiter = std::mem::replace(&mut outgoing.waiter, NONE);
            let (lineage, back) = (outgoing.record.lineage, outgoing.back);
            if waiter == NONE {
                continue;
            }
            let topic = self.streams.batches[slot as usize].topic;
            self.charge_stay(waiter, self.plan.topics[topic as usize].node, Cause::Broker);
            let back = self.vary(back, lineage, Purpose::Back, 0);
            let at = self.now + back;
            self.frames[waiter].due = at;
            self.beat_at(at, Beat::Confirmed(waiter));
        }
    }

    /// A publisher hears that its record is safe, and goes on.
    pub(super) fn confirm_record(&mut self, at: u32) {
        let frame = &mut self.frames[at];
        if frame.due != self.now || frame.pose != Pose::Publishing {
            return;
        }
        let Op::Produce(producer) = self.plan.ops[frame.pc as usize] else { return };
        frame.due = Time::NEVER;
        frame.pose = Pose::Idle;
        frame.pc += 1;
        let (since, measured) = (frame.since, frame.measured);
        let producer = &self.plan.producers[producer.index()];
        self.charge_stay(at, self.plan.topics[producer.topic as usize].node, Cause::Network);
        let latency = self.now.since(since);
        self.tell(Fact::Settled { edge: producer.edge, outcome: Outcome::Succeeded, latency, measured });
        self.ready.push_back(at);
    }

    /// Charges what a publisher waits for to the broker.
    fn charge_stay(&mut self, at: u32, node: NodeId, cause: Cause) {
        if P::ACCOUNTS {
            let elapsed = self.now.since(self.frames[at].until);
            self.charge_at(at, node, cause, elapsed);
        }
    }

    /// Publishers on a replica that died no longer wait.
    pub(super) fn forget_publishers(&mut self, replica: u32) {
        let frames = &self.frames;
        let gone = |o: &&mut Outgoing| o.waiter != NONE && frames[o.waiter].replica == replica;
        let batched = self.streams.batches.iter_mut().flat_map(|b| &mut b.records);
        batched.filter(gone).for_each(|o| o.waiter = NONE);
        let open = self.streams.batchers.iter_mut().flat_map(crate::model::stream::batcher::Batcher::gathered);
        open.filter(gone).for_each(|o| o.waiter = NONE);
    }

    /// The one-way latency from the producer behind a batcher to its broker.
    fn way_to(&self, topic: u32, batcher: u32) -> crate::model::LawId {
        let plan = &self.plan.topics[topic as usize];
        let replica = (batcher - self.streams.brokers[topic as usize].first_batcher) / plan.partitions;
        let node = self.replicas[replica as usize].node;
        let own = self.plan.producers.iter().find(|p| p.from == node && p.topic == topic).map(|p| p.there);
        own.unwrap_or(plan.publish_latency)
    }
}
