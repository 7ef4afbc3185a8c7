//! What faults do to work in flight, to new work, and to whoever waits.

use std::collections::BTreeMap;

use hoptax::experiment::summary::Summary;

use crate::bench::{run, same};

/// A client calls `front`, which calls `back` over the transport; every 10 ms, work 4 ms each, 1 ms one way.
fn chain(transport: &str, rest: &str) -> String {
    format!(
        "version = 1\nname = \"chain\"\n[sim]\nduration = \"20s\"\nwarmup = \"0s\"\nreplications = 1\n\
         [defaults]\ntransport = \"{transport}\"\n[network]\nsame_zone = \"1ms\"\n\
         [clients.c]\ncalls = \"front\"\narrivals = \"constant\"\nrate = \"100/s\"\n\
         [services.front]\nconcurrency = 50\nwork = \"4ms\"\nsteps = [\"back\"]\n\
         [services.back]\nconcurrency = 50\nwork = \"4ms\"\n{rest}"
    )
}

fn fault(kind: &str, target: &str, rest: &str) -> String {
    format!("[[faults]]\nkind = \"{kind}\"\ntarget = \"{target}\"\n{rest}\n")
}

fn failed(summary: &Summary, edge: &str) -> BTreeMap<String, u64> {
    summary.edges[edge].failed.clone()
}

fn words(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
    of.iter().map(|(word, n)| ((*word).to_owned(), *n)).collect()
}

const ONCE: &str = "at = \"5005ms\"\nduration = \"2s\"";

#[test]
fn an_outage_refuses_new_work_and_resets_what_was_in_flight() {
    let summary = run(&chain("free", &fault("outage", "back", ONCE)));
    // One request is at work at 5005 ms: it set out at 4990 and was at `back` from 4996 to 5000 … the next from 5006.
    let edge = failed(&summary, "front -> back");
    assert_eq!(edge.get("connect_failed"), Some(&200), "one every 10 ms for 2 s");
    assert_eq!(failed(&summary, "c -> front"), words(&[("error", edge.values().sum())]), "its caller fails with it");
    let refused = &summary.edges["front -> back"].latency_all_ms;
    assert_eq!(refused.p50.value.map(f64::round), Some(6.0), "most are answered in 1 + 4 + 1 ms");
}

#[test]
fn a_crash_fails_what_is_in_flight_at_its_onset_and_a_freeze_does_not() {
    // At 5009 ms a request that set out at 5000 is in the middle of its work at `back` (5006 to 5010).
    let at = "at = \"5008ms\"\nduration = \"1ms\"";
    let hit = |kind: &str| run(&chain("free", &fault(kind, "back", at)));
    let crash = hit("crash");
    assert_eq!(failed(&crash, "front -> back"), words(&[("reset", 1)]));
    assert_eq!(crash.nodes["back"].abandoned, 1, "its work is gone");
    let outage = hit("outage");
    assert_eq!(failed(&outage, "front -> back"), words(&[("reset", 1)]));
    assert_eq!(outage.nodes["back"].abandoned, 0, "its work goes on");
    assert!(outage.clients["c"].wasted_work_s > 0.0039, "for nobody");
    let freeze = hit("freeze");
    assert_eq!(failed(&freeze, "front -> back"), words(&[]));
    let most = freeze.edges["front -> back"].latency_ms.max.unwrap();
    assert!((most - 7.0).abs() < 1e-6, "the work ends 1 ms later than in 6 ms: {most}");
    let fault_ms = freeze.ledger["c"].by_node["back"].mean_ms.of(hoptax::model::Cause::Fault);
    assert!((fault_ms - 1.0 / 2000.0).abs() < 1e-9, "which the ledger calls by its name: {fault_ms}");
}

#[test]
fn a_fault_after_the_end_changes_nothing() {
    let json = |summary: &Summary| {
        let mut value = serde_json::to_value(summary).unwrap();
        value["scenario"]["hash"].take();
        serde_json::to_string_pretty(&value).unwrap()
    };
    let with = run(&chain("rest", &fault("crash", "back", "at = \"20s\"\nduration = \"5s\"")));
    same(&json(&with), &json(&run(&chain("rest", ""))), "a fault at the very end");
}

