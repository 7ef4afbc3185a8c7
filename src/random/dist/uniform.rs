//! Uniform: every value between two ends alike.

use super::{ascending, not_negative};
use crate::random::Draw;

/// A uniform distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uniform {
    min: f64,
    width: f64,
}

impl Uniform {
    /// By its ends.
    pub fn new(min: f64, max: f64) -> Result<Self, String> {
        not_negative("min", min)?;
        not_negative("max", max)?;
        ascending(min, max)?;
        Ok(Self { min, width: max - min })
    }

    /// Draws a value.
    #[inline]
    pub fn sample(&self, draw: &mut Draw) -> f64 {
        self.min + self.width * draw.unit()
    }

    /// The mean: the middle.
    pub fn mean(&self) -> f64 {
        self.min + 0.5 * self.width
    }

    /// The variance: width² ÷ 12.
    pub fn var(&self) -> f64 {
        self.width * self.width / 12.0
    }
}
