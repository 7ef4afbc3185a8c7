//! A table before it has a shape: columns, rows, and how it is fitted into the width of a terminal.
//!
//! The first column is the name; it gives way first, in its middle, as long as rows can be told apart by it and down to a few
//! letters; then the columns that matter least go.

use std::borrow::Cow;
use std::collections::HashSet;

use super::number::{NO_INTERVAL, between, or_none, time, time_within};
use super::text::{clean, cut, cut_name, width, wrapped};
use crate::experiment::summary::Estimate;

/// The narrowest a name may get before a column is left out instead.
const NAME_LEAST: usize = 14;

/// Between two columns.
const GAP: usize = 2;

/// What a cell means; shown by colour where there is colour, and never by colour alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing in particular.
    #[default]
    Plain,
    /// As hoped.
    Good,
    /// Not as hoped.
    Bad,
    /// Worth a look.
    Odd,
    /// Less important than the rest.
    Faint,
    /// A heading.
    Strong,
}

impl Tone {
    /// Wraps `text` in the tone's ANSI colour.
    pub fn paint(self, text: &str, color: bool) -> String {
        let code = match self {
            Tone::Plain => return text.to_owned(),
            Tone::Good => "32",
            Tone::Bad => "31;1",
            Tone::Odd => "33",
            Tone::Faint => "2",
            Tone::Strong => "1",
        };
        if color && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// What it means.
    pub tone: Tone,
    /// The interval around it, where there is room for that: `2.45 … 2.49 ms`, or that there is none. `None`: nothing that
    /// is estimated, or something that says its interval itself.
    pub ends: Option<String>,
}

impl Cell {
    /// A cell with a meaning.
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone, ends: None }
    }

    /// A figure and the interval around it.
    pub fn figure(e: Estimate, show: impl Fn(f64) -> String) -> Self {
        Self { ends: between(e, &show), ..Self::from(or_none(e, show)) }
    }

    /// A time with half the width of its interval.
    pub fn within(e: Estimate) -> Self {
        let ends = between(e, time).filter(|ends| ends == NO_INTERVAL);
        Self { ends, ..Self::from(time_within(e)) }
    }

    /// The same with a meaning.
    #[must_use]
    pub fn meaning(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its heading.
    pub head: Cow<'static, str>,
    /// The lower, the sooner it is left out where room is short.
    pub keep: u8,
}

/// A table; the first column is the name and leans left, the others hold figures and lean right.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// Columns.
    pub columns: Vec<Column>,
    /// Rows, each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
    /// A line below the table, such as what was left out.
    pub note: Option<String>,
}

