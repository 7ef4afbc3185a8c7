//! Replicas move: they are reached at new addresses, and nothing is at the old ones.

use crate::model::Probe;
use crate::units::Span;

use super::Machine;
use super::channel::Stage;
use super::frame::Cut;

/// How long a handshake waits for an answer from where nobody is: Linux sends SYN seven times (`tcp_syn_retries` = 6), which
/// takes 127 s.
pub(super) const SYN_PATIENCE: Span = Span(127_000_000_000);

impl<P: Probe> Machine<'_, P> {
    /// A move strikes; says to the agenda when the next one does.
    pub(super) fn relocate(&mut self, at: u32, hole: bool) {
        if self.is_spared(at) {
            return;
        }
        let fault = &self.plan.faults[at as usize];
        for replica in &fault.replicas {
            self.names.moves[*replica as usize] += 1;
            self.names.silent[*replica as usize] = hole;
            self.sever(*replica);
            self.mislead(*replica);
            self.reset_connections(*replica);
        }
        for node in self.nodes_of(&fault.replicas) {
            self.publish_endpoints(node);
        }
        self.pass_at_once(at);
    }

    /// Handshakes with a replica that moved lead nowhere.
    fn mislead(&mut self, replica: u32) {
        for (at, hold) in self.wired_tries() {
            let dials = matches!(hold.stage, Stage::Dialling(_));
            if dials && self.pools[hold.pool as usize].conns[hold.conn as usize].replica == replica {
                self.frames[at].cut = Cut::Astray;
            }
        }
    }

    /// Whether a try goes to an old address where nothing answers.
    pub(super) fn is_unheard(&self, at: u32) -> bool {
        self.frames[at].cut == Cut::Astray && self.names.silent[self.callee_of(at) as usize]
    }

    /// The replica that a try is meant for: in the middle of a handshake its frame may be at work at the caller's.
    pub(super) fn callee_of(&self, at: u32) -> u32 {
        match self.holds.get(at as usize) {
            Some(hold) if self.is_wired(at) && matches!(hold.stage, Stage::Dialling(_)) => {
                self.pools[hold.pool as usize].conns[hold.conn as usize].replica
            }
            _ => self.frames[at].replica,
        }
    }
}
