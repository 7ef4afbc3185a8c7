//! As far as a promise holds: where the curve of what it measures crosses its bound.
//!
//! Between two points nothing was run. A latency is read off as its reciprocal: near what a node can do it grows as 1 ÷ (1 − ρ), and
//! the reciprocal falls on a straight line (of an M/M/1 exactly, at any load and for any percentile: ln(1 ÷ (1 − q)) ÷ (μ − λ)). Everything else is read off
//! as it is.
//!
//! How far such a line can be wrong its neighbours say. A curve that bends one way lies between the chord of two points and
//! the lines through the next two points on either side, drawn on. So the crossing is looked for on the chord and on
//! the one of these lines that is nearest to it; the value is in the middle, and the interval holds both. Two
//! points alone say nothing about what is between them, and the interval is all of that.

use serde::Serialize;

use super::{Manifest, Point, Promised};
use crate::experiment::summary::Estimate;

/// How a promise fares along a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// It holds at every point.
    Everywhere,
    /// It holds at none.
    Nowhere,
    /// It holds up to a value, and not beyond it.
    UpTo,
    /// It holds from a value on.
    From,
    /// It is broken and holds again, beyond chance: what more of the parameter does changes its direction.
    Mixed,
    /// No run has enough to tell: too few requests for the percentile, say.
    Unknown,
}

/// As far as a promise holds.
#[derive(Clone, Debug, Serialize)]
pub struct Holds {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub of: String,
    /// As it is written.
    pub expect: String,
    /// How it fares.
    pub reach: Reach,
    /// The value up to which, or from which on, it holds; of several the first.
    pub at: Estimate,
    /// The last point where it holds and the first where it does not, or the other way round: the value lies between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<[f64; 2]>,
}

/// As far as a promise holds at a value of another parameter.
#[derive(Clone, Debug, Serialize)]
pub struct Border {
    /// The path of the parameter that it holds along.
    pub along: String,
    /// The path of the other one.
    pub by: String,
    /// The value of the other one.
    pub value: String,
    /// As far as it holds there.
    #[serde(flatten)]
    pub holds: Holds,
}

/// Every promise along one of two parameters at each value of the other: along the first, or the second where that alone is a number.
pub(super) fn border(manifest: &Manifest, points: &[Point]) -> Vec<Border> {
    let [first, second] = manifest.parameters.as_slice() else { return Vec::new() };
    let turned = first.numbers.is_empty();
    let (along, by) = if turned { (second, first) } else { (first, second) };
    if along.numbers.len() < 2 {
        return Vec::new();
    }
    // The last parameter changes first from point to point.
    let place = |point: &Point| {
        let (slow, quick) = (point.point as usize / second.values.len(), point.point as usize % second.values.len());
        if turned { (quick, slow) } else { (slow, quick) }
    };
    let mut all = Vec::new();
    for (nth, promise) in manifest.promises.iter().enumerate() {
        for (at, value) in by.values.iter().enumerate() {
            let row = points.iter().filter(|point| place(point).1 == at);
            let row = sorted(row.map(|point| (along.numbers[place(point).0], point)).collect());
            let holds = fares(promise, nth, &row);
            all.push(Border { along: along.path.clone(), by: by.path.clone(), value: value.clone(), holds });
        }
    }
    all
}

/// Every promise along the parameter, where that is a single number.
pub(super) fn holds(manifest: &Manifest, points: &[Point]) -> Vec<Holds> {
    let [parameter] = manifest.parameters.as_slice() else { return Vec::new() };
    if parameter.numbers.is_empty() {
        return Vec::new();
    }
    let along = sorted(points.iter().map(|point| (parameter.numbers[point.point as usize], point)).collect());
    manifest.promises.iter().enumerate().map(|(nth, promise)| fares(promise, nth, &along)).collect()
}

fn sorted(mut along: Vec<(f64, &Point)>) -> Vec<(f64, &Point)> {
    along.sort_by(|a, b| a.0.total_cmp(&b.0));
    along
}

/// As far as a promise holds along some points.
fn fares(promise: &Promised, nth: usize, along: &[(f64, &Point)]) -> Holds {
    // Where some run has too few requests to tell, its point says nothing of the promise.
    let told = along.iter().filter(|(_, point)| point.promises[nth].untold_in == 0);
    let margins: Vec<Margin> = told.map(|(x, point)| margin(*x, promise, point.promises[nth].measured)).collect();
    let (reach, at, between) = reach(&margins);
    let Promised { name, of, expect, .. } = promise.clone();
    Holds { name, of, expect, reach, at, between }
}

