//! What a run hands over: the figures of one scenario, merged over its replications, each with its interval.
//!
//! The shape is the JSON contract: `serde_json` of a [`Summary`] is `summary.json`, and reads it back. Units stand in the key
//! names. Whatever pictures and comparisons need beyond the contract is carried in fields that are not serialised.

mod brokers;
mod cache;
mod course;
mod faults;
mod graph;
mod ledger;
mod named;
mod policing;
mod promises;
mod series;
mod single;
mod stored;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

pub use crate::stats::Interval as Estimate;

use crate::scenario::Checked;
use crate::stats::Exported;

pub use super::enough::Enough;
pub use brokers::*;
pub use cache::{CacheFigures, ReplicationFigures};
pub use course::*;
pub use faults::*;
pub use ledger::*;
pub use policing::*;
pub use promises::*;
pub use series::{ClientSeries, DepthSeries, Series};
pub use single::*;
pub use stored::NotStored;

/// A distribution of times in milliseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Distribution {
    /// Samples over all replications.
    pub count: u64,
    /// Mean, ms.
    pub mean: Estimate,
    /// Variance, ms².
    pub var: Estimate,
    /// Median, ms.
    pub p50: Estimate,
    /// 90th percentile, ms.
    pub p90: Estimate,
    /// 95th percentile, ms.
    pub p95: Estimate,
    /// 99th percentile, ms.
    pub p99: Estimate,
    /// 99.9th percentile, ms.
    pub p999: Estimate,
    /// Largest sample over all replications, ms; `None` without samples.
    pub max: Option<f64>,
    /// Figures of which it is only known that they are at least so much, ms, by their names: what is still under way
    /// would have to end first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub at_least_ms: BTreeMap<String, f64>,
    /// The histogram of nanoseconds, HdrHistogram V2 (compressed), base64; not over all that arrived, because some of them
    /// may have no latency.
    #[serde(default, rename = "hdr", skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Exported>,
}

/// What became of the requests of a client, an endpoint or an edge.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stats {
    /// Requests that set out (client: intended in the measured time) or arrived.
    pub arrived: u64,
    /// Requests that ended well.
    pub succeeded: u64,
    /// Requests that ended badly, by cause; `unanswered` are those without an end when the run stopped.
    pub failed: BTreeMap<String, u64>,
    /// Requests without an end when the run stopped: `unanswered`.
    pub in_flight_at_end: u64,
    /// The same: they were never answered as long as the run waited, and count as failures.
    #[serde(default)]
    pub unanswered: u64,
    /// How long the oldest of them had been under way when the run stopped, s; `None` without any.
    pub oldest_unanswered_s: Option<f64>,
    /// Successes per second of measured time.
    pub throughput_per_s: Estimate,
    /// Successes ÷ arrived.
    pub success_rate: Estimate,
    /// Tries per request, retries and hedges included.
    pub attempts_per_request: Estimate,
    /// Answers that came after the caller had given up.
    pub late_replies: u64,
    /// Time that callees spent on work nobody waited for any more, s.
    pub wasted_work_s: f64,
    /// Effects that happened more than once.
    pub duplicate_effects: u64,
    /// Latency of successes: of those that were answered.
    pub latency_ms: Distribution,
    /// Latency over all that arrived, failed and unanswered as never; promises and comparisons are about this one.
    #[serde(default)]
    pub latency_arrived_ms: Distribution,
    /// Latency of everything that ended; a failure counts at the moment the caller knew.
    pub latency_all_ms: Distribution,
    /// Until the first message of a streamed answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_message_ms: Option<Distribution>,
    /// What its policies did; only edges with policies have it.
    #[serde(flatten, skip_serializing_if = "Option::is_none", deserialize_with = "whole_or_none")]
    pub policing: Option<Policing>,
    /// Answers gathered from several; only endpoints with `parallel` and `optional` have it.
    #[serde(flatten, skip_serializing_if = "Option::is_none", deserialize_with = "whole_or_none")]
    pub partial: Option<Partial>,
    /// Latency over time, for drawing; only clients have it.
    #[serde(skip)]
    pub timeline: Vec<Moment>,
    /// By replication, for comparing.
    #[serde(skip)]
    pub each: Vec<Replicate>,
}