impl Sheet {
    /// An empty sheet with these columns: `(heading, keep)`.
    pub fn new(columns: &[(&'static str, u8)]) -> Self {
        let columns = columns.iter().map(|&(head, keep)| Column { head: head.into(), keep }).collect();
        Self { columns, rows: Vec::new(), note: None }
    }

    /// Calls the first column, and puts columns with these headings, which are always kept, behind it.
    #[must_use]
    pub fn keyed(mut self, heads: Vec<String>) -> Self {
        let columns = heads.into_iter().map(|head| Column { head: clean(&head).into(), keep: u8::MAX });
        self.columns.splice(..1, columns);
        self
    }

    /// Adds a row; what it says is made harmless first.
    pub fn push(&mut self, name: &str, figures: impl IntoIterator<Item = Cell>) {
        let harmless = |cell: Cell| Cell { text: clean(&cell.text), ..cell };
        let row: Vec<Cell> = std::iter::once(name.into()).chain(figures).map(harmless).collect();
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    /// Leaves out the columns in which `idle` holds for every cell.
    #[must_use]
    pub fn without_idle(mut self, head: &str, idle: impl Fn(&Cell) -> bool) -> Self {
        if let Some(at) = self.columns.iter().position(|c| c.head == head)
            && self.rows.iter().all(|row| idle(&row[at]))
        {
            self.columns.remove(at);
            self.rows.iter_mut().for_each(|row| drop(row.remove(at)));
        }
        self
    }

    /// Lines of at most `room` columns: the heading, a rule, the rows, the note.
    pub fn lines(&self, room: usize, color: bool) -> Vec<String> {
        let (shown, name) = self.fit(room);
        let widths: Vec<usize> = shown.iter().map(|&at| if at == 0 { name } else { self.natural(at) }).collect();
        let heads: Vec<Cell> = self.columns.iter().map(|c| Cell::toned(&*c.head, Tone::Faint)).collect();
        let rule = "─".repeat(widths.iter().sum::<usize>() + GAP * (widths.len() - 1));
        let mut lines = vec![line(&heads, &shown, &widths, color), Tone::Faint.paint(&rule, color)];
        lines.extend(self.rows.iter().map(|row| line(row, &shown, &widths, color)));
        let note = self.note.iter().flat_map(|note| wrapped(note, room));
        lines.extend(note.map(|line| Tone::Faint.paint(&line, color)));
        lines
    }

    /// The width that column `at` would like to have.
    fn natural(&self, at: usize) -> usize {
        let head = width(&self.columns[at].head);
        self.rows.iter().map(|row| width(&row[at].text)).fold(head, usize::max)
    }

    /// The narrowest that names may get: where they still differ as far as they do when they are whole, if that is not most of
    /// the room.
    fn least_name(&self, room: usize) -> usize {
        let names = |wide: usize| {
            let cut: HashSet<String> = self.rows.iter().map(|row| cut_name(&row[0].text, wide)).collect();
            cut.len()
        };
        let (most, whole) = (self.natural(0).min(room * 3 / 5), names(usize::MAX));
        (NAME_LEAST.min(most)..most).find(|wide| names(*wide) == whole).unwrap_or(most)
    }

    /// The columns that are shown, and how much the name gets.
    fn fit(&self, room: usize) -> (Vec<usize>, usize) {
        let (wanted, least) = (self.natural(0), self.least_name(room));
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        loop {
            let rest: usize = shown[1..].iter().map(|&at| self.natural(at) + GAP).sum();
            let name = room.saturating_sub(rest);
            if name >= least || shown.len() == 1 {
                return (shown, wanted.min(name));
            }
            let least = (1..shown.len()).min_by_key(|&i| (self.columns[shown[i]].keep, usize::MAX - i));
            shown.remove(least.unwrap_or(1));
        }
    }
}

fn line(row: &[Cell], shown: &[usize], widths: &[usize], color: bool) -> String {
    let mut text = String::new();
    for (&at, &wide) in shown.iter().zip(widths) {
        let cell = if at == 0 { cut_name(&row[at].text, wide) } else { cut(&row[at].text, wide) };
        let pad = " ".repeat(wide - width(&cell));
        let cell = row[at].tone.paint(&cell, color);
        if at == 0 {
            text.push_str(&cell);
            text.push_str(&pad);
        } else {
            text.push_str(&" ".repeat(GAP));
            text.push_str(&pad);
            text.push_str(&cell);
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(name: &str) -> Sheet {
        let mut sheet = Sheet::new(&[("client", 9), ("arrived", 1), ("p50", 5), ("p99", 6)]);
        sheet.push(name, ["12.4 k", "24.3 ms", "102 ms"].map(Cell::from));
        sheet
    }

    #[test]
    fn figures_lean_right_below_their_heads() {
        let lines = sheet("shoppers").lines(80, false);
        assert_eq!(lines[0], "client    arrived      p50     p99");
        assert_eq!(lines[1], "──────────────────────────────────");
        assert_eq!(lines[2], "shoppers   12.4 k  24.3 ms  102 ms");
    }

    #[test]
    fn a_long_name_gives_way_before_a_figure_does() {
        let lines = sheet(&"a-very-long-name".repeat(9)).lines(50, false);
        assert!(lines.iter().all(|line| width(line) <= 50));
        assert!(lines[0].contains("arrived"));
        assert!(lines[2].contains('…'));
    }

    #[test]
    fn the_least_column_goes_where_room_is_short() {
        let lines = sheet("a-long-name-indeed").lines(36, false);
        assert!(!lines[0].contains("arrived"), "{lines:#?}");
        assert!(lines[0].contains("p50") && lines[0].contains("p99"), "{lines:#?}");
    }

    #[test]
    fn rows_are_told_apart_before_the_least_column_is_kept() {
        let mut sheet = sheet("replicas of accounts 2 -> 1");
        sheet.push("replicas of accounts 2 -> 3", ["12.4 k", "24.3 ms", "102 ms"].map(Cell::from));
        let lines = sheet.lines(40, false);
        assert!(lines[2] != lines[3] && lines.iter().all(|line| width(line) <= 40), "{lines:#?}");
        // Where names differ anyway, they give way to figures.
        sheet.rows[1][0].text = "cores of accounts 2 -> 3".into();
        assert!(sheet.lines(44, false)[0].contains("arrived"));
        let same = Sheet { rows: vec![sheet.rows[0].clone(), sheet.rows[0].clone()], ..sheet };
        assert!(same.lines(44, false)[0].contains("arrived"), "they cannot be told apart");
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let mut sheet = sheet("x");
        sheet.rows[0][3].tone = Tone::Bad;
        let painted = sheet.lines(80, true).join("\n");
        assert!(painted.contains("\x1b[31;1m102 ms\x1b[0m"));
        let bare = painted.replace("\x1b[31;1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "");
        assert_eq!(bare, sheet.lines(80, false).join("\n"));
    }

    #[test]
    fn a_note_is_whole() {
        let sheet = Sheet { note: Some("a note that is longer than there is room".into()), ..sheet("x") };
        let lines = sheet.lines(24, false);
        assert_eq!(lines[3..], ["a note that is longer", "than there is room"]);
    }

    #[test]
    fn an_idle_column_is_left_out() {
        let mut sheet = sheet("x");
        sheet.push("y", ["0", "1 ms", "2 ms"].map(Cell::from));
        assert_eq!(sheet.clone().without_idle("arrived", |cell| cell.text == "0").columns.len(), 4);
        sheet.rows.remove(0);
        assert_eq!(sheet.without_idle("arrived", |cell| cell.text == "0").columns.len(), 3);
    }
}
