//! Differences: how far each figure of the others lies from the base's, as a dot with its interval around a line at zero.

use super::Title;
use super::axis::{Scale, reach};
use super::frame::{Area, Canvas, Type, WIDTH, picture, room, size};
use super::palette::{FAINT, INK, Pen, hair, pen};
use crate::experiment::compare::{Comparison, Difference, Figures, Verdict};
use crate::report::compare::{apart_ms, apart_rate, apart_share};
use crate::report::text::{clean, cut};

/// Rows at most.
const ROWS: usize = 45;

/// Longest name, letters.
const LABEL: usize = 34;

/// Where rows begin, how high each is, what the axis needs below them.
const TOP: f64 = 104.0;
const ROW: f64 = 30.0;
const FOOT: f64 = 76.0;

/// Between two of the others.
const PAUSE: f64 = 16.0;

/// A figure of one of the others against the base.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Apart {
    /// Which of the others, and of which client.
    pub name: String,
    /// Which figure.
    pub figure: &'static str,
    /// Difference ÷ base; `None` where the two are not comparable.
    pub value: Option<f64>,
    /// Its interval; `None` where there is none.
    pub interval: Option<(f64, f64)>,
    /// The difference in words.
    pub label: String,
    /// Whether it is more than chance.
    pub significant: bool,
}

/// Latencies, success and throughput of every client and flow of every other scenario.
pub(super) fn rows(comparison: &Comparison) -> Vec<Apart> {
    let mut rows = Vec::new();
    for versus in &comparison.others {
        for (_, of, figures) in versus.all() {
            let of = if versus.all().count() > 1 { format!(" · {of}") } else { String::new() };
            let name = clean(&format!("{}{of}", versus.side.name));
            rows.extend(
                figures_of(figures).into_iter().filter_map(|(figure, d, label)| apart(&name, figure, d, label)),
            );
        }
    }
    rows
}

