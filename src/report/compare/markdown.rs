//! A comparison as Markdown.

use std::fmt::Write as _;

use super::content::{against, heading, notes, sheet, unmatched};
use super::{patterns, total::total};
use crate::experiment::compare::Comparison;
use crate::report::markdown::{escape, section};

/// Headings and tables; `warnings` are said before any figure.
pub fn render(comparison: &Comparison, warnings: &[String]) -> String {
    let parts = heading(comparison);
    let mut text = format!("# {}\n", escape(&parts[0]));
    for answer in std::iter::once(total(comparison)).chain(comparison.patterns.as_ref().and_then(patterns::summed)) {
        let _ = writeln!(text, "\n**{}**", escape(&answer));
    }
    let _ = writeln!(text, "\n{}", escape(&parts[1..].join(" · ")));
    for warning in warnings {
        let _ = writeln!(text, "\n> **Warning**: {}", escape(warning));
    }
    for note in notes(comparison) {
        let _ = writeln!(text, "\n{}", escape(&note));
    }
    for versus in &comparison.others {
        for (what, name, figures) in versus.all() {
            section(&mut text, &escape(&against(comparison, versus, what, name)), &sheet(figures));
        }
        if let Some(line) = unmatched(versus) {
            let _ = writeln!(text, "\n{}", escape(&line));
        }
    }
    if let Some(found) = &comparison.patterns {
        patterns::sheets(found).iter().for_each(|(title, sheet)| section(&mut text, &escape(title), sheet));
        for line in patterns::lines(found) {
            let _ = writeln!(text, "\n{}", escape(&line));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::sample;

    #[test]
    fn each_client_has_a_table_of_five_figures() {
        let text = render(&sample::comparison(), &[]);
        assert!(text.starts_with("# chain: 2 others against as written\n"), "{text}");
        assert_eq!(text.matches("\n## ").count(), 4, "{text}");
        assert_eq!(text.matches("\n| p99 |").count(), 4, "{text}");
        assert!(text.lines().nth(2).unwrap().starts_with("**total: "), "{text}");
    }
}
