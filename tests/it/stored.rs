//! Results that were kept: read back, compared, and held against a run.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use hoptax::experiment::compare::{self, Cast, regressions, stored};
use hoptax::experiment::study::Options;
use hoptax::experiment::summary::NotStored;
use hoptax::report::json;
use hoptax::scenario::Source;
use hoptax::{Scenario, Summary};

const DESK: &str = r#"
version = 1
name = "desk"
[sim]
duration = "4s"
warmup = "0s"
replications = 6
[defaults]
transport = "free"
[clients.people]
calls = "desk"
rate = "60/s"
[services.desk]
concurrency = 2
work = { mean = "5ms" }
steps = [{ call = "files", timeout = "60ms", retries = { max = 1, on = ["timeout"], backoff = "1ms" } }]
[services.files]
work = { mean = "3ms" }
[variants.slow]
"services.desk.work" = { mean = "9ms" }
"#;

/// As a file of the first version had it: without what has been added since.
const OLD: &str = include_str!("kept/summary-version-1.json");

fn run(variant: Option<&str>) -> Summary {
    let desk = Scenario::parse(DESK).unwrap();
    let desk = variant.map_or(desk.clone(), |name| desk.variant(name).unwrap().unwrap());
    desk.run().unwrap()
}

fn kept(summary: &Summary) -> Summary {
    Summary::stored(&json::one(summary)).unwrap().remove(0)
}

#[test]
fn what_was_kept_whole_is_compared_to_the_digit() {
    let cast = Cast::variants(&Source::text("desk", DESK), None, None, &Options::default()).unwrap();
    let live = compare::study(&cast, None, &()).unwrap().comparison;
    let [base, slow] = [None, Some("slow")].map(|variant| kept(&run(variant).with_replications()));
    let found = stored(&base, &[slow]);
    assert_eq!(found.others[0].clients, live.others[0].clients);
    assert_eq!(found.total.others[0].mean_ms, live.total.others[0].mean_ms);
    assert!(found.run.pairing.starts_with("common random numbers"), "{}", found.run.pairing);
}

#[test]
fn what_cannot_be_paired_is_wider_and_says_so() {
    let [base, slow] = [None, Some("slow")].map(run);
    let paired = stored(&kept(&base.clone().with_replications()), &[kept(&slow.clone().with_replications())]);
    let apart = stored(&kept(&base.clone()), &[kept(&slow.clone())]);
    assert!(apart.run.pairing.starts_with("unpaired"), "{}", apart.run.pairing);
    assert!(apart.run.notes.iter().any(|note| note.contains("--per-replication")), "{:?}", apart.run.notes);
    let mean = |of: &compare::Comparison| of.others[0].clients["people"].mean_ms;
    let half = |of: &compare::Comparison| mean(of).difference.half_width().unwrap();
    let [one, other] = [&paired, &apart].map(|of| mean(of).difference.value.unwrap());
    assert!((one - other).abs() < 1e-9 * one.abs(), "{one} {other}");
    assert!(half(&apart) > 1.5 * half(&paired), "{} {}", half(&apart), half(&paired));
    // Another seed, and a longer run: nothing is common, and both are named.
    let other = Scenario::parse(DESK).unwrap().with("sim.seed", 7).unwrap().with("sim.duration", "5s").unwrap();
    let other = kept(&other.run().unwrap().with_replications());
    let found = stored(&kept(&base.with_replications()), &[other]);
    assert!(found.run.pairing.starts_with("unpaired"), "{}", found.run.pairing);
    for word in ["seed 7, not 1", "measured for 5 s, not 4 s", "another scenario: hash"] {
        assert!(found.run.notes.iter().any(|note| note.contains(word)), "{word}: {:?}", found.run.notes);
    }
}

#[test]
fn an_old_file_stays_readable() {
    let old = Summary::stored(OLD).unwrap().remove(0);
    let median = old.clients["people"].latency_ms.p50.value.unwrap();
    assert!((10.0..20.0).contains(&median), "{median}");
    assert_eq!(old.edges["desk -> files"].policing.as_ref().unwrap().retries, 25);
    let text = hoptax::report::table::render(std::slice::from_ref(&old), hoptax::report::table::Style::default());
    assert!(text.contains("two desks"), "{text}");
    // It has no figure over all that arrived, and some failed: of their quantiles nothing is known.
    let found = stored(&old, std::slice::from_ref(&old));
    let people = found.others[0].clients["people"];
    assert_eq!((people.mean_ms.difference.value, people.p50_ms.difference.value), (Some(0.0), None));
}

