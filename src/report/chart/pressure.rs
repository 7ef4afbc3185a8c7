//! How full nodes were over time: workers that work, workers held by requests that wait, requests in line. Nodes stand below
//! each other on the same scale of time, the first to fill up on top.

use plotters::style::RGBColor;

use super::Title;
use super::axis::{Scale, seconds_of_tick};
use super::frame::{Area, Canvas, Type, WIDTH, picture, room, size};
use super::palette::{FAINT, INK, Pen, hair, on_paper, pen};
use super::shade::{Shade, names, shade};
use crate::diag::nouns;
use crate::experiment::summary::{NodeCourse, Summary};
use crate::report::number::{count, plain};
use crate::report::text::{clean, cut};

/// Panels at most; more would be too flat to read.
const PANELS: usize = 6;

/// Height of a panel, and from one to the next.
const PANEL: f64 = 84.0;
const STEP: f64 = PANEL + 42.0;

/// A node over time.
#[derive(Clone, Debug, Default)]
pub struct Pressure {
    /// Its name.
    pub name: String,
    /// Its workers over all replicas; `None` where unlimited.
    pub workers: Option<u64>,
    /// Its replicas on average.
    pub replicas: f64,
    /// Length of a stretch, s.
    pub width_s: f64,
    /// Its course.
    pub course: NodeCourse,
}

impl Pressure {
    /// The nodes of a run in which something changes: those that filled up first, then those that were fullest.
    pub(super) fn of(summary: &Summary) -> Vec<Pressure> {
        let Some(timeline) = &summary.timeline else { return Vec::new() };
        let one = |(name, course): (&String, &NodeCourse)| Pressure {
            name: clean(name),
            workers: summary.nodes.get(name).and_then(|node| node.workers),
            replicas: summary.nodes.get(name).and_then(|node| node.replicas.mean.value).unwrap_or(1.0),
            width_s: timeline.width_s,
            course: course.clone(),
        };
        let mut all: Vec<Pressure> = timeline.nodes.iter().map(one).collect();
        all.retain(|node| node.course.in_system.iter().any(|n| *n > 0.0));
        let filled = |node: &Pressure| summary.failing.iter().position(|f| clean(&f.node) == node.name);
        let rank = |node: &Pressure| filled(node).unwrap_or(usize::MAX);
        all.sort_by(|a, b| rank(a).cmp(&rank(b)).then(b.fullness().total_cmp(&a.fullness())));
        all
    }

    /// How full it was at most, as a share of its workers; where they are unlimited, next to nothing.
    fn fullness(&self) -> f64 {
        let most = self.course.busy.iter().copied().fold(0.0, f64::max);
        self.workers.map_or(most * 1e-6, |workers| most / workers as f64)
    }

    /// Workers of the replicas that were ready, over time; `None` where they are unlimited.
    fn limits(&self) -> Option<Vec<f64>> {
        let workers = self.workers? as f64;
        let each = workers / self.replicas.max(f64::MIN_POSITIVE);
        Some(match self.course.ready.as_slice() {
            [] => vec![workers; self.course.busy.len()],
            ready => ready.iter().map(|replicas| replicas * each).collect(),
        })
    }

    /// Heights of the layers: working, held, in line on top of each other.
    fn layers(&self) -> [Vec<f64>; 3] {
        let course = &self.course;
        let working: Vec<f64> = course.working.iter().zip(&course.busy).map(|(works, busy)| works.min(*busy)).collect();
        // Whoever has left its worker while it waits is nobody's burden.
        let line = course.busy.iter().zip(&course.queue).map(|(busy, queue)| busy + queue).collect();
        [working, course.busy.clone(), line]
    }
}

