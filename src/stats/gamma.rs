//! Quantiles of the gamma distribution, for Poisson counts, with `libm` alone.

/// Above this shape the cube root of a gamma variable is normal to six digits (Wilson, Hilferty, 1931).
const LARGE: f64 = 500.0;

/// The `p`-quantile of the gamma distribution with `shape` and scale 1, `p` in (0, 1); 0 for a shape of 0.
pub(super) fn gamma_quantile(p: f64, shape: f64) -> f64 {
    if shape <= 0.0 {
        return 0.0;
    }
    let ninth = 1.0 / (9.0 * shape);
    let root = 1.0 - ninth + normal_quantile(p) * ninth.sqrt();
    let near = shape * (root * root * root).max(0.0);
    if shape > LARGE {
        return near;
    }
    let (mut low, mut high) = (0.0, 2.0 * near + 10.0 * shape.max(1.0));
    while below(shape, high) < p {
        high *= 2.0;
    }
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        *(if below(shape, middle) < p { &mut low } else { &mut high }) = middle;
    }
    0.5 * (low + high)
}

/// The normal quantile: Student's t with so many degrees of freedom that nothing is left of them.
fn normal_quantile(p: f64) -> f64 {
    super::t_quantile(p, 1e9)
}

/// The regularised incomplete gamma function P(`shape`, `x`) (Abramowitz, Stegun 6.5.29, and 6.5.31 by Lentz's method).
fn below(shape: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = libm::exp(shape * libm::log(x) - x - libm::lgamma(shape));
    if x < shape + 1.0 { (front * series(shape, x)).min(1.0) } else { 1.0 - front * fraction(shape, x) }
}

fn series(shape: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0 / shape, 1.0 / shape);
    for i in 1..10_000 {
        term *= x / (shape + f64::from(i));
        sum += term;
        if term < sum * 1e-16 {
            break;
        }
    }
    sum
}

fn fraction(shape: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - shape;
    let (mut c, mut d) = (1.0 / TINY, 1.0 / b);
    let mut value = d;
    for i in 1..10_000 {
        let a = -f64::from(i) * (f64::from(i) - shape);
        b += 2.0;
        d = a * d + b;
        d = 1.0 / if d.abs() < TINY { TINY } else { d };
        c = b + a / c;
        c = if c.abs() < TINY { TINY } else { c };
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_ends_of_poisson_counts() {
        // Garwood's table: with 1, 5, 20 and 100 events, 95 %.
        for (events, low, high) in [
            (1.0, 0.025_318, 5.571_643),
            (5.0, 1.623_486, 11.668_332),
            (20.0, 12.216_52, 30.888_38),
            (100.0, 81.363_92, 121.626_6),
        ] {
            assert!((gamma_quantile(0.025, events) - low).abs() < 1e-5 * low.max(1.0), "{events}");
            assert!((gamma_quantile(0.975, events + 1.0) - high).abs() < 1e-5 * high, "{events}");
        }
        assert_eq!(gamma_quantile(0.5, 0.0), 0.0);
    }

    #[test]
    fn agrees_with_statrs_and_with_itself_where_the_approximation_begins() {
        use statrs::distribution::{ContinuousCDF, Gamma};
        for shape in [0.1, 0.7, 3.3, 40.0, 499.0, 501.0, 20_000.0] {
            for p in [0.025, 0.5, 0.975] {
                let back = Gamma::new(shape, 1.0).unwrap().cdf(gamma_quantile(p, shape));
                assert!((back - p).abs() < 1e-4, "{shape} {p}: {back}");
            }
        }
    }
}
