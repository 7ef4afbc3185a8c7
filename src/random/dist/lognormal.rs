//! Log-normal: what many small factors multiply up to; the usual shape of service times.

use super::not_negative;
use crate::random::{Draw, gauss, ziggurat};

/// A log-normal distribution: median · exp(sigma · Z).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lognormal {
    median: f64,
    sigma: f64,
}

impl Lognormal {
    /// By mean and coefficient of variation (standard deviation ÷ mean).
    pub fn new(mean: f64, cv: f64) -> Result<Self, String> {
        let mean = not_negative("mean", mean)?;
        let spread = libm::log1p(not_negative("cv", cv)? * cv);
        Ok(Self { median: mean * libm::exp(-0.5 * spread), sigma: spread.sqrt() })
    }

    /// Through two percentiles (quantile, value) exactly: q₁ < q₂, 0 < v₁ ≤ v₂, checked by the caller.
    pub(super) fn through((q1, v1): (f64, f64), (q2, v2): (f64, f64)) -> Self {
        let (z1, z2) = (gauss::quantile(q1), gauss::quantile(q2));
        let sigma = libm::log(v2 / v1) / (z2 - z1);
        Self { median: v1 * libm::exp(-sigma * z1), sigma }
    }

    /// Draws a value.
    #[inline]
    pub fn sample(&self, draw: &mut Draw) -> f64 {
        self.median * libm::exp(self.sigma * ziggurat::normal(draw))
    }

    /// The mean: median · exp(sigma² ÷ 2).
    pub fn mean(&self) -> f64 {
        self.median * libm::exp(0.5 * self.sigma * self.sigma)
    }

    /// The variance: mean² · (exp(sigma²) − 1).
    pub fn var(&self) -> f64 {
        self.mean() * self.mean() * libm::expm1(self.sigma * self.sigma)
    }
}
