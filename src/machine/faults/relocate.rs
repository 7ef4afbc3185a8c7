//! Replicas move: they are reached at new addresses, and nothing is at the old ones.

use crate::model::Probe;

use crate::machine::Machine;

impl<P: Probe> Machine<'_, P> {
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
