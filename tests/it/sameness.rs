//! Same file, same seed, same version: the same bytes, whatever else differs.

use hoptax::experiment;
use hoptax::experiment::summary::Summary;
use hoptax::report::{csv, json, markdown};
use hoptax::scenario::{Edit, Source, load};

use crate::bench::{run, run_on, same};

/// Everything that draws, waits, fails and is picked, in one small file.
const TEXT: &str = r#"
version = 1
name = "sameness"

[sim]
duration = "4s"
warmup = "1s"
replications = 7
seed = 42

[defaults]
transport = "free"

[discovery]
load_balancing = "least_request"

[clients.open]
calls = [{ to = "front", share = "70%" }, { to = "back" }]
rate = "700/s"
timeout = "30ms"

[clients.closed]
calls = "front.look"
users = 5
think_time = { mean = "9ms" }

[services.front]
replicas = 2
concurrency = 3
queue_limit = 5
queue_order = "random"
queue_timeout = { mean = "20ms" }
io = "async"
work = { p50 = "2ms", p99 = "9ms" }
error_rate = "1%"
steps = [
  { parallel = [{ call = "back", times = 3, timeout = "7ms" }, { wait = "1ms", optional = true }], wait_for = 2 },
  { call = "side", transport = "in-process" },
]

[services.front.endpoints.look]
work = { mean = "1ms" }

[services.side]
work = { dist = "gamma", mean = "1ms", cv = 2 }

[services.back]
replicas = 3
cores = 1
concurrency = 4
work = { mean = "1ms" }
steps = [{ query = "db", probability = "50%" }]

[databases.db]
concurrency = 2
queue_order = "lifo"
preemptive = true
work = { dist = "weibull", mean = "2ms", shape = 0.7 }

[[slos]]
of = "open"
expect = "p99 < 40ms"
"#;

#[test]
fn the_number_of_threads_changes_nothing() {
    let one = run_on(1, TEXT);
    assert!(one.clients["open"].failed.len() > 1, "{:?}: too quiet a scenario", one.clients["open"].failed);
    let all = |s: &Summary| {
        let s = std::slice::from_ref(s);
        json::render(s) + &csv::render(s) + &markdown::render(s)
    };
    for jobs in [2, 5] {
        same(&all(&run_on(jobs, TEXT)), &all(&one), &format!("{jobs} threads"));
    }
}

#[test]
fn another_seed_draws_other_numbers() {
    let (one, two) = (run(TEXT), run(&TEXT.replace("seed = 42", "seed = 43")));
    assert_ne!(json::one(&one), json::one(&two));
    for name in ["open", "closed"] {
        let mean = |s: &Summary| s.clients[name].latency_ms.mean.value.unwrap();
        assert!(mean(&one) != mean(&two), "{name}");
        assert!((mean(&one) / mean(&two) - 1.0).abs() < 0.3, "{name}: only the luck differs");
    }
}

/// The figures with a change made to the file.
fn changed(path: &str, value: &str) -> Summary {
    let edit = Edit::parse(&format!("{path}={value}")).unwrap();
    let checked = load(&Source::text("test.toml", TEXT), &[edit]).unwrap();
    experiment::run(&checked, Some(1), &()).unwrap()
}

#[test]
fn setting_what_is_there_already_changes_nothing() {
    let written = json::one(&run(TEXT));
    for (path, value) in [
        ("clients.open.rate", "700/s"),
        ("services.front.work", "{ p50 = \"2ms\", p99 = \"9ms\" }"),
        ("services.front.steps.0.parallel.0.timeout", "7ms"),
        ("sim.seed", "42"),
        // A default that is written out, and a value in another unit.
        ("services.side.concurrency", "200"),
        ("clients.open.timeout", "30000us"),
    ] {
        same(&json::one(&changed(path, value)), &written, path);
    }
    assert_ne!(json::one(&changed("clients.open.timeout", "31ms")), written);
}
