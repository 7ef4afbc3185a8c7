//! A replica dies: everything in progress there is gone, and what it held is free.

use crate::model::id::NONE;
use crate::model::{Cause, Fact, Outcome, Probe};
use crate::units::{Span, Time};

use super::Machine;
use super::frame::{Cut, Frame, Origin, Pose};
use super::lend::Loan;
use super::walk::{DIAL, GONE};

impl<P: Probe> Machine<'_, P> {
    /// Ends everything that is in progress on a replica; callers hear of it unless it is `silent`.
    pub(super) fn kill(&mut self, replica: u32, silent: bool) {
        self.stop_decoding_at(replica);
        let victims = self.victims(replica);
        for at in &victims {
            self.stop_at_once(*at);
        }
        self.forget_waits(&victims);
        self.forget_purses(replica);
        self.forget_lines(replica);
        for at in &victims {
            self.abandon_call(*at);
            self.roll_back(*at);
        }
        self.forget_locks_of(replica);
        self.forget_pools(replica);
        self.forget_policies(replica);
        self.forget_intake(replica);
        self.forget_caches(replica);
        self.forget_books(replica);
        for at in &victims {
            self.perish(*at, silent);
        }
        self.empty(replica);
        let dies = |at: &u32| victims.contains(at);
        self.trouble.parked.retain(|at| !dies(at));
        self.trouble.ringing.retain(|(_, at, _)| !dies(at));
        self.ready.retain(|at| !dies(at));
    }

    /// Requests and branches in progress on a replica.
    fn victims(&self, replica: u32) -> Vec<u32> {
        let dies = |at: u32, frame: &Frame| match frame.origin {
            // A guard goes with the frame that waits for it; nothing is decoded ahead any more.
            Origin::Root | Origin::Guard | Origin::Ahead => false,
            Origin::Branch | Origin::Record => true,
            Origin::Try => frame.pc != DIAL.0 && frame.pc != GONE,
            Origin::Message => frame.pc != DIAL.0 && self.is_handled(at),
        };
        let here = |at: &u32| self.frames[*at].replica == replica && dies(*at, &self.frames[*at]);
        self.frames.live_slots().into_iter().filter(here).collect()
    }

    /// A frame leaves its work, its line, its sleep.
    fn stop_at_once(&mut self, at: u32) {
        if self.frames[at].pose == Pose::Working {
            self.interrupt(at);
        }
        if self.frames[at].waiting {
            self.leave_line(at);
        }
        if self.frames[at].pose == Pose::Publishing {
            self.die_publishing(at);
        }
        self.charge(at, Cause::FailedTries);
        let frame = &mut self.frames[at];
        frame.pose = Pose::Idle;
        if frame.loan == Loan::Stands {
            frame.loan = Loan::None;
        }
        frame.due = Time::NEVER;
        let measured = frame.measured;
        for scope in std::mem::take(self.frames.scopes(at)) {
            let latency = self.now.since(scope.since);
            self.tell(Fact::Settled { edge: scope.edge, outcome: Outcome::Abandoned, latency, measured });
        }
    }

    /// The call that a dying frame waits for is left to itself.
    fn abandon_call(&mut self, at: u32) {
        let child = std::mem::replace(&mut self.frames[at].child, NONE);
        if child == NONE {
            return;
        }
        let Frame { call, measured, sent, origin, .. } = self.frames[child];
        let (edge, tracks) = (self.sites[call as usize].edge, self.sites[call as usize].tracks);
        self.tell(Fact::Settled { edge, outcome: Outcome::Abandoned, latency: self.now.since(sent), measured });
        if origin == Origin::Guard {
            self.dissolve(child, Outcome::Abandoned);
            self.close(child, Outcome::Abandoned);
            self.guarded[child as usize].police = NONE;
            return;
        }
        if tracks {
            self.untrack(child, None);
        }
        self.lanes.disarm(child);
        self.let_go(child, Outcome::Abandoned);
    }

    /// A frame is over; whoever waits for it hears that the connection was reset, unless nothing is heard.
    fn perish(&mut self, at: u32, silent: bool) {
        let frame = self.frames[at];
        match frame.origin {
            Origin::Branch => {
                self.close(at, Outcome::Reset);
                return self.leave_join(frame.caller);
            }
            Origin::Message => return self.die_handling(at),
            Origin::Record => return self.die_reading(at),
            Origin::Root | Origin::Try | Origin::Guard | Origin::Ahead => {}
        }
        let site = &self.sites[frame.call as usize];
        let (node, endpoint) = (site.node, site.endpoint);
        let (sojourn, waited) = (self.now.since(frame.arrived), Span(frame.waited));
        self.tell(Fact::Replied { node, endpoint, outcome: Outcome::Reset, joined: true, sojourn, waited });
        if frame.cut == Cut::Severed {
            // A reset is under way to its caller already; it ends with that.
            self.frames[at].pc = GONE;
            self.frames[at].answered = true;
            return;
        }
        self.turn_back(at, Outcome::Reset, silent);
    }

    /// All workers of a replica are free.
    fn empty(&mut self, index: u32) {
        let replica = &mut self.replicas[index as usize];
        let (node, busy) = (replica.node, std::mem::take(&mut replica.busy));
        replica.running.clear();
        for _ in 0..busy {
            self.tell(Fact::Left { node });
        }
        self.watch_limit(index);
    }
}
