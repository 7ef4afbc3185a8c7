//! A try that does not leave, because its caller knows of no replica.

use crate::model::{Outcome, Probe};
use crate::units::Span;

use super::Machine;
use super::channel::Hold;
use super::event::Event;
use super::frame::Cut;
use super::walk::GONE;

impl<P: Probe> Machine<'_, P> {
    /// A try fails before it has left: its caller knows of no replica, or no connection could be opened.
    #[cold]
    pub(super) fn fail_unsent(&mut self, at: u32, outcome: Outcome) {
        if self.is_wired(at) {
            self.holds.resize(self.frames.peak().max(self.holds.len()), Hold::default());
        }
        let frame = &mut self.frames[at];
        frame.pc = GONE;
        frame.outcome = outcome;
        frame.cut = Cut::Unsent;
        self.schedule(Span::ZERO, Event::Return(at));
    }
}
