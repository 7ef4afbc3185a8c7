//! Complaints: what is wrong with a text, where, why, and what would be right. Collected by whoever finds them, rendered
//! in one place, printed by the shell. Nothing here reads or writes files.

mod codes;
mod group;
mod render;
mod shown;
mod source;

use std::ops::Range;

pub use codes::{CODES, Code, code};
pub use render::{count_line, render};
pub use shown::{clean, clean_lines, excerpt, is_harmless, nouns};
pub use source::Source;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// When nothing can run before it is cured.
    Error,
    /// When it runs, but most likely does not mean what was meant.
    Warning,
    /// When it is worth knowing.
    Note,
}

/// One thing that is wrong, with its place and its cure.
#[derive(Clone, Debug, PartialEq)]
pub struct Complaint {
    /// How bad it is.
    pub severity: Severity,
    /// Its stable code.
    pub code: Code,
    /// What is wrong: one lower-case fragment.
    pub message: String,
    /// Where, in bytes of the source; `None`: the file as a whole.
    pub place: Option<Range<usize>>,
    /// What to read at that place; may be empty.
    pub label: String,
    /// How it would be right.
    pub help: Option<String>,
}

impl Complaint {
    /// Something that must be cured.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, message: message.into(), place: None, label: String::new(), help: None }
    }

    /// Something that runs, but most likely is not what was meant.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Something worth knowing.
    pub fn note(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(code, message) }
    }

    /// The same at a place of the text; `None` leaves it with the file as a whole.
    #[must_use]
    pub fn at(mut self, place: impl Into<Option<Range<usize>>>) -> Self {
        self.place = place.into();
        self
    }

    /// The same with words beside the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The same with a cure.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether nothing can run before it is cured.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Puts complaints into the order of the text (the file as a whole first) and drops repetitions.
pub fn sort(complaints: &mut Vec<Complaint>) {
    let key = |c: &Complaint| c.place.as_ref().map_or((0, 0), |p| (p.start + 1, p.end));
    complaints.sort_by(|a, b| (key(a), a.severity, a.code, &a.message).cmp(&(key(b), b.severity, b.code, &b.message)));
    complaints.dedup();
}
