//! How the replicas of a node differ: a row for each node that has several. The mean of all hides one that is pinned, or sick.

use std::collections::BTreeMap;

use super::content::worst_first;
use super::number::{percent, plain};
use super::sheet::{Cell, Sheet};
use crate::experiment::summary::{Apart, Node, OneReplica};

/// Nodes with several replicas: what the busiest and the idlest get, and the extremes of what single ones did.
pub(super) fn sheet(nodes: &BTreeMap<String, Node>) -> Sheet {
    let columns = [
        ("replicas apart", 9),
        ("of", 8),
        ("busiest", 7),
        ("idlest", 6),
        ("slowest ms", 5),
        ("quickest ms", 4),
        ("failing most", 3),
    ];
    let mut sheet = Sheet::new(&columns);
    let several: Vec<_> = nodes.iter().filter_map(|(name, node)| Some((name, node.replicas.apart.as_ref()?))).collect();
    let uneven = |one: &(&String, &Apart)| [one.1.busiest.value.unwrap_or(0.0) * one.1.each.len() as f64];
    for (name, apart) in worst_first(several, uneven) {
        let stays = apart.each.iter().filter_map(|one| one.sojourn_mean_ms);
        let figure = |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), plain);
        let [slowest, quickest] = [stays.clone().reduce(f64::max), stays.reduce(f64::min)].map(figure);
        let shares = [apart.busiest, apart.idlest].map(|share| Cell::figure(share, percent));
        let [busiest, idlest] = shares;
        let shares = [apart.each.len().to_string().into(), busiest, idlest];
        let extremes = [slowest, quickest, sick(apart)].map(Into::into);
        sheet.push(name, shares.into_iter().chain(extremes));
    }
    sheet
}

/// The largest share of its visits that a replica fails, and which one that is.
fn sick(apart: &Apart) -> String {
    let share = |one: &OneReplica| one.failed as f64 / one.arrivals.max(1) as f64;
    let worst = apart.each.iter().enumerate().max_by(|a, b| share(a.1).total_cmp(&share(b.1)));
    match worst.filter(|(_, one)| one.failed > 0) {
        Some((nth, one)) => format!("{} (no. {})", percent(share(one)), nth + 1),
        None => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::summary::{Estimate, Replicas};
    use crate::report::text::width;

    #[test]
    fn one_that_fails_is_named() {
        let one = |arrivals, failed, stays| OneReplica {
            arrivals,
            failed,
            sojourn_mean_ms: Some(stays),
            ..OneReplica::default()
        };
        let each = vec![one(90, 0, 5.0), one(10, 5, 0.5)];
        let apart = Apart { busiest: Estimate::point(0.9), idlest: Estimate::point(0.1), each };
        let replicas = Replicas { apart: Some(apart), ..Replicas::default() };
        let mut nodes = BTreeMap::new();
        nodes.insert("orders".into(), Node { replicas, ..Node::default() });
        nodes.insert("single".into(), Node::default());
        let sheet = sheet(&nodes);
        assert!(sheet.lines(80, false).iter().all(|line| width(line) <= 80));
        let row: Vec<&str> = sheet.rows[0].iter().map(|cell| cell.text.as_str()).collect();
        assert_eq!((sheet.rows.len(), row[0], row[6]), (1, "orders", "50.0 % (no. 2)"));
    }
}
