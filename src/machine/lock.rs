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

use crate::model::id::NONE;
use crate::model::{Cause, Pc, Probe, TableId};
use crate::random::Lineage;

use super::Machine;
use super::frame::Origin;
use super::walk::Flow;

/// A table's locks, and the version of its one row.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Who holds one: a query, or the frame whose transaction it belongs to.
    pub(super) holders: Vec<u32>,
    /// Who waits: a query, and who is to hold the lock.
    pub(super) waiting: VecDeque<(u32, u32)>,
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
    pub(super) fn is_free(&self) -> bool {
        self.holders.is_empty() && self.waiting.is_empty()
    }
}

impl<P: Probe> Machine<'_, P> {
    /// A query arrives at its database: a write asks for its table's lock.
    pub(super) fn lock(&mut self, at: u32) -> Flow {
        let Some(table) = self.plan.calls[self.frames[at].call as usize].writes else {
            return Flow::On;
        };
        let owner = self.owner(at);
        let writers = self.plan.tables[table.index()].writers;
        let slot = &mut self.tables[table.index()];
        if owner != at && slot.holders.contains(&owner) {
            return Flow::On;
        }
        if (slot.holders.len() as u32) < writers {
            slot.holders.push(owner);
            return Flow::On;
        }
        slot.waiting.push_back((at, owner));
        if owner != at {
            self.await_lock(at, owner, table);
        }
        Flow::Stay
    }

    /// Who is to hold the lock of a query: its transaction, as long as that waits for it, otherwise itself.
    pub(super) fn owner(&self, at: u32) -> u32 {
        let transaction = self.plan.calls[self.frames[at].call as usize].in_transaction;
        self.asker(at).filter(|_| transaction).unwrap_or(at)
    }

    /// The frame whose step a query is, while that waits for it: a policy in between is not it.
    pub(super) fn asker(&self, at: u32) -> Option<u32> {
        let waits = |at: u32| {
            let frame = &self.frames[at];
            (!frame.abandoned && frame.caller != NONE).then_some(frame.caller)
        };
        let caller = waits(at)?;
        if self.frames[caller].origin == Origin::Guard { waits(caller) } else { Some(caller) }
    }

    /// A query has done its work: a read notes the version it saw, a conditional write goes on at `fail` if that is another
    /// by now.
    #[inline(never)]
    pub(super) fn compare(&mut self, at: u32, next: Pc, fail: Pc) -> Flow {
        let call = &self.plan.calls[self.frames[at].call as usize];
        let (writes, compares) = (call.writes, call.compares);
        let Some(table) = writes.or(compares) else { return self.jump(at, next) };
        let (asker, owner) = (self.asker(at), self.owner(at));
        let lineage = asker.map(|asker| (asker, self.request_of(asker)));
        let slot = &mut self.tables[table.index()];
        let version = slot.version_for(owner);
        let conflict = compares.is_some()
            && match lineage {
                Some((asker, who)) => slot.seen.get(&asker).is_some_and(|seen| seen.0 == who && seen.1 != version),
                None => true,
            };
        if writes.is_some() {
            if conflict {
                return self.jump(at, fail);
            }
            slot.written = true;
        }
        if let Some((asker, who)) = lineage {
            slot.seen.insert(asker, (who, slot.version_for(owner)));
        }
        self.jump(at, next)
    }

    /// The name of the request in a frame, function calls under way in it aside.
    fn request_of(&mut self, at: u32) -> Lineage {
        let own = self.frames[at].lineage;
        self.frames.scopes(at).first().map_or(own, |scope| scope.lineage)
    }

    /// A query is answered: its lock is free unless a transaction holds it.
    pub(super) fn unlock(&mut self, at: u32) -> Flow {
        if let Some(table) = self.plan.calls[self.frames[at].call as usize].writes {
            self.free_lock(table, at);
        }
        Flow::On
    }

    /// A transaction ends: all its locks are free.
    pub(super) fn end_transaction(&mut self, at: u32) -> Flow {
        for table in 0..self.tables.len() as u32 {
            self.free_lock(TableId(table), at);
        }
        Flow::On
    }

    /// A transaction fails: what it wrote is undone, and all its locks are free.
    pub(super) fn roll_back(&mut self, at: u32) -> Flow {
        for table in self.tables.iter_mut().filter(|table| table.holders.contains(&at)) {
            table.written = false;
        }
        self.end_transaction(at)
    }

    /// Frames that die wait for no lock any more.
    pub(super) fn forget_waits(&mut self, victims: &[u32]) {
        for table in &mut self.tables {
            table.waiting.retain(|(at, _)| !victims.contains(at));
        }
        self.blocked.retain(|owner, waits| !victims.contains(owner) && !victims.contains(&waits.0));
    }

    /// A database died: its locks are gone, those of transactions elsewhere too.
    pub(super) fn forget_locks_of(&mut self, replica: u32) {
        let node = self.replicas[replica as usize].node;
        for call in self.plan.calls.iter().filter(|call| self.plan.endpoint(call.endpoint).node == node) {
            if let Some(table) = call.writes {
                self.tables[table.index()].reset();
            }
        }
    }

    fn free_lock(&mut self, table: TableId, owner: u32) {
        let slot = &mut self.tables[table.index()];
        let Some(held) = slot.holders.iter().position(|h| *h == owner) else {
            return;
        };
        slot.holders.swap_remove(held);
        slot.version += u64::from(std::mem::take(&mut slot.written));
        let Some((next, asked_for)) = slot.waiting.pop_front() else {
            return;
        };
        self.end_wait(next, asked_for);
        let owner = self.owner(next);
        self.tables[table.index()].holders.push(owner);
        self.charge(next, Cause::Database);
        self.ready.push_back(next);
    }
}
