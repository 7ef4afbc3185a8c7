//! Latency by percentile: the tail gets as much room as the middle, because every further nine takes the same width.

use super::Title;
use super::axis::{Scale, percent_of_tick, time_of_tick};
use super::frame::{Area, Canvas, HEIGHT, Type, WIDTH, picture, room, size};
use super::palette::{FAINT, Pen, hair, pen};
use crate::experiment::summary::{Distribution, Stats};
use crate::report::number::{percent, time, time_between};
use crate::report::text::cut;
use crate::stats::Histogram;

/// Points of a curve at most.
const POINTS: usize = 300;

/// Curves at most; more cannot be told apart.
const CURVES: usize = 10;

/// Samples that must lie beyond a percentile before it is drawn.
const BEYOND: f64 = 10.0;

/// Longest label beside a curve, letters.
const LABEL: usize = 32;

/// Heights of two labels beside each other, points.
const APART: f64 = 21.0;

/// The percentiles of one client, variant or file.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// `(share, milliseconds)`, ascending.
    pub points: Vec<(f64, f64)>,
    /// `(share, low, high)`: intervals at the shares that have one.
    pub whiskers: Vec<(f64, f64, f64)>,
}

impl Curve {
    /// The curve over all that arrived: it ends where those begin that failed or were never answered, and says how many were.
    pub fn over_all(name: String, stats: &Stats) -> Self {
        let (all, arrived) = (Self::of(name, &stats.latency_ms), &stats.latency_arrived_ms);
        if stats.succeeded >= stats.arrived {
            return all;
        }
        let share = stats.succeeded as f64 / stats.arrived as f64;
        let points = all.points.into_iter().map(|(at, ms)| (at * share, ms)).collect();
        let whiskers = [(0.5, arrived.p50), (0.9, arrived.p90), (0.99, arrived.p99), (0.999, arrived.p999)];
        let whiskers = whiskers.into_iter().filter_map(|(at, e)| Some((at, e.low?, e.high?))).collect();
        let name = format!("{} ({} answered)", all.name, percent(share));
        Self { name, points, whiskers }
    }

    /// The curve of a distribution, as far as its samples carry it.
    pub fn of(name: String, d: &Distribution) -> Self {
        let times = d.histogram.as_deref().filter(|times| times.count() > 0);
        let highest = highest(times.map_or(0, Histogram::count));
        let last = -(1.0 - highest).log10();
        let share = |i: usize| 1.0 - 10f64.powf(-last * i as f64 / (POINTS - 1) as f64);
        let point = |times: &Histogram, at: f64| (at, times.quantile(at) as f64 / 1e6);
        let points = times.map_or(Vec::new(), |times| (0..POINTS).map(|i| point(times, share(i))).collect());
        let whiskers = [(0.5, d.p50), (0.9, d.p90), (0.99, d.p99), (0.999, d.p999)]
            .into_iter()
            .filter_map(|(share, e)| Some((share, e.low?, e.high?)))
            .collect();
        Self { name, points, whiskers }
    }
}

/// The highest percentile that `count` samples carry; at least the median, at most five nines.
fn highest(count: u64) -> f64 {
    (1.0 - BEYOND / count.max(1) as f64).clamp(0.5, 0.999_99)
}

/// Draws the curves over each other, each with its name at its end.
pub fn percentiles(title: &Title, curves: &[Curve]) -> String {
    let all = curves.iter().filter(|curve| curve.points.len() > 1).count();
    let curves: Vec<&Curve> = curves.iter().filter(|curve| curve.points.len() > 1).take(CURVES).collect();
    let names: Vec<String> = curves.iter().map(|curve| cut(&curve.name, LABEL)).collect();
    let widest = names.iter().map(|name| room(name, size::LABEL)).fold(60.0, f64::max);
    let area = Area { left: 96.0, top: 100.0, right: WIDTH - widest - 72.0, bottom: HEIGHT - 72.0 };
    picture(title, HEIGHT, |canvas| {
        let (x, y) = scales(&curves, area);
        canvas.ordinate(area, &y, time_of_tick);
        canvas.abscissa(area, &x, true, percent_of_tick);
        let below = (f64::midpoint(area.left, area.right), area.bottom + 38.0);
        canvas.text(
            "requests that were at least as fast, of all that arrived",
            below,
            Type::of(size::LABEL).faint().centred().hanging(),
        );
        let mut ends = vec![(0.0, 0.0); curves.len()];
        for i in full_first(curves.len()) {
            ends[i] = draw(canvas, curves[i], pen(i), &x, &y);
        }
        labels(canvas, &names, &ends, area);
        said(canvas, &curves, &x, area);
        if all > CURVES {
            let note = format!("{} more not drawn", all - CURVES);
            canvas.text(&note, (WIDTH - 32.0, HEIGHT - 22.0), Type::of(size::SMALL).faint().ending());
        }
    })
}

