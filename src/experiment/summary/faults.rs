//! Figures of faults: what they did to whom, and how long.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::stats::Interval;

/// A fault, and how clients recovered from it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fault {
    /// Its name.
    pub name: String,
    /// Its beginning, s from the start of the measured time; `None` for one at random.
    pub at_s: Option<f64>,
    /// How long, s; `None` for one at random, or without an end.
    pub duration_s: Option<f64>,
    /// How long a rollout took, s; `None` for everything else, and where one did not end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_s: Option<Interval>,
    /// How often it began in the measured time, over all replications.
    #[serde(default)]
    pub struck: u64,
    /// By client, by flow, by group (`topic/group`), by queue.
    pub recovery_s: BTreeMap<String, Recovery>,
    /// By client: of the requests that set out in its planned time, the share that failed or had no answer when the run ended.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lost: BTreeMap<String, Interval>,
    /// Which of these are clients; for tables.
    #[serde(skip)]
    pub clients: Vec<String>,
}

/// How a node fared while things went wrong.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failing {
    /// The node.
    pub node: String,
    /// Faults that happen to it, as planned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// When all its workers were held for the first time under a fault, s from the start of the measured time; the median over
    /// replications, `None` where half of them never saw that. While all its replicas are down there are none to be held.
    pub saturated_s: Option<f64>,
    /// How long at least 99 % of its workers were held from the first fault on, s; the mean over replications.
    pub saturated_for_s: f64,
    /// When a twentieth of the calls to it began to fail, s; those that never ended fail when they set out.
    pub failing_s: Option<f64>,
    /// The largest share of calls to it that failed in any stretch of time.
    pub worst_share: f64,
    /// Share of calls that failed, over time, for drawing; `None` where none ended.
    #[serde(skip)]
    pub lane: Vec<Option<f64>>,
    /// Width of the lane's stretches, s.
    #[serde(skip)]
    pub width_s: f64,
}

/// How long after a fault's end it was as before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recovery {
    /// Of all times the fault was on in the measured time after which that could be seen, the share that was recovered from;
    /// `None` without any.
    pub share_recovered: Option<f64>,
    /// Median over these, s, with "not recovered" as the longest; `None` where half of them were not, or there are none.
    pub median: Option<f64>,
    /// Of all times the fault was on in the measured time, the share after which it could not be seen; `None` without any.
    pub not_seen: Option<f64>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'static, str>>,
    /// Between what the median would lie had all of them been seen, s.
    #[serde(skip)]
    pub between: Option<(f64, f64)>,
}
