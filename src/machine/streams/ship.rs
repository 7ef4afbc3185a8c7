//! Batches leave with a request, travel, are appended, become safe, and are answered.

use crate::model::id::NONE;
use crate::model::stream::Acks;
use crate::model::{Cause, Fact, LawId, Probe, TopicId};
use crate::random::{Lineage, Purpose};
use crate::units::Span;

use crate::machine::core::Core;
use crate::machine::streams::beat::Beat;
use crate::machine::streams::state::Streams;
use crate::machine::streams::state::{Batch, Record, Stage};

impl Streams {
    /// An open batch has waited long enough, unless it left before.
    pub(crate) fn close_batch<P: Probe>(&mut self, core: &mut Core<'_, P>, batcher: u32) {
        if self.batchers[batcher as usize].is_due(core.now) {
            let topic = self.brokers.partition_point(|b| b.first_batcher <= batcher) as u32 - 1;
            let broker = &self.brokers[topic as usize];
            let partitions = core.plan.topics[topic as usize].partitions;
            let outlet = broker.first_outlet + (batcher - broker.first_batcher) / partitions;
            self.press(core, topic, outlet, self.way_to(core, topic, outlet));
        }
    }

    /// Something is ready to leave: it does, or waits for room in the pipe.
    pub(crate) fn press<P: Probe>(&mut self, core: &mut Core<'_, P>, topic: u32, outlet: u32, there: LawId) {
        let plan = &core.plan.topics[topic as usize];
        let now = core.now;
        while !self.outlets[outlet as usize].open.is_empty() {
            if self.is_shut_in(core, topic, outlet) {
                self.outlets[outlet as usize].waits = true;
                return self.watch_outlet(core, outlet);
            }
            let asks = plan.acks != Acks::None;
            if asks && !self.outlets[outlet as usize].pipe.has_room(now, plan.in_flight) {
                self.outlets[outlet as usize].waits = true;
                self.watch_outlet(core, outlet);
                return self.look_for_room(core, outlet);
            }
            self.ship(core, topic, outlet, there);
        }
        self.outlets[outlet as usize].waits = false;
    }

    /// A request sets out with a batch of each partition for which there is something; it does not overtake the one before.
    fn ship<P: Probe>(&mut self, core: &mut Core<'_, P>, topic: u32, outlet: u32, there: LawId) {
        let mut load = std::mem::take(&mut self.load);
        let mut open = std::mem::take(&mut self.outlets[outlet as usize].open);
        open.retain(|partition| self.load_batch(core, topic, outlet, *partition, &mut load));
        let Some(first) = load.first().map(|slot| self.batches[*slot as usize].records[0].record.lineage) else {
            return;
        };
        self.outlets[outlet as usize].open = open;
        if core.plan.topics[topic as usize].acks == Acks::None {
            let gone: usize = load.iter().map(|slot| self.batches[*slot as usize].records.len()).sum();
            self.drain_buffer(core, outlet, gone as u32);
        } else {
            self.outlets[outlet as usize].pipe.depart();
            let request = self.free_requests.pop().unwrap_or_else(|| {
                self.requests.push(0);
                self.requests.len() as u32 - 1
            });
            self.requests[request as usize] = load.len() as u32;
            load.iter().for_each(|slot| self.batches[*slot as usize].request = request);
        }
        let way = self.pass_out(core, topic, outlet, first, &load) + core.vary(there, first, Purpose::There, 0);
        let producer = &mut self.outlets[outlet as usize];
        let arrival = (core.now + way).max(producer.arrival);
        producer.arrival = arrival;
        for slot in load.drain(..) {
            if arrival == core.now {
                self.append_batch(core, slot);
            } else {
                core.beat_at(arrival, Beat::Append(slot));
            }
        }
        self.load = load;
    }

