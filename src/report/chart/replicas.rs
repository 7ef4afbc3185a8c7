//! What autoscalers did: a row for each, replicas over time on the left, what it saw against its target on the right.

use super::Title;
use super::axis::{Scale, percent_of_tick, seconds_of_tick};
use super::frame::{Area, Canvas, HEIGHT, Type, WIDTH, picture, size};
use super::palette::{FAINT, Pen, hair, pen};
use super::shade::{Shade, shade};
use crate::experiment::summary::{Autoscaled, Strength};
use crate::report::number::plain;
use crate::report::text::cut;

/// Rows at most; more would be too flat to read.
const ROWS: usize = 5;

/// A node that was scaled.
#[derive(Clone, Debug, Default)]
pub struct Scaling {
    /// Its name.
    pub name: String,
    /// What its autoscaler saw and did.
    pub told: Autoscaled,
}

/// Draws the rows below each other.
pub fn replicas(title: &Title, all: &[Scaling], shades: &[Shade]) -> String {
    let (shown, hidden) = all.split_at(all.len().min(ROWS));
    let height = HEIGHT.max(158.0 + 200.0 * shown.len() as f64);
    picture(title, height, |canvas| {
        let (top, bottom, gap) = (92.0, height - 66.0, 30.0);
        let each = (bottom - top + gap) / shown.len().max(1) as f64 - gap;
        for (nth, scaling) in shown.iter().enumerate() {
            let top = top + nth as f64 * (each + gap);
            let left = Area { left: 64.0, top, right: WIDTH / 2.0 - 24.0, bottom: top + each };
            let right = Area { left: WIDTH / 2.0 + 52.0, right: WIDTH - 36.0, ..left };
            row(canvas, scaling, [left, right], shades, nth + 1 == shown.len());
        }
        if !hidden.is_empty() {
            let note = format!("{} more not drawn", hidden.len());
            canvas.text(&note, (WIDTH - 32.0, height - 14.0), Type::of(size::SMALL).faint().ending());
        }
    })
}

fn row(canvas: &Canvas, scaling: &Scaling, panels: [Area; 2], shades: &[Shade], last: bool) {
    let Autoscaled { metric, target, timeline } = &scaling.told;
    let target = *target;
    let is_share = matches!(&**metric, "cpu" | "workers");
    let told = |value: f64| if is_share { percent_of_tick(value) } else { plain(value) };
    let heads = [cut(&scaling.name, 44), format!("{metric} on each, target {}", told(target))];
    for (panel, head) in panels.iter().zip(heads) {
        canvas.text(&head, (panel.left, panel.top + 8.0), Type::of(size::LABEL).bold());
    }
    let [left, right] = panels.map(|panel| Area { top: panel.top + 26.0, ..panel });
    let end = timeline.last().map_or(1.0, |s| s.from_s + s.width_s);
    let most = |of: fn(&Strength) -> f64| timeline.iter().map(of).fold(0.0, f64::max);
    let x = Scale::exact(0.0, end, left.left, left.right);
    let y = Scale::linear(most(|s| s.replicas).max(1.0), left.bottom, left.top);
    shade(canvas, left, &x, shades);
    canvas.ordinate(left, &y, plain);
    let ready = steps(timeline, &x, |s| y.at(s.ready));
    let floor = [(left.right, left.bottom), (left.left, left.bottom)];
    let around: Vec<(f64, f64)> = ready.iter().copied().chain(floor).collect();
    canvas.area(&around, pen(0).colour, 0.28);
    canvas.line(&steps(timeline, &x, |s| y.at(s.replicas)), Pen { dash: &[], ..pen(0) });
    let says = |area: Area, x: &Scale, text: &dyn Fn(&Strength) -> String| {
        for s in timeline {
            canvas.says_over(area, x, (s.from_s, s.width_s, 1), |_| format!("{}: {}", scaling.name, text(s)));
        }
    };
    says(left, &x, &|s| format!("{} replicas, {} ready", plain(s.replicas), plain(s.ready)));
    axis(canvas, left, &x, last.then_some("time; line: replicas there, area: ready"));

    let x = Scale::exact(0.0, end, right.left, right.right);
    let highest = most(|s| s.metric.unwrap_or(0.0)).max(target);
    let y = Scale::linear(highest, right.bottom, right.top);
    shade(canvas, right, &x, shades);
    canvas.ordinate(right, &y, told);
    canvas.line(&[(right.left, y.at(target)), (right.right, y.at(target))], Pen { dash: &[6.0, 4.0], ..hair(FAINT) });
    let seen: Vec<(f64, f64)> = timeline
        .iter()
        .filter_map(|s| s.metric.map(|metric| (x.at(s.from_s + s.width_s / 2.0), y.at(metric))))
        .collect();
    canvas.line(&seen, Pen { dash: &[], ..pen(1) });
    says(right, &x, &|s| s.metric.map_or_else(|| "nothing seen".into(), |seen| format!("{metric} {}", told(seen))));
    axis(canvas, right, &x, last.then_some("time; dashes: the target"));
}

fn axis(canvas: &Canvas, area: Area, x: &Scale, below: Option<&str>) {
    canvas.abscissa(area, x, false, |s| if below.is_some() { seconds_of_tick(s) } else { String::new() });
    if let Some(words) = below {
        let at = (f64::midpoint(area.left, area.right), area.bottom + 34.0);
        canvas.text(words, at, Type::of(size::LABEL).faint().centred().hanging());
    }
}

/// A level that holds over each stretch.
fn steps(timeline: &[Strength], x: &Scale, y: impl Fn(&Strength) -> f64) -> Vec<(f64, f64)> {
    let both = |s: &Strength| [(x.at(s.from_s), y(s)), (x.at(s.from_s + s.width_s), y(s))];
    timeline.iter().flat_map(both).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaling(name: &str, metric: &'static str, target: f64) -> Scaling {
        let strength = |at: u32| {
            let replicas = f64::from(2 + at / 40);
            let metric = at.is_multiple_of(3).then_some(target * 1.5);
            Strength { from_s: f64::from(at), width_s: 1.0, replicas, ready: replicas - 1.0, metric }
        };
        Scaling {
            name: name.into(),
            told: Autoscaled { metric: metric.into(), target, timeline: (0..120).map(strength).collect() },
        }
    }

    #[test]
    fn a_row_names_its_node_and_its_target() {
        let title = Title { title: "replicas".into(), subtitle: String::new() };
        let svg = replicas(&title, &[scaling("orders", "workers", 0.6), scaling("stock", "rps", 40.0)], &[]);
        for word in ["orders", "stock", "workers on each, target 60 %", "rps on each, target 40", "100 s"] {
            assert!(svg.contains(word), "{word}");
        }
        let many: Vec<Scaling> = (0..7).map(|nth| scaling(&format!("s{nth}"), "cpu", 0.5)).collect();
        let svg = replicas(&title, &many, &[]);
        assert!(svg.contains("2 more not drawn") && svg.contains("s4") && !svg.contains("s5"));
    }
}
