//! Proxies at work: lines of messages, first come, first served by workers of which each has a core.
//!
//! So it is known when a message comes how long it waits, and when it goes on. Whoever sends messages passes them: calls on
//! their ways (`wire/route`), brokers and those who talk to them.

use crate::kernel::Packed as _;
use crate::model::fault::Fault;
use crate::model::id::NONE;
use crate::model::plan::{Call, End, Proxy};
use crate::model::{Cause, EndpointId, Fact, LawId, NodeId, Plan, Probe};
use crate::random::dist::Dist;
use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use crate::machine::core::event::{Event, Rare};
use crate::machine::core::frame::Cut;
use crate::machine::core::side::Side;
use crate::machine::core::{Core, GONE};

/// Name the draws of what proxies do with a message, and of the ways between one and what it stands beside.
const TELEMETRY: u32 = 1 << 25;
const WORK: u32 = 1 << 24;
const NEAR: u32 = 1 << 23;

/// How far a message has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leg {
    /// Which of all steps comes next.
    pub(crate) step: u32,
    /// The caller's replica, who need not be waiting any more, counted from its first.
    pub(crate) caller: u32,
    /// The proxy's replica that it passed last, and when it leaves that.
    pub(crate) proxy: u32,
    pub(crate) until: Time,
}

impl Default for Leg {
    fn default() -> Self {
        Self { step: 0, caller: 0, proxy: NONE, until: Time(0) }
    }
}

/// The proxies of a run: of each replica, when its workers are free.
#[derive(Clone, Debug)]
pub(crate) struct Proxies {
    /// How far messages have come.
    pub(crate) legs: Side<Leg>,
    free: Vec<Time>,
    /// By proxy, of the plan's.
    pub(crate) gates: Vec<Gate>,
    /// By call-site, where there are proxies at all.
    pub(crate) paths: Vec<Path>,
    /// The steps of all paths.
    pub(crate) steps: Vec<Step>,
}

/// A proxy at hand: what every pass needs of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gate {
    pub(crate) node: NodeId,
    pub(crate) endpoint: EndpointId,
    /// Its replicas, and the workers of each.
    pub(crate) first: u32,
    replicas: u32,
    workers: u32,
    /// Where the first worker of its first replica is.
    from: u32,
    work: LawId,
    telemetry: Option<LawId>,
}

impl Gate {
    /// Which of its replicas stands beside the n-th of an end.
    #[inline]
    pub(crate) fn beside(&self, nth: u32) -> u32 {
        if nth < self.replicas { nth } else { nth % self.replicas }
    }
}

/// A step of a message on its way: it passes a proxy, and goes on to the next or to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    gate: Gate,
    /// The first replica of the callee; `NONE` where the proxy stands beside the caller.
    callee: u32,
    /// Names its draws, and that of its work, the seed and the lineage apart.
    pub(crate) name: (Purpose, u32),
    draws: u64,
    /// The way that follows, counted as the ways there are.
    pub(crate) way: u32,
    /// How long that takes, where it is always the same.
    pub(crate) takes: Option<Span>,
    /// The kind of event at its end.
    then: u64,
}

/// What happens at the end of a way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    /// When there is one more proxy.
    Pass,
    /// When the callee is there.
    Reach,
    /// When the caller is.
    Return,
}

impl Then {
    /// The event of it.
    #[inline(always)]
    pub(crate) fn event(self, at: u32) -> Event {
        match self {
            Self::Pass => Rare::Pass(at).event(),
            Self::Reach => Event::Reach(at),
            Self::Return => Event::Return(at),
        }
    }

    /// Its event without what it is about, packed: it may be added.
    fn kind(self) -> u64 {
        self.event(0).pack()
    }
}

impl Step {
    /// A pass of a proxy that stands beside the callee with that first replica, or the caller, and the way after it.
    fn new(
        gate: Gate,
        callee: Option<u32>,
        name: (Purpose, u32),
        (way, takes): (u32, Option<Span>),
        then: Then,
    ) -> Self {
        let draws = Draw::salt(name.0, u64::from(WORK + name.1));
        Self { gate, callee: callee.unwrap_or(NONE), name, draws, way, takes, then: then.kind() }
    }

