//! What was found, and what it breaks.

use serde::Serialize;

use super::cast::Candidate;
use crate::experiment::summary::{Estimate, Outcome, Summary};
use crate::scenario::written::Fault;
use crate::stats::share_of_windows;
use crate::units::Span;

/// What a fault breaks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Broken {
    /// Whose requests, or what else is promised something.
    pub of: String,
    /// The promise; `None`: it is never recovered from.
    pub promise: Option<String>,
    /// What it says, such as `p99 < 400ms`; nothing of what is never recovered from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
    /// What was measured of it, in the unit of the promise; of what is never recovered from, the share of runs.
    pub measured: Estimate,
}

/// The smallest fault that breaks something.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// What goes wrong.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// When, s from the start of the measured time.
    pub at_s: f64,
    /// For how long, s.
    pub length_s: f64,
    /// Replica-seconds that it takes away.
    pub size: f64,
    /// What it breaks.
    pub breaks: Broken,
    /// A tenth shorter, what becomes of the same promise on the same seeds; `None` where that was not run.
    pub smaller: Option<Outcome>,
    /// What was measured of it then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smaller_measured: Option<Estimate>,
    /// With one replica less, the same; `None` where that was not run, or cannot be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fewer: Option<Outcome>,
    /// Whether it was held to fresh seeds.
    pub confirmed: bool,
}

impl Found {
    /// The fault.
    pub fn fault(&self) -> Fault {
        self.candidate.fault(Span::from_secs_f64(self.at_s), Span::from_secs_f64(self.length_s))
    }
}

/// What a run with a fault breaks: the first of these promises that fails, or else whoever never recovers.
pub(super) fn broken(summary: &Summary, promises: &[String]) -> Option<Broken> {
    let fails =
        |slo: &&crate::experiment::summary::Verdict| slo.verdict == Outcome::Failed && promises.contains(&slo.name);
    if let Some(slo) = summary.slos.iter().find(fails) {
        let (of, expect) = (slo.of.clone(), Some(slo.expect.clone()));
        return Some(Broken { of, promise: Some(slo.name.clone()), expect, measured: slo.measured });
    }
    let recovery = summary.faults.first().map(|fault| &fault.recovery_s)?;
    recovery.iter().find_map(|(of, recovery)| {
        let runs = f64::from(summary.run.replications);
        let seen = (runs * (1.0 - recovery.not_seen.unwrap_or(0.0))).round();
        let down = (seen * (1.0 - recovery.share_recovered?)).round();
        let share = share_of_windows(down as u64, runs as u64, summary.run.confidence);
        let surely = share.low.is_some_and(|low| low > HALF);
        surely.then(|| Broken { of: of.clone(), promise: None, expect: None, measured: share })
    })
}

/// Whether most runs end before somebody could be seen to recover.
pub(super) fn ends_too_soon(summary: &Summary) -> bool {
    let recovery = summary.faults.first().map(|fault| &fault.recovery_s);
    recovery.is_some_and(|all| all.values().any(|recovery| recovery.not_seen.is_some_and(|share| share > HALF)))
}

/// Half of the runs.
const HALF: f64 = 0.5;
