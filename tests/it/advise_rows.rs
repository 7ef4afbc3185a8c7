//! Rows of the quick reference that are about several edges or the file as a whole: each row's pattern comes out of the advice, and
//! its opposite is worse there, or is said not to matter, with its figure. The rows about one call are in `advise.rs`.

use hoptax::experiment::advise::{Advice, Class, Fit, Kind, Outcome, Study, Wanted, study};
use hoptax::experiment::study::{Options, load};
use hoptax::report::advise::{answer, page};
use hoptax::scenario::Source;

const SIM: &str = "version = 1\nsim = { duration = \"20s\", warmup = \"2s\", replications = 4 }\n";

fn tried(text: &str) -> Study {
    let checked = load(&Source::text("rows", text), None, &Options::default()).unwrap_or_else(|why| panic!("{why}"));
    study(&checked, &Wanted { tries: true, ..Wanted::default() }, None, &()).unwrap_or_else(|why| panic!("{why}"))
}

fn way(advice: &Advice, kind: Kind) -> &Outcome {
    let told = || advice.ways.iter().map(|one| one.way.as_str()).collect::<Vec<_>>();
    let found = advice.ways.iter().find(|one| one.kind == Some(kind));
    found.unwrap_or_else(|| panic!("{kind:?} was not tried: {:?}, {:?}", told(), advice.refused))
}

fn p99(one: &Outcome) -> f64 {
    one.client.p99_ms.difference.value.unwrap()
}

fn as_it_is(advice: &Advice) -> &Outcome {
    advice.ways.iter().find(|one| one.kind.is_none()).unwrap()
}

/// Several consumers of one event: one stream. Four sends in a row to four queues, each of which is confirmed after 3 ms, are three
/// confirmations more than one event.
#[test]
fn four_queues_that_are_told_in_a_row_read_one_stream() {
    let names = ["books", "mail", "points", "stock"];
    let sends = names.map(|name| format!("{{ send = \"{name}-queue\", wait_for_ack = true }}")).join(", ");
    let mut text = format!(
        "{SIM}discovery = {{ kind = \"dns\" }}\n[clients.users]\ncalls = \"orders\"\nrate = \"20/s\"\n\
         [services.orders]\nwork = \"2ms\"\nsteps = [{sends}]\n"
    );
    for name in names {
        text += &format!(
            "[queues.{name}-queue]\npublish_latency = \"3ms\"\n[services.{name}]\n\
             consumes = [{{ from = \"{name}-queue\", concurrency = 2, work = \"5ms\" }}]\n"
        );
    }
    let study = tried(&text);
    let advice = &study.advice;
    for name in names {
        let one = advice.interactions.iter().find(|one| one.edge == format!("orders -> {name}-queue")).unwrap();
        assert_eq!((one.pattern, one.fit), ("stream", Fit::Change), "{}", one.why);
    }
    let one = way(advice, Kind::Stream);
    assert!(one.class == Class::Better && p99(one) < -9.0, "{one:?}");
    // Three brokers fewer.
    assert_eq!(as_it_is(advice).moving_parts - one.moving_parts, 3);
    let saved = study.texts.iter().find(|saved| saved.way.as_deref() == Some(&one.way)).unwrap();
    assert_eq!((saved.text.text.matches("publish =").count(), saved.text.text.contains("[queues")), (1, false));
    // Of one queue alone, or of two that different requests tell, nothing is said.
    let alone = text.replace(&sends, "{ send = \"mail-queue\", wait_for_ack = true }");
    let advice = tried(&alone).advice;
    let fits = advice.interactions.iter().find(|one| one.edge == "orders -> mail-queue").unwrap();
    assert_eq!((fits.pattern, fits.fit), ("queue", Fit::Fits));
    assert!(!advice.ways.iter().any(|one| one.kind == Some(Kind::Stream)));
}

/// Clients that know three services.
fn known(more: &str) -> String {
    let mut text = format!("{SIM}discovery = {{ kind = \"dns\" }}\n{more}");
    for (client, service, rate) in [("phones", "orders", 30), ("shops", "stock", 20), ("desks", "users-of", 10)] {
        text += &format!("[clients.{client}]\ncalls = \"{service}\"\nrate = \"{rate}/s\"\n");
        text += &format!("[services.{service}]\nwork = {{ mean = \"5ms\" }}\n");
    }
    text
}