#[test]
fn what_is_damaged_is_never_left_out() {
    let damaged = |from: &str, to: &str| {
        assert!(OLD.contains(from), "{from}");
        Summary::stored(&OLD.replacen(from, to, 1)).unwrap_err()
    };
    let newer = damaged("\"schema_version\": 1", "\"schema_version\": 999");
    assert!(matches!(&newer, NotStored::Foreign(why) if why.contains("999") && why.contains("reads 1")), "{newer}");
    // A part that may be missing, of which something is wrong, was once taken for one that is missing.
    let retries = damaged("\"retries\": 25", "\"retries\": \"many\"");
    assert!(matches!(&retries, NotStored::Damaged(why) if why.contains("many")), "{retries}");
    let half = damaged("\"retries\": 25,", "");
    assert!(matches!(&half, NotStored::Damaged(why) if why.contains("retries")), "{half}");
    assert!(matches!(Summary::stored(&OLD[..OLD.len() / 2]), Err(NotStored::Broken(_))));
    for foreign in ["{}", "[]", "[3]", "7", r#"{"schema_version": 1, "base": {}}"#, r#"{"schema_version": null}"#] {
        assert!(matches!(Summary::stored(foreign), Err(NotStored::Foreign(_))), "{foreign}");
    }
    let whole = json::one(&run(None).with_replications());
    let histogram = whole.find("\"hdr\": \"").unwrap() + 8;
    let garbled = format!("{}AAAA{}", &whole[..histogram], &whole[histogram + 4..]);
    assert!(matches!(Summary::stored(&garbled), Err(NotStored::Damaged(why)) if why.contains("HdrHistogram")));
    let mut fewer: serde_json::Value = serde_json::from_str(&whole).unwrap();
    fewer["replications"].as_array_mut().unwrap().pop();
    let fewer = Summary::stored(&fewer.to_string()).unwrap_err();
    assert!(fewer.to_string().contains("5 replications, and 6 were run"), "{fewer}");
}

#[test]
fn what_is_read_back_is_written_again_to_the_byte() {
    let text = json::one(&run(None).with_replications());
    assert_eq!(json::render(&Summary::stored(&text).unwrap()), text);
}

#[test]
fn slower_is_a_regression_and_quicker_is_none() {
    let [base, slow] = [None, Some("slow")].map(|variant| kept(&run(variant).with_replications()));
    let found = regressions(&stored(&base, std::slice::from_ref(&slow)), 0.05);
    let figures: Vec<&str> = found.iter().map(|one| one.figure).collect();
    assert!(figures.contains(&"mean_ms"), "{figures:?}");
    assert!(found.iter().all(|one| one.worse.is_some_and(|share| share > 0.05)), "{found:?}");
    assert!(regressions(&stored(&slow, std::slice::from_ref(&base)), 0.05).is_empty());
    assert!(regressions(&stored(&base, std::slice::from_ref(&base)), 0.0).is_empty());
    assert!(regressions(&stored(&base, &[slow]), 100.0).is_empty());
}

/// What goes over time is kept where it is asked for, and drawn again as it was.
#[test]
fn series_are_kept_and_drawn_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(
        at.join("desk.toml"),
        DESK.to_owned() + "[queues.letters]\n[services.mail]\nconsumes = [{ from = \"letters\", work = \"1ms\" }]\n",
    )
    .unwrap();
    let set = "--set services.desk.steps=[{call=\"files\"},{send=\"letters\"}]";
    let ends = |words: &str| {
        let found = hoptax(at, words);
        assert_eq!(found.status.code(), Some(0), "{words}: {}", String::from_utf8_lossy(&found.stderr));
    };
    ends(&format!(
        "run desk.toml -q {set} --series -o kept.json -o live.timeline.svg -o live.queues.svg -o live.series.csv -o live.arrivals.svg"
    ));
    ends("report kept.json -o again.timeline.svg -o again.queues.svg -o again.series.csv -o again.arrivals.svg");
    let read = |name: &str| fs::read_to_string(at.join(name)).unwrap();
    for name in ["timeline.svg", "queues.svg", "arrivals.svg", "series.csv"] {
        assert_eq!(read(&format!("live.{name}")), read(&format!("again.{name}")), "{name}");
    }
    let kept: serde_json::Value = serde_json::from_str(&read("kept.json")).unwrap();
    assert!(kept["series"]["clients"]["people"].is_object(), "{:#}", kept["series"]);
    assert!(kept["series"].to_string().contains("letters"), "queues are in it");
    ends(&format!("run desk.toml -q {set} -o bare.json"));
    assert!(!read("bare.json").contains("\"series\""), "nobody asked for it");
}

