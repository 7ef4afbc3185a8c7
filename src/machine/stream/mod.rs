//! Streams at work: records on their way from producers into partitions, and from there to the members of groups.
//!
//! A record travels in a batch: it waits for company at its producer (`linger`), crosses the network, is appended, becomes
//! safe, and only then is seen by groups. A member of a group asks the broker for records and is answered as soon as there are
//! any (long polling); the next request leaves when the answer is there, while the records are worked on one after the
//! other. A member is a worker of its own: what it has in hand is a frame that walks the consumer's program.
//!
//! Where no latency is drawn no event is spent: a record that is published, appended, safe and fetched at one instant
//! is at once in the hands of a member.

mod broker;
mod member;
mod produce;
mod rebalance;

use std::collections::VecDeque;

use crate::kernel::Phase;
use crate::model::id::NONE;
use crate::model::plan::Plan;
use crate::model::stream::{Batcher, Commits, Cursor, Group, Log, Seat};
use crate::model::{Probe, stream};
use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use super::Machine;
use super::event::Event;

/// Heartbeats of a member (`heartbeat.interval.ms` of Kafka's consumer).
const HEARTBEAT: Span = Span(3_000_000_000);

/// A silent broker is given up after this long (`broker.session.timeout.ms` of Kafka); then another leads.
const ELECTION: Span = Span(9_000_000_000);

/// What happens next to a stream; packed into the index of one kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// When an open batch (of a batcher) has waited long enough.
    Linger(u32),
    /// When a batch arrives at the broker.
    Append(u32),
    /// When a batch is safe.
    Safe(u32),
    /// When a publisher (a frame) hears that its record is safe.
    Confirmed(u32),
    /// When a member's request is at the broker.
    Ask(u32),
    /// When records arrive at a member.
    Fetched(u32),
    /// When a member hears what its group is up to.
    Heartbeat(u32),
    /// When the session of a member that crashed is over.
    Session(u32),
    /// When a member should have asked for more.
    Overdue(u32),
    /// When a group seeks back.
    Seek(u32),
    /// When a topic has a new leader.
    Elected(u32),
}

impl Beat {
    /// As an index: the kind above 28 bits.
    fn code(self) -> u32 {
        let (kind, index) = match self {
            Self::Linger(i) => (0, i),
            Self::Append(i) => (1, i),
            Self::Safe(i) => (2, i),
            Self::Confirmed(i) => (3, i),
            Self::Ask(i) => (4, i),
            Self::Fetched(i) => (5, i),
            Self::Heartbeat(i) => (6, i),
            Self::Session(i) => (7, i),
            Self::Overdue(i) => (8, i),
            Self::Seek(i) => (9, i),
            Self::Elected(i) => (10, i),
        };
        debug_assert!(index < 1 << 28, "so many of one kind at once do not fit into memory");
        kind << 28 | index
    }

    /// What was packed.
    fn decode(code: u32) -> Self {
        let index = code & ((1 << 28) - 1);
        match code >> 28 {
            0 => Self::Linger(index),
            1 => Self::Append(index),
            2 => Self::Safe(index),
            3 => Self::Confirmed(index),
            4 => Self::Ask(index),
            5 => Self::Fetched(index),
            6 => Self::Heartbeat(index),
            7 => Self::Session(index),
            8 => Self::Overdue(index),
            9 => Self::Seek(index),
            _ => Self::Elected(index),
        }
    }
}

/// A record, and whose request published it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    published: Time,
    lineage: Lineage,
    root: u32,
    client: u16,
    priority: u8,
    measured: bool,
}

/// A record on its way, and the frame that waits until it is safe.
#[derive(Clone, Copy, Debug)]
struct Outgoing {
    record: Record,
    waiter: u32,
    back: crate::model::LawId,
}

/// Where a batch is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// When its slot is free.
    #[default]
    Free,
    /// When it is under way.
    Sent,
    /// When the leader has it.
    Appended,
    /// When its producer holds it back until there is a leader.
    Held,
}

