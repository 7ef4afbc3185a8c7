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
    /// When it is a try and got none.
    Denied,
}

impl Loan {
    /// Whether a try is still without a connection, at its caller.
    pub(crate) fn is_wanting(self) -> bool {
        matches!(self, Self::Asks | Self::Granted | Self::Denied)
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
            *open += 1;
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
            Answer::Lent => {
                core.frames[at].state.loan = Loan::Has;
                return true;
            }
            Answer::Refused => {
                core.frames[at].state.loan = Loan::Denied;
                self.fail_unsent(core, at, Outcome::ConnectFailed);
            }
            Answer::Later => self.wait_for_loan(core, at, id, caller, Loan::Asks),
        }
        false
    }

    /// A try is answered: its connection goes back.
    #[inline]
    pub(crate) fn repay<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) {
        let Frame { caller, call, state: State { loan, .. }, .. } = core.frames[at];
        if loan == Loan::Has {
            core.frames[at].state.loan = Loan::None;
            self.return_to_purse(core, LenderId(core.plan.calls[call as usize].lender), core.frames[caller].replica);
        }
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
            Loan::Asks | Loan::Granted => {}
        }
        let (id, replica) = (LenderId(core.plan.calls[call as usize].lender), core.frames[caller].replica);
        if loan == Loan::Granted {
            core.stay_home(at);
            self.return_to_purse(core, id, replica);
        } else {
            self.leave_purse(core, at, id, replica);
        }
        true
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
        self.return_to_purse(core, id, core.frames[at].replica);
        core.frames[at].pc += 1;
        Flow::On
    }

    /// A connection comes back to the pool of a caller's replica; the next one that waits has it.
    #[inline]
    fn return_to_purse<P: Probe>(&mut self, core: &mut Core<'_, P>, id: LenderId, replica: u32) {
        let (purse, lender) = (core.purse(id, replica), &core.plan.lenders[id.index()]);
        let purse = &mut self.purses[purse];
        if let Some(next) = purse.waiting.pop_front() {
            core.grant(next);
        } else if lender.connections == NONE {
            // Without a pool the connection is closed.
            purse.opened -= 1;
            self.connections[lender.database.index()] -= 1;
        } else {
            purse.free += 1;
        }
    }

    /// A caller died: its connections are closed, and nobody waits for them.
    pub(crate) fn forget_purses<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        for lender in &core.plan.lenders {
            let callers = core.plan.node(core.node_of(replica));
            if lender.first_caller == callers.first_replica {
                let purse = &mut self.purses[(lender.first_purse + replica - lender.first_caller) as usize];
                self.connections[lender.database.index()] -= std::mem::take(purse).opened;
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
            } else if loan == Loan::Granted {
                core.frames[at].state.loan = Loan::Asks;
                core.stay_home(at);
            }
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
        if due != core.now || !matches!(loan, Loan::Asks | Loan::Stands) {
            return;
        }
        core.frames[at].due = Time::NEVER;
        core.charge(at, Cause::ConnectionWait);
        if loan == Loan::Asks {
            let call = &core.plan.calls[call as usize];
            self.leave_purse(core, at, LenderId(call.lender), replica);
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
        } else {
            frame.state.loan = Loan::None;
            frame.pc += 1;
        }
        self.charge(at, Cause::ConnectionWait);
        self.ready.push_back(at);
    }
}
