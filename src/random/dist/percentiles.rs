//! Through percentiles: log-normal through two of them, a monotone fit through three or more.
//!
//! The fit is a line of straight pieces in a plot of ln(value) against the normal quantile, where a log-normal is one
//! straight line. It goes through every point exactly; beyond the first and the last it goes on with the slope it had
//! there. Between two points it is log-normal, so nothing is ever drawn that the points contradict.

use super::{Constant, Dist, Lognormal, describe::percentile_name};
use crate::random::{Draw, gauss, ziggurat};

/// A monotone fit through three or more percentiles.
#[derive(Clone, Debug, PartialEq)]
pub struct Percentiles {
    pieces: Box<[Piece]>,
}

/// Where the fit is value · exp(slope · (Z − from)), up to the next piece.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    /// Normal quantile at which the piece begins (the first one holds below as well).
    from: f64,
    /// Value there.
    value: f64,
    /// Growth of ln(value) per unit of normal quantile.
    slope: f64,
}

/// Checks the points and fits them: a constant, a log-normal or a monotone fit.
pub(super) fn fit(points: &[(f64, f64)]) -> Result<Dist, String> {
    check(points)?;
    let (first, last) = (points[0], points[points.len() - 1]);
    if first.1 == last.1 {
        return Ok(Dist::Constant(Constant::new(first.1)));
    }
    if let [low, high] = points {
        return Ok(Dist::Lognormal(Lognormal::through(*low, *high)));
    }
    Ok(Dist::Percentiles(Percentiles::new(points)))
}

/// At least two points, quantiles ascending within (0, 1), values above zero and never falling.
fn check(points: &[(f64, f64)]) -> Result<(), String> {
    if points.len() < 2 {
        return Err("one percentile says nothing of the spread; write two, for example p50 and p99".into());
    }
    for (q, value) in points {
        let name = percentile_name(*q);
        if !(*q > 0.0 && *q < 1.0) {
            return Err(format!("`{name}` is not a percentile; write p50, p90, p95, p99 or p999"));
        }
        if !(value.is_finite() && *value > 0.0) {
            return Err(format!("`{name}` is not above zero; a fit needs values above zero"));
        }
    }
    for pair in points.windows(2) {
        let (low, high) = (percentile_name(pair[0].0), percentile_name(pair[1].0));
        if pair[0].0 >= pair[1].0 {
            return Err(format!("`{low}` stands before `{high}`; write each percentile once, ascending"));
        }
        if pair[0].1 > pair[1].1 {
            return Err(format!("`{low}` is above `{high}`; a higher percentile cannot be lower, exchange them"));
        }
    }
    Ok(())
}

impl Percentiles {
    /// The fit through checked points.
    fn new(points: &[(f64, f64)]) -> Self {
        let places: Vec<(f64, f64)> = points.iter().map(|&(q, value)| (gauss::quantile(q), value)).collect();
        let pieces = places.windows(2).map(|ends| {
            let ((from, value), (to, next)) = (ends[0], ends[1]);
            Piece { from, value, slope: libm::log(next / value) / (to - from) }
        });
        Self { pieces: pieces.collect() }
    }

    /// Draws a value.
    pub fn sample(&self, draw: &mut Draw) -> f64 {
        let z = ziggurat::normal(draw);
        let beyond = self.pieces[1..].iter().take_while(|piece| piece.from <= z).count();
        let piece = &self.pieces[beyond];
        piece.value * libm::exp(piece.slope * (z - piece.from))
    }

    /// The mean, piece by piece in closed form.
    pub fn mean(&self) -> f64 {
        self.moment(1.0)
    }

    /// The variance, piece by piece in closed form.
    pub fn var(&self) -> f64 {
        let (mean, square) = (self.mean(), self.moment(2.0));
        // Beyond all numbers it is not zero.
        if square.is_finite() { (square - mean * mean).max(0.0) } else { f64::INFINITY }
    }

    /// E[Xⁿ]: over a piece, ∫ vⁿ exp(n s (z − a)) φ(z) dz = vⁿ exp(n s (n s ÷ 2 − a)) · P(a − n s < Z < b − n s).
    fn moment(&self, n: f64) -> f64 {
        let ends = self.pieces[1..].iter().map(|piece| piece.from).chain([f64::INFINITY]);
        let mut sum = 0.0;
        for (i, (piece, to)) in self.pieces.iter().zip(ends).enumerate() {
            let from = if i == 0 { f64::NEG_INFINITY } else { piece.from };
            let tilt = n * piece.slope;
            let whole = libm::pow(piece.value, n) * libm::exp(tilt * (0.5 * tilt - piece.from));
            sum += whole * gauss::between(from - tilt, to - tilt);
        }
        sum
    }
}
