//! Policies as written.

use crate::units::Span;

use super::Given;

/// `[policies.*]`.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Name, placed at its table header.
    pub name: Given<String>,
    /// Per try; `None`: none.
    pub timeout: Given<Option<Span>>,
}
