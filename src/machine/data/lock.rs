//! Table locks: a write holds one of its table's `writers` until it is answered, or until its transaction ends.
//!
//! A query that waits for a lock waits at the database, outside its line: a blocked session uses no CPU. Transactions that
//! wait for one another: see `deadlock.rs`.
//!
//! `mode = "conditional_write"` is optimistic concurrency: nothing is locked between looking and writing, and who comes
//! second has looked in vain. The table stands for one row (`writers = 1`) with a version. A read notes the version for the
//! request that asked, as of the end of its work; a write counts it up when it is answered, or when its transaction ends
//! well. A conditional write that finds another version than its request noted last does its work and fails with `error`;
//! one whose request never looked writes anyway, and one that nobody waits for any more changes nothing. To try again is to
//! look again: put the retries on the call around read and write. That is JPA's `@Version`, `DynamoDB`'s conditional put, a
//! PUT with `If-Match`, and first-committer-wins.

use std::collections::{BTreeMap, VecDeque};

use crate::model::{Cause, Pc, Probe, TableId};
use crate::random::Lineage;

use crate::machine::core::{Core, Flow};
use crate::machine::data::Data;
use crate::machine::data::deadlock::Wait;

/// A table's locks, and the version of its one row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// Who holds one: a query, or the frame whose transaction it belongs to.
    pub(crate) holders: Vec<u32>,
    /// Queries that wait.
    pub(crate) waiting: VecDeque<u32>,
    /// Writes so far.
    version: u64,
    /// Whether the holder has written.
    written: bool,
    /// What requests saw: by frame, who that was then, and the version.
    seen: BTreeMap<u32, (Lineage, u64)>,
}

impl Table {
    /// The version as `owner` sees it: its own writes count before they are committed.
    fn version_for(&self, owner: u32) -> u64 {
        self.version + u64::from(self.written && self.holders.contains(&owner))
    }

    /// Nobody holds a lock any more, and nothing is written.
    fn reset(&mut self) {
        self.holders.clear();
        self.written = false;
    }
}

impl Table {
    /// Whether nobody holds it or waits for it.
    pub(crate) fn is_free(&self) -> bool {
        self.holders.is_empty() && self.waiting.is_empty()
    }
}

impl Data {
    /// A query arrives at its database: a write asks for its table's lock.
    pub(crate) fn lock<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Flow {
        let call = &core.plan.calls[core.frames[at].call as usize];
        let Some(table) = call.writes else {
            return Flow::On;
        };
        let watched = call.grip.is_some() || call.lock_timeout.is_some();
        let owner = core.owner(at);
        let writers = core.plan.tables[table.index()].writers;
        let place = self.place(core, at, table);
        let slot = &mut self.tables[place as usize];
        if owner != at && slot.holders.contains(&owner) {
            return Flow::On;
        }
        if (slot.holders.len() as u32) < writers {
            slot.holders.push(owner);
            self.rows.note(owner, place);
            return Flow::On;
        }
        slot.waiting.push_back(at);
        if owner != at || watched {
            self.await_lock(core, owner, Wait { at, table, place, whole: false });
        }
        Flow::Stay
    }

