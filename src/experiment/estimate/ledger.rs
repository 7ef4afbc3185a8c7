//! Ledgers: where the time of requests went, over all replications.

use crate::model::Plan;

use super::super::measure::Book;
use super::super::summary::Ledger;
use super::Replication;

/// Where the time of a client's requests went.
pub(crate) fn ledger(replications: &[Replication], at: usize, plan: &Plan) -> Ledger {
    let [good, bad] = [0, 1].map(|kind| {
        let mut all = Book::default();
        replications.iter().for_each(|r| all.merge(&r.measure.books[at][kind]));
        all
    });
    let failed = (bad.count() > 0).then(|| Box::new(columns(&bad, plan)));
    Ledger { failed, ..columns(&good, plan) }
}

/// The columns of a ledger: over all requests, around the median, around the 99th percentile.
fn columns(book: &Book, plan: &Plan) -> Ledger {
    let bands = [book.band(0.0, 1.0), book.band(0.48, 0.52), book.band(0.985, 0.995)];
    let mut ledger = Ledger {
        count: book.count(),
        p50_count: bands[1].0.round() as u64,
        p99_count: bands[2].0.round() as u64,
        ..Ledger::default()
    };
    for (column, (_, parts)) in bands.iter().enumerate() {
        for (cell, ms) in parts {
            let node = ledger.by_node.entry(plan.node(cell.node()).name.clone()).or_default();
            for columns in [node, &mut ledger.total] {
                let parts = [&mut columns.mean_ms, &mut columns.p50_ms, &mut columns.p99_ms];
                parts[column].0[cell.cause() as usize] += ms;
            }
        }
    }
    ledger
}
