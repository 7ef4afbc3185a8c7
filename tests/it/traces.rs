//! Single requests, followed past brokers.

use hoptax::experiment::study::{Options, load};
use hoptax::experiment::trace::{Kind, Pick, Sought, Span, Trace, trace};
use hoptax::model::Cause;
use hoptax::report::export::{chrome, otlp};
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
    assert_eq!((broker.len(), consumer[0]["kind"].as_u64()), (1, Some(5)));
    assert_eq!(consumer[0]["parentSpanId"], broker[0]["spanId"]);
    assert_eq!(broker[0]["endTimeUnixNano"], consumer[0]["startTimeUnixNano"]);
    assert!(chrome::render(&trace).contains("\"consumed\""));
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
