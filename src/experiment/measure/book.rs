//! The ledger of a client: where the time of its requests went, by latency, so that the mean request and the slow ones can
//! be told apart.
//!
//! Parts are summed per cell (node and cause) in logarithmic buckets of latency, at most 0.8 % wide, which merge exactly.
//! The column of a percentile is the mean over the requests whose ranks lie in a band around it.

use crate::model::Cell;
use crate::units::Span;

/// Buckets per doubling of latency, as bits.
const FINE: u32 = 7;
/// Bits of a double's mantissa below those that tell the bucket.
const SHIFT: u32 = 52 - FINE;
/// Bucket of the smallest latency, 1 ns.
const BASE: u64 = 1.0f64.to_bits() >> SHIFT;
/// None.
const NONE: u32 = u32::MAX;

/// Sums of parts by bucket of latency.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    /// Where a cell's sums stand; cells are met in the order of the run, which is the same for every run.
    slots: Vec<u32>,
    cells: Vec<Cell>,
    /// Which of `buckets` a latency belongs to.
    index: Vec<u32>,
    buckets: Vec<Bucket>,
}

#[derive(Clone, Debug)]
struct Bucket {
    rank: u32,
    count: u64,
    sums: Vec<u64>,
}

impl Book {
    /// Enters a request.
    #[inline]
    pub(super) fn enter(&mut self, latency: Span, parts: impl Iterator<Item = (Cell, Span)>) {
        let rank = (((latency.0.max(1) as f64).to_bits() >> SHIFT) - BASE) as u32;
        let at = self.bucket(rank);
        self.buckets[at].count += 1;
        let mut parts = parts;
        while let Some((cell, span)) = self.enter_known(at, &mut parts) {
            self.enter_new(at, cell, span);
        }
    }

    /// Enters parts up to the first whose cell is new, to this bucket at least; returns that.
    #[inline(always)]
    fn enter_known(&mut self, at: usize, parts: &mut impl Iterator<Item = (Cell, Span)>) -> Option<(Cell, Span)> {
        let (slots, sums) = (&self.slots[..], &mut self.buckets[at].sums[..]);
        parts.find(|(cell, span)| {
            // A cell that is not known yet has no slot, or the slot `NONE`: none of them has a sum.
            let slot = slots.get(cell.0 as usize).map_or(usize::MAX, |slot| *slot as usize);
            let sum = sums.get_mut(slot);
            let new = sum.is_none();
            if let Some(sum) = sum {
                *sum += span.0;
            }
            new
        })
    }

    /// Enters a part whose cell is new, to a bucket at least.
    #[cold]
    fn enter_new(&mut self, at: usize, cell: Cell, span: Span) {
        let slot = self.slot(cell);
        let sums = &mut self.buckets[at].sums;
        if sums.len() <= slot {
            sums.resize(slot + 1, 0);
        }
        sums[slot] += span.0;
    }

    #[inline]
    fn bucket(&mut self, rank: u32) -> usize {
        match self.index.get(rank as usize) {
            Some(at) if *at != NONE => *at as usize,
            _ => self.new_bucket(rank),
        }
    }

    #[cold]
    fn new_bucket(&mut self, rank: u32) -> usize {
        if self.index.len() <= rank as usize {
            self.index.resize(rank as usize + 1, NONE);
        }
        self.index[rank as usize] = self.buckets.len() as u32;
        self.buckets.push(Bucket { rank, count: 0, sums: vec![0; self.cells.len()] });
        self.buckets.len() - 1
    }

    #[inline]
    fn slot(&mut self, cell: Cell) -> usize {
        match self.slots.get(cell.0 as usize) {
            Some(slot) if *slot != NONE => *slot as usize,
            _ => self.new_slot(cell),
        }
    }

    #[cold]
    fn new_slot(&mut self, cell: Cell) -> usize {
        if self.slots.len() <= cell.0 as usize {
            self.slots.resize(cell.0 as usize + 1, NONE);
        }
        self.slots[cell.0 as usize] = self.cells.len() as u32;
        self.cells.push(cell);
        self.cells.len() - 1
    }

    /// Adds another replication's.
    pub(crate) fn merge(&mut self, other: &Self) {
        for bucket in &other.buckets {
            let at = self.bucket(bucket.rank);
            self.buckets[at].count += bucket.count;
            for (cell, sum) in other.cells.iter().zip(&bucket.sums) {
                let slot = self.slot(*cell);
                let sums = &mut self.buckets[at].sums;
                if sums.len() <= slot {
                    sums.resize(slot + 1, 0);
                }
                sums[slot] += sum;
            }
        }
    }

    /// Requests entered.
    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().map(|b| b.count).sum()
    }

    /// The mean request of those whose ranks lie between two shares: how many they are, and ms by cell.
    pub(crate) fn band(&self, from: f64, to: f64) -> (f64, Vec<(Cell, f64)>) {
        let count = self.count() as f64;
        let (low, high) = (from * count, to * count);
        let mut order: Vec<&Bucket> = self.buckets.iter().collect();
        order.sort_unstable_by_key(|b| b.rank);
        let (mut before, mut weight, mut sums) = (0.0, 0.0, vec![0.0; self.cells.len()]);
        for bucket in order {
            let n = bucket.count as f64;
            let within = (high.min(before + n) - low.max(before)).max(0.0);
            before += n;
            weight += within;
            for (sum, part) in sums.iter_mut().zip(&bucket.sums) {
                *sum += *part as f64 * (within / n);
            }
        }
        let mean = |sum: f64| if weight > 0.0 { sum / weight / 1e6 } else { 0.0 };
        (weight, self.cells.iter().copied().zip(sums.into_iter().map(mean)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, NodeId};

    fn cell(node: u32, cause: Cause) -> Cell {
        Cell::new(NodeId(node), cause)
    }

    #[test]
    fn bands_tell_slow_requests_from_quick_ones() {
        let (mut a, mut b) = (Book::default(), Book::default());
        for n in 0..100u64 {
            let slow = if n == 99 { 90_000_000 } else { 0 };
            let parts = [(cell(0, Cause::Work), Span(10_000_000)), (cell(1, Cause::Queue), Span(slow))];
            let book = if n % 2 == 0 { &mut a } else { &mut b };
            book.enter(Span(10_000_000 + slow), parts.into_iter());
        }
        a.merge(&b);
        let of = |band: (f64, Vec<(Cell, f64)>), at: Cell| band.1.iter().find(|p| p.0 == at).map_or(0.0, |p| p.1);
        assert!((of(a.band(0.48, 0.52), cell(1, Cause::Queue))).abs() < 1e-9);
        assert!((of(a.band(0.99, 1.0), cell(1, Cause::Queue)) - 90.0).abs() < 1e-9);
        assert!((of(a.band(0.0, 1.0), cell(1, Cause::Queue)) - 0.9).abs() < 1e-9);
        assert!((of(a.band(0.985, 0.995), cell(0, Cause::Work)) - 10.0).abs() < 1e-9);
        assert_eq!(a.count(), 100);
    }
}