/// What lies flat in an object and is there as a whole or not at all. A part of which something is damaged is an error: without
/// this it would be taken for one that is not there.
fn whole_or_none<'de, D: Deserializer<'de>, T: DeserializeOwned + Flat>(from: D) -> Result<Option<T>, D::Error> {
    let all = BTreeMap::<String, serde_json::Value>::deserialize(from)?;
    let own: serde_json::Map<String, serde_json::Value> =
        all.into_iter().filter(|(key, _)| T::KEYS.contains(&key.as_str())).collect();
    if own.is_empty() {
        return Ok(None);
    }
    serde_json::from_value(own.into()).map(Some).map_err(serde::de::Error::custom)
}

/// What lies flat in another object: its keys.
trait Flat {
    const KEYS: &'static [&'static str];
}

impl Flat for Policing {
    const KEYS: &'static [&'static str] = &["breaker", "retries", "hedges", "budget_refused", "limited", "ejections"];
}

impl Flat for Partial {
    const KEYS: &'static [&'static str] = &["partial_answers", "partial_share"];
}

/// Answers that may do without some of their parts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Partial {
    /// Answers without some part.
    pub partial_answers: u64,
    /// Of all answers.
    pub partial_share: Estimate,
}

/// What one replication adds to the figures of a client, an endpoint or an edge.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Replicate {
    /// Requests that set out.
    pub arrived: u64,
    /// Sum of the latencies of successes, ms.
    pub sum_ms: f64,
    /// Successes.
    pub succeeded: u64,
    /// Of those that arrived, without an end when the run stopped.
    pub unanswered: u64,
    /// Median latency over all that arrived, ms; `None` where it lies among the failed or unanswered.
    pub p50_ms: Option<f64>,
    /// 99th percentile, as the median.
    pub p99_ms: Option<f64>,
    /// Successes that ended in the measured time.
    pub in_window: u64,
    /// Measured time, s.
    pub span_s: f64,
}

/// How many requests were at a node, over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InSystem {
    /// Variance over time.
    pub var: Estimate,
    /// Time-weighted median.
    pub p50: Estimate,
    /// Time-weighted 95th percentile.
    pub p95: Estimate,
    /// Time-weighted 99th percentile.
    pub p99: Estimate,
    /// Time-weighted 99.9th percentile.
    pub p999: Estimate,
}

/// How many replicas a node had.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Replicas {
    /// Those that start or are ready, time average.
    pub mean: Estimate,
    /// Most at once.
    pub max: u32,
    /// What an autoscaler did, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscale: Option<Autoscaled>,
    /// How they differ, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart: Option<Apart>,
}

/// How the replicas of a node differ: who is pinned, and who is sick. Which one is pinned may be another in each replication, so that
/// the largest and the smallest share are those of each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Apart {
    /// Share of the node's visits that came to the replica with most of them.
    pub busiest: Estimate,
    /// Share that came to the one with the fewest.
    pub idlest: Estimate,
    /// Each of them, in their order.
    pub each: Vec<OneReplica>,
}

/// One replica, over all replications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OneReplica {
    /// Visits that began in the measured time, refused ones included.
    pub arrivals: u64,
    /// Of these, answered badly.
    pub failed: u64,
    /// Workers held, time average.
    pub mean_busy: f64,
    /// How long those that were answered stayed, on average; nothing where none was.
    pub sojourn_mean_ms: Option<f64>,
}

