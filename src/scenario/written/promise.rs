//! Promises as written.

use super::Given;

/// `[[slos]]`.
#[derive(Clone, Debug)]
pub struct Slo {
    /// Default: `of expect`.
    pub name: Given<String>,
    /// Client, endpoint, node or edge.
    pub of: Given<String>,
    /// The expression as written.
    pub expect: Given<String>,
    /// The expression as understood.
    pub promise: Promise,
    /// When it holds; `None`: always.
    pub scope: Option<Given<Scope>>,
}

/// When a promise holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// While no fault is on.
    OutsideFaults,
    /// While this fault is on.
    During(String),
    /// After this fault.
    AfterFault(String),
}

/// An SLO's expression as understood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Promise {
    /// The figure.
    pub metric: Metric,
    /// The comparison.
    pub sense: Sense,
    /// The bound, in the metric's own unit (ms, share, per second, count).
    pub bound: f64,
}

/// A figure an SLO may be about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// A latency percentile, ms; the value is the quantile (0.99).
    Percentile(f64),
    /// Mean latency, ms.
    Mean,
    /// Largest latency, ms.
    Max,
    /// Successes ÷ ended.
    SuccessRate,
    /// Failures ÷ ended.
    ErrorRate,
    /// Successes per second.
    Throughput,
    /// Busy ÷ workers; nodes only.
    Utilization,
    /// Time from a fault's end until a client is as well off as before, ms.
    RecoveryTime,
    /// Requests that reach a node per request of all clients.
    Amplification,
    /// Records that a group is not past, time average; groups only.
    Lag,
    /// Most records at once that a group is not past; groups only.
    MaxLag,
    /// Share of all ended requests that succeeded within so many ms.
    Good(f64),
}

/// The comparison of an SLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    /// `<`.
    Below,
    /// `<=`.
    AtMost,
    /// `>`.
    Above,
    /// `>=`.
    AtLeast,
}
