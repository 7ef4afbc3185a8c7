//! Bounded Pareto: a power-law tail that ends somewhere, as real sizes and times do.

use super::{ascending, positive};
use crate::random::Draw;

/// A bounded Pareto distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pareto {
    min: f64,
    max: f64,
    alpha: f64,
    /// 1 − (min ÷ max)^alpha: the share of the unbounded tail below `max`.
    kept: f64,
}

impl Pareto {
    /// By its ends and its tail index.
    pub fn new(min: f64, max: f64, alpha: f64) -> Result<Self, String> {
        positive("min", min)?;
        positive("max", max)?;
        ascending(min, max)?;
        positive("alpha", alpha)?;
        Ok(Self { min, max, alpha, kept: -libm::expm1(alpha * libm::log(min / max)) })
    }

    /// Draws a value, by inversion.
    pub fn sample(&self, draw: &mut Draw) -> f64 {
        let above = libm::log1p(-draw.unit() * self.kept);
        (self.min * libm::exp(-above / self.alpha)).min(self.max)
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.moment(1.0)
    }

    /// The variance.
    pub fn var(&self) -> f64 {
        self.moment(2.0) - self.mean() * self.mean()
    }

    /// E[Xⁿ] = alpha · minⁿ ÷ kept · ∫₀^ln(max÷min) exp((n − alpha) t) dt.
    fn moment(&self, n: f64) -> f64 {
        let (length, growth) = (libm::log(self.max / self.min), n - self.alpha);
        let area = if growth == 0.0 { length } else { libm::expm1(growth * length) / growth };
        self.alpha * libm::pow(self.min, n) / self.kept * area
    }
}
