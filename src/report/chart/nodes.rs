//! Nodes: how much of their workers is held, how much of that really works, and how long their lines are.

use super::Title;
use super::axis::{Scale, percent_of_tick};
use super::frame::{Area, Canvas, Type, WIDTH, picture, room, size};
use super::key::Key;
use super::palette::{FAINT, Fill, Texture, fill, hair};
use crate::experiment::summary::Node;
use crate::model::Cause;
use crate::report::number::{level, percent, plain};
use crate::report::text::cut;

/// Rows at most.
const ROWS: usize = 18;

/// Longest name of a row, letters.
const LABEL: usize = 26;

/// Where rows begin; below them axes and key.
const TOP: f64 = 126.0;
const FOOT: f64 = 46.0;

/// Utilisation differs from workers held by more than this where cores are counted.
const DIFFERS: f64 = 0.005;

/// How one node was used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// Its name.
    pub name: String,
    /// Workers held, share; `None` where they are unlimited.
    pub held: Option<f64>,
    /// Workers that really work, share.
    pub working: f64,
    /// Cores used, share, where cores are counted and differ from workers.
    pub cores: Option<f64>,
    /// Workers held, time average.
    pub busy: f64,
    /// Requests in line, time average.
    pub queue: f64,
}

impl Usage {
    /// The usage of a node.
    pub fn of(name: String, node: &Node) -> Self {
        let busy = node.mean_busy.value.unwrap_or(0.0);
        let share = |level: f64| node.workers.filter(|workers| *workers > 0).map(|workers| level / workers as f64);
        let held = share(busy);
        let cores = node.utilization.value.filter(|used| held.is_some_and(|held| (held - used).abs() > DIFFERS));
        Self {
            name,
            held,
            working: share(node.mean_working.value.unwrap_or(0.0)).unwrap_or(0.0).min(held.unwrap_or(0.0)),
            cores,
            busy,
            queue: node.mean_queue.value.unwrap_or(0.0),
        }
    }
}

/// The rows that are drawn: all, or the fullest where there are too many.
fn chosen(all: &[Usage]) -> Vec<&Usage> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    let full = |at: &usize| all[*at].held.unwrap_or(0.0);
    order.sort_by(|a, b| full(b).total_cmp(&full(a)).then(a.cmp(b)));
    order.truncate(ROWS);
    order.sort_unstable();
    order.into_iter().map(|at| &all[at]).collect()
}

/// Draws the nodes below each other.
pub fn nodes(title: &Title, all: &[Usage]) -> String {
    let shown = chosen(all);
    let height = (330.0 / shown.len().max(1) as f64).clamp(28.0, 64.0);
    let bottom = TOP + height * shown.len() as f64;
    let key = Key::of(&[], &[("working", looks(true)), ("held: waits for a callee", looks(false))], 32.0, WIDTH);
    picture(title, bottom + FOOT + key.height + 24.0, |canvas| {
        let widest = shown.iter().map(|usage| room(&cut(&usage.name, LABEL), size::LABEL)).fold(40.0, f64::max);
        let left = 32.0 + widest + 14.0;
        let middle = left + (WIDTH - 32.0 - left) * 0.62;
        let workers = Area { left, top: TOP, right: middle - 70.0, bottom };
        let line = Area { left: middle + 30.0, right: WIDTH - 90.0, ..workers };
        let most = shown.iter().map(|usage| usage.queue).fold(0.0, f64::max);
        let full = Scale::exact(0.0, 1.0, workers.left, workers.right);
        let queue = Scale::linear(most, line.left, line.right);
        panel(canvas, "workers", workers, &full, percent_of_tick);
        panel(canvas, "requests in line, time average", line, &queue, plain);
        for (i, usage) in shown.iter().enumerate() {
            let top = TOP + i as f64 * height + height * 0.18;
            let (top, bottom) = (top, top + height * 0.64);
            let middle = f64::midpoint(top, bottom);
            canvas.text(&cut(&usage.name, LABEL), (32.0, middle), Type::of(size::LABEL).bold());
            held(canvas, usage, &full, (top, bottom));
            if usage.queue > 0.0 {
                canvas.filled(Area { left: line.left, right: queue.at(usage.queue).max(line.left + 1.5), top, bottom }, fill(Cause::Queue));
            }
            let end = if usage.queue > 0.0 { queue.at(usage.queue) } else { line.left };
            canvas.text(&level(usage.queue), (end + 8.0, middle), Type::of(size::LABEL));
        }
        key.draw(canvas, bottom + FOOT);
        if shown.len() < all.len() {
            let note = format!("{} less used not drawn", all.len() - shown.len());
            canvas.text(&note, (WIDTH - 32.0, 65.0), Type::of(size::SMALL).faint().ending());
        }
    })
}

/// The look of workers that work, and of workers that are held by what waits for a callee.
fn looks(working: bool) -> Fill {
    let work = fill(Cause::Work);
    if working { work } else { Fill { texture: Texture::Falling, ..work } }
}

fn panel(canvas: &Canvas, head: &str, area: Area, scale: &Scale, name: impl Fn(f64) -> String) {
    canvas.text(head, (area.left, TOP - 20.0), Type::of(size::LABEL).faint());
    canvas.abscissa(area, scale, true, name);
    canvas.line(&[(area.left, TOP - 6.0), (area.left, area.bottom)], hair(FAINT));
}

/// The bar of a node's workers, and what is used in figures.
fn held(canvas: &Canvas, usage: &Usage, full: &Scale, (top, bottom): (f64, f64)) {
    let (zero, working) = (full.at(0.0), full.at(usage.working));
    let Some(share) = usage.held else {
        let text = format!("unlimited; {} at work", level(usage.busy));
        canvas.text(&text, (zero + 8.0, f64::midpoint(top, bottom)), Type::of(size::LABEL).faint());
        return;
    };
    let end = full.at(share);
    if end > working {
        canvas.filled(Area { left: working, right: end, top, bottom }, looks(false));
    }
    if working > zero {
        canvas.filled(Area { left: zero, right: working, top, bottom }, looks(true));
    }
    let text = match usage.cores {
        Some(cores) => format!("{}, cores {}", percent(share), percent(cores)),
        None => percent(share),
    };
    canvas.text(&text, (end + 8.0, f64::midpoint(top, bottom)), Type::of(size::LABEL));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_node_is_held_and_works() {
        let usage = Usage::of("d".into(), &sample::node(0.6, 8));
        assert_eq!((usage.held, usage.cores), (Some(0.6), None));
        assert!((usage.working - 0.2).abs() < 1e-9);
        let mut node = sample::node(0.6, 8);
        node.utilization = sample::estimate(0.9, 0.01);
        assert_eq!(Usage::of("d".into(), &node).cores, Some(0.9));
        node.workers = None;
        assert_eq!(Usage::of("d".into(), &node).held, None);
    }

    #[test]
    fn too_many_are_cut_to_the_fullest_in_their_order() {
        let usage = |i: u32| Usage { name: format!("n{i}"), held: Some(f64::from(i) / 30.0), ..Usage::default() };
        let all: Vec<Usage> = (0..30).map(usage).collect();
        let shown = chosen(&all);
        assert_eq!((shown.len(), shown[0].name.as_str(), shown[17].name.as_str()), (18, "n12", "n29"));
        let svg = nodes(&Title { title: "t".into(), subtitle: "s".into() }, &all);
        assert!(svg.contains("12 less used not drawn") && svg.contains("held: waits for a callee"));
    }
}