#[test]
fn a_black_hole_without_a_timeout_holds_every_worker_upstream() {
    let hole = fault("outage", "back", "at = \"5s\"\nduration = \"2s\"\nmode = \"black_hole\"");
    let summary = run(&chain("free", &hole).replace("concurrency = 50", "concurrency = 20"));
    assert_eq!(summary.clients["c"].failed.keys().collect::<Vec<_>>(), ["unanswered"], "nobody is told anything");
    assert_eq!(summary.edges["front -> back"].in_flight_at_end, 20, "one for each worker, for ever");
    assert!(summary.clients["c"].in_flight_at_end > 1_400, "nobody is served any more, although the hole is over");
    let guarded =
        chain("free", &hole).replace("steps = [\"back\"]", "steps = [{ call = \"back\", timeout = \"50ms\" }]");
    let summary = run(&guarded);
    assert_eq!(summary.clients["c"].in_flight_at_end, 0);
    assert_eq!(failed(&summary, "front -> back"), words(&[("timeout", 201)]));
}

#[test]
fn faults_that_overlap_end_with_the_last() {
    let two = format!(
        "{}{}",
        fault("outage", "back", "name = \"a\"\nat = \"5s\"\nduration = \"2s\""),
        fault("crash", "back", "name = \"b\"\nat = \"6s\"\nduration = \"2s\"")
    );
    let lost: u64 = failed(&run(&chain("free", &two)), "front -> back").values().sum();
    let one: u64 =
        failed(&run(&chain("free", &fault("outage", "back", "at = \"5s\"\nduration = \"3s\""))), "front -> back")
            .values()
            .sum();
    assert_eq!(lost, one, "5 s to 8 s, once");
}

#[test]
fn some_replicas_fail_and_nobody_tells_the_balancer() {
    let replicas = |text: String| text.replace("[services.back]\n", "[services.back]\nreplicas = 4\n");
    let half = fault("outage", "back", "at = \"5s\"\nduration = \"4s\"\nreplicas = 2");
    let summary = run(&replicas(chain("free", &half)));
    let lost: u64 = failed(&summary, "front -> back").values().sum();
    assert!((199..=202).contains(&lost), "every other request for 4 s: {lost}");
}

#[test]
fn a_reset_closes_connections_so_that_handshakes_are_paid_again() {
    let connects = |text: &str| run(text).ledger["c"].total.mean_ms.of(hoptax::model::Cause::Connect);
    let quiet = connects(&chain("rest", ""));
    let reset = connects(&chain("rest", &fault("outage", "back", "at = \"5s\"\nduration = \"1s\"")));
    assert!(reset > quiet * 1.2, "{reset} ms of handshakes after an outage, {quiet} without");
    let frozen = connects(&chain("rest", &fault("freeze", "back", "at = \"5s\"\nduration = \"1ms\"")));
    assert!((frozen - quiet).abs() < 1e-6, "a pause closes nothing: {frozen}, {quiet}");
}

#[test]
fn recovery_is_the_time_to_drain_the_backlog() {
    // 100/s against one worker of 125/s: 2 s of backlog take 2 · 100 / 25 = 8 s to drain.
    let slow = chain("free", &fault("freeze", "back", "at = \"25s\"\nduration = \"2s\""))
        .replace(
            "[services.back]\nconcurrency = 50\nwork = \"4ms\"",
            "[services.back]\nconcurrency = 1\nwork = \"8ms\"",
        )
        .replace("duration = \"20s\"", "duration = \"50s\"");
    let summary = run(&slow);
    let recovery = &summary.faults[0].recovery_s["c"];
    assert_eq!(recovery.share_recovered, Some(1.0));
    assert!(recovery.median.is_some_and(|s| (7.0..=9.0).contains(&s)), "{recovery:?}");
    assert_eq!(
        (summary.faults[0].at_s, summary.faults[0].duration_s, summary.run.settled),
        (Some(25.0), Some(2.0), None)
    );
}

