//! Queues at work: what is ready goes to consumers with room, what is not acknowledged comes back, what is too old goes.

use crate::kernel::{Id, Phase};
use crate::model::queue::{Fate, Rules};
use crate::model::{Fact, NodeId, Outcome, Probe, QueueId, Trace};
use crate::units::Time;

use crate::machine::core::Core;
use crate::machine::core::event::Rare;
use crate::machine::mail::{Delivery, Mail, Message, Store, Verdict, Whereabouts};

impl Mail {
    /// A message becomes ready, a new one behind all others, one that comes back before them.
    pub(crate) fn make_ready<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, comes_back: bool) {
        let now = core.now;
        self.free_group(at);
        let message = self.message(at);
        message.place = Whereabouts::Ready;
        message.ready = now;
        let (queue, expires, priority) = (message.queue, message.expires, message.whose.priority);
        let priority = if core.plan.queue(queue).priorities { priority } else { 0 };
        let store = &mut self.queues[queue.index()];
        if comes_back {
            store.ready.push_head(at, priority);
        } else {
            store.ready.push(at, priority);
        }
        core.tell(Fact::Depth { queue, up: true });
        if expires != Time::NEVER {
            self.wind_clock(core, queue, expires);
        }
        self.dispatch(core, queue);
    }

    /// The next message for a consumer that is not too old, and of no group that another one has.
    pub(crate) fn next_ready<P: Probe>(&mut self, core: &mut Core<'_, P>, queue: QueueId, member: u32) -> Option<u32> {
        let grouped = core.plan.queue(queue).groups.is_some();
        loop {
            let Store { ready, owners, .. } = &mut self.queues[queue.index()];
            let messages = &self.messages;
            let free = |at: u32| {
                let owner = messages[at as usize].way.group.and_then(|group| owners.get(&group));
                owner.is_none_or(|owner| owner.0 == member)
            };
            let next = if grouped { ready.pop_if(free) } else { ready.pop() }?;
            core.tell(Fact::Depth { queue, up: false });
            let Message { expires, deliveries, .. } = *self.message(next);
            if expires <= core.now {
                self.dispose(core, next, Fate::Expired);
            } else if deliveries >= core.plan.queue(queue).max_deliveries {
                // SQS looks at the count when somebody asks for the message: until then a late consumer may delete it.
                self.dispose(core, next, Fate::Dropped);
            } else {
                return Some(next);
            }
        }
    }

    /// Messages of a queue that are ready.
    pub(crate) fn ready_in(&self, queue: QueueId) -> u64 {
        u64::from(self.queues[queue.index()].ready.len())
    }

    /// Whatever is ready goes to consumers with room, in turn.
    pub(crate) fn dispatch<P: Probe>(&mut self, core: &mut Core<'_, P>, queue: QueueId) {
        let store = &self.queues[queue.index()];
        if store.down || store.hushed {
            return;
        }
        // Who finds nothing that may be its, may find it later.
        let mut passed = Vec::new();
        while !self.queues[queue.index()].ready.is_empty()
            && let Some((member, duty)) = self.next_open(core.plan, queue)
        {
            match self.next_ready(core, queue, member) {
                Some(message) => self.deliver(core, message, (member, duty)),
                None => passed.push((member, duty)),
            }
        }
        for (member, duty) in passed.into_iter().rev() {
            self.queues[queue.index()].open.push_front(member);
            self.members[member as usize].listed |= 1 << duty;
        }
    }

    /// After messages have left: those that waited for room come in.
    pub(crate) fn make_room<P: Probe>(&mut self, core: &mut Core<'_, P>, queue: QueueId) {
        while self.let_one_in(core, queue) {}
    }

    /// A message that is no longer ready, nor with a consumer: it goes to the dead letters, if there are any, or is gone.
    pub(crate) fn dispose<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, fate: Fate) {
        let message = self.message(at);
        let (queue, counted, name) = (message.queue, message.counted, message.lineage);
        let ready = message.place == Whereabouts::Ready;
        let dead_letter = core.plan.queue(queue).dead_letter;
        let told = if dead_letter.is_some() { Fate::DeadLettered } else { fate };
        core.tell(Fact::Disposed { queue, fate: told, ready, counted });
        if let Some(to) = dead_letter {
            self.forward(core, at, to);
        }
        let outcome = if fate == Fate::Expired { Outcome::Timeout } else { Outcome::Overloaded };
        core.trace(|at| Trace::Gone { message: name, outcome, at });
        self.drop_message(core, at);
    }

    /// A queue is full: the message at the head gives way.
    pub(crate) fn drop_oldest<P: Probe>(&mut self, core: &mut Core<'_, P>, queue: QueueId) {
        let store = &mut self.queues[queue.index()];
        let Some(oldest) = store.ready.oldest() else { return };
        store.ready.remove_head(oldest);
        core.tell(Fact::Depth { queue, up: false });
        self.dispose(core, oldest, Fate::Dropped);
    }

    /// A message comes back: near the head, unless it came back too often.
    pub(crate) fn put_back<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let message = self.message(at);
        let (queue, counted, deliveries) = (message.queue, message.counted, message.deliveries);
        let plan = core.plan.queue(queue);
        if deliveries >= plan.max_deliveries && !plan.rules.hide() {
            return self.dispose(core, at, Fate::Dropped);
        }
        core.tell(Fact::Returned { queue, counted });
        self.make_ready(core, at, true);
    }

    /// The broker hears what became of a delivery.
    pub(crate) fn hear_ack<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let Delivery { message, member, verdict, void, .. } = *self.deliveries.at(at);
        let Message { queue, counted, .. } = *self.message(message);
        let deaf = self.queues[queue.index()].down && core.plan.queue(queue).rules.hide();
        let delivery = self.deliveries.at_mut(at);
        delivery.heard = true;
        // A word that finds nobody changes nothing: the message shows up again when its time is over.
        delivery.void |= !deaf;
        self.return_credit(core, member);
        // What comes back is among what a consumer of several queues may get next, and is not given to it before it has looked.
        let shares = core.plan.crews[self.members[member as usize].crew as usize].shares();
        self.queues[queue.index()].hushed = shares;
        match verdict {
            _ if deaf => {}
            Verdict::Ack if void => self.delete_late(core, at),
            _ if void => {}
            Verdict::Ack => {
                core.tell(Fact::Disposed { queue, fate: Fate::Acked, ready: false, counted });
                self.drop_message(core, message);
            }
            Verdict::Nack => self.put_back(core, message),
            Verdict::Reject => self.dispose(core, message, Fate::Dropped),
            Verdict::None => {}
        }
        self.queues[queue.index()].hushed = false;
        self.end_delivery(core, at);
        if shares {
            self.look_at_queues(core, member);
        } else {
            self.dispatch(core, queue);
            self.make_room(core, queue);
        }
        self.told_all(core, member, core.plan.queue(queue).rules.hide());
    }

    /// A message is acknowledged that was taken from its consumer: on an SQS standard queue it is gone all the same, if
    /// nobody has received it since.
    fn delete_late<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let Delivery { message: id, nth, .. } = *self.deliveries.at(at);
        let Message { queue, counted, place, deliveries, .. } = *self.message(id);
        if core.plan.queue(queue).rules == Rules::Standard && place == Whereabouts::Ready && deliveries == nth {
            self.queues[queue.index()].ready.remove(id);
            core.tell(Fact::Depth { queue, up: false });
            core.tell(Fact::Disposed { queue, fate: Fate::Acked, ready: true, counted });
            self.drop_message(core, id);
        }
    }

    /// A delivery is forgotten when its consumer is done with it and nothing more will be heard of it.
    pub(crate) fn end_delivery<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let Delivery { message, member, void, held, verdict, heard, unsaid, .. } = *self.deliveries.at(at);
        let silent = void && verdict == Verdict::None && !unsaid;
        if held || !void || !heard && !silent {
            return;
        }
        if !heard {
            self.return_credit(core, member);
            if core.plan.crews[self.members[member as usize].crew as usize].shares() {
                self.look_at_queues(core, member);
            }
        }
        let id = Id { index: at, age: self.deliveries.age(at) };
        self.deliveries.remove(id);
        self.release(core, message);
    }

    /// Sees to it that the clock of a queue rings at `when` or before.
    pub(crate) fn wind_clock<P: Probe>(&mut self, core: &mut Core<'_, P>, queue: QueueId, when: Time) {
        // What comes back may be too old already.
        let when = when.max(core.now);
        let store = &mut self.queues[queue.index()];
        if store.armed.is_none_or(|armed| when < armed) {
            store.armed = Some(when);
            core.agenda.push(when, Phase::Arrival, Rare::Clock(queue.0).event());
        }
    }

    /// The first message of a queue may be too old, its first delivery too long ago.
    pub(crate) fn look_at_clock<P: Probe>(&mut self, core: &mut Core<'_, P>, queue: QueueId) {
        let now = core.now;
        if self.queues[queue.index()].armed != Some(now) {
            return;
        }
        self.queues[queue.index()].armed = None;
        self.expire(core, queue);
        while let Some((due, id)) = self.queues[queue.index()].deadlines.front().copied() {
            let live = self.deliveries.get(id).filter(|d| !d.void).copied();
            if live.is_some() && due > now {
                self.wind_clock(core, queue, due);
                break;
            }
            self.queues[queue.index()].deadlines.pop_front();
            // A consumer whose word is on the way has been in time only if it arrives in time.
            match live {
                Some(_) if core.plan.queue(queue).rules.hide() => self.take_from(core, id.index),
                // The consumer's channel is closed: it loses all it has.
                Some(late) => {
                    self.take_back(core, &[late.member], None);
                    if !self.deliveries.get(id).is_none_or(|late| late.void) {
                        self.take_from(core, id.index);
                    }
                }
                None => {}
            }
        }
        self.dispatch(core, queue);
        self.make_room(core, queue);
    }

    /// What is too old at the head of a queue goes.
    fn expire<P: Probe>(&mut self, core: &mut Core<'_, P>, queue: QueueId) {
        loop {
            let heads: Vec<u32> = self.queues[queue.index()].ready.heads().collect();
            let first = heads.into_iter().min_by_key(|head| self.message(*head).expires);
            let Some(head) = first else { return };
            let expires = self.message(head).expires;
            if expires > core.now {
                if expires != Time::NEVER {
                    self.wind_clock(core, queue, expires);
                }
                return;
            }
            self.queues[queue.index()].ready.remove_head(head);
            core.tell(Fact::Depth { queue, up: false });
            self.dispose(core, head, Fate::Expired);
        }
    }

    /// A message is taken from its consumer, which may work on with it for nothing.
    pub(crate) fn take_from<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let delivery = self.deliveries.at_mut(at);
        delivery.void = true;
        let message = delivery.message;
        self.put_back(core, message);
        self.end_delivery(core, at);
    }

    /// Whoever waits for room loses the connection, and the message with it.
    fn unblock<P: Probe>(&mut self, core: &mut Core<'_, P>, queue: QueueId) {
        for message in std::mem::take(&mut self.queues[queue.index()].blocked) {
            core.tell(Fact::Blocked { queue, up: false });
            core.tell(Fact::Lost { queue });
            self.turn_away(core, message, Outcome::Reset);
        }
    }

    /// The broker of a queue goes down, or comes back: what its consumers have is taken from them.
    #[cold]
    pub(crate) fn switch_broker<P: Probe>(&mut self, core: &mut Core<'_, P>, node: NodeId, down: bool) {
        let own = (0..).map(QueueId).zip(&core.plan.queues).filter(|(_, queue)| queue.node == node);
        for (queue, _) in own {
            self.queues[queue.index()].down = down;
            if down {
                let crews = &core.plan.crews;
                let takes = |m: &u32| crews[self.members[*m as usize].crew as usize].duty(queue).is_some();
                let own: Vec<u32> = (0..self.members.len() as u32).filter(takes).collect();
                if !core.plan.queue(queue).rules.hide() {
                    self.take_back(core, &own, Some(queue));
                }
                self.unblock(core, queue);
            } else {
                self.dispatch(core, queue);
                self.make_room(core, queue);
            }
        }
    }
}