/// A batch on its way.
#[derive(Debug, Default)]
struct Batch {
    topic: u32,
    partition: u32,
    stage: Stage,
    /// Its end in the log, once it is appended.
    end: u64,
    /// When it will be safe.
    due: Time,
    records: Vec<Outgoing>,
}

/// A topic's state.
#[derive(Debug)]
struct Broker {
    logs: Vec<Log<Record>>,
    /// When the last record of a partition is safe: later ones are not before.
    safe: Vec<Time>,
    /// First of its batchers: one for each replica that might publish and each partition.
    first_batcher: u32,
    /// By replica: the partition in turn, for records without key.
    turns: Vec<u32>,
    readable: bool,
    writable: bool,
    /// Batches that wait for a leader.
    held: VecDeque<u32>,
    /// When the election under way is over.
    election: Time,
}

/// A group at one partition.
#[derive(Debug, Default)]
struct Place {
    cursor: Cursor,
    /// Records below are at the member.
    stock: u64,
    /// Whether its owner knows that there is more at the broker.
    listed: bool,
    /// Whether its owner knows that there is some at hand.
    stocked: bool,
    /// How often it came to records again; names the draws of another try.
    tries: u32,
    /// Whether the next record failed before.
    retries: bool,
}

/// A group's state.
#[derive(Debug)]
struct Crew {
    group: Group,
    places: Vec<Place>,
    first_member: u32,
}

/// Where a member's request for records is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fetch {
    /// When it is at the broker, or will be at `asks_at`.
    #[default]
    Asking,
    /// When it will be there, and somebody looks at it then.
    Expected,
    /// When records are under way.
    Answered,
}

/// A member of a group.
#[derive(Debug)]
struct Member {
    group: u32,
    number: u32,
    seat: u32,
    replica: u32,
    up: bool,
    /// Whether the group went on without it while it works.
    expelled: bool,
    /// Whether it is to hear of a rebalance, and whether it has.
    summoned: bool,
    heard: bool,
    /// Whether it sleeps between two polls.
    asleep: bool,
    /// The record in hand, and where that stands.
    frame: u32,
    partition: u32,
    offset: u64,
    /// Records of the batch in hand that are left, that one included; and whether there is a batch.
    left: u32,
    in_batch: bool,
    polled: Time,
    watched: bool,
    /// Place of its heartbeats in their interval.
    phase: u64,
    /// When its session is over, after a crash.
    session: Time,
    fetch: Fetch,
    asks_at: Time,
    due: Time,
    polls: u32,
    waiting: VecDeque<u32>,
    stocked: VecDeque<u32>,
    coming: Vec<(u32, u64)>,
}

/// All streams of a run.
#[derive(Debug, Default)]
pub(super) struct Streams {
    brokers: Vec<Broker>,
    crews: Vec<Crew>,
    members: Vec<Member>,
    batchers: Vec<Batcher<Outgoing>>,
    /// When the last batch of a batcher arrives: later ones do not overtake it.
    arrivals: Vec<Time>,
    batches: Vec<Batch>,
    free: Vec<u32>,
    vessels: Vec<Vec<Outgoing>>,
}

impl Streams {
    /// The streams of a plan, empty, with all members in their places.
    pub(super) fn new(plan: &Plan, seed: u64) -> Self {
        let mut streams = Self::default();
        let replicas = plan.replicas();
        for topic in &plan.topics {
            let first_batcher = streams.batchers.len() as u32;
            let batchers = streams.batchers.len() + (replicas * topic.partitions) as usize;
            streams.batchers.resize_with(batchers, Batcher::default);
            streams.brokers.push(Broker {
                logs: vec![Log::default(); topic.partitions as usize],
                safe: vec![Time(0); topic.partitions as usize],
                first_batcher,
                turns: vec![0; replicas as usize],
                readable: true,
                writable: true,
                held: VecDeque::new(),
                election: Time::NEVER,
            });
        }
        streams.arrivals = vec![Time(0); streams.batchers.len()];
        (0..plan.groups.len() as u32).for_each(|group| streams.enlist(plan, seed, group));
        streams
    }

