//! Where a system stays down: a band for each length of the trigger, the load from left to right, the darker the more runs stay
//! down; the edge through the bands, and where the system is today.

use plotters::style::RGBColor;

use super::Title;
use super::axis::Scale;
use super::frame::{Area, Canvas, Type, WIDTH, picture, room, size};
use super::palette::{BETTER, BROKEN, FAINT, GRID, INK, PAPER, Pen, hair, on_paper};
use crate::experiment::recover::{Cell, Edge, Recover};
use crate::report::number::{between, percent, plain, seconds};

const TOP: f64 = 112.0;
const BAND: f64 = 58.0;
const FOOT: f64 = 128.0;

/// Draws the map.
pub fn boundary(title: &Title, recover: &Recover) -> String {
    let lengths: Vec<&Edge> = recover.edges.iter().collect();
    let label = |edge: &Edge| if recover.trigger.lasts { seconds(edge.length_s) } else { "as it is".into() };
    let left = 132.0_f64.max(44.0 + lengths.iter().map(|edge| room(&label(edge), size::LABEL)).fold(0.0, f64::max));
    let bottom = TOP + BAND * lengths.len() as f64;
    let area = Area { left, top: TOP, right: WIDTH - 40.0, bottom };
    let loads = || recover.cells.iter().map(|cell| cell.load);
    let (least, most) = (loads().fold(f64::INFINITY, f64::min), loads().fold(0.0, f64::max));
    let air = (most - least).max(0.1) * 0.04;
    let scale = Scale::exact((least - air).max(0.0), most + air, area.left, area.right);
    picture(title, bottom + FOOT, |canvas| {
        canvas.abscissa(area, &scale, false, |tick| format!("{} ×", plain(tick)));
        for (nth, edge) in lengths.iter().rev().enumerate() {
            let top = TOP + BAND * nth as f64;
            let band = Area { top: top + 2.0, bottom: top + BAND - 2.0, ..area };
            canvas.text(&label(edge), (left - 12.0, top + BAND / 2.0), Type::of(size::LABEL).ending());
            let row: Vec<&Cell> = recover.cells.iter().filter(|cell| cell.length_s == edge.length_s).collect();
            fields(canvas, &row, band, &scale);
            mark(canvas, edge, band, &scale);
        }
        today(canvas, recover, area, &scale);
        let on = "trigger on for";
        canvas.text(on, (left - 12.0, TOP - 12.0), Type::of(size::SMALL).faint().ending());
        let unseen = recover.cells.iter().any(|cell| cell.probability.value.is_none());
        legend(canvas, (left, bottom + 76.0), unseen);
        let words = "load, in times of today's";
        let middle = f64::midpoint(area.left, area.right);
        canvas.text(words, (middle, bottom + 36.0), Type::of(size::LABEL).faint().centred().hanging());
    })
}

/// The loads of one length, each as far as halfway to the next.
fn fields(canvas: &Canvas, row: &[&Cell], band: Area, scale: &Scale) {
    for (at, cell) in row.iter().enumerate() {
        let half =
            |other: Option<&&Cell>, end: f64| other.map_or(end, |other| scale.at(f64::midpoint(other.load, cell.load)));
        let before = at.checked_sub(1).and_then(|before| row.get(before));
        let area = Area { left: half(before, band.left), right: half(row.get(at + 1), band.right), ..band };
        let middle = (scale.at(cell.load), f64::midpoint(area.top, area.bottom));
        let set = Type::of(size::SMALL).centred();
        canvas.rectangle(area, cell.probability.value.map_or(GRID, colour), 1.0);
        let told = match cell.probability.value {
            Some(share) => percent(share),
            None if cell.overloaded.is_empty() => "not seen".into(),
            None => "overloaded".into(),
        };
        canvas.says(area, &format!("load {} ×: {}", plain(cell.load), stay_down(cell, &told)));
        let narrow = (area.right - middle.0).min(middle.0 - area.left) < room(&told, size::SMALL) / 2.0;
        if cell.between {
            continue;
        }
        let dark = cell.probability.value.is_some_and(|share| share > 0.6);
        if !narrow {
            canvas.text(&told, middle, if dark { set.light() } else { set });
        }
    }
}

