//! How a node does not answer: it refuses, it hangs, the network drops. TCP's and gRPC's own rules.

use hoptax::experiment::summary::Summary;

use crate::bench::{checked, run, same};

/// A client calls `front`, which calls `back`; nobody has a timeout. 1 ms one way, 4 ms of work each.
fn chain(transport: &str, rate: u32, duration: &str, fault: &str) -> String {
    format!(
        r#"
version = 1
name = "chain"
[sim]
duration = "{duration}"
warmup = "0s"
replications = 1
[defaults]
transport = "{transport}"
[network]
same_zone = "1ms"
[clients.c]
calls = "front"
arrivals = "constant"
rate = "{rate}/s"
[services.front]
io = "async"
concurrency = "unlimited"
work = "4ms"
steps = ["back"]
[services.back]
concurrency = 500
work = "4ms"
[[faults]]
{fault}
"#
    )
}

fn json(summary: &Summary) -> String {
    let mut value = serde_json::to_value(summary).unwrap();
    value["scenario"]["hash"].take();
    serde_json::to_string_pretty(&value).unwrap()
}

const DROP: &str = "kind = \"outage\"\ntarget = \"back\"\nat = \"5005ms\"\nduration = \"2s\"\nmode = \"drop\"";

/// Nothing is lost for ever when a network drops: without connections everything waits for the end, 7005 ms, and is answered
/// then. 0.1.0 knew one black hole, which lost it all for good.
#[test]
fn a_network_that_drops_loses_nothing() {
    let summary = run(&chain("free", 100, "20s", DROP));
    let edge = &summary.edges["front -> back"];
    assert_eq!((edge.in_flight_at_end, edge.failed.len()), (0, 0), "{:?}", edge.failed);
    assert!(summary.nodes["back"].arrivals.abs_diff(edge.arrived) <= 1);
    // The first that is dropped would have arrived at 5006 ms; 4 ms of work and 1 ms back come after 7005 ms.
    let most = edge.latency_ms.max.unwrap();
    assert!((most - (7_005.0 + 5.0 - 5_005.0)).abs() < 1.5, "{most}");
}

/// TCP sends again 0.2, 0.6, 1.4 and 3.0 s after the first time: what was dropped at 5006 ms arrives at 8006 ms, a second after
/// the fault's end. A connection is asked for again after 1 and 3 s.
#[test]
fn a_dropped_message_is_sent_again_when_tcp_does() {
    let summary = run(&chain("rest", 100, "20s", DROP));
    let edge = &summary.edges["front -> back"];
    assert_eq!((edge.in_flight_at_end, edge.failed.len()), (0, 0), "{:?}", edge.failed);
    let most = edge.latency_ms.max.unwrap();
    assert!((3_005.0..3_030.0).contains(&most), "{most}");
    // Requests on one connection wait for it together: all of them until 8006 ms.
    let shared = run(&chain("grpc", 100, "20s", DROP));
    let edge = &shared.edges["front -> back"];
    assert_eq!((edge.in_flight_at_end, edge.failed.len()), (0, 0), "{:?}", edge.failed);
    let late = edge.arrived as f64 * (1.0 - edge.latency_ms.p90.value.map_or(1.0, |_| 0.85));
    assert!(late > 299.0, "300 requests, from 5.0 to 8.0 s");
    let timeline = &shared.clients["c"].timeline;
    let after = timeline.iter().find(|m| m.from_s > 7.3 && m.from_s < 7.6).unwrap();
    assert!(after.p50_ms.is_some_and(|ms| ms > 300.0), "the fault is over, and they still wait: {after:?}");
}

/// Linux gives up a connection that nobody answers for after 127 s: of one request a second in 200 s of partition those of the first
/// 73 s fail (200 − 127), the others are connected afterwards.
#[test]
fn a_connection_is_given_up_after_127_seconds() {
    let parted = "kind = \"partition\"\ntarget = \"front -> back\"\nat = \"0s\"\nduration = \"200s\"";
    let summary = run(&chain("rest", 1, "400s", parted));
    let edge = &summary.edges["front -> back"];
    let failed = edge.failed["connect_failed"];
    assert!((72..=74).contains(&failed), "{:?}", edge.failed);
    assert_eq!((edge.failed.len(), edge.in_flight_at_end), (1, 0));
    let least = edge.latency_all_ms.max.unwrap();
    assert!((least - 127_000.0).abs() < 1_000.0, "{least}");
}

/// gRPC gives up after 20 s and begins anew no sooner than 1, 1.6, 2.56 … s after the last time: from the eighth failure on
/// that is longer than 20 s, requests fail at once, and they still do for some time when the partition is over.
#[test]
fn grpc_connects_again_with_backoff() {
    let parted = "kind = \"partition\"\ntarget = \"front -> back\"\nat = \"0s\"\nduration = \"200s\"";
    let summary = run(&chain("grpc", 1, "400s", parted));
    let edge = &summary.edges["front -> back"];
    let failed = edge.failed["connect_failed"];
    assert!((195..=240).contains(&failed), "{:?}", edge.failed);
    assert_eq!((edge.failed.len(), edge.in_flight_at_end), (1, 0));
    assert!(edge.latency_all_ms.max.is_some_and(|most| (most - 20_000.0).abs() < 1_100.0));
}

