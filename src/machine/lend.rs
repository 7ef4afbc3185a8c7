//! Database connections: a caller replica's pool lends them, one query or one transaction at a time.
//!
//! `[services.x.pools]` gives a pool `connections` and a `wait` (HikariCP's defaults: 10 and 30 s). A connection is opened
//! when it is first needed and then kept. The database has room for `max_connections`; a connection beyond that fails at
//! once, as PostgreSQL's "too many clients" does. A caller without a pool opens a connection for each query.

use std::collections::VecDeque;

use crate::model::id::NONE;
use crate::model::{Cause, LenderId, Op, Outcome, Probe};
use crate::units::Time;

use super::Machine;
use super::event::Event;
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

impl<P: Probe> Machine<'_, P> {
    /// A frame needs a database connection.
    pub(super) fn borrow(&mut self, at: u32, id: LenderId) -> Flow {
        let lender = &self.plan.lenders[id.index()];
        let purse = (lender.first_purse + self.frames[at].replica - lender.first_caller) as usize;
        let open = &mut self.connections[lender.database.index()];
        let purse = &mut self.purses[purse];
        if purse.free > 0 {
            purse.free -= 1;
        } else if purse.opened < lender.connections {
            if *open >= lender.max_connections {
                return self.fail_step(at, Outcome::ConnectFailed);
            }
            *open += 1;
            purse.opened += 1;
        } else {
            purse.waiting.push_back(at);
            let due = self.now + lender.wait;
            self.frames[at].due = due;
            self.frames[at].borrowing = true;
            self.agenda.push(due, crate::kernel::Phase::Arrival, Event::Starve(at));
            return Flow::Stay;
        }
        self.frames[at].pc += 1;
        Flow::On
    }

    /// A frame gives its connection back; the next one that waits has it.
    pub(super) fn give_back(&mut self, at: u32, id: LenderId) -> Flow {
        let lender = &self.plan.lenders[id.index()];
        let purse = (lender.first_purse + self.frames[at].replica - lender.first_caller) as usize;
        let purse = &mut self.purses[purse];
        if let Some(next) = purse.waiting.pop_front() {
            let frame = &mut self.frames[next];
            frame.due = Time::NEVER;
            frame.borrowing = false;
            frame.pc += 1;
            self.charge(next, Cause::ConnectionWait);
            self.ready.push_back(next);
        } else if lender.connections == NONE {
            // Without a pool the connection is closed.
            purse.opened -= 1;
            self.connections[lender.database.index()] -= 1;
        } else {
            purse.free += 1;
        }
        self.frames[at].pc += 1;
        Flow::On
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
    }

    /// A frame has waited for a connection as long as its pool lets it.
    pub(super) fn starve(&mut self, at: u32) {
        if self.faulted && self.mutes(Event::Starve(at), at) {
            return;
        }
        let frame = &mut self.frames[at];
        if frame.due != self.now || !frame.borrowing {
            return;
        }
        frame.due = Time::NEVER;
        frame.borrowing = false;
        let Op::Borrow { lender, .. } = self.plan.ops[frame.pc as usize] else {
            return;
        };
        let lender = &self.plan.lenders[lender.index()];
        let purse = (lender.first_purse + frame.replica - lender.first_caller) as usize;
        self.purses[purse].waiting.retain(|w| *w != at);
        self.charge(at, Cause::ConnectionWait);
        self.fail_step(at, Outcome::PoolTimeout);
        self.ready.push_back(at);
    }
}
