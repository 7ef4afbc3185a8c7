//! What streams remember during a run: brokers, batches under way, groups and their members.

use std::collections::VecDeque;

use crate::model::LawId;
use crate::model::NodeId;
use crate::model::id::NONE;
use crate::model::plan::Plan;
use crate::model::stream::{Batcher, Cursor, Group, Log, Pipe};
use crate::random::{Draw, Lineage, Purpose};
use crate::units::Time;

use super::HEARTBEAT;

/// A record, and whose request published it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) published: Time,
    pub(super) lineage: Lineage,
    pub(super) root: u32,
    pub(super) client: u16,
    pub(super) priority: u8,
    pub(super) measured: bool,
    /// Whether nobody can work on it.
    pub(super) poisoned: bool,
}

/// A record on its way, and the frame that waits until it is safe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing {
    pub(super) record: Record,
    pub(super) waiter: u32,
    pub(super) back: LawId,
    /// When its producer had room for it.
    pub(super) filed: Time,
}

/// Where a batch is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
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
pub(super) struct Batch {
    pub(super) topic: u32,
    pub(super) partition: u32,
    pub(super) outlet: u32,
    /// The request it is part of, as long as that is not answered.
    pub(super) request: u32,
    pub(super) stage: Stage,
    /// Its end in the log, once it is appended.
    pub(super) end: u64,
    /// When it will be safe.
    pub(super) due: Time,
    pub(super) records: Vec<Outgoing>,
}

/// A producer's connection to the broker of a topic: one for each replica that might publish.
#[derive(Debug, Default)]
pub(super) struct Outlet {
    pub(super) pipe: Pipe,
    /// Whether something is ready to leave and waits for room in the pipe.
    pub(super) waits: bool,
    /// Partitions with records that have not left.
    pub(super) open: Vec<u32>,
    /// Records that are not safe yet.
    pub(super) buffered: u32,
    /// Frames that wait for room among those.
    pub(super) blocked: VecDeque<u32>,
    /// When it looks for room again, if it does.
    pub(super) wake: Option<Time>,
    /// Whether it will look for records that are too late.
    pub(super) watched: bool,
    /// When its last request arrives: later ones do not overtake it.
    pub(super) arrival: Time,
}

/// A topic's state.
#[derive(Debug)]
pub(super) struct Broker {
    pub(super) logs: Vec<Log<Record>>,
    /// When the last record of a partition is safe: later ones are not before.
    pub(super) safe: Vec<Time>,
    /// First of its batchers: one for each replica that might publish and each partition.
    pub(super) first_batcher: u32,
    /// First of its outlets: one for each replica that might publish.
    pub(super) first_outlet: u32,
    /// By replica: the partition in turn, for records without key.
    pub(super) turns: Vec<u32>,
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// Batches that wait for a leader.
    pub(super) held: VecDeque<u32>,
    /// When the election under way is over.
    pub(super) election: Time,
    /// Records to come that nobody can work on.
    pub(super) poisons: u32,
}

/// A group at one partition.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) cursor: Cursor,
    /// Records below are at the member.
    pub(super) stock: u64,
    /// Whether its owner knows that there is more at the broker.
    pub(super) listed: bool,
    /// Whether its owner knows that there is some at hand.
    pub(super) stocked: bool,
    /// How often it came to records again; names the draws of another try.
    pub(super) tries: u32,
    /// Whether the next record failed before.
    pub(super) retries: bool,
}

/// A group's state.
#[derive(Debug)]
pub(super) struct Crew {
    pub(super) group: Group,
    pub(super) places: Vec<Place>,
    pub(super) first_member: u32,
}

/// Where a member's request for records is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fetch {
    /// When it is at the broker, or will be at `asks_at`.
    #[default]
    Asking,
    /// When it will be there, and somebody looks at it then.
    Expected,
    /// When records are under way.
    Answered,
}

/// Records of one partition in the hands of a member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) partition: u32,
    /// The one it is at, or comes to next.
    pub(super) next: u64,
    /// Where they end.
    pub(super) end: u64,
}

