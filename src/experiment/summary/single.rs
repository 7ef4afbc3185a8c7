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
    /// What the figures are made of; results of before 2026-12 have none, and cannot be paired with others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
}

/// The sums that ratios of a replication are made of, so that a stored one can be compared to the digit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Terms {
    /// Sum of the latencies of successes, ms.
    pub sum_ms: f64,
    /// Requests that were never answered.
    pub unanswered: u64,
    /// Successes that ended in the measured time.
    pub in_window: u64,
    /// Measured time, s.
    pub span_s: f64,
}

impl SingleFigures {
    /// As it was before it was written; `None` where the file does not say enough.
    fn replicate(&self) -> Option<Replicate> {
        let Terms { sum_ms, unanswered, in_window, span_s } = self.terms?;
        let Self { arrived, succeeded, p50_ms, p99_ms, .. } = *self;
        Some(Replicate { arrived, sum_ms, succeeded, unanswered, p50_ms, p99_ms, in_window, span_s })
    }
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
            terms: Some(Terms {
                sum_ms: of.sum_ms,
                unanswered: of.unanswered,
                in_window: of.in_window,
                span_s: of.span_s,
            }),
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

    /// Takes back what comparisons need from the figures of the replications, where a file has them whole.
    #[must_use]
    pub(in crate::experiment) fn recalled(mut self) -> Self {
        let singles = std::mem::take(&mut self.replications);
        let each = |of: fn(&SingleRun) -> &BTreeMap<String, SingleFigures>, name: &str| -> Option<Vec<Replicate>> {
            singles.iter().map(|single| of(single).get(name).and_then(SingleFigures::replicate)).collect()
        };
        for (name, stats) in &mut self.clients {
            stats.each = each(|single| &single.clients, name).unwrap_or_default();
        }
        for (name, stats) in &mut self.flows {
            stats.each = each(|single| &single.flows, name).unwrap_or_default();
        }
        self.run.seeds = singles.iter().map(|single| single.seed).collect();
        self.replications = singles;
        self
    }

    /// Whether the figures of its replications are here, so that it can be paired.
    pub(in crate::experiment) fn has_replications(&self) -> bool {
        let all = self.clients.values().chain(self.flows.values());
        let whole = |stats: &Stats| stats.each.len() == self.run.replications as usize;
        !self.run.seeds.is_empty() && all.into_iter().all(whole)
    }
}
