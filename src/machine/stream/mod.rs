//! Streams at work: records on their way from producers into partitions, and from there to the members of groups.
//!
//! A record travels in a batch: it waits for company at its producer (`linger`), crosses the network, is appended, becomes
//! safe, and only then is seen by groups. A member of a group asks the broker for records and is answered as soon as there are
//! any (long polling); the next request leaves when the answer is there, while the records are worked on one after the
//! other. A member is a worker of its own: what it has in hand is a frame that walks the consumer's program.
//!
//! Where no latency is drawn no event is spent: a record that is published, appended, safe and fetched at one instant
//! is at once in the hands of a member.

mod beat;
mod broker;
mod fetch;
mod member;
mod produce;
mod rebalance;
mod retain;
mod room;
mod ship;
mod state;
mod unread;

use crate::kernel::Phase;
use crate::model::stream::{Commits, Seat};
use crate::model::{NodeId, Probe, stream};
use crate::units::{Span, Time};

use super::Machine;
use super::event::Event;
use beat::Beat;
use state::{Batch, Fetch, Member, Outgoing, Record, Run, Stage};

pub(super) use state::Streams;

/// Heartbeats of a member (`heartbeat.interval.ms` of Kafka's consumer).
const HEARTBEAT: Span = Span(3_000_000_000);

/// A silent broker is given up after this long (`broker.session.timeout.ms` of Kafka); then another leads.
const ELECTION: Span = Span(9_000_000_000);

impl<P: Probe> Machine<'_, P> {
    /// Puts on the agenda what is known from the beginning, and lets members that poll begin to.
    pub(super) fn start_streams(&mut self) {
        for (at, readers) in (0..).zip(&self.plan.groups) {
            if let Some((when, _)) = readers.replay {
                self.agenda.push(when, Phase::Arrival, Event::Stream(Beat::Seek(at).code()));
            }
        }
        (0..self.plan.topics.len() as u32).for_each(|topic| self.beat_at(retain::FIRST, Beat::Retain(topic)));
        for member in 0..self.streams.members.len() as u32 {
            self.fall_out_of_step(member);
            self.carry_on(member);
        }
    }

    /// Something happens to a stream.
    #[inline(never)]
    pub(super) fn beat_stream(&mut self, code: u32) {
        match Beat::decode(code) {
            Beat::Linger(batcher) => self.close_batch(batcher),
            Beat::Append(batch) => self.append_batch(batch),
            Beat::Safe(batch) => self.secure_batch(batch),
            Beat::Confirmed(frame) => self.confirm_record(frame),
            Beat::Ask(member) => self.hear_request(member),
            Beat::Fetched(member) => self.take_in(member),
            Beat::Heartbeat(member) => self.hear_heartbeat(member),
            Beat::Session(member) => self.end_session(member),
            Beat::Overdue(member) => self.check_poll(member),
            Beat::Seek(group) => self.seek_back(group),
            Beat::Elected(topic) => self.elect_leader(topic),
            Beat::Retain(topic) => self.retain_records(topic),
            Beat::Wake(outlet) => self.wake_outlet(outlet),
            Beat::Late(outlet) => self.give_up_late(outlet),
            Beat::Blocked(frame) => self.give_up_waiting(frame),
        }
    }

    #[inline]
    fn beat_at(&mut self, at: Time, beat: Beat) {
        self.agenda.push(at, Phase::Arrival, Event::Stream(beat.code()));
    }

    /// The entry of `consumes` that a member belongs to.
    #[inline]
    fn seat_of(&self, member: u32) -> &Seat {
        let member = &self.streams.members[member as usize];
        &self.plan.groups[member.group as usize].seats[member.seat as usize]
    }

    /// When a seat commits, as seen from the clock of a group.
    fn commits_of(&self, member: u32) -> Commits {
        let (seat, slot) = (self.seat_of(member), &self.streams.members[member as usize]);
        match seat.commit_every {
            _ if seat.ack_before => Commits::Before,
            None => Commits::After,
            Some(every) => Commits::Every { every, phase: Time(slot.commits % every.0.max(1)) },
        }
    }

    /// The topic of a group.
    #[inline]
    fn topic_of(&self, group: u32) -> u32 {
        self.plan.groups[group as usize].topic
    }

    /// Who owns a partition in a group.
    #[inline]
    fn reader_of(&self, group: u32, partition: u32) -> Option<u32> {
        let crew = &self.streams.crews[group as usize];
        crew.group.owner(partition).map(|number| crew.first_member + number)
    }

    /// Records that the groups of a node have not worked on yet.
    pub(super) fn behind(&self, node: NodeId) -> u64 {
        let own = self.replicas_of(node);
        let reads = |readers: &stream::Readers| readers.seats.iter().any(|seat| own.contains(&seat.first_replica));
        let behind = |(at, readers): (usize, &stream::Readers)| {
            let logs = &self.streams.brokers[readers.topic as usize].logs;
            let places = &self.streams.crews[at].places;
            let each = logs.iter().zip(places).map(|(log, p)| log.watermark().saturating_sub(p.cursor.position()));
            each.sum::<u64>()
        };
        self.plan.groups.iter().enumerate().filter(|(_, readers)| reads(readers)).map(behind).sum()
    }

    /// Commits by the clock are brought up to date, whoever owns the partition.
    fn settle_commits(&mut self, group: u32, partition: u32, member: u32) {
        let (commits, now) = (self.commits_of(member), self.now);
        self.streams.crews[group as usize].places[partition as usize].cursor.settle(now, commits);
    }

    /// Records that no group needs any more are forgotten.
    fn forget_records(&mut self, topic: u32, partition: u32) {
        let groups = self.plan.topics[topic as usize].groups.clone();
        let now = self.now;
        let keeps = |r: &stream::Readers| r.replay.is_some_and(|(at, from)| now < at && now >= from);
        if self.plan.groups[groups.start as usize..groups.end as usize].iter().any(keeps) {
            return;
        }
        let needed = |g: u32| self.streams.crews[g as usize].places[partition as usize].cursor.needed();
        let mut committed = groups.map(needed).min();
        if self.streams.strays > 0 {
            committed = committed.min(Some(self.held_by_strays(topic, partition)));
        }
        let log = &mut self.streams.brokers[topic as usize].logs[partition as usize];
        log.forget(committed.unwrap_or(u64::MAX));
    }
}
