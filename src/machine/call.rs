//! Calls: a try sets out, reaches a replica, is answered, and settles or comes too late.

use crate::model::balance::Balancer;
use crate::model::id::NONE;
use crate::model::plan::{Call, Pipe};
use crate::model::{CallId, Cause, ClientId, Fact, LawId, LenderId, LinkId, Opening, Outcome, Probe};
use crate::random::{Draw, Lineage, Purpose};
use crate::units::Span;

use super::Machine;
use super::event::Event;
use super::frame::{Cut, Frame, Origin};
use super::walk::{Flow, GONE};

impl<P: Probe> Machine<'_, P> {
    /// A call sets out; its frame waits at this operation until the call is settled.
    #[inline(always)]
    pub(super) fn call(&mut self, at: u32, id: CallId) -> Flow {
        let site = &self.sites[id.index()];
        let (edge, plain, there) = (site.edge, site.plain, site.there);
        let caller = &self.frames[at];
        if caller.canceled {
            return self.fail_step(at, Outcome::Canceled);
        }
        if site.guard != NONE {
            self.guard(at, id);
            return Flow::Stay;
        }
        let frame = Frame {
            lineage: caller.lineage.child(site.name, 0),
            sent: self.now,
            until: self.now,
            caller: at,
            replica: site.first,
            call: id.0,
            client: caller.client,
            priority: caller.priority,
            origin: Origin::Try,
            measured: caller.measured,
            child: NONE,
            ..Frame::default()
        };
        let measured = frame.measured;
        let frame = self.frames.insert(frame);
        self.frames[at].child = frame;
        self.inherit_root(frame, at);
        self.open_account(frame, || Opening::Call { parent: at, call: id });
        self.tell(Fact::Called { edge, measured });
        if plain {
            self.schedule(there, Event::Reach(frame));
        } else {
            self.set_off(frame, id);
        }
        Flow::Stay
    }

    /// A try sets off from a call-site that has more to it than a latency.
    #[inline(never)]
    pub(super) fn set_off(&mut self, at: u32, id: CallId) {
        let plan = self.plan;
        let call = plan.call(id);
        if let Some(lane) = call.timeout
            && self.lanes.arm(lane.0, at, self.now + plan.lanes[lane.index()])
        {
            self.schedule(plan.lanes[lane.index()], Event::Lane(lane.0));
        }
        if call.lender == NONE || self.lend(at, LenderId(call.lender)) {
            self.head_for(at, id);
        }
    }

    /// A try that has what it needs of its caller's goes to a replica.
    #[inline]
    pub(super) fn head_for(&mut self, at: u32, id: CallId) {
        let plan = self.plan;
        let call = plan.call(id);
        if plan.link(call.link).choice {
            let frame = &self.frames[at];
            let (caller, lineage) = (self.frames[frame.caller].replica, self.call_lineage(at));
            let guarded = call.guard != NONE && !call.primary;
            let pick = if guarded { self.aim(at, call) } else { self.destination(call, caller, lineage) };
            let Some(replica) = pick else {
                return self.fail_unsent(at, Outcome::NoEndpoint);
            };
            self.frames[at].replica = replica;
        }
        if self.faulted && call.channel == NONE && self.is_outdated(at, call.link) {
            self.frames[at].cut = Cut::Astray;
        }
        if call.channel == NONE {
            self.send(at);
        } else {
            self.connect(at);
        }
    }

    /// The replica a try goes to; where connections are bound to replicas, it is only known with the connection.
    #[inline]
    pub(super) fn destination(&mut self, call: &Call, caller: u32, lineage: Lineage) -> Option<u32> {
        if call.primary {
            return self.primary(call.link, caller);
        }
        let channel = self.plan.channels.get(call.channel as usize);
        if channel.is_some_and(|c| !c.per_request) {
            return Some(self.plan.link(call.link).first);
        }
        self.pick(call.link, caller, lineage)
    }

    /// A try leaves its caller's replica.
    #[inline]
    pub(super) fn send(&mut self, at: u32) {
        let site = &self.sites[self.frames[at].call as usize];
        let (straight, there) = (site.straight, site.there);
        if site.tracks {
            self.track(at);
        }
        let there = if straight { there } else { self.way_there(at) };
        self.schedule(there, Event::Reach(at));
    }

    /// A try counts as outstanding.
    #[inline(never)]
    fn track(&mut self, at: u32) {
        let frame = &self.frames[at];
        let link = self.plan.calls[frame.call as usize].link;
        let memory = self.memory(link, frame.caller);
        let pick = frame.replica - self.plan.link(link).first;
        self.memories[memory].outstanding[pick as usize] += 1;
    }

    /// How long a request takes to its callee, where there is more to it than a latency.
    #[inline(never)]
    fn way_there(&mut self, at: u32) -> Span {
        let frame = &self.frames[at];
        let (lineage, call) = (frame.lineage, &self.plan.calls[frame.call as usize]);
        let mut there = self.vary(call.there, lineage, Purpose::There, 0);
        if let Some(pipe) = self.plan.link(call.link).pipe {
            there += self.squeeze(call, pipe, lineage, Purpose::There);
        }
        if let Some(proxy) = call.proxy {
            there += self.pass_proxy(at, proxy, call.there, Purpose::There);
        }
        if self.faulted {
            there += self.delay(at, false);
        }
        if call.flights[0] > 0 {
            there += self.start_slowly(at, call.flights[0], Purpose::There);
        }
        there
    }

    /// The time a message waits for its link and takes on it beyond the latency: bandwidth, first come, first served, and
    /// what is lost is sent again after the retransmission timeout (RFC 6298; Linux waits 200 ms at least, and doubles).
    #[inline(never)]
    fn squeeze(&mut self, call: &Call, pipe: Pipe, lineage: Lineage, way: Purpose) -> Span {
        const RETRANSMISSION: u64 = 200_000_000;
        let back = usize::from(way == Purpose::Back);
        let mut extra = 0;
        if pipe.per_byte_ps > 0.0 {
            // The messages of a stream before its last have taken their place on the link.
            let messages =
                if back == 1 { self.plan.codecs.get(call.codec as usize).map_or(1, |c| c.messages) } else { 1 };
            let took = pipe.takes(call.bytes[back] / u64::from(messages));
            let free = &mut self.pipes[call.link.index()][back];
            *free = (*free).max(self.now) + Span(took);
            extra = free.since(self.now).0;
        }
        let mut draw = Draw::new(self.seed, lineage, way, 1 << 32);
        let mut wait = RETRANSMISSION;
        while pipe.loss > 0.0 && draw.unit() < pipe.loss && wait < RETRANSMISSION << 8 {
            extra += wait;
            wait *= 2;
        }
        Span(extra)
    }

    /// A message passes a proxy: its work, and one more hop.
    #[inline(never)]
    fn pass_proxy(&mut self, at: u32, proxy: LawId, hop: LawId, way: Purpose) -> Span {
        const PROXY: u32 = 1 << 16;
        let lineage = self.frames[at].lineage;
        let work = self.vary(proxy, lineage, way, PROXY);
        self.charge_for(at, Cause::Proxy, work);
        work + self.vary(hop, lineage, way, PROXY + 1)
    }

    /// Where a caller keeps what it remembers of a callee.
    #[inline]
    pub(super) fn memory(&self, link: LinkId, caller: u32) -> usize {
        let first = self.plan.link(link).first_caller;
        (self.memory_base[link.index()] + self.frames[caller].replica - first) as usize
    }

    /// The replica that a caller's request goes to, if it knows of any.
    #[inline]
    pub(super) fn pick(&mut self, link: LinkId, caller: u32, lineage: Lineage) -> Option<u32> {
        let plan = self.plan.link(link);
        if !plan.choice {
            return Some(plan.first);
        }
        let seed = self.seed;
        let memory = (self.memory_base[link.index()] + caller - plan.first_caller) as usize;
        if plan.book && !self.consult(plan.to, memory) {
            return None;
        }
        let (memory, now) = (&mut self.memories[memory], self.now);
        let pick = plan.balancer.pick(memory, now, || Draw::new(seed, lineage, Purpose::Balance, 0))?;
        Some(plan.first + pick)
    }

    /// The replica that takes writes: the first that a caller knows of. When that is gone, the next is promoted, as soon as
    /// callers hear of it.
    #[cold]
    fn primary(&mut self, link: LinkId, caller: u32) -> Option<u32> {
        let plan = self.plan.link(link);
        let memory = (self.memory_base[link.index()] + caller - plan.first_caller) as usize;
        if plan.book && !self.consult(plan.to, memory) {
            return None;
        }
        Some(plan.first + self.memories[memory].first()?)
    }

    /// A request arrives at its replica.
    #[inline(always)]
    pub(super) fn reach(&mut self, at: u32) -> u32 {
        self.charge(at, Cause::Network);
        let frame = &mut self.frames[at];
        let site = &self.sites[frame.call as usize];
        frame.arrived = self.now;
        frame.pc = site.entry.0;
        let (node, endpoint, replica) = (site.node, site.endpoint, frame.replica);
        self.tell_load(replica, Fact::Reached { node, endpoint });
        at
    }

    /// The answer leaves the node; its door hears of it.
    #[inline(always)]
    pub(super) fn reply(&mut self, at: u32, outcome: Outcome, joined: bool) -> Flow {
        if !self.intakes.is_empty() {
            self.tell_intake(at, outcome, joined);
        }
        self.answer(at, outcome, joined)
    }

    /// The answer leaves the node.
    #[inline(always)]
    pub(super) fn answer(&mut self, at: u32, outcome: Outcome, joined: bool) -> Flow {
        let frame = &mut self.frames[at];
        frame.outcome = outcome;
        frame.pc = GONE;
        let waited = Span(frame.waited);
        let sojourn = self.now.since(frame.arrived);
        let site = &self.sites[frame.call as usize];
        let (node, endpoint, straight, back) = (site.node, site.endpoint, site.straight, site.back);
        if self.roots.follows && outcome.is_good() {
            self.reach_goal(at, endpoint);
        }
        self.tell_load(self.frames[at].replica, Fact::Replied { node, endpoint, outcome, joined, sojourn, waited });
        if self.faulted && self.is_lost(at) {
            return Flow::Stay;
        }
        let back = if straight { back } else { self.way_back(at) };
        self.schedule(back, Event::Return(at));
        Flow::Stay
    }

    /// How long an answer takes to its caller, where there is more to it than a latency.
    #[inline(never)]
    fn way_back(&mut self, at: u32) -> Span {
        let frame = &self.frames[at];
        let (lineage, call) = (frame.lineage, &self.plan.calls[frame.call as usize]);
        let mut back = self.vary(call.back, lineage, Purpose::Back, 0);
        if let Some(pipe) = self.plan.link(call.link).pipe {
            back += self.squeeze(call, pipe, lineage, Purpose::Back);
        }
        if let Some(proxy) = call.proxy {
            back += self.pass_proxy(at, proxy, call.back, Purpose::Back);
        }
        if self.faulted {
            back += self.delay(at, true);
        }
        if call.flights[1] > 0 {
            back += self.start_slowly(at, call.flights[1], Purpose::Back);
        }
        back
    }

    /// An answer arrives at the caller: it settles the call, or nobody waits for it any more.
    #[inline(always)]
    pub(super) fn come_back(&mut self, at: u32) -> Option<u32> {
        if self.faulted && self.intercept(at) {
            return None;
        }
        self.charge(at, Cause::Network);
        let frame = &self.frames[at];
        let (spent, caller, outcome) = (frame.spent, frame.caller, frame.outcome);
        if frame.abandoned {
            self.come_late(at);
            return None;
        }
        let site = &self.sites[frame.call as usize];
        let (timed, wired, guarded) = (site.lane != NONE, site.wired, site.guard != NONE);
        if timed {
            self.lanes.disarm(at);
        }
        if wired {
            self.disconnect(at);
        }
        if guarded {
            self.end_answered_try(at, outcome);
            return None;
        }
        self.frames[caller].spent += spent;
        self.pass_on(caller, at);
        self.settle(at, outcome);
        self.close(at, outcome);
        Some(caller)
    }

    /// An answer comes that nobody waits for.
    #[inline(never)]
    fn come_late(&mut self, at: u32) {
        if self.frames[at].cut == Cut::Unsent {
            // It never left, and at this very instant was given up.
            return self.pass_away(at);
        }
        let frame = &mut self.frames[at];
        frame.answered = true;
        let (client, outcome, hears) = (ClientId(u32::from(frame.client)), frame.outcome, frame.hears);
        let edge = self.plan.calls[frame.call as usize].edge;
        let wasted = self.waste(at);
        self.tell(Fact::LateReply { edge, client, wasted });
        if !hears {
            self.close_try(at, outcome);
        }
    }

    /// The caller learns how its call ended and goes on after it, or where failures go.
    #[inline(always)]
    pub(super) fn settle(&mut self, at: u32, outcome: Outcome) {
        let frame = &self.frames[at];
        let site = &self.sites[frame.call as usize];
        let (latency, measured, edge) = (self.now.since(frame.sent), frame.measured, site.edge);
        let caller = frame.caller;
        if site.tracks {
            self.untrack(at, Some(outcome));
        }
        let waiting = &mut self.frames[caller];
        waiting.child = NONE;
        if outcome.is_good() {
            waiting.pc += 1;
        } else {
            self.stop_decoding_for(at);
            self.fail_step(caller, outcome);
        }
        self.tell(Fact::Settled { edge, outcome, latency, measured });
    }

    /// A try no longer counts as outstanding; its `outcome`, if anybody waited for it, may speak against its replica.
    #[inline(never)]
    pub(super) fn untrack(&mut self, at: u32, outcome: Option<Outcome>) {
        let frame = &self.frames[at];
        if frame.origin == Origin::Guard {
            return;
        }
        let (replica, caller, took) = (frame.replica, frame.caller, self.now.since(frame.sent));
        let id = self.plan.calls[frame.call as usize].link;
        let link = self.plan.link(id);
        if self.is_sent(at) && frame.cut != Cut::Unsent {
            let (memory, pick) = (self.memory(id, caller), replica - link.first);
            let memory = &mut self.memories[memory];
            memory.outstanding[pick as usize] -= 1;
            if link.balancer == Balancer::P2cEwma {
                memory.learn(pick, took, self.now);
            }
        }
        if let Some(outcome) = outcome {
            self.judge(at, outcome);
        }
    }

    /// What names a call, whichever of its tries this is: keys hang on that.
    pub(super) fn call_lineage(&self, at: u32) -> Lineage {
        let frame = &self.frames[at];
        let link = self.plan.calls[frame.call as usize].link;
        let guard = &self.frames[frame.caller];
        let keyed = matches!(self.plan.link(link).balancer, Balancer::Hash { .. });
        if keyed && guard.origin == Origin::Guard { guard.lineage } else { frame.lineage }
    }
}
