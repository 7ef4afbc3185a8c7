//! The tornado: for each thing what a notch less and a notch more of it does, as bars to either side of a line, the widest first.

use super::Title;
use super::axis::{Scale, reach};
use super::frame::{Area, Canvas, Type, WIDTH, picture, room, size};
use super::palette::{BETTER, INK, PAPER, Pen, WORSE, hair, on_paper};
use crate::experiment::whatif::{Change, WhatIf};
use crate::report::text::{clean, cut_name};
use crate::report::whatif::apart;

/// Things at most.
const ROWS: usize = 24;

/// Longest name, letters.
const LABEL: usize = 36;

const TOP: f64 = 104.0;
const ROW: f64 = 34.0;
const FOOT: f64 = 92.0;

/// A thing, and what less and more of it do.
struct Bar<'w> {
    what: &'w str,
    ways: [Option<&'w Change>; 2],
}

/// Draws what changes anything, the widest first.
pub fn tornado(title: &Title, whatif: &WhatIf) -> String {
    let mut bars = bars(whatif);
    let value = |change: &Change| whatif.drawn().of(&change.figures).difference.value.unwrap_or(0.0);
    let width = |bar: &Bar<'_>| bar.ways.iter().flatten().map(|change| value(change).abs()).fold(0.0, f64::max);
    bars.sort_by(|a, b| width(b).total_cmp(&width(a)).then_with(|| a.what.cmp(b.what)));
    let all = bars.len();
    bars.retain(|bar| width(bar) > 0.0);
    bars.truncate(ROWS);
    let label = |bar: &Bar<'_>| cut_name(&clean(bar.what), LABEL);
    let left = 48.0 + bars.iter().map(|bar| room(&label(bar), size::LABEL)).fold(0.0, f64::max);
    let told = |change: &Change| {
        format!("{}: {}", clean(&change.by), apart(whatif.drawn(), whatif.drawn().of(&change.figures)))
    };
    let texts = bars.iter().flat_map(|bar| bar.ways.iter().flatten()).map(|change| room(&told(change), size::SMALL));
    let right = WIDTH - 44.0 - texts.fold(0.0, f64::max);
    let bottom = TOP + ROW * bars.len() as f64;
    let area = Area { left, top: TOP - 4.0, right, bottom };
    let ends = |end: fn(f64, f64) -> f64| {
        let of = |change: &Change| {
            let e = whatif.drawn().of(&change.figures).difference;
            [e.value, e.low, e.high].into_iter().flatten().fold(0.0, end)
        };
        bars.iter().flat_map(|bar| bar.ways.iter().flatten()).map(|change| of(change)).fold(0.0, end)
    };
    let far = reach(bars.iter().map(width));
    let far = if bars.iter().any(|bar| width(bar) > far) { far } else { f64::MAX };
    let (low, high) = (ends(f64::min).max(-far), ends(f64::max).min(far));
    let air = ((high - low) * 0.04).max(1e-6);
    let scale = Scale::exact(low - air, high + air, area.left, area.right);
    picture(title, bottom + FOOT, |canvas| {
        let unit = if whatif.drawn().rises() { "points" } else { "ms" };
        canvas.abscissa(area, &scale, true, |tick| tick_name(tick, whatif.drawn().rises()));
        for (nth, bar) in bars.iter().enumerate() {
            let top = TOP + ROW * nth as f64;
            canvas.text(&label(bar), (left - 12.0, top + ROW / 2.0), Type::of(size::LABEL).ending());
            for (way, change) in bar.ways.iter().enumerate() {
                if let Some(change) = change {
                    draw(canvas, change, whatif, (top, way), &scale);
                    let y = top + ROW * (0.28 + 0.44 * way as f64);
                    canvas.text(&told(change), (right + 12.0, y), Type::of(size::SMALL).faint());
                    let whole = Area { left: 32.0, right: WIDTH - 32.0, top: y - ROW * 0.22, bottom: y + ROW * 0.22 };
                    canvas.says(whole, &format!("{}, {}", clean(bar.what), told(change)));
                }
            }
        }
        let zero = scale.at(0.0);
        canvas.line(&[(zero, area.top), (zero, area.bottom)], Pen { width: 1.6, ..hair(INK) });
        let left_out = all - bars.len();
        let words = format!(
            "{} ({unit}): upper bar less of it, lower bar more; pale: not beyond chance",
            whatif.drawn().word()
        );
        canvas.text(
            &words,
            (f64::midpoint(left, right), bottom + 38.0),
            Type::of(size::LABEL).faint().centred().hanging(),
        );
        if left_out > 0 {
            let note = format!("{left_out} more change nothing{}", if bars.len() < ROWS { "" } else { ", or less" });
            canvas.text(&note, (WIDTH - 32.0, bottom + FOOT - 14.0), Type::of(size::SMALL).faint().ending());
        }
    })
}

fn bars(whatif: &WhatIf) -> Vec<Bar<'_>> {
    let mut bars: Vec<Bar<'_>> = Vec::new();
    for change in &whatif.changes {
        let way = usize::from(change.way == "up");
        let at = bars.iter().position(|bar| bar.what == change.what).unwrap_or_else(|| {
            bars.push(Bar { what: &change.what, ways: [None, None] });
            bars.len() - 1
        });
        bars[at].ways[way] = Some(change);
    }
    bars
}

fn draw(canvas: &Canvas, change: &Change, whatif: &WhatIf, (top, way): (f64, usize), scale: &Scale) {
    let e = whatif.drawn().of(&change.figures).difference;
    let Some(value) = e.value else { return };
    let colour = if way == 0 { BETTER } else { WORSE };
    let (from, to) = (scale.at(value.min(0.0)), scale.at(value.max(0.0)));
    let upper = top + ROW * (0.1 + 0.42 * way as f64);
    let bar = Area { left: from, right: to.max(from + 1.0), top: upper, bottom: upper + ROW * 0.36 };
    canvas.rectangle(bar, on_paper(colour, if change.stands { 0.9 } else { 0.3 }), 1.0);
    if scale.is_beyond(value) {
        let end = if value > 0.0 { bar.right } else { bar.left + 16.0 };
        canvas.broken(end, (bar.top, bar.bottom), PAPER);
    }
    if let Some((low, high)) = e.ends().filter(|_| !scale.is_beyond(value)) {
        let y = f64::midpoint(bar.top, bar.bottom);
        canvas.line(&[(scale.at(low), y), (scale.at(high), y)], Pen { width: 1.4, ..hair(INK) });
    }
}

fn tick_name(tick: f64, share: bool) -> String {
    let value = if share { tick * 100.0 } else { tick };
    let text = crate::report::number::plain(value.abs());
    match value {
        v if v > 0.0 => format!("+{text}"),
        v if v < 0.0 => format!("−{text}"),
        _ => "0".into(),
    }
}
