//! Deadlocks: transactions that wait for one another's locks, in a circle.
//!
//! A transaction that has waited for a lock for `deadlock_timeout` (a second, as in PostgreSQL) looks whether it waits for
//! itself, once: then it is the victim. Its transaction is rolled back on the spot, so that the others go on; its query fails
//! with `deadlock`, and with that word the request it belongs to. Who called may try again: `on = ["deadlock"]`, which
//! `error` includes. A look follows the circle alone. `deadlock_timeout = "0s"` looks at once, as `InnoDB` does.
//!
//! Source: PostgreSQL, Lock Management, `deadlock_timeout`; `src/backend/storage/lmgr/README`, deadlock detection.

use std::collections::BTreeSet;

use crate::model::{Cause, Probe, TableId};
use crate::units::Time;

use crate::machine::core::Core;
use crate::machine::core::event::Rare;
use crate::machine::data::Data;

impl Data {
    /// A query of a transaction waits for a lock. Only one that holds another can be part of a circle.
    #[cold]
    pub(crate) fn await_lock<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, owner: u32, table: TableId) {
        self.blocked.insert(owner, (at, table));
        if self.tables.iter().any(|table| table.holders.contains(&owner)) {
            let patience = core.plan.tables[table.index()].deadlock_timeout;
            core.frames[at].due = core.now + patience;
            core.schedule(patience, Rare::Suspect(at).event());
        }
    }

    /// A query waits for no lock any more.
    pub(crate) fn end_wait<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, owner: u32) {
        core.frames[at].due = Time::NEVER;
        if self.blocked.get(&owner).is_some_and(|waits| waits.0 == at) {
            self.blocked.remove(&owner);
        }
    }

    /// The table whose lock a transaction waits for, if it waits for one.
    fn waits_for<P: Probe>(&self, core: &Core<'_, P>, owner: u32) -> Option<TableId> {
        let (at, table) = *self.blocked.get(&owner)?;
        // Its transaction may have given up on the query.
        (core.owner(at) == owner).then_some(table)
    }

    /// Whether the transaction of a query that has waited long for a lock was rolled back, because it waited for itself.
    pub(crate) fn falls_victim<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> bool {
        let owner = core.owner(at);
        let waits = self.blocked.get(&owner).is_some_and(|waits| waits.0 == at);
        if !waits || core.frames[at].due != core.now || core.is_troubled() && core.mutes(Rare::Suspect(at).event(), at)
        {
            return false;
        }
        core.frames[at].due = Time::NEVER;
        let Some(table) = self.waits_for(core, owner) else { return false };
        let circle = self.waits_for_itself(core, owner, table);
        if circle {
            self.sacrifice(core, at, owner, table);
        }
        circle
    }

    /// Whether all who could give up the lock that a transaction waits for wait themselves, and for it among others.
    fn waits_for_itself<P: Probe>(&self, core: &Core<'_, P>, owner: u32, table: TableId) -> bool {
        let (mut seen, mut open, mut itself) = (BTreeSet::new(), vec![table], false);
        while let Some(table) = open.pop() {
            for holder in &self.tables[table.index()].holders {
                if *holder == owner {
                    itself = true;
                } else if seen.insert(*holder) {
                    let Some(next) = self.waits_for(core, *holder) else { return false };
                    open.push(next);
                }
            }
        }
        itself
    }

    /// A transaction is rolled back for the others; its query fails.
    fn sacrifice<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, owner: u32, table: TableId) {
        self.end_wait(core, at, owner);
        self.tables[table.index()].waiting.retain(|waits| waits.0 != at);
        core.charge(at, Cause::Database);
        self.roll_back(core, owner);
    }
}