    /// The proxy, and which of its replicas.
    #[inline(always)]
    pub(crate) fn gate(&self, leg: Leg, callee: u32) -> (Gate, u32) {
        (self.gate, self.nth(leg.caller, callee))
    }

    /// What happens to a frame at the end of the way.
    #[inline(always)]
    pub(crate) fn event(&self, at: u32) -> Event {
        Event::unpack(self.then | u64::from(at))
    }

    /// Which of its replicas.
    #[inline(always)]
    fn nth(&self, caller: u32, callee: u32) -> u32 {
        self.gate.beside(if self.callee == NONE { caller } else { callee - self.callee })
    }
}

/// The way of a call-site's messages at hand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Path {
    /// The first of its steps: those of a request, and as many of an answer.
    pub(crate) first: u32,
    /// Proxies on it.
    pub(crate) stops: u32,
    /// First replica of the caller.
    pub(crate) caller: u32,
    /// Which way is that between hosts.
    pub(crate) far: u32,
    /// How long the first way of a request takes, and that of an answer, where these are always the same.
    pub(crate) begins: [Option<Span>; 2],
}

impl Path {
    /// The path of a call-site, whose steps follow those of all paths before it.
    fn new(plan: &Plan, gates: &[Gate], call: &Call, steps: &mut Vec<Step>) -> Self {
        let Some(route) = plan.routes.get(call.route as usize) else { return Self::default() };
        let link = plan.link(call.link);
        let constant = |law: LawId| plan.law(law).constant().map(Span);
        let late = |fault: &Fault| fault.effect.delays() && fault.links.contains(&call.link.0);
        let direct = link.pipe.is_none() && call.segments == [0, 0] && call.proxy.is_none();
        let ways = constant(call.there).zip(constant(call.back)).filter(|_| call.reach == NONE);
        let steady = ways.filter(|_| direct && !plan.faults.iter().any(late)).map(|(there, back)| [there, back]);
        let near = constant(route.near);
        let takes = |back: bool, way: u32| {
            if way == route.far { steady.map(|ways| ways[usize::from(back)]) } else { near }
        };
        let (first, stops) = (steps.len() as u32, route.stops.len() as u32);
        let passed = |nth: u32| {
            let stop = &route.stops[nth as usize];
            (gates[stop.proxy as usize], (stop.beside == End::Callee).then_some(link.first))
        };
        for nth in 0..stops {
            let ((gate, callee), way) = (passed(nth), nth + 1);
            let then = if way == stops { Then::Reach } else { Then::Pass };
            steps.push(Step::new(gate, callee, (Purpose::There, nth), (way, takes(false, way)), then));
        }
        for nth in (0..stops).rev() {
            let ((gate, callee), way) = (passed(nth), nth);
            let then = if way == 0 { Then::Return } else { Then::Pass };
            steps.push(Step::new(gate, callee, (Purpose::Back, nth + 1), (way, takes(true, way)), then));
        }
        let begins = [takes(false, 0), takes(true, stops)];
        Self { first, stops, caller: link.first_caller, far: route.far, begins }
    }
}

impl Proxies {
    /// All workers are free.
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut all = 0;
        let gate = |proxy: &Proxy| {
            let from = all;
            all += proxy.replicas * proxy.workers;
            let Proxy { node, endpoint, first, replicas, workers, work, telemetry, .. } = *proxy;
            Gate { node, endpoint, first, replicas, workers, from, work, telemetry }
        };
        let gates: Vec<Gate> = plan.proxies.iter().map(gate).collect();
        let calls = if plan.routes.is_empty() { &[] } else { plan.calls.as_slice() };
        let mut steps = Vec::new();
        let paths = calls.iter().map(|call| Path::new(plan, &gates, call, &mut steps)).collect();
        Self { legs: Side::default(), free: vec![Time(0); all as usize], gates, paths, steps }
    }

    /// When the workers beside the n-th replica of a proxy are free.
    #[inline]
    pub(crate) fn workers(&mut self, gate: Gate, nth: u32) -> &mut [Time] {
        let from = (gate.from + nth * gate.workers) as usize;
        self.free.get_mut(from..from + gate.workers as usize).unwrap_or_default()
    }

    /// Work comes to the n-th replica of a proxy: how long it waits there for a worker.
    #[inline]
    pub(crate) fn take(&mut self, gate: Gate, nth: u32, now: Time, work: Span) -> Span {
        wait(self.workers(gate, nth), now, work)
    }

    /// The path of a call-site's messages, if these pass proxies.
    #[inline(always)]
    pub(crate) fn path(&self, call: u32) -> Option<Path> {
        self.paths.get(call as usize).filter(|path| path.stops > 0).copied()
    }
}

