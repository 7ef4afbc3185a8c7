//! The workers of nodes while something is wrong: how many there are, how many are held, and when all were for the first time.

use crate::model::fault::{Effect, Mode};
use crate::model::plan::{Node, Plan};
use crate::model::{FaultId, NodeId};
use crate::units::Time;

use super::mail::Tide;

/// The workers of one node.
#[derive(Clone, Debug)]
struct Crowd {
    /// Of one replica.
    workers: u64,
    /// Replicas that take requests.
    ready: u64,
    busy: u64,
    full: Option<Time>,
    /// Replicas that take requests over time, where that may change.
    tide: Option<Tide>,
}

impl Crowd {
    fn is_full(&self) -> bool {
        self.ready > 0 && self.busy >= self.workers.saturating_mul(self.ready)
    }

    fn change(&mut self, now: Time, ready: u64) {
        self.ready = ready;
        if let Some(tide) = &mut self.tide {
            tide.change(now, ready as u32);
        }
    }
}

/// The workers of all nodes that serve; none in a plan without faults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crowds {
    all: Vec<Crowd>,
    /// By fault: the nodes of which it takes replicas down, and how many of each. A replica that hangs keeps what it holds.
    down: Vec<Vec<(usize, Vec<u32>)>>,
    /// By node: how many faults have each of its replicas down.
    downs: Vec<Vec<u32>>,
}

impl Crowds {
    pub(super) fn new(plan: &Plan) -> Self {
        if plan.faults.is_empty() {
            return Self::default();
        }
        let nodes = &plan.nodes[..plan.servers()];
        let takes_down = |effect| matches!(effect, Effect::Outage { mode: Mode::Refuse } | Effect::Crash { .. });
        let hit = |fault: &crate::model::fault::Fault| -> Vec<(usize, Vec<u32>)> {
            // Of nodes whose replicas come and go, it is told how many are ready.
            let fixed = nodes.iter().enumerate().filter(|(_, node)| node.life.is_none() && takes_down(fault.effect));
            let own = fixed.map(|(at, node)| (at, places(node, &fault.replicas)));
            own.filter(|(_, replicas)| !replicas.is_empty()).collect()
        };
        let down: Vec<Vec<(usize, Vec<u32>)>> = plan.faults.iter().map(hit).collect();
        let changes = |at: usize| nodes[at].life.is_some() || down.iter().flatten().any(|(node, _)| *node == at);
        let one = |(at, node): (usize, &Node)| {
            let tide = changes(at).then(|| Tide::new(Time(plan.warmup.0), plan.duration));
            let workers = node.capacity().unwrap_or(u64::MAX);
            let mut crowd = Crowd { workers, ready: 0, busy: 0, full: None, tide };
            crowd.change(Time(0), node.replicas.into());
            crowd
        };
        Self {
            all: nodes.iter().enumerate().map(one).collect(),
            downs: nodes.iter().map(|node| vec![0; node.replicas as usize]).collect(),
            down,
        }
    }

    /// A worker is taken or free again.
    pub(super) fn hold(&mut self, node: NodeId, takes: bool, now: Time, struck: bool) {
        let Some(crowd) = self.all.get_mut(node.index()) else { return };
        crowd.busy = if takes { crowd.busy + 1 } else { crowd.busy.saturating_sub(1) };
        if takes && struck && crowd.full.is_none() && crowd.is_full() {
            crowd.full = Some(now);
        }
    }

    /// So many replicas of a node are ready.
    pub(super) fn recount(&mut self, node: NodeId, ready: u32, now: Time) {
        if let Some(crowd) = self.all.get_mut(node.index()) {
            crowd.change(now, ready.into());
        }
    }

    /// A fault begins or ends.
    pub(super) fn strike(&mut self, fault: FaultId, on: bool, now: Time) {
        for (node, replicas) in self.down.get(fault.index()).into_iter().flatten() {
            let downs = &mut self.downs[*node];
            for replica in replicas {
                let count = &mut downs[*replica as usize];
                *count = if on { *count + 1 } else { count.saturating_sub(1) };
            }
            let ready = downs.iter().filter(|count| **count == 0).count() as u64;
            self.all[*node].change(now, ready);
        }
    }

    /// The measured time is over.
    pub(super) fn close(&mut self, now: Time) {
        self.all.iter_mut().filter_map(|crowd| crowd.tide.as_mut()).for_each(|tide| tide.advance(now));
    }

    /// When all workers of a node were held for the first time under a fault.
    pub(super) fn full(&self, node: usize) -> Option<Time> {
        self.all.get(node)?.full
    }

    /// Replicas of a node that took requests in each stretch of the measured time, where that may change.
    pub(crate) fn ready(&self, node: usize) -> Option<Vec<f64>> {
        Some(self.all.get(node)?.tide.as_ref()?.means().collect())
    }
}

/// Which of a node's replicas, from 0, are among these.
fn places(node: &Node, replicas: &[u32]) -> Vec<u32> {
    let own = node.first_replica..node.first_replica + node.replicas;
    replicas.iter().filter(|replica| own.contains(replica)).map(|replica| replica - node.first_replica).collect()
}
