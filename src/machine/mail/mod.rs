//! Messages: how they are published, and what is kept of them until they are gone.

pub(crate) mod absence;
pub(crate) mod alarm;
pub(crate) mod consumer;
pub(crate) mod publish;
pub(crate) mod queue;

use std::collections::{BTreeMap, VecDeque};

use crate::kernel::{Arena, Id};
use crate::model::id::NONE;
use crate::model::queue::Ready;
use crate::model::{CallId, ClientId, EdgeId, Fact, Plan, Probe, QueueId, Trace};
use crate::random::{Lineage, Purpose};
use crate::units::{Span, Time};

use crate::machine::core::Core;
use crate::machine::core::event::Rare;
use crate::machine::core::frame::Frame;
use crate::machine::core::frame::Whose;
use crate::machine::mail::alarm::Alarm;
use crate::machine::mail::consumer::Member;

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
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
pub(crate) struct Message {
    /// Names its draws.
    pub(crate) lineage: Lineage,
    /// Since when it is ready.
    pub(crate) ready: Time,
    /// When it came to its queue.
    pub(crate) published: Time,
    /// When it is too old.
    pub(crate) expires: Time,
    pub(crate) queue: QueueId,
    /// What it belongs to, where flows follow it.
    pub(crate) root: u32,
    /// The frame that waits for the broker.
    pub(crate) publisher: u32,
    /// Deliveries so far.
    pub(crate) deliveries: u32,
    /// How often it was handled well.
    pub(crate) effects: u32,
    /// Deliveries that remember it, and one while it is not gone.
    pub(crate) open: u32,
    pub(crate) whose: Whose,
    /// Whether it came to its queue in the measured time.
    pub(crate) counted: bool,
    pub(crate) place: Whereabouts,
    /// Whether nobody can work on it.
    pub(crate) poisoned: bool,
    pub(crate) way: Way,
}

/// How a message comes to its queue, and where it belongs there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Way {
    /// From its publisher; `None`: from another queue.
    pub(crate) edge: Option<EdgeId>,
    /// How often it was sent again because the network dropped it.
    pub(crate) resent: u8,
    /// Its group, where its queue has any.
    pub(crate) group: Option<u64>,
}

impl Message {
    /// What a frame sends to a queue: outside it still, and nobody waits for the broker.
    pub(crate) fn sent_by(frame: &Frame, lineage: Lineage, queue: QueueId, root: u32) -> Self {
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
            whose: frame.whose,
            counted: false,
            place: Whereabouts::Outside,
            poisoned: false,
            way: Way::default(),
        }
    }
}

/// What a consumer tells its broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
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
pub(crate) struct Delivery {
    pub(crate) message: u32,
    pub(crate) member: u32,
    /// Which of its consumer's duties it is.
    pub(crate) duty: u32,
    /// Which delivery of the message it is, from 1.
    pub(crate) nth: u32,
    /// Whether the message was taken from it: nothing that is said of it counts.
    pub(crate) void: bool,
    /// Whether the connection it came by was reset: a consumer that has not begun with it never sees it.
    pub(crate) reset: bool,
    /// Whether the consumer has begun with it.
    pub(crate) begun: bool,
    /// Whether the consumer still has it.
    pub(crate) held: bool,
    /// Whether the consumer has handled it well, and says so later.
    pub(crate) unsaid: bool,
    /// What the consumer has said.
    pub(crate) verdict: Verdict,
    /// Whether the broker has heard that.
    pub(crate) heard: bool,
}

/// A queue at work.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    pub(crate) ready: Ready,
    /// Consumers with room, in turn; one that lost its room is passed over.
    pub(crate) open: VecDeque<u32>,
    /// Deliveries by the time when their messages are delivered again.
    pub(crate) deadlines: VecDeque<(Time, Id)>,
    /// Messages that wait for room.
    pub(crate) blocked: VecDeque<u32>,
    /// Messages on their way for which there is room.
    pub(crate) reserved: u32,
    /// When the live entry of its clock is; any other is stale.
    pub(crate) armed: Option<Time>,
    /// Whether its broker is down.
    pub(crate) down: bool,
    /// Messages to come that nobody can work on.
    pub(crate) poisons: u32,
    /// Whether nothing is delivered for the moment: several messages come back at once.
    pub(crate) hushed: bool,
    /// Groups of which a consumer has messages: which one, and how many.
    pub(crate) owners: BTreeMap<u64, (u32, u32)>,
}

impl Store {
    /// Whether a message to a queue that holds its senders would have to wait.
    pub(crate) fn holds(&self, capacity: u32) -> bool {
        !self.blocked.is_empty() || !self.has_room(capacity)
    }

    /// Whether one more message fits, those on their way included.
    pub(crate) fn has_room(&self, capacity: u32) -> bool {
        self.ready.len() + self.reserved < capacity
    }

    /// Whether the message that comes in now is one that nobody can work on.
    pub(crate) fn takes_poison(&mut self) -> bool {
        let poisoned = self.poisons > 0;
        self.poisons = self.poisons.saturating_sub(1);
        poisoned
    }
}

