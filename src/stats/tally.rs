//! A tally: count, sum and sum of squares in whole numbers, so that merging gives the same bytes in any order.

/// Count, sum, sum of squares, smallest and largest of whole values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    count: u64,
    sum: u128,
    squares: u128,
    min: u64,
    max: u64,
}

/// Sum and sum of squares alone, for whoever counts elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    sum: u128,
    squares: u128,
}

impl Sums {
    /// Adds a value.
    #[inline]
    pub(super) fn add(&mut self, value: u64) {
        self.sum += u128::from(value);
        let (squares, over) = self.squares.overflowing_add(u128::from(value) * u128::from(value));
        self.squares = squares;
        if over {
            self.overflow();
        }
    }

    /// The sum of squares stays at the largest number there is.
    #[cold]
    #[inline(never)]
    fn overflow(&mut self) {
        self.squares = u128::MAX;
    }

    /// Adds `value` `n` times.
    pub(super) fn add_n(&mut self, value: u64, n: u64) {
        let (value, many) = (u128::from(value), u128::from(n));
        self.merge(&Self { sum: value * many, squares: value * value * many });
    }

    /// Adds all that another has added.
    pub(super) fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        self.squares = self.squares.saturating_add(other.squares);
    }
}

impl Tally {
    /// A tally by its parts; smallest and largest of none are 0.
    pub(super) fn of(count: u64, sums: Sums, min: u64, max: u64) -> Self {
        Self { count, sum: sums.sum, squares: sums.squares, min, max }
    }

    /// Records a value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        self.record_n(value, 1);
    }

    /// Records `value` `n` times.
    pub fn record_n(&mut self, value: u64, n: u64) {
        if n > 0 {
            let (value, many) = (u128::from(value), u128::from(n));
            let same = Self {
                count: n,
                sum: value * many,
                squares: value * value * many,
                min: value as u64,
                max: value as u64,
            };
            self.merge(&same);
        }
    }

    /// Adds all that another tally has recorded.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.min = if self.count == 0 { other.min } else { self.min.min(other.min) };
        self.max = self.max.max(other.max);
        self.count += other.count;
        self.sum += other.sum;
        self.squares = self.squares.saturating_add(other.squares);
    }

    /// Values recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// The smallest; `None` without values.
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// The largest; `None` without values.
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// The mean; `None` without values.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The sample variance (n − 1); `None` below two values.
    pub fn var(&self) -> Option<f64> {
        (self.count > 1).then(|| self.deviations() / (self.count - 1) as f64)
    }

    /// Σ(x − mean)², taken around the whole part of the mean in whole numbers: nothing cancels. The terms may leave 128
    /// bits, their sum does not, so wrapping is right.
    fn deviations(&self) -> f64 {
        let n = u128::from(self.count);
        let (whole, rest) = (self.sum / n, self.sum % n);
        let around = self
            .squares
            .wrapping_sub(whole.wrapping_mul(self.sum).wrapping_mul(2))
            .wrapping_add(whole.wrapping_mul(whole).wrapping_mul(n));
        (around as f64 - rest as f64 * (rest as f64 / n as f64)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u64]) -> Tally {
        let mut tally = Tally::default();
        for v in values {
            tally.record(*v);
        }
        tally
    }

    #[test]
    fn knows_mean_and_variance() {
        let tally = of(&[2, 4, 4, 4, 5, 5, 7, 9]);
        assert_eq!(tally.mean(), Some(5.0));
        assert!((tally.var().unwrap() - 32.0 / 7.0).abs() < 1e-14);
        assert_eq!((tally.min(), tally.max(), tally.count(), tally.sum()), (Some(2), Some(9), 8, 40));
    }

    #[test]
    fn empty_and_single_say_so() {
        let empty = Tally::default();
        assert_eq!((empty.mean(), empty.var(), empty.min(), empty.max()), (None, None, None, None));
        assert_eq!((of(&[3]).mean(), of(&[3]).var()), (Some(3.0), None));
    }

    #[test]
    fn small_spread_on_a_large_level_does_not_cancel() {
        let level = 3_600_000_000_000_000;
        let tally = of(&[level, level + 1, level + 2, level + 4]);
        assert!((tally.var().unwrap() - 35.0 / 12.0).abs() < 1e-12, "{:?}", tally.var());
        assert_eq!(of(&[level; 1000]).var(), Some(0.0));
    }

    #[test]
    fn merges_in_any_order() {
        let (a, b, c) = (of(&[1, 2, 3]), of(&[]), of(&[10, 20]));
        let (mut left, mut right) = (a, c);
        left.merge(&b);
        left.merge(&c);
        right.merge(&b);
        right.merge(&a);
        assert_eq!(left, right);
        assert_eq!(left, of(&[1, 2, 3, 10, 20]));
    }
}
