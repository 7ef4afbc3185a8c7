//! What gateways and services refuse at their doors, the order of guards, and the libraries that policies start from.

use hoptax::experiment::summary::Summary;

use crate::ledger::small;

fn succeeded(summary: &Summary) -> f64 {
    summary.clients["c"].success_rate.value.unwrap()
}

#[test]
fn a_gateway_lets_its_rate_through_and_the_rest_costs_nothing() {
    // One request every 100 ms, one token every 200 ms.
    let limited = small("[gateways.a]\nwork = \"5ms\"\nrate_limit = { rate = \"5/s\", burst = 1 }\n", &[]);
    assert!((succeeded(&limited) - 0.5).abs() < 0.01, "{}", succeeded(&limited));
    assert_eq!(limited.clients["c"].failed.keys().collect::<Vec<_>>(), ["rate_limited"]);
    assert!((limited.nodes["a"].utilization.value.unwrap_or_default() - 0.025 / 200.0).abs() < 1e-3);
    let three = small("[gateways.a]\nreplicas = 2\nrate_limit = { rate = \"5/s\", burst = 1 }\n", &[]);
    assert_eq!(succeeded(&three), 1.0, "each replica has its own");
}

#[test]
fn clients_share_the_rate_of_a_door_or_have_their_own() {
    let other = "[clients.d]\ncalls = \"a\"\narrivals = \"constant\"\nrate = \"10/s\"\n";
    let door =
        |per: &str| format!("{other}[gateways.a]\nrate_limit = {{ rate = \"10/s\", burst = 1, per = \"{per}\" }}\n");
    let own = small(&door("client"), &[]);
    assert_eq!((succeeded(&own), own.clients["d"].success_rate.value.unwrap()), (1.0, 1.0));
    let shared = small(&door("replica"), &[]);
    assert!((succeeded(&shared) + shared.clients["d"].success_rate.value.unwrap() - 1.0).abs() < 1e-9);
}

#[test]
fn shedding_keeps_the_line_short() {
    // Four requests at once, 50 ms each, every 100 ms: twice what the service can do.
    let burst = [("rate", "batch = 4\nrate")];
    let service = |more: &str| format!("[services.a]\nconcurrency = 1\nwork = \"50ms\"\n{more}");
    let plain = small(&service(""), &burst);
    let shed = small(&service("shed = { queue_longer_than = \"60ms\" }\n"), &burst);
    let longest = |summary: &Summary| summary.clients["c"].latency_ms.max.unwrap();
    assert!(longest(&plain) > 5_000.0, "{}", longest(&plain));
    assert!(longest(&shed) < 300.0, "{}", longest(&shed));
    assert!((0.45..0.55).contains(&succeeded(&shed)), "{}", succeeded(&shed));
    assert_eq!(shed.clients["c"].failed.keys().collect::<Vec<_>>(), ["overloaded"]);
}

#[test]
fn an_adaptive_limit_at_the_door_refuses_what_would_wait() {
    let burst = [("rate", "batch = 8\nrate")];
    let service = "[services.a]\nconcurrency = 1\nwork = \"10ms\"\nconcurrency_limit = { kind = \"aimd\", initial = 2, min = 2, max = 2 }\n";
    let summary = small(service, &burst);
    assert!((succeeded(&summary) - 0.25).abs() < 1e-9, "{}", succeeded(&summary));
    assert!((summary.clients["c"].latency_ms.max.unwrap() - 20.0).abs() < 0.2);
}

#[test]
fn a_breaker_counts_what_is_refused_behind_it_and_nothing_before() {
    let nodes = |like: &str| {
        format!(
            "[services.a]\nsteps = [{{ call = \"b\", policy = \"p\" }}]\n[services.b]\nwork = \"10ms\"\n[policies.p]\n{like}\
             retries = \"none\"\nbulkhead = {{ max_concurrent = 1 }}\ncircuit_breaker = {{ window_calls = 8, min_calls = 8, open_for = \"1s\" }}\n"
        )
    };
    let opened = |like: &str| {
        let summary = small(&nodes(like), &[("rate", "batch = 4\nrate")]);
        summary.edges["a -> b"].policing.as_ref().unwrap().breaker.as_ref().unwrap().opened
    };
    assert!(opened("like = \"resilience4j\"\n") > 0);
    assert_eq!(opened(""), 0, "the bulkhead stands before the breaker");
}

#[test]
fn every_library_guards_a_call() {
    for library in ["resilience4j", "hystrix", "polly", "envoy", "istio", "linkerd", "grpc", "aws-sdk"] {
        let nodes = format!(
            "[services.a]\nsteps = [{{ call = \"b\", policy = \"p\" }}]\n[services.b]\nwork = \"1ms\"\n[policies.p]\nlike = \"{library}\"\n"
        );
        let summary = small(&nodes, &[]);
        assert_eq!(succeeded(&summary), 1.0, "{library}");
        assert!(summary.edges["a -> b"].policing.is_some(), "{library}");
    }
}

#[test]
fn a_library_repeats_what_it_says_it_repeats() {
    let tries = |library: &str| {
        let nodes = format!(
            "[services.a]\nsteps = [{{ call = \"b\", policy = \"p\" }}]\n[services.b]\nerror_rate = 1.0\n[policies.p]\nlike = \"{library}\"\n\
             circuit_breaker = \"none\"\n"
        );
        let summary = small(&nodes, &[("duration = \"10s\"", "duration = \"20s\"")]);
        let policing = summary.edges["a -> b"].policing.clone().unwrap();
        (policing.retries as f64 / summary.edges["a -> b"].arrived as f64, policing.budget_refused)
    };
    assert!((tries("resilience4j").0 - 2.0).abs() < 0.1, "{:?}", tries("resilience4j"));
    assert!((tries("polly").0 - 3.0).abs() < 0.1, "{:?}", tries("polly"));
    assert_eq!(tries("istio").0, 0.0, "what reached the application is not tried again");
    assert_eq!(tries("hystrix").0, 0.0);
}

