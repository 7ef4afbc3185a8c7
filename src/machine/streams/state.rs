//! What streams remember during a run: brokers, batches under way, groups and their members.

use std::collections::VecDeque;

use crate::model::id::NONE;
use crate::model::plan::Plan;
use crate::model::stream::{Batcher, Cursor, Group, Log, Pipe};
use crate::model::{LawId, NodeId};
use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use crate::machine::core::frame::Whose;
use crate::machine::streams::HEARTBEAT;

/// A record, and whose request published it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) published: Time,
    pub(crate) lineage: Lineage,
    pub(crate) root: u32,
    pub(crate) whose: Whose,
    /// Whether nobody can work on it.
    pub(crate) poisoned: bool,
}

/// A record on its way, and the frame that waits until it is safe.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing {
    pub(crate) record: Record,
    pub(crate) waiter: u32,
    pub(crate) back: LawId,
    /// When its producer had room for it.
    pub(crate) filed: Time,
}

/// Where a batch is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
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
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    pub(crate) topic: u32,
    pub(crate) partition: u32,
    pub(crate) outlet: u32,
    /// The request it is part of, as long as that is not answered.
    pub(crate) request: u32,
    pub(crate) stage: Stage,
    /// Its end in the log, once it is appended.
    pub(crate) end: u64,
    /// When it will be safe.
    pub(crate) due: Time,
    pub(crate) records: Vec<Outgoing>,
}

/// A producer's connection to the broker of a topic: one for each replica that might publish.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outlet {
    pub(crate) pipe: Pipe,
    /// Whether something is ready to leave and waits for room in the pipe.
    pub(crate) waits: bool,
    /// Partitions with records that have not left.
    pub(crate) open: Vec<u32>,
    /// Records that are not safe yet.
    pub(crate) buffered: u32,
    /// Frames that wait for room among those.
    pub(crate) blocked: VecDeque<u32>,
    /// When it looks for room again, if it does.
    pub(crate) wake: Option<Time>,
    /// Whether it will look for records that are too late.
    pub(crate) watched: bool,
    /// When its last request arrives: later ones do not overtake it.
    pub(crate) arrival: Time,
}

/// A topic's state.
#[derive(Clone, Debug)]
pub(crate) struct Broker {
    pub(crate) logs: Vec<Log<Record>>,
    /// When the last record of a partition is safe: later ones are not before.
    pub(crate) safe: Vec<Time>,
    /// First of its batchers: one for each replica that might publish and each partition.
    pub(crate) first_batcher: u32,
    /// First of its outlets: one for each replica that might publish.
    pub(crate) first_outlet: u32,
    /// By replica: the partition in turn, for records without key.
    pub(crate) turns: Vec<u32>,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// Batches that wait for a leader.
    pub(crate) held: VecDeque<u32>,
    /// When the election under way is over.
    pub(crate) election: Time,
    /// Records to come that nobody can work on.
    pub(crate) poisons: u32,
}

/// A group at one partition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) cursor: Cursor,
    /// Records below are at the member.
    pub(crate) stock: u64,
    /// Whether its owner knows that there is more at the broker.
    pub(crate) listed: bool,
    /// Whether its owner knows that there is some at hand.
    pub(crate) stocked: bool,
    /// How often it came to records again; names the draws of another try.
    pub(crate) tries: u32,
    /// Whether the next record failed before.
    pub(crate) retries: bool,
    /// How often, in the hands of the member that has it.
    pub(crate) fails: u32,
    /// What was waited for the last of its tries.
    pub(crate) waited: Span,
}

/// A group's state.
#[derive(Clone, Debug)]
pub(crate) struct Crew {
    pub(crate) group: Group,
    pub(crate) places: Vec<Place>,
    pub(crate) first_member: u32,
}

/// Where a member's request for records is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fetch {
    /// When it is at the broker, or will be at `asks_at`.
    #[default]
    Asking,
    /// When it will be there, and somebody looks at it then.
    Expected,
    /// When records are under way.
    Answered,
    /// When they have passed the proxy beside it.
    Passed,
}

/// Records of one partition in the hands of a member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) partition: u32,
    /// The one it is at, or comes to next.
    pub(crate) next: u64,
    /// Where they end.
    pub(crate) end: u64,
}

/// Which member of which group somebody is, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    pub(crate) group: u32,
    pub(crate) number: u32,
    pub(crate) seat: u32,
    pub(crate) replica: u32,
}

/// The record in hand, and where that stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InHand {
    pub(crate) frame: u32,
    pub(crate) partition: u32,
    pub(crate) offset: u64,
    pub(crate) published: Time,
    /// Until when its member sleeps before it tries it again.
    pub(crate) rests: Time,
}

