//! The edge: from which load on half of the runs stay down.

use serde::Serialize;

use super::map::Cell;
use crate::experiment::summary::Estimate;

/// Where runs with one length of the trigger begin to stay down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Edge {
    /// How long the trigger is on, s.
    pub length_s: f64,
    /// The load at which half of the runs stay down, in times of what the file says. An end that is missing lies beyond
    /// the loads that were run; without a value fewer than half do at every load, or more at every one.
    pub load: Estimate,
    /// Whether more than half stay down at the smallest load already.
    pub always: bool,
}

/// Half of the runs.
const HALF: f64 = 0.5;

/// The cells of one length that say anything, by load.
fn row(cells: &[Cell], length_s: f64) -> Vec<&Cell> {
    let told = |cell: &&Cell| cell.length_s == length_s && cell.probability.value.is_some();
    let mut row: Vec<&Cell> = cells.iter().filter(told).collect();
    row.sort_by(|a, b| a.load.total_cmp(&b.load));
    row
}

fn share(cell: &Cell) -> f64 {
    cell.probability.value.unwrap_or(0.0)
}

/// The two loads next to each other between which the outcome turns for the first time.
pub(super) fn turn(cells: &[Cell], length_s: f64) -> Option<(f64, f64)> {
    let row = row(cells, length_s);
    let first = row.iter().position(|cell| share(cell) >= HALF)?;
    let below = row.get(first.checked_sub(1)?)?;
    Some((below.load, row[first].load))
}

/// Where half of the runs stay down.
pub fn edge(cells: &[Cell], length_s: f64) -> Edge {
    let row = row(cells, length_s);
    let always = row.first().is_some_and(|cell| share(cell) >= HALF);
    let Some(first) = row.iter().position(|cell| share(cell) >= HALF) else {
        return Edge { length_s, load: Estimate::NONE, always };
    };
    let surely_less = |cell: &&&Cell| cell.probability.high.is_some_and(|high| high < HALF);
    let surely_more = |cell: &&&Cell| cell.probability.low.is_some_and(|low| low > HALF);
    let low = row.iter().take_while(surely_less).last().map(|cell| cell.load);
    let high = row.iter().rev().take_while(surely_more).last().map(|cell| cell.load);
    let value = first.checked_sub(1).map(|below| {
        let (a, b) = (row[below], row[first]);
        a.load + (b.load - a.load) * (HALF - share(a)) / (share(b) - share(a))
    });
    Edge { length_s, load: Estimate { value, low, high, ..Estimate::NONE }, always }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(all: &[(f64, f64)]) -> Vec<Cell> {
        let cell = |(load, share): &(f64, f64)| Cell {
            load: *load,
            length_s: 1.0,
            probability: Estimate::between(*share, (share - 0.3).max(0.0), (share + 0.3).min(1.0)),
            ..Cell::default()
        };
        all.iter().map(cell).collect()
    }

    #[test]
    fn the_edge_lies_where_half_stay_down() {
        let found = edge(&cells(&[(1.0, 0.0), (2.0, 0.25), (3.0, 0.75), (4.0, 1.0)]), 1.0);
        assert_eq!((found.load.value, found.load.low, found.load.high), (Some(2.5), Some(1.0), Some(4.0)));
        assert_eq!(turn(&cells(&[(1.0, 0.0), (2.0, 0.25), (3.0, 0.75)]), 1.0), Some((2.0, 3.0)));
    }

    #[test]
    fn where_it_never_turns_there_is_none() {
        assert_eq!(edge(&cells(&[(1.0, 0.0), (2.0, 0.1)]), 1.0), Edge { length_s: 1.0, ..Edge::default() });
        let always = edge(&cells(&[(1.0, 0.9), (2.0, 1.0)]), 1.0);
        assert!(always.always && always.load.value.is_none() && always.load.high == Some(1.0));
        assert_eq!(turn(&cells(&[(1.0, 0.9)]), 1.0), None);
    }
}
