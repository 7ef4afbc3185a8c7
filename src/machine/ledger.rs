//! The ledger: where the time of a request went, kept while it happens.
//!
//! Every frame has an account: a point in time up to which all is accounted for, and a row of entries (cell, time). Whatever
//! ends a stretch of a frame's life charges it from that point to now; a caller appends its callee's row when the call
//! settles, the branch that releases a join passes its row on, the row of an abandoned try is dropped. So the
//! rows partition time by construction: the entries of an answered request add up to its latency exactly.
//!
//! Rows are linked lists in one arena: appending and dropping take no time that grows with the row.

use crate::model::id::NONE;
use crate::model::{Cause, Cell, Opening, Outcome, Probe, Trace};
use crate::units::{Span, Time};

use super::Machine;

/// An entry of a row.
#[derive(Clone, Copy, Debug)]
struct Entry {
    nanos: u64,
    cell: Cell,
    next: u32,
}

/// A row: first and last entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    first: u32,
    last: u32,
}

impl Default for Row {
    fn default() -> Self {
        Self { first: NONE, last: NONE }
    }
}

/// The account of a frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Account {
    row: Row,
    /// Up to here all is accounted for.
    until: Time,
    /// What the CPU work in progress is charged as.
    pub(super) doing: Cause,
}

/// All rows and accounts.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Vec<Entry>,
    free: Row,
    accounts: Vec<Account>,
}

impl Ledger {
    /// A fresh account for a frame.
    #[inline]
    pub(super) fn open(&mut self, at: u32, now: Time) {
        if self.accounts.len() <= at as usize {
            self.accounts.resize(at as usize + 1, Account::default());
        }
        self.accounts[at as usize] = Account { until: now, ..Account::default() };
    }

    /// What a frame's work is charged as.
    pub(super) fn doing(&self, at: u32) -> Cause {
        self.accounts.get(at as usize).map_or(Cause::Work, |a| a.doing)
    }

    /// The account of a frame.
    #[inline]
    pub(super) fn account(&mut self, at: u32) -> &mut Account {
        &mut self.accounts[at as usize]
    }

    #[inline]
    fn enter(&mut self, at: u32, cell: Cell, nanos: u64) {
        let row = &mut self.accounts[at as usize].row;
        if row.last != NONE && self.entries[row.last as usize].cell == cell {
            self.entries[row.last as usize].nanos += nanos;
            return;
        }
        let entry = Entry { nanos, cell, next: NONE };
        let new = self.free.first;
        let new = if new == NONE {
            self.entries.push(entry);
            self.entries.len() as u32 - 1
        } else {
            self.free.first = std::mem::replace(&mut self.entries[new as usize], entry).next;
            new
        };
        if row.last == NONE {
            row.first = new;
        } else {
            self.entries[row.last as usize].next = new;
        }
        row.last = new;
    }

    /// Moves the row of `from` to the end of the row of `to`, which is thereby accounted for up to now.
    #[inline]
    pub(super) fn append(&mut self, to: u32, from: u32, now: Time) {
        let other = std::mem::take(&mut self.accounts[from as usize].row);
        let account = &mut self.accounts[to as usize];
        account.until = now;
        if other.first == NONE {
            return;
        }
        if account.row.last == NONE {
            account.row = other;
        } else {
            self.entries[account.row.last as usize].next = other.first;
            account.row.last = other.last;
        }
    }

    /// Forgets the row of a frame.
    #[inline]
    pub(super) fn clear(&mut self, at: u32) {
        let row = std::mem::take(&mut self.accounts[at as usize].row);
        if row.last != NONE {
            self.entries[row.last as usize].next = self.free.first;
            self.free.first = row.first;
        }
    }

    /// The entries of a frame's row.
    pub(super) fn parts(&self, at: u32) -> Parts<'_> {
        Parts { entries: &self.entries, next: self.accounts[at as usize].row.first }
    }
}

/// The entries of a row, in the order of time.
#[derive(Clone, Debug)]
pub struct Parts<'l> {
    entries: &'l [Entry],
    next: u32,
}

impl Iterator for Parts<'_> {
    type Item = (Cell, Span);

    fn next(&mut self) -> Option<(Cell, Span)> {
        let entry = self.entries.get(self.next as usize)?;
        self.next = entry.next;
        Some((entry.cell, Span(entry.nanos)))
    }
}

impl<P: Probe> Machine<'_, P> {
    /// A frame begins.
    #[inline]
    pub(super) fn open_account(&mut self, frame: u32, opening: impl FnOnce() -> Opening) {
        if P::ACCOUNTS {
            self.ledger.open(frame, self.now);
        }
        if P::TRACES {
            self.probe.trace(Trace::Opened { frame, opening: opening(), at: self.now });
        }
    }

    /// A frame is over and its slot free.
    #[inline]
    pub(super) fn close(&mut self, at: u32, outcome: Outcome) {
        if P::ACCOUNTS {
            self.ledger.clear(at);
        }
        if P::TRACES {
            let replica = self.frames[at].replica;
            let node = self.replicas[replica as usize].node;
            let replica = replica - self.plan.node(node).first_replica;
            self.probe.trace(Trace::Closed { frame: at, node, replica, outcome, at: self.now });
        }
        self.frames.remove(at);
    }

    /// What a frame was spent on becomes a part of what `to` was spent on.
    #[inline]
    pub(super) fn pass_on(&mut self, to: u32, from: u32) {
        if P::ACCOUNTS {
            self.ledger.append(to, from, self.now);
        }
    }

    /// Charges a frame's time since its account was last brought up to date.
    #[inline]
    pub(super) fn charge(&mut self, at: u32, cause: Cause) {
        if P::ACCOUNTS {
            let elapsed = self.now.since(self.ledger.account(at).until);
            self.charge_for(at, cause, elapsed);
        }
    }

    /// Charges the next `span` of a frame's time.
    #[inline]
    pub(super) fn charge_for(&mut self, at: u32, cause: Cause, span: Span) {
        if !P::ACCOUNTS || span == Span::ZERO {
            return;
        }
        let replica = &self.replicas[self.frames[at].replica as usize];
        let node = replica.node;
        let cause = if replica.database && cause <= Cause::Queue { Cause::Database } else { cause };
        let account = self.ledger.account(at);
        let from = account.until;
        account.until = from + span;
        self.ledger.enter(at, Cell::new(node, cause), span.0);
        if P::TRACES {
            self.probe.trace(Trace::Segment { frame: at, node, cause, from, to: from + span });
        }
    }
}
