//! The texts parse, the readings find their figures, right ones pass and wrong ones fail.

use std::collections::BTreeMap;

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::figure::{Figure, Mode, Seen};
use super::judge::{judge, weigh};
use super::*;
use crate::experiment::summary::{
    Conservation, Distribution, Estimate, InSystem, Node, Run, ScenarioRef, Stats, Summary, Tool,
};

/// Student's t of ten replications.
const T: f64 = 2.262;

fn about(value: f64, half: f64) -> Estimate {
    Estimate::around(value, half)
}

fn sure(value: f64) -> Estimate {
    about(value, 0.0)
}

fn blank() -> Summary {
    Summary {
        schema_version: 1,
        tool: Tool { name: "hoptax".into(), version: "0".into() },
        scenario: ScenarioRef { name: String::new(), hash: String::new(), variant: None },
        run: Run {
            seed: 1,
            replications: 10,
            duration_s: 100.0,
            warmup_s: 8.0,
            events: 0,
            confidence: 0.95,
            settled: None,
            state: None,
            rising: Vec::new(),
            note: "".into(),
            partial: false,
            unfinished_s: None,
            guard: None,
            camps: Vec::new(),
            enough: None,
            seeds: Vec::new(),
            overloaded: Vec::new(),
        },
        clients: BTreeMap::new(),
        flows: BTreeMap::new(),
        queues: BTreeMap::new(),
        topics: BTreeMap::new(),
        endpoints: BTreeMap::new(),
        edges: BTreeMap::new(),
        nodes: BTreeMap::new(),
        ledger: Default::default(),
        faults: Vec::new(),
        failing: Vec::new(),
        slos: Vec::new(),
        timeline: None,
        replications: Vec::new(),
        series: None,
        topology: Default::default(),
        conservation: Conservation::default(),
    }
}

/// A distribution in ms whose figures are all `value`.
fn flat(value: f64) -> Distribution {
    let e = sure(value);
    Distribution { count: 1000, mean: e, var: e, p50: e, p90: e, p95: e, p99: e, p999: e, ..Distribution::default() }
}

fn level(value: f64) -> Node {
    let e = sure(value);
    Node {
        arrivals: 1000,
        utilization: e,
        mean_busy: e,
        mean_working: e,
        mean_in_system: e,
        mean_queue: e,
        p_wait: e,
        p_full: e,
        in_system: InSystem { var: e, p50: e, p95: e, p99: e, p999: e },
        wait_ms: flat(value),
        sojourn_ms: flat(value),
        ..Node::default()
    }
}

fn names(scenario: &Table, table: &str) -> BTreeSet<String> {
    scenario[table].as_table().unwrap().keys().cloned().collect()
}

fn parsed(record: &Record) -> Table {
    let text = scenario(record, 40_000, 7);
    text.parse().unwrap_or_else(|e| panic!("{}: {e}\n{text}", record.id))
}

/// M/M/1 at ρ = 0.8 as theory has it, the mean sojourn (ms) aside.
fn mm1(mean_sojourn: Estimate) -> Summary {
    let e = record("mm1/2").unwrap().expected;
    let times = |prefix: &str, mean, var| Distribution {
        count: 1_000_000,
        mean,
        var,
        p50: sure(1e3 * e[&format!("{prefix}_p50")]),
        p95: sure(1e3 * e[&format!("{prefix}_p95")]),
        p99: sure(1e3 * e[&format!("{prefix}_p99")]),
        p999: sure(1e3 * e[&format!("{prefix}_p999")]),
        ..Distribution::default()
    };
    let station = Node {
        arrivals: 1_000_000,
        utilization: sure(e["utilization"]),
        mean_in_system: sure(e["mean_in_system"]),
        mean_queue: sure(e["mean_queue_len"]),
        p_wait: sure(e["p_wait"]),
        wait_ms: times("wait", sure(1e3 * e["mean_wait"]), sure(0.0)),
        sojourn_ms: times("sojourn", mean_sojourn, sure(1e6 * e["var_sojourn"])),
        ..Node::default()
    };
    Summary { nodes: [("station".to_owned(), station)].into(), ..blank() }
}

