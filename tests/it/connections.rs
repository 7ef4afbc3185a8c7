//! Connections: handshakes are paid when one is opened and not otherwise, and a request without one waits.

use std::collections::BTreeSet;

use hoptax::experiment::summary::Summary;
use hoptax::machine::replication_seed;
use hoptax::model::{Cause, Fact, Probe, Trace};
use hoptax::units::Time;

use crate::bench::{ended, plan};
use crate::ledger::{HEAD, holds, small};

/// `a` calls `b`, each message 1 ms under way, over connections of this kind; `batch` requests at once.
fn over(protocol: &str, connections: &str, batch: u32) -> Summary {
    let nodes = format!(
        "{}[services.a]\nsteps = [{{ call = \"b\", transport = \"wire\" }}]\n[services.b]\nwait = \"10ms\"\n\
         [network.links.\"a -> b\"]\nlatency = \"1ms\"\n[network.links.\"b -> a\"]\nlatency = \"1ms\"\n",
        wire(protocol, connections)
    );
    small(&nodes, &[("rate", &format!("batch = {batch}\nrate"))])
}

/// A transport that costs nothing but its connections.
fn wire(protocol: &str, connections: &str) -> String {
    format!(
        "[transports.wire]\nlike = \"rest\"\nprotocol = \"{protocol}\"\nconnections = {{ {connections} }}\n\
         encode = {{ per_message = \"0s\", per_byte = \"0s\" }}\ndecode = {{ per_message = \"0s\", per_byte = \"0s\" }}\n"
    )
}

fn spent(summary: &Summary, cause: Cause) -> f64 {
    summary.ledger["c"].total.mean_ms.of(cause)
}

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} not {expected}");
}

#[test]
fn a_cold_connection_costs_round_trips_and_cryptography_and_a_warm_one_nothing() {
    const CRYPTOGRAPHY: f64 = 0.141 + 0.067;
    // Round trips before the request: TCP 1, TLS 1.3 one more (RFC 8446), TLS 1.2 two more (RFC 5246).
    for (tls, trips, cpu) in [("none", 1.0, 0.0), ("1.3", 2.0, CRYPTOGRAPHY), ("1.2", 3.0, CRYPTOGRAPHY)] {
        for (protocol, max) in [("http1", 100), ("http2", 1)] {
            let with = |rest: &str| over(protocol, &format!("max = {max}, tls = \"{tls}\", {rest}"), 1);
            let (cold, warm) = (with("idle_timeout = \"80ms\""), with("idle_timeout = \"90ms\""));
            let plain = [("b", "network", 2.0), ("b", "wait", 10.0)];
            holds(&warm.ledger["c"], &plain);
            holds(&cold.ledger["c"], &[plain[0], ("b", "connect", trips * 2.0 + cpu), plain[1]]);
        }
    }
}

#[test]
fn big_messages_start_slowly_on_fresh_connections_and_not_on_warm_ones() {
    // 1 ms each way, a round trip for TCP; ten segments of 1,460 bytes at once, then twice as many each round trip.
    let sizes =
        [("14.6KB", "14.6KB", 0.0), ("14.7KB", "1KB", 1.0), ("1KB", "43.8KB", 1.0), ("100KB", "1MB", 2.0 + 6.0)];
    for (request, response, trips) in sizes {
        for (protocol, max) in [("http1", 100), ("http2", 1)] {
            let with = |idle_timeout: &str| {
                let connections = format!("max = {max}, tls = \"none\", idle_timeout = \"{idle_timeout}\"");
                let nodes = format!(
                    "{}[services.a]\nsteps = [{{ call = \"b\", transport = \"wire\", request = \"{request}\", response = \"{response}\" }}]\n\
                     [services.b]\nwait = \"10ms\"\n[network.links.\"a -> b\"]\nlatency = \"1ms\"\n[network.links.\"b -> a\"]\nlatency = \"1ms\"\n",
                    wire(protocol, &connections)
                );
                small(&nodes, &[])
            };
            let (cold, warm) = (with("10ms"), with("90s"));
            holds(&warm.ledger["c"], &[("b", "network", 2.0), ("b", "wait", 10.0)]);
            holds(
                &cold.ledger["c"],
                &[("b", "network", 2.0), ("b", "connect", 2.0 + 2.0 * trips), ("b", "wait", 10.0)],
            );
        }
    }
}

#[test]
fn after_a_burst_only_idle_connections_that_are_kept_are_warm() {
    // Six at once every 100 ms, two connections kept: four of six pay a round trip.
    near(spent(&over("http1", "max = 100, max_idle = 2, tls = \"none\"", 6), Cause::Connect), 2.0 * 4.0 / 6.0);
    near(spent(&over("http1", "max = 100, max_idle = 6, tls = \"none\"", 6), Cause::Connect), 0.0);
    near(spent(&over("http1", "max = 100, max_idle = 0, tls = \"none\"", 6), Cause::Connect), 2.0);
}

