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
    // Reading takes longer than writing: what the caller waits for is what of it is left when the last message is there.
    assert!((encode(&grpc, "a") - (0.015 + 50.0 * read - 49.0 * write)).abs() < 1e-3);
    // Over HTTP/1.1 it is one body of 5 MB: one message, and nothing before it is whole.
    assert!(rest.edges["a -> b"].first_message_ms.is_none());
    assert!((encode(&rest, "b") - (0.015 + 0.015 + 5.0 * 2.4)).abs() < 1e-3);
    assert!((encode(&rest, "a") - (0.015 + 0.015 + 5.0 * 4.8)).abs() < 1e-3);
}

/// Twenty users of 50 KB each, sent to a client outside over a line of 10 MB/s and 5 ms; what `call` adds to its target.
fn users(transport: &str, call: &str, more: &str) -> Summary {
    let nodes = format!(
        "[services.a]\nwork = \"2ms\"\n[network.links.\"c -> a\"]\nlatency = \"5ms\"\nbandwidth = \"10MB/s\"\n\
         [transports.page]\n{transport}\nencode = {{ per_message = \"1ms\", per_byte = \"0ns\" }}\n\
         decode = {{ per_message = \"2ms\", per_byte = \"0ns\" }}\nsize_factor = 1.0\n"
    );
    let calls = format!("transport = \"page\"\n{more}calls = [{{ to = \"a\", request = \"0B\", {call} }}]");
    small(&nodes, &[("calls = \"a\"", &calls), ("10/s", "5/s")])
}

#[test]
fn users_come_whole_in_pages_or_one_by_one() {
    let one = "response = \"50KB\", stream = 20";
    let chunked = "like = \"free\"\nchunked = true";
    let (whole, streamed) = (users("like = \"free\"", one, ""), users(chunked, one, ""));
    let http2 = users("like = \"free\"\nprotocol = \"http2\"", one, "");
    let pages = users("like = \"free\"", "response = \"250KB\", times = 4", "");
    let last = |summary: &Summary| summary.clients["c"].latency_ms.mean.value.unwrap();
    let first = |summary: &Summary| {
        let edge = &summary.edges["c -> a"];
        edge.first_message_ms.as_ref().map(|first| first.mean.value.unwrap())
    };
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-3, "{a} is not {b}");
    // Encoded and decoded 1 + 2, there and back 5 + 5, work 2; then a body of 1 MB: encode 1, 100 ms on the line, decode 2.
    near(last(&whole), 3.0 + 10.0 + 2.0 + 1.0 + 100.0 + 2.0);
    assert_eq!(first(&whole), None);
    // Each page of 250 KB is asked for by itself; its first users are there with the first page.
    near(last(&pages), 4.0 * (3.0 + 10.0 + 2.0 + 1.0 + 25.0 + 2.0));
    near(pages.edges["c -> a"].latency_ms.mean.value.unwrap(), last(&pages) / 4.0 - 3.0);
    assert_eq!(pages.edges["c -> a"].arrived, 4 * pages.clients["c"].arrived);
    // One by one: the line is the narrow place, 5 ms each, and the last one is decoded when it is there.
    for streamed in [&streamed, &http2] {
        near(first(streamed).unwrap(), 2.0 + 10.0 + 2.0 + 1.0 + 5.0 + 2.0);
        near(last(streamed), 3.0 + 10.0 + 2.0 + 1.0 + 20.0 * 5.0 + 2.0);
    }
}

#[test]
fn a_browser_pays_for_a_proxy_where_it_streams_over_http2() {
    let one = "response = \"50KB\", stream = 20";
    let proxy = |transport: &str| {
        let told = users(transport, one, "browser = true\n").ledger["c"].total.mean_ms.of(Cause::Proxy);
        assert!((0.0..5.0).contains(&told), "{told}");
        told
    };
    assert_eq!(proxy("like = \"free\"\nchunked = true"), 0.0);
    let twice = proxy("like = \"free\"\nprotocol = \"http2\"");
    assert!((twice - 2.0 * 0.358).abs() < 0.1, "{twice} is not twice the work of a sidecar");
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

/// Ten messages that take so long to encode and to decode (ms), over a network that takes one each way; `a` and `b` as said.
fn ten(encode: u32, decode: u32, caller: &str, link: &str) -> Summary {
    let call = "call = \"b\", transport = \"wire\", request = \"0B\", response = \"1KB\", stream = 10";
    let caller = caller.replace("CALL", &format!("{{ {call} }}"));
    let nodes = format!(
        "[transports.wire]\nlike = \"free\"\nprotocol = \"http2\"\nencode = {{ per_message = \"{encode}ms\" }}\n\
         decode = {{ per_message = \"{decode}ms\" }}\n[services.a]\n{caller}\n[services.b]\nwork = \"1ms\"\n{link}"
    );
    small(&nodes, &[("same_zone = \"0s\"", "same_zone = \"1ms\""), ("10/s", "2/s")])
}

/// Until the first message of [`ten`] is at the caller: both ways to it, the request, its work, the answer's first message.
fn first_arrival(encode: u32, decode: u32) -> u32 {
    encode + 1 + decode + 1 + encode + 1
}

/// A pipeline of two stages: what is encoded next is decoded meanwhile, so the slower side alone counts.
#[test]
fn a_stream_is_decoded_while_the_rest_of_it_is_encoded() {
    let callers = [
        "steps = [CALL]",
        "io = \"async\"\nconcurrency = 1\nsteps = [CALL]",
        "io = \"async\"\nsteps = [CALL]",
        "cores = 1\nsteps = [CALL]",
        "steps = [{ parallel = [CALL, { wait = \"1ms\" }] }]",
        "queue_order = \"lifo\"\npreemptive = true\nsteps = [CALL]",
    ];
    for (encode, decode) in [(2, 3), (3, 2), (2, 2), (5, 1), (1, 7)] {
        for caller in callers {
            let summary = ten(encode, decode, caller, "");
            let first = first_arrival(encode, decode) + decode;
            let whole = 2 + first + 9 * encode.max(decode);
            let latency = &summary.clients["c"].latency_ms;
            let what = format!("{encode} {decode} {caller}");
            assert_eq!([latency.mean.value, latency.max].map(|ms| ms.unwrap().round() as u32), [whole; 2], "{what}");
            let edge = summary.edges["a -> b"].first_message_ms.as_ref().unwrap();
            assert!((edge.mean.value.unwrap() - f64::from(first - encode)).abs() < 1e-6, "{what}");
            // Nothing is decoded for nothing: both sides do all of their work.
            let working = |node: &str| summary.nodes[node].mean_working.value.unwrap() / 2.0 * 1e3;
            let done = [encode + 10 * decode, decode + 1 + 10 * encode].map(f64::from);
            for (node, done) in ["a", "b"].into_iter().zip(done) {
                assert!((working(node) - done).abs() < 1e-6 * done, "{what}: {} not {done}", working(node));
            }
            assert_eq!(summary.nodes["a"].mean_queue.value, Some(0.0), "{what}");
        }
    }
}
