//! Queues: each message goes to one consumer, and is gone when that has acknowledged it.
//!
//! The model is RabbitMQ's, and by its settings that of SQS. A message travels one network latency to the broker, where it
//! takes `publish_latency` until it is safe: only then is it ready for delivery, and only then is a publisher told who waits
//! for it (`wait_for_ack`, or `confirms` for all). Messages are ready in the order in which they became so, or by the
//! `priorities` they have from their client; `capacity` counts those that are ready, not those that consumers have.
//!
//! When those are as many as `capacity`, `when_full` says what happens: the head is dropped, the new message is refused (and
//! dead-lettered, if so said), which only a publisher that waits hears, or senders wait for room (`block`), whether they wait
//! for the broker's answer or not: a bounded queue within a process, a broker's flow control. What waits so is not published.
//!
//! A consumer is pushed messages, in turn with the others, as long as it has fewer than `prefetch` without acknowledgement.
//! With `poll` it asks instead: it takes up to `batch` messages, handles them, and asks again when the broker has heard of all;
//! when there was none it sleeps first. Pollers begin somewhere within their sleep, each for itself. With `poll_max` each sleep is twice
//! as long as the one before, up to that, until something is found (the trigger of Azure's storage queues: `maxPollingInterval`);
//! with `poll_wait` a poll that finds nothing waits at the broker for so long, and is answered with the first message that comes (SQS's
//! long polling: `WaitTimeSeconds`). A consumer acknowledges a message *after* it has handled it, or *before* it begins with it.
//! With `ack_every = 50` it says so of fifty at once, or when the first of them has waited for `ack_within` (RabbitMQ's `multiple`;
//! `messagesPerAck` and `ackTimeout` of Spring's `DirectMessageListenerContainer`); what it has not said when its connection goes is delivered
//! again. A failure is told at once, after what was left unsaid. What was not acknowledged goes back to the head and is
//! delivered again when handling fails under `on_error = "retry"`, and:
//!
//! - with an `ack_timeout`, or none, by RabbitMQ's rules: a consumer that is late, or dies, loses its channel, and all it has
//!   goes back at once; what it says later is refused.
//! - with a `visibility_timeout` by those of SQS: a message shows up again when that is over, whatever became of who received
//!   it. Who received it last may still delete it (`kind = "standard"`), or not (`"fifo"`).
//!
//! A slow consumer works on what was taken from it, and its effect is a second one unless it is `idempotent`. A message that
//! comes back after `max_deliveries` goes to the `dead_letter` queue; one older than its `message_ttl` expires when it reaches
//! the head.
//!
//! Dead letters may come back to where they died, if a consumer rejects them on the way (`on_error = "dead_letter"`): a queue that
//! nobody consumes, with a `message_ttl` and the first queue as its `dead_letter`, is the usual way to try again later. A circle
//! without a rejection is refused: RabbitMQ drops a message that would go round one by itself.
//!
//! `{ send = "rpc", wait_for_reply = true, timeout = "5s" }` is a request and its reply over a queue. The sender waits until a
//! consumer has handled the message well and its word has come back, over the broker; what fails and is not delivered again is
//! not replied to, and whoever waits hears nothing until its `timeout`. The time from the broker on is `broker` in the ledger.
//!
//! Messages are conserved: published = acked + dead-lettered + dropped + expired + ready + with consumers.

mod crew;
mod group;
mod ready;

pub use crew::{Crew, Duty, MOST_QUEUES, Turns};
pub use group::Groups;
pub use ready::Ready;

use crate::units::Span;

use super::id::{EdgeId, LawId, NodeId, QueueId};

/// What happens to a message beyond the capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// When the message at the head gives way; `RabbitMQ`'s `drop-head`.
    DropOldest,
    /// When the new message is refused; `RabbitMQ`'s `reject-publish`.
    Reject,
    /// When the new message is refused, and goes to the dead letters; `RabbitMQ`'s `reject-publish-dlx`.
    DeadLetter,
    /// When the new message waits for room, and its sender with it.
    Block,
}

/// Whose rules say what becomes of a message that nobody has acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// `RabbitMQ`'s: a consumer that is late or gone loses its channel, and all it has not acknowledged goes back at once.
    Amqp,
    /// Those of an SQS standard queue: a message is invisible for a while, whoever has it; who got it last may delete it
    /// even when that is over.
    Standard,
    /// Those of an SQS FIFO queue: the same, but who is late may not.
    Fifo,
}

impl Rules {
    /// Whether a message is hidden for a while instead of belonging to a channel.
    pub fn hide(self) -> bool {
        self != Self::Amqp
    }
}

/// A queue as run.
#[derive(Clone, Debug)]
pub struct Queue {
    /// The broker.
    pub node: NodeId,
    /// From a message's arrival until it is safe.
    pub publish_latency: LawId,
    /// Messages ready for delivery; `NONE`: no limit.
    pub capacity: u32,
    /// What happens beyond it.
    pub when_full: WhenFull,
    /// From a delivery until the message is delivered again.
    pub ack_timeout: Option<Span>,
    /// What happens then.
    pub rules: Rules,
    /// Deliveries of one message; `NONE`: no limit.
    pub max_deliveries: u32,
    /// Where messages go that are given up.
    pub dead_letter: Option<QueueId>,
    /// How old a message may become.
    pub ttl: Option<Span>,
    /// Whether messages are delivered by priority.
    pub priorities: bool,
    /// Groups whose messages go to one consumer at a time.
    pub groups: Option<Groups>,
    /// Whether somebody consumes it: otherwise what is here causes nothing more.
    pub consumed: bool,
    /// The alarm of its broker, of the plan's; `NONE`: it has none.
    pub alarm: u32,
}

/// Where a program publishes.
#[derive(Clone, Copy, Debug)]
pub struct Post {
    /// Its edge.
    pub edge: EdgeId,
    /// To which queue.
    pub queue: QueueId,
    /// Its name as a hash: target and occurrence.
    pub site: u64,
    /// One-way latency to the broker.
    pub there: LawId,
    /// One-way latency of the confirmation.
    pub back: LawId,
    /// Whether the publisher waits for that.
    pub waits: bool,
    /// Whether it waits until a consumer has handled the message, and hears of that.
    pub replies: bool,
    /// For how long at most.
    pub timeout: Option<Span>,
    /// The way by the publisher's proxy, of the plan's; `NONE` where it has none.
    pub route: u32,
}

/// What becomes of a message whose handling fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// When it goes back to the head.
    Retry,
    /// When it is acknowledged all the same.
    Skip,
    /// When it goes to the dead letters.
    DeadLetter,
    /// When nothing is said.
    NeverAck,
}

/// What became of a message in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// When its consumer acknowledged it.
    Acked,
    /// When it went to the dead letters.
    DeadLettered,
    /// When it was given up, and there are no dead letters.
    Dropped,
    /// When it was too old.
    Expired,
}
