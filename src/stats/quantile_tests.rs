use super::*;
use crate::random::{Draw, Lineage, Purpose};

fn draw(seed: u64, i: u64) -> Draw {
    Draw::new(seed, Lineage::root(5, i), Purpose::Work, 0)
}

fn recorder(times: impl IntoIterator<Item = u64>) -> Recorder {
    let mut recorder = Recorder::default();
    times.into_iter().for_each(|t| recorder.record(t));
    recorder
}

fn merged(runs: &[Recorder]) -> Recorder {
    let mut all = Recorder::default();
    runs.iter().for_each(|r| all.merge(r));
    all
}

fn of(runs: &[Recorder], q: f64) -> Interval {
    let all = merged(runs);
    pooled_quantile(&Ends::all(&all), &runs.iter().map(Ends::all).collect::<Vec<_>>(), q, 0.95)
}

#[test]
fn whether_there_are_bounds_is_a_matter_of_the_number_of_samples() {
    let runs =
        |n: u64| (0..10).map(|r| recorder((0..n).map(|i| u64::from(draw(r, i).below(1_000))))).collect::<Vec<_>>();
    assert!(of(&runs(100), 0.99).ends().is_some());
    let short = of(&runs(99), 0.99);
    assert!(short.value.is_some() && short.ends().is_none() && short.run_low.is_some(), "{short:?}");
    assert_eq!(of(&runs(9), 0.99), Interval::NONE);
    assert_eq!(of(&[], 0.99), Interval::NONE);
    assert_eq!(of(&runs(1_000)[..1], 0.5).ends(), None);
    assert_eq!((beyond(1_000, 0.99), beyond(1_000, 0.999), beyond(999, 0.999), beyond(100, 0.5)), (10, 1, 0, 50));
}

#[test]
fn how_much_longer_is_said() {
    assert_eq!(times_longer(1_250, 0.999), Some(8));
    assert_eq!(times_longer(9_999, 0.999), Some(2));
    assert_eq!(times_longer(10_000, 0.999), None);
    assert_eq!(times_longer(0, 0.999), None);
}

#[test]
fn a_deterministic_scenario_has_no_width_and_is_not_null() {
    let runs: Vec<Recorder> = (0..7).map(|_| recorder([7_000_123; 200])).collect();
    assert_eq!(of(&runs, 0.99).ends(), Some((7_000_123.0, 7_000_123.0)));
}

/// One run of three that collapsed: by the scatter the lower end would lie below nothing, where no time does.
#[test]
fn an_end_is_never_below_nothing() {
    let runs: Vec<Recorder> = [0, 0, 900_000].map(|by| recorder((1..=500).map(|i| i + by))).into();
    let found = of(&runs, 0.5);
    assert!(found.value.unwrap() < 1_000.0 && found.high.unwrap() > 100_000.0, "{found:?}");
    assert_eq!(found.low, Some(0.0));
}

#[test]
fn the_farther_of_both_ends_by_hand() {
    // Four runs of 500: of each, 1 to 500 plus 0, 10, 20, 10. Sections: medians 250, 260, 270, 260 around 260.
    let runs: Vec<Recorder> = [0, 10, 20, 10].map(|by| recorder((1..=500).map(|i| i + by))).into();
    let found = of(&runs, 0.5);
    assert_eq!(found.value, Some(260.0));
    let t = 3.182_446_305_284;
    let half = t * (200.0_f64 / 12.0).sqrt();
    assert!((260.0 - found.low.unwrap() - half).abs() < 1.0, "{found:?} {half}");
    // Means differ with variance 66.7, a run's own is 20,917: so many samples in a row are worth one.
    let persistence: f64 = 200.0 / 3.0 / 20_884.0 * 500.0;
    let farther = 1.0 + 1.5 / (1_000.0 / persistence).sqrt();
    assert!((found.high.unwrap() - 260.0 - half * farther).abs() < 1.0, "{found:?} {half} {farther}");
}

#[test]
fn what_never_ends_is_longer_than_any() {
    let times = recorder(1..=900);
    let ends = Ends { times: &times, never: 100 };
    assert_eq!((ends.at(0.5), ends.at(0.9), ends.at(0.95)), (Some(500.0), Some(900.0), None));
    assert_eq!((ends.above(900.0), ends.weight()), (100.0, 1_000.0));
    let found = pooled_quantile(&ends, &[ends; 3], 0.5, 0.95);
    assert_eq!(found.ends(), Some((500.0, 500.0)));
    assert_eq!(pooled_quantile(&ends, &[ends; 3], 0.95, 0.95), Interval::NONE);
}

/// Coverage, and median width, of 400 intervals from ten runs of times that hang together as in a queue: each is the last
/// one times `memory` plus something new, and their marginal distribution is exponential (Gaver, Lewis, 1980).
fn coverage(memory: f64, n: u64, q: f64) -> f64 {
    let run = |seed: u64| {
        let mut last = -libm::log(1.0 - draw(seed, n).unit());
        recorder((0..n).map(|i| {
            let mut one = draw(seed, i);
            let fresh = if one.unit() < memory { 0.0 } else { -libm::log(1.0 - one.unit()) };
            last = memory * last + fresh;
            (last * 1e6) as u64
        }))
    };
    let truth = -1e6 * libm::log(1.0 - q);
    let held = (0..400).filter(|i| {
        let runs: Vec<Recorder> = (0..10).map(|r| run(i * 10 + r)).collect();
        of(&runs, q).contains(truth) == Some(true)
    });
    held.count() as f64 / 400.0
}

#[test]
fn bounds_hold_from_the_median_to_the_far_tail() {
    for (memory, n, q) in [(0.0, 400, 0.9), (0.9, 400, 0.5), (0.9, 400, 0.99), (0.97, 1_000, 0.99), (0.9, 1_000, 0.999)]
    {
        let found = coverage(memory, n, q);
        assert!(found >= 0.92, "{memory} {n} {q}: {found}");
    }
}
