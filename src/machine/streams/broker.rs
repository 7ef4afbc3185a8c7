//! A topic's broker fails: producers hold their batches back and members get no answer until there is a leader again.
//!
//! With one copy that is when the broker is back. With more, another replica leads after the election (about 9 s, when
//! the silent leader has missed its heartbeats); then records can be read, and written where enough copies are left for
//! `acks = "all"`. What was appended and not safe is written again by its producers under `acks = "all"`, and lost otherwise.
//! Producers try until `delivery_timeout` (see `room`).

use crate::model::id::NONE;
use crate::model::stream::Acks;
use crate::model::{Cause, Fact, Outcome, Probe, TopicId, Trace};
use crate::units::{Span, Time};

use crate::machine::core::Core;
use crate::machine::streams::ELECTION;
use crate::machine::streams::beat::Beat;
use crate::machine::streams::state::Streams;
use crate::machine::streams::state::{Outgoing, Stage};

impl Streams {
    /// The broker of a topic goes down, if that is what a replica is.
    pub(crate) fn lose_broker<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        let node = core.node_of(replica);
        let Some(topic) = core.plan.topics.iter().position(|t| t.node == node) else { return };
        let plan = &core.plan.topics[topic];
        let broker = &mut self.brokers[topic];
        (broker.readable, broker.writable) = (false, false);
        // What waited for its turn until now did so for the broker; what waits from now on, for the fault's end.
        self.charge_gathered(core, topic as u32, Cause::Broker);
        self.lose_unsafe(core, topic as u32);
        if plan.replication > 1 {
            let due = core.now + ELECTION;
            self.brokers[topic].election = due;
            core.beat_at(due, Beat::Elected(topic as u32));
        }
    }

    /// What the leader alone had is written again, or lost.
    fn lose_unsafe<P: Probe>(&mut self, core: &mut Core<'_, P>, topic: u32) {
        let acks = core.plan.topics[topic as usize].acks;
        let broker = &mut self.brokers[topic as usize];
        broker.logs.iter_mut().for_each(|log| {
            log.lose_unsafe();
        });
        let batches = (0..).zip(&self.batches);
        let unsafe_ones = batches.filter(|(_, batch)| batch.topic == topic && batch.stage == Stage::Appended);
        let mut slots: Vec<(u64, u32)> = unsafe_ones.map(|(slot, batch)| (batch.end, slot)).collect();
        // They are written again in the order in which they were.
        slots.sort_unstable();
        for (_, slot) in slots {
            if acks == Acks::All {
                self.charge_waiters(core, slot, Cause::Broker);
                self.hold_back(core, slot);
            } else {
                self.lose_batch(core, slot);
            }
        }
    }

    /// A batch waits until somebody can take it; one whose producer asks for nothing is lost.
    pub(crate) fn hold_back<P: Probe>(&mut self, core: &mut Core<'_, P>, slot: u32) {
        let topic = self.batches[slot as usize].topic;
        if core.plan.topics[topic as usize].acks == Acks::None {
            return self.lose_batch(core, slot);
        }
        self.batches[slot as usize].stage = Stage::Held;
        self.brokers[topic as usize].held.push_back(slot);
        let outlet = self.batches[slot as usize].outlet;
        self.watch_outlet(core, outlet);
    }

    /// The records of a batch are lost, or given up; who waits for them hears of that.
    pub(crate) fn lose_batch<P: Probe>(&mut self, core: &mut Core<'_, P>, slot: u32) {
        self.answer_batch(core, slot, false);
        let topic = self.batches[slot as usize].topic;
        let records = std::mem::take(&mut self.batches[slot as usize].records);
        core.lose_records(topic, &records);
        self.batches[slot as usize].records = records;
        self.free_batch(slot);
    }

    /// The broker of a topic is back, if that is what a replica is.
    pub(crate) fn regain_broker<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        let node = core.node_of(replica);
        if let Some(topic) = core.plan.topics.iter().position(|t| t.node == node) {
            self.brokers[topic].election = Time::NEVER;
            self.lead_topic(core, topic as u32, true);
        }
    }

    /// Charges the frames whose records are still with their producers, or find no room there.
    fn charge_gathered<P: Probe>(&mut self, core: &mut Core<'_, P>, topic: u32, cause: Cause) {
        if !core.probe.accounts() {
            return;
        }
        let streams = &self;
        let (own, next) = (&streams.brokers[topic as usize], streams.brokers.get(topic as usize + 1));
        let batchers = own.first_batcher as usize..next.map_or(streams.batchers.len(), |b| b.first_batcher as usize);
        let outlets = own.first_outlet as usize..next.map_or(streams.outlets.len(), |b| b.first_outlet as usize);
        let gathered = streams.batchers[batchers].iter().flat_map(|b| b.gathered().iter().map(|o| o.waiter));
        let blocked = streams.outlets[outlets].iter().flat_map(|outlet| outlet.blocked.iter().copied());
        let waiters: Vec<u32> = gathered.chain(blocked).filter(|waiter| *waiter != NONE).collect();
        let node = core.plan.topics[topic as usize].node;
        waiters.into_iter().for_each(|at| core.charge_stay(at, node, cause));
    }

    /// Another replica leads, unless the old one is back already.
    pub(crate) fn elect_leader<P: Probe>(&mut self, core: &mut Core<'_, P>, topic: u32) {
        let broker = &mut self.brokers[topic as usize];
        if broker.election != core.now {
            return;
        }
        broker.election = Time::NEVER;
        let plan = &core.plan.topics[topic as usize];
        self.lead_topic(core, topic, plan.acks != Acks::All || plan.replication > plan.min_insync);
    }

    /// There is a leader: what waited for one goes on.
    fn lead_topic<P: Probe>(&mut self, core: &mut Core<'_, P>, topic: u32, writable: bool) {
        let broker = &mut self.brokers[topic as usize];
        (broker.readable, broker.writable) = (true, writable);
        if writable {
            let held = std::mem::take(&mut broker.held);
            self.charge_gathered(core, topic, Cause::Fault);
            for slot in held {
                // Nobody could take it, so the time since then is the fault's, and not its way's.
                self.charge_waiters(core, slot, Cause::Fault);
                self.append_batch(core, slot);
            }
        }
        for group in core.plan.topics[topic as usize].groups.clone() {
            for partition in 0..core.plan.topics[topic as usize].partitions {
                let place = &self.crews[group as usize].places[partition as usize];
                let log = &self.brokers[topic as usize].logs[partition as usize];
                if log.watermark() > place.stock.max(place.cursor.position()) {
                    self.announce_records(core, group, partition);
                }
            }
        }
    }
}

impl<P: Probe> Core<'_, P> {
    /// Records are lost, or given up; who waits for them hears of that.
    pub(crate) fn lose_records(&mut self, topic: u32, records: &[Outgoing]) {
        let groups = self.plan.topics[topic as usize].groups.len();
        for outgoing in records {
            (0..groups).for_each(|_| self.leave_root(outgoing.record.root));
            self.tell_publisher(topic, outgoing.waiter, Outcome::Timeout, Span::ZERO);
            self.trace(|at| Trace::Gone { message: outgoing.record.lineage, outcome: Outcome::Timeout, at });
        }
        self.tell(Fact::Forfeited { topic: TopicId(topic), records: records.len() as u32 });
    }
}
