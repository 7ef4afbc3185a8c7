//! The test bench: scenarios as text in, figures out.

use hoptax::experiment;
use hoptax::experiment::summary::Summary;
use hoptax::machine::{Finished, Machine};
use hoptax::model::{Aside, Plan, Probe};
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

/// One replication of a plan from its beginning to its end, and who listened. Behind a pointer, for a machine of its own for each
/// probe of these tests would be built longer than they run.
pub(crate) fn ended<P: Probe>(plan: &Plan, seed: u64, mut probe: P) -> Finished<P> {
    let Finished { events, stop, at, at_rest, .. } = Machine::new(plan, seed, Aside(&mut probe)).run(|_| true);
    Finished { probe, events, stop, at, at_rest }
}

/// Runs a scenario on so many threads.
pub(crate) fn run_on(jobs: usize, text: &str) -> Summary {
    experiment::run(&checked(text), Some(jobs), &()).unwrap_or_else(|failure| panic!("{failure:?}\n{text}"))
}

/// Runs a scenario.
pub(crate) fn run(text: &str) -> Summary {
    run_on(1, text)
}

/// Compares two long texts; says where they part instead of printing both.
#[track_caller]
pub(crate) fn same(found: &str, expected: &str, what: &str) {
    if found == expected {
        return;
    }
    let short = |line: &str| line.chars().take(160).collect::<String>();
    let pairs = found.lines().zip(expected.lines()).enumerate();
    let parted = pairs.filter(|(_, (a, b))| a != b).take(5);
    let told: Vec<String> = parted.map(|(n, (a, b))| format!("{}: {}\n   not {}", n + 1, short(a), short(b))).collect();
    panic!("{what}: lines {} and {}\n{}", found.lines().count(), expected.lines().count(), told.join("\n"));
}
