//! A comparison as a page: the answer first, how good the run was, tables. The house makes text, Markdown and HTML of it.

use hoptax::report::page::Page;
use hoptax::report::sheet::{Cell, Sheet, Tone};

use crate::compare::{ClientRow, Comparison, Figures, NAMES};

/// An accuracy that is near enough, as a share.
pub(crate) const NEAR: f64 = 0.97;

/// Where nothing is known.
const NONE: &str = "–";

/// The whole of it.
pub(crate) fn page(all: &Comparison) -> Page {
    let quality = &all.quality;
    let draws = if all.shared_seed.is_some() { "draws shared with the prediction" } else { "draws of its own" };
    let heading = vec![
        format!("{} as processes on this machine", all.scenario),
        format!("{:.0} s measured", all.duration_s),
        draws.to_owned(),
        format!("machine {} busy, {} stolen", percent(quality.busy), percent(quality.steal)),
        format!("99 % of the requests set out within {} of their time", ms(quality.late_p99_ms)),
    ];
    let distrust =
        "the machine was not quiet enough: figures of some ms are those of whatever else ran on it".to_owned();
    let tables = [
        ("Clients: predicted, and measured", clients(all)),
        ("Request by request: measured less predicted", pairs(all)),
        ("Nodes: predicted, measured", nodes(all)),
        ("Faults: predicted, measured", faults(all)),
    ];
    Page {
        answer: sentence(all),
        heading,
        warnings: if quality.trusted { Vec::new() } else { vec![distrust] },
        tables: tables.into_iter().map(|(title, sheet)| (title.to_owned(), sheet)).collect(),
        notes: all.notes.clone(),
        figures: Vec::new(),
    }
}

/// The answer in a sentence.
fn sentence(all: &Comparison) -> String {
    let worst = all.clients.iter().min_by(|one, other| one.least().total_cmp(&other.least()));
    let Some(row) = worst else { return "no client sent anything".into() };
    if row.predicted.count == 0 && row.measured.count == 0 {
        return format!("{} sent nothing in the measured time: there is nothing to compare", row.name);
    }
    let [success, _, p50, _, p99] = row.accuracy.map(percent);
    let whose = if all.clients.len() > 1 { ", of all clients the least accurate" } else { "" };
    let (was, is) = (&row.predicted, &row.measured);
    format!(
        "{}{whose}: p50 {} predicted, {} measured ({p50}); p99 {} and {} ({p99}); success {} and {} ({success})",
        row.name,
        ms(was.p50_ms),
        ms(is.p50_ms),
        ms(was.p99_ms),
        ms(is.p99_ms),
        percent(was.success),
        percent(is.success),
    )
}

/// A time in three digits and its unit.
pub(crate) fn ms(value: f64) -> String {
    match value {
        value if value.is_nan() => NONE.to_owned(),
        value if value >= 1000.0 => format!("{:.2} s", value / 1e3),
        value if value >= 100.0 => format!("{value:.0} ms"),
        value if value >= 10.0 => format!("{value:.1} ms"),
        value => format!("{value:.2} ms"),
    }
}

/// A share with one decimal.
pub(crate) fn percent(share: f64) -> String {
    if share.is_nan() { NONE.to_owned() } else { format!("{:.1} %", share * 100.0) }
}

fn near(share: f64) -> Cell {
    Cell::toned(percent(share), if share >= NEAR { Tone::Good } else { Tone::Odd })
}

fn clients(all: &Comparison) -> Sheet {
    let head = [("client", 9), ("requests", 3), ("success", 9), ("mean", 5), ("p50", 9), ("p90", 4), ("p99", 9)];
    let mut sheet = Sheet::new(&head);
    for row in &all.clients {
        sheet.push(&format!("{}, predicted", row.name), told(&row.predicted));
        sheet.push("measured", told(&row.measured));
        sheet.push("accuracy", std::iter::once(Cell::default()).chain(row.accuracy.map(near)));
        if let Some(ranges) = &row.one_run {
            let values = row.measured.values();
            let inside = |at: usize| {
                let is = (ranges[at][0]..=ranges[at][1]).contains(&values[at]);
                if is { Cell::toned("inside", Tone::Good) } else { Cell::toned("outside", Tone::Odd) }
            };
            sheet.push("range of one run", std::iter::once(Cell::default()).chain((0..NAMES.len()).map(inside)));
        }
    }
    sheet
}

