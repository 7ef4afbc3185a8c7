//! Replicas that come and go, as written.

use crate::model::policy::Metric;
use crate::units::Span;

use super::{Given, Node, on};

/// Replicas that have just become ready are slow.
#[derive(Clone, Debug)]
pub struct Warmup {
    /// So many times as long at first; default 3.
    pub factor: Given<f64>,
    /// Until it is 1; default 30 s.
    pub over: Given<Span>,
}

/// Replicas that follow the load.
#[derive(Clone, Debug)]
pub struct Autoscale {
    /// Fewest; default 1.
    pub min: Given<u32>,
    /// Most.
    pub max: Given<u32>,
    /// Default `cpu`.
    pub metric: Given<Metric>,
    /// What the metric should be on each replica.
    pub target: Given<f64>,
    /// Cores asked for; `None`: as many as there are.
    pub request: Given<Option<f64>>,
    /// From one look to the next; default that of Kubernetes, 15 s.
    pub every: Given<Span>,
    /// Default that of Kubernetes, 300 s.
    pub stabilization: Given<Span>,
}

impl Node {
    /// The most replicas there may be.
    pub fn most_replicas(&self) -> u32 {
        on(&self.autoscale).map_or(self.replicas.value, |scale| scale.max.value.max(self.replicas.value))
    }
}