fn failed(summary: &Summary) -> Vec<String> {
    let judgements = judge(&record("mm1/2").unwrap(), summary);
    judgements.into_iter().filter(|j| !j.passed).map(|j| j.metric).collect()
}

#[test]
fn every_case_writes_a_scenario_that_parses() {
    for record in records(None) {
        let scenario = parsed(&record);
        assert_eq!(scenario["sim"]["replications"], Value::Integer(10), "{}", record.id);
        assert_eq!(scenario["sim"]["seed"], Value::Integer(7), "{}", record.id);
        assert_eq!(scenario["defaults"]["transport"].as_str(), Some("free"), "{}", record.id);
    }
}

#[test]
fn every_expected_figure_is_read_from_a_node_or_client_of_the_scenario() {
    for record in records(None) {
        let scenario = parsed(&record);
        let stats = Stats {
            arrived: 1000,
            throughput_per_s: sure(0.5),
            success_rate: sure(0.5),
            latency_ms: flat(0.5),
            ..Stats::default()
        };
        let summary = Summary {
            nodes: names(&scenario, "services").into_iter().map(|n| (n, level(0.5))).collect(),
            clients: names(&scenario, "clients").into_iter().map(|n| (n, stats.clone())).collect(),
            ..blank()
        };
        for judgement in judge(&record, &summary) {
            assert!(judgement.found.is_finite(), "{} {}", record.id, judgement.metric);
            assert_eq!(judgement.trouble, None, "{} {}", record.id, judgement.metric);
        }
    }
}

#[test]
fn models_and_cases_are_all_there() {
    assert_eq!(models().len(), 30);
    assert_eq!(records(None).len(), 152);
    assert_eq!(records(Some(&["mm1", "jsq2"])).len(), 7);
    assert!(record("mm1/99").is_none());
    assert!(records(None).iter().all(|r| r.id.starts_with(&format!("{}/", r.model)) && !r.source.is_empty()));
}

#[test]
fn exact_figures_pass_and_others_fail() {
    assert_eq!(failed(&mm1(sure(50.0))), Vec::<String>::new());
    assert_eq!(failed(&mm1(sure(50.4))), Vec::<String>::new(), "within 1 %");
    assert_eq!(failed(&mm1(sure(50.6))), ["mean_sojourn"], "beyond 1 %");
    assert_eq!(failed(&mm1(about(52.0, 0.99 * T))), Vec::<String>::new(), "within three standard errors");
    assert_eq!(failed(&mm1(about(52.0, 0.6 * T))), ["mean_sojourn"], "beyond three standard errors");
    assert_eq!(failed(&mm1(Estimate::default())), ["mean_sojourn"], "no figure");
}

#[test]
fn a_figure_without_interval_is_judged_by_its_samples() {
    let unsure = Estimate { value: Some(50.6), ..Estimate::default() };
    assert_eq!(failed(&mm1(unsure)), ["mean_sojourn"]);
    let summary = mm1(unsure);
    let sojourn = Seen(&summary).sojourn("station", figure::Part::Mean);
    assert!((sojourn.half - 4.0 * 0.0506 / 1_000.0).abs() < 1e-12);
}

#[test]
fn bounds_have_one_side() {
    let record = record("gg1_kingman/0").unwrap();
    let sides = |found: f64, metric: &str, mode| weigh(&record, metric, Figure::sure(found), mode, T).passed;
    assert!(sides(0.064, "mean_wait_upper", Mode::AtMost(0.0)));
    assert!(!sides(0.077, "mean_wait_upper", Mode::AtMost(0.0)));
    assert!(sides(0.064, "mean_wait_lower", Mode::AtLeast(0.0)));
    assert!(!sides(0.014, "mean_wait_lower", Mode::AtLeast(0.0)));
    assert!(sides(0.07, "mean_wait_klb_approx", Mode::Near(0.15)));
    assert!(!sides(0.08, "mean_wait_klb_approx", Mode::Near(0.15)));
}

