//! Gamma by mean and coefficient of variation (Marsaglia, Tsang: "A simple method for generating gamma variables", 2000).

use super::not_negative;
use crate::random::{Draw, ziggurat};

/// A gamma distribution: scale · standard gamma of a shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gamma {
    shape: f64,
    scale: f64,
}

impl Gamma {
    /// By its mean and coefficient of variation (standard deviation ÷ mean); a cv of 0 is a constant.
    pub fn new(mean: f64, cv: f64) -> Result<Self, String> {
        let mean = not_negative("mean", mean)?;
        let cv = not_negative("cv", cv)?;
        Ok(Self::of_shape(mean, 1.0 / (cv * cv)))
    }

    /// By mean and shape, both checked.
    pub(super) fn of_shape(mean: f64, shape: f64) -> Self {
        // An endless shape is a constant: `mean` then needs the mean, not shape · scale.
        if shape.is_finite() { Self { shape, scale: mean / shape } } else { Self { shape, scale: mean } }
    }

    /// Draws a value.
    pub fn sample(&self, draw: &mut Draw) -> f64 {
        if self.shape >= 1.0 {
            return self.scale * standard(self.shape, draw);
        }
        // Below shape 1: a gamma of one more, times U^(1 ÷ shape).
        let more = standard(self.shape + 1.0, draw);
        self.scale * more * libm::exp(-ziggurat::exponential(draw) / self.shape)
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        if self.shape.is_finite() { self.shape * self.scale } else { self.scale }
    }

    /// The variance: shape · scale².
    pub fn var(&self) -> f64 {
        if self.shape.is_finite() { self.shape * self.scale * self.scale } else { 0.0 }
    }
}

/// A gamma variate of scale 1 and a shape of at least 1.
fn standard(shape: f64, draw: &mut Draw) -> f64 {
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = ziggurat::normal(draw);
        let v = 1.0 + c * x;
        if v <= 0.0 {
            continue;
        }
        let v = v * v * v;
        let u = draw.unit_open();
        // The squeeze decides almost always and spares two logarithms.
        if u < 1.0 - 0.0331 * x * x * x * x || libm::log(u) < 0.5 * x * x + d * (1.0 - v + libm::log(v)) {
            return d * v;
        }
    }
}