/// Work comes to workers that are free then: how long it waits for one.
#[inline(always)]
fn wait(workers: &mut [Time], now: Time, work: Span) -> Span {
    if let Some(idle) = workers.iter_mut().find(|free| **free <= now) {
        // Whichever of the idle: all of them are free for whoever comes next.
        *idle = now + work;
        return Span::ZERO;
    }
    let Some(soonest) = workers.iter_mut().min() else { return Span::ZERO };
    let waited = soonest.since(now);
    *soonest = *soonest + work;
    waited
}

impl<P: Probe> Core<'_, P> {
    /// A message comes to a proxy, whose draws have a name: how long it stays there, at the cost of a frame if one waits for it.
    #[inline(always)]
    pub(crate) fn stay_at(&mut self, (gate, nth): (Gate, u32), name: (Lineage, Purpose, u32), waits: u32) -> Span {
        let work = self.cost(gate.first + nth, gate.work, (name.0, name.1, WORK + name.2));
        let after = gate.telemetry.map_or(Span::ZERO, |law| self.write_of(gate.first + nth, law, name));
        let waited = self.proxies.take(gate, nth, self.now, work + after);
        let stays = waited + work;
        if after > Span::ZERO {
            self.tell(Fact::Recorded { node: gate.node, after: stays, work: after });
        }
        if waits != NONE {
            self.charge_at(waits, gate.node, Cause::Proxy, stays);
        }
        self.tell(Fact::Forwarded { node: gate.node, endpoint: gate.endpoint, waited, work });
        stays
    }

    /// A message of a frame passes the proxy that comes next, and goes on: how long the way after that takes, where it is always
    /// the same, is known beforehand.
    #[inline(always)]
    pub(crate) fn pass_on_way(&mut self, at: u32) -> Option<(Span, Span, u64)> {
        let leg = self.proxies.legs[at];
        let step = &self.proxies.steps[leg.step as usize];
        let frame = &self.frames[at];
        let (nth, takes, then) = (step.nth(leg.caller, frame.replica), step.takes?, step.then);
        let (node, endpoint) = (step.gate.node, step.gate.endpoint);
        if step.gate.telemetry.is_some() || self.is_troubled() {
            return None;
        }
        let (from, workers) = ((step.gate.from + nth * step.gate.workers) as usize, step.gate.workers as usize);
        let work = match self.plan.law(step.gate.work) {
            Dist::Constant(value) => Span(value.rounded()),
            law => Span(law.sample(&mut Draw::salted(self.seed, frame.lineage, step.draws))),
        };
        let waited = wait(self.proxies.free.get_mut(from..from + workers).unwrap_or_default(), self.now, work);
        let stays = waited + work;
        self.charge_at(at, node, Cause::Proxy, stays);
        self.tell(Fact::Forwarded { node, endpoint, waited, work });
        // Where it is meanwhile only faults want to know.
        self.proxies.legs[at].step = leg.step + 1;
        Some((stays, takes, then))
    }

    /// A delivery sets out for the proxy beside its consumer: what happens when it is there.
    pub(crate) fn begin_way(&mut self, at: u32) -> Event {
        let step = self.proxies.path(self.frames[at].call).map_or(0, |path| path.first);
        self.proxies.legs.put(at, Leg { step, ..Leg::default() });
        Rare::Pass(at).event()
    }

    /// CPU of a proxy's replica for a message.
    #[inline(always)]
    fn cost(&self, replica: u32, law: LawId, (lineage, way, nth): (Lineage, Purpose, u32)) -> Span {
        let work = self.vary(law, lineage, way, nth);
        if self.is_troubled() { self.stretched(replica, work.0) } else { work }
    }

    /// The same once the message has gone on.
    #[inline(never)]
    fn write_of(&self, replica: u32, law: LawId, (lineage, way, nth): (Lineage, Purpose, u32)) -> Span {
        self.cost(replica, law, (lineage, way, TELEMETRY + nth))
    }

    /// The proxy beside a replica that talks to a broker, where there is one on that way.
    fn gate_beside(&self, route: u32, replica: u32) -> Option<(Gate, u32)> {
        let stop = self.plan.routes.get(route as usize)?.stops.first()?;
        let gate = self.proxies.gates[stop.proxy as usize];
        let nth = replica - self.plan.node(self.node_of(replica)).first_replica;
        Some((gate, gate.beside(nth)))
    }

    /// A message between a replica and a broker is at the proxy beside the replica, if there is one: how long until it is
    /// where it goes next, but for the way between hosts. What leaves is there at once, and the way to it follows.
    pub(crate) fn pass_beside(&mut self, route: u32, replica: u32, name: (Lineage, Purpose, u32), waits: u32) -> Span {
        let Some(stop) = self.gate_beside(route, replica) else { return Span::ZERO };
        self.stay_at(stop, name, waits) + self.aside(route, name)
    }

    /// The way between a replica that talks to a broker and the proxy beside it.
    pub(crate) fn aside(&self, route: u32, (lineage, way, nth): (Lineage, Purpose, u32)) -> Span {
        let Some(route) = self.plan.routes.get(route as usize) else { return Span::ZERO };
        self.vary(route.near, lineage, way, NEAR + nth)
    }

    /// Charges a frame's time at the proxy by which a message of its replica goes to a broker.
    pub(crate) fn charge_proxy(&mut self, route: u32, at: u32, stays: Span) {
        let stop = self.plan.routes.get(route as usize).and_then(|route| route.stops.first());
        if let Some(stop) = stop {
            self.charge_at(at, self.plan.proxies[stop.proxy as usize].node, Cause::Proxy, stays);
        }
    }

    /// Whether the proxy is down by which a replica talks to a broker.
    pub(crate) fn is_barred(&self, route: u32, replica: u32) -> bool {
        self.is_troubled() && self.gate_beside(route, replica).is_some_and(|(gate, nth)| !self.is_up(gate.first + nth))
    }

    /// Whether the proxies beside a replica are up.
    pub(crate) fn has_its_proxies(&self, replica: u32) -> bool {
        self.proxies_of(replica).all(|proxy| self.is_up(proxy))
    }

    /// The cryptography of one end of a handshake, where that is the work of the proxy beside its n-th replica: how long it
    /// takes there.
    pub(crate) fn seal(&mut self, at: u32, end: End, nth: u32) -> Option<Span> {
        let plan = self.plan;
        let route = plan.route(self.frames[at].call)?;
        let stop = route.beside(end).filter(|_| route.sealed)?;
        let proxy = &plan.proxies[stop.proxy as usize];
        let work = proxy.seals?[usize::from(end == End::Callee)];
        let gate = self.proxies.gates[stop.proxy as usize];
        let beside = gate.beside(nth);
        let work = if self.is_troubled() { self.stretched(gate.first + beside, work.0) } else { work };
        let waited = self.proxies.take(gate, beside, self.now, work);
        self.tell(Fact::Forwarded { node: proxy.node, endpoint: proxy.endpoint, waited, work });
        Some(waited + work)
    }

    /// Whether the messages of a try that has left pass a replica, a proxy's.
    pub(crate) fn passes(&self, at: u32, replica: u32) -> bool {
        let frame = &self.frames[at];
        let Some(route) = self.plan.route(frame.call) else { return false };
        let callee = || frame.replica - self.sites[frame.call as usize].first;
        route.stops.iter().any(|stop| {
            let nth = if stop.beside == End::Caller { self.proxies.legs.get(at).caller } else { callee() };
            stop.replica(&self.plan.proxies, nth) == replica
        })
    }

    /// A proxy goes down, or dies: the answers that it has are lost, and its workers are free.
    pub(crate) fn lose_passing(&mut self, replica: u32) {
        let (plan, now) = (self.plan, self.now);
        let node = self.node_of(replica);
        let Some(id) = plan.proxies.iter().position(|proxy| proxy.node == node) else { return };
        for at in self.frames.live_slots() {
            let leg = self.proxies.legs.get(at);
            let here = leg.proxy == replica && leg.until > now;
            let frame = &mut self.frames[at];
            if here && frame.pc == GONE && frame.state.cut == Cut::Whole && plan.route(frame.call).is_some() {
                frame.state.cut = Cut::Severed;
                frame.marks.answered = true;
            }
        }
        let gate = self.proxies.gates[id];
        self.proxies.workers(gate, replica - gate.first).fill(now);
    }

    /// A proxy stands still until then: whatever its workers have in hand and in line is done later by as much.
    pub(crate) fn hold_up(&mut self, replica: u32, until: Time) {
        let (node, now, plan) = (self.node_of(replica), self.now, self.plan);
        // What has no end lasts until nobody waits any more.
        let for_good = Time(0) + plan.warmup + plan.duration + plan.duration + plan.patience;
        let Some(id) = self.plan.proxies.iter().position(|proxy| proxy.node == node) else { return };
        let (gate, stands) = (self.proxies.gates[id], &mut self.trouble.plights[replica as usize].since);
        let from = now.max(*stands);
        let stood = until.min(for_good).since(from);
        *stands = from + stood;
        for worker in 0..gate.workers as usize {
            let Some(free) = self.proxies.workers(gate, replica - gate.first).get_mut(worker) else { return };
            let held = (*free).max(from);
            *free = held + stood;
            if held > from {
                self.tell(Fact::Recorded { node, after: held.since(now), work: stood });
            }
        }
        for at in self.frames.live_slots() {
            let leg = *self.proxies.legs.get(at);
            if leg.proxy == replica && leg.until > from {
                self.proxies.legs[at].until = leg.until + stood;
                let late = *self.trouble.late.get(at) + stood;
                self.trouble.late.put(at, late);
            }
        }
    }

    /// A message comes to the end of a way: says whether it is not there yet, because a proxy stood still under it.
    #[inline(never)]
    pub(crate) fn is_held_up(&mut self, at: u32, event: Event) -> bool {
        let late = *self.trouble.late.get(at);
        if late == Span::ZERO {
            return false;
        }
        self.trouble.late.put(at, Span::ZERO);
        let node = self.node_of(self.proxies.legs.get(at).proxy);
        self.charge_at(at, node, Cause::Proxy, late);
        self.schedule(late, event);
        true
    }

    /// The replica, a proxy's, to which a message has come.
    pub(crate) fn stop_of(&self, at: u32) -> Option<u32> {
        let leg = self.proxies.legs[at];
        let (gate, nth) = self.proxies.steps.get(leg.step as usize)?.gate(leg, self.frames[at].replica);
        Some(gate.first + nth)
    }

    /// A way between a proxy and what it stands beside.
    pub(crate) fn near(&self, at: u32, back: bool, nth: u32) -> Span {
        let frame = &self.frames[at];
        let way = if back { Purpose::Back } else { Purpose::There };
        self.plan.route(frame.call).map_or(Span::ZERO, |route| self.vary(route.near, frame.lineage, way, NEAR + nth))
    }

    /// The replicas beside which a proxy's stands.
    pub(crate) fn beside(&self, replica: u32) -> Vec<u32> {
        let node = self.node_of(replica);
        let Some(proxy) = self.plan.proxies.iter().find(|proxy| proxy.node == node) else { return Vec::new() };
        let nodes = proxy.of.iter().map(|node| self.replicas_of(*node));
        let own = move |all: std::ops::Range<u32>| {
            let first = all.start;
            all.filter(move |other| proxy.first + (other - first) % proxy.replicas == replica)
        };
        nodes.flat_map(own).collect()
    }
}
