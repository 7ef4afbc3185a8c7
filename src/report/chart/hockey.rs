//! The hockey stick: latency against a parameter, below it what succeeds and how much of the busiest node is in use.

use super::Title;
use super::axis::{Scale, time_of_tick};
use super::frame::{Area, Canvas, Type, WIDTH, picture, room, size};
use super::palette::{BROKEN, FAINT, INK, Pen, hair, pen};
use crate::experiment::summary::Estimate;
use crate::experiment::sweep::{Figures, Holds, Parameter, Point, Reach, Sweep};
use crate::report::number::{between, percent, plain, time};
use crate::report::text::clean;

const HEIGHT: f64 = 640.0;

/// A series: its name, and at each place a figure.
struct Series {
    name: &'static str,
    at: Vec<(f64, Estimate)>,
    pen: Pen,
}

/// Draws a sweep over one parameter; words stand side by side in their order.
pub fn hockey(title: &Title, sweep: &Sweep) -> String {
    let parameter = &sweep.parameters[0];
    let upper = Area { left: 96.0, top: 104.0, right: WIDTH - 150.0, bottom: 396.0 };
    let lower = Area { top: 436.0, bottom: 556.0, ..upper };
    let x = abscissa(parameter, upper);
    picture(title, HEIGHT, |canvas| {
        kept(canvas, sweep, parameter, &x, upper);
        let times = [
            series("p99", sweep, parameter, 0, |found| found.p99_ms),
            series("mean", sweep, parameter, 1, |found| found.mean_ms),
            series("p50", sweep, parameter, 2, |found| found.p50_ms),
        ];
        let all = || times.iter().flat_map(|series| &series.at).filter_map(|(_, e)| e.value).filter(|ms| *ms > 0.0);
        let (least, most) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
        let y = if most > 20.0 * least {
            Scale::log(least, most, upper.bottom, upper.top)
        } else {
            Scale::linear(most, upper.bottom, upper.top)
        };
        canvas.ordinate(upper, &y, time_of_tick);
        times.iter().for_each(|series| draw(canvas, series, &x, &y, upper));
        let shares = [
            series("success", sweep, parameter, 4, |found| found.success_rate),
            Series { name: "busiest", at: in_use(sweep, parameter), pen: pen(3) },
        ];
        let y = Scale::exact(0.0, 1.0, lower.bottom, lower.top);
        canvas.ordinate(lower, &y, percent);
        shares.iter().for_each(|series| draw(canvas, series, &x, &y, lower));
        marks(canvas, sweep, parameter, &x, (upper, lower));
        say(canvas, parameter, &x, upper, &times, time);
        say(canvas, parameter, &x, lower, &shares, percent);
        ticks(canvas, parameter, &x, lower);
    })
}

/// The place of a point along the parameter.
fn place(parameter: &Parameter, point: &Point) -> f64 {
    parameter.numbers.get(point.point as usize).copied().unwrap_or(point.point as f64)
}

fn abscissa(parameter: &Parameter, area: Area) -> Scale {
    if parameter.numbers.is_empty() {
        return Scale::exact(-0.5, parameter.values.len() as f64 - 0.5, area.left, area.right);
    }
    let all = || parameter.numbers.iter().copied();
    let (least, most) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    // Values that grow by equal factors were meant to be seen so.
    let steps: Vec<f64> = parameter.numbers.windows(2).map(|pair| pair[1] / pair[0]).collect();
    let even = steps.iter().all(|step| (step / steps[0] - 1.0).abs() < 0.05) && steps.len() > 1 && least > 0.0;
    if even { Scale::log(least, most, area.left, area.right) } else { Scale::exact(least, most, area.left, area.right) }
}

fn ticks(canvas: &Canvas, parameter: &Parameter, x: &Scale, area: Area) {
    if parameter.numbers.is_empty() {
        for (nth, value) in parameter.values.iter().enumerate() {
            let at = (x.at(nth as f64), area.bottom + 10.0);
            canvas.text(&clean(value), at, Type::of(size::LABEL).faint().centred().hanging());
        }
        canvas.line(&[(area.left, area.bottom), (area.right, area.bottom)], hair(FAINT));
    } else {
        canvas.abscissa(area, x, false, |tick| clean(&format!("{}{}", plain(tick), parameter.unit)));
    }
    let middle = (f64::midpoint(area.left, area.right), area.bottom + 34.0);
    canvas.text(&clean(&parameter.path), middle, Type::of(size::LABEL).faint().centred().hanging());
    let said = "busiest: how much of the busiest node is in use, workers held or cores";
    canvas.text(said, (area.left, HEIGHT - 20.0), Type::of(size::SMALL).faint());
}

fn series(
    name: &'static str,
    sweep: &Sweep,
    parameter: &Parameter,
    nth: usize,
    of: impl Fn(&Figures) -> Estimate,
) -> Series {
    let one = |point: &Point| Some((place(parameter, point), of(point.clients.get(&sweep.client)?)));
    let mut at: Vec<(f64, Estimate)> = sweep.points.iter().filter_map(one).collect();
    at.sort_by(|a, b| a.0.total_cmp(&b.0));
    Series { name, at, pen: pen(nth) }
}

