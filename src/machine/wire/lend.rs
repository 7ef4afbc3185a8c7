//! Database connections: a caller replica's pool lends them, one query or one transaction at a time.
//!
//! `[services.x.pools]` gives a pool `connections` and a `wait` (HikariCP's defaults: 10 and 30 s). A connection is opened
//! when it is first needed and then kept. The database has room for `max_connections`; a connection beyond that fails at
//! once, as PostgreSQL's "too many clients" does. A caller without a pool opens a connection for each query.
//!
//! A query outside a transaction takes its connection as part of its try, and gives it back when the try is over, before a
//! next one sets out: the policy of the query is around both. What it waits for the pool is in its `timeout`, in its
//! `deadline` and in the latency of its edge; to have waited in vain is a failure of that try, `pool_timeout`, and tried again
//! where `retries.on` names it; a bulkhead's place is held and a hedge comes meanwhile. So it is where a repository's method
//! is decorated and asks its data source inside (Spring with Resilience4j and `HikariCP`), and with a context's deadline in
//! Go's `database/sql`, whose `DB.conn` waits for a free connection or for `ctx.Done()`. A try that is given up gives its
//! connection back at once, or leaves the line; the query itself works on.
//!
//! A transaction holds its connection across all its steps, so that the queries inside wait for none and their policies
//! begin with the query; one that gets none fails its request, and counts on the edge to its database as one call that failed
//! with `pool_timeout` (or, beyond `max_connections`, `connect_failed`). Who called that request is told `error`, as of every
//! failed step.
//!
//! `pooler = { mode = "transaction", connections = 20, wait = "120s" }` of a database is a pooler in front of it (`PgBouncer`; the defaults
//! are its `default_pool_size` and `query_wait_timeout`): the pools of callers lead to the pooler, and all of them share its
//! connections to the database. A query takes one of its caller's, and then one of the pooler's, for which it waits in line with those
//! of all other callers and holds the first meanwhile; a transaction holds both to its end (`mode = "transaction"`), or one of the
//! pooler's for each of its queries only (`"statement"`). To have waited for the pooler in vain is a `pool_timeout`, too. `max_connections`
//! counts the pooler's. The pooler is as near to the database as can be and costs no time; in session mode there is nothing to
//! share, so that one leaves it out. Sources: pgbouncer.org/config (`pool_mode`, `default_pool_size`, `query_wait_timeout`).

use std::collections::VecDeque;

use crate::kernel::Phase;
use crate::model::id::NONE;
use crate::model::plan::{Lender, Plan};
use crate::model::{Cause, EdgeId, Fact, LenderId, Op, Outcome, Probe};
use crate::units::Time;

use crate::machine::core::event::Event;
use crate::machine::core::frame::{Frame, Origin};
use crate::machine::core::frame::{State, Wait, Whose};
use crate::machine::core::{Core, Flow};
use crate::machine::wire::{Hold, Stage, Wire};

/// The connections of one caller replica to one database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Purse {
    /// Opened so far.
    opened: u32,
    /// Of these, not lent.
    free: u32,
    waiting: VecDeque<u32>,
}

impl Purse {
    /// Whether nothing is lent and nobody waits.
    pub(crate) fn is_whole(&self) -> bool {
        self.free == self.opened && self.waiting.is_empty()
    }
}

/// What a frame has of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Loan {
    /// When it needs no connection, or its transaction has one.
    #[default]
    None,
    /// When it waits at the beginning of a transaction.
    Stands,
    /// When it is a try and waits.
    Asks,
    /// When it is a try and about to set out with the connection it has just been given.
    Granted,
    /// When it is a try and has one.
    Has,
    /// When it is a try that has its caller's and waits for one of the pooler's.
    Seeks,
    /// When it is a try and about to set out with the second, too.
    Found,
    /// When it is a try and got none.
    Denied,
}

impl Loan {
    /// Whether a try is still without a connection, at its caller.
    pub(crate) fn is_wanting(self) -> bool {
        matches!(self, Self::Asks | Self::Granted | Self::Seeks | Self::Found | Self::Denied)
    }
}

/// What a pool says.
enum Answer {
    Lent,
    Refused,
    Later,
}

/// All purses of database connections, empty.
pub(crate) fn purses(plan: &Plan) -> Vec<Purse> {
    let end = |l: &Lender| {
        let caller = plan.nodes.iter().find(|n| n.first_replica == l.first_caller && n.replicas > 0);
        l.first_purse + caller.map_or(0, |n| n.replicas)
    };
    (0..plan.lenders.iter().map(end).max().unwrap_or(0)).map(|_| Purse::default()).collect()
}

