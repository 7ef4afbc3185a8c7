//! What is advised, on small files: one for each row of the quick reference, its opposite beside it, and what must never be
//! advised.

use hoptax::experiment::advise::{Advice, Class, Fit, Kind, Outcome, Study, Wanted, study};
use hoptax::experiment::run;
use hoptax::experiment::study::{Options, Trouble, load};
use hoptax::scenario::{Checked, Source};

fn checked(text: &str) -> Checked {
    load(&Source::text("advise", text), None, &Options::default()).unwrap_or_else(|why| panic!("{why}"))
}

fn tried(text: &str) -> Study {
    let wanted = Wanted { tries: true, ..Wanted::default() };
    study(&checked(text), &wanted, None, &()).unwrap_or_else(|why| panic!("{why}"))
}

fn by_rules(text: &str) -> Advice {
    study(&checked(text), &Wanted::default(), None, &()).unwrap_or_else(|why| panic!("{why}")).advice
}

fn way(advice: &Advice, kind: Kind) -> &Outcome {
    advice.ways.iter().find(|one| one.kind == Some(kind)).unwrap_or_else(|| panic!("{kind:?} was not tried"))
}

fn p99(one: &Outcome) -> f64 {
    one.client.p99_ms.difference.value.unwrap()
}

const SIM: &str = "version = 1\nsim = { duration = \"20s\", warmup = \"2s\", replications = 6 }\n";

/// A front end, a back end, and a mailer that nobody waits for.
fn shop(mail: &str) -> String {
    format!(
        r#"{SIM}
discovery = {{ kind = "dns" }}
[clients.users]
calls = "orders"
rate = "40/s"
[services.orders]
work = "2ms"
steps = ["stock", {mail}]
[services.stock]
work = {{ mean = "4ms" }}
[services.mail]
work = {{ mean = "30ms" }}
"#
    )
}

/// Fire and forget: queue. What the caller gains is the callee's time; that the mail is sent is no later by more than a little.
#[test]
fn what_nobody_waits_for_goes_into_a_queue() {
    let study = tried(&shop("{ call = \"mail\", uses_reply = false }"));
    let advice = &study.advice;
    let mail = advice.interactions.iter().find(|one| one.edge == "orders -> mail").unwrap();
    assert_eq!((mail.pattern, mail.fit), ("queue", Fit::Change));
    assert_eq!((advice.ways[0].kind, advice.ways[0].class), (Some(Kind::Queue), Class::Better), "{:?}", advice.ways[0]);
    assert!(p99(&advice.ways[0]) < -60.0, "{}", p99(&advice.ways[0]));
    // By Little's law: 40 a second, each done 30 ms later and a little more.
    let open: f64 = advice.ways[0].open_effects.values().sum();
    assert!((1.2..1.8).contains(&open), "{open}");
    assert!(advice.again.as_ref().unwrap().holds);
    // A stream does the same with as many parts; a queue is the simpler word, and stands first.
    assert!(way(advice, Kind::Stream).class == Class::Better);
}

/// The answer is needed at once: REST or gRPC, and never a message.
#[test]
fn a_call_whose_answer_is_used_is_never_flipped() {
    let study = tried(&shop("\"mail\""));
    let messages = |one: &Outcome| matches!(one.kind, Some(Kind::Queue | Kind::Stream));
    assert!(!study.advice.ways.iter().any(messages));
    let mail = study.advice.interactions.iter().find(|one| one.edge == "orders -> mail").unwrap();
    assert_eq!((mail.pattern, mail.fit, mail.uses_reply), ("REST or gRPC", Fit::Fits, true));
}

/// What is saved says, when it is run alone, what the advice said.
#[test]
fn what_is_saved_gives_the_figures_that_were_printed() {
    let study = tried(&shop("{ call = \"mail\", uses_reply = false }"));
    let best = &study.advice.ways[0];
    let saved = study.texts.iter().find(|one| one.way.as_deref() == Some(&best.way)).unwrap();
    let again = load(&saved.text, None, &Options::default()).unwrap();
    assert_eq!(again.hash(), best.hash);
    let summary = run(&again, None, &()).unwrap();
    let client = &summary.clients["users"];
    assert_eq!(client.latency_arrived_ms.p99, best.client.p99_ms.other);
    assert_eq!(client.success_rate, best.client.success_rate.other);
}

