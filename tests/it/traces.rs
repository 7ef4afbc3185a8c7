//! Single requests, followed past brokers.

use hoptax::experiment::study::{Options, load};
use hoptax::experiment::trace::{Kind, Pick, Sought, Span, Trace, trace};
use hoptax::model::Cause;
use hoptax::report::export::{Role, chrome, otlp, sides};
use hoptax::scenario::Source;

fn follow(text: &str, pick: Pick) -> Trace {
    let checked = load(&Source::text("traces", text), None, &Options::default()).unwrap_or_else(|why| panic!("{why}"));
    trace(&checked, Sought::first(pick)).unwrap()
}

fn spent(span: &Span, cause: Cause) -> u64 {
    span.segments.iter().filter(|s| s.cause == cause).map(|s| s.to - s.from).sum()
}

const MAILED: &str = r#"
version = 1
sim = { duration = "1s", warmup = "0s", replications = 1 }
network = { same_zone = "1ms" }
defaults = { transport = "free" }
[clients.users]
calls = "orders"
arrivals = "constant"
rate = "10/s"
[services.orders]
work = "2ms"
steps = [{ publish = "emails" }]
[queues.emails]
publish_latency = "3ms"
[services.mailer]
consumes = [{ from = "emails", concurrency = 1, work = "7ms", steps = ["log"] }]
[services.log]
work = "1ms"
"#;

#[test]
fn a_message_is_a_span_of_its_request() {
    let trace = follow(MAILED, Pick::Nth(1));
    let mail: Vec<&Span> = trace.spans.iter().filter(|span| span.kind == Kind::Message).collect();
    assert_eq!(mail.len(), 1);
    let (mail, orders) = (mail[0], trace.spans.iter().position(|span| span.name == "orders").unwrap());
    assert_eq!((mail.name.as_str(), mail.node.as_str(), mail.parent), ("mailer from emails", "mailer", Some(orders)));
    // A millisecond to the broker and three there, one to the consumer; its work; a call of 3 ms.
    assert_eq!(
        (spent(mail, Cause::Broker), spent(mail, Cause::Work), spent(mail, Cause::Network)),
        (4_000_000, 7_000_000, 1_000_000)
    );
    assert_eq!(mail.to - mail.from, 15_000_000);
    let log = trace.spans.iter().find(|span| span.node == "log").unwrap();
    assert_eq!(trace.spans[log.parent.unwrap()].kind, Kind::Message);
    assert!(trace.latency < mail.to, "the answer does not wait for it");
}

#[test]
fn exports_show_a_message_at_its_broker_and_at_its_consumer() {
    let trace = follow(MAILED, Pick::Nth(1));
    let told: serde_json::Value = serde_json::from_str(&otlp::render(&trace)).unwrap();
    let of = |service: &str| -> Vec<serde_json::Value> {
        let groups = told["resourceSpans"].as_array().unwrap().iter();
        let own = groups.filter(|group| group["resource"]["attributes"][0]["value"]["stringValue"] == service);
        own.flat_map(|group| group["scopeSpans"][0]["spans"].as_array().unwrap().clone()).collect()
    };
    let (broker, consumer) = (of("emails"), of("mailer"));
    let sent: Vec<_> = of("orders").into_iter().filter(|span| span["kind"] == 4).collect();
    assert_eq!((sent.len(), &sent[0]["spanId"]), (1, &broker[0]["parentSpanId"]));
    assert_eq!(sent[0]["startTimeUnixNano"], sent[0]["endTimeUnixNano"], "nobody waits for the broker");
    assert_eq!((broker.len(), consumer[0]["kind"].as_u64()), (1, Some(5)));
    assert_eq!(consumer[0]["parentSpanId"], broker[0]["spanId"]);
    assert_eq!(broker[0]["endTimeUnixNano"], consumer[0]["startTimeUnixNano"]);
    assert!(chrome::render(&trace).contains("\"consumed\""));
}

/// A sender that waits for its broker's word does so in the span in which it sends; where the callee's part ends is told by what
/// it encodes.
#[test]
fn what_a_sender_waits_for_is_in_the_span_that_sends() {
    let acked = MAILED
        .replace("transport = \"free\"", "transport = \"rest\"")
        .replace("publish = \"emails\" }", "publish = \"emails\", wait_for_ack = true }");
    let trace = follow(&acked, Pick::Nth(1));
    let all = sides(&trace);
    let of = |role: Role, node: &str| all.iter().find(|side| side.role == role && side.node == node).unwrap();
    let (sent, served, called) = (of(Role::Producer, "orders"), of(Role::Server, "orders"), of(Role::Client, "users"));
    // A millisecond there, three at the broker, one back.
    assert_eq!((sent.to - sent.from, sent.from > served.from, sent.to < served.to), (5_000_000, true, true));
    // The way there and back is the caller's: two milliseconds; the rest is the callee's.
    let ways: u64 = called.segments.iter().filter(|s| s.cause == Cause::Network).map(|s| s.to - s.from).sum();
    assert_eq!(ways, 2_000_000);
    let spent: u64 = all.iter().flat_map(|side| &side.segments).map(|s| s.to - s.from).sum();
    let told: u64 = trace.spans.iter().flat_map(|span| &span.segments).map(|s| s.to - s.from).sum();
    assert_eq!(spent, told, "nothing is lost");
}

#[test]
fn every_reader_of_a_record_has_waited_since_it_was_sent() {
    let topic = MAILED
        .replace("[queues.emails]", "[topics.emails]\npartitions = 1")
        .replace("consumes = [{", "consumes = [{ group = \"a\",");
    let topic = topic
        + "[services.audit]\nconsumes = [{ from = \"emails\", group = \"b\", poll = \"50ms\", work = \"1ms\" }]\n";
    let trace = follow(&topic, Pick::Nth(1));
    let mail: Vec<&Span> = trace.spans.iter().filter(|span| span.kind == Kind::Message).collect();
    let sent = mail[0].mail.as_ref().unwrap();
    assert!(mail.len() == 2 && sent.stream && !sent.moved, "{mail:?}");
    assert!(mail.iter().all(|span| span.mail.as_ref() == Some(sent) && span.from == sent.sent), "{mail:?}");
    let text = otlp::render(&trace);
    assert_eq!((text.matches("\"kind\": 4").count(), text.matches("\"kind\": 5").count()), (1, 2), "{text}");
}

#[test]
fn a_record_comes_to_every_group_and_what_nobody_took_has_no_end() {
    let topic = MAILED
        .replace("[queues.emails]", "[topics.emails]\npartitions = 1")
        .replace("consumes = [{", "consumes = [{ group = \"a\",");
    let topic = topic + "[services.audit]\nwork = \"1ms\"\nconsumes = [{ from = \"emails\", group = \"b\" }]\n";
    let trace = follow(&topic, Pick::Nth(1));
    let nodes: Vec<&str> = trace.spans.iter().filter(|s| s.kind == Kind::Message).map(|s| s.node.as_str()).collect();
    assert!(nodes.len() == 2 && nodes.contains(&"mailer") && nodes.contains(&"audit"), "{nodes:?}");
    let down =
        MAILED.to_owned() + "[[faults]]\nkind = \"outage\"\ntarget = \"mailer\"\nat = \"0s\"\nduration = \"1s\"\n";
    let trace = follow(&down, Pick::Nth(1));
    let mail = trace.spans.iter().find(|span| span.kind == Kind::Message).unwrap();
    assert!(mail.open && mail.node == "mailer" && !mail.faults.is_empty(), "{mail:?}");
}
