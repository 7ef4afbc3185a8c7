//! Connections: a try takes one, opens one, or waits for one.
//!
//! A try that needs a connection walks a short program of its own before it is sent: `Dial` once per stage of a handshake,
//! then `Send`. Several tries may wait for one HTTP/2 connection to open; whoever opens it goes on doing so even when its
//! caller has given up, because others may be waiting.

use std::collections::VecDeque;

use crate::model::id::NONE;
use crate::model::transport::Channel;
use crate::model::{Cause, Probe};
use crate::random::Purpose;
use crate::units::{Span, Time};

use super::Machine;
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
}

impl Default for Hold {
    fn default() -> Self {
        Self { stage: Stage::Sent, pool: NONE, conn: NONE }
    }
}

/// A connection.
#[derive(Clone, Debug)]
pub(super) struct Conn {
    pub(super) replica: u32,
    /// Requests on it, those that wait for it to open included.
    pub(super) streams: u32,
    pub(super) open: bool,
    /// Whether it lies on the stack of connections with room.
    stacked: bool,
    idle_since: Time,
    pub(super) pending: Vec<u32>,
}

/// The connections of a caller replica to a callee (or to one replica of it).
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    pub(super) conns: Vec<Conn>,
    /// Slots of `conns` that are no connections any more.
    pub(super) gone: Vec<u32>,
    /// Connections with room for another request, the last used on top.
    room: Vec<u32>,
    /// Open connections without requests.
    pub(super) idle: u32,
    /// Tries that wait for any connection.
    pub(super) waiting: VecDeque<u32>,
}

impl Pool {
    pub(super) fn live(&self) -> u32 {
        (self.conns.len() - self.gone.len()) as u32
    }

    fn add(&mut self, replica: u32) -> u32 {
        let conn = Conn { replica, streams: 0, open: false, stacked: false, idle_since: Time(0), pending: Vec::new() };
        if let Some(at) = self.gone.pop() {
            self.conns[at as usize] = conn;
            return at;
        }
        self.conns.push(conn);
        self.conns.len() as u32 - 1
    }

    /// Takes a connection with room, the one used last; those idle for too long are closed on the way.
    #[inline]
    fn take(&mut self, channel: &Channel, now: Time) -> Option<u32> {
        while let Some(at) = self.room.pop() {
            let conn = &mut self.conns[at as usize];
            conn.stacked = false;
            if conn.open && conn.streams == 0 {
                self.idle -= 1;
                if now.since(conn.idle_since) > channel.idle_timeout {
                    self.gone.push(at);
                    continue;
                }
            }
            self.fill(at, channel);
            return Some(at);
        }
        None
    }

    /// One more request on a connection.
    #[inline]
    fn fill(&mut self, at: u32, channel: &Channel) {
        let conn = &mut self.conns[at as usize];
        conn.streams += 1;
        if conn.streams < channel.streams && !conn.stacked {
            conn.stacked = true;
            self.room.push(at);
        }
    }

    /// One request fewer on a connection, which is kept if it may be; says who may have the room.
    #[inline]
    fn drain(&mut self, at: u32, channel: &Channel, now: Time) -> Option<u32> {
        let conn = &mut self.conns[at as usize];
        conn.streams -= 1;
        if let Some(next) = self.waiting.pop_front() {
            self.fill(at, channel);
            return Some(next);
        }
        let conn = &mut self.conns[at as usize];
        if conn.streams == 0 {
            if self.idle >= channel.max_idle {
                return self.close(at);
            }
            self.idle += 1;
            conn.idle_since = now;
        }
        if !conn.stacked {
            conn.stacked = true;
            self.room.push(at);
        }
        None
    }

    /// A connection is closed; nobody gets its room.
    pub(super) fn close(&mut self, at: u32) -> Option<u32> {
        if std::mem::take(&mut self.conns[at as usize].stacked) {
            self.room.retain(|c| *c != at);
        }
        self.gone.push(at);
        None
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
        self.holds[at as usize] = Hold { stage: Stage::Waiting, pool, conn: NONE };
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
            self.frames[at].replica = self.pick(channel.link, caller, self.frames[at].lineage);
        }
        let hold = &mut self.holds[at as usize];
        let pool = &mut self.pools[hold.pool as usize];
        hold.conn = pool.add(self.frames[at].replica);
        hold.stage = Stage::Dialling(0);
        pool.fill(hold.conn, channel);
        self.frames[at].pc = DIAL.0;
        self.charge(at, Cause::ConnectionWait);
        self.walk(at);
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
        if self.faulted && done > 0 && (self.is_stuck(at) || !self.is_up(replica)) {
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
        for frame in std::iter::once(at).chain(pending) {
            self.holds[frame as usize].stage = Stage::Sent;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LinkId;

    fn channel(max: u32, max_idle: u32, streams: u32) -> Channel {
        Channel {
            link: LinkId(0),
            max,
            max_idle,
            idle_timeout: Span(100),
            streams,
            round_trips: 2,
            caller_cpu: Span::ZERO,
            callee_cpu: Span::ZERO,
            per_request: true,
            closes: true,
            first_pool: 0,
            pools_per_caller: 1,
        }
    }

    fn open(pool: &mut Pool, channel: &Channel) -> u32 {
        let conn = pool.add(0);
        pool.fill(conn, channel);
        pool.conns[conn as usize].open = true;
        conn
    }

    #[test]
    fn the_last_used_connection_is_used_again_and_old_ones_are_closed() {
        let channel = channel(10, 10, 1);
        let mut pool = Pool::default();
        let (a, b) = (open(&mut pool, &channel), open(&mut pool, &channel));
        assert_eq!(pool.take(&channel, Time(0)), None, "both are taken");
        pool.drain(a, &channel, Time(0));
        pool.drain(b, &channel, Time(10));
        assert_eq!(pool.take(&channel, Time(50)), Some(b));
        assert_eq!(pool.take(&channel, Time(101)), None, "a was idle for longer than 100");
        assert_eq!(pool.live(), 1);
    }

    #[test]
    fn no_more_idle_connections_are_kept_than_allowed() {
        let channel = channel(10, 1, 1);
        let mut pool = Pool::default();
        let conns: Vec<u32> = (0..3).map(|_| open(&mut pool, &channel)).collect();
        conns.iter().for_each(|c| assert_eq!(pool.drain(*c, &channel, Time(0)), None));
        assert_eq!((pool.live(), pool.idle), (1, 1));
    }

    #[test]
    fn a_connection_carries_as_many_streams_as_it_may() {
        let channel = channel(1, 1, 3);
        let mut pool = Pool::default();
        let conn = open(&mut pool, &channel);
        assert_eq!((pool.take(&channel, Time(0)), pool.take(&channel, Time(0))), (Some(conn), Some(conn)));
        assert_eq!(pool.take(&channel, Time(0)), None);
        pool.waiting.push_back(7);
        assert_eq!(pool.drain(conn, &channel, Time(0)), Some(7), "who waits gets the room");
        assert_eq!(pool.conns[conn as usize].streams, 3);
    }
}