/// Several consumers of one event: stream. Four calls that nobody waits for, or one event.
#[test]
fn several_who_want_the_same_read_a_stream() {
    let mut text = format!(
        "{SIM}[clients.users]\ncalls = \"orders\"\nrate = \"20/s\"\n[services.orders]\nwork = \"2ms\"\nsteps = ["
    );
    let names = ["stock", "mail", "points", "books"];
    names.iter().for_each(|name| text += &format!("{{ call = \"{name}\", uses_reply = false }}, "));
    text += "]\n";
    names.iter().for_each(|name| text += &format!("[services.{name}]\nwork = \"5ms\"\n"));
    let advice = by_rules(&text);
    for name in names {
        let one = advice.interactions.iter().find(|one| one.edge == format!("orders -> {name}")).unwrap();
        assert_eq!((one.pattern, one.fit, one.receivers), ("stream", Fit::Change, 4));
    }
    // The opposite, a call each: a caller that waits for all of them in turn.
    let called = run(&checked(&text), None, &()).unwrap();
    let event = text.replace(
        &text[text.find("steps").unwrap()..text.find("]\n[services.stock]").unwrap()],
        "steps = [{ publish = \"ordered\" }",
    ) + "[topics.ordered]\n";
    let event = names.iter().fold(event, |text, name| {
        let consumer =
            format!("[services.{name}]\nconsumes = [{{ from = \"ordered\", group = \"{name}\", work = \"5ms\" }}]\n");
        text.replace(&format!("[services.{name}]\n"), &consumer)
    });
    let told = run(&checked(&event), None, &()).unwrap();
    let mean = |summary: &hoptax::experiment::summary::Summary| summary.clients["users"].latency_ms.mean.value.unwrap();
    assert!(mean(&called) > 20.0 + mean(&told), "{} {}", mean(&called), mean(&told));
}

/// Few services: names. A mesh there costs what it does not give back, and the advice says how much.
#[test]
fn a_mesh_for_three_services_is_more_than_needed() {
    let quick = [
        ("mesh = {}", "discovery = { kind = \"dns\" }"),
        ("\"3ms\"", "{ mean = \"30ms\" }"),
        ("\"4ms\"", "{ mean = \"4ms\" }"),
    ];
    let text = quick.iter().fold(shop("\"mail\""), |text, (new, old)| text.replace(old, new));
    let study = tried(&text);
    assert_eq!((study.advice.whole[0].pattern, study.advice.whole[0].fit), ("DNS", Fit::MoreThanNeeded));
    let without = way(&study.advice, Kind::NoMesh);
    assert_eq!(without.class, Class::Better, "{without:?}");
    assert!(p99(without) < -1.0 && without.moving_parts == 3, "{without:?}");
}

/// gRPC where it buys nothing: said with the milliseconds, and not advised.
#[test]
fn grpc_that_buys_nothing_is_said_with_its_milliseconds() {
    let study = tried(&shop("\"mail\""));
    let grpc = way(&study.advice, Kind::Transport);
    assert!(p99(grpc).abs() < 5.0 && matches!(grpc.class, Class::Nothing | Class::Better), "{grpc:?}");
    assert!(grpc.gain < 0.2, "{}", grpc.gain);
}

