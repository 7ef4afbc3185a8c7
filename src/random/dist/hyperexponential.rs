//! Hyperexponential: mostly short, sometimes long; two exponentials with balanced means (each branch carries half of the
//! mean; Whitt, "Approximating a point process by a renewal process", 1982).

use super::not_negative;
use crate::random::{Draw, ziggurat};

/// A hyperexponential distribution of two phases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hyperexponential {
    /// Share of the short branch.
    share: f64,
    short: f64,
    long: f64,
}

impl Hyperexponential {
    /// By its mean and coefficient of variation (standard deviation ÷ mean), which is at least 1.
    pub fn new(mean: f64, cv: f64) -> Result<Self, String> {
        let mean = not_negative("mean", mean)?;
        if not_negative("cv", cv)? < 1.0 {
            return Err("a hyperexponential varies at least as much as an exponential (cv ≥ 1); \
                        write gamma or erlang for less"
                .into());
        }
        let square = cv * cv;
        let apart = ((square - 1.0) / (square + 1.0)).sqrt();
        Ok(Self { share: 0.5 * (1.0 + apart), short: mean / (1.0 + apart), long: mean / (1.0 - apart) })
    }

    /// Draws a value.
    pub fn sample(&self, draw: &mut Draw) -> f64 {
        let mean = if draw.unit() < self.share { self.short } else { self.long };
        mean * ziggurat::exponential(draw)
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.share * self.short + (1.0 - self.share) * self.long
    }

    /// The variance.
    pub fn var(&self) -> f64 {
        let second = 2.0 * (self.share * self.short * self.short + (1.0 - self.share) * self.long * self.long);
        second - self.mean() * self.mean()
    }
}