#[test]
fn what_comes_before_one_is_back_hides_its_recovery() {
    // The second fault begins where the first ends: whatever comes then may be its effect.
    let first = fault("outage", "back", "name = \"a\"\nat = \"25s\"\nduration = \"2s\"");
    let second = fault("errors", "back", "name = \"b\"\nat = \"27s\"\nduration = \"3s\"\nprobability = \"50%\"");
    let summary = run(&chain("free", &format!("{first}{second}")).replace("duration = \"20s\"", "duration = \"60s\""));
    let [first, second] = [0, 1].map(|at| &summary.faults[at].recovery_s["c"]);
    assert_eq!((first.share_recovered, first.not_seen), (None, Some(1.0)), "{first:?}");
    assert_eq!((second.share_recovered, second.not_seen), (Some(1.0), Some(0.0)), "{second:?}");
    assert!(second.median.is_some_and(|s| s <= 1.0), "{second:?}");
}

#[test]
fn a_zone_is_all_nodes_in_it() {
    let zoned = |text: String| {
        text.replace("[services.back]\n", "[services.back]\nzone = \"eu/a/h1\"\n")
            .replace("[services.front]\n", "[services.front]\nzone = \"eu/b\"\n")
    };
    let down = run(&zoned(chain("free", &fault("outage", "zone:eu/a", "at = \"5s\"\nduration = \"1s\""))));
    assert!(down.edges["front -> back"].failed.contains_key("connect_failed"));
    assert!(!down.edges["c -> front"].failed.contains_key("connect_failed"));
    let region = run(&zoned(chain("free", &fault("outage", "zone:eu", "at = \"5s\"\nduration = \"1s\""))));
    assert!(region.edges["c -> front"].failed.contains_key("connect_failed"));
}

fn mean(summary: &Summary, edge: &str) -> f64 {
    summary.edges[edge].latency_ms.mean.value.unwrap()
}

#[test]
fn a_slow_replica_stretches_running_work_and_the_ledger_calls_it_fault() {
    let slow = fault("slow", "back", "at = \"5s\"\nduration = \"10s\"\nfactor = 3");
    for cores in ["", "cores = 4\n"] {
        let summary = run(&format!("{}{slow}", chain("free", cores)));
        let most = summary.edges["front -> back"].latency_ms.max.unwrap();
        assert!((most - 14.0).abs() < 0.001, "2 ms of network, 12 of work: {most}");
        let back = &summary.ledger["c"].by_node["back"].mean_ms;
        let (work, fault) = (back.of(hoptax::model::Cause::Work), back.of(hoptax::model::Cause::Fault));
        assert!((work - 4.0).abs() < 1e-3, "the work is the same: {work}");
        assert!((fault - 4.0).abs() < 0.05, "half of the requests take 8 ms more: {fault}");
    }
    // 2 ms into its 4 ms of work a request that set out at 5000 ms is slowed down: 2 + 3 · 2 ms.
    let late = fault("slow", "back", "at = \"5008ms\"\nduration = \"10ms\"\nfactor = 3");
    let most = run(&chain("free", &late)).edges["front -> back"].latency_ms.max.unwrap();
    assert!((most - 10.0).abs() < 0.001, "{most}");
}

#[test]
fn errors_fail_their_share_at_once() {
    let errors = |target: &str| fault("errors", target, "at = \"0s\"\nprobability = \"30%\"");
    for target in ["back", "front -> back"] {
        let summary = run(&chain("free", &errors(target)));
        let failed = failed(&summary, "front -> back");
        assert!((500..700).contains(&failed["error"]), "{target}: {failed:?}");
        let refused = summary.nodes["back"].refused;
        assert!(refused.abs_diff(failed["error"]) <= 1, "the last ones arrive after the end: {refused}");
        let quick = summary.edges["front -> back"].latency_all_ms.p50.value.unwrap();
        assert!(quick > 5.9, "the others take 6 ms: {quick}");
    }
}

