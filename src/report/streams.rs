//! Topics and their groups, in figures.

use std::collections::BTreeMap;

use super::content::{noted, sums, worst_first};
use super::number::{count, level, time};
use super::sheet::{Cell, Sheet, Tone};
use crate::experiment::summary::{Estimate, Group, Topic};

/// Groups as `topic/group`: what they read, how far they were behind, and what came twice or never.
pub(super) fn groups(all: &BTreeMap<String, Topic>, shown: usize, runs: u32) -> Sheet {
    let columns = [
        ("topic/group", 9),
        ("consumed", 8),
        ("lag", 5),
        ("most", 6),
        ("delay p50", 3),
        ("delay p99", 7),
        ("again", 4),
        ("skipped", 4),
        ("moves", 2),
        ("left", 5),
    ];
    let mut sheet = Sheet::new(&columns);
    let named: Vec<(String, &Group)> = all
        .iter()
        .flat_map(|(topic, t)| t.groups.iter().map(move |(group, g)| (format!("{topic}/{group}"), g)))
        .collect();
    let hidden = named.len().saturating_sub(shown);
    let wrong = |one: &(String, &Group)| [one.1.skipped as f64, one.1.mean_lag.value.unwrap_or(0.0)];
    for (name, group) in worst_first(named, wrong).into_iter().take(shown) {
        sheet.push(&name, figures(group));
    }
    let hidden = (hidden > 0).then(|| format!("{hidden} more not shown; all with -v"));
    sheet.note = noted([hidden, sums(runs, "lag")]);
    let idle = |cell: &Cell| cell.text == "0";
    sheet.without_idle("again", idle).without_idle("skipped", idle).without_idle("moves", idle)
}

fn figures(group: &Group) -> [Cell; 9] {
    let span = |e: Estimate| Cell::figure(e, time);
    let odd = |n: u64| Cell::toned(count(n), if n > 0 { Tone::Odd } else { Tone::Plain });
    [
        count(group.consumed).into(),
        Cell::figure(group.mean_lag, level),
        count(group.max_lag).into(),
        span(group.delay_ms.p50),
        span(group.delay_ms.p99),
        odd(group.duplicates),
        odd(group.skipped),
        odd(group.rebalances),
        count(group.lag_at_end).into(),
    ]
}

/// Topics: what was published, and in what batches.
pub(super) fn topics(all: &BTreeMap<String, Topic>, shown: usize) -> Sheet {
    let columns = [("topic", 9), ("published", 8), ("batch", 5), ("batches/s", 6), ("lost", 3)];
    let mut sheet = Sheet::new(&columns);
    let wrong = |one: &(&String, &Topic)| [one.1.lost as f64, one.1.published as f64];
    for (name, topic) in worst_first(all.iter().collect(), wrong).into_iter().take(shown) {
        let lost = Cell::toned(count(topic.lost), if topic.lost > 0 { Tone::Odd } else { Tone::Plain });
        let figure = |e: Estimate| Cell::figure(e, level);
        sheet.push(name, [count(topic.published).into(), figure(topic.batch_size), figure(topic.batches_per_s), lost]);
    }
    let hidden = all.len().saturating_sub(shown);
    sheet.note = (hidden > 0).then(|| format!("{hidden} more not shown; all with -v"));
    sheet.without_idle("lost", |cell| cell.text == "0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::width;

    #[test]
    fn groups_fit_a_terminal_whatever_happened() {
        let big = Estimate::point(123_456.7);
        let mut group = Group { consumed: 1_234_567, duplicates: 98_765, skipped: 12_345, ..Group::default() };
        (group.mean_lag, group.max_lag, group.lag_at_end, group.rebalances) = (big, 987_654, 123_456, 44);
        (group.delay_ms.p50, group.delay_ms.p99) = (big, big);
        let topic = Topic { groups: BTreeMap::from([("loyalty-points".to_owned(), group)]), ..Topic::default() };
        let sheet = groups(&BTreeMap::from([("order-created".to_owned(), topic)]), 10, 3);
        let note = sheet.note.as_deref().unwrap();
        assert_eq!(note, "counts: sums over 3 runs; lag: their means; most: in one run");
        assert!(sheet.lines(80, false).iter().all(|line| width(line) <= 80), "{:#?}", sheet.lines(80, false));
        let row = &sheet.lines(80, false)[2];
        assert!(row.starts_with("order-cre") && row.contains("y-points "), "{row}: topic and group can be told");
    }
}
