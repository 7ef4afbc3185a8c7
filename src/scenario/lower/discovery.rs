//! Finding and picking a replica.

use crate::model::NodeId;
use crate::model::balance::Balancer;
use crate::model::discovery::{Discovery, Kind, OutlierSpec, Readiness};
use crate::model::id::NONE;

use super::super::written::{Balancing, FaultKind, OutlierDetection, on};
use super::Lowering;

impl Lowering<'_> {
    /// How callers find callees.
    pub(super) fn discovery(&mut self) {
        let written = &self.scenario.discovery;
        let readiness = written.readiness.value.as_ref().filter(|_| written.is_watched());
        let outliers = written.outlier_detection.as_ref().and_then(|rule| rule.value.as_ref());
        self.plan.discovery = Discovery {
            kind: written.kind.value,
            ttl: written.ttl.value,
            propagation: written.propagation.value,
            readiness: readiness.map(|probes| Readiness { every: probes.every.value, failures: probes.failures.value }),
            outliers: outliers.map(outlier_spec),
        };
    }

    pub(super) fn balancer(&self) -> Balancer {
        let discovery = &self.scenario.discovery;
        match discovery.load_balancing.value {
            Balancing::RoundRobin => Balancer::RoundRobin,
            Balancing::Random => Balancer::Random,
            Balancing::LeastRequest => Balancer::LeastRequest {
                choices: discovery.choices.value.unwrap_or(NONE),
                distinct: discovery.distinct.value,
            },
            Balancing::PickFirst => Balancer::PickFirst,
            Balancing::P2cEwma => Balancer::P2cEwma,
            Balancing::Hash => Balancer::Hash { keys: discovery.keys.value.unwrap_or(NONE) },
        }
    }

    /// Whether callers leave out replicas of a node that fail.
    pub(super) fn leaves_out(&self, node: NodeId) -> bool {
        self.plan.discovery.outliers.is_some() && self.plan.node(node).replicas > 1
    }

    /// Whether what callers are told of a node may change in the run, or cannot always be asked.
    pub(super) fn is_unsteady(&self, node: &str) -> bool {
        let (scenario, discovery) = (self.scenario, &self.plan.discovery);
        let matters = |kind: FaultKind| match kind {
            FaultKind::Move => discovery.kind != Kind::Static,
            FaultKind::DiscoveryOutage => discovery.kind == Kind::Dns,
            FaultKind::Outage | FaultKind::Crash | FaultKind::ReplicasLost | FaultKind::Freeze => {
                discovery.readiness.is_some()
            }
            FaultKind::Deploy => discovery.is_watched(),
            _ => false,
        };
        let scaled = scenario.nodes.get(node).is_some_and(|node| on(&node.autoscale).is_some());
        scaled && discovery.kind != Kind::Static
            || scenario.faults.iter().any(|fault| matters(fault.kind.value) && fault.nodes(scenario).contains(&node))
    }
}

/// Outlier detection as run.
pub(in crate::scenario) fn outlier_spec(rule: &OutlierDetection) -> OutlierSpec {
    OutlierSpec {
        consecutive: rule.consecutive_errors.value,
        interval: rule.interval.value,
        base: rule.base_ejection.value,
        max_share: rule.max_ejected.value,
        always_one: rule.always_eject_one.value,
    }
}
