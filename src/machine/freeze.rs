//! A replica stands still: its frames do not go on, its clocks stop, its timers wait.

use crate::kernel::Phase;
use crate::model::Probe;
use crate::units::Span;

use super::Machine;
use super::event::Event;
use super::frame::Pose;

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
