//! hoptax as a library: what whoever builds on it relies on.

use hoptax::experiment::summary::Outcome;
use hoptax::report::json;
use hoptax::scenario::{Source, load};
use hoptax::{Scenario, Value};

const DESK: &str = r#"
version = 1
name = "desk"
[sim]
duration = "20s"
[defaults]
transport = "free"
[clients.people]
calls = "desk"
rate = "80/s"
[services.desk]
concurrency = 2
work = { mean = "10ms" }
steps = [{ query = "files", times = 2 }]
[databases.files]
work = "1ms"
[[slos]]
name = "quick"
of = "people"
expect = "p99 < 1s"
[variants.faster]
"services.desk.work" = { mean = "5ms" }
"#;

#[test]
fn what_is_built_is_what_is_written() {
    let step: Value = r#"{ query = "files", times = 2 }"#.parse().unwrap();
    let built = Scenario::builder("desk")
        .client("people")
        .set("calls", "desk")
        .set("rate", "80/s")
        .database("files")
        .set("work", "1ms")
        .service("desk")
        .set("concurrency", 2)
        .set("steps", [step])
        .set("work.mean", "10ms")
        .item("slos")
        .set("name", "quick")
        .set("of", "people")
        .set("expect", "p99 < 1s")
        .table("sim")
        .set("duration", "20s")
        .table("defaults")
        .set("transport", "free");
    let built = built.build().unwrap();
    let written = DESK.split("[variants").next().unwrap();
    let written = Scenario::parse(written).unwrap();
    assert_eq!(json::one(&built.run().unwrap()), json::one(&written.run().unwrap()));
}

#[test]
fn changes_and_variants_are_scenarios_of_their_own() {
    let desk = Scenario::parse(DESK).unwrap();
    assert_eq!(desk.variants(), ["faster"]);
    let faster = desk.variant("faster").unwrap().unwrap();
    let changed = desk.with("services.desk.work", r#"{ mean = "5ms" }"#.parse::<Value>().unwrap()).unwrap();
    assert_eq!(faster.checked().hash(), changed.checked().hash());
    assert_ne!(desk.checked().hash(), changed.checked().hash());
    assert!(desk.variant("slower").is_none());
    let wrong = desk.with("services.desk.wrok", "5ms").unwrap_err();
    assert!(wrong.to_string().contains("work"), "{wrong}");
}

#[test]
fn files_that_a_text_names_may_come_with_it() {
    let text = "version = 1\n[defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"s\"\nreplay = \"arrivals.csv\"\n[services.s]\n";
    let source = Source::text("a.toml", text).with_file("arrivals.csv", "1s\n2s\n2500ms\n");
    assert!(load(&source, &[]).is_ok(), "{:?}", load(&source, &[]).map(|_| ()).map_err(|r| r.complaints));
    let without = load(&Source::text("a.toml", text), &[]).unwrap_err();
    assert!(without.complaints[0].message.contains("arrivals.csv"), "{:?}", without.complaints);
    let wrong = Source::text("a.toml", text).with_file("arrivals.csv", "2s\n1s\n");
    assert!(load(&wrong, &[]).unwrap_err().complaints[0].message.contains("ascend"));
}

/// A latency of exactly so long is told as it is written, and a promise to stay below it is broken.
#[test]
fn a_constant_is_told_as_written() {
    for work in [0.9, 1.1, 6.4, 7.0, 7.2, 9.3] {
        let text = format!(
            "version = 1\n[sim]\nduration = \"2s\"\n[network]\nsame_zone = \"0s\"\n[defaults]\ntransport = \"free\"\n\
             [clients.c]\ncalls = \"a\"\nrate = \"50/s\"\n[services.a]\nconcurrency = \"unlimited\"\nwork = \"{work}ms\"\n\
             [[slos]]\nof = \"c\"\nexpect = \"p99 < {work}ms\"\n[[slos]]\nof = \"c\"\nexpect = \"p99 >= {work}ms\"\n"
        );
        let summary = Scenario::parse(&text).unwrap().run().unwrap();
        let stats = &summary.clients["c"];
        assert_eq!((stats.latency_ms.p99.value, stats.latency_ms.mean.value), (Some(work), Some(work)));
        let kept: Vec<bool> = summary.slos.iter().map(|slo| slo.verdict == Outcome::Met).collect();
        assert_eq!(kept, [false, true], "{work} ms");
    }
}

/// Who builds on the library is told that there is not enough memory, as the shell is.
#[test]
fn what_needs_more_memory_than_there_may_be_is_refused_not_tried() {
    let desk = |replicas: i64| {
        hoptax::Scenario::builder("desk")
            .client("people")
            .set("calls", "desk")
            .set("rate", "1/s")
            .service("desk")
            .set("work", "1ms")
            .set("replicas", replicas)
            .build()
    };
    let wrong = desk(4_294_967_295).unwrap_err();
    assert!(wrong.to_string().contains("E231"), "{wrong}");
    assert!(desk(2).is_ok());
}

/// A list within a table is named by its path.
#[test]
fn a_list_within_a_table_is_built_by_its_path() {
    let shop = hoptax::Scenario::builder("shop")
        .client("people")
        .set("calls", "desk")
        .set("rate", "1/s")
        .service("desk")
        .set("steps", [r#"{ send = "mails" }"#.parse::<hoptax::Value>().unwrap()])
        .named("queues", "mails")
        .item("services.mailer.consumes")
        .set("from", "mails")
        .set("work", "1ms")
        .build()
        .unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!(shop.checked().scenario().nodes["mailer"].consumes.len(), 1);
}

/// A variant that nothing could name is refused.
#[test]
fn no_variant_is_called_all() {
    let text = "version = 1\n[clients.a]\ncalls = \"b\"\nrate = \"1/s\"\n[services.b]\n[variants.all]\n\"clients.a.rate\" = \"2/s\"\n";
    let wrong = hoptax::Scenario::parse(text).unwrap_err().to_string();
    assert!(wrong.contains("no variant can be called `all`"), "{wrong}");
}

#[test]
fn a_scenario_is_compared_and_swept_as_the_program_does() {
    let desk = Scenario::parse(DESK).unwrap();
    let others = [("faster".to_owned(), desk.variant("faster").unwrap().unwrap())];
    let found = desk.compare(&others, Some(1), &()).unwrap();
    let told: serde_json::Value = serde_json::from_str(&found.json).unwrap();
    assert_eq!(told["total"]["quickest"], "faster");
    assert!(found.table.contains("faster"), "{}", found.table);
    assert!(found.csv.lines().any(|line| line.starts_with("faster,clients,people,p99_ms,ms,")), "{}", found.csv);
    let axes = ["clients.people.rate=40/s,80/s".to_owned()];
    let found = desk.sweep(&axes, Some(1), &()).unwrap();
    let told: serde_json::Value = serde_json::from_str(&found.json).unwrap();
    assert!(found.csv.contains("80/s people,p99_ms") && found.table.contains("80/s"), "{}", found.csv);
    assert_eq!(told["points"][1]["at"], serde_json::json!(["80/s"]));
    assert!(desk.sweep(&["nothing".to_owned()], None, &()).is_err());
}
