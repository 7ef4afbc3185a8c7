//! Faults that are over at once: a cache forgets, a message is spoiled.

use crate::kernel::Phase;
use crate::model::fault::{Effect, When};
use crate::model::{Fact, FaultId, Probe};

use super::Machine;
use super::event::Event;

impl<P: Probe> Machine<'_, P> {
    /// What a cache knew is gone, or the next message is spoiled.
    pub(super) fn spoil(&mut self, at: u32) {
        if self.is_spared(at) {
            return;
        }
        let fault = &self.plan.faults[at as usize];
        for replica in &fault.replicas {
            if fault.effect == Effect::Cold {
                self.chill(*replica);
            } else {
                self.poison(*replica);
            }
        }
        self.pass_at_once(at);
    }

    /// A fault that is over at once has struck; says to the agenda when it does so next.
    pub(super) fn pass_at_once(&mut self, at: u32) {
        for on in [true, false] {
            self.tell(Fact::Struck { fault: FaultId(at), on });
        }
        if matches!(self.plan.faults[at as usize].when, When::Random { .. }) {
            let next = self.strikes_next(at);
            self.agenda.push(next, Phase::Recovery, Event::Fault(at));
        }
    }
}
