//! How a run went over time, where something changes in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One bin of a timeline: requests by the time they set out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment {
    /// Start of the bin, seconds from the start of the measured time.
    pub from_s: f64,
    /// Width of the bin, s.
    pub width_s: f64,
    /// Requests that set out in the bin, over all replications.
    pub arrived: u64,
    /// Of these, ended well.
    pub succeeded: u64,
    /// Of these, failed.
    pub failed: u64,
    /// Median latency of the bin's successes, ms.
    pub p50_ms: Option<f64>,
    /// 99th percentile, ms.
    pub p99_ms: Option<f64>,
    /// Mean, ms.
    pub mean_ms: Option<f64>,
    /// Requests in flight at its end, the mean over replications; only where something changes.
    pub in_flight: Option<f64>,
}

/// Figures over time: a value for each stretch of the measured time, the mean over replications. Stretches after a run was
/// stopped are missing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Timeline {
    /// Length of a stretch, s.
    pub width_s: f64,
    /// By client: requests by the stretch in which they set out.
    pub clients: BTreeMap<String, ClientCourse>,
    /// By node.
    pub nodes: BTreeMap<String, NodeCourse>,
    /// By edge; only edges with policies are here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub edges: BTreeMap<String, EdgeCourse>,
}

/// A client over time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClientCourse {
    /// Requests that set out, per second.
    pub offered_per_s: Vec<f64>,
    /// Of those that set out, successes.
    pub success_rate: Vec<Option<f64>>,
    /// Median latency of successes, ms.
    pub p50_ms: Vec<Option<f64>>,
    /// 99th percentile, ms.
    pub p99_ms: Vec<Option<f64>>,
    /// Requests in flight when the stretch ended.
    pub in_flight: Vec<f64>,
}

/// A node over time, its replicas summed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NodeCourse {
    /// Requests that arrived, per second.
    pub arrivals_per_s: Vec<f64>,
    /// Requests there.
    pub in_system: Vec<f64>,
    /// Requests in line.
    pub queue: Vec<f64>,
    /// Workers held.
    pub busy: Vec<f64>,
    /// Workers that work.
    pub working: Vec<f64>,
    /// Replicas that were ready; only of a node whose replicas change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ready: Vec<f64>,
}

/// An edge with policies over time. What never happened is left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EdgeCourse {
    /// Calls, each counted once, per second.
    pub calls_per_s: Vec<f64>,
    /// Tries after a failure, per second.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retries_per_s: Vec<f64>,
    /// Tries beside a slow one, per second.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hedges_per_s: Vec<f64>,
    /// Tries that the caller's own policies refused, per second.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limited_per_s: Vec<f64>,
    /// Share of circuit breakers open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_share: Vec<f64>,
    /// Share of circuit breakers half-open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub half_open_share: Vec<f64>,
}
