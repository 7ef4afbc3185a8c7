//! Connections: a try takes one, opens one, or waits for one.
//!
//! A try that needs a connection walks a short program of its own before it is sent: `Dial` once per stage of a handshake,
//! then `Send`. Several tries may wait for one HTTP/2 connection to open; whoever opens it goes on doing so even when its
//! caller has given up, because others may be waiting.
//!
//! A try that does not leave, because its caller knows of no replica.

pub(crate) mod lend;
pub(crate) mod loss;
pub(crate) mod pool;
pub(crate) mod route;
pub(crate) mod stall;
pub(crate) mod way;

use crate::model::id::NONE;
use crate::model::{Cause, LenderId, Outcome, Probe};
use crate::random::Purpose;
use crate::units::Span;

use crate::machine::core::event::Event;
use crate::machine::core::frame::{Cut, Origin};
use crate::machine::core::side::Side;
use crate::machine::core::{Core, Flow, GONE};
use crate::machine::names::Names;
use crate::model::plan::Plan;
use crate::model::transport::Channel;
use crate::units::Time;
use lend::Purse;
use pool::Pool;
use stall::Stalls;

/// What tries need to leave their callers, and what lies between them and a callee.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    /// Connections of transports: per caller replica, and the one a try has.
    pub(crate) pools: Vec<Pool>,
    pub(crate) holds: Side<Hold>,
    /// When a link is free to take the next message: there, back.
    pub(crate) pipes: Vec<[Time; 2]>,
    /// What is held up behind lost messages.
    pub(crate) stalls: Stalls,
    /// Connections that end at an age, whatever is on them: pool, number and when they came of age; and places that are free.
    pub(crate) ends: (Vec<(u32, u32, Time)>, Vec<u32>),
    /// Database connections: per caller replica, and open at each node.
    pub(crate) purses: Vec<Purse>,
    pub(crate) connections: Vec<u32>,
    /// Transactions that hold a connection of a pooler.
    pub(crate) borrowed: Vec<(u32, LenderId)>,
    /// Who is where, as callers believe.
    pub(crate) names: Names,
}

impl Wire {
    /// No connection, and every link free.
    pub(crate) fn new(plan: &Plan, seed: u64) -> Self {
        Self {
            pools: pool::pools(plan),
            holds: Side::default(),
            pipes: vec![[Time(0); 2]; plan.links.len()],
            stalls: Stalls::default(),
            ends: (Vec::new(), Vec::new()),
            purses: lend::purses(plan),
            connections: vec![0; plan.nodes.len()],
            borrowed: Vec::new(),
            names: Names::new(plan, seed),
        }
    }

    /// Whether nothing is lent or under way, and nobody waits for a connection.
    pub(crate) fn is_quiet(&self) -> bool {
        self.purses.iter().all(Purse::is_whole)
            && self.borrowed.is_empty()
            && self.pools.iter().all(Pool::is_quiet)
            && self.names.questions.are_quiet()
            && self.stalls.are_quiet()
            && self.names.memories.iter().all(|m| m.outstanding.iter().all(|n| *n == 0))
    }
}

/// Where a try is on its way to the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// When it needs no connection, or has been sent.
    #[default]
    Sent,
    /// When it waits for any connection of its pool.
    Waiting,
    /// When it waits for an answer about its callee's name: before it opens a connection, or before it sets out.
    Asking,
    /// When it waits for a connection that another try opens.
    Pending,
    /// When it opens a connection; so many stages of the handshake are done.
    Dialling(u32),
}

/// A try's connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    pub(crate) stage: Stage,
    pub(crate) pool: u32,
    /// Which of the pool's connections; `NONE` while it has none.
    pub(crate) conn: u32,
    /// How often a connection that nobody answers for was asked for again.
    pub(crate) asked: u8,
    /// When its connection must be open.
    pub(crate) until: Time,
}

impl Default for Hold {
    fn default() -> Self {
        Self { stage: Stage::Sent, pool: NONE, conn: NONE, asked: 0, until: Time::NEVER }
    }
}

/// Names the draw of how long a callee's goodbye takes.
const RACE: u32 = 1 << 23;
/// Names the draws of round trips in slow start.
const SLOW_START: u32 = 1 << 18;