#[test]
fn latency_is_added_on_the_way_there_and_charged_to_the_fault() {
    let late = fault("latency", "front -> back", "at = \"0s\"\nadd = \"50ms\"\njitter = \"10ms\"");
    let summary = run(&chain("free", &late));
    assert!((mean(&summary, "front -> back") - 56.0).abs() < 1.0);
    let most = summary.edges["front -> back"].latency_ms.max.unwrap();
    assert!((64.0..=66.0).contains(&most), "{most}");
    let parts = &summary.ledger["c"].total.mean_ms;
    assert!((parts.of(hoptax::model::Cause::Fault) - 50.0).abs() < 1.0);
    assert!((parts.of(hoptax::model::Cause::Network) - 4.0).abs() < 1e-6, "the network is as fast as ever");
}

#[test]
fn latency_of_a_node_is_added_to_what_it_sends() {
    let late = |target: &str| run(&chain("free", &fault("latency", target, "at = \"0s\"\nadd = \"50ms\"")));
    // Its requests to `back`, and its answers to the client.
    let front = late("front");
    assert!((mean(&front, "front -> back") - 56.0).abs() < 0.1);
    assert!((mean(&front, "c -> front") - 112.0).abs() < 0.2, "{}", mean(&front, "c -> front"));
    // Its answers: what it does for a request begins as early as ever.
    let back = late("back");
    assert!((mean(&back, "front -> back") - 56.0).abs() < 0.1);
    let parts = &back.ledger["c"].total.mean_ms;
    assert!((parts.of(hoptax::model::Cause::Fault) - 50.0).abs() < 0.1);
}

#[test]
fn a_caller_that_stands_still_hears_its_timeouts_when_it_goes_on() {
    let stop = fault("freeze", "front", "at = \"5020ms\"\nduration = \"1s\"");
    for guard in ["timeout = \"50ms\"", "timeout = \"50ms\", retries = { max = 1, backoff = \"0ms\" }"] {
        let hole = fault("outage", "back", "at = \"5s\"\nduration = \"5ms\"\nmode = \"black_hole\"");
        let text = chain("free", &format!("{hole}{stop}"))
            .replace("steps = [\"back\"]", &format!("steps = [{{ call = \"back\", {guard} }}]"));
        let summary = run(&text);
        let edge = &summary.edges["front -> back"];
        // The request that set out at 4990 ms was lost in the hole; its timeout of 5046 ms is heard at 6020 ms.
        let most = edge.latency_all_ms.max.unwrap();
        assert!((960.0..1_040.0).contains(&most), "{guard}: {most}");
        assert_eq!(summary.clients["c"].in_flight_at_end, 0);
    }
}

#[test]
fn a_partition_drops_messages_in_both_directions_and_heals() {
    let parted = fault("partition", "front -> back", "at = \"5005ms\"\nduration = \"1s\"");
    for transport in ["free", "rest"] {
        let text = chain(transport, &parted)
            .replace("steps = [\"back\"]", "steps = [{ call = \"back\", timeout = \"100ms\" }]");
        let summary = run(&text);
        let lost = failed(&summary, "front -> back");
        assert!((88..=110).contains(&lost["timeout"]), "{transport}: one every 10 ms for 1 s: {lost:?}");
        assert_eq!(summary.clients["c"].in_flight_at_end, 0);
        // What waited for a connection when its caller gave up was never sent; what was sent arrives in the end.
        let arrivals = summary.nodes["back"].arrivals;
        assert!(if transport == "free" { arrivals >= 1_999 } else { arrivals < 1_915 }, "{transport}: {arrivals}");
    }
}

#[test]
fn lost_packets_are_sent_again() {
    let loss = fault("packet_loss", "front -> back", "at = \"0s\"\nprobability = \"10%\"");
    let summary = run(&chain("free", &loss));
    assert_eq!(failed(&summary, "front -> back"), words(&[]));
    // Two messages, each lost once with 9 %, twice with 0.9 %, …: 200 ms, 600 ms, …
    let expected = 6.0 + 2.0 * (0.09 * 200.0 + 0.009 * 600.0 + 0.0009 * 1400.0 + 0.00009 * 3000.0);
    let found = mean(&summary, "front -> back");
    assert!((found - expected).abs() < 8.0, "{found} ms, {expected} expected");
}

