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

use super::{Beat, Machine, Outgoing, Stage};
use crate::machine::frame::Pose;
use crate::machine::walk::Flow;

impl<P: Probe> Machine<'_, P> {
    /// A frame waits until its producer has room for its record.
    #[cold]
    pub(super) fn wait_for_room(&mut self, at: u32, outlet: u32, patience: Span) -> Flow {
        let due = self.now + patience;
        let frame = &mut self.frames[at];
        (frame.since, frame.due, frame.pose) = (self.now, due, Pose::Publishing);
        self.streams.outlets[outlet as usize].blocked.push_back(at);
        self.beat_at(due, Beat::Blocked(at));
        Flow::Stay
    }

    /// A publisher has waited long enough for room, unless it had it before.
    pub(super) fn give_up_waiting(&mut self, at: u32) {
        let Some((producer, outlet)) = self.waits_where(at) else { return };
        let blocked = &mut self.streams.outlets[outlet as usize].blocked;
        let Some(place) = blocked.iter().position(|frame| *frame == at) else { return };
        if self.frames[at].due != self.now {
            return;
        }
        blocked.remove(place);
        self.charge_stay(at, self.broker_of(producer), Cause::Broker);
        self.hear_of_record(at, producer, Outcome::Timeout);
    }

    /// What a frame publishes with, if it does.
    fn waits_where(&self, at: u32) -> Option<(ProducerId, u32)> {
        let frame = &self.frames[at];
        // A frame that is over leads nowhere.
        let Some(Op::Produce { producer, .. }) = self.plan.ops.get(frame.pc as usize).copied() else { return None };
        let topic = self.plan.producers[producer.index()].topic;
        let outlet = self.streams.brokers[topic as usize].first_outlet + frame.replica;
        (frame.pose == Pose::Publishing).then_some((producer, outlet))
    }

    /// So many records are no longer in a producer's buffer.
    pub(super) fn drain_buffer(&mut self, outlet: u32, records: u32) {
        let producer = &mut self.streams.outlets[outlet as usize];
        producer.buffered -= records;
        if !producer.blocked.is_empty() {
            let now = self.now;
            self.wake_at(outlet, now);
        }
    }

    /// A producer looks for room in its pipe again when there may be some.
    pub(super) fn look_for_room(&mut self, outlet: u32) {
        let (topic, now) = (self.topic_of_outlet(outlet), self.now);
        let limit = self.plan.topics[topic as usize].in_flight;
        let pipe = &mut self.streams.outlets[outlet as usize].pipe;
        if pipe.has_room(now, limit) {
            self.wake_at(outlet, now);
        } else if let Some(next) = pipe.next_answer() {
            self.wake_at(outlet, next);
        }
    }

    fn wake_at(&mut self, outlet: u32, at: Time) {
        let wake = &mut self.streams.outlets[outlet as usize].wake;
        if wake.is_none_or(|wake| at < wake) {
            *wake = Some(at);
            self.beat_at(at, Beat::Wake(outlet));
        }
    }

    /// A producer may have room: for publishers that wait, and in its pipe.
    pub(super) fn wake_outlet(&mut self, outlet: u32) {
        if self.streams.outlets[outlet as usize].wake != Some(self.now) {
            return;
        }
        self.streams.outlets[outlet as usize].wake = None;
        let topic = self.topic_of_outlet(outlet);
        let limit = self.plan.topics[topic as usize].buffer;
        while self.streams.outlets[outlet as usize].buffered < limit
            && let Some(at) = self.streams.outlets[outlet as usize].blocked.pop_front()
        {
            self.let_in(at);
        }
        if self.streams.outlets[outlet as usize].waits {
            let there = self.way_to(topic, outlet);
            self.press(topic, outlet, there);
        }
    }

    /// A publisher has room for its record.
    fn let_in(&mut self, at: u32) {
        let Some((producer, _)) = self.waits_where(at) else { return };
        let post = self.plan.producers[producer.index()];
        self.frames[at].due = Time::NEVER;
        self.charge_stay(at, self.broker_of(producer), Cause::Broker);
        if !self.file_record(at, &post, self.frames[at].since) {
            self.hear_of_record(at, producer, Outcome::Succeeded);
        }
    }

    fn topic_of_outlet(&self, outlet: u32) -> u32 {
        self.streams.brokers.partition_point(|broker| broker.first_outlet <= outlet) as u32 - 1
    }

    /// A producer will look for records that are too late, if it has any that may become so.
    pub(super) fn watch_outlet(&mut self, outlet: u32) {
        if self.streams.outlets[outlet as usize].watched {
            return;
        }
        let patience = self.plan.topics[self.topic_of_outlet(outlet) as usize].delivery_timeout;
        if let Some(oldest) = self.oldest_of(outlet) {
            self.streams.outlets[outlet as usize].watched = true;
            let due = (oldest + patience).max(self.now);
            self.beat_at(due, Beat::Late(outlet));
        }
    }

    /// When the oldest record was filed that a producer would give up or tell of.
    fn oldest_of(&self, outlet: u32) -> Option<Time> {
        let (topic, producer) = (self.topic_of_outlet(outlet), &self.streams.outlets[outlet as usize]);
        let open = producer.open.iter().filter_map(|p| self.streams.batchers[self.batcher(topic, outlet, *p)].first());
        let told = |batch: &&super::Batch| {
            let waits = batch.records.iter().any(|o| o.waiter != NONE);
            batch.outlet == outlet && batch.stage != Stage::Free && (batch.stage == Stage::Held || waits)
        };
        let away = self.streams.batches.iter().filter(told).filter_map(|batch| batch.records.first());
        open.chain(away).map(|outgoing| outgoing.filed).min()
    }

    fn batcher(&self, topic: u32, outlet: u32, partition: u32) -> usize {
        let broker = &self.streams.brokers[topic as usize];
        let partitions = self.plan.topics[topic as usize].partitions;
        (broker.first_batcher + (outlet - broker.first_outlet) * partitions + partition) as usize
    }

    /// A producer gives up what is too late.
    pub(super) fn give_up_late(&mut self, outlet: u32) {
        self.streams.outlets[outlet as usize].watched = false;
        let patience = self.plan.topics[self.topic_of_outlet(outlet) as usize].delivery_timeout;
        let now = self.now;
        let late = move |outgoing: &Outgoing| outgoing.filed + patience <= now;
        self.drop_open(outlet, late);
        for slot in 0..self.streams.batches.len() as u32 {
            let batch = &self.streams.batches[slot as usize];
            if batch.outlet != outlet || batch.stage == Stage::Free || !batch.records.first().is_some_and(&late) {
                continue;
            }
            if batch.stage == Stage::Held {
                self.thin_out(slot, late);
            } else {
                self.disappoint(slot, late);
            }
        }
        self.watch_outlet(outlet);
    }

    /// A batch is with the broker, and whoever waits for what is late in it no longer does.
    fn disappoint(&mut self, slot: u32, late: impl Fn(&Outgoing) -> bool) {
        let topic = self.streams.batches[slot as usize].topic;
        for at in 0..self.streams.batches[slot as usize].records.len() {
            let outgoing = &mut self.streams.batches[slot as usize].records[at];
            if late(outgoing) {
                let waiter = std::mem::replace(&mut outgoing.waiter, NONE);
                self.tell_publisher(topic, waiter, Outcome::Timeout, Span::ZERO);
            }
        }
    }

    /// What is late in a batch that is held back is lost.
    fn thin_out(&mut self, slot: u32, late: impl Fn(&Outgoing) -> bool) {
        let batch = &mut self.streams.batches[slot as usize];
        let end = batch.records.iter().position(|outgoing| !late(outgoing));
        let Some(end) = end else { return self.drop_held(slot) };
        let (topic, outlet) = (batch.topic, batch.outlet);
        let gone: Vec<Outgoing> = batch.records.drain(..end).collect();
        self.drain_buffer(outlet, gone.len() as u32);
        self.lose_records(topic, &gone);
    }

    /// A batch that was held back is lost.
    fn drop_held(&mut self, slot: u32) {
        let topic = self.streams.batches[slot as usize].topic;
        self.streams.brokers[topic as usize].held.retain(|held| *held != slot);
        self.lose_batch(slot);
    }

    /// The oldest records that have not left are lost, as long as they are `late`.
    fn drop_open(&mut self, outlet: u32, late: impl Fn(&Outgoing) -> bool) {
        let topic = self.topic_of_outlet(outlet);
        let mut open = std::mem::take(&mut self.streams.outlets[outlet as usize].open);
        open.retain(|partition| {
            let batcher = self.batcher(topic, outlet, *partition);
            let gone = self.streams.batchers[batcher].give_up(&late);
            if !gone.is_empty() {
                self.drain_buffer(outlet, gone.len() as u32);
                self.lose_records(topic, &gone);
            }
            !self.streams.batchers[batcher].is_empty()
        });
        self.streams.outlets[outlet as usize].open = open;
    }

    /// Producers on a replica that died are gone with all they held; their publishers no longer wait.
    pub(super) fn forget_publishers(&mut self, replica: u32) {
        for topic in 0..self.plan.topics.len() {
            let outlet = self.streams.brokers[topic].first_outlet + replica;
            self.streams.outlets[outlet as usize].blocked.clear();
            for slot in 0..self.streams.batches.len() as u32 {
                let batch = &mut self.streams.batches[slot as usize];
                if batch.outlet == outlet && batch.stage != Stage::Free {
                    batch.records.iter_mut().for_each(|o| o.waiter = NONE);
                    if batch.stage == Stage::Held {
                        self.drop_held(slot);
                    }
                }
            }
            for at in 0..self.streams.outlets[outlet as usize].open.len() {
                let partition = self.streams.outlets[outlet as usize].open[at];
                let batcher = self.batcher(topic as u32, outlet, partition);
                self.streams.batchers[batcher].gathered_mut().iter_mut().for_each(|o| o.waiter = NONE);
            }
            self.drop_open(outlet, |_| true);
        }
    }
}
