//! The summary on a terminal: its columns, 80 where there is none; a screen for a small scenario, the bad news first.

use super::answer;
use super::content;
use super::contents::{Content, SECTIONS, Sentence};
use super::ledger;
use super::sheet::{Sheet, Tone};
use super::text::{clean, joined, wrapped};
use crate::experiment::summary::Summary;

/// Columns where nobody says how many there are, and the fewest that are written for.
pub const WIDTH: usize = 80;

/// The most that a table takes: in a longer line the eye loses its row.
pub const WIDEST: usize = 200;

/// The most that a sentence takes.
const PROSE: usize = 110;

/// How a table looks.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Colours by ANSI sequences.
    pub color: bool,
    /// Everything: edges, endpoints, all nodes.
    pub all: bool,
    /// Columns of a table, from [`WIDTH`] to [`WIDEST`].
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { color: false, all: false, width: WIDTH }
    }
}

impl Style {
    /// As it is written into a file: everything, in no colour, as wide as everywhere.
    pub fn of_file() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// For so many columns, as far as they suit a table.
    #[must_use]
    pub fn wide(self, columns: usize) -> Self {
        Self { width: columns.clamp(WIDTH, WIDEST), ..self }
    }

    /// Columns of sentences.
    pub fn prose(&self) -> usize {
        self.width.min(PROSE)
    }
}

/// Lines on their way to the terminal.
struct Page {
    style: Style,
    lines: Vec<String>,
}

/// One or several summaries; several are followed by their clients side by side.
pub fn render(summaries: &[Summary], style: Style) -> String {
    let mut page = Page { style, lines: Vec::new() };
    for summary in summaries {
        page.summary(summary, summaries.len() > 1);
    }
    if summaries.len() > 1 {
        page.sheet(&content::side_by_side(summaries));
        page.block(ledger::bars(&ledger::entries(summaries), style.width, style.color));
    }
    page.lines.join("\n") + "\n"
}

impl Page {
    fn summary(&mut self, summary: &Summary, several: bool) {
        if !self.lines.is_empty() {
            self.lines.push(String::new());
        }
        self.sentence("", &answer::paragraph(summary, several), Tone::Strong);
        self.heading(summary);
        for warning in content::warnings(summary) {
            self.sentence("! ", &warning, Tone::Bad);
        }
        let every = self.style.all;
        for section in SECTIONS.iter().filter(|section| (section.on_screen)(summary, every)) {
            match section.content {
                Content::Table(sheet) => self.sheet(&sheet(summary, every)),
                Content::Ledger => self.ledger(summary),
            }
            for Sentence { text, about } in (section.sentences)(summary, every) {
                self.sentence("  ", &text, about.tone());
            }
        }
    }

    fn ledger(&mut self, summary: &Summary) {
        let mut entries = ledger::entries(std::slice::from_ref(summary));
        entries.truncate(content::listed(entries.len(), self.style.all));
        self.block(ledger::bars(&entries, self.style.width, self.style.color));
        entries.truncate(if self.style.all { entries.len() } else { 0 });
        for entry in &entries {
            for (title, sheet) in ledger::sheets(entry, summary.clients.get(entry.client)) {
                let title = wrapped(&title, self.style.width).into_iter();
                self.block(title.map(|line| Tone::Strong.paint(&line, self.style.color)).collect());
                self.lines.extend(sheet.lines(self.style.width, self.style.color));
            }
        }
    }

    fn heading(&mut self, summary: &Summary) {
        let (title, below) = (content::heading(summary), content::conditions(summary));
        let title =
            joined(&title, self.style.prose()).into_iter().map(|line| Tone::Faint.paint(&line, self.style.color));
        self.lines.extend(title);
        let below =
            joined(&below, self.style.prose()).into_iter().map(|line| Tone::Faint.paint(&line, self.style.color));
        self.lines.extend(below);
    }

    fn sentence(&mut self, mark: &str, text: &str, tone: Tone) {
        for (i, line) in wrapped(&clean(text), self.style.prose() - mark.len()).iter().enumerate() {
            let mark = if i == 0 || mark.is_empty() { mark } else { "  " };
            self.lines.push(tone.paint(&format!("{mark}{line}"), self.style.color));
        }
    }

    fn sheet(&mut self, sheet: &Sheet) {
        if !sheet.rows.is_empty() {
            self.block(sheet.lines(self.style.width, self.style.color));
        }
    }

    fn block(&mut self, lines: Vec<String>) {
        if !lines.is_empty() {
            self.lines.push(String::new());
            self.lines.extend(lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::report::text::width;

    #[test]
    fn a_small_scenario_fits_a_screen() {
        let mut summary = sample::summary();
        summary.slos.truncate(1);
        let text = render(&[summary], Style::default());
        assert!(text.lines().count() <= 36, "{text}");
        for head in ["count", "success", "p50", "p90", "p99", "p99.9", "mean", "used", "busy", "working"] {
            assert!(text.contains(head), "{head} is missing:\n{text}");
        }
        assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
        for word in ["seed 1", "hoptax 0.1.0", "9f3ac2d1", "10 × 60 s", "95 % intervals", "simulated, not measured"] {
            assert!(text.contains(word), "{word} is missing:\n{text}");
        }
    }

    #[test]
    fn no_name_breaks_the_width() {
        let mut summary = sample::summary();
        let node = sample::node(0.999_99, 1_000_000);
        for name in ["x".repeat(300), "支払いサービス".repeat(20), "a\nb\u{1b}[2Jc\td".repeat(30)] {
            summary.nodes.insert(name.clone(), node.clone());
            let stats = summary.clients["function calls"].clone();
            summary.edges.insert(format!("{name} -> {name}"), stats.clone());
            summary.clients.insert(name.clone(), stats);
            summary.slos[0].of.clone_from(&name);
            summary.run.overloaded.push(format!("{name}: 3 × what it can do"));
            summary.scenario.name = name;
        }
        let text = render(&[summary.clone(), summary], Style::of_file());
        assert!(!text.contains(['\u{1b}', '\t']));
        for line in text.lines() {
            assert!(width(line) <= WIDTH, "{} columns: {line}", width(line));
        }
    }

    #[test]
    fn warnings_come_before_figures() {
        let mut summary = sample::summary();
        summary.run.overloaded = vec!["d: 1.3 × what it can do".into()];
        let text = render(&[summary], Style::default());
        let at = |word: &str| text.find(word).unwrap();
        assert!(at("promises kept") < at("overloaded") && at("overloaded") < at("promise  "), "{text}");
        assert!(at("promise  ") < at("client  "), "{text}");
    }

    #[test]
    fn several_are_shown_side_by_side() {
        let mut other = sample::summary();
        other.scenario.variant = Some("grpc".into());
        let text = render(&[sample::summary(), other], Style::default());
        assert!(text.contains("as written · function calls") && text.contains("grpc · network calls"), "{text}");
    }
}
