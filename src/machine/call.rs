//! Calls: a try sets out, reaches a replica, is answered, and settles or comes too late.

use crate::model::id::NONE;
use crate::model::{CallId, ClientId, Fact, LinkId, Op, Outcome, Probe};
use crate::random::{Draw, Lineage, Purpose};
use crate::units::Span;

use super::Machine;
use super::event::Event;
use super::frame::{Frame, Origin};
use super::walk::Flow;

impl<P: Probe> Machine<'_, P> {
    /// A call sets out; its frame waits at this operation until the call is settled.
    pub(super) fn call(&mut self, at: u32, id: CallId) -> Flow {
        let plan = self.plan;
        let call = plan.call(id);
        let caller = self.frames[at];
        let lineage = caller.lineage.child(call.site, 0);
        let replica = self.pick(call.link, caller.replica, lineage);
        let frame = self.frames.insert(Frame {
            lineage,
            sent: self.now,
            caller: at,
            replica,
            call: id.0,
            client: caller.client,
            priority: caller.priority,
            origin: Origin::Try,
            measured: caller.measured,
            ..Frame::default()
        });
        self.tell(Fact::Called { edge: call.edge, measured: caller.measured });
        if let Some(lane) = call.timeout
            && self.lanes.arm(lane.0, frame, self.now + plan.lanes[lane.index()])
        {
            self.schedule(plan.lanes[lane.index()], Event::Lane(lane.0));
        }
        let there = self.vary(call.there, lineage, Purpose::There, 0);
        self.schedule(there, Event::Reach(frame));
        Flow::Stay
    }

    /// The replica that a caller's request goes to.
    #[inline]
    fn pick(&mut self, link: LinkId, caller: u32, lineage: Lineage) -> u32 {
        let plan = self.plan.link(link);
        if !plan.choice {
            return plan.first;
        }
        let seed = self.seed;
        let memory = &mut self.memories[(self.memory_base[link.index()] + caller - plan.first_caller) as usize];
        let pick = plan.balancer.pick(memory, || Draw::new(seed, lineage, Purpose::Balance, 0));
        if plan.tracks {
            memory.outstanding[pick as usize] += 1;
        }
        plan.first + pick
    }

    /// A request arrives at its replica.
    pub(super) fn reach(&mut self, at: u32) {
        let frame = &mut self.frames[at];
        let endpoint = self.plan.calls[frame.call as usize].endpoint;
        let target = self.plan.endpoint(endpoint);
        frame.arrived = self.now;
        frame.pc = target.entry.0;
        self.tell(Fact::Reached { node: target.node, endpoint });
        self.walk(at);
    }

    /// The answer leaves the node.
    pub(super) fn reply(&mut self, at: u32, outcome: Outcome, joined: bool) -> Flow {
        let frame = &mut self.frames[at];
        frame.outcome = outcome;
        let (lineage, waited) = (frame.lineage, Span(frame.waited));
        let sojourn = self.now.since(frame.arrived);
        let call = &self.plan.calls[frame.call as usize];
        let (endpoint, back) = (call.endpoint, call.back);
        let node = self.plan.endpoint(endpoint).node;
        self.tell(Fact::Replied { node, endpoint, outcome, joined, sojourn, waited });
        let back = self.vary(back, lineage, Purpose::Back, 0);
        self.schedule(back, Event::Return(at));
        Flow::Stay
    }

    /// An answer arrives at the caller: it settles the call, or nobody waits for it any more.
    pub(super) fn come_back(&mut self, at: u32) {
        let frame = &self.frames[at];
        let (spent, caller, outcome) = (frame.spent, frame.caller, frame.outcome);
        let call = &self.plan.calls[frame.call as usize];
        if frame.abandoned {
            let client = ClientId(u32::from(frame.client));
            self.tell(Fact::LateReply { edge: call.edge, client, wasted: Span(spent) });
            self.frames.remove(at);
            return;
        }
        if call.timeout.is_some() {
            self.lanes.disarm(at);
        }
        self.frames[caller].spent += spent;
        self.settle(at, outcome);
        self.frames.remove(at);
        self.walk(caller);
    }

    /// The caller learns how its call ended and goes on after it, or where failures go.
    #[inline]
    fn settle(&mut self, at: u32, outcome: Outcome) {
        let plan = self.plan;
        let frame = &self.frames[at];
        let call = &plan.calls[frame.call as usize];
        let (latency, measured) = (self.now.since(frame.sent), frame.measured);
        let (replica, at) = (frame.replica, frame.caller);
        let caller = &mut self.frames[at];
        if outcome.is_good() {
            caller.pc += 1;
        } else {
            caller.outcome = outcome;
            if let Op::Call { fail, .. } = plan.ops[caller.pc as usize] {
                caller.pc = fail.0;
            }
        }
        let link = plan.link(call.link);
        if link.tracks {
            let memory = self.memory_base[call.link.index()] + caller.replica - link.first_caller;
            self.memories[memory as usize].outstanding[(replica - link.first) as usize] -= 1;
        }
        self.tell(Fact::Settled { edge: call.edge, outcome, latency, measured });
    }

    /// The first tries of a lane may be due.
    pub(super) fn time_out(&mut self, lane: u32) {
        while let Some(at) = self.lanes.due(lane, self.now) {
            self.abandon(at);
        }
        if let Some(next) = self.lanes.head_deadline(lane) {
            self.schedule(next.since(self.now), Event::Lane(lane));
        }
    }

    /// The caller gives up; the callee works on.
    fn abandon(&mut self, at: u32) {
        self.frames[at].abandoned = true;
        self.settle(at, Outcome::Timeout);
        let caller = std::mem::replace(&mut self.frames[at].caller, NONE);
        self.ready.push_back(caller);
    }
}
