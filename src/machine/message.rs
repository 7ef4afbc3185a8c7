//! Messages: how they are published, and what is kept of them until they are gone.

use std::collections::VecDeque;

use crate::kernel::{Arena, Id};
use crate::model::id::NONE;
use crate::model::queue::{Ready, WhenFull};
use crate::model::{Cause, ClientId, Fact, Outcome, Plan, PostId, Probe, QueueId};
use crate::random::{Lineage, Purpose};
use crate::units::{Span, Time};

use super::Machine;
use super::consumer::Member;
use super::event::{Event, Mail};
use super::frame::{Frame, Pose};
use super::walk::Flow;

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// When it travels to its broker, or waits for room there.
    Outside,
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
    /// When it is too old.
    pub(super) expires: Time,
    pub(super) queue: QueueId,
    /// What it belongs to, where flows follow it.
    pub(super) root: u32,
    /// The frame that waits for the broker.
    publisher: u32,
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
    fn of(frame: &Frame, lineage: Lineage, queue: QueueId, root: u32) -> Self {
        Self {
            lineage,
            ready: Time::NEVER,
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
    /// Whether the message that comes in now is one that nobody can work on.
    fn takes_poison(&mut self) -> bool {
        let poisoned = self.poisons > 0;
        self.poisons = self.poisons.saturating_sub(1);
        poisoned
    }
}

/// All messages, queues and consumers.
#[derive(Debug)]
pub(super) struct Mailroom {
    messages: Vec<Message>,
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

    fn insert(&mut self, message: Message) -> u32 {
        if let Some(at) = self.free.pop() {
            self.messages[at as usize] = message;
            return at;
        }
        self.messages.push(message);
        self.messages.len() as u32 - 1
    }

    /// Whether nothing is left: no message anywhere.
    pub(super) fn is_idle(&self) -> bool {
        self.messages.len() == self.free.len()
    }
}

impl<P: Probe> Machine<'_, P> {
    /// Something happens to a message; the frame that goes on, if one does.
    #[inline(never)]
    pub(super) fn mail(&mut self, mail: Mail) -> Option<u32> {
        match mail {
            Mail::Post(message) => self.post(message),
            Mail::Confirm(frame) => return self.hear_confirm(frame),
            Mail::Ack(delivery) => self.hear_ack(delivery),
            Mail::Clock(queue) => self.look_at_clock(QueueId(queue)),
            Mail::Poll(member) => self.poll(member),
        }
        None
    }

    /// A message leaves for its queue; its frame waits at this operation if it waits for the broker.
    #[inline(never)]
    pub(super) fn publish(&mut self, at: u32, id: PostId) -> Flow {
        let plan = self.plan;
        let post = plan.post(id);
        let frame = self.frames[at];
        if frame.canceled {
            return self.fail_step(at, Outcome::Canceled);
        }
        let lineage = frame.lineage.child(post.site, 0);
        // What nobody will handle is not waited for.
        let root = if plan.queue(post.queue).consumed { self.root_of(at) } else { NONE };
        let message = self.mail.insert(Message {
            publisher: if post.waits { at } else { NONE },
            ..Message::of(&frame, lineage, post.queue, root)
        });
        self.join_root(root);
        let way = self.vary(post.there, lineage, Purpose::There, 0);
        let safe = self.vary(plan.queue(post.queue).publish_latency, lineage, Purpose::Broker, 0);
        self.schedule(way + safe, Event::Mail(Mail::Post(message)));
        let (edge, measured) = (post.edge, frame.measured);
        self.tell(Fact::Called { edge, measured });
        if post.waits {
            let frame = &mut self.frames[at];
            frame.since = self.now;
            frame.pose = Pose::Publishing;
            return Flow::Stay;
        }
        self.tell(Fact::Settled { edge, outcome: Outcome::Succeeded, latency: Span::ZERO, measured });
        self.frames[at].pc += 1;
        Flow::On
    }

    /// A message has arrived and would be safe: the queue takes it, or does what it does when it is full.
    fn post(&mut self, at: u32) {
        let queue = self.mail.message(at).queue;
        let plan = self.plan.queue(queue);
        let store = &self.mail.queues[queue.index()];
        if store.down {
            self.tell(Fact::Lost { queue });
            return self.turn_away(at, Outcome::ConnectFailed);
        }
        if store.ready.len() >= plan.capacity {
            match plan.when_full {
                WhenFull::Reject => {
                    self.tell(Fact::Rejected { queue });
                    return self.turn_away(at, Outcome::Overloaded);
                }
                WhenFull::Block => return self.mail.queues[queue.index()].blocked.push_back(at),
                WhenFull::DropOldest => self.drop_oldest(queue),
            }
        }
        self.accept(at);
    }

    /// A message that its queue does not take is gone.
    pub(super) fn turn_away(&mut self, at: u32, outcome: Outcome) {
        self.confirm(at, outcome);
        self.forget(at);
    }

    /// A queue takes a message.
    pub(super) fn accept(&mut self, at: u32) {
        self.confirm(at, Outcome::Succeeded);
        let counted = self.now >= Time(self.plan.warmup.0) && !self.closed;
        let queue = self.mail.message(at).queue;
        let poisoned = self.mail.queues[queue.index()].takes_poison();
        let message = self.mail.message(at);
        message.poisoned |= poisoned;
        message.counted = counted;
        let ttl = self.plan.queue(queue).ttl;
        message.expires = ttl.map_or(Time::NEVER, |ttl| self.now + ttl);
        self.tell(Fact::Published { queue, counted });
        self.make_ready(at, false);
    }

    /// The broker answers a publisher that waits.
    fn confirm(&mut self, at: u32, outcome: Outcome) {
        let message = self.mail.message(at);
        let (publisher, lineage) = (std::mem::replace(&mut message.publisher, NONE), message.lineage);
        if publisher == NONE {
            return;
        }
        self.frames[publisher].outcome = outcome;
        if let crate::model::Op::Publish { post, .. } = self.plan.ops[self.frames[publisher].pc as usize] {
            let back = self.vary(self.plan.post(post).back, lineage, Purpose::Back, 0);
            self.frames[publisher].due = self.now + back;
            self.schedule(back, Event::Mail(Mail::Confirm(publisher)));
        }
    }

    /// A publisher hears from the broker and goes on.
    fn hear_confirm(&mut self, at: u32) -> Option<u32> {
        let frame = self.frames[at];
        if frame.due != self.now || frame.pose != Pose::Publishing {
            return None;
        }
        let crate::model::Op::Publish { post, .. } = self.plan.ops[frame.pc as usize] else { return None };
        self.frames[at].due = Time::NEVER;
        self.frames[at].pose = Pose::Idle;
        let post = self.plan.post(post);
        let lineage = frame.lineage.child(post.site, 0);
        let (latency, node) = (self.now.since(frame.since), self.plan.queue(post.queue).node);
        if P::ACCOUNTS {
            let there = self.vary(post.there, lineage, Purpose::There, 0);
            let back = self.vary(post.back, lineage, Purpose::Back, 0);
            self.charge_at(at, node, Cause::Network, there);
            self.charge_at(at, node, Cause::Broker, Span(latency.0 - there.0 - back.0));
            self.charge_at(at, node, Cause::Network, back);
        }
        let (edge, outcome, measured) = (post.edge, frame.outcome, frame.measured);
        self.tell(Fact::Settled { edge, outcome, latency, measured });
        if outcome.is_good() {
            self.frames[at].pc += 1;
        } else {
            self.fail_step(at, outcome);
        }
        Some(at)
    }

    /// A publisher dies while it waits for a broker: what it published goes on.
    #[cold]
    pub(super) fn die_publishing(&mut self, at: u32) {
        for message in self.mail.messages.iter_mut().filter(|message| message.publisher == at) {
            message.publisher = NONE;
        }
        let frame = self.frames[at];
        let edge = match self.plan.ops[frame.pc as usize] {
            crate::model::Op::Publish { post, .. } => self.plan.post(post).edge,
            crate::model::Op::Produce(producer) => self.plan.producers[producer.index()].edge,
            _ => return,
        };
        let latency = self.now.since(frame.since);
        self.tell(Fact::Settled { edge, outcome: Outcome::Abandoned, latency, measured: frame.measured });
    }

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
    pub(super) fn take_effect(&mut self, at: u32, idempotent: bool) {
        let message = self.mail.message(at);
        message.effects += 1;
        let (client, measured) = (ClientId(u32::from(message.client)), message.measured);
        if message.effects > 1 && !idempotent {
            self.tell(Fact::Duplicate { client, measured });
        }
    }
}