/// After 924.6 s TCP gives up an established connection. One warm connection and a partition of 1,000 s: the requests on
/// it fail with a reset after that time, those that waited for room on it cannot connect.
#[test]
fn an_established_connection_is_given_up_after_a_quarter_of_an_hour() {
    let parted = "kind = \"partition\"\ntarget = \"front -> back\"\nat = \"9900ms\"\nduration = \"1000s\"";
    let summary = run(&chain("grpc", 1, "1200s", parted));
    let edge = &summary.edges["front -> back"];
    assert_eq!(edge.failed["reset"], 100, "a connection carries a hundred: {:?}", edge.failed);
    let most = edge.latency_all_ms.max.unwrap();
    assert!((most - 924_600.0).abs() < 100.0, "{most}");
}

#[test]
fn a_black_hole_hangs_at_a_node_and_drops_on_a_partition() {
    let outage = |mode: &str| {
        chain(
            "rest",
            100,
            "20s",
            &format!(
                "name = \"f\"\nkind = \"outage\"\ntarget = \"back\"\nat = \"5s\"\nduration = \"1s\"\nmode = \"{mode}\""
            ),
        )
    };
    same(&json(&run(&outage("black_hole"))), &json(&run(&outage("hang"))), "an outage");
    assert!(run(&outage("hang")).edges["front -> back"].in_flight_at_end > 0, "answers are lost for good");
    let parted = |mode: &str| {
        chain(
            "rest",
            100,
            "20s",
            &format!("name = \"f\"\nkind = \"partition\"\ntarget = \"back\"\nat = \"5s\"\nduration = \"1s\"\n{mode}"),
        )
    };
    let hole = parted("mode = \"black_hole\"");
    same(&json(&run(&hole)), &json(&run(&parted(""))), "a partition");
    for (text, word) in [(outage("black_hole"), "`hang`"), (hole, "`drop`")] {
        let told = checked(&text).warnings().to_vec();
        assert!(told.iter().any(|w| w.code.number == "N520" && w.message.contains(word)), "{word}");
    }
}

/// What goes wrong in the next three tests: `back` hangs from a moment on, for two seconds.
fn hangs(at: &str) -> String {
    format!("kind = \"outage\"\ntarget = \"back\"\nat = \"{at}\"\nduration = \"2s\"\nmode = \"hang\"")
}

/// A hang loses what it took, whatever a connection has to agree on before its request: 200 of 100 a second in 2 s, with TLS and
/// without. Before, handshakes went on when it was over, and with TLS hardly anything was lost.
#[test]
fn a_hang_loses_a_handshake_as_it_loses_a_request() {
    for tls in ["none", "1.2", "1.3"] {
        let rest = format!("[transports.rest]\nconnections = {{ max = 1000, max_idle = 0, tls = \"{tls}\" }}\n");
        let text = chain("rest", 100, "20s", &hangs("5s")) + &rest;
        let edge = &run(&text).edges["front -> back"];
        let lost = edge.in_flight_at_end;
        assert!((200..=202).contains(&lost), "{tls}: {lost} of {}", edge.arrived);
        assert_eq!((edge.failed.len(), edge.failed["unanswered"]), (1, lost), "{tls}");
        // Whoever gives up takes the connection along, and those who come later have room: 50 at once are under way.
        let timed = text.replace("steps = [\"back\"]", "steps = [{ call = \"back\", timeout = \"500ms\" }]");
        let edge = &run(&timed.replace("max = 1000", "max = 60")).edges["front -> back"];
        assert!((200..=202).contains(&edge.failed["timeout"]) && edge.failed.len() == 1, "{tls}: {:?}", edge.failed);
        assert_eq!(edge.in_flight_at_end, 0, "{tls}");
    }
}

/// A stream without an answer counts until it is reset (RFC 9113, 5.1.2): a hundred of them fill gRPC's connection for good, and
/// who comes after them waits. A timeout resets its stream.
#[test]
fn lost_streams_fill_a_connection_unless_somebody_resets_them() {
    let text = chain("grpc", 100, "20s", &hangs("5s"));
    let summary = run(&text);
    assert_eq!(summary.edges["front -> back"].in_flight_at_end, 100);
    // The client's own connection fills next: nobody after 5 s is answered, though all is well from 7 s on.
    assert!(summary.clients["c"].failed["unanswered"] > 1_450, "{:?}", summary.clients["c"].failed);
    let timed = text.replace("steps = [\"back\"]", "steps = [{ call = \"back\", timeout = \"500ms\" }]");
    let edge = &run(&timed).edges["front -> back"];
    assert!((200..=202).contains(&edge.failed["timeout"]) && edge.in_flight_at_end == 0, "{:?}", edge.failed);
}

/// HTTP/2 waits for the callee's settings, TLS or not: a connection that is opened in a hang is given up after 20 s, and who
/// waited for it fails then; the next one opens.
#[test]
fn a_connection_opened_in_a_hang_is_given_up_after_20_seconds() {
    for tls in ["none", "1.3"] {
        let grpc = format!("[transports.grpc]\nconnections = {{ tls = \"{tls}\" }}\n");
        let edge = &run(&(chain("grpc", 1, "60s", &hangs("0s")) + &grpc)).edges["front -> back"];
        assert!((19..=21).contains(&edge.failed["connect_failed"]), "{tls}: {:?}", edge.failed);
        assert_eq!((edge.failed.len(), edge.in_flight_at_end), (1, 0), "{tls}");
        assert!(edge.latency_all_ms.max.is_some_and(|most| (most - 20_000.0).abs() < 1_100.0), "{tls}");
    }
}
