//! What the program says of a run, where users found it false: whose fault a failure was, of which client it speaks, and
//! how many of something one is.

use std::fs;
use std::process::Command;

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
