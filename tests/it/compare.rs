//! Comparisons as people see them. `HOPTAX_BLESS=1 cargo test --test it compare` writes them anew; then read the difference.

use std::fs;

use hoptax::experiment::compare::{Verdict, compare};
use hoptax::report::compare::table;
use hoptax::report::table::{Style, WIDTH};
use hoptax::scenario::{Edit, Source, load};
use unicode_width::UnicodeWidthStr as _;

use crate::bench::{run, same};
use crate::golden::{home, short_runs};

#[test]
fn comparisons_look_as_they_did() {
    for name in ["06-five-milliseconds-become-fifty", "07-rest-or-grpc-where-it-does-not-matter"] {
        let source = Source::open(&home("scenarios").join(name).with_extension("toml")).unwrap();
        let runs = short_runs(&source);
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
