//! Where the time of requests went.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::model::Cause;

/// Milliseconds by cause, in the order of [`Cause::ALL`]; they add up, there is no "other".
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Parts(pub [f64; Cause::ALL.len()]);

impl Parts {
    /// The part of one cause, ms.
    pub fn of(&self, cause: Cause) -> f64 {
        self.0[cause as usize]
    }

    /// All parts, ms.
    pub fn sum(&self) -> f64 {
        self.0.iter().sum()
    }
}

impl Serialize for Parts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Cause::ALL.iter().map(|cause| (cause.word(), self.of(*cause))))
    }
}

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut parts = Self::default();
        for (word, figure) in BTreeMap::<String, f64>::deserialize(deserializer)? {
            let cause = Cause::ALL.iter().find(|cause| cause.word() == word);
            let cause = *cause.ok_or_else(|| de::Error::custom(format!("`{word}` is no cause of waiting")))?;
            parts.0[cause as usize] = figure;
        }
        Ok(parts)
    }
}

/// Half the widths of the intervals around parts, ms: those that are nothing are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Halves(pub Parts);

impl Serialize for Halves {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let some = Cause::ALL.iter().map(|cause| (cause.word(), self.0.of(*cause))).filter(|(_, half)| *half > 0.0);
        serializer.collect_map(some)
    }
}

/// How far off [`Columns`] may be: by Student's t over the replications, `None` of what not all of them show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Within {
    /// Of the mean request.
    pub mean_ms: Option<Halves>,
    /// Of requests around the median.
    pub p50_ms: Option<Halves>,
    /// Of requests around the 99th percentile.
    pub p99_ms: Option<Halves>,
    /// Of the sums of the three columns, ms.
    #[serde(default)]
    pub sum_ms: [Option<f64>; 3],
    /// Of what is not work in the mean request, ms.
    #[serde(default)]
    pub tax_ms: Option<f64>,
    /// Of what is not work, as a share of the mean request.
    #[serde(default)]
    pub tax_share: Option<f64>,
}

impl Within {
    /// The three of them, in the order of [`Columns`].
    pub fn columns(&self) -> [Option<&Parts>; 3] {
        [&self.mean_ms, &self.p50_ms, &self.p99_ms].map(|halves| halves.as_ref().map(|halves| &halves.0))
    }
}

/// Where the time of a client's requests went: the mean request, and the requests around the median and the 99th
/// percentile of latency (means over ranks 48–52 and 98.5–99.5 %).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Columns {
    /// Of the mean request.
    pub mean_ms: Parts,
    /// Of requests around the median.
    pub p50_ms: Parts,
    /// Of requests around the 99th percentile.
    pub p99_ms: Parts,
}

/// A client's ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ledger {
    /// Requests it is about.
    #[serde(default)]
    pub count: u64,
    /// Requests in the band around the median.
    #[serde(default)]
    pub p50_count: u64,
    /// Requests in the band around the 99th percentile.
    #[serde(default)]
    pub p99_count: u64,
    /// Over all nodes.
    #[serde(flatten)]
    pub total: Columns,
    /// How far off that may be, half the width of an interval each; `None` where a single replication was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Box<Within>>,
    /// The same by node.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub within_by_node: BTreeMap<String, Within>,
    /// By node; the client itself is one.
    pub by_node: BTreeMap<String, Columns>,
    /// The ledger of requests that failed, if any did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Box<Ledger>>,
}
