//! Figures of topics, groups and queues.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Distribution, Estimate};

/// What happened to the records of a topic.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Topic {
    /// Records published in the measured time.
    pub published: u64,
    /// Records per batch.
    pub batch_size: Estimate,
    /// Batches that arrived at the broker, per second.
    pub batches_per_s: Estimate,
    /// Records lost with the leader that alone had them.
    #[serde(default, skip_serializing_if = "crate::experiment::summary::nothing")]
    pub lost: u64,
    /// By group.
    pub groups: BTreeMap<String, Group>,
}

/// What a group did with the records of its topic.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Group {
    /// Records it got past, each counted once.
    pub consumed: u64,
    /// Records it got past once more.
    pub duplicates: u64,
    /// Records it never worked on to the end: deleted for their age, or committed before a crash.
    pub skipped: u64,
    /// Records it was not past at the end of the measured time.
    pub lag_at_end: u64,
    /// Records published in the measured time that it was not past when the run stopped.
    #[serde(default)]
    pub unanswered: u64,
    /// How long ago the oldest of them was published, s; `None` without any.
    pub oldest_unanswered_s: Option<f64>,
    /// Most records at once that it was not past.
    pub max_lag: u64,
    /// Records that it was not past, time average.
    pub mean_lag: Estimate,
    /// From publishing until a record is handled for the first time, or given up.
    pub delay_ms: Distribution,
    /// How often its partitions were given to its members anew.
    pub rebalances: u64,
    /// The highest lag in each stretch of the measured time, mean over replications; for charts.
    #[serde(skip)]
    pub timeline: Vec<Depth>,
}

/// What happened to the messages of a queue. Those count that came to it in the measured time:
/// published = acked + `dead_lettered` + dropped + expired + `ready_at_end` + `unacked_at_end`. What waits for room at the
/// door of a full queue (`blocked_at_end`) is not published yet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Queue {
    /// Messages the queue took.
    pub published: u64,
    /// Deliveries to consumers.
    pub delivered: u64,
    /// Messages done with.
    pub acked: u64,
    /// Deliveries of messages that had been delivered before.
    pub redelivered: u64,
    /// Messages that went to the dead letters.
    pub dead_lettered: u64,
    /// Messages given up without dead letters.
    pub dropped: u64,
    /// Messages turned away because the queue was full; not published.
    pub rejected: u64,
    /// Messages that found the broker down; not published.
    #[serde(default)]
    pub lost: u64,
    /// Messages that were too old.
    pub expired: u64,
    /// Messages ready for delivery when the run stopped.
    pub ready_at_end: u64,
    /// Messages with consumers when the run stopped.
    pub unacked_at_end: u64,
    /// Both: not done with when the run stopped.
    #[serde(default)]
    pub unanswered: u64,
    /// How long ago the oldest of them had come, s; `None` without any.
    pub oldest_unanswered_s: Option<f64>,
    /// Messages whose senders waited for room when the run stopped; not published yet.
    #[serde(default)]
    pub blocked_at_end: u64,
    /// Messages whose senders wait for room, time average.
    #[serde(default)]
    pub mean_blocked: Estimate,
    /// Most messages whose senders waited for room at once.
    #[serde(default)]
    pub max_blocked: u64,
    /// Messages ready for delivery, time average.
    pub mean_depth: Estimate,
    /// Messages with consumers, time average.
    #[serde(default)]
    pub mean_unacked: Estimate,
    /// Most messages ready at once.
    pub max_depth: u64,
    /// From being ready until a consumer begins with it.
    pub wait_ms: Distribution,
    /// Messages ready over time; for charts.
    #[serde(skip)]
    pub timeline: Vec<Depth>,
}

/// Messages ready in one stretch of the measured time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Depth {
    /// Its begin, s from the start of the measured time.
    pub from_s: f64,
    /// Its length, s.
    pub width_s: f64,
    /// The time average, and the mean over replications.
    pub ready: f64,
}