/// Draws the nodes below each other.
pub fn pressure(title: &Title, all: &[Pressure], shades: &[Shade]) -> String {
    let (shown, hidden) = all.split_at(all.len().min(PANELS));
    let top = 128.0;
    let height = top + STEP * shown.len() as f64 + 56.0;
    picture(title, height, |canvas| {
        key(canvas, 98.0);
        for (nth, node) in shown.iter().enumerate() {
            let top = top + STEP * nth as f64 + 24.0;
            let panel = Area { left: 96.0, top, right: WIDTH - 118.0, bottom: top + PANEL };
            draw(canvas, node, panel, shades, (nth == 0, nth + 1 == shown.len()));
        }
        if !hidden.is_empty() {
            let note = format!("{} more not drawn", hidden.len());
            canvas.text(&note, (WIDTH - 32.0, height - 22.0), Type::of(size::SMALL).faint().ending());
        }
    })
}

/// What the areas mean, in one line.
fn key(canvas: &Canvas, middle: f64) {
    let mut left = 96.0;
    for (nth, word) in ["working", "held, waiting for others", "in line"].into_iter().enumerate() {
        let patch = Area { left, right: left + 24.0, top: middle - 7.0, bottom: middle + 7.0 };
        canvas.rectangle(patch, look(nth), 1.0);
        canvas.outline(patch, FAINT);
        canvas.text(word, (left + 32.0, middle), Type::of(size::SMALL));
        left += 32.0 + room(word, size::SMALL) + 22.0;
    }
    canvas.line(&[(left, middle), (left + 24.0, middle)], limit());
    canvas.text("workers", (left + 32.0, middle), Type::of(size::SMALL));
}

/// Layers by their darkness, from the bottom.
fn look(layer: usize) -> RGBColor {
    match layer {
        0 => on_paper(pen(0).colour, 0.9),
        1 => on_paper(pen(0).colour, 0.3),
        _ => on_paper(pen(1).colour, 0.45),
    }
}

fn limit() -> Pen {
    Pen { colour: INK, dash: &[6.0, 4.0], width: 1.4 }
}

fn draw(canvas: &Canvas, node: &Pressure, panel: Area, shades: &[Shade], (first, last): (bool, bool)) {
    let layers = node.layers();
    let end = node.width_s * layers[1].len().max(1) as f64;
    let x = Scale::exact(0.0, end, panel.left, panel.right);
    let most = layers[2].iter().copied().fold(0.0, f64::max);
    // A limit far above everything would flatten what there is to see.
    let limits = node.limits().unwrap_or_default();
    let workers = limits.iter().copied().reduce(f64::max).filter(|n| *n <= 4.0 * most);
    // Room above the highest, where a fault can be seen. A line that dwarfs the workers is drawn whole: that it does is what
    // there is to see.
    let y = Scale::linear(1.08 * workers.map_or(most, |workers| most.max(workers)).max(1e-3), panel.bottom, panel.top);
    shade(canvas, panel, &x, shades);
    head(canvas, &cut(&node.name, 30), panel, &x, if first { shades } else { &[] });
    canvas.ordinate(panel, &y, |n| if n < 10.0 { plain(n) } else { count(n.round() as u64) });
    for (nth, layer) in layers.iter().enumerate().rev() {
        let floor = nth.checked_sub(1).map(|below| &layers[below]);
        canvas.area(&between(layer, floor, node.width_s, &x, &y), look(nth), 1.0);
    }
    if workers.is_some() {
        let steps = between(&limits, None, node.width_s, &x, &y);
        canvas.line(&steps[..2 * limits.len()], limit());
    }
    let course = &node.course;
    canvas.says_over(panel, &x, (0.0, node.width_s, layers[1].len()), |at| {
        let of = |all: &[f64]| plain(all.get(at).copied().unwrap_or(0.0));
        let [busy, queue] = [&course.busy, &course.queue].map(|all| of(all));
        let workers = limits.get(at).map_or_else(String::new, |n| format!(" of {} workers", plain(*n)));
        format!("{}: {busy}{workers} busy, {} of these working, {queue} in line", node.name, of(&layers[0]))
    });
    let told = node.workers.map_or_else(|| "unlimited".into(), |n| format!("{} {}", count(n), nouns(n, "worker")));
    let at = workers.map_or(f64::midpoint(panel.top, panel.bottom), |_| limits.last().map_or(0.0, |last| y.at(*last)));
    canvas.text(&told, (panel.right + 8.0, at), Type::of(size::SMALL).faint());
    canvas.line(&[(panel.left, panel.bottom), (panel.right, panel.bottom)], hair(FAINT));
    if last {
        canvas.abscissa(panel, &x, false, seconds_of_tick);
        let below = (f64::midpoint(panel.left, panel.right), panel.bottom + 34.0);
        let text = "time; means over stretches and replications";
        canvas.text(text, below, Type::of(size::LABEL).faint().centred().hanging());
    }
}

