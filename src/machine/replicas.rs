//! `ready_after`, `warmup`: replicas come and go.
//!
//! A replica that starts, because there are to be more or because it restarts after a `crash` or within a `deploy`, takes
//! nothing until `ready_after` has passed (default: 20 s for a service with `autoscale`, else nothing). Then its work takes
//! `factor` times as long, linearly less until it takes no longer than usual after `over`: caches, connections and
//! just-in-time compilers get warm. The ledger calls what that adds `fault`. At time zero all replicas are ready and warm.

use crate::kernel::Phase;
use crate::model::plan::{Life, Warmup};
use crate::model::{Fact, NodeId, Probe};
use crate::random::{Lineage, Purpose};
use crate::units::{Span, Time};

use super::Machine;
use super::event::Rare;

/// How long a replica that is one too many takes what callers still send to it: a usual pause in a `preStop` hook.
const LISTENS: Span = Span(5_000_000_000);

/// Where a replica is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// When it is not there, or only ends what it has.
    Absent,
    /// When it starts.
    Starting,
    /// When it is ready.
    Ready,
    /// When it is to go, and takes what callers send that have not heard of it.
    Draining,
}

/// A replica's life so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Being {
    pub(super) stage: Stage,
    /// Since when it is there: the newest goes first.
    since: Time,
    /// How often it has started; names the draws of that.
    starts: u32,
    /// When the next stage begins, or the next step of its warm-up; what is pending for another time is void.
    due: Time,
    /// Steps of its warm-up so far.
    step: u32,
}