#[test]
fn a_deploy_restarts_replicas_in_turn_and_loses_nothing_in_progress() {
    let replicas = |text: String| text.replace("[services.back]\n", "[services.back]\nreplicas = 4\n");
    let deploy = fault("deploy", "back", "at = \"5s\"\nduration = \"8s\"");
    let summary = run(&replicas(chain("free", &deploy)));
    let lost = failed(&summary, "front -> back");
    assert!((195..=205).contains(&lost["connect_failed"]), "a quarter of 800: {lost:?}");
    assert_eq!(lost.get("reset"), None);
    let two = run(&replicas(chain("free", &deploy).replace("duration = \"8s\"", "duration = \"8s\"\nreplicas = 2")));
    let lost = failed(&two, "front -> back")["connect_failed"];
    assert!((395..=405).contains(&lost), "half of 800: {lost}");
}

#[test]
fn traffic_multiplies_a_rate() {
    let sale = fault("traffic", "c", "at = \"5s\"\nduration = \"10s\"\nfactor = 3");
    assert_eq!(run(&chain("free", &sale)).clients["c"].arrived, 4_000, "10 s at 100/s, 10 s at 300/s");
    let late = fault("traffic", "c", "at = \"20s\"\nfactor = 3");
    assert_eq!(run(&chain("free", &late)).clients["c"].arrived, 2_000);
}

#[test]
fn a_crash_of_a_caller_gives_back_what_it_held_elsewhere() {
    let text = |fault: &str| {
        format!(
            "version = 1\nname = \"held\"\n[sim]\nduration = \"20s\"\nwarmup = \"0s\"\nreplications = 1\n\
             [defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"front\"\narrivals = \"constant\"\nrate = \"50/s\"\n\
             timeout = \"5s\"\n[services.front]\nwork = \"1ms\"\n\
             steps = [{{ transaction = \"db\", steps = [{{ query = \"db\", table = \"t\", mode = \"write\" }}, {{ wait = \"10ms\" }}] }}]\n\
             [services.front.pools]\ndb = {{ connections = 3, wait = \"1s\" }}\n\
             [databases.db]\nwork = \"1ms\"\nmax_connections = 3\ntables.t = {{ writers = 1 }}\n{fault}"
        )
    };
    for target in ["front", "db"] {
        let crash = fault("crash", target, "at = \"5s\"\nduration = \"10ms\"");
        let summary = run(&text(&crash));
        let lost: u64 = summary.clients["c"].failed.values().sum();
        assert!(
            (1..10).contains(&lost),
            "{target}: locks and connections are free again: {:?}",
            summary.clients["c"].failed
        );
        assert_eq!(summary.clients["c"].in_flight_at_end, 0);
    }
}

#[test]
fn policies_see_faults_and_a_retry_gets_through() {
    let retry = "[policies.p]\nretries = { max = 2, on = [\"connect_failed\", \"reset\"], backoff = \"1ms\", jitter = \"none\" }\n";
    let text =
        chain("free", &format!("{retry}{}", fault("outage", "back", "at = \"5s\"\nduration = \"4s\"\nreplicas = 1")))
            .replace("[services.back]\n", "[services.back]\nreplicas = 2\n")
            .replace("steps = [\"back\"]", "steps = [{ call = \"back\", policy = \"p\" }]");
    let summary = run(&text);
    assert_eq!(summary.clients["c"].failed, BTreeMap::new(), "the next replica in turn is up");
    let text = text.replace("outage", "crash");
    assert_eq!(run(&text).clients["c"].failed, BTreeMap::new());
}

#[test]
fn promises_around_faults_are_judged_by_when_requests_set_out() {
    let slo = |expect: &str, scope: &str| format!("[[slos]]\nof = \"c\"\nexpect = \"{expect}\"\n{scope}\n");
    let text = chain(
        "free",
        &[
            fault("outage", "back", "name = \"down\"\nat = \"5005ms\"\nduration = \"2s\""),
            slo("success_rate >= 100%", "outside_faults = true"),
            slo("success_rate <= 0%", "during = \"down\""),
            slo("success_rate >= 100%", "after_fault = \"down\""),
            slo("recovery_time < 2s", "after_fault = \"down\""),
            slo("success_rate >= 99%", ""),
        ]
        .concat(),
    );
    // Five seconds before the fault are too few for a baseline; four runs of them are enough.
    let summary = run(&text.replace("replications = 1", "replications = 4"));
    let values: Vec<f64> = summary.slos.iter().map(|slo| slo.measured.value.unwrap()).collect();
    // The one that set out at 5000 ms is on its way when the fault begins.
    assert!(values[0] > 0.999 && values[1] < 0.006 && values[2] > 0.999, "{values:?}");
    assert!(values[3] <= 1_000.0, "recovered within a second: {values:?}");
    assert!((values[4] - 0.9).abs() < 0.01, "always: {values:?}");
    assert_eq!(summary.slos[1].scope.as_deref(), Some("during down"));
}

