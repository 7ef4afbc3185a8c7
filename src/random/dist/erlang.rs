//! Erlang: the sum of `k` exponentials, for work in stages; steadier than exponential.

use super::{Gamma, not_negative};
use crate::random::{Draw, ziggurat};

/// Up to so many stages are drawn one by one; more are a gamma variate, which costs the same for any number.
const ONE_BY_ONE: u32 = 12;

/// An Erlang distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Erlang {
    mean: f64,
    k: u32,
    many: Gamma,
}

impl Erlang {
    /// By its mean and the number of stages.
    pub fn new(mean: f64, k: u32) -> Result<Self, String> {
        let mean = not_negative("mean", mean)?;
        if k == 0 {
            return Err("`k` is 0; an erlang has one stage or more".into());
        }
        Ok(Self { mean, k, many: Gamma::of_shape(mean, k as f64) })
    }

    /// Draws a value.
    pub fn sample(&self, draw: &mut Draw) -> f64 {
        if self.k > ONE_BY_ONE {
            return self.many.sample(draw);
        }
        let sum: f64 = (0..self.k).map(|_| ziggurat::exponential(draw)).sum();
        self.mean / self.k as f64 * sum
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The variance: mean² ÷ k.
    pub fn var(&self) -> f64 {
        self.mean * self.mean / self.k as f64
    }
}