#[test]
fn one_connection_carries_one_request_over_http1_and_many_over_http2() {
    let waits = |protocol: &str, max: u32, streams: &str| {
        spent(&over(protocol, &format!("max = {max}, tls = \"none\""), 6), Cause::ConnectionWait).to_string() + streams
    };
    let parse = |text: String| text.parse::<f64>().unwrap();
    // Six at once, 12 ms each: one after the other, or two at a time.
    near(parse(waits("http1", 1, "")), 12.0 * 15.0 / 6.0);
    near(parse(waits("http1", 2, "")), 12.0 * (0.0 + 1.0 + 2.0) / 3.0);
    near(parse(waits("http2", 1, "")), 0.0);
}

#[test]
fn streams_are_few_and_the_rest_waits_in_the_client() {
    let nodes = "[transports.two]\nlike = \"grpc\"\nstreams = 2\n[services.a]\nsteps = [{ call = \"b\", transport = \"two\" }]\n\
                 [services.b]\nwait = \"10ms\"\n";
    let summary = small(nodes, &[("rate", "batch = 6\nrate")]);
    let waited = summary.ledger["c"].by_node["b"].mean_ms.of(Cause::ConnectionWait);
    // Encoding (about 0.02 ms a message) spaces them a little.
    assert!((waited - 10.0).abs() < 0.2, "{waited}");
}

#[test]
fn requests_that_share_five_connections_wait_like_those_that_share_five_workers() {
    let load = |callers: &str, nodes: &str| {
        small(nodes, &[("arrivals = \"constant\"\nrate = \"10/s\"\n", callers), ("10s", "100s")])
    };
    let free = "[services.a]\nconcurrency = \"unlimited\"\nsteps = [\"b\"]\n[services.b]\nconcurrency = 5\nwork = { mean = \"10ms\" }\n";
    let wired = wire("http1", "max = 5, tls = \"none\"")
        + &free.replace("[\"b\"]", "[{ call = \"b\", transport = \"wire\" }]").replace("= 5", "= \"unlimited\"");
    for (callers, theory) in [
        ("rate = \"400/s\"\n", Some(10.0 + 5.5411)),
        ("users = 20\n", Some(40.0)),
        ("users = 20\nthink_time = { mean = \"20ms\" }\n", None),
    ] {
        let (workers, connections) = (load(callers, free), load(callers, &wired));
        let mean = |summary: &Summary| summary.clients["c"].latency_ms.mean.value.unwrap();
        // The same draws and the same rules: not alike, but the same to the nanosecond.
        near(mean(&connections), mean(&workers));
        near(spent(&connections, Cause::ConnectionWait), spent(&workers, Cause::Queue));
        near(connections.clients["c"].latency_ms.max.unwrap(), workers.clients["c"].latency_ms.max.unwrap());
        assert!(spent(&workers, Cause::Queue) > 1.0);
        if let Some(theory) = theory {
            assert!((mean(&connections) / theory - 1.0).abs() < 0.03, "{} not {theory}", mean(&connections));
        }
    }
}

#[test]
fn a_try_that_timed_out_takes_its_http1_connection_with_it() {
    let quick_after_slow = |protocol: &str| {
        let nodes = format!(
            "{}[services.a]\nsteps = [\n  {{ parallel = [{{ call = \"b.slow\", transport = \"wire\", timeout = \"20ms\", optional = true }}] }},\n  \
             {{ call = \"b.quick\", transport = \"wire\" }},\n]\n\
             [services.b.endpoints.slow]\nwait = \"50ms\"\n[services.b.endpoints.quick]\n\
             [network.links.\"a -> b\"]\nlatency = \"1ms\"\n[network.links.\"b -> a\"]\nlatency = \"1ms\"\n",
            wire(protocol, "max = 10, tls = \"none\"")
        );
        small(&nodes, &[])
    };
    let (http1, http2) = (quick_after_slow("http1"), quick_after_slow("http2"));
    let failed = ("a", "failed_tries", 20.0);
    holds(&http1.ledger["c"], &[failed, ("b", "network", 2.0), ("b", "connect", 2.0)]);
    holds(&http2.ledger["c"], &[failed, ("b", "network", 2.0)]);
}

/// The replicas that served requests, as (node, replica).
#[derive(Default)]
struct Served(BTreeSet<(u32, u32)>);

impl Probe for Served {
    fn traces(&self) -> bool {
        true
    }

    fn on(&mut self, _: Time, _: Fact) {}

    fn trace(&mut self, moment: Trace) {
        if let Trace::Closed { node, replica, .. } = moment {
            self.0.insert((node.0, replica));
        }
    }
}

