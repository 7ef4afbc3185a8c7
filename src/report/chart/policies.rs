//! What policies did over time: calls, what retries and hedges add to them, what the caller refused itself, and below that
//! how many of the edge's circuit breakers were open.

use plotters::style::RGBColor;

use super::Title;
use super::axis::{Scale, seconds_of_tick};
use super::frame::{Area, Canvas, Type, WIDTH, picture, room, size};
use super::palette::{FAILED, FAINT, GRID, INK, Pen, hair, on_paper, pen};
use super::pressure::{between, head};
use super::shade::{Shade, shade};
use crate::experiment::summary::{EdgeCourse, Summary};
use crate::graph::Arrow;
use crate::report::layers::depths;
use crate::report::number::{count, percent, plain};
use crate::report::text::{clean, cut};

/// Panels at most; more would be too flat to read.
const PANELS: usize = 4;

/// Height of a panel, of the band of breakers below it, and of the gap to the next.
const PANEL: f64 = 110.0;
const BAND: f64 = 20.0;
const GAP: f64 = 42.0;

/// An edge over time.
#[derive(Clone, Debug, Default)]
pub struct Policed {
    /// Its name.
    pub name: String,
    /// Length of a stretch, s.
    pub width_s: f64,
    /// Its course.
    pub course: EdgeCourse,
}

impl Policed {
    /// The edges on which a policy did anything, the outermost first; where there are too many, those with most tries.
    pub(super) fn of(summary: &Summary) -> Vec<Policed> {
        let Some(timeline) = &summary.timeline else { return Vec::new() };
        let one = |(name, course): (&String, &EdgeCourse)| Policed {
            name: clean(name),
            width_s: timeline.width_s,
            course: course.clone(),
        };
        let depths = depths(summary);
        let depth = |edge: &Policed| depths.get(Arrow::of(&edge.name)?.from).copied();
        let mut all: Vec<Policed> = timeline.edges.iter().map(one).collect();
        all.retain(Policed::acts);
        all.sort_by_key(|edge| depth(edge).unwrap_or(u32::MAX));
        if all.len() > PANELS {
            let most = |edge: &Policed| edge.layers().last().and_then(|top| top.iter().copied().reduce(f64::max));
            all.sort_by(|a, b| most(b).unwrap_or(0.0).total_cmp(&most(a).unwrap_or(0.0)));
        }
        all
    }

    fn acts(&self) -> bool {
        let course = &self.course;
        let some = |of: &Vec<f64>| of.iter().any(|n| *n > 0.0);
        [&course.retries_per_s, &course.hedges_per_s, &course.limited_per_s, &course.open_share].into_iter().any(some)
    }

    /// Calls, retries upon them, hedges upon those.
    fn layers(&self) -> [Vec<f64>; 3] {
        let add = |below: &[f64], more: &[f64]| -> Vec<f64> {
            below.iter().enumerate().map(|(at, n)| n + more.get(at).unwrap_or(&0.0)).collect()
        };
        let calls = self.course.calls_per_s.clone();
        let retries = add(&calls, &self.course.retries_per_s);
        let hedges = add(&retries, &self.course.hedges_per_s);
        [calls, retries, hedges]
    }
}

/// Draws the edges below each other.
pub fn policies(title: &Title, all: &[Policed], shades: &[Shade]) -> String {
    let (shown, hidden) = all.split_at(all.len().min(PANELS));
    let bands = shown.iter().any(|edge| !edge.course.open_share.is_empty());
    let (top, step) = (128.0, PANEL + GAP + if bands { BAND + 8.0 } else { 0.0 });
    let height = top + step * shown.len() as f64 + 52.0;
    picture(title, height, |canvas| {
        key(canvas, 98.0, shown);
        for (nth, edge) in shown.iter().enumerate() {
            let top = top + step * nth as f64 + 24.0;
            let panel = Area { left: 96.0, top, right: WIDTH - 118.0, bottom: top + PANEL };
            draw(canvas, edge, panel, shades, (nth == 0, nth + 1 == shown.len()));
        }
        if !hidden.is_empty() {
            let note = format!("{} more not drawn", hidden.len());
            canvas.text(&note, (WIDTH - 32.0, height - 20.0), Type::of(size::SMALL).faint().ending());
        }
    })
}

/// The colour of calls, retries, hedges.
fn look(layer: usize) -> RGBColor {
    on_paper(pen(layer).colour, [0.35, 0.75, 0.6][layer])
}

fn refused() -> Pen {
    Pen { colour: INK, dash: &[5.0, 3.0], width: 1.6 }
}

/// What the areas mean, in one line; only what there is.
fn key(canvas: &Canvas, middle: f64, all: &[Policed]) {
    let any = |of: fn(&EdgeCourse) -> &Vec<f64>| all.iter().any(|edge| !of(&edge.course).is_empty());
    let mut left = 96.0;
    let mut word = |text: &str, draw: &dyn Fn(Area)| {
        draw(Area { left, right: left + 24.0, top: middle - 7.0, bottom: middle + 7.0 });
        canvas.text(text, (left + 32.0, middle), Type::of(size::SMALL));
        left += 32.0 + room(text, size::SMALL) + 20.0;
    };
    let layers = [("calls", true), ("retries", any(|c| &c.retries_per_s)), ("hedges", any(|c| &c.hedges_per_s))];
    for (nth, (text, _)) in layers.into_iter().enumerate().filter(|(_, (_, there))| *there) {
        word(text, &|patch| canvas.rectangle(patch, look(nth), 1.0));
    }
    if any(|c| &c.limited_per_s) {
        word("refused by the caller", &|patch| canvas.line(&[(patch.left, middle), (patch.right, middle)], refused()));
    }
    if any(|c| &c.open_share) {
        word("breaker open", &|patch| canvas.rectangle(patch, FAILED, 1.0));
        word("half-open", &|patch| canvas.rectangle(patch, pen(4).colour, 1.0));
    }
}

