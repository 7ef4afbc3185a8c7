//! The edge: from which load on half of the runs stay down.
//!
//! It is that of runs that were well when the trigger came. Where half of them are down before, it needs no trigger, which is
//! said apart; and where nobody saw what becomes of the loads between, no load is named.

use serde::Serialize;

use super::map::{Cell, probability};
use crate::experiment::summary::Estimate;

/// Where runs with one length of the trigger begin to stay down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Edge {
    /// How long the trigger is on, s.
    pub length_s: f64,
    /// The load at which half of the runs stay down, in times of what the file says. An end that is missing lies beyond
    /// the loads that were run; without a value fewer than half do at every load, or more at every one, or it was not seen.
    pub load: Estimate,
    /// Whether more than half stay down at the smallest load already.
    pub always: bool,
    /// Between which loads the outcome turns where those between were run and nothing was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unseen_between: Option<[f64; 2]>,
    /// The least load at which half of the runs are down before the trigger comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_itself: Option<f64>,
}

/// Half of the runs.
const HALF: f64 = 0.5;

/// One load, and what becomes of the runs that were well when the trigger came.
struct Step {
    load: f64,
    stays: Estimate,
}

impl Step {
    fn is(&self, what: impl Fn(f64) -> bool) -> bool {
        self.stays.value.is_some_and(what)
    }
}

/// The loads of one length that were run, up to where it needs no trigger; and where that is.
fn row(cells: &[Cell], length_s: f64) -> (Vec<Step>, Option<f64>) {
    let mut row: Vec<&Cell> = cells.iter().filter(|cell| cell.length_s == length_s && cell.runs > 0).collect();
    row.sort_by(|a, b| a.load.total_cmp(&b.load));
    let alone = |cell: &&Cell| 2 * cell.before >= cell.runs;
    let by_itself = row.iter().position(alone);
    let step =
        |cell: &&Cell| Step { load: cell.load, stays: probability(cell.down, cell.not_seen, cell.runs - cell.before) };
    (row.iter().take(by_itself.unwrap_or(row.len())).map(step).collect(), by_itself.map(|at| row[at].load))
}

/// The first load at which half stay down, and the last before it at which anything was seen: where they stand.
fn ends(row: &[Step]) -> Option<(Option<usize>, usize)> {
    let first = row.iter().position(|step| step.is(|share| share >= HALF))?;
    Some((row[..first].iter().rposition(|step| step.stays.value.is_some()), first))
}

/// The two loads next to each other between which the outcome turns for the first time.
pub(super) fn turn(cells: &[Cell], length_s: f64) -> Option<(f64, f64)> {
    let (row, _) = row(cells, length_s);
    let (below, above) = ends(&row)?;
    let below = below.filter(|below| below + 1 == above)?;
    Some((row[below].load, row[above].load))
}

/// Where half of the runs stay down.
pub fn edge(cells: &[Cell], length_s: f64) -> Edge {
    let (row, by_itself) = row(cells, length_s);
    let none = Edge { length_s, by_itself, ..Edge::default() };
    let Some((below, above)) = ends(&row) else { return none };
    let surely_less = |step: &&Step| step.stays.high.is_some_and(|high| high < HALF);
    let surely_more = |step: &&Step| step.stays.low.is_some_and(|low| low > HALF);
    let low = row.iter().take_while(surely_less).last().map(|step| step.load);
    let high = row.iter().rev().take_while(surely_more).last().map(|step| step.load);
    let load = |value| Estimate { value, low, high, ..Estimate::NONE };
    match below {
        _ if above == 0 => Edge { always: true, load: load(None), ..none },
        Some(below) if below + 1 == above => Edge { load: load(Some(crossing(&row[below], &row[above]))), ..none },
        // With no load at all nothing stays down.
        below => {
            let from = below.map_or(0.0, |below| row[below].load);
            Edge { unseen_between: Some([from, row[above].load]), load: load(None), ..none }
        }
    }
}

/// Where a line through two steps is half.
fn crossing(a: &Step, b: &Step) -> f64 {
    let [least, most] = [a, b].map(|step| step.stays.value.unwrap_or(HALF));
    a.load + (b.load - a.load) * (HALF - least) / (most - least)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of ten runs at each load, those that stay down.
    fn cells(all: &[(f64, u64)]) -> Vec<Cell> {
        let cell =
            |(load, down): &(f64, u64)| Cell { load: *load, length_s: 1.0, runs: 10, down: *down, ..Cell::default() };
        all.iter().map(cell).collect()
    }

    #[test]
    fn the_edge_lies_where_half_stay_down() {
        let found = edge(&cells(&[(1.0, 0), (2.0, 3), (3.0, 7), (4.0, 10)]), 1.0);
        assert_eq!((found.load.value, found.load.low, found.load.high), (Some(2.5), Some(1.0), Some(4.0)));
        assert_eq!(turn(&cells(&[(1.0, 0), (2.0, 3), (3.0, 7)]), 1.0), Some((2.0, 3.0)));
    }

    #[test]
    fn where_it_never_turns_there_is_none() {
        assert_eq!(edge(&cells(&[(1.0, 0), (2.0, 1)]), 1.0), Edge { length_s: 1.0, ..Edge::default() });
        let always = edge(&cells(&[(1.0, 9), (2.0, 10)]), 1.0);
        assert!(always.always && always.load.value.is_none() && always.load.high == Some(1.0));
        assert_eq!(turn(&cells(&[(1.0, 9)]), 1.0), None);
    }

    #[test]
    fn between_loads_that_nobody_saw_none_is_named() {
        let mut all = cells(&[(1.0, 0), (2.0, 0), (3.0, 10)]);
        all[1].not_seen = 10;
        let found = edge(&all, 1.0);
        assert_eq!((found.load.value, found.unseen_between, found.always), (None, Some([1.0, 3.0]), false));
        assert_eq!((found.load.low, found.load.high), (Some(1.0), Some(3.0)));
        assert_eq!(turn(&all, 1.0), None, "nothing is halved over and over");
        assert_eq!(edge(&all[1..], 1.0).unseen_between, Some([0.0, 3.0]));
    }

    #[test]
    fn what_is_down_before_the_trigger_makes_no_edge() {
        let mut all = cells(&[(1.0, 0), (1.5, 0), (2.0, 2), (3.0, 0), (4.0, 0)]);
        // What most runs show nothing of but that they were well before is no edge either.
        (all[1].before, all[1].not_seen) = (3, 7);
        (all[3].before, all[3].not_seen, all[4].before) = (5, 5, 10);
        let found = edge(&all, 1.0);
        assert_eq!((found.load, found.by_itself), (Estimate::NONE, Some(3.0)));
        // Of those that were well before, most stay down: that is an edge, though a few needed no trigger.
        all.remove(1);
        (all[1].down, all[1].before) = (6, 2);
        let found = edge(&all, 1.0);
        assert!(
            found.load.value.is_some_and(|load| load > 1.0 && load < 2.0) && found.by_itself == Some(3.0),
            "{found:?}"
        );
    }
}
