//! A text and the name under which it is shown.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A text and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The name shown in messages.
    pub name: String,
    /// The text.
    pub text: String,
    /// Where files that the text names are looked for; `None`: nowhere.
    pub dir: Option<PathBuf>,
    /// Files that the text may name and that came with it, by the path as the text says it. They come before those of `dir`.
    pub files: BTreeMap<String, Arc<str>>,
}

impl Source {
    /// A text that comes from no file.
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), dir: None, files: BTreeMap::new() }
    }

    /// The same, which may name this file: recorded arrivals or measured values that stand on no disk.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let byte = self.floor(byte);
        let before = &self.text[..byte];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The nearest character boundary at or before a byte.
    pub(crate) fn floor(&self, byte: usize) -> usize {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    }
}