/// How far a figure is on the good side of its bound, at a value of the parameter; the ends are those of its interval.
#[derive(Clone, Copy, Debug)]
struct Margin {
    x: f64,
    value: f64,
    ends: Option<(f64, f64)>,
}

fn margin(x: f64, promise: &Promised, measured: Estimate) -> Margin {
    let bound = promise.bound;
    let ahead = |figure: f64| if promise.time && bound > 0.0 { bound / figure - 1.0 } else { bound - figure };
    let of = |figure: f64| if promise.ceiling { ahead(figure) } else { -ahead(figure) };
    let ends =
        measured.ends().map(|(low, high)| if promise.ceiling { (of(high), of(low)) } else { (of(low), of(high)) });
    // A percentile without a value lies among those that failed.
    Margin { x, value: measured.value.map_or(f64::NEG_INFINITY, of), ends }
}

fn reach(along: &[Margin]) -> (Reach, Estimate, Option<[f64; 2]>) {
    let good = |margin: &Margin| margin.value >= 0.0;
    let Some(first) = along.first().map(good) else { return (Reach::Unknown, Estimate::NONE, None) };
    let Some(turn) = along.iter().position(|margin| good(margin) != first) else {
        return (if first { Reach::Everywhere } else { Reach::Nowhere }, Estimate::NONE, None);
    };
    let value = crossing(along, turn, |margin| margin.value).middle();
    // The worse end of the figure crosses sooner than the better one.
    let end = |pick: fn((f64, f64)) -> f64| {
        let of = |margin: &Margin| margin.ends.map_or(margin.value, pick);
        let turn = along.iter().position(|margin| (of(margin) >= 0.0) != first).filter(|turn| *turn > 0)?;
        Some(crossing(along, turn, of))
    };
    let known = along.iter().any(|margin| margin.ends.is_some());
    let (worse, better) = (end(|ends| ends.0).filter(|_| known), end(|ends| ends.1).filter(|_| known));
    let (low, high) = if first { (worse, better) } else { (better, worse) };
    let (low, high) = (low.map(|one| one.low.min(value)), high.map(|one| one.high.max(value)));
    let at = Estimate { value: Some(value), low, high, ..Estimate::NONE };
    let surely = |margin: &Margin, is: bool| {
        let (worse, better) = margin.ends.unwrap_or((margin.value, margin.value));
        if is { worse >= 0.0 } else { better < 0.0 }
    };
    let broken = along[turn..].iter().position(|margin| surely(margin, !first)).map(|at| turn + at);
    let again = broken.is_some_and(|broken| along[broken..].iter().any(|margin| surely(margin, first)));
    let reach = match (again, first) {
        (true, _) => Reach::Mixed,
        (false, true) => Reach::UpTo,
        (false, false) => Reach::From,
    };
    (reach, at, Some([along[turn - 1].x, along[turn].x]))
}

/// Where a curve crosses zero, on the chord and within what its neighbours leave open.
struct Crossing {
    chord: f64,
    low: f64,
    high: f64,
    /// Whether there was a neighbour.
    known: bool,
}

impl Crossing {
    fn middle(&self) -> f64 {
        if self.known { f64::midpoint(self.low, self.high) } else { self.chord }
    }
}