/// One entry for all clients: a gateway. It is tried, and what it costs is said beside what no run shows; the opposite, a gateway that
/// leads to one service and does nothing, is measurably slower than none.
#[test]
fn a_gateway_is_tried_where_clients_know_several_services() {
    let study = tried(&known(""));
    let advice = &study.advice;
    assert_eq!((advice.whole[1].pattern, advice.whole[1].fit), ("a gateway", Fit::Change));
    let gateway = way(advice, Kind::Gateway);
    // A hop more: 0.25 ms there and back, and twice the encoding; and one thing more that takes all with it.
    let mean = gateway.client.mean_ms.difference.value.unwrap();
    assert!((0.3..1.2).contains(&mean) && gateway.moving_parts == 4, "{mean}: {gateway:?}");
    let (before, after) = (as_it_is(advice).blast.value.unwrap(), gateway.blast.value.unwrap());
    assert!((before - 1.0).abs() < 0.05 && (after - 2.0).abs() < 0.1, "{before} {after}");
    assert!(gateway.cores.unwrap() > as_it_is(advice).cores.unwrap(), "it has machines of its own");
    let told = answer(advice);
    let worse = "3 services would be better off with a gateway, which makes it worse here (";
    assert!(told.contains(worse) && told.contains("ms, outages 2."), "{told}");
    // Saved, it is a scenario.
    let saved = study.texts.iter().find(|one| one.way.as_deref() == Some(&gateway.way)).unwrap();
    assert!(saved.text.text.contains("path = \"/users-of\""), "{}", saved.text.text);
}

#[test]
fn a_gateway_that_does_nothing_is_dropped() {
    let text = |routes: &str| {
        format!(
            "{SIM}discovery = {{ kind = \"dns\" }}\n[clients.users]\ncalls = \"edge:/orders/7\"\nrate = \"20/s\"\n\
             [gateways.edge]\n{routes}\n[services.orders]\nwork = \"5ms\"\n[services.auth]\nwork = \"1ms\"\n"
        )
    };
    let advice = tried(&text("routes = [{ path = \"/orders/*\", to = \"orders\" }]")).advice;
    assert_eq!((advice.whole[1].pattern, advice.whole[1].fit), ("none", Fit::MoreThanNeeded));
    let none = way(&advice, Kind::NoGateway);
    assert!(none.class == Class::Better && p99(none) < -0.2, "{none:?}");
    assert!((as_it_is(&advice).blast.value.unwrap() - none.blast.value.unwrap() - 1.0).abs() < 0.05, "{none:?}");
    // One that verifies is what it is for, and stays.
    let verifies =
        text("auth = { call = \"auth\", cache_ttl = \"60s\" }\nroutes = [{ path = \"/orders/*\", to = \"orders\" }]");
    let advice = tried(&verifies).advice;
    assert_eq!((advice.whole[1].pattern, advice.whole[1].fit), ("a gateway", Fit::Fits));
    assert!(!advice.ways.iter().any(|one| one.kind == Some(Kind::NoGateway)));
}

/// A row of services that call each other.
fn row(services: usize, more: &str) -> String {
    let mut text = format!("{SIM}{more}\n[clients.users]\ncalls = \"s0\"\nrate = \"20/s\"\n");
    for at in 0..services {
        let call = if at < 3 { format!("steps = [\"s{}\"]\n", at + 1) } else { String::new() };
        text += &format!("[services.s{at}]\nwork = \"1ms\"\nteam = \"t{at}\"\n{call}");
    }
    text
}