/// Full lines before dashed ones: variants often change nothing for a client, and a full line would hide the others.
fn full_first(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|i| !pen(*i).dash.is_empty());
    order
}

fn scales(curves: &[&Curve], area: Area) -> (Scale, Scale) {
    let points = || curves.iter().flat_map(|curve| curve.points.iter());
    let highest = points().map(|p| p.0).fold(0.5, f64::max);
    // An interval is drawn whole, as far as its curve goes.
    let whiskers = curves.iter().flat_map(|curve| {
        let last = curve.points.last().map_or(0.0, |last| last.0);
        curve.whiskers.iter().filter(move |whisker| whisker.0 <= last).map(|whisker| whisker.2)
    });
    let most = points().map(|p| p.1).chain(whiskers).fold(0.0, f64::max);
    // The very fastest requests say little and would stretch a logarithmic axis for nothing.
    let least = points().filter(|p| p.0 >= 0.05 && p.1 > 0.0).map(|p| p.1).fold(f64::MAX, f64::min);
    let x = Scale::nines(highest, area.left, area.right);
    let y = if most > 20.0 * least {
        Scale::log(least, most, area.bottom, area.top)
    } else {
        Scale::linear(most, area.bottom, area.top)
    };
    (x, y)
}

/// What is said to whoever points: at each of some sixty shares, the latency of every curve there.
fn said(canvas: &Canvas, curves: &[&Curve], x: &Scale, area: Area) {
    let Some(longest) = curves.iter().max_by(|a, b| last(a).total_cmp(&last(b))) else { return };
    let shares: Vec<f64> = longest.points.iter().step_by(POINTS / 60).map(|p| p.0).collect();
    let within = |curve: &Curve, share: f64| {
        let at = curve.points.iter().find(|point| point.0 >= share)?;
        Some(format!("{} within {}", curve.name, time(at.1)))
    };
    for pair in shares.windows(2) {
        let told: Vec<String> = curves.iter().filter_map(|curve| within(curve, pair[0])).collect();
        let text = format!("{}: {}", percent_of_tick((pair[0] * 1e6).round() / 1e6), told.join("; "));
        canvas.says(Area { left: x.at(pair[0]), right: x.at(pair[1]), ..area }, &text);
    }
    for share in [0.5, 0.9, 0.99, 0.999] {
        let intervals = curves.iter().filter_map(|curve| {
            let (_, low, high) = curve.whiskers.iter().find(|whisker| whisker.0 == share && share <= last(curve))?;
            Some(format!("{} within {}", curve.name, time_between(*low, *high)))
        });
        let intervals: Vec<String> = intervals.collect();
        if !intervals.is_empty() {
            let (at, text) =
                (x.at(share), format!("{}, with its interval: {}", percent_of_tick(share), intervals.join("; ")));
            // A little wider than the bar.
            canvas.says(Area { left: at - 5.0, right: at + 5.0, ..area }, &text);
        }
    }
}

/// The share that a curve ends at.
fn last(curve: &Curve) -> f64 {
    curve.points.last().map_or(0.0, |point| point.0)
}

