//! Flips: what the text becomes, what is refused, what is said to be lost.

use super::{Edit, apply};
use crate::diag::{Severity, Source};
use crate::scenario::{canonical, load};

const SHOP: &str = r#"
version = 1
[clients.shoppers]
calls = "orders"
rate = "20/s"
[services.orders]
work = "1ms"
steps = [
  { parallel = ["stock", { call = "payments.charge", timeout = "1s", response = "2KB", optional = true }] },
  { query = "db" },
  { split = [{ weight = 1, steps = [{ call = "payments.charge", times = 2, uses_reply = false }] }] },
]
[services.stock]
work = "1ms"
[services.payments]
replicas = 2
concurrency = 6
[services.payments.endpoints.charge]
work = { mean = "5ms" }
wait = "3ms"
error_rate = "1%"
steps = [{ query = "db" }]
[databases.db]
work = "1ms"
"#;

fn edit(edge: &str, value: &str) -> Edit {
    Edit { path: format!("links.{edge}"), value: value.into(), origin: "--set".into() }
}

/// The changed text and what was said.
fn flipped(edge: &str, value: &str) -> (String, Vec<String>) {
    let (source, told) = apply(&Source::text("shop.toml", SHOP), &[edit(edge, value)]).unwrap();
    let checked = load(&source, &[]).unwrap_or_else(|r| panic!("{:?}\n{}", r.complaints, source.text));
    let printed = canonical(&checked.scenario);
    let again =
        load(&Source::text("shop.toml", &printed), &[]).unwrap_or_else(|r| panic!("{:?}\n{printed}", r.complaints));
    assert_eq!(again.hash, checked.hash, "{printed}");
    (source.text, told.into_iter().map(|complaint| complaint.message).collect())
}

fn refused(edge: &str, value: &str) -> String {
    let complaints = apply(&Source::text("shop.toml", SHOP), &[edit(edge, value)]).unwrap_err();
    format!("{} {}", complaints[0].message, complaints[0].help.clone().unwrap_or_default())
}

#[test]
fn every_call_of_the_edge_becomes_a_message_wherever_it_stands() {
    let (text, told) = flipped("orders -> payments", "\"queue\"");
    let dense = |text: &str| text.replace(char::is_whitespace, "");
    let has = |part: &str| assert!(dense(&text).contains(&dense(part)), "{part}\n{text}");
    has("{ send = \"payments-charge-queue\", wait_for_ack = true, optional = true }");
    has("{ send = \"payments-charge-queue\", wait_for_ack = true, times = 2 }");
    assert!(text.contains("[queues.payments-charge-queue]") && !text.contains("call = \"payments"), "{text}");
    // The consumer is the endpoint: its work, its wait, its steps, its errors, as many as there were workers.
    has("consumes = [{ from = \"payments-charge-queue\", concurrency = 6, work = { mean = \"5ms\" }, \
         steps = [{ wait = \"3ms\" }, { query = \"db\" }], error_rate = \"1%\" }]");
    let [lost] = told.as_slice() else { panic!("{told:?}") };
    for word in ["`orders` no longer gets", "`payments.charge` (2KB)", "goes with it: timeout"] {
        assert!(lost.contains(word), "{lost}");
    }
}

