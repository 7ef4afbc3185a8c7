//! The ledger: each cause alone, parts that add up to the nanosecond for every request, and a millisecond more on one hop.

mod dice;

use hoptax::experiment::summary::{Ledger, Summary};
use hoptax::machine::{Stop, replication_seed};
use hoptax::model::{Answer, Cause, Cell, Fact, Probe};
use hoptax::units::{Span, Time};
use proptest::prelude::*;

use crate::bench::{checked, ended, plan, run};
use dice::random_scenario;

/// One request every 100 ms to `a`, over a network that takes no time.
pub(crate) const HEAD: &str = r#"
version = 1
name = "bench"
[sim]
duration = "10s"
warmup = "2s"
replications = 2
[defaults]
transport = "free"
[network]
same_zone = "0s"
[clients.c]
calls = "a"
arrivals = "constant"
rate = "10/s"
"#;

/// Runs `nodes` under [`HEAD`]; `changes` are lines of it and what stands there instead.
pub(crate) fn small(nodes: &str, changes: &[(&str, &str)]) -> Summary {
    let head = changes.iter().fold(HEAD.to_owned(), |head, (from, to)| {
        assert!(head.contains(from), "{from}");
        head.replace(from, to)
    });
    run(&format!("{head}{nodes}"))
}

/// What is not nothing, as (node, cause, mean ms).
pub(crate) fn cells(ledger: &Ledger) -> Vec<(&str, &'static str, f64)> {
    let of = |(node, columns): (&'_ String, &hoptax::experiment::summary::Columns)| -> Vec<(usize, f64)> {
        let _ = node;
        let parts = Cause::ALL.iter().enumerate().map(|(at, cause)| (at, columns.mean_ms.of(*cause)));
        parts.filter(|p| p.1 > 0.0).collect()
    };
    let nodes = ledger.by_node.iter();
    nodes.flat_map(|n| of(n).into_iter().map(move |(at, ms)| (n.0.as_str(), Cause::ALL[at].word(), ms))).collect()
}

#[track_caller]
pub(crate) fn holds(ledger: &Ledger, expected: &[(&str, &str, f64)]) {
    let found = cells(ledger);
    let near = found.len() == expected.len()
        && found.iter().zip(expected).all(|(f, e)| f.0 == e.0 && f.1 == e.1 && (f.2 - e.2).abs() < 1e-6);
    assert!(near, "{found:?}\nnot {expected:?}");
}

#[test]
fn each_cause_appears_alone_where_it_is_switched_on() {
    let pair: [(&str, &str); 1] = [("rate", "batch = 2\nrate")];
    let alone = |nodes: &str, expected: &[(&str, &str, f64)]| holds(&small(nodes, &[]).ledger["c"], expected);
    let twice = |nodes: &str, expected: &[(&str, &str, f64)]| holds(&small(nodes, &pair).ledger["c"], expected);
    alone("[services.a]\nsteps = [\"b\"]\n[services.b]\n", &[]);
    alone("[services.a]\nsteps = [\"b\"]\n[services.b]\nwork = \"1ms\"\n", &[("b", "work", 1.0)]);
    alone("[services.a]\nsteps = [\"b\"]\n[services.b]\nwait = \"1ms\"\n", &[("b", "wait", 1.0)]);
    twice("[services.a]\nwork = \"1ms\"\ncores = 1\n", &[("a", "work", 1.0), ("a", "cpu_wait", 1.0)]);
    twice("[services.a]\nwork = \"1ms\"\nconcurrency = 1\n", &[("a", "work", 1.0), ("a", "queue", 0.5)]);
    twice("[services.a]\nwait = \"1ms\"\nconcurrency = 1\n", &[("a", "queue", 0.5), ("a", "wait", 1.0)]);
    alone("[services.a]\nsteps = [{ query = \"d\" }]\n[databases.d]\nwork = \"1ms\"\n", &[("d", "database", 1.0)]);
    twice(
        "[services.a]\nsteps = [{ query = \"d\" }]\n[databases.d]\nwork = \"1ms\"\nconcurrency = 1\n",
        &[("d", "database", 1.5)],
    );
    twice(
        "[services.a]\nsteps = [{ query = \"d\" }]\npools.d = { connections = 1 }\n[databases.d]\nwork = \"1ms\"\n",
        &[("a", "connection_wait", 0.5), ("d", "database", 1.0)],
    );
}

