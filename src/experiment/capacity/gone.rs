//! N−1: the scenario with one replica gone, and with each zone gone.

use serde::Serialize;

use super::limit::Limit;
use crate::scenario::Checked;
use crate::scenario::edit::{one_less, without_zone, zones};

/// What is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// One replica of this node.
    ReplicaOf(String),
    /// All that stands in this zone.
    Zone(String),
}

/// The capacity with something gone.
#[derive(Clone, Debug, Serialize)]
pub struct Without {
    /// What.
    pub gone: Gone,
    /// What is left then; `None` where it was the only replica.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
}

/// More zones than these are not tried one by one.
const ZONES: usize = 6;

/// Everything that may be gone, with the scenario then; none where the only replica would be.
pub(super) fn all(checked: &Checked) -> Vec<(Gone, Option<Checked>)> {
    let replica = one_less(checked).map(|(node, less)| (Gone::ReplicaOf(node), less));
    let zones = zones(checked);
    let zones = zones.iter().filter(|_| (2..=ZONES).contains(&zones.len()));
    let zone = |zone: &String| (Gone::Zone(zone.clone()), Some(without_zone(checked, zone)));
    replica.into_iter().chain(zones.map(zone)).collect()
}
