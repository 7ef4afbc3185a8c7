//! The table of all runs of a sweep: its columns, and as lines of CSV.

use crate::experiment::sweep::{Manifest, Row};
use crate::machine::replication_seed;
use crate::report::csv::quote;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Count,
    Number,
    Text,
    Truth,
}

/// What stands in a column of one run; `None` where the run has no such figure.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Datum {
    Count(u64),
    Number(Option<f64>),
    /// A number with its unit, as it stands in the file.
    Swept(f64, String),
    Text(Option<String>),
    Truth(Option<bool>),
}

/// The columns: which run it is, what was swept, its figures.
pub(super) fn columns(manifest: &Manifest) -> Vec<(String, Kind)> {
    let mut all: Vec<(String, Kind)> = ["run", "replication", "seed"].map(|name| (name.to_owned(), Kind::Count)).into();
    all.extend(manifest.parameters.iter().map(|parameter| {
        (parameter.path.clone(), if parameter.numbers.is_empty() { Kind::Text } else { Kind::Number })
    }));
    all.extend([("events".to_owned(), Kind::Count), ("guard".to_owned(), Kind::Text)]);
    for client in &manifest.clients {
        let figures = [
            ("arrived", Kind::Count),
            ("succeeded", Kind::Count),
            ("throughput_per_s", Kind::Number),
            ("mean_ms", Kind::Number),
            ("p50_ms", Kind::Number),
            ("p99_ms", Kind::Number),
        ];
        all.extend(figures.map(|(figure, kind)| (format!("{client}.{figure}"), kind)));
    }
    all.extend(manifest.nodes.iter().map(|node| (format!("{node}.in_use"), Kind::Number)));
    for promise in &manifest.promises {
        let figures = [("measured", Kind::Number), ("kept", Kind::Truth)];
        all.extend(figures.map(|(figure, kind)| (format!("{}.{figure}", promise.name), kind)));
    }
    all
}

/// What stands in these columns.
pub(super) fn data(manifest: &Manifest, row: &Row) -> Vec<Datum> {
    let replication = manifest.replication(row.run);
    let point = manifest.point(row.run);
    let mut all = vec![Datum::Count(row.run), Datum::Count(u64::from(replication))];
    all.push(Datum::Count(replication_seed(manifest.head.seed, replication)));
    let at = manifest.points[point as usize].at.iter().zip(&manifest.parameters);
    all.extend(at.map(|(shown, parameter)| {
        let nth = parameter.values.iter().position(|value| value == shown);
        let number = nth.and_then(|nth| parameter.numbers.get(nth));
        number.map_or_else(|| Datum::Text(Some(shown.clone())), |x| Datum::Swept(*x, shown.clone()))
    }));
    all.extend([Datum::Count(row.events), Datum::Text(row.guard.clone())]);
    for one in &row.clients {
        all.extend([one.arrived, one.succeeded].map(Datum::Count));
        all.extend([Some(one.throughput_per_s), one.mean_ms, one.p50_ms, one.p99_ms].map(Datum::Number));
    }
    all.extend(row.nodes.iter().map(|used| Datum::Number(*used)));
    for (measured, kept) in &row.promises {
        all.extend([Datum::Number(*measured), Datum::Truth(*kept)]);
    }
    all
}

/// A run as a line of CSV, with its end; before the first one the heads.
pub fn run(manifest: &Manifest, row: &Row, first: bool) -> String {
    let line = |cells: Vec<String>| cells.iter().map(|cell| quote(cell)).collect::<Vec<_>>().join(",") + "\n";
    let heads = || line(columns(manifest).into_iter().map(|(head, _)| head).collect());
    let cells = data(manifest, row).into_iter().map(shown).collect();
    if first { heads() + &line(cells) } else { line(cells) }
}

fn shown(datum: Datum) -> String {
    match datum {
        Datum::Count(n) => n.to_string(),
        Datum::Number(x) => x.map(|x| x.to_string()).unwrap_or_default(),
        Datum::Swept(_, text) => text,
        Datum::Text(text) => text.unwrap_or_default(),
        Datum::Truth(is) => is.map(|is| is.to_string()).unwrap_or_default(),
    }
}