/// What an autoscaler saw and did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Autoscaled {
    /// Its metric: `cpu`, `workers`, `in_flight`, `rps` or `lag`.
    pub metric: Cow<'static, str>,
    /// What that should be on each replica.
    pub target: f64,
    /// Stretches of the measured time, means over replications.
    pub timeline: Vec<Strength>,
}

/// The replicas of a node in one stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Strength {
    /// Its beginning, seconds after the measured time began.
    pub from_s: f64,
    /// Its length.
    pub width_s: f64,
    /// Replicas that start or are ready, time average.
    pub replicas: f64,
    /// Of these, ready.
    pub ready: f64,
    /// What the autoscaler saw, on average over the replicas; nothing where it did not look.
    pub metric: Option<f64>,
}

/// What happened at a node; figures sum over its replicas.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Node {
    /// Requests that arrived, refused ones included.
    pub arrivals: u64,
    /// Requests that were answered, well or badly, after they had a worker.
    pub completed: u64,
    /// Requests turned away at once.
    pub refused: u64,
    /// Requests that left the line unserved.
    pub abandoned: u64,
    /// Busy workers ÷ workers (with `cores`: busy cores ÷ cores), time-weighted.
    pub utilization: Estimate,
    /// Requests that arrived here for each request of the clients behind them: retries and hedges anywhere above multiply
    /// them.
    #[serde(default)]
    pub tries_per_request: Estimate,
    /// Work done here for tries that nobody waited for any more, over all replications, s.
    #[serde(default)]
    pub wasted_work_s: f64,
    /// The same as a share of what its workers (with `cores`: its cores) can do; `None` where they are unlimited.
    #[serde(default)]
    pub wasted_share: Estimate,
    /// Workers held, time average.
    pub mean_busy: Estimate,
    /// Workers that really work (do not wait for a callee), time average. Cryptography of handshakes takes cores, not workers.
    pub mean_working: Estimate,
    /// Requests at the node, time average.
    pub mean_in_system: Estimate,
    /// Requests in line, time average.
    pub mean_queue: Estimate,
    /// Share of those who joined that had to wait.
    pub p_wait: Estimate,
    /// Share of time at the limit of the line.
    pub p_full: Estimate,
    /// Most requests at the node at once.
    pub max_in_system: u64,
    /// Requests at the node, distribution over time.
    pub in_system: InSystem,
    /// Time in the node's lines, a request's visits summed.
    pub wait_ms: Distribution,
    /// Arrival at the node to its reply.
    pub sojourn_ms: Distribution,
    /// Replicas.
    pub replicas: Replicas,
    /// Of a cache: what its looks found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheFigures>,
    /// Of a database whose replicas lag: what reads saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication: Option<ReplicationFigures>,
    /// `service`, `database`, `external`, … as written; for tables.
    #[serde(skip)]
    pub kind: Cow<'static, str>,
    /// Workers over all replicas; `None` where unlimited.
    #[serde(skip)]
    pub workers: Option<u64>,
}

/// Who made the figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tool {
    /// `hoptax`.
    pub name: Cow<'static, str>,
    /// Its version.
    pub version: Cow<'static, str>,
}

impl Tool {
    /// This one.
    pub(crate) fn this() -> Self {
        Self { name: "hoptax".into(), version: env!("CARGO_PKG_VERSION").into() }
    }
}

/// Which scenario was run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScenarioRef {
    /// Its name.
    pub name: String,
    /// Hash of its checked form, `--set` included.
    pub hash: String,
    /// The variant that was run, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl ScenarioRef {
    /// What is said of a scenario.
    pub(crate) fn of(checked: &Checked) -> Self {
        let name = checked.scenario.name.value.clone();
        Self { name, hash: checked.hash.clone(), variant: checked.variant.clone() }
    }
}