/// All messages, queues and consumers.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) messages: Vec<Message>,
    free: Vec<u32>,
    pub(crate) deliveries: Arena<Delivery>,
    pub(crate) queues: Vec<Store>,
    pub(crate) members: Vec<Member>,
    /// By number in the plan.
    pub(crate) alarms: Vec<Alarm>,
}

impl Mail {
    /// Empty queues, idle consumers.
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            messages: Vec::new(),
            free: Vec::new(),
            deliveries: Arena::new(),
            queues: plan.queues.iter().map(|_| Store::default()).collect(),
            members: consumer::members(plan),
            alarms: vec![Alarm::default(); plan.alarms.len()],
        }
    }

    /// A message.
    #[inline]
    pub(crate) fn message(&mut self, at: u32) -> &mut Message {
        &mut self.messages[at as usize]
    }

    /// Since when a message is, or was last, ready.
    pub(crate) fn ready_since(&self, at: u32) -> Time {
        self.messages[at as usize].ready
    }

    pub(crate) fn insert(&mut self, message: Message) -> u32 {
        if let Some(at) = self.free.pop() {
            self.messages[at as usize] = message;
            return at;
        }
        self.messages.push(message);
        self.messages.len() as u32 - 1
    }

    /// Messages anywhere.
    pub(crate) fn alive(&self) -> usize {
        self.messages.len() - self.free.len()
    }

    /// Whether nothing is left: no message anywhere.
    pub(crate) fn is_idle(&self) -> bool {
        self.messages.len() == self.free.len()
    }
}

impl Mail {
    /// A message is gone: its slot is free when no delivery remembers it.
    pub(crate) fn drop_message<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        self.free_group(at);
        self.count_out(core, at);
        let message = self.message(at);
        message.place = Whereabouts::Gone;
        self.release(core, at);
    }

    /// A consumer no longer has a message: when it was the last of its group, that is free.
    pub(crate) fn free_group(&mut self, at: u32) {
        let Message { way: Way { group: Some(group), .. }, place: Whereabouts::Delivered, queue, .. } =
            self.messages[at as usize]
        else {
            return;
        };
        let owners = &mut self.queues[queue.index()].owners;
        if let Some(owner) = owners.get_mut(&group) {
            owner.1 -= 1;
            if owner.1 == 0 {
                owners.remove(&group);
            }
        }
    }

    /// One fewer remembers a message.
    pub(crate) fn release<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let message = self.message(at);
        message.open -= 1;
        if message.open == 0 {
            let root = message.root;
            self.free.push(at);
            core.leave_root(root);
        }
    }

    /// A copy of a message goes on in another queue, as new.
    pub(crate) fn forward<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, to: QueueId) {
        let old = *self.message(at);
        let groups = core.plan.queue(to).groups.as_ref();
        let group = groups.map(|groups| old.way.group.unwrap_or_else(|| groups.of(core.seed, old.lineage)));
        let new = Message {
            lineage: old.lineage.child(core.plan.node(core.plan.queue(to).node).hash, 0),
            queue: to,
            publisher: NONE,
            deliveries: 0,
            effects: 0,
            open: 1,
            place: Whereabouts::Outside,
            way: Way { group, ..Way::default() },
            root: if core.plan.queue(to).consumed { old.root } else { NONE },
            ..old
        };
        core.join_root(new.root);
        let (message, node) = (new.lineage, core.plan.queue(to).node);
        if core.plan.queue(to).consumed {
            core.trace(|at| Trace::Moved { from: old.lineage, message, node, at });
        }
        let new = self.insert(new);
        self.come_in(core, new);
    }

    /// A copy of a record that failed (in the hands of a frame) goes to a queue: how it is called, how far it is, and whether nobody
    /// can work on it.
    pub(crate) fn bury<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        at: u32,
        to: QueueId,
        (lineage, way, poisoned): (Lineage, Span, bool),
    ) {
        let (frame, root) = (core.frames[at], core.root_of(at));
        let node = core.plan.queue(to).node;
        if core.plan.queue(to).consumed {
            core.trace(|now| Trace::Sent { frame: at, message: lineage, node, at: now });
        }
        let message = self.insert(Message::sent_by(&frame, lineage, to, root));
        let group = core.plan.queue(to).groups.as_ref().map(|groups| groups.of(core.seed, frame.lineage));
        let buried = self.message(message);
        (buried.poisoned, buried.way.group) = (poisoned, group);
        core.join_root(root);
        let safe = core.vary(core.plan.queue(to).publish_latency, lineage, Purpose::Broker, 0);
        if way + safe == Span::ZERO {
            return self.come_in(core, message);
        }
        core.schedule(way + safe, Rare::Post(message).event());
    }

    /// A message has its effect; a second time it is one too many.
    pub(crate) fn take_effect<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        at: u32,
        delivery: CallId,
        idempotent: bool,
    ) {
        let call = core.plan.call(delivery);
        let (endpoint, edge) = (call.endpoint, call.edge);
        let message = self.message(at);
        message.effects += 1;
        let (client, measured) = (ClientId(u32::from(message.whose.client)), message.whose.measured);
        if message.effects > 1 && !idempotent {
            core.tell(Fact::Duplicate { client, endpoint, edge, measured });
        }
    }
}
