//! Topics and their groups as planned.

use crate::model::id::{CallId, EdgeId, EndpointId, LawId, NodeId, Pc, QueueId};
use crate::units::{Span, Time};

use super::group::Protocol;
use super::redelivery::Redelivery;

/// Who must have a record before its publisher is told that it is safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acks {
    /// When all replicas in sync have it.
    #[default]
    All,
    /// When the leader has it; what the others do not have yet is lost with the leader.
    Leader,
    /// When nobody is asked; what is under way to a leader that is down is lost as well.
    None,
}

/// A topic.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its node.
    pub node: NodeId,
    /// Logs.
    pub partitions: u32,
    /// From a record's arrival until it is safe.
    pub publish_latency: LawId,
    /// How long records are kept, read or not.
    pub retention: Span,
    /// The span of a segment; only whole ones are deleted.
    pub segment: Span,
    /// Copies of each partition, the leader's included.
    pub replication: u32,
    /// Copies in sync without which `acks = "all"` cannot be had.
    pub min_insync: u32,
    /// Who must have a record.
    pub acks: Acks,
    /// How long a producer gathers a batch.
    pub linger: Span,
    /// Records of a batch at most.
    pub batch: u32,
    /// Requests of one producer without an answer.
    pub in_flight: u32,
    /// How long a producer tries to get a record through.
    pub delivery_timeout: Span,
    /// Records that one producer holds at most.
    pub buffer: u32,
    /// How long a publisher waits for room among them.
    pub max_block: Span,
    /// The groups that read it.
    pub groups: std::ops::Range<u32>,
}

/// Where a program publishes to a topic.
#[derive(Clone, Copy, Debug)]
pub struct Producer {
    /// The edge to the topic.
    pub edge: EdgeId,
    /// The topic.
    pub topic: u32,
    /// Whose step it is.
    pub from: NodeId,
    /// Its name as a hash: target and occurrence.
    pub site: u64,
    /// One-way latency there.
    pub there: LawId,
    /// One-way latency of the answer.
    pub back: LawId,
    /// Whether the frame waits for that.
    pub waits: bool,
    /// Which partition it goes to, by number in the plan.
    pub spread: u32,
    /// The way by the producer's proxy, of the plan's; `NONE` where it has none.
    pub route: u32,
}

/// A group of consumers.
#[derive(Clone, Debug)]
pub struct Readers {
    /// `topic/group`.
    pub name: String,
    /// Its name as a hash.
    pub hash: u64,
    /// The topic.
    pub topic: u32,
    /// How it rebalances.
    pub protocol: Protocol,
    /// Whether a member that comes back within its session is the one it was (`group.instance.id`, KIP-345).
    pub keeps_names: bool,
    /// From the last heartbeat of a crashed member until it is given up.
    pub session_timeout: Span,
    /// Between two polls; a member that takes longer is given up.
    pub max_poll_interval: Span,
    /// When all of it seeks back, and to what was appended from when on.
    pub replay: Option<(Time, Time)>,
    /// Who its members are.
    pub seats: Vec<Seat>,
}

impl Readers {
    /// Its members, idle ones too.
    pub fn members(&self) -> u32 {
        self.seats.iter().map(|s| s.replicas * s.concurrency).sum()
    }
}

/// What one entry of `consumes` adds to a group.
#[derive(Clone, Debug)]
pub struct Seat {
    /// First replica of the service.
    pub first_replica: u32,
    /// How many replicas there are.
    pub replicas: u32,
    /// Members of each replica.
    pub concurrency: u32,
    /// What is done with a record.
    pub entry: Pc,
    /// Under whose name that counts.
    pub endpoint: EndpointId,
    /// Its deliveries, as calls of the broker.
    pub call: CallId,
    /// Records of one poll at most.
    pub batch: u32,
    /// Sleep after finding nothing.
    pub poll: Option<LawId>,
    /// Whether what is taken is committed before it is worked on.
    pub ack_before: bool,
    /// How often what is done is committed; `None`: after every batch.
    pub commit_every: Option<Span>,
    /// Whether records that were deleted unread are followed by the oldest that is left, or by the next to come.
    pub from_start: bool,
    /// Whether working on a record twice is no second effect.
    pub idempotent: bool,
    /// What becomes of a record that fails, when it is not tried again.
    pub on_error: OnError,
    /// How a record that fails is tried again before that.
    pub retries: Option<Redelivery>,
    /// A record is let alone until it was published so long ago.
    pub delay: Span,
}

/// What becomes of a record whose handling fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// When it is worked on again, and everything behind it waits.
    #[default]
    Retry,
    /// When it is passed over.
    Skip,
    /// When it is passed over and goes to the dead letters.
    DeadLetter(Letter),
}

/// How dead letters are handed over: as a message is published whose publisher waits for the broker's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Where they go.
    pub to: Grave,
    /// One-way latency to that broker.
    pub there: LawId,
    /// From their arrival until they are safe.
    pub safe: LawId,
    /// One-way latency of the broker's word.
    pub back: LawId,
}

/// Where dead letters go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grave {
    /// To a queue.
    Queue(QueueId),
    /// To a topic, by number in the plan.
    Topic(u32),
}
