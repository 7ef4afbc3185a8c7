//! Readiness probes: a replica that does not work is out of the list of endpoints some probes later, and back after a good one.

use crate::kernel::Phase;
use crate::model::Probe;
use crate::model::discovery::Readiness;
use crate::random::{Draw, Lineage, Purpose};
use crate::units::Span;

use super::Machine;
use super::event::Rare;

impl<P: Probe> Machine<'_, P> {
    /// A replica may have begun or ceased to work: its probes will tell.
    pub(super) fn watch(&mut self, replica: u32) {
        let Some(probes) = self.plan.discovery.readiness else { return };
        let works = self.is_up(replica) && !self.is_frozen(replica) && self.is_connected(replica);
        if self.names.health[replica as usize].0 == works {
            return;
        }
        self.names.health[replica as usize] = (works, self.now);
        let due = probes.noticed(self.now, self.phase_of(replica, probes), works);
        self.agenda.push(due, Phase::Recovery, Rare::Probe(replica).event());
    }

    /// A probe that matters: so many have failed, or one was good again. Void if the replica has changed since.
    pub(super) fn probe_replica(&mut self, replica: u32) {
        let Some(probes) = self.plan.discovery.readiness else { return };
        let (works, since) = self.names.health[replica as usize];
        if probes.noticed(since, self.phase_of(replica, probes), works) == self.now {
            self.enrol(replica, works);
        }
    }

    /// A replica that restarts on purpose is out of the list before it goes.
    pub(super) fn withdraw(&mut self, replica: u32) {
        if self.plan.discovery.is_watched() {
            self.enrol(replica, false);
        }
    }

    /// A replica is in the list of endpoints, or out of it.
    fn enrol(&mut self, replica: u32, ready: bool) {
        if std::mem::replace(&mut self.names.unready[replica as usize], !ready) == ready {
            self.publish_endpoints(self.replicas[replica as usize].node);
        }
    }

    /// When a replica is first probed.
    fn phase_of(&self, replica: u32, probes: Readiness) -> Span {
        let node = self.plan.node(self.replicas[replica as usize].node);
        let lineage = Lineage::root(node.hash, u64::from(replica - node.first_replica));
        let phase = Draw::new(self.seed, lineage, Purpose::Probe, 0).unit();
        Span((probes.every.0 as f64 * phase) as u64)
    }
}
