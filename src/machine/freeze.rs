//! A replica stands still: its frames do not go on, its clocks stop, its timers wait.
//!
//! A timeout that runs out meanwhile is heard when the replica goes on; an answer that comes before that still counts.

use crate::kernel::Phase;
use crate::model::{Outcome, Probe};
use crate::units::Span;

use super::Machine;
use super::event::Event;
use super::frame::{Origin, Pose};

impl<P: Probe> Machine<'_, P> {
    /// A frame is about to go on: says whether it has to wait until its replica thaws.
    #[inline(never)]
    pub(super) fn park(&mut self, at: u32) -> bool {
        let frozen = self.is_frozen(self.frames[at].replica);
        if frozen {
            self.trouble.parked.push(at);
        }
        frozen
    }

    pub(super) fn freeze(&mut self, replica: u32) {
        let plight = &mut self.trouble.plights[replica as usize];
        plight.frozen += 1;
        if plight.frozen == 1 {
            plight.since = self.now;
            self.stop_clock(replica);
        }
    }

    /// A replica goes on: work in progress ends later by the time it stood still.
    pub(super) fn thaw(&mut self, replica: u32) {
        let plight = &mut self.trouble.plights[replica as usize];
        plight.frozen -= 1;
        if plight.frozen > 0 {
            return;
        }
        let stood = self.now.since(plight.since);
        if self.replicas[replica as usize].cpu.is_none() {
            for at in self.frames.live_slots() {
                let frame = &mut self.frames[at];
                if frame.replica == replica && frame.pose == Pose::Working {
                    frame.due = frame.due + stood;
                    let due = frame.due;
                    self.agenda.push(due, Phase::Arrival, Event::Done(at));
                }
            }
        }
        self.start_clock(replica);
        self.unpark();
        self.ring(replica);
        self.give_up_overdue(replica);
    }

    /// A try has timed out: says whether its caller stands still, and hears of it only when it goes on.
    #[inline(never)]
    pub(super) fn is_deaf(&mut self, at: u32) -> bool {
        let caller = self.frames[self.frames[at].caller].replica;
        let frozen = self.is_frozen(caller);
        if frozen {
            self.trouble.overdue.push((caller, at, self.frames[at].lineage));
        }
        frozen
    }

    /// A caller goes on: tries whose time ran out while it stood still, and that are still out, are given up.
    fn give_up_overdue(&mut self, replica: u32) {
        let (own, others) = std::mem::take(&mut self.trouble.overdue).into_iter().partition(|(r, ..)| *r == replica);
        self.trouble.overdue = others;
        let own: Vec<_> = own;
        if own.is_empty() {
            return;
        }
        let live = self.frames.live_slots();
        for (_, at, lineage) in own {
            let frame = &self.frames[at];
            let same = frame.lineage == lineage && live.binary_search(&at).is_ok();
            if same && frame.origin == Origin::Try && !frame.abandoned {
                self.abandon(at, Outcome::Timeout);
            }
        }
    }

    /// Timers of a replica that should have rung while it stood still.
    fn ring(&mut self, replica: u32) {
        for (event, at, due) in std::mem::take(&mut self.trouble.ringing) {
            if self.frames[at].replica != replica {
                self.trouble.ringing.push((event, at, due));
            } else if self.frames[at].due == due {
                self.frames[at].due = self.now;
                self.schedule(Span::ZERO, event);
            }
        }
    }

    /// A frame's timer rings: says whether it has to wait until its replica thaws.
    #[inline(never)]
    pub(super) fn mutes(&mut self, event: Event, at: u32) -> bool {
        let frame = &self.frames[at];
        if frame.due != self.now || !self.is_frozen(frame.replica) {
            return false;
        }
        self.trouble.ringing.push((event, at, self.now));
        true
    }
}
