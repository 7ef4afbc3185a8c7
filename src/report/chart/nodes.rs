//! Nodes: how much of their workers is held, how much of that really works, and how long their lines are.

use std::collections::BTreeMap;

use super::Title;
use super::axis::{Scale, percent_of_tick, reach};
use super::frame::{Area, Canvas, Type, WIDTH, picture, room, size};
use super::key::Key;
use super::palette::{FAINT, Fill, PAPER, Texture, fill, hair};
use crate::experiment::summary::Node;
use crate::model::Cause;
use crate::report::cause::share;
use crate::report::number::{level, percent, plain};
use crate::report::text::cut;

/// Rows at most.
const ROWS: usize = 20;

/// Longest name, letters.
const LABEL: usize = 22;

/// Where rows begin; below them axes and key.
const TOP: f64 = 126.0;
const FOOT: f64 = 46.0;

/// Between two nodes that have several rows each.
const PAUSE: f64 = 12.0;

/// Utilisation differs from workers held by more than this where cores are counted.
const DIFFERS: f64 = 0.005;

/// How one node was used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// Its name.
    pub node: String,
    /// The variant, where there are several.
    pub variant: String,
    /// Workers held, share; `None` where they are unlimited.
    pub held: Option<f64>,
    /// Workers that really work, time average.
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
    pub fn of(name: String, variant: String, node: &Node) -> Self {
        let busy = node.mean_busy.value.unwrap_or(0.0);
        let share = |level: f64| node.workers.filter(|workers| *workers > 0).map(|workers| level / workers as f64);
        let held = share(busy);
        let cores = node.utilization.value.filter(|used| held.is_some_and(|held| (held - used).abs() > DIFFERS));
        Self {
            node: name,
            variant,
            held,
            working: node.mean_working.value.unwrap_or(0.0),
            cores,
            busy,
            queue: node.mean_queue.value.unwrap_or(0.0),
        }
    }
}

/// The rows that are drawn, those of a node together: all, or those of the fullest nodes where there are too many.
fn chosen(all: &[Usage]) -> Vec<&Usage> {
    let mut nodes: BTreeMap<&str, Vec<&Usage>> = BTreeMap::new();
    for usage in all {
        nodes.entry(&usage.node).or_default().push(usage);
    }
    let most = |rows: &[&Usage], of: fn(&Usage) -> f64| rows.iter().map(|usage| of(usage)).fold(0.0, f64::max);
    let full = |rows: &[&Usage]| (most(rows, |usage| usage.held.unwrap_or(0.0)), most(rows, |usage| usage.busy));
    let mut order: Vec<(&str, Vec<&Usage>)> = nodes.into_iter().collect();
    order.sort_by(|a, b| {
        let (a_full, b_full) = (full(&a.1), full(&b.1));
        b_full.0.total_cmp(&a_full.0).then(b_full.1.total_cmp(&a_full.1)).then(a.0.cmp(b.0))
    });
    let mut left = ROWS;
    order.retain(|(_, rows)| {
        let fits = rows.len() <= left;
        left -= if fits { rows.len() } else { 0 };
        fits
    });
    order.sort_by(|a, b| a.0.cmp(b.0));
    order.into_iter().flat_map(|(_, rows)| rows).collect()
}

/// Where everything stands.
struct Plan<'a> {
    rows: Vec<(&'a Usage, f64, f64)>,
    variants: f64,
    /// Whether workers are counted, since none of the nodes has a limit that they could be a share of.
    counted: bool,
    workers: (Area, Scale),
    line: (Area, Scale),
    bottom: f64,
}