    /// A batch of a partition joins a request; says whether some is left for the next.
    fn load_batch<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        topic: u32,
        outlet: u32,
        partition: u32,
        load: &mut Vec<u32>,
    ) -> bool {
        let plan = &core.plan.topics[topic as usize];
        let streams = &mut *self;
        let broker = &streams.brokers[topic as usize];
        let replica = outlet - broker.first_outlet;
        let batcher = &mut streams.batchers[(broker.first_batcher + replica * plan.partitions + partition) as usize];
        let vessel = streams.vessels.pop().unwrap_or_default();
        let records = batcher.take(vessel, plan.batch);
        let more = !batcher.is_empty();
        let batch = Batch { topic, partition, outlet, request: NONE, stage: Stage::Sent, records, ..Batch::default() };
        let slot = streams.stow(batch);
        load.push(slot);
        self.turn_partition(core, topic, replica, partition);
        self.charge_waiters(core, slot, Cause::Broker);
        more
    }

    /// A batch has a slot.
    pub(crate) fn stow(&mut self, batch: Batch) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.batches[slot as usize] = batch;
            return slot;
        }
        self.batches.push(batch);
        self.batches.len() as u32 - 1
    }

    /// Charges the frames that wait for a batch.
    pub(crate) fn charge_waiters<P: Probe>(&mut self, core: &mut Core<'_, P>, slot: u32, cause: Cause) {
        if !core.probe.accounts() {
            return;
        }
        let node = core.plan.topics[self.batches[slot as usize].topic as usize].node;
        for at in 0..self.batches[slot as usize].records.len() {
            let waiter = self.batches[slot as usize].records[at].waiter;
            if waiter != NONE {
                core.charge_stay(waiter, node, cause);
            }
        }
    }

    /// A batch arrives at the broker: it is appended, if there is a leader to do that.
    pub(crate) fn append_batch<P: Probe>(&mut self, core: &mut Core<'_, P>, slot: u32) {
        let batch = &self.batches[slot as usize];
        let (topic, partition, outlet) = (batch.topic, batch.partition, batch.outlet);
        let plan = &core.plan.topics[topic as usize];
        self.charge_waiters(core, slot, Cause::Network);
        if !self.brokers[topic as usize].writable {
            return self.hold_back(core, slot);
        }
        let first = self.batches[slot as usize].records[0];
        let latency = core.vary(plan.publish_latency, first.record.lineage, Purpose::Broker, 0);
        let batch = &mut self.batches[slot as usize];
        let broker = &mut self.brokers[topic as usize];
        let log = &mut broker.logs[partition as usize];
        for outgoing in &batch.records {
            let poisoned = broker.poisons > 0;
            broker.poisons = broker.poisons.saturating_sub(1);
            let record = Record { poisoned: poisoned || outgoing.record.poisoned, ..outgoing.record };
            log.append(record, core.now, plan.segment);
        }
        let due = (core.now + latency).max(broker.safe[partition as usize]);
        broker.safe[partition as usize] = due;
        (batch.stage, batch.end, batch.due) = (Stage::Appended, log.end(), due);
        let records = batch.records.len() as u32;
        core.tell(Fact::Appended { topic: TopicId(topic), records });
        if plan.acks != Acks::All {
            self.confirm_all(core, slot);
            self.answer_batch(core, slot, true);
        } else if due > first.filed + plan.delivery_timeout {
            self.watch_outlet(core, outlet);
        }
        if due == core.now {
            self.secure_batch(core, slot);
        } else {
            core.beat_at(due, Beat::Safe(slot));
        }
    }

    /// A batch is safe: it can be read, and its publishers hear of it.
    pub(crate) fn secure_batch<P: Probe>(&mut self, core: &mut Core<'_, P>, slot: u32) {
        let batch = &mut self.batches[slot as usize];
        if batch.stage != Stage::Appended || batch.due != core.now {
            return;
        }
        let (topic, partition, end) = (batch.topic, batch.partition, batch.end);
        let records = batch.records.len() as u32;
        self.brokers[topic as usize].logs[partition as usize].expose(end);
        core.tell(Fact::Exposed { topic: TopicId(topic), records });
        self.confirm_all(core, slot);
        self.answer_batch(core, slot, true);
        self.free_batch(slot);
        let groups = core.plan.topics[topic as usize].groups.clone();
        if groups.is_empty() {
            return self.forget_records(core, topic, partition);
        }
        groups.for_each(|group| self.announce_records(core, group, partition));
    }

    /// The broker is done with a batch; when it is with all of a request, it answers (or its producer gives up, at once).
    pub(crate) fn answer_batch<P: Probe>(&mut self, core: &mut Core<'_, P>, slot: u32, answers: bool) {
        let batch = &mut self.batches[slot as usize];
        let request = std::mem::replace(&mut batch.request, NONE);
        let (outlet, records, first) = (batch.outlet, batch.records.len() as u32, batch.records[0]);
        if request == NONE {
            return;
        }
        self.drain_buffer(core, outlet, records);
        let open = &mut self.requests[request as usize];
        *open -= 1;
        if *open > 0 {
            return;
        }
        self.free_requests.push(request);
        let back = if answers { core.vary(first.back, first.record.lineage, Purpose::Back, 0) } else { Span::ZERO };
        let now = core.now;
        let producer = &mut self.outlets[outlet as usize];
        producer.pipe.answer(now, now + back);
        if producer.waits {
            self.look_for_room(core, outlet);
        }
    }

    /// The slot of a batch is free.
    pub(crate) fn free_batch(&mut self, slot: u32) {
        let batch = &mut self.batches[slot as usize];
        batch.stage = Stage::Free;
        let mut vessel = std::mem::take(&mut batch.records);
        vessel.clear();
        self.vessels.push(vessel);
        self.free.push(slot);
    }

    /// A request passes the proxy beside its producer, if there is one: how long that takes.
    fn pass_out<P: Probe>(
        &self,
        core: &mut Core<'_, P>,
        topic: u32,
        outlet: u32,
        lineage: Lineage,
        load: &[u32],
    ) -> Span {
        let (route, replica) = self.route_to(core, topic, outlet);
        if route == NONE {
            return Span::ZERO;
        }
        let takes = core.pass_beside(route, replica, (lineage, Purpose::There, 0), NONE);
        let stays = takes.0 - core.aside(route, (lineage, Purpose::There, 0)).0;
        let waiters = load.iter().flat_map(|slot| self.batches[*slot as usize].records.iter().map(|r| r.waiter));
        for waiter in waiters.filter(|waiter| *waiter != NONE) {
            core.charge_proxy(route, waiter, Span(stays));
        }
        takes
    }

    /// Whether the proxy beside a producer is down, or the network between it and its broker drops everything: nothing leaves
    /// until that is over.
    fn is_shut_in<P: Probe>(&self, core: &Core<'_, P>, topic: u32, outlet: u32) -> bool {
        let barred = |(route, replica)| core.is_barred(route, replica);
        core.is_troubled() && (barred(self.route_to(core, topic, outlet)) || self.is_out_of_reach(core, topic, outlet))
    }

    /// Whether the network between the producer behind an outlet and its broker drops everything.
    fn is_out_of_reach<P: Probe>(&self, core: &Core<'_, P>, topic: u32, outlet: u32) -> bool {
        if core.trouble.on_edge.is_empty() {
            return false;
        }
        let node = core.node_of(outlet - self.brokers[topic as usize].first_outlet);
        let own = core.plan.producers.iter().filter(|producer| producer.from == node && producer.topic == topic);
        own.into_iter().any(|producer| core.is_parted(producer.edge))
    }

    /// Producers on a replica whose proxy is back send what they have.
    pub(crate) fn let_out<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        for topic in 0..core.plan.topics.len() as u32 {
            let outlet = self.brokers[topic as usize].first_outlet + replica;
            if self.outlets[outlet as usize].waits {
                self.press(core, topic, outlet, self.way_to(core, topic, outlet));
            }
        }
    }

    /// The way by the proxy beside the producer behind an outlet, and the producer's replica.
    fn route_to<P: Probe>(&self, core: &Core<'_, P>, topic: u32, outlet: u32) -> (u32, u32) {
        let replica = outlet - self.brokers[topic as usize].first_outlet;
        if core.plan.routes.is_empty() {
            return (NONE, replica);
        }
        let node = core.node_of(replica);
        let own = core.plan.producers.iter().find(|p| p.from == node && p.topic == topic);
        (own.map_or(NONE, |p| p.route), replica)
    }

    /// The one-way latency from the producer behind an outlet to its broker.
    pub(crate) fn way_to<P: Probe>(&self, core: &Core<'_, P>, topic: u32, outlet: u32) -> LawId {
        let replica = outlet - self.brokers[topic as usize].first_outlet;
        let node = core.node_of(replica);
        let own = core.plan.producers.iter().find(|p| p.from == node && p.topic == topic).map(|p| p.there);
        own.unwrap_or(core.plan.topics[topic as usize].publish_latency)
    }
}
