//! Streams at work: records on their way from producers into partitions, and from there to the members of groups.
//!
//! A record travels in a batch: it waits for company at its producer (`linger`), crosses the network, is appended, becomes
//! safe, and only then is seen by groups. A member of a group asks the broker for records and is answered as soon as there are
//! any (long polling); the next request leaves when the answer is there, while the records are worked on one after the
//! other. A member is a worker of its own: what it has in hand is a frame that walks the consumer's program.
//!
//! Where no latency is drawn no event is spent: a record that is published, appended, safe and fetched at one instant
//! is at once in the hands of a member.

pub(crate) mod beat;
pub(crate) mod broker;
pub(crate) mod fetch;
pub(crate) mod member;
pub(crate) mod produce;
pub(crate) mod rebalance;
pub(crate) mod retain;
pub(crate) mod room;
pub(crate) mod ship;
pub(crate) mod state;
pub(crate) mod unread;

use crate::kernel::Phase;
use crate::model::stream::{Commits, Seat};
use crate::model::{NodeId, Probe, stream};
use crate::units::{Span, Time};

use crate::machine::core::Core;
use crate::machine::core::event::Event;
use crate::machine::streams::beat::Beat;

pub(crate) use state::Streams;

/// Heartbeats of a member (`heartbeat.interval.ms` of Kafka's consumer).
const HEARTBEAT: Span = Span(3_000_000_000);

/// A silent broker is given up after this long (`broker.session.timeout.ms` of Kafka); then another leads.
const ELECTION: Span = Span(9_000_000_000);

impl Streams {
    /// Puts on the agenda what is known from the beginning, and lets members that poll begin to.
    pub(crate) fn start_streams<P: Probe>(&mut self, core: &mut Core<'_, P>) {
        for (at, readers) in (0..).zip(&core.plan.groups) {
            if let Some((when, _)) = readers.replay {
                core.agenda.push(when, Phase::Arrival, Event::Stream(Beat::Seek(at).code()));
            }
        }
        (0..core.plan.topics.len() as u32).for_each(|topic| core.beat_at(retain::FIRST, Beat::Retain(topic)));
        for member in 0..self.members.len() as u32 {
            self.fall_out_of_step(core, member);
            self.carry_on(core, member);
        }
    }

    /// Something happens to a stream.
    #[inline(never)]
    pub(crate) fn beat_stream<P: Probe>(&mut self, core: &mut Core<'_, P>, code: u32) {
        match Beat::decode(code) {
            Beat::Linger(batcher) => self.close_batch(core, batcher),
            Beat::Append(batch) => self.append_batch(core, batch),
            Beat::Safe(batch) => self.secure_batch(core, batch),
            Beat::Confirmed(frame) => core.confirm_record(frame),
            Beat::Ask(member) => self.hear_request(core, member),
            Beat::Fetched(member) => self.arrive(core, member),
            Beat::Heartbeat(member) => self.hear_heartbeat(core, member),
            Beat::Session(member) => self.end_session(core, member),
            Beat::Overdue(member) => self.check_poll(core, member),
            Beat::Seek(group) => self.seek_back(core, group),
            Beat::Elected(topic) => self.elect_leader(core, topic),
            Beat::Retain(topic) => self.retain_records(core, topic),
            Beat::Wake(outlet) => self.wake_outlet(core, outlet),
            Beat::Late(outlet) => self.give_up_late(core, outlet),
            Beat::Blocked(frame) => self.give_up_waiting(core, frame),
            Beat::Resume(member) => self.get_up(core, member),
        }
    }

    /// The entry of `consumes` that a member belongs to.
    #[inline]
    fn seat_of<'p, P: Probe>(&self, core: &Core<'p, P>, member: u32) -> &'p Seat {
        let member = &self.members[member as usize];
        &core.plan.groups[member.who.group as usize].seats[member.who.seat as usize]
    }

    /// When a seat commits, as seen from the clock of a group.
    fn commits_of<P: Probe>(&self, core: &Core<'_, P>, member: u32) -> Commits {
        let (seat, slot) = (self.seat_of(core, member), &self.members[member as usize]);
        match seat.commit_every {
            _ if seat.ack_before => Commits::Before,
            None => Commits::After,
            Some(every) => Commits::Every { every, phase: Time(slot.commits % every.0.max(1)) },
        }
    }

    /// Who owns a partition in a group.
    #[inline]
    fn reader_of(&self, group: u32, partition: u32) -> Option<u32> {
        let crew = &self.crews[group as usize];
        crew.group.owner(partition).map(|number| crew.first_member + number)
    }

    /// Records that the groups of a node have not worked on yet.
    pub(crate) fn behind<P: Probe>(&self, core: &Core<'_, P>, node: NodeId) -> u64 {
        let own = core.replicas_of(node);
        let reads = |readers: &stream::Readers| readers.seats.iter().any(|seat| own.contains(&seat.first_replica));
        let behind = |(at, readers): (usize, &stream::Readers)| {
            let logs = &self.brokers[readers.topic as usize].logs;
            let places = &self.crews[at].places;
            let each = logs.iter().zip(places).map(|(log, p)| log.watermark().saturating_sub(p.cursor.position()));
            each.sum::<u64>()
        };
        core.plan.groups.iter().enumerate().filter(|(_, readers)| reads(readers)).map(behind).sum()
    }

    /// Commits by the clock are brought up to date, whoever owns the partition.
    fn settle_commits<P: Probe>(&mut self, core: &mut Core<'_, P>, group: u32, partition: u32, member: u32) {
        let (commits, now) = (self.commits_of(core, member), core.now);
        self.crews[group as usize].places[partition as usize].cursor.settle(now, commits);
    }

    /// Records that no group needs any more are forgotten.
    fn forget_records<P: Probe>(&mut self, core: &mut Core<'_, P>, topic: u32, partition: u32) {
        let groups = core.plan.topics[topic as usize].groups.clone();
        let now = core.now;
        let keeps = |r: &stream::Readers| r.replay.is_some_and(|(at, from)| now < at && now >= from);
        if core.plan.groups[groups.start as usize..groups.end as usize].iter().any(keeps) {
            return;
        }
        let needed = |g: u32| self.crews[g as usize].places[partition as usize].cursor.needed();
        let mut committed = groups.map(needed).min();
        if self.strays > 0 {
            committed = committed.min(Some(self.held_by_strays(core, topic, partition)));
        }
        let log = &mut self.brokers[topic as usize].logs[partition as usize];
        log.forget(committed.unwrap_or(u64::MAX));
    }
}

impl<P: Probe> Core<'_, P> {
    #[inline]
    fn beat_at(&mut self, at: Time, beat: Beat) {
        self.agenda.push(at, Phase::Arrival, Event::Stream(beat.code()));
    }

    /// The topic of a group.
    #[inline]
    fn topic_of(&self, group: u32) -> u32 {
        self.plan.groups[group as usize].topic
    }
}