/// Draws one curve with its whiskers and says where it ends.
fn draw(canvas: &Canvas, curve: &Curve, pen: Pen, x: &Scale, y: &Scale) -> (f64, f64) {
    let points: Vec<(f64, f64)> = curve.points.iter().map(|&(share, ms)| (x.at(share), y.at(ms))).collect();
    let end = points.last().copied().unwrap_or_default();
    for &(share, low, high) in curve.whiskers.iter().filter(|w| x.at(w.0) <= end.0 + 0.5) {
        let (at, low, high) = (x.at(share), y.at(low), y.at(high));
        let thin = Pen { dash: &[], width: 1.5, ..pen };
        canvas.line(&[(at, low), (at, high)], thin);
        canvas.line(&[(at - 4.0, low), (at + 4.0, low)], thin);
        canvas.line(&[(at - 4.0, high), (at + 4.0, high)], thin);
    }
    canvas.line(&points, pen);
    canvas.dot(end, 3.5, pen.colour);
    end
}

/// Names beside the ends of the curves, pushed apart where they would touch, each led to its curve.
fn labels(canvas: &Canvas, names: &[String], ends: &[(f64, f64)], area: Area) {
    let wanted: Vec<f64> = ends.iter().map(|end| end.1).collect();
    for (i, place) in spread(&wanted, area.top, area.bottom).into_iter().enumerate() {
        let begin = area.right + 16.0;
        // A leader that crosses the picture must not be taken for data.
        let far = ends[i].0 < area.right - 1.0;
        let leader = Pen { dash: if far { &[1.5, 4.0] } else { &[] }, ..hair(FAINT) };
        canvas.line(&[ends[i], (begin - 2.0, place)], leader);
        canvas.line(&[(begin, place), (begin + 26.0, place)], pen(i));
        canvas.text(&names[i], (begin + 34.0, place), Type::of(size::LABEL));
    }
}

/// Places as near as may be to the wanted ones and at least [`APART`] from each other, between `top` and `bottom`.
fn spread(wanted: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]).then(a.cmp(&b)));
    let mut places = wanted.to_vec();
    let mut floor = top;
    for &i in &order {
        places[i] = places[i].max(floor);
        floor = places[i] + APART;
    }
    let mut ceiling = bottom;
    for &i in order.iter().rev() {
        places[i] = places[i].min(ceiling);
        ceiling = places[i] - APART;
    }
    places
}

/// Exponential times of mean `mean` ms, as far as `count` samples would carry them.
#[cfg(test)]
pub(super) fn exponential(name: &str, shift: f64, mean: f64, count: u64) -> Curve {
    let last = -(1.0 - highest(count)).log10();
    let share = |i: u32| 1.0 - 10f64.powf(-last * f64::from(i) / 299.0);
    let at = |share: f64| shift - mean * (1.0 - share).ln();
    let points = (0..300).map(|i| (share(i), at(share(i)))).collect();
    let whiskers = [(0.5, 0.02), (0.9, 0.03), (0.99, 0.06), (0.999, 0.12)]
        .map(|(q, half)| (q, at(q) * (1.0 - half), at(q) * (1.0 + half)))
        .into();
    Curve { name: name.into(), points, whiskers }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_full_line_lies_over_a_dashed_one() {
        let order = full_first(6);
        assert_eq!(order, [0, 4, 1, 2, 3, 5]);
    }

    #[test]
    fn labels_never_touch() {
        let places = spread(&[100.0, 101.0, 102.0, 430.0, 431.0], 100.0, 431.0);
        let mut sorted = places.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= APART - 1e-9), "{places:?}");
        assert!(places.iter().all(|place| (100.0..=431.0).contains(place)), "{places:?}");
        assert!(places[0] < places[1] && places[1] < places[2]);
    }

    #[test]
    fn a_picture_names_its_curves_and_axes() {
        let curves = [exponential("function calls", 6.0, 3.0, 100_000), exponential("a <b>", 12.0, 4.0, 100_000)];
        let title = Title { title: "chain: latency by percentile".into(), subtitle: "seed 1".into() };
        let svg = percentiles(&title, &curves);
        for word in ["function calls", "a &lt;b&gt;", "99.9 %", "99.99 %", "requests that were", "0 %"] {
            assert!(svg.contains(word), "{word}");
        }
    }

    #[test]
    fn few_samples_end_a_curve_early() {
        assert_eq!(highest(0), 0.5);
        assert!((highest(10_000) - 0.999).abs() < 1e-12);
        assert_eq!(highest(u64::MAX), 0.999_99);
    }
}
