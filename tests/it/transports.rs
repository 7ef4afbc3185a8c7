//! Transports: what JSON and protobuf cost, streams, and what a caller that gave up stops.

use hoptax::experiment::summary::Summary;
use hoptax::model::Cause;

use crate::ledger::small;

/// `a` calls `b` with these sizes; what they spend on encoding and decoding, ms.
fn encoding(transport: &str, request: &str, response: &str) -> [f64; 2] {
    let nodes = format!(
        "[services.a]\nsteps = [{{ call = \"b\", transport = \"{transport}\", request = \"{request}\", response = \"{response}\" }}]\n\
         [services.b]\n"
    );
    let summary = small(&nodes, &[]);
    ["a", "b"].map(|node| summary.ledger["c"].by_node[node].mean_ms.of(Cause::Encode))
}

#[test]
fn json_and_protobuf_cost_what_they_were_measured_to() {
    // 15 us for any message. JSON 2.4 ns a byte to write and 4.8 to read; protobuf 4.3 and 5.4 on 0.42 of the bytes.
    let costs = [("rest", 1.0, 2.4, 4.8), ("grpc", 0.42, 4.3, 5.4)];
    for (transport, size, write, read) in costs {
        for (request, response, bytes) in
            [("100KB", "0B", [1e5, 0.0]), ("0B", "1MB", [0.0, 1e6]), ("1KB", "1KB", [1e3, 1e3])]
        {
            let [a, b] = encoding(transport, request, response);
            let [out, back] = bytes.map(|b| b * size * 1e-6);
            let (at_a, at_b) = (0.03 + write * out + read * back, 0.03 + read * out + write * back);
            assert!((a - at_a).abs() < 1e-5 && (b - at_b).abs() < 1e-5, "{transport}: {a} {b}, not {at_a} {at_b}");
        }
    }
    let total = |transport| encoding(transport, "1MB", "1MB").iter().sum::<f64>();
    let ratio = total("rest") / total("grpc");
    assert!((1.7..1.8).contains(&ratio), "protobuf with building the message: {ratio}");
}

#[test]
fn fewer_bytes_take_less_time_on_a_narrow_link() {
    let network = |transport: &str| {
        let nodes = format!(
            "[services.a]\nsteps = [{{ call = \"b\", transport = \"{transport}\", request = \"100KB\", response = \"0B\" }}]\n\
             [services.b]\n[network.links.\"a -> b\"]\nbandwidth = \"10MB/s\"\n"
        );
        small(&nodes, &[]).ledger["c"].by_node["b"].mean_ms.of(Cause::Network)
    };
    assert!((network("rest") - 10.0).abs() < 1e-6);
    assert!((network("grpc") - 4.2).abs() < 1e-6);
}

/// Fifty messages of 100 KB.
fn stream(transport: &str) -> Summary {
    let call =
        format!("call = \"b\", transport = \"{transport}\", request = \"0B\", response = \"100KB\", stream = 50");
    small(&format!("[services.a]\nsteps = [{{ {call} }}]\n[services.b]\nwork = \"1ms\"\n"), &[])
}

#[test]
fn the_first_message_of_a_stream_is_there_long_before_the_last() {
    let (grpc, rest) = (stream("grpc"), stream("rest"));
    let (write, read) = (0.015 + 0.042 * 4.3, 0.015 + 0.042 * 5.4);
    let edge = &grpc.edges["a -> b"];
    let first = edge.first_message_ms.as_ref().unwrap();
    assert_eq!(first.count, edge.succeeded);
    let first = first.mean.value.unwrap();
    assert!((first - (0.015 + 1.0 + write + read)).abs() < 1e-3, "{first}");
    let last = edge.latency_ms.mean.value.unwrap();
    assert!(last > 7.0 * first, "{first} {last}");
    let encode = |summary: &Summary, node: &str| summary.ledger["c"].by_node[node].mean_ms.of(Cause::Encode);
    assert!((encode(&grpc, "b") - (0.015 + 50.0 * write)).abs() < 1e-3);
    assert!((encode(&grpc, "a") - (0.015 + 50.0 * read)).abs() < 1e-3);
    // Over HTTP/1.1 it is one body of 5 MB: one message, and nothing before it is whole.
    assert!(rest.edges["a -> b"].first_message_ms.is_none());
    assert!((encode(&rest, "b") - (0.015 + 0.015 + 5.0 * 2.4)).abs() < 1e-3);
    assert!((encode(&rest, "a") - (0.015 + 0.015 + 5.0 * 4.8)).abs() < 1e-3);
}

#[test]
fn a_caller_that_gave_up_is_taken_from_the_line_where_the_transport_tells() {
    // Ten at once for one worker, 10 ms each, and a patience of 25 ms.
    let run = |transport: &str| {
        let nodes = format!(
            "[services.a]\nsteps = [{{ call = \"b\", transport = \"{transport}\", timeout = \"25ms\" }}]\n\
             [services.b]\nconcurrency = 1\nwork = \"10ms\"\n"
        );
        small(&nodes, &[("rate", "batch = 10\nrate"), ("10/s", "5/s")])
    };
    let (rest, grpc) = (run("rest"), run("grpc"));
    for summary in [&rest, &grpc] {
        assert!((summary.clients["c"].success_rate.value.unwrap() - 0.2).abs() < 1e-9);
    }
    let busy = |summary: &Summary| summary.nodes["b"].mean_working.value.unwrap();
    // All ten, 50 times a second; or the two that were in time and the one that was at work.
    assert!((busy(&rest) - 0.5).abs() < 0.01, "{}", busy(&rest));
    assert!((busy(&grpc) - 0.15).abs() < 0.01, "{}", busy(&grpc));
    assert_eq!(rest.edges["a -> b"].late_replies, 8 * 100);
    assert!(rest.clients["c"].wasted_work_s > 4.0 * grpc.clients["c"].wasted_work_s);
}

#[test]
fn a_caller_that_gave_up_stops_branches_too() {
    // Ten at once, each with two calls at the same time to one worker, 10 ms each, and a patience of 25 ms.
    let run = |transport: &str, io: &str| {
        let nodes = format!(
            "[services.a]\nsteps = [{{ call = \"b\", transport = \"{transport}\", timeout = \"25ms\" }}]\n\
             [services.b]\nio = \"{io}\"\nsteps = [{{ parallel = [{{ call = \"d\", transport = \"{transport}\", times = 2 }}] }}]\n\
             [services.d]\nconcurrency = 1\nwork = \"10ms\"\n"
        );
        small(&nodes, &[("rate", "batch = 10\nrate"), ("10/s", "4/s")])
    };
    for io in ["blocking", "async"] {
        let (rest, grpc) = (run("rest", io), run("grpc", io));
        let busy = |summary: &Summary| summary.nodes["d"].mean_working.value.unwrap();
        // Twenty, 40 times a second; or two that were in time and the one that was at work.
        assert!((busy(&rest) - 0.8).abs() < 0.01, "{}", busy(&rest));
        assert!((busy(&grpc) - 0.12).abs() < 0.01, "{}", busy(&grpc));
    }
}
