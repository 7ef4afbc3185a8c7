//! A replica stands still, and goes on.

use crate::kernel::Phase;
use crate::model::Probe;
use crate::units::Time;

use crate::machine::Machine;
use crate::machine::core::event::Event;
use crate::machine::core::frame::Pose;

impl<P: Probe> Machine<'_, P> {
    /// A replica stands still until then, as far as that is known.
    pub(crate) fn freeze(&mut self, replica: u32, until: Time) {
        if self.core.plan.is_proxy(self.core.node_of(replica)) {
            self.core.trouble.plights[replica as usize].frozen += 1;
            return self.core.hold_up(replica, until);
        }
        let plight = &mut self.core.trouble.plights[replica as usize];
        plight.frozen += 1;
        if plight.frozen == 1 {
            plight.since = self.core.now;
            self.stations.stop_clock(&mut self.core, replica);
        }
    }

    /// A replica goes on: work in progress ends later by the time it stood still.
    pub(crate) fn thaw(&mut self, replica: u32) {
        let forwards = self.core.plan.is_proxy(self.core.node_of(replica));
        let plight = &mut self.core.trouble.plights[replica as usize];
        plight.frozen -= 1;
        if plight.frozen > 0 || forwards {
            return;
        }
        let stood = self.core.now.since(plight.since);
        if self.stations.replicas[replica as usize].cpu.is_none() {
            for at in self.core.frames.live_slots() {
                let frame = &mut self.core.frames[at];
                if frame.replica == replica && frame.state.pose == Pose::Working {
                    frame.due = frame.due + stood;
                    let due = frame.due;
                    self.core.agenda.push(due, Phase::Arrival, Event::Done(at));
                }
            }
        }
        self.stations.start_clock(&mut self.core, replica);
        self.core.unpark();
        self.core.ring(replica);
        self.calls.give_up_overdue(&mut self.core, &mut self.stations, replica);
    }
}
