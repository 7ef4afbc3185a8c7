//! Constant: the same value every time, without a draw.

use crate::random::Draw;

/// Always the same value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant {
    value: f64,
    rounded: u64,
}

impl Constant {
    /// Always `value`, which is not negative.
    pub const fn new(value: f64) -> Self {
        Self { value, rounded: (value + 0.5) as u64 }
    }

    /// The value in whole units.
    #[inline]
    pub fn rounded(&self) -> u64 {
        self.rounded
    }

    /// The value; takes nothing from the draw.
    #[inline]
    pub fn sample(&self, _: &mut Draw) -> f64 {
        self.value
    }

    /// The value.
    pub fn mean(&self) -> f64 {
        self.value
    }

    /// 0.
    pub fn var(&self) -> f64 {
        0.0
    }
}
