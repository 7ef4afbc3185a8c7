//! Requests in rows: of clients, endpoints and edges. Percentiles are over all that arrived; what failed, or was never
//! answered, is slower than everything. Those of the answered stand beside them where that makes a difference.

use std::collections::BTreeMap;

use super::content::{self, left_out, noted, variant};
use super::number::{count, percent, share_within, time, time_within};
use super::sheet::{Cell, Sheet, Tone};
use super::text::{clean, grouped};
use crate::experiment::summary::{Stats, Summary};

/// Clients, endpoints or edges, told by the heading of the first column.
pub fn stats(head: &'static str, all: &BTreeMap<String, Stats>, shown: usize) -> Sheet {
    let columns =
        [(head, 9), ("count", 4), ("success", 7), ("p50", 6), ("p90", 2), ("p99", 8), ("p99.9", 3), ("mean", 5)];
    let mut sheet = Sheet::new(&columns);
    let told = || worst_first(all).into_iter().take(shown);
    for (name, stats) in told() {
        let tail = ["p50", "p90", "p99", "p999"].map(|name| arrived(stats, name));
        let front = [count(stats.arrived).into(), success(stats)];
        sheet.push(name, front.into_iter().chain(tail).chain([mean(stats)]));
    }
    let whole = told().all(|(_, stats)| stats.succeeded == stats.arrived);
    let open = told().any(|(_, stats)| stats.latency_arrived_ms.at_least_ms.contains_key("mean"));
    let over = (!whole).then(|| format!("{OVER}{}", if open { LEAST } else { "" }));
    sheet.note = noted([left_out(all.len(), shown), over]);
    sheet
}

/// All of them; where there are many those of whom most fails first, then the slowest.
pub(super) fn worst_first(all: &BTreeMap<String, Stats>) -> Vec<(&String, &Stats)> {
    let wrong = |one: &(&String, &Stats)| {
        let failed = one.1.success_rate.value.map_or(0.0, |share| 1.0 - share);
        [failed, one.1.latency_ms.p99.value.unwrap_or(0.0)]
    };
    content::worst_first(all.iter().collect(), wrong)
}

/// Edges whose answers are streams: when the first message is there, and when all are.
pub fn streamed(all: &BTreeMap<String, Stats>, shown: usize) -> Sheet {
    let columns =
        [("streams", 9), ("count", 4), ("first p50", 6), ("first p99", 3), ("first mean", 8), ("all mean", 7)];
    let mut sheet = Sheet::new(&columns);
    let some: Vec<_> =
        worst_first(all).into_iter().filter_map(|(name, s)| Some((name, s, s.first_message_ms.as_ref()?))).collect();
    for (name, stats, first) in some.iter().take(shown) {
        let firsts = [first.p50, first.p99].map(|figure| Cell::figure(figure, time));
        let means = [first.mean, stats.latency_ms.mean].map(Cell::within);
        sheet.push(name, [Cell::from(count(first.count))].into_iter().chain(firsts).chain(means));
    }
    sheet.note = left_out(some.len(), shown);
    sheet
}

/// What percentiles are over, where that makes a difference.
const OVER: &str = "percentiles: failed and unanswered count as never; mean: of the answered";

/// What a mean is where some were still under way.
const LEAST: &str = " (≥: with the ages of the unanswered)";

/// The latency of the answered, of those of whose requests so many failed that there is no p99 over all that arrived: the columns
/// beside that do not fit a terminal.
pub fn answered(all: &BTreeMap<String, Stats>, shown: usize) -> Vec<String> {
    let some = worst_first(all).into_iter().take(shown);
    let some = some.filter(|(_, s)| (s.succeeded as f64) < 0.99 * s.arrived as f64 && s.succeeded > 0);
    let told = some.map(|(name, stats)| {
        let d = &stats.latency_ms;
        let [mean, p50, p99] = [d.mean, d.p50, d.p99].map(time_within);
        let share = share_within(stats.success_rate);
        format!("{}: {share}, p50 {p50}, p99 {p99}, mean {mean}", clean(name))
    });
    grouped("of the answered: ", told)
}

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
    if never { Cell::toned("never", Tone::Odd) } else { Cell::figure(known, time) }
}

/// The mean of the answered; where something is still under way, what the mean is at least.
fn mean(stats: &Stats) -> Cell {
    let least = stats.latency_arrived_ms.at_least_ms.get("mean");
    least.map_or_else(|| Cell::within(stats.latency_ms.mean), |ms| Cell::toned(format!("≥ {}", time(*ms)), Tone::Odd))
}

fn success(stats: &Stats) -> Cell {
    let failed = stats.failed.values().any(|n| *n > 0);
    let tone = if failed { Tone::Odd } else { Tone::Plain };
    Cell::figure(stats.success_rate, percent).meaning(tone)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn streams_have_rows_and_other_edges_have_none() {
        let mut all = sample::summary().clients;
        assert!(streamed(&all, 9).rows.is_empty());
        let stats = all.get_mut("function calls").unwrap();
        stats.first_message_ms = Some(stats.latency_ms.clone());
        let told = streamed(&all, 9);
        assert_eq!((told.rows.len(), told.rows[0][0].text.as_str()), (1, "function calls"));
        assert_eq!(told.rows[0][4].text, told.rows[0][5].text);
    }

    #[test]
    fn the_answered_have_a_line_where_there_is_no_tail_over_all() {
        let mut all = sample::summary().clients;
        assert!(answered(&all, 9).is_empty(), "all but a few succeed");
        let stats = all.get_mut("function calls").unwrap();
        (stats.arrived, stats.succeeded) = (100, 55);
        stats.success_rate.value = Some(0.55);
        let lines = answered(&all, 9);
        assert!(lines.len() == 1 && lines[0].starts_with("of the answered: function calls: 55.0 %"), "{lines:?}");
        assert!(answered(&all, 0).is_empty());
        let note = super::stats("client", &all, 9).note.unwrap();
        assert_eq!(note, OVER);
        let least = &mut all.get_mut("function calls").unwrap().latency_arrived_ms.at_least_ms;
        least.insert("mean".into(), 40_500.0);
        assert!(super::stats("client", &all, 9).note.unwrap().ends_with(LEAST));
    }
}
