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

/// A calls B without connections, by names that nobody keeps; the share that took five seconds or more, the share that failed, and
/// the mean of who was answered, ms.
fn by_name(resolver: &str, rest: &str) -> (f64, f64, f64) {
    let summary = run(&format!(
        "version = 1\n[sim]\nduration = \"20m\"\nwarmup = \"1m\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [network]\nsame_zone = \"0s\"\n[discovery]\nkind = \"dns\"\nttl = \"0s\"\nresolver = {{ {resolver} }}\n\
         [clients.users]\ncalls = \"front\"\nrate = \"20/s\"\ntimeout = \"60s\"\n\
         [services.front]\nio = \"async\"\nconcurrency = \"unlimited\"\nsteps = [{{ call = \"back\"{rest} }}]\n\
         [services.back]\nconcurrency = \"unlimited\"\nwait = \"5ms\"\n"
    ));
    let edge = &summary.edges["front -> back"];
    let none = edge.failed.get("no_endpoint").copied().unwrap_or(0);
    assert_eq!(none + edge.succeeded, edge.arrived, "{:?}", edge.failed);
    let arrived = edge.arrived as f64;
    let mean = edge.latency_ms.mean.value.unwrap();
    ((mean - 6.0) * edge.succeeded as f64 / 5000.0 / arrived, none as f64 / arrived, mean)
}

/// kubernetes/kubernetes#56903: look-ups that are lost take 5 s (2.5 s with musl). Of 5 % that are lost once, as many of these are lost
/// again and fail: 4.75 % wait 5 s, 0.25 % fail.
#[test]
fn a_lost_look_up_takes_five_seconds() {
    let (late, failed, _) = by_name("takes = \"1ms\", loss = \"5%\"", "");
    assert!((0.043..0.052).contains(&late) && (0.0012..0.0042).contains(&failed), "{late} {failed}");
    let (musl, _, _) = by_name("takes = \"1ms\", loss = \"5%\", timeout = \"2.5s\"", "");
    assert!((musl / late - 0.5).abs() < 0.01, "{musl} {late}");
    let (late, failed, mean) = by_name("takes = \"1ms\"", "");
    assert_eq!((late.abs() < 1e-9, failed, (mean - 6.0).abs() < 1e-6), (true, 0.0, true), "{mean}");
    // A warm connection asks for nothing.
    let (late, failed, _) = by_name("loss = \"5%\"", ", transport = \"grpc\"");
    assert!(late < 0.001 && failed == 0.0, "{late} {failed}");
}

/// While a question is out all wait for the same answer, where answers are kept.
#[test]
fn what_is_kept_is_asked_for_once() {
    let asked = |ttl: &str| {
        let summary = run(&format!(
            "version = 1\n[sim]\nduration = \"10m\"\nwarmup = \"0s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
             [network]\nsame_zone = \"0s\"\n[discovery]\nkind = \"dns\"\nttl = \"{ttl}\"\nresolver = {{ takes = \"500ms\" }}\n\
             [clients.users]\ncalls = \"front\"\narrivals = \"constant\"\nrate = \"10/s\"\n\
             [services.front]\nio = \"async\"\nconcurrency = \"unlimited\"\nsteps = [\"back\"]\n\
             [services.back]\nconcurrency = \"unlimited\"\n"
        ));
        summary.edges["front -> back"].latency_ms.mean.value.unwrap()
    };
    // An answer of 4.5 s: of 50 requests five wait, 500, 400, 300, 200 and 100 ms.
    assert!((asked("4.5s") / 30.0 - 1.0).abs() < 0.02 && (asked("0s") - 500.0).abs() < 1e-6);
}

/// Ably (2024): London to Singapore, 90 ms each way, over a warm connection now and then: the fastest take 90 ms there, peaks are at
/// 270 and 450 ms (one and two round trips more), and `tcp_slow_start_after_idle = 0` cures it.
#[test]
fn a_warm_connection_that_was_idle_is_slow_again() {
    let there = |size: &str, rest: &str| {
        let summary = run(&format!(
            "version = 1\n[sim]\nduration = \"20m\"\nwarmup = \"1m\"\nreplications = 1\n[network]\nsame_zone = \"0s\"\n\
             cross_region = \"90ms\"\n[defaults]\ntransport = \"free\"\n[transports.tcp]\nlike = \"grpc\"\nconnections = {{ max = 1{rest} }}\n\
             encode = {{ per_message = \"0s\", per_byte = \"0s\" }}\ndecode = {{ per_message = \"0s\", per_byte = \"0s\" }}\n\
             [clients.publishers]\ncalls = \"london\"\narrivals = \"poisson\"\nrate = \"0.5/s\"\nzone = \"london/a\"\n\
             [services.london]\nzone = \"london/a\"\nio = \"async\"\n\
             steps = [{{ call = \"singapore\", transport = \"tcp\", request = \"{size}\", response = \"100B\" }}]\n\
             [services.singapore]\nzone = \"singapore/a\"\nconcurrency = \"unlimited\"\n"
        ));
        let latency = &summary.clients["publishers"].latency_ms;
        [latency.p50.value.unwrap() - 90.0, latency.p95.value.unwrap() - 90.0].map(f64::round)
    };
    assert_eq!(there("60KB", ", slow_start_after_idle = false"), [90.0, 90.0]);
    assert_eq!([there("60KB", "")[0], there("120KB", "")[1]], [270.0, 450.0]);
}

