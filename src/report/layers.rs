//! What retries, hedges and answers that come too late make of a system's work, node by node: how many requests reach it
//! for each that a user sent, and how much of what it does is for nobody.

use std::collections::BTreeMap;

use super::content;
use super::number::{NONE, count, level, percent};
use super::sheet::{Cell, Sheet, Tone};
use super::sidecars::Sidecars;
use crate::experiment::summary::{Node, Summary};

/// From this share of a node's capacity on, waste is worth a table of its own.
const WORTH: f64 = 0.01;

/// From this share on it is worth a colour.
const MUCH: f64 = 0.05;

/// Nodes from the outermost inwards, where anything was tried again or much was done for nobody; else no rows.
pub fn sheet(summary: &Summary, every: bool) -> Sheet {
    let columns =
        [("layer", 9), ("arrivals", 4), ("per user request", 8), ("workers for nobody", 6), ("of capacity", 7)];
    let mut sheet = Sheet::new(&columns);
    let again = summary.edges.values().filter_map(|e| e.policing.as_ref()).any(|p| p.retries + p.hedges > 0);
    let worth = |node: &Node| if every { node.wasted_work_s > 0.0 } else { share(node) >= WORTH };
    let mut nodes: Vec<(&String, &Node)> = summary.nodes.iter().collect();
    if !again && !nodes.iter().any(|(_, node)| worth(node)) {
        return sheet;
    }
    let time = summary.run.duration_s * f64::from(summary.run.replications);
    let depths = depths(summary);
    nodes.sort_by_key(|(name, _)| depths.get(name.as_str()).copied().unwrap_or(u32::MAX));
    let sidecars = Sidecars::take(&mut nodes, every);
    let shown = content::listed(nodes.len(), every);
    // Where there are too many, the innermost stay: there all that was tried again above comes together.
    for (name, node) in &nodes[nodes.len() - shown..] {
        sheet.push(name, cells(node, time));
    }
    if let Some(sidecars) = &sidecars {
        sheet.push(&sidecars.name(), sidecars.layer(time));
    }
    sheet.note = content::left_out(nodes.len(), shown);
    let idle = |cell: &Cell| cell.text == NONE;
    sheet.without_idle("workers for nobody", idle).without_idle("of capacity", idle)
}

/// How many calls it takes at least from a client to each node.
pub(super) fn depths(summary: &Summary) -> BTreeMap<&str, u32> {
    let clients: Vec<&str> = summary.clients.keys().map(String::as_str).collect();
    summary.graph().depths(&clients).into_iter().map(|(name, depth)| (*name, depth)).collect()
}

fn share(node: &Node) -> f64 {
    node.wasted_share.value.unwrap_or(0.0)
}

/// The figures of a node in so many seconds of measured time.
fn cells(node: &Node, time: f64) -> [Cell; 4] {
    let tone = if share(node) >= MUCH { Tone::Odd } else { Tone::Plain };
    let workers = node.wasted_work_s / time;
    // The one is the other times all workers.
    let wasted = match share(node) {
        share if share > 0.0 && workers > 0.0 => Cell::figure(node.wasted_share.scaled(workers / share), level),
        _ if workers > 0.0 => level(workers).into(),
        _ => NONE.into(),
    };
    let of_capacity = if share(node) > 0.0 { Cell::figure(node.wasted_share, percent) } else { NONE.into() };
    [count(node.arrivals).into(), Cell::figure(node.tries_per_request, level), wasted, of_capacity.meaning(tone)]
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
        (node.wasted_work_s, node.wasted_share) = (300.0, sample::estimate(0.2, 0.01));
        node.tries_per_request = sample::estimate(4.0, 0.1);
        let told = sheet(&summary, false);
        let cells = |row: &[Cell]| row.iter().map(|c| c.text.clone()).collect::<Vec<_>>();
        let row = told.rows.iter().find(|row| row[0].text == "b").unwrap();
        assert_eq!(cells(row)[2..], ["4.00", "0.50", "20.0 %"]);
        assert_eq!(row[4].tone, Tone::Odd);
        summary.nodes.get_mut("b").unwrap().wasted_share = sample::estimate(0.005, 0.0);
        assert!(sheet(&summary, false).rows.is_empty() && !sheet(&summary, true).rows.is_empty(), "too little");
        summary.nodes.get_mut("b").unwrap().wasted_work_s = 0.0;
        let edge = summary.edges.get_mut("a -> b").unwrap();
        edge.policing = Some(Policing { retries: 3, ..Policing::default() });
        assert!(sheet(&summary, false).columns.iter().all(|column| column.head != "workers for nobody"));
    }

    #[test]
    fn the_outermost_comes_first() {
        let mut summary = sample::summary();
        let call = summary.edges["a -> b"].clone();
        for edge in ["function calls -> d.default", "d -> a.read", "b -> c", "c -> a", "network calls -> d"] {
            summary.edges.insert(edge.into(), call.clone());
        }
        let depths = depths(&summary);
        assert_eq!(["d", "a", "b", "c"].map(|node| depths[node]), [1, 2, 3, 4]);
    }
}
