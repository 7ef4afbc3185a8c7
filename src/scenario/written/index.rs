//! Who reads and calls what, found once: many ask, and each would walk the whole scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// Found when somebody first asks; what it is about does not change after a scenario was read.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// By queue or topic: its consumers, by node and place among the node's.
    pub(in crate::scenario) readers: OnceLock<BTreeMap<String, Vec<(String, usize)>>>,
    /// Nodes that somebody calls.
    pub(in crate::scenario) called: OnceLock<BTreeSet<String>>,
}
