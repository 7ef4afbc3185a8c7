//! What the program says of a run, where users found it false: whose fault a failure was, of which client it speaks, and
//! how many of something one is.

use std::fs;
use std::process::Command;

use hoptax::experiment::summary::{Failing, Summary};

use crate::bench::run;

/// A shop with two clients, of which only the second calls what goes down.
const SHOP: &str = r#"
version = 1
name = "shop"
[sim]
duration = "20s"
warmup = "1s"
replications = 2
[defaults]
transport = "free"
[clients.browsers]
calls = "web.browse"
rate = "200/s"
[clients.users]
calls = "web.checkout"
rate = "50/s"
[services.web]
concurrency = 64
[services.web.endpoints.browse]
work = "2ms"
[services.web.endpoints.checkout]
work = "2ms"
steps = [{ call = "payments", timeout = "500ms" }]
[services.payments]
concurrency = 16
work = "40ms"
[[faults]]
name = "payments out"
kind = "outage"
target = "payments"
at = "5s"
duration = "5s"
[variants.hang]
"faults.0.mode" = "hang"
[variants.retries]
"services.web.endpoints.checkout.steps" = [{ call = "payments", timeout = "50ms", retries = { max = 2, on = ["timeout"], backoff = "5ms" } }]
"faults.0.mode" = "hang"
[variants.queue]
"services.web.endpoints.checkout.steps" = [{ send = "mails", wait_for_ack = true }]
"faults.0.target" = "mails"
[queues.mails]
[services.mailing]
consumes = [{ from = "mails", concurrency = 4, work = "1ms" }]
"#;

/// Runs the program on a scenario; output and complaints in one line each.
#[track_caller]
fn hoptax(text: &str, words: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoptax"));
    let output = command.args(words.split_whitespace()).current_dir(folder.path()).output().unwrap();
    let line = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    (line(output.stdout), line(output.stderr))
}

/// Without a name the failure is one of the client that has any; what is asked of one that has none names the others'.
#[test]
fn a_failed_request_is_one_of_the_client_with_failures() {
    let (told, _) = hoptax(SHOP, "trace a.toml --request failed");
    assert!(told.starts_with("shop: request ") && told.contains(" of users (most failures of 2 clients)"), "{told}");
    let (_, why) = hoptax(SHOP, "trace a.toml --request failed --client browsers");
    assert!(why.contains("of `browsers`") && why.contains(", 0 failed; of `users`"), "{why}");
    let (told, _) = hoptax(SHOP, "trace a.toml --request slowest");
    assert!(told.contains(" of users (slowest of 2 clients)"), "{told}");
    let (told, _) = hoptax(SHOP, "trace a.toml --request 3");
    assert!(told.contains("request 3 of browsers (first of 2 clients)"), "{told}");
    let (told, _) = hoptax(SHOP, "trace a.toml --request 3 --client users");
    assert!(told.starts_with("shop: request 3 of users answered"), "{told}");
}

/// An outage resets what is under way and refuses what comes: nobody gave up on anything, long before the timeout.
#[test]
fn a_reset_is_not_a_giving_up_and_names_the_fault() {
    let (told, _) = hoptax(SHOP, "trace a.toml --request failed");
    let word = told.contains("web.checkout had `reset` from payments after")
        || told.contains("`connect_failed` from payments");
    assert!(word && told.contains("(fault `payments out`)") && !told.contains("gave up"), "{told}");
    let (told, _) = hoptax(SHOP, "trace a.toml --variant hang --request failed");
    assert!(
        told.contains("web.checkout gave up on payments after 500 ms (`timeout`) (fault `payments out`)"),
        "{told}"
    );
}

/// A call with tries is told once, by its caller: a callee does not give up on itself.
#[test]
fn tries_are_those_of_their_caller() {
    let (told, _) = hoptax(SHOP, "trace a.toml --variant retries --request failed");
    let words = "web.checkout had `timeout` from payments after 3 tries (fault `payments out`); its last try was given up after 50.0 ms";
    assert!(told.contains(words) && !told.contains("payments gave up"), "{told}");
}

/// A broker that is down is named, though nothing below it is a span.
#[test]
fn a_broker_that_refuses_is_named() {
    let (told, _) = hoptax(SHOP, "trace a.toml --variant queue --request failed");
    assert!(told.contains("web.checkout had `connect_failed` from mails (fault `payments out`)"), "{told}");
}

/// Mails for 40 orders a second, of which ten workers at 200 ms can send 50; nobody can for ten seconds.
const MAILS: &str = r#"
version = 1
name = "mails"
[sim]
duration = "60s"
warmup = "5s"
replications = 3
[defaults]
transport = "free"
[clients.shoppers]
calls = "orders"
rate = "40/s"
[services.orders]
work = "4ms"
steps = [{ send = "mails", wait_for_ack = true }]
[queues.mails]
[services.mailer]
concurrency = 10
work = { mean = "200ms" }
consumes = [{ from = "mails", concurrency = 10, prefetch = 1 }]
[[faults]]
name = "out"
kind = "outage"
target = "mailer"
at = "20s"
duration = "10s"
"#;

