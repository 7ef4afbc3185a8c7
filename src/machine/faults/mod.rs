//! Faults strike and end: what a fault does to all parts at once.

pub(crate) mod at_once;
pub(crate) mod crash;
pub(crate) mod freeze;
pub(crate) mod hazard;

use crate::kernel::Phase;
use crate::model::fault::{Effect, Mode, When};
use crate::model::{Fact, FaultId, NodeId, Probe};
use crate::units::Time;

use crate::machine::Machine;
use crate::machine::core::event::Event;

impl<P: Probe> Machine<'_, P> {
    /// A fault begins or ends.
    pub(crate) fn strike(&mut self, at: u32) {
        let fault = &self.core.plan.faults[at as usize];
        self.core.toil((self.core.frames.peak() / 16 + fault.replicas.len() + fault.links.len()) as u64);
        if let Effect::Deploy { at_once, .. } = fault.effect {
            return self.roll(at, at_once);
        }
        match fault.effect {
            Effect::Move { hole } => return self.relocate(at, hole),
            Effect::Cold | Effect::Poison => return self.spoil(at),
            Effect::Rollout(rule) => return self.begin_rollout(at, rule),
            _ => {}
        }
        let (on, nth) = (!self.core.trouble.strikes[at as usize].on, self.core.trouble.strikes[at as usize].nth);
        if on && self.core.is_spared(at) {
            return;
        }
        self.core.trouble.strikes[at as usize].on = on;
        let ends = match fault.when {
            When::Once { until, .. } => until,
            When::Random { .. } => self.core.now + fault.span(self.core.plan, self.core.seed, nth, true),
        };
        if fault.effect == Effect::Blackout {
            self.calls.wire.names.darken(&mut self.core, &fault.replicas, on);
        } else {
            fault.replicas.iter().for_each(|replica| self.turn(*replica, (at, ends), on));
        }
        self.core.turn_links(at, on);
        if !on {
            self.core.unpark();
            self.calls.wire.deliver_kept(&mut self.core);
            self.let_records_out(at);
        }
        let next = match fault.when {
            _ if on => ends,
            When::Once { .. } => Time::NEVER,
            When::Random { .. } => self.core.strikes_next(at),
        };
        if next != Time::NEVER {
            self.core.agenda.push(next, Phase::Recovery, Event::Fault(at));
        }
        self.core.tell(Fact::Struck { fault: FaultId(at), on });
    }

    /// A fault is over between producers and their brokers: what waited there leaves.
    fn let_records_out(&mut self, at: u32) {
        let plan = self.core.plan;
        for edge in &plan.faults[at as usize].edges {
            let from = plan.edges[*edge as usize].from;
            let hosts = plan.producers.iter().filter(|producer| producer.edge.0 == *edge).map(|producer| producer.from);
            let mut hosts: Vec<NodeId> = hosts.chain([from]).collect();
            hosts.sort_unstable();
            hosts.dedup();
            for host in hosts {
                let node = plan.node(host);
                let replicas = node.first_replica..node.first_replica + node.replicas;
                replicas.for_each(|replica| self.streams.let_out(&mut self.core, replica));
            }
        }
    }

    /// A deploy goes on.
    fn roll(&mut self, at: u32, at_once: u32) {
        let first = self.core.trouble.strikes[at as usize].wave == 0;
        let next = self.deploy(at, at_once);
        if let Some(next) = next {
            self.core.agenda.push(next, Phase::Recovery, Event::Fault(at));
        }
        if first || next.is_none() {
            self.core.tell(Fact::Struck { fault: FaultId(at), on: first });
        }
    }

    /// A fault, which ends then, begins or ends on one replica.
    fn turn(&mut self, replica: u32, (fault, ends): (u32, Time), on: bool) {
        let (hole, crash) = match self.core.plan.faults[fault as usize].effect {
            Effect::Outage { mode: Mode::Drop } => return self.cut_off(replica, on),
            Effect::Outage { mode } => {
                let hangs = &mut self.core.trouble.plights[replica as usize].hangs;
                let hang = u32::from(mode == Mode::Hang);
                *hangs = if on { *hangs + hang } else { *hangs - hang };
                (mode == Mode::Hang, false)
            }
            Effect::Crash { hole } => (hole, true),
            Effect::Freeze => {
                if on {
                    self.freeze(replica, ends);
                } else {
                    self.thaw(replica);
                }
                return self.watch(replica);
            }
            Effect::Partition => return self.come_between(replica, on),
            _ => return self.enlist_on(replica, fault, on),
        };
        if on { self.take_down(replica, hole, crash) } else { self.bring_up(replica, hole, crash) }
    }

    /// Probes of a replica, and of those that it stands beside, may find something else from now on.
    fn watch(&mut self, replica: u32) {
        for probed in self.core.beside(replica).into_iter().chain([replica]) {
            self.calls.wire.names.watch(&mut self.core, probed);
        }
    }

    pub(crate) fn take_down(&mut self, replica: u32, hole: bool, crash: bool) {
        let was_up = self.core.is_up(replica);
        let plight = &mut self.core.trouble.plights[replica as usize];
        plight.down += 1;
        plight.holes += u32::from(hole);
        let silent = plight.holes > 0;
        if crash {
            self.kill(replica, silent);
        }
        if !silent {
            self.calls.wire.sever(&mut self.core, replica);
        }
        if crash || !silent {
            self.calls.reset_connections(&mut self.core, &mut self.stations, replica);
            self.core.lose_passing(replica);
            for beside in self.core.beside(replica) {
                self.calls.reset_connections(&mut self.core, &mut self.stations, beside);
                self.calls.reset_own_connections(&mut self.core, &mut self.stations, beside);
            }
        }
        if was_up || crash {
            self.lose(replica, crash);
            // By it they talked to their brokers.
            self.core.beside(replica).into_iter().for_each(|beside| self.lose(beside, false));
        }
        self.watch(replica);
        let node = self.core.node_of(replica);
        self.fleet.recount(&mut self.core, node);
    }

    /// A fault that took a replica down is over; what restarts has to get ready.
    pub(crate) fn bring_up(&mut self, replica: u32, hole: bool, restarts: bool) {
        if restarts {
            self.restart(replica);
        }
        let plight = &mut self.core.trouble.plights[replica as usize];
        plight.down -= 1;
        plight.holes -= u32::from(hole);
        self.reconnect(replica);
        self.watch(replica);
        let node = self.core.node_of(replica);
        self.fleet.recount(&mut self.core, node);
    }

    /// A partition comes between a replica and the brokers that it consumes from, or is over.
    fn come_between(&mut self, replica: u32, on: bool) {
        let plight = &mut self.core.trouble.plights[replica as usize];
        plight.parted = if on { plight.parted + 1 } else { plight.parted - 1 };
        if on && plight.parted == 1 && plight.cuts == 0 && plight.down == 0 {
            self.lose(replica, false);
        } else if !on {
            self.reconnect(replica);
        }
    }

    /// A replica can be reached again, if it is ready and nothing else is in between, and those that it stands beside.
    fn reconnect(&mut self, replica: u32) {
        let plight = self.core.trouble.plights[replica as usize];
        if plight.cuts > 0 || plight.parted > 0 {
            return;
        }
        for again in self.core.beside(replica).into_iter().chain([replica]) {
            if self.fleet.is_ready(&self.core, again) && self.core.has_its_proxies(again) {
                self.regain(again);
            }
        }
    }

    /// A fault cuts a replica off its network, or is over.
    pub(crate) fn cut_off(&mut self, replica: u32, on: bool) {
        let plight = &mut self.core.trouble.plights[replica as usize];
        plight.cuts = if on { plight.cuts + 1 } else { plight.cuts - 1 };
        let (lost, found) = (on && plight.cuts == 1, plight.cuts == 0);
        if lost {
            self.lose(replica, false);
            self.core.beside(replica).into_iter().for_each(|beside| self.lose(beside, false));
        } else if found {
            self.reconnect(replica);
        }
        self.watch(replica);
        let node = self.core.node_of(replica);
        self.fleet.recount(&mut self.core, node);
    }
}
