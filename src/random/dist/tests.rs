//! Every member of the family against its closed forms, its reference values and the nonsense it refuses.

use super::*;
use crate::random::{Lineage, Purpose};

const N: u64 = 200_000;

fn draw(i: u64) -> Draw {
    Draw::new(42, Lineage::root(9, i), Purpose::Work, 0)
}

fn dist(law: &Law) -> Dist {
    Dist::new(law).unwrap()
}

fn constant(value: f64) -> Law {
    Law::Constant { value }
}

/// One of each that varies, with a mean of a few milliseconds.
fn family() -> Vec<Law> {
    vec![
        Law::Exponential { mean: 5e6 },
        Law::Lognormal { mean: 5e6, cv: 0.8 },
        Law::Percentiles(vec![(0.5, 8e6), (0.99, 30e6)]),
        Law::Percentiles(vec![(0.5, 8e6), (0.9, 15e6), (0.99, 30e6)]),
        Law::Erlang { mean: 5e6, k: 4 },
        Law::Erlang { mean: 5e6, k: 40 },
        Law::Gamma { mean: 5e6, cv: 0.7 },
        Law::Gamma { mean: 5e6, cv: 1.6 },
        Law::Hyperexponential { mean: 5e6, cv: 2.0 },
        Law::Pareto { min: 1e6, max: 50e6, alpha: 1.5 },
        Law::Pareto { min: 1e6, max: 50e6, alpha: 1.0 },
        Law::Weibull { mean: 5e6, shape: 0.8 },
        Law::Weibull { mean: 5e6, shape: 2.0 },
        Law::Uniform { min: 1e6, max: 9e6 },
        Law::Normal { mean: 5e6, sd: 1e6 },
        Law::Normal { mean: 1e6, sd: 2e6 },
        Law::Normal { mean: -1e6, sd: 2e6 },
        Law::Mix(vec![(0.9, Law::Exponential { mean: 1e6 }), (0.1, constant(40e6))]),
        Law::Samples { path: "m.csv".into(), values: vec![1e6, 2e6, 2e6, 15e6] },
    ]
}

#[test]
fn means_and_variances_are_the_closed_forms() {
    for law in family() {
        let dist = dist(&law);
        let samples: Vec<f64> = (0..N).map(|i| dist.sample(&mut draw(i)) as f64).collect();
        let n = N as f64;
        let mean = samples.iter().sum::<f64>() / n;
        let central = |p: i32| samples.iter().map(|x| (x - mean).powi(p)).sum::<f64>() / n;
        let (var, fourth) = (central(2), central(4));
        let mean_error = (var / n).sqrt();
        let var_error = ((fourth - var * var) / n).sqrt();
        assert!((mean - dist.mean()).abs() < 4.0 * mean_error, "{law}: mean {mean}, not {}", dist.mean());
        assert!((var - dist.var()).abs() < 5.0 * var_error, "{law}: variance {var}, not {}", dist.var());
        assert!((dist.scv() - dist.var() / dist.mean() / dist.mean()).abs() < 1e-12);
        assert!(!dist.is_zero() && dist.constant().is_none());
    }
}

#[test]
fn moments_are_those_that_were_written() {
    let cases = [
        (Law::Lognormal { mean: 5.0, cv: 1.5 }, 5.0, 1.5),
        (Law::Gamma { mean: 5.0, cv: 0.4 }, 5.0, 0.4),
        (Law::Hyperexponential { mean: 5.0, cv: 3.0 }, 5.0, 3.0),
        (Law::Hyperexponential { mean: 5.0, cv: 1.0 }, 5.0, 1.0),
        (Law::Erlang { mean: 5.0, k: 4 }, 5.0, 0.5),
        (Law::Weibull { mean: 5.0, shape: 1.0 }, 5.0, 1.0),
        (Law::Exponential { mean: 5.0 }, 5.0, 1.0),
    ];
    for (law, mean, cv) in cases {
        let dist = dist(&law);
        assert!((dist.mean() / mean - 1.0).abs() < 1e-12, "{law}: {}", dist.mean());
        assert!((dist.scv().sqrt() / cv - 1.0).abs() < 1e-12, "{law}: {}", dist.scv());
    }
}