fn of<'a>(summary: &'a Summary, node: &str) -> Option<&'a Failing> {
    summary.failing.iter().find(|f| f.node == node)
}

/// While a node is down it has no workers that could be held; what piled up (10 s × 40/s) holds them from 30 s on, to the end.
#[test]
fn a_node_without_workers_is_not_held() {
    let summary = run(MAILS);
    let mailer = of(&summary, "mailer").unwrap();
    assert!(mailer.saturated_s.is_some_and(|s| (29.5..31.0).contains(&s)), "{:?}", mailer.saturated_s);
    assert!((27.0..30.6).contains(&mailer.saturated_for_s), "{}", mailer.saturated_for_s);
    assert_eq!((mailer.faults.as_slice(), mailer.failing_s), (["out".to_owned()].as_slice(), None), "no call fails");
    let call = MAILS.replace("{ send = \"mails\", wait_for_ack = true }", "\"mailer\"");
    let summary = run(&call);
    let mailer = of(&summary, "mailer").unwrap();
    assert!(mailer.saturated_s.is_none_or(|s| s >= 29.0) && mailer.saturated_for_s < 5.0, "{:?}", mailer.saturated_s);
    assert!(mailer.failing_s.is_some_and(|s| (19.9..20.6).contains(&s)), "calls to it are refused");
}

/// A send that a broker refuses failed at the broker, not at whoever happens to be the first node of the file.
#[test]
fn a_send_that_fails_failed_at_the_broker() {
    let summary = run(&MAILS.replace("target = \"mailer\"", "target = \"mails\""));
    let mails = of(&summary, "mails").expect("the queue is what is down");
    assert!(mails.failing_s.is_some_and(|s| (19.9..20.6).contains(&s)) && mails.worst_share > 0.99);
    assert!(of(&summary, "mailer").is_none_or(|f| f.failing_s.is_none() && f.worst_share == 0.0));
}

/// A service that hangs never ends a call: it is told first, with its fault, and its callers after it.
#[test]
fn the_culprit_that_never_answers_is_told_first() {
    let hung =
        SHOP.replace(", timeout = \"500ms\"", "").replace("kind = \"outage\"", "kind = \"outage\"\nmode = \"hang\"");
    let (front, back) = (hung.find("[variants.hang]").unwrap(), hung.find("[queues.mails]").unwrap());
    let hung = [&hung[..front], &hung[back..]].concat();
    let summary = run(&hung);
    let first = &summary.failing[0];
    assert_eq!((first.node.as_str(), first.faults.as_slice()), ("payments", ["payments out".to_owned()].as_slice()));
    assert!(first.failing_s.is_some_and(|s| (4.9..5.3).contains(&s)) && first.worst_share > 0.99, "{first:?}");
    let (told, _) = hoptax(&hung, "run a.toml");
    assert!(told.contains("failed first fault") && told.contains("payments payments out"), "{told}");
}

/// Consumers of a queue that nothing comes to are there for another variant: 40/s at 200 ms hold eight of ten workers, not of
/// twenty.
#[test]
fn consumers_that_nothing_feeds_make_nobody_look_idle() {
    let call = MAILS.replace("{ send = \"mails\", wait_for_ack = true }", "\"mailer\"");
    let used = |text: &str| {
        let mut summary = run(&text[..text.find("[[faults]]").unwrap()]);
        let node = summary.nodes.remove("mailer").unwrap();
        (node.utilization.value.unwrap(), node.mean_busy.value.unwrap())
    };
    let (share, busy) = used(&call);
    assert!((share - busy / 10.0).abs() < 1e-9 && (0.7..0.9).contains(&share), "{share} {busy}");
    let both = call.replace("\"mailer\"]\n", "\"mailer\", { send = \"mails\" }]\n");
    let (share, busy) = used(&both);
    assert!((share - busy / 20.0).abs() < 1e-9, "two pools of ten, both with work: {share} {busy}");
}

/// What is handled twice is told wherever it is promised: of the client, its flow, the endpoint and the delivery.
#[test]
fn effects_that_happen_twice_are_told_everywhere() {
    let text = MAILS[..MAILS.find("[[faults]]").unwrap()]
        .replace("[queues.mails]", "[queues.mails]\nvisibility_timeout = \"150ms\"");
    let text = text.replace("prefetch = 1", "poll = \"1ms\"")
        + "[[flows]]\nname = \"sent\"\nstarts = \"shoppers\"\nends = \"mailer\"\n";
    let summary = run(&text);
    let twice = summary.clients["shoppers"].duplicate_effects;
    assert!(twice > 100, "200 ms of work for 150 ms in hiding: {twice}");
    assert_eq!(summary.flows["sent"].duplicate_effects, twice);
    assert_eq!(summary.edges["mails -> mailer"].duplicate_effects, twice);
}
