//! Where complaints pile up while a text is read.

use std::ops::Range;

use crate::diag::{Complaint, Source};
use crate::scenario::tables::gates::Posted;

/// The text under reading and what is wrong with it so far.
pub(crate) struct Desk<'s> {
    /// The text.
    pub(crate) source: &'s Source,
    /// What is wrong with it so far.
    pub(crate) complaints: Vec<Complaint>,
    /// Names defined in tables that are refused or could not be read: calling them is no second mistake.
    pub(crate) refused: Vec<String>,
    /// Where each variant stands.
    pub(crate) variants: Vec<(String, std::ops::Range<usize>)>,
    /// The routes of each gateway: their patterns and what they are called.
    pub(crate) routes: Posted,
}

impl<'s> Desk<'s> {
    pub(crate) fn new(source: &'s Source) -> Self {
        Self { source, complaints: Vec::new(), refused: Vec::new(), variants: Vec::new(), routes: Posted::default() }
    }

    pub(crate) fn push(&mut self, complaint: Complaint) {
        self.complaints.push(complaint);
    }

    /// The text of a place.
    pub(crate) fn slice(&self, place: Range<usize>) -> &'s str {
        self.source.text.get(place).unwrap_or_default()
    }
}
