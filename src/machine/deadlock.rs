//! Deadlocks: transactions that wait for one another's locks, in a circle.
//!
//! A transaction that has waited for a lock for `deadlock_timeout` (a second, as in PostgreSQL) looks whether it waits for
//! itself, once: then it is the victim. Its transaction is rolled back on the spot, so that the others go on; its query fails
//! with `deadlock`, and with that word the request it belongs to. Who called may try again: `on = ["deadlock"]`, which
//! `error` includes. A look follows the circle alone. `deadlock_timeout = "0s"` looks at once, as `InnoDB` does.
//!
//! Source: PostgreSQL, Lock Management, `deadlock_timeout`; `src/backend/storage/lmgr/README`, deadlock detection.

use std::collections::BTreeSet;

use crate::model::{Cause, Outcome, Probe, TableId};
use crate::units::Time;

use super::Machine;
use super::event::Rare;
use super::walk::Flow;

impl<P: Probe> Machine<'_, P> {
    /// A query of a transaction waits for a lock. Only one that holds another can be part of a circle.
    #[cold]
    pub(super) fn await_lock(&mut self, at: u32, owner: u32, table: TableId) {
        self.blocked.insert(owner, (at, table));
        if self.tables.iter().any(|table| table.holders.contains(&owner)) {
            let patience = self.plan.tables[table.index()].deadlock_timeout;
            self.frames[at].due = self.now + patience;
            self.schedule(patience, Rare::Suspect(at).event());
        }
    }

    /// A query waits for no lock any more.
    pub(super) fn end_wait(&mut self, at: u32, owner: u32) {
        self.frames[at].due = Time::NEVER;
        if self.blocked.get(&owner).is_some_and(|waits| waits.0 == at) {
            self.blocked.remove(&owner);
        }
    }

    /// The table whose lock a transaction waits for, if it waits for one.
    fn waits_for(&self, owner: u32) -> Option<TableId> {
        let (at, table) = *self.blocked.get(&owner)?;
        // Its transaction may have given up on the query.
        (self.owner(at) == owner).then_some(table)
    }

    /// A query has waited long for a lock: its transaction is the victim if it waits for itself.
    #[cold]
    pub(super) fn suspect(&mut self, at: u32) {
        if self.falls_victim(at) {
            self.reply(at, Outcome::Deadlock, true);
        }
    }

    /// Whether the transaction of a query that has waited long for a lock was rolled back, because it waited for itself.
    fn falls_victim(&mut self, at: u32) -> bool {
        let owner = self.owner(at);
        let waits = self.blocked.get(&owner).is_some_and(|waits| waits.0 == at);
        if !waits || self.frames[at].due != self.now || self.faulted && self.mutes(Rare::Suspect(at).event(), at) {
            return false;
        }
        self.frames[at].due = Time::NEVER;
        let Some(table) = self.waits_for(owner) else { return false };
        let circle = self.waits_for_itself(owner, table);
        if circle {
            self.sacrifice(at, owner, table);
        }
        circle
    }

    /// Whether all who could give up the lock that a transaction waits for wait themselves, and for it among others.
    fn waits_for_itself(&self, owner: u32, table: TableId) -> bool {
        let (mut seen, mut open, mut itself) = (BTreeSet::new(), vec![table], false);
        while let Some(table) = open.pop() {
            for holder in &self.tables[table.index()].holders {
                if *holder == owner {
                    itself = true;
                } else if seen.insert(*holder) {
                    let Some(next) = self.waits_for(*holder) else { return false };
                    open.push(next);
                }
            }
        }
        itself
    }

    /// A transaction is rolled back for the others; its query fails.
    fn sacrifice(&mut self, at: u32, owner: u32, table: TableId) {
        self.end_wait(at, owner);
        self.tables[table.index()].waiting.retain(|waits| waits.0 != at);
        self.charge(at, Cause::Database);
        self.roll_back(owner);
    }

    /// A request fails whose transaction may have been a victim: then with that word.
    pub(super) fn own_up(&mut self, at: u32) -> Flow {
        let victim = self.frames[at].outcome == Outcome::Deadlock;
        self.reply(at, if victim { Outcome::Deadlock } else { Outcome::Error }, true)
    }
}
