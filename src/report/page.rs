//! What a study says before it has a shape: a sentence first, how it was run, tables, what a reader must know. The same page
//! becomes text for a terminal and Markdown.

use std::fmt::Write as _;

use super::csv::quote;
use super::markdown::{escape, section};
use super::number::{plain, seconds};
use super::sheet::{Sheet, Tone};
use super::table::Style;
use super::text::{clean, joined, wrapped};
use crate::experiment::brief::Brief;
use crate::experiment::study::Head;
use crate::experiment::summary::{Estimate, ScenarioRef, Tool};

/// A page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The answer in a sentence.
    pub answer: String,
    /// What was studied and how it was run, in parts.
    pub heading: Vec<String>,
    /// What is wrong, or known in part only.
    pub warnings: Vec<String>,
    /// Tables with their titles.
    pub tables: Vec<(String, Sheet)>,
    /// What stands below: what words mean, what was left out.
    pub notes: Vec<String>,
    /// Every figure on its own: for CSV.
    pub figures: Vec<Figure>,
}

/// A figure on its own.
#[derive(Clone, Debug, Default)]
pub struct Figure {
    /// Which table of the JSON it stands in.
    pub section: &'static str,
    /// Of what.
    pub name: String,
    /// Which figure.
    pub metric: String,
    /// Its unit.
    pub unit: &'static str,
    /// The figure.
    pub value: Estimate,
    /// Samples behind it, where they are counted.
    pub count: Option<u64>,
}

/// Of what a study is, who made it, and what kind of figures these are.
pub(super) fn of_what(scenario: &ScenarioRef, tool: &Tool, note: &str) -> Vec<String> {
    let variant = scenario.variant.as_ref().map(|variant| format!(", variant {}", clean(variant)));
    vec![
        format!("{}{}", clean(&scenario.name), variant.unwrap_or_default()),
        format!("{} {}", tool.name, tool.version),
        format!("scenario {}", scenario.hash.chars().take(8).collect::<String>()),
        note.to_owned(),
    ]
}

/// How it was run.
pub(super) fn how(head: &Head) -> Vec<String> {
    vec![
        format!("seed {}", head.seed),
        format!("{} × {}", head.replications, seconds(head.duration_s)),
        format!("{} % intervals", plain(head.confidence * 100.0)),
    ]
}

/// That a file was run shorter than it says, and why.
pub(super) fn shortened(brief: Brief) -> [String; 2] {
    let Brief { replications: [said, run], duration_s: [long, short], events } = brief;
    let billions = plain((events / 1e9).round().max(2.0));
    [
        format!("shortened: {said} × {} were some {billions} billion events", seconds(long)),
        format!("one thing down at a time: {run} × {}, without the file's faults", seconds(short)),
    ]
}

impl Page {
    /// For a terminal.
    pub fn table(&self, style: Style) -> String {
        let mut lines: Vec<String> = Vec::new();
        let paint = |line: String, tone: Tone| tone.paint(&line, style.color);
        lines.extend(wrapped(&clean(&self.answer), style.prose()).into_iter().map(|line| paint(line, Tone::Strong)));
        lines.extend(joined(&self.heading, style.prose()).into_iter().map(|line| paint(line, Tone::Faint)));
        for warning in &self.warnings {
            for (nth, line) in wrapped(&clean(warning), style.prose() - 2).into_iter().enumerate() {
                lines.push(paint(format!("{}{line}", if nth == 0 { "! " } else { "  " }), Tone::Bad));
            }
        }
        for (title, sheet) in self.tables.iter().filter(|(_, sheet)| !sheet.rows.is_empty()) {
            lines.push(String::new());
            lines.extend(wrapped(&clean(title), style.width).into_iter().map(|line| paint(line, Tone::Strong)));
            lines.extend(sheet.lines(style.width, style.color));
        }
        if !self.notes.is_empty() {
            lines.push(String::new());
        }
        let notes = self.notes.iter().flat_map(|note| wrapped(&clean(note), style.prose()));
        lines.extend(notes.map(|line| paint(line, Tone::Faint)));
        lines.join("\n") + "\n"
    }

    /// For a wiki.
    pub fn markdown(&self) -> String {
        let mut text = format!("**{}**\n\n{}\n", escape(&self.answer), escape(&self.heading.join(" · ")));
        for warning in &self.warnings {
            let _ = writeln!(text, "\n> **Warning**: {}", escape(warning));
        }
        self.tables.iter().for_each(|(title, sheet)| section(&mut text, &escape(title), sheet));
        for note in &self.notes {
            let _ = writeln!(text, "\n{}", escape(note));
        }
        text
    }

    /// One figure a row.
    pub fn csv(&self) -> String {
        let mut text = String::from("section,name,metric,unit,value,low,high,count\n");
        let cell = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        for figure in &self.figures {
            let ends = [figure.value.value, figure.value.low, figure.value.high].map(cell);
            let [value, low, high] = &ends;
            let count = figure.count.map(|count| count.to_string()).unwrap_or_default();
            let cells = [figure.section, &figure.name, &figure.metric, figure.unit, value, low, high, &count];
            let _ = writeln!(text, "{}", cells.map(quote).join(","));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sheet::Cell;
    use crate::report::text::width;

    #[test]
    fn one_page_is_text_markdown_and_csv() {
        let mut sheet = Sheet::new(&[("what", 9), ("lost", 8)]);
        sheet.push("payments", [Cell::from("12 %")]);
        let page = Page {
            answer: "payments down for 30 s: ".to_owned() + &"shoppers lose all, ".repeat(9),
            heading: vec!["hoptax".into(), "seed 1".into()],
            warnings: vec!["known in part".into()],
            tables: vec![("matrix".into(), sheet), ("empty".into(), Sheet::new(&[("a", 1)]))],
            notes: vec!["lost: failed with, served without".into()],
            figures: vec![Figure {
                name: "a,b".into(),
                value: Estimate::point(0.5),
                count: Some(3),
                ..Figure::default()
            }],
        };
        let text = page.table(Style::default());
        assert!(text.starts_with("payments down") && text.lines().all(|line| width(line) <= 80), "{text}");
        assert!(text.contains("! known in part") && !text.contains("empty"));
        let markdown = page.markdown();
        assert!(markdown.starts_with("**payments down") && markdown.contains("| payments | 12 % |"), "{markdown}");
        assert!(page.csv().ends_with(",\"a,b\",,,0.5,,,3\n"), "{}", page.csv());
    }
}