fn hoptax(folder: &Path, words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoptax"));
    command.args(words.split_whitespace()).current_dir(folder).output().unwrap()
}

/// A gate that had nothing to judge has not passed: a client by another name, and one replication, of which no difference has an interval.
#[test]
fn a_gate_that_judges_nothing_fails() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("desk.toml"), DESK).unwrap();
    fs::write(at.join("renamed.toml"), DESK.replace("people", "folk")).unwrap();
    assert_eq!(hoptax(at, "run desk.toml -q --per-replication -o base.json").status.code(), Some(0));
    assert_eq!(hoptax(at, "run desk.toml -q -n 1 --per-replication -o one.json").status.code(), Some(0));
    for (words, said) in [
        (
            "run renamed.toml --baseline base.json",
            "nothing was judged: no client in common with base; only in one of the two",
        ),
        ("run desk.toml -n 1 --baseline one.json", "not judged: people: no difference has an interval"),
        ("compare one.json one.json", "not judged: people"),
    ] {
        let found = hoptax(at, &format!("{words} --fail-on-regression 5%"));
        let told = String::from_utf8([found.stdout, found.stderr].concat()).unwrap();
        assert_eq!(found.status.code(), Some(99), "{words}: {told}");
        assert!(told.contains(said), "{words}: {told}");
    }
}

#[test]
fn the_shell_holds_a_run_against_what_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("desk.toml"), DESK).unwrap();
    let code = |words: &str| hoptax(at, words).status.code();
    assert_eq!(code("run desk.toml -q --per-replication -o base.json"), Some(0));
    assert_eq!(code("run desk.toml -q --baseline base.json --fail-on-regression 5%"), Some(0));
    let slow = hoptax(at, "run desk.toml --variant slow --baseline base.json --fail-on-regression 5%");
    let said = String::from_utf8(slow.stdout).unwrap();
    assert_eq!(slow.status.code(), Some(99), "{said}");
    assert!(said.starts_with("worse than in base by more than 5 %") && said.contains("mean_ms of people"), "{said}");
    assert_eq!(code("run desk.toml -q --variant slow --per-replication -o slow.json"), Some(0));
    let both = hoptax(at, "compare base.json slow.json");
    let said = String::from_utf8(both.stdout).unwrap();
    assert!(both.status.success() && said.contains("slow against base"), "{said}");
    assert!(said.contains("replication by replication"), "{said}");
    let again = hoptax(at, "report base.json");
    let first = hoptax(at, "run desk.toml -q");
    // Of nodes a file does not say what kind they are; all that stands above them is the same.
    let above = |output: Output| {
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().take_while(|line| !line.starts_with("node")).map(str::to_owned).collect::<Vec<_>>()
    };
    let (again, first) = (above(again), above(first));
    assert!(first.len() > 8, "{first:#?}");
    assert_eq!(again, first);
    for (words, exit, why) in [
        ("compare base.json desk.toml", 2, "is a scenario"),
        ("compare base.json slow.json --seed 3", 2, "kept as they are"),
        ("compare base.json", 2, "nothing to compare"),
        ("report desk.toml", 1, "JSON"),
        ("report no.json", 1, "no.json"),
        ("run desk.toml --baseline no.json", 1, "no.json"),
        ("run desk.toml --variant all --baseline base.json", 2, "one run"),
        ("run desk.toml --fail-on-regression 5%", 2, "--baseline"),
        ("run base.json", 3, "`hoptax report base.json`"),
        ("report base.json -o timeline.svg", 1, "`run --series"),
        ("report base.json -o graph.svg", 1, "`hoptax graph"),
    ] {
        let found = hoptax(at, words);
        let said = String::from_utf8(found.stderr).unwrap();
        assert_eq!(found.status.code(), Some(exit), "{words}: {said}");
        assert!(said.contains(why), "{words}: {said}");
    }
}
