//! A replica starts, gets ready and warm, and goes.

use crate::model::fault::rollout::Drain;
use crate::model::plan::Warmup;
use crate::model::{NodeId, Probe};
use crate::random::{Lineage, Purpose};
use crate::units::{Span, Time};

use crate::machine::Machine;
use crate::machine::core::event::Rare;
use crate::machine::fleet::Stage;

/// How long a replica that is one too many takes what callers still send to it: a usual pause in a `preStop` hook.
const LISTENS: Span = Span(5_000_000_000);

impl<P: Probe> Machine<'_, P> {
    /// Autoscalers begin to look.
    pub(crate) fn start_scaling_all(&mut self) {
        let plan = self.core.plan;
        for (id, node) in (0..).map(NodeId).zip(&plan.nodes) {
            if let Some(life) = &node.life {
                self.start_scaling(id, life);
            }
        }
    }

    /// Something in the life of a replica is due.
    pub(crate) fn live_on(&mut self, replica: u32, what: Rare) {
        let being = &mut self.fleet.beings[replica as usize];
        if being.due != self.core.now {
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
            (Rare::Close(_), Stage::Closing) => self.end_life(replica),
            _ => {}
        }
    }

    /// A replica that was not there starts.
    pub(crate) fn begin_life(&mut self, replica: u32) {
        let now = self.core.now;
        if self.fleet.beings[replica as usize].stage == Stage::Draining {
            self.core.trouble.plights[replica as usize].down += 1;
        }
        let being = &mut self.fleet.beings[replica as usize];
        (being.stage, being.since) = (Stage::Starting, now);
        self.get_ready(replica);
    }

    /// A replica restarts, and is back when it is ready.
    pub(crate) fn restart(&mut self, replica: u32) {
        if self.core.life_of(replica).is_none() {
            return;
        }
        match self.fleet.stage_of(replica) {
            Stage::Ready => {
                self.core.trouble.plights[replica as usize].down += 1;
                self.fleet.beings[replica as usize].stage = Stage::Starting;
            }
            Stage::Starting => {}
            Stage::Draining | Stage::Closing | Stage::Absent => return,
        }
        self.get_ready(replica);
    }

    /// A replica that starts will be ready.
    fn get_ready(&mut self, replica: u32) {
        let Some(life) = self.core.life_of(replica) else { return };
        let (law, hash) = (life.ready_after, self.core.plan.node(self.core.node_of(replica)).hash);
        let being = &mut self.fleet.beings[replica as usize];
        being.starts += 1;
        let lineage = Lineage(hash).child(u64::from(replica), being.starts);
        let takes = self.core.vary(law, lineage, Purpose::Fault, 0);
        if takes == Span::ZERO {
            return self.come_ready(replica);
        }
        self.fleet.await_stage(&mut self.core, replica, takes, Rare::Ready(replica));
    }

    /// A replica is ready: it takes what comes.
    fn come_ready(&mut self, replica: u32) {
        let node = self.core.node_of(replica);
        self.fleet.beings[replica as usize].stage = Stage::Ready;
        self.core.trouble.plights[replica as usize].down -= 1;
        self.warm_up(replica, 0);
        if self.core.is_up(replica) && self.core.has_its_proxies(replica) {
            self.regain(replica);
        }
        self.calls.wire.names.watch(&mut self.core, replica);
        self.fleet.recount(&mut self.core, node);
        self.update_endpoints(node);
        self.roll_on(node);
    }

    /// A step of a replica's warm-up begins; the last is that it is warm.
    fn warm_up(&mut self, replica: u32, step: u32) {
        let Some(warmup) = self.core.life_of(replica).and_then(|life| life.warmup) else { return };
        let before = self.slowness(replica);
        self.fleet.beings[replica as usize].step = step;
        let after = self.slowness(replica);
        if before.to_bits() != after.to_bits() {
            self.change_pace(replica, after / before, after);
        }
        if step < Warmup::STEPS {
            self.fleet.await_stage(&mut self.core, replica, warmup.step(), Rare::Warm(replica));
        }
    }

    /// A replica is one too many: it gets nothing new, and ends what it has.
    pub(crate) fn let_go_replica(&mut self, replica: u32) {
        let being = &mut self.fleet.beings[replica as usize];
        being.due = Time::NEVER;
        if being.stage == Stage::Starting {
            being.stage = Stage::Absent;
            return;
        }
        being.stage = Stage::Draining;
        if self.core.is_up(replica) {
            self.lose(replica, false);
        }
        let drain = self.core.life_of(replica).and_then(|life| life.drain);
        self.fleet.beings[replica as usize].killed_at = drain.map_or(Time::NEVER, |drain| self.core.now + drain.end());
        let pause = drain.map_or(LISTENS, Drain::pause);
        self.fleet.await_stage(&mut self.core, replica, pause, Rare::Close(replica));
    }

    /// A replica is to go in a rollout: it goes on as before for the time of its pause.
    pub(crate) fn dismiss(&mut self, replica: u32) {
        let drain = self.core.life_of(replica).and_then(|life| life.drain).unwrap_or(Drain::USUAL);
        let being = &mut self.fleet.beings[replica as usize];
        being.due = Time::NEVER;
        if being.stage == Stage::Starting {
            being.stage = Stage::Absent;
            return;
        }
        (being.stage, being.killed_at) = (Stage::Draining, self.core.now + drain.end());
        if drain.pause() > Span::ZERO {
            self.fleet.await_stage(&mut self.core, replica, drain.pause(), Rare::Close(replica));
        }
    }

    /// A replica without a pause takes nothing more, now that callers are on their way to hear of it.
    pub(crate) fn stop_listening(&mut self, replica: u32) {
        let being = self.fleet.beings[replica as usize];
        if being.stage == Stage::Draining && being.due == Time::NEVER {
            self.close_down(replica);
        }
    }

    /// A replica no longer takes what callers send to it; its connections are closed.
    fn close_down(&mut self, replica: u32) {
        let was_up = self.core.is_up(replica);
        let killed_at = self.fleet.beings[replica as usize].killed_at;
        self.core.trouble.plights[replica as usize].down += 1;
        self.calls.reset_connections(&mut self.core, &mut self.stations, replica);
        if killed_at == Time::NEVER {
            self.fleet.beings[replica as usize].stage = Stage::Absent;
            return;
        }
        self.fleet.beings[replica as usize].stage = Stage::Closing;
        if was_up {
            self.lose(replica, false);
        }
        let left = killed_at.since(self.core.now);
        self.fleet.await_stage(&mut self.core, replica, left, Rare::Close(replica));
    }

    /// The time of a replica is over: what it has not ended is killed, and its place is free.
    fn end_life(&mut self, replica: u32) {
        let node = self.core.node_of(replica);
        let being = &mut self.fleet.beings[replica as usize];
        (being.stage, being.killed_at) = (Stage::Absent, Time::NEVER);
        self.kill(replica, false);
        self.calls.wire.sever(&mut self.core, replica);
        self.calls.reset_connections(&mut self.core, &mut self.stations, replica);
        self.core.lose_passing(replica);
        self.roll_on(node);
    }

    /// Where new replicas of a node may begin: where nothing is, then where one still ends its work.
    pub(crate) fn vacant(&self, node: NodeId) -> Vec<u32> {
        let mut gone: Vec<u32> = self.core.replicas_of(node).filter(|replica| !self.fleet.is_there(*replica)).collect();
        gone.sort_by_key(|replica| {
            let idle = self.stations.replicas[*replica as usize].busy == 0;
            (matches!(self.fleet.stage_of(*replica), Stage::Draining | Stage::Closing), !idle, *replica)
        });
        gone
    }

    /// Callers hear which replicas of an autoscaled node are ready. Faults are not looked at: nobody checks their health.
    fn update_endpoints(&mut self, node: NodeId) {
        if self.calls.wire.names.endpoints[node.index()].is_some() {
            self.set_endpoints(node);
        }
    }

    /// The control plane learns which replicas of a node take requests.
    pub(crate) fn set_endpoints(&mut self, node: NodeId) {
        let first = self.core.plan.node(node).first_replica;
        let ready = |replica: &u32| self.fleet.stage_of(*replica) == Stage::Ready;
        let list = self.core.replicas_of(node).filter(ready).map(|replica| replica - first).collect();
        self.calls.wire.names.endpoints[node.index()] = Some(list);
        self.calls.wire.names.publish_endpoints(&mut self.core, node);
    }
}
