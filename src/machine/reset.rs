//! Connections break: those to a replica that is down, and those of a caller that died.

use crate::model::id::NONE;
use crate::model::transport::Channel;
use crate::model::{Cause, Outcome, Probe};
use crate::units::Time;

use super::Machine;
use super::channel::{Hold, Stage};
use super::frame::{Origin, Pose};
use super::pool::Pool;
use super::walk::Flow;

impl<P: Probe> Machine<'_, P> {
    /// Whether a try needs a connection.
    #[inline]
    pub(super) fn is_wired(&self, at: u32) -> bool {
        self.plan.calls[self.frames[at].call as usize].channel != NONE
    }

    /// Whether a try has left its caller's replica.
    pub(super) fn is_sent(&self, at: u32) -> bool {
        !self.frames[at].loan.is_wanting() && (!self.is_wired(at) || self.holds[at as usize].stage == Stage::Sent)
    }

    /// Tries that have a pool, or wait for one, and what they hold.
    pub(super) fn wired_tries(&self) -> Vec<(u32, Hold)> {
        let tries = self.frames.live_slots().into_iter().filter(|at| self.frames[*at].origin == Origin::Try);
        let held = tries.filter(|at| self.is_wired(*at)).map(|at| (at, self.holds[at as usize]));
        held.filter(|(_, hold)| hold.pool != NONE).collect()
    }

    /// All open connections to a replica are closed; whoever waited for one may open another.
    pub(super) fn reset_connections(&mut self, replica: u32) {
        for (at, hold) in self.wired_tries() {
            let sent = hold.stage == Stage::Sent && hold.conn != NONE;
            if sent && self.pools[hold.pool as usize].conns[hold.conn as usize].replica == replica {
                self.holds[at as usize] = Hold::default();
            }
        }
        let plan = self.plan;
        let node = self.replicas[replica as usize].node;
        for channel in plan.channels.iter().filter(|c| plan.link(c.link).to == node) {
            let pools = plan.node(plan.link(channel.link).from).replicas * channel.pools_per_caller;
            for at in channel.first_pool..channel.first_pool + pools {
                self.pools[at as usize].break_all(replica);
                self.refill(at, channel);
            }
        }
    }

    /// Tries that wait for a connection open one, as long as there is room.
    pub(super) fn refill(&mut self, pool: u32, channel: &Channel) {
        while self.pools[pool as usize].live() < channel.max
            && let Some(next) = self.pools[pool as usize].waiting.pop_front()
        {
            self.dial(next, channel);
        }
    }

    /// A handshake fails: whoever waited for that connection fails with it.
    pub(super) fn fail_dial(&mut self, at: u32) -> Flow {
        self.drop_dial(at, Some(at));
        Flow::Stay
    }

    /// A handshake of a try is over without a connection; the try itself may fail with it.
    pub(super) fn drop_dial(&mut self, at: u32, itself: Option<u32>) {
        let plan = self.plan;
        let Hold { pool, conn, .. } = self.holds[at as usize];
        let channel = &plan.channels[plan.calls[self.frames[at].call as usize].channel as usize];
        let pending = std::mem::take(&mut self.pools[pool as usize].conns[conn as usize].pending);
        self.pools[pool as usize].close(conn);
        for frame in itself.into_iter().chain(pending) {
            self.holds[frame as usize] = Hold::default();
            self.charge(frame, Cause::Connect);
            if self.frames[frame].abandoned {
                self.discard(frame);
            } else {
                self.fail_unsent(frame, Outcome::ConnectFailed);
            }
        }
        self.refill(pool, channel);
    }

    /// Nobody at a caller that dies waits for a connection, or for room in a bulkhead, any more.
    pub(super) fn forget_lines(&mut self, replica: u32) {
        for pool in self.pools_of(replica) {
            self.pools[pool as usize].waiting.clear();
        }
        let node = self.replicas[replica as usize].node;
        let nth = replica - self.plan.node(node).first_replica;
        for guard in self.plan.guards.iter().filter(|g| self.plan.link(g.link).from == node) {
            self.police[(guard.first + nth) as usize].line.clear();
        }
    }

    /// The pools of a caller's replica.
    fn pools_of(&self, replica: u32) -> Vec<u32> {
        let node = self.replicas[replica as usize].node;
        let nth = replica - self.plan.node(node).first_replica;
        let own = self.plan.channels.iter().filter(|c| self.plan.link(c.link).from == node);
        own.flat_map(|c| (0..c.pools_per_caller).map(move |p| c.first_pool + nth * c.pools_per_caller + p)).collect()
    }

    /// All pools of a caller that died are empty; handshakes under way for them are forgotten.
    pub(super) fn forget_pools(&mut self, replica: u32) {
        let mut gone = vec![false; self.pools.len()];
        for pool in self.pools_of(replica) {
            self.pools[pool as usize] = Pool::default();
            gone[pool as usize] = true;
        }
        for (at, hold) in self.wired_tries().into_iter().filter(|(_, hold)| gone[hold.pool as usize]) {
            self.holds[at as usize] = Hold::default();
            if hold.stage != Stage::Sent {
                if self.frames[at].pose == Pose::Working {
                    self.interrupt(at);
                }
                self.frames[at].due = Time::NEVER;
                self.trouble.parked.retain(|parked| *parked != at);
                self.discard(at);
            }
        }
    }
}

impl Pool {
    /// Closes all open connections to a replica.
    fn break_all(&mut self, replica: u32) {
        for at in 0..self.conns.len() as u32 {
            let conn = &self.conns[at as usize];
            if conn.replica != replica || !conn.open || self.gone.contains(&at) {
                continue;
            }
            // One with room that nothing is on counts as idle.
            self.idle -= u32::from(conn.streams == 0);
            self.close(at);
        }
    }
}