/// Where everything is as it should be, nothing is better than to leave it.
#[test]
fn a_healthy_shop_is_left_as_it_is() {
    let study = tried(
        r#"
version = 1
sim = { duration = "20s", warmup = "2s", replications = 6 }
discovery = { kind = "dns" }
[clients.users]
calls = "shop"
rate = "40/s"
[services.shop]
replicas = 2
work = { mean = "8ms" }
steps = [{ publish = "ordered", key = "user" }]
[topics.ordered]
partitions = 4
[services.mail]
consumes = [{ from = "ordered", group = "mail", work = { mean = "10ms" } }]
[services.stock]
consumes = [{ from = "ordered", group = "stock", work = { mean = "4ms" } }]
"#,
    );
    let advice = &study.advice;
    assert_eq!((advice.ways[0].kind, advice.ways[0].class), (None, Class::AsItIs), "{:?}", advice.ways[0]);
    assert!(advice.again.is_none());
    assert!(advice.interactions.iter().all(|one| one.fit == Fit::Fits), "{:?}", advice.interactions);
}

/// One database of several services: each gets its own, with as many workers together, and an outage takes one with it.
#[test]
fn a_shared_database_is_taken_apart_where_each_table_has_one_writer() {
    let text = format!(
        r#"{SIM}
discovery = {{ kind = "dns" }}
[clients.buyers]
calls = "orders"
rate = "20/s"
[clients.readers]
calls = "catalogue"
rate = "20/s"
[services.orders]
work = "2ms"
steps = [{{ query = "db", table = "orders", mode = "write" }}]
[services.catalogue]
work = "2ms"
steps = [{{ query = "db", table = "goods" }}, {{ query = "db", table = "orders" }}]
[databases.db]
concurrency = 8
work = {{ mean = "4ms" }}
"#
    );
    let study = tried(&text);
    let own = way(&study.advice, Kind::OwnDatabase);
    // Down alone, the one database takes all; each of the two takes its own half.
    let as_it_is = study.advice.ways.iter().find(|one| one.kind.is_none()).unwrap();
    assert!((as_it_is.blast.value.unwrap() - 2.0).abs() < 0.02, "{:?}", as_it_is.blast);
    assert!((own.blast.value.unwrap() - 2.0).abs() < 0.2, "{:?}", own.blast);
    assert!(
        own.notes.iter().any(|note| note.contains("catalogue read `orders` of `orders` from a copy")),
        "{:?}",
        own.notes
    );
    let saved = study.texts.iter().find(|one| one.way.as_deref() == Some(&own.way)).unwrap();
    let apart = load(&saved.text, None, &Options::default()).unwrap();
    let workers = |name: &str| apart.scenario().nodes[name].concurrency.value.unwrap();
    assert_eq!(workers("orders-db") + workers("catalogue-db"), 8);
    // Two writers of one table: who owns it is nobody's guess.
    let reads = "{ query = \"db\", table = \"goods\" }, { query = \"db\", table = \"orders\" }";
    let both = text.replace(reads, "{ query = \"db\", table = \"orders\", mode = \"write\" }");
    let advice = tried(&both).advice;
    assert!(!advice.ways.iter().any(|one| one.kind == Some(Kind::OwnDatabase)));
    assert!(advice.refused.iter().any(|why| why.contains("decide who owns it first")), "{:?}", advice.refused);
}

/// Two services that call each other for every request are better one, unless two teams would own it.
#[test]
fn services_of_two_teams_are_not_merged() {
    let text = shop("\"mail\"");
    let advice = tried(&text).advice;
    let merged = way(&advice, Kind::Merge);
    assert!(merged.class == Class::Better && merged.moving_parts == 2, "{merged:?}");
    let text = ["orders", "stock", "mail"].iter().fold(text, |text, name| {
        text.replace(&format!("[services.{name}]\n"), &format!("[services.{name}]\nteam = \"{name}\"\n"))
    });
    let advice = tried(&text).advice;
    assert!(!advice.ways.iter().any(|one| one.kind == Some(Kind::Merge)));
    assert!(advice.refused.iter().any(|why| why.contains("would own it together")), "{:?}", advice.refused);
}

/// Names that are not there are told with those that are.
#[test]
fn a_client_that_is_not_there_is_told() {
    let wanted = Wanted { client: Some("nobody".into()), tries: true };
    let trouble = study(&checked(&shop("\"mail\"")), &wanted, None, &()).unwrap_err();
    assert!(matches!(trouble, Trouble::Absent(ref why) if why.contains("users")), "{trouble:?}");
}
