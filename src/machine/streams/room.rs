//! A producer has room for so much, and patience for so long.
//!
//! Records that are not safe yet fill its `buffer`; whoever publishes when that is full waits, whether it waits for the broker
//! or not, and fails after `max_block` (`KafkaProducer.send`: `buffer.memory`, `max.block.ms`). A record that is not safe
//! `delivery_timeout` after it was filed is given up: one that has not left, or is held back for want of a leader, is
//! lost; of one that is with the broker only its publisher hears that (`delivery.timeout.ms`, `Sender`: expired batches; there
//! the records of a batch go together, of which 16 kB are one). What a producer holds dies with it.

use crate::model::id::NONE;
use crate::model::{Cause, Op, Outcome, Probe, ProducerId};
use crate::units::{Span, Time};

use crate::machine::core::frame::Pose;
use crate::machine::core::{Core, Flow};
use crate::machine::streams::beat::Beat;
use crate::machine::streams::state::Streams;
use crate::machine::streams::state::{Outgoing, Stage};

impl Streams {
    /// A frame waits until its producer has room for its record.
    #[cold]
    pub(crate) fn wait_for_room<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        at: u32,
        outlet: u32,
        patience: Span,
    ) -> Flow {
        let due = core.now + patience;
        let frame = &mut core.frames[at];
        (frame.wait.since, frame.due, frame.state.pose) = (core.now, due, Pose::Publishing);
        self.outlets[outlet as usize].blocked.push_back(at);
        core.beat_at(due, Beat::Blocked(at));
        Flow::Stay
    }

    /// A publisher has waited long enough for room, unless it had it before.
    pub(crate) fn give_up_waiting<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let Some((producer, outlet)) = self.waits_where(core, at) else { return };
        let blocked = &mut self.outlets[outlet as usize].blocked;
        let Some(place) = blocked.iter().position(|frame| *frame == at) else { return };
        if core.frames[at].due != core.now {
            return;
        }
        blocked.remove(place);
        core.charge_stay(at, core.broker_of(producer), Cause::Broker);
        core.hear_of_record(at, producer, Outcome::Timeout);
    }

    /// What a frame publishes with, if it does.
    fn waits_where<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> Option<(ProducerId, u32)> {
        let frame = &core.frames[at];
        // A frame that is over leads nowhere.
        let Some(Op::Produce { producer, .. }) = core.plan.ops.get(frame.pc as usize).copied() else { return None };
        let topic = core.plan.producers[producer.index()].topic;
        let outlet = self.brokers[topic as usize].first_outlet + frame.replica;
        (frame.state.pose == Pose::Publishing).then_some((producer, outlet))
    }

    /// So many records are no longer in a producer's buffer.
    pub(crate) fn drain_buffer<P: Probe>(&mut self, core: &mut Core<'_, P>, outlet: u32, records: u32) {
        let producer = &mut self.outlets[outlet as usize];
        producer.buffered -= records;
        if !producer.blocked.is_empty() {
            let now = core.now;
            self.wake_at(core, outlet, now);
        }
    }

    /// A producer looks for room in its pipe again when there may be some.
    pub(crate) fn look_for_room<P: Probe>(&mut self, core: &mut Core<'_, P>, outlet: u32) {
        let (topic, now) = (self.topic_of_outlet(outlet), core.now);
        let limit = core.plan.topics[topic as usize].in_flight;
        let pipe = &mut self.outlets[outlet as usize].pipe;
        if pipe.has_room(now, limit) {
            self.wake_at(core, outlet, now);
        } else if let Some(next) = pipe.next_answer() {
            self.wake_at(core, outlet, next);
        }
    }

    fn wake_at<P: Probe>(&mut self, core: &mut Core<'_, P>, outlet: u32, at: Time) {
        let wake = &mut self.outlets[outlet as usize].wake;
        if wake.is_none_or(|wake| at < wake) {
            *wake = Some(at);
            core.beat_at(at, Beat::Wake(outlet));
        }
    }

    /// A producer may have room: for publishers that wait, and in its pipe.
    pub(crate) fn wake_outlet<P: Probe>(&mut self, core: &mut Core<'_, P>, outlet: u32) {
        if self.outlets[outlet as usize].wake != Some(core.now) {
            return;
        }
        self.outlets[outlet as usize].wake = None;
        let topic = self.topic_of_outlet(outlet);
        let limit = core.plan.topics[topic as usize].buffer;
        while self.outlets[outlet as usize].buffered < limit
            && let Some(at) = self.outlets[outlet as usize].blocked.pop_front()
        {
            self.let_in(core, at);
        }
        if self.outlets[outlet as usize].waits {
            let there = self.way_to(core, topic, outlet);
            self.press(core, topic, outlet, there);
        }
    }

    /// A publisher has room for its record.
    fn let_in<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let Some((producer, _)) = self.waits_where(core, at) else { return };
        let post = core.plan.producers[producer.index()];
        core.frames[at].due = Time::NEVER;
        core.charge_stay(at, core.broker_of(producer), Cause::Broker);
        if !self.file_record(core, at, &post, core.frames[at].wait.since) {
            core.hear_of_record(at, producer, Outcome::Succeeded);
        }
    }

    fn topic_of_outlet(&self, outlet: u32) -> u32 {
        self.brokers.partition_point(|broker| broker.first_outlet <= outlet) as u32 - 1
    }

    /// A producer will look for records that are too late, if it has any that may become so.
    pub(crate) fn watch_outlet<P: Probe>(&mut self, core: &mut Core<'_, P>, outlet: u32) {
        if self.outlets[outlet as usize].watched {
            return;
        }
        let patience = core.plan.topics[self.topic_of_outlet(outlet) as usize].delivery_timeout;
        if let Some(oldest) = self.oldest_of(core, outlet) {
            self.outlets[outlet as usize].watched = true;
            let due = (oldest + patience).max(core.now);
            core.beat_at(due, Beat::Late(outlet));
        }
    }

    /// When the oldest record was filed that a producer would give up or tell of.
    fn oldest_of<P: Probe>(&self, core: &Core<'_, P>, outlet: u32) -> Option<Time> {
        let (topic, producer) = (self.topic_of_outlet(outlet), &self.outlets[outlet as usize]);
        let open = producer.open.iter().filter_map(|p| self.batchers[self.batcher(core, topic, outlet, *p)].first());
        let told = |batch: &&super::state::Batch| {
            let waits = batch.records.iter().any(|o| o.waiter != NONE);
            batch.outlet == outlet && batch.stage != Stage::Free && (batch.stage == Stage::Held || waits)
        };
        let away = self.batches.iter().filter(told).filter_map(|batch| batch.records.first());
        open.chain(away).map(|outgoing| outgoing.filed).min()
    }

    fn batcher<P: Probe>(&self, core: &Core<'_, P>, topic: u32, outlet: u32, partition: u32) -> usize {
        let broker = &self.brokers[topic as usize];
        let partitions = core.plan.topics[topic as usize].partitions;
        (broker.first_batcher + (outlet - broker.first_outlet) * partitions + partition) as usize
    }

    /// A producer gives up what is too late.
    pub(crate) fn give_up_late<P: Probe>(&mut self, core: &mut Core<'_, P>, outlet: u32) {
        self.outlets[outlet as usize].watched = false;
        let patience = core.plan.topics[self.topic_of_outlet(outlet) as usize].delivery_timeout;
        let now = core.now;
        let late = move |outgoing: &Outgoing| outgoing.filed + patience <= now;
        self.drop_open(core, outlet, late);
        for slot in 0..self.batches.len() as u32 {
            let batch = &self.batches[slot as usize];
            if batch.outlet != outlet || batch.stage == Stage::Free || !batch.records.first().is_some_and(&late) {
                continue;
            }
            if batch.stage == Stage::Held {
                self.thin_out(core, slot, late);
            } else {
                self.disappoint(core, slot, late);
            }
        }
        self.watch_outlet(core, outlet);
    }

    /// A batch is with the broker, and whoever waits for what is late in it no longer does.
    fn disappoint<P: Probe>(&mut self, core: &mut Core<'_, P>, slot: u32, late: impl Fn(&Outgoing) -> bool) {
        let topic = self.batches[slot as usize].topic;
        for at in 0..self.batches[slot as usize].records.len() {
            let outgoing = &mut self.batches[slot as usize].records[at];
            if late(outgoing) {
                let waiter = std::mem::replace(&mut outgoing.waiter, NONE);
                core.tell_publisher(topic, waiter, Outcome::Timeout, Span::ZERO);
            }
        }
    }

    /// What is late in a batch that is held back is lost.
    fn thin_out<P: Probe>(&mut self, core: &mut Core<'_, P>, slot: u32, late: impl Fn(&Outgoing) -> bool) {
        let batch = &mut self.batches[slot as usize];
        let end = batch.records.iter().position(|outgoing| !late(outgoing));
        let Some(end) = end else { return self.drop_held(core, slot) };
        let (topic, outlet) = (batch.topic, batch.outlet);
        let gone: Vec<Outgoing> = batch.records.drain(..end).collect();
        self.drain_buffer(core, outlet, gone.len() as u32);
        core.lose_records(topic, &gone);
    }

    /// A batch that was held back is lost.
    fn drop_held<P: Probe>(&mut self, core: &mut Core<'_, P>, slot: u32) {
        let topic = self.batches[slot as usize].topic;
        self.brokers[topic as usize].held.retain(|held| *held != slot);
        self.lose_batch(core, slot);
    }

    /// The oldest records that have not left are lost, as long as they are `late`.
    fn drop_open<P: Probe>(&mut self, core: &mut Core<'_, P>, outlet: u32, late: impl Fn(&Outgoing) -> bool) {
        let topic = self.topic_of_outlet(outlet);
        let mut open = std::mem::take(&mut self.outlets[outlet as usize].open);
        open.retain(|partition| {
            let batcher = self.batcher(core, topic, outlet, *partition);
            let gone = self.batchers[batcher].give_up(&late);
            if !gone.is_empty() {
                self.drain_buffer(core, outlet, gone.len() as u32);
                core.lose_records(topic, &gone);
            }
            !self.batchers[batcher].is_empty()
        });
        self.outlets[outlet as usize].open = open;
    }

    /// Producers on a replica that died are gone with all they held; their publishers no longer wait.
    pub(crate) fn forget_publishers<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        for topic in 0..core.plan.topics.len() {
            let outlet = self.brokers[topic].first_outlet + replica;
            self.outlets[outlet as usize].blocked.clear();
            for slot in 0..self.batches.len() as u32 {
                let batch = &mut self.batches[slot as usize];
                if batch.outlet == outlet && batch.stage != Stage::Free {
                    batch.records.iter_mut().for_each(|o| o.waiter = NONE);
                    if batch.stage == Stage::Held {
                        self.drop_held(core, slot);
                    }
                }
            }
            for at in 0..self.outlets[outlet as usize].open.len() {
                let partition = self.outlets[outlet as usize].open[at];
                let batcher = self.batcher(core, topic as u32, outlet, partition);
                self.batchers[batcher].gathered_mut().iter_mut().for_each(|o| o.waiter = NONE);
            }
            self.drop_open(core, outlet, |_| true);
        }
    }
}
