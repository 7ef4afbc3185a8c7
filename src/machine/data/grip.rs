//! Locks on whole tables: a query with `mode = "exclusive"` has its table to itself, as `ALTER TABLE` has.
//!
//! Where a file has such a query, every query that names the table has a lock on the whole of it: reads and writes have one
//! together with each other (PostgreSQL's ACCESS SHARE and ROW EXCLUSIVE), the exclusive one has it alone (ACCESS EXCLUSIVE).
//! A query gives it back when it is answered, one of a transaction at the end of the transaction: a report that has read the
//! table once and goes on for a minute holds its lock for that minute. Who waits stands in one line, first come, first
//! served: an exclusive query waits for all who have the table, and whoever comes later waits behind it, though it would get
//! along with those who have it. Meanwhile each holds its connection, until none are left for queries of other tables.
//!
//! A transaction that has the table already is not kept waiting behind others: it waits for those alone that have it, too.
//! `lock_timeout = "2s"` on a query ends its waiting for either lock, that of the table or the writer's: it fails with
//! `lock_timeout`, and those behind it go on. The default is PostgreSQL's: for ever. A lock is one for all replicas of the
//! database, as a primary's reaches its standbys. Circles of those who wait end as `deadlock` says.
//!
//! Source: PostgreSQL, Explicit Locking (table-level locks and their conflicts); Client Connection Defaults, `lock_timeout`;
//! `src/backend/storage/lmgr/proc.c` (`JoinWaitQueue`, `ProcLockWakeup`).

use std::collections::{BTreeMap, VecDeque};

use crate::model::{Cause, Outcome, Probe, TableId};

use crate::machine::core::{Core, Flow};
use crate::machine::data::Data;
use crate::machine::data::deadlock::Wait;

/// Who has a lock on a whole table, and who waits for one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grips {
    /// By who has it: a query, or the frame whose transaction it belongs to. Whether alone.
    holders: BTreeMap<u32, bool>,
    /// Queries in line, and whether they want it alone.
    line: VecDeque<(u32, bool)>,
}

impl Grips {
    /// Whether somebody has the table already, as firmly as that.
    fn has_as_firmly(&self, owner: u32, alone: bool) -> bool {
        self.holders.get(&owner).is_some_and(|has| *has || !alone)
    }

    /// Whether it gets along with all others who have it.
    fn gets_along(&self, owner: u32, alone: bool) -> bool {
        self.holders.iter().all(|(holder, has)| *holder == owner || !(alone || *has))
    }

    fn take(&mut self, owner: u32, alone: bool) {
        *self.holders.entry(owner).or_insert(false) |= alone;
    }

    /// Into the line: who has the table already, before those who wait for that.
    fn queue_up(&mut self, at: u32, owner: u32, alone: bool) {
        let first = self.line.iter().position(|waits| waits.1).filter(|_| self.is_held_by(owner));
        self.line.insert(first.unwrap_or(self.line.len()), (at, alone));
    }

    /// Whether somebody has the table.
    pub(crate) fn is_held_by(&self, owner: u32) -> bool {
        self.holders.contains_key(&owner)
    }

    /// Queries that wait, in their order.
    pub(crate) fn in_line(&self) -> impl Iterator<Item = u32> {
        self.line.iter().map(|waits| waits.0)
    }

    /// Whether nobody has it or waits for it.
    pub(crate) fn is_free(&self) -> bool {
        self.holders.is_empty() && self.line.is_empty()
    }

    /// Whom a query in line waits for: who has the table, and who is to have it before, unless they get along.
    pub(crate) fn kept_by<P: Probe>(&self, core: &Core<'_, P>, at: u32) -> Vec<u32> {
        let owner = core.owner(at);
        let alone = self.line.iter().find(|waits| waits.0 == at).is_some_and(|waits| waits.1);
        let minds = |other: u32, theirs: bool| other != owner && (alone || theirs);
        let held = self.holders.iter().filter(|(holder, has)| minds(**holder, **has)).map(|(holder, _)| *holder);
        let ahead = self.line.iter().take_while(|waits| waits.0 != at).map(|waits| (core.owner(waits.0), waits.1));
        held.chain(ahead.filter(|(other, theirs)| minds(*other, *theirs)).map(|(other, _)| other)).collect()
    }
}