/// A member of a group.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own; they overlap")]
pub(super) struct Member {
    pub(super) group: u32,
    pub(super) number: u32,
    pub(super) seat: u32,
    pub(super) replica: u32,
    pub(super) up: bool,
    /// Whether the group went on without it while it works.
    pub(super) expelled: bool,
    /// Whether it is to hear of a rebalance, and whether it has.
    pub(super) summoned: bool,
    pub(super) heard: bool,
    /// Whether it sleeps between two polls.
    pub(super) asleep: bool,
    /// The record in hand, and where that stands.
    pub(super) frame: u32,
    pub(super) partition: u32,
    pub(super) offset: u64,
    pub(super) published: Time,
    /// What the last poll brought, by partition, and in which of them it is; empty between two batches.
    pub(super) hand: Vec<Run>,
    pub(super) run: u32,
    pub(super) polled: Time,
    pub(super) watched: bool,
    /// Place of its heartbeats in their interval.
    pub(super) phase: u64,
    /// The same of its commits, to be taken modulo their interval.
    pub(super) commits: u64,
    /// When its session is over, if its group hears nothing of it any more.
    pub(super) session: Time,
    /// The same of the one it was, if it came back as somebody new.
    pub(super) former: Time,
    pub(super) fetch: Fetch,
    pub(super) asks_at: Time,
    pub(super) due: Time,
    pub(super) polls: u32,
    pub(super) waiting: VecDeque<u32>,
    pub(super) stocked: VecDeque<u32>,
    pub(super) coming: Vec<(u32, u64)>,
}

/// All streams of a run.
#[derive(Debug, Default)]
pub(in crate::machine) struct Streams {
    pub(super) brokers: Vec<Broker>,
    pub(super) crews: Vec<Crew>,
    pub(super) members: Vec<Member>,
    /// Members that work on although their groups have given them up.
    pub(super) strays: u32,
    pub(super) batchers: Vec<Batcher<Outgoing>>,
    pub(super) outlets: Vec<Outlet>,
    /// Batches of each request that are not answered.
    pub(super) requests: Vec<u32>,
    pub(super) free_requests: Vec<u32>,
    pub(super) batches: Vec<Batch>,
    pub(super) free: Vec<u32>,
    /// Batches that leave with one request.
    pub(super) load: Vec<u32>,
    pub(super) vessels: Vec<Vec<Outgoing>>,
}

impl Streams {
    /// The streams of a plan, empty, with all members in their places.
    pub(in crate::machine) fn new(plan: &Plan, seed: u64) -> Self {
        let mut streams = Self::default();
        let replicas = plan.replicas();
        for topic in &plan.topics {
            let first_batcher = streams.batchers.len() as u32;
            let batchers = streams.batchers.len() + (replicas * topic.partitions) as usize;
            streams.batchers.resize_with(batchers, Batcher::default);
            let first_outlet = streams.outlets.len() as u32;
            streams.outlets.resize_with((first_outlet + replicas) as usize, Outlet::default);
            streams.brokers.push(Broker {
                logs: vec![Log::default(); topic.partitions as usize],
                safe: vec![Time(0); topic.partitions as usize],
                first_batcher,
                first_outlet,
                turns: vec![0; replicas as usize],
                readable: true,
                writable: true,
                held: VecDeque::new(),
                election: Time::NEVER,
                poisons: 0,
            });
        }
        (0..plan.groups.len() as u32).for_each(|group| streams.enlist(plan, seed, group));
        streams
    }

    /// Batches under way.
    pub(in crate::machine) fn alive(&self) -> usize {
        self.batches.len() - self.free.len()
    }

    /// Records in all logs.
    pub(in crate::machine) fn records(&self) -> u64 {
        self.brokers.iter().flat_map(|broker| &broker.logs).map(Log::kept).sum()
    }

    /// The next record of a topic will be one that nobody can work on.
    pub(in crate::machine) fn poison(&mut self, plan: &Plan, node: NodeId) {
        let own = plan.topics.iter().zip(&mut self.brokers).filter(|(topic, _)| topic.node == node);
        own.for_each(|(_, broker)| broker.poisons += 1);
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
                    let draw = |nth| Draw::new(seed, name, Purpose::Fault, nth).bits();
                    self.members.push(Member {
                        phase: draw(0) % HEARTBEAT.0,
                        commits: draw(1),
                        ..Member::new(group, number, seat, replica)
                    });
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
    fn new(group: u32, number: u32, seat: u32, replica: u32) -> Self {
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
            published: Time(0),
            hand: Vec::new(),
            run: 0,
            polled: Time(0),
            watched: false,
            phase: 0,
            commits: 0,
            session: Time::NEVER,
            former: Time::NEVER,
            fetch: Fetch::default(),
            asks_at: Time(0),
            due: Time::NEVER,
            polls: 0,
            waiting: VecDeque::new(),
            stocked: VecDeque::new(),
            coming: Vec::new(),
        }
    }

    /// Is past the record in hand.
    pub(super) fn advance(&mut self) {
        if let Some(run) = self.hand.get_mut(self.run as usize) {
            run.next += 1;
        }
    }

    /// Forgets what it knows of its partitions.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.stocked.clear();
        self.coming.clear();
        self.hand.clear();
        self.run = 0;
    }
}
