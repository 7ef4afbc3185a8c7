//! Connections: a try takes one, opens one, or waits for one.
//!
//! A try that needs a connection walks a short program of its own before it is sent: `Dial` once per stage of a handshake,
//! then `Send`. Several tries may wait for one HTTP/2 connection to open; whoever opens it goes on doing so even when its
//! caller has given up, because others may be waiting.

use crate::model::id::NONE;
use crate::model::transport::Channel;
use crate::model::{Cause, Outcome, Probe};
use crate::random::Purpose;
use crate::units::Span;

use super::Machine;
use super::frame::Cut;
use super::walk::{DIAL, Flow};

/// Where a try is on its way to the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// When it needs no connection, or has been sent.
    #[default]
    Sent,
    /// When it waits for any connection of its pool.
    Waiting,
    /// When it waits for a connection that another try opens.
    Pending,
    /// When it opens a connection; so many stages of the handshake are done.
    Dialling(u32),
}

/// A try's connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) stage: Stage,
    pub(super) pool: u32,
    /// Which of the pool's connections; `NONE` while it has none.
    pub(super) conn: u32,
    /// Whether that has just been opened, by this try or while it waited.
    fresh: bool,
    /// How often a connection that nobody answers for was asked for again.
    pub(super) asked: u8,
}

impl Default for Hold {
    fn default() -> Self {
        Self { stage: Stage::Sent, pool: NONE, conn: NONE, fresh: false, asked: 0 }
    }
}

