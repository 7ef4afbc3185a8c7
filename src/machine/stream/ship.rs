//! Batches leave with a request, travel, are appended, become safe, and are answered.

use crate::model::id::NONE;
use crate::model::stream::Acks;
use crate::model::{Cause, Fact, LawId, Probe, TopicId};
use crate::random::Purpose;
use crate::units::Span;

use super::{Batch, Beat, Machine, Record, Stage};

impl<P: Probe> Machine<'_, P> {
    /// An open batch has waited long enough, unless it left before.
    pub(super) fn close_batch(&mut self, batcher: u32) {
        if self.streams.batchers[batcher as usize].is_due(self.now) {
            let topic = self.streams.brokers.partition_point(|b| b.first_batcher <= batcher) as u32 - 1;
            let broker = &self.streams.brokers[topic as usize];
            let partitions = self.plan.topics[topic as usize].partitions;
            let outlet = broker.first_outlet + (batcher - broker.first_batcher) / partitions;
            self.press(topic, outlet, self.way_to(topic, outlet));
        }
    }

    /// Something is ready to leave: it does, or waits for room in the pipe.
    pub(super) fn press(&mut self, topic: u32, outlet: u32, there: LawId) {
        let plan = &self.plan.topics[topic as usize];
        let now = self.now;
        while !self.streams.outlets[outlet as usize].open.is_empty() {
            let asks = plan.acks != Acks::None;
            if asks && !self.streams.outlets[outlet as usize].pipe.has_room(now, plan.in_flight) {
                self.streams.outlets[outlet as usize].waits = true;
                self.watch_outlet(outlet);
                return self.look_for_room(outlet);
            }
            self.ship(topic, outlet, there);
        }
        self.streams.outlets[outlet as usize].waits = false;
    }

    /// A request sets out with a batch of each partition for which there is something; it does not overtake the one before.
    fn ship(&mut self, topic: u32, outlet: u32, there: LawId) {
        let mut load = std::mem::take(&mut self.streams.load);
        let mut open = std::mem::take(&mut self.streams.outlets[outlet as usize].open);
        open.retain(|partition| self.load_batch(topic, outlet, *partition, &mut load));
        let Some(first) = load.first().map(|slot| self.streams.batches[*slot as usize].records[0].record.lineage)
        else {
            return;
        };
        self.streams.outlets[outlet as usize].open = open;
        if self.plan.topics[topic as usize].acks == Acks::None {
            let gone: usize = load.iter().map(|slot| self.streams.batches[*slot as usize].records.len()).sum();
            self.drain_buffer(outlet, gone as u32);
        } else {
            self.streams.outlets[outlet as usize].pipe.depart();
            let request = self.streams.free_requests.pop().unwrap_or_else(|| {
                self.streams.requests.push(0);
                self.streams.requests.len() as u32 - 1
            });
            self.streams.requests[request as usize] = load.len() as u32;
            load.iter().for_each(|slot| self.streams.batches[*slot as usize].request = request);
        }
        let way = self.vary(there, first, Purpose::There, 0);
        let producer = &mut self.streams.outlets[outlet as usize];
        let arrival = (self.now + way).max(producer.arrival);
        producer.arrival = arrival;
        for slot in load.drain(..) {
            if arrival == self.now {
                self.append_batch(slot);
            } else {
                self.beat_at(arrival, Beat::Append(slot));
            }
        }
        self.streams.load = load;
    }

    /// A batch of a partition joins a request; says whether some is left for the next.
    fn load_batch(&mut self, topic: u32, outlet: u32, partition: u32, load: &mut Vec<u32>) -> bool {
        let plan = &self.plan.topics[topic as usize];
        let streams = &mut self.streams;
        let broker = &streams.brokers[topic as usize];
        let replica = outlet - broker.first_outlet;
        let batcher = &mut streams.batchers[(broker.first_batcher + replica * plan.partitions + partition) as usize];
        let vessel = streams.vessels.pop().unwrap_or_default();
        let records = batcher.take(vessel, plan.batch);
        let more = !batcher.is_empty();
        let batch = Batch { topic, partition, outlet, request: NONE, stage: Stage::Sent, records, ..Batch::default() };
        let slot = if let Some(slot) = streams.free.pop() {
            streams.batches[slot as usize] = batch;
            slot
        } else {
            streams.batches.push(batch);
            streams.batches.len() as u32 - 1
        };
        load.push(slot);
        self.turn_partition(topic, replica, partition);
        self.charge_waiters(slot, Cause::Broker);
        more
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
        let (topic, partition, outlet) = (batch.topic, batch.partition, batch.outlet);
        let plan = &self.plan.topics[topic as usize];
        self.charge_waiters(slot, Cause::Network);
        if !self.streams.brokers[topic as usize].writable {
            return self.hold_back(slot);
        }
        let first = self.streams.batches[slot as usize].records[0];
        let latency = self.vary(plan.publish_latency, first.record.lineage, Purpose::Broker, 0);
        let batch = &mut self.streams.batches[slot as usize];
        let broker = &mut self.streams.brokers[topic as usize];
        let log = &mut broker.logs[partition as usize];
        for outgoing in &batch.records {
            let poisoned = broker.poisons > 0;
            broker.poisons = broker.poisons.saturating_sub(1);
            log.append(Record { poisoned, ..outgoing.record }, self.now, plan.segment);
        }
        let due = (self.now + latency).max(broker.safe[partition as usize]);
        broker.safe[partition as usize] = due;
        (batch.stage, batch.end, batch.due) = (Stage::Appended, log.end(), due);
        let records = batch.records.len() as u32;
        self.tell(Fact::Appended { topic: TopicId(topic), records });
        if plan.acks != Acks::All {
            self.confirm_all(slot);
            self.answer_batch(slot, true);
        } else if due > first.filed + plan.delivery_timeout {
            self.watch_outlet(outlet);
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
        self.answer_batch(slot, true);
        self.free_batch(slot);
        let groups = self.plan.topics[topic as usize].groups.clone();
        if groups.is_empty() {
            return self.forget_records(topic, partition);
        }
        groups.for_each(|group| self.announce_records(group, partition));
    }

    /// The broker is done with a batch; when it is with all of a request, it answers (or its producer gives up, at once).
    pub(super) fn answer_batch(&mut self, slot: u32, answers: bool) {
        let batch = &mut self.streams.batches[slot as usize];
        let request = std::mem::replace(&mut batch.request, NONE);
        let (outlet, records, first) = (batch.outlet, batch.records.len() as u32, batch.records[0]);
        if request == NONE {
            return;
        }
        self.drain_buffer(outlet, records);
        let open = &mut self.streams.requests[request as usize];
        *open -= 1;
        if *open > 0 {
            return;
        }
        self.streams.free_requests.push(request);
        let back = if answers { self.vary(first.back, first.record.lineage, Purpose::Back, 0) } else { Span::ZERO };
        let now = self.now;
        let producer = &mut self.streams.outlets[outlet as usize];
        producer.pipe.answer(now, now + back);
        if producer.waits {
            self.look_for_room(outlet);
        }
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

    /// The one-way latency from the producer behind an outlet to its broker.
    pub(super) fn way_to(&self, topic: u32, outlet: u32) -> LawId {
        let replica = outlet - self.streams.brokers[topic as usize].first_outlet;
        let node = self.replicas[replica as usize].node;
        let own = self.plan.producers.iter().find(|p| p.from == node && p.topic == topic).map(|p| p.there);
        own.unwrap_or(self.plan.topics[topic as usize].publish_latency)
    }
}
