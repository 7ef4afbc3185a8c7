//! Requests in rows: of clients, endpoints and edges. Percentiles are over all that arrived; what failed, or was never
//! answered, is slower than everything. Those of the answered stand beside them where that makes a difference.

use std::collections::BTreeMap;

use super::content::{left_out, variant};
use super::number::{count, or_none, percent, time, time_within};
use super::sheet::{Cell, Sheet, Tone};
use crate::experiment::summary::{Stats, Summary};

/// Clients, endpoints or edges, told by the heading of the first column.
pub fn stats(head: &'static str, all: &BTreeMap<String, Stats>, shown: usize) -> Sheet {
    let columns = [
        (head, 9),
        ("count", 4),
        ("success", 7),
        ("p50", 6),
        ("p90", 2),
        ("p99", 8),
        ("p99.9", 3),
        ("mean", 5),
        ("p50 answered", 1),
        ("p99 answered", 1),
    ];
    let mut sheet = Sheet::new(&columns);
    for (name, stats) in all.iter().take(shown) {
        let tail = ["p50", "p90", "p99", "p999"].map(|name| arrived(stats, name));
        let answered = [stats.latency_ms.p50, stats.latency_ms.p99].map(|e| Cell::from(or_none(e, time)));
        let front = [count(stats.arrived).into(), success(stats)];
        sheet.push(name, front.into_iter().chain(tail).chain([mean(stats)]).chain(answered));
    }
    let whole = all.values().take(shown).all(|stats| stats.succeeded == stats.arrived);
    sheet.note = left_out(all.len(), shown).or_else(|| (!whole).then(|| OVER.to_owned()));
    sheet.without_idle("p50 answered", |_| whole).without_idle("p99 answered", |_| whole)
}

/// What percentiles are over, where that makes a difference.
const OVER: &str = "percentiles: failed and unanswered count as never; mean: of the answered";

/// A percentile over all that arrived: a time, at least so much, or never.
fn arrived(stats: &Stats, name: &str) -> Cell {
    let d = &stats.latency_arrived_ms;
    let (known, share) = match name {
        "p50" => (d.p50, 0.5),
        "p90" => (d.p90, 0.9),
        "p99" => (d.p99, 0.99),
        _ => (d.p999, 0.999),
    };
    if let Some(least) = d.at_least_ms.get(name) {
        return Cell::toned(format!("≥ {}", time(*least)), Tone::Odd);
    }
    let never = known.value.is_none() && (stats.succeeded as f64) < share * stats.arrived as f64;
    if never { Cell::toned("never", Tone::Odd) } else { or_none(known, time).into() }
}

/// The mean of the answered; where something is still under way, what the mean is at least.
fn mean(stats: &Stats) -> Cell {
    let least = stats.latency_arrived_ms.at_least_ms.get("mean");
    least.map_or_else(
        || time_within(stats.latency_ms.mean).into(),
        |ms| Cell::toned(format!("≥ {}", time(*ms)), Tone::Odd),
    )
}

fn success(stats: &Stats) -> Cell {
    let failed = stats.failed.values().any(|n| *n > 0);
    let tone = if failed { Tone::Odd } else { Tone::Plain };
    Cell::toned(or_none(stats.success_rate, percent), tone)
}

/// Clients of several variants below each other.
pub fn side_by_side(summaries: &[Summary]) -> Sheet {
    let columns = [("variant · client", 9), ("success", 7), ("p50", 6), ("p99", 8), ("p99.9", 3), ("mean", 5)];
    let mut sheet = Sheet::new(&columns);
    for summary in summaries {
        let variant = variant(summary);
        for (client, stats) in &summary.clients {
            let tail = ["p50", "p99", "p999"].map(|name| arrived(stats, name));
            let cells = [success(stats)].into_iter().chain(tail).chain([mean(stats)]);
            sheet.push(&format!("{variant} · {client}"), cells);
        }
    }
    sheet
}
