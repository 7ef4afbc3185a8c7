//! A figure from blocks: its median block, and between which blocks it lies. The median of what blocks show is between the least
//! and the largest of n blocks with probability 1 − 2^(1−n), whatever law they have (the sign test): 94 % with five.

use std::fmt;

use hoptax::units::Span;

/// So many times everything is measured.
pub(crate) const BLOCKS: usize = 5;

/// A time in ns (or per something), with the least and the largest block.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Figure {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Figure {
    /// Of what the blocks showed; nothing of none.
    pub(crate) fn of(blocks: &[f64]) -> Self {
        let mut sorted: Vec<f64> = blocks.iter().copied().filter(|x| x.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (Some(low), Some(high)) = (sorted.first(), sorted.last()) else { return Self::default() };
        Self { value: at(&sorted, 0.5), low: *low, high: *high }
    }

    /// Each end through the same function, which must rise.
    pub(crate) fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self { value: f(self.value), low: f(self.low), high: f(self.high) }
    }
}

impl fmt::Display for Figure {
    /// `17us [15us, 19us]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}, {}]", time(self.value), time(self.low), time(self.high))
    }
}

/// The median block of a quantile of each block's samples.
pub(crate) fn quantile(blocks: &[Vec<f64>], q: f64) -> Figure {
    let each: Vec<f64> = blocks.iter().filter(|block| !block.is_empty()).map(|block| quantile_of(block, q)).collect();
    Figure::of(&each)
}

/// A quantile of samples in any order.
pub(crate) fn quantile_of(samples: &[f64], q: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    at(&sorted, q)
}

/// A quantile of sorted samples, which are not none: of two in the middle, halfway.
fn at(sorted: &[f64], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let (low, share) = (place as usize, place.fract());
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + (sorted[high] - sorted[low]) * share
}

/// The slope of a line through points by least squares; 0 where they all stand at one place.
pub(crate) fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / n, y + point.1 / n));
    let square: f64 = points.iter().map(|point| (point.0 - x) * (point.0 - x)).sum();
    let product: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    if square > 0.0 { product / square } else { 0.0 }
}

/// A time of so many ns as the file has it, with four digits at most: of a cost per byte picoseconds count.
pub(crate) fn time(nanos: f64) -> String {
    let nanos = nanos.max(0.0);
    if nanos < 100.0 {
        let parts = if nanos < 10.0 { 1e3 } else { 1e2 };
        return format!("{}ns", (nanos * parts).round() / parts);
    }
    let unit = 10_f64.powi((nanos.log10().floor() as i32 - 3).max(0));
    Span(((nanos / unit).round() * unit) as u64).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_its_median_block_between_the_least_and_the_largest() {
        let figure = Figure::of(&[5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!((figure.value, figure.low, figure.high), (3.0, 1.0, 5.0));
        assert_eq!(Figure::of(&[]), Figure::default());
        assert_eq!(quantile_of(&[4.0, 1.0, 3.0, 2.0], 0.5), 2.5);
    }

    #[test]
    fn a_slope_is_that_of_the_line() {
        assert!((slope(&[(0.0, 7.0), (1.0, 10.0), (3.0, 16.0)]) - 3.0).abs() < 1e-12);
        assert_eq!(slope(&[(1.0, 2.0), (1.0, 3.0)]), 0.0);
    }

    #[test]
    fn times_are_written_as_the_file_has_them() {
        let told = [
            (2.4, "2.4ns"),
            (63.797, "63.8ns"),
            (1.8874, "1.887ns"),
            (0.0, "0ns"),
            (17_254.0, "17.25us"),
            (1_234_567.0, "1.235ms"),
            (-3.0, "0ns"),
        ];
        for (nanos, text) in told {
            assert_eq!(time(nanos), text);
            assert!(hoptax::units::parse_nanos(text).is_ok());
        }
    }
}
