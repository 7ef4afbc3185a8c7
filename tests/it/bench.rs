//! The test bench: scenarios as text in, figures out.

use hoptax::experiment;
use hoptax::experiment::summary::Summary;
use hoptax::model::Plan;
use hoptax::scenario::{Checked, Source, load, lower};

/// Reads and checks a scenario that is meant to be right.
pub(crate) fn checked(text: &str) -> Checked {
    match load(&Source::text("test.toml", text), &[]) {
        Ok(checked) => checked,
        Err(rejected) => panic!("{}\n{text}", hoptax::diag::render(&rejected.complaints, &rejected.source, false)),
    }
}

/// The plan of a scenario.
pub(crate) fn plan(text: &str) -> Plan {
    lower(&checked(text))
}

/// Runs a scenario on so many threads.
pub(crate) fn run_on(jobs: usize, text: &str) -> Summary {
    experiment::run(&checked(text), Some(jobs), &()).unwrap_or_else(|failure| panic!("{failure:?}\n{text}"))
}

/// Runs a scenario.
pub(crate) fn run(text: &str) -> Summary {
    run_on(1, text)
}