/// What the last poll brought.
#[derive(Clone, Debug)]
pub(crate) struct Haul {
    /// By partition; empty between two batches.
    pub(crate) hand: Vec<Run>,
    /// In which of them it is.
    pub(crate) run: u32,
    pub(crate) polled: Time,
    /// Whether somebody will look whether the next poll comes in time.
    pub(crate) watched: bool,
}

/// A member's request for records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) fetch: Fetch,
    pub(crate) asks_at: Time,
    pub(crate) due: Time,
    pub(crate) polls: u32,
}

/// What a member knows of its partitions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Those with more at the broker.
    pub(crate) waiting: VecDeque<u32>,
    /// Those with some at hand.
    pub(crate) stocked: VecDeque<u32>,
    /// What is under way, and up to where.
    pub(crate) coming: Vec<(u32, u64)>,
    /// When it looks again for records that are due.
    pub(crate) wakes: Time,
}

/// A member of a group.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own; they overlap")]
pub(crate) struct Member {
    pub(crate) who: Who,
    pub(crate) up: bool,
    /// Whether the group went on without it while it works.
    pub(crate) expelled: bool,
    /// Whether it is to hear of a rebalance, and whether it has.
    pub(crate) summoned: bool,
    pub(crate) heard: bool,
    /// Whether it sleeps between two polls.
    pub(crate) asleep: bool,
    pub(crate) record: InHand,
    pub(crate) haul: Haul,
    /// Place of its heartbeats in their interval.
    pub(crate) phase: u64,
    /// The same of its commits, to be taken modulo their interval.
    pub(crate) commits: u64,
    /// When its session is over, if its group hears nothing of it any more.
    pub(crate) session: Time,
    /// The same of the one it was, if it came back as somebody new.
    pub(crate) former: Time,
    pub(crate) request: Request,
    pub(crate) known: Known,
}

/// All streams of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streams {
    pub(crate) brokers: Vec<Broker>,
    pub(crate) crews: Vec<Crew>,
    pub(crate) members: Vec<Member>,
    /// Members that work on although their groups have given them up.
    pub(crate) strays: u32,
    pub(crate) batchers: Vec<Batcher<Outgoing>>,
    pub(crate) outlets: Vec<Outlet>,
    /// Batches of each request that are not answered.
    pub(crate) requests: Vec<u32>,
    pub(crate) free_requests: Vec<u32>,
    pub(crate) batches: Vec<Batch>,
    pub(crate) free: Vec<u32>,
    /// Batches that leave with one request.
    pub(crate) load: Vec<u32>,
    pub(crate) vessels: Vec<Vec<Outgoing>>,
}

impl Streams {
    /// The streams of a plan, empty, with all members in their places.
    pub(crate) fn new(plan: &Plan, seed: u64) -> Self {
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
    pub(crate) fn alive(&self) -> usize {
        self.batches.len() - self.free.len()
    }

    /// Records in all logs.
    pub(crate) fn records(&self) -> u64 {
        self.brokers.iter().flat_map(|broker| &broker.logs).map(Log::kept).sum()
    }

    /// The next record of a topic will be one that nobody can work on.
    pub(crate) fn poison(&mut self, plan: &Plan, node: NodeId) {
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
                        ..Member::new(Who { group, number, seat, replica })
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
    fn new(who: Who) -> Self {
        Self {
            who,
            up: true,
            expelled: false,
            summoned: false,
            heard: false,
            asleep: false,
            record: InHand { frame: NONE, partition: 0, offset: 0, published: Time(0), rests: Time(0) },
            haul: Haul { hand: Vec::new(), run: 0, polled: Time(0), watched: false },
            phase: 0,
            commits: 0,
            session: Time::NEVER,
            former: Time::NEVER,
            request: Request { fetch: Fetch::default(), asks_at: Time(0), due: Time::NEVER, polls: 0 },
            known: Known::default(),
        }
    }

    /// Is past the record in hand.
    pub(crate) fn advance(&mut self) {
        if let Some(run) = self.haul.hand.get_mut(self.haul.run as usize) {
            run.next += 1;
        }
    }

    /// Whether it has no record in hand, and does not sleep over one.
    pub(crate) fn is_at_leisure(&self, now: Time) -> bool {
        self.record.frame == NONE && self.record.rests <= now
    }

    /// Forgets what it knows of its partitions.
    pub(crate) fn clear(&mut self) {
        self.known.waiting.clear();
        self.known.stocked.clear();
        self.known.coming.clear();
        self.haul.hand.clear();
        self.haul.run = 0;
    }
}