impl<P: Probe> Machine<'_, P> {
    /// Replicas that are not there at time zero take nothing.
    pub(super) fn start_replicas(&mut self) {
        let plan = self.plan;
        if plan.nodes.iter().all(|node| node.life.is_none()) {
            return;
        }
        let being = Being { stage: Stage::Ready, since: Time(0), starts: 0, due: Time::NEVER, step: Warmup::STEPS };
        self.beings = vec![being; self.replicas.len()];
        for (id, node) in (0..).map(NodeId).zip(&plan.nodes) {
            let Some(life) = node.life else { continue };
            for replica in node.first_replica + life.initial..node.first_replica + node.replicas {
                self.beings[replica as usize].stage = Stage::Absent;
                self.trouble.plights[replica as usize].down = 1;
                self.lose_consumers(replica, false);
            }
            self.start_scaling(id, &life);
        }
    }

    /// The replicas of a node, in their order.
    pub(super) fn replicas_of(&self, node: NodeId) -> std::ops::Range<u32> {
        let node = self.plan.node(node);
        node.first_replica..node.first_replica + node.replicas
    }

    fn life_of(&self, replica: u32) -> Option<&Life> {
        self.plan.node(self.replicas[replica as usize].node).life.as_ref()
    }

    fn stage_of(&self, replica: u32) -> Stage {
        self.beings.get(replica as usize).map_or(Stage::Ready, |being| being.stage)
    }

    /// Whether a replica is there: it starts or is ready.
    pub(super) fn is_there(&self, replica: u32) -> bool {
        matches!(self.stage_of(replica), Stage::Starting | Stage::Ready)
    }

    /// Whether a replica is ready, and no fault has taken it down.
    pub(super) fn is_ready(&self, replica: u32) -> bool {
        self.stage_of(replica) == Stage::Ready && self.is_up(replica)
    }

    /// Something in the life of a replica is due.
    pub(super) fn live_on(&mut self, replica: u32, what: Rare) {
        let being = &mut self.beings[replica as usize];
        if being.due != self.now {
            return;
        }
        being.due = Time::NEVER;
        match (what, being.stage) {
            (Rare::Ready(_), Stage::Starting) => self.come_ready(replica),
            (Rare::Warm(_), Stage::Ready) => {
                let step = being.step + 1;
                self.warm_up(replica, step);
            }
            (Rare::Close(_), Stage::Draining) => self.close_down(replica),
            _ => {}
        }
    }

    fn expect(&mut self, replica: u32, after: Span, what: Rare) {
        let due = self.now + after;
        self.beings[replica as usize].due = due;
        self.agenda.push(due, Phase::Recovery, what.event());
    }

    /// A replica that was not there starts.
    pub(super) fn begin_life(&mut self, replica: u32) {
        let now = self.now;
        if self.beings[replica as usize].stage == Stage::Draining {
            self.trouble.plights[replica as usize].down += 1;
        }
        let being = &mut self.beings[replica as usize];
        (being.stage, being.since) = (Stage::Starting, now);
        self.get_ready(replica);
    }

    /// A replica restarts, and is back when it is ready.
    pub(super) fn restart(&mut self, replica: u32) {
        if self.life_of(replica).is_none() {
            return;
        }
        match self.stage_of(replica) {
            Stage::Ready => {
                self.trouble.plights[replica as usize].down += 1;
                self.beings[replica as usize].stage = Stage::Starting;
            }
            Stage::Starting => {}
            Stage::Draining | Stage::Absent => return,
        }
        self.get_ready(replica);
    }

    /// A replica that starts will be ready.
    fn get_ready(&mut self, replica: u32) {
        let Some(life) = self.life_of(replica) else { return };
        let (law, hash) = (life.ready_after, self.plan.node(self.replicas[replica as usize].node).hash);
        let being = &mut self.beings[replica as usize];
        being.starts += 1;
        let lineage = Lineage(hash).child(u64::from(replica), being.starts);
        let takes = self.vary(law, lineage, Purpose::Fault, 0);
        if takes == Span::ZERO {
            return self.come_ready(replica);
        }
        self.expect(replica, takes, Rare::Ready(replica));
    }

    /// A replica is ready: it takes what comes.
    fn come_ready(&mut self, replica: u32) {
        let node = self.replicas[replica as usize].node;
        self.beings[replica as usize].stage = Stage::Ready;
        self.trouble.plights[replica as usize].down -= 1;
        self.warm_up(replica, 0);
        if self.is_up(replica) {
            self.regain_consumers(replica);
        }
        self.watch(replica);
        self.recount(node);
        self.update_endpoints(node);
    }

    /// A step of a replica's warm-up begins; the last is that it is warm.
    fn warm_up(&mut self, replica: u32, step: u32) {
        let Some(warmup) = self.life_of(replica).and_then(|life| life.warmup) else { return };
        let before = self.slowness(replica);
        self.beings[replica as usize].step = step;
        let after = self.slowness(replica);
        if before.to_bits() != after.to_bits() {
            self.change_pace(replica, after / before, after);
        }
        if step < Warmup::STEPS {
            self.expect(replica, warmup.step(), Rare::Warm(replica));
        }
    }

    /// How many times as long work takes on a replica that is not warm yet.
    pub(super) fn coldness(&self, replica: u32) -> f64 {
        let Some(being) = self.beings.get(replica as usize) else { return 1.0 };
        let warmup = self.life_of(replica).and_then(|life| life.warmup);
        warmup.map_or(1.0, |warmup| warmup.slowness(being.step))
    }

    /// A replica is one too many: it gets nothing new, and ends what it has.
    pub(super) fn let_go_replica(&mut self, replica: u32) {
        let being = &mut self.beings[replica as usize];
        being.due = Time::NEVER;
        if being.stage == Stage::Starting {
            being.stage = Stage::Absent;
            return;
        }
        being.stage = Stage::Draining;
        if self.is_up(replica) {
            self.lose_consumers(replica, false);
        }
        self.expect(replica, LISTENS, Rare::Close(replica));
    }

    /// A replica no longer takes what callers send to it; its connections are closed.
    fn close_down(&mut self, replica: u32) {
        self.beings[replica as usize].stage = Stage::Absent;
        self.trouble.plights[replica as usize].down += 1;
        self.reset_connections(replica);
    }

    /// The replicas of a node that are one too many, newest first; those that only start before all others.
    pub(super) fn newest(&self, node: NodeId) -> Vec<u32> {
        let mut there: Vec<u32> = self.replicas_of(node).filter(|replica| self.is_there(*replica)).collect();
        there.sort_by_key(|replica| {
            let being = &self.beings[*replica as usize];
            std::cmp::Reverse((being.stage == Stage::Starting, being.since, *replica))
        });
        there
    }

    /// Where new replicas of a node may begin: where nothing is, then where one still ends its work.
    pub(super) fn vacant(&self, node: NodeId) -> Vec<u32> {
        let mut gone: Vec<u32> = self.replicas_of(node).filter(|replica| !self.is_there(*replica)).collect();
        gone.sort_by_key(|replica| {
            let idle = self.replicas[*replica as usize].busy == 0;
            (self.stage_of(*replica) == Stage::Draining, !idle, *replica)
        });
        gone
    }

    /// Those who count replicas hear how many there are.
    pub(super) fn recount(&mut self, node: NodeId) {
        if self.plan.node(node).life.is_none() {
            return;
        }
        let there = self.replicas_of(node).filter(|replica| self.is_there(*replica)).count() as u32;
        let ready = self.replicas_of(node).filter(|replica| self.is_ready(*replica)).count() as u32;
        self.gauge_ready(node);
        self.tell(Fact::Replicas { node, there, ready });
    }

    /// Callers hear which replicas of an autoscaled node are ready. Faults are not looked at: nobody checks their health.
    fn update_endpoints(&mut self, node: NodeId) {
        if self.endpoints[node.index()].is_some() {
            self.set_endpoints(node);
        }
    }

    /// The control plane learns which replicas of a node take requests.
    pub(super) fn set_endpoints(&mut self, node: NodeId) {
        let first = self.plan.node(node).first_replica;
        let ready = |replica: &u32| self.stage_of(*replica) == Stage::Ready;
        let list = self.replicas_of(node).filter(ready).map(|replica| replica - first).collect();
        self.endpoints[node.index()] = Some(list);
        self.publish_endpoints(node);
    }
}
