//! Results that were kept: read back, and held against each other, or against a run.
//!
//! Two results are paired where both say what each of their replications did (`--per-replication`) and have the same seed;
//! the figures are then those that `compare` gives of the scenarios themselves, to the digit. Otherwise figure stands
//! against figure, by Welch's t ("unpaired").
//!
//! `run --baseline OLD.json --fail-on-regression 5%` fails (exit code 99) where a latency, the share of successes or the throughput of
//! any client or flow is worse by more than that, beyond what chance does in as many figures; and where there is nothing to judge: no
//! client in common, or no difference with an interval, as of a single replication.

use std::fmt;

use serde::Serialize;

use super::{Comparison, Difference, Figures, Pairing, Verdict, held};
use crate::experiment::estimate::CONFIDENCE;
use crate::experiment::summary::Summary;
use crate::stats::holm;

/// Holds results against the first of them; they are called by their variants. What differs besides is noted.
///
/// ```
/// use hoptax::Summary;
/// use hoptax::experiment::compare::stored;
///
/// let text = "version = 1\nsim = { duration = \"1s\", warmup = \"0s\", replications = 3 }\n\
///             [clients.users]\ncalls = \"web\"\nrate = \"50/s\"\n[services.web]\nwork = \"4ms\"\n";
/// let run = hoptax::Scenario::parse(text)?.run()?.with_replications();
/// let kept = Summary::stored(&serde_json::to_string(&run)?)?;
/// let comparison = stored(&kept[0], &[run]);
/// assert!(comparison.others[0].clients["users"].p99_ms.difference.value == Some(0.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn stored(base: &Summary, others: &[Summary]) -> Comparison {
    let can = others.iter().all(|other| paired(base, other));
    let notes = others.iter().flat_map(|other| differs(base, other)).collect();
    held(base, others, (Vec::new(), notes), if can { Pairing::Replications } else { Pairing::None })
}

fn paired(one: &Summary, other: &Summary) -> bool {
    let whole = one.has_replications() && other.has_replications();
    whole && one.run.seed == other.run.seed && one.run.seeds == other.run.seeds
}

/// What is not the same in both, besides what is compared; and why they are not paired.
fn differs(base: &Summary, other: &Summary) -> Vec<String> {
    let name = super::name(other);
    let mut notes = Vec::new();
    let mut note = |text: String| notes.push(format!("{name}: {text}"));
    let (one, two) = (&base.run, &other.run);
    if base.scenario.hash != other.scenario.hash {
        note(format!("another scenario: hash {}, not {}", short(&other.scenario.hash), short(&base.scenario.hash)));
    }
    if one.duration_s != two.duration_s {
        note(format!("measured for {} s, not {} s", two.duration_s, one.duration_s));
    }
    if one.warmup_s != two.warmup_s {
        note(format!("warm-up of {} s, not {} s", two.warmup_s, one.warmup_s));
    }
    if one.seed != two.seed {
        note(format!("seed {}, not {}: not paired", two.seed, one.seed));
    }
    if one.replications != two.replications {
        note(format!("{} replications, not {}: not paired", two.replications, one.replications));
    }
    if base.tool.version != other.tool.version {
        note(format!("by version {}, not {}", other.tool.version, base.tool.version));
    }
    if one.seed == two.seed && !(base.has_replications() && other.has_replications()) {
        note(
            "not paired: run both with --per-replication, and their replications can be held against each other".into(),
        );
    }
    notes
}

fn short(hash: &str) -> String {
    hash.chars().take(8).collect()
}

/// A figure that became worse.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Regression {
    /// The client or flow.
    pub of: String,
    /// `mean_ms`, `p50_ms`, `p99_ms`, `success_rate` or `throughput_per_s`.
    pub figure: &'static str,
    /// From what to what.
    pub difference: Difference,
    /// How much worse as a share of what it was; `None`: it lies among the failed now.
    pub worse: Option<f64>,
}

impl fmt::Display for Regression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.worse {
            Some(worse) => write!(f, "{} of {} is {:.1} % worse", self.figure, self.of, worse * 100.0),
            None => write!(f, "{} of {} lies among the failed", self.figure, self.of),
        }
    }
}

/// What became worse by more than so large a share, and beyond what chance does in as many figures as were looked at (Holm).
/// Slower is worse, and so is a smaller share of successes or fewer of them.
pub fn regressions(comparison: &Comparison, allowed: f64) -> Vec<Regression> {
    let figures = comparison.others.iter().flat_map(super::Versus::all);
    let all: Vec<(&String, &'static str, &Difference)> =
        figures.flat_map(|(_, of, figures)| figures.all().map(|(figure, found)| (of, figure, found))).collect();
    let stand = holm(&all.iter().map(|(.., found)| found.chance).collect::<Vec<_>>(), CONFIDENCE);
    let judged = all.into_iter().zip(stand).filter_map(|((of, figure, found), stands)| {
        let bad = if figure.ends_with("_ms") { Verdict::Higher } else { Verdict::Lower };
        let gone = found.never == [false, true];
        let worse = found.relative.map(f64::abs).filter(|share| *share > allowed);
        let is = gone || (stands && found.verdict == bad && worse.is_some());
        is.then(|| Regression { of: of.clone(), figure, difference: *found, worse: worse.filter(|_| !gone) })
    });
    judged.collect()
}

/// Clients and flows of which nobody can say whether they became slower: requests there were, and neither mean nor percentile has an
/// interval of its difference, or lies among the failed on one side alone.
pub fn unjudged(comparison: &Comparison) -> Vec<String> {
    let told = |found: &Difference| found.chance.is_some() || found.never.contains(&true);
    let times = |figures: &Figures| [figures.mean_ms, figures.p50_ms, figures.p99_ms];
    let there = |found: &Difference| found.base.value.is_some() || found.other.value.is_some();
    let open = |figures: &Figures| times(figures).iter().any(there) && !times(figures).iter().any(told);
    let all = comparison.others.iter().flat_map(super::Versus::all);
    all.filter(|(.., figures)| open(figures)).map(|(_, of, _)| of.clone()).collect()
}
