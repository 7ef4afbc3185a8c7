//! Measured values, each as likely as the other (the empirical distribution).

use super::not_negative;
use crate::random::Draw;

/// Measured values.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// Ascending, so that a draw means the same rank whatever the order of the file.
    values: Box<[f64]>,
    mean: f64,
    var: f64,
}

impl Samples {
    /// By the values; `path` is named in errors.
    pub fn new(path: &str, values: &[f64]) -> Result<Self, String> {
        if values.is_empty() {
            return Err(format!("`{path}` holds no values; it needs at least one"));
        }
        for (i, value) in values.iter().enumerate() {
            not_negative("value", *value).map_err(|e| format!("in `{path}`, value {}: {e}", i + 1))?;
        }
        let mut values: Box<[f64]> = values.into();
        values.sort_by(f64::total_cmp);
        let n = values.len() as f64;
        // Relative to the smallest, so that equal values have a variance of exactly 0.
        let mean = values[0] + values.iter().map(|v| v - values[0]).sum::<f64>() / n;
        let var = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
        Ok(Self { values, mean, var })
    }

    /// Draws one of the values.
    pub fn sample(&self, draw: &mut Draw) -> f64 {
        self.values[draw.below(self.values.len() as u32) as usize]
    }

    /// The mean of the values.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The variance of the values (they are the population).
    pub fn var(&self) -> f64 {
        self.var
    }
}
