//! A summary with figures made up for the tests of this floor.

use std::collections::BTreeMap;

use crate::experiment::summary::{
    Columns, Conservation, Distribution, EdgeCourse, Estimate, Ledger, Moment, Node, NodeCourse, Outcome, Parts, Run,
    ScenarioRef, Stats, Summary, Timeline, Tool, Verdict,
};
use crate::model::Cause;

/// An estimate with an interval of ± `half`.
pub(crate) fn estimate(value: f64, half: f64) -> Estimate {
    Estimate::around(value, half)
}

fn distribution(count: u64, p50: f64, factor: f64) -> Distribution {
    let tail = |steps: i32| p50 * factor.powi(steps);
    Distribution {
        count,
        mean: estimate(p50 * 1.2, p50 * 0.01),
        p50: Estimate::between(p50, 8.0, 8.2),
        p90: estimate(tail(1), tail(1) * 0.02),
        p95: estimate(tail(1) * 1.3, tail(1) * 0.02),
        p99: estimate(tail(2), tail(2) * 0.04),
        p999: Estimate::point(tail(3)),
        max: Some(tail(4)),
        ..Distribution::default()
    }
}

fn client(p50: f64, factor: f64, timeouts: u64) -> Stats {
    let succeeded = 118_000;
    let failed = if timeouts > 0 { [("timeout".to_owned(), timeouts)].into() } else { BTreeMap::new() };
    Stats {
        arrived: succeeded + timeouts,
        succeeded,
        failed,
        throughput_per_s: estimate(196.7, 0.4),
        success_rate: estimate(succeeded as f64 / (succeeded + timeouts) as f64, 0.0004),
        latency_ms: distribution(succeeded, p50, factor),
        latency_arrived_ms: distribution(succeeded + timeouts, p50, factor),
        latency_all_ms: distribution(succeeded + timeouts, p50, factor),
        timeline: timeline(p50, factor),
        ..Stats::default()
    }
}

/// Calm, a slow spell in the middle in which requests fail, and calm again.
pub(crate) fn timeline(p50: f64, factor: f64) -> Vec<Moment> {
    (0u32..120)
        .map(|i| {
            let wave = 1.0 + 0.08 * (f64::from(i) * 0.7).sin();
            let slow = if (50..70).contains(&i) { 6.0 } else { 1.0 };
            Moment {
                from_s: f64::from(i) * 0.5,
                width_s: 0.5,
                arrived: 1_000,
                succeeded: if slow > 1.0 { 820 - u64::from(i) } else { 1_000 },
                failed: if slow > 1.0 { 180 + u64::from(i) } else { 0 },
                p50_ms: Some(p50 * wave * slow),
                p99_ms: Some(p50 * factor * factor * wave * slow),
                mean_ms: Some(p50 * 1.2 * wave * slow),
                in_flight: None,
            }
        })
        .collect()
}

/// A node and an edge over time: held and refused from 20 s to 40 s, the breaker open from 25 s to 40 s.
pub(crate) fn course() -> Timeline {
    let course = |of: &dyn Fn(f64) -> f64| (0u32..120).map(|i| of(f64::from(i) * 0.5)).collect::<Vec<f64>>();
    let between =
        |from: f64, to: f64, low: f64, high: f64| course(&|s| if (from..to).contains(&s) { high } else { low });
    let node = NodeCourse {
        arrivals_per_s: between(20.0, 40.0, 200.0, 600.0),
        in_system: between(20.0, 40.0, 9.0, 110.0),
        queue: between(20.0, 40.0, 0.5, 78.0),
        busy: between(20.0, 40.0, 8.5, 32.0),
        working: between(20.0, 40.0, 6.0, 2.0),
        ready: Vec::new(),
    };
    let edge = EdgeCourse {
        calls_per_s: course(&|_| 200.0),
        retries_per_s: between(20.0, 40.0, 1.0, 380.0),
        limited_per_s: between(25.0, 40.0, 0.0, 150.0),
        open_share: between(25.0, 40.0, 0.0, 0.9),
        half_open_share: between(25.0, 41.0, 0.0, 0.1),
        ..EdgeCourse::default()
    };
    Timeline {
        width_s: 0.5,
        clients: BTreeMap::new(),
        nodes: [("b".to_owned(), node)].into(),
        edges: [("a -> b".to_owned(), edge)].into(),
    }
}

/// A node of `workers` workers.
pub(crate) fn node(utilization: f64, workers: u64) -> Node {
    Node {
        arrivals: 118_120,
        completed: 118_000,
        refused: 120,
        utilization: estimate(utilization, 0.004),
        mean_busy: estimate(utilization * workers as f64, 0.05),
        mean_working: estimate(utilization * workers as f64 / 3.0, 0.02),
        mean_queue: estimate(0.13, 0.01),
        wait_ms: distribution(118_000, 0.4, 4.0),
        sojourn_ms: distribution(118_000, 2.1, 3.0),
        cache: None,
        kind: "service".into(),
        workers: Some(workers),
        ..Node::default()
    }
}

/// Parts of which only these are there.
pub(crate) fn parts(of: &[(Cause, f64)]) -> Parts {
    let mut parts = Parts::default();
    for (cause, ms) in of {
        parts.0[*cause as usize] += ms;
    }
    parts
}

