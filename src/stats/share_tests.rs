use super::*;
use crate::random::{Draw, Lineage, Purpose};

#[test]
fn what_was_not_seen_is_bounded_all_the_same() {
    assert_eq!(proportion(&[(0, 100), (0, 200)], 0.95).ends(), Some((0.0, 0.01)));
    assert_eq!(proportion(&[(100, 100), (200, 200)], 0.95).ends(), Some((0.99, 1.0)));
    assert_eq!(proportion(&[(0, 2)], 0.95).ends(), Some((0.0, 1.0)));
    assert!(proportion(&[(0, 100)], 0.99).high.unwrap() > 0.046);
    assert_eq!(proportion(&[(0, 0)], 0.95), Interval::NONE);
    let few = proportion(&[(1, 10), (0, 10)], 0.95);
    // Once seen, it is not never.
    assert!(few.value == Some(0.05) && few.low > Some(0.0), "{few:?}");
    // Where ten in a row share a fate, 300 trials are 30.
    let of = Clusters { windows: &[], persistence: 10.0 };
    assert_eq!(clustered(&[(100, 100), (200, 200)], of, 0.95).ends(), Some((0.9, 1.0)));
}

#[test]
fn few_failures_are_a_poisson_count() {
    // Five failures in ten runs of 1,000, no two in one: Garwood's 1.62 and 11.67.
    let parts: Vec<(u64, u64)> = (0..10).map(|i| (1_000 - i % 2, 1_000)).collect();
    let found = proportion(&parts, 0.95);
    assert_eq!(found.value, Some(0.9995));
    assert!(found.high.unwrap() < 1.0 && found.low.unwrap() > 0.998, "{found:?}");
    assert!(1.0 - found.low.unwrap() >= 11.66e-4, "{found:?}");
    // All five in one run are one cluster: 5.57 of five each, and one more as bad is not yet seen.
    let mut one: Vec<(u64, u64)> = vec![(1_000, 1_000); 10];
    one[3].0 = 995;
    assert!(1.0 - proportion(&one, 0.95).low.unwrap() > 5.57 * 5.0 / 10_000.0);
}

#[test]
fn what_every_run_does_at_the_same_time_is_no_cluster() {
    // A fault in the second of three windows: all runs lose about a hundred.
    let at = |hits: u64| (0..10).map(|i| (hits + i % 3, 1_000)).collect::<Vec<(u64, u64)>>();
    let windows = [at(998), at(900), at(998)];
    let parts: Vec<(u64, u64)> = (0..10).map(|i| (2_796 + 3 * (i % 3), 3_000)).collect();
    let found = clustered(&parts, Clusters { windows: &windows, persistence: 1.0 }, 0.95);
    assert!(found.half_width().unwrap() < 0.002, "{found:?}");
}

/// (Coverage, share of "broken by a fifth" called kept) of a failure share of `rate`, clusters of 1 to 9, in ten runs of
/// 6 windows.
fn judged(clusters_per_run: f64, seeds: u64) -> (f64, f64) {
    const WINDOWS: u64 = 6;
    const PER_WINDOW: u64 = 700;
    let truth = 1.0 - clusters_per_run * 5.0 / (WINDOWS * PER_WINDOW) as f64;
    let window = |seed: u64, w: u64| {
        let mut draw = Draw::new(seed, Lineage::root(9, w), Purpose::Work, 0);
        let (mut left, mut failed) = (libm::exp(-clusters_per_run / WINDOWS as f64), 0);
        loop {
            left /= draw.unit().max(1e-300);
            if left >= 1.0 {
                return (PER_WINDOW - failed, PER_WINDOW);
            }
            failed += 1 + u64::from(draw.below(9));
        }
    };
    let (mut held, mut kept) = (0, 0);
    for seed in 0..seeds {
        let windows: Vec<Vec<(u64, u64)>> =
            (0..WINDOWS).map(|w| (0..10).map(|r| window(seed * 10 + r, w)).collect()).collect();
        let parts: Vec<(u64, u64)> = (0..10).map(|r| sum(&windows.iter().map(|w| w[r]).collect::<Vec<_>>())).collect();
        let found = clustered(&parts, Clusters { windows: &windows, persistence: 20.0 }, 0.95);
        held += u64::from(found.contains(truth) == Some(true));
        kept += u64::from(found.low.unwrap() > 1.0 - (1.0 - truth) / 1.2);
    }
    (held as f64 / seeds as f64, kept as f64 / seeds as f64)
}

#[test]
fn clusters_are_counted_not_failures() {
    for clusters in [0.2, 0.5, 2.0, 10.0] {
        let (held, kept) = judged(clusters, 400);
        assert!(held >= 0.92 && kept <= 0.05, "{clusters}: {held} {kept}");
    }
}

#[test]
fn windows_with_a_failure_are_a_binomial_count() {
    // None of 60: 1 − 0.05^(1/60) = 4.87 %.
    let none = share_of_windows(0, 60, 0.95);
    assert_eq!((none.value, none.low), (Some(0.0), Some(0.0)));
    assert!((none.high.unwrap() - 0.048_702).abs() < 1e-6, "{none:?}");
    assert_eq!(share_of_windows(60, 60, 0.95).low, Some(1.0 - none.high.unwrap()));
    let three = share_of_windows(3, 60, 0.95);
    assert!((three.low.unwrap() - 0.010_43).abs() < 1e-4 && (three.high.unwrap() - 0.139_2).abs() < 1e-4, "{three:?}");
    assert_eq!(share_of_windows(0, 0, 0.95), Interval::NONE);
}