/// From ten services on: names. The opposite, fixed addresses, is as quick until one of them moves: then it is wrong for good.
#[test]
fn fixed_addresses_are_wrong_for_good_once_one_moves() {
    let more = "[defaults]\ntransport = \"free\"\n";
    let advice = tried(&row(12, more)).advice;
    assert_eq!((advice.whole[0].pattern, advice.whole[0].fit), ("DNS", Fit::Change));
    let names = way(&advice, Kind::Names);
    let moved = names.moved.as_ref().unwrap();
    // Every request comes to s1, and to nobody else as often: all are lost. With names those of up to 30 s, of which 20 are seen.
    assert_eq!(moved.node, "s1");
    assert!(moved.lost[0] > 0.999, "{moved:?}");
    assert!(moved.lost[1] < 0.9, "{moved:?}");
    let told = page(&advice, true).answer;
    assert!(told.contains("gets another address"), "{told}");
    // Nine may have theirs.
    let few = tried(&row(9, more)).advice;
    assert!(few.whole[0].fit == Fit::Either && !few.ways.iter().any(|one| one.kind == Some(Kind::Names)));
}

/// More than twenty services that encrypt: a mesh, which is tried, and told with its milliseconds and what no run shows. Nineteen
/// that do, or more that do not, want none.
#[test]
fn a_mesh_is_tried_where_many_encrypt_by_themselves() {
    let sealed = "discovery = { kind = \"dns\" }\ntransports = { rest = { connections = { tls = \"1.3\" } } }";
    let advice = tried(&row(22, sealed)).advice;
    assert_eq!((advice.whole[0].pattern, advice.whole[0].fit), ("a mesh", Fit::Change));
    let mesh = way(&advice, Kind::Mesh);
    assert!(mesh.class == Class::Worse && p99(mesh) > 1.0, "{mesh:?}");
    let told = page(&advice, false);
    assert!(told.answer.contains("a mesh, which makes it worse here (p99 +"), "{}", told.answer);
    assert!(
        told.notes.iter().any(|note| note.contains("instead of in 22 services: no run shows that")),
        "{:?}",
        told.notes
    );
    for few in [row(19, sealed), row(22, "discovery = { kind = \"dns\" }")] {
        assert!(!tried(&few).advice.ways.iter().any(|one| one.kind == Some(Kind::Mesh)));
    }
}

/// Users who wait for their answers are never late, only fewer: what outages cost is told of them, too.
#[test]
fn outages_are_told_of_users_who_wait() {
    let text = format!(
        "{SIM}discovery = {{ kind = \"dns\" }}\n[clients.users]\ncalls = \"orders\"\nusers = 10\nthink_time = {{ mean = \"100ms\" }}\n\
         [services.orders]\nwork = \"2ms\"\nsteps = [\"stock\"]\n[services.stock]\nwork = \"4ms\"\n"
    );
    let advice = tried(&text).advice;
    let blast = as_it_is(&advice).blast.value.unwrap_or_else(|| panic!("{:?}", as_it_is(&advice)));
    assert!((1.8..2.05).contains(&blast), "{blast}");
}

/// A connection over HTTP/2 stays where it was opened. Where callers can, they balance requests instead; behind a virtual address they
/// cannot: there one replica gets all, and the advice says where the time goes and why.
#[test]
fn what_is_much_worse_says_why() {
    let text = |kind: &str| {
        format!(
            "{SIM}discovery = {{ kind = \"{kind}\" }}\n[clients.users]\ncalls = \"edge\"\nrate = \"150/s\"\n[services.edge]\n\
             steps = [\"orders\"]\n[services.orders]\nreplicas = 2\nconcurrency = 1\nwork = \"10ms\"\n"
        )
    };
    let pinned = tried(&text("kubernetes"));
    let grpc = way(&pinned.advice, Kind::Transport);
    assert!(grpc.class == Class::Worse && p99(grpc) > 1_000.0, "{grpc:?}");
    assert!(grpc.reasons.iter().any(|why| why.ends_with("more at `orders`, by queue")), "{:?}", grpc.reasons);
    let told = page(&pinned.advice, false).notes.join("\n");
    assert!(told.contains("why worse: grpc for rest: ") && told.contains("an HTTP/2 connection stays"), "{told}");
    let spread = tried(&text("dns"));
    let grpc = way(&spread.advice, Kind::Transport);
    assert!(grpc.class != Class::Worse && grpc.reasons.is_empty(), "{grpc:?}");
    let saved = spread.texts.iter().find(|one| one.way.as_deref() == Some(&grpc.way)).unwrap();
    assert!(saved.text.text.contains("balance_per = \"request\""), "{}", saved.text.text);
}
