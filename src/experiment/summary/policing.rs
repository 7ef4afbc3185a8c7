//! Figures of policies.

use serde::{Deserialize, Serialize};

use super::Estimate;

/// What the policies of an edge did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Policing {
    /// Its circuit breakers, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerFigures>,
    /// Tries after a failure.
    pub retries: u64,
    /// Tries beside a slow one.
    pub hedges: u64,
    /// Retries that the budget refused.
    pub budget_refused: u64,
    /// Tries that the caller's own policies refused: rate limit, bulkhead, breaker, throttle, concurrency limit.
    pub limited: u64,
    /// Replicas that a caller left out because they failed it (outlier detection).
    pub ejections: u64,
}

/// What circuit breakers did in the measured time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BreakerFigures {
    /// How often one opened, over all replications.
    pub opened: u64,
    /// How often one opens, per second, all of them together.
    pub trips_per_s: Estimate,
    /// Share of time open, of the average breaker.
    pub open_share: Estimate,
    /// Share of time half-open, of the average breaker.
    pub half_open_share: Estimate,
}
