//! Work takes longer, replicas restart in turn.

use crate::model::Probe;
use crate::model::fault::Effect;
use crate::units::{Span, Time};

use crate::machine::Machine;
use crate::machine::core::frame::Pose;
use crate::machine::core::trouble;

impl<P: Probe> Machine<'_, P> {
    /// A fault that its replicas only remember begins or ends.
    pub(crate) fn enlist_on(&mut self, replica: u32, fault: u32, on: bool) {
        let before = self.slowness(replica);
        trouble::hazard::enlist(&mut self.core.trouble.on_replica[replica as usize], fault, on);
        let after = self.slowness(replica);
        if before.to_bits() != after.to_bits() {
            self.change_pace(replica, after / before, after);
        }
    }

    /// How many times as long work takes on a replica.
    pub(crate) fn slowness(&self, replica: u32) -> f64 {
        let factor = |fault: &u32| match self.core.plan.faults[*fault as usize].effect {
            Effect::Slow { factor } => factor,
            _ => 1.0,
        };
        let slowed: f64 = self.core.trouble.on_replica[replica as usize].iter().map(factor).product();
        slowed * self.fleet.coldness(&self.core, replica)
    }

    /// Work in progress on a replica takes `ratio` times as long from now on.
    pub(crate) fn change_pace(&mut self, replica: u32, ratio: f64, factor: f64) {
        self.core.trouble.plights[replica as usize].slow = factor;
        if self.stations.set_clock(&mut self.core, replica, factor) {
            return;
        }
        let plight = self.core.trouble.plights[replica as usize];
        let from = if plight.frozen > 0 { plight.since } else { self.core.now };
        for at in self.core.frames.live_slots() {
            let frame = &mut self.core.frames[at];
            if frame.replica == replica && frame.state.pose == Pose::Working {
                frame.due = from + trouble::hazard::stretch(frame.due.since(from), ratio);
                let due = frame.due;
                if plight.frozen == 0 {
                    self.core.agenda.push(
                        due,
                        crate::kernel::Phase::Arrival,
                        crate::machine::core::event::Event::Done(at),
                    );
                }
            }
        }
    }

    /// The next replicas of a deploy restart, those before them are back; says when it goes on, if it does.
    pub(crate) fn deploy(&mut self, fault: u32, at_once: u32) -> Option<Time> {
        let plan = &self.core.plan.faults[fault as usize];
        let crate::model::fault::When::Once { from, until } = plan.when else { return None };
        let waves = (plan.replicas.len() as u64).div_ceil(u64::from(at_once)).max(1);
        let wave = self.core.trouble.strikes[fault as usize].wave;
        self.core.trouble.strikes[fault as usize].wave += 1;
        let of = |wave: u64| plan.replicas.iter().skip((wave * u64::from(at_once)) as usize).take(at_once as usize);
        if let Some(last) = wave.checked_sub(1) {
            let breaking = matches!(plan.effect, Effect::Deploy { breaking: true, .. });
            of(last).for_each(|replica| self.core.trouble.pass_release(*replica, from, breaking));
            of(last).for_each(|replica| self.bring_up(*replica, false, true));
        }
        if wave == waves {
            return None;
        }
        for replica in of(wave) {
            self.retire(*replica);
        }
        Some(from + Span((u128::from(until.since(from).0) * u128::from(wave + 1) / u128::from(waves)) as u64))
    }

    /// A replica restarts: it takes no new work, ends what it has, and closes its connections.
    fn retire(&mut self, replica: u32) {
        let was_up = self.core.is_up(replica);
        self.core.trouble.plights[replica as usize].down += 1;
        self.calls.wire.names.withdraw(&mut self.core, replica);
        self.calls.wire.names.watch(&mut self.core, replica);
        self.calls.reset_connections(&mut self.core, &mut self.stations, replica);
        if was_up {
            self.lose(replica, false);
        }
        let node = self.core.node_of(replica);
        self.fleet.recount(&mut self.core, node);
    }
}
