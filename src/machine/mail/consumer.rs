//! Consumers: each a worker of its own on a replica of its service, with what was delivered to it waiting beside it. One that takes from
//! several queues stands in the lines of all of them, and handles one message at a time all the same.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::model::id::NONE;
use crate::model::queue::{Crew, Duty, OnError, Turns};
use crate::model::{CallId, Cause, Fact, Opening, Outcome, Plan, Probe, QueueId};
use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use crate::machine::core::event::{Event, Rare};
use crate::machine::core::frame::{Frame, Origin};
use crate::machine::core::{Core, Flow};
use crate::machine::mail::{Delivery, Mail, Verdict, Whereabouts};

/// A consumer.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) crew: u32,
    pub(crate) replica: u32,
    /// Deliveries without acknowledgement.
    unacked: u32,
    /// Deliveries that travel to it, wait beside it, or are being handled.
    holds: u32,
    /// Whether it handles a message.
    pub(crate) busy: bool,
    /// In the turns of which of its queues it stands, as bits.
    pub(crate) listed: u64,
    /// Whose turn it is of its queues.
    turn: u32,
    /// Whether its replica is down.
    pub(crate) down: bool,
    /// What was delivered and waits.
    pub(crate) waiting: VecDeque<u32>,
    /// Acknowledgements on their way: it does not poll before the last is heard.
    telling: u32,
    /// Polls, and looks at several queues, so far; names their draws.
    polls: u32,
    /// When it polls next, or its poll that waits at the broker is over; a poll at another time is void.
    due: Time,
    /// Polls in a row that found nothing.
    empty: u32,
    /// Messages that were handled and of which it has said nothing yet.
    pub(crate) unsaid: Vec<u32>,
    /// When it says so at the latest.
    says: Time,
}

/// All consumers, idle.
pub(crate) fn members(plan: &Plan) -> Vec<Member> {
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
                listed: 0,
                turn: 0,
                down: false,
                waiting: VecDeque::new(),
                telling: 0,
                polls: 0,
                due: Time(0),
                empty: 0,
                unsaid: Vec::new(),
                says: Time::NEVER,
            };
            all.extend((0..planned.members).map(|_| idle()));
        }
    }
    all
}

/// Names the draws of a consumer's polls.
fn poll_lineage(crew: &Crew, member: u32) -> Lineage {
    Lineage(crew.hash).child(u64::from(member - crew.first_member), 0)
}

impl Mail {
    /// Every consumer is ready.
    pub(crate) fn start_consumers<P: Probe>(&mut self, core: &mut Core<'_, P>) {
        for member in 0..self.members.len() as u32 {
            self.start_consumer(core, member);
        }
    }

