//! Who is found where: stale addresses, changes that take time, replicas that are left out.

use std::collections::BTreeMap;

use hoptax::experiment::summary::Summary;

use crate::bench::{run, same};

/// A client calls `front` every 10 ms, which calls `back`: work 4 ms each, 1 ms one way.
fn chain(transport: &str, discovery: &str, back: &str, rest: &str) -> String {
    format!(
        "version = 1\nname = \"chain\"\n[sim]\nduration = \"60s\"\nwarmup = \"0s\"\nreplications = 1\n\
         [defaults]\ntransport = \"{transport}\"\n[network]\nsame_zone = \"1ms\"\n[discovery]\n{discovery}\n\
         [clients.c]\ncalls = \"front\"\narrivals = \"constant\"\nrate = \"100/s\"\ntimeout = \"2s\"\n\
         [services.front]\nio = \"async\"\nwork = \"4ms\"\nsteps = [{{ call = \"back\", timeout = \"1s\" }}]\n\
         [services.back]\nwork = \"4ms\"\n{back}\n{rest}"
    )
}

fn fault(kind: &str, rest: &str) -> String {
    format!("[[faults]]\nkind = \"{kind}\"\ntarget = \"back\"\n{rest}\n")
}

const MOVE: &str = "[[faults]]\nkind = \"move\"\ntarget = \"back\"\nat = \"5005ms\"\n";

fn failed(summary: &Summary) -> BTreeMap<String, u64> {
    summary.edges["front -> back"].failed.clone()
}

fn of(summary: &Summary, word: &str) -> u64 {
    failed(summary).get(word).copied().unwrap_or(0)
}

#[test]
fn a_fixed_address_is_wrong_for_good() {
    let summary = run(&chain("free", "kind = \"static\"", "", MOVE));
    assert!((5495..=5505).contains(&of(&summary, "connect_failed")), "{:?}", failed(&summary));
}

#[test]
fn dns_finds_the_new_address_when_the_answer_at_hand_is_over() {
    // A hundred callers with ten calls a second each and answers of any age: on average half a TTL of failing calls, less
    // half of the call that looks up.
    for (ttl, stale) in [("2s", 950.0), ("20s", 9950.0)] {
        let text = chain("free", &format!("kind = \"dns\"\nttl = \"{ttl}\""), "", MOVE);
        let text = text.replace("io = \"async\"", "replicas = 100\nio = \"async\"").replace("100/s", "1000/s");
        let failed = of(&run(&text), "connect_failed") as f64;
        assert!((failed / stale - 1.0).abs() < 0.25, "{ttl}: {failed}");
    }
}

/// Callers that ask for the address when they need it, each at λ a second and at random: an answer is at hand in λT of 1 + λT cases, and
/// then for T / 2 more on the average, so that λT/2 · λT/(1 + λT) calls fail after a move.
#[test]
fn how_many_calls_a_stale_answer_costs() {
    for (ttl, rate, callers, horizon) in [(30.0, 10.0, 100, 40), (60.0, 0.1, 1_000, 80), (5.0, 1.0, 1_000, 20)] {
        let (within, n) = (ttl * rate, f64::from(callers) * 4.0);
        let exact = within / 2.0 * within / (1.0 + within);
        let discovery = format!("kind = \"dns\"\nttl = \"{ttl}s\"\nload_balancing = \"random\"");
        let text = chain("free", &discovery, "concurrency = \"unlimited\"", MOVE)
            .replace("replications = 1", "replications = 4")
            .replace("warmup = \"0s\"", &format!("warmup = \"{}s\"", 3.0 * ttl))
            .replace("duration = \"60s\"", &format!("duration = \"{}s\"", horizon + 5))
            .replace("io = \"async\"", &format!("replicas = {callers}\nio = \"async\""))
            .replace(
                "\"constant\"\nrate = \"100/s\"",
                &format!("\"poisson\"\nrate = \"{}/s\"", rate * f64::from(callers)),
            );
        let found = of(&run(&text), "connect_failed") as f64 / n;
        assert!((found - exact).abs() < 3.0 * exact / n.sqrt(), "{ttl} {rate}: {found} for {exact}");
    }
}