#[test]
fn a_text_is_a_call_too_and_a_stream_has_a_partition_for_each_consumer() {
    let (text, told) = flipped("orders -> stock", "\"stream\"");
    assert!(text.contains("{ publish = \"orders-events\", wait_for_ack = true }"), "{text}");
    assert!(text.contains("group = \"stock\", concurrency = 200") && text.contains("partitions = 200"), "{text}");
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_table_names_the_broker_and_says_more_of_it() {
    let (text, _) = flipped("orders -> stock", "{ queue = \"jobs\", publish_latency = \"2ms\" }");
    assert!(text.contains("[queues.jobs]\npublish_latency = \"2ms\""), "{text}");
    assert!(text.contains("{ send = \"jobs\", wait_for_ack = true }"), "{text}");
}

#[test]
fn a_transport_goes_to_every_call_of_the_edge() {
    let (text, told) = flipped("orders -> payments.charge", "grpc");
    assert_eq!(text.matches("transport = \"grpc\"").count(), 2, "{text}");
    let (text, _) = flipped("orders -> stock", "grpc");
    assert!(text.contains("{ call = \"stock\", transport = \"grpc\" }"), "{text}");
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn what_cannot_be_flipped_is_told_why() {
    for (edge, value, words) in [
        ("orders payments", "queue", ["not an edge", "caller -> callee"]),
        ("shoppers -> orders", "queue", ["`shoppers` is a client", "between services"]),
        ("oders -> stock", "queue", ["no service `oders`", "did you mean `orders`?"]),
        (
            "orders -> shipping",
            "queue",
            ["`orders` does not call `shipping`", "payments.charge, payments.charge, stock"],
        ),
        ("orders -> stock", "3", ["3 is no pattern", "\"stream\""]),
        ("orders -> stock", "{ queue = \"db\" }", ["`db` is one of [databases.*] already", ""]),
        ("orders -> stock", "{ capacity = 3 }", ["say which", "queue ="]),
    ] {
        let told = refused(edge, value);
        let words = words.map(|word| word.replace("payments.charge, payments.charge, stock", "payments.charge, stock"));
        assert!(words.iter().all(|word| told.contains(word.as_str())), "{edge}: {told}");
    }
}

#[test]
fn a_flip_in_a_variant_warns_of_the_lost_answer() {
    let text =
        format!("{SHOP}[variants.later]\n\"links.orders -> stock\" = \"queue\"\n\"queues.stock-queue.capacity\" = 9\n");
    let source = Source::text("shop.toml", &text);
    let plain = load(&source, &[]).unwrap_or_else(|r| panic!("{:?}", r.complaints));
    let edits = super::variant_edits(&plain.scenario, "later").unwrap();
    let checked = load(&source, &edits).unwrap_or_else(|r| panic!("{:?}", r.complaints));
    let lost = |c: &&crate::diag::Complaint| c.severity == Severity::Warning && c.message.contains("no longer gets");
    assert_eq!(checked.warnings.iter().filter(lost).count(), 1, "{:?}", checked.warnings);
    assert_eq!(checked.scenario.queues["stock-queue"].capacity.value, Some(9));
}

#[test]
fn a_route_that_leads_to_a_call_can_be_flipped() {
    let routes = |routes: &str| {
        format!(
            "version = 1\n[clients.c]\ncalls = \"edge:/orders/1\"\nrate = \"1/s\"\n[gateways.edge]\n{routes}\n[services.orders]\n\
             [services.users]\n[services.stock]\n"
        )
    };
    let inline = "routes = [{ path = \"/orders/{id}\", to = \"orders\", times = 2, timeout = \"1s\" }, \
                  { path = \"/users\", to = \"users\" }, { path = \"/stock\", steps = [\"stock\"] }]";
    let tables = "[[gateways.edge.routes]]\npath = \"/orders/{id}\"\nto = \"orders\"\ntimes = 2\ntimeout = \"1s\"\n\
                  [[gateways.edge.routes]]\npath = \"/users\"\nto = \"users\"\n\
                  [[gateways.edge.routes]]\npath = \"/stock\"\nsteps = [\"stock\"]\n";
    for text in [inline, tables].map(routes) {
        let flipped = |edge: &str, value: &str| {
            let edits = [super::Edit::parse(&format!("links.{edge}={value}")).unwrap()];
            load(&Source::text("edge.toml", &text), &edits).unwrap_or_else(|r| panic!("{:?}", r.complaints)).scenario
        };
        let queued = flipped("edge -> orders", "queue");
        let steps = &queued.nodes["edge"].endpoints["/orders/{id}"].steps;
        assert!(matches!(steps[..], [super::super::written::Step { ref verb, ref times, .. }]
            if times.value == 2 && matches!(verb, super::super::written::Verb::Publish(_))));
        assert_eq!(queued.nodes["orders"].consumes.len(), 1);
        let way = |scenario: &super::super::written::Scenario, path: &str| {
            let super::super::written::Verb::Call(call) = &scenario.nodes["edge"].endpoints[path].steps[0].verb else {
                panic!()
            };
            call.transport.as_ref().map(|given| given.value.clone())
        };
        let grpc = flipped("edge -> users", "grpc");
        assert_eq!(
            (way(&grpc, "/users").as_deref(), way(&grpc, "/orders/{id}"), way(&grpc, "/stock")),
            (Some("grpc"), None, None)
        );
    }
}