/// grpc/proposal A9: after `MAX_CONNECTION_AGE` a connection takes nothing new, and after `MAX_CONNECTION_AGE_GRACE` what is still on
/// it is ended. A call of 1 s comes twice a second, connections live for 30 s: every 30 s the two or so that are under way go on, or
/// are reset after 500 ms if half of their time is not over by then.
#[test]
fn what_takes_longer_than_the_grace_of_a_connection_is_reset() {
    let reset = |grace: &str| {
        let summary = run(&format!(
            "version = 1\n[sim]\nduration = \"1h\"\nwarmup = \"1m\"\nreplications = 1\n[network]\nsame_zone = \"0s\"\n\
             [transports.grpc]\nconnections = {{ max_age = \"30s\"{grace} }}\n\
             [clients.users]\ncalls = \"a\"\ntransport = \"free\"\narrivals = \"poisson\"\nrate = \"2/s\"\n\
             [services.a]\nio = \"async\"\nconcurrency = \"unlimited\"\nsteps = [{{ call = \"b\", transport = \"grpc\" }}]\n\
             [services.b]\nconcurrency = \"unlimited\"\nwait = \"1s\"\n"
        ));
        let edge = &summary.edges["a -> b"];
        assert_eq!(edge.arrived - edge.succeeded, edge.failed.get("reset").copied().unwrap_or(0), "{:?}", edge.failed);
        edge.failed.get("reset").copied().unwrap_or(0)
    };
    assert_eq!((reset(""), reset(", max_age_grace = \"1.01s\"")), (0, 0));
    // 120 connections in an hour. One comes of age; of those that set out in the 0.5 s before that, one on average, each is reset.
    // But it is asked its age only by the next that comes, 0.5 s later on average, and takes nothing after that.
    let some = reset(", max_age_grace = \"500ms\"");
    assert!((70..190).contains(&some), "{some}");
}

/// Twilio's chaos test, and RFC 9002 §1: one lost segment stalls all streams of an HTTP/2 connection, where over HTTP/1.1 one request
/// waits for the timeout. An independent program (2 million requests, the same rules): p95 64.7 ms, p99 110 to 118 ms, mean 45.0 ms, 19.4 %
/// touched, 9.7 % in each direction; over HTTP/1.1 1.99 % wait 200 ms.
#[test]
fn one_lost_segment_stalls_all_streams_of_a_connection() {
    let run = |transport: &str| {
        let text = include_str!("../../../scenarios/95-one-lost-segment.toml");
        let text = text
            .replace("transport = \"grpc\"", &format!("transport = \"{transport}\""))
            .replace("\"120s\"", "\"600s\"");
        let text = text.replace(
            "[variants.http1]",
            "[transports.rest]\nconnections = { max = 100, max_idle = 100 }\n[variants.http1]",
        );
        let summary = run(&text);
        let latency = &summary.clients["users"].latency_ms;
        [latency.p90, latency.p95, latency.p99, latency.mean].map(|figure| figure.value.unwrap())
    };
    let [p90, p95, p99, mean] = run("grpc");
    assert!((56.0..60.5).contains(&p90) && (62.0..67.5).contains(&p95), "{p90} {p95}");
    assert!((75.0..160.0).contains(&p99) && (43.8..46.2).contains(&mean), "{p99} {mean}");
    let [_, p95, p99, mean] = run("rest");
    assert!(p95 < 41.0 && (239.0..242.0).contains(&p99) && (43.6..44.8).contains(&mean), "{p95} {p99} {mean}");
}

/// linkerd.io, "gRPC load balancing on Kubernetes without tears": one connection leads to one pod, and the mean of all pods does not show
/// it. One of four that fails what it gets is as invisible.
#[test]
fn a_replica_that_is_pinned_or_sick_is_seen() {
    let apart = |rest: &str| {
        let summary = run(&format!(
            "version = 1\n[sim]\nduration = \"60s\"\nwarmup = \"5s\"\nreplications = 3\n[defaults]\ntransport = \"grpc\"\n\
             [clients.users]\ncalls = \"a\"\ntransport = \"free\"\nrate = \"100/s\"\n[services.a]\nio = \"async\"\nsteps = [\"b\"]\n\
             [services.b]\nreplicas = 4\nwait = \"10ms\"\n{rest}"
        ));
        assert!(summary.nodes["a"].replicas.apart.is_none(), "one is not apart from itself");
        summary.nodes["b"].replicas.apart.clone().unwrap()
    };
    let pinned = apart("");
    assert_eq!((pinned.busiest.value, pinned.idlest.value), (Some(1.0), Some(0.0)));
    let even = apart("[discovery]\nbalance_per = \"request\"\n");
    assert!(even.each.iter().all(|one| one.failed == 0 && (one.mean_busy - 0.25).abs() < 0.02), "{even:?}");
    assert!((even.busiest.value.unwrap() - 0.25).abs() < 0.001, "{even:?}");
    let sick = apart(
        "[discovery]\nbalance_per = \"request\"\n[[faults]]\nname = \"sick\"\nkind = \"errors\"\ntarget = \"b\"\nreplicas = 1\n\
         at = \"0s\"\nduration = \"65s\"\nprobability = 0.5\n",
    );
    let shares: Vec<f64> = sick.each.iter().map(|one| one.failed as f64 / one.arrivals as f64).collect();
    assert!((shares[0] - 0.5).abs() < 0.03 && shares[1..].iter().all(|share| *share == 0.0), "{shares:?}");
}
