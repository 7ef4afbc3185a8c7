//! Single replications: what one run shows, and whether they fall into camps.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Replicate, Stats, Summary};

/// One of the two camps that replications fall into.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Camp {
    /// The client or flow that shows it.
    pub of: String,
    /// The figure: `success_rate` or `mean_ms`.
    pub figure: Cow<'static, str>,
    /// The share of the replications that are in it.
    pub share: f64,
    /// How many those are.
    pub replications: usize,
    /// The mean of the figure over them.
    pub value: f64,
}

/// One replication.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SingleRun {
    /// Its seed.
    pub seed: u64,
    /// By client.
    pub clients: BTreeMap<String, SingleFigures>,
    /// By flow.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flows: BTreeMap<String, SingleFigures>,
}

/// What one replication showed of a client or a flow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SingleFigures {
    /// Requests that set out.
    pub arrived: u64,
    /// Requests that ended well.
    pub succeeded: u64,
    /// Successes ÷ arrived; `None` where nothing set out.
    pub success_rate: Option<f64>,
    /// Successes per second of measured time.
    pub throughput_per_s: f64,
    /// Mean latency of successes, ms.
    pub mean_ms: Option<f64>,
    /// Their median, ms.
    pub p50_ms: Option<f64>,
    /// Their 99th percentile, ms.
    pub p99_ms: Option<f64>,
}

impl Replicate {
    /// Successes ÷ arrived.
    pub fn success_rate(&self) -> Option<f64> {
        (self.arrived > 0).then(|| self.succeeded as f64 / self.arrived as f64)
    }

    /// Mean latency of successes, ms.
    pub fn mean_ms(&self) -> Option<f64> {
        (self.succeeded > 0).then(|| self.sum_ms / self.succeeded as f64)
    }
}

impl From<&Replicate> for SingleFigures {
    fn from(of: &Replicate) -> Self {
        Self {
            arrived: of.arrived,
            succeeded: of.succeeded,
            success_rate: of.success_rate(),
            throughput_per_s: of.in_window as f64 / of.span_s,
            mean_ms: of.mean_ms(),
            p50_ms: of.p50_ms,
            p99_ms: of.p99_ms,
        }
    }
}

impl Summary {
    /// With the figures of every replication.
    #[must_use]
    pub fn with_replications(mut self) -> Self {
        let of = |all: &BTreeMap<String, Stats>, at: usize| {
            let one = |(name, stats): (&String, &Stats)| Some((name.clone(), stats.each.get(at)?.into()));
            all.iter().filter_map(one).collect()
        };
        let single = |(at, seed): (usize, &u64)| SingleRun {
            seed: *seed,
            clients: of(&self.clients, at),
            flows: of(&self.flows, at),
        };
        self.replications = self.run.seeds.iter().enumerate().map(single).collect();
        self
    }
}