fn figures_of(figures: &Figures) -> [(&'static str, &Difference, String); 5] {
    let ms = |d: &Difference| apart_ms(d.difference);
    [
        ("mean", &figures.mean_ms, ms(&figures.mean_ms)),
        ("p50", &figures.p50_ms, ms(&figures.p50_ms)),
        ("p99", &figures.p99_ms, ms(&figures.p99_ms)),
        ("success", &figures.success_rate, apart_share(figures.success_rate.difference)),
        ("throughput", &figures.throughput_per_s, apart_rate(figures.throughput_per_s.difference)),
    ]
}

fn apart(name: &str, figure: &'static str, d: &Difference, label: String) -> Option<Apart> {
    if open(d) {
        let label = "not comparable".into();
        return Some(Apart { name: name.to_owned(), figure, label, ..Apart::default() });
    }
    let base = d.base.value?;
    let interval = d.difference.ends().map(|(low, high)| (low / base, high / base));
    Some(Apart {
        name: name.to_owned(),
        figure,
        value: Some(d.relative?),
        interval,
        label,
        significant: d.is_significant(),
    })
}

/// Whether one side has no such figure, because of those that failed or were never answered.
fn open(d: &Difference) -> bool {
    d.verdict == Verdict::NotComparable || d.never != [false; 2] || d.at_least != [None; 2]
}

/// Draws a row for every figure; the others stand together.
pub fn differences(title: &Title, all: &[Apart]) -> String {
    let shown = &all[..all.len().min(ROWS)];
    let widest = |of: &dyn Fn(&Apart) -> f64| shown.iter().map(of).fold(0.0, f64::max);
    let figures = 32.0 + widest(&|row| room(&cut(&row.name, LABEL), size::LABEL)) + 14.0;
    let left = figures + widest(&|row| room(row.figure, size::LABEL)) + 18.0;
    let right = WIDTH - 32.0 - widest(&|row| room(&row.label, size::LABEL)) - 14.0;
    let places = places(shown);
    let bottom = places.last().map_or(TOP, |last| last + ROW / 2.0);
    let area = Area { left, top: TOP - 4.0, right, bottom };
    let scale = scale(shown, area);
    picture(title, bottom + FOOT, |canvas| {
        canvas.abscissa(area, &scale, true, change_of_tick);
        let zero = scale.at(0.0);
        canvas.line(&[(zero, area.top), (zero, area.bottom)], Pen { width: 1.6, ..hair(INK) });
        let below = (f64::midpoint(left, right), bottom + 38.0);
        let words = "change (mean: of the answered); hollow: no significant difference, grey: no interval";
        canvas.text(words, below, Type::of(size::LABEL).faint().centred().hanging());
        let (mut group, mut before) = (0, "");
        for (row, y) in shown.iter().zip(&places) {
            if row.name != before {
                group += usize::from(!before.is_empty());
                canvas.text(&cut(&row.name, LABEL), (32.0, *y), Type::of(size::LABEL));
            }
            before = &row.name;
            canvas.text(row.figure, (figures, *y), Type::of(size::LABEL).faint());
            canvas.text(&row.label, (right + 14.0, *y), Type::of(size::LABEL));
            draw(canvas, row, *y, pen(group), &scale);
            let whole = Area { left: 32.0, right: WIDTH - 32.0, top: y - ROW / 2.0, bottom: y + ROW / 2.0 };
            canvas.says(whole, &told(row));
        }
        if all.len() > ROWS {
            let note = format!("{} more not drawn", all.len() - ROWS);
            canvas.text(&note, (WIDTH - 32.0, bottom + FOOT - 16.0), Type::of(size::SMALL).faint().ending());
        }
    })
}

/// A row in words.
fn told(row: &Apart) -> String {
    let change = row.value.map_or_else(String::new, |value| format!(" ({})", change_of_tick(value)));
    let between = row.interval.map_or_else(
        || ", no interval".into(),
        |(low, high)| format!(", interval {} to {}", change_of_tick(low), change_of_tick(high)),
    );
    let chance = if row.significant { "" } else { ": no significant difference" };
    format!("{}, {}: {}{change}{between}{chance}", row.name, row.figure, row.label)
}

/// The middle of each row; a pause comes before each of the others.
fn places(rows: &[Apart]) -> Vec<f64> {
    let mut y = TOP - ROW / 2.0;
    let place = |(i, row): (usize, &Apart)| {
        y += ROW + if i > 0 && rows[i - 1].name != row.name { PAUSE } else { 0.0 };
        y
    };
    rows.iter().enumerate().map(place).collect()
}

/// From the least to the most, and zero in any case.
fn scale(rows: &[Apart], area: Area) -> Scale {
    let ends = || rows.iter().flat_map(|row| [row.value, row.interval.map(|i| i.0), row.interval.map(|i| i.1)]);
    // One that is far from all others would make a line of them.
    let far = reach(rows.iter().filter_map(|row| row.value).map(f64::abs));
    let far = if rows.iter().filter_map(|row| row.value).any(|value| value.abs() > far) { far } else { f64::MAX };
    let least = ends().flatten().filter(|end| *end >= -far).fold(0.0, f64::min);
    let most = ends().flatten().filter(|end| *end <= far).fold(0.0, f64::max);
    // Where nothing differs, a per cent to either side shows that.
    let air = ((most - least) * 0.04).max(if most - least > 0.0 { 0.0 } else { 0.01 });
    Scale::exact(least - air, most + air, area.left, area.right)
}

fn draw(canvas: &Canvas, row: &Apart, y: f64, pen: Pen, scale: &Scale) {
    let full = Pen { dash: &[], width: 2.0, ..pen };
    if let Some((low, high)) = row.interval {
        let (low, high) = (scale.at(low), scale.at(high));
        canvas.line(&[(low, y), (high, y)], full);
        for end in [low, high] {
            canvas.line(&[(end, y - 5.0), (end, y + 5.0)], full);
        }
    }
    let Some(value) = row.value else { return };
    if scale.is_beyond(value) {
        let (at, way) = (scale.at(value), value.signum());
        canvas.area(&[(at + 7.0 * way, y), (at - 5.0 * way, y - 6.0), (at - 5.0 * way, y + 6.0)], pen.colour, 1.0);
        return canvas.note("an arrow points at what lies far beyond: its figure stands beside it".into());
    }
    canvas.dot((scale.at(value), y), 5.0, if row.interval.is_some() { pen.colour } else { FAINT });
    if !row.significant {
        canvas.dot((scale.at(value), y), 3.0, super::palette::PAPER);
    }
}

/// The name of a tick of a change.
fn change_of_tick(share: f64) -> String {
    let value = (share * 1e6).round() / 1e4;
    match value {
        v if v > 0.0 => format!("+{v} %"),
        v if v < 0.0 => format!("−{} %", -v),
        _ => "0".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::sample;

    #[test]
    fn every_client_of_every_other_has_its_figures() {
        let rows = rows(&sample::comparison());
        assert_eq!(rows.len(), 2 * 2 * 5);
        assert_eq!((rows[0].name.as_str(), rows[0].figure), ("grpc · function calls", "mean"));
        assert!((rows[0].value.unwrap() + 0.1).abs() < 0.01 && rows[0].significant, "{:?}", rows[0]);
        assert_eq!((rows[10].value, rows[10].significant), (Some(0.0), false));
        assert_eq!(rows[3].figure, "success");
        let svg = differences(&Title::default(), &rows);
        for word in ["grpc · network calls", "throughput", "−10 %", "hollow"] {
            assert!(svg.contains(word), "{word}");
        }
    }

    #[test]
    fn what_lies_far_beyond_is_an_arrow() {
        let row = |value: f64| Apart { name: "a".into(), figure: "p99", value: Some(value), ..Apart::default() };
        let svg = differences(&Title::default(), &[row(0.02), row(-0.03), row(0.05), row(40.0)]);
        assert!(svg.contains("an arrow points at what lies far beyond"), "{svg}");
        assert!(svg.contains("<title>a, p99:  (+4000 %), no interval: no significant difference</title>"), "{svg}");
    }

    #[test]
    fn ticks_have_signs() {
        assert_eq!([0.05, 0.0, -0.125].map(change_of_tick), ["+5 %", "0", "−12.5 %"]);
    }

    #[test]
    fn rows_of_one_name_stand_together() {
        let row = |name: &str| Apart { name: name.into(), ..Apart::default() };
        let places = places(&[row("a"), row("a"), row("b")]);
        assert!((places[1] - places[0] - ROW).abs() < 1e-9 && (places[2] - places[1] - ROW - PAUSE).abs() < 1e-9);
    }
}
