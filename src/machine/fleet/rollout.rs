//! A rollout goes on whenever a replica gets ready or has gone. See [`rollout`](crate::model::fault::rollout).

use crate::model::fault::{Effect, When};
use crate::model::{Fact, FaultId, NodeId, Probe};

use crate::machine::Machine;
use crate::machine::fleet::Stage;

/// A rollout of one node that is not over.
#[derive(Clone, Debug)]
pub(crate) struct Rollout {
    fault: u32,
    node: NodeId,
    /// How many there may be above their number, and how many may be missing.
    surge: u32,
    unavailable: u32,
    /// Those that are to go, and those that take their places.
    old: Vec<u32>,
    fresh: Vec<u32>,
}

impl<P: Probe> Machine<'_, P> {
    /// A rollout begins. One of the same node that is not over goes no further.
    pub(crate) fn begin_rollout(&mut self, at: u32, rule: crate::model::fault::rollout::Rollout) {
        self.core.tell(Fact::Struck { fault: FaultId(at), on: true });
        for node in self.core.nodes_of(&self.core.plan.faults[at as usize].replicas) {
            self.end_rollouts(node);
            let Some(life) = self.core.plan.node(node).life else { continue };
            let (surge, unavailable) = rule.bounds(life.initial);
            let old = self.core.replicas_of(node).filter(|replica| self.fleet.is_there(*replica)).collect();
            self.fleet.rollouts.push(Rollout { fault: at, node, surge, unavailable, old, fresh: Vec::new() });
            self.roll_on(node);
        }
    }

    /// Rollouts of a node are over; a fault is when none of its rollouts is left.
    fn end_rollouts(&mut self, node: NodeId) {
        let (over, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.fleet.rollouts).into_iter().partition(|rollout| rollout.node == node);
        self.fleet.rollouts = left;
        for rollout in over {
            if self.fleet.rollouts.iter().all(|other| other.fault != rollout.fault) {
                self.core.tell(Fact::Struck { fault: FaultId(rollout.fault), on: false });
            }
        }
    }

    /// A rollout of a node, if there is one, goes as far as it can now.
    pub(crate) fn roll_on(&mut self, node: NodeId) {
        // A replica that is ready at once calls from within.
        if std::mem::replace(&mut self.fleet.rolling, true) {
            return;
        }
        while let Some(at) = self.fleet.rollouts.iter().position(|rollout| rollout.node == node) {
            if !self.start_some(at) && !self.stop_some(at) {
                let Rollout { old, fresh, .. } = &self.fleet.rollouts[at];
                if old.is_empty() && fresh.iter().all(|replica| self.fleet.stage_of(*replica) == Stage::Ready) {
                    self.end_rollouts(node);
                }
                break;
            }
        }
        self.fleet.rolling = false;
    }

    /// New replicas start, as many as there may be; says whether any did.
    fn start_some(&mut self, at: usize) -> bool {
        let Rollout { fault, node, surge, ref old, ref fresh, .. } = self.fleet.rollouts[at];
        let wanted = self.core.plan.node(node).life.map_or(0, |life| life.initial);
        let (old, fresh) = (old.len() as u32, fresh.len() as u32);
        let more = (wanted.saturating_sub(fresh)).min((wanted + surge).saturating_sub(old + fresh));
        let free = |replica: &u32| self.fleet.stage_of(*replica) == Stage::Absent;
        let places: Vec<u32> = self.vacant(node).into_iter().filter(free).take(more as usize).collect();
        for replica in &places {
            self.release(fault, node, *replica);
            self.fleet.rollouts[at].fresh.push(*replica);
            self.begin_life(*replica);
        }
        self.fleet.recount(&mut self.core, node);
        !places.is_empty()
    }

    /// A replica that starts speaks the versions of its node, and what the rollout changes about them.
    fn release(&mut self, fault: u32, node: NodeId, replica: u32) {
        let plan = &self.core.plan.faults[fault as usize];
        let (Effect::Rollout(rule), When::Once { from, .. }) = (plan.effect, plan.when) else { return };
        let first = self.core.replicas_of(node).find(|replica| self.fleet.is_there(*replica));
        if let Some(first) = first {
            self.core.trouble.take_release(replica, first);
        }
        self.core.trouble.pass_release(replica, from, rule.breaking);
    }

    /// Old replicas go, as many as may be missing: those first that are not ready. Says whether any did.
    fn stop_some(&mut self, at: usize) -> bool {
        let Rollout { node, unavailable, ref old, ref fresh, .. } = self.fleet.rollouts[at];
        let wanted = self.core.plan.node(node).life.map_or(0, |life| life.initial);
        let ready = |replica: &u32| self.fleet.is_ready(&self.core, *replica);
        let least = wanted.saturating_sub(unavailable);
        let (well, ill): (Vec<u32>, Vec<u32>) = old.iter().copied().partition(ready);
        let starting = fresh.iter().filter(|replica| !ready(replica)).count() as u32;
        let spare = ((old.len() + fresh.len()) as u32).saturating_sub(least + starting) as usize;
        let available = (well.len() + fresh.len()) as u32 - starting;
        let surplus = available.saturating_sub(least) as usize;
        let going: Vec<u32> = ill.into_iter().take(spare).chain(well.into_iter().take(surplus)).collect();
        if going.is_empty() {
            return false;
        }
        self.fleet.rollouts[at].old.retain(|replica| !going.contains(replica));
        for replica in &going {
            self.dismiss(*replica);
        }
        self.fleet.recount(&mut self.core, node);
        self.set_endpoints(node);
        for replica in going {
            self.stop_listening(replica);
        }
        true
    }
}
