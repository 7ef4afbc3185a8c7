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
    // On shared cores who asks for the median of the work waits less than the mean: 9.7 and 4.2 ms.
    assert!((8.5..11.0).contains(&three) && (3.8..4.8).contains(&five), "{three} {five}");
}

/// A balancer in front of Node.js, 20 ms each way and a request every five seconds, so that there is one connection.
fn behind_a_balancer(connections: &str) -> (f64, Summary) {
    let summary = run(&format!(
        "version = 1\n[sim]\nduration = \"50h\"\nwarmup = \"0s\"\nreplications = 1\n[network]\nsame_zone = \"20ms\"\n\
         [transports.rest]\nconnections = {{ max = 100, max_idle = 100, tls = \"none\", {connections} }}\n\
         [clients.users]\ncalls = \"alb\"\narrivals = \"poisson\"\nrate = \"12/min\"\ntransport = \"free\"\n\
         [gateways.alb]\nwork = \"0.1ms\"\nsteps = [\"node\"]\n[services.node]\nwork = \"5ms\"\n"
    ));
    let edge = &summary.edges["alb -> node"];
    (edge.failed.get("reset").copied().unwrap_or(0) as f64 / edge.arrived as f64, summary)
}

/// shuheikagawa.com (2019): an ALB keeps idle connections for 60 s, Node.js for 5 s: 0.001 % of the requests are 502.
/// istio/istio#13848: 0.012 %. A request is reset that sets out within the last round trip of the server's time: with gaps of 5 s
/// on average and 40 ms there and back in e^(-4.96/5) - e^-1 = 0.296 % of the cases; with 0.5 ms in 0.004 %.
#[test]
fn a_request_that_meets_a_closing_connection_is_reset() {
    let (share, summary) = behind_a_balancer("idle_timeout = \"60s\", server_idle_timeout = \"5s\"");
    assert!((0.0023..0.0036).contains(&share), "{share}");
    assert_eq!(summary.clients["users"].failed.keys().collect::<Vec<_>>(), ["error"]);
    for safe in ["idle_timeout = \"60s\"", "idle_timeout = \"4s\", server_idle_timeout = \"5s\""] {
        assert_eq!(behind_a_balancer(safe).0, 0.0, "{safe}");
    }
}
