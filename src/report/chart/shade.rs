//! Times at which something was wrong, shaded.

use super::axis::Scale;
use super::frame::{Area, Canvas, Type, size};
use super::palette::WRONG;
use crate::experiment::summary::Summary;
use crate::report::text::{clean, cut};

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

/// Shades an area; with `named` the names stand at its top, as far as they have room.
pub(super) fn shade(canvas: &Canvas, area: Area, x: &Scale, shades: &[Shade], named: bool) {
    let mut free = area.left;
    for shade in shades {
        let (left, right) = (x.at(shade.from_s).max(area.left), x.at(shade.until_s).min(area.right));
        // A short one must be seen, too.
        let right = right.max(left + 2.0);
        canvas.rectangle(Area { left, right, ..area }, WRONG, 0.3);
        if named && left >= free {
            canvas.text(&cut(&shade.name, 40), (left + 4.0, area.top + 10.0), Type::of(size::SMALL).faint());
            free = left + 7.5 * shade.name.chars().count().min(40) as f64;
        }
    }
}
