//! Quantiles of Student's t, with `libm` alone: the same bytes on every machine.

/// The `p`-quantile of Student's t with `df` degrees of freedom, `p` in (0, 1), `df` > 0. Newton's steps on the tail
/// probability; the distribution is concave above 0, so from the left they cannot miss.
pub fn t_quantile(p: f64, df: f64) -> f64 {
    if p < 0.5 {
        return -t_quantile(1.0 - p, df);
    }
    let mut t = 0.0_f64;
    for _ in 0..200 {
        let step = (tail(t, df) - (1.0 - p)) / density(t, df);
        t = (t + step).max(0.0);
        if step.abs() <= 1e-13 * t {
            break;
        }
    }
    t
}

/// How often chance alone gives a Student's t at least as far from 0 as `t`, to either side.
pub fn t_chance(t: f64, df: f64) -> f64 {
    if t.is_infinite() { 0.0 } else { 2.0 * tail(t.abs(), df) }
}

/// The density of Student's t.
fn density(t: f64, df: f64) -> f64 {
    let log = libm::lgamma(0.5 * (df + 1.0))
        - libm::lgamma(0.5 * df)
        - 0.5 * libm::log(df * std::f64::consts::PI)
        - 0.5 * (df + 1.0) * libm::log1p(t * t / df);
    libm::exp(log)
}

/// The probability above `t` ≥ 0.
fn tail(t: f64, df: f64) -> f64 {
    0.5 * beta_share(0.5 * df, 0.5, df / (df + t * t), t * t / (df + t * t))
}

/// The `p`-quantile of the beta distribution with parameters `a` and `b`, by halving.
pub(super) fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        *(if beta_share(a, b, middle, 1.0 - middle) < p { &mut low } else { &mut high }) = middle;
    }
    0.5 * (low + high)
}

/// The regularised incomplete beta function at `x`, with `y` = 1 − x (Abramowitz, Stegun 26.5.8).
fn beta_share(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_share(b, a, y, x);
    }
    if x <= 0.0 {
        return 0.0;
    }
    let log = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log(y);
    libm::exp(log) / a / fraction(a, b, x)
}

/// The continued fraction of the incomplete beta function, by Lentz's method: 1 + d₁x/(1 + d₂x/(1 + …)).
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let (mut value, mut c, mut d) = (1.0, 1.0, 0.0);
    for i in 1..1_000 {
        let m = (i / 2) as f64;
        let term = if i % 2 == 0 {
            m * (b - m) / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        d = 1.0 + term * x * d;
        d = 1.0 / if d.abs() < TINY { TINY } else { d };
        c = 1.0 + term * x / c;
        c = if c.abs() < TINY { TINY } else { c };
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_quantiles_of_the_tables() {
        for (p, df, t) in [
            (0.975, 1.0, 12.706_204_736),
            (0.975, 2.0, 4.302_652_730),
            (0.975, 4.0, 2.776_445_105),
            (0.975, 9.0, 2.262_157_163),
            (0.995, 9.0, 3.249_835_542),
            (0.95, 19.0, 1.729_132_812),
            (0.975, 30.0, 2.042_272_456),
            (0.975, 1_000.0, 1.962_339_081),
            (0.5, 5.0, 0.0),
            (0.025, 4.0, -2.776_445_105),
        ] {
            assert!((t_quantile(p, df) - t).abs() < 2e-9 * t.abs().max(1.0), "{p} {df}: {}", t_quantile(p, df));
        }
    }

    #[test]
    fn chance_undoes_the_quantile() {
        for (t, df, chance) in [(2.262_157_163, 9.0, 0.05), (-3.249_835_542, 9.0, 0.01), (0.0, 4.0, 1.0)] {
            assert!((t_chance(t, df) - chance).abs() < 1e-9, "{t} {df}: {}", t_chance(t, df));
        }
        assert_eq!(t_chance(f64::INFINITY, 3.0), 0.0);
    }

    #[test]
    fn beta_quantiles_are_those_of_the_binomial() {
        // None of 60: at most 1 − 0.025^(1/60). One of two, two-sided: 1 − √0.975 to √0.975.
        assert!((beta_quantile(0.975, 1.0, 60.0) - (1.0 - 0.025_f64.powf(1.0 / 60.0))).abs() < 1e-12);
        assert!((beta_quantile(0.025, 1.0, 2.0) - (1.0 - 0.975_f64.sqrt())).abs() < 1e-12);
    }

    #[test]
    fn one_and_two_degrees_have_closed_forms() {
        for p in [0.6, 0.9, 0.975, 0.999, 0.999_95] {
            let one = libm::tan(std::f64::consts::PI * (p - 0.5));
            let two = (2.0 * p - 1.0) / (2.0 * p * (1.0 - p)).sqrt();
            assert!((t_quantile(p, 1.0) / one - 1.0).abs() < 1e-10, "{p}");
            assert!((t_quantile(p, 2.0) / two - 1.0).abs() < 1e-10, "{p}");
        }
    }

    #[test]
    fn agrees_with_statrs() {
        use statrs::distribution::{ContinuousCDF, StudentsT};
        for df in [1.0, 3.0, 7.0, 29.0, 199.0] {
            for p in [0.7, 0.95, 0.975, 0.9999] {
                let back = StudentsT::new(0.0, 1.0, df).unwrap().sf(t_quantile(p, df));
                assert!((back / (1.0 - p) - 1.0).abs() < 1e-9, "{p} {df}: {back}");
            }
        }
    }
}
