//! Faults.

use crate::model::fault::{Effect, Fault, When};
use crate::random::draw::name_hash;
use crate::units::Time;

use super::super::written::{self, FaultKind, Unavailable};
use super::Lowering;

impl Lowering<'_> {
    /// All faults that begin before the measured time is over.
    pub(super) fn faults(&mut self) {
        let scenario = self.scenario;
        for fault in &scenario.faults {
            if fault.at().is_some_and(|at| at >= scenario.sim.duration.value) {
                continue;
            }
            let planned = Fault {
                name: fault.name.value.clone(),
                hash: name_hash(&format!("fault {}", fault.name.value)),
                when: self.when(&fault.when),
                effect: effect(fault),
                replicas: self.hit(fault),
            };
            self.plan.faults.push(planned);
        }
    }

    fn when(&mut self, when: &written::When) -> When {
        match when {
            written::When::At { at, duration } => {
                let from = Time(self.plan.warmup.0) + at.value;
                When::Once { from, until: duration.value.map_or(Time::NEVER, |length| from + length) }
            }
            written::When::Random { mtbf, mttr, busy_only } => {
                When::Random { mtbf: self.law(&mtbf.value), mttr: self.law(&mttr.value), busy_only: busy_only.value }
            }
        }
    }

    /// The replicas a fault happens to: of each node the first ones.
    fn hit(&self, fault: &written::Fault) -> Vec<u32> {
        let nodes = fault.nodes(self.scenario).into_iter().filter_map(|name| self.nodes.get(name));
        let replicas = nodes.flat_map(|id| {
            let node = self.plan.node(*id);
            let hit = fault.replicas.value.unwrap_or(node.replicas).min(node.replicas);
            node.first_replica..node.first_replica + hit
        });
        replicas.collect()
    }
}

fn effect(fault: &written::Fault) -> Effect {
    let hole = fault.mode.value == Unavailable::BlackHole;
    match fault.kind.value {
        FaultKind::Outage => Effect::Outage { hole },
        FaultKind::Crash => Effect::Crash { hole },
        FaultKind::Freeze => Effect::Freeze,
    }
}
