//! Times at which something was wrong, shaded.

use super::axis::{Scale, seconds_of_tick};
use super::frame::{Area, Canvas, Type, room, size};
use super::palette::WRONG;
use crate::experiment::summary::Summary;
use crate::report::text::{clean, cut};

/// How far beside its time a name may begin, points.
const ASIDE: f64 = 200.0;

/// A time at which something was wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Shade {
    /// What.
    pub name: String,
    /// Its beginning, s.
    pub from_s: f64,
    /// Its end, s.
    pub until_s: f64,
}

/// The faults of a run that were on at planned times.
pub(super) fn shades(summary: &Summary) -> Vec<Shade> {
    let end = summary.run.duration_s;
    let faults = summary.faults.iter().filter_map(|fault| {
        let from_s = fault.at_s?;
        let until_s = fault.duration_s.map_or(end, |length| from_s + length).min(end);
        Some(Shade { name: clean(&fault.name), from_s, until_s })
    });
    faults.collect()
}

/// Shades an area.
pub(super) fn shade(canvas: &Canvas, area: Area, x: &Scale, shades: &[Shade]) {
    for shade in shades {
        let (left, right) = (x.at(shade.from_s).max(area.left), x.at(shade.until_s).min(area.right));
        // A short one must be seen, too.
        let right = right.max(left + 2.0);
        canvas.rectangle(Area { left, right, ..area }, WRONG, 0.3);
    }
}

/// What was wrong, in a line of its own around `middle`, between `from` and `to`: each name begins with its time, or a
/// little beside it where that is what the line has room for. Those without room stand at the foot of the picture.
pub(super) fn names(canvas: &Canvas, middle: f64, (from, to): (f64, f64), x: &Scale, shades: &[Shade]) {
    let mut free = from;
    for shade in shades {
        let word = cut(&shade.name, 40);
        let (begin, wide) = (x.at(shade.from_s) + 4.0, room(&word, size::SMALL));
        let left = begin.min(to - wide).max(free);
        if left - begin <= ASIDE && left + wide <= to {
            canvas.text(&word, (left, middle), Type::of(size::SMALL).faint());
            free = left + wide + 8.0;
        } else {
            let times = format!("{} to {}", seconds_of_tick(shade.from_s), seconds_of_tick(shade.until_s));
            canvas.note(format!("shaded from {times}: {}", shade.name));
        }
    }
}

/// A panel's name at its top, and what was wrong in the same line, so that neither stands on what is drawn.
pub(super) fn beside(canvas: &Canvas, name: &str, panel: Area, x: &Scale, shades: &[Shade]) {
    let middle = panel.top + 8.0;
    canvas.text(name, (panel.left, middle), Type::of(size::LABEL).bold());
    names(canvas, middle, (panel.left + 1.1 * room(name, size::LABEL) + 16.0, panel.right), x, shades);
}