    /// A consumer begins. One that polls does so somewhere within its first sleep: no two start at the same instant, and
    /// those that did would look together ever after.
    pub(crate) fn start_consumer<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let member = &mut self.members[at as usize];
        let crew = &core.plan.crews[member.crew as usize];
        let Some(law) = crew.poll else { return self.list(core, at) };
        member.polls += 1;
        let (nth, lineage) = (member.polls, poll_lineage(crew, at));
        let sleep = core.vary(law, lineage, Purpose::Poll, nth);
        let share = Draw::new(core.seed, lineage, Purpose::Phase, u64::from(nth)).unit();
        self.expect_poll(core, at, Span((sleep.0 as f64 * share) as u64));
    }

    /// A consumer will poll in a while.
    fn expect_poll<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, wait: Span) {
        self.members[at as usize].due = core.now + wait;
        core.schedule(wait, Rare::Poll(at).event());
    }

    /// A consumer with room takes its turn.
    fn list<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let member = &self.members[at as usize];
        let crew = &core.plan.crews[member.crew as usize];
        if !member.down && member.unacked < crew.prefetch && crew.poll.is_none() {
            self.stand_in_line(crew, at);
        }
    }

    /// A consumer waits for something from any of its queues.
    fn stand_in_line(&mut self, crew: &Crew, at: u32) {
        let listed = &mut self.members[at as usize].listed;
        for (nth, duty) in crew.duties.iter().enumerate() {
            if *listed & 1 << nth == 0 {
                *listed |= 1 << nth;
                self.queues[duty.queue.index()].open.push_back(at);
            }
        }
    }

    /// A consumer waits no longer.
    fn leave_lines(&mut self, crew: &Crew, at: u32) {
        let listed = std::mem::take(&mut self.members[at as usize].listed);
        for (nth, duty) in crew.duties.iter().enumerate() {
            if listed & 1 << nth != 0 {
                self.queues[duty.queue.index()].open.retain(|other| *other != at);
            }
        }
    }

    /// The consumer whose turn it is, and which of its duties that is.
    pub(crate) fn next_open(&mut self, plan: &Plan, queue: QueueId) -> Option<(u32, u32)> {
        while let Some(at) = self.queues[queue.index()].open.pop_front() {
            let member = &mut self.members[at as usize];
            let crew = &plan.crews[member.crew as usize];
            let Some(duty) = crew.duty(queue) else { continue };
            member.listed &= !(1 << duty);
            // It may have got its fill from another queue.
            let full = crew.poll.is_none() && member.unacked >= crew.prefetch;
            if !member.down && !full {
                return Some((at, duty));
            }
        }
        None
    }

    /// What is done with a delivery.
    pub(crate) fn duty_of<'p, P: Probe>(&self, core: &Core<'p, P>, delivery: &Delivery) -> &'p Duty {
        let crew = &core.plan.crews[self.members[delivery.member as usize].crew as usize];
        &crew.duties[delivery.duty as usize]
    }

    /// A message leaves for a consumer, as one of its duties.
    pub(crate) fn deliver<P: Probe>(&mut self, core: &mut Core<'_, P>, message: u32, (to, nth): (u32, u32)) {
        let plan = core.plan;
        let member = &mut self.members[to as usize];
        member.unacked += 1;
        member.holds += 1;
        let (crew, replica) = (&plan.crews[member.crew as usize], member.replica);
        member.turn = (nth + 1) % crew.duties.len() as u32;
        // A poll that waited for something is over; a consumer that is pushed to has no such time.
        member.due = Time(0);
        let duty = &crew.duties[nth as usize];
        if crew.poll.is_some() {
            self.leave_lines(crew, to);
        } else {
            self.list(core, to);
        }
        let id = self.deliveries.insert(Delivery {
            message,
            member: to,
            duty: nth,
            nth: self.messages[message as usize].deliveries + 1,
            void: false,
            reset: false,
            begun: false,
            held: true,
            unsaid: false,
            verdict: Verdict::None,
            heard: false,
        });
        let what = self.message(message);
        what.deliveries += 1;
        what.open += 1;
        what.place = Whereabouts::Delivered;
        let what = *what;
        let (queue, counted, again) = (what.queue, what.counted, what.deliveries > 1);
        if let Some(group) = what.way.group {
            self.queues[queue.index()].owners.entry(group).or_insert((to, 0)).1 += 1;
        }
        // Acknowledged before it is handled, a message is its consumer's, whose channel tells of its death: nothing is waited for.
        let watched = !duty.ack_before || plan.queue(queue).rules.hide();
        if let Some(timeout) = plan.queue(queue).ack_timeout.filter(|_| watched) {
            let due = core.now + timeout;
            self.queues[queue.index()].deadlines.push_back((due, id));
            self.wind_clock(core, queue, due);
        }
        let call = plan.call(duty.call);
        // The first delivery is what a call in its place would be; each further one draws anew.
        let lineage = if again { what.lineage.child(call.site, what.deliveries) } else { what.lineage };
        let frame = core.frames.insert(Frame {
            caller: id.index,
            replica,
            call: duty.call.0,
            origin: Origin::Message,
            ..Frame::new(lineage, core.now, what.whose)
        });
        if core.follows_roots() {
            core.assign_root(frame, what.root);
        }
        let endpoint = call.endpoint;
        core.open_account(frame, || Opening::Message { message: what.lineage, endpoint });
        core.tell(Fact::Delivered { queue, again, counted });
        core.tell(Fact::Called { edge: call.edge, measured: what.whose.measured });
        let there = core.vary(call.there, lineage, Purpose::There, 1);
        let arrives = if call.route == NONE { Event::Reach(frame) } else { core.begin_way(frame) };
        core.schedule(there, arrives);
    }

    /// A delivery has arrived: its consumer begins with it, or it waits beside it.
    #[inline(never)]
    pub(crate) fn take<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Flow {
        let delivery = *self.deliveries.at(core.frames[at].caller);
        let member = &mut self.members[delivery.member as usize];
        if delivery.reset {
            self.let_fall(core, at);
            self.next_message(core, delivery.member);
            return Flow::Stay;
        }
        if member.busy {
            member.waiting.push_back(at);
            core.frames[at].wait.since = core.now;
            let node = core.node_of(core.frames[at].replica);
            core.tell(Fact::Queued { node });
            return Flow::Stay;
        }
        self.begin_message(core, at)
    }

    /// A consumer begins with a message, unless that was taken from it and is not to be handled twice.
    fn begin_message<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Flow {
        let frame = core.frames[at];
        let delivery = *self.deliveries.at(frame.caller);
        let ack_before = self.duty_of(core, &delivery).ack_before;
        if delivery.void && ack_before {
            self.let_fall(core, at);
            return Flow::Stay;
        }
        self.members[delivery.member as usize].busy = true;
        self.deliveries.at_mut(frame.caller).begun = true;
        let message = self.message(delivery.message);
        if !delivery.void {
            let (queue, counted, waited) = (message.queue, message.counted, core.now.since(message.ready));
            core.tell(Fact::Taken { queue, waited, counted });
        }
        let node = core.node_of(frame.replica);
        core.tell_load(frame.replica, || Fact::Entered { node });
        if ack_before {
            self.acknowledge(core, frame.caller, frame.lineage, Verdict::Ack);
        }
        Flow::On
    }

    /// A consumer is free: it begins with what waits beside it, or asks for more.
    fn next_message<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        if self.members[at as usize].busy {
            return;
        }
        while let Some(next) = self.next_waiting(core, at) {
            let frame = &mut core.frames[next];
            frame.wait.waited += core.now.since(frame.wait.since).0;
            let replica = frame.replica;
            let node = core.node_of(replica);
            core.tell(Fact::Dequeued { node });
            core.charge(next, Cause::Queue);
            if self.begin_message(core, next) == Flow::On {
                return core.ready.push_back(next);
            }
        }
        if self.wants_to_poll(core, at) {
            let crew = &core.plan.crews[self.members[at as usize].crew as usize];
            let (lineage, back) = (poll_lineage(crew, at), core.plan.call(crew.duties[0].call).back);
            let back = core.vary(back, lineage, Purpose::Back, self.members[at as usize].polls);
            self.expect_poll(core, at, back);
        }
    }

    /// Whether a consumer that polls has nothing in hand and nothing to say any more.
    fn wants_to_poll<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> bool {
        let member = &self.members[at as usize];
        let polls = core.plan.crews[member.crew as usize].poll.is_some();
        polls && member.holds == 0 && member.telling == 0 && !member.down && member.due <= core.now
    }

    /// The broker has heard what a consumer says. The next poll is right behind, or, where the word is a request of its own
    /// (SQS), comes when that has been answered.
    pub(crate) fn told_all<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, answers: bool) {
        self.members[at as usize].telling -= 1;
        if !self.wants_to_poll(core, at) {
            return;
        }
        let crew = &core.plan.crews[self.members[at as usize].crew as usize];
        let (lineage, call) = (poll_lineage(crew, at), core.plan.call(crew.duties[0].call));
        let nth = self.members[at as usize].polls;
        let wait = if answers {
            core.vary(call.there, lineage, Purpose::There, nth) + core.vary(call.back, lineage, Purpose::Back, nth)
        } else {
            Span::ZERO
        };
        self.expect_poll(core, at, wait);
    }

    /// A consumer tells its broker what became of a delivery, or will when it can say so of more. What is not good is said at
    /// once, after what was left unsaid.
    fn acknowledge<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, lineage: Lineage, verdict: Verdict) {
        let delivery = *self.deliveries.at(at);
        let duty = self.duty_of(core, &delivery);
        let crew = &core.plan.crews[self.members[delivery.member as usize].crew as usize];
        if crew.ack_every > 1 && !duty.ack_before {
            if verdict == Verdict::Ack {
                return self.leave_unsaid(core, at);
            }
            self.say_all(core, delivery.member);
        }
        let delivery = self.deliveries.at_mut(at);
        delivery.verdict = verdict;
        let member = &mut self.members[delivery.member as usize];
        member.telling += 1;
        let (call, replica) = (core.plan.call(duty.call), member.replica);
        let back = core.vary(call.back, lineage, Purpose::Back, 1);
        let passes = core.pass_beside(call.route, replica, (lineage, Purpose::Back, 1), NONE);
        core.schedule(passes + back, Rare::Ack(at).event());
    }

    /// A message was handled well, and its consumer says so with others.
    fn leave_unsaid<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let delivery = self.deliveries.at_mut(at);
        delivery.unsaid = true;
        let id = delivery.member;
        let member = &mut self.members[id as usize];
        let crew = &core.plan.crews[member.crew as usize];
        member.unsaid.push(at);
        if member.unsaid.len() as u64 >= u64::from(crew.ack_every) {
            return self.say_all(core, id);
        }
        if member.unsaid.len() == 1 {
            member.says = core.now + crew.ack_within;
            core.schedule(crew.ack_within, Rare::Tell(id).event());
        }
    }

    /// A consumer has kept what it has to say for as long as it does.
    pub(crate) fn tell_in_time<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        if self.members[at as usize].says == core.now {
            self.say_all(core, at);
        }
    }

    /// A consumer acknowledges all it has handled, in one word.
    fn say_all<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let member = &mut self.members[at as usize];
        member.says = Time::NEVER;
        let all = std::mem::take(&mut member.unsaid);
        if all.is_empty() {
            return;
        }
        let (crew, replica) = (&core.plan.crews[member.crew as usize], member.replica);
        member.telling += all.len() as u32;
        member.polls += 1;
        let (call, name) = (core.plan.call(crew.duties[0].call), (poll_lineage(crew, at), Purpose::Back, member.polls));
        let way = core.vary(call.back, name.0, name.1, name.2) + core.pass_beside(call.route, replica, name, NONE);
        for at in all {
            let delivery = self.deliveries.at_mut(at);
            (delivery.unsaid, delivery.verdict) = (false, Verdict::Ack);
            core.schedule(way, Rare::Ack(at).event());
        }
    }

    /// The connection of a consumer, or that to one broker, is gone, and with it what it had not said there.
    pub(crate) fn fall_silent<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, only: Option<QueueId>) {
        let all = std::mem::take(&mut self.members[at as usize].unsaid);
        let (lost, kept): (Vec<u32>, Vec<u32>) = all.into_iter().partition(|at| self.is_from(*at, only));
        let member = &mut self.members[at as usize];
        member.unsaid = kept;
        if member.unsaid.is_empty() {
            member.says = Time::NEVER;
        }
        for at in lost {
            self.deliveries.at_mut(at).unsaid = false;
            self.end_delivery(core, at);
        }
    }

    /// A consumer is done with its message, and begins with the next that waits beside it.
    #[inline(never)]
    pub(crate) fn handled<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, outcome: Outcome) -> Flow {
        let frame = core.frames[at];
        let delivery = *self.deliveries.at(frame.caller);
        let Delivery { message, member, verdict, .. } = delivery;
        let duty = self.duty_of(core, &delivery);
        let outcome = if self.message(message).poisoned { Outcome::Error } else { outcome };
        let node = core.node_of(frame.replica);
        core.tell_load(frame.replica, || Fact::Left { node });
        if outcome.is_good() {
            self.take_effect(core, message, duty.call, duty.idempotent);
            self.reply(core, message, frame.lineage, duty.call);
            if core.follows_roots() {
                core.reach_goal(at, core.plan.call(duty.call).endpoint);
            }
        }
        let word = match (outcome.is_good(), duty.on_error) {
            (true, _) | (false, OnError::Skip) => Verdict::Ack,
            (false, OnError::Retry) => Verdict::Nack,
            (false, OnError::DeadLetter) => Verdict::Reject,
            (false, OnError::NeverAck) => Verdict::None,
        };
        if verdict == Verdict::None && word != Verdict::None {
            self.acknowledge(core, frame.caller, frame.lineage, word);
        }
        self.members[member as usize].busy = false;
        self.part_with(core, at, outcome);
        self.next_message(core, member);
        Flow::Stay
    }

    /// A consumer no longer has a delivery.
    pub(crate) fn part_with<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, outcome: Outcome) {
        let frame = core.frames[at];
        let call = core.plan.call(CallId(frame.call));
        let (endpoint, edge, measured) = (call.endpoint, call.edge, frame.whose.measured);
        let node = core.plan.endpoint(endpoint).node;
        let (sojourn, waited) = (core.now.since(frame.trip.arrived), Span(frame.wait.waited));
        core.tell_load(frame.replica, || Fact::Replied { node, endpoint, outcome, joined: true, sojourn, waited });
        core.tell(Fact::Settled { edge, outcome, latency: core.now.since(frame.trip.sent), measured });
        core.close(at, outcome);
        let delivery = self.deliveries.at_mut(frame.caller);
        delivery.held = false;
        let member = delivery.member;
        self.members[member as usize].holds -= 1;
        self.end_delivery(core, frame.caller);
    }

    /// A consumer never sees a delivery that has arrived.
    pub(crate) fn let_fall<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        self.part_with(core, at, Outcome::Reset);
    }

    /// One delivery of a consumer is no longer without acknowledgement.
    pub(crate) fn return_credit<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        self.members[at as usize].unacked -= 1;
        self.list(core, at);
    }

    /// A consumer of several queues has room: it is given what is ready in them, in the order in which it looks at them.
    pub(crate) fn look_at_queues<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let crew = &core.plan.crews[self.members[at as usize].crew as usize];
        for nth in self.order_of(core, at).iter() {
            let queue = crew.duties[*nth as usize].queue;
            self.dispatch(core, queue);
            self.make_room(core, queue);
        }
    }

    /// The duties of a consumer in the order in which it looks at their queues now.
    fn order_of<P: Probe>(&mut self, core: &Core<'_, P>, at: u32) -> Cow<'static, [u32]> {
        let member = &mut self.members[at as usize];
        let crew = &core.plan.crews[member.crew as usize];
        if !crew.shares() {
            return Cow::Borrowed(&[0]);
        }
        member.polls += 1;
        let draw = Draw::new(core.seed, poll_lineage(crew, at), Purpose::Turn, u64::from(member.polls));
        Cow::Owned(crew.order(member.turn, draw))
    }

    /// What of all that waits beside a consumer it begins with.
    fn next_waiting<P: Probe>(&mut self, core: &Core<'_, P>, at: u32) -> Option<u32> {
        let member = &mut self.members[at as usize];
        let crew = &core.plan.crews[member.crew as usize];
        if crew.turns == Turns::Even || member.waiting.len() < 2 {
            return member.waiting.pop_front();
        }
        let order = self.order_of(core, at);
        let duty = |frame: &u32| self.deliveries.at(core.frames[*frame].caller).duty;
        let waiting = &self.members[at as usize].waiting;
        let first = order.iter().find_map(|nth| waiting.iter().position(|frame| duty(frame) == *nth));
        self.members[at as usize].waiting.remove(first?)
    }

    /// A consumer asks for messages; when there are none, it waits there for some, or sleeps and asks again.
    pub(crate) fn poll<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let member = &self.members[at as usize];
        let crew = &core.plan.crews[member.crew as usize];
        if member.down || member.holds > 0 || member.due != core.now {
            return;
        }
        let waited = member.listed != 0;
        self.leave_lines(crew, at);
        let member = &mut self.members[at as usize];
        member.polls += 1;
        let nth = member.polls;
        self.fetch_some(core, at);
        let down = |duty: &Duty| self.queues[duty.queue.index()].down;
        if self.members[at as usize].holds > 0 {
            self.members[at as usize].empty = 0;
        } else if let Some(wait) = crew.poll_wait.filter(|_| !waited && !crew.duties.iter().all(down)) {
            self.stand_in_line(crew, at);
            self.expect_poll(core, at, wait);
        } else {
            self.sleep_on(core, at, nth);
        }
    }

    /// A consumer takes a batch of the first of its queues that has anything.
    fn fetch_some<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let crew = &core.plan.crews[self.members[at as usize].crew as usize];
        for nth in self.order_of(core, at).iter() {
            let queue = crew.duties[*nth as usize].queue;
            if self.queues[queue.index()].down {
                continue;
            }
            for _ in 0..crew.batch {
                let Some(message) = self.next_ready(core, queue, at) else { break };
                self.deliver(core, message, (at, *nth));
            }
            self.make_room(core, queue);
            if self.members[at as usize].holds > 0 {
                break;
            }
        }
    }

    /// A poll has found nothing: its consumer sleeps before the next, the longer the more of them found nothing.
    fn sleep_on<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, nth: u32) {
        let member = &mut self.members[at as usize];
        let crew = &core.plan.crews[member.crew as usize];
        let Some(law) = crew.poll else { return };
        let doubled = member.empty.min(32);
        member.empty += 1;
        let (lineage, call) = (poll_lineage(crew, at), core.plan.call(crew.duties[0].call));
        let mut sleep = core.vary(law, lineage, Purpose::Poll, nth);
        if let Some(max) = crew.poll_max {
            sleep = Span(sleep.0.saturating_mul(1 << doubled)).min(max);
        }
        let there = core.vary(call.there, lineage, Purpose::There, nth);
        let back = core.vary(call.back, lineage, Purpose::Back, nth);
        self.expect_poll(core, at, there + sleep + back);
    }
}