/// What a panel is about, above it, and what was wrong, to the right of it.
pub(super) fn head(canvas: &Canvas, name: &str, panel: Area, x: &Scale, shades: &[Shade]) {
    let middle = panel.top - 12.0;
    canvas.text(name, (panel.left, middle), Type::of(size::LABEL).bold());
    names(canvas, middle, (panel.left + 1.1 * room(name, size::LABEL) + 16.0, panel.right), x, shades);
}

/// The area between a layer and what it stands upon, in steps.
pub(super) fn between(layer: &[f64], floor: Option<&Vec<f64>>, width_s: f64, x: &Scale, y: &Scale) -> Vec<(f64, f64)> {
    let edge = |of: &dyn Fn(usize) -> f64| -> Vec<(f64, f64)> {
        let step = |at: usize| {
            let (from, to) = (at as f64 * width_s, (at + 1) as f64 * width_s);
            [(x.at(from), y.at(of(at))), (x.at(to), y.at(of(at)))]
        };
        (0..layer.len()).flat_map(step).collect()
    };
    let above = edge(&|at| layer[at]);
    let below = edge(&|at| floor.map_or(0.0, |floor| floor[at]));
    above.into_iter().chain(below.into_iter().rev()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn full(name: &str) -> Pressure {
        let course = sample::course().nodes["b"].clone();
        Pressure { name: name.into(), workers: Some(32), replicas: 2.0, width_s: 0.5, course }
    }

    #[test]
    fn a_node_is_named_with_its_workers_and_its_trouble() {
        let shades = [Shade { name: "slow bank".into(), from_s: 20.0, until_s: 40.0 }];
        let svg = pressure(&Title::default(), &[full("orders"), full("gateway")], &shades);
        for word in ["orders", "gateway", "32 workers", "slow bank", "in line", "60 s"] {
            assert!(svg.contains(word), "{word}");
        }
        assert_eq!(svg.matches("<polygon").count(), 6, "three layers each");
        assert!(pressure(&Title::default(), &vec![full("x"); 8], &[]).contains("2 more not drawn"));
    }

    #[test]
    fn a_line_that_dwarfs_the_workers_is_drawn_whole() {
        let mut node = full("orders");
        assert!(!pressure(&Title::default(), &[node.clone()], &[]).contains("\n4000\n"));
        node.course.queue[50] = 5_000.0;
        let svg = pressure(&Title::default(), &[node], &[]);
        assert!(svg.contains("\n4000\n") && svg.contains("32 workers"), "{svg}");
    }

    #[test]
    fn workers_follow_the_replicas_that_are_ready() {
        let mut node = full("orders");
        assert_eq!(node.limits().unwrap(), vec![32.0; 120]);
        node.course.ready = (0..120).map(|at| if at < 60 { 1.0 } else { 3.0 }).collect();
        let limits = node.limits().unwrap();
        assert_eq!((limits[0], limits[119]), (16.0, 48.0), "16 each");
        node.workers = None;
        assert_eq!(node.limits(), None);
    }

    #[test]
    fn whoever_filled_up_first_stands_on_top() {
        let mut summary = sample::summary();
        assert!(Pressure::of(&summary).is_empty());
        let mut timeline = sample::course();
        for name in ["a", "c", "d"] {
            let course = timeline.nodes["b"].clone();
            timeline.nodes.insert(name.into(), course);
        }
        summary.timeline = Some(timeline);
        let failing = |node: &str| crate::experiment::summary::Failing { node: node.into(), ..Default::default() };
        summary.failing = vec![failing("c"), failing("a")];
        let names: Vec<String> = Pressure::of(&summary).into_iter().map(|node| node.name).collect();
        assert_eq!(names, ["c", "a", "d", "b"], "then the fullest");
    }
}