#[test]
fn a_list_that_is_pushed_is_right_after_the_propagation() {
    for (kind, propagation, stale) in
        [("kubernetes", "", 100), ("mesh", "", 10), ("mesh", "propagation = \"3s\"", 300), ("dns", "ttl = \"1ms\"", 0)]
    {
        let summary = run(&chain("free", &format!("kind = \"{kind}\"\n{propagation}"), "", MOVE));
        assert!(of(&summary, "connect_failed").abs_diff(stale) <= 1, "{kind}: {:?}", failed(&summary));
    }
}

#[test]
fn a_move_resets_what_is_in_flight_and_the_old_address_takes_no_connection() {
    let at = MOVE.replace("5005ms", "5008ms");
    for transport in ["rest", "grpc"] {
        let summary = run(&chain(transport, "kind = \"kubernetes\"", "", &at));
        assert_eq!(of(&summary, "reset"), 1, "{transport}");
        assert!(of(&summary, "connect_failed").abs_diff(100) <= 2, "{transport}: {:?}", failed(&summary));
        assert_eq!(summary.nodes["back"].abandoned, 0, "what was begun there is ended, for nobody");
    }
}

#[test]
fn at_a_silent_address_callers_wait() {
    let silent = format!("{MOVE}mode = \"black_hole\"\n");
    for transport in ["free", "rest", "grpc"] {
        let summary = run(&chain(transport, "kind = \"kubernetes\"", "", &silent));
        // Those that share the one handshake of gRPC hear of its end.
        let shared = if transport == "grpc" { 100 } else { 0 };
        assert!(of(&summary, "connect_failed").abs_diff(shared) <= 2, "{transport}: {:?}", failed(&summary));
        assert!(of(&summary, "timeout").abs_diff(100 - shared) <= 3, "{transport}: {:?}", failed(&summary));
    }
}

#[test]
fn probes_take_a_dead_replica_out_and_bring_it_back() {
    let down = fault("outage", "replicas = 1\nat = \"2s\"\nduration = \"40s\"");
    let tries = |kind: &str| of(&run(&chain("free", kind, "replicas = 4", &down)), "connect_failed");
    let fixed = tries("kind = \"static\"\nbalance_per = \"request\"");
    assert!(fixed.abs_diff(1000) <= 2, "a quarter of 40 s: {fixed}");
    let probed = tries("kind = \"kubernetes\"\npropagation = \"2s\"");
    assert!((549..=801).contains(&probed), "a quarter of 20 to 30 s and 2 s: {probed}");
    let quick = tries("kind = \"mesh\"\npropagation = \"0s\"\nreadiness = { every = \"1s\", failures = 1 }");
    assert!(quick <= 26, "a quarter of a second at most: {quick}");
    assert_eq!(tries("kind = \"mesh\"\nreadiness = \"none\""), fixed);
}

#[test]
fn where_no_replica_is_left_nobody_is_asked() {
    let down = fault("crash", "at = \"2s\"\nduration = \"30s\"");
    let summary = run(&chain("rest", "kind = \"kubernetes\"\nreadiness = { every = \"1s\", failures = 2 }", "", &down));
    // Two probes and a second of propagation after 2 s nobody is left, until a probe and a second after 32 s.
    let (refused, unknown) = (of(&summary, "connect_failed"), of(&summary, "no_endpoint"));
    assert!((195..=305).contains(&refused), "{:?}", failed(&summary));
    assert!((2800..=3000).contains(&unknown), "{:?}", failed(&summary));
    assert_eq!(summary.edges["front -> back"].arrived, 6000);
}