/// The share of the samples at or below `value`.
fn share_below(dist: &Dist, value: f64) -> f64 {
    (0..N).filter(|i| dist.sample_f64(&mut draw(*i)) <= value).count() as f64 / N as f64
}

fn has_quantiles(law: &Law, quantiles: &[(f64, f64)]) {
    let dist = dist(law);
    for (q, value) in quantiles {
        let found = share_below(&dist, *value);
        let error = (q * (1.0 - q) / N as f64).sqrt();
        assert!((found - q).abs() < 4.0 * error, "{law}: {found} below {value}, not {q}");
    }
}

#[test]
fn fits_go_through_their_percentiles() {
    let two = vec![(0.5, 8e6), (0.99, 60e6)];
    has_quantiles(&Law::Percentiles(two.clone()), &two);
    let four = vec![(0.5, 8e6), (0.9, 12e6), (0.95, 40e6), (0.999, 60e6)];
    has_quantiles(&Law::Percentiles(four.clone()), &four);
    // Beyond its ends a fit goes on as it was: with three points on one log-normal it is that log-normal.
    let median = |z: f64| 8e6 * libm::exp(0.7 * z);
    let (z90, z99) = (1.281_551_565_5, 2.326_347_874);
    let line = Law::Percentiles(vec![(0.5, 8e6), (0.9, median(z90)), (0.99, median(z99))]);
    has_quantiles(&line, &[(0.1, median(-z90)), (0.01, median(-z99))]);
    let lognormal = 8e6 * libm::exp(0.245);
    assert!((dist(&line).mean() / lognormal - 1.0).abs() < 1e-9);
}

#[test]
fn shapes_are_right_and_not_only_moments() {
    let e = libm::exp;
    has_quantiles(&Law::Exponential { mean: 1.0 }, &[(1.0 - e(-0.1), 0.1), (1.0 - e(-1.0), 1.0), (1.0 - e(-4.0), 4.0)]);
    has_quantiles(&Law::Erlang { mean: 2.0, k: 2 }, &[(1.0 - 2.0 * e(-1.0), 1.0), (1.0 - 5.0 * e(-4.0), 4.0)]);
    // A gamma of cv 1 ÷ √2 is an Erlang of two stages, one of √2 is a squared normal.
    has_quantiles(&Law::Gamma { mean: 2.0, cv: 0.5_f64.sqrt() }, &[(1.0 - 2.0 * e(-1.0), 1.0)]);
    has_quantiles(&Law::Gamma { mean: 1.0, cv: 2.0_f64.sqrt() }, &[(0.682_689_5, 1.0), (0.954_499_7, 4.0)]);
    has_quantiles(&Law::Weibull { mean: libm::tgamma(1.5), shape: 2.0 }, &[(1.0 - e(-1.0), 1.0)]);
    let kept = 1.0 - libm::pow(0.01, 1.5);
    let below_4 = (1.0 - libm::pow(0.25, 1.5)) / kept;
    has_quantiles(&Law::Pareto { min: 1.0, max: 100.0, alpha: 1.5 }, &[(below_4, 4.0)]);
    has_quantiles(&Law::Uniform { min: 2.0, max: 6.0 }, &[(0.25, 3.0), (0.75, 5.0)]);
    has_quantiles(&Law::Normal { mean: 0.0, sd: 1.0 }, &[(0.682_689_5, 1.0)]);
    let balanced = dist(&Law::Hyperexponential { mean: 1.0, cv: 3.0_f64.sqrt() });
    assert!((balanced.var() - 3.0).abs() < 1e-12);
}

#[test]
fn geometric_counts_from_one() {
    let law = Law::Geometric { mean: 4.0 };
    let dist = dist(&law);
    assert_eq!((dist.mean(), dist.var()), (4.0, 12.0));
    has_quantiles(&law, &[(0.25, 1.0), (0.4375, 2.0), (1.0 - libm::pow(0.75, 10.0), 10.0)]);
    assert!((0..1000).all(|i| dist.sample(&mut draw(i)) >= 1));
    assert_eq!(Dist::new(&Law::Geometric { mean: 1.0 }), Ok(Dist::fixed(1)));
}

