//! Time at each level: how many requests were at a node, weighted by how long.

use super::rank;

/// Levels above are counted as this one, so that a runaway level does not take all memory (`max` stays exact).
const TOP: u32 = 1 << 24;

/// Nanoseconds spent at each whole level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    at: Vec<u64>,
    max: u32,
}

impl Occupancy {
    /// Adds `dt` nanoseconds at `level`. No time at all still counts for the largest level.
    #[inline]
    pub fn add(&mut self, level: u32, dt: u64) {
        // Where there is a place for it, that level or a higher one has been reached before.
        match self.at.get_mut(level as usize) {
            Some(time) => *time += dt,
            None => self.grow(level, dt),
        }
    }

    #[cold]
    fn grow(&mut self, level: u32, dt: u64) {
        self.max = self.max.max(level);
        if dt == 0 {
            return;
        }
        let level = level.min(TOP) as usize;
        if self.at.len() <= level {
            self.at.resize(level + 1, 0);
        }
        self.at[level] += dt;
    }

    /// Adds all time of another. Exact, in any order.
    pub fn merge(&mut self, other: &Self) {
        self.max = self.max.max(other.max);
        if self.at.len() < other.at.len() {
            self.at.resize(other.at.len(), 0);
        }
        for (time, more) in self.at.iter_mut().zip(&other.at) {
            *time += more;
        }
    }

    /// All time, ns.
    pub fn total(&self) -> u64 {
        self.at.iter().sum()
    }

    /// Time at `level`, ns.
    pub fn at(&self, level: u32) -> u64 {
        self.at.get(level as usize).copied().unwrap_or(0)
    }

    /// Time at or above `level`, ns.
    pub fn at_or_above(&self, level: u32) -> u64 {
        self.at.iter().skip(level as usize).sum()
    }

    /// The highest level that was reached, if only for an instant.
    pub fn max(&self) -> u32 {
        self.max
    }

    /// Level · time, ns: the area under the level. Exact.
    pub fn area(&self) -> u128 {
        self.at.iter().enumerate().map(|(level, time)| level as u128 * u128::from(*time)).sum()
    }

    /// The mean over time; `None` without time.
    pub fn mean(&self) -> Option<f64> {
        let total = self.total();
        (total > 0).then(|| self.area() as f64 / total as f64)
    }

    /// The variance over time; `None` without time.
    pub fn var(&self) -> Option<f64> {
        let (mean, total) = (self.mean()?, self.total() as f64);
        let apart =
            |(level, time): (usize, &u64)| (level as f64 - mean) * (level as f64 - mean) * (*time as f64 / total);
        Some(self.at.iter().enumerate().map(apart).sum())
    }

    /// The level at or below which it was for the share `q` of the time; `None` without time.
    pub fn quantile(&self, q: f64) -> Option<u32> {
        let total = self.total();
        let wanted = rank(q, total);
        let mut seen = 0;
        let level = self.at.iter().position(|time| {
            seen += time;
            seen >= wanted
        });
        if total == 0 { None } else { level.map(|level| level as u32) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[(u32, u64)]) -> Occupancy {
        let mut occupancy = Occupancy::default();
        for (level, dt) in parts {
            occupancy.add(*level, *dt);
        }
        occupancy
    }

    #[test]
    fn weighs_levels_by_time() {
        let occupancy = of(&[(0, 50), (1, 30), (4, 20), (9, 0)]);
        assert_eq!(occupancy.mean(), Some(1.1));
        assert!((occupancy.var().unwrap() - (0.3 + 0.2 * 16.0 - 1.21)).abs() < 1e-12);
        assert_eq!((occupancy.quantile(0.5), occupancy.quantile(0.51)), (Some(0), Some(1)));
        assert_eq!((occupancy.quantile(0.8), occupancy.quantile(0.99)), (Some(1), Some(4)));
        assert_eq!((occupancy.max(), occupancy.total(), occupancy.at(4)), (9, 100, 20));
        assert_eq!((occupancy.at_or_above(1), occupancy.at_or_above(5), occupancy.area()), (50, 0, 110));
    }

    #[test]
    fn without_time_there_is_nothing_to_say() {
        let empty = of(&[(3, 0)]);
        assert_eq!((empty.mean(), empty.var(), empty.quantile(0.5), empty.total()), (None, None, None, 0));
        assert_eq!(empty.max(), 3);
    }

    #[test]
    fn merges_in_any_order() {
        let (a, b) = (of(&[(0, 5), (7, 2)]), of(&[(1, 1), (2, 9)]));
        let (mut left, mut right) = (a.clone(), b.clone());
        left.merge(&b);
        right.merge(&a);
        assert_eq!(left, right);
        assert_eq!(left.total(), 17);
    }

    #[test]
    fn a_runaway_level_is_capped_but_its_largest_is_not() {
        let occupancy = of(&[(u32::MAX, 10)]);
        assert_eq!((occupancy.max(), occupancy.quantile(0.5)), (u32::MAX, Some(TOP)));
    }
}
