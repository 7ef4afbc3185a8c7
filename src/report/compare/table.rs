//! A comparison on a terminal.

use super::content::{against, heading, notes, sheet, unmatched};
use super::{patterns, total::total};
use crate::experiment::compare::Comparison;
use crate::report::sheet::Tone;
use crate::report::table::Style;
use crate::report::text::{clean, joined, wrapped};

/// The table, the answer first; `warnings` are said before any table.
pub fn render(comparison: &Comparison, warnings: &[String], style: Style) -> String {
    let mut lines: Vec<String> = Vec::new();
    for answer in std::iter::once(total(comparison)).chain(comparison.patterns.as_ref().and_then(patterns::summed)) {
        lines.extend(wrapped(&answer, style.prose()).into_iter().map(|line| Tone::Strong.paint(&line, style.color)));
    }
    let parts = heading(comparison);
    lines.extend(wrapped(&parts[0], style.prose()).into_iter().map(|line| Tone::Faint.paint(&line, style.color)));
    lines.extend(joined(&parts[1..], style.prose()).into_iter().map(|line| Tone::Faint.paint(&line, style.color)));
    let mut sentence = |mark: &str, text: &str, tone: Tone| {
        for (i, line) in wrapped(&clean(text), style.prose() - 2).iter().enumerate() {
            let mark = if i == 0 { mark } else { "  " };
            lines.push(tone.paint(&format!("{mark}{line}"), style.color));
        }
    };
    warnings.iter().for_each(|text| sentence("! ", text, Tone::Bad));
    notes(comparison).iter().for_each(|text| sentence("· ", text, Tone::Odd));
    let titled = |title: &str, tone: Tone| -> Vec<String> {
        wrapped(title, style.width).into_iter().map(|line| tone.paint(&line, style.color)).collect()
    };
    for versus in &comparison.others {
        for (what, name, figures) in versus.all() {
            lines.push(String::new());
            lines.extend(titled(&against(comparison, versus, what, name), Tone::Strong));
            lines.extend(sheet(figures).lines(style.width, style.color));
        }
        lines.extend(unmatched(versus).iter().flat_map(|text| titled(text, Tone::Odd)));
    }
    if let Some(found) = &comparison.patterns {
        for (title, sheet) in patterns::sheets(found) {
            lines.push(String::new());
            lines.extend(titled(&title, Tone::Strong));
            lines.extend(sheet.lines(style.width, style.color));
        }
        lines.push(String::new());
        for line in patterns::lines(found).iter().flat_map(|line| wrapped(line, style.prose())) {
            lines.push(Tone::Faint.paint(&line, style.color));
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare::sample;
    use crate::report::table::WIDTH;
    use crate::report::text::width;

    #[test]
    fn it_fits_and_says_what_is_not_significant() {
        let mut comparison = sample::comparison();
        comparison.others[1].side.name = "支払いサービス".repeat(20);
        let text = render(&comparison, &["overloaded: d".into()], Style::default());
        assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
        for word in ["! overloaded", "difference", "the same", "no significant difference", "−10 %", "pairing: mean ×"]
        {
            assert!(text.contains(word), "{word}:\n{text}");
        }
        assert!(text.contains("a closed client"), "{text}");
    }
}
