//! Whether a level stays where it is, rises or falls, told from the two halves of each replication.

use super::{mean_of, paired_difference};

/// By how much of the first half's level the second's may differ, where it is said to have stayed.
const STAYS: f64 = 0.05;

/// What a level does from the first half of a run to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    /// When the whole interval of the difference lies within ±5 % of the first half's level.
    Stays,
    /// When it lies above that, and what came together is a whole one at least.
    Rises,
    /// When it lies below.
    Falls,
    /// When it does neither, or there is no interval.
    Unknown,
}

/// What a level does: (mean in the first half, mean in the second) per replication, with an interval of this confidence.
/// A level of nothing at all stays, with one replication too.
pub fn drift(halves: &[(f64, f64)], confidence: f64) -> Drift {
    if halves.iter().all(|half| *half == (0.0, 0.0)) {
        return Drift::Stays;
    }
    let (first, second): (Vec<f64>, Vec<f64>) = halves.iter().copied().unzip();
    let room = STAYS * mean_of(&first, confidence).value.unwrap_or(0.0);
    let apart = paired_difference(&first, &second, confidence);
    // Of a few requests in a run the second half may have one more than the first in every replication: that is no pile.
    let piles = apart.value.is_some_and(|more| more >= 1.0);
    match apart.ends() {
        Some((low, high)) if -room <= low && high <= room => Drift::Stays,
        Some((low, _)) if low > room && piles => Drift::Rises,
        Some((_, high)) if high < -room => Drift::Falls,
        _ => Drift::Unknown,
    }
}

/// Whether the mean of the second halves is above the first ones' by more than a level may that stays; certain or not.
pub fn seems_to_rise(halves: &[(f64, f64)]) -> bool {
    let (first, second) = halves.iter().fold((0.0, 0.0), |sum, half| (sum.0 + half.0, sum.1 + half.1));
    second > (1.0 + STAYS) * first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_stays_only_where_the_whole_interval_says_so() {
        let of = |halves: &[(f64, f64)]| drift(halves, 0.95);
        assert_eq!(of(&[]), Drift::Stays);
        assert_eq!(of(&[(10.0, 10.2)]), Drift::Unknown, "one replication has no interval");
        assert_eq!(of(&[(10.0, 14.0), (10.0, 8.0), (10.0, 12.0)]), Drift::Unknown, "it contains 0 and much else");
        assert_eq!(of(&[(10.0, 20.0), (10.0, 21.0), (10.0, 19.0)]), Drift::Rises);
        assert_eq!(of(&[(20.0, 10.0), (21.0, 10.0), (19.0, 10.0)]), Drift::Falls);
        assert_eq!(of(&[(10.0, 10.2), (10.0, 10.1), (10.0, 10.2)]), Drift::Stays);
        assert_eq!(of(&[(0.0, 0.0), (0.0, 0.0)]), Drift::Stays);
        assert_eq!(of(&[(0.0, 1.0), (0.0, 1.0)]), Drift::Rises);
        assert_eq!(of(&[(0.010, 0.020), (0.011, 0.021)]), Drift::Unknown, "two requests of 10 ms are no pile");
    }

    #[test]
    fn what_seems_to_rise_need_not_be_certain() {
        assert!(seems_to_rise(&[(10.0, 10.6)]));
        assert!(!seems_to_rise(&[(10.0, 10.4)]) && !seems_to_rise(&[(0.0, 0.0)]));
    }
}
