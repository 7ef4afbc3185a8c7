//! What retries, hedges and answers that come too late make of a system's work, node by node: how many requests reach it
//! for each that a user sent, and how much of what it does is for nobody.

use std::cmp::Ordering;

use super::content;
use super::number::{NONE, count, or_none, percent, plain, seconds};
use super::sheet::{Cell, Sheet, Tone};
use crate::experiment::summary::{Node, Summary};

/// From this share of a node's capacity on, waste is worth a look.
const MUCH: f64 = 0.05;

/// Nodes in the order of their multiplication, where anything was tried again or done for nobody; else no rows.
pub fn sheet(summary: &Summary, every: bool) -> Sheet {
    let columns = [("layer", 9), ("arrivals", 4), ("per user request", 8), ("work for nobody", 6), ("of capacity", 7)];
    let mut sheet = Sheet::new(&columns);
    let again = summary.edges.values().filter_map(|e| e.policing.as_ref()).any(|p| p.retries + p.hedges > 0);
    let mut nodes: Vec<(&String, &Node)> = summary.nodes.iter().collect();
    if !again && nodes.iter().all(|(_, node)| node.wasted_work_s <= 0.0) {
        return sheet;
    }
    let times = |node: &Node| node.tries_per_request.value.unwrap_or(0.0);
    nodes.sort_by(|a, b| times(a.1).partial_cmp(&times(b.1)).unwrap_or(Ordering::Equal).then(a.0.cmp(b.0)));
    let shown = content::listed(nodes.len(), every);
    // Where there are too many, those that are hit hardest stay.
    for (name, node) in &nodes[nodes.len() - shown..] {
        sheet.push(name, cells(node));
    }
    sheet.note = content::left_out(nodes.len(), shown);
    let idle = |cell: &Cell| cell.text == NONE;
    sheet.without_idle("work for nobody", idle).without_idle("of capacity", idle)
}

fn cells(node: &Node) -> [Cell; 4] {
    let wasted = if node.wasted_work_s > 0.0 { seconds(node.wasted_work_s) } else { NONE.into() };
    let share = node.wasted_share.value.filter(|share| *share > 0.0);
    let tone = if share.is_some_and(|share| share >= MUCH) { Tone::Odd } else { Tone::Plain };
    [
        count(node.arrivals).into(),
        or_none(node.tries_per_request, plain).into(),
        wasted.into(),
        Cell::toned(share.map_or(NONE.into(), percent), tone),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::summary::Policing;
    use crate::report::sample;

    #[test]
    fn layers_are_told_where_something_is_tried_again_or_wasted() {
        let mut summary = sample::summary();
        assert!(sheet(&summary, false).rows.is_empty());
        let node = summary.nodes.get_mut("b").unwrap();
        (node.wasted_work_s, node.wasted_share) = (12.0, sample::estimate(0.2, 0.01));
        node.tries_per_request = sample::estimate(4.0, 0.1);
        let told = sheet(&summary, false);
        let last = told.rows.last().unwrap();
        assert_eq!(last.iter().map(|c| c.text.as_str()).collect::<Vec<_>>()[2..], ["4", "12 s", "20.0 %"]);
        assert_eq!((last[0].text.as_str(), last[4].tone), ("b", Tone::Odd), "the highest comes last");
        summary.nodes.get_mut("b").unwrap().wasted_work_s = 0.0;
        let edge = summary.edges.get_mut("a -> b").unwrap();
        edge.policing = Some(Policing { retries: 3, ..Policing::default() });
        assert!(sheet(&summary, false).columns.iter().all(|column| column.head != "work for nobody"));
    }
}
