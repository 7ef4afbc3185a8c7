//! Calls: a try sets out, reaches a replica, is answered, and settles or comes too late.

use crate::model::balance::Balancer;
use crate::model::id::NONE;
use crate::model::{CallId, Fact, Op, Outcome, Probe};
use crate::random::{Draw, Purpose};
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
        let link = plan.link(call.link);
        let memory = (self.memory_base[call.link.index()] + caller.replica - plan.node(link.from).first_replica) as usize;
        let seed = self.seed;
        let memory = &mut self.memories[memory];
        let pick = link.balancer.pick(memory, || Draw::new(seed, lineage, Purpose::Balance, 0));
        memory.outstanding[pick as usize] += 1;
        let frame = self.frames.insert(Frame {
            lineage,
            sent: self.now,
            caller: at,
            replica: plan.node(link.to).first_replica + pick,
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

    /// A request arrives at its replica.
    pub(super) fn reach(&mut self, at: u32) {
        let frame = &mut self.frames[at];
        let endpoint = self.plan.calls[frame.call as usize].endpoint;
        let target = self.plan.endpoint(endpoint);
        frame.arrived = self.now;
        frame.pc = target.entry.0;
        let measured = frame.measured;
        self.tell(Fact::Reached { node: target.node, endpoint, measured });
        self.walk(at);
    }

    /// The answer leaves the node.
    pub(super) fn reply(&mut self, at: u32, outcome: Outcome, joined: bool) -> Flow {
        let frame = &mut self.frames[at];
        frame.outcome = outcome;
        let (lineage, measured, waited) = (frame.lineage, frame.measured, Span(frame.waited));
        let sojourn = self.now.since(frame.arrived);
        let call = &self.plan.calls[frame.call as usize];
        let (endpoint, back) = (call.endpoint, call.back);
        let node = self.plan.endpoint(endpoint).node;
        self.tell(Fact::Replied { node, endpoint, outcome, joined, sojourn, waited, measured });
        let back = self.vary(back, lineage, Purpose::Back, 0);
        self.schedule(back, Event::Return(at));
        Flow::Stay
    }

    /// An answer arrives at the caller: it settles the call, or nobody waits for it any more.
    pub(super) fn come_back(&mut self, at: u32) {
        let frame = self.frames[at];
        let call = &self.plan.calls[frame.call as usize];
        if frame.abandoned {
            let client = crate::model::ClientId(u32::from(frame.client));
            self.tell(Fact::LateReply { edge: call.edge, client, wasted: Span(frame.spent) });
            self.frames.remove(at);
            return;
        }
        if call.timeout.is_some() {
            self.lanes.disarm(at);
        }
        self.frames[frame.caller].spent += frame.spent;
        self.settle(at, frame.outcome);
        self.frames.remove(at);
        self.walk(frame.caller);
    }

    /// The caller learns how its call ended and goes on after it, or where failures go.
    fn settle(&mut self, at: u32, outcome: Outcome) {
        let frame = self.frames[at];
        let id = CallId(frame.call);
        let plan = self.plan;
        let call = plan.call(id);
        let link = plan.link(call.link);
        let caller = &mut self.frames[frame.caller];
        let memory = self.memory_base[call.link.index()] + caller.replica - plan.node(link.from).first_replica;
        let pick = frame.replica - plan.node(link.to).first_replica;
        self.memories[memory as usize].outstanding[pick as usize] -= 1;
        if outcome.is_good() {
            caller.pc += 1;
        } else {
            caller.outcome = outcome;
            if let Op::Call { fail, .. } = plan.ops[caller.pc as usize] {
                caller.pc = fail.0;
            }
        }
        let latency = self.now.since(frame.sent);
        self.tell(Fact::Settled { edge: call.edge, outcome, latency, measured: frame.measured });
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

const _: () = assert!(std::mem::size_of::<Balancer>() <= 8, "picked in the hot path");