#[test]
fn messages_cost_encoding_at_both_ends() {
    let wire =
        "[transports.wire]\nlike = \"free\"\nencode = { per_message = \"1ms\" }\ndecode = { per_message = \"3ms\" }\n";
    let nodes = format!("{wire}[services.a]\nsteps = [{{ call = \"b\", transport = \"wire\" }}]\n[services.b]\n");
    holds(&small(&nodes, &[]).ledger["c"], &[("a", "encode", 4.0), ("b", "encode", 4.0)]);
    let nodes = format!("{wire}[services.a]\n");
    let outside = small(&nodes, &[("calls =", "transport = \"wire\"\ncalls =")]);
    holds(&outside.ledger["c"], &[("a", "encode", 4.0), ("c", "encode", 4.0)]);
}

#[test]
fn the_network_is_charged_where_it_leads() {
    let nodes = "[services.a]\nsteps = [\"b\"]\n[services.b]\nsteps = [\"e\"]\n[services.e]\n";
    let with = |link: &str| small(&format!("{nodes}{link}"), &[("\"0s\"", "\"0.25ms\"")]);
    let network = |ms: [f64; 3]| [("a", "network", ms[0]), ("b", "network", ms[1]), ("e", "network", ms[2])];
    holds(&with("").ledger["c"], &network([0.5, 0.5, 0.5]));
    let slower =
        with("[network.links.\"a -> b\"]\nlatency = \"1.25ms\"\n[network.links.\"b -> a\"]\nlatency = \"1.25ms\"\n");
    holds(&slower.ledger["c"], &network([0.5, 2.5, 0.5]));
}

#[test]
fn a_millisecond_more_on_one_hop_moves_two_of_network_and_nothing_else() {
    let nodes = |ms: &str| {
        format!(
            "[services.a]\nconcurrency = 1\nwork = \"2ms\"\nsteps = [{{ call = \"b\", transport = \"rest\" }}]\n\
             [services.b]\ncores = 1\nwork = \"1ms\"\nsteps = [{{ call = \"e\", transport = \"grpc\" }}, {{ query = \"d\" }}]\n\
             [services.e]\nwork = \"1ms\"\n[databases.d]\nwait = \"1ms\"\n\
             [network.links.\"a -> b\"]\nlatency = \"{ms}\"\n[network.links.\"b -> a\"]\nlatency = \"{ms}\"\n"
        )
    };
    let (before, after) = (small(&nodes("1ms"), &[]), small(&nodes("2ms"), &[]));
    let mut expected = cells(&before.ledger["c"]);
    assert!(expected.len() == 8, "{expected:?}");
    expected.iter_mut().find(|c| (c.0, c.1) == ("b", "network")).unwrap().2 += 2.0;
    holds(&after.ledger["c"], &expected);
}

#[test]
fn failures_have_a_ledger_of_their_own() {
    let nodes = "[services.a]\nsteps = [{ work = \"1ms\" }, { call = \"b\", timeout = \"5ms\" }]\n[services.b]\nwork = \"20ms\"\n";
    let summary = small(nodes, &[]);
    assert_eq!(summary.ledger["c"].count, 0);
    let failed = summary.ledger["c"].failed.as_ref().unwrap();
    assert_eq!(failed.count, summary.clients["c"].arrived);
    holds(failed, &[("a", "work", 1.0), ("a", "failed_tries", 5.0)]);
    let patient = small("[services.a]\nwork = \"20ms\"\n", &[("rate", "timeout = \"7ms\"\nrate")]);
    holds(patient.ledger["c"].failed.as_ref().unwrap(), &[("c", "failed_tries", 7.0)]);
}

#[test]
fn a_try_that_timed_out_is_no_work_but_a_failed_try() {
    let nodes = "[services.a]\nsteps = [{ parallel = [{ call = \"b\", timeout = \"5ms\", optional = true }, { wait = \"1ms\" }] }]\n\
                 [services.b]\nwork = \"20ms\"\n";
    holds(&small(nodes, &[]).ledger["c"], &[("a", "failed_tries", 5.0)]);
}

