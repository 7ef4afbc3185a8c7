//! Weibull by mean and shape: lives and response times; below shape 1 heavier than exponential, at 1 exponential.

use super::{not_negative, positive};
use crate::random::{Draw, ziggurat};

/// Below this the moments leave what a float can hold in sense.
const LEAST_SHAPE: f64 = 0.05;

/// A Weibull distribution: scale · E^(1 ÷ shape).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weibull {
    scale: f64,
    power: f64,
}

impl Weibull {
    /// By its mean and shape.
    pub fn new(mean: f64, shape: f64) -> Result<Self, String> {
        let mean = not_negative("mean", mean)?;
        if positive("shape", shape)? < LEAST_SHAPE {
            return Err(format!("a shape below {LEAST_SHAPE} has its mean in values that never come; write more"));
        }
        Ok(Self { scale: mean / libm::tgamma(1.0 + 1.0 / shape), power: 1.0 / shape })
    }

    /// Draws a value.
    pub fn sample(&self, draw: &mut Draw) -> f64 {
        self.scale * libm::pow(ziggurat::exponential(draw), self.power)
    }

    /// The mean: scale · Γ(1 + 1 ÷ shape).
    pub fn mean(&self) -> f64 {
        self.scale * libm::tgamma(1.0 + self.power)
    }

    /// The variance.
    pub fn var(&self) -> f64 {
        let second = self.scale * self.scale * libm::tgamma(1.0 + 2.0 * self.power);
        (second - self.mean() * self.mean()).max(0.0)
    }
}