/// How many runs stay down, with the interval of that share.
fn stay_down(cell: &Cell, told: &str) -> String {
    match between(cell.probability, percent) {
        Some(ends) if cell.between => format!("{told} stay down ({ends}), between others"),
        Some(ends) => format!("{told} of {} runs stay down ({ends})", cell.runs),
        None => told.to_owned(),
    }
}

fn colour(share: f64) -> RGBColor {
    if share > 0.0 { on_paper(BROKEN, 0.15 + 0.85 * share) } else { on_paper(BETTER, 0.14) }
}

/// The edge across a band, and its interval.
fn mark(canvas: &Canvas, edge: &Edge, band: Area, scale: &Scale) {
    let middle = f64::midpoint(band.top, band.bottom);
    if let (Some(low), Some(high)) = (edge.load.low, edge.load.high) {
        let y = band.bottom - 8.0;
        canvas.line(&[(scale.at(low), y), (scale.at(high), y)], Pen { width: 2.0, ..hair(INK) });
    }
    let Some(load) = edge.load.value else { return };
    let x = scale.at(load);
    canvas.line(&[(x, band.top - 2.0), (x, band.bottom + 2.0)], Pen { width: 3.0, ..hair(INK) });
    let told = format!("{} ×", plain(load));
    canvas.beside(&told, (x, middle - 14.0), Type::of(size::SMALL).bold());
}

/// The line of today's load, and the point at which the system is.
fn today(canvas: &Canvas, recover: &Recover, area: Area, scale: &Scale) {
    let loads = || recover.cells.iter().map(|cell| cell.load);
    let small = || Type::of(size::SMALL).bold();
    // Whatever was not asked about lies beyond the ends.
    if loads().all(|load| load > 1.0) {
        return canvas.text("← today: 1 ×", (area.left, area.top - 14.0), small());
    }
    if loads().all(|load| load < 1.0) {
        return canvas.text("today: 1 × →", (area.right, area.top - 14.0), small().ending());
    }
    let x = scale.at(1.0);
    canvas.line(&[(x, area.top - 6.0), (x, area.bottom)], Pen { width: 1.6, dash: &[5.0, 4.0], ..hair(INK) });
    let word = (x.max(area.left + room("today", size::SMALL) / 2.0), area.top - 14.0);
    canvas.text("today", word, small().centred());
    let nth = recover.edges.iter().rev().position(|edge| edge.length_s == recover.trigger.length_s);
    if let Some(nth) = nth {
        // Below the figure of its own field.
        let at = (x, area.top + BAND * (nth as f64 + 1.0) - 11.0);
        canvas.dot(at, 7.0, PAPER);
        canvas.dot(at, 5.0, INK);
    }
}

/// What the colours mean.
fn legend(canvas: &Canvas, (left, y): (f64, f64), unseen: bool) {
    canvas.line(&[(left, y - 18.0), (WIDTH - 32.0, y - 18.0)], hair(FAINT));
    let (mut x, mut y) = (left, y);
    let mut add = |colours: &[RGBColor], word: &str| {
        if x + 16.0 * colours.len() as f64 + 8.0 + room(word, size::SMALL) > WIDTH - 32.0 {
            (x, y) = (left, y + 22.0);
        }
        for colour in colours {
            canvas.rectangle(Area { left: x, right: x + 16.0, top: y - 7.0, bottom: y + 7.0 }, *colour, 1.0);
            x += 16.0;
        }
        canvas.text(word, (x + 8.0, y), Type::of(size::SMALL).faint());
        x += 26.0 + room(word, size::SMALL);
    };
    add(&[colour(0.0)], "all get up again");
    add(&[colour(0.05), colour(0.35), colour(0.7), colour(1.0)], "share that stays down");
    if unseen {
        add(&[GRID], "not seen, or overloaded");
    }
    add(&[INK], "edge: half do; thin: its interval; dot: today");
}