impl Wire {
    /// A try has room on a connection and is sent with it, once it is open.
    #[inline]
    pub(crate) fn board<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, conn: u32) {
        let hold = &mut self.holds[at];
        hold.conn = conn;
        let conn = &mut self.pools[hold.pool as usize].conns[conn as usize];
        core.frames[at].replica = conn.replica;
        if !conn.open {
            hold.stage = Stage::Pending;
            conn.pending.push(at);
            return;
        }
        hold.stage = Stage::Sent;
        core.charge(at, Cause::ConnectionWait);
        self.send(core, at);
    }

    /// A request that has just left on a connection that was idle for so long may come when its callee has closed that: then it is
    /// reset. News of that takes as long to come as the request to get there.
    #[cold]
    pub(crate) fn race<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, channel: &Channel, rested: Span) {
        let frame = &core.frames[at];
        let (lineage, way) = (frame.lineage, core.way(at));
        let trip = core.vary(way, lineage, Purpose::There, 0) + core.vary(way, lineage, Purpose::Back, RACE);
        let hold = self.holds[at];
        if rested + trip <= channel.server_idle || core.frames[at].state.cut != Cut::Whole {
            return;
        }
        self.pools[hold.pool as usize].lose(hold.conn);
        self.holds[at] = Hold::default();
        core.frames[at].state.cut = Cut::Severed;
    }

    /// The round trips that a message needs beyond the first, where it is bigger than what may be under way on its connection.
    #[inline(never)]
    pub(crate) fn start_slowly<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        at: u32,
        segments: u32,
        way: Purpose,
    ) -> Span {
        let Hold { pool, conn, .. } = *self.holds.get(at);
        if conn == NONE {
            // It was reset.
            return Span::ZERO;
        }
        let frame = &core.frames[at];
        let (lineage, call) = (frame.lineage, &core.plan.calls[frame.call as usize]);
        let far = core.way(at);
        let trip = |nth| core.vary(far, lineage, way, nth) + core.vary(far, lineage, way, nth + 1);
        let window = &mut self.pools[pool as usize].conns[conn as usize].windows[usize::from(way == Purpose::Back)];
        let trips = window.trips(segments, core.now, core.plan.channels[call.channel as usize].rto);
        let extra = (0..trips).fold(Span::ZERO, |sum, nth| sum + trip(SLOW_START + 2 * nth));
        let sent = core.now + extra;
        window.leave(segments, trips, sent, sent + trip(SLOW_START + 2 * trips));
        core.charge_for(at, Cause::Connect, extra);
        extra
    }

    /// A try is over: what it had of connections others may have.
    #[inline(never)]
    pub(crate) fn disconnect<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        if core.sites[core.frames[at].call as usize].channel != NONE {
            self.hang_up(core, at);
        }
        self.repay(core, at);
    }

    /// A try is over: its connection may carry the next one.
    #[inline]
    pub(crate) fn hang_up<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let plan = core.plan;
        let channel = &plan.channels[core.sites[core.frames[at].call as usize].channel as usize];
        let hold = std::mem::take(&mut self.holds[at]);
        if hold.pool == NONE {
            // It was reset.
            return;
        }
        if let Some(next) = self.pools[hold.pool as usize].drain(hold.conn, channel, core.now) {
            self.board(core, next, hold.conn);
        }
    }

    /// A try fails before it has left: its caller knows of no replica, or no connection could be opened.
    #[cold]
    pub(crate) fn fail_unsent<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, outcome: Outcome) {
        if core.is_wired(at) {
            self.holds.grow(at);
        }
        let frame = &mut core.frames[at];
        frame.pc = GONE;
        frame.state.outcome = outcome;
        frame.state.cut = Cut::Unsent;
        core.schedule(Span::ZERO, Event::Return(at));
    }

    /// Whether a try has left its caller's replica.
    pub(crate) fn is_sent<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> bool {
        let stage = || if core.is_wired(at) { self.holds[at].stage } else { self.asks_at_home(core, at) };
        !core.frames[at].state.loan.is_wanting() && stage() == Stage::Sent
    }

    /// Where a try without a connection is: asking for its callee's name, or sent.
    fn asks_at_home<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> Stage {
        let asks = core.plan.discovery.resolver.is_some() && self.names.questions.is_waited_for_by(at);
        if asks { Stage::Asking } else { Stage::Sent }
    }

    /// A try is given up that waits for a name and has no connection: says whether that was so.
    pub(crate) fn give_up_question<P: Probe>(&mut self, core: &Core<'_, P>, at: u32) -> bool {
        let asks = core.plan.discovery.resolver.is_some() && self.holds.get(at).conn == NONE;
        let asks = asks && self.names.questions.is_waited_for_by(at);
        if asks {
            self.names.questions.forget(at);
        }
        asks
    }

    /// Tries that have a pool, or wait for one, and what they hold.
    pub(crate) fn wired_tries<P: Probe>(&self, core: &Core<'_, P>) -> Vec<(u32, Hold)> {
        let tries = core.frames.live_slots().into_iter().filter(|at| core.frames[*at].origin == Origin::Try);
        let held = tries.filter(|at| core.is_wired(*at)).map(|at| (at, self.holds[at]));
        held.filter(|(_, hold)| hold.pool != NONE).collect()
    }
}

impl<P: Probe> Core<'_, P> {
    pub(crate) fn round_trip(&mut self, at: u32, nth: u32) -> Flow {
        let (lineage, way) = (self.frames[at].lineage, self.way(at));
        let there = self.vary(way, lineage, Purpose::There, nth);
        let back = self.vary(way, lineage, Purpose::Back, nth);
        self.sleep(at, there + back);
        Flow::Stay
    }

    /// The pools of a caller's replica.
    pub(crate) fn pools_of(&self, replica: u32) -> Vec<u32> {
        let node = self.node_of(replica);
        let nth = replica - self.plan.node(node).first_replica;
        let own = self.plan.channels.iter().filter(|c| self.plan.link(c.link).from == node);
        own.flat_map(|c| (0..c.pools_per_caller).map(move |p| c.first_pool + nth * c.pools_per_caller + p)).collect()
    }
}