impl Data {
    /// A query arrives at its database: it asks for a lock on the whole of its table.
    pub(crate) fn grip<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Flow {
        let Some(grip) = core.plan.calls[core.frames[at].call as usize].grip else { return Flow::On };
        let owner = core.owner(at);
        let grips = &mut self.grips[grip.table.index()];
        let first = grips.line.is_empty() || grips.is_held_by(owner);
        if grips.has_as_firmly(owner, grip.alone) || first && grips.gets_along(owner, grip.alone) {
            grips.take(owner, grip.alone);
            return Flow::On;
        }
        grips.queue_up(at, owner, grip.alone);
        self.await_lock(core, owner, Wait { at, table: grip.table, place: 0, whole: true });
        Flow::Stay
    }

    /// Somebody gives its lock on the whole of a table back, if it has one.
    pub(crate) fn loosen<P: Probe>(&mut self, core: &mut Core<'_, P>, table: TableId, owner: u32) {
        if self.grips[table.index()].holders.remove(&owner).is_some() {
            self.move_up(core, table);
        }
    }

    /// All locks on the whole of a table are gone.
    pub(crate) fn loosen_all<P: Probe>(&mut self, core: &mut Core<'_, P>, table: TableId) {
        self.grips[table.index()].holders.clear();
        self.move_up(core, table);
    }

    /// Whoever is first in line for the whole of a table has it, if it gets along with those who have.
    pub(crate) fn move_up<P: Probe>(&mut self, core: &mut Core<'_, P>, table: TableId) {
        while let Some((at, alone)) = self.grips[table.index()].line.front().copied() {
            if !self.grips[table.index()].gets_along(core.owner(at), alone) {
                return;
            }
            self.let_in(core, table, at);
        }
    }

    /// A query in line has what it waits for.
    pub(crate) fn let_in<P: Probe>(&mut self, core: &mut Core<'_, P>, table: TableId, at: u32) {
        let grips = &mut self.grips[table.index()];
        let Some(place) = grips.line.iter().position(|waits| waits.0 == at) else { return };
        let Some((_, alone)) = grips.line.remove(place) else { return };
        let owner = core.owner(at);
        grips.take(owner, alone);
        self.end_wait(core, at);
        core.charge(at, Cause::Database);
        core.ready.push_back(at);
    }

    /// Queries stand in no line any more; those behind them may have what they waited for.
    pub(crate) fn leave_locks<P: Probe>(&mut self, core: &mut Core<'_, P>, gone: &[u32]) {
        for table in &mut self.tables {
            table.waiting.retain(|at| !gone.contains(at));
        }
        for table in 0..self.grips.len() {
            let line = &mut self.grips[table].line;
            let before = line.len();
            line.retain(|waits| !gone.contains(&waits.0));
            if line.len() < before {
                self.move_up(core, TableId(table as u32));
            }
        }
    }

    /// A query has waited for a lock for as long as it would.
    pub(crate) fn give_up_lock<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Outcome {
        self.end_wait(core, at);
        self.leave_locks(core, &[at]);
        core.charge(at, Cause::Database);
        self.unlock(core, at);
        Outcome::LockTimeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_have_it_together_and_one_alone() {
        let mut grips = Grips::default();
        assert!(grips.gets_along(1, true));
        grips.take(1, false);
        assert!(grips.gets_along(2, false) && !grips.gets_along(2, true));
        // Who has it as the only one may have it alone.
        assert!(grips.gets_along(1, true) && grips.has_as_firmly(1, false) && !grips.has_as_firmly(1, true));
        grips.take(1, true);
        assert!(grips.has_as_firmly(1, true) && grips.has_as_firmly(1, false) && !grips.gets_along(2, false));
        // What it has alone it does not have less firmly because it asks again.
        grips.take(1, false);
        assert!(grips.has_as_firmly(1, true) && !grips.is_free());
    }

    #[test]
    fn who_has_it_stands_before_those_who_wait_for_that() {
        let mut grips = Grips::default();
        grips.take(1, false);
        grips.queue_up(10, 2, true);
        grips.queue_up(11, 3, false);
        grips.queue_up(12, 1, true);
        assert_eq!(grips.line, [(12, true), (10, true), (11, false)]);
    }
}