impl<'a> Plan<'a> {
    fn of(shown: &[&'a Usage]) -> Self {
        let height = (330.0 / shown.len().max(1) as f64).clamp(26.0, 64.0);
        let (mut rows, mut top) = (Vec::new(), TOP);
        for (i, usage) in shown.iter().enumerate() {
            let pause = i > 0 && usage.node != shown[i - 1].node && !usage.variant.is_empty();
            top += if pause { PAUSE } else { 0.0 };
            rows.push((*usage, top + height * 0.18, top + height * 0.82));
            top += height;
        }
        let widest = |of: fn(&Usage) -> &str| {
            shown.iter().map(|usage| room(&cut(of(usage), LABEL), size::LABEL)).fold(0.0, f64::max)
        };
        let variants = 32.0 + widest(|usage| &usage.node) + 14.0;
        let named = widest(|usage| &usage.variant);
        let left = variants + if named > 0.0 { named + 14.0 } else { 0.0 };
        let middle = left + (WIDTH - 32.0 - left) * 0.64;
        let workers = Area { left, top: TOP, right: middle - 64.0, bottom: top };
        let line = Area { left: middle + 20.0, right: WIDTH - 84.0, ..workers };
        let most = reach(shown.iter().map(|usage| usage.queue));
        let counted = shown.iter().all(|usage| usage.held.is_none());
        let busiest = shown.iter().map(|usage| usage.busy).fold(0.0, f64::max);
        let count = Scale::linear(busiest, workers.left, workers.right);
        Self {
            rows,
            variants,
            counted,
            workers: (workers, if counted { count } else { Scale::exact(0.0, 1.0, workers.left, workers.right) }),
            line: (line, Scale::linear(most, line.left, line.right)),
            bottom: top,
        }
    }
}

/// Draws the nodes below each other.
pub fn nodes(title: &Title, all: &[Usage]) -> String {
    let shown = chosen(all);
    let plan = Plan::of(&shown);
    let key = Key::of(&[], &[("works", looks(true)), ("is held, waits for a callee", looks(false))], 32.0, WIDTH);
    picture(title, plan.bottom + FOOT + key.height + 24.0, |canvas| {
        let (head, name): (_, fn(f64) -> String) =
            if plan.counted { ("workers (no limit)", plain) } else { ("workers", percent_of_tick) };
        panel(canvas, head, &plan.workers, name);
        panel(canvas, "requests in line", &plan.line, plain);
        let mut before = "";
        for (usage, top, bottom) in &plan.rows {
            let (middle, label) = (f64::midpoint(*top, *bottom), Type::of(size::LABEL));
            if usage.node != before {
                canvas.text(&cut(&usage.node, LABEL), (32.0, middle), label.bold());
            }
            before = &usage.node;
            canvas.text(&cut(&usage.variant, LABEL), (plan.variants, middle), label);
            workers(canvas, usage, &plan, (*top, *bottom));
            let told = said(usage);
            for (area, _) in [&plan.workers, &plan.line] {
                canvas.says(Area { top: *top, bottom: *bottom, ..*area }, &told);
            }
            line(canvas, usage, &plan.line.1, (*top, *bottom));
        }
        key.draw(canvas, plan.bottom + FOOT);
        if shown.len() < all.len() {
            let note = format!("{} less used not drawn", all.len() - shown.len());
            canvas.text(&note, (WIDTH - 32.0, 65.0), Type::of(size::SMALL).faint().ending());
        }
    })
}

/// A row in words.
fn said(usage: &Usage) -> String {
    let whose = [usage.node.as_str(), &usage.variant].join(" ");
    let held = usage.held.map_or_else(|| ", no limit".into(), |held| format!(" ({} of its workers)", percent(held)));
    let cores = usage.cores.map_or_else(String::new, |cores| format!(", cores {}", percent(cores)));
    let (busy, working, queue) = (level(usage.busy), level(usage.working), level(usage.queue));
    format!("{}: {busy} busy{held}, {working} of these working{cores}, {queue} in line", whose.trim())
}

/// The look of workers that work, and of workers that are held by what waits for a callee.
fn looks(working: bool) -> Fill {
    let work = fill(Cause::Work);
    if working { work } else { Fill { texture: Texture::Falling, ..work } }
}

fn panel(canvas: &Canvas, head: &str, (area, scale): &(Area, Scale), name: impl Fn(f64) -> String) {
    canvas.text(head, (area.left, TOP - 20.0), Type::of(size::LABEL).faint());
    canvas.abscissa(*area, scale, true, name);
    canvas.line(&[(area.left, TOP - 6.0), (area.left, area.bottom)], hair(FAINT));
}

/// The bar of a node's workers, and what is used in figures.
fn workers(canvas: &Canvas, usage: &Usage, plan: &Plan, (top, bottom): (f64, f64)) {
    let (scale, middle) = (&plan.workers.1, f64::midpoint(top, bottom));
    let (held, working) = match (plan.counted, usage.held) {
        (true, _) => (usage.busy, usage.working),
        (false, Some(held)) => (held, if usage.busy > 0.0 { held * usage.working / usage.busy } else { 0.0 }),
        (false, None) => {
            let text = format!("no limit, {} busy", level(usage.busy));
            return canvas.beside(&text, (scale.at(0.0), middle), Type::of(size::LABEL).faint());
        }
    };
    let (zero, inner, end) = (scale.at(0.0), scale.at(working), scale.at(held));
    if end > inner {
        canvas.filled(Area { left: inner, right: end, top, bottom }, looks(false));
    }
    if inner > zero {
        let area = Area { left: zero, right: inner, top, bottom };
        canvas.filled(area, looks(true));
        let figure = if plan.counted { level(working) } else { share(working, 1.0) };
        let fits = held > working && room(&figure, size::SMALL) < inner - zero - 6.0;
        canvas.upon(&if fits { vec![figure] } else { Vec::new() }, area, looks(true), size::SMALL);
    }
    let text = match usage.cores.filter(|_| !plan.counted) {
        _ if plan.counted => level(held),
        Some(cores) => format!("{}, cores {}", percent(held), percent(cores)),
        None => percent(held),
    };
    canvas.beside(&text, (end, middle), Type::of(size::LABEL));
}

/// The bar of a node's line.
fn line(canvas: &Canvas, usage: &Usage, scale: &Scale, (top, bottom): (f64, f64)) {
    let (zero, end) = (scale.at(0.0), scale.at(usage.queue));
    if usage.queue > 0.0 {
        canvas.filled(Area { left: zero, right: end.max(zero + 1.5), top, bottom }, fill(Cause::Queue));
    }
    if scale.is_beyond(usage.queue) {
        canvas.broken(end, (top, bottom), PAPER);
    }
    // On paper a handful of digits says no more than this.
    let figure = if usage.queue > 0.0 && usage.queue < 0.001 { "<0.001".into() } else { level(usage.queue) };
    canvas.beside(&figure, (end, f64::midpoint(top, bottom)), Type::of(size::LABEL));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_node_is_held_and_works() {
        let of = |node: &Node| Usage::of("d".into(), String::new(), node);
        let usage = of(&sample::node(0.6, 8));
        assert_eq!((usage.held, usage.cores), (Some(0.6), None));
        assert!((usage.working - 1.6).abs() < 1e-9, "a third of 4.8 busy ones");
        let mut node = sample::node(0.6, 8);
        node.utilization = sample::estimate(0.9, 0.01);
        assert_eq!(of(&node).cores, Some(0.9));
        node.workers = None;
        assert_eq!(of(&node).held, None);
    }

    fn usage(node: u32, variant: &str) -> Usage {
        let held = Some(f64::from(node) / 40.0);
        Usage { node: format!("n{node:02}"), variant: variant.into(), held, ..Usage::default() }
    }

    #[test]
    fn too_many_are_cut_to_the_fullest_in_their_order() {
        let all: Vec<Usage> = (0..30).map(|i| usage(i, "")).collect();
        let shown = chosen(&all);
        assert_eq!((shown.len(), shown[0].node.as_str(), shown[19].node.as_str()), (20, "n10", "n29"));
        let svg = nodes(&Title { title: "t".into(), subtitle: "s".into() }, &all);
        assert!(svg.contains("10 less used not drawn") && svg.contains("is held, waits for a callee"));
    }

    #[test]
    fn a_line_that_would_flatten_the_rest_is_broken() {
        let of = |node, queue| Usage { queue, ..usage(node, "") };
        let title = Title::default();
        let svg = nodes(&title, &[of(1, 0.5), of(2, 0.7), of(3, 1.0), of(4, 5_000.0)]);
        assert!(svg.contains("a bar with a gap") && svg.contains("\n5000"), "{svg}");
        assert!(!nodes(&title, &[of(1, 0.5), of(2, 0.7), of(3, 1.0), of(4, 2.0)]).contains("a bar with a gap"));
    }

    #[test]
    fn without_limits_workers_are_counted() {
        let title = || Title { title: "t".into(), subtitle: "s".into() };
        let free = Usage { node: "a".into(), busy: 3.2, working: 1.0, ..Usage::default() };
        let svg = nodes(&title(), std::slice::from_ref(&free));
        assert!(svg.contains("workers (no limit)") && svg.contains("\n3.20\n"), "{svg}");
        let mixed = nodes(&title(), &[free, usage(20, "")]);
        assert!(mixed.contains("no limit, 3.20 busy") && mixed.contains("100 %"), "{mixed}");
    }

    #[test]
    fn the_variants_of_a_node_stay_together() {
        let all: Vec<Usage> =
            ["a", "b", "c"].into_iter().flat_map(|variant| (0..9).map(move |i| usage(i, variant))).collect();
        let shown = chosen(&all);
        assert_eq!(shown.len(), 18);
        assert!(shown.chunks(3).all(|three| three.iter().all(|usage| usage.node == three[0].node)));
    }
}
