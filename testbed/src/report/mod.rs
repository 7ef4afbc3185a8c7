//! A comparison as text, Markdown or JSON. The answer comes first.

use std::fmt::Write as _;

use crate::compare::{ClientRow, Comparison, Figures, NAMES};

/// A table: its head, and its rows.
struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|word| (*word).to_owned()).collect(), rows: Vec::new() }
    }

    /// In columns: the first to the left, figures to the right.
    fn text(&self) -> String {
        let width = |at: usize| {
            let all = std::iter::once(&self.head).chain(&self.rows);
            all.filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let line = |row: &Vec<String>| {
            let cells = row.iter().enumerate().map(|(at, cell)| {
                if at == 0 { format!("{cell:<0$}", width(at)) } else { format!("{cell:>0$}", width(at)) }
            });
            format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
        };
        std::iter::once(&self.head).chain(&self.rows).map(line).collect()
    }

    fn markdown(&self) -> String {
        let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
        let rule = format!("|{}\n", "---|".repeat(self.head.len()));
        line(&self.head) + &rule + &self.rows.iter().map(line).collect::<String>()
    }
}

/// The answer in a sentence.
pub(crate) fn sentence(all: &Comparison) -> String {
    let worst = all.clients.iter().min_by(|one, other| least(one).total_cmp(&least(other)));
    let Some(row) = worst else { return "no client sent anything".into() };
    let [success, _, p50, _, p99] = row.accuracy.map(|share| share * 100.0);
    let trust = if all.quality.trusted { "" } else { " The machine was not quiet enough to trust this run." };
    let together = if all.clients.len() > 1 { " of all clients the worst" } else { "" };
    let (was, is) = (&row.predicted, &row.measured);
    format!(
        "{}{together}: p50 {} predicted, {} measured ({p50:.1} %), p99 {} and {} ({p99:.1} %), success {} and {} \
         ({success:.1} %).{trust}",
        row.name,
        ms(was.p50_ms),
        ms(is.p50_ms),
        ms(was.p99_ms),
        ms(is.p99_ms),
        percent(was.success),
        percent(is.success),
    )
}

fn least(row: &ClientRow) -> f64 {
    row.accuracy[0].min(row.accuracy[2]).min(row.accuracy[4])
}

/// Three digits and a unit.
fn ms(value: f64) -> String {
    match value {
        value if value >= 1000.0 => format!("{:.2} s", value / 1e3),
        value if value >= 100.0 => format!("{value:.0} ms"),
        value if value >= 10.0 => format!("{value:.1} ms"),
        value => format!("{value:.2} ms"),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn clients(all: &Comparison) -> Table {
    let mut table = Table::new(&["client", "", "requests", "success", "mean", "p50", "p90", "p99"]);
    let told = |what: &str, name: &str, figures: &Figures| {
        let [success, rest @ ..] = figures.values();
        let head = [name.to_owned(), what.to_owned(), figures.count.to_string(), percent(success)];
        head.into_iter().chain(rest.map(ms)).collect::<Vec<_>>()
    };
    for row in &all.clients {
        table.rows.push(told("predicted", &row.name, &row.predicted));
        table.rows.push(told("measured", "", &row.measured));
        let near = [String::new(), "accuracy".into(), String::new()];
        table.rows.push(near.into_iter().chain(row.accuracy.map(percent)).collect());
        if let Some(ranges) = &row.one_run {
            let inside = |at: usize| {
                let value = row.measured.values()[at];
                if (ranges[at][0]..=ranges[at][1]).contains(&value) { "inside" } else { "outside" }
            };
            let head = [String::new(), "one run's range".into(), String::new()];
            table.rows.push(head.into_iter().chain((0..NAMES.len()).map(|at| inside(at).to_owned())).collect());
        }
    }
    table
}

fn pairs(all: &Comparison) -> Table {
    let mut table =
        Table::new(&["request by request", "pairs", "same end", "difference 5 %", "half", "95 %"]);
    for row in &all.clients {
        let Some(paired) = row.paired else { continue };
        let differences = paired.difference_ms.map(|value| format!("{value:+.2} ms"));
        let head = [row.name.clone(), paired.pairs.to_string(), percent(paired.same_end)];
        table.rows.push(head.into_iter().chain(differences).collect());
    }
    table
}

fn nodes(all: &Comparison) -> Table {
    let mut table = Table::new(&["node", "arrivals", "", "workers held", "", "in line", ""]);
    for row in &all.nodes {
        let figures = row.busy.iter().chain(&row.queued).map(|value| format!("{value:.2}"));
        let arrivals = row.arrivals.map(|count| count.to_string());
        table.rows.push(std::iter::once(row.name.clone()).chain(arrivals).chain(figures).collect());
    }
    table
}

fn faults(all: &Comparison) -> Table {
    let mut table = Table::new(&["fault", "client", "success meanwhile", "", "recovered after", ""]);
    for row in &all.faults {
        let success = row.success.map(percent);
        let after = row.recovery_s.map(|s| s.map_or_else(|| "never".to_owned(), |s| format!("{s:.2} s")));
        table.rows.push([row.name.clone(), row.client.clone()].into_iter().chain(success).chain(after).collect());
    }
    table
}

/// How good the run was, and what is a stand-in.
fn remarks(all: &Comparison) -> Vec<String> {
    let quality = &all.quality;
    let draws = if all.shared_seed.is_some() { "draws shared with the prediction" } else { "draws of its own" };
    let run = format!(
        "{:.0} s measured, {draws}; machine {} busy, {} stolen, requests {} late (99 %)",
        all.duration_s,
        percent(quality.busy),
        percent(quality.steal),
        ms(quality.late_p99_ms)
    );
    std::iter::once(run).chain(all.notes.iter().cloned()).collect()
}

/// For a terminal.
pub(crate) fn text(all: &Comparison) -> String {
    let mut out = format!("{}: {}\n", all.scenario, sentence(all));
    for table in [clients(all), pairs(all), nodes(all), faults(all)] {
        if !table.rows.is_empty() {
            _ = write!(out, "\n{}", table.text());
        }
    }
    out.push('\n');
    remarks(all).iter().for_each(|remark| _ = writeln!(out, "  {remark}"));
    out
}

/// As Markdown.
pub(crate) fn markdown(all: &Comparison) -> String {
    let mut out = format!("## {}\n\n{}\n", all.scenario, sentence(all));
    for table in [clients(all), pairs(all), nodes(all), faults(all)] {
        if !table.rows.is_empty() {
            _ = write!(out, "\n{}", table.markdown());
        }
    }
    out.push('\n');
    remarks(all).iter().for_each(|remark| _ = writeln!(out, "- {remark}"));
    out
}

/// As JSON.
pub(crate) fn json(all: &Comparison) -> String {
    serde_json::to_string_pretty(all).unwrap_or_default() + "\n"
}
