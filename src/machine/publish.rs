//! Publishers and their brokers: a message sets out, is taken or turned away, and whoever waits for that hears of it.

use crate::model::id::NONE;
use crate::model::queue::WhenFull;
use crate::model::{Cause, Fact, Op, Outcome, PostId, Probe, QueueId};
use crate::random::Purpose;
use crate::units::{Span, Time};

use super::Machine;
use super::event::Rare;
use super::frame::Pose;
use super::message::{Message, Whereabouts};
use super::walk::Flow;

impl<P: Probe> Machine<'_, P> {
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
        let (full, capacity) = (plan.queue(post.queue).when_full, plan.queue(post.queue).capacity);
        let store = &mut self.mail.queues[post.queue.index()];
        let held = full == WhenFull::Block && !store.down && store.holds(capacity);
        let waits = post.waits || held;
        let reserved = full == WhenFull::Block && !waits;
        store.reserved += u32::from(reserved);
        let message = self.mail.insert(Message {
            publisher: if waits { at } else { NONE },
            place: if reserved { Whereabouts::Expected } else { Whereabouts::Outside },
            ..Message::of(&frame, lineage, post.queue, root)
        });
        self.join_root(root);
        let way = self.vary(post.there, lineage, Purpose::There, 0);
        let safe = self.vary(plan.queue(post.queue).publish_latency, lineage, Purpose::Broker, 0);
        self.schedule(way + safe, Rare::Post(message).event());
        let (edge, measured) = (post.edge, frame.measured);
        self.tell(Fact::Called { edge, measured });
        if waits {
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
    pub(super) fn post(&mut self, at: u32) {
        let queue = self.mail.message(at).queue;
        let plan = self.plan.queue(queue);
        let place = &mut self.mail.message(at).place;
        let reserved = std::mem::replace(place, Whereabouts::Outside) == Whereabouts::Expected;
        let store = &mut self.mail.queues[queue.index()];
        store.reserved -= u32::from(reserved);
        if store.down {
            self.tell(Fact::Lost { queue });
            return self.turn_away(at, Outcome::ConnectFailed);
        }
        let full = match plan.when_full {
            WhenFull::Block => !reserved && store.holds(plan.capacity),
            _ => store.ready.len() >= plan.capacity,
        };
        if full {
            match plan.when_full {
                WhenFull::Reject | WhenFull::DeadLetter => return self.reject(at),
                WhenFull::Block => {
                    store.blocked.push_back(at);
                    return self.tell(Fact::Blocked { queue, up: true });
                }
                WhenFull::DropOldest => self.drop_oldest(queue),
            }
        }
        self.accept(at);
    }

    /// A full queue refuses a message, which may go to the dead letters.
    fn reject(&mut self, at: u32) {
        let queue = self.mail.message(at).queue;
        let plan = self.plan.queue(queue);
        self.tell(Fact::Rejected { queue });
        if let (WhenFull::DeadLetter, Some(to)) = (plan.when_full, plan.dead_letter) {
            self.forward(at, to);
        }
        self.turn_away(at, Outcome::Overloaded);
    }

    /// A message that its queue does not take is gone.
    pub(super) fn turn_away(&mut self, at: u32, outcome: Outcome) {
        self.confirm(at, outcome);
        self.forget(at);
    }

    /// A queue takes a message.
    pub(super) fn accept(&mut self, at: u32) {
        self.confirm(at, Outcome::Succeeded);
        let counted = self.is_measured();
        let queue = self.mail.message(at).queue;
        let poisoned = self.mail.queues[queue.index()].takes_poison();
        let now = self.now;
        let message = self.mail.message(at);
        message.published = now;
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
        if let Op::Publish { post, .. } = self.plan.ops[self.frames[publisher].pc as usize] {
            let back = self.vary(self.plan.post(post).back, lineage, Purpose::Back, 0);
            self.frames[publisher].due = self.now + back;
            self.schedule(back, Rare::Confirm(publisher).event());
        }
    }

    /// A publisher hears from the broker and goes on.
    pub(super) fn hear_confirm(&mut self, at: u32) -> Option<u32> {
        let frame = self.frames[at];
        if frame.due != self.now || frame.pose != Pose::Publishing {
            return None;
        }
        let Op::Publish { post, .. } = self.plan.ops[frame.pc as usize] else { return None };
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

    /// A publisher dies while it waits for a broker: what it published goes on, unless it still waits for room.
    #[cold]
    pub(super) fn die_publishing(&mut self, at: u32) {
        let own = (0..).zip(&mut self.mail.messages).filter(|(_, message)| message.publisher == at);
        let own: Vec<(u32, QueueId)> = own
            .map(|(id, message)| {
                message.publisher = NONE;
                (id, message.queue)
            })
            .collect();
        for (id, queue) in own {
            let blocked = &mut self.mail.queues[queue.index()].blocked;
            if let Some(place) = blocked.iter().position(|other| *other == id) {
                blocked.remove(place);
                self.tell(Fact::Blocked { queue, up: false });
                self.forget(id);
            }
        }
        let frame = self.frames[at];
        let edge = match self.plan.ops[frame.pc as usize] {
            Op::Publish { post, .. } => self.plan.post(post).edge,
            Op::Produce { producer, .. } => self.plan.producers[producer.index()].edge,
            _ => return,
        };
        let latency = self.now.since(frame.since);
        self.tell(Fact::Settled { edge, outcome: Outcome::Abandoned, latency, measured: frame.measured });
    }
}
