//! The way back: up to which load a system that a spike of traffic pushed over comes back from it.

use serde::Serialize;

use super::limit::{Limit, Search};
use crate::experiment::recover::{SPIKE, Wanted, study};
use crate::experiment::study::Part;
use crate::experiment::summary::Estimate;
use crate::scenario::Checked;
use crate::units::Span;

/// What becomes of runs after a spike.
#[derive(Clone, Debug, Serialize)]
pub struct Back {
    /// The spike, such as `5 × the traffic of shoppers`.
    pub spike: String,
    /// How long it is, s.
    pub length_s: f64,
    /// Requests per second, of all that grow together, from which on half of the runs stay down: it lies between its ends, without a
    /// value where what lies between them took too long to see. Nothing where fewer do at every load up to the capacity, or more at
    /// every one.
    pub per_s: Estimate,
    /// The same in times of today's load.
    pub times: Estimate,
    /// Whether more than half stay down at every load tried.
    pub never: bool,
    /// Loads tried, in times of today's, and the share of runs that stay down.
    pub tried: Vec<(f64, Estimate)>,
}

/// Parts of the capacity that are tried.
const PARTS: [f64; 11] = [0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65, 0.8, 0.9, 1.0];

/// Shorter runs do not show whether anything comes back, s.
const LEAST: f64 = 20.0;

/// So many times as long as the file's are runs that may have much to work off.
const LONGER: f64 = 3.0;

/// How long the spike is, of the file's time, and at most, s.
const PART: f64 = 0.05;
const LONGEST: f64 = 10.0;

/// Loads up to the capacity, each with a spike; `None` where runs are too short, nothing can spike, or nothing was seen.
pub(super) fn back(search: &Search<'_>, checked: &Checked, limit: &Limit) -> Option<Back> {
    let most = limit.times.value?;
    let file = checked.scenario.sim.duration.value.as_secs_f64();
    if file < LEAST {
        return None;
    }
    let length = (file * PART).min(LONGEST);
    let wanted = Wanted {
        trigger: Some(SPIKE.to_owned()),
        grow: search.grown.to_vec(),
        loads: PARTS.iter().map(|part| part * most).collect(),
        lengths_s: vec![length],
        ..Wanted::default()
    };
    let mut longer = checked.clone();
    longer.scenario.sim.duration.value = Span::from_secs_f64(LONGER * file);
    let part = Part { whole: search.watch, at: search.at, of: search.of };
    // What cannot spike has no way back to tell of.
    let found = study(&longer, &wanted, search.jobs, &part).ok().filter(|found| found.whole)?.recover;
    let edge = found.edges.first()?;
    if found.cells.iter().all(|cell| cell.runs == cell.not_seen) {
        return None;
    }
    let tried = found.cells.iter().filter(|cell| cell.runs > 0).map(|cell| (cell.load, cell.probability));
    Some(Back {
        spike: found.trigger.name.clone(),
        length_s: length,
        per_s: edge.load.scaled(search.today),
        times: edge.load,
        never: edge.always,
        tried: tried.collect(),
    })
}
