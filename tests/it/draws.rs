//! Draws are named, not passed around: repeated steps and visits draw anew, and what has nothing to do with a change of
//! the file draws what it drew before.

use hoptax::experiment::summary::{Node, Stats, Summary};
use hoptax::report::json::pretty;

use crate::bench::{run, same};

/// Requests that meet nobody: what they take is the sum of their own draws.
const HEAD: &str = r#"
version = 1
name = "draws"

[sim]
duration = "10s"
warmup = "0s"
replications = 10

[defaults]
transport = "free"

[network]
same_zone = "0s"

[clients.c]
calls = "top"
rate = "4000/s"
"#;

/// Mean and variance of the latency of 400,000 requests, ms and ms².
fn latency(nodes: &str) -> (f64, f64) {
    let summary = run(&format!("{HEAD}{nodes}"));
    let latency = &summary.clients["c"].latency_ms;
    assert!(latency.count > 390_000);
    (latency.mean.value.unwrap(), latency.var.value.unwrap())
}

/// Within 3 % of the expected moments.
fn moments(nodes: &str, mean: f64, var: f64) {
    let found = latency(nodes);
    let near = |found: f64, expected: f64| (found / expected - 1.0).abs() < 0.03;
    assert!(near(found.0, mean) && near(found.1, var), "{found:?} for ({mean}, {var}):{nodes}");
}

