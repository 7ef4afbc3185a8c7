//! Ways by proxies: a message travels from stop to stop, and back by the same stops.
//!
//! A proxy is a station of a simple kind: messages are served first come, first served by workers of which each has a core.
//! So it is known when a message comes how long it waits, and when it goes on; it costs one event, and to its try all of that
//! is the way. Its time at a proxy is `proxy` in the ledger, and the proxy's. The cryptography of a connection between two
//! proxies is work of theirs, too, in the same line; to those who wait for it that is `connect`.

use crate::model::Probe;
use crate::model::id::NONE;
use crate::model::plan::End;
use crate::random::Purpose;
use crate::units::Span;

use crate::machine::core::event::Event;
use crate::machine::core::proxies::Leg;
use crate::machine::core::{Core, GONE};
use crate::machine::wire::Wire;

impl Wire {
    /// A request leaves its caller's replica, where there is more to its way than a latency.
    #[inline(never)]
    pub(crate) fn set_out<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let frame = &core.frames[at];
        if !core.proxies.are_passed(frame.call) {
            let there = self.way_there(core, at);
            return core.schedule_steadily(there, Event::Reach(at));
        }
        let path = &core.proxies.paths[frame.call as usize];
        let caller = if frame.caller == NONE { 0 } else { core.frames[frame.caller].replica - path.caller };
        let (takes, event) = (path.takes(false, 0), path.event(at, false, 0));
        core.proxies.legs.put(at, Leg { caller, ..Leg::default() });
        let takes = takes.unwrap_or_else(|| self.wander(core, at, false, 0, Span::ZERO));
        core.schedule_steadily(takes, event);
    }

    /// An answer leaves its callee's replica, where there is more to its way than a latency.
    #[inline(never)]
    pub(crate) fn set_out_back<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let call = core.frames[at].call;
        if !core.proxies.are_passed(call) {
            let back = self.way_back(core, at);
            return core.schedule_steadily(back, Event::Return(at));
        }
        let path = &core.proxies.paths[call as usize];
        let last = path.stops.len() as u32;
        let (takes, event) = (path.takes(true, last), path.event(at, true, last));
        core.proxies.legs[at].nth = last;
        let takes = takes.unwrap_or_else(|| self.wander(core, at, true, last, Span::ZERO));
        core.schedule_steadily(takes, event);
    }

    /// A message passes a proxy, and then goes the next way.
    #[inline]
    pub(crate) fn pass<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let (frame, leg) = (&core.frames[at], core.proxies.legs[at]);
        let (back, lineage) = (frame.pc == GONE, frame.lineage);
        let path = &core.proxies.paths[frame.call as usize];
        let Some((gate, beside)) = path.gate(leg, frame.replica, back) else { return };
        let next = if back { leg.nth - 1 } else { leg.nth + 1 };
        let (takes, event) = (path.takes(back, next), path.event(at, back, next));
        let way = if back { Purpose::Back } else { Purpose::There };
        let stays = core.stay_at((gate, beside), (lineage, way, leg.nth), at);
        let until = core.now + stays;
        let leg = &mut core.proxies.legs[at];
        (leg.nth, leg.proxy, leg.until) = (next, gate.first + beside, until);
        let takes = takes.unwrap_or_else(|| self.wander(core, at, back, next, stays));
        core.schedule(stays + takes, event);
    }

    /// How long a way takes that is not always the same, after a message has stayed somewhere.
    #[inline(never)]
    fn wander<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, back: bool, nth: u32, stays: Span) -> Span {
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
