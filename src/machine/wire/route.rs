//! Ways by proxies: a message travels from stop to stop, and back by the same stops.
//!
//! A proxy is a station of a simple kind: messages are served first come, first served by workers of which each has a core.
//! So it is known when a message comes how long it waits, and when it goes on; it costs one event, and to its try all of that
//! is the way. Its time at a proxy is `proxy` in the ledger, and the proxy's. The cryptography of a connection between two
//! proxies is work of theirs, too, in the same line; to those who wait for it that is `connect`.

use crate::model::fault::Fault;
use crate::model::id::NONE;
use crate::model::plan::{Call, End, Proxy, Route, Stop};
use crate::model::{Cause, Fact, LawId, Plan, Probe};
use crate::random::Purpose;
use crate::units::{Span, Time};

use crate::machine::core::event::{Event, Rare};
use crate::machine::core::frame::Cut;
use crate::machine::core::side::Side;
use crate::machine::core::{Core, GONE};
use crate::machine::wire::Wire;

/// Name the draws of what proxies do with a message, and of the ways between one and what it stands beside.
const WORK: u32 = 1 << 24;
const NEAR: u32 = 1 << 23;

/// How far a message has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leg {
    /// Which of the ways between stops it is on.
    nth: u32,
    /// The caller's replica, who need not be waiting any more, counted from its first.
    caller: u32,
    /// The proxy's replica that it passed last, and when it leaves that.
    proxy: u32,
    until: Time,
}

impl Default for Leg {
    fn default() -> Self {
        Self { nth: 0, caller: 0, proxy: NONE, until: Time(0) }
    }
}

/// The proxies of a run: of each replica, when its workers are free.
#[derive(Clone, Debug)]
pub(crate) struct Proxies {
    /// How far messages have come.
    legs: Side<Leg>,
    free: Vec<Time>,
    /// By proxy: where the workers of its first replica are.
    first: Vec<usize>,
    /// By call-site, where there are proxies at all.
    paths: Vec<Path>,
}

/// The way of a call-site's messages at hand.
#[derive(Clone, Debug, Default)]
struct Path {
    /// Proxies on it, of the plan's.
    stops: Vec<Stop>,
    /// Which way is that between hosts.
    far: u32,
    /// How long that takes, there and back, where it is always the same.
    steady: Option<[Span; 2]>,
    /// How long any other takes, likewise.
    near: Option<Span>,
}

impl Path {
    fn new(plan: &Plan, call: &Call) -> Self {
        let Some(route) = plan.routes.get(call.route as usize) else { return Self::default() };
        let constant = |law: LawId| plan.law(law).constant().map(Span);
        let late = |fault: &Fault| fault.effect.delays() && fault.links.contains(&call.link.0);
        let direct = plan.link(call.link).pipe.is_none() && call.flights == [0, 0] && call.proxy.is_none();
        let ways = constant(call.there).zip(constant(call.back));
        let steady = ways.filter(|_| direct && !plan.faults.iter().any(late)).map(|(there, back)| [there, back]);
        Self { stops: route.stops.clone(), far: route.far, steady, near: constant(route.near) }
    }
}

impl Proxies {
    /// All workers are free.
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut first = Vec::with_capacity(plan.proxies.len());
        let mut all = 0;
        for proxy in &plan.proxies {
            first.push(all);
            all += (proxy.replicas * proxy.workers) as usize;
        }
        let calls = if plan.routes.is_empty() { &[] } else { plan.calls.as_slice() };
        let paths = calls.iter().map(|call| Path::new(plan, call)).collect();
        Self { legs: Side::default(), free: vec![Time(0); all], first, paths }
    }

    /// Work comes to a proxy's replica: how long it waits there for a worker.
    #[inline]
    fn take(&mut self, proxy: &Proxy, id: u32, replica: u32, now: Time, work: Span) -> Span {
        let workers = proxy.workers as usize;
        let from = self.first[id as usize] + (replica - proxy.first) as usize * workers;
        let Some((soonest, others)) = self.free[from..from + workers].split_first_mut() else { return Span::ZERO };
        let soonest = others.iter_mut().fold(soonest, |one, other| if *other < *one { other } else { one });
        let begins = (*soonest).max(now);
        *soonest = begins + work;
        begins.since(now)
    }

    /// Whether a call-site's messages pass proxies.
    #[inline]
    fn are_passed(&self, call: u32) -> bool {
        self.paths.get(call as usize).is_some_and(|path| !path.stops.is_empty())
    }
}

