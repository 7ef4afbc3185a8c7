//! What pictures are drawn from, as figures: clients, queues and readers over time. In a summary where that is asked for; then one
//! that was kept can be drawn again as it was.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Depth, Moment, Summary};

/// Everything over time that the other parts of a summary leave out: a value for each stretch of the measured time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Series {
    /// By client: requests by the stretch in which they set out.
    pub clients: BTreeMap<String, ClientSeries>,
    /// By queue: messages ready for delivery, time average, mean over replications.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queues: BTreeMap<String, DepthSeries>,
    /// By topic and group (`topic/group`): the highest lag, records, mean over replications.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lags: BTreeMap<String, DepthSeries>,
}

/// A client over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClientSeries {
    /// Begin of each stretch, s from the start of the measured time.
    pub from_s: Vec<f64>,
    /// Length of a stretch, s.
    pub width_s: f64,
    /// Requests that set out in it, over all replications.
    pub arrived: Vec<u64>,
    /// Of these, ended well.
    pub succeeded: Vec<u64>,
    /// Of these, failed.
    pub failed: Vec<u64>,
    /// Median latency of its successes, ms.
    pub p50_ms: Vec<Option<f64>>,
    /// 99th percentile, ms.
    pub p99_ms: Vec<Option<f64>>,
    /// Mean, ms.
    pub mean_ms: Vec<Option<f64>>,
    /// Requests in flight at its end, mean over replications; nothing where nobody looked.
    pub in_flight: Vec<Option<f64>>,
}

/// A level over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DepthSeries {
    /// Begin of each stretch, s from the start of the measured time.
    pub from_s: Vec<f64>,
    /// Length of a stretch, s.
    pub width_s: f64,
    /// The level.
    pub level: Vec<f64>,
}

impl Series {
    /// Of a summary that was just made.
    pub fn of(summary: &Summary) -> Self {
        let clients = summary.clients.iter().map(|(name, stats)| (name.clone(), ClientSeries::of(&stats.timeline)));
        let queues = summary.queues.iter().map(|(name, queue)| (name.clone(), DepthSeries::of(&queue.timeline)));
        let groups = summary.topics.iter().flat_map(|(topic, told)| told.groups.iter().map(move |of| (topic, of)));
        let lags = groups.map(|(topic, (group, told))| (format!("{topic}/{group}"), DepthSeries::of(&told.timeline)));
        Self { clients: clients.collect(), queues: queues.collect(), lags: lags.collect() }
    }
}

impl ClientSeries {
    fn of(moments: &[Moment]) -> Self {
        Self {
            from_s: moments.iter().map(|m| m.from_s).collect(),
            width_s: moments.first().map_or(0.0, |m| m.width_s),
            arrived: moments.iter().map(|m| m.arrived).collect(),
            succeeded: moments.iter().map(|m| m.succeeded).collect(),
            failed: moments.iter().map(|m| m.failed).collect(),
            p50_ms: moments.iter().map(|m| m.p50_ms).collect(),
            p99_ms: moments.iter().map(|m| m.p99_ms).collect(),
            mean_ms: moments.iter().map(|m| m.mean_ms).collect(),
            in_flight: moments.iter().map(|m| m.in_flight).collect(),
        }
    }

    /// As it was before it was written; what is missing in a file that somebody changed is nothing.
    fn moments(&self) -> Vec<Moment> {
        fn at<T: Copy + Default>(all: &[T], at: usize) -> T {
            all.get(at).copied().unwrap_or_default()
        }
        let moment = |(nth, from_s): (usize, &f64)| Moment {
            from_s: *from_s,
            width_s: self.width_s,
            arrived: at(&self.arrived, nth),
            succeeded: at(&self.succeeded, nth),
            failed: at(&self.failed, nth),
            p50_ms: at(&self.p50_ms, nth),
            p99_ms: at(&self.p99_ms, nth),
            mean_ms: at(&self.mean_ms, nth),
            in_flight: at(&self.in_flight, nth),
        };
        self.from_s.iter().enumerate().map(moment).collect()
    }
}

impl DepthSeries {
    fn of(depths: &[Depth]) -> Self {
        Self {
            from_s: depths.iter().map(|d| d.from_s).collect(),
            width_s: depths.first().map_or(0.0, |d| d.width_s),
            level: depths.iter().map(|d| d.ready).collect(),
        }
    }

    fn depths(&self) -> Vec<Depth> {
        let depth = |(from_s, ready): (&f64, &f64)| Depth { from_s: *from_s, width_s: self.width_s, ready: *ready };
        self.from_s.iter().zip(&self.level).map(depth).collect()
    }
}

impl Summary {
    /// With everything over time.
    #[must_use]
    pub fn with_series(mut self) -> Self {
        self.series = Some(Series::of(&self));
        self
    }

    /// Whether it was read back: who calls whom is known, and what was drawn of that is not.
    pub fn is_kept(&self) -> bool {
        self.topology.links.is_empty() && !self.edges.is_empty()
    }

    /// Puts what was kept over time back where pictures look for it.
    pub(super) fn redrawn(mut self) -> Self {
        let Some(series) = &self.series else { return self };
        for (name, stats) in &mut self.clients {
            stats.timeline = series.clients.get(name).map(ClientSeries::moments).unwrap_or_default();
        }
        for (name, queue) in &mut self.queues {
            queue.timeline = series.queues.get(name).map(DepthSeries::depths).unwrap_or_default();
        }
        for (topic, told) in &mut self.topics {
            for (group, figures) in &mut told.groups {
                let lag = series.lags.get(&format!("{topic}/{group}"));
                figures.timeline = lag.map(DepthSeries::depths).unwrap_or_default();
            }
        }
        self
    }
}