fn draw(canvas: &Canvas, edge: &Policed, panel: Area, shades: &[Shade], (first, last): (bool, bool)) {
    let layers = edge.layers();
    let (calls, width) = (layers[0].len(), edge.width_s);
    let x = Scale::exact(0.0, width * calls.max(1) as f64, panel.left, panel.right);
    let most = layers[2].iter().chain(&edge.course.limited_per_s).copied().fold(0.0, f64::max);
    let y = Scale::linear(1.08 * most.max(1e-3), panel.bottom, panel.top);
    shade(canvas, panel, &x, shades);
    head(canvas, &cut(&edge.name, 60), panel, &x, if first { shades } else { &[] });
    canvas.ordinate(panel, &y, |n| if n < 10.0 { plain(n) } else { count(n.round() as u64) });
    for (nth, layer) in layers.iter().enumerate() {
        let floor = nth.checked_sub(1).map(|below| &layers[below]);
        if floor != Some(layer) {
            canvas.area(&between(layer, floor, width, &x, &y), look(nth), 1.0);
        }
    }
    let middle = |at: usize| x.at((at as f64 + 0.5) * width);
    let line: Vec<(f64, f64)> =
        edge.course.limited_per_s.iter().enumerate().map(|(at, n)| (middle(at), y.at(*n))).collect();
    if !line.is_empty() {
        canvas.line(&line, refused());
    }
    let course = &edge.course;
    canvas.says_over(panel, &x, (0.0, width, calls), |at| {
        let of = |word: &str, all: &[f64]| {
            all.get(at).filter(|n| **n > 0.0).map(|n| format!(", {} {word}/s", plain(*n))).unwrap_or_default()
        };
        let open = course.open_share.get(at).filter(|share| **share > 0.0);
        format!(
            "{}: {} calls/s{}{}{}{}",
            edge.name,
            plain(layers[0][at]),
            of("retries", &course.retries_per_s),
            of("hedges", &course.hedges_per_s),
            of("refused by the caller", &course.limited_per_s),
            open.map_or_else(String::new, |share| format!(", breakers open {}", percent(*share)))
        )
    });
    let busiest = layers[2].iter().copied().fold(0.0, f64::max);
    canvas.text(
        &format!("max {}/s", plain(busiest)),
        (panel.right + 8.0, y.at(busiest)),
        Type::of(size::SMALL).faint(),
    );
    canvas.line(&[(panel.left, panel.bottom), (panel.right, panel.bottom)], hair(FAINT));
    let below = if edge.course.open_share.is_empty() { panel } else { breakers(canvas, edge, panel, &x) };
    if last {
        canvas.abscissa(below, &x, false, seconds_of_tick);
        let place = (f64::midpoint(panel.left, panel.right), below.bottom + 34.0);
        let text = "time; per second, means over replications";
        canvas.text(text, place, Type::of(size::LABEL).faint().centred().hanging());
    }
}

/// The share of breakers open, from below, and half-open upon that.
fn breakers(canvas: &Canvas, edge: &Policed, panel: Area, x: &Scale) -> Area {
    let band = Area { top: panel.bottom + 8.0, bottom: panel.bottom + 8.0 + BAND, ..panel };
    canvas.rectangle(band, GRID, 0.6);
    let y = Scale::exact(0.0, 1.0, band.bottom, band.top);
    let (open, half) = (&edge.course.open_share, &edge.course.half_open_share);
    let both: Vec<f64> = open.iter().zip(half).map(|(open, half)| open + half).collect();
    canvas.area(&between(&both, Some(open), edge.width_s, x, &y), pen(4).colour, 1.0);
    canvas.area(&between(open, None, edge.width_s, x, &y), FAILED, 1.0);
    let middle = f64::midpoint(band.top, band.bottom);
    canvas.text("breaker", (band.left - 10.0, middle), Type::of(size::SMALL).faint().ending());
    let most = open.iter().copied().fold(0.0, f64::max);
    let told = if most > 0.0 { format!("open {}", percent(most)) } else { "closed".into() };
    canvas.text(&told, (band.right + 8.0, middle), Type::of(size::SMALL).faint());
    band
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn an_edge_shows_what_its_policies_did() {
        let mut summary = sample::summary();
        assert!(Policed::of(&summary).is_empty());
        summary.timeline = Some(sample::course());
        let edges = Policed::of(&summary);
        let svg = policies(&Title::default(), &edges, &[]);
        for word in ["a -&gt; b", "retries", "refused by the caller", "breaker open", "open 90.0 %", "max 580/s"] {
            assert!(svg.contains(word), "{word}");
        }
        assert!(!svg.contains("hedges"), "there were none");
    }

    #[test]
    fn edges_on_which_nothing_happened_are_left_out() {
        let mut summary = sample::summary();
        let mut timeline = sample::course();
        let edge = timeline.edges.get_mut("a -> b").unwrap();
        *edge = EdgeCourse { calls_per_s: edge.calls_per_s.clone(), open_share: vec![0.0; 120], ..Default::default() };
        summary.timeline = Some(timeline);
        assert!(Policed::of(&summary).is_empty());
    }
}
