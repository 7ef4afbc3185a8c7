//! Messages: how they are published, and what is kept of them until they are gone.

use std::collections::VecDeque;

use crate::kernel::{Arena, Id};
use crate::model::id::NONE;
use crate::model::queue::Ready;
use crate::model::{CallId, ClientId, Fact, Plan, Probe, QueueId};
use crate::random::Lineage;
use crate::units::Time;

use super::Machine;
use super::consumer::Member;
use super::frame::Frame;

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// When it travels to its broker, or waits for room there.
    Outside,
    /// When it travels to its broker, and there is room for it: its sender did not have to wait.
    Expected,
    /// When it is ready for delivery.
    Ready,
    /// When a consumer has it.
    Delivered,
    /// When it is gone, and only deliveries that are void remember it.
    Gone,
}

/// A message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    /// Names its draws.
    pub(super) lineage: Lineage,
    /// Since when it is ready.
    pub(super) ready: Time,
    /// When it came to its queue.
    pub(super) published: Time,
    /// When it is too old.
    pub(super) expires: Time,
    pub(super) queue: QueueId,
    /// What it belongs to, where flows follow it.
    pub(super) root: u32,
    /// The frame that waits for the broker.
    pub(super) publisher: u32,
    /// Deliveries so far.
    pub(super) deliveries: u32,
    /// How often it was handled well.
    pub(super) effects: u32,
    /// Deliveries that remember it, and one while it is not gone.
    pub(super) open: u32,
    pub(super) client: u16,
    pub(super) priority: u8,
    /// Whether the request behind it belongs to the measured cohort.
    pub(super) measured: bool,
    /// Whether it came to its queue in the measured time.
    pub(super) counted: bool,
    pub(super) place: Whereabouts,
    /// Whether nobody can work on it.
    pub(super) poisoned: bool,
}

impl Message {
    /// What a frame sends to a queue: outside it still, and nobody waits for the broker.
    pub(super) fn of(frame: &Frame, lineage: Lineage, queue: QueueId, root: u32) -> Self {
        Self {
            lineage,
            ready: Time::NEVER,
            published: Time::NEVER,
            expires: Time::NEVER,
            queue,
            root,
            publisher: NONE,
            deliveries: 0,
            effects: 0,
            open: 1,
            client: frame.client,
            priority: frame.priority,
            measured: frame.measured,
            counted: false,
            place: Whereabouts::Outside,
            poisoned: false,
        }
    }
}

/// What a consumer tells its broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// When it has said nothing.
    None,
    /// When the message is done with.
    Ack,
    /// When it is to go back.
    Nack,
    /// When it is to be given up.
    Reject,
}

/// A message on its way to a consumer, or with it.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "consumer and broker learn of its stages at different times")]
pub(super) struct Delivery {
    pub(super) message: u32,
    pub(super) member: u32,
    /// Which delivery of the message it is, from 1.
    pub(super) nth: u32,
    /// Whether the message was taken from it: nothing that is said of it counts.
    pub(super) void: bool,
    /// Whether the connection it came by was reset: a consumer that has not begun with it never sees it.
    pub(super) reset: bool,
    /// Whether the consumer has begun with it.
    pub(super) begun: bool,
    /// Whether the consumer still has it.
    pub(super) held: bool,
    /// What the consumer has said.
    pub(super) verdict: Verdict,
    /// Whether the broker has heard that.
    pub(super) heard: bool,
}

/// A queue at work.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) ready: Ready,
    /// Consumers with room, in turn; one that lost its room is passed over.
    pub(super) open: VecDeque<u32>,
    /// Deliveries by the time when their messages are delivered again.
    pub(super) deadlines: VecDeque<(Time, Id)>,
    /// Messages that wait for room.
    pub(super) blocked: VecDeque<u32>,
    /// Messages on their way for which there is room.
    pub(super) reserved: u32,
    /// When the live entry of its clock is; any other is stale.
    pub(super) armed: Option<Time>,
    /// Whether its broker is down.
    pub(super) down: bool,
    /// Messages to come that nobody can work on.
    poisons: u32,
    /// Whether nothing is delivered for the moment: several messages come back at once.
    pub(super) hushed: bool,
}

impl Store {
    /// Whether a message to a queue that holds its senders would have to wait.
    pub(super) fn holds(&self, capacity: u32) -> bool {
        !self.blocked.is_empty() || !self.has_room(capacity)
    }