/// A client's figures in the order of the columns.
fn told(figures: &Figures) -> Vec<Cell> {
    let [success, rest @ ..] = figures.values();
    let head = [figures.count.to_string(), percent(success)];
    head.into_iter().chain(rest.map(ms)).map(Cell::from).collect()
}

fn pairs(all: &Comparison) -> Sheet {
    let mut sheet = Sheet::new(&[("client", 9), ("pairs", 5), ("same end", 9), ("5 %", 4), ("half", 8), ("95 %", 4)]);
    let row = |row: &ClientRow| Some((row.name.clone(), row.paired?));
    for (name, paired) in all.clients.iter().filter_map(row) {
        let told = |value: f64| if value.is_nan() { NONE.to_owned() } else { format!("{value:+.2} ms") };
        let differences = paired.difference_ms.map(told);
        let cells = [paired.pairs.to_string(), percent(paired.same_end)].into_iter().chain(differences);
        sheet.push(&name, cells.map(Cell::from));
    }
    sheet
}

fn nodes(all: &Comparison) -> Sheet {
    let head =
        [("node", 9), ("arrivals", 5), ("measured", 5), ("held", 8), ("measured", 8), ("in line", 6), ("measured", 6)];
    let mut sheet = Sheet::new(&head);
    for row in &all.nodes {
        let arrivals = row.arrivals.map(|count| count.to_string());
        let levels = row.busy.into_iter().chain(row.queued).map(|value| format!("{value:.2}"));
        sheet.push(&row.name, arrivals.into_iter().chain(levels).map(Cell::from));
    }
    sheet.note = Some("held: workers held on average".into());
    sheet
}

fn faults(all: &Comparison) -> Sheet {
    let head =
        [("fault, client", 9), ("success meanwhile", 8), ("measured", 8), ("recovered after", 7), ("measured", 7)];
    let mut sheet = Sheet::new(&head);
    for row in &all.faults {
        let after = [0, 1].map(|at| match row.recovery_s[at] {
            _ if !row.recovery_known[at] => NONE.to_owned(),
            Some(s) => format!("{s:.2} s"),
            None => "never".to_owned(),
        });
        let cells = row.success.map(percent).into_iter().chain(after);
        sheet.push(&format!("{}, {}", row.name, row.client), cells.map(Cell::from));
    }
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison() -> Comparison {
        let figures = |p50_ms| Figures { count: 10, success: 1.0, p50_ms, ..Figures::default() };
        let row = ClientRow {
            name: "people".into(),
            predicted: figures(20.0),
            measured: figures(21.0),
            accuracy: [1.0, 1.0, 0.95, 1.0, 1.0],
            paired: None,
            one_run: None,
        };
        Comparison {
            schema_version: 1,
            scenario: "desk".into(),
            shared_seed: Some(1),
            duration_s: 30.0,
            quality: crate::harness::quality::Quality::default(),
            clients: vec![row],
            nodes: Vec::new(),
            faults: Vec::new(),
            notes: vec!["a stand-in".into()],
        }
    }

    #[test]
    fn the_answer_comes_first_and_distrust_is_told() {
        let text = page(&comparison()).table(hoptax::report::table::Style::default());
        assert!(text.starts_with("people: p50 20.0 ms predicted, 21.0 ms measured (95.0 %)"), "{text}");
        assert!(text.contains("! the machine was not quiet") && text.contains("a stand-in"), "{text}");
    }
}
