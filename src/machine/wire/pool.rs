//! A pool of connections: those with room for another request, those that are idle, and who waits.

use std::collections::VecDeque;

use crate::model::id::NONE;
use crate::model::plan::Plan;
use crate::model::transport::{Channel, Window};
use crate::units::{Span, Time};

/// A connection.
#[derive(Clone, Debug)]
pub(crate) struct Conn {
    pub(crate) replica: u32,
    /// Requests on it, those that wait for it to open included.
    pub(crate) streams: u32,
    pub(crate) open: bool,
    /// Whether it lies on the stack of connections with room.
    stacked: bool,
    idle_since: Time,
    /// When it takes no more requests.
    pub(crate) expires: Time,
    /// Whether it has taken its last request.
    leaving: bool,
    pub(crate) pending: Vec<u32>,
    /// What may be under way: there, back.
    pub(crate) windows: [Window; 2],
    /// The last gap in what has arrived: there, back; `NONE` where there is none.
    pub(crate) gaps: [u32; 2],
}

/// The connections of a caller replica to a callee (or to one replica of it).
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool {
    pub(crate) conns: Vec<Conn>,
    /// Slots of `conns` that are no connections any more.
    pub(crate) gone: Vec<u32>,
    /// Connections with room for another request, the last used on top.
    room: Vec<u32>,
    /// Open connections without requests.
    pub(crate) idle: u32,
    /// Connections that have taken their last request.
    leaving: u32,
    /// How long the connection taken last had been idle.
    pub(crate) rested: Span,
    /// Whether one was closed because of its age since this was asked.
    pub(crate) aged: bool,
    /// Tries that wait for any connection.
    pub(crate) waiting: VecDeque<u32>,
    /// Attempts in a row to connect that nobody answered, and before when there is none.
    pub(crate) fails: u32,
    pub(crate) not_before: Time,
}

impl Pool {
    pub(crate) fn live(&self) -> u32 {
        (self.conns.len() - self.gone.len()) as u32 - self.leaving
    }

    /// Whether no request is on any connection, or waits for one.
    pub(crate) fn is_quiet(&self) -> bool {
        let used = |at: &u32| !self.gone.contains(at) && self.conns[*at as usize].streams > 0;
        self.waiting.is_empty() && !(0..self.conns.len() as u32).any(|at| used(&at))
    }

    pub(crate) fn add(&mut self, replica: u32) -> u32 {
        let conn = Conn {
            replica,
            streams: 0,
            open: false,
            stacked: false,
            idle_since: Time(0),
            expires: Time::NEVER,
            leaving: false,
            pending: Vec::new(),
            windows: [Window::default(); 2],
            gaps: [NONE; 2],
        };
        if let Some(at) = self.gone.pop() {
            self.conns[at as usize] = conn;
            return at;
        }
        self.conns.push(conn);
        self.conns.len() as u32 - 1
    }

    /// Takes a connection with room, the one used last; those idle for too long are closed on the way.
    #[inline(always)]
    pub(crate) fn take(&mut self, channel: &Channel, now: Time) -> Option<u32> {
        while let Some(at) = self.room.pop() {
            let conn = &mut self.conns[at as usize];
            conn.stacked = false;
            let old = now >= conn.expires;
            self.aged |= old;
            self.rested = Span::ZERO;
            if conn.open && conn.streams == 0 {
                self.idle -= 1;
                self.rested = now.since(conn.idle_since);
                if self.rested > channel.idle_timeout || self.rested >= channel.server_idle || old {
                    self.gone.push(at);
                    continue;
                }
            } else if old {
                conn.leaving = true;
                self.leaving += 1;
                continue;
            }
            self.fill(at, channel);
            return Some(at);
        }
        None
    }

