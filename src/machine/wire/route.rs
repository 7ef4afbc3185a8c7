//! Ways by proxies: a message travels from stop to stop, and back by the same stops.
//!
//! A proxy is a station of a simple kind: messages are served first come, first served by workers of which each has a core.
//! So it is known when a message comes how long it waits, and when it goes on; it costs one event, and to its try all of that
//! is the way. Its time at a proxy is `proxy` in the ledger, and the proxy's. The cryptography of a connection between two
//! proxies is work of theirs, too, in the same line; to those who wait for it that is `connect`.

use crate::kernel::Phase;
use crate::model::Probe;
use crate::model::id::NONE;
use crate::model::plan::End;
use crate::random::Purpose;
use crate::units::Span;

use crate::machine::core::Core;
use crate::machine::core::event::Event;
use crate::machine::core::proxies::{Leg, Then};
use crate::machine::wire::Wire;

impl Wire {
    /// A request leaves its caller's replica, where there is more to its way than a latency.
    #[inline(never)]
    pub(crate) fn set_out<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let frame = &core.frames[at];
        let Some(path) = core.proxies.path(frame.call) else {
            let there = self.way_there(core, at);
            return self.carry(core, at, there, Event::Reach(at));
        };
        let caller = if frame.caller == NONE { 0 } else { core.frames[frame.caller].replica - path.caller };
        core.proxies.legs.put(at, Leg { step: path.first, caller, ..Leg::default() });
        let takes = path.begins[0].unwrap_or_else(|| self.wander(core, at, (false, 0), Span::ZERO));
        core.schedule_steadily(takes, Then::Pass.event(at));
    }

    /// An answer leaves its callee's replica, where there is more to its way than a latency.
    #[inline(never)]
    pub(crate) fn set_out_back<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let Some(path) = core.proxies.path(core.frames[at].call) else {
            let back = self.way_back(core, at);
            return self.carry(core, at, back, Event::Return(at));
        };
        core.proxies.legs[at].step = path.first + path.stops;
        let takes = path.begins[1].unwrap_or_else(|| self.wander(core, at, (true, path.stops), Span::ZERO));
        core.schedule_steadily(takes, Then::Pass.event(at));
    }

    /// A message passes a proxy, and then goes the next way.
    #[inline(always)]
    pub(crate) fn pass<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        match core.pass_on_way(at) {
            Some((stays, takes, then)) => core.agenda.push_packed(stays + takes, Phase::Arrival, then | u64::from(at)),
            None => self.pass_slowly(core, at),
        }
    }

    /// The same where the way after the proxy varies, or more may happen there.
    #[inline(never)]
    fn pass_slowly<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let leg = core.proxies.legs[at];
        let step = core.proxies.steps[leg.step as usize];
        let frame = &core.frames[at];
        let (lineage, (gate, beside), (way, nth)) = (frame.lineage, step.gate(leg, frame.replica), step.name);
        let stays = core.stay_at((gate, beside), (lineage, way, nth), at);
        let (until, now) = (core.now + stays, &mut core.proxies.legs[at]);
        (now.step, now.proxy, now.until) = (leg.step + 1, gate.first + beside, until);
        let takes = step.takes.unwrap_or_else(|| self.wander(core, at, (way == Purpose::Back, step.way), stays));
        core.schedule(stays + takes, step.event(at));
    }

    /// How long a way takes that is not always the same, after a message has stayed somewhere.
    #[inline(never)]
    fn wander<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, (back, nth): (bool, u32), stays: Span) -> Span {
        if nth != core.proxies.paths[core.frames[at].call as usize].far {
            return core.near(at, back, nth);
        }
        core.charge_way(at, stays);
        if back { self.way_back(core, at) } else { self.way_there(core, at) }
    }

    /// Whether a proxy is down that the messages of a try would pass.
    pub(crate) fn is_unpassable<P: Probe>(&self, core: &Core<'_, P>, at: u32, caller: u32) -> bool {
        let frame = &core.frames[at];
        let Some(route) = core.plan.route(frame.call) else { return false };
        let callee = || self.callee_of(core, at) - core.sites[frame.call as usize].first;
        route.stops.iter().any(|stop| {
            let nth = if stop.beside == End::Caller { caller } else { callee() };
            !core.is_up(stop.replica(&core.plan.proxies, nth))
        })
    }
}