/// `top` with these steps, above a leaf that works exponentially for 1 ms.
fn above_a_leaf(steps: &str) -> String {
    format!(
        "
[services.top]
concurrency = \"unlimited\"
steps = [{steps}]

[services.leaf]
concurrency = \"unlimited\"
work = {{ mean = \"1ms\" }}
"
    )
}

#[test]
fn four_exponentials_in_a_row_are_four_draws() {
    // One draw taken four times would have variance 16.
    moments(&above_a_leaf(r#"{ work = { mean = "1ms" }, times = 4 }"#), 4.0, 4.0);
    moments(&above_a_leaf(r#"{ wait = { mean = "1ms" }, times = 4 }"#), 4.0, 4.0);
    moments(&above_a_leaf(r#"{ call = "leaf", times = 4 }"#), 4.0, 4.0);
    moments(&above_a_leaf(r#"{ call = "leaf", times = 4, transport = "in-process" }"#), 4.0, 4.0);
    moments(&above_a_leaf(r#""leaf", { call = "leaf", transport = "in-process" }, "leaf", "leaf""#), 4.0, 4.0);
}

#[test]
fn chances_in_a_row_are_many_chances() {
    // Binomial: four times one half. One chance for all four would have variance 4.
    moments(&above_a_leaf(r#"{ work = "1ms", times = 4, probability = 0.5 }"#), 2.0, 1.0);
    let split = r#"{ times = 4, split = [{ steps = [{ work = "1ms" }] }, { steps = [] }] }"#;
    moments(&above_a_leaf(split), 2.0, 1.0);
}

#[test]
fn a_leaf_reached_by_two_paths_draws_twice() {
    for (to_a, to_b) in [("free", "free"), ("in-process", "in-process"), ("free", "in-process")] {
        let nodes = format!(
            r#"{}
[services.a]
concurrency = "unlimited"
steps = [{{ call = "leaf", transport = "{to_b}" }}]
[services.b]
concurrency = "unlimited"
steps = ["leaf"]
"#,
            above_a_leaf(&format!(r#"{{ call = "a", transport = "{to_a}" }}, "b""#))
        );
        moments(&nodes, 2.0, 2.0);
    }
}

#[test]
fn copies_at_once_draw_independently() {
    // The largest of n exponentials: mean H_n, variance Σ 1/k².
    let largest = |n: u32| {
        let sum = |power: i32| (1..=n).map(|k| f64::from(k).powi(-power)).sum::<f64>();
        (sum(1), sum(2))
    };
    let nodes = above_a_leaf(r#"{ parallel = [{ call = "leaf", times = 100 }] }"#);
    let summary = run(&format!("{HEAD}{nodes}").replace("4000/s", "200/s"));
    let latency = &summary.clients["c"].latency_ms;
    let (mean, var) = largest(100);
    assert!((latency.mean.value.unwrap() / mean - 1.0).abs() < 0.02, "{:?} for {mean}", latency.mean);
    assert!((latency.var.value.unwrap() / var - 1.0).abs() < 0.10, "{:?} for {var}", latency.var);
    let (mean, var) = largest(4);
    moments(&above_a_leaf(r#"{ parallel = [{ call = "leaf", times = 2 }, "leaf", "leaf"] }"#), mean, var);
    let (mean, var) = largest(2);
    moments(&above_a_leaf(r#"{ parallel = [{ call = "leaf", times = 2 }], times = 3 }"#), 3.0 * mean, 3.0 * var);
    moments(
        &above_a_leaf(r#"{ parallel = [{ wait = { mean = "1ms" }, times = 2 }], times = 3 }"#),
        3.0 * mean,
        3.0 * var,
    );
    // Branches that fork again: the larger of two sums would have another variance if inner copies shared draws.
    let (mean, var) = largest(4);
    let inner = r#"{ parallel = [{ call = "leaf", times = 2 }], times = 2 }"#;
    moments(&above_a_leaf(&format!("{{ parallel = [{inner}] }}")), mean, var);
}

#[test]
fn every_round_of_a_cycle_draws_anew() {
    // A geometric number (mean 2) of exponentials is exponential. One draw for all rounds would have variance 8.
    let circle = r#"
[services.top]
concurrency = "unlimited"
work = { mean = "1ms" }
steps = [{ call = "top", probability = "50%" }]
"#;
    moments(circle, 2.0, 4.0);
    let over_two = r#"
[services.top]
concurrency = "unlimited"
work = { mean = "1ms" }
steps = [{ call = "other", probability = "50%" }]
[services.other]
concurrency = "unlimited"
steps = ["top"]
"#;
    moments(over_two, 2.0, 4.0);
}

#[test]
fn users_rounds_and_batches_draw_anew() {
    let text = HEAD.replace(r#"rate = "4000/s""#, "users = 40\nthink_time = { mean = \"9ms\" }");
    let users = run(&format!("{text}{}", above_a_leaf(r#"{ work = { mean = "1ms" } }"#)));
    let latency = &users.clients["c"].latency_ms;
    assert!((latency.var.value.unwrap() - 1.0).abs() < 0.03, "{:?}", latency.var);
    // 20 at once, served one after the other: with one draw for all, the work of a batch would have variance 400.
    let text = HEAD.replace(r#"rate = "4000/s""#, "arrivals = \"constant\"\nrate = \"10/s\"\nbatch = 20");
    let batches = run(&format!("{text}\n[services.top]\nconcurrency = 1\nwork = {{ mean = \"1ms\" }}\n"));
    let last = batches.nodes["top"].sojourn_ms.max.unwrap();
    assert!((30.0..60.0).contains(&last), "the longest of 2000 sums of 20: {last}");
}

/// Two halves that share the run and nothing else; the first has a line, choices and chances of all kinds.
const HALVES: [&str; 9] = [
    "version = 1\nname = \"halves\"\n",
    "[sim]\nduration = \"5s\"\nwarmup = \"1s\"\nreplications = 3\n",
    "[defaults]\ntransport = \"free\"\n",
    "[discovery]\nload_balancing = \"least_request\"\n",
    "[clients.left]\ncalls = [{ to = \"front\", share = \"70%\" }, { to = \"stock\" }]\nrate = \"300/s\"\n",
    "[clients.right]\ncalls = \"lone\"\nusers = 5\nthink_time = { mean = \"3ms\" }\n",
    r#"[services.front]
replicas = 2
concurrency = 2
queue_order = "random"
queue_timeout = { mean = "20ms" }
work = { mean = "4ms" }
error_rate = "1%"
steps = [
  { call = "stock", probability = "40%", timeout = "9ms" },
  { parallel = [{ call = "stock", times = 2 }, { work = { mean = "1ms" }, optional = true }] },
  { split = [{ weight = 3, steps = [{ work = "1ms" }] }, { steps = ["stock"] }] },
]
"#,
    "[services.stock]\nreplicas = 3\nconcurrency = 2\nwork = { p50 = \"1ms\", p99 = \"9ms\" }\n",
    "[services.lone]\nconcurrency = 2\nwork = { mean = \"5ms\" }\n",
];

/// Everything about a run, as its JSON.
fn bytes(summary: &Summary) -> String {
    pretty(summary)
}

/// The figures of the left half.
fn left(summary: &Summary) -> String {
    let stats = |names: &[&str], of: &std::collections::BTreeMap<String, Stats>| {
        names.iter().map(|name| pretty(&of[*name])).collect::<String>()
    };
    let edges = ["front -> stock", "left -> front", "left -> stock"];
    let nodes: [&Node; 2] = [&summary.nodes["front"], &summary.nodes["stock"]];
    stats(&["left"], &summary.clients)
        + &stats(&edges, &summary.edges)
        + &stats(&["front", "stock"], &summary.endpoints)
        + &nodes.map(pretty).concat()
}

#[test]
fn the_order_of_the_file_changes_nothing() {
    let written = run(&HALVES.concat());
    let mut reversed = HALVES;
    reversed[1..].reverse();
    same(&bytes(&run(&reversed.concat())), &bytes(&written), "reversed");
}

#[test]
fn what_is_unrelated_changes_nothing() {
    let written = run(&HALVES.concat());
    let front = written.clients["left"].clone();
    assert!(front.succeeded > 1_000 && front.failed.len() >= 2, "{:?}: nothing to compare", front.failed);
    // Names that sort before, between and after, so that every index moves.
    let more: String = ["a", "lefu", "zz"]
        .map(|name| {
            format!(
                "[clients.{name}-callers]\ncalls = \"{name}\"\nrate = \"500/s\"\n\
                 [services.{name}]\nreplicas = 2\nconcurrency = 1\nwork = {{ mean = \"3ms\" }}\nsteps = [\"{name}-below\"]\n\
                 [services.{name}-below]\nwork = \"1ms\"\n"
            )
        })
        .concat();
    let joined = run(&format!("{}{more}", HALVES.concat()));
    assert_ne!(written.run.events, joined.run.events);
    same(&left(&joined), &left(&written), "others joined");
    // Another right half is unrelated, too.
    let other = run(&HALVES.concat().replace("users = 5", "users = 9"));
    assert_ne!(bytes(&other), bytes(&written));
    same(&left(&other), &left(&written), "another right half");
}

#[test]
fn another_transport_changes_no_draw() {
    // Nobody waits for anybody and the network takes no time, so that the latency of a request is the sum of its draws.
    let text = |to_a: &str, to_b: &str| {
        format!(
            r#"{HEAD}
[services.top]
concurrency = "unlimited"
work = {{ mean = "1ms" }}
steps = [{{ call = "a", times = 2, transport = "{to_a}" }}, {{ parallel = ["a", "b"] }}, {{ call = "b", transport = "{to_b}" }}]

[services.a]
concurrency = "unlimited"
io = "async"
work = {{ mean = "1ms" }}
steps = [{{ call = "b", probability = "50%" }}]

[services.b]
concurrency = "unlimited"
work = {{ p50 = "1ms", p99 = "4ms" }}
error_rate = "5%"
"#
        )
        .replace("4000/s", "400/s")
    };
    let free = run(&text("free", "free"));
    assert!(free.clients["c"].failed["error"] > 100);
    for (to_a, to_b) in [("in-process", "free"), ("free", "in-process"), ("in-process", "in-process")] {
        let other = run(&text(to_a, to_b));
        assert_ne!(other.run.events, free.run.events);
        same(&pretty(&other.clients), &pretty(&free.clients), &format!("{to_a}, {to_b}"));
        for edge in ["top -> a", "top -> b", "a -> b"] {
            same(&pretty(&other.edges[edge]), &pretty(&free.edges[edge]), &format!("{edge} with {to_a}, {to_b}"));
        }
    }
}

#[test]
fn a_new_step_changes_no_other_draw() {
    // What is new takes no time, so that everything else happens when it did before.
    let text = |new: &str| {
        format!(
            r#"{HEAD}
[services.top]
concurrency = "unlimited"
work = {{ mean = "1ms" }}
steps = [{new} "a", {{ wait = {{ mean = "1ms" }}, probability = "30%" }}, {{ parallel = [{{ call = "a", times = 3 }}, "b"] }}]
[services.a]
concurrency = "unlimited"
work = {{ mean = "1ms" }}
steps = [{{ call = "b", times = 2 }}]
[services.b]
concurrency = "unlimited"
work = {{ mean = "1ms" }}
[services.new]
concurrency = "unlimited"
"#
        )
        .replace("4000/s", "400/s")
    };
    let written = run(&text(""));
    for new in [
        r#"{ call = "new", times = 3 },"#,
        r#"{ call = "new", transport = "in-process" }, { parallel = [{ call = "new", times = 2 }] },"#,
        r#"{ split = [{ steps = ["new"] }, { steps = [] }] },"#,
    ] {
        let other = run(&text(new));
        assert_ne!(other.run.events, written.run.events);
        same(&pretty(&other.clients), &pretty(&written.clients), new);
        same(&pretty(&other.edges["a -> b"]), &pretty(&written.edges["a -> b"]), new);
    }
}

#[test]
fn another_rate_or_work_stretches_the_same_draws() {
    let one = run(&format!("{HEAD}[services.top]\nconcurrency = \"unlimited\"\nwork = {{ mean = \"1ms\" }}\n"));
    let two = run(&format!("{HEAD}[services.top]\nconcurrency = \"unlimited\"\nwork = {{ mean = \"2ms\" }}\n"));
    let mean = |summary: &Summary| summary.clients["c"].latency_ms.mean.value.unwrap();
    assert_eq!(two.clients["c"].arrived, one.clients["c"].arrived);
    assert!((mean(&two) / mean(&one) - 2.0).abs() < 1e-5, "{} {}", mean(&one), mean(&two));
}
