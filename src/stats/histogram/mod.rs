//! A latency histogram in HdrHistogram's bucket layout (Tene): three significant digits at every scale.
//!
//! Values below 2048 have a bucket each; above, every power of two is cut into 1024 buckets. Counts are 32 bits wide and
//! come in pages of one power of two each, made when first needed: a node that answers within a few decades costs 40 KB
//! where the full table costs 200. The first samples are kept one by one, so that ten thousand nodes that nobody asks much cost
//! little, too.

mod hdr;

use std::collections::BTreeMap;

use super::rank;

pub use hdr::Exported;

/// Buckets in a page, and in a power of two.
const PAGE: usize = 1024;
/// log₂ of the number of values that have a bucket each (2048).
const EXACT_BITS: u32 = 11;
/// Samples that are kept one by one, before there are pages.
const FEW: u64 = 256;
/// What a 32-bit counter holds before it carries.
const CARRY: u64 = 1 << 32;

/// A histogram of u64 values (nanoseconds) with three significant digits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// The buckets of the first samples, ascending; none once there are pages. There are pages where there are more than [`FEW`]
    /// samples, so that the same samples are always kept in the same way.
    few: Vec<u16>,
    pages: Vec<Option<Box<[u32; PAGE]>>>,
    /// Times that a bucket's counter has run over; almost always empty.
    carries: BTreeMap<usize, u64>,
    count: u64,
    /// Smallest and largest value; 0 while empty.
    min: u64,
    max: u64,
}

/// The bucket of a value.
#[inline]
fn bucket(value: u64) -> usize {
    let shift = 64 - EXACT_BITS - (value | ((1 << EXACT_BITS) - 1)).leading_zeros();
    ((shift as usize) << (EXACT_BITS - 1)) + (value >> shift) as usize
}

/// The smallest value of a bucket and how many values it spans.
fn span(bucket: usize) -> (u64, u64) {
    let shift = (bucket / PAGE).saturating_sub(1);
    (((bucket - shift * PAGE) as u64) << shift, 1 << shift)
}

/// The middle of a bucket: what it stands for. At most 0.05 % from every value in it.
fn middle(bucket: usize) -> u64 {
    let (low, width) = span(bucket);
    low + width / 2
}

