//! Hot rows: `keys` and `skew` of a table.
//!
//! `tables.accounts = { keys = 1000, skew = 1.2 }`: the table has so many rows, and a write locks the one that it is about, the k-th
//! most popular with weight k^-skew (Zipf). Others write other rows meanwhile; who wants the same waits, and with a
//! transaction until that ends. `writers` counts by row then, and so do the versions of `conditional_write`. All queries of a
//! request are about one row of a table, or about those that they call by different words: `row = "from"` and `row = "to"` are drawn
//! independently of each other, and may be the same. Two transactions that lock two rows in opposite orders are a deadlock.
//! Locks on the whole table (`mode = "exclusive"`) are as they were.

use std::collections::BTreeMap;

use crate::model::plan::Plan;
use crate::model::{Probe, TableId};
use crate::random::{Draw, Purpose};

use crate::machine::core::Core;
use crate::machine::core::side::Side;
use crate::machine::data::Data;

/// What is known of rows, where tables have several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    /// Whether some table has several.
    pub(crate) several: bool,
    /// By query: the place of the row that it is about.
    of: Side<u32>,
    /// By who has locks: of which places.
    held: BTreeMap<u32, Vec<u32>>,
}

impl Rows {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self { several: plan.tables.iter().any(|table| !table.rows.is_empty()), ..Self::default() }
    }

    /// Whether somebody has a lock of any row.
    pub(crate) fn has_any(&self, owner: u32) -> bool {
        self.held.contains_key(&owner)
    }

    /// Somebody has a lock from now on.
    pub(crate) fn note(&mut self, owner: u32, place: u32) {
        if self.several {
            self.held.entry(owner).or_default().push(place);
        }
    }

    /// Somebody no longer has a lock.
    pub(crate) fn strike(&mut self, owner: u32, place: u32) {
        if let Some(held) = self.held.get_mut(&owner) {
            held.retain(|own| *own != place);
            if held.is_empty() {
                self.held.remove(&owner);
            }
        }
    }

    /// The places that somebody has locks of.
    pub(crate) fn of_owner(&self, owner: u32) -> Vec<u32> {
        self.held.get(&owner).cloned().unwrap_or_default()
    }
}

impl Data {
    /// The place of the row that a query is about, drawn when it is asked for first.
    #[inline]
    pub(crate) fn place<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, table: TableId) -> u32 {
        let table = &core.plan.tables[table.index()];
        if table.rows.is_empty() { table.first } else { self.draw_row(core, at, table.first, &table.rows) }
    }

    #[cold]
    fn draw_row<P: Probe>(&mut self, core: &mut Core<'_, P>, at: u32, first: u32, rows: &[f64]) -> u32 {
        let call = &core.plan.calls[core.frames[at].call as usize];
        let lineage = match core.asker(at) {
            Some(asker) => core.request_of(asker),
            None => core.frames[at].lineage,
        };
        let unit = Draw::new(core.seed, lineage, Purpose::Key, call.table ^ call.row).unit();
        let row = rows.partition_point(|up_to| *up_to <= unit).min(rows.len() - 1);
        let place = first + row as u32;
        self.rows.of.put(at, place);
        place
    }

    /// The same for a query that has asked for it: its caller may have given up since.
    pub(crate) fn place_asked<P: Probe>(&self, core: &Core<'_, P>, at: u32, table: TableId) -> u32 {
        let table = &core.plan.tables[table.index()];
        if table.rows.is_empty() { table.first } else { *self.rows.of.get(at) }
    }
}
