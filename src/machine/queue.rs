//! Queues at work: what is ready goes to consumers with room, what is not acknowledged comes back, what is too old goes.

use crate::kernel::{Id, Phase};
use crate::model::queue::{Fate, Rules};
use crate::model::{Fact, NodeId, Outcome, Probe, QueueId};
use crate::units::Time;

use super::Machine;
use super::event::Rare;
use super::message::{Delivery, Message, Verdict, Whereabouts};

impl<P: Probe> Machine<'_, P> {
    /// A message becomes ready, a new one behind all others, one that comes back before them.
    pub(super) fn make_ready(&mut self, at: u32, comes_back: bool) {
        let now = self.now;
        let message = self.mail.message(at);
        message.place = Whereabouts::Ready;
        message.ready = now;
        let (queue, expires, priority) = (message.queue, message.expires, message.priority);
        let priority = if self.plan.queue(queue).priorities { priority } else { 0 };
        let store = &mut self.mail.queues[queue.index()];
        if comes_back {
            store.ready.push_head(at, priority);
        } else {
            store.ready.push(at, priority);
        }
        self.tell(Fact::Depth { queue, up: true });
        if expires != Time::NEVER {
            self.wind_clock(queue, expires);
        }
        self.dispatch(queue);
    }

    /// The next message that is not too old.
    pub(super) fn next_ready(&mut self, queue: QueueId) -> Option<u32> {
        loop {
            let next = self.mail.queues[queue.index()].ready.pop()?;
            self.tell(Fact::Depth { queue, up: false });
            let Message { expires, deliveries, .. } = *self.mail.message(next);
            if expires <= self.now {
                self.dispose(next, Fate::Expired);
            } else if deliveries >= self.plan.queue(queue).max_deliveries {
                // SQS looks at the count when somebody asks for the message: until then a late consumer may delete it.
                self.dispose(next, Fate::Dropped);
            } else {
                return Some(next);
            }
        }
    }

    /// Messages of a queue that are ready.
    pub(super) fn ready_in(&self, queue: QueueId) -> u64 {
        u64::from(self.mail.queues[queue.index()].ready.len())
    }

    /// Whatever is ready goes to consumers with room, in turn.
    pub(super) fn dispatch(&mut self, queue: QueueId) {
        let store = &self.mail.queues[queue.index()];
        if store.down || store.hushed {
            return;
        }
        while !self.mail.queues[queue.index()].ready.is_empty()
            && let Some(member) = self.next_open(queue)
        {
            let Some(message) = self.next_ready(queue) else {
                self.mail.queues[queue.index()].open.push_front(member);
                self.mail.members[member as usize].listed = true;
                return;
            };
            self.deliver(message, member);
        }
    }

    /// After messages have left: those that waited for room come in.
    pub(super) fn make_room(&mut self, queue: QueueId) {
        let capacity = self.plan.queue(queue).capacity;
        while self.mail.queues[queue.index()].has_room(capacity)
            && let Some(message) = self.mail.queues[queue.index()].blocked.pop_front()
        {
            self.tell(Fact::Blocked { queue, up: false });
            self.accept(message);
        }
    }

    /// A message that is no longer ready, nor with a consumer: it goes to the dead letters, if there are any, or is gone.
    pub(super) fn dispose(&mut self, at: u32, fate: Fate) {
        let message = self.mail.message(at);
        let (queue, counted) = (message.queue, message.counted);
        let ready = message.place == Whereabouts::Ready;
        let dead_letter = self.plan.queue(queue).dead_letter;
        let told = if dead_letter.is_some() { Fate::DeadLettered } else { fate };
        self.tell(Fact::Disposed { queue, fate: told, ready, counted });
        if let Some(to) = dead_letter {
            self.forward(at, to);
        }
        self.forget(at);
    }

    /// A queue is full: the message at the head gives way.
    pub(super) fn drop_oldest(&mut self, queue: QueueId) {
        let store = &mut self.mail.queues[queue.index()];
        let Some(oldest) = store.ready.oldest() else { return };
        store.ready.remove_head(oldest);
        self.tell(Fact::Depth { queue, up: false });
        self.dispose(oldest, Fate::Dropped);
    }

    /// A message comes back: near the head, unless it came back too often.
    pub(super) fn put_back(&mut self, at: u32) {
        let message = self.mail.message(at);
        let (queue, counted, deliveries) = (message.queue, message.counted, message.deliveries);
        let plan = self.plan.queue(queue);
        if deliveries >= plan.max_deliveries && !plan.rules.hide() {
            return self.dispose(at, Fate::Dropped);
        }
        self.tell(Fact::Returned { queue, counted });
        self.make_ready(at, true);
    }

    /// The broker hears what became of a delivery.
    pub(super) fn hear_ack(&mut self, at: u32) {
        let Delivery { message, member, verdict, void, .. } = *self.mail.deliveries.at(at);
        let Message { queue, counted, .. } = *self.mail.message(message);
        let deaf = self.mail.queues[queue.index()].down && self.plan.queue(queue).rules.hide();
        let delivery = self.mail.deliveries.at_mut(at);
        delivery.heard = true;
        // A word that finds nobody changes nothing: the message shows up again when its time is over.
        delivery.void |= !deaf;
        self.return_credit(member);
        match verdict {
            _ if deaf => {}
            Verdict::Ack if void => self.delete_late(at),
            _ if void => {}
            Verdict::Ack => {
                self.tell(Fact::Disposed { queue, fate: Fate::Acked, ready: false, counted });
                self.forget(message);
            }
            Verdict::Nack => self.put_back(message),
            Verdict::Reject => self.dispose(message, Fate::Dropped),
            Verdict::None => {}
        }
        self.end_delivery(at);
        self.dispatch(queue);
        self.make_room(queue);
        self.told_all(member, self.plan.queue(queue).rules.hide());
    }

    /// A message is acknowledged that was taken from its consumer: on an SQS standard queue it is gone all the same, if
    /// nobody has received it since.
    fn delete_late(&mut self, at: u32) {
        let Delivery { message: id, nth, .. } = *self.mail.deliveries.at(at);
        let Message { queue, counted, place, deliveries, .. } = *self.mail.message(id);
        if self.plan.queue(queue).rules == Rules::Standard && place == Whereabouts::Ready && deliveries == nth {
            self.mail.queues[queue.index()].ready.remove(id);
            self.tell(Fact::Depth { queue, up: false });
            self.tell(Fact::Disposed { queue, fate: Fate::Acked, ready: true, counted });
            self.forget(id);
        }
    }

    /// A delivery is forgotten when its consumer is done with it and nothing more will be heard of it.
    pub(super) fn end_delivery(&mut self, at: u32) {
        let Delivery { message, member, void, held, verdict, heard, .. } = *self.mail.deliveries.at(at);
        let silent = void && verdict == Verdict::None;
        if held || !void || !heard && !silent {
            return;
        }
        if !heard {
            self.return_credit(member);
        }
        let id = Id { index: at, age: self.mail.deliveries.age(at) };
        self.mail.deliveries.remove(id);
        self.release(message);
    }

    /// Sees to it that the clock of a queue rings at `when` or before.
    pub(super) fn wind_clock(&mut self, queue: QueueId, when: Time) {
        // What comes back may be too old already.
        let when = when.max(self.now);
        let store = &mut self.mail.queues[queue.index()];
        if store.armed.is_none_or(|armed| when < armed) {
            store.armed = Some(when);
            self.agenda.push(when, Phase::Arrival, Rare::Clock(queue.0).event());
        }
    }

    /// The first message of a queue may be too old, its first delivery too long ago.
    pub(super) fn look_at_clock(&mut self, queue: QueueId) {
        let now = self.now;
        if self.mail.queues[queue.index()].armed != Some(now) {
            return;
        }
        self.mail.queues[queue.index()].armed = None;
        self.expire(queue);
        while let Some((due, id)) = self.mail.queues[queue.index()].deadlines.front().copied() {
            let live = self.mail.deliveries.get(id).filter(|d| !d.void).copied();
            if live.is_some() && due > now {
                self.wind_clock(queue, due);
                break;
            }
            self.mail.queues[queue.index()].deadlines.pop_front();
            // A consumer whose word is on the way has been in time only if it arrives in time.
            match live {
                Some(_) if self.plan.queue(queue).rules.hide() => self.take_from(id.index),
                // The consumer's channel is closed: it loses all it has.
                Some(late) => {
                    self.take_back(&[late.member]);
                    if !self.mail.deliveries.get(id).is_none_or(|late| late.void) {
                        self.take_from(id.index);
                    }
                }
                None => {}
            }
        }
        self.dispatch(queue);
        self.make_room(queue);
    }

    /// What is too old at the head of a queue goes.
    fn expire(&mut self, queue: QueueId) {
        loop {
            let heads: Vec<u32> = self.mail.queues[queue.index()].ready.heads().collect();
            let first = heads.into_iter().min_by_key(|head| self.mail.message(*head).expires);
            let Some(head) = first else { return };
            let expires = self.mail.message(head).expires;
            if expires > self.now {
                if expires != Time::NEVER {
                    self.wind_clock(queue, expires);
                }
                return;
            }
            self.mail.queues[queue.index()].ready.remove_head(head);
            self.tell(Fact::Depth { queue, up: false });
            self.dispose(head, Fate::Expired);
        }
    }

    /// A message is taken from its consumer, which may work on with it for nothing.
    pub(super) fn take_from(&mut self, at: u32) {
        let delivery = self.mail.deliveries.at_mut(at);
        delivery.void = true;
        let message = delivery.message;
        self.put_back(message);
        self.end_delivery(at);
    }

    /// Whoever waits for room loses the connection, and the message with it.
    fn unblock(&mut self, queue: QueueId) {
        for message in std::mem::take(&mut self.mail.queues[queue.index()].blocked) {
            self.tell(Fact::Blocked { queue, up: false });
            self.tell(Fact::Lost { queue });
            self.turn_away(message, Outcome::Reset);
        }
    }

    /// The broker of a queue goes down, or comes back: what its consumers have is taken from them.
    #[cold]
    pub(super) fn switch_broker(&mut self, node: NodeId, down: bool) {
        let own = (0..).map(QueueId).zip(&self.plan.queues).filter(|(_, queue)| queue.node == node);
        for (queue, _) in own {
            self.mail.queues[queue.index()].down = down;
            if down {
                let crews = &self.plan.crews;
                let own: Vec<u32> = (0..self.mail.members.len() as u32)
                    .filter(|m| crews[self.mail.members[*m as usize].crew as usize].queue == queue)
                    .collect();
                if !self.plan.queue(queue).rules.hide() {
                    self.take_back(&own);
                }
                self.unblock(queue);
            } else {
                self.dispatch(queue);
                self.make_room(queue);
            }
        }
    }
}
