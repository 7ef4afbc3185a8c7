//! A field of two parameters: the slower, or the less often kept, the darker; one field for each combination of the others.

use super::Title;
use super::frame::{Area, Canvas, Type, WIDTH, picture, room, size};
use super::palette::{BROKEN, GRID, PAPER, on_paper};
use crate::experiment::summary::Estimate;
use crate::experiment::sweep::{Parameter, Point, Sweep};
use crate::report::number::{between, percent, time};
use crate::report::text::{clean, cut};

const TOP: f64 = 112.0;
const ROW: f64 = 34.0;
/// Above each field, for what the others are, and below it, for its columns.
const HEAD: f64 = 26.0;
const FOOT: f64 = 62.0;
/// Fields at most.
const FIELDS: usize = 6;

/// Draws a sweep over two parameters and more: the last two are rows and columns.
pub fn field(title: &Title, sweep: &Sweep) -> String {
    let [others @ .., rows, columns] = sweep.parameters.as_slice() else { return picture(title, TOP, |_| ()) };
    let each = (rows.values.len() * columns.values.len()).max(1) as u64;
    let mut fields: Vec<u64> = sweep.points.iter().map(|point| point.point / each).collect();
    fields.dedup();
    let left_out = fields.len().saturating_sub(FIELDS);
    fields.truncate(FIELDS);
    let head = if others.is_empty() { 0.0 } else { HEAD };
    let tall = head + ROW * rows.values.len() as f64 + FOOT;
    let shade = Shade::of(sweep);
    let left = 60.0 + rows.values.iter().map(|value| room(value, size::LABEL)).fold(60.0, f64::max);
    picture(title, TOP + tall * fields.len() as f64 + 30.0, |canvas| {
        canvas.text(&clean(&rows.path), (32.0, TOP - 14.0), Type::of(size::SMALL).faint());
        for (nth, group) in fields.iter().enumerate() {
            let top = TOP + tall * nth as f64;
            let inside: Vec<&Point> = sweep.points.iter().filter(|point| point.point / each == *group).collect();
            if let Some(point) = inside.first().filter(|_| !others.is_empty()) {
                let told = others.iter().zip(&point.at).map(|(parameter, value)| format!("{} {value}", parameter.path));
                let told = told.collect::<Vec<_>>().join(", ");
                canvas.text(&clean(&told), (left, top + 8.0), Type::of(size::LABEL).bold());
            }
            let area = Area { left, top: top + head, right: WIDTH - 40.0, bottom: top + tall - FOOT };
            one(canvas, (rows, columns), &inside, each, area, &shade);
        }
        let said = if left_out > 0 { format!("{} · {left_out} more not drawn", shade.said()) } else { shade.said() };
        let foot = (left, TOP + tall * fields.len() as f64);
        canvas.text(&said, foot, Type::of(size::SMALL).faint());
    })
}

fn one(
    canvas: &Canvas,
    (rows, columns): (&Parameter, &Parameter),
    points: &[&Point],
    each: u64,
    area: Area,
    shade: &Shade,
) {
    let wide = (area.right - area.left) / columns.values.len().max(1) as f64;
    for (nth, value) in rows.values.iter().enumerate() {
        let y = area.top + ROW * (nth as f64 + 0.5);
        canvas.text(&clean(value), (area.left - 12.0, y), Type::of(size::LABEL).ending());
    }
    for (nth, value) in columns.values.iter().enumerate() {
        let x = area.left + wide * (nth as f64 + 0.5);
        let letters = ((wide / 9.0) as usize).max(3);
        let set = Type::of(size::SMALL).centred().hanging();
        canvas.text(&cut(&clean(value), letters), (x, area.bottom + 8.0), set);
    }
    let below = (f64::midpoint(area.left, area.right), area.bottom + 28.0);
    canvas.text(&clean(&columns.path), below, Type::of(size::SMALL).faint().centred().hanging());
    for point in points {
        let (at, count) = (point.point % each, columns.values.len() as u64);
        let (row, column) = ((at / count) as f64, (at % count) as f64);
        let (left, top) = (area.left + wide * column, area.top + ROW * row);
        let whole = Area { left, right: left + wide, top, bottom: top + ROW };
        let at = [(rows, row as usize), (columns, column as usize)]
            .map(|(parameter, nth)| format!("{} {}", parameter.path, parameter.values[nth]));
        canvas.says(whole, &clean(&format!("{}: {}", at.join(", "), shade.told(point))));
        cell(canvas, point, Area { left, right: left + wide, top, bottom: top + ROW }, shade);
    }
}

fn cell(canvas: &Canvas, point: &Point, area: Area, shade: &Shade) {
    let (strength, told) = shade.at(point);
    canvas.rectangle(area, strength.map_or(GRID, |share| on_paper(BROKEN, 0.06 + 0.9 * share)), 1.0);
    canvas.outline(area, PAPER);
    if room(&told, size::SMALL) > area.right - area.left - 4.0 {
        return;
    }
    let set = Type::of(size::SMALL).centred();
    let middle = (f64::midpoint(area.left, area.right), f64::midpoint(area.top, area.bottom));
    canvas.text(&told, middle, if strength.is_some_and(|share| share > 0.55) { set.light() } else { set });
}

/// What the darkness means: the share of runs that break a promise, or the p99 between the least and the most.
enum Shade<'s> {
    Broken,
    Slow { client: &'s str, least: f64, most: f64 },
}

impl<'s> Shade<'s> {
    fn of(sweep: &'s Sweep) -> Self {
        if sweep.points.iter().any(|point| point.all_kept.is_some()) {
            return Self::Broken;
        }
        let client = sweep.client.as_str();
        let all = || sweep.points.iter().filter_map(|point| point.clients.get(client)?.p99_ms.value);
        Self::Slow { client, least: all().fold(f64::INFINITY, f64::min), most: all().fold(0.0, f64::max) }
    }

    fn said(&self) -> String {
        match self {
            Self::Broken => "share of runs that keep every promise; the darker, the fewer".into(),
            Self::Slow { client, .. } => format!("p99 of {}; the darker, the slower, by equal factors", clean(client)),
        }
    }

    /// What is said of a point, with its interval.
    fn told(&self, point: &Point) -> String {
        let whole = |e: Estimate, show: fn(f64) -> String| match (e.value, between(e, show)) {
            (Some(value), Some(ends)) => format!("{} ({ends})", show(value)),
            _ => "unknown".into(),
        };
        match self {
            Self::Broken => {
                format!("{} of the runs keep every promise", whole(point.all_kept.unwrap_or_default(), percent))
            }
            Self::Slow { client, .. } => match point.clients.get(*client) {
                Some(found) if found.p99_never_in > 0 => format!("p99 of {client}: never"),
                found => {
                    format!("p99 of {client}: {}", whole(found.map(|found| found.p99_ms).unwrap_or_default(), time))
                }
            },
        }
    }

    /// How dark a point is, and what it says.
    fn at(&self, point: &Point) -> (Option<f64>, String) {
        match self {
            Self::Broken => {
                let kept = point.all_kept.and_then(|kept| kept.value);
                (kept.map(|kept| 1.0 - kept), kept.map_or_else(String::new, percent))
            }
            Self::Slow { client, least, most } => match point.clients.get(*client) {
                Some(found) if found.p99_never_in > 0 => (Some(1.0), "never".into()),
                Some(found) => {
                    let dark = |ms: f64| if most > least { (ms / least).ln() / (most / least).ln() } else { 0.0 };
                    (found.p99_ms.value.map(dark), found.p99_ms.value.map_or_else(String::new, time))
                }
                None => (None, String::new()),
            },
        }
    }
}
