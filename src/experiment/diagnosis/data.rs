//! Who reads and writes whose tables.

use std::collections::{BTreeMap, BTreeSet};

use crate::scenario::each_step;
use crate::scenario::written::{Mode, NodeKind, Place, Scenario, Verb};

/// A table of a database, or what nobody says the table of.
#[derive(Clone, Debug, Default)]
pub(in crate::experiment) struct Used {
    /// Services that read it, by their names, and where.
    pub(in crate::experiment) readers: BTreeMap<String, Place>,
    /// Services that write it.
    pub(in crate::experiment) writers: BTreeMap<String, Place>,
}

impl Used {
    /// All who use it.
    pub(in crate::experiment) fn all(&self) -> BTreeSet<&str> {
        self.readers.keys().chain(self.writers.keys()).map(String::as_str).collect()
    }

    /// Whether several services use it and one of them writes.
    pub(in crate::experiment) fn is_shared(&self) -> bool {
        !self.writers.is_empty() && self.all().len() > 1
    }
}

/// By database and table; the table is empty where a query names none.
pub(in crate::experiment) type Tables = BTreeMap<(String, String), Used>;

/// What services use.
pub(in crate::experiment) fn tables(scenario: &Scenario) -> Tables {
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
