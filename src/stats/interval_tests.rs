use super::*;
use crate::random::{Dist, Draw, Law, Lineage, Purpose};

fn draw(seed: u64, i: u64) -> Draw {
    Draw::new(seed, Lineage::root(3, i), Purpose::Work, 0)
}

/// The share of 1,000 experiments whose interval contains `truth`.
fn coverage(truth: f64, experiment: impl Fn(u64) -> Interval) -> f64 {
    let hits = (0..1_000).filter(|i| experiment(*i).contains(truth) == Some(true)).count();
    hits as f64 / 1_000.0
}

fn near(found: Option<f64>, expected: f64) {
    assert!((found.unwrap() - expected).abs() < 1e-9 * expected.abs().max(1.0), "{found:?} for {expected}");
}

#[test]
fn the_mean_of_replications_by_hand() {
    // Mean 5, variance 2.5, t(4) = 2.7764451: half-width 2.7764451 · √0.5.
    let found = mean_of(&[3.0, 4.0, 5.0, 6.0, 7.0], 0.95);
    near(found.value, 5.0);
    near(found.half_width(), 2.776_445_105_198 * 0.5_f64.sqrt());
    assert_eq!(mean_of(&[], 0.95), Interval::NONE);
    assert_eq!(mean_of(&[2.0], 0.95), Interval::point(2.0));
    assert_eq!(mean_of(&[0.1, 0.1, 0.1], 0.95), Interval::between(0.1, 0.1, 0.1));
    assert_eq!(mean_of(&[1.0, f64::INFINITY], 0.95), Interval::NONE);
}

#[test]
fn what_one_more_run_will_show() {
    let of = |n: i32| one_run(&(1..=n).rev().map(f64::from).collect::<Vec<_>>(), 0.95);
    // Below five runs nothing; the extremes of ten hold the eleventh in nine of eleven cases; of 39 in 95 %.
    assert_eq!(of(4), None);
    assert_eq!(of(10), Some((1.0, 10.0, 9.0 / 11.0)));
    assert_eq!(of(39), Some((1.0, 39.0, 0.95)));
    assert_eq!(of(78), Some((1.0, 78.0, 77.0 / 79.0)));
    assert_eq!(of(79), Some((2.0, 78.0, 0.95)));
    assert_eq!(one_run(&[1.0, 2.0, 3.0, 4.0, f64::NAN], 0.95), None);
    let share = mean_of(&[0.1, 0.2, 0.3, 0.4, 0.5], 0.95);
    let rest = share.complement().scaled(100.0);
    assert_eq!((rest.run_low, rest.run_high, rest.run_level), (Some(50.0), Some(90.0), Some(4.0 / 6.0)));
    assert!(rest.low < rest.value && rest.value < rest.high);
}

#[test]
fn the_next_run_lies_within_as_often_as_said() {
    let held = (0..2_000).filter(|i| {
        let runs: Vec<f64> = (0..12).map(|k| draw(*i, k).unit()).collect();
        let (low, high, _) = one_run(&runs[..11], 0.95).unwrap();
        low <= runs[11] && runs[11] <= high
    });
    // 10 of 12.
    let share = held.count() as f64 / 2_000.0;
    assert!((0.81..=0.855).contains(&share), "{share}");
}

#[test]
fn a_mean_of_times_reaches_farther_up() {
    let parts = [(30.0, 10.0), (50.0, 10.0), (40.0, 10.0), (44.0, 10.0), (36.0, 10.0)];
    let (plain, found) = (ratio(&parts, 0.95), mean_time(&parts, 0.95));
    assert_eq!((plain.value, plain.low, plain.run_low), (found.value, found.low, found.run_low));
    // Three times the relative error farther.
    let half = plain.half_width().unwrap();
    let error = half / 2.776_445_105_198 / 4.0;
    near(found.high, 4.0 + half * (1.0 + 3.0 * error));
    let even = [(4.0, 1.0); 5];
    assert_eq!(mean_time(&even, 0.95).ends(), Some((4.0, 4.0)));
}

#[test]
fn the_mean_covers_what_it_promises() {
    let normal = Dist::new(&Law::Normal { mean: 100.0, sd: 10.0 }).unwrap();
    let values = |i: u64| (0..5).map(|k| normal.sample_f64(&mut draw(i, k))).collect::<Vec<_>>();
    let found = coverage(100.0, |i| mean_of(&values(i), 0.95));
    assert!((0.93..=0.97).contains(&found), "{found}");
    let found = coverage(100.0, |i| mean_of(&values(i), 0.80));
    assert!((0.76..=0.84).contains(&found), "{found}");
}