#[test]
fn what_is_done_instead_mends_a_call_that_failed() {
    let nodes = |io: &str, call: &str, instead: &str, rate: &str| {
        format!(
            "[services.a]\nio = \"{io}\"\nconcurrency = 1\nsteps = [{{ call = \"b\", {call} fallback = [{instead}] }}, {{ work = \"1ms\" }}]\n\
             [services.b]\nerror_rate = {rate}\nwork = \"2ms\"\n[services.d]\nwork = \"3ms\"\n"
        )
    };
    let mean = |summary: &Summary| summary.clients["c"].latency_ms.mean.value.unwrap();
    for io in ["blocking", "async"] {
        for call in ["", "transport = \"in-process\",", "retries = { max = 1, backoff = \"0ms\" },"] {
            let tries = if call.contains("retries") { 2.0 } else { 1.0 };
            let mended = small(&nodes(io, call, "{ call = \"d\" }, { work = \"1ms\" }", "1.0"), &[]);
            assert_eq!(succeeded(&mended), 1.0, "{io} {call}");
            assert!((mean(&mended) - 2.0 * tries - 5.0).abs() < 1e-6, "{io} {call} {}", mean(&mended));
            assert_eq!(mended.edges["a -> d"].arrived, mended.clients["c"].arrived);
            let fine = small(&nodes(io, call, "{ call = \"d\" }", "0.0"), &[]);
            assert!((mean(&fine) - 3.0).abs() < 1e-6, "{io} {call}");
            assert_eq!(fine.edges.get("a -> d").map_or(0, |edge| edge.arrived), 0);
        }
    }
    let fails = small(&nodes("async", "", "{ call = \"b\" }", "1.0"), &[]);
    assert_eq!(succeeded(&fails), 0.0);
}

#[test]
fn under_policies_and_faults_no_request_is_lost_and_the_ledger_adds_up() {
    let summary = crate::bench::run(include_str!("guarded.toml"));
    adds_up(&summary);
    // Each policy had something to do.
    let did = |edge: &str| summary.edges[edge].policing.as_ref().unwrap();
    assert!(did("a -> b").hedges > 0 && did("a -> d").retries > 0 && did("c -> a").retries > 0);
    assert!(did("a -> d").limited > 0 && did("a -> d").budget_refused > 0);
}

/// No request is lost, and what the client's requests were spent on adds up to their latency.
pub(crate) fn adds_up(summary: &Summary) {
    assert!(summary.conservation.holds && summary.conservation.in_flight_at_end == 0, "{:?}", summary.conservation);
    let client = &summary.clients["c"];
    let ledger = &summary.ledger["c"];
    let good = client.latency_ms.mean.value.unwrap_or_default();
    assert!((ledger.total.mean_ms.sum() - good).abs() < 1e-6, "{} of {good}", ledger.total.mean_ms.sum());
    let (succeeded, failed) = (client.succeeded as f64, client.failed.values().sum::<u64>() as f64);
    let all = client.latency_all_ms.mean.value.unwrap();
    let bad = (all * (succeeded + failed) - good * succeeded) / failed;
    if failed > 0.0 {
        let told = ledger.failed.as_ref().unwrap().total.mean_ms.sum();
        assert!((told - bad).abs() < 1e-6, "{told} of {bad}");
    }
}

/// One replica of four is down, and whoever draws it draws once more: 1/16 of the calls fail twice, unless the retry avoids
/// the replica that was tried; then it takes six further draws of it, (1/4)⁷. Two tries of a down replica in two never
/// help: what was drawn is drawn in the end.
#[test]
fn a_retry_can_avoid_the_replica_that_was_tried() {
    let failed = |replicas: u32, down: u32, rule: &str, breaker: &str| {
        let nodes = format!(
            "[services.a]\nconcurrency = \"unlimited\"\nsteps = [{{ call = \"b\", policy = \"p\" }}]\n\
             [services.b]\nreplicas = {replicas}\nconcurrency = \"unlimited\"\n[discovery]\nkind = \"static\"\nload_balancing = \"random\"\nbalance_per = \"request\"\n\
             [policies.p]\nretries = {{ max = 1, backoff = \"1ms\"{rule} }}\n{breaker}\
             [[faults]]\nkind = \"outage\"\ntarget = \"b\"\nreplicas = {down}\nat = \"0s\"\nduration = \"1h\"\n"
        );
        1.0 - succeeded(&small(&nodes, &[("rate = \"10/s\"", "rate = \"500/s\"")]))
    };
    let (plain, other) = (failed(4, 1, "", ""), failed(4, 1, ", other_replica = true", ""));
    assert!((plain - 1.0 / 16.0).abs() < 0.01 && other < 0.002, "{plain} {other}");
    let breaker = "circuit_breaker = { failure_rate = \"100%\", min_calls = 1000000, window_calls = 1000000, per = \"replica\" }\n";
    assert!(failed(4, 1, ", other_replica = true", breaker) < 0.002);
    let all = failed(4, 4, ", other_replica = true", "");
    assert!((all - 1.0).abs() < 1e-9, "{all}");
}
