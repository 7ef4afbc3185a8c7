//! Members ask for records, and records travel to them.

use crate::model::Probe;
use crate::model::id::NONE;
use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use crate::machine::core::Core;
use crate::machine::streams::beat::Beat;
use crate::machine::streams::state::Fetch;
use crate::machine::streams::state::Streams;

impl Streams {
    /// A member's request is answered, if it is at the broker and there is something to answer.
    pub(crate) fn serve_member<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let topic = core.topic_of(self.members[at as usize].who.group);
        let member = &mut self.members[at as usize];
        if !member.up || member.expelled || member.known.waiting.is_empty() || member.request.fetch != Fetch::Asking {
            return;
        }
        if !self.brokers[topic as usize].readable {
            return;
        }
        if member.request.asks_at <= core.now {
            return self.answer_fetch(core, at);
        }
        member.request.fetch = Fetch::Expected;
        member.request.due = member.request.asks_at;
        let due = member.request.due;
        core.beat_at(due, Beat::Ask(at));
    }

    /// A member's request is at the broker.
    pub(crate) fn hear_request<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let topic = core.topic_of(self.members[at as usize].who.group);
        let member = &mut self.members[at as usize];
        if member.request.due != core.now || member.request.fetch != Fetch::Expected {
            return;
        }
        member.request.due = Time::NEVER;
        member.request.fetch = Fetch::Asking;
        member.asleep = false;
        member.request.asks_at = core.now;
        if !member.known.waiting.is_empty() && self.brokers[topic as usize].readable {
            self.answer_fetch(core, at);
        } else if self.seat_of(core, at).poll.is_some() {
            self.nap(core, at);
        }
    }

    /// A member that found nothing sleeps before it asks again.
    fn nap<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let Some(poll) = self.seat_of(core, at).poll else { return };
        let member = &mut self.members[at as usize];
        if !member.up || member.asleep || matches!(member.request.fetch, Fetch::Answered | Fetch::Passed) {
            return;
        }
        member.request.polls += 1;
        let (polls, name) = (member.request.polls, self.name_of(core, at));
        let nap = core.vary(poll, name, Purpose::Poll, polls);
        let member = &mut self.members[at as usize];
        (member.asleep, member.request.fetch, member.request.due) = (true, Fetch::Expected, core.now + nap);
        let due = member.request.due;
        core.beat_at(due, Beat::Ask(at));
    }

    /// A member that polls begins at some time of its own: not all of them at once.
    pub(crate) fn fall_out_of_step<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let Some(poll) = self.seat_of(core, at).poll else { return };
        let (polls, name) = (self.members[at as usize].request.polls, self.name_of(core, at));
        let nap = core.vary(poll, name, Purpose::Poll, polls);
        let share = Draw::new(core.seed, name, Purpose::Probe, u64::from(polls)).unit();
        let member = &mut self.members[at as usize];
        member.request.asks_at = core.now + Span((nap.0 as f64 * share) as u64);
    }

    /// Names the draws of a member.
    pub(crate) fn name_of<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> Lineage {
        let member = &self.members[at as usize];
        Lineage(core.plan.groups[member.who.group as usize].hash).child(u64::from(member.who.number), 0)
    }

    /// Records leave for a member: all there are in its partitions.
    fn answer_fetch<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let group = self.members[at as usize].who.group;
        let topic = core.topic_of(group);
        let mut lineage = self.name_of(core, at);
        while let Some(partition) = self.members[at as usize].known.waiting.pop_front() {
            if self.reader_of(group, partition) != Some(at) {
                continue;
            }
            let log = &self.brokers[topic as usize].logs[partition as usize];
            let place = &mut self.crews[group as usize].places[partition as usize];
            if let Some(first) = log.read(place.stock.max(place.cursor.position())) {
                lineage = first.lineage;
            }
            let end = log.watermark();
            place.listed = false;
            self.members[at as usize].known.coming.push((partition, end));
        }
        let (call, hash) = (self.seat_of(core, at).call, core.plan.groups[group as usize].hash);
        let there = core.vary(core.plan.call(call).there, lineage.child(hash, 0), Purpose::There, 0);
        let member = &mut self.members[at as usize];
        (member.request.fetch, member.request.due) = (Fetch::Answered, core.now + there);
        if there == Span::ZERO {
            self.arrive(core, at);
        } else {
            let due = member.request.due;
            core.beat_at(due, Beat::Fetched(at));
        }
    }

    /// Records arrive at a member, or at the proxy beside it, which they pass.
    pub(crate) fn arrive<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let route = core.plan.call(self.seat_of(core, at).call).route;
        let member = &self.members[at as usize];
        if route == NONE || member.request.due != core.now || member.request.fetch != Fetch::Answered {
            return self.take_in(core, at);
        }
        let name = (self.name_of(core, at), Purpose::There, member.request.polls);
        let takes = core.pass_beside(route, member.who.replica, name, NONE);
        let due = core.now + takes;
        let request = &mut self.members[at as usize].request;
        (request.fetch, request.due) = (Fetch::Passed, due);
        core.beat_at(due, Beat::Fetched(at));
    }

    /// Records arrive at a member; its next request sets out.
    fn take_in<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let member = &mut self.members[at as usize];
        if member.request.due != core.now || !matches!(member.request.fetch, Fetch::Answered | Fetch::Passed) {
            return;
        }
        let group = member.who.group;
        let mut coming = std::mem::take(&mut member.known.coming);
        for (partition, end) in coming.drain(..) {
            if self.reader_of(group, partition) == Some(at) {
                let place = &mut self.crews[group as usize].places[partition as usize];
                place.stock = place.stock.max(end);
                if !std::mem::replace(&mut place.stocked, true) {
                    self.members[at as usize].known.stocked.push_back(partition);
                }
            }
        }
        let (back, name) = (core.plan.call(self.seat_of(core, at).call).back, self.name_of(core, at));
        let polls = self.members[at as usize].request.polls;
        let back = core.vary(back, name, Purpose::Back, polls);
        let member = &mut self.members[at as usize];
        member.known.coming = coming;
        member.request.polls += 1;
        (member.request.fetch, member.request.due, member.request.asks_at) =
            (Fetch::Asking, Time::NEVER, core.now + back);
        if self.seat_of(core, at).poll.is_none() {
            self.serve_member(core, at);
        }
        self.carry_on(core, at);
    }

    /// A member that polls asks again as soon as it has nothing in hand.
    pub(crate) fn ask_again<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let member = &mut self.members[at as usize];
        member.request.fetch = Fetch::Expected;
        member.request.due = member.request.asks_at.max(core.now);
        if member.request.due > core.now {
            let due = member.request.due;
            return core.beat_at(due, Beat::Ask(at));
        }
        self.hear_request(core, at);
    }
}