/// The route of a call.
fn route_of(plan: &Plan, call: u32) -> Option<&Route> {
    plan.routes.get(plan.calls[call as usize].route as usize)
}

impl Wire {
    /// A request leaves its caller's replica, where there is more to its way than a latency.
    #[inline(never)]
    pub(crate) fn set_out<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let frame = &core.frames[at];
        if !self.proxies.are_passed(frame.call) {
            let there = self.way_there(core, at);
            return core.schedule_steadily(there, Event::Reach(at));
        }
        let caller = core.caller_of(at);
        self.proxies.legs.put(at, Leg { caller, ..Leg::default() });
        self.travel(core, at, false, 0, Span::ZERO);
    }

    /// An answer leaves its callee's replica, where there is more to its way than a latency.
    #[inline(never)]
    pub(crate) fn set_out_back<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let call = core.frames[at].call;
        if !self.proxies.are_passed(call) {
            let back = self.way_back(core, at);
            return core.schedule_steadily(back, Event::Return(at));
        }
        let last = self.proxies.paths[call as usize].stops.len() as u32;
        self.proxies.legs[at].nth = last;
        self.travel(core, at, true, last, Span::ZERO);
    }

    /// A message passes a proxy, and then goes the next way.
    #[inline]
    pub(crate) fn pass<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: u32, replica: u32) {
        let (plan, frame) = (core.plan, &core.frames[at]);
        let proxy = &plan.proxies[id as usize];
        let (back, nth) = (frame.pc == GONE, self.proxies.legs[at].nth);
        let way = if back { Purpose::Back } else { Purpose::There };
        let work = core.vary(proxy.work, frame.lineage, way, WORK + nth);
        let work = if core.is_troubled() { core.stretched(replica, work.0) } else { work };
        let waited = self.proxies.take(proxy, id, replica, core.now, work);
        let stays = waited + work;
        core.charge_at(at, proxy.node, Cause::Proxy, stays);
        core.tell(Fact::Forwarded { node: proxy.node, endpoint: proxy.endpoint, waited, work });
        let leg = &mut self.proxies.legs[at];
        let nth = if back { nth - 1 } else { nth + 1 };
        (leg.nth, leg.proxy, leg.until) = (nth, replica, core.now + stays);
        self.travel(core, at, back, nth, stays);
    }

    /// A message goes one way of its route, after it has stayed somewhere.
    #[inline]
    fn travel<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, back: bool, nth: u32, stays: Span) {
        let path = &self.proxies.paths[core.frames[at].call as usize];
        let (far, last, near, steady) = (path.far, path.stops.len() as u32, path.near, path.steady);
        let takes = if nth != far {
            near.unwrap_or_else(|| core.near(at, back, nth))
        } else if let Some(steady) = steady {
            steady[usize::from(back)]
        } else {
            core.charge_way(at, stays);
            if back { self.way_back(core, at) } else { self.way_there(core, at) }
        };
        let event = if back && nth == 0 {
            Event::Return(at)
        } else if !back && nth == last {
            Event::Reach(at)
        } else {
            Rare::Pass(at).event()
        };
        core.schedule_steadily(stays + takes, event);
    }

    /// The proxy, of the plan's, and its replica to which a message has come.
    #[inline]
    pub(crate) fn stop_of<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> Option<(u32, u32)> {
        let (frame, leg) = (&core.frames[at], self.proxies.legs[at]);
        let path = &self.proxies.paths[frame.call as usize];
        let stop = path.stops.get(if frame.pc == GONE { leg.nth - 1 } else { leg.nth } as usize)?;
        let nth = match stop.beside {
            End::Caller => leg.caller,
            End::Callee => frame.replica - core.sites[frame.call as usize].first,
        };
        Some((stop.proxy, stop.replica(&core.plan.proxies, nth)))
    }

    /// The cryptography of one end of a handshake, where that is the work of the proxy beside its n-th replica: how long it
    /// takes there.
    pub(crate) fn seal<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, end: End, nth: u32) -> Option<Span> {
        let plan = core.plan;
        let route = route_of(plan, core.frames[at].call)?;
        let (stop, _) = (route.beside(end)?, route.beside(if end == End::Caller { End::Callee } else { End::Caller })?);
        let proxy = &plan.proxies[stop.proxy as usize];
        let work = proxy.seals?[usize::from(end == End::Callee)];
        let replica = stop.replica(&plan.proxies, nth);
        let work = if core.is_troubled() { core.stretched(replica, work.0) } else { work };
        let waited = self.proxies.take(proxy, stop.proxy, replica, core.now, work);
        core.tell(Fact::Forwarded { node: proxy.node, endpoint: proxy.endpoint, waited, work });
        Some(waited + work)
    }

    /// Whether a proxy is down that the messages of a try would pass.
    pub(crate) fn is_unpassable<P: Probe>(&self, core: &Core<'_, P>, at: u32, caller: u32) -> bool {
        let frame = &core.frames[at];
        let Some(route) = route_of(core.plan, frame.call) else { return false };
        let callee = || self.callee_of(core, at) - core.sites[frame.call as usize].first;
        route.stops.iter().any(|stop| {
            let nth = if stop.beside == End::Caller { caller } else { callee() };
            !core.is_up(stop.replica(&core.plan.proxies, nth))
        })
    }

    /// Whether the messages of a try that has left pass a replica, a proxy's.
    pub(crate) fn passes<P: Probe>(&self, core: &Core<'_, P>, at: u32, replica: u32) -> bool {
        let frame = &core.frames[at];
        let Some(route) = route_of(core.plan, frame.call) else { return false };
        let callee = || frame.replica - core.sites[frame.call as usize].first;
        route.stops.iter().any(|stop| {
            let nth = if stop.beside == End::Caller { self.proxies.legs.get(at).caller } else { callee() };
            stop.replica(&core.plan.proxies, nth) == replica
        })
    }

    /// A proxy goes down, or dies: the answers that it has are lost, and its workers are free.
    pub(crate) fn lose_passing<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        let (plan, now) = (core.plan, core.now);
        let node = core.node_of(replica);
        let Some(id) = plan.proxies.iter().position(|proxy| proxy.node == node) else { return };
        for at in core.frames.live_slots() {
            let leg = self.proxies.legs.get(at);
            let here = leg.proxy == replica && leg.until > now;
            let frame = &mut core.frames[at];
            if here && frame.pc == GONE && frame.state.cut == Cut::Whole && route_of(plan, frame.call).is_some() {
                frame.state.cut = Cut::Severed;
                frame.marks.answered = true;
            }
        }
        let proxy = &plan.proxies[id];
        let from = self.proxies.first[id] + (replica - proxy.first) as usize * proxy.workers as usize;
        self.proxies.free[from..from + proxy.workers as usize].fill(now);
    }
}

impl<P: Probe> Core<'_, P> {
    /// A way between a proxy and what it stands beside.
    fn near(&self, at: u32, back: bool, nth: u32) -> Span {
        let frame = &self.frames[at];
        let way = if back { Purpose::Back } else { Purpose::There };
        route_of(self.plan, frame.call)
            .map_or(Span::ZERO, |route| self.vary(route.near, frame.lineage, way, NEAR + nth))
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