impl Histogram {
    /// Records a value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        self.note(value, 1);
        let index = bucket(value);
        if let Some(Some(page)) = self.pages.get_mut(index / PAGE) {
            let slot = &mut page[index % PAGE];
            if let Some(more) = slot.checked_add(1) {
                *slot = more;
                return;
            }
        }
        self.put(index, 1);
    }

    /// Records a value `n` times.
    pub fn record_n(&mut self, value: u64, n: u64) {
        if n > 0 {
            self.note(value, n);
            self.put(bucket(value), n);
        }
    }

    /// Takes note of count, smallest and largest.
    #[inline]
    fn note(&mut self, value: u64, n: u64) {
        // While it is empty both are 0, so that the first value, unless it is 0 too, lies beyond.
        if value < self.min {
            self.widen(value);
        }
        if value > self.max {
            self.widen(value);
        }
        self.count += n;
    }

    /// A value lies beyond the smallest or the largest: rare after the first few.
    #[cold]
    #[inline(never)]
    fn widen(&mut self, value: u64) {
        self.min = if self.count == 0 { value } else { self.min.min(value) };
        self.max = self.max.max(value);
    }

    /// Adds to a bucket, makes its page and carries where needed.
    #[cold]
    fn put(&mut self, index: usize, n: u64) {
        if self.pages.is_empty() {
            if self.few.len() as u64 + n <= FEW {
                return self.put_among_few(index as u16, n as usize);
            }
            for index in std::mem::take(&mut self.few) {
                self.put_in_page(usize::from(index), 1);
            }
        }
        self.put_in_page(index, n);
    }

    /// Keeps samples in their order, in room that grows fourfold: short runs have many histograms of some hundred samples.
    fn put_among_few(&mut self, index: u16, n: usize) {
        let all = self.few.len() + n;
        if all > self.few.capacity() {
            let room = (4 * self.few.capacity()).clamp(16, FEW as usize).max(all);
            self.few.reserve_exact(room - self.few.len());
        }
        let at = self.few.partition_point(|other| *other <= index);
        if n == 1 {
            self.few.insert(at, index);
        } else {
            self.few.splice(at..at, std::iter::repeat_n(index, n));
        }
    }

    fn put_in_page(&mut self, index: usize, n: u64) {
        if self.pages.len() <= index / PAGE {
            self.pages.resize(index / PAGE + 1, None);
        }
        let page = self.pages[index / PAGE].get_or_insert_with(|| Box::new([0; PAGE]));
        let sum = u64::from(page[index % PAGE]) + n % CARRY;
        page[index % PAGE] = sum as u32;
        let carried = n / CARRY + sum / CARRY;
        if carried > 0 {
            *self.carries.entry(index).or_default() += carried;
        }
    }

    /// Adds all that another histogram has recorded. Exact, in any order.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            self.clone_from(other);
            return;
        }
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.count += other.count;
        other.buckets(|index, n| self.put(index, n));
    }

    /// Calls `f(bucket, count)` for each bucket that is not empty, ascending.
    fn buckets(&self, mut f: impl FnMut(usize, u64)) {
        for same in self.few.chunk_by(|a, b| a == b) {
            f(usize::from(same[0]), same.len() as u64);
        }
        let plain = self.carries.is_empty();
        for (p, page) in self.pages.iter().enumerate() {
            let Some(page) = page else { continue };
            for (i, &low) in page.iter().enumerate() {
                if plain && low == 0 {
                    continue;
                }
                let index = p * PAGE + i;
                let carried = if plain { 0 } else { self.carries.get(&index).copied().unwrap_or(0) };
                if low > 0 || carried > 0 {
                    f(index, carried * CARRY + u64::from(low));
                }
            }
        }
    }

    /// Samples recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The smallest sample, exact; 0 when empty.
    pub fn min(&self) -> u64 {
        self.min
    }

    /// The largest sample, exact; 0 when empty.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The value at or below which the share `q` of the samples lies, within 0.05 %; 0 when empty. Exact for values below
    /// 2048 and for the smallest and the largest sample.
    pub fn quantile(&self, q: f64) -> u64 {
        if self.count == 0 { 0 } else { self.at_rank(rank(q, self.count)) }
    }

    /// The sample of that place, from 1, in ascending order, as [`Histogram::quantile`] has it; the largest for all beyond.
    pub fn at_rank(&self, place: u64) -> u64 {
        if place >= self.count {
            return self.max;
        }
        if !self.few.is_empty() {
            let nth = (place as usize).saturating_sub(1);
            return middle(usize::from(self.few[nth])).clamp(self.min, self.max);
        }
        let mut seen = 0;
        for p in 0..self.pages.len() {
            let page = self.page_sum(p);
            if seen + page < place {
                seen += page;
                continue;
            }
            let found = (p * PAGE..(p + 1) * PAGE).find(|index| {
                seen += self.at(*index);
                seen >= place
            });
            return found.map_or(self.max, middle).clamp(self.min, self.max);
        }
        self.max
    }

    /// How many samples lie at or below `value`; those of its own bucket (within 0.1 %) do.
    pub fn count_at_or_below(&self, value: u64) -> u64 {
        if self.count == 0 || value < self.min {
            return 0;
        }
        if value >= self.max {
            return self.count;
        }
        let last = bucket(value);
        if !self.few.is_empty() {
            return self.few.partition_point(|index| usize::from(*index) <= last) as u64;
        }
        let whole: u64 = (0..last / PAGE).map(|p| self.page_sum(p)).sum();
        whole + (last / PAGE * PAGE..=last).map(|index| self.at(index)).sum::<u64>()
    }

    /// Samples in a bucket.
    fn at(&self, index: usize) -> u64 {
        let Some(Some(page)) = self.pages.get(index / PAGE) else { return 0 };
        let carried = if self.carries.is_empty() { 0 } else { self.carries.get(&index).copied().unwrap_or(0) };
        carried * CARRY + u64::from(page[index % PAGE])
    }

    /// Samples in a page.
    fn page_sum(&self, p: usize) -> u64 {
        let Some(Some(page)) = self.pages.get(p) else { return 0 };
        if self.count < CARRY {
            // Nothing carries, and no sum does: half as wide, it takes a quarter of the time.
            return u64::from(page.iter().sum::<u32>());
        }
        let carried: u64 = self.carries.range(p * PAGE..(p + 1) * PAGE).map(|(_, n)| n * CARRY).sum();
        carried + page.iter().map(|n| u64::from(*n)).sum::<u64>()
    }

    /// The share of the samples above `value`; 0 when empty.
    pub fn share_above(&self, value: u64) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        (self.count - self.count_at_or_below(value)) as f64 / self.count as f64
    }

    /// Calls `f(value, count)` for each bucket that is not empty, ascending; the value is the bucket's middle.
    pub fn each(&self, mut f: impl FnMut(u64, u64)) {
        self.buckets(|index, n| f(middle(index), n));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draw, Lineage, Purpose};

    /// Values over nine decades.
    fn values(seed: u64, n: u64) -> impl Iterator<Item = u64> {
        (0..n).map(move |i| {
            let mut draw = Draw::new(seed, Lineage::root(1, i), Purpose::Work, 0);
            draw.bits() >> (24 + draw.below(36))
        })
    }

    fn of(values: impl Iterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        values.for_each(|v| histogram.record(v));
        histogram
    }

    #[test]
    fn every_value_lies_in_its_bucket_and_near_its_middle() {
        let edges = (0..64).flat_map(|b| [1u64 << b, (1 << b) - 1, (1 << b) + 1]);
        for value in edges.chain(values(1, 10_000)).chain([0, 2047, 2048, 2049, u64::MAX]) {
            let (low, width) = span(bucket(value));
            assert!(low <= value && value - low < width, "{value}: {low} + {width}");
            assert!(middle(bucket(value)).abs_diff(value) as f64 <= 0.0005 * value as f64, "{value}");
        }
        assert!((0..bucket(u64::MAX)).all(|i| span(i).0 + span(i).1 == span(i + 1).0));
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_values() {
        let mut sorted: Vec<u64> = values(2, 20_001).collect();
        let histogram = of(sorted.iter().copied());
        sorted.sort_unstable();
        for q in [0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let exact = sorted[rank(q, sorted.len() as u64) as usize - 1];
            let found = histogram.quantile(q);
            assert!(found.abs_diff(exact) as f64 <= 0.001 * exact as f64, "{q}: {found} for {exact}");
        }
        assert_eq!((histogram.min(), histogram.max()), (sorted[0], sorted[20_000]));
    }

    #[test]
    fn few_samples_are_as_many_are() {
        for n in [1, 2, FEW - 1, FEW, FEW + 1, 3 * FEW] {
            let (few, mut paged) = (of(values(5, n)), Histogram::default());
            for value in values(5, n) {
                paged.note(value, 1);
                paged.put_in_page(bucket(value), 1);
            }
            assert_eq!(few.pages.is_empty(), n <= FEW, "{n}");
            let each = |histogram: &Histogram| {
                let mut all = Vec::new();
                histogram.each(|value, count| all.push((value, count)));
                let ranks: Vec<u64> = (1..=n).map(|place| histogram.at_rank(place)).collect();
                let below: Vec<u64> = values(5, n).map(|value| histogram.count_at_or_below(value)).collect();
                (all, ranks, below, histogram.min, histogram.max, histogram.to_base64())
            };
            assert_eq!(each(&few), each(&paged), "{n}");
            // However they came together.
            let (mut left, mut right) = (of(values(5, n / 3)), of(values(5, n).skip((n / 3) as usize)));
            let twice = right.clone();
            right.merge(&left);
            left.merge(&twice);
            assert_eq!((&left, &right), (&few, &few), "{n}");
        }
    }

    #[test]
    fn small_values_are_exact() {
        let histogram = of((1..=100).rev());
        for percent in 1..=100 {
            assert_eq!(histogram.quantile(percent as f64 / 100.0), percent);
        }
        assert_eq!(histogram.count_at_or_below(37), 37);
        assert_eq!(histogram.share_above(90), 0.1);
    }

    #[test]
    fn a_constant_is_told_exactly() {
        let histogram = of(std::iter::repeat_n(400_000_123, 50));
        assert_eq!((histogram.quantile(0.01), histogram.quantile(0.99)), (400_000_123, 400_000_123));
        assert_eq!(histogram.count_at_or_below(400_000_122), 0);
        assert_eq!(histogram.count_at_or_below(400_000_123), 50);
    }

    #[test]
    fn empty_has_nothing() {
        let empty = Histogram::default();
        assert_eq!((empty.count(), empty.quantile(0.5), empty.max(), empty.share_above(0)), (0, 0, 0, 0.0));
        empty.each(|_, _| panic!("a bucket in an empty histogram"));
    }

    #[test]
    fn merging_is_exact_in_any_order() {
        let (a, b) = (of(values(3, 5_000)), of(values(4, 7_000)));
        let (mut left, mut right) = (a.clone(), b.clone());
        left.merge(&b);
        right.merge(&Histogram::default());
        right.merge(&a);
        assert_eq!(left, right);
        assert_eq!(left, of(values(3, 5_000).chain(values(4, 7_000))));
    }

    #[test]
    fn a_counter_that_runs_over_carries() {
        let mut histogram = Histogram::default();
        histogram.record_n(7, CARRY - 1);
        histogram.record(7);
        histogram.record(7);
        histogram.record_n(9, 3 * CARRY);
        let twice = histogram.clone();
        histogram.merge(&twice);
        let mut found = Vec::new();
        histogram.each(|value, n| found.push((value, n)));
        assert_eq!(found, [(7, 2 * CARRY + 2), (9, 6 * CARRY)]);
        assert_eq!(histogram.count(), 8 * CARRY + 2);
        assert_eq!(histogram.quantile(0.2), 7);
        assert_eq!(histogram.quantile(0.3), 9);
    }
}