/// Where a curve is zero between the point before a turn and the turn; where one of them has no figure, the point that is good.
fn crossing(along: &[Margin], turn: usize, of: impl Fn(&Margin) -> f64) -> Crossing {
    let (a, b) = (&along[turn - 1], &along[turn]);
    let (from, to) = (of(a), of(b));
    if !(from.is_finite() && to.is_finite()) {
        let last = if from.is_finite() { a.x } else { b.x };
        return Crossing { chord: last, low: last, high: last, known: true };
    }
    // Where the line through two points is zero within; where it is not, the end that it is nearer to zero at.
    let line = |p: &Margin, q: &Margin| {
        let slope = (of(q) - of(p)) / (q.x - p.x);
        let at = |x: f64| of(p) + slope * (x - p.x);
        let nearer = if at(a.x).abs() < at(b.x).abs() { a.x } else { b.x };
        if (at(a.x) >= 0.0) == (at(b.x) >= 0.0) { nearer } else { p.x - of(p) / slope }
    };
    let chord = line(a, b);
    let before = turn.checked_sub(2).map(|at| (&along[at], a));
    let after = along.get(turn + 1).map(|next| (b, next));
    let drawn = [before, after].into_iter().flatten().filter(|(p, q)| of(p).is_finite() && of(q).is_finite());
    let drawn = drawn.map(|(p, q)| line(p, q)).min_by(|p, q| (p - chord).abs().total_cmp(&(q - chord).abs()));
    match drawn {
        Some(other) => Crossing { chord, low: chord.min(other), high: chord.max(other), known: true },
        None => Crossing { chord, low: a.x, high: b.x, known: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn along(all: &[(f64, f64)]) -> Vec<Margin> {
        all.iter().map(|&(x, value)| Margin { x, value, ends: Some((value - 0.5, value + 0.5)) }).collect()
    }

    #[test]
    fn a_promise_holds_up_to_where_its_curve_crosses() {
        let (found, at, between) = reach(&along(&[(100.0, 2.0), (200.0, 1.0), (300.0, -1.0), (400.0, -3.0)]));
        assert_eq!((found, at.value, between), (Reach::UpTo, Some(250.0), Some([200.0, 300.0])));
        assert_eq!((at.low, at.high), (Some(225.0), Some(275.0)));
    }

    /// A parabola, whose points say how far the chord is from it: 22 − x² ÷ 1000 is zero at 148.3, on the chord from 100 to 200 at 140.
    #[test]
    fn what_the_chord_cuts_off_is_in_the_interval() {
        let all = [0.0_f64, 100.0, 200.0, 300.0].map(|x| (x, 22.0 - x * x / 1e3));
        let all = all.map(|(x, value)| Margin { x, value, ends: Some((value, value)) });
        let (_, at, _) = reach(&all);
        assert_eq!(at.low, Some(140.0));
        assert!(at.high.unwrap() > 148.4 && (at.value.unwrap() - 148.3).abs() < 8.0, "{at:?}");
        let (_, at, _) = reach(&all[1..3]);
        assert_eq!((at.value, at.ends()), (Some(140.0), Some((100.0, 200.0))), "two points leave all of it open");
    }

    /// M/M/1: p99 = ln 100 ÷ (μ − λ), straight as its reciprocal however far points are apart.
    #[test]
    fn a_latency_is_read_off_its_reciprocal() {
        let promise = Promised { bound: 150.0, ceiling: true, time: true, ..Promised::default() };
        let p99 = |rate: f64| libm::log(100.0) / (0.1 - rate / 1e3);
        let all = [20.0, 55.0, 90.0].map(|x| margin(x, &promise, Estimate::point(p99(x))));
        let (_, at, _) = reach(&all);
        assert!((at.value.unwrap() - (100.0 - libm::log(100.0) / 0.15)).abs() < 1e-9, "{at:?}");
    }

    #[test]
    fn it_may_hold_from_a_value_on_or_not_at_all() {
        let (found, at, _) = reach(&along(&[(1.0, -1.0), (2.0, 1.0), (3.0, 3.0)]));
        assert_eq!((found, at.value), (Reach::From, Some(1.5)));
        assert!(at.low.unwrap() < 1.5 && at.high.unwrap() > 1.5, "{at:?}");
        assert_eq!(reach(&along(&[(1.0, 1.0), (2.0, 1.0)])).0, Reach::Everywhere);
        assert_eq!(reach(&along(&[(1.0, -1.0)])).0, Reach::Nowhere);
    }

    #[test]
    fn what_comes_back_is_told() {
        assert_eq!(reach(&along(&[(1.0, 2.0), (2.0, -2.0), (3.0, 2.0)])).0, Reach::Mixed);
        // Within chance it is not.
        assert_eq!(reach(&along(&[(1.0, 2.0), (2.0, -0.1), (3.0, 0.1), (4.0, -2.0)])).0, Reach::UpTo);
    }

    #[test]
    fn a_figure_that_never_comes_leaves_the_last_point_that_had_one() {
        let mut all = along(&[(1.0, 2.0), (2.0, 1.0)]);
        all.push(Margin { x: 3.0, value: f64::NEG_INFINITY, ends: None });
        let (found, at, between) = reach(&all);
        assert_eq!((found, at.value, between), (Reach::UpTo, Some(2.0), Some([2.0, 3.0])));
    }
}
