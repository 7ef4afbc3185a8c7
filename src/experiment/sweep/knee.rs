//! The knee: where throughput ÷ mean latency is greatest.
//!
//! Between points it is the top of a parabola, which of an M/M/1 is exact: λ(μ − λ). How far another shape would have its top from there
//! says the parabola through the logarithms: the interval is as much wider.

use serde::Serialize;

use super::{Manifest, Point};
use crate::experiment::estimate::CONFIDENCE;
use crate::experiment::summary::Estimate;
use crate::stats::mean_of;

/// Where more of the parameter begins to cost more than it brings.
#[derive(Clone, Debug, Serialize)]
pub struct Knee {
    /// The value of the parameter: mean over the runs, each with its own knee.
    pub at: Estimate,
    /// The point nearest to it.
    pub point: u64,
    /// Who is busiest there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busiest: Option<String>,
    /// How much of it is in use there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_use: Option<f64>,
}

/// The knee of a sweep over one number; `None` where some run has its own at the first or the last point, or none.
pub(super) fn knee(manifest: &Manifest, points: &[Point]) -> Option<Knee> {
    let [parameter] = manifest.parameters.as_slice() else { return None };
    if parameter.numbers.is_empty() || points.len() < manifest.points.len() {
        return None;
    }
    let mut along: Vec<(f64, &Point)> =
        points.iter().map(|point| (parameter.numbers[point.point as usize], point)).collect();
    along.sort_by(|a, b| a.0.total_cmp(&b.0));
    let runs = along.iter().map(|(_, point)| point.power.len()).min()?;
    let xs: Vec<f64> = along.iter().map(|(x, _)| *x).collect();
    let curve = |run: usize| along.iter().map(|(_, point)| point.power[run]).collect::<Vec<f64>>();
    let each = (0..runs).map(|run| top(&xs, &curve(run))).collect::<Option<Vec<f64>>>()?;
    let other =
        |run: usize| top(&xs, &curve(run).into_iter().map(|y| libm::log(y.max(f64::MIN_POSITIVE))).collect::<Vec<_>>());
    let apart: f64 = (0..runs).filter_map(|run| Some(other(run)? - each[run])).sum::<f64>().abs() / runs.max(1) as f64;
    let at = mean_of(&each, CONFIDENCE);
    let at = Estimate { low: at.low.map(|low| low - apart), high: at.high.map(|high| high + apart), ..at };
    let value = at.value?;
    let nearest = along.iter().min_by(|a, b| (a.0 - value).abs().total_cmp(&(b.0 - value).abs()))?.1;
    let (busiest, in_use) = nearest.bottleneck().and_then(|(name, used)| Some((name.to_owned(), used.value?))).unzip();
    Some(Knee { at, point: nearest.point, busiest, in_use })
}

/// Where a curve is highest: the top of the parabola through its highest point and the two beside it. `None` where the highest
/// is at an end.
fn top(xs: &[f64], ys: &[f64]) -> Option<f64> {
    let at = (0..ys.len()).max_by(|a, b| ys[*a].total_cmp(&ys[*b]).then(b.cmp(a)))?;
    if at == 0 || at + 1 == ys.len() {
        return None;
    }
    let (x, y) = ([xs[at - 1], xs[at], xs[at + 1]], [ys[at - 1], ys[at], ys[at + 1]]);
    let (left, right) = ((y[1] - y[0]) / (x[1] - x[0]), (y[2] - y[1]) / (x[2] - x[1]));
    let curve = (right - left) / (x[2] - x[0]);
    // The slope between two points is that of the parabola halfway.
    let found = f64::midpoint(x[0], x[1]) - left / (2.0 * curve);
    Some(if found.is_finite() { found.clamp(x[0], x[2]) } else { x[1] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parabola_has_its_top_between_the_points() {
        let xs = [0.0, 1.0, 3.0, 4.0];
        let ys = xs.map(|x: f64| 10.0 - (x - 1.7) * (x - 1.7));
        assert!((top(&xs, &ys).unwrap() - 1.7).abs() < 1e-12);
        assert_eq!(top(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]), None, "it still rises at the end");
        assert_eq!(top(&[1.0, 2.0, 3.0], &[0.0, 0.0, 0.0]), None, "nothing is highest");
    }
}