impl<P: Probe> Machine<'_, P> {
    fn channel_of(&self, at: u32) -> &Channel {
        let call = &self.plan.calls[self.frames[at].call as usize];
        &self.plan.channels[call.channel as usize]
    }

    /// A try asks for a connection; it is sent as soon as it has one.
    #[inline]
    pub(super) fn connect(&mut self, at: u32) {
        let plan = self.plan;
        let channel = &plan.channels[self.sites[self.frames[at].call as usize].channel as usize];
        let link = plan.link(channel.link);
        let caller = self.frames[self.frames[at].caller].replica - link.first_caller;
        let mut pool = channel.first_pool + caller * channel.pools_per_caller;
        if channel.per_request {
            pool += self.frames[at].replica - link.first;
        }
        if self.holds.len() <= at as usize {
            self.holds.resize(self.frames.peak(), Hold::default());
        }
        self.holds[at as usize] = Hold { stage: Stage::Waiting, pool, ..Hold::default() };
        let (now, pool) = (self.now, &mut self.pools[pool as usize]);
        if let Some(conn) = pool.take(channel, now) {
            self.board(at, conn);
        } else if pool.live() < channel.max {
            self.dial(at, channel);
        } else {
            pool.waiting.push_back(at);
        }
    }

    /// A try has room on a connection and is sent with it, once it is open.
    #[inline]
    fn board(&mut self, at: u32, conn: u32) {
        let hold = &mut self.holds[at as usize];
        hold.conn = conn;
        let conn = &mut self.pools[hold.pool as usize].conns[conn as usize];
        self.frames[at].replica = conn.replica;
        if !conn.open {
            hold.stage = Stage::Pending;
            conn.pending.push(at);
            return;
        }
        hold.stage = Stage::Sent;
        self.charge(at, Cause::ConnectionWait);
        self.send(at);
    }

    /// A try opens a connection.
    pub(super) fn dial(&mut self, at: u32, channel: &Channel) {
        if !channel.per_request {
            let caller = self.frames[self.frames[at].caller].replica;
            let Some(replica) = self.pick(channel.link, caller, self.call_lineage(at)) else {
                self.holds[at as usize] = Hold::default();
                return self.fail_unsent(at, Outcome::NoEndpoint);
            };
            self.frames[at].replica = replica;
        }
        if self.faulted && self.is_outdated(at, channel.link) {
            self.frames[at].cut = Cut::Astray;
        }
        if self.faulted && self.pools[self.holds[at as usize].pool as usize].not_before > self.now {
            self.holds[at as usize] = Hold::default();
            return self.fail_unsent(at, Outcome::ConnectFailed);
        }
        let hold = &mut self.holds[at as usize];
        let pool = &mut self.pools[hold.pool as usize];
        hold.conn = pool.add(self.frames[at].replica);
        hold.stage = Stage::Dialling(0);
        pool.fill(hold.conn, channel);
        self.frames[at].pc = DIAL.0;
        self.charge(at, Cause::ConnectionWait);
        while self.shake(at) == Flow::On {}
    }

    /// The next stage of a handshake: round trips, then the callee's cryptography, then the caller's.
    pub(super) fn shake(&mut self, at: u32) -> Flow {
        let plan = self.plan;
        let hold = self.holds[at as usize];
        let Stage::Dialling(done) = hold.stage else {
            return Flow::Stay;
        };
        let channel = self.channel_of(at);
        let (trips, callee_cpu, caller_cpu) = (channel.round_trips, channel.callee_cpu, channel.caller_cpu);
        let caller = plan.link(channel.link).first_caller + (hold.pool - channel.first_pool) / channel.pools_per_caller;
        let replica = self.pools[hold.pool as usize].conns[hold.conn as usize].replica;
        self.frames[at].replica = replica;
        if self.faulted && done > 0 && self.is_refused(at) {
            return self.hang(at);
        }
        self.holds[at as usize].stage = Stage::Dialling(done + 1);
        if done < trips {
            return self.round_trip(at, done + 1);
        }
        match done - trips {
            0 => self.encrypt(at, replica, callee_cpu),
            1 => self.encrypt(at, caller, caller_cpu),
            _ => self.established(at),
        }
    }

    /// Whether what comes next in a try's handshake needs more of the callee than its kernel.
    pub(super) fn is_encrypting(&self, at: u32) -> bool {
        let channel = self.channel_of(at);
        channel.round_trips > 1 || channel.callee_cpu > Span::ZERO
    }

    fn round_trip(&mut self, at: u32, nth: u32) -> Flow {
        let frame = &self.frames[at];
        let call = &self.plan.calls[frame.call as usize];
        let there = self.vary(call.there, frame.lineage, Purpose::There, nth);
        let back = self.vary(call.back, frame.lineage, Purpose::Back, nth);
        self.sleep(at, there + back);
        Flow::Stay
    }

    /// Cryptography, on the cores of a replica where work shares them; elsewhere it merely takes its time.
    fn encrypt(&mut self, at: u32, replica: u32, work: Span) -> Flow {
        if work == Span::ZERO {
            return Flow::On;
        }
        if self.replicas[replica as usize].cpu.is_some() {
            self.frames[at].replica = replica;
            return self.start(at, work.0, Cause::Connect);
        }
        self.sleep(at, work);
        Flow::Stay
    }

    /// A connection is open: whoever waited for that is sent.
    fn established(&mut self, at: u32) -> Flow {
        let Hold { pool, conn, .. } = self.holds[at as usize];
        let conn = &mut self.pools[pool as usize].conns[conn as usize];
        conn.open = true;
        let pending = std::mem::take(&mut conn.pending);
        self.pools[pool as usize].fails = 0;
        for frame in std::iter::once(at).chain(pending) {
            let hold = &mut self.holds[frame as usize];
            hold.stage = Stage::Sent;
            hold.fresh = true;
            self.charge(frame, Cause::Connect);
            if self.frames[frame].abandoned {
                self.hang_up(frame);
                self.discard(frame);
            } else {
                self.send(frame);
            }
        }
        Flow::Stay
    }

    /// The round trips that a big message needs beyond the first, where its connection is fresh: TCP's slow start.
    #[inline(never)]
    pub(super) fn start_slowly(&mut self, at: u32, trips: u32, way: Purpose) -> Span {
        if !self.holds.get(at as usize).is_some_and(|hold| hold.fresh) {
            return Span::ZERO;
        }
        let frame = &self.frames[at];
        let (lineage, call) = (frame.lineage, &self.plan.calls[frame.call as usize]);
        let trip = |nth| self.vary(call.there, lineage, way, nth) + self.vary(call.back, lineage, way, nth + 1);
        let extra = (0..trips).fold(Span::ZERO, |sum, nth| sum + trip(SLOW_START + 2 * nth));
        self.charge_for(at, Cause::Connect, extra);
        extra
    }

    /// A try is over: what it had of connections others may have.
    #[inline(never)]
    pub(super) fn disconnect(&mut self, at: u32) {
        if self.sites[self.frames[at].call as usize].channel != NONE {
            self.hang_up(at);
        }
        self.repay(at);
    }

    /// A try is over: its connection may carry the next one.
    #[inline]
    pub(super) fn hang_up(&mut self, at: u32) {
        let plan = self.plan;
        let channel = &plan.channels[self.sites[self.frames[at].call as usize].channel as usize];
        let hold = std::mem::take(&mut self.holds[at as usize]);
        if hold.pool == NONE {
            // It was reset.
            return;
        }
        if let Some(next) = self.pools[hold.pool as usize].drain(hold.conn, channel, self.now) {
            self.board(next, hold.conn);
        }
    }

    /// A try's caller gives up: says whether the try was still here, and is now gone without a trace.
    pub(super) fn give_up(&mut self, at: u32) -> bool {
        let plan = self.plan;
        let channel = &plan.channels[plan.calls[self.frames[at].call as usize].channel as usize];
        let hold = self.holds[at as usize];
        if hold.pool == NONE {
            return false;
        }
        if matches!(hold.stage, Stage::Dialling(_)) && self.is_unheard(at) {
            // Nobody will ever answer that handshake.
            self.drop_dial(at, None);
            self.holds[at as usize] = Hold::default();
            return true;
        }
        let pool = &mut self.pools[hold.pool as usize];
        match hold.stage {
            Stage::Waiting => {
                pool.waiting.retain(|w| *w != at);
                true
            }
            Stage::Pending => {
                pool.conns[hold.conn as usize].pending.retain(|p| *p != at);
                self.hang_up(at);
                true
            }
            Stage::Dialling(_) => false,
            Stage::Sent if channel.closes => {
                self.holds[at as usize] = Hold::default();
                pool.close(hold.conn);
                if let Some(next) = pool.waiting.pop_front() {
                    self.dial(next, channel);
                }
                false
            }
            Stage::Sent => {
                self.hang_up(at);
                false
            }
        }
    }
}

/// Names the draws of round trips in slow start.
const SLOW_START: u32 = 1 << 18;
