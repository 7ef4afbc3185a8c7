//! Publishers and their brokers: a message sets out, is taken or turned away, and whoever waits for that hears of it.

use crate::model::fault::drop;
use crate::model::id::NONE;
use crate::model::queue::{Post, WhenFull};
use crate::model::{CallId, Cause, EdgeId, Fact, Op, Outcome, PostId, Probe, QueueId, Trace};
use crate::random::{Lineage, Purpose};
use crate::units::{Span, Time};

use crate::machine::core::event::Rare;
use crate::machine::core::frame::Pose;
use crate::machine::core::{Core, Flow};
use crate::machine::mail::{Mail, Message, Way, Whereabouts};

/// Names the draw of a reply's way to the broker.
const REPLY: u32 = 2;

impl Mail {
    /// A message leaves for its queue; its frame waits at this operation if it waits for the broker.
    #[inline(never)]
    pub(crate) fn publish<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: PostId) -> Flow {
        let plan = core.plan;
        let post = plan.post(id);
        let frame = core.frames[at];
        if frame.marks.canceled {
            return core.fail_step(at, Outcome::Canceled);
        }
        if core.is_barred(post.route, frame.replica) {
            return core.fail_to_publish(at, post.edge, Outcome::ConnectFailed);
        }
        let lineage = frame.lineage.child(post.site, 0);
        if core.is_troubled() && core.is_turned_away(post.edge, lineage) {
            return core.fail_to_publish(at, post.edge, Outcome::Error);
        }
        // What nobody will handle is not waited for.
        let root = if plan.queue(post.queue).consumed { core.root_of(at) } else { NONE };
        let (full, capacity) = (plan.queue(post.queue).when_full, plan.queue(post.queue).capacity);
        let alarmed = self.is_alarmed(core, post.queue);
        let store = &mut self.queues[post.queue.index()];
        let held = !store.down && (full == WhenFull::Block && store.holds(capacity) || alarmed);
        let waits = post.waits || held || post.replies;
        let reserved = full == WhenFull::Block && !waits;
        store.reserved += u32::from(reserved);
        let groups = plan.queue(post.queue).groups.as_ref();
        let group = groups.map(|groups| groups.of(core.seed, frame.lineage));
        let message = self.insert(Message {
            publisher: if waits { at } else { NONE },
            place: if reserved { Whereabouts::Expected } else { Whereabouts::Outside },
            way: Way { edge: Some(post.edge), resent: 0, group },
            ..Message::sent_by(&frame, lineage, post.queue, root)
        });
        core.join_root(root);
        let node = plan.queue(post.queue).node;
        if plan.queue(post.queue).consumed {
            core.trace(|now| Trace::Sent { frame: at, message: lineage, node, at: now });
        }
        let stays =
            core.pass_beside(post.route, frame.replica, (lineage, Purpose::There, 0), if waits { at } else { NONE });
        let way = stays + core.vary(post.there, lineage, Purpose::There, 0);
        let safe = core.vary(plan.queue(post.queue).publish_latency, lineage, Purpose::Broker, 0);
        core.schedule(way + safe, Rare::Post(message).event());
        let (edge, measured) = (post.edge, frame.whose.measured);
        core.tell(Fact::Called { edge, measured });
        if waits {
            let frame = &mut core.frames[at];
            frame.wait.since = core.now;
            frame.state.pose = Pose::Publishing;
            if let Some(timeout) = post.timeout.filter(|_| post.replies) {
                (frame.due, frame.state.outcome) = (core.now + timeout, Outcome::Timeout);
                core.schedule(timeout, Rare::Confirm(at).event());
            }
            return Flow::Stay;
        }
        core.tell(Fact::Settled { edge, outcome: Outcome::Succeeded, latency: Span::ZERO, measured });
        core.frames[at].pc += 1;
        Flow::On
    }

    /// A message has arrived and would be safe: the queue takes it, or does what it does when it is full.
    pub(crate) fn come_in<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        if core.is_troubled() && self.message(at).way.edge.is_some_and(|edge| core.is_parted(edge)) {
            return self.send_again(core, at);
        }
        let queue = self.message(at).queue;
        let place = &mut self.message(at).place;
        let reserved = std::mem::replace(place, Whereabouts::Outside) == Whereabouts::Expected;
        let store = &mut self.queues[queue.index()];
        store.reserved -= u32::from(reserved);
        if store.down {
            core.tell(Fact::Lost { queue });
            return self.turn_away(core, at, Outcome::ConnectFailed);
        }
        // What comes from another queue does not come over a connection.
        if self.message(at).way.edge.is_some() && self.is_alarmed(core, queue) {
            self.queues[queue.index()].blocked.push_back(at);
            return core.tell(Fact::Blocked { queue, up: true });
        }
        self.admit(core, at, reserved);
    }

    /// A queue takes a message, or does what it does when it is full.
    pub(crate) fn admit<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, reserved: bool) {
        let queue = self.message(at).queue;
        let plan = core.plan.queue(queue);
        let store = &mut self.queues[queue.index()];
        let full = match plan.when_full {
            WhenFull::Block => !reserved && store.holds(plan.capacity),
            _ => store.ready.len() >= plan.capacity,
        };
        if full {
            match plan.when_full {
                WhenFull::Reject | WhenFull::DeadLetter => return self.reject(core, at),
                WhenFull::Block => {
                    store.blocked.push_back(at);
                    return core.tell(Fact::Blocked { queue, up: true });
                }
                WhenFull::DropOldest => self.drop_oldest(core, queue),
            }
        }
        self.accept(core, at);
    }

    /// The network drops a message on its way to the broker: it is sent again.
    #[cold]
    fn send_again<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let way = &mut self.message(at).way;
        let wait = drop::retransmission(way.resent);
        way.resent = way.resent.saturating_add(1);
        core.schedule(wait, Rare::Post(at).event());
    }

    /// A full queue refuses a message, which may go to the dead letters.
    fn reject<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let queue = self.message(at).queue;
        let plan = core.plan.queue(queue);
        core.tell(Fact::Rejected { queue });
        if let (WhenFull::DeadLetter, Some(to)) = (plan.when_full, plan.dead_letter) {
            self.forward(core, at, to);
        }
        self.turn_away(core, at, Outcome::Overloaded);
    }

    /// A message that its queue does not take is gone.
    pub(crate) fn turn_away<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, outcome: Outcome) {
        self.confirm(core, at, outcome);
        let message = self.message(at).lineage;
        core.trace(|at| Trace::Gone { message, outcome, at });
        self.drop_message(core, at);
    }

    /// A queue takes a message.
    pub(crate) fn accept<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        self.confirm(core, at, Outcome::Succeeded);
        let counted = core.is_measured();
        let queue = self.message(at).queue;
        self.count_in(core, queue);
        let poisoned = self.queues[queue.index()].takes_poison();
        let now = core.now;
        let message = self.message(at);
        message.published = now;
        message.poisoned |= poisoned;
        message.counted = counted;
        let ttl = core.plan.queue(queue).ttl;
        message.expires = ttl.map_or(Time::NEVER, |ttl| core.now + ttl);
        core.tell(Fact::Published { queue, counted });
        self.make_ready(core, at, false);
    }

    /// The broker answers a publisher that waits.
    fn confirm<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, outcome: Outcome) {
        let message = self.message(at);
        let (publisher, lineage) = (std::mem::replace(&mut message.publisher, NONE), message.lineage);
        if publisher == NONE {
            return;
        }
        if let Op::Publish { post, .. } = core.plan.ops[core.frames[publisher].pc as usize] {
            let post = core.plan.post(post);
            if post.replies && outcome.is_good() {
                // It waits for somebody's word who has handled it.
                self.message(at).publisher = publisher;
                return;
            }
            core.frames[publisher].state.outcome = outcome;
            let back = core.vary(post.back, lineage, Purpose::Back, 0);
            let next = if post.route == NONE { Rare::Confirm(publisher) } else { Rare::Receipt(publisher) };
            core.frames[publisher].due = core.now + back;
            core.schedule(back, next.event());
        }
    }

    /// A message has been handled well: the word of that travels over the broker to whoever waits for it.
    pub(crate) fn reply<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, handled: Lineage, delivery: CallId) {
        let message = self.message(at);
        let (publisher, lineage) = (std::mem::replace(&mut message.publisher, NONE), message.lineage);
        if publisher == NONE {
            return;
        }
        let Op::Publish { post, .. } = core.plan.ops[core.frames[publisher].pc as usize] else { return };
        let post = core.plan.post(post);
        let to_broker = core.vary(core.plan.call(delivery).back, handled, Purpose::Back, REPLY);
        let way = to_broker + core.vary(post.back, lineage, Purpose::Back, 0);
        let next = if post.route == NONE { Rare::Confirm(publisher) } else { Rare::Receipt(publisher) };
        let frame = &mut core.frames[publisher];
        (frame.state.outcome, frame.due) = (Outcome::Succeeded, core.now + way);
        core.schedule(way, next.event());
    }

    /// A publisher that waits for a reply has waited as long as it does.
    pub(crate) fn give_up_reply<P: Probe>(&mut self, core: &Core<'_, P>, at: u32) {
        let frame = &core.frames[at];
        if frame.state.pose == Pose::Publishing && frame.due == core.now && frame.state.outcome == Outcome::Timeout {
            self.messages.iter_mut().filter(|message| message.publisher == at).for_each(|m| m.publisher = NONE);
        }
    }

    /// A publisher dies while it waits for a broker: what it published goes on, unless it still waits for room.
    #[cold]
    pub(crate) fn die_publishing<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let own = (0..).zip(&mut self.messages).filter(|(_, message)| message.publisher == at);
        let own: Vec<(u32, QueueId)> = own
            .map(|(id, message)| {
                message.publisher = NONE;
                (id, message.queue)
            })
            .collect();
        for (id, queue) in own {
            let blocked = &mut self.queues[queue.index()].blocked;
            if let Some(place) = blocked.iter().position(|other| *other == id) {
                blocked.remove(place);
                core.tell(Fact::Blocked { queue, up: false });
                self.drop_message(core, id);
            }
        }
        let frame = core.frames[at];
        let edge = match core.plan.ops[frame.pc as usize] {
            Op::Publish { post, .. } => core.plan.post(post).edge,
            Op::Produce { producer, .. } => core.plan.producers[producer.index()].edge,
            _ => return,
        };
        let latency = core.now.since(frame.wait.since);
        core.tell(Fact::Settled { edge, outcome: Outcome::Abandoned, latency, measured: frame.whose.measured });
    }
}

