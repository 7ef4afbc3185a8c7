//! Events of which several parts hear in turn.

use crate::model::{Op, Outcome, Probe};
use crate::random::Lineage;

use crate::machine::Machine;
use crate::machine::core::GONE;
use crate::machine::core::event::Event;
use crate::machine::core::frame::Origin;

impl<P: Probe> Machine<'_, P> {
    /// Word reaches a replica that another try was begun: one that is not begun here is dropped.
    pub(crate) fn hear_word(&mut self, word: u32) {
        let (at, lineage) = self.calls.words.all[word as usize];
        self.calls.words.free.push(word);
        let frame = self.core.frames[at];
        if frame.lineage != lineage || frame.origin != Origin::Try || frame.pc == GONE {
            return;
        }
        let entered =
            frame.marks.waiting && !frame.marks.preempted && self.core.plan.ops[frame.pc as usize - 1] == Op::Enter;
        if entered && !self.core.is_frozen(frame.replica) {
            self.stations.leave_line(&mut self.core, at);
            self.data.unlock(&mut self.core, at);
            self.calls.reply(&mut self.core, &mut self.stations, at, Outcome::Canceled, true);
        } else if self.core.is_unbegun(frame.pc) {
            self.core.frames[at].marks.canceled = true;
        }
    }

    /// An open client sends.
    pub(crate) fn arrive(&mut self, client: u32) {
        let naming = self.core.naming(client);
        let nth = self.clients.sources[client as usize].pace.arrivals;
        let batch = self.core.plan.clients[client as usize].source.batch(nth, naming);
        if batch > 1 {
            self.core.toil(batch);
        }
        for _ in 0..batch {
            if self.core.course.stop.is_some() {
                return;
            }
            let root = self.clients.sources[client as usize].roots;
            self.clients.sources[client as usize].roots += 1;
            let frame = self.clients.set_out(&mut self.core, client, 0, Lineage::root(naming.source, root));
            self.walk(frame);
        }
        self.clients.expect_arrival(&mut self.core, client);
    }

    /// A query has waited long for a lock: it gives up, or its transaction is the victim if it waits for itself.
    #[cold]
    pub(crate) fn suspect(&mut self, at: u32) {
        if let Some(outcome) = self.data.lose_patience(&mut self.core, at) {
            self.calls.reply(&mut self.core, &mut self.stations, at, outcome, true);
        }
    }

    /// A callee hears that its caller gave up: it is taken from the line, gives up its own calls, stops at its
    /// next step, or where it stands.
    pub(crate) fn cancel(&mut self, at: u32) {
        self.core.frames[at].marks.hears = false;
        let frame = self.core.frames[at];
        if frame.marks.answered {
            return self.calls.close_try(&mut self.core, &mut self.stations, at, frame.state.outcome);
        }
        self.core.frames[at].marks.canceled = true;
        if frame.pc == GONE || self.core.is_frozen(frame.replica) {
            return;
        }
        let op = |pc: u32| self.core.plan.ops[pc as usize];
        if frame.marks.waiting && !frame.marks.preempted && op(frame.pc - 1) == Op::Enter {
            self.stations.leave_line(&mut self.core, at);
            self.data.unlock(&mut self.core, at);
            self.calls.reply(&mut self.core, &mut self.stations, at, Outcome::Canceled, true);
        } else {
            let how = self.core.plan.calls[frame.call as usize].cancels;
            self.calls.stop(&mut self.core, &mut self.stations, at, how);
        }
    }

    /// A request has been in line as long as it stays.
    pub(crate) fn lose_patience(&mut self, at: u32) {
        if self.core.is_troubled() && self.core.mutes(Event::Patience(at), at) {
            return;
        }
        let frame = &mut self.core.frames[at];
        if frame.due != self.core.now || !frame.marks.waiting {
            return;
        }
        self.stations.leave_line(&mut self.core, at);
        self.data.unlock(&mut self.core, at);
        self.calls.reply(&mut self.core, &mut self.stations, at, Outcome::Overloaded, true);
    }
}