#[test]
fn who_fails_first_is_told_in_order() {
    let hole = fault("outage", "back", "at = \"5s\"\nmode = \"black_hole\"");
    let text = chain("free", &hole).replace(
        "concurrency = 50\nwork = \"4ms\"\nsteps",
        "concurrency = 20\nqueue_limit = 10\nwork = \"4ms\"\nsteps",
    );
    let summary = run(&text);
    let front = summary.failing.iter().find(|f| f.node == "front").expect("its workers are held");
    assert!(
        front.saturated_s.is_some_and(|s| (5.1..5.4).contains(&s)),
        "20 workers, one more held every 10 ms: {front:?}"
    );
    let rest = summary.run.duration_s - front.saturated_s.unwrap();
    assert!((front.saturated_for_s - rest).abs() < 0.5, "and never again free: {front:?}");
    assert!(front.failing_s.is_some_and(|s| (4.99..5.2).contains(&s)), "nor does anybody hear from it: {front:?}");
    let back = &summary.failing[0];
    assert_eq!((back.node.as_str(), back.faults.len()), ("back", 1), "what it happened to stands first");
    let since = back.failing_s.unwrap();
    assert!(
        (4.99..5.2).contains(&since),
        "nobody hears anything from there: calls that never end fail when they set out"
    );
}

/// A publisher and its broker: what cannot get through fails at once, or comes when the network is whole.
#[test]
fn what_is_published_fails_or_comes_late() {
    let mails = |kind: &str, broker: &str, waits: bool| {
        run(&format!(
            "version = 1\n[sim]\nduration = \"20s\"\nwarmup = \"0s\"\nreplications = 1\n[network]\nsame_zone = \"1ms\"\n\
             [clients.c]\ncalls = \"front\"\narrivals = \"constant\"\nrate = \"100/s\"\n\
             [services.front]\nconcurrency = 2000\nsteps = [{{ publish = \"mails\", wait_for_ack = {waits} }}]\n{broker}\n{}",
            fault(kind, "front -> mails", "at = \"5005ms\"\nduration = \"2s\"")
        ))
    };
    let queue = "[queues.mails]\n[services.mailer]\nconsumes = [{ from = \"mails\", concurrency = 400 }]\n";
    let topic = "[topics.mails]\n[services.mailer]\nconsumes = [{ from = \"mails\", group = \"g\" }]\n";
    for broker in [queue, topic] {
        for waits in [false, true] {
            let turned = mails("errors", broker, waits);
            assert_eq!(failed(&turned, "front -> mails"), words(&[("error", 200)]), "{broker}");
            assert_eq!(turned.clients["c"].succeeded, 1_800);
            let cut = mails("partition", broker, waits);
            assert_eq!((cut.clients["c"].arrived, cut.clients["c"].succeeded), (2_000, 2_000), "{broker}");
            let most = cut.clients["c"].latency_ms.max.unwrap();
            // TCP sends again after 0.2, 0.6, 1.4 and 3 s; a producer whose records wait sends them at once.
            let within = if waits { 1_900.0..3_200.0 } else { 0.0..10.0 };
            assert!(within.contains(&most), "{broker} {waits}: {most}");
        }
    }
    let cut = mails("partition", queue, false);
    let mails = &cut.queues["mails"];
    // The last is at its broker when the measured time is over.
    assert_eq!((mails.published, mails.acked), (1_999, 1_999), "nothing is lost");
}

