//! Callers give up: on a timeout, on word from further up. The callee works on, or hears of it and stops.

use crate::model::id::NONE;
use crate::model::{Cause, ClientId, Fact, Op, Outcome, Probe, Trace};
use crate::random::Purpose;

use super::Machine;
use super::event::Event;
use super::frame::{Cut, Frame, Origin};
use super::walk::GONE;

/// Names the draw of a message that tells a callee to stop.
const CANCEL: u32 = 1 << 20;

impl<P: Probe> Machine<'_, P> {
    /// The first tries of a lane may be due.
    pub(super) fn time_out(&mut self, lane: u32) {
        while let Some(at) = self.lanes.due(lane, self.now) {
            if self.faulted && self.is_deaf(at) {
                continue;
            }
            self.abandon(at, Outcome::Timeout);
        }
        if let Some(next) = self.lanes.head_deadline(lane) {
            self.schedule(next.since(self.now), Event::Lane(lane));
        }
    }

    /// The caller gives up; the callee works on.
    pub(super) fn abandon(&mut self, at: u32, outcome: Outcome) {
        if self.sites[self.frames[at].call as usize].guard != NONE {
            return self.give_up_try(at, outcome);
        }
        self.charge(self.frames[at].caller, Cause::FailedTries);
        self.settle(at, outcome);
        let caller = self.let_go(at, outcome);
        self.ready.push_back(caller);
    }

    /// Nobody waits for a try any more, for which it had that `outcome`: its connection is dealt with, its callee perhaps
    /// told. Says who waited.
    pub(super) fn let_go(&mut self, at: u32, outcome: Outcome) -> u32 {
        if P::TRACES {
            self.probe.trace(Trace::Abandoned { frame: at, outcome, at: self.now });
        }
        self.stop_decoding_for(at);
        let frame = &mut self.frames[at];
        frame.abandoned = true;
        let (caller, at_home) = (frame.caller, self.give_up_loan(at));
        if at_home {
            self.discard(at);
            return caller;
        }
        let call = &self.plan.calls[self.frames[at].call as usize];
        let sent = self.is_sent(at);
        if call.channel != NONE && self.give_up(at) {
            self.discard(at);
            return caller;
        }
        self.frames[at].caller = NONE;
        match self.frames[at].cut {
            Cut::Whole => {}
            Cut::Void => {
                self.discard(at);
                return caller;
            }
            Cut::Severed | Cut::Unsent | Cut::Astray | Cut::Dead => return caller,
        }
        if call.cancels && sent {
            let there = self.vary(call.there, self.frames[at].lineage, Purpose::There, CANCEL);
            self.schedule(there, Event::Cancel(at));
            self.frames[at].hears = true;
        }
        caller
    }

    /// A callee hears that its caller gave up: it is taken from the line, gives up its own calls, or stops at its next step.
    pub(super) fn cancel(&mut self, at: u32) {
        self.frames[at].hears = false;
        let frame = self.frames[at];
        if frame.answered {
            return self.close_try(at, frame.outcome);
        }
        self.frames[at].canceled = true;
        if frame.pc == GONE || self.is_frozen(frame.replica) {
            return;
        }
        let op = |pc: u32| self.plan.ops[pc as usize];
        if frame.waiting && !frame.preempted && op(frame.pc - 1) == Op::Enter {
            self.leave_line(at);
            self.unlock(at);
            self.reply(at, Outcome::Canceled, true);
        } else {
            self.stop_waiting(at);
        }
    }

    /// A frame that is to stop gives up the call or the branches that it waits for.
    pub(super) fn stop_waiting(&mut self, at: u32) {
        let child = self.frames[at].child;
        if child != NONE {
            self.charge(at, Cause::FailedTries);
            if self.frames[child].origin == Origin::Guard {
                self.drop_guard(child);
                return self.ready.push_back(at);
            }
            if self.plan.calls[self.frames[child].call as usize].timeout.is_some() {
                self.lanes.disarm(child);
            }
            self.settle(child, Outcome::Canceled);
            self.let_go(child, Outcome::Canceled);
            self.ready.push_back(at);
        } else if let Some(join) = self.joins.waited_for_by(at) {
            self.recall(at, join);
        }
    }

    /// A try that was never sent is gone.
    pub(super) fn discard(&mut self, at: u32) {
        self.close_try(at, Outcome::Canceled);
    }

    /// A caller hears that the connection under its try was reset; the callee, if it still works on that, works for nobody.
    pub(super) fn hear_reset(&mut self, at: u32) {
        let Frame { abandoned, answered, .. } = self.frames[at];
        if !abandoned {
            self.lanes.disarm(at);
            self.abandon(at, Outcome::Reset);
        }
        if answered {
            self.pass_away(at);
        }
    }

    /// A try that nobody waits for is over without an answer.
    pub(super) fn pass_away(&mut self, at: u32) {
        let frame = &mut self.frames[at];
        frame.answered = true;
        let client = ClientId(u32::from(frame.client));
        let (hears, outcome) = (frame.hears, frame.outcome);
        let wasted = self.waste(at);
        self.tell(Fact::Wasted { client, wasted });
        if !hears {
            self.close_try(at, outcome);
        }
    }
}
