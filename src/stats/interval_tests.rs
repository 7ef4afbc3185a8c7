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
fn the_mean_covers_what_it_promises() {
    let normal = Dist::new(&Law::Normal { mean: 100.0, sd: 10.0 }).unwrap();
    let values = |i: u64| (0..5).map(|k| normal.sample_f64(&mut draw(i, k))).collect::<Vec<_>>();
    let found = coverage(100.0, |i| mean_of(&values(i), 0.95));
    assert!((0.93..=0.97).contains(&found), "{found}");
    let found = coverage(100.0, |i| mean_of(&values(i), 0.80));
    assert!((0.76..=0.84).contains(&found), "{found}");
}

#[test]
fn a_pooled_quantile_by_hand() {
    // Differences −1, 0, 1, 1: bias 0.25, scatter 3, half-width 3.1824463 · √(3 ÷ 12).
    let found = pooled_quantile(10.0, &[9.0, 10.0, 11.0, 11.0], 10, 0.95);
    near(found.half_width(), 3.182_446_305_284 * 0.5);
    near(found.value, 10.0);
}

#[test]
fn a_quantile_that_samples_do_not_carry_has_no_bounds() {
    let each = [9.0, 10.0, 11.0];
    assert_eq!(pooled_quantile(10.0, &each, 9, 0.95), Interval::point(10.0));
    assert_eq!(pooled_quantile(10.0, &each, 0, 0.95), Interval::NONE);
    assert_eq!(pooled_quantile(10.0, &[10.0], 100, 0.95), Interval::point(10.0));
    assert_eq!(pooled_quantile(10.0, &[], 100, 0.95), Interval::NONE);
    // All single quantiles far below the pooled one: biased.
    assert_eq!(pooled_quantile(10.0, &[7.0, 7.1, 6.9, 7.0, 7.0, 7.0], 100, 0.95), Interval::point(10.0));
    // A deterministic scenario has no width, and is not null.
    assert_eq!(pooled_quantile(0.1, &[0.1; 7], 100, 0.95), Interval::between(0.1, 0.1, 0.1));
    assert_eq!((beyond(1_000, 0.99), beyond(1_000, 0.999), beyond(999, 0.999), beyond(100, 0.5)), (10, 1, 0, 50));
}

#[test]
fn sectioning_covers_what_it_promises() {
    let exponential = Dist::new(&Law::Exponential { mean: 1e6 }).unwrap();
    let truth = -1e6 * libm::log(0.1);
    let quantile = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() * 9 / 10 - 1]
    };
    let experiment = |i: u64| {
        let runs: Vec<Vec<f64>> =
            (0..10).map(|r| (0..400).map(|k| exponential.sample_f64(&mut draw(i, r * 400 + k))).collect()).collect();
        let each: Vec<f64> = runs.iter().map(|run| quantile(&mut run.clone())).collect();
        pooled_quantile(quantile(&mut runs.concat()), &each, 400, 0.95)
    };
    let found = coverage(truth, experiment);
    assert!((0.92..=0.98).contains(&found), "{found}");
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
fn what_was_not_seen_is_bounded_all_the_same() {
    assert_eq!(proportion(&[(0, 100), (0, 200)], 0.95), Interval::between(0.0, 0.0, 0.01));
    assert_eq!(proportion(&[(100, 100), (200, 200)], 0.95), Interval::between(1.0, 0.99, 1.0));
    assert_eq!(proportion(&[(0, 2)], 0.95), Interval::between(0.0, 0.0, 1.0));
    assert!(proportion(&[(0, 100)], 0.99).high.unwrap() > 0.046);
    assert_eq!(proportion(&[(0, 0)], 0.95), Interval::NONE);
    let few = proportion(&[(1, 10), (0, 10)], 0.95);
    assert_eq!((few.value, few.low), (Some(0.05), Some(0.0)));
}

#[test]
fn batches_that_are_linked_have_no_bounds() {
    let uniform = |i: u64| draw(1, i).unit();
    let free: Vec<f64> = (0..30).map(uniform).collect();
    assert_eq!(batch_means(&free, 0.95), mean_of(&free, 0.95));
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
