//! The simulator held against all that theory knows the answer to.

use super::{Judgement, Row, examine, models, recheck, records, table};
use crate::experiment::run::{Watch, run};
use crate::experiment::study::Trouble;
use crate::experiment::summary::Summary;
use crate::{diag, scenario};

/// Arrivals per replication of a case: the full set, the short one.
const ARRIVALS: [u64; 2] = [400_000, 100_000];

/// What is asked of theory.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'a> {
    /// Models such as `mm1`; none: all of them.
    pub models: &'a [String],
    /// Every case, not the first and the last of each model alone.
    pub full: bool,
    /// Threads; `None`: all cores.
    pub jobs: Option<usize>,
}

/// How the simulator agrees with theory.
#[derive(Clone, Debug)]
pub struct Validation {
    /// Model by model.
    pub rows: Vec<Row>,
    /// Every figure with the first seed.
    pub first: Vec<Judgement>,
    /// Those that failed, with the second: a figure counts as wrong when it fails with both.
    pub again: Vec<Judgement>,
}

/// Runs the models that theory knows the answer to, and asks again for what failed.
pub fn study(wanted: &Wanted<'_>, watch: &dyn Watch) -> Result<Validation, Trouble> {
    let known = models();
    if let Some(unknown) = wanted.models.iter().find(|m| !known.contains(m)) {
        return Err(Trouble::Absent(format!("no model `{unknown}`; there are {}", known.join(", "))));
    }
    let names: Vec<&str> = wanted.models.iter().map(String::as_str).collect();
    let mut cases = records((!names.is_empty()).then_some(&names));
    if !wanted.full {
        // The first and the last case of each model: the easy end and the hard one.
        let model = |at: Option<usize>| at.and_then(|at| cases.get(at)).map(|case| case.model.clone());
        let end = |at: usize| model(at.checked_sub(1)) != model(Some(at)) || model(Some(at + 1)) != model(Some(at));
        let mut ends: Vec<bool> = (0..cases.len()).map(end).collect();
        cases.retain(|_| ends.remove(0));
    }
    let arrivals = ARRIVALS[usize::from(!wanted.full)];
    let run = |text: &str| simulate(text, wanted.jobs);
    let mut first = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        if watch.stopped() {
            return Err(Trouble::Interrupted);
        }
        first.extend(examine(case, arrivals, 1, &run));
        watch.advanced((at + 1) as f64 / cases.len() as f64);
    }
    let again = recheck(&first, arrivals, 2, &run);
    Ok(Validation { rows: table(&first), first, again })
}

fn simulate(text: &str, jobs: Option<usize>) -> Result<Summary, String> {
    let source = scenario::Source::text("theory", text);
    let checked = scenario::load(&source, &[]).map_err(|r| diag::render(&r.complaints, &r.source, false))?;
    run(&checked, jobs, &()).map_err(|_| "interrupted".to_owned())
}
