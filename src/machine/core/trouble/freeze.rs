//! A replica stands still: its frames do not go on, its clocks stop, its timers wait.
//!
//! A timeout that runs out meanwhile is heard when the replica goes on; an answer that comes before that still counts.

use crate::model::Probe;
use crate::units::Span;

use crate::machine::core::Core;
use crate::machine::core::event::Event;

impl<P: Probe> Core<'_, P> {
    /// A frame is about to go on: says whether it has to wait until its replica thaws.
    #[inline(never)]
    pub(crate) fn park(&mut self, at: u32) -> bool {
        let frozen = self.is_frozen(self.frames[at].replica);
        if frozen {
            self.trouble.parked.push(at);
        }
        frozen
    }

    /// A try has timed out: says whether its caller stands still, and hears of it only when it goes on.
    #[inline(never)]
    pub(crate) fn is_deaf(&mut self, at: u32) -> bool {
        let caller = self.frames[self.frames[at].caller].replica;
        let frozen = self.is_frozen(caller);
        if frozen {
            self.trouble.overdue.push((caller, at, self.frames[at].lineage));
        }
        frozen
    }

    /// Timers of a replica that should have rung while it stood still.
    pub(crate) fn ring(&mut self, replica: u32) {
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
    pub(crate) fn mutes(&mut self, event: Event, at: u32) -> bool {
        let frame = &self.frames[at];
        if frame.due != self.now || !self.is_frozen(frame.replica) {
            return false;
        }
        self.trouble.ringing.push((event, at, self.now));
        true
    }
}
