//! Connections that age, that their callee closes, and names that are looked up when one breaks.

use hoptax::experiment::summary::Summary;

use crate::bench::run;

/// A calls B over gRPC and finds it by DNS; after half a minute B grows from three replicas of one core to five. The median of
/// the last four minutes, ms: 500/s keep three of them 83 % busy, and five 50 %.
fn grown(connections: &str) -> f64 {
    let summary = run(&format!(
        "version = 1\n[sim]\nduration = \"4m\"\nwarmup = \"2m\"\nreplications = 1\n[defaults]\ntransport = \"grpc\"\n\
         [network]\nsame_zone = \"0s\"\n[discovery]\nkind = \"dns\"\nbalance_per = \"request\"\n[transports.grpc]\n{connections}\n\
         [clients.users]\ncalls = \"a\"\ntransport = \"free\"\nrate = \"500/s\"\n\
         [services.a]\nio = \"async\"\nconcurrency = \"unlimited\"\nsteps = [\"b\"]\n\
         [services.b]\ncores = 1\nwork = {{ mean = \"5ms\" }}\nautoscale = {{ min = 3, max = 5, metric = \"rps\", target = 100 }}\n"
    ));
    assert_eq!(summary.nodes["b"].replicas.max, 5);
    summary.clients["users"].latency_ms.p50.value.unwrap()
}

/// grpc/grpc-java#10708, and grpc-go since 1.26: the resolver asks again only when a connection breaks. What is new gets nothing,
/// until `MAX_CONNECTION_AGE` makes connections break.
#[test]
fn new_replicas_get_nothing_over_grpc_until_a_connection_breaks() {
    let (three, five) = (grown(""), grown("connections = { max_age = \"30s\" }"));
    // Exponential sojourns of M/M/1: ln 2 · 5 ms ÷ (1 − ρ).
    assert!((15.0..26.0).contains(&three) && (5.5..9.0).contains(&five), "{three} {five}");
}

/// A balancer in front of Node.js, at a rate such that a connection is often idle for about five seconds.
fn behind_a_balancer(client: &str, server: &str) -> Summary {
    run(&format!(
        "version = 1\n[sim]\nduration = \"60m\"\nwarmup = \"0s\"\nreplications = 1\n\
         [transports.rest]\nconnections = {{ max = 100, max_idle = 100, tls = \"none\", {client}{server} }}\n\
         [clients.users]\ncalls = \"alb\"\nrate = \"5/s\"\ntransport = \"free\"\n\
         [gateways.alb]\nwork = \"0.1ms\"\nsteps = [\"node\"]\n\
         [services.node]\nio = \"async\"\ncores = 1\nwork = \"5ms\"\nwait = {{ p50 = \"50ms\", p99 = \"2s\" }}\n"
    ))
}

/// shuheikagawa.com (2019): an ALB keeps idle connections for 60 s, Node.js for 5 s: 0.001 % of the requests are 502. istio/istio#13848:
/// 0.012 %. With the shorter time at the caller there are none.
#[test]
fn a_request_that_meets_a_closing_connection_is_reset() {
    let reset = |client, server| {
        let edge = &behind_a_balancer(client, server).edges["alb -> node"];
        let resets = edge.failed.get("reset").copied().unwrap_or(0);
        (resets as f64 / edge.arrived as f64, edge.arrived)
    };
    let (share, calls) = reset("idle_timeout = \"60s\"", ", server_idle_timeout = \"5s\"");
    assert!(calls > 17_000 && (0.5e-4..2e-3).contains(&share), "{share}");
    assert_eq!(reset("idle_timeout = \"60s\"", "").0, 0.0);
    assert_eq!(reset("idle_timeout = \"4s\"", ", server_idle_timeout = \"5s\"").0, 0.0);
}
