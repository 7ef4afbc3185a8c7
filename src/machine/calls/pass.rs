//! Tries that meet proxies: one that is down turns them back; what a try hands over to may be another chain of tries.

use crate::model::plan::{Call, End};
use crate::model::{Cause, Outcome, Probe};

use crate::machine::calls::Calls;
use crate::machine::core::event::Event;
use crate::machine::core::frame::{Cut, Origin};
use crate::units::Span;

use crate::machine::core::{Core, Flow, GONE};
use crate::machine::stations::Stations;

impl Calls {
    /// A message arrives at a proxy, and passes it unless that is down.
    #[inline(never)]
    pub(crate) fn come_by<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) {
        if core.probe.traces() {
            core.charge(at, Cause::Network);
        }
        if core.is_troubled()
            && let Some(replica) = core.stop_of(at)
            && !core.is_up(replica)
        {
            if core.frames[at].origin == Origin::Message {
                // Its consumer has lost its broker, and will not begin with it.
                return core.schedule(Span::ZERO, Event::Reach(at));
            }
            return self.stop_short(core, stations, at, replica);
        }
        self.wire.pass(core, at);
    }

    /// A proxy is down: what comes to it is refused there, or vanishes.
    #[cold]
    fn stop_short<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32, replica: u32) {
        core.charge(at, Cause::Network);
        let silent = core.trouble.plights[replica as usize].holes > 0;
        let frame = &core.frames[at];
        let cut = frame.pc == GONE || frame.state.cut == Cut::Severed;
        let outcome = if cut { Outcome::Reset } else { Outcome::ConnectFailed };
        self.turn_back(core, stations, at, outcome, silent);
    }

    /// What a try handed over to is over, and so is the try.
    pub(crate) fn relay<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) -> Flow {
        let frame = &mut core.frames[at];
        frame.pc = GONE;
        let outcome = frame.state.outcome;
        if frame.marks.abandoned {
            self.come_late(core, stations, at);
        } else {
            self.lanes.disarm(at);
            self.end_answered_try(core, stations, at, outcome);
        }
        Flow::Stay
    }
}

/// A try in a handshake needs the cryptography of one end: says whether that is a proxy's work, and has begun there.
pub(crate) fn seal<P: Probe>(core: &mut Core<'_, P>, at: u32, end: End, nth: u32) -> bool {
    let Some(takes) = core.seal(at, end, nth) else { return false };
    core.sleep(at, takes);
    true
}

impl<P: Probe> Core<'_, P> {
    /// A try hands over to a program that makes its call under rules of its own, beside its caller.
    pub(crate) fn hand_over(&mut self, at: u32, call: &Call) {
        let replica = self.frames[self.frames[at].caller].replica;
        let frame = &mut self.frames[at];
        (frame.replica, frame.pc) = (replica, call.inner.0);
        self.ready.push_back(at);
    }
}
