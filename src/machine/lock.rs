//! Table locks: a write holds one of its table's `writers` until it is answered, or until its transaction ends.
//!
//! A query that waits for a lock waits at the database, outside its line: a blocked session uses no CPU.

use std::collections::VecDeque;

use crate::model::id::NONE;
use crate::model::{Cause, Probe, TableId};

use super::Machine;
use super::walk::Flow;

/// A table's locks.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Who holds one: a query, or the frame whose transaction it belongs to.
    holders: Vec<u32>,
    waiting: VecDeque<u32>,
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
        let writers = self.plan.tables[table.index()];
        let slot = &mut self.tables[table.index()];
        if owner != at && slot.holders.contains(&owner) {
            return Flow::On;
        }
        if (slot.holders.len() as u32) < writers {
            slot.holders.push(owner);
            return Flow::On;
        }
        slot.waiting.push_back(at);
        Flow::Stay
    }

    /// Who is to hold the lock of a query: its transaction, as long as that waits for it, otherwise itself.
    fn owner(&self, at: u32) -> u32 {
        let frame = &self.frames[at];
        let transaction = self.plan.calls[frame.call as usize].in_transaction;
        if transaction && !frame.abandoned && frame.caller != NONE { frame.caller } else { at }
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

    /// Frames that die wait for no lock any more.
    pub(super) fn forget_waits(&mut self, victims: &[u32]) {
        for table in &mut self.tables {
            table.waiting.retain(|at| !victims.contains(at));
        }
    }

    /// A database died: its locks are gone, those of transactions elsewhere too.
    pub(super) fn forget_locks_of(&mut self, replica: u32) {
        let node = self.replicas[replica as usize].node;
        for call in self.plan.calls.iter().filter(|call| self.plan.endpoint(call.endpoint).node == node) {
            if let Some(table) = call.writes {
                self.tables[table.index()].holders.clear();
            }
        }
    }

    fn free_lock(&mut self, table: TableId, owner: u32) {
        let slot = &mut self.tables[table.index()];
        let Some(held) = slot.holders.iter().position(|h| *h == owner) else {
            return;
        };
        slot.holders.swap_remove(held);
        let Some(next) = slot.waiting.pop_front() else {
            return;
        };
        let owner = self.owner(next);
        self.tables[table.index()].holders.push(owner);
        self.charge(next, Cause::Database);
        self.ready.push_back(next);
    }
}