    /// Whether one more message fits, those on their way included.
    pub(super) fn has_room(&self, capacity: u32) -> bool {
        self.ready.len() + self.reserved < capacity
    }

    /// Whether the message that comes in now is one that nobody can work on.
    pub(super) fn takes_poison(&mut self) -> bool {
        let poisoned = self.poisons > 0;
        self.poisons = self.poisons.saturating_sub(1);
        poisoned
    }
}

/// All messages, queues and consumers.
#[derive(Debug)]
pub(super) struct Mailroom {
    pub(super) messages: Vec<Message>,
    free: Vec<u32>,
    pub(super) deliveries: Arena<Delivery>,
    pub(super) queues: Vec<Store>,
    pub(super) members: Vec<Member>,
}

impl Mailroom {
    /// Empty queues, idle consumers.
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            messages: Vec::new(),
            free: Vec::new(),
            deliveries: Arena::new(),
            queues: plan.queues.iter().map(|_| Store::default()).collect(),
            members: super::consumer::members(plan),
        }
    }

    /// A message.
    #[inline]
    pub(super) fn message(&mut self, at: u32) -> &mut Message {
        &mut self.messages[at as usize]
    }

    /// Since when a message is, or was last, ready.
    pub(super) fn ready_since(&self, at: u32) -> Time {
        self.messages[at as usize].ready
    }

    pub(super) fn insert(&mut self, message: Message) -> u32 {
        if let Some(at) = self.free.pop() {
            self.messages[at as usize] = message;
            return at;
        }
        self.messages.push(message);
        self.messages.len() as u32 - 1
    }

    /// Messages anywhere.
    pub(super) fn alive(&self) -> usize {
        self.messages.len() - self.free.len()
    }

    /// Whether nothing is left: no message anywhere.
    pub(super) fn is_idle(&self) -> bool {
        self.messages.len() == self.free.len()
    }
}

impl<P: Probe> Machine<'_, P> {
    /// A message is gone: its slot is free when no delivery remembers it.
    pub(super) fn forget(&mut self, at: u32) {
        let message = self.mail.message(at);
        message.place = Whereabouts::Gone;
        self.release(at);
    }

    /// One fewer remembers a message.
    pub(super) fn release(&mut self, at: u32) {
        let message = self.mail.message(at);
        message.open -= 1;
        if message.open == 0 {
            let root = message.root;
            self.mail.free.push(at);
            self.leave_root(root);
        }
    }

    /// A copy of a message goes on in another queue, as new.
    pub(super) fn forward(&mut self, at: u32, to: QueueId) {
        let old = *self.mail.message(at);
        let new = Message {
            lineage: old.lineage.child(self.plan.node(self.plan.queue(to).node).hash, 0),
            queue: to,
            publisher: NONE,
            deliveries: 0,
            effects: 0,
            open: 1,
            place: Whereabouts::Outside,
            root: if self.plan.queue(to).consumed { old.root } else { NONE },
            ..old
        };
        self.join_root(new.root);
        let new = self.mail.insert(new);
        self.post(new);
    }

    /// The next message of a broker will be one that nobody can work on.
    #[cold]
    pub(super) fn poison(&mut self, replica: u32) {
        let node = self.replicas[replica as usize].node;
        let queues = self.plan.queues.iter().zip(&mut self.mail.queues).filter(|(queue, _)| queue.node == node);
        queues.for_each(|(_, store)| store.poisons += 1);
        self.streams.poison(self.plan, node);
    }

    /// A copy of a record that failed (in the hands of a frame) goes to a queue.
    pub(super) fn bury(&mut self, at: u32, to: QueueId, poisoned: bool) {
        let (frame, root) = (self.frames[at], self.root_of(at));
        let message = self.mail.insert(Message::of(
            &frame,
            frame.lineage.child(self.plan.node(self.plan.queue(to).node).hash, 0),
            to,
            root,
        ));
        self.mail.message(message).poisoned = poisoned;
        self.join_root(root);
        self.post(message);
    }

    /// A message has its effect; a second time it is one too many.
    pub(super) fn take_effect(&mut self, at: u32, delivery: CallId, idempotent: bool) {
        let call = self.plan.call(delivery);
        let (endpoint, edge) = (call.endpoint, call.edge);
        let message = self.mail.message(at);
        message.effects += 1;
        let (client, measured) = (ClientId(u32::from(message.client)), message.measured);
        if message.effects > 1 && !idempotent {
            self.tell(Fact::Duplicate { client, endpoint, edge, measured });
        }
    }
}
