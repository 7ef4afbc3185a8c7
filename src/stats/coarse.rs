//! A coarse histogram for timelines: buckets at most 1.6 % wide, memory only for the span that was seen.

use super::rank;

/// log₂ of the number of buckets in a power of two (64).
const BITS: u32 = 6;

/// A small histogram of u64 values (nanoseconds), within 0.8 %; values below 128 are exact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coarse {
    /// Bucket of the first counter.
    first: usize,
    counts: Vec<u32>,
    count: u64,
    sum: u128,
}

/// The bucket of a value: as in HdrHistogram, with fewer of them.
#[inline]
fn bucket(value: u64) -> usize {
    let shift = 63 - BITS - (value | ((2 << BITS) - 1)).leading_zeros();
    ((shift as usize) << BITS) + (value >> shift) as usize
}

/// The middle of a bucket.
fn middle(bucket: usize) -> u64 {
    let shift = (bucket >> BITS).saturating_sub(1);
    (((bucket - (shift << BITS)) as u64) << shift) + (1 << shift) / 2
}

impl Coarse {
    /// Records a value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        self.count += 1;
        self.sum += u128::from(value);
        let index = bucket(value);
        match self.counts.get_mut(index.wrapping_sub(self.first)) {
            Some(n) => *n = n.saturating_add(1),
            None => self.put(index, 1),
        }
    }

    /// Adds to a bucket, whose counter may not be there yet.
    #[cold]
    fn put(&mut self, index: usize, n: u32) {
        if self.counts.is_empty() {
            self.first = index;
        }
        if index < self.first {
            self.counts.splice(0..0, std::iter::repeat_n(0, self.first - index));
            self.first = index;
        }
        if index - self.first >= self.counts.len() {
            self.counts.resize(index - self.first + 1, 0);
        }
        let slot = &mut self.counts[index - self.first];
        *slot = slot.saturating_add(n);
    }

    /// Adds all that another has recorded, in any order.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        for (i, n) in other.counts.iter().enumerate().filter(|(_, n)| **n > 0) {
            self.put(other.first + i, *n);
        }
    }

    /// Values recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean, exact; `None` without values.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The value at or below which the share `q` lies, within 0.8 %; `None` without values.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let wanted = rank(q, self.count);
        let mut seen = 0;
        let place = self.counts.iter().position(|n| {
            seen += u64::from(*n);
            seen >= wanted
        });
        place.map(|place| middle(self.first + place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draw, Lineage, Purpose};

    fn values(seed: u64, n: u64) -> Vec<u64> {
        let draw = |i| Draw::new(seed, Lineage::root(1, i), Purpose::Work, 0);
        (0..n).map(|i| draw(i).bits() >> (24 + draw(i + n).below(30))).collect()
    }

    fn of(values: &[u64]) -> Coarse {
        let mut coarse = Coarse::default();
        for v in values {
            coarse.record(*v);
        }
        coarse
    }

    #[test]
    fn quantiles_are_near_those_of_the_sorted_values() {
        let mut sorted = values(1, 5_000);
        let coarse = of(&sorted);
        sorted.sort_unstable();
        for q in [0.0, 0.1, 0.5, 0.9, 0.99, 1.0] {
            let exact = sorted[rank(q, 5_000) as usize - 1];
            let found = coarse.quantile(q).unwrap();
            assert!(found.abs_diff(exact) as f64 <= 0.008 * exact as f64, "{q}: {found} for {exact}");
        }
        let mean = sorted.iter().map(|v| *v as f64).sum::<f64>() / 5_000.0;
        assert!((coarse.mean().unwrap() / mean - 1.0).abs() < 1e-12);
    }

    #[test]
    fn extremes_and_emptiness() {
        assert_eq!((Coarse::default().quantile(0.5), Coarse::default().mean()), (None, None));
        let coarse = of(&[127, 0, u64::MAX]);
        assert_eq!((coarse.quantile(0.0), coarse.quantile(0.5)), (Some(0), Some(127)));
        assert!(coarse.quantile(1.0).unwrap() > u64::MAX / 100 * 99);
    }

    #[test]
    fn merges_in_any_order() {
        let (a, b) = (values(2, 300), values(3, 400));
        let (mut left, mut right) = (of(&a), of(&b));
        left.merge(&of(&b));
        right.merge(&of(&a));
        assert_eq!(left, right);
        assert_eq!(left, of(&[a, b].concat()));
    }
}
