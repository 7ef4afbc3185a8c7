//! The heat map: what is down by row, whose requests by column; the darker, the more is lost, striped where it is late.

use plotters::style::RGBColor;

use super::Title;
use super::frame::{Area, Canvas, Type, WIDTH, picture, room, size};
use super::palette::{FAINT, PAPER, hair, on_paper};
use crate::experiment::coupling::{Cell, Column, Coupling, Kind};
use crate::experiment::summary::Estimate;
use crate::report::number::percent;
use crate::report::text::{clean, cut, cut_name};

/// Rows and columns at most.
const ROWS: usize = 48;
const COLUMNS: usize = 12;

/// Where rows begin, how high each is, what stands below them.
const TOP: f64 = 150.0;
const ROW: f64 = 26.0;
const FOOT: f64 = 64.0;

/// What is lost.
const LOST: RGBColor = RGBColor(178, 24, 43);
/// What is late.
const LATE: RGBColor = RGBColor(230, 159, 0);

/// Below this share a field stays empty.
const SEEN: f64 = 0.005;

/// Draws nodes, brokers and zones; edges where nothing else is there. The most costly first.
pub fn heat(title: &Title, coupling: &Coupling) -> String {
    let whole = |column: &&Column| column.target.kind != Kind::Edge;
    let mut rows: Vec<&Column> = coupling.columns.iter().filter(whole).collect();
    if rows.is_empty() {
        rows = coupling.columns.iter().collect();
    }
    let left_out = rows.len().saturating_sub(ROWS);
    rows.truncate(ROWS);
    let whose: Vec<&String> = coupling.whose.iter().map(|who| &who.name).take(COLUMNS).collect();
    let label = |column: &Column| {
        let how = if column.target.hangs { " hangs" } else { "" };
        cut_name(&format!("{}{how}", clean(&column.target.name)), 34)
    };
    let left = 48.0 + rows.iter().map(|row| room(&label(row), size::LABEL)).fold(0.0, f64::max);
    let wide = ((WIDTH - 32.0 - left) / whose.len().max(1) as f64).min(170.0);
    let bottom = TOP + ROW * rows.len() as f64;
    picture(title, bottom + FOOT, |canvas| {
        for (nth, name) in whose.iter().enumerate() {
            let x = left + wide * (nth as f64 + 0.5);
            // Names that are too long for their column stand at two heights in turn.
            let y = if nth % 2 == 0 { TOP - 16.0 } else { TOP - 36.0 };
            let letters = ((wide * 1.8) / 9.0) as usize;
            canvas.text(&cut(&clean(name), letters.max(6)), (x, y), Type::of(size::SMALL).centred());
        }
        for (nth, row) in rows.iter().enumerate() {
            let top = TOP + ROW * nth as f64;
            canvas.text(&label(row), (left - 12.0, top + ROW / 2.0), Type::of(size::LABEL).ending());
            for (at, name) in whose.iter().enumerate() {
                let x = left + wide * at as f64;
                let area = Area { left: x, right: x + wide, top, bottom: top + ROW };
                if let Some(cell) = row.clients.get(*name).or_else(|| row.flows.get(*name)) {
                    field(canvas, cell, area);
                    canvas.says(area, &told(&label(row), name, cell));
                }
            }
        }
        legend(canvas, (left, bottom + 30.0));
        if left_out > 0 {
            let note = format!("{left_out} more not drawn");
            canvas.text(&note, (WIDTH - 32.0, bottom + 30.0), Type::of(size::SMALL).faint().ending());
        }
    })
}

/// A field in words.
fn told(down: &str, whose: &str, cell: &Cell) -> String {
    let share = |of: Estimate| match (of.value, of.ends()) {
        (Some(value), Some((low, high))) => format!("{} ({} to {})", percent(value), percent(low), percent(high)),
        (Some(value), None) => percent(value),
        (None, _) => "nothing known".into(),
    };
    format!("{down} down, {}: lost {}, late {}", clean(whose), share(cell.lost), share(cell.late))
}

fn field(canvas: &Canvas, cell: &Cell, area: Area) {
    let (lost, late) = (cell.lost.value.unwrap_or(0.0), cell.late.value.unwrap_or(0.0));
    let middle = (f64::midpoint(area.left, area.right), f64::midpoint(area.top, area.bottom));
    let (colour, share) = if lost >= SEEN || late < SEEN { (LOST, lost) } else { (LATE, late) };
    if share >= SEEN {
        canvas.rectangle(area, on_paper(colour, 0.15 + 0.85 * share), 1.0);
    }
    canvas.outline(area, PAPER);
    let text = match (lost >= SEEN, late >= SEEN) {
        (true, true) => format!("{} · {} late", percent(lost), percent(late)),
        (true, false) => percent(lost),
        (false, true) => format!("{} late", percent(late)),
        (false, false) if cell.by_structure => "apart".into(),
        (false, false) if cell.lost.value.is_none() => "no requests".into(),
        (false, false) => "0".into(),
    };
    let set = Type::of(size::SMALL).centred();
    let dark = colour == LOST && share > 0.55;
    canvas.text(
        &text,
        middle,
        if dark {
            set.light()
        } else if share < SEEN {
            set.faint()
        } else {
            set
        },
    );
}

/// What the colours mean.
fn legend(canvas: &Canvas, (left, y): (f64, f64)) {
    let mut x = left;
    for (colour, word) in [(LOST, "lost: served without, not with"), (LATE, "late: served, but later than the bound")] {
        for step in 0..5 {
            let area = Area { left: x, right: x + 16.0, top: y - 7.0, bottom: y + 7.0 };
            canvas.rectangle(area, on_paper(colour, 0.15 + 0.2125 * f64::from(step)), 1.0);
            x += 16.0;
        }
        canvas.text(word, (x + 8.0, y), Type::of(size::SMALL).faint());
        x += 24.0 + room(word, size::SMALL);
    }
    canvas.line(&[(left, y - 18.0), (WIDTH - 32.0, y - 18.0)], hair(FAINT));
}
