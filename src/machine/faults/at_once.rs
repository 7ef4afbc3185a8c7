//! Faults that are over at once: a cache forgets, a message is spoiled, replicas are reached at new addresses.

use crate::model::Probe;
use crate::model::fault::Effect;

use crate::machine::Machine;

impl<P: Probe> Machine<'_, P> {
    /// The next message of a broker will be one that nobody can work on.
    #[cold]
    pub(crate) fn poison(&mut self, replica: u32) {
        let node = self.core.node_of(replica);
        let queues = self.core.plan.queues.iter().zip(&mut self.mail.queues).filter(|(queue, _)| queue.node == node);
        queues.for_each(|(_, store)| store.poisons += 1);
        self.streams.poison(self.core.plan, node);
    }

    /// What a cache knew is gone, or the next message is spoiled.
    pub(crate) fn spoil(&mut self, at: u32) {
        if self.core.is_spared(at) {
            return;
        }
        let fault = &self.core.plan.faults[at as usize];
        for replica in &fault.replicas {
            if fault.effect == Effect::Cold {
                self.data.chill(&mut self.core, *replica);
            } else {
                self.poison(*replica);
            }
        }
        self.core.pass_at_once(at);
    }

    /// A move strikes; says to the agenda when the next one does.
    pub(crate) fn relocate(&mut self, at: u32, hole: bool) {
        if self.core.is_spared(at) {
            return;
        }
        let fault = &self.core.plan.faults[at as usize];
        for replica in &fault.replicas {
            self.calls.wire.names.moves[*replica as usize] += 1;
            self.calls.wire.names.silent[*replica as usize] = hole;
            self.calls.wire.sever(&mut self.core, *replica);
            self.calls.wire.mislead(&mut self.core, *replica);
            self.calls.reset_connections(&mut self.core, &mut self.stations, *replica);
        }
        for node in self.core.nodes_of(&fault.replicas) {
            self.calls.wire.names.publish_endpoints(&mut self.core, node);
        }
        self.core.pass_at_once(at);
    }
}
