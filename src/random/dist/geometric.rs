//! Geometric from 1: tries up to and with the first success; sizes of batches.

use super::not_negative;
use crate::random::{Draw, ziggurat};

/// A geometric distribution on 1, 2, 3, …
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometric {
    mean: f64,
    /// −ln(1 − 1 ÷ mean); a floor of an exponential over it is geometric.
    rate: f64,
}

impl Geometric {
    /// By its mean, which is at least 1.
    pub fn new(mean: f64) -> Result<Self, String> {
        if not_negative("mean", mean)? < 1.0 {
            return Err("a geometric counts from 1, so its mean is 1 or more".into());
        }
        Ok(Self { mean, rate: -libm::log1p(-1.0 / mean) })
    }

    /// Draws a value, a whole number.
    pub fn sample(&self, draw: &mut Draw) -> f64 {
        1.0 + libm::floor(ziggurat::exponential(draw) / self.rate)
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The variance: mean · (mean − 1).
    pub fn var(&self) -> f64 {
        self.mean * (self.mean - 1.0)
    }
}