impl<P: Probe> Core<'_, P> {
    /// A message does not leave: the proxy beside its publisher is down, and its connection to the broker with it, or a fault turns
    /// it away.
    #[cold]
    fn fail_to_publish(&mut self, at: u32, edge: EdgeId, outcome: Outcome) -> Flow {
        let measured = self.frames[at].whose.measured;
        self.tell(Fact::Called { edge, measured });
        self.tell(Fact::Settled { edge, outcome, latency: Span::ZERO, measured });
        self.fail_step(at, outcome)
    }

    /// The network drops the broker's word to a publisher: it comes later. Says whether it does.
    fn hears_later(&mut self, at: u32, edge: EdgeId, word: Rare) -> bool {
        let cut = self.is_parted(edge);
        let Some((_, wait)) = self.trouble.dropped.next(at, None, cut, self.now) else { return false };
        self.frames[at].due = self.now + wait;
        self.schedule(wait, word.event());
        true
    }

    /// What a frame that waits for a broker waits for, and the name of its message's draws.
    fn awaited(&self, at: u32) -> Option<(Post, Lineage)> {
        let frame = &self.frames[at];
        if frame.due != self.now || frame.state.pose != Pose::Publishing {
            return None;
        }
        let Op::Publish { post, .. } = self.plan.ops[frame.pc as usize] else { return None };
        let post = *self.plan.post(post);
        Some((post, frame.lineage.child(post.site, 0)))
    }

    /// Charges a publisher's time since its message has left it, or the proxy beside it, up to the broker's word.
    fn charge_exchange(&mut self, at: u32, post: &Post, lineage: Lineage) {
        if !self.probe.accounts() {
            return;
        }
        let node = self.plan.queue(post.queue).node;
        let all = self.now.since(self.frames[at].account.until);
        if self.frames[at].state.outcome == Outcome::Timeout {
            return self.charge_at(at, node, Cause::Broker, all);
        }
        let there =
            self.vary(post.there, lineage, Purpose::There, 0) + self.aside(post.route, (lineage, Purpose::There, 0));
        let back = self.vary(post.back, lineage, Purpose::Back, 0);
        self.charge_at(at, node, Cause::Network, there);
        self.charge_at(at, node, Cause::Broker, Span(all.0 - there.0 - back.0));
        self.charge_at(at, node, Cause::Network, back);
    }

    /// The broker's word is at the proxy beside its publisher.
    pub(crate) fn take_receipt(&mut self, at: u32) {
        let Some((post, lineage)) = self.awaited(at) else { return };
        if self.is_troubled() && self.hears_later(at, post.edge, Rare::Receipt(at)) {
            return;
        }
        let replica = self.frames[at].replica;
        self.charge_exchange(at, &post, lineage);
        let takes = if self.is_barred(post.route, replica) {
            self.frames[at].state.outcome = Outcome::Reset;
            Span::ZERO
        } else {
            self.pass_beside(post.route, replica, (lineage, Purpose::Back, 0), at)
        };
        self.frames[at].due = self.now + takes;
        self.schedule(takes, Rare::Confirm(at).event());
    }

    /// A publisher hears from the broker and goes on.
    pub(crate) fn hear_confirm(&mut self, at: u32) -> Option<u32> {
        let (post, lineage) = self.awaited(at)?;
        if self.is_troubled() && post.route == NONE && self.hears_later(at, post.edge, Rare::Confirm(at)) {
            return None;
        }
        if post.route == NONE {
            self.charge_exchange(at, &post, lineage);
        } else if self.probe.accounts() {
            let near = self.now.since(self.frames[at].account.until);
            self.charge_at(at, self.plan.queue(post.queue).node, Cause::Network, near);
        }
        let frame = &mut self.frames[at];
        (frame.due, frame.state.pose) = (Time::NEVER, Pose::Idle);
        let (edge, outcome, measured) = (post.edge, frame.state.outcome, frame.whose.measured);
        let latency = self.now.since(frame.wait.since);
        self.tell(Fact::Settled { edge, outcome, latency, measured });
        if outcome.is_good() {
            self.frames[at].pc += 1;
        } else {
            self.fail_step(at, outcome);
        }
        Some(at)
    }
}