    /// A query has done its work: a read notes the version it saw, a conditional write goes on at `fail` if that is another
    /// by now.
    #[inline(never)]
    pub(crate) fn compare<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, next: Pc, fail: Pc) -> Flow {
        let call = &core.plan.calls[core.frames[at].call as usize];
        let (writes, compares) = (call.writes, call.compares);
        let Some(table) = writes.or(compares) else { return core.jump(at, next) };
        let (asker, owner) = (core.asker(at), core.owner(at));
        let lineage = asker.map(|asker| (asker, core.request_of(asker)));
        // A read of a table is the first to ask for its row.
        let place = if writes.is_some() { self.place_asked(core, at, table) } else { self.place(core, at, table) };
        let slot = &mut self.tables[place as usize];
        let version = slot.version_for(owner);
        let conflict = compares.is_some()
            && match lineage {
                Some((asker, who)) => slot.seen.get(&asker).is_some_and(|seen| seen.0 == who && seen.1 != version),
                None => true,
            };
        if writes.is_some() {
            if conflict {
                return core.jump(at, fail);
            }
            slot.written = true;
        }
        if let Some((asker, who)) = lineage {
            slot.seen.insert(asker, (who, slot.version_for(owner)));
        }
        core.jump(at, next)
    }

    /// A query is answered: its lock is free unless a transaction holds it.
    pub(crate) fn unlock<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Flow {
        let call = &core.plan.calls[core.frames[at].call as usize];
        let (writes, grip) = (call.writes, call.grip);
        if let Some(table) = writes {
            self.free_lock(core, self.place_asked(core, at, table), at);
        }
        if let Some(grip) = grip {
            self.loosen(core, grip.table, at);
        }
        Flow::On
    }

    /// A transaction ends: all its locks are free.
    pub(crate) fn end_transaction<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Flow {
        if self.rows.several {
            self.rows.of_owner(at).into_iter().for_each(|place| self.free_lock(core, place, at));
        }
        for table in 0..self.grips.len() as u32 {
            if !self.rows.several {
                self.free_lock(core, table, at);
            }
            self.loosen(core, TableId(table), at);
        }
        Flow::On
    }

    /// A transaction fails: what it wrote is undone, and all its locks are free.
    pub(crate) fn roll_back<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32) -> Flow {
        for table in self.tables.iter_mut().filter(|table| table.holders.contains(&at)) {
            table.written = false;
        }
        self.end_transaction(core, at)
    }

    /// Frames that die wait for no lock any more.
    pub(crate) fn forget_waits<P: Probe>(&mut self, core: &mut Core<'_, P>, victims: &[u32]) {
        self.leave_locks(core, victims);
        self.blocked.retain(|owner, wait| !victims.contains(owner) && !victims.contains(&wait.at));
        self.patience.retain(|at, _| !victims.contains(at));
    }

    /// A database died: its locks are gone, those of transactions elsewhere too.
    pub(crate) fn forget_locks_of<P: Probe>(&mut self, core: &mut Core<'_, P>, replica: u32) {
        let node = core.node_of(replica);
        for call in core.plan.calls.iter().filter(|call| core.plan.endpoint(call.endpoint).node == node) {
            if let Some(table) = call.writes {
                let spec = &core.plan.tables[table.index()];
                for place in spec.first..spec.first + spec.places() {
                    let slot = &mut self.tables[place as usize];
                    slot.holders.iter().for_each(|owner| self.rows.strike(*owner, place));
                    slot.reset();
                }
            }
            if let Some(grip) = call.grip {
                self.loosen_all(core, grip.table);
            }
        }
    }

    fn free_lock<P: Probe>(&mut self, core: &mut Core<'_, P>, place: u32, owner: u32) {
        let slot = &mut self.tables[place as usize];
        let Some(held) = slot.holders.iter().position(|h| *h == owner) else {
            return;
        };
        slot.holders.swap_remove(held);
        slot.version += u64::from(std::mem::take(&mut slot.written));
        let next = slot.waiting.pop_front();
        if self.rows.several {
            self.rows.strike(owner, place);
        }
        let Some(next) = next else {
            return;
        };
        self.end_wait(core, next);
        let owner = core.owner(next);
        self.tables[place as usize].holders.push(owner);
        self.rows.note(owner, place);
        core.charge(next, Cause::Database);
        core.ready.push_back(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_sees_its_own_write_before_it_is_committed() {
        let mut table = Table { holders: vec![4], version: 7, written: true, ..Table::default() };
        assert_eq!((table.version_for(4), table.version_for(5)), (8, 7));
        table.reset();
        assert_eq!((table.version_for(4), table.is_free()), (7, true));
    }
}