fn in_use(sweep: &Sweep, parameter: &Parameter) -> Vec<(f64, Estimate)> {
    let one = |point: &Point| {
        let name = point.busiest.as_ref()?;
        Some((place(parameter, point), *point.nodes.get(name)?))
    };
    let mut at: Vec<(f64, Estimate)> = sweep.points.iter().filter_map(one).collect();
    at.sort_by(|a, b| a.0.total_cmp(&b.0));
    at
}

/// Says of each point what it was set to, and every figure there with its interval.
fn say(canvas: &Canvas, parameter: &Parameter, x: &Scale, area: Area, all: &[Series], show: fn(f64) -> String) {
    let points: Vec<f64> = all
        .iter()
        .map(|series| &series.at)
        .max_by_key(|at| at.len())
        .map_or_else(Vec::new, |at| at.iter().map(|(at, _)| *at).collect());
    for (nth, at) in points.iter().enumerate() {
        let half = |other: Option<&f64>, end: f64| other.map_or(end, |other| f64::midpoint(x.at(*other), x.at(*at)));
        let before = nth.checked_sub(1).and_then(|before| points.get(before));
        let whole = Area { left: half(before, area.left), right: half(points.get(nth + 1), area.right), ..area };
        let of = |series: &Series| {
            let (_, e) = series.at.iter().find(|(other, _)| other == at)?;
            Some(format!("{} {} ({})", series.name, show(e.value?), between(*e, show)?))
        };
        let told: Vec<String> = all.iter().filter_map(of).collect();
        let value = if parameter.numbers.is_empty() {
            parameter.values.get(*at as usize).cloned().unwrap_or_default()
        } else {
            format!("{}{}", plain(*at), parameter.unit)
        };
        canvas.says(whole, &clean(&format!("{} {value}: {}", parameter.path, told.join(", "))));
    }
}

/// A line through what has a value, with the intervals; its name stands at its end.
fn draw(canvas: &Canvas, series: &Series, x: &Scale, y: &Scale, area: Area) {
    let points: Vec<(f64, f64)> = series.at.iter().filter_map(|(at, e)| Some((x.at(*at), y.at(e.value?)))).collect();
    let thin = Pen { dash: &[], width: 1.5, ..series.pen };
    for (at, (low, high)) in series.at.iter().filter_map(|(at, e)| Some((x.at(*at), e.ends()?))) {
        canvas.line(&[(at, y.at(low)), (at, y.at(high))], thin);
    }
    canvas.line(&points, series.pen);
    points.iter().for_each(|at| canvas.dot(*at, 3.0, series.pen.colour));
    if let Some(end) = points.last() {
        let (begin, down) = (area.right + 10.0, nudge(series.name));
        canvas.line(&[(begin, end.1 + down), (begin + 18.0, end.1 + down)], series.pen);
        canvas.text(series.name, (begin + 24.0, end.1 + down), Type::of(size::SMALL));
    }
}

/// Mean and median, success and use may end at one place.
fn nudge(name: &str) -> f64 {
    match name {
        "mean" | "success" => -8.0,
        "p50" | "busiest" => 8.0,
        _ => 0.0,
    }
}

/// The ground is good as far as the first promise to break holds.
fn kept(canvas: &Canvas, sweep: &Sweep, parameter: &Parameter, x: &Scale, area: Area) {
    let Some(holds) = first(sweep) else { return };
    let Some(value) = holds.at.value else { return };
    let (from, to) = (Area { right: x.at(value), ..area }, Area { left: x.at(value), ..area });
    let broken = if holds.reach == Reach::From { from } else { to };
    canvas.rectangle(broken, BROKEN, 0.07);
    if let Some((low, high)) = holds.at.ends() {
        canvas.rectangle(Area { left: x.at(low), right: x.at(high), ..area }, INK, 0.10);
    }
    let word = if holds.reach == Reach::From { "from" } else { "up to" };
    let told = format!("kept {word} {}{}", plain(value), parameter.unit);
    let wide = room(&told, size::SMALL);
    let left = (x.at(value) - wide / 2.0).clamp(area.left, area.right - wide);
    canvas.text(&clean(&told), (left, area.top - 12.0), Type::of(size::SMALL).bold());
}

/// The promise that breaks first, of those that break.
fn first(sweep: &Sweep) -> Option<&Holds> {
    let breaks = |holds: &&Holds| holds.at.value.is_some();
    let order = |holds: &Holds| holds.at.value.unwrap_or(0.0) * if holds.reach == Reach::From { -1.0 } else { 1.0 };
    sweep.promises.iter().filter(breaks).min_by(|a, b| order(a).total_cmp(&order(b)))
}

/// Where the knee is.
fn marks(canvas: &Canvas, sweep: &Sweep, parameter: &Parameter, x: &Scale, (upper, lower): (Area, Area)) {
    let Some(value) = sweep.knee.as_ref().and_then(|knee| knee.at.value) else { return };
    let at = x.at(value);
    for area in [upper, lower] {
        canvas.line(&[(at, area.top), (at, area.bottom)], Pen { width: 1.6, dash: &[5.0, 4.0], ..hair(INK) });
    }
    let told = clean(&format!("knee {}{}", plain(value), parameter.unit));
    canvas.text(&told, (at, upper.bottom + 20.0), Type::of(size::SMALL).bold().centred());
}