/// Who is cut off with a node or a zone publishes nothing to the other side, and consumes nothing from there, until it is over.
#[test]
fn a_node_or_a_zone_that_is_cut_off_publishes_and_consumes_nothing() {
    let mails = |kind: &str, target: &str, rest: &str| {
        run(&format!(
            "version = 1\n[sim]\nduration = \"20s\"\nwarmup = \"0s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
             [network]\nsame_zone = \"1ms\"\ncross_zone = \"1ms\"\n\
             [clients.c]\nzone = \"eu/a\"\ncalls = \"front\"\narrivals = \"constant\"\nrate = \"100/s\"\n\
             [services.front]\nzone = \"eu/a\"\nconcurrency = 2000\nsteps = [{{ publish = \"mails\", wait_for_ack = true }}]\n\
             [queues.mails]\nzone = \"eu/b\"\n[services.mailer]\nzone = \"eu/c\"\n\
             consumes = [{{ from = \"mails\", concurrency = 400 }}]\n{}",
            fault(kind, target, &format!("at = \"5005ms\"\nduration = \"2s\"\n{rest}"))
        ))
    };
    let drop = "mode = \"drop\"";
    let slowest = |summary: &Summary| summary.clients["c"].latency_ms.max.unwrap();
    let oldest = |summary: &Summary| summary.queues["mails"].wait_ms.max.unwrap();
    for (kind, target, rest) in [("partition", "zone:eu/a", ""), ("outage", "zone:eu/a", drop)] {
        let cut = mails(kind, target, rest);
        // The client stands there, too. TCP sends again after 0.2, 0.6, 1.4 and 3 s.
        assert!((1_900.0..3_200.0).contains(&slowest(&cut)), "{kind} {target}: {}", slowest(&cut));
        assert_eq!(cut.clients["c"].succeeded, 2_000, "{kind} {target}");
    }
    for (kind, target, rest) in
        [("partition", "mailer", ""), ("partition", "zone:eu/c", ""), ("outage", "mailer", drop)]
    {
        let cut = mails(kind, target, rest);
        assert!(slowest(&cut) < 10.0, "{kind} {target}: {}", slowest(&cut));
        assert!((1_900.0..2_100.0).contains(&oldest(&cut)), "{kind} {target}: {}", oldest(&cut));
        assert!(cut.queues["mails"].acked >= 1_998, "nothing is lost: {:?}", cut.queues["mails"]);
    }
    // Around the broker: what is published waits, and so does what is on its way to whoever handles it.
    let broker = mails("partition", "zone:eu/b", "[services.neighbour]\nzone = \"eu/b\"\nwork = \"1ms\"\n");
    assert!((1_900.0..3_200.0).contains(&slowest(&broker)), "{}", slowest(&broker));
    assert!(broker.queues["mails"].acked >= 1_998, "nothing is lost: {:?}", broker.queues["mails"]);
    // A partition around both leaves them to themselves.
    let apart = mails("partition", "zone:eu", "");
    assert!(slowest(&apart) < 10.0 && oldest(&apart) < 10.0, "{} {}", slowest(&apart), oldest(&apart));
}

/// A second from the sender to the broker, which is cut off at five: what was sent in the second before is on its way and does not
/// come in. Ten a second, so 40 arrive; 50 would, if only what is sent later were lost.
#[test]
fn what_is_on_its_way_when_its_broker_is_cut_off_does_not_come_in() {
    let cut = run(&format!(
        "version = 1\n[sim]\nduration = \"6900ms\"\nwarmup = \"0s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [network]\nsame_zone = \"1ms\"\ncross_zone = \"1s\"\n\
         [clients.c]\nzone = \"eu/a\"\ncalls = \"front\"\narrivals = \"constant\"\nrate = \"10/s\"\n\
         [services.front]\nzone = \"eu/a\"\nsteps = [{{ publish = \"mails\" }}]\n\
         [queues.mails]\nzone = \"eu/b\"\n[services.mailer]\nzone = \"eu/b\"\nconsumes = [{{ from = \"mails\" }}]\n{}",
        fault("partition", "zone:eu/b", "at = \"5s\"\nduration = \"1899ms\"")
    ));
    let acked = cut.queues["mails"].acked;
    assert!((38..=41).contains(&acked), "{acked}");
}