impl Wire {
    /// Asks the pool of a caller's replica.
    #[inline]
    fn ask_purse<P: Probe>(&mut self, core: &mut Core<'_, P>, id: LenderId, replica: u32) -> Answer {
        let (purse, lender) = (core.purse(id, replica), &core.plan.lenders[id.index()]);
        let purse = &mut self.purses[purse];
        if purse.free > 0 {
            purse.free -= 1;
        } else if purse.opened < lender.connections {
            let open = &mut self.connections[lender.database.index()];
            if *open >= lender.max_connections {
                return Answer::Refused;
            }
            // Those to a pooler are none of the database's.
            *open += u32::from(lender.behind == NONE);
            purse.opened += 1;
        } else {
            return Answer::Later;
        }
        Answer::Lent
    }

    /// A frame waits for a connection of its caller's replica, as long as the pool lets it.
    fn wait_for_loan<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: LenderId, replica: u32, loan: Loan) {
        let (purse, due) = (core.purse(id, replica), core.now + core.plan.lenders[id.index()].wait);
        self.purses[purse].waiting.push_back(at);
        let frame = &mut core.frames[at];
        frame.due = due;
        frame.wait.since = core.now;
        frame.state.loan = loan;
        // Until it leaves it is where its caller is.
        frame.replica = replica;
        core.agenda.push(due, Phase::Arrival, Event::Starve(at));
    }

    /// A try of a query asks for a connection: says whether it has one and may go on.
    #[inline]
    pub(crate) fn lend<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: LenderId) -> bool {
        let caller = core.frames[core.frames[at].caller].replica;
        match self.ask_purse(core, id, caller) {
            Answer::Lent => return self.lend_behind(core, at, id),
            Answer::Refused => {
                core.frames[at].state.loan = Loan::Denied;
                self.fail_unsent(core, at, Outcome::ConnectFailed);
            }
            Answer::Later => self.wait_for_loan(core, at, id, caller, Loan::Asks),
        }
        false
    }

    /// A try that has a connection of its caller's asks the pooler behind it for one, if there is a pooler: says whether it may go on.
    pub(crate) fn lend_behind<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: LenderId) -> bool {
        let (caller, behind) = (core.frames[core.frames[at].caller].replica, core.plan.lenders[id.index()].behind);
        core.frames[at].state.loan = Loan::Has;
        if behind == NONE {
            return true;
        }
        match self.ask_purse(core, LenderId(behind), caller) {
            Answer::Lent => return true,
            Answer::Refused => {
                core.frames[at].state.loan = Loan::Denied;
                self.return_to_purse(core, id, caller);
                self.fail_unsent(core, at, Outcome::ConnectFailed);
            }
            Answer::Later => self.wait_for_loan(core, at, LenderId(behind), caller, Loan::Seeks),
        }
        false
    }

    /// A try is answered: its connection goes back.
    #[inline]
    pub(crate) fn repay<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let Frame { caller, call, state: State { loan, .. }, .. } = core.frames[at];
        if loan == Loan::Has {
            core.frames[at].state.loan = Loan::None;
            self.return_all(core, LenderId(core.plan.calls[call as usize].lender), core.frames[caller].replica);
        }
    }

    /// A connection of a caller's goes back, and before it that of the pooler behind it.
    fn return_all<P: Probe>(&mut self, core: &mut Core<'_, P>, id: LenderId, replica: u32) {
        let behind = core.plan.lenders[id.index()].behind;
        if behind != NONE {
            self.return_to_purse(core, LenderId(behind), replica);
        }
        self.return_to_purse(core, id, replica);
    }

    /// A try is given up: its connection goes back. Says whether it had not left yet, and is now gone without a trace.
    pub(crate) fn give_up_loan<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> bool {
        let Frame { caller, call, state: State { loan, .. }, .. } = core.frames[at];
        match loan {
            Loan::None | Loan::Stands | Loan::Denied => return false,
            Loan::Has => {
                self.repay(core, at);
                return false;
            }
            Loan::Asks | Loan::Granted | Loan::Seeks | Loan::Found => {}
        }
        let (id, replica) = (LenderId(core.plan.calls[call as usize].lender), core.frames[caller].replica);
        match loan {
            Loan::Granted => {
                core.stay_home(at);
                self.return_to_purse(core, id, replica);
            }
            Loan::Found => {
                core.stay_home(at);
                self.return_all(core, id, replica);
            }
            Loan::Seeks => self.stop_seeking(core, at, id, replica),
            _ => self.leave_purse(core, at, id, replica),
        }
        true
    }

    /// A try no longer waits for a connection of the pooler's, and gives its caller's back.
    fn stop_seeking<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: LenderId, replica: u32) {
        let behind = LenderId(core.plan.lenders[id.index()].behind);
        self.leave_purse(core, at, behind, replica);
        self.return_to_purse(core, id, replica);
    }

    /// Nobody waits for a connection of a caller's replica any more in this frame.
    fn leave_purse<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: LenderId, replica: u32) {
        let purse = core.purse(id, replica);
        self.purses[purse].waiting.retain(|w| *w != at);
    }

    /// A transaction needs a database connection.
    pub(crate) fn borrow<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: LenderId, edge: EdgeId) -> Flow {
        let replica = core.frames[at].replica;
        match self.ask_purse(core, id, replica) {
            Answer::Lent => {
                self.hold_for(core, at, id);
                core.frames[at].pc += 1;
                Flow::On
            }
            Answer::Refused => {
                core.frames[at].wait.since = core.now;
                core.turn_down(at, edge, Outcome::ConnectFailed)
            }
            Answer::Later => {
                self.wait_for_loan(core, at, id, replica, Loan::Stands);
                Flow::Stay
            }
        }
    }

    /// A transaction gives its connection back.
    pub(crate) fn give_back<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, id: LenderId) -> Flow {
        self.borrowed.retain(|held| *held != (at, id));
        self.return_to_purse(core, id, core.frames[at].replica);
        core.frames[at].pc += 1;
        Flow::On
    }

    /// A transaction holds a connection of a pooler, which outlives the transaction's replica.
    fn hold_for<P: Probe>(&mut self, core: &Core<'_, P>, at: u32, id: LenderId) {
        if core.plan.lenders[id.index()].shared {
            self.borrowed.push((at, id));
        }
    }

    /// A connection comes back to the pool of a caller's replica; the next one that waits has it.
    #[inline]
    fn return_to_purse<P: Probe>(&mut self, core: &mut Core<'_, P>, id: LenderId, replica: u32) {
        let (purse, lender) = (core.purse(id, replica), &core.plan.lenders[id.index()]);
        let purse = &mut self.purses[purse];
        if let Some(next) = purse.waiting.pop_front() {
            if core.frames[next].state.loan == Loan::Stands {
                self.hold_for(core, next, id);
            }
            core.grant(next);
        } else if lender.connections == NONE {
            // Without a pool the connection is closed.
            purse.opened -= 1;
            self.connections[lender.database.index()] -= u32::from(lender.behind == NONE);
        } else {
            purse.free += 1;
        }
    }

    /// A caller died: its connections are closed, and nobody waits for them.
    pub(crate) fn forget_purses<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32, victims: &[u32]) {
        self.leave_poolers(core, replica, victims);
        for lender in core.plan.lenders.iter().filter(|lender| !lender.shared) {
            let callers = core.plan.node(core.node_of(replica));
            if lender.first_caller == callers.first_replica {
                let purse = &mut self.purses[(lender.first_purse + replica - lender.first_caller) as usize];
                let opened = std::mem::take(purse).opened;
                self.connections[lender.database.index()] -= if lender.behind == NONE { opened } else { 0 };
            }
        }
        if core.plan.lenders.is_empty() {
            return;
        }
        for at in core.frames.live_slots() {
            let Frame { origin, caller, state: State { loan, .. }, .. } = core.frames[at];
            if origin != Origin::Try || caller == NONE || core.frames[caller].replica != replica {
                continue;
            }
            if loan == Loan::Has {
                core.frames[at].state.loan = Loan::None;
            } else if matches!(loan, Loan::Seeks | Loan::Found) {
                core.frames[at].state.loan = Loan::Asks;
            } else if loan == Loan::Granted {
                core.frames[at].state.loan = Loan::Asks;
                core.stay_home(at);
            }
        }
    }

    /// A caller died: nothing of it waits at poolers, and what it had of their connections they have again.
    fn leave_poolers<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32, victims: &[u32]) {
        if core.plan.lenders.iter().all(|lender| !lender.shared) {
            return;
        }
        let mut back: Vec<LenderId> = Vec::new();
        self.borrowed.retain(|(at, id)| {
            let dead = victims.contains(at);
            back.extend(dead.then_some(*id));
            !dead
        });
        let mut gone = victims.to_vec();
        for at in core.frames.live_slots() {
            let Frame { origin, caller, call, state: State { loan, .. }, .. } = core.frames[at];
            let own = origin == Origin::Try && caller != NONE && core.frames[caller].replica == replica;
            if !own || matches!(loan, Loan::None | Loan::Denied) {
                continue;
            }
            // Within a transaction a query may have one of the pooler's and none of its own.
            let id = core.plan.calls[call as usize].lender;
            let lender = &core.plan.lenders[id as usize];
            let at_pooler = if lender.shared { id } else { lender.behind };
            let has = matches!(loan, Loan::Has | Loan::Found) || lender.shared && loan == Loan::Granted;
            if has && at_pooler != NONE {
                back.push(LenderId(at_pooler));
            } else if loan == Loan::Seeks || lender.shared {
                gone.push(at);
            }
            if loan == Loan::Found {
                core.stay_home(at);
            }
        }
        for lender in core.plan.lenders.iter().filter(|lender| lender.shared) {
            self.purses[lender.first_purse as usize].waiting.retain(|waiting| !gone.contains(waiting));
        }
        for id in back {
            self.return_to_purse(core, id, replica);
        }
    }

    /// A try may have waited for a connection of its channel as long as that lets it: then it fails. Says whether it waits for one.
    fn starves_in_line<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> bool {
        let Frame { origin, due, state: State { loan, .. }, .. } = core.frames[at];
        let hold = *self.holds.get(at);
        if origin != Origin::Try
            || loan.is_wanting()
            || !core.is_wired(at)
            || hold.stage != Stage::Waiting
            || hold.pool == NONE
        {
            return false;
        }
        if due == core.now {
            self.pools[hold.pool as usize].waiting.retain(|waiting| *waiting != at);
            self.holds[at] = Hold::default();
            core.charge(at, Cause::ConnectionWait);
            self.fail_unsent(core, at, Outcome::PoolTimeout);
        }
        true
    }

    /// A frame has waited for a connection as long as its pool lets it.
    pub(crate) fn starve<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        if self.starves_in_line(core, at) {
            return;
        }
        if core.is_troubled() && core.mutes(Event::Starve(at), at) {
            return;
        }
        let Frame { due, replica, pc, call, state: State { loan, .. }, .. } = core.frames[at];
        if due != core.now || !matches!(loan, Loan::Asks | Loan::Seeks | Loan::Stands) {
            return;
        }
        core.frames[at].due = Time::NEVER;
        core.charge(at, Cause::ConnectionWait);
        if loan != Loan::Stands {
            let call = &core.plan.calls[call as usize];
            if loan == Loan::Seeks {
                self.stop_seeking(core, at, LenderId(call.lender), replica);
            } else {
                self.leave_purse(core, at, LenderId(call.lender), replica);
            }
            (core.frames[at].state.loan, core.frames[at].replica) = (Loan::Denied, core.plan.link(call.link).first);
            self.fail_unsent(core, at, Outcome::PoolTimeout);
        } else if let Op::Borrow { lender, edge, .. } = core.plan.ops[pc as usize] {
            self.leave_purse(core, at, lender, replica);
            core.frames[at].state.loan = Loan::None;
            core.turn_down(at, edge, Outcome::PoolTimeout);
            core.ready.push_back(at);
        }
    }
}

