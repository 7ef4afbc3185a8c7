//! Promises and what became of them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Estimate;

/// What an SLO asked for and what was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verdict {
    /// Its name (default: `of expect`).
    pub name: String,
    /// The client, endpoint, node or edge it is about.
    pub of: String,
    /// The expression as written.
    pub expect: String,
    /// When it holds, in words, where that is not always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The measured figure, in the expression's own unit (ms, share, per second, …).
    pub measured: Estimate,
    /// Of promises about requests: whether all that arrived are looked at, or only those that were answered well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
    /// Why nothing was measured: `beyond` where the quantile lies among those that failed or were never answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'static, str>>,
    /// Where nothing was measured: what it is at least, in the same unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// How many times as fast as allowed the error budget is used: the share of bad requests divided by the share that
    /// the promise allows. At 1 it lasts exactly as long as it is for. Only promises about shares of requests have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burn_rate: Option<Estimate>,
    /// Met, failed, undecided or no data.
    pub verdict: Outcome,
}

/// Over which requests a promise is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// When all that arrived are looked at; what failed, or was never answered, is slower than everything.
    Arrived,
    /// When those that were answered well are.
    Answered,
}

/// The verdict on an SLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// When the interval lies on the good side of the bound.
    Met,
    /// When the interval lies on the bad side of the bound.
    Failed,
    /// When the interval straddles the bound.
    Undecided,
    /// When there were no samples; it fails.
    NoData,
}
