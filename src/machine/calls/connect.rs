//! Connections break: those to a replica that is down, and those of a caller that died.

use super::pass::seal;
use crate::model::id::NONE;
use crate::model::plan::End;
use crate::model::transport::{Channel, FOR_EVER};
use crate::model::{CallId, Cause, LenderId, Outcome, Probe};
use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use crate::machine::calls::Calls;
use crate::machine::core::event::{Event, Rare};
use crate::machine::core::frame::{Cut, Pose};
use crate::machine::core::{Core, DIAL, Flow};
use crate::machine::stations::Stations;
use crate::machine::wire::lend::Loan;
use crate::machine::wire::pool::{Conn, Pool};
use crate::machine::wire::{Hold, Stage};

/// The age that a connection reaches which is opened for a try: ± 10 %, so that not all are opened again at once.
fn aged(seed: u64, lineage: Lineage, age: Span) -> Span {
    const AGE: u64 = 0x0061_6765;
    let factor = 0.9 + 0.2 * Draw::new(seed, lineage, Purpose::Jitter, AGE).unit();
    Span((age.0 as f64 * factor) as u64)
}

impl Calls {
    /// A try asks for a connection; it is sent as soon as it has one.
    #[inline]
    pub(crate) fn connect<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) {
        let plan = core.plan;
        let channel = &plan.channels[core.sites[core.frames[at].call as usize].channel as usize];
        let link = plan.link(channel.link);
        let caller = core.frames[core.frames[at].caller].replica - link.first_caller;
        let mut pool = channel.first_pool + caller * channel.pools_per_caller;
        if channel.per_request {
            pool += core.frames[at].replica - link.first;
        }
        self.wire.holds.put(at, Hold { stage: Stage::Waiting, pool, ..Hold::default() });
        let (now, pool) = (core.now, &mut self.wire.pools[pool as usize]);
        let taken = pool.take(channel, now);
        if std::mem::take(&mut pool.aged) {
            self.wire.names.hear_of_break(core, channel.link, link.first_caller + caller);
        }
        let pool = &mut self.wire.pools[self.wire.holds[at].pool as usize];
        if let Some(conn) = taken {
            let rested = pool.rested;
            self.wire.board(core, at, conn);
            if channel.races() && rested > Span::ZERO {
                self.wire.race(core, at, channel, rested);
            }
        } else if pool.live() < channel.max {
            self.dial(core, stations, at, channel);
        } else {
            pool.waiting.push_back(at);
            if channel.wait != FOR_EVER {
                core.frames[at].due = core.now + channel.wait;
                core.schedule(channel.wait, Event::Starve(at));
            }
        }
    }

    /// A try opens a connection.
    pub(crate) fn dial<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
        channel: &Channel,
    ) {
        if !channel.per_request {
            let caller = core.frames[core.frames[at].caller].replica;
            let Some(replica) = self.wire.names.pick(core, channel.link, caller, core.call_lineage(at)) else {
                if self.dial_nowhere(core, at, channel) {
                    return;
                }
                self.wire.holds[at] = Hold::default();
                return self.wire.fail_unsent(core, at, Outcome::NoEndpoint);
            };
            core.frames[at].replica = replica;
        }
        if core.is_troubled() && self.wire.pools[self.wire.holds[at].pool as usize].not_before > core.now {
            self.wire.holds[at] = Hold::default();
            return self.wire.fail_unsent(core, at, Outcome::ConnectFailed);
        }
        let hold = &mut self.wire.holds[at];
        let pool = &mut self.wire.pools[hold.pool as usize];
        hold.conn = pool.add(core.frames[at].replica);
        pool.fill(hold.conn, channel);
        self.begin_dial(core, stations, at, channel);
    }

    /// The handshake of a new connection begins.
    pub(crate) fn begin_dial<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
        channel: &Channel,
    ) {
        let sought = core.frames[at].caller != NONE;
        if sought && core.is_troubled() && self.wire.names.is_outdated(core, at, channel.link) {
            core.frames[at].state.cut = Cut::Astray;
        }
        if channel.max_age != FOR_EVER {
            self.grow_old(core, at, channel);
        }
        let hold = &mut self.wire.holds[at];
        hold.stage = Stage::Dialling(0);
        if channel.connect_timeout != FOR_EVER {
            hold.until = core.now + channel.connect_timeout;
            core.schedule(channel.connect_timeout, Rare::Expire(at).event());
        }
        core.frames[at].pc = DIAL.0;
        core.charge(at, Cause::ConnectionWait);
        while self.shake(core, stations, at) == Flow::On {}
    }

    /// A new connection has an age at which it takes no more requests, and perhaps one at which it ends.
    fn grow_old<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, channel: &Channel) {
        let Hold { pool, conn, .. } = self.wire.holds[at];
        let expires = core.now + aged(core.seed, core.frames[at].lineage, channel.max_age);
        self.wire.pools[pool as usize].conns[conn as usize].expires = expires;
        if !channel.ends() {
            return;
        }
        let (all, free) = &mut self.wire.ends;
        let place = free.pop().unwrap_or(all.len() as u32);
        if place as usize == all.len() {
            all.push((pool, conn, expires));
        }
        all[place as usize] = (pool, conn, expires);
        core.schedule(expires.since(core.now) + channel.grace, Rare::End(place).event());
    }

    /// A connection that came of age is closed by its callee, whatever is on it.
    #[cold]
    pub(crate) fn end_connection<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, place: u32) {
        let (at, nth, expires) = self.wire.ends.0[place as usize];
        self.wire.ends.1.push(place);
        let pool = &self.wire.pools[at as usize];
        let there = |conn: &Conn| conn.expires == expires && conn.open && conn.streams > 0 && !pool.gone.contains(&nth);
        if !pool.conns.get(nth as usize).is_some_and(there) {
            return;
        }
        self.wire.close_under(core, at, nth);
        let plan = core.plan;
        let Some(channel) = plan.channels.iter().rev().find(|channel| channel.first_pool <= at) else { return };
        let caller = plan.link(channel.link).first_caller + (at - channel.first_pool) / channel.pools_per_caller;
        self.wire.names.hear_of_break(core, channel.link, caller);
        self.refill(core, stations, at, channel);
    }

    /// The next stage of a handshake: round trips, then the callee's cryptography, then the caller's.
    pub(crate) fn shake<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) -> Flow {
        let plan = core.plan;
        let hold = self.wire.holds[at];
        let Stage::Dialling(done) = hold.stage else {
            return Flow::Stay;
        };
        let channel = core.channel_of(at);
        let (trips, callee_cpu, caller_cpu) = (channel.round_trips, channel.callee_cpu, channel.caller_cpu);
        let link = plan.link(channel.link);
        let caller = link.first_caller + (hold.pool - channel.first_pool) / channel.pools_per_caller;
        let replica = self.wire.pools[hold.pool as usize].conns[hold.conn as usize].replica;
        core.frames[at].replica = replica;
        if core.is_troubled() && done > 0 && self.wire.is_refused(core, at) {
            return self.hang(core, stations, at);
        }
        self.wire.holds[at].stage = Stage::Dialling(done + 1);
        if done < trips {
            return core.round_trip(at, done + 1);
        }
        match done - trips {
            0 if seal(core, at, End::Callee, replica - link.first) => Flow::Stay,
            1 if seal(core, at, End::Caller, caller - link.first_caller) => Flow::Stay,
            0 => stations.encrypt(core, at, replica, callee_cpu),
            1 => stations.encrypt(core, at, caller, caller_cpu),
            _ => self.established(core, stations, at),
        }
    }

    /// A connection is open: whoever waited for that is sent.
    fn established<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) -> Flow {
        let Hold { pool, conn, .. } = self.wire.holds[at];
        let conn = &mut self.wire.pools[pool as usize].conns[conn as usize];
        conn.open = true;
        let pending = std::mem::take(&mut conn.pending);
        self.wire.pools[pool as usize].fails = 0;
        for frame in std::iter::once(at).chain(pending) {
            let hold = &mut self.wire.holds[frame];
            hold.stage = Stage::Sent;
            core.charge(frame, Cause::Connect);
            if core.frames[frame].marks.abandoned {
                self.wire.hang_up(core, frame);
                self.discard(core, stations, frame);
            } else {
                self.wire.send(core, frame);
            }
        }
        Flow::Stay
    }

    /// A try's caller gives up: says whether the try was still here, and is now gone without a trace.
    pub(crate) fn give_up<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) -> bool {
        let plan = core.plan;
        let channel = &plan.channels[plan.calls[core.frames[at].call as usize].channel as usize];
        let hold = self.wire.holds[at];
        if hold.pool == NONE {
            return false;
        }
        if matches!(hold.stage, Stage::Dialling(_)) && self.wire.is_hopeless(core, at) {
            // Nobody will ever answer that handshake.
            self.drop_dial(core, stations, at, None, Outcome::ConnectFailed);
            self.wire.holds[at] = Hold::default();
            return true;
        }
        let pool = &mut self.wire.pools[hold.pool as usize];
        match hold.stage {
            Stage::Waiting => {
                pool.waiting.retain(|w| *w != at);
                true
            }
            Stage::Pending => {
                pool.conns[hold.conn as usize].pending.retain(|p| *p != at);
                self.wire.hang_up(core, at);
                true
            }
            Stage::Dialling(_) | Stage::Asking => false,
            Stage::Sent if channel.closes => {
                self.wire.holds[at] = Hold::default();
                pool.close(hold.conn);
                if let Some(next) = pool.waiting.pop_front() {
                    self.dial(core, stations, next, channel);
                }
                false
            }
            Stage::Sent => {
                self.wire.hang_up(core, at);
                false
            }
        }
    }

    /// A try on its way to the wire: with the connection to a database that it has just been given, or in a handshake.
    #[inline(never)]
    pub(crate) fn step_out_to_wire<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
    ) -> Flow {
        match core.frames[at].state.loan {
            Loan::Granted => {
                let id = LenderId(core.plan.calls[core.frames[at].call as usize].lender);
                if self.wire.lend_behind(core, at, id) { self.leave_with_loan(core, stations, at) } else { Flow::Stay }
            }
            Loan::Found => self.leave_with_loan(core, stations, at),
            _ => self.shake(core, stations, at),
        }
    }

    /// A try that waited for a connection sets out with it.
    fn leave_with_loan<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) -> Flow {
        let id = CallId(core.frames[at].call);
        let first = core.plan.link(core.plan.call(id).link).first;
        let frame = &mut core.frames[at];
        (frame.state.loan, frame.replica) = (Loan::Has, first);
        self.head_for(core, stations, at, id);
        Flow::Stay
    }

    /// All open connections to a replica are closed; whoever waited for one may open another.
    pub(crate) fn reset_connections<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        replica: u32,
    ) {
        for (at, hold) in self.wire.wired_tries(core) {
            let sent = hold.stage == Stage::Sent && hold.conn != NONE;
            if sent && self.wire.pools[hold.pool as usize].conns[hold.conn as usize].replica == replica {
                self.wire.holds[at] = Hold::default();
            }
        }
        let plan = core.plan;
        let node = core.node_of(replica);
        for channel in plan.channels.iter().filter(|c| plan.link(c.link).to == node) {
            let pools = plan.node(plan.link(channel.link).from).replicas * channel.pools_per_caller;
            for at in channel.first_pool..channel.first_pool + pools {
                if self.wire.pools[at as usize].break_all(replica) {
                    let caller =
                        plan.link(channel.link).first_caller + (at - channel.first_pool) / channel.pools_per_caller;
                    self.wire.names.hear_of_break(core, channel.link, caller);
                }
                self.refill(core, stations, at, channel);
            }
        }
    }

    /// All open connections of a caller's replica are closed, by whoever held them for it.
    pub(crate) fn reset_own_connections<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        replica: u32,
    ) {
        let own = core.pools_of(replica);
        for (at, hold) in self.wire.wired_tries(core) {
            if hold.stage == Stage::Sent && hold.conn != NONE && own.contains(&hold.pool) {
                self.wire.holds[at] = Hold::default();
            }
        }
        let plan = core.plan;
        for pool in own {
            let last = plan.channels.iter().rev().find(|channel| channel.first_pool <= pool);
            let Some(channel) = last else { continue };
            for callee in core.replicas_of(plan.link(channel.link).to) {
                self.wire.pools[pool as usize].break_all(callee);
            }
            self.refill(core, stations, pool, channel);
        }
    }

    /// Tries that wait for a connection open one, as long as there is room.
    pub(crate) fn refill<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        pool: u32,
        channel: &Channel,
    ) {
        while self.wire.pools[pool as usize].live() < channel.max
            && let Some(next) = self.wire.pools[pool as usize].waiting.pop_front()
        {
            self.dial(core, stations, next, channel);
        }
    }

    /// A handshake has taken as long as it may: it fails if it is not over.
    #[cold]
    pub(crate) fn expire<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) {
        let hold = self.wire.holds[at];
        if hold.until != core.now || !matches!(hold.stage, Stage::Dialling(_)) {
            return;
        }
        if core.frames[at].state.pose == Pose::Working {
            stations.interrupt(core, at);
        }
        let frame = &mut core.frames[at];
        (frame.state.pose, frame.due) = (Pose::Idle, Time::NEVER);
        core.trouble.parked.retain(|parked| *parked != at);
        self.fail_dial(core, stations, at);
    }

    /// A handshake fails: whoever waited for that connection fails with it.
    pub(crate) fn fail_dial<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, at: u32) -> Flow {
        self.drop_dial(core, stations, at, Some(at), Outcome::ConnectFailed);
        Flow::Stay
    }

    /// A handshake of a try is over without a connection, or was never begun; the try itself may fail with it.
    pub(crate) fn drop_dial<P: Probe>(
        &mut self,
        core: &mut Core<'_, P>,
        stations: &mut Stations,
        at: u32,
        itself: Option<u32>,
        outcome: Outcome,
    ) {
        let plan = core.plan;
        let Hold { pool, conn, .. } = self.wire.holds[at];
        let channel = &plan.channels[plan.calls[core.frames[at].call as usize].channel as usize];
        let pending = std::mem::take(&mut self.wire.pools[pool as usize].conns[conn as usize].pending);
        self.wire.pools[pool as usize].close(conn);
        let caller = core.plan.link(channel.link).first_caller + (pool - channel.first_pool) / channel.pools_per_caller;
        self.wire.names.hear_of_break(core, channel.link, caller);
        for frame in itself.into_iter().chain(pending) {
            self.wire.holds[frame] = Hold::default();
            core.charge(frame, Cause::Connect);
            if core.frames[frame].marks.abandoned {
                self.discard(core, stations, frame);
            } else {
                self.wire.fail_unsent(core, frame, outcome);
            }
        }
        self.refill(core, stations, pool, channel);
    }

    /// Nobody at a caller that dies waits for a connection, or for room in a bulkhead, any more.
    pub(crate) fn forget_lines<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        for pool in core.pools_of(replica) {
            self.wire.pools[pool as usize].waiting.clear();
        }
        let node = core.node_of(replica);
        let nth = replica - core.plan.node(node).first_replica;
        for guard in core.plan.guards.iter().filter(|g| core.plan.link(g.link).from == node) {
            self.police[(guard.first + nth) as usize].line.clear();
        }
    }

    /// All pools of a caller that died are empty; handshakes under way for them are forgotten.
    pub(crate) fn forget_pools<P: Probe>(&mut self, core: &mut Core<'_, P>, stations: &mut Stations, replica: u32) {
        let mut gone = vec![false; self.wire.pools.len()];
        for pool in core.pools_of(replica) {
            self.wire.pools[pool as usize] = Pool::default();
            gone[pool as usize] = true;
        }
        for (at, hold) in self.wire.wired_tries(core).into_iter().filter(|(_, hold)| gone[hold.pool as usize]) {
            self.wire.holds[at] = Hold::default();
            if hold.stage != Stage::Sent {
                self.wire.names.questions.forget(at);
                if core.frames[at].state.pose == Pose::Working {
                    stations.interrupt(core, at);
                }
                core.frames[at].due = Time::NEVER;
                core.trouble.parked.retain(|parked| *parked != at);
                self.discard(core, stations, at);
            }
        }
    }
}
