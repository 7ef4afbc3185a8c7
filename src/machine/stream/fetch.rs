//! Members ask for records, and records travel to them.

use crate::model::Probe;
use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use super::{Beat, Fetch, Machine};

impl<P: Probe> Machine<'_, P> {
    /// A member's request is answered, if it is at the broker and there is something to answer.
    pub(super) fn serve_member(&mut self, at: u32) {
        let topic = self.topic_of(self.streams.members[at as usize].group);
        let member = &mut self.streams.members[at as usize];
        if !member.up || member.expelled || member.waiting.is_empty() || member.fetch != Fetch::Asking {
            return;
        }
        if !self.streams.brokers[topic as usize].readable {
            return;
        }
        if member.asks_at <= self.now {
            return self.answer_fetch(at);
        }
        member.fetch = Fetch::Expected;
        member.due = member.asks_at;
        let due = member.due;
        self.beat_at(due, Beat::Ask(at));
    }

    /// A member's request is at the broker.
    pub(super) fn hear_request(&mut self, at: u32) {
        let topic = self.topic_of(self.streams.members[at as usize].group);
        let member = &mut self.streams.members[at as usize];
        if member.due != self.now || member.fetch != Fetch::Expected {
            return;
        }
        member.due = Time::NEVER;
        member.fetch = Fetch::Asking;
        member.asleep = false;
        member.asks_at = self.now;
        if !member.waiting.is_empty() && self.streams.brokers[topic as usize].readable {
            self.answer_fetch(at);
        } else if self.seat_of(at).poll.is_some() {
            self.nap(at);
        }
    }

    /// A member that found nothing sleeps before it asks again.
    fn nap(&mut self, at: u32) {
        let Some(poll) = self.seat_of(at).poll else { return };
        let member = &mut self.streams.members[at as usize];
        if !member.up || member.asleep || member.fetch == Fetch::Answered {
            return;
        }
        member.polls += 1;
        let (polls, name) = (member.polls, self.name_of(at));
        let nap = self.vary(poll, name, Purpose::Poll, polls);
        let member = &mut self.streams.members[at as usize];
        (member.asleep, member.fetch, member.due) = (true, Fetch::Expected, self.now + nap);
        let due = member.due;
        self.beat_at(due, Beat::Ask(at));
    }

    /// A member that polls begins at some time of its own: not all of them at once.
    pub(super) fn fall_out_of_step(&mut self, at: u32) {
        let Some(poll) = self.seat_of(at).poll else { return };
        let (polls, name) = (self.streams.members[at as usize].polls, self.name_of(at));
        let nap = self.vary(poll, name, Purpose::Poll, polls);
        let share = Draw::new(self.seed, name, Purpose::Probe, u64::from(polls)).unit();
        let member = &mut self.streams.members[at as usize];
        member.asks_at = self.now + Span((nap.0 as f64 * share) as u64);
    }

    /// Names the draws of a member.
    pub(super) fn name_of(&self, at: u32) -> Lineage {
        let member = &self.streams.members[at as usize];
        Lineage(self.plan.groups[member.group as usize].hash).child(u64::from(member.number), 0)
    }

    /// Records leave for a member: all there are in its partitions.
    fn answer_fetch(&mut self, at: u32) {
        let group = self.streams.members[at as usize].group;
        let topic = self.topic_of(group);
        let mut lineage = self.name_of(at);
        while let Some(partition) = self.streams.members[at as usize].waiting.pop_front() {
            if self.reader_of(group, partition) != Some(at) {
                continue;
            }
            let log = &self.streams.brokers[topic as usize].logs[partition as usize];
            let place = &mut self.streams.crews[group as usize].places[partition as usize];
            if let Some(first) = log.read(place.stock.max(place.cursor.position())) {
                lineage = first.lineage;
            }
            let end = log.watermark();
            place.listed = false;
            self.streams.members[at as usize].coming.push((partition, end));
        }
        let (call, hash) = (self.seat_of(at).call, self.plan.groups[group as usize].hash);
        let there = self.vary(self.plan.call(call).there, lineage.child(hash, 0), Purpose::There, 0);
        let member = &mut self.streams.members[at as usize];
        (member.fetch, member.due) = (Fetch::Answered, self.now + there);
        if there == Span::ZERO {
            self.take_in(at);
        } else {
            let due = member.due;
            self.beat_at(due, Beat::Fetched(at));
        }
    }

    /// Records arrive at a member; its next request sets out.
    pub(super) fn take_in(&mut self, at: u32) {
        let member = &mut self.streams.members[at as usize];
        if member.due != self.now || member.fetch != Fetch::Answered {
            return;
        }
        let group = member.group;
        let mut coming = std::mem::take(&mut member.coming);
        for (partition, end) in coming.drain(..) {
            if self.reader_of(group, partition) == Some(at) {
                let place = &mut self.streams.crews[group as usize].places[partition as usize];
                place.stock = place.stock.max(end);
                if !std::mem::replace(&mut place.stocked, true) {
                    self.streams.members[at as usize].stocked.push_back(partition);
                }
            }
        }
        let (back, name) = (self.plan.call(self.seat_of(at).call).back, self.name_of(at));
        let polls = self.streams.members[at as usize].polls;
        let back = self.vary(back, name, Purpose::Back, polls);
        let member = &mut self.streams.members[at as usize];
        member.coming = coming;
        member.polls += 1;
        (member.fetch, member.due, member.asks_at) = (Fetch::Asking, Time::NEVER, self.now + back);
        if self.seat_of(at).poll.is_none() {
            self.serve_member(at);
        }
        self.carry_on(at);
    }

    /// A member that polls asks again as soon as it has nothing in hand.
    pub(super) fn ask_again(&mut self, at: u32) {
        let member = &mut self.streams.members[at as usize];
        member.fetch = Fetch::Expected;
        member.due = member.asks_at.max(self.now);
        if member.due > self.now {
            let due = member.due;
            return self.beat_at(due, Beat::Ask(at));
        }
        self.hear_request(at);
    }
}