impl<P: Probe> Core<'_, P> {
    /// A try that was about to set out does not.
    fn stay_home(&mut self, at: u32) {
        self.ready.retain(|ready| *ready != at);
        self.trouble.parked.retain(|parked| *parked != at);
    }

    /// A transaction gets no connection: its database sees nothing of it, its caller counts a call that failed.
    fn turn_down(&mut self, at: u32, edge: EdgeId, outcome: Outcome) -> Flow {
        let Frame { whose: Whose { measured, .. }, wait: Wait { since, .. }, .. } = self.frames[at];
        self.tell(Fact::Called { edge, measured });
        self.tell(Fact::Settled { edge, outcome, latency: self.now.since(since), measured });
        self.fail_step(at, outcome)
    }

    /// A frame that waited has a connection.
    fn grant(&mut self, at: u32) {
        let frame = &mut self.frames[at];
        frame.due = Time::NEVER;
        if frame.state.loan == Loan::Asks {
            frame.state.loan = Loan::Granted;
        } else if frame.state.loan == Loan::Seeks {
            frame.state.loan = Loan::Found;
        } else {
            frame.state.loan = Loan::None;
            frame.pc += 1;
        }
        self.charge(at, Cause::ConnectionWait);
        self.ready.push_back(at);
    }
}
