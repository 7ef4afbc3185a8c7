//! Queues, topics, their consumers and flows as written.

use crate::random::dist::Law;
use crate::units::Span;

use super::{Endpoint, Given, Place, Zone};

/// What happens to a message beyond a queue's capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The message at the head gives way.
    DropOldest,
    /// The new message is refused.
    Reject,
    /// The new message is refused and goes to the dead letters.
    DeadLetter,
    /// The new message waits.
    Block,
}

/// Which of SQS's two kinds of queue it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueKind {
    /// Who received a message last may delete it, however late.
    Standard,
    /// Who is late may not.
    Fifo,
}

/// `[queues.*]`.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Name, placed at its table header.
    pub name: Given<String>,
    /// Until a message is safe; default none.
    pub publish_latency: Given<Law>,
    /// Messages ready for delivery; `None`: no limit.
    pub capacity: Given<Option<u32>>,
    /// Default: `RabbitMQ`'s `drop-head`.
    pub when_full: Given<WhenFull>,
    /// From a delivery until the message is delivered again; `None`: never.
    pub ack_timeout: Given<Option<Span>>,
    /// Whether that was called `visibility_timeout`: then the rules are those of SQS.
    pub hides: bool,
    /// Default standard; means something with a `visibility_timeout` only.
    pub kind: Given<QueueKind>,
    /// Deliveries of one message; `None`: no limit.
    pub max_deliveries: Given<Option<u32>>,
    /// The queue that gets what is given up here.
    pub dead_letter: Option<Given<String>>,
    /// How old a message may become; `None`: no limit.
    pub message_ttl: Given<Option<Span>>,
    /// Whether messages are delivered by priority.
    pub priorities: Given<bool>,
    /// Whether publishers wait unless they say otherwise.
    pub confirms: Given<bool>,
    /// Where it stands.
    pub zone: Given<Option<Zone>>,
}

/// Who must have an event before it is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// Every replica in sync.
    All,
    /// The leader.
    Leader,
    /// Nobody.
    None,
}

/// `[topics.*]`.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Name, placed at its table header.
    pub name: Given<String>,
    /// Until an event is safe; default none.
    pub publish_latency: Given<Law>,
    /// Logs; default Kafka's 1.
    pub partitions: Given<u32>,
    /// What decides the partition where a step names no key; `None`: in turn.
    pub key: Option<Given<Keyed>>,
    /// How long events are kept; default Kafka's 7 days.
    pub retention: Given<Span>,
    /// The span of a segment, of which only whole ones are deleted; default Kafka's 7 days.
    pub segment: Given<Span>,
    /// Copies of each partition; default Kafka's 1.
    pub replication: Given<u32>,
    /// Copies in sync that `acks = "all"` needs; default Kafka's 1.
    pub min_insync: Given<u32>,
    /// Default Kafka's `all`.
    pub acks: Given<Acks>,
    /// How long a publisher gathers a batch; default not at all.
    pub linger: Given<Span>,
    /// Messages of a batch; `None`: no limit.
    pub batch: Given<Option<u32>>,
    /// Requests without an answer of one publisher; `None`: no limit; default Kafka's 5.
    pub in_flight: Given<Option<u32>>,
    /// How long a publisher tries; default Kafka's 2 min.
    pub delivery_timeout: Given<Span>,
    /// Events that one publisher holds; `None`: no limit.
    pub buffer: Given<Option<u32>>,
    /// How long somebody waits for room in it; default Kafka's 60 s.
    pub max_block: Given<Span>,
    /// Where it stands.
    pub zone: Given<Option<Zone>>,
}

/// The key of a topic's records.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyed {
    /// Name.
    pub name: String,
    /// How many values it has; `None`: every request its own.
    pub keys: Option<u32>,
    /// Zipf exponent of their weights.
    pub skew: f64,
}

/// How partitions change hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebalance {
    /// Everybody gives up everything first.
    Eager,
    /// Only what moves is given up.
    Cooperative,
}

/// Who a consumer is when it comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// Somebody new.
    Dynamic,
    /// The one it was.
    Static,
}

/// A group goes back once; times from the start of the measured time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replay {
    /// When.
    pub at: Span,
    /// To what was published from then on.
    pub from: Span,
}

/// When a message is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ack {
    /// When it has been handled.
    After,
    /// When it has been delivered.
    Before,
}

/// What becomes of a message whose handling fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// It is delivered again.
    Retry,
    /// It is acknowledged.
    Skip,
    /// It goes to the dead letters.
    DeadLetter,
    /// Nothing is said.
    NeverAck,
}

/// One entry of `consumes`.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// The whole entry in the text.
    pub place: Place,
    /// The queue or topic.
    pub from: Given<String>,
    /// Topics: the group.
    pub group: Option<Given<String>>,
    /// Consumers of each replica; default Spring's 1.
    pub concurrency: Given<u32>,
    /// Queues: deliveries without acknowledgement of one consumer; `None`: no limit; default Spring AMQP's 250.
    pub prefetch: Given<Option<u32>>,
    /// Messages of one poll; `None`: no limit; default 1.
    pub batch: Given<Option<u32>>,
    /// Default after.
    pub ack: Given<Ack>,
    /// Topics: the offset is stored so often; `None`: after every batch.
    pub commit_every: Given<Option<Span>>,
    /// Sleep after finding nothing; `None`: a queue pushes.
    pub poll: Given<Option<Law>>,
    /// Topics: whether it begins with the oldest event; default false.
    pub from_start: Given<bool>,
    /// Topics: whether events of a partition are handled one after the other; default true.
    pub ordered: Given<bool>,
    /// Default retry.
    pub on_error: Given<OnError>,
    /// Topics: how partitions change hands; default Kafka's eager.
    pub rebalance: Given<Rebalance>,
    /// Topics: who it is when it comes back; default Kafka's dynamic.
    pub member: Given<Membership>,
    /// Topics: from the last heartbeat of a crashed member until it is given up; default Kafka's 45 s.
    pub session_timeout: Given<Span>,
    /// Topics: the longest work on a batch; default Kafka's 5 min.
    pub max_poll_interval: Given<Span>,
    /// Topics: when the group goes back.
    pub replay: Given<Option<Replay>>,
    /// Topics: the queue of events that failed.
    pub dead_letter: Option<Given<String>>,
    /// Whether handling a message twice is no second effect; default false.
    pub idempotent: Given<bool>,
    /// Whether it has work, steps, or an error rate of its own.
    pub own: [bool; 3],
    /// What is done with a message: its own, and for the rest the service's. Its name, `from emails` or
    /// `from order-created/billing`, is one that no endpoint can have.
    pub program: Endpoint,
}

/// `[[flows]]`.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Name.
    pub name: Given<String>,
    /// The client whose requests begin it.
    pub starts: Given<String>,
    /// Where it ends; of several, at the last to be reached.
    pub ends: Vec<Given<String>>,
}