#[test]
fn a_connection_pins_its_requests_to_one_replica() {
    let served = |transport: &str, balance_per: &str, callers: u32| {
        let plan = plan(&format!(
            "{HEAD}[discovery]\nbalance_per = \"{balance_per}\"\n\
             [services.a]\nreplicas = {callers}\nsteps = [{{ call = \"b\", transport = \"{transport}\" }}]\n\
             [services.b]\nreplicas = 4\nwork = \"1ms\"\n"
        ));
        let ended = ended(&plan, replication_seed(plan.seed, 0), Served::default());
        ended.probe.0.iter().filter(|s| plan.nodes[s.0 as usize].name == "b").count()
    };
    assert_eq!(served("grpc", "connection", 1), 1);
    assert_eq!(served("grpc", "connection", 2).clamp(1, 2), served("grpc", "connection", 2));
    assert_eq!(served("grpc", "request", 1), 4);
    assert_eq!(served("rest", "connection", 1), 1, "one warm connection is enough for requests that never meet");
    assert_eq!(served("rest", "request", 1), 4);
    assert_eq!(served("free", "connection", 1), 4, "no connection, nothing to be pinned to");
}

#[test]
fn bandwidth_serves_messages_in_the_order_they_came() {
    let nodes = "[services.a]\nsteps = [{ call = \"b\", request = \"1KB\", response = \"4KB\" }]\n[services.b]\n\
                 [network.links.\"a -> b\"]\nbandwidth = \"1MB/s\"\n";
    // Requests need 1 ms each and come out after 1, 2 and 3 ms; answers need 4 ms each: after 5, 9 and 13.
    let summary = small(nodes, &[("rate", "batch = 3\nrate")]);
    holds(&summary.ledger["c"], &[("b", "network", (5.0 + 9.0 + 13.0) / 3.0)]);
}

#[test]
fn loss_is_delay_and_not_an_error() {
    let nodes = "[services.a]\nsteps = [\"b\"]\n[services.b]\n[network.links.\"a -> b\"]\nloss = \"10%\"\n";
    let summary = small(nodes, &[("\"10/s\"", "\"1000/s\"")]);
    let client = &summary.clients["c"];
    assert!(client.arrived >= 20_000 && client.succeeded == client.arrived, "{:?}", client.failed);
    // 200 ms, doubled each time: 200 Σ 2^(k-1) 0.1^k = 25 ms, there and back.
    let mean = spent(&summary, Cause::Network);
    assert!((mean / 50.0 - 1.0).abs() < 0.1, "{mean}");
    let lossless = client.latency_ms.p50.value.unwrap();
    assert!(lossless < 1e-3, "{lossless}");
}

#[test]
fn who_waits_too_long_for_a_connection_fails() {
    // Six at once, 12 ms each on the one connection: the second waits 12 ms, the third would wait 24.
    for (wait, served) in [("1ms", 1), ("15ms", 2), ("59ms", 5), ("61ms", 6)] {
        let summary = over("http1", &format!("max = 1, tls = \"none\", wait = \"{wait}\""), 6);
        let edge = &summary.edges["a -> b"];
        assert_eq!(edge.succeeded * 6, edge.arrived * served, "{wait}: {:?}", edge.failed);
        assert_eq!(edge.failed.get("pool_timeout").copied().unwrap_or(0), edge.arrived - edge.succeeded);
    }
}

#[test]
fn a_handshake_that_takes_too_long_fails() {
    // Two round trips of 2 ms and 0.208 ms of cryptography, for each request anew.
    for (limit, holds) in [("3ms", false), ("4.1ms", false), ("4.3ms", true)] {
        for protocol in ["http1", "http2"] {
            let rest = format!("max = 9, max_idle = 0, tls = \"1.3\", connect_timeout = \"{limit}\"");
            let edge = &over(protocol, &rest, 1).edges["a -> b"];
            let failed = edge.failed.get("connect_failed").copied().unwrap_or(0);
            assert_eq!((failed == 0, edge.succeeded == 0), (holds, !holds), "{protocol} {limit}: {:?}", edge.failed);
        }
    }
}

/// A big message twice a second, after 10 s of it: what it costs beyond the small one.
fn again_after_half_a_second(rest: &str, size: &str) -> f64 {
    let nodes = format!(
        "{}[services.a]\nsteps = [{{ call = \"b\", transport = \"wire\", request = \"{size}\" }}]\n[services.b]\nwait = \"10ms\"\n\
         [network.links.\"a -> b\"]\nlatency = \"1ms\"\n[network.links.\"b -> a\"]\nlatency = \"1ms\"\n",
        wire("http2", &format!("max = 1, tls = \"none\"{rest}"))
    );
    spent(&small(&nodes, &[("\"10/s\"", "\"2/s\"")]), Cause::Connect)
}

#[test]
fn idle_connections_start_slowly_again() {
    // Idle for two timeouts of 202 ms: 40 segments become ten, of which 20 need one more round trip and 60 two; 300 become 80.
    near(again_after_half_a_second("", "29KB"), 2.0);
    near(again_after_half_a_second("", "88KB"), 4.0);
    near(again_after_half_a_second("", "14.6KB"), 0.0);
    near(again_after_half_a_second(", slow_start_after_idle = false", "88KB"), 0.0);
}
