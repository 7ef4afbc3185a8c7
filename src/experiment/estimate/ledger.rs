//! Ledgers: where the time of requests went, over all replications.

use std::collections::BTreeMap;

use crate::model::{Cause, Plan};
use crate::stats::mean_of;

use super::super::measure::Book;
use super::super::summary::{Columns, Halves, Ledger, Parts, Within};
use super::{CONFIDENCE, Replication};

/// Where the time of a client's requests went.
pub(crate) fn ledger(replications: &[Replication], at: usize, plan: &Plan) -> Ledger {
    let [good, bad] = [0, 1].map(|kind| {
        let each: Vec<&Book> = replications.iter().map(|r| &r.measure.books[at][kind]).collect();
        let mut all = Book::default();
        each.iter().for_each(|book| all.merge(book));
        (all, each)
    });
    let failed = (bad.0.count() > 0).then(|| Box::new(whole(&bad.0, &bad.1, plan)));
    Ledger { failed, ..whole(&good.0, &good.1, plan) }
}

/// A ledger with what it may be off by.
fn whole(all: &Book, each: &[&Book], plan: &Plan) -> Ledger {
    let mut ledger = columns(all, plan);
    if each.len() < 2 {
        return ledger;
    }
    let single: Vec<Ledger> = each.iter().map(|book| columns(book, plan)).collect();
    let of = |columns: &dyn Fn(&Ledger) -> Columns| within(&single, columns);
    ledger.within = Some(Box::new(of(&|one| one.total)));
    let by_node = ledger.by_node.keys();
    let own = |node: &String| of(&|one| one.by_node.get(node).copied().unwrap_or_default());
    ledger.within_by_node = by_node.map(|node| (node.clone(), own(node))).collect::<BTreeMap<_, _>>();
    ledger
}

/// What the parts of several replications say of how far off their mean may be. A replication in which a band holds no whole request
/// says nothing of it.
fn within(single: &[Ledger], columns: &dyn Fn(&Ledger) -> Columns) -> Within {
    // Half the width around what all of them show.
    let half = |count: fn(&Ledger) -> u64, value: &dyn Fn(&Columns) -> f64| {
        let values: Vec<f64> = single.iter().filter(|one| count(one) > 0).map(|one| value(&columns(one))).collect();
        (values.len() == single.len()).then(|| around(&values))
    };
    let column = |count: fn(&Ledger) -> u64, parts: fn(&Columns) -> &Parts| {
        let mut halves = Parts::default();
        for cause in Cause::ALL {
            halves.0[cause as usize] = half(count, &|one| parts(one).of(cause))?;
        }
        Some(Halves(halves))
    };
    let sum = |count: fn(&Ledger) -> u64, parts: fn(&Columns) -> &Parts| half(count, &|one| parts(one).sum());
    Within {
        mean_ms: column(|one| one.count, |of| &of.mean_ms),
        p50_ms: column(|one| one.p50_count, |of| &of.p50_ms),
        p99_ms: column(|one| one.p99_count, |of| &of.p99_ms),
        sum_ms: [
            sum(|one| one.count, |of| &of.mean_ms),
            sum(|one| one.p50_count, |of| &of.p50_ms),
            sum(|one| one.p99_count, |of| &of.p99_ms),
        ],
        tax_ms: half(|one| one.count, &|one| one.mean_ms.sum() - one.mean_ms.of(Cause::Work)),
        tax_share: half(|one| one.count, &|one| match one.mean_ms.sum() {
            all if all > 0.0 => 1.0 - one.mean_ms.of(Cause::Work) / all,
            _ => 0.0,
        }),
    }
}

/// Half the width of the interval around a mean; nothing around what is nothing everywhere.
fn around(values: &[f64]) -> f64 {
    if values.iter().all(|value| *value == 0.0) {
        return 0.0;
    }
    mean_of(values, CONFIDENCE).half_width().unwrap_or(0.0)
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