#[test]
fn the_branch_that_releases_the_join_is_the_one_in_the_ledger() {
    let nodes = |wait_for: &str| {
        format!(
            "[services.a]\nsteps = [{{ parallel = [\"x\", \"y\", \"z\"], wait_for = {wait_for} }}]\n\
             [services.x]\nwork = \"1ms\"\n[services.y]\nwait = \"2ms\"\n[services.z]\nwork = \"3ms\"\n"
        )
    };
    holds(&small(&nodes("\"any\""), &[]).ledger["c"], &[("x", "work", 1.0)]);
    holds(&small(&nodes("2"), &[]).ledger["c"], &[("y", "wait", 2.0)]);
    holds(&small(&nodes("\"all\""), &[]).ledger["c"], &[("z", "work", 3.0)]);
}

#[test]
fn a_browser_needs_a_proxy_to_speak_grpc() {
    let nodes = "[transports.bare]\nlike = \"grpc\"\nencode = { per_message = \"0s\", per_byte = \"0s\" }\n\
                 decode = { per_message = \"0s\", per_byte = \"0s\" }\n[services.a]\n";
    let client = |browser: bool| [("calls =", format!("transport = \"bare\"\nbrowser = {browser}\ncalls ="))];
    let run = |browser: bool| small(nodes, &client(browser).each_ref().map(|(from, to)| (*from, to.as_str())));
    holds(&run(false).ledger["c"], &[]);
    let with = run(true);
    let found = cells(&with.ledger["c"]);
    assert_eq!(found.len(), 1, "{found:?}");
    // Log-normal with median 0.3 ms and p99 1.2 ms: mean 0.358 ms, there and back.
    assert_eq!((found[0].0, found[0].1), ("a", "proxy"));
    assert!((found[0].2 / 0.717 - 1.0).abs() < 0.15, "{found:?}");
}

/// Hears every ledger and adds it up.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    pub(crate) requests: u64,
    nanos: u128,
    causes: [u64; Cause::ALL.len()],
    /// The first request whose parts are not its latency.
    pub(crate) wrong: Option<String>,
}

impl Probe for Sums {
    fn accounts(&self) -> bool {
        true
    }

    fn on(&mut self, _: Time, _: Fact) {}

