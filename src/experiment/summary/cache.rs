//! What looks into a cache found.

use serde::{Deserialize, Serialize};

use super::Estimate;

/// What looks into a cache found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CacheFigures {
    /// Looks that found what they looked for.
    pub hits: u64,
    /// Looks that did not, or could not be made.
    pub misses: u64,
    /// Share of hits.
    pub hit_rate: Estimate,
}

/// What reads of a database saw whose replicas lag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReplicationFigures {
    /// Reads.
    pub reads: u64,
    /// Those that a replica answered which did not show all that was written.
    pub stale_reads: u64,
    /// Their share.
    pub stale_share: Estimate,
}
