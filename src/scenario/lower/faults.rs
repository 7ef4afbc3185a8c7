//! Faults.

use crate::model::fault::{Effect, Fault, Mode, Scope, When};
use crate::model::id::NONE;
use crate::model::source::Segment;
use crate::model::{ClientId, FaultId, NodeId};
use crate::random::draw::name_hash;
use crate::units::Time;

use super::super::written::{self, Aim, FaultKind, Unavailable};
use super::Lowering;

impl Lowering<'_> {
    /// All faults that begin before the measured time is over.
    pub(super) fn faults(&mut self) {
        let scenario = self.scenario;
        for fault in &scenario.faults {
            if fault.at().is_some_and(|at| at >= scenario.sim.duration.value) {
                continue;
            }
            let (links, ways) = self.crossed(fault).into_iter().unzip();
            let planned = Fault {
                name: fault.name.value.clone(),
                hash: name_hash(&format!("fault {}", fault.name.value)),
                when: self.when(&fault.when, fault.kind.value.is_instant()),
                effect: effect(fault),
                replicas: self.hit(fault),
                links,
                ways,
            };
            self.plan.faults.push(planned);
        }
        for slo in &scenario.slos {
            if let Some(scope) = &slo.scope {
                // Nobody, for a flow or a group: only their recovery is judged around faults.
                let client = scenario.clients.keys().position(|name| *name == slo.of.value);
                let scope = self.scope(&scope.value);
                self.plan.scoped.push((ClientId(client.map_or(NONE, |client| client as u32)), scope));
            }
        }
    }

    /// When a promise holds; a fault that was left out never is on.
    fn scope(&self, scope: &written::Scope) -> Scope {
        let fault = |name: &str| {
            let at = self.plan.faults.iter().position(|fault| fault.name == name);
            FaultId(at.map_or(NONE, |at| at as u32))
        };
        match scope {
            written::Scope::OutsideFaults => Scope::Outside,
            written::Scope::During(name) => Scope::During(fault(name)),
            written::Scope::AfterFault(name) => Scope::After(fault(name)),
        }
    }

    /// When it is on; one that is over at once ends when it begins.
    fn when(&mut self, when: &written::When, instant: bool) -> When {
        match when {
            written::When::At { at, duration } => {
                let from = Time(self.plan.warmup.0) + at.value;
                if instant {
                    return When::Once { from, until: from };
                }
                When::Once { from, until: duration.value.map_or(Time::NEVER, |length| from + length) }
            }
            written::When::Random { mtbf, mttr, busy_only } => {
                When::Random { mtbf: self.law(&mtbf.value), mttr: self.law(&mttr.value), busy_only: busy_only.value }
            }
        }
    }

    /// The replicas a fault happens to: of each node the first ones; a deploy gets round to all.
    fn hit(&self, fault: &written::Fault) -> Vec<u32> {
        let kind = fault.kind.value;
        if kind.is_between() || kind == FaultKind::Traffic || matches!(fault.aim(), Aim::Edge(..)) {
            return Vec::new();
        }
        let most = fault.replicas.value.filter(|_| kind != FaultKind::Deploy).unwrap_or(u32::MAX);
        let nodes = fault.nodes(self.scenario).into_iter().filter_map(|name| self.nodes.get(name));
        let replicas = nodes.flat_map(|id| {
            let node = self.plan.node(*id);
            node.first_replica..node.first_replica + node.replicas.min(most)
        });
        replicas.collect()
    }

    /// The links a fault happens to, and whether to requests and to answers.
    fn crossed(&self, fault: &written::Fault) -> Vec<(u32, [bool; 2])> {
        let kind = fault.kind.value;
        if !kind.fits_edge() {
            return Vec::new();
        }
        let name = |id: NodeId| self.plan.node(id).name.as_str();
        let inside = |id: NodeId, zone: &str| self.zone(name(id)).is_some_and(|z| z.lies_in(zone));
        let late = kind == FaultKind::Latency;
        let ways = |from: NodeId, to: NodeId| match fault.aim() {
            Aim::Edge(caller, callee) => {
                let is = name(from) == caller && name(to) == callee;
                [is, is && !late]
            }
            _ if kind == FaultKind::Errors => [false; 2],
            // What a node sends is late: its own requests, and its answers to others.
            Aim::Node(node) if late => [name(from) == node, name(to) == node],
            Aim::Zone(zone) if late => [inside(from, zone), inside(to, zone)],
            Aim::Node(node) => [name(to) == node || name(from) == node; 2],
            Aim::Zone(zone) => [inside(from, zone) != inside(to, zone); 2],
        };
        let all = (0..).zip(&self.plan.links).map(|(at, link)| (at, ways(link.from, link.to)));
        all.filter(|(_, ways)| *ways != [false; 2]).collect()
    }

    /// The rate of a client over time with all the traffic that faults add to it.
    pub(in crate::scenario) fn surges(&self, client: &str, mut segments: Vec<Segment>) -> Vec<Segment> {
        let start = self.plan.warmup.0 as f64;
        let length = self.scenario.sim.duration.value;
        for fault in self.scenario.faults.iter().filter(|f| f.kind.value == FaultKind::Traffic) {
            if let (Aim::Node(name), written::When::At { at, duration }) = (fault.aim(), &fault.when)
                && name == client
                && at.value < length
            {
                let from = start + at.value.0 as f64;
                let until = duration.value.map_or(f64::INFINITY, |length| from + length.0 as f64);
                segments = surge(&segments, from, until, fault.factor.value.unwrap_or(1.0));
            }
        }
        segments
    }
}

