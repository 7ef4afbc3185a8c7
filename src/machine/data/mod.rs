//! What services keep: tables with their locks and versions, caches, and counts that replicas share.

pub(crate) mod cache;
pub(crate) mod copies;
pub(crate) mod deadlock;
pub(crate) mod grip;
pub(crate) mod lock;
pub(crate) mod meter;
pub(crate) mod rows;

use std::collections::BTreeMap;

use crate::machine::core::Core;
use crate::model::{NodeId, Plan, Probe};
use crate::units::Time;

use cache::Caches;
use copies::Copies;
use deadlock::Wait;
use grip::Grips;
use lock::Table;
use meter::Meters;
use rows::Rows;

/// Tables, caches and counts.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    /// By table and row.
    pub(crate) tables: Vec<Table>,
    /// Of databases whose tables have rows: which one a query is about, and by owner those that it has a lock of.
    pub(crate) rows: Rows,
    /// By table: locks on the whole of it.
    pub(crate) grips: Vec<Grips>,
    /// Transactions that wait for a lock, by the frame that holds the others.
    pub(crate) blocked: BTreeMap<u32, Wait>,
    /// When queries will wait for a lock no longer.
    pub(crate) patience: BTreeMap<u32, Time>,
    pub(crate) caches: Caches,
    pub(crate) meters: Meters,
    /// Of databases with replicas that lag: when writes show there.
    pub(crate) copies: BTreeMap<NodeId, Copies>,
}

impl Data {
    /// Free tables, empty caches.
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            tables: plan.tables.iter().flat_map(|table| (0..table.places()).map(|_| Table::default())).collect(),
            rows: Rows::new(plan),
            grips: plan.tables.iter().map(|_| Grips::default()).collect(),
            blocked: BTreeMap::new(),
            patience: BTreeMap::new(),
            caches: Caches::new(plan),
            meters: Meters::new(plan),
            copies: BTreeMap::new(),
        }
    }

    /// Queries that wait for a lock, and whom each waits for.
    pub(crate) fn waits_for_locks<P: Probe>(&self, core: &Core<'_, P>) -> BTreeMap<u32, Vec<u32>> {
        let writers = self.tables.iter();
        let writers = writers.flat_map(|table| table.waiting.iter().map(|at| (*at, table.holders.clone())));
        let grips = self.grips.iter();
        let whole = grips.flat_map(|grips| grips.in_line().map(|at| (at, grips.kept_by(core, at))));
        writers.chain(whole).collect()
    }

    /// Whether no lock is held, and nobody waits for one or for what another fetches.
    pub(crate) fn is_free(&self) -> bool {
        self.caches.is_idle() && self.tables.iter().all(Table::is_free) && self.grips.iter().all(Grips::is_free)
    }
}
