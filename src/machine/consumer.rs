//! Consumers: each a worker of its own on a replica of its service, with what was delivered to it waiting beside it.

use std::collections::VecDeque;

use crate::model::id::NONE;
use crate::model::queue::{Crew, OnError};
use crate::model::{CallId, Cause, Fact, Outcome, Plan, Probe, QueueId};
use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use super::Machine;
use super::event::{Event, Rare};
use super::frame::{Frame, Origin};
use super::message::{Delivery, Verdict, Whereabouts};
use super::walk::Flow;

/// A consumer.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) crew: u32,
    pub(super) replica: u32,
    /// Deliveries without acknowledgement.
    unacked: u32,
    /// Deliveries that travel to it, wait beside it, or are being handled.
    holds: u32,
    /// Whether it handles a message.
    pub(super) busy: bool,
    /// Whether it stands in the turn of its queue.
    pub(super) listed: bool,
    /// Whether its replica is down.
    pub(super) down: bool,
    /// What was delivered and waits.
    pub(super) waiting: VecDeque<u32>,
    /// Acknowledgements on their way: it does not poll before the last is heard.
    telling: u32,
    /// Polls so far; names their draws.
    polls: u32,
    /// When it polls next; a poll at another time is void.
    due: Time,
}

/// All consumers, idle.
pub(super) fn members(plan: &Plan) -> Vec<Member> {
    let mut all = Vec::new();
    for (crew, planned) in (0..).zip(&plan.crews) {
        let node = plan.node(planned.node);
        for replica in node.first_replica..node.first_replica + node.replicas {
            let idle = || Member {
                crew,
                replica,
                unacked: 0,
                holds: 0,
                busy: false,
                listed: false,
                down: false,
                waiting: VecDeque::new(),
                telling: 0,
                polls: 0,
                due: Time(0),
            };
            all.extend((0..planned.members).map(|_| idle()));
        }
    }
    all
}