#[test]
fn the_same_draw_is_the_same_variate_on_every_scale() {
    let pairs = [
        (Law::Exponential { mean: 1e6 }, Law::Exponential { mean: 5e6 }),
        (Law::Lognormal { mean: 1e6, cv: 0.7 }, Law::Lognormal { mean: 5e6, cv: 0.7 }),
        (Law::Gamma { mean: 1e6, cv: 0.7 }, Law::Gamma { mean: 5e6, cv: 0.7 }),
        (Law::Erlang { mean: 1e6, k: 3 }, Law::Erlang { mean: 5e6, k: 3 }),
        (Law::Hyperexponential { mean: 1e6, cv: 2.0 }, Law::Hyperexponential { mean: 5e6, cv: 2.0 }),
        (Law::Weibull { mean: 1e6, shape: 0.7 }, Law::Weibull { mean: 5e6, shape: 0.7 }),
        (Law::Normal { mean: 1e6, sd: 1e6 }, Law::Normal { mean: 5e6, sd: 5e6 }),
        (Law::Uniform { min: 1e6, max: 2e6 }, Law::Uniform { min: 5e6, max: 10e6 }),
        (
            Law::Percentiles(vec![(0.5, 1e6), (0.9, 2e6), (0.99, 9e6)]),
            Law::Percentiles(vec![(0.5, 5e6), (0.9, 10e6), (0.99, 45e6)]),
        ),
    ];
    for (law, five_times) in pairs {
        let (one, five) = (dist(&law), dist(&five_times));
        for i in 0..2_000 {
            let (x, y) = (one.sample_f64(&mut draw(i)), five.sample_f64(&mut draw(i)));
            assert!((y - 5.0 * x).abs() <= 1e-9 * y, "{law}: {y} is not 5 · {x}");
        }
    }
}

