//! Exponential: the time to the next of events that do not know of each other.

use super::not_negative;
use crate::random::{Draw, ziggurat};

/// An exponential distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    mean: f64,
}

impl Exponential {
    /// By its mean.
    pub fn new(mean: f64) -> Result<Self, String> {
        Ok(Self { mean: not_negative("mean", mean)? })
    }

    /// Draws a value.
    #[inline]
    pub fn sample(&self, draw: &mut Draw) -> f64 {
        self.mean * ziggurat::exponential(draw)
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The variance: the mean squared.
    pub fn var(&self) -> f64 {
        self.mean * self.mean
    }
}
