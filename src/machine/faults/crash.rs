//! A replica dies: everything in progress there is gone, and what it held is free.

use crate::model::{Cause, Fact, Outcome, Probe};
use crate::units::{Span, Time};

use crate::machine::Machine;
use crate::machine::core::frame::{Cut, Frame, Origin, Pose};
use crate::machine::core::{DIAL, GONE};
use crate::machine::parts::Death;
use crate::machine::wire::lend::Loan;

impl<P: Probe> Machine<'_, P> {
    /// Ends everything that is in progress on a replica; callers hear of it unless it is `silent`.
    pub(crate) fn kill(&mut self, replica: u32, silent: bool) {
        self.stations.stop_decoding_at(&mut self.core, replica);
        let death = Death { replica, victims: self.victims(replica) };
        for at in &death.victims {
            self.stop_at_once(*at);
        }
        self.leave_lines(&death);
        for at in &death.victims {
            self.calls.abandon_call(&mut self.core, &mut self.stations, *at);
            self.data.roll_back(&mut self.core, *at);
        }
        self.forget_dead(&death);
        for at in &death.victims {
            self.perish(*at, silent);
        }
        self.stations.empty(&mut self.core, replica);
        self.core.bury_all(&death.victims);
    }

    /// Requests and branches in progress on a replica.
    fn victims(&self, replica: u32) -> Vec<u32> {
        let dies = |at: u32, frame: &Frame| match frame.origin {
            // A guard goes with the frame that waits for it; nothing is decoded ahead any more.
            Origin::Root | Origin::Guard | Origin::Ahead => false,
            Origin::Branch | Origin::Record => true,
            Origin::Try => frame.pc != DIAL.0 && frame.pc != GONE,
            Origin::Message => frame.pc != DIAL.0 && self.mail.is_handled(&self.core, at),
        };
        let here = |at: &u32| self.core.frames[*at].replica == replica && dies(*at, &self.core.frames[*at]);
        self.core.frames.live_slots().into_iter().filter(here).collect()
    }

    /// A frame leaves its work, its line, its sleep.
    fn stop_at_once(&mut self, at: u32) {
        if self.core.frames[at].state.pose == Pose::Working {
            self.stations.interrupt(&mut self.core, at);
        }
        if self.core.frames[at].marks.waiting {
            self.stations.leave_line(&mut self.core, at);
        }
        if self.core.frames[at].state.pose == Pose::Publishing {
            self.mail.die_publishing(&mut self.core, at);
        }
        self.core.charge(at, Cause::FailedTries);
        let frame = &mut self.core.frames[at];
        frame.state.pose = Pose::Idle;
        if frame.state.loan == Loan::Stands {
            frame.state.loan = Loan::None;
        }
        frame.due = Time::NEVER;
        let measured = frame.whose.measured;
        for scope in std::mem::take(self.core.frames.scopes(at)) {
            let latency = self.core.now.since(scope.since);
            self.core.tell(Fact::Settled { edge: scope.edge, outcome: Outcome::Abandoned, latency, measured });
        }
    }

    /// A frame is over; whoever waits for it hears that the connection was reset, unless nothing is heard.
    fn perish(&mut self, at: u32, silent: bool) {
        let frame = self.core.frames[at];
        match frame.origin {
            Origin::Branch => {
                self.core.close(at, Outcome::Reset);
                return self.stations.leave_join(frame.caller);
            }
            Origin::Message => return self.mail.die_handling(&mut self.core, at),
            Origin::Record => return self.streams.die_reading(&mut self.core, at),
            Origin::Root | Origin::Try | Origin::Guard | Origin::Ahead => {}
        }
        if self.core.plan.calls[frame.call as usize].hands_over() {
            return self.calls.turn_back(&mut self.core, &mut self.stations, at, Outcome::Reset, silent);
        }
        let site = &self.core.sites[frame.call as usize];
        let (node, endpoint) = (site.node, site.endpoint);
        let (sojourn, waited) = (self.core.now.since(frame.trip.arrived), Span(frame.wait.waited));
        self.core.tell(Fact::Replied { node, endpoint, outcome: Outcome::Reset, joined: true, sojourn, waited });
        if frame.state.cut == Cut::Severed {
            // A reset is under way to its caller already; it ends with that.
            self.core.frames[at].pc = GONE;
            self.core.frames[at].marks.answered = true;
            return;
        }
        self.calls.turn_back(&mut self.core, &mut self.stations, at, Outcome::Reset, silent);
    }
}
