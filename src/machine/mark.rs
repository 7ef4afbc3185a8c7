//! Marks: the boundaries of the measured time, and those between its stretches.

use crate::kernel::Phase;
use crate::model::plan::STRETCHES;
use crate::model::{Fact, Mark, Probe};

use super::Machine;
use super::event::Event;

/// The number of the mark at the end of the first stretch of the measured time; the others follow.
pub(super) const STRETCH: u32 = Mark::ALL.len() as u32;

impl<P: Probe> Machine<'_, P> {
    /// Whether it is measured time: after the warm-up, up to and with the last instant.
    #[inline(always)]
    pub(super) fn is_measured(&self) -> bool {
        self.opened && !self.closed
    }

    /// A boundary passes: one that every run has, or that of a stretch of time that somebody wants to look at.
    #[cold]
    pub(super) fn pass_mark(&mut self, nth: u32) {
        let Some(stretch) = nth.checked_sub(STRETCH) else { return self.mark(Mark::ALL[nth as usize]) };
        // A look at the world is no event in it.
        self.events -= 1;
        self.mark(Mark::Stretch);
        if stretch + 2 < STRETCHES {
            self.agenda.push_after(self.plan.stretch(), Phase::Sample, Event::Mark(nth + 1));
        }
    }

    /// A boundary that every run has passes.
    pub(super) fn mark(&mut self, mark: Mark) {
        if mark != Mark::Half {
            self.read_breakers();
        }
        self.tell(Fact::Marked(mark));
        self.opened |= mark == Mark::Open;
        if mark == Mark::Close {
            self.closed = true;
            if self.measured_open == 0 {
                self.linger();
            }
        }
    }
}
