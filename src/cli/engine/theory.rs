//! The models of queueing theory, run and told.

use super::{Failure, Watch};
use crate::diag;
use crate::experiment;
use crate::experiment::summary::Summary;
use crate::experiment::theory::{self, Judgement, Sense};
use crate::report::theory::{Agreement, Asked, Compared};
use crate::scenario;

/// Arrivals per replication of a case: the full set, the short one.
const ARRIVALS: [u64; 2] = [400_000, 100_000];

/// Runs the models that theory knows the answer to; all cases where `full`.
pub(in crate::cli) fn theory(
    models: &[String],
    full: bool,
    jobs: Option<usize>,
    watch: &dyn Watch,
) -> Result<Vec<Agreement>, Failure> {
    let known = theory::models();
    if let Some(unknown) = models.iter().find(|m| !known.contains(m)) {
        return Err(Failure::Usage(format!("no model `{unknown}`; there are {}", known.join(", "))));
    }
    let names: Vec<&str> = models.iter().map(String::as_str).collect();
    let mut records = theory::records((!names.is_empty()).then_some(&names));
    if !full {
        // The first and the last case of each model: the easy end and the hard one.
        let ends: Vec<bool> = (0..records.len())
            .map(|at| {
                at == 0
                    || at + 1 == records.len()
                    || records[at - 1].model != records[at].model
                    || records[at + 1].model != records[at].model
            })
            .collect();
        let mut ends = ends.into_iter();
        records.retain(|_| ends.next().unwrap_or(true));
    }
    let arrivals = ARRIVALS[usize::from(!full)];
    let run = |text: &str| simulate(text, jobs);
    let mut judged = Vec::new();
    for (at, record) in records.iter().enumerate() {
        if watch.stopped() {
            return Err(Failure::Interrupted);
        }
        judged.extend(theory::examine(record, arrivals, 1, &run));
        watch.advanced((at + 1) as f64 / records.len() as f64);
    }
    let again = theory::recheck(&judged, arrivals, 2, &run);
    Ok(theory::table(&judged).iter().map(|row| agreement(row, &judged, &again)).collect())
}

fn simulate(text: &str, jobs: Option<usize>) -> Result<Summary, String> {
    let source = scenario::Source::text("theory", text);
    let checked = scenario::load(&source, &[]).map_err(|r| diag::render(&r.complaints, &r.source, false))?;
    experiment::run(&checked, jobs, &()).map_err(|_| "interrupted".to_owned())
}

/// A row of the table; a figure counts as wrong when it fails with two seeds.
fn agreement(row: &theory::Row, first: &[Judgement], again: &[Judgement]) -> Agreement {
    let same = |a: &Judgement, b: &Judgement| a.case == b.case && a.metric == b.metric;
    let asked = |judgement: &Judgement| {
        let second = again.iter().find(|other| same(judgement, other));
        Asked {
            first: compared(judgement),
            second: second.map(compared),
            agrees: second.is_some_and(|second| second.passed),
        }
    };
    Agreement {
        model: row.model.clone(),
        metrics: row.metrics as u32,
        passed: row.passed as u32,
        worst: row.worst.as_ref().map(compared),
        asked_again: first.iter().filter(|j| j.model == row.model && !j.passed).map(asked).collect(),
    }
}

fn compared(judgement: &Judgement) -> Compared {
    Compared {
        what: format!("{} {}", judgement.case, judgement.metric),
        expected: judgement.expected,
        actual: judgement.found,
        allowed: judgement.allowed,
        sense: match judgement.sense {
            Sense::Equal => '±',
            Sense::AtMost => '+',
            Sense::AtLeast => '−',
        },
        trouble: judgement.trouble.clone(),
    }
}
