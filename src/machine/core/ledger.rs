//! The ledger: where the time of a request went, kept while it happens.
//!
//! Every frame has a point in time up to which all is accounted for, and a row of entries (cell, time). Whatever
//! ends a stretch of a frame's life charges it from that point to now; a caller appends its callee's row when the call
//! settles, the branch that releases a join passes its row on, the row of an abandoned try is dropped. So the
//! rows partition time by construction: the entries of an answered request add up to its latency exactly.
//!
//! Rows are linked lists in one arena: appending and dropping take no time that grows with the row.

use crate::model::id::NONE;
use crate::model::{Cause, Cell, NodeId, Op, Opening, Outcome, Probe, Trace};
use crate::units::{Span, Time};

use crate::machine::core::frame::Frame;
use crate::machine::core::{Core, Home};

/// An entry of a row.
#[derive(Clone, Copy, Debug)]
struct Entry {
    nanos: u64,
    cell: Cell,
    next: u32,
}

/// A row: first and last entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    first: u32,
    last: u32,
}

impl Row {
    /// A row without entries.
    pub(crate) const EMPTY: Self = Self { first: NONE, last: NONE };
}

impl Default for Row {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// All rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    /// By replica: where it belongs.
    pub(crate) homes: Vec<Home>,
    entries: Vec<Entry>,
    free: Row,
}

impl Ledger {
    /// No rows yet.
    pub(crate) fn new(homes: Vec<Home>) -> Self {
        Self { homes, ..Self::default() }
    }

    /// Enters time in a cell at the end of a row.
    #[inline(always)]
    fn enter(&mut self, row: &mut Row, cell: Cell, nanos: u64) {
        let new = self.free.first;
        match self.entries.get_mut(row.last as usize) {
            Some(last) if last.cell == cell => {
                last.nanos += nanos;
                return;
            }
            Some(last) => last.next = new,
            None => row.first = new,
        }
        let Some(free) = self.entries.get_mut(new as usize) else {
            return self.build(row, cell, nanos);
        };
        row.last = new;
        self.free.first = free.next;
        // Field by field: a whole entry would be put together in memory and read back before its parts have arrived there.
        free.nanos = nanos;
        free.cell = cell;
        free.next = NONE;
    }

    /// No entry is free: makes one for the end of a row.
    #[cold]
    #[inline(never)]
    fn build(&mut self, row: &mut Row, cell: Cell, nanos: u64) {
        let new = self.entries.len() as u32;
        self.entries.push(Entry { nanos, cell, next: NONE });
        match self.entries.get_mut(row.last as usize) {
            Some(last) => last.next = new,
            None => row.first = new,
        }
        row.last = new;
    }

    /// Charges a stretch of a frame's time, from where its account ends, to the node where it is at home.
    #[inline(always)]
    pub(crate) fn charge<P: Probe>(&mut self, probe: &mut P, (at, frame): (u32, &mut Frame), cause: Cause, to: Time) {
        if probe.accounts() && to > frame.account.until {
            let home = &self.homes[frame.replica as usize];
            let whereto = (home.node, home.charged[cause as usize]);
            self.charge_to(probe, (at, frame), whereto, to);
        }
    }

    /// The same where it is known to which node, and as what.
    #[inline(always)]
    pub(crate) fn charge_to<P: Probe>(
        &mut self,
        probe: &mut P,
        (at, frame): (u32, &mut Frame),
        (node, cause): (NodeId, Cause),
        to: Time,
    ) {
        let from = frame.account.until;
        if !probe.accounts() || to <= from {
            return;
        }
        frame.account.until = to;
        self.enter(&mut frame.account.row, Cell::new(node, cause), to.0 - from.0);
        if probe.traces() {
            probe.trace(Trace::Segment { frame: at, node, cause, from, to });
        }
    }

    /// Charges what is left of a call's time to the network, with which it mostly began: then to the same entry.
    #[inline(always)]
    pub(crate) fn charge_return<P: Probe>(&mut self, probe: &mut P, whose: (u32, &mut Frame), now: Time) {
        let (at, frame) = whose;
        if !probe.traces()
            && let Some(first) = self.entries.get_mut(frame.account.row.first as usize)
            && first.cell == Cell::new(self.homes[frame.replica as usize].node, Cause::Network)
        {
            first.nanos += now.since(frame.account.until).0;
            frame.account.until = frame.account.until.max(now);
            return;
        }
        self.charge(probe, (at, frame), Cause::Network, now);
    }

    /// Moves a row to the end of another.
    #[inline]
    pub(crate) fn append(&mut self, to: &mut Row, row: Row) {
        match self.entries.get_mut(to.last as usize) {
            Some(last) if row.first != NONE => {
                last.next = row.first;
                to.last = row.last;
            }
            Some(_) => {}
            None => *to = row,
        }
    }

