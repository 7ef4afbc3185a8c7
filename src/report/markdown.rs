//! Markdown: the content of the terminal's tables, for a pull request or a wiki.

use std::fmt::Write as _;

use super::content;
use super::layers;
use super::ledger;
use super::scaling;
use super::sheet::Sheet;
use super::single;
use super::streams;
use super::text::clean;
use super::trouble;
use super::{caches, policing};
use crate::experiment::summary::Summary;

/// One summary: what matters first, the rest folded. Several side by side, and each of them folded.
pub fn render(summaries: &[Summary]) -> String {
    let mut text = String::new();
    if let [only] = summaries {
        one(&mut text, only);
        return text;
    }
    let name = summaries.first().map_or("", |first| first.scenario.name.as_str());
    let _ = writeln!(text, "# {}", escape(name));
    section(&mut text, "Side by side", &content::side_by_side(summaries));
    for summary in summaries {
        fold(&mut text, &content::variant(summary), |text| one(text, summary));
    }
    text
}

/// A part that is there for whoever opens it; nothing where there is nothing in it.
fn fold(text: &mut String, title: &str, part: impl FnOnce(&mut String)) {
    let mut inner = String::new();
    part(&mut inner);
    if !inner.is_empty() {
        let inner = inner.trim_matches('\n');
        let _ = writeln!(text, "\n<details><summary>{}</summary>\n\n{inner}\n\n</details>", escape(title));
    }
}

fn one(text: &mut String, summary: &Summary) {
    let title = summary.scenario.variant.as_ref().map_or_else(
        || summary.scenario.name.clone(),
        |variant| format!("{}, variant {variant}", summary.scenario.name),
    );
    let facts: Vec<String> =
        content::heading(summary).into_iter().skip(1).chain(content::conditions(summary)).collect();
    let _ = writeln!(text, "# {}\n\n{}", escape(&title), escape(&facts.join(" · ")));
    for warning in content::warnings(summary) {
        let _ = writeln!(text, "\n> **Warning**: {}", escape(&warning));
    }
    section(text, "Promises", &content::slos(&summary.slos));
    let shown = content::listed(summary.clients.len(), false);
    section(text, "Clients", &content::stats("client", &summary.clients, shown));
    let runs = summary.run.replications;
    let failures = content::failures(&summary.clients, runs);
    let answered = content::answered(&summary.clients, shown);
    for line in failures
        .into_iter()
        .chain(answered)
        .chain(content::duplicates(&summary.clients))
        .chain(content::not_done(summary))
    {
        let _ = writeln!(text, "\n{}", escape(&line));
    }
    for line in single::ranges(&summary.clients, summary.run.confidence).iter().chain(&single::longer(&summary.clients))
    {
        let _ = writeln!(text, "\n{}", escape(line));
    }
    section(text, "Faults", &trouble::faults(&summary.faults));
    section(text, "Flows", &content::stats("flow", &summary.flows, content::listed(summary.flows.len(), false)));
    for failure in &content::failures(&summary.flows, runs) {
        let _ = writeln!(text, "\n{}", escape(failure));
    }
    section(text, "Nodes", &content::nodes(&summary.nodes, false));
    folded(text, summary);
}

/// What is looked at when something above is odd.
fn folded(text: &mut String, summary: &Summary) {
    fold(text, "Where the time went", |text| {
        for entry in ledger::entries(std::slice::from_ref(summary)) {
            for (title, sheet) in ledger::sheets(&entry, summary.clients.get(entry.client)) {
                section(text, &escape(&capital(&title)), &sheet);
            }
        }
    });
    fold(text, "Queues, topics and caches", |text| {
        section(text, "Queues", &content::queues(&summary.queues, usize::MAX, summary.run.replications));
        section(text, "Topics", &streams::topics(&summary.topics, usize::MAX));
        section(text, "Groups", &streams::groups(&summary.topics, usize::MAX, summary.run.replications));
        section(text, "Caches", &caches::sheet(&summary.nodes, usize::MAX));
    });
    fold(text, "Policies, layers and who failed first", |text| {
        section(text, "Who failed first", &trouble::failing(&summary.failing, usize::MAX));
        section(text, "Policies", &policing::sheet(&summary.edges, usize::MAX));
        section(text, "Layers", &layers::sheet(summary, true));
        section(text, "Autoscaling", &scaling::sheet(&summary.nodes, usize::MAX));
    });
    fold(text, "Every client, flow, node, endpoint and edge", |text| {
        let all = |n: usize| content::listed(n, false) < n;
        if all(summary.clients.len()) {
            section(text, "Clients", &content::stats("client", &summary.clients, usize::MAX));
        }
        if all(summary.flows.len()) {
            section(text, "Flows", &content::stats("flow", &summary.flows, usize::MAX));
        }
        if all(summary.nodes.len()) {
            section(text, "Nodes", &content::nodes(&summary.nodes, true));
        }
        section(text, "Endpoints", &content::stats("endpoint", &summary.endpoints, usize::MAX));
        section(text, "Edges", &content::stats("edge", &summary.edges, usize::MAX));
    });
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

/// Keeps what a name contains from being read as markup, or from moving a cursor.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in clean(text).chars() {
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
    fn the_rest_is_folded() {
        let text = render(&[sample::summary()]);
        let (seen, folded) = text.split_once("<details>").unwrap();
        assert!(seen.lines().count() <= 40, "{seen}");
        assert!(seen.contains("## Nodes") && folded.contains("## Edges"), "{text}");
        assert_eq!(text.matches("<details>").count(), text.matches("\n</details>\n").count());
        let mut other = sample::summary();
        other.scenario.variant = Some("grpc".into());
        let several = render(&[sample::summary(), other]);
        assert!(several.starts_with("# chain\n\n## Side by side\n"), "{several}");
        assert!(several.contains("<summary>grpc</summary>"), "{several}");
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
        assert!(rows.iter().all(|row| bars(row) == 9), "{rows:#?}");
    }
}
