//! A comparison on a terminal.

use super::content::{against, heading, notes, sheet, unmatched};
use super::{patterns, total::total};
use crate::experiment::compare::Comparison;
use crate::report::sheet::Tone;
use crate::report::table::Style;
use crate::report::text::{clean, cut, joined, wrapped};

/// The table; `warnings` are said before any figure.
pub fn render(comparison: &Comparison, warnings: &[String], style: Style) -> String {
    let mut lines: Vec<String> = Vec::new();
    let parts = heading(comparison);
    lines.extend(wrapped(&parts[0], style.prose()).into_iter().map(|line| Tone::Strong.paint(&line, style.color)));
    lines.extend(joined(&parts[1..], style.prose()).into_iter().map(|line| Tone::Faint.paint(&line, style.color)));
    let mut sentence = |mark: &str, text: &str, tone: Tone| {
        for (i, line) in wrapped(&clean(text), style.prose() - 2).iter().enumerate() {
            let mark = if i == 0 { mark } else { "  " };
            lines.push(tone.paint(&format!("{mark}{line}"), style.color));
        }
    };
    warnings.iter().for_each(|text| sentence("! ", text, Tone::Bad));
    notes(comparison).iter().for_each(|text| sentence("· ", text, Tone::Odd));
    for versus in &comparison.others {
        for (what, name, figures) in versus.all() {
            let title = cut(&against(comparison, versus, what, name), style.width);
            lines.extend([String::new(), Tone::Strong.paint(&title, style.color)]);
            lines.extend(sheet(figures).lines(style.width, style.color));
        }
        lines.extend(unmatched(versus).map(|text| Tone::Odd.paint(&cut(&text, style.width), style.color)));
    }
    if let Some(found) = &comparison.patterns {
        for (title, sheet) in patterns::sheets(found) {
            lines.extend([String::new(), Tone::Strong.paint(&cut(&title, style.width), style.color)]);
            lines.extend(sheet.lines(style.width, style.color));
        }
        lines.push(String::new());
        for line in patterns::lines(found).iter().flat_map(|line| wrapped(line, style.prose())) {
            lines.push(Tone::Faint.paint(&line, style.color));
        }
        let summed = patterns::summed(found).unwrap_or_default();
        lines.push(String::new());
        lines.extend(wrapped(&summed, style.prose()).into_iter().map(|line| Tone::Strong.paint(&line, style.color)));
    }
    lines.push(String::new());
    lines.extend(
        wrapped(&total(comparison), style.prose()).into_iter().map(|line| Tone::Strong.paint(&line, style.color)),
    );
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