/// How it was run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Run {
    /// Seed of the first replication; the others derive from it.
    pub seed: u64,
    /// Independent runs that ended.
    pub replications: u32,
    /// Measured time of each, s.
    pub duration_s: f64,
    /// Simulated before that and thrown away, s.
    pub warmup_s: f64,
    /// Events over all replications.
    pub events: u64,
    /// Confidence of the intervals.
    pub confidence: f64,
    /// Whether the level at the end was that of the start; `None` where that is not certain, or says nothing.
    pub settled: Option<bool>,
    /// The same in a word; `None` where load, faults or replicas change in the run, or a guard ended it.
    pub state: Option<State>,
    /// What rises without end, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rising: Vec<String>,
    /// What kind of figures these are.
    pub note: Cow<'static, str>,
    /// Present and true when the run was interrupted and these are the replications that had ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Where it was interrupted before any replication had ended: how far the shortest of those under way had measured, s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished_s: Option<f64>,
    /// A guard (`max_events`, `max_in_flight`) that stopped the run, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<String>,
    /// What the replications fall into where they do one thing or another, so that no single one shows the mean; said
    /// first of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub camps: Vec<Camp>,
    /// Where runs were added until that was enough: what was asked, and whether it was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enough: Option<Enough>,
    /// The seed of each replication.
    #[serde(skip)]
    pub seeds: Vec<u64>,
    /// Nodes whose offered load exceeds their capacity, in words; said first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overloaded: Vec<String>,
}

/// What a run without changes comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// When the second half was as the first: the whole interval of the difference lies within ±5 %.
    Settled,
    /// When something in it grows, and does not stop.
    Diverging,
    /// When neither is certain.
    Undecided,
}

/// Requests in = requests out + requests still there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Conservation {
    /// Measured requests of all clients.
    pub arrived: u64,
    /// Ended well.
    pub succeeded: u64,
    /// Ended badly; without the unanswered, which did not end.
    pub failed: u64,
    /// Still under way when the run stopped.
    pub in_flight_at_end: u64,
    /// Whether the sum holds.
    pub holds: bool,
}

/// The version of this contract; of another nobody knows what its figures mean.
const VERSION: u32 = 1;

fn known_version<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let version = u32::deserialize(from)?;
    if version == VERSION {
        return Ok(version);
    }
    Err(serde::de::Error::custom(format!("schema_version is {version}; this version of hoptax reads {VERSION}")))
}

/// All figures of one scenario.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Summary {
    /// Version of this contract.
    #[serde(deserialize_with = "known_version")]
    pub schema_version: u32,
    /// Who made it.
    pub tool: Tool,
    /// Of what.
    pub scenario: ScenarioRef,
    /// How.
    pub run: Run,
    /// By client.
    pub clients: BTreeMap<String, Stats>,
    /// By flow.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flows: BTreeMap<String, Stats>,
    /// By endpoint.
    pub endpoints: BTreeMap<String, Stats>,
    /// By edge (`caller -> callee` or `caller -> callee.endpoint`).
    pub edges: BTreeMap<String, Stats>,
    /// By node.
    pub nodes: BTreeMap<String, Node>,
    /// By queue.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queues: BTreeMap<String, Queue>,
    /// By client: where the time went.
    pub ledger: BTreeMap<String, Ledger>,
    /// By topic.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub topics: BTreeMap<String, Topic>,
    /// Promises and what became of them.
    pub slos: Vec<Verdict>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// Nodes that failed or were saturated while something was wrong, the first first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failing: Vec<Failing>,
    /// How it went over time, where something changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
    /// Whether every request is accounted for.
    pub conservation: Conservation,
    /// The figures of single replications, where they are asked for ([`Summary::with_replications`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replications: Vec<SingleRun>,
    /// What pictures are drawn from, where it is asked for ([`Summary::with_series`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Series>,
    /// Who leads to whom, as written; for pictures.
    #[serde(skip)]
    pub topology: crate::scenario::Topology,
}
/// Whether a count is left out, because there is nothing of it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(crate) fn nothing(count: &u64) -> bool {
    *count == 0
}
