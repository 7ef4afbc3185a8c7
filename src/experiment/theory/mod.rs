//! Runs against queueing theory: known answers, the scenarios that ask for them, and the judgement on what a run found.
//!
//! `data.json` holds the cases: parameters, expected figures (times in seconds, rates per second), and where they come from.
//! Each model of a group file writes its scenario in the public vocabulary and says where the answer stands in a [`Summary`];
//! [`judge`] compares by the run's own intervals. Figures that no run shows (inputs, sojourn by size of work, replicas by
//! length of their line) are not carried.
//!
//! The tolerance is three standard errors, so a few of a thousand right figures fall outside by chance: one that does is
//! asked again with another seed ([`recheck`]) before it is called a bug, and [`BAR`] of all must pass at the first try.

mod arrivals;
mod balance;
mod calls;
mod judge;
mod networks;
mod orders;
mod record;
mod sheet;
mod single;
mod study;

pub use judge::{Judgement, Sense, judge};
pub use record::{Kind, Record};
pub use study::{Validation, Wanted, study};

use super::{figure, summary::Summary};

/// The share of figures that must pass at the first try.
pub const BAR: f64 = 0.98;

/// Runs a scenario text.
pub type Run<'a> = &'a dyn Fn(&str) -> Result<Summary, String>;

/// How one model fared.
#[derive(Clone, Debug)]
pub struct Row {
    /// The model.
    pub model: String,
    /// Cases judged.
    pub cases: usize,
    /// Figures judged.
    pub metrics: usize,
    /// Of these, right.
    pub passed: usize,
    /// The figure that came nearest to its tolerance, or passed it by most.
    pub worst: Option<Judgement>,
}

/// The cases of these models, or all.
pub fn records(models: Option<&[&str]>) -> Vec<Record> {
    let mut all = record::read();
    all.retain(|r| models.is_none_or(|names| names.contains(&r.model.as_str())));
    all
}

/// One case by its name (`mm1/2`).
pub fn record(id: &str) -> Option<Record> {
    record::read().into_iter().find(|r| r.id == id)
}

/// The names of all models, in the order of the table.
pub fn models() -> Vec<String> {
    let mut names: Vec<String> = record::read().into_iter().map(|r| r.model).collect();
    names.dedup();
    names
}

/// The scenario of a case, with about so many arrivals per replication.
pub fn scenario(record: &Record, arrivals: u64, seed: u64) -> String {
    record.write(arrivals, seed)
}

/// Runs one case and judges it; a run that fails fails every figure.
pub fn examine(record: &Record, arrivals: u64, seed: u64, run: Run<'_>) -> Vec<Judgement> {
    match run(&scenario(record, arrivals, seed)) {
        Ok(summary) => judge(record, &summary),
        Err(trouble) => judge::refused(record, &trouble),
    }
}

/// Runs and judges the cases of these models, or all.
pub fn validate(models: Option<&[&str]>, arrivals: u64, seed: u64, run: Run<'_>) -> Vec<Judgement> {
    records(models).iter().flat_map(|r| examine(r, arrivals, seed, run)).collect()
}

/// Asks again, with another seed, for the figures that failed; what fails here too is a bug.
pub fn recheck(judgements: &[Judgement], arrivals: u64, seed: u64, run: Run<'_>) -> Vec<Judgement> {
    let failed =
        |case: &str, metric: &str| judgements.iter().any(|j| !j.passed && j.case == case && j.metric == metric);
    let again = records(None).into_iter().filter(|r| judgements.iter().any(|j| !j.passed && j.case == r.id));
    again.flat_map(|r| examine(&r, arrivals, seed, run)).filter(|j| failed(&j.case, &j.metric)).collect()
}

/// The judgements model by model, in the order they came.
pub fn table(judgements: &[Judgement]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut last = "";
    for judgement in judgements {
        let index = rows.iter().position(|r| r.model == judgement.model).unwrap_or_else(|| {
            rows.push(Row { model: judgement.model.clone(), cases: 0, metrics: 0, passed: 0, worst: None });
            rows.len() - 1
        });
        rows[index].add(judgement, judgement.case != last);
        last = &judgement.case;
    }
    rows
}

impl Row {
    fn add(&mut self, judgement: &Judgement, new_case: bool) {
        self.cases += usize::from(new_case);
        self.metrics += 1;
        self.passed += usize::from(judgement.passed);
        if self.worst.as_ref().is_none_or(|w| judgement.strain() > w.strain()) {
            self.worst = Some(judgement.clone());
        }
    }
}

#[cfg(test)]
mod tests;
