//! What services keep: tables with their locks and versions, caches, and counts that replicas share.

pub(crate) mod cache;
pub(crate) mod deadlock;
pub(crate) mod lock;
pub(crate) mod meter;

use std::collections::BTreeMap;

use crate::model::{Plan, TableId};

use cache::Caches;
use lock::Table;
use meter::Meters;

/// Tables, caches and counts.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    pub(crate) tables: Vec<Table>,
    /// Transactions that wait for a lock, by the frame that holds the others: the query, and the table.
    pub(crate) blocked: BTreeMap<u32, (u32, TableId)>,
    pub(crate) caches: Caches,
    pub(crate) meters: Meters,
}

impl Data {
    /// Free tables, empty caches.
    pub(crate) fn new(plan: &Plan) -> Self {
        let tables = plan.tables.iter().map(|_| Table::default()).collect();
        Self { tables, blocked: BTreeMap::new(), caches: Caches::new(plan), meters: Meters::new(plan) }
    }

    /// Whether no lock is held, and nobody waits for one or for what another fetches.
    pub(crate) fn is_free(&self) -> bool {
        self.caches.is_idle() && self.tables.iter().all(Table::is_free)
    }
}