    /// The members of a group take their places.
    fn enlist(&mut self, plan: &Plan, seed: u64, group: u32) {
        let readers = &plan.groups[group as usize];
        let first_member = self.members.len() as u32;
        for (seat, entry) in (0..).zip(&readers.seats) {
            for replica in entry.first_replica..entry.first_replica + entry.replicas {
                for _ in 0..entry.concurrency {
                    let number = self.members.len() as u32 - first_member;
                    let name = Lineage(readers.hash).child(u64::from(number), 0);
                    let phase = Draw::new(seed, name, Purpose::Fault, 0).bits() % HEARTBEAT.0;
                    self.members.push(Member::new(group, number, seat, replica, phase));
                }
            }
        }
        let (members, partitions) =
            (self.members.len() as u32 - first_member, plan.topics[readers.topic as usize].partitions);
        let places = (0..partitions).map(|_| Place::default()).collect();
        self.crews.push(Crew { group: Group::new(readers.protocol, members, partitions), places, first_member });
    }
}

impl Member {
    fn new(group: u32, number: u32, seat: u32, replica: u32, phase: u64) -> Self {
        Self {
            group,
            number,
            seat,
            replica,
            up: true,
            expelled: false,
            summoned: false,
            heard: false,
            asleep: false,
            frame: NONE,
            partition: 0,
            offset: 0,
            left: 0,
            in_batch: false,
            polled: Time(0),
            watched: false,
            phase,
            session: Time::NEVER,
            fetch: Fetch::default(),
            asks_at: Time(0),
            due: Time::NEVER,
            polls: 0,
            waiting: VecDeque::new(),
            stocked: VecDeque::new(),
            coming: Vec::new(),
        }
    }

    /// Forgets what it knows of its partitions.
    fn clear(&mut self) {
        self.waiting.clear();
        self.stocked.clear();
        self.coming.clear();
        self.left = 0;
        self.in_batch = false;
    }
}

impl<P: Probe> Machine<'_, P> {
    /// Puts on the agenda what is known from the beginning, and lets members that poll begin to.
    pub(super) fn start_streams(&mut self) {
        for (at, readers) in (0..).zip(&self.plan.groups) {
            if let Some((when, _)) = readers.replay {
                self.agenda.push(when, Phase::Arrival, Event::Stream(Beat::Seek(at).code()));
            }
        }
        (0..self.streams.members.len() as u32).for_each(|member| self.carry_on(member));
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
            Some(every) => Commits::Every { every, phase: Time(slot.phase % every.0.max(1)) },
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

    /// Commits by the clock are brought up to date, whoever owns the partition.
    fn settle_commits(&mut self, group: u32, partition: u32, member: u32) {
        let (commits, now) = (self.commits_of(member), self.now);
        self.streams.crews[group as usize].places[partition as usize].cursor.settle(now, commits);
    }

    /// Records that are too old are deleted; groups that had not come to them never will.
    fn expire_records(&mut self, topic: u32, partition: u32) {
        let plan = &self.plan.topics[topic as usize];
        loop {
            let log = &mut self.streams.brokers[topic as usize].logs[partition as usize];
            let Some((offset, record)) = log.expire(self.now, plan.retention) else { return };
            for group in plan.groups.clone() {
                if !self.streams.crews[group as usize].places[partition as usize].cursor.has_seen(offset) {
                    self.leave_root(record.root);
                }
            }
        }
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
        let committed = groups.map(needed).min();
        let log = &mut self.streams.brokers[topic as usize].logs[partition as usize];
        log.forget(committed.unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let all = [
            Beat::Linger(1),
            Beat::Append((1 << 28) - 1),
            Beat::Safe(3),
            Beat::Confirmed(4),
            Beat::Ask(5),
            Beat::Fetched(6),
            Beat::Heartbeat(7),
            Beat::Session(8),
            Beat::Overdue(9),
            Beat::Seek(10),
            Beat::Elected(0),
        ];
        all.into_iter().for_each(|beat| assert_eq!(Beat::decode(beat.code()), beat));
    }
}
