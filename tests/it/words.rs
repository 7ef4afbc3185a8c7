//! Every word that the output prints as a heading, a name of its JSON or a verdict can be explained.

use std::collections::BTreeSet;

use hoptax::experiment::advise;
use hoptax::experiment::coupling::{self, NoShelf};
use hoptax::experiment::diagnosis::{change, prove};
use hoptax::model::{Cause, Outcome};
use hoptax::report::contents::SECTIONS;
use hoptax::scenario::vocab::explain;
use serde_json::Value;

use crate::bench::{checked, run_on};
use crate::source::{files, shipped};

/// All names of the file begin so: what is under them is a word of the output, they are not.
const OWN: &str = "x-";

/// A file with a bit of everything.
const SHOP: &str = r#"
version = 1
sim = { duration = "5s", warmup = "1s", replications = 2 }
[clients.x-web]
calls = "x-orders"
rate = "20/s"
[services.x-orders]
replicas = 2
cores = 1
cost = 0.1
team = "x-a"
libraries = { x-rules = "logic" }
deploys_with = ["x-users"]
work = { mean = "2ms" }
steps = [
  { call = "x-users", timeout = "1s", retries = { max = 1, backoff = "10ms" }, circuit_breaker = { failure_rate = "50%", window = "10s", min_calls = 20, open_for = "1s" } },
  { query = "x-db", table = "orders", mode = "write" }, { call = "x-mail", uses_reply = false }, { publish = "x-told" },
  { cache = "x-cache" },
]
[services.x-users]
team = "x-b"
libraries = { x-rules = "logic" }
work = { mean = "2ms" }
steps = [{ query = "x-db", table = "orders" }]
[services.x-mail]
work = "5ms"
steps = [{ send = "x-letters" }]
[services.x-reader]
consumes = [{ from = "x-told", group = "x-group", work = "1ms" }, { from = "x-letters", work = "1ms" }]
[databases.x-db]
work = { mean = "1ms" }
[caches.x-cache]
hit_rate = "80%"
[queues.x-letters]
[topics.x-told]
[[flows]]
name = "x-flow"
starts = "x-web"
ends = "x-reader"
[[slos]]
name = "x-promise"
of = "x-web"
expect = "p99 < 400ms"
[[faults]]
name = "x-fault"
kind = "outage"
target = "x-users"
at = "2s"
duration = "1s"
"#;

/// Whether there is something to be read about a word.
fn is_known(word: &str) -> bool {
    explain(word.trim()).is_some()
}

#[test]
fn every_heading_of_a_table_is_explained() {
    let mut unknown = BTreeSet::new();
    let mut found = 0;
    for (file, text) in files().into_iter().filter(|(file, _)| file.starts_with("report/") && !file.contains("chart/"))
    {
        for heading in headings(&shipped(&file, &text)) {
            found += 1;
            if !is_known(heading) {
                unknown.insert(format!("{file}: {heading}"));
            }
        }
    }
    assert!(found > 150, "{found} headings: they are written in another way");
    assert!(unknown.is_empty(), "{unknown:#?}");
}

/// Columns as they are declared: `("wait p99", 7)`.
fn headings(code: &str) -> Vec<&str> {
    let column = |(at, _): (usize, &str)| {
        let (name, rest) = code[at + 2..].split_once('"')?;
        let number = rest.strip_prefix(", ")?.split_once(')')?.0;
        let is = !name.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is.then_some(name)
    };
    code.match_indices("(\"").filter_map(column).collect()
}

#[test]
fn every_row_every_kind_of_sentence_and_every_title_is_explained() {
    let mut unknown = BTreeSet::new();
    let mut found = 0;
    let mut ask = |place: &str, word: &str| {
        found += 1;
        if !is_known(word) && !is_known(&word.to_lowercase()) {
            unknown.insert(format!("{place}: {word}"));
        }
    };
    for (file, text) in files().into_iter().filter(|(file, _)| file.starts_with("report/")) {
        let code = shipped(&file, &text);
        for before in ["sheet.push(\"", "grouped(\""] {
            for (at, _) in code.match_indices(before) {
                let word = code[at + before.len()..].split('"').next().unwrap_or_default();
                ask(&file, word.trim_end_matches([':', ' ']));
            }
        }
    }
    SECTIONS.iter().for_each(|section| ask("a section", section.title));
    Cause::ALL.iter().for_each(|cause| {
        ask("a cause", cause.word());
        ask("a cause", &hoptax::report::cause::name(*cause));
    });
    Outcome::FAILURES.iter().for_each(|outcome| ask("a failure", outcome.word()));
    assert!(found > 60, "{found} words: they are written in another way");
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn no_column_is_called_measured() {
    for (file, text) in files().into_iter().filter(|(file, _)| file.starts_with("report/")) {
        let code = shipped(&file, &text);
        assert!(headings(&code).iter().all(|heading| !heading.contains("measured")), "{file}");
    }
}

#[test]
fn every_name_of_the_json_is_explained() {
    let file = checked(SHOP);
    let old = checked(&SHOP.replace("deploys_with = [\"x-users\"]\n", ""));
    let wanted = coupling::Wanted { slow: true, ..coupling::Wanted::default() };
    let coupling = coupling::study(&file, &wanted, Some(1), &(), &NoShelf).unwrap().coupling;
    let (mut diagnosis, _) = prove(&file, Some(1), &(), &NoShelf).unwrap();
    diagnosis.change = Some(change(&old, &file));
    let wanted = advise::Wanted { tries: true, ..advise::Wanted::default() };
    let advice = advise::study(&file, &wanted, Some(1), &()).unwrap().advice;
    let all = [
        hoptax::report::json::pretty(&run_on(1, SHOP)),
        hoptax::report::json::pretty(&coupling),
        hoptax::report::json::pretty(&diagnosis),
        hoptax::report::json::pretty(&advice),
    ];
    let mut names = BTreeSet::new();
    all.iter().for_each(|text| keys(&serde_json::from_str(text).unwrap(), &mut names));
    // Names of the file, and promises that are called by what they say.
    names.retain(|name| !name.contains(OWN) && !name.contains(' '));
    assert!(names.len() > 150, "{names:?}");
    let unknown: Vec<&String> = names.iter().filter(|name| !is_known(name)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

fn keys(value: &Value, all: &mut BTreeSet<String>) {
    match value {
        Value::Object(inner) => inner.iter().for_each(|(key, value)| {
            all.insert(key.clone());
            keys(value, all);
        }),
        Value::Array(inner) => inner.iter().for_each(|value| keys(value, all)),
        _ => {}
    }
}

#[test]
fn every_verdict_is_explained() {
    let verdicts = [
        "tax",
        "bottleneck",
        "answered well",
        "one run",
        "no interval",
        "two camps",
        "used",
        "busy",
        "working",
        "recovered",
        "burn",
        "amplification",
        "N_eff",
        "unit",
        "spill-over",
        "severe",
        "moderate",
        "not assessed",
        "one in fact",
        "better",
        "a trade",
        "buys nothing",
        "as it is",
        "worse",
        "more than needed",
        "either",
        "change",
        "fits",
        "met",
        "undecided",
        "not seen",
        "at once",
        "never",
        "settled",
        "diverging",
        "hanging",
        "refusing",
    ];
    let unknown: Vec<&&str> = verdicts.iter().filter(|word| !is_known(word)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
