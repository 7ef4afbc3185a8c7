//! Markdown: the content of the terminal's tables, for a pull request or a wiki.

use std::fmt::Write as _;

use super::content;
use super::layers;
use super::ledger;
use super::scaling;
use super::sheet::Sheet;
use super::streams;
use super::text::clean;
use super::trouble;
use super::{caches, policing};
use crate::experiment::summary::Summary;

/// One or several summaries, each under its heading.
pub fn render(summaries: &[Summary]) -> String {
    let mut text = String::new();
    for summary in summaries {
        one(&mut text, summary);
    }
    if summaries.len() > 1 {
        section(&mut text, "Side by side", &content::side_by_side(summaries));
    }
    text
}

fn one(text: &mut String, summary: &Summary) {
    let gap = if text.is_empty() { "" } else { "\n" };
    let title = summary.scenario.variant.as_ref().map_or_else(
        || summary.scenario.name.clone(),
        |variant| format!("{}, variant {variant}", summary.scenario.name),
    );
    let facts: Vec<String> =
        content::heading(summary).into_iter().skip(1).chain(content::conditions(summary)).collect();
    let _ = writeln!(text, "{gap}# {}\n\n{}", escape(&clean(&title)), escape(&facts.join(" · ")));
    for warning in content::warnings(summary) {
        let _ = writeln!(text, "\n> **Warning**: {}", escape(&warning));
    }
    section(text, "Promises", &content::slos(&summary.slos));
    section(text, "Clients", &content::stats("client", &summary.clients, usize::MAX));
    for failure in content::failures(&summary.clients) {
        let _ = writeln!(text, "\n{}", escape(&failure));
    }
    for line in content::duplicates(&summary.clients) {
        let _ = writeln!(text, "\n{}", escape(&line));
    }
    section(text, "Faults", &trouble::faults(&summary.faults));
    section(text, "Who failed first", &trouble::failing(&summary.failing, usize::MAX));
    section(text, "Flows", &content::stats("flow", &summary.flows, usize::MAX));
    for failure in &content::failures(&summary.flows) {
        let _ = writeln!(text, "\n{}", escape(failure));
    }
    for entry in ledger::entries(std::slice::from_ref(summary)) {
        for (title, sheet) in ledger::sheets(&entry, summary.clients.get(entry.client)) {
            section(text, &escape(&capital(&title)), &sheet);
        }
    }
    section(text, "Queues", &content::queues(&summary.queues, usize::MAX));
    section(text, "Topics", &streams::topics(&summary.topics, usize::MAX));
    section(text, "Groups", &streams::groups(&summary.topics, usize::MAX));
    section(text, "Caches", &caches::sheet(&summary.nodes, usize::MAX));
    section(text, "Policies", &policing::sheet(&summary.edges, usize::MAX));
    section(text, "Layers", &layers::sheet(summary, true));
    section(text, "Nodes", &content::nodes(&summary.nodes, true));
    section(text, "Autoscaling", &scaling::sheet(&summary.nodes, usize::MAX));
    section(text, "Endpoints", &content::stats("endpoint", &summary.endpoints, usize::MAX));
    section(text, "Edges", &content::stats("edge", &summary.edges, usize::MAX));
}

pub(super) fn section(text: &mut String, title: &str, sheet: &Sheet) {
    if sheet.rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## {title}\n");
    row(text, sheet.columns.iter().map(|column| column.head.to_owned()));
    row(text, (0..sheet.columns.len()).map(|at| if at == 0 { ":---".to_owned() } else { "---:".to_owned() }));
    for cells in &sheet.rows {
        row(text, cells.iter().map(|cell| escape(&cell.text)));
    }
    if let Some(note) = &sheet.note {
        let _ = writeln!(text, "\n{}", escape(note));
    }
}

/// The text with a capital letter, as titles have one.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn row(text: &mut String, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.collect();
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// Keeps what a name contains from being read as markup.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' => safe.extend(['\\', c]),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_name_stays_in_its_cell() {
        let mut summary = sample::summary();
        summary.nodes.insert("a|b\n<c>".into(), sample::node(0.5, 1));
        let text = render(&[summary]);
        assert!(text.contains("\n| a\\|b�&lt;c&gt; | 50.0 % |"), "{text}");
    }

    #[test]
    fn tables_are_aligned_and_whole() {
        let text = render(&[sample::summary()]);
        assert!(text.starts_with("# chain\n\n9f3ac2d1 · hoptax 0.1.0 · simulated, not measured · seed 1"), "{text}");
        for title in ["## Promises", "## Clients", "## Nodes", "## Edges"] {
            assert!(text.contains(title), "{title}");
        }
        let bars = |line: &str| line.matches('|').count();
        let rows: Vec<&str> = text.lines().skip_while(|l| *l != "## Clients").skip(2).take(4).collect();
        assert!(rows.iter().all(|row| bars(row) == 11), "{rows:#?}");
    }
}