    /// Forgets a row.
    #[inline]
    fn clear(&mut self, row: Row) {
        if let Some(last) = self.entries.get_mut(row.last as usize) {
            last.next = self.free.first;
            self.free.first = row.first;
        }
    }

    /// The entries of a row.
    pub(crate) fn parts(&self, row: Row) -> Parts<'_> {
        Parts { entries: &self.entries, next: row.first }
    }
}

/// The entries of a row, as they were begun.
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

impl<P: Probe> Core<'_, P> {
    /// A frame begins.
    #[inline]
    pub(crate) fn open_account(&mut self, frame: u32, opening: impl FnOnce() -> Opening) {
        if self.probe.traces() {
            self.probe.trace(Trace::Opened { frame, opening: opening(), at: self.now });
        }
    }

    /// Something happens to a single request that no frame begins or ends with.
    #[inline(always)]
    pub(crate) fn trace(&mut self, moment: impl FnOnce(Time) -> Trace) {
        if self.probe.traces() {
            self.probe.trace(moment(self.now));
        }
    }

    /// A step of a frame fails that is no call: whoever follows it hears what refused it.
    pub(crate) fn spurn(&mut self, frame: u32, op: Op, outcome: Outcome) {
        let node = match op {
            Op::Borrow { lender, .. } => self.plan.lenders[lender.index()].database,
            Op::Publish { post, .. } => self.plan.queue(self.plan.post(post).queue).node,
            Op::Produce { producer, .. } => self.broker_of(producer),
            _ => return,
        };
        if outcome != Outcome::Canceled {
            self.probe.trace(Trace::Spurned { frame, node, outcome, at: self.now });
        }
    }

    /// A frame is over and its slot free.
    #[inline]
    pub(crate) fn close(&mut self, at: u32, outcome: Outcome) {
        if self.probe.accounts() {
            self.ledger.clear(std::mem::take(&mut self.frames[at].account.row));
        }
        self.close_kept(at, outcome);
    }

    /// The same where what its time was spent on has become a part of what another's was.
    #[inline(always)]
    pub(crate) fn close_kept(&mut self, at: u32, outcome: Outcome) {
        if self.probe.traces() {
            let replica = self.frames[at].replica;
            let node = self.node_of(replica);
            let replica = replica - self.plan.node(node).first_replica;
            self.probe.trace(Trace::Closed { frame: at, node, replica, outcome, at: self.now });
        }
        self.frames.remove(at);
        if self.follows_roots() {
            let root = self.root_of(at);
            self.leave_root(root);
        }
    }

    /// What was done for a frame was done for nobody.
    #[inline(never)]
    pub(crate) fn waste(&mut self, at: u32) -> Span {
        let frame = &self.frames[at];
        let wasted = Span(frame.load.spent);
        if self.probe.accounts() && wasted > Span::ZERO {
            self.probe.waste(wasted, self.ledger.parts(frame.account.row));
        }
        wasted
    }

    /// What a frame was spent on becomes a part of what `to` was spent on.
    #[inline]
    pub(crate) fn pass_on(&mut self, to: u32, from: u32) {
        if self.probe.accounts() {
            let row = std::mem::take(&mut self.frames[from].account.row);
            let to = &mut self.frames[to];
            to.account.until = self.now;
            self.ledger.append(&mut to.account.row, row);
        }
    }

    /// Charges a frame's time since its account was last brought up to date.
    #[inline]
    pub(crate) fn charge(&mut self, at: u32, cause: Cause) {
        self.ledger.charge(&mut self.probe, (at, &mut self.frames[at]), cause, self.now);
    }

    /// Charges the next `span` of a frame's time.
    #[inline]
    pub(crate) fn charge_for(&mut self, at: u32, cause: Cause, span: Span) {
        let frame = &mut self.frames[at];
        let to = frame.account.until + span;
        self.ledger.charge(&mut self.probe, (at, frame), cause, to);
    }

    /// Charges a frame's way up to where it leaves a place at which it stays so long from now on.
    #[inline]
    pub(crate) fn charge_way(&mut self, at: u32, stays: Span) {
        let to = self.now + stays;
        self.ledger.charge(&mut self.probe, (at, &mut self.frames[at]), Cause::Network, to);
    }

    /// Charges the next `span` of a frame's time to a node that need not be its own.
    #[inline]
    pub(crate) fn charge_at(&mut self, at: u32, node: NodeId, cause: Cause, span: Span) {
        if !self.probe.accounts() || span == Span::ZERO {
            return;
        }
        let frame = &mut self.frames[at];
        let from = frame.account.until;
        frame.account.until = from + span;
        self.ledger.enter(&mut frame.account.row, Cell::new(node, cause), span.0);
        if self.probe.traces() {
            self.probe.trace(Trace::Segment { frame: at, node, cause, from, to: from + span });
        }
    }
}
