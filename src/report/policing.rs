//! What policies did: a row for each edge that has one.

use std::collections::BTreeMap;

use super::content::{left_out, worst_first};
use super::number::{count, percent, plain};
use super::sheet::{Cell, Sheet, Tone};
use crate::experiment::summary::{Policing, Stats};

/// Edges with policies; a column that says nothing of any is left out.
pub fn sheet(edges: &BTreeMap<String, Stats>, shown: usize) -> Sheet {
    let columns = [
        ("policies", 9),
        ("tries each", 6),
        ("retries", 8),
        ("hedges", 5),
        ("no budget", 4),
        ("limited", 7),
        ("ejected", 3),
        ("trips", 3),
        ("open", 7),
        ("half-open", 2),
    ];
    let mut sheet = Sheet::new(&columns);
    let guarded: Vec<_> =
        edges.iter().filter_map(|(name, stats)| Some((name, stats, stats.policing.as_ref()?))).collect();
    sheet.note = left_out(guarded.len(), shown);
    let wrong = |one: &(&String, &Stats, &Policing)| {
        let (stats, told) = (one.1, one.2);
        let refused = told.budget_refused + told.limited + told.ejections + told.breaker.map_or(0, |one| one.opened);
        [refused as f64, stats.attempts_per_request.value.unwrap_or(0.0)]
    };
    for (name, stats, policing) in worst_first(guarded, wrong).into_iter().take(shown) {
        sheet.push(name, cells(stats, policing));
    }
    let idle = |cell: &Cell| cell.text == "0" || cell.text == "–";
    let columns = ["retries", "hedges", "no budget", "limited", "ejected", "trips", "open", "half-open"];
    columns.into_iter().fold(sheet, |sheet, column| sheet.without_idle(column, idle))
}

fn cells(stats: &Stats, policing: &Policing) -> [Cell; 9] {
    let odd = |n: u64| Cell::toned(count(n), if n > 0 { Tone::Odd } else { Tone::Plain });
    let share = |of: Option<crate::experiment::summary::Estimate>| {
        let shown = |share: f64| if share == 0.0 { "0".into() } else { percent(share) };
        of.map_or_else(|| "–".into(), |share| Cell::figure(share, shown))
    };
    let breaker = policing.breaker;
    [
        Cell::figure(stats.attempts_per_request, plain),
        count(policing.retries).into(),
        count(policing.hedges).into(),
        odd(policing.budget_refused),
        odd(policing.limited),
        odd(policing.ejections),
        odd(breaker.map_or(0, |breaker| breaker.opened)),
        share(breaker.map(|breaker| breaker.open_share)),
        share(breaker.map(|breaker| breaker.half_open_share)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::summary::BreakerFigures;

    #[test]
    fn edges_without_policies_and_columns_without_figures_are_left_out() {
        let policing = |retries| Policing { retries, ..Policing::default() };
        let guarded = |retries| Stats { arrived: 100, policing: Some(policing(retries)), ..Stats::default() };
        let mut edges: BTreeMap<String, Stats> = BTreeMap::new();
        assert!(sheet(&edges, 9).rows.is_empty());
        edges.insert("a -> b".into(), guarded(7));
        edges.insert("a -> c".into(), Stats::default());
        let told = sheet(&edges, 9);
        assert_eq!(told.columns.iter().map(|c| &*c.head).collect::<Vec<_>>(), ["policies", "tries each", "retries"]);
        assert_eq!(told.rows[0].iter().map(|c| c.text.as_str()).collect::<Vec<_>>(), ["a -> b", "–", "7"]);
        let breaker = BreakerFigures { opened: 2, ..BreakerFigures::default() };
        edges.get_mut("a -> b").unwrap().policing.as_mut().unwrap().breaker = Some(breaker);
        assert!(sheet(&edges, 9).columns.iter().any(|c| c.head == "trips"));
    }
}
