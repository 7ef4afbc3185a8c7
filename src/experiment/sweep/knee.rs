//! The knee: where throughput ÷ mean latency is greatest.
//!
//! Between points it is the top of a curve through them: of the cubic through the highest point, its neighbours and the next one on the left, and of
//! the one with the next on the right, in the middle of both. How far these are apart says how far the points leave it open, and the interval is as
//! much wider. (Of an M/M/1 all of them are the parabola λ(μ − λ).) Where there is but one next point, its cubic is taken, and the interval is wider by
//! what it differs from the parabola, to both sides; with three points it reaches from the first to the last of them.

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
    let each = (0..runs).map(|run| Some(top(&xs, &curve(run))?.at)).collect::<Option<Vec<f64>>>()?;
    let mean = |point: &Point| point.power[..runs].iter().sum::<f64>() / runs as f64;
    let together = top(&xs, &along.iter().map(|(_, point)| mean(point)).collect::<Vec<f64>>())?;
    let at = mean_of(&each, CONFIDENCE);
    let low = at.low.map(|low| low - (together.at - together.low));
    let at = Estimate { low, high: at.high.map(|high| high + (together.high - together.at)), ..at };
    let value = at.value?;
    let nearest = along.iter().min_by(|a, b| (a.0 - value).abs().total_cmp(&(b.0 - value).abs()))?.1;
    let (busiest, in_use) = nearest.bottleneck().and_then(|(name, used)| Some((name.to_owned(), used.value?))).unzip();
    Some(Knee { at, point: nearest.point, busiest, in_use })
}

/// Where a curve is highest, and how far its points leave that open.
struct Top {
    at: f64,
    low: f64,
    high: f64,
}

/// The top of a curve through its highest point and those beside it; `None` where the highest is at an end.
fn top(xs: &[f64], ys: &[f64]) -> Option<Top> {
    let at = (0..ys.len()).max_by(|a, b| ys[*a].total_cmp(&ys[*b]).then(b.cmp(a)))?;
    if at == 0 || at + 1 == ys.len() {
        return None;
    }
    let three = [at - 1, at, at + 1].map(|nth| (xs[nth], ys[nth]));
    let parabola = bend(three, None);
    let cubic = |nth: usize| Some(bend(three, Some((*xs.get(nth)?, *ys.get(nth)?))));
    let (at, ends) = match (at.checked_sub(2).and_then(cubic), cubic(at + 2)) {
        (Some(left), Some(right)) => (f64::midpoint(left, right), [left, right]),
        (Some(one), None) | (None, Some(one)) => (one, [parabola, 2.0 * one - parabola]),
        (None, None) => (parabola, [three[0].0, three[2].0]),
    };
    Some(Top { at, low: ends[0].min(ends[1]), high: ends[0].max(ends[1]) })
}

/// Where the parabola through three points, or the cubic through these and a fourth one, is highest between the first and the third.
fn bend(three: [(f64, f64); 3], fourth: Option<(f64, f64)>) -> f64 {
    let [(x0, y0), (x1, y1), (x2, y2)] = three;
    // From the middle: y₁ + b·u + a·u², and d·(u − p)·u·(u − q) for the fourth.
    let (p, q) = (x0 - x1, x2 - x1);
    let (left, right) = ((y0 - y1) / p, (y2 - y1) / q);
    let a = (right - left) / (q - p);
    let b = right - a * q;
    let d = fourth.map_or(0.0, |(x, y)| {
        let u = x - x1;
        (y - y1 - b * u - a * u * u) / ((u - p) * u * (u - q))
    });
    // The slope is c + m·u + 3d·u².
    let (c, m) = (b + d * p * q, 2.0 * (a - d * (p + q)));
    let found = x1 + 2.0 * c / ((m * m - 12.0 * d * c).sqrt() - m);
    if found.is_finite() { found.clamp(x0, x2) } else { x1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parabola_has_its_top_between_the_points() {
        let xs = [0.0, 1.0, 3.0, 4.0];
        let ys = xs.map(|x: f64| 10.0 - (x - 1.7) * (x - 1.7));
        let found = top(&xs, &ys).unwrap();
        assert!([found.at, found.low, found.high].iter().all(|x| (x - 1.7).abs() < 1e-9), "{}", found.at);
        assert!(top(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]).is_none(), "it still rises at the end");
        assert!(top(&[1.0, 2.0, 3.0], &[0.0, 0.0, 0.0]).is_none(), "nothing is highest");
        let three = top(&[1.0, 2.0, 3.0], &[0.0, 1.0, 0.0]).unwrap();
        assert_eq!((three.at, three.low, three.high), (2.0, 1.0, 3.0), "three points leave all of it open");
    }

    /// M/M/3 of 300/s: λ ÷ T is greatest at 188.6/s, where the parabola through points 45/s apart has its top 3/s below; M/M/10 of 1,000/s, 767.8/s
    /// with points 150/s apart and none to the right of the next one, has it 25/s below.
    #[test]
    fn what_the_points_leave_open_is_in_the_interval() {
        let power = |servers: u32, rate: f64| {
            let (load, c) = (rate / 100.0, f64::from(servers));
            let term = |k: u32| (1..=k).map(|k| load / f64::from(k)).product::<f64>();
            let all = term(servers) * c / (c - load);
            rate / (1.0 + all / ((0..servers).map(term).sum::<f64>() + all) / (c - load))
        };
        for (servers, from, step, exact) in [(3, 60.0, 45.0, 188.6), (10, 200.0, 150.0, 767.8)] {
            let xs = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0].map(|nth| from + step * nth);
            let found = top(&xs, &xs.map(|rate| power(servers, rate))).unwrap();
            assert!(found.low < exact && exact < found.high, "{} in {} … {}", exact, found.low, found.high);
            assert!((found.at - exact).abs() < 0.1 * step && found.high - found.low < 0.3 * step, "{}", found.at);
        }
    }
}