#[test]
fn tolerances_are_those_of_the_metric_and_the_kind() {
    let allowed = |case: &str, metric: &str, expected: f64| {
        let record = record(case).unwrap();
        weigh(&record, metric, Figure::sure(expected), Mode::Equal(None), T).allowed / expected
    };
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} {b}");
    near(allowed("mm1/2", "mean_sojourn", 0.05), 0.01);
    near(allowed("mm1/2", "sojourn_p99", record("mm1/2").unwrap().expected["sojourn_p99"]), 0.02);
    near(allowed("mm1/2", "var_sojourn", 0.0025), 0.02);
    near(allowed("mm1/2", "wait_p999", record("mm1/2").unwrap().expected["wait_p999"]), 0.04);
    near(allowed("little_util/0", "L", 5.0), 0.001);
    near(allowed("mg1/17", "mean_wait", record("mg1/17").unwrap().expected["mean_wait"]), 0.04);
    let simulated = record("nested_chain_general/0").unwrap().expected;
    near(allowed("nested_chain_general/0", "mean_sojourn", simulated["mean_sojourn"]), 0.02);
    let one_short = weigh(&record("mminf/0").unwrap(), "inflight_p99", Figure::sure(30.0), Mode::Within(1.0), T);
    assert!(one_short.passed, "31 expected");
}

#[test]
fn a_reference_simulation_replaces_a_formula_that_no_run_reaches() {
    let record = record("mg1/16").unwrap();
    let judgement = weigh(&record, "var_wait", Figure::sure(1.75e-4), Mode::Equal(None), T);
    assert!(judgement.passed && judgement.expected < record.expected["var_wait"], "{judgement:?}");
}

#[test]
fn good_shares_are_measured_by_what_is_missing() {
    let mut record = record("mm1/2").unwrap();
    record.expected.insert("success".into(), 0.999);
    let passes = |found| weigh(&record, "success", Figure::sure(found), Mode::Equal(None), T).passed;
    assert!(passes(0.999));
    assert!(!passes(0.9985));
}

#[test]
fn figures_combine_as_independent() {
    let (a, b) = (Figure { value: 6.0, half: 0.3 }, Figure { value: 2.0, half: 0.4 });
    assert!(((a + b).half - 0.5).abs() < 1e-12 && ((a - b).half - 0.5).abs() < 1e-12);
    assert_eq!((a + b).value, 8.0);
    assert_eq!((a * 2.0).half, 0.6);
    assert!((a / b).value == 3.0 && ((a / b).half - 0.522).abs() < 1e-3);
    assert_eq!(a.complement().value, -5.0);
}

#[test]
fn a_refused_run_fails_its_figures_and_the_table_counts() {
    let run = |_: &str| -> Result<Summary, String> { Err("no such verb".into()) };
    let judgements = validate(Some(&["mm1", "jsq2"]), 1000, 1, &run);
    assert!(judgements.iter().all(|j| !j.passed && j.trouble.as_deref() == Some("no such verb")));
    let rows = table(&judgements);
    assert_eq!(
        rows.iter().map(|r| (r.model.as_str(), r.cases, r.metrics, r.passed)).collect::<Vec<_>>(),
        [("mm1", 4, 60, 0), ("jsq2", 3, 6, 0)]
    );
    assert_eq!(recheck(&judgements, 1000, 2, &run).len(), 66);
}

#[test]
fn a_right_run_is_not_asked_again() {
    let run = |_: &str| Ok(mm1(sure(50.0)));
    let judgements = examine(&record("mm1/2").unwrap(), 1000, 1, &run);
    assert!(judgements.iter().all(|j| j.passed && j.strain() < 1e-9));
    assert!(recheck(&judgements, 1000, 2, &run).is_empty());
}

#[test]
fn spans_rates_and_laws_are_written_as_the_vocabulary_has_them() {
    use super::sheet::{Law, rate, span};
    assert_eq!([span(0.0125), span(2.0), span(1.0 / 30.0), span(0.0)], ["12500us", "2s", "33333333ns", "0ns"]);
    assert_eq!([rate(80.0), rate(125.0 / 3.0)], ["80/s", "41.6666666667/s"]);
    let mix = Law::TwoExponentials { share: 0.9, mean: 0.005, other: 0.055 };
    assert_eq!(mix.written(), r#"{ mix = [{ share = 0.9, mean = "5ms" }, { share = 0.1, mean = "55ms" }] }"#);
}
