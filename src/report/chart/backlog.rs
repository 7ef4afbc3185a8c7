//! Messages waiting over time: queues below each other on the same scale of time, each on its own scale of messages.

use super::Title;
use super::axis::{Scale, seconds_of_tick};
use super::frame::{Area, Canvas, HEIGHT, Type, WIDTH, picture, size};
use super::palette::{Pen, pen};
use super::shade::{Shade, beside, shade};
use crate::experiment::summary::Depth;
use crate::report::number::{count, plain};
use crate::report::text::cut;

/// Panels at most; more would be too flat to read.
const PANELS: usize = 4;

/// A queue's messages over time.
#[derive(Clone, Debug, Default)]
pub struct Backlog {
    /// Its name.
    pub name: String,
    /// Stretches in the order of time.
    pub depths: Vec<Depth>,
}

/// Draws the backlogs below each other, the largest first where there are too many.
pub fn backlog(title: &Title, all: &[Backlog], shades: &[Shade]) -> String {
    let mut all: Vec<&Backlog> = all.iter().filter(|backlog| !backlog.depths.is_empty()).collect();
    let most = |backlog: &Backlog| backlog.depths.iter().map(|d| d.ready).fold(0.0, f64::max);
    if all.len() > PANELS {
        all.sort_by(|a, b| most(b).total_cmp(&most(a)));
    }
    let (shown, hidden) = all.split_at(all.len().min(PANELS));
    let height = HEIGHT.max(158.0 + 190.0 * shown.len() as f64);
    picture(title, height, |canvas| {
        let (top, bottom, gap) = (92.0, height - 66.0, 18.0);
        let each = (bottom - top + gap) / shown.len().max(1) as f64 - gap;
        for (i, backlog) in shown.iter().enumerate() {
            let top = top + i as f64 * (each + gap);
            let panel = Area { left: 96.0, top, right: WIDTH - 108.0, bottom: top + each };
            let end = backlog.depths.last().map_or(1.0, |d| d.from_s + d.width_s);
            let x = Scale::exact(0.0, end, panel.left, panel.right);
            shade(canvas, Area { top: panel.top + 22.0, ..panel }, &x, shades);
            draw(canvas, backlog, panel, pen(i), i + 1 == shown.len());
            beside(canvas, &cut(&backlog.name, 60), panel, &x, if i == 0 { shades } else { &[] });
        }
        if !hidden.is_empty() {
            let note = format!("{} more not drawn", hidden.len());
            canvas.text(&note, (WIDTH - 32.0, height - 22.0), Type::of(size::SMALL).faint().ending());
        }
    })
}

fn draw(canvas: &Canvas, backlog: &Backlog, panel: Area, pen: Pen, last: bool) {
    let area = Area { top: panel.top + 26.0, ..panel };
    let most = backlog.depths.iter().map(|d| d.ready).fold(0.0, f64::max);
    let end = backlog.depths.last().map_or(1.0, |d| d.from_s + d.width_s);
    let (x, y) = (Scale::exact(0.0, end, area.left, area.right), Scale::linear(most.max(1.0), area.bottom, area.top));
    canvas.ordinate(area, &y, |n| if n < 10.0 { plain(n) } else { count(n as u64) });
    let line: Vec<(f64, f64)> =
        backlog.depths.iter().map(|d| (x.at(d.from_s + d.width_s / 2.0), y.at(d.ready))).collect();
    if let (Some(first), Some(end)) = (line.first(), line.last()) {
        let floor = [(end.0, area.bottom), (first.0, area.bottom)];
        let around: Vec<(f64, f64)> = line.iter().copied().chain(floor).collect();
        canvas.area(&around, pen.colour, 0.16);
    }
    canvas.line(&line, Pen { dash: &[], ..pen });
    for d in &backlog.depths {
        let told = format!(
            "{}: {} waiting",
            backlog.name,
            if d.ready < 10.0 { plain(d.ready) } else { count(d.ready as u64) }
        );
        canvas.says_over(area, &x, (d.from_s, d.width_s, 1), |_| told.clone());
    }
    if let Some(top) = backlog.depths.iter().max_by(|a, b| a.ready.total_cmp(&b.ready)) {
        let told = format!("most {}", if top.ready < 10.0 { plain(top.ready) } else { count(top.ready as u64) });
        canvas.text(&told, (area.right + 8.0, y.at(top.ready)), Type::of(size::SMALL).faint());
    }
    let name = |s: f64| if last { seconds_of_tick(s) } else { String::new() };
    canvas.abscissa(area, &x, false, name);
    if last {
        let below = (f64::midpoint(area.left, area.right), area.bottom + 34.0);
        let text = "time; messages that wait, mean over replications";
        canvas.text(text, below, Type::of(size::LABEL).faint().centred().hanging());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hill(name: &str, most: f64) -> Backlog {
        let ready = |at: usize| most * (1.0 - (at as f64 - 60.0).abs() / 60.0);
        let depth = |at: usize| Depth { from_s: at as f64, width_s: 1.0, ready: ready(at) };
        Backlog { name: name.into(), depths: (0..120).map(depth).collect() }
    }

    #[test]
    fn a_queue_is_named_with_its_height() {
        let title = Title { title: "orders: messages waiting".into(), subtitle: String::new() };
        let svg = backlog(&title, &[hill("emails", 6_000.0), hill("failed", 3.0)], &[]);
        for word in ["emails", "failed", "most 6", "most 3", "100 s"] {
            assert!(svg.contains(word), "{word}");
        }
        let many: Vec<Backlog> = (0..6).map(|i| hill(&format!("q{i}"), f64::from(i))).collect();
        let svg = backlog(&title, &many, &[]);
        assert!(svg.contains("2 more not drawn") && svg.contains("q5") && !svg.contains("q1"));
    }
}