#[test]
fn values_are_stable() {
    let samples = |law: &Law| [0, 1, 2].map(|i| dist(law).sample(&mut draw(i)));
    let told: Vec<String> = family().iter().map(|law| format!("{law}: {:?}", samples(law))).collect();
    let expected = [
        "exponential, mean 5ms: [2285948, 3701648, 5634202]",
        "log-normal, mean 5ms, cv 0.8: [5076438, 2711890, 1764467]",
        "log-normal through p50 8ms, p99 30ms: [9889830, 5959826, 4211624]",
        "monotone fit through p50 8ms, p90 15ms, p99 30ms: [9607270, 6204547, 4597655]",
        "erlang, mean 5ms, k 4: [2645347, 3531887, 2146850]",
        "erlang, mean 5ms, k 40: [5258020, 4561489, 4121398]",
        "gamma, mean 5ms, cv 0.7: [5495631, 2734092, 1509564]",
        "gamma, mean 5ms, cv 1.6: [1383584, 916505, 3104239]",
        "hyperexponential, mean 5ms, cv 2: [1141758, 3475118, 1150810]",
        "bounded pareto, 1ms to 50ms, alpha 1.5: [1165351, 1191531, 3277772]",
        "bounded pareto, 1ms to 50ms, alpha 1: [1252449, 1293944, 5469536]",
        "weibull, mean 5ms, shape 0.8: [1659049, 3030542, 5123502]",
        "weibull, mean 5ms, shape 2: [3814813, 4854423, 5989027]",
        "uniform, 1ms to 9ms: [2645423, 2854441, 7670768]",
        "normal, mean 5ms, sd 1ms, cut at 0: [5373244, 4481843, 3870768]",
        "normal, mean 1ms, sd 2ms, cut at 0: [1746489, 950396, 1755510]",
        "normal, mean -1ms, sd 2ms, cut at 0: [949405, 1082852, 39790]",
        "mix of 90% (exponential, mean 1ms), 10% (40ms): [405232, 1233387, 408445]",
        "4 values of m.csv: [1000000, 1000000, 15000000]",
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_does_not_vary_is_a_constant() {
    let constants = [
        constant(5e6),
        Law::Lognormal { mean: 5e6, cv: 0.0 },
        Law::Gamma { mean: 5e6, cv: 0.0 },
        Law::Normal { mean: 5e6, sd: 0.0 },
        Law::Percentiles(vec![(0.5, 5e6), (0.9, 5e6), (0.99, 5e6)]),
        Law::Samples { path: "m.csv".into(), values: vec![5e6; 3] },
    ];
    for law in constants {
        let dist = dist(&law);
        assert_eq!(dist.constant(), Some(5_000_000), "{law}");
        assert_eq!((dist.mean(), dist.var(), dist.sample(&mut draw(1))), (5e6, 0.0, 5_000_000));
    }
    assert!(dist(&Law::Exponential { mean: 0.0 }).is_zero());
    assert!(Dist::ZERO.is_zero() && Dist::default().is_zero() && !Dist::fixed(1).is_zero());
    assert_eq!(dist(&constant(2.5)).sample(&mut draw(0)), 3);
}

#[test]
fn nonsense_is_refused_with_its_cure() {
    let e = Law::Exponential { mean: 1.0 };
    let cases = [
        (constant(-1.0), "negative value"),
        (constant(f64::NAN), "not a number"),
        (Law::Exponential { mean: -1.0 }, "negative mean"),
        (Law::Exponential { mean: f64::INFINITY }, "not a number"),
        (Law::Lognormal { mean: 1.0, cv: -1.0 }, "negative cv"),
        (Law::Lognormal { mean: 1.0, cv: 1e200 }, "vary less"),
        (Law::Percentiles(vec![(0.5, 8.0)]), "write two"),
        (Law::Percentiles(vec![(0.5, 8.0), (0.99, 2.0)]), "`p50` is above `p99`"),
        (Law::Percentiles(vec![(0.99, 2.0), (0.5, 8.0)]), "ascending"),
        (Law::Percentiles(vec![(0.5, 0.0), (0.99, 2.0)]), "`p50` is not above zero"),
        (Law::Percentiles(vec![(0.5, 1.0), (1.0, 2.0)]), "not a percentile"),
        (Law::Erlang { mean: 1.0, k: 0 }, "one stage or more"),
        (Law::Gamma { mean: f64::NAN, cv: 1.0 }, "not a number"),
        (Law::Hyperexponential { mean: 1.0, cv: 0.5 }, "gamma or erlang"),
        (Law::Pareto { min: 0.0, max: 1.0, alpha: 1.0 }, "min of zero"),
        (Law::Pareto { min: 2.0, max: 1.0, alpha: 1.0 }, "exchange"),
        (Law::Pareto { min: 1.0, max: 2.0, alpha: 0.0 }, "alpha of zero"),
        (Law::Weibull { mean: 1.0, shape: 0.0 }, "shape of zero"),
        (Law::Weibull { mean: 1.0, shape: 0.01 }, "never come"),
        (Law::Uniform { min: 1.0, max: 1.0 }, "constant"),
        (Law::Uniform { min: 2.0, max: 1.0 }, "exchange"),
        (Law::Normal { mean: -5.0, sd: 1.0 }, "cut off"),
        (Law::Normal { mean: 1.0, sd: -1.0 }, "negative sd"),
        (Law::Geometric { mean: 0.5 }, "1 or more"),
        (Law::Mix(vec![]), "empty mix"),
        (Law::Mix(vec![(0.5, e.clone()), (0.4, e.clone())]), "sum to 90%"),
        (Law::Mix(vec![(1.5, e.clone()), (-0.5, e)]), "in branch 2: a negative share"),
        (Law::Mix(vec![(1.0, constant(-1.0))]), "in branch 1: a negative value"),
        (Law::Samples { path: "m.csv".into(), values: vec![] }, "`m.csv` holds no values"),
        (Law::Samples { path: "m.csv".into(), values: vec![1.0, -1.0] }, "value 2"),
    ];
    for (law, words) in cases {
        let error = Dist::new(&law).unwrap_err();
        assert!(error.contains(words), "{law:?}: {error}");
    }
}

#[test]
fn thirds_are_close_enough_to_a_whole() {
    let third = |mean| (0.333_333_4, Law::Exponential { mean });
    assert!(Dist::new(&Law::Mix(vec![third(1.0), third(2.0), third(3.0)])).is_ok());
}