impl<P: Probe> Machine<'_, P> {
    /// Every consumer is ready.
    pub(super) fn start_consumers(&mut self) {
        for member in 0..self.mail.members.len() as u32 {
            self.start_consumer(member);
        }
    }

    /// A consumer begins. One that polls does so somewhere within its first sleep: no two start at the same instant, and
    /// those that did would look together ever after.
    pub(super) fn start_consumer(&mut self, at: u32) {
        let member = &mut self.mail.members[at as usize];
        let crew = &self.plan.crews[member.crew as usize];
        let Some(law) = crew.poll else { return self.list(at) };
        member.polls += 1;
        let (nth, lineage) = (member.polls, poll_lineage(crew, at));
        let sleep = self.vary(law, lineage, Purpose::Poll, nth);
        let share = Draw::new(self.seed, lineage, Purpose::Phase, u64::from(nth)).unit();
        self.expect_poll(at, Span((sleep.0 as f64 * share) as u64));
    }

    /// A consumer will poll in a while.
    fn expect_poll(&mut self, at: u32, wait: Span) {
        self.mail.members[at as usize].due = self.now + wait;
        self.schedule(wait, Rare::Poll(at).event());
    }

    /// A consumer with room takes its turn.
    fn list(&mut self, at: u32) {
        let member = &mut self.mail.members[at as usize];
        let crew = &self.plan.crews[member.crew as usize];
        if !member.listed && !member.down && member.unacked < crew.prefetch && crew.poll.is_none() {
            member.listed = true;
            self.mail.queues[crew.queue.index()].open.push_back(at);
        }
    }

    /// The consumer whose turn it is.
    pub(super) fn next_open(&mut self, queue: QueueId) -> Option<u32> {
        while let Some(at) = self.mail.queues[queue.index()].open.pop_front() {
            let member = &mut self.mail.members[at as usize];
            member.listed = false;
            if !member.down {
                return Some(at);
            }
        }
        None
    }

    /// A message leaves for a consumer.
    pub(super) fn deliver(&mut self, message: u32, to: u32) {
        let plan = self.plan;
        let member = &mut self.mail.members[to as usize];
        member.unacked += 1;
        member.holds += 1;
        let (crew, replica) = (&plan.crews[member.crew as usize], member.replica);
        self.list(to);
        let id = self.mail.deliveries.insert(Delivery {
            message,
            member: to,
            nth: self.mail.messages[message as usize].deliveries + 1,
            void: false,
            reset: false,
            begun: false,
            held: true,
            verdict: Verdict::None,
            heard: false,
        });
        let what = self.mail.message(message);
        what.deliveries += 1;
        what.open += 1;
        what.place = Whereabouts::Delivered;
        let what = *what;
        let (queue, counted, again) = (what.queue, what.counted, what.deliveries > 1);
        // Acknowledged before it is handled, a message is its consumer's, whose channel tells of its death: nothing is waited for.
        let watched = !crew.ack_before || plan.queue(queue).rules.hide();
        if let Some(timeout) = plan.queue(queue).ack_timeout.filter(|_| watched) {
            let due = self.now + timeout;
            self.mail.queues[queue.index()].deadlines.push_back((due, id));
            self.wind_clock(queue, due);
        }
        let call = plan.call(crew.call);
        // The first delivery is what a call in its place would be; each further one draws anew.
        let lineage = if again { what.lineage.child(call.site, what.deliveries) } else { what.lineage };
        let frame = self.frames.insert(Frame {
            lineage,
            sent: self.now,
            until: self.now,
            caller: id.index,
            replica,
            call: crew.call.0,
            client: what.client,
            priority: what.priority,
            origin: Origin::Message,
            measured: what.measured,
            child: NONE,
            ..Frame::default()
        });
        if self.roots.follows {
            self.assign_root(frame, what.root);
        }
        self.tell(Fact::Delivered { queue, again, counted });
        self.tell(Fact::Called { edge: call.edge, measured: what.measured });
        let there = self.vary(call.there, lineage, Purpose::There, 1);
        self.schedule(there, Event::Reach(frame));
    }

    /// A delivery has arrived: its consumer begins with it, or it waits beside it.
    #[inline(never)]
    pub(super) fn take(&mut self, at: u32) -> Flow {
        let delivery = *self.mail.deliveries.at(self.frames[at].caller);
        let member = &mut self.mail.members[delivery.member as usize];
        if delivery.reset {
            self.let_fall(at);
            self.next_message(delivery.member);
            return Flow::Stay;
        }
        if member.busy {
            member.waiting.push_back(at);
            self.frames[at].since = self.now;
            let node = self.replicas[self.frames[at].replica as usize].node;
            self.tell(Fact::Queued { node });
            return Flow::Stay;
        }
        self.begin_message(at)
    }

    /// A consumer begins with a message, unless that was taken from it and is not to be handled twice.
    fn begin_message(&mut self, at: u32) -> Flow {
        let frame = self.frames[at];
        let delivery = *self.mail.deliveries.at(frame.caller);
        let crew = &self.plan.crews[self.mail.members[delivery.member as usize].crew as usize];
        if delivery.void && crew.ack_before {
            self.let_fall(at);
            return Flow::Stay;
        }
        self.mail.members[delivery.member as usize].busy = true;
        self.mail.deliveries.at_mut(frame.caller).begun = true;
        let message = self.mail.message(delivery.message);
        if !delivery.void {
            let (queue, counted, waited) = (message.queue, message.counted, self.now.since(message.ready));
            self.tell(Fact::Taken { queue, waited, counted });
        }
        self.tell_load(self.frames[at].replica, Fact::Entered { node: crew.node });
        if crew.ack_before {
            self.acknowledge(frame.caller, frame.lineage, Verdict::Ack);
        }
        Flow::On
    }

    /// A consumer is free: it begins with what waits beside it, or asks for more.
    fn next_message(&mut self, at: u32) {
        if self.mail.members[at as usize].busy {
            return;
        }
        while let Some(next) = self.mail.members[at as usize].waiting.pop_front() {
            let frame = &mut self.frames[next];
            frame.waited += self.now.since(frame.since).0;
            let node = self.replicas[frame.replica as usize].node;
            self.tell(Fact::Dequeued { node });
            self.charge(next, Cause::Queue);
            if self.begin_message(next) == Flow::On {
                return self.ready.push_back(next);
            }
        }
        if self.wants_to_poll(at) {
            let crew = &self.plan.crews[self.mail.members[at as usize].crew as usize];
            let (lineage, back) = (poll_lineage(crew, at), self.plan.call(crew.call).back);
            let back = self.vary(back, lineage, Purpose::Back, self.mail.members[at as usize].polls);
            self.expect_poll(at, back);
        }
    }

    /// Whether a consumer that polls has nothing in hand and nothing to say any more.
    fn wants_to_poll(&self, at: u32) -> bool {
        let member = &self.mail.members[at as usize];
        let polls = self.plan.crews[member.crew as usize].poll.is_some();
        polls && member.holds == 0 && member.telling == 0 && !member.down && member.due <= self.now
    }

    /// The broker has heard what a consumer says. The next poll is right behind, or, where the word is a request of its own
    /// (SQS), comes when that has been answered.
    pub(super) fn told_all(&mut self, at: u32, answers: bool) {
        self.mail.members[at as usize].telling -= 1;
        if !self.wants_to_poll(at) {
            return;
        }
        let crew = &self.plan.crews[self.mail.members[at as usize].crew as usize];
        let (lineage, call, nth) =
            (poll_lineage(crew, at), self.plan.call(crew.call), self.mail.members[at as usize].polls);
        let wait = if answers {
            self.vary(call.there, lineage, Purpose::There, nth) + self.vary(call.back, lineage, Purpose::Back, nth)
        } else {
            Span::ZERO
        };
        self.expect_poll(at, wait);
    }

    /// A consumer tells its broker what became of a delivery.
    fn acknowledge(&mut self, at: u32, lineage: Lineage, verdict: Verdict) {
        let delivery = self.mail.deliveries.at_mut(at);
        delivery.verdict = verdict;
        let member = &mut self.mail.members[delivery.member as usize];
        member.telling += 1;
        let crew = &self.plan.crews[member.crew as usize];
        let back = self.vary(self.plan.call(crew.call).back, lineage, Purpose::Back, 1);
        self.schedule(back, Rare::Ack(at).event());
    }

    /// A consumer is done with its message, and begins with the next that waits beside it.
    #[inline(never)]
    pub(super) fn handled(&mut self, at: u32, outcome: Outcome) -> Flow {
        let frame = self.frames[at];
        let Delivery { message, member, verdict, .. } = *self.mail.deliveries.at(frame.caller);
        let crew = &self.plan.crews[self.mail.members[member as usize].crew as usize];
        let outcome = if self.mail.message(message).poisoned { Outcome::Error } else { outcome };
        self.tell_load(frame.replica, Fact::Left { node: crew.node });
        if outcome.is_good() {
            self.take_effect(message, crew.call, crew.idempotent);
            if self.roots.follows {
                self.reach_goal(at, self.plan.call(crew.call).endpoint);
            }
        }
        let word = match (outcome.is_good(), crew.on_error) {
            (true, _) | (false, OnError::Skip) => Verdict::Ack,
            (false, OnError::Retry) => Verdict::Nack,
            (false, OnError::DeadLetter) => Verdict::Reject,
            (false, OnError::NeverAck) => Verdict::None,
        };
        if verdict == Verdict::None && word != Verdict::None {
            self.acknowledge(frame.caller, frame.lineage, word);
        }
        self.mail.members[member as usize].busy = false;
        self.part_with(at, outcome);
        self.next_message(member);
        Flow::Stay
    }

    /// A consumer no longer has a delivery.
    pub(super) fn part_with(&mut self, at: u32, outcome: Outcome) {
        let frame = self.frames[at];
        let call = self.plan.call(CallId(frame.call));
        let (endpoint, edge, measured) = (call.endpoint, call.edge, frame.measured);
        let node = self.plan.endpoint(endpoint).node;
        let (sojourn, waited) = (self.now.since(frame.arrived), Span(frame.waited));
        self.tell_load(frame.replica, Fact::Replied { node, endpoint, outcome, joined: true, sojourn, waited });
        self.tell(Fact::Settled { edge, outcome, latency: self.now.since(frame.sent), measured });
        self.close(at, outcome);
        let delivery = self.mail.deliveries.at_mut(frame.caller);
        delivery.held = false;
        let member = delivery.member;
        self.mail.members[member as usize].holds -= 1;
        self.end_delivery(frame.caller);
    }

    /// A consumer never sees a delivery that has arrived.
    pub(super) fn let_fall(&mut self, at: u32) {
        self.part_with(at, Outcome::Reset);
    }

    /// One delivery of a consumer is no longer without acknowledgement.
    pub(super) fn return_credit(&mut self, at: u32) {
        self.mail.members[at as usize].unacked -= 1;
        self.list(at);
    }

    /// A consumer asks for messages; when there are none, it sleeps and asks again.
    pub(super) fn poll(&mut self, at: u32) {
        let member = &mut self.mail.members[at as usize];
        let crew = &self.plan.crews[member.crew as usize];
        let queue = crew.queue;
        if member.down || member.holds > 0 || member.due != self.now {
            return;
        }
        member.polls += 1;
        let nth = member.polls;
        if !self.mail.queues[queue.index()].down {
            for _ in 0..crew.batch {
                let Some(message) = self.next_ready(queue) else { break };
                self.deliver(message, at);
            }
            self.make_room(queue);
        }
        if self.mail.members[at as usize].holds == 0
            && let Some(law) = crew.poll
        {
            let (lineage, call) = (poll_lineage(crew, at), self.plan.call(crew.call));
            let sleep = self.vary(law, lineage, Purpose::Poll, nth);
            let there = self.vary(call.there, lineage, Purpose::There, nth);
            let back = self.vary(call.back, lineage, Purpose::Back, nth);
            self.expect_poll(at, there + sleep + back);
        }
    }
}

/// Names the draws of a consumer's polls.
fn poll_lineage(crew: &Crew, member: u32) -> Lineage {
    Lineage(crew.hash).child(u64::from(member - crew.first_member), 0)
}
