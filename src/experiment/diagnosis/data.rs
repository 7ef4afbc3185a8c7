//! Who reads and writes whose tables.

use std::collections::{BTreeMap, BTreeSet};

use crate::scenario::each_step;
use crate::scenario::written::{Mode, NodeKind, Place, Scenario, Verb};

/// A table of a database, or what nobody says the table of.
#[derive(Clone, Debug, Default)]
pub(super) struct Used {
    /// Services that read it, by their names, and where.
    pub(super) readers: BTreeMap<String, Place>,
    /// Services that write it.
    pub(super) writers: BTreeMap<String, Place>,
}

impl Used {
    /// All who use it.
    pub(super) fn all(&self) -> BTreeSet<&str> {
        self.readers.keys().chain(self.writers.keys()).map(String::as_str).collect()
    }

    /// Whether several services use it and one of them writes.
    pub(super) fn is_shared(&self) -> bool {
        !self.writers.is_empty() && self.all().len() > 1
    }
}

/// By database and table; the table is empty where a query names none.
pub(super) type Tables = BTreeMap<(String, String), Used>;

/// What services use.
pub(super) fn tables(scenario: &Scenario) -> Tables {
    let mut all = Tables::new();
    for (name, node) in scenario.nodes.iter().filter(|(_, node)| node.kind == NodeKind::Service) {
        for program in node.programs() {
            each_step(&program.steps, &mut |step| {
                let Verb::Query(call) = &step.verb else { return };
                let table = call.table.as_ref().map_or(String::new(), |table| table.value.clone());
                let used = all.entry((call.target.value.node.clone(), table)).or_default();
                let who = if call.mode.value == Mode::Read { &mut used.readers } else { &mut used.writers };
                who.entry(name.clone()).or_insert_with(|| step.place.clone());
            });
        }
    }
    all
}