#[test]
fn a_deploy_takes_replicas_out_of_the_list_before_they_are_down() {
    let deploy = fault("deploy", "at = \"5s\"\nduration = \"12s\"");
    let refused = |discovery: &str| of(&run(&chain("free", discovery, "replicas = 3", &deploy)), "connect_failed");
    let fixed = refused("balance_per = \"request\"");
    assert!(fixed.abs_diff(400) <= 2, "a third of 12 s: {fixed}");
    let pushed = refused("kind = \"mesh\"\npropagation = \"300ms\"\nreadiness = { every = \"1s\", failures = 3 }");
    assert!((20..=75).contains(&pushed), "half or a third of three times 300 ms: {pushed}");
}

#[test]
fn an_outage_of_dns_bites_when_the_answers_at_hand_are_over() {
    let out = "[[faults]]\nkind = \"discovery_outage\"\nat = \"10s\"\nduration = \"20s\"\n";
    let summary = run(&chain("free", "kind = \"dns\"\nttl = \"7s\"", "", out));
    // The answers at hand are over at some time in the first 7 s of it.
    let lost: u64 = summary.clients["c"].failed.values().sum();
    assert!((1298..=2002).contains(&lost), "{lost}");
    assert!(of(&summary, "no_endpoint") > 0 || summary.edges["c -> front"].failed.contains_key("no_endpoint"));
    let kept = run(&chain("free", "kind = \"dns\"\nttl = \"30s\"", "", &out.replace("20s", "1ms")));
    assert_eq!(kept.clients["c"].failed, BTreeMap::new(), "answers that hold longer than the outage");
}

#[test]
fn an_outage_of_the_control_plane_holds_changes_back() {
    let out = "[[faults]]\nkind = \"discovery_outage\"\ntarget = \"back\"\nat = \"4s\"\nduration = \"20s\"\n";
    let summary = run(&chain("free", "kind = \"mesh\"\npropagation = \"1s\"", "", &format!("{MOVE}{out}")));
    assert!(of(&summary, "connect_failed").abs_diff(1899) <= 2, "from 5.005 to 24 s: {:?}", failed(&summary));
    assert_eq!(of(&summary, "no_endpoint"), 0);
}

/// One of ten replicas fails every request at once; ten calls at a time keep requests outstanding.
fn gray(discovery: &str) -> f64 {
    let text = chain("free", &format!("balance_per = \"request\"\n{discovery}"), "replicas = 10\nconcurrency = 1", "");
    let text = text.replace("arrivals = \"constant\"\nrate = \"100/s\"", "rate = \"1500/s\"");
    let summary = run(&format!("{text}{}", fault("errors", "replicas = 1\nprobability = 1.0\nat = \"0s\"")));
    of(&summary, "error") as f64 / summary.edges["front -> back"].arrived as f64
}

#[test]
fn a_replica_that_fails_fast_attracts_requests_until_it_is_left_out() {
    let (turns, least, fast) = (
        gray("load_balancing = \"round_robin\""),
        gray("load_balancing = \"least_request\"\nchoices = \"all\""),
        gray("load_balancing = \"p2c_ewma\""),
    );
    assert!((turns - 0.1).abs() < 0.005, "{turns}");
    assert!(least > 0.15 && fast > 0.15, "{least} {fast}");
    let out = gray("load_balancing = \"least_request\"\nchoices = \"all\"\noutlier_detection = {}");
    // Five failures, then 30 s and more without; it comes back once in the minute.
    assert!(out < 0.0005, "{out}");
}

#[test]
fn kinds_differ_only_where_something_changes() {
    let figures = |discovery: &str| {
        let text = chain("rest", discovery, "replicas = 3", "");
        let mut value = serde_json::to_value(run(&text.replace("arrivals = \"constant\"\n", ""))).unwrap();
        value["scenario"]["hash"].take();
        serde_json::to_string_pretty(&value).unwrap()
    };
    let fixed = figures("");
    for kind in ["dns", "kubernetes", "mesh"] {
        same(&figures(&format!("kind = \"{kind}\"\nbalance_per = \"connection\"")), &fixed, kind);
    }
}
