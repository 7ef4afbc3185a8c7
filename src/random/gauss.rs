//! The standard normal distribution as functions: density, probability, quantile.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Density at `z`.
pub(crate) fn density(z: f64) -> f64 {
    libm::exp(-0.5 * z * z) / (2.0 * PI).sqrt()
}

/// Probability at or below `z`; exact in the lower tail.
pub(crate) fn below(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// Probability between `from` and `to`, without cancellation in the upper tail.
pub(crate) fn between(from: f64, to: f64) -> f64 {
    if from > 0.0 { below(-from) - below(-to) } else { below(to) - below(from) }
}

/// The `p`-quantile, `p` in (0, 1): a rational start (Abramowitz, Stegun 26.2.23), then Halley's steps to full precision.
pub(crate) fn quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -quantile(1.0 - p);
    }
    let t = (-2.0 * libm::log(p)).sqrt();
    let mut z =
        (2.515_517 + t * (0.802_853 + t * 0.010_328)) / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308))) - t;
    for _ in 0..3 {
        let step = (below(z) - p) / density(z);
        z -= step / (1.0 + 0.5 * z * step);
    }
    z
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_quantiles_of_the_tables() {
        for (p, z) in [
            (0.5, 0.0),
            (0.9, 1.281_551_565_544_600_4),
            (0.95, 1.644_853_626_951_472_2),
            (0.975, 1.959_963_984_540_054),
            (0.99, 2.326_347_874_040_840_8),
            (0.999, 3.090_232_306_167_813),
            (1e-6, -4.753_424_308_822_899),
        ] {
            assert!((quantile(p) - z).abs() < 1e-12, "{p}: {}", quantile(p));
        }
    }

    #[test]
    fn quantile_and_probability_are_inverse() {
        for i in 1..1000 {
            let p = i as f64 / 1000.0;
            assert!((below(quantile(p)) - p).abs() < 1e-14);
        }
        assert!((between(-1.0, 1.0) - 0.682_689_492_137_085_9).abs() < 1e-14);
        assert!((between(6.0, f64::INFINITY) / below(-6.0) - 1.0).abs() < 1e-14);
    }
}
