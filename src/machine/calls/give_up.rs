//! Callers give up: on a timeout, on word from further up. The callee works on, or hears of it and stops.

use crate::model::id::NONE;
use crate::model::plan::Cancels;
use crate::model::{Cause, ClientId, Fact, Outcome, Probe, Trace};
use crate::random::Purpose;

use crate::machine::calls::Calls;
use crate::machine::core::Core;
use crate::machine::core::event::Event;
use crate::machine::core::frame::{Cut, Frame, Origin};
use crate::machine::core::frame::{Marks, Trip, Whose};
use crate::machine::stations::Stations;

/// Names the draw of a message that tells a callee to stop.
const CANCEL: u32 = 1 << 20;

impl Calls {
    /// The call that a dying frame waits for is left to itself.
    pub(crate) fn abandon_call<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) {
        let child = std::mem::replace(&mut core.frames[at].child, NONE);
        if child == NONE {
            return;
        }
        let Frame { call, origin, whose: Whose { measured, .. }, trip: Trip { sent, .. }, .. } = core.frames[child];
        let (edge, tracks) = (core.sites[call as usize].edge, core.sites[call as usize].tracks);
        core.tell(Fact::Settled { edge, outcome: Outcome::Abandoned, latency: core.now.since(sent), measured });
        if origin == Origin::Guard {
            self.dissolve(core, stations, child, Outcome::Abandoned);
            core.close(child, Outcome::Abandoned);
            self.guarded[child].police = NONE;
            return;
        }
        if tracks {
            self.wire.untrack(core, child, None);
        }
        self.lanes.disarm(child);
        self.let_go(core, stations, child, Outcome::Abandoned);
    }

    /// A parent that is to stop goes on where failures go, and its branches stop at their next step.
    fn recall<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        (parent, join): (u32, u32),
        how: Cancels,
    ) {
        core.charge(parent, Cause::FailedTries);
        stations.go_on(core, join, false, Outcome::Canceled);
        for at in 0..core.frames.peak() as u32 {
            let frame = &mut core.frames[at];
            if frame.origin == Origin::Branch && frame.caller == join {
                frame.marks.canceled = true;
                self.stop(core, stations, at, how);
            }
        }
    }

    /// A caller goes on: tries whose time ran out while it stood still, and that are still out, are given up.
    pub(crate) fn give_up_overdue<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, replica: u32) {
        let (own, others) = std::mem::take(&mut core.trouble.overdue).into_iter().partition(|(r, ..)| *r == replica);
        core.trouble.overdue = others;
        let own: Vec<_> = own;
        if own.is_empty() {
            return;
        }
        let live = core.frames.live_slots();
        for (_, at, lineage) in own {
            let frame = &core.frames[at];
            let same = frame.lineage == lineage && live.binary_search(&at).is_ok();
            if same && frame.origin == Origin::Try && !frame.marks.abandoned {
                self.abandon(core, stations, at, Outcome::Timeout);
            }
        }
    }

    /// The first tries of a lane may be due.
    pub(crate) fn time_out<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, lane: u32) {
        while let Some(at) = self.lanes.due(lane, core.now) {
            if core.is_troubled() && core.is_deaf(at) {
                continue;
            }
            self.abandon(core, stations, at, Outcome::Timeout);
        }
        if let Some(next) = self.lanes.head_deadline(lane) {
            core.schedule(next.since(core.now), Event::Lane(lane));
        }
    }

    /// The caller gives up; the callee works on.
    pub(crate) fn abandon<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
        outcome: Outcome,
    ) {
        if core.sites[core.frames[at].call as usize].guard != NONE {
            return self.give_up_try(core, stations, at, outcome);
        }
        core.charge(core.frames[at].caller, Cause::FailedTries);
        self.settle(core, stations, at, outcome);
        let caller = self.let_go(core, stations, at, outcome);
        core.ready.push_back(caller);
    }

    /// Nobody waits for a try any more, for which it had that `outcome`: its connection is dealt with, its callee perhaps
    /// told. Says who waited.
    pub(crate) fn let_go<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
        outcome: Outcome,
    ) -> u32 {
        if core.probe.traces() {
            core.probe.trace(Trace::Abandoned { frame: at, outcome, at: core.now });
        }
        stations.stop_decoding_for(core, at);
        let frame = &mut core.frames[at];
        frame.marks.abandoned = true;
        let caller = frame.caller;
        let at_home = self.wire.give_up_loan(core, at) || self.wire.give_up_question(core, at);
        if at_home {
            self.discard(core, stations, at);
            return caller;
        }
        let call = &core.plan.calls[core.frames[at].call as usize];
        let sent = self.wire.is_sent(core, at);
        if call.channel != NONE && self.give_up(core, stations, at) {
            self.discard(core, stations, at);
            return caller;
        }
        core.frames[at].caller = NONE;
        match core.frames[at].state.cut {
            Cut::Whole => {}
            Cut::Void => {
                self.discard(core, stations, at);
                return caller;
            }
            Cut::Severed | Cut::Unsent | Cut::Astray | Cut::Dead => return caller,
        }
        if call.cancels != Cancels::No && sent {
            let there = core.vary(core.way_from(at, caller), core.frames[at].lineage, Purpose::There, CANCEL);
            core.schedule(there, Event::Cancel(at));
            core.frames[at].marks.hears = true;
        }
        caller
    }

    /// A frame that is to stop gives up the call or the branches that it waits for; its work or its sleep only if it is to stop
    /// at once. Who waits for a database connection or for a broker's word waits for that, and stops then.
    pub(crate) fn stop<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32, how: Cancels) {
        if how == Cancels::AtOnce && stations.break_off(core, at) {
            return core.ready.push_back(at);
        }
        let child = core.frames[at].child;
        if child != NONE {
            core.charge(at, Cause::FailedTries);
            if core.frames[child].origin == Origin::Guard {
                self.drop_guard(core, stations, child);
                return core.ready.push_back(at);
            }
            if core.plan.calls[core.frames[child].call as usize].timeout.is_some() {
                self.lanes.disarm(child);
            }
            self.settle(core, stations, child, Outcome::Canceled);
            self.let_go(core, stations, child, Outcome::Canceled);
            core.ready.push_back(at);
        } else if let Some(join) = stations.joins.waited_for_by(at) {
            self.recall(core, stations, (at, join), how);
        }
    }

    /// A try that was never sent is gone.
    pub(crate) fn discard<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) {
        self.close_try(core, stations, at, Outcome::Canceled);
    }

    /// A caller hears that the connection under its try was reset; the callee, if it still works on that, works for nobody.
    pub(crate) fn hear_reset<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) {
        let Frame { marks: Marks { abandoned, answered, .. }, .. } = core.frames[at];
        if !abandoned {
            self.lanes.disarm(at);
            self.abandon(core, stations, at, Outcome::Reset);
        }
        if answered {
            self.pass_away(core, stations, at);
        }
    }

    /// A try that nobody waits for is over without an answer.
    pub(crate) fn pass_away<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) {
        let frame = &mut core.frames[at];
        frame.marks.answered = true;
        let client = ClientId(u32::from(frame.whose.client));
        let (hears, outcome) = (frame.marks.hears, frame.state.outcome);
        let wasted = core.waste(at);
        core.tell(Fact::Wasted { client, wasted });
        if !hears {
            self.close_try(core, stations, at, outcome);
        }
    }
}