/// A ledger whose mean request spends `work`, `queue`, `network`, `encode` ms; around the 99th percentile the line grows.
fn ledger([work, queue, network, encode]: [f64; 4], p99: f64) -> Ledger {
    let columns = |share: f64| {
        let rest = [(Cause::Network, network * share), (Cause::Encode, encode * share)];
        let of = |work: f64, queue: f64| {
            parts(&[&[(Cause::Work, work * share), (Cause::Queue, queue * share)], &rest[..]].concat())
        };
        Columns {
            mean_ms: of(work, queue),
            p50_ms: of(work * 0.8, queue * 0.5),
            p99_ms: of(work * 1.4, p99 - work * 1.4 - network - encode),
        }
    };
    let by_node = [("a", 0.1), ("b", 0.2), ("c", 0.3), ("d", 0.4)];
    Ledger {
        count: 118_000,
        p50_count: 4_720,
        p99_count: 1_180,
        total: columns(1.0),
        by_node: by_node.map(|(node, share)| (node.to_owned(), columns(share))).into(),
        ..Ledger::default()
    }
}

/// One client through variants: 5 ms of work that become 50 ms, each step with a cause that was added.
pub(crate) fn tax() -> Vec<Summary> {
    let steps: [(&str, &[(Cause, f64)]); 5] = [
        ("in-process", &[]),
        ("three hops", &[(Cause::Network, 1.5), (Cause::Encode, 0.6), (Cause::Queue, 0.4)]),
        ("a proxy pair per hop", &[(Cause::Proxy, 8.0)]),
        ("a database with a pool", &[(Cause::Database, 9.0), (Cause::ConnectionWait, 5.2)]),
        ("cold connections, a retry", &[(Cause::Connect, 9.0), (Cause::FailedTries, 9.2), (Cause::RetryWait, 2.0)]),
    ];
    let mut so_far = vec![(Cause::Work, 5.0)];
    let mut variant = |(name, added): (&str, &[(Cause, f64)])| {
        so_far.extend_from_slice(added);
        let mut summary = summary();
        summary.scenario.variant = Some(name.to_owned());
        summary.clients.remove("function calls");
        summary.ledger.remove("function calls");
        let total = &mut summary.ledger.get_mut("network calls").unwrap().total;
        total.mean_ms = parts(&so_far);
        let longer = |(cause, ms): &(Cause, f64)| (*cause, if *cause == Cause::Work { *ms } else { ms * 3.0 });
        total.p99_ms = parts(&so_far.iter().map(longer).collect::<Vec<_>>());
        summary
    };
    steps.into_iter().map(&mut variant).collect()
}

/// A client whose time went into every cause there is.
#[cfg(feature = "charts")]
pub(crate) fn every_cause() -> Summary {
    let mut summary = summary();
    for (at, ledger) in summary.ledger.values_mut().enumerate() {
        let all: Vec<(Cause, f64)> =
            Cause::ALL.iter().enumerate().map(|(i, c)| (*c, ((i * 7 + at) % 5 + 1) as f64)).collect();
        ledger.total.mean_ms = parts(&all);
        ledger.total.p99_ms = parts(&all.iter().map(|(cause, ms)| (*cause, ms * 9.0)).collect::<Vec<_>>());
    }
    summary
}

/// Function calls against network calls, as the default scenario has them.
pub(crate) fn summary() -> Summary {
    Summary {
        schema_version: 1,
        tool: Tool { name: "hoptax".into(), version: "0.1.0".into() },
        scenario: ScenarioRef { name: "chain".into(), hash: "9f3ac2d1".into(), variant: None },
        run: run(),
        clients: [
            ("function calls".to_owned(), client(8.1, 2.4, 120)),
            ("network calls".to_owned(), client(14.9, 2.1, 0)),
        ]
        .into(),
        flows: BTreeMap::new(),
        queues: BTreeMap::new(),
        topics: BTreeMap::new(),
        endpoints: [("d.default".to_owned(), client(2.0, 2.0, 0))].into(),
        edges: [("a -> b".to_owned(), client(11.0, 2.2, 0)), ("c -> d".to_owned(), client(3.1, 3.0, 12))].into(),
        nodes: [
            ("a".to_owned(), node(0.31, 64)),
            ("b".to_owned(), node(0.44, 32)),
            ("c".to_owned(), node(0.51, 16)),
            ("d".to_owned(), node(0.62, 8)),
        ]
        .into(),
        ledger: [
            ("function calls".to_owned(), ledger([8.0, 0.972, 0.5, 0.248], 8.1 * 2.4 * 2.4)),
            ("network calls".to_owned(), ledger([8.0, 2.0, 6.0, 1.88], 14.9 * 2.1 * 2.1)),
        ]
        .into(),
        faults: Vec::new(),
        failing: Vec::new(),
        slos: vec![
            verdict("calls are quick", Outcome::Met),
            verdict("calls are quick enough", Outcome::Failed),
            verdict("nobody knows", Outcome::Undecided),
            verdict("nobody came", Outcome::NoData),
        ],
        timeline: None,
        replications: Vec::new(),
        series: None,
        topology: Default::default(),
        conservation: Conservation {
            arrived: 236_120,
            succeeded: 236_000,
            failed: 120,
            in_flight_at_end: 0,
            holds: true,
        },
    }
}

fn run() -> Run {
    Run {
        seed: 1,
        replications: 10,
        duration_s: 60.0,
        warmup_s: 10.0,
        events: 12_351_234,
        confidence: 0.95,
        settled: Some(true),
        state: Some(crate::experiment::summary::State::Settled),
        rising: Vec::new(),
        note: "simulated, not measured".into(),
        partial: false,
        unfinished_s: None,
        guard: None,
        camps: Vec::new(),
        enough: None,
        seeds: Vec::new(),
        overloaded: Vec::new(),
    }
}

fn verdict(name: &str, verdict: Outcome) -> Verdict {
    let measured = if verdict == Outcome::NoData { Estimate::default() } else { estimate(47.2, 1.9) };
    Verdict {
        name: name.into(),
        of: "function calls".into(),
        expect: "p99 < 60ms".into(),
        scope: None,
        measured,
        over: None,
        reason: None,
        at_least: None,
        burn_rate: None,
        verdict,
    }
}