/// The same rates, between two moments `factor` times as high.
fn surge(segments: &[Segment], from: f64, until: f64, factor: f64) -> Vec<Segment> {
    let mut all = Vec::new();
    for segment in segments {
        let cuts = [
            segment.from,
            from.clamp(segment.from, segment.until),
            until.clamp(segment.from, segment.until),
            segment.until,
        ];
        for part in cuts.windows(2).filter(|part| part[0] < part[1]) {
            let times = if part[0] >= from && part[1] <= until { factor } else { 1.0 };
            let rate = (segment.rate + segment.slope * (part[0] - segment.from)) * times;
            all.push(Segment { from: part[0], until: part[1], rate, slope: segment.slope * times });
        }
    }
    all
}

fn effect(fault: &written::Fault) -> Effect {
    let hole = fault.mode.value != Unavailable::Refuse;
    let share = fault.probability.value;
    match fault.kind.value {
        FaultKind::Outage => Effect::Outage {
            mode: match fault.mode.value {
                Unavailable::Refuse => Mode::Refuse,
                Unavailable::Hang | Unavailable::BlackHole => Mode::Hang,
                Unavailable::Drop => Mode::Drop,
            },
        },
        FaultKind::Crash | FaultKind::ReplicasLost => Effect::Crash { hole },
        FaultKind::Freeze => Effect::Freeze,
        FaultKind::Slow => Effect::Slow { factor: fault.factor.value.unwrap_or(1.0) },
        FaultKind::Errors => Effect::Errors { share },
        FaultKind::Latency => {
            Effect::Latency { add: fault.add.value.unwrap_or_default(), jitter: fault.jitter.value, share }
        }
        FaultKind::Partition => Effect::Partition,
        FaultKind::PacketLoss => Effect::Loss { share },
        FaultKind::Deploy => Effect::Deploy { at_once: fault.replicas.value.unwrap_or(1).max(1) },
        FaultKind::Move => Effect::Move { hole },
        FaultKind::DiscoveryOutage => Effect::Blackout,
        FaultKind::ColdCache => Effect::Cold,
        FaultKind::PoisonMessage => Effect::Poison,
        FaultKind::Traffic => Effect::Traffic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surge_multiplies_the_rates_it_covers() {
        let ramp = Segment { from: 0.0, until: 10.0, rate: 1.0, slope: 0.1 };
        let after = Segment { from: 10.0, until: f64::INFINITY, rate: 2.0, slope: 0.0 };
        let all = surge(&[ramp, after], 5.0, 12.0, 3.0);
        let told: Vec<(f64, f64, f64)> = all.iter().map(|s| (s.from, s.rate, s.slope)).collect();
        let expected = [(0.0, 1.0, 0.1), (5.0, 4.5, 0.1 * 3.0), (10.0, 6.0, 0.0), (12.0, 2.0, 0.0)];
        assert_eq!(told.len(), expected.len());
        for (a, b) in told.iter().zip(expected) {
            assert!((a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9 && (a.2 - b.2).abs() < 1e-9, "{told:?}");
        }
    }
}
