//! Whether a run agrees with theory.
//!
//! A figure passes when it is within three standard errors of the run (and of the reference, where that is itself
//! simulated) or within a small floor, whichever is more: 1 % for means and probabilities, 2 % for p99 and variances, 4 % for
//! p99.9 and under heavy tails (25 % for their variances), 2, 4 and 6 % against another simulator, 0.1 % for identities.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::figure::{Figure, Mode, Seen};
use super::record::{Kind, Record};
use crate::experiment::summary::Summary;

/// 97.5 % point of Student's t for the replications behind the references (8 to 24 of them).
const REFERENCE_T: f64 = 2.2;

/// The least that a share may be off.
const LEAST_SHARE: f64 = 1e-5;

/// Which way a figure may be off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    /// When it should be equal.
    Equal,
    /// When it must not be above.
    AtMost,
    /// When it must not be below.
    AtLeast,
}

/// What was found of one figure.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The model.
    pub model: String,
    /// The case (`mm1/2`).
    pub case: String,
    /// The figure, as theory calls it.
    pub metric: String,
    /// What the run says; not a number where it says nothing.
    pub found: f64,
    /// What theory says.
    pub expected: f64,
    /// How far apart they may be.
    pub allowed: f64,
    /// Which way.
    pub sense: Sense,
    /// Whether they agree.
    pub passed: bool,
    /// Why nothing was found.
    pub trouble: Option<String>,
}

impl Judgement {
    /// How far off, in the direction that matters.
    pub fn deviation(&self) -> f64 {
        match self.sense {
            Sense::Equal => (self.found - self.expected).abs(),
            Sense::AtMost => (self.found - self.expected).max(0.0),
            Sense::AtLeast => (self.expected - self.found).max(0.0),
        }
    }

    /// The deviation in units of what is allowed: above 1 it failed.
    pub fn strain(&self) -> f64 {
        match self.deviation() {
            0.0 => 0.0,
            off if off.is_nan() => f64::INFINITY,
            off => off / self.allowed,
        }
    }
}

/// What a run says on a case, figure by figure.
pub fn judge(record: &Record, summary: &Summary) -> Vec<Judgement> {
    let readings = record.asks.readings(Seen(summary));
    let t = student(summary);
    let one = |metric: &String| match readings.iter().find(|(name, ..)| name == metric) {
        Some((_, figure, mode)) => weigh(record, metric, *figure, *mode, t),
        None => nothing(record, metric, "no reading"),
    };
    record.expected.keys().map(one).collect()
}

/// A case whose run failed.
pub(super) fn refused(record: &Record, trouble: &str) -> Vec<Judgement> {
    record.expected.keys().map(|metric| nothing(record, metric, trouble)).collect()
}

/// What turns half-widths of the run into standard errors.
fn student(summary: &Summary) -> f64 {
    let freedom = f64::from(summary.run.replications.max(2) - 1);
    let point = f64::midpoint(1.0, summary.run.confidence);
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::NAN, |t| t.inverse_cdf(point))
}

fn nothing(record: &Record, metric: &str, trouble: &str) -> Judgement {
    Judgement { trouble: Some(trouble.to_owned()), ..said(record, metric, f64::NAN) }
}

fn said(record: &Record, metric: &str, found: f64) -> Judgement {
    Judgement {
        model: record.model.clone(),
        case: record.id.clone(),
        metric: metric.to_owned(),
        found,
        expected: record.reference.get(metric).map_or(record.expected[metric], |(value, _)| *value),
        allowed: 0.0,
        sense: Sense::Equal,
        passed: false,
        trouble: None,
    }
}

/// Compares one figure.
pub(super) fn weigh(record: &Record, metric: &str, figure: Figure, mode: Mode, t: f64) -> Judgement {
    if !figure.value.is_finite() || figure.half.is_nan() {
        return nothing(record, metric, "the run has no such figure");
    }
    let mut judgement = said(record, metric, figure.value);
    let error = figure.half / t;
    let e = judgement.expected;
    (judgement.sense, judgement.allowed) = match mode {
        Mode::AtMost(slack) => (Sense::AtMost, (3.0 * error).max(slack * e.abs())),
        Mode::AtLeast(slack) => (Sense::AtLeast, (3.0 * error).max(slack * e.abs())),
        Mode::Near(share) => (Sense::Equal, share * e.abs()),
        Mode::Within(much) => (Sense::Equal, much),
        Mode::Equal(floor) => (Sense::Equal, tolerance(record, metric, e, error, floor)),
    };
    judgement.passed = judgement.deviation() <= judgement.allowed;
    judgement
}

/// What a figure compared by interval may be off.
fn tolerance(record: &Record, metric: &str, expected: f64, error: f64, floor: Option<f64>) -> f64 {
    let reference = record.reference.get(metric).map_or(0.0, |(_, half)| half / REFERENCE_T);
    // 99.9 % is not "within 1 %" of 99 %: a good share is measured by what is missing.
    let scale = if is_success(metric) && expected > 0.9 { 1.0 - expected } else { expected.abs() };
    let mut allowed = (3.0 * error.hypot(reference)).max(floor.unwrap_or_else(|| floor_of(record, metric)) * scale);
    if is_share(metric) {
        allowed = allowed.max(LEAST_SHARE);
    }
    if expected == 0.0 {
        let scale = if metric.starts_with("wait") { record.expected.get("mean_sojourn") } else { None };
        allowed = allowed.max(0.01 * scale.copied().unwrap_or(0.1));
    }
    allowed
}

/// The relative floor of a metric.
fn floor_of(record: &Record, metric: &str) -> f64 {
    let (p999, p99, var) = (metric.contains("p999"), metric.contains("p99"), metric.contains("var"));
    match record.kind {
        Kind::Identity => 0.001,
        Kind::Simulation if p999 => 0.06,
        Kind::Simulation if p99 => 0.04,
        Kind::Simulation => 0.02,
        _ if record.asks.is_heavy() => {
            if var {
                0.25
            } else {
                0.04
            }
        }
        _ if p999 => 0.04,
        _ if p99 || var => 0.02,
        _ => 0.01,
    }
}

fn is_success(metric: &str) -> bool {
    ["success", "p_success", "availability"].iter().any(|start| metric.starts_with(start))
}

fn is_share(metric: &str) -> bool {
    is_success(metric) || ["p_", "frac_", "arrival_p", "time_p"].iter().any(|start| metric.starts_with(start))
}