#[test]
fn a_ratio_by_hand() {
    // Pooled 6 ÷ 12; without one of them 5/10, 4/9, 3/5: pseudo-values 0.5, 1.5 − 8/9, 0.3.
    let found = ratio(&[(1.0, 2.0), (2.0, 3.0), (3.0, 7.0)], 0.95);
    near(found.value, 0.5);
    let pseudo = [0.5, 1.5 - 8.0 / 9.0, 0.3];
    near(found.half_width(), mean_of(&pseudo, 0.95).half_width().unwrap());
    assert_eq!(ratio(&[], 0.95), Interval::NONE);
    assert_eq!(ratio(&[(1.0, 4.0), (0.0, 0.0)], 0.95), Interval::point(0.25));
    assert_eq!(ratio(&[(1.0, 4.0), (2.0, 8.0)], 0.95), Interval::between(0.25, 0.25, 0.25));
}

#[test]
fn a_ratio_covers_what_it_promises() {
    // Requests of a random number, each costing one exponential: the cost per request is 1.
    let exponential = Dist::new(&Law::Exponential { mean: 1.0 }).unwrap();
    let part = |i: u64, r: u64| {
        let mut draw = draw(i, r);
        let n = 20 + draw.below(60);
        ((0..n).map(|_| exponential.sample_f64(&mut draw)).sum(), n as f64)
    };
    let found = coverage(1.0, |i| ratio(&(0..10).map(|r| part(i, r)).collect::<Vec<_>>(), 0.95));
    assert!((0.92..=0.975).contains(&found), "{found}");
}

#[test]
fn batches_that_are_linked_have_no_bounds() {
    let uniform = |i: u64| draw(1, i).unit();
    let free: Vec<f64> = (0..30).map(uniform).collect();
    assert_eq!(batch_means(&free, 0.95).ends(), mean_of(&free, 0.95).ends());
    assert_eq!(batch_means(&free, 0.95).run_level, None);
    let linked: Vec<f64> = (0..30).map(|i| uniform(i) + 0.2 * i as f64).collect();
    assert_eq!(batch_means(&linked, 0.95).ends(), None);
    assert!(batch_means(&linked, 0.95).value.is_some());
    assert_eq!(batch_means(&free[..9], 0.95).ends(), None);
    assert_eq!(batch_means(&[2.5; 20], 0.95), Interval::between(2.5, 2.5, 2.5));
    assert_eq!(batch_means(&[], 0.95), Interval::NONE);
}

#[test]
fn independent_batches_mostly_pass_and_cover() {
    let batches = |i: u64| (0..20).map(|k| draw(i, k).unit()).collect::<Vec<_>>();
    let passed = (0..1_000).filter(|i| batch_means(&batches(*i), 0.95).ends().is_some()).count();
    assert!((930..=980).contains(&passed), "{passed}");
    let hits = coverage(0.5, |i| batch_means(&batches(i), 0.95)) * 1_000.0 / passed as f64;
    assert!((0.93..=0.97).contains(&hits), "{hits}");
}

#[test]
fn pairs_take_out_what_they_share() {
    let first: Vec<f64> = (0..10).map(|i| 100.0 * draw(1, i).unit()).collect();
    let second: Vec<f64> = first.iter().zip(0..).map(|(x, i)| x + 5.0 + 0.1 * draw(2, i).unit()).collect();
    let found = paired_difference(&first, &second, 0.95);
    assert!((found.value.unwrap() - 5.05).abs() < 0.05);
    assert!(found.half_width().unwrap() < 0.05);
    assert!(variance_gain(&first, &second).unwrap() > 1_000.0);
    assert_eq!(variance_gain(&first, &first), None);
    assert_eq!(variance_gain(&[1.0], &[2.0]), None);
}

#[test]
fn settled_means_small_or_not_certain() {
    assert_eq!(settled(&[]), None);
    assert_eq!(settled(&[(10.0, 10.2)]), Some(true));
    assert_eq!(settled(&[(10.0, 20.0)]), None);
    assert_eq!(settled(&[(10.0, 14.0), (10.0, 8.0), (10.0, 12.0)]), Some(true));
    assert_eq!(settled(&[(10.0, 20.0), (10.0, 21.0), (10.0, 19.0)]), Some(false));
    assert_eq!(settled(&[(10.0, 10.2), (10.0, 10.2), (10.0, 10.2)]), Some(true));
    assert_eq!(settled(&[(0.0, 0.0), (0.0, 0.0)]), Some(true));
}
