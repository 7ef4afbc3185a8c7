//! Comparisons as people see them. `HOPTAX_BLESS=1 cargo test --test it compare` writes them anew; then read the difference.

use std::fs;

use hoptax::experiment::compare::{Verdict, compare};
use hoptax::report::compare::table;
use hoptax::report::table::{Style, WIDTH};
use hoptax::scenario::{Edit, Source, load};
use unicode_width::UnicodeWidthStr as _;

use crate::bench::{run, same};
use crate::golden::{few_runs, home};

#[test]
fn comparisons_look_as_they_did() {
    for name in ["06-five-milliseconds-become-fifty", "07-rest-or-grpc-where-it-does-not-matter"] {
        let source = Source::open(&home("scenarios").join(name).with_extension("toml")).unwrap();
        let runs = few_runs(&source);
        let text = table(&compare(&runs[0], &runs[1..], Vec::new(), Vec::new()), &[], Style::default());
        assert!(text.lines().all(|line| line.width() <= WIDTH), "{text}");
        let golden = home("tests/golden/compare").join(name).with_extension("txt");
        if std::env::var_os("HOPTAX_BLESS").is_some() {
            fs::write(&golden, &text).unwrap();
        }
        same(
            &text,
            &fs::read_to_string(&golden).unwrap_or_default(),
            &format!("{name} (HOPTAX_BLESS=1 writes it anew)"),
        );
    }
}

/// An M/M/1 queue.
const QUEUE: &str = r#"
version = 1
[sim]
duration = "60s"
warmup = "5s"
replications = 8
[defaults]
transport = "free"
[network]
same_zone = "0s"
[clients.people]
calls = "desk"
rate = "50/s"
[services.desk]
concurrency = 1
work = { mean = "10ms" }
"#;

#[test]
fn a_slower_server_is_told_from_luck_where_seeds_of_its_own_could_not() {
    let with = |path: &str| load(&Source::text("queue.toml", QUEUE), &[Edit::parse(path).unwrap()]).unwrap();
    let slower = hoptax::experiment::run(&with("services.desk.work={ mean = \"10.1ms\" }"), Some(1), &()).unwrap();
    let base = run(QUEUE);
    let comparison = compare(&base, std::slice::from_ref(&slower), Vec::new(), Vec::new());
    let mean = comparison.others[0].clients["people"].mean_ms;
    assert_eq!(mean.verdict, Verdict::Higher, "{mean:?}");
    // M/M/1: 1/(99.01 − 50) − 1/(100 − 50) s = 0.404 ms.
    assert!(mean.difference.contains(0.404).unwrap(), "{mean:?}");
    assert!(mean.variance_gain.unwrap() > 20.0, "{mean:?}");
    // On seeds of its own the same change drowns.
    let apart = base.clients["people"].latency_ms.mean;
    assert!(apart.half_width().unwrap() > mean.difference.half_width().unwrap() * 4.0, "{apart:?} {mean:?}");
}

/// One interaction: 20 ms of work in the callee, behind a caller with next to none.
const SHOP: &str = r#"
version = 1
[sim]
duration = "20s"
warmup = "2s"
replications = 4
[clients.shoppers]
calls = "orders"
rate = "60/s"
[services.orders]
work = "500us"
steps = [{ call = "payments", timeout = "3s" }]
[services.payments]
concurrency = 8
work = { mean = "20ms" }
"#;

/// `hoptax compare` of the scenario through patterns, as JSON.
fn patterns(text: &str, words: &[&str]) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("shop.toml"), text).unwrap();
    let edge = ["compare", "shop.toml", "--edge", "orders -> payments", "--format", "json", "--save", "saved"];
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hoptax"));
    let output = command.args(edge).args(words).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for saved in fs::read_dir(folder.path().join("saved")).unwrap() {
        let saved = Source::open(&saved.unwrap().path()).unwrap();
        load(&saved, &[]).unwrap_or_else(|r| panic!("{:?}\n{}", r.complaints, saved.text));
    }
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_words_of_the_table_are_earned() {
    let told = |json: &serde_json::Value, at: usize, path: &str| json["patterns"]["rows"][at]["words"][path].clone();
    let slow_call = patterns(SHOP, &["--patterns", "rest,queue"]);
    let slow =
        |json: &serde_json::Value, at| ["higher", "far higher"].iter().any(|word| told(json, at, "latency") == *word);
    assert!(slow(&slow_call, 0) && told(&slow_call, 1, "latency") == "very low", "{slow_call}");
    assert_eq!(told(&slow_call, 0, "coupling"), "temporal + spatial");
    // Until a broker can be taken down, what it costs is not assessed.
    let assessed = !slow_call["patterns"]["rows"][1]["broker_down"].is_null();
    assert_eq!(told(&slow_call, 1, "coupling"), if assessed { "to broker + spatial" } else { "spatial" });
    assert_eq!(
        (told(&slow_call, 0, "reliability"), told(&slow_call, 1, "reliability")),
        ("fails".into(), "survives".into())
    );
    let toll = |at: usize, of: &str, what: &str| {
        slow_call["patterns"]["rows"][at][of][what]["value"].as_f64().unwrap_or_else(|| panic!("{at} {of} {what}"))
    };
    assert!(toll(0, "callee_down", "lost") > 0.95 && toll(1, "callee_down", "lost") == 0.0);
    assert!(toll(1, "callee_down", "effects_late") > 0.9);
    assert!(!assessed || toll(1, "broker_down", "lost") > 0.95);
    // A slow broker before quick work: the words swap.
    let quick_call = SHOP.replace("20ms", "1ms");
    let swapped = patterns(&quick_call, &["--patterns", "rest,queue", "--publish-latency", "50ms"]);
    assert_eq!(told(&swapped, 0, "latency"), "very low");
    assert!(slow(&swapped, 1), "{swapped}");
}

#[test]
fn the_flip_is_fair_the_callee_works_as_much() {
    let text = format!("{SHOP}\n[variants.queue]\n\"links.orders -> payments\" = \"queue\"\n");
    let source = Source::text("shop.toml", &text);
    let plain = load(&source, &[]).unwrap_or_else(|r| panic!("{:?}", r.complaints));
    let edits = hoptax::scenario::variant_edits(plain.scenario(), "queue").unwrap();
    let flipped = load(&source, &edits).unwrap_or_else(|r| panic!("{:?}", r.complaints));
    let working = |checked| hoptax::experiment::run(checked, Some(2), &()).unwrap().nodes["payments"].mean_working;
    let (rest, queue) = (working(&plain), working(&flipped));
    let (a, b) = (rest.ends().unwrap(), queue.ends().unwrap());
    assert!(a.0 <= b.1 && b.0 <= a.1, "{rest:?} {queue:?}");
    // The same messages do the same work: the draws are those of the calls.
    assert!((rest.value.unwrap() / queue.value.unwrap() - 1.0).abs() < 0.02, "{rest:?} {queue:?}");
}
