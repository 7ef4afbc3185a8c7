//! A trailing window as a ring of buckets: what happened within the last so long, to the width of a bucket.

use crate::units::{Span, Time};

/// Buckets of a window, as Hystrix and Linkerd cut theirs.
pub(super) const BUCKETS: usize = 10;

/// Counts of `N` kinds over a trailing window.
#[derive(Clone, Debug)]
pub(super) struct Trailing<const N: usize> {
    width: u64,
    /// Number of the current bucket since time zero.
    now: u64,
    /// When the next bucket begins, and where the current one stands in the ring: most of what is counted falls into it.
    until: Time,
    at: usize,
    ring: Vec<[f64; N]>,
    sum: [f64; N],
}

impl<const N: usize> Trailing<N> {
    /// An empty window of this length in so many buckets.
    pub(super) fn new(length: Span, buckets: usize) -> Self {
        let width = (length.0 / buckets as u64).max(1);
        Self { width, now: 0, until: Time(width), at: 0, ring: vec![[0.0; N]; buckets], sum: [0.0; N] }
    }

    /// Counts `amount` of a kind now.
    pub(super) fn add(&mut self, now: Time, kind: usize, amount: f64) {
        let mut amounts = [0.0; N];
        amounts[kind] = amount;
        self.add_each(now, amounts);
    }

    /// Counts amounts of all kinds now.
    #[inline]
    pub(super) fn add_each(&mut self, now: Time, amounts: [f64; N]) {
        self.turn(now);
        let Some(bucket) = self.ring.get_mut(self.at) else { return };
        for ((count, sum), amount) in bucket.iter_mut().zip(&mut self.sum).zip(amounts) {
            *count += amount;
            *sum += amount;
        }
    }

    /// What the window holds now, by kind.
    #[inline]
    pub(super) fn sums(&mut self, now: Time) -> [f64; N] {
        self.turn(now);
        self.sum
    }

    /// Drops the buckets that are too old by now.
    #[inline]
    fn turn(&mut self, now: Time) {
        if now >= self.until {
            self.turn_to(now);
        }
    }

    /// Another bucket begins.
    #[cold]
    #[inline(never)]
    fn turn_to(&mut self, now: Time) {
        let current = now.0 / self.width;
        let buckets = self.ring.len() as u64;
        let passed = (current - self.now).min(buckets);
        for step in 1..=passed {
            self.ring[((self.now + step) % buckets) as usize] = [0.0; N];
        }
        if passed == buckets {
            self.ring.fill([0.0; N]);
        }
        self.now = current;
        self.until = Time((current + 1).saturating_mul(self.width));
        self.at = (current % buckets) as usize;
        // Summed afresh, so that rounding never piles up.
        self.sum = [0.0; N];
        for bucket in &self.ring {
            for (sum, count) in self.sum.iter_mut().zip(bucket) {
                *sum += count;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_old_is_forgotten() {
        let mut window = Trailing::<2>::new(Span(1_000), 10);
        window.add(Time(50), 0, 1.0);
        window.add(Time(950), 1, 2.0);
        assert_eq!(window.sums(Time(999)), [1.0, 2.0]);
        assert_eq!(window.sums(Time(1_000)), [0.0, 2.0]);
        assert_eq!(window.sums(Time(1_899)), [0.0, 2.0]);
        assert_eq!(window.sums(Time(1_900)), [0.0, 0.0]);
        window.add(Time(1_900), 0, 3.0);
        assert_eq!(window.sums(Time(1_000_000)), [0.0, 0.0]);
    }
}
