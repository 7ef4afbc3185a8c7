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
use crate::model::{CallId, Cause, EdgeId, Fact, LenderId, Op, Outcome, Probe};
use crate::units::Time;

use super::Machine;
use super::event::Event;
use super::frame::{Frame, Origin};
use super::walk::Flow;

/// The connections of one caller replica to one database.
#[derive(Debug, Default)]
pub(super) struct Purse {
    /// Opened so far.
    opened: u32,
    /// Of these, not lent.
    free: u32,
    waiting: VecDeque<u32>,
}

impl Purse {
    /// Whether nothing is lent and nobody waits.
    pub(super) fn is_whole(&self) -> bool {
        self.free == self.opened && self.waiting.is_empty()
    }
}

/// What a frame has of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Loan {
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
    pub(super) fn is_wanting(self) -> bool {
        matches!(self, Self::Asks | Self::Granted | Self::Denied)
    }
}

/// What a pool says.
enum Answer {
    Lent,
    Refused,
    Later,
}

impl<P: Probe> Machine<'_, P> {
    #[inline]
    fn purse(&self, id: LenderId, replica: u32) -> usize {
        let lender = &self.plan.lenders[id.index()];
        (lender.first_purse + replica - lender.first_caller) as usize
    }

    /// Asks the pool of a caller's replica.
    #[inline]
    fn ask_purse(&mut self, id: LenderId, replica: u32) -> Answer {
        let (purse, lender) = (self.purse(id, replica), &self.plan.lenders[id.index()]);
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
    fn wait_for_loan(&mut self, at: u32, id: LenderId, replica: u32, loan: Loan) {
        let (purse, due) = (self.purse(id, replica), self.now + self.plan.lenders[id.index()].wait);
        self.purses[purse].waiting.push_back(at);
        let frame = &mut self.frames[at];
        frame.due = due;
        frame.since = self.now;
        frame.loan = loan;
        // Until it leaves it is where its caller is.
        frame.replica = replica;
        self.agenda.push(due, Phase::Arrival, Event::Starve(at));
    }

    /// A try of a query asks for a connection: says whether it has one and may go on.
    #[inline]
    pub(super) fn lend(&mut self, at: u32, id: LenderId) -> bool {
        let caller = self.frames[self.frames[at].caller].replica;
        match self.ask_purse(id, caller) {
            Answer::Lent => {
                self.frames[at].loan = Loan::Has;
                return true;
            }
            Answer::Refused => {
                self.frames[at].loan = Loan::Denied;
                self.fail_unsent(at, Outcome::ConnectFailed);
            }
            Answer::Later => self.wait_for_loan(at, id, caller, Loan::Asks),
        }
        false
    }

    /// A try on its way to the wire: with the connection to a database that it has just been given, or in a handshake.
    #[inline(never)]
    pub(super) fn step_out_to_wire(&mut self, at: u32) -> Flow {
        if self.frames[at].loan == Loan::Granted { self.leave_with_loan(at) } else { self.shake(at) }
    }

    /// A try that waited for a connection sets out with it.
    fn leave_with_loan(&mut self, at: u32) -> Flow {
        let id = CallId(self.frames[at].call);
        let first = self.plan.link(self.plan.call(id).link).first;
        let frame = &mut self.frames[at];
        (frame.loan, frame.replica) = (Loan::Has, first);
        self.head_for(at, id);
        Flow::Stay
    }

    /// A try is answered: its connection goes back.
    #[inline]
    pub(super) fn repay(&mut self, at: u32) {
        let Frame { loan, caller, call, .. } = self.frames[at];
        if loan == Loan::Has {
            self.frames[at].loan = Loan::None;
            self.return_to_purse(LenderId(self.plan.calls[call as usize].lender), self.frames[caller].replica);
        }
    }

    /// A try is given up: its connection goes back. Says whether it had not left yet, and is now gone without a trace.
    pub(super) fn give_up_loan(&mut self, at: u32) -> bool {
        let Frame { loan, caller, call, .. } = self.frames[at];
        match loan {
            Loan::None | Loan::Stands | Loan::Denied => return false,
            Loan::Has => {
                self.repay(at);
                return false;
            }
            Loan::Asks | Loan::Granted => {}
        }
        let (id, replica) = (LenderId(self.plan.calls[call as usize].lender), self.frames[caller].replica);
        if loan == Loan::Granted {
            self.stay_home(at);
            self.return_to_purse(id, replica);
        } else {
            let purse = self.purse(id, replica);
            self.purses[purse].waiting.retain(|w| *w != at);
        }
        true
    }

    /// A try that was about to set out does not.
    fn stay_home(&mut self, at: u32) {
        self.ready.retain(|ready| *ready != at);
        self.trouble.parked.retain(|parked| *parked != at);
    }

    /// A transaction needs a database connection.
    pub(super) fn borrow(&mut self, at: u32, id: LenderId, edge: EdgeId) -> Flow {
        let replica = self.frames[at].replica;
        match self.ask_purse(id, replica) {
            Answer::Lent => {
                self.frames[at].pc += 1;
                Flow::On
            }
            Answer::Refused => {
                self.frames[at].since = self.now;
                self.turn_down(at, edge, Outcome::ConnectFailed)
            }
            Answer::Later => {
                self.wait_for_loan(at, id, replica, Loan::Stands);
                Flow::Stay
            }
        }
    }

    /// A transaction gets no connection: its database sees nothing of it, its caller counts a call that failed.
    fn turn_down(&mut self, at: u32, edge: EdgeId, outcome: Outcome) -> Flow {
        let Frame { measured, since, .. } = self.frames[at];
        self.tell(Fact::Called { edge, measured });
        self.tell(Fact::Settled { edge, outcome, latency: self.now.since(since), measured });
        self.fail_step(at, outcome)
    }

    /// A transaction gives its connection back.
    pub(super) fn give_back(&mut self, at: u32, id: LenderId) -> Flow {
        self.return_to_purse(id, self.frames[at].replica);
        self.frames[at].pc += 1;
        Flow::On
    }

    /// A connection comes back to the pool of a caller's replica; the next one that waits has it.
    #[inline]
    fn return_to_purse(&mut self, id: LenderId, replica: u32) {
        let (purse, lender) = (self.purse(id, replica), &self.plan.lenders[id.index()]);
        let purse = &mut self.purses[purse];
        if let Some(next) = purse.waiting.pop_front() {
            self.grant(next);
        } else if lender.connections == NONE {
            // Without a pool the connection is closed.
            purse.opened -= 1;
            self.connections[lender.database.index()] -= 1;
        } else {
            purse.free += 1;
        }
    }

    /// A frame that waited has a connection.
    fn grant(&mut self, at: u32) {
        let frame = &mut self.frames[at];
        frame.due = Time::NEVER;
        if frame.loan == Loan::Asks {
            frame.loan = Loan::Granted;
        } else {
            frame.loan = Loan::None;
            frame.pc += 1;
        }
        self.charge(at, Cause::ConnectionWait);
        self.ready.push_back(at);
    }

    /// A caller died: its connections are closed, and nobody waits for them.
    pub(super) fn forget_purses(&mut self, replica: u32) {
        for lender in &self.plan.lenders {
            let callers = self.plan.node(self.replicas[replica as usize].node);
            if lender.first_caller == callers.first_replica {
                let purse = &mut self.purses[(lender.first_purse + replica - lender.first_caller) as usize];
                self.connections[lender.database.index()] -= std::mem::take(purse).opened;
            }
        }
        if self.plan.lenders.is_empty() {
            return;
        }
        for at in self.frames.live_slots() {
            let Frame { origin, caller, loan, .. } = self.frames[at];
            if origin != Origin::Try || caller == NONE || self.frames[caller].replica != replica {
                continue;
            }
            if loan == Loan::Has {
                self.frames[at].loan = Loan::None;
            } else if loan == Loan::Granted {
                self.frames[at].loan = Loan::Asks;
                self.stay_home(at);
            }
        }
    }

    /// A frame has waited for a connection as long as its pool lets it.
    pub(super) fn starve(&mut self, at: u32) {
        if self.faulted && self.mutes(Event::Starve(at), at) {
            return;
        }
        let Frame { loan, due, replica, pc, call, .. } = self.frames[at];
        if due != self.now || !matches!(loan, Loan::Asks | Loan::Stands) {
            return;
        }
        self.frames[at].due = Time::NEVER;
        self.charge(at, Cause::ConnectionWait);
        let leave = |machine: &mut Self, id| {
            let purse = machine.purse(id, replica);
            machine.purses[purse].waiting.retain(|w| *w != at);
        };
        if loan == Loan::Asks {
            let call = &self.plan.calls[call as usize];
            leave(self, LenderId(call.lender));
            (self.frames[at].loan, self.frames[at].replica) = (Loan::Denied, self.plan.link(call.link).first);
            self.fail_unsent(at, Outcome::PoolTimeout);
        } else if let Op::Borrow { lender, edge, .. } = self.plan.ops[pc as usize] {
            leave(self, lender);
            self.frames[at].loan = Loan::None;
            self.turn_down(at, edge, Outcome::PoolTimeout);
            self.ready.push_back(at);
        }
    }
}
