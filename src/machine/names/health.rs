//! Readiness probes: a replica that does not work is out of the list of endpoints some probes later, and back after a good one.

use crate::kernel::Phase;
use crate::model::Probe;
use crate::units::Time;

use crate::machine::core::Core;
use crate::machine::core::event::Rare;
use crate::machine::names::Names;

/// How one kind of probe of a replica stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    /// When the next comes.
    pub(crate) next: Time,
    /// When the one came that stands in line.
    pub(crate) waits: Option<Time>,
    /// How many in a row have failed.
    pub(crate) fails: u32,
}

impl Asked {
    /// A probe was answered or not; says whether so many in a row were not.
    pub(crate) fn hear(&mut self, answered: bool, most: u32) -> bool {
        self.fails = if answered { 0 } else { self.fails + 1 };
        self.fails == most
    }
}

impl Names {
    /// A replica may have begun or ceased to work: its probes will tell.
    pub(crate) fn watch<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        let works = core.is_up(replica)
            && !core.is_frozen(replica)
            && core.is_connected(replica)
            && core.proxies_of(replica).all(|proxy| core.is_up(proxy) && !core.is_frozen(proxy));
        if core.plan.discovery.readiness.is_some_and(|probes| probes.queues()) && core.is_asked(replica) {
            return;
        }
        let Some(probes) = core.plan.discovery.readiness else {
            // Without probes a replica that went on purpose is back in the list when it is back.
            if works && core.plan.discovery.is_watched() {
                self.enrol(core, replica, true);
            }
            return;
        };
        if self.health[replica as usize].0 == works {
            return;
        }
        self.health[replica as usize] = (works, core.now);
        let due = probes.noticed(core.now, core.phase_of(replica, probes), works);
        core.agenda.push(due, Phase::Recovery, Rare::Probe(replica).event());
    }

    /// A probe that matters: so many have failed, or one was good again. Void if the replica has changed since.
    pub(crate) fn probe_replica<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        let Some(probes) = core.plan.discovery.readiness else { return };
        let (works, since) = self.health[replica as usize];
        if probes.noticed(since, core.phase_of(replica, probes), works) == core.now {
            self.enrol(core, replica, works);
        }
    }

    /// A replica that restarts on purpose is out of the list before it goes.
    pub(crate) fn withdraw<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        if core.plan.discovery.is_watched() {
            self.enrol(core, replica, false);
        }
    }

    /// A replica is in the list of endpoints, or out of it.
    pub(crate) fn enrol<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32, ready: bool) {
        if std::mem::replace(&mut self.unready[replica as usize], !ready) == ready {
            self.publish_endpoints(core, core.node_of(replica));
        }
    }
}
