//! Normal, truncated at 0: what falls below is drawn again, so the mean of what is drawn lies above the one written.

use super::not_negative;
use crate::random::{Draw, gauss, ziggurat};

/// So many standard deviations may the mean lie below 0 before nearly everything would be drawn again.
const LOWEST: f64 = -2.0;

/// A normal distribution, truncated at 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normal {
    mean: f64,
    sd: f64,
}

impl Normal {
    /// By mean and standard deviation before the truncation.
    pub fn new(mean: f64, sd: f64) -> Result<Self, String> {
        if !mean.is_finite() {
            return Err("a mean that is not a number; write a finite one".into());
        }
        let sd = not_negative("sd", sd)?;
        if mean < LOWEST * sd {
            return Err("a mean so far below zero that nearly all of it is cut off; raise `mean` or `sd`".into());
        }
        Ok(Self { mean, sd })
    }

    /// Draws a value.
    pub fn sample(&self, draw: &mut Draw) -> f64 {
        loop {
            let x = self.mean + self.sd * ziggurat::normal(draw);
            if x >= 0.0 {
                return x;
            }
        }
    }

    /// The mean after the truncation: mean + sd · h, h the normal's hazard at the cut.
    pub fn mean(&self) -> f64 {
        if self.sd == 0.0 { self.mean } else { self.mean + self.sd * self.hazard() }
    }

    /// The variance after the truncation: sd² · (1 + cut · h − h²).
    pub fn var(&self) -> f64 {
        if self.sd == 0.0 {
            return 0.0;
        }
        let (cut, hazard) = (-self.mean / self.sd, self.hazard());
        self.sd * self.sd * (1.0 + cut * hazard - hazard * hazard)
    }

    /// Density ÷ what lies above, at the cut.
    fn hazard(&self) -> f64 {
        let cut = -self.mean / self.sd;
        gauss::density(cut) / gauss::below(-cut)
    }
}
