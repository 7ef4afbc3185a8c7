//! `ready_after`, `warmup`: replicas come and go.
//!
//! A replica that starts, because there are to be more or because it restarts after a `crash` or within a `deploy`, takes
//! nothing until `ready_after` has passed (default: 20 s for a service with `autoscale`, else nothing). Then its work takes
//! `factor` times as long, linearly less until it takes no longer than usual after `over`: caches, connections and
//! just-in-time compilers get warm. The ledger calls what that adds `fault`. At time zero all replicas are ready and warm.

pub(crate) mod life;
pub(crate) mod rollout;
pub(crate) mod scale;

use crate::kernel::Phase;
use crate::model::plan::Warmup;
use crate::model::{Fact, NodeId, Probe};
use crate::units::{Span, Time};

use crate::machine::core::Core;
use crate::machine::core::event::Rare;
use rollout::Rollout;

/// The lives of replicas; empty where none starts or ends in the run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fleet {
    pub(crate) beings: Vec<Being>,
    /// Rollouts that are not over.
    rollouts: Vec<Rollout>,
    /// Whether one of them is being looked at.
    rolling: bool,
}

/// Where a replica is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// When it is not there, or only ends what it has.
    Absent,
    /// When it starts.
    Starting,
    /// When it is ready.
    Ready,
    /// When it is to go, and takes what callers send that have not heard of it.
    Draining,
    /// When it takes nothing new, and ends what it has until it is killed.
    Closing,
}

/// A replica's life so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Being {
    pub(crate) stage: Stage,
    /// Since when it is there: the newest goes first.
    since: Time,
    /// How often it has started; names the draws of that.
    starts: u32,
    /// When the next stage begins, or the next step of its warm-up; what is pending for another time is void.
    due: Time,
    /// Steps of its warm-up so far.
    step: u32,
    /// When it is killed, if it is to go.
    killed_at: Time,
}

impl Fleet {
    /// Replicas that are not there at time zero take nothing.
    pub(crate) fn begin<P: Probe>(&mut self, core: &mut Core<'_, P>) {
        if core.plan.nodes.iter().all(|node| node.life.is_none()) {
            return;
        }
        let being = Being {
            stage: Stage::Ready,
            since: Time(0),
            starts: 0,
            due: Time::NEVER,
            step: Warmup::STEPS,
            killed_at: Time::NEVER,
        };
        self.beings = vec![being; core.ledger.homes.len()];
        for node in &core.plan.nodes {
            let Some(life) = node.life else { continue };
            for replica in node.first_replica + life.initial..node.first_replica + node.replicas {
                self.beings[replica as usize].stage = Stage::Absent;
                core.trouble.plights[replica as usize].down = 1;
            }
        }
    }

    fn stage_of(&self, replica: u32) -> Stage {
        self.beings.get(replica as usize).map_or(Stage::Ready, |being| being.stage)
    }

    /// Whether a replica is there: it starts or is ready.
    pub(crate) fn is_there(&self, replica: u32) -> bool {
        matches!(self.stage_of(replica), Stage::Starting | Stage::Ready)
    }

    /// Whether a replica is there and does not start: it is asked whether it works.
    pub(crate) fn is_running(&self, replica: u32) -> bool {
        self.stage_of(replica) == Stage::Ready
    }

    /// Whether a replica is ready, and no fault has taken it down.
    pub(crate) fn is_ready<P: Probe>(&self, core: &Core<'_, P>, replica: u32) -> bool {
        self.stage_of(replica) == Stage::Ready && core.is_up(replica)
    }

    fn await_stage<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32, after: Span, what: Rare) {
        let due = core.now + after;
        self.beings[replica as usize].due = due;
        core.agenda.push(due, Phase::Recovery, what.event());
    }

    /// How many times as long work takes on a replica that is not warm yet.
    pub(crate) fn coldness<P: Probe>(&self, core: &Core<'_, P>, replica: u32) -> f64 {
        let Some(being) = self.beings.get(replica as usize) else { return 1.0 };
        let warmup = core.life_of(replica).and_then(|life| life.warmup);
        warmup.map_or(1.0, |warmup| warmup.slowness(being.step))
    }

    /// The replicas of a node that are one too many, newest first; those that only start before all others.
    pub(crate) fn newest<P: Probe>(&self, core: &Core<'_, P>, node: NodeId) -> Vec<u32> {
        let mut there: Vec<u32> = core.replicas_of(node).filter(|replica| self.is_there(*replica)).collect();
        there.sort_by_key(|replica| {
            let being = &self.beings[*replica as usize];
            std::cmp::Reverse((being.stage == Stage::Starting, being.since, *replica))
        });
        there
    }

    /// Those who count replicas hear how many there are.
    pub(crate) fn recount<P: Probe>(&mut self, core: &mut Core<'_, P>, node: NodeId) {
        if core.plan.node(node).life.is_none() {
            return;
        }
        let there = core.replicas_of(node).filter(|replica| self.is_there(*replica)).count() as u32;
        let ready = core.replicas_of(node).filter(|replica| self.is_ready(core, *replica)).count() as u32;
        self.gauge_ready(core, node);
        core.tell(Fact::Replicas { node, there, ready });
    }

    /// Which replicas of a node are ready from now on.
    pub(crate) fn gauge_ready<P: Probe>(&mut self, core: &mut Core<'_, P>, node: NodeId) {
        let now = core.now;
        for (at, replica) in core.replicas_of(node).enumerate() {
            let ready = self.is_ready(core, replica);
            if let Some(scaled) = core.gauges.of(node) {
                let gauge = &mut scaled.pods[at].ready;
                gauge.step(now, i64::from(ready) - gauge.level);
            }
        }
    }
}
