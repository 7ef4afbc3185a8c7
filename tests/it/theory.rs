//! The machine against queueing theory: a short set, one or two cases of every model. The full set is `hoptax validate`.

use hoptax::experiment::summary::Summary;
use hoptax::experiment::theory::{self, BAR, Judgement};

use crate::bench;

/// Arrivals per replication: enough for the intervals to mean something, few enough for a test.
const ARRIVALS: u64 = 60_000;

#[expect(clippy::unnecessary_wraps, reason = "the shape that theory asks for")]
fn run(text: &str) -> Result<Summary, String> {
    Ok(bench::run(text))
}

/// Judges the cases; a figure that fails must pass with another seed, and nearly all must pass at once.
fn agree(cases: &[&str]) {
    let records = cases.iter().map(|id| theory::record(id).unwrap_or_else(|| panic!("no case {id}")));
    let judgements: Vec<Judgement> = records.flat_map(|r| theory::examine(&r, ARRIVALS, 1, &run)).collect();
    let failed: Vec<String> = judgements.iter().filter(|j| !j.passed).map(told).collect();
    let passed = (judgements.len() - failed.len()) as f64;
    assert!(passed >= BAR * judgements.len() as f64, "of {} figures:\n{}", judgements.len(), failed.join("\n"));
    let again = theory::recheck(&judgements, ARRIVALS, 2, &run);
    let stubborn: Vec<String> = again.iter().filter(|j| !j.passed).map(told).collect();
    assert!(stubborn.is_empty(), "failed with two seeds:\n{}", stubborn.join("\n"));
}

fn told(j: &Judgement) -> String {
    let why = j.trouble.as_deref().unwrap_or_default();
    format!("{} {}: {:.6} for {:.6} (allowed {:.2e}) {why}", j.case, j.metric, j.found, j.expected, j.allowed)
}

#[test]
fn one_station() {
    agree(&[
        "mm1/1",
        "mm1/2",
        "mmc/0",
        "mmc/1",
        "mmck/0",
        "mmck/3",
        "erlang_b/0",
        "erlang_b/3",
        "mminf/0",
        "mminf/1",
        "mg1/1",
        "mg1/3",
        "mg1/10",
        "mdc/0",
        "mdc/1",
        "pasta/1",
    ]);
}

#[test]
fn other_arrivals_and_orders() {
    agree(&[
        "gim1/0",
        "gim1/5",
        "gg1_kingman/0",
        "gg1_kingman/3",
        "batch_mm1/0",
        "batch_mm1/2",
        "mmpp_m1/0",
        "mg1_ps/0",
        "mg1_ps/3",
        "mg1_lifo/0",
        "mg1_lifo/2",
        "mg1_lifo/3",
        "mg1_priority/0",
        "mg1_priority/2",
        "erlang_a/0",
        "erlang_a/2",
    ]);
}

#[test]
fn several_stations() {
    agree(&[
        "tandem_mm1/0",
        "tandem_mm1/2",
        "tandem_det/1",
        "jackson_open/0",
        "jackson_open/2",
        "closed_mva/0",
        "closed_mva/3",
        "fork_join/0",
        "fork_join/4",
        "little_util/0",
        "little_util/1",
    ]);
}

#[test]
fn calls_that_hold_add_up_and_race() {
    agree(&[
        "nested_chain_exp/0",
        "nested_chain_exp/3",
        "nested_chain_general/0",
        "nested_chain_general/1",
        "fanout_max/0",
        "fanout_max/2",
        "quorum_kofn/0",
        "quorum_kofn/3",
        "serial_sum/0",
        "serial_sum/4",
    ]);
}

#[test]
fn replicas() {
    agree(&["lb_compare/0", "lb_compare/1", "lb_compare/2", "power_of_d/0", "jsq2/0", "jsq2/1"]);
}