    /// One more request on a connection.
    #[inline(always)]
    pub(crate) fn fill(&mut self, at: u32, channel: &Channel) {
        let conn = &mut self.conns[at as usize];
        conn.streams += 1;
        if conn.streams < channel.streams && !conn.stacked {
            conn.stacked = true;
            self.room.push(at);
        }
    }

    /// One request fewer on a connection, which is kept if it may be; says who may have the room.
    #[inline(always)]
    pub(crate) fn drain(&mut self, at: u32, channel: &Channel, now: Time) -> Option<u32> {
        let conn = &mut self.conns[at as usize];
        conn.streams -= 1;
        if conn.leaving {
            if conn.streams == 0 {
                self.close(at);
            }
            return None;
        }
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

    /// A connection with requests on it is gone.
    pub(crate) fn lose(&mut self, at: u32) {
        if !self.gone.contains(&at) {
            self.close(at);
        }
    }

    /// A connection is closed; nobody gets its room.
    pub(crate) fn close(&mut self, at: u32) -> Option<u32> {
        self.leaving -= u32::from(std::mem::take(&mut self.conns[at as usize].leaving));
        if std::mem::take(&mut self.conns[at as usize].stacked) {
            self.room.retain(|c| *c != at);
        }
        self.gone.push(at);
        None
    }
}

impl Pool {
    /// Closes all open connections to a replica; says whether there were any.
    pub(crate) fn break_all(&mut self, replica: u32) -> bool {
        let before = self.gone.len();
        for at in 0..self.conns.len() as u32 {
            let conn = &self.conns[at as usize];
            if conn.replica != replica || !conn.open || self.gone.contains(&at) {
                continue;
            }
            // One with room that nothing is on counts as idle.
            self.idle -= u32::from(conn.streams == 0);
            self.close(at);
        }
        self.gone.len() > before
    }
}

/// All pools of connections, empty.
pub(crate) fn pools(plan: &Plan) -> Vec<Pool> {
    let callers = |c: &Channel| plan.node(plan.link(c.link).from).replicas;
    let all: u32 = plan.channels.iter().map(|c| callers(c) * c.pools_per_caller).sum();
    (0..all).map(|_| Pool::default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LinkId;
    use crate::model::transport::FOR_EVER;

    fn channel(max: u32, max_idle: u32, streams: u32) -> Channel {
        Channel {
            link: LinkId(0),
            max,
            max_idle,
            idle_timeout: Span(100),
            server_idle: FOR_EVER,
            wait: FOR_EVER,
            connect_timeout: FOR_EVER,
            max_age: FOR_EVER,
            grace: FOR_EVER,
            rto: FOR_EVER,
            ordered: false,
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

    #[test]
    fn one_of_age_takes_no_more_and_closes_with_its_last() {
        let channel = channel(1, 1, 3);
        let mut pool = Pool::default();
        let old = open(&mut pool, &channel);
        pool.conns[old as usize].expires = Time(50);
        assert_eq!(pool.take(&channel, Time(49)), Some(old));
        assert_eq!((pool.take(&channel, Time(50)), pool.live(), pool.aged), (None, 0, true), "another may be opened");
        let new = open(&mut pool, &channel);
        assert_eq!(pool.take(&channel, Time(60)), Some(new));
        for _ in 0..2 {
            assert_eq!(pool.drain(old, &channel, Time(70)), None);
        }
        assert_eq!((pool.live(), pool.gone.as_slice()), (1, &[old][..]));
    }

    #[test]
    fn what_the_callee_has_closed_is_not_used() {
        let channel = Channel { server_idle: Span(30), ..channel(9, 9, 1) };
        let mut pool = Pool::default();
        let conn = open(&mut pool, &channel);
        pool.drain(conn, &channel, Time(0));
        assert_eq!((pool.take(&channel, Time(29)), pool.rested), (Some(conn), Span(29)));
        pool.drain(conn, &channel, Time(30));
        assert_eq!((pool.take(&channel, Time(60)), pool.live()), (None, 0));
    }
}