    fn account(&mut self, answer: Answer, parts: impl Iterator<Item = (Cell, Span)> + Clone) {
        let sum: u64 = parts.clone().map(|p| p.1.0).sum();
        if sum != answer.latency.0 && self.wrong.is_none() {
            let parts: Vec<_> = parts.clone().map(|p| (p.0.node().0, p.0.cause(), p.1)).collect();
            self.wrong = Some(format!("{sum} is not the latency of {answer:?}: {parts:?}"));
        }
        self.requests += 1;
        self.nanos += u128::from(sum);
        for (cell, span) in parts {
            self.causes[cell.cause() as usize] += span.0;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_parts_of_every_request_add_up_to_its_latency(bytes in prop::collection::vec(any::<u8>(), 250)) {
        let text = random_scenario(&bytes);
        let plan = plan(&text);
        let ended = ended(&plan, replication_seed(plan.seed, 0), Sums::default());
        prop_assert!(ended.probe.wrong.is_none(), "{:?}\n{text}", ended.probe.wrong);
        prop_assert!(!matches!(ended.stop, Stop::TooMany(_)) && ended.probe.requests > 0, "{:?}\n{text}", ended.stop);
    }
}

/// A scenario with everything in it.
const ALL: &str = include_str!("ledger.toml");

#[test]
fn the_mean_ledger_is_the_mean_latency() {
    let summary = run(ALL);
    for (name, ledger) in &summary.ledger {
        let mean = summary.clients[name].latency_ms.mean.value.unwrap();
        let (sum, nodes) = (ledger.total.mean_ms.sum(), ledger.by_node.values().map(|c| c.mean_ms.sum()).sum::<f64>());
        assert!((sum / mean - 1.0).abs() < 1e-9 && (nodes / mean - 1.0).abs() < 1e-9, "{name}: {sum} {nodes} {mean}");
        assert_eq!(ledger.count, summary.clients[name].succeeded);
        for columns in ledger.by_node.values().chain([&ledger.total]) {
            assert!(Cause::ALL.iter().all(|c| columns.mean_ms.of(*c) >= 0.0));
        }
    }
    let plan = hoptax::scenario::lower(&checked(ALL));
    let ended = ended(&plan, replication_seed(plan.seed, 0), Sums::default());
    for cause in [
        "work",
        "cpu_wait",
        "queue",
        "network",
        "encode",
        "connect",
        "connection_wait",
        "proxy",
        "database",
        "wait",
        "failed_tries",
    ] {
        let at = Cause::ALL.iter().position(|c| c.word() == cause).unwrap();
        assert!(ended.probe.causes[at] > 0, "nothing was spent on {cause}");
    }
}

/// Function calls against network calls: work, round trips, encoding on each side of a hop, and the passages of the
/// proxies on it, which stand beside each end and are passed on the way there and back.
#[test]
fn a_chain_of_network_calls_costs_what_arithmetic_says() {
    for (rtt, encode, proxy, proxies, remote) in
        [(500, 200, 0, 0, 7.7), (1000, 500, 1300, 2, 26.6), (5000, 1000, 1500, 2, 44.0), (10_000, 1000, 0, 0, 41.0)]
    {
        let mut nodes = format!(
            "[transports.wire]\nlike = \"free\"\nencode = {{ per_message = \"{encode}us\" }}\n\
             [clients.f]\ncalls = \"f0\"\nrate = \"10/s\"\nzone = \"r/z/h\"\n"
        );
        let names = ["a", "b", "d", "e"];
        for (at, name) in names.iter().enumerate() {
            nodes += &format!("[services.f{at}]\nzone = \"r/z/h\"\nwork = \"1250us\"\n");
            if at < 3 {
                nodes += &format!("steps = [{{ call = \"f{}\", transport = \"in-process\" }}]\n", at + 1);
            }
            nodes +=
                &format!("[services.{name}]\nzone = \"r/z/{}\"\nwork = \"1250us\"\n", if at == 0 { "h" } else { name });
            let Some(next) = names.get(at + 1) else { continue };
            if proxies == 0 {
                nodes += &format!("steps = [{{ call = \"{next}\", transport = \"wire\" }}]\n");
                continue;
            }
            // The caller encodes its request, the callee its answer; proxies pass both on.
            let pass = |me: &str, to: &str, host: &str| {
                format!(
                    "[services.{me}]\nzone = \"r/z/{host}\"\nsteps = [{{ work = \"{proxy}us\" }}, \"{to}\", {{ work = \"{proxy}us\" }}]\n"
                )
            };
            let (out, into) = (format!("{name}-out"), format!("{next}-in"));
            nodes += &format!("steps = [{{ work = \"{}us\" }}, \"{out}\"]\n", 2 * encode);
            nodes += &(pass(&out, &into, if at == 0 { "h" } else { name }) + &pass(&into, next, next));
        }
        let latency = format!("\"{}us\"", rtt / 2);
        let near_by = format!("{latency}\nsame_host = \"0s\"");
        let summary = small(&nodes, &[("\"0s\"", &near_by), ("calls =", "zone = \"r/z/h\"\ncalls =")]);
        let mean = |client: &str| summary.clients[client].latency_ms.mean.value.unwrap();
        assert!((mean("f") - 5.0).abs() < 1e-6, "{}", mean("f"));
        assert!((mean("c") - remote).abs() < 1e-6, "{} not {remote}", mean("c"));
        let ledger = &summary.ledger["c"].total.mean_ms;
        let network = 3.0 * f64::from(rtt) / 1e3;
        assert!((ledger.of(Cause::Network) - network).abs() < 1e-6, "{ledger:?}");
        assert!((ledger.of(Cause::Work) + ledger.of(Cause::Encode) - remote + network).abs() < 1e-6, "{ledger:?}");
    }
}

#[test]
fn spans_in_a_row_add_up_and_of_spans_at_once_the_longest_counts() {
    let leaf = "[services.leaf]\nconcurrency = \"unlimited\"\nwork = { mean = \"10ms\" }\n";
    let mean = |steps: &str| {
        let nodes = format!("[services.a]\nconcurrency = \"unlimited\"\nsteps = [{steps}]\n{leaf}");
        let summary = small(&nodes, &[("\"constant\"", "\"poisson\""), ("10/s", "1000/s")]);
        summary.ledger["c"].by_node["leaf"].mean_ms.of(Cause::Work)
    };
    let near = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 0.02, "{found} not {expected}");
    near(mean("{ call = \"leaf\", times = 4 }"), 40.0);
    near(mean("{ parallel = [{ call = \"leaf\", times = 10 }] }"), 29.289_682_539_682_54);
}
