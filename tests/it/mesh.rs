//! Proxies beside services: what passes them and when, what that costs, and what happens when one is gone.

use std::fmt::Write as _;

use hoptax::diag::code;
use hoptax::experiment::summary::Summary;
use hoptax::machine::Stop;
use hoptax::scenario::{Source, load};
use hoptax::units::Span;

use crate::bench::{checked, ended, run};
use crate::laws::{always, finite, guarded, scenario};
use crate::ledger::{Sums, holds, small};

/// Runs nodes in a mesh whose proxies take 1 ms for a message, on hosts where no way takes any time.
fn meshed(nodes: &str, mesh: &str, changes: &[(&str, &str)]) -> Summary {
    let near = [("same_zone = \"0s\"", "same_zone = \"0s\"\nsame_host = \"0s\"")];
    let changes: Vec<(&str, &str)> = near.into_iter().chain(changes.iter().copied()).collect();
    small(&format!("[mesh]\nproxy = {{ work = \"1ms\" }}\n{mesh}\n{nodes}"), &changes)
}

const PAIR: &str = "[services.a]\nwork = \"2ms\"\nsteps = [\"b\"]\n[services.b]\nwork = \"2ms\"\n";

#[test]
fn a_call_between_two_services_passes_four_times_and_one_from_outside_or_to_a_database_twice() {
    let parts = |nodes: &str, mesh: &str, expected: &[(&str, &str, f64)]| {
        holds(&meshed(nodes, mesh, &[]).ledger["c"], expected);
    };
    let work = [("a", "work", 2.0), ("b", "work", 2.0)];
    parts(PAIR, "", &[work[0], work[1], ("sidecar:a", "proxy", 4.0), ("sidecar:b", "proxy", 2.0)]);
    parts(PAIR, "services = [\"a\"]", &[work[0], work[1], ("sidecar:a", "proxy", 4.0)]);
    parts(PAIR, "services = [\"b\"]", &[work[0], work[1], ("sidecar:b", "proxy", 2.0)]);
    let beyond = "[services.a]\nsteps = [{ query = \"d\" }, \"e\"]\n[databases.d]\nwork = \"1ms\"\n[externals.e]\nwork = \"1ms\"\n";
    parts(beyond, "", &[("d", "database", 1.0), ("e", "work", 1.0), ("sidecar:a", "proxy", 6.0)]);
    parts(PAIR, "kind = \"ambient\"\nhosts = 1", &[work[0], work[1], ("ztunnel", "proxy", 4.0)]);
}

#[test]
fn the_ways_between_a_service_and_its_proxy_are_within_a_host() {
    let near = [("same_zone = \"0s\"", "same_zone = \"1ms\"\nsame_host = \"30us\"")];
    let summary = small(&format!("[mesh]\nproxy = {{ work = \"0s\" }}\n{PAIR}"), &near);
    // c to a: 1 ms and one such way; a to b: 1 ms and two; and back.
    let a = [("a", "work", 2.0), ("a", "network", 2.06)];
    holds(&summary.ledger["c"], &[a[0], a[1], ("b", "work", 2.0), ("b", "network", 2.12)]);
}

#[test]
fn messages_wait_for_a_proxys_worker_and_that_is_the_proxys_time_too() {
    // Two requests at once: the second waits 1 ms. Their answers leave together, too.
    let alone = "[services.a]\nwait = \"5ms\"\n";
    let twice = meshed(alone, "", &[("rate", "batch = 2\nrate")]);
    holds(&twice.ledger["c"], &[("a", "wait", 5.0), ("sidecar:a", "proxy", 2.0)]);
    let narrow = "[mesh]\nproxy = { work = \"1ms\", concurrency = 1 }\n";
    let near = [("same_zone = \"0s\"", "same_zone = \"0s\"\nsame_host = \"0s\""), ("rate", "batch = 2\nrate")];
    let narrow = small(&format!("{narrow}{alone}"), &near);
    // The first is there for 1 ms and the second for 2; the second's answer comes when the first's has left.
    holds(&narrow.ledger["c"], &[("a", "wait", 5.0), ("sidecar:a", "proxy", 2.5)]);
    let proxy = &narrow.nodes["sidecar:a"];
    assert_eq!(proxy.arrivals, 2 * narrow.clients["c"].arrived, "a request and an answer");
    // 20 requests/s, two messages each of 1 ms.
    let busy = proxy.mean_busy.value.unwrap();
    assert!((busy - 0.04).abs() < 1e-3, "{busy}");
    let line = proxy.mean_queue.value.unwrap();
    assert!((line - 0.01).abs() < 1e-3, "one in line for 1 ms, ten times a second: {line}");
}

/// `a` alone under Poisson load of so many requests a second, behind a proxy with so many workers and a mean work of 1 ms.
fn behind(workers: u32, rate: f64) -> (f64, f64) {
    let summary = run(&format!(
        "version = 1\nname = \"knee\"\n[sim]\nduration = \"8s\"\nwarmup = \"2s\"\nreplications = 2\n\
         [defaults]\ntransport = \"free\"\n[network]\nsame_zone = \"0s\"\nsame_host = \"0s\"\n\
         [clients.c]\ncalls = \"a\"\nrate = \"{rate}/s\"\n[services.a]\nconcurrency = \"unlimited\"\nwait = \"1ms\"\n\
         [mesh]\nproxy = {{ work = {{ mean = \"1ms\" }}, concurrency = {workers} }}\n"
    ));
    let p99 = summary.clients["c"].latency_arrived_ms.p99.value.unwrap_or(f64::INFINITY);
    (p99, summary.nodes["sidecar:a"].utilization.value.unwrap())
}

#[test]
fn the_knee_lies_where_workers_over_work_say_and_halves_with_the_workers() {
    // Two messages a request: n workers of 1 ms each take n × 500 requests/s.
    for workers in [1, 2] {
        let knee = 500.0 * f64::from(workers);
        let (below, used) = behind(workers, 0.7 * knee);
        let (beyond, full) = behind(workers, 1.15 * knee);
        assert!((used - 0.7).abs() < 0.03 && full > 0.995, "{used} {full}");
        assert!(below < 40.0 && beyond > 500.0, "{workers} workers: {below} ms, then {beyond} ms");
    }
}

#[test]
fn a_line_at_a_proxy_is_that_of_the_formula() {
    // M/M/1 with arrivals that are not quite Poisson: requests, and the answers that they become 1 ms after they were
    // served, at 70 %: about 1 / (1 - 0.7) ms each (Burke 1956: what leaves such a line is Poisson, too).
    let summary = run("version = 1\nname = \"line\"\n[sim]\nduration = \"200s\"\nwarmup = \"5s\"\nreplications = 2\n\
         [defaults]\ntransport = \"free\"\n[network]\nsame_zone = \"0s\"\nsame_host = \"0s\"\n\
         [clients.c]\ncalls = \"a\"\nrate = \"350/s\"\n[services.a]\nconcurrency = \"unlimited\"\nwait = { mean = \"2s\" }\n\
         [mesh]\nproxy = { work = { mean = \"1ms\" }, concurrency = 1 }\n");
    let node = &summary.nodes["sidecar:a"];
    let sojourn = node.sojourn_ms.mean.value.unwrap();
    assert!((sojourn / (1.0 / 0.3) - 1.0).abs() < 0.05, "{sojourn}");
    let (there, rate) = (node.mean_in_system.value.unwrap(), 2.0 * 0.35);
    assert!((there / (rate * sojourn) - 1.0).abs() < 0.01, "L = λW: {there}, {}", rate * sojourn);
}

#[test]
fn two_sidecars_add_what_istio_says_where_one_of_its_rows_is_fitted() {
    let text = include_str!("cases/sidecar-latency.toml");
    let (with, without) = (run(text), run(&text.replace("services = [\"caller\", \"echo\"]", "services = []")));
    let call = |summary: &Summary, p: fn(&hoptax::experiment::summary::Distribution) -> Option<f64>| {
        p(&summary.edges["caller -> echo"].latency_ms).unwrap()
    };
    let added = |p| call(&with, p) - call(&without, p);
    let (p90, p99) = (added(|of| of.p90.value), added(|of| of.p99.value));
    assert!((p99 - 2.7).abs() < 0.05, "fitted to: {p99}");
    assert!((p90 - 1.7).abs() < 0.05, "to the digit that is printed: {p90}");
    for proxy in ["sidecar:caller", "sidecar:echo"] {
        let cores = with.nodes[proxy].mean_busy.value.unwrap();
        assert!((0.45..0.55).contains(&cores), "{proxy}: {cores} cores, printed as 0.5");
    }
}

const THREE: &str = "[policies.app]\nretries = { max = 2, backoff = \"1ms\", jitter = \"none\" }\n\
                     [policies.proxy]\nretries = { max = 2, backoff = \"1ms\", jitter = \"none\" }\n";

#[test]
fn three_tries_in_the_application_times_three_in_its_proxy_are_nine_and_warned_of() {
    let nodes = "[services.a]\nsteps = [{ call = \"b\", policy = \"app\" }]\n[services.b]\nerror_rate = 1.0\n";
    let text = |mesh: &str| format!("{mesh}{nodes}{THREE}");
    let twice = meshed(&text("policy = \"proxy\"\n"), "", &[]);
    let (asked, came) = (twice.clients["c"].arrived, twice.nodes["b"].arrivals);
    assert_eq!(came, 9 * asked);
    let edges = (&twice.edges["a -> b"], &twice.edges["sidecar:a -> b"]);
    assert_eq!((edges.0.arrived, edges.1.arrived), (asked, 3 * asked), "a call of three, each a call of three");
    let once = meshed(&text("policy = \"proxy\"\n").replace(", policy = \"app\"", ""), "", &[]);
    assert_eq!(once.nodes["b"].arrivals, 3 * asked, "the proxy's alone");
    let head = crate::ledger::HEAD;
    let warned = checked(&format!("{head}[mesh]\npolicy = \"proxy\"\n{nodes}{THREE}"));
    let warned: Vec<_> = warned.warnings().iter().filter(|w| w.code == code::MULTIPLIED).collect();
    assert!(warned.len() == 1 && warned[0].message.contains("9 tries"), "{warned:?}");
}

#[test]
fn an_effect_is_done_twice_whichever_chain_tries_again() {
    let nodes = |app: &str| {
        format!(
            "[services.a]\nsteps = [{{ call = \"b\", idempotent = false{app} }}]\n[services.b]\nwork = \"8ms\"\nconcurrency = 50\n\
             [policies.app]\ntimeout = \"50ms\"\nretries = {{ max = 1, backoff = \"1ms\" }}\n\
             [policies.proxy]\ntimeout = \"9ms\"\nretries = {{ max = 1, backoff = \"1ms\" }}\n"
        )
    };
    for app in ["", ", policy = \"app\""] {
        let summary = meshed(&nodes(app), "policy = \"proxy\"", &[]);
        let (asked, twice) = (summary.clients["c"].arrived, summary.clients["c"].duplicate_effects);
        // Four passes of 1 ms and 8 ms of work are more than 9 ms: every try times out in the proxy and is done all the same.
        assert!(10 * twice >= 9 * asked, "{app}: {twice} of {asked}");
    }
}

#[test]
fn connections_between_proxies_cost_handshakes_on_their_workers() {
    let wire = "[transports.wire]\nlike = \"rest\"\nencode = { per_message = \"0s\", per_byte = \"0s\" }\n\
                decode = { per_message = \"0s\", per_byte = \"0s\" }\nconnections = { idle_timeout = \"80ms\", tls = \"none\" }\n";
    let nodes = format!(
        "{wire}[services.a]\nsteps = [{{ call = \"b\", transport = \"wire\" }}]\n[services.b]\n\
         [network.links.\"a -> b\"]\nlatency = \"1ms\"\n[network.links.\"b -> a\"]\nlatency = \"1ms\"\n"
    );
    for (mtls, trips, cpu) in [(true, 2.0, 0.141 + 0.067), (false, 1.0, 0.0)] {
        let summary = meshed(&nodes, &format!("mtls = {mtls}"), &[]);
        let passes = [("sidecar:a", "proxy", 4.0), ("sidecar:b", "proxy", 2.0)];
        let connect = ("b", "connect", 2.0 * trips + cpu);
        holds(&summary.ledger["c"], &[("b", "network", 2.0), connect, passes[0], passes[1]]);
        let busy = summary.nodes["sidecar:b"].mean_busy.value.unwrap();
        let expected = 10.0 * (2.0 + if mtls { 0.067 } else { 0.0 }) / 1e3;
        assert!((busy - expected).abs() < 1e-4, "{busy}, not {expected}");
    }
}

/// How one sends to a broker, and what a consumer says besides.
fn words(broker: &str) -> (&'static str, &'static str) {
    if broker.starts_with("[topics") { ("publish", ", group = \"b\"") } else { ("send", "") }
}

/// `a` sends to a broker 1 ms away, which has a message safe after 2 ms, and waits for that; `b` works on it for 4 ms.
fn mailed(broker: &str, mesh: &str) -> Summary {
    let (verb, group) = words(broker);
    let nodes = format!(
        "{broker}[services.a]\nsteps = [{{ {verb} = \"q\", wait_for_ack = true }}]\n\
         [services.b]\nconsumes = [{{ from = \"q\", work = \"4ms\"{group} }}]\n[[flows]]\nname = \"done\"\nstarts = \"c\"\nends = \"b\"\n\
         [network.links.\"a -> q\"]\nlatency = \"1ms\"\n[network.links.\"q -> a\"]\nlatency = \"1ms\"\n\
         [network.links.\"q -> b\"]\nlatency = \"1ms\"\n[network.links.\"b -> q\"]\nlatency = \"1ms\"\n"
    );
    meshed(&nodes, mesh, &[])
}

#[test]
fn what_goes_to_a_broker_or_comes_from_it_passes_the_proxy_of_its_own_end() {
    let queue = "[queues.q]\npublish_latency = \"2ms\"\n";
    // The request of c and its answer, the message and the broker's word: four passes of 1 ms.
    let summary = mailed(queue, "");
    let proxy = ("sidecar:a", "proxy", 4.0);
    holds(&summary.ledger["c"], &[("q", "network", 2.0), ("q", "broker", 2.0), proxy]);
    let all = summary.clients["c"].arrived;
    let passes = |name: &str| summary.nodes[name].arrivals;
    assert_eq!((passes("sidecar:a"), passes("sidecar:b")), (4 * all, 2 * all), "a delivery and its acknowledgement");
    // c to a and a to the queue pass a's, the delivery b's; then 4 ms of work, and the ways between.
    let done = |summary: &Summary| summary.flows["done"].latency_ms.mean.value.unwrap();
    assert!((done(&summary) - (3.0 + 1.0 + 2.0 + 1.0 + 4.0)).abs() < 1e-6, "{}", done(&summary));
    let own = mailed(queue, "services = [\"b\"]");
    holds(&own.ledger["c"], &[("q", "network", 2.0), ("q", "broker", 2.0)]);
    assert!((done(&own) - (1.0 + 1.0 + 2.0 + 1.0 + 4.0)).abs() < 1e-6, "{}", done(&own));
    // Kafka's: the request with the record passes, the word of the broker does not.
    let topic = mailed("[topics.q]\npartitions = 1\npublish_latency = \"2ms\"\nlinger = \"0s\"\n", "");
    holds(&topic.ledger["c"], &[("q", "network", 2.0), ("q", "broker", 2.0), ("sidecar:a", "proxy", 3.0)]);
    assert!((done(&topic) - (3.0 + 1.0 + 2.0 + 1.0 + 4.0)).abs() < 1e-6, "{}", done(&topic));
    assert_eq!(topic.nodes["sidecar:b"].arrivals, topic.clients["c"].arrived, "an answer with a record");
}

#[test]
fn what_is_excluded_is_talked_to_past_the_proxies() {
    let queue = mailed("[queues.q]\npublish_latency = \"2ms\"\n", "exclude = [\"q\"]");
    holds(&queue.ledger["c"], &[("q", "network", 2.0), ("q", "broker", 2.0), ("sidecar:a", "proxy", 2.0)]);
    assert_eq!(queue.nodes["sidecar:b"].arrivals, 0);
    let nodes = "[services.a]\nsteps = [{ query = \"d\" }, \"e\"]\n[databases.d]\nwork = \"1ms\"\n[externals.e]\nwork = \"1ms\"\n";
    let summary = meshed(nodes, "exclude = [\"d\"]", &[]);
    holds(&summary.ledger["c"], &[("d", "database", 1.0), ("e", "work", 1.0), ("sidecar:a", "proxy", 4.0)]);
    let head = crate::ledger::HEAD;
    for (name, why) in [("b", "proxy of its own"), ("x", "nothing is called")] {
        let text = format!("{head}{PAIR}[mesh]\nexclude = [\"{name}\"]\n");
        let Err(rejected) = load(&Source::text("test.toml", &text), &[]) else { panic!("{name} is excluded") };
        let found: Vec<_> = rejected.complaints.iter().filter(|c| c.is_error()).collect();
        assert!(found.len() == 1 && found[0].message.contains(why), "{found:?}");
        assert_eq!(found[0].place.as_ref().map(|place| &text[place.clone()]), Some(format!("\"{name}\"").as_str()));
    }
}

#[test]
fn a_policy_of_proxies_that_know_no_requests_is_told_of() {
    let head = crate::ledger::HEAD;
    let warned = |mesh: &str| {
        let checked = checked(&format!("{head}{PAIR}[mesh]\nkind = {mesh}\npolicy = \"proxy\"\n{THREE}"));
        checked.warnings().iter().filter(|w| w.message.contains("ztunnel")).count()
    };
    assert_eq!((warned("\"ambient\""), warned("\"sidecar\"")), (1, 0));
    assert_eq!(warned("\"ambient\"\nwaypoint = {}"), 0);
}

/// An ambient mesh whose waypoint takes 1 ms, too.
const AMBIENT: &str = "kind = \"ambient\"\nhosts = 2\n";
const WAYPOINT: &str = "kind = \"ambient\"\nhosts = 2\nwaypoint = { work = \"1ms\" }\n";

#[test]
fn who_calls_from_the_mesh_goes_by_a_waypoint_and_who_calls_from_outside_does_not() {
    let parts = |mesh: &str, expected: &[(&str, &str, f64)]| {
        holds(&meshed(PAIR, mesh, &[]).ledger["c"], expected);
    };
    let work = [("a", "work", 2.0), ("b", "work", 2.0)];
    parts(AMBIENT, &[work[0], work[1], ("ztunnel", "proxy", 6.0)]);
    parts(WAYPOINT, &[work[0], work[1], ("waypoint", "proxy", 2.0), ("ztunnel", "proxy", 6.0)]);
    let own = WAYPOINT.replace("1ms", "1ms\", per = \"service");
    parts(&own, &[work[0], work[1], ("waypoint:b", "proxy", 2.0), ("ztunnel", "proxy", 6.0)]);
    let none = WAYPOINT.replace("1ms", "1ms\", services = [\"a\"], per = \"service");
    parts(&none, &[work[0], work[1], ("ztunnel", "proxy", 6.0)]);
    let summary = meshed(PAIR, WAYPOINT, &[]);
    assert_eq!(summary.nodes["waypoint"].arrivals, summary.clients["c"].arrived);
    assert!((summary.nodes["waypoint"].sojourn_ms.mean.value.unwrap() - 4.0 - 2.0).abs() < 1e-6, "its callee included");
    let edges: Vec<_> = summary.edges.keys().collect();
    assert_eq!(edges, ["a -> b", "c -> a", "waypoint -> b"]);
}

#[test]
fn the_way_by_a_waypoint_is_one_between_hosts_more() {
    let near = [("same_zone = \"0s\"", "same_zone = \"1ms\"\nsame_host = \"30us\"")];
    let free = "proxy = { work = \"0s\" }\nkind = \"ambient\"\nhosts = 2\nwaypoint = { work = \"0s\" }\n";
    let summary = small(&format!("[mesh]\n{free}{PAIR}"), &near);
    let expected = [("a", "work", 2.0), ("a", "network", 2.06), ("b", "work", 2.0), ("b", "network", 2.06)];
    holds(&summary.ledger["c"], &[expected[0], expected[1], expected[2], expected[3], ("waypoint", "network", 2.06)]);
    // A link of one's own leads as far as the waypoint.
    let link = "[network.links.\"a -> b\"]\nlatency = \"5ms\"\n[network.links.\"b -> a\"]\nlatency = \"5ms\"\n";
    let summary = small(&format!("[mesh]\n{free}{PAIR}{link}"), &near);
    holds(&summary.ledger["c"], &[expected[0], expected[1], expected[2], expected[3], ("waypoint", "network", 10.06)]);
}

#[test]
fn a_waypoint_has_the_policy_and_tries_from_where_it_stands() {
    let nodes = "[services.a]\nsteps = [{ call = \"b\", policy = \"app\" }]\n[services.b]\nerror_rate = 1.0\n";
    let text = |mesh: &str| format!("{mesh}policy = \"proxy\"\n{nodes}{THREE}");
    let came = |summary: &Summary, node: &str| summary.nodes[node].arrivals / summary.clients["c"].arrived;
    let both = meshed(&text(WAYPOINT), "", &[]);
    assert_eq!(
        (came(&both, "waypoint"), came(&both, "b")),
        (3, 9),
        "three of the application, each of three from there"
    );
    let own = meshed(&text(WAYPOINT).replace(", policy = \"app\"", ""), "", &[]);
    assert_eq!((came(&own, "waypoint"), came(&own, "b")), (1, 3));
    let bare = meshed(&text(AMBIENT).replace(", policy = \"app\"", ""), "", &[]);
    assert_eq!(came(&bare, "b"), 1, "a ztunnel tries nothing again");
    let edges = (&own.edges["a -> b"], &own.edges["waypoint -> b"]);
    assert_eq!((edges.0.policing.is_none(), edges.1.policing.as_ref().unwrap().retries), (true, 2 * edges.0.arrived));
    let head = crate::ledger::HEAD;
    let warned = checked(&format!("{head}[mesh]\n{}", text(WAYPOINT)));
    let warned: Vec<_> = warned.warnings().iter().filter(|w| w.code == code::MULTIPLIED).collect();
    assert!(warned.len() == 1 && warned[0].message.contains("the waypoint") && warned[0].message.contains("9 tries"));
}

#[test]
fn an_effect_is_done_twice_whoever_tries_again_before_or_at_a_waypoint() {
    // Two passes of 1 ms and 8 ms of work are more than 9 ms; with the waypoint and the way to it more than 13.
    let nodes = |app: &str| {
        format!(
            "[services.a]\nsteps = [{{ call = \"b\", idempotent = false{app} }}]\n[services.b]\nwork = \"8ms\"\nconcurrency = 50\n\
             [policies.app]\ntimeout = \"13ms\"\nretries = {{ max = 1, backoff = \"1ms\" }}\n\
             [policies.proxy]\ntimeout = \"9ms\"\nretries = {{ max = 1, backoff = \"1ms\" }}\n"
        )
    };
    for (app, mesh) in
        [("", "policy = \"proxy\""), (", policy = \"app\"", ""), (", policy = \"app\"", "policy = \"proxy\"")]
    {
        let summary = meshed(&nodes(app), &format!("{WAYPOINT}{mesh}"), &[]);
        let (asked, twice) = (summary.clients["c"].arrived, summary.clients["c"].duplicate_effects);
        assert!(10 * twice >= 9 * asked, "{app} {mesh}: {twice} of {asked}");
    }
}

#[test]
fn a_rule_for_a_host_stands_before_the_policy_of_the_mesh() {
    let nodes = "[services.a]\nsteps = [{ parallel = [\"b\", \"d\", \"e\"] }]\n[services.b]\nerror_rate = 1.0\n[services.d]\nerror_rate = 1.0\n\
                 [services.e]\nerror_rate = 1.0\n[policies.once]\nretries = { max = 1, backoff = \"1ms\" }\n";
    let rules =
        "policy = \"proxy\"\nrules = [{ host = \"b\", policy = \"once\" }, { host = \"d\", policy = \"none\" }]\n";
    for kind in ["", WAYPOINT] {
        let summary = meshed(&format!("{nodes}{THREE}"), &format!("{kind}{rules}"), &[]);
        let came = |node: &str| summary.nodes[node].arrivals / summary.clients["c"].arrived;
        assert_eq!((came("b"), came("d"), came("e")), (2, 1, 3), "{kind}");
    }
    let head = crate::ledger::HEAD;
    for (rule, at) in [("{ host = \"x\", policy = \"proxy\" }", "\"x\""), ("{ host = \"b\", policy = \"y\" }", "\"y\"")]
    {
        let text = format!("{head}{PAIR}{THREE}[mesh]\nrules = [{rule}]\n");
        let Err(rejected) = load(&Source::text("test.toml", &text), &[]) else { panic!("{rule}") };
        let found: Vec<_> = rejected.complaints.iter().filter(|c| c.is_error()).collect();
        assert!(found.len() == 1, "{found:?}");
        assert_eq!(found[0].place.as_ref().map(|place| &text[place.clone()]), Some(at));
    }
}

#[test]
fn a_proxy_without_workers_is_an_error() {
    let head = crate::ledger::HEAD;
    for mesh in ["proxy = { concurrency = 0 }", "kind = \"ambient\"\nwaypoint = { replicas = 0 }"] {
        let Err(rejected) = load(&Source::text("test.toml", format!("{head}{PAIR}[mesh]\n{mesh}\n")), &[]) else {
            panic!("{mesh}")
        };
        let found: Vec<_> = rejected.complaints.iter().filter(|c| c.is_error()).collect();
        assert!(found.len() == 1 && found[0].message.contains("is zero") && found[0].place.is_some(), "{found:?}");
    }
}

#[test]
fn what_befalls_a_waypoint_befalls_calls_from_the_mesh() {
    let far =
        "[mesh]\nproxy = { work = \"1ms\", concurrency = 4 }\nkind = \"ambient\"\nwaypoint = { work = \"1ms\" }\n";
    let run = |fault: &str| {
        let fault = format!("[[faults]]\nat = \"5005ms\"\nduration = \"2s\"\n{fault}");
        let more = "[clients.direct]\ncalls = \"back\"\narrivals = \"constant\"\nrate = \"10/s\"\n";
        struck_in(far, &format!("{more}{fault}"))
    };
    let failed = |summary: &Summary, client: &str| summary.clients[client].failed.values().sum::<u64>();
    for kind in ["outage", "crash"] {
        let summary = run(&format!("kind = \"{kind}\"\ntarget = \"waypoint\"\n"));
        assert!((199..=201).contains(&failed(&summary, "c")), "{kind}: {:?}", summary.clients["c"].failed);
        assert_eq!(failed(&summary, "direct"), 0, "{kind}");
    }
    let late = run("kind = \"freeze\"\ntarget = \"waypoint\"\n");
    assert_eq!(failed(&late, "c"), 0);
    let longest = late.clients["c"].latency_ms.max.unwrap();
    assert!((2000.0..2300.0).contains(&longest), "{longest}");
    let slow = run("kind = \"slow\"\nfactor = 3.0\ntarget = \"waypoint\"\n");
    let max = slow.clients["c"].latency_ms.max.unwrap();
    assert!((max - (12.0 + 4.0)).abs() < 1e-6, "two messages of 3 ms instead of 1: {max}");
    // What happens to an edge happens to its calls alone, on their way to the waypoint.
    let errors = run("kind = \"latency\"\nadd = \"7ms\"\ntarget = \"front -> back\"\n");
    let max = |client: &str| errors.clients[client].latency_ms.max.unwrap();
    assert!((max("c") - 19.0).abs() < 1e-6 && (max("direct") - 6.0).abs() < 1e-6, "{} {}", max("c"), max("direct"));
}

#[test]
fn a_sidecar_that_stands_still_loses_nothing() {
    // A request every 10 ms, two sidecars of two workers: the one of 5 s is with its callee's from 5.002 s for a millisecond. What
    // comes until 5.1025 s waits for that, and for who is before it; so does the answer of the first.
    let fault = "[[faults]]\nkind = \"freeze\"\ntarget = \"sidecar:back\"\nat = \"5002500us\"\nduration = \"100ms\"\n";
    let summary = struck(fault);
    assert_eq!(summary.clients["c"].failed.values().sum::<u64>(), 0);
    let max = summary.clients["c"].latency_ms.max.unwrap();
    assert!((110.0..112.0).contains(&max), "the first of them is 100 ms late: {max}");
    // By hand: 90.5, 81, 71.5, 62, 52.5, 43, 33.5, 24, 14.5 and 5 ms, and little for answers that meet.
    let line =
        summary.nodes["sidecar:back"].wait_ms.mean.value.unwrap() * summary.nodes["sidecar:back"].arrivals as f64;
    assert!((477.4..490.0).contains(&line), "{line}");
    let again = fault.replace("5002500us", "5052500us").replace("freeze\"", "freeze\"\nname = \"again\"");
    let max = struck(&format!("{fault}{again}")).clients["c"].latency_ms.max.unwrap();
    assert!((160.0..166.0).contains(&max), "two that overlap are one of 150 ms: {max}");
    let for_good = struck("[[faults]]\nkind = \"freeze\"\ntarget = \"sidecar:back\"\nat = \"5005ms\"\n");
    let client = &for_good.clients["c"];
    assert!(client.unanswered == client.arrived - client.succeeded && client.succeeded < 510, "{}", client.succeeded);
}

#[test]
fn telemetry_keeps_a_worker_but_not_the_message() {
    // 1 ms on the way and 3 ms afterwards: alone nobody waits for that, and of two at once the second does.
    let mesh =
        |rest: &str| format!("[mesh]\nproxy = {{ work = \"1ms\", telemetry = \"3ms\", concurrency = 1 }}\n{rest}");
    let alone = mesh("[services.a]\nwait = \"5ms\"\n");
    let near = [("same_zone = \"0s\"", "same_zone = \"0s\"\nsame_host = \"0s\"")];
    let one = small(&alone, &near);
    holds(&one.ledger["c"], &[("a", "wait", 5.0), ("sidecar:a", "proxy", 2.0)]);
    let busy = one.nodes["sidecar:a"].mean_busy.value.unwrap();
    assert!((busy - 10.0 * 2.0 * 4e-3).abs() < 1e-3, "{busy}");
    let both = small(&alone, &[near[0], ("rate", "batch = 2\nrate")]);
    // Through at 1 and 5 ms, back at the proxy at 6 and 10, where each waits 2 ms for what is written of the one before.
    holds(&both.ledger["c"], &[("a", "wait", 5.0), ("sidecar:a", "proxy", 2.0 + (4.0 + 2.0 + 2.0) / 2.0)]);
}

#[test]
fn without_their_proxies_nobody_reaches_a_broker() {
    let struck = |broker: &str, target: &str| {
        let (verb, group) = words(broker);
        run(&format!(
            "version = 1\nname = \"cut\"\n[sim]\nduration = \"20s\"\nwarmup = \"0s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
             [clients.c]\ncalls = \"a\"\narrivals = \"constant\"\nrate = \"100/s\"\n{broker}[mesh]\nproxy = {{ work = \"0.1ms\" }}\n\
             [services.a]\nsteps = [{{ {verb} = \"q\", wait_for_ack = true }}]\n[services.b]\nconsumes = [{{ from = \"q\", work = \"1ms\"{group} }}]\n\
             [[flows]]\nname = \"done\"\nstarts = \"c\"\nends = \"b\"\n\
             [[faults]]\nkind = \"outage\"\ntarget = \"sidecar:{target}\"\nat = \"5005ms\"\nduration = \"2s\"\n"
        ))
    };
    for broker in ["[queues.q]\n", "[topics.q]\npartitions = 1\n"] {
        let late = struck(broker, "b");
        let flow = &late.flows["done"];
        assert_eq!(late.clients["c"].failed.values().sum::<u64>(), 0, "{broker}: the publisher sees nothing of it");
        let longest = flow.latency_ms.max.unwrap();
        assert!((1500.0..8000.0).contains(&longest), "{broker}: what is sent meanwhile waits: {longest} ms");
        assert!(
            late.clients["c"].arrived == flow.arrived && flow.failed.values().sum::<u64>() == 0,
            "{broker}: all of it is done"
        );
    }
}

/// A client calls `front`, which calls `back`, every 10 ms; proxies take 1 ms, ways nothing.
fn struck(rest: &str) -> Summary {
    struck_in("[mesh]\nproxy = { work = \"1ms\" }\n", rest)
}

/// The same in another mesh.
fn struck_in(mesh: &str, rest: &str) -> Summary {
    struck_by("\"back\"", mesh, rest)
}

/// The same by another call.
fn struck_by(call: &str, mesh: &str, rest: &str) -> Summary {
    run(&format!(
        "version = 1\nname = \"struck\"\n[sim]\nduration = \"20s\"\nwarmup = \"0s\"\nreplications = 1\n\
         [defaults]\ntransport = \"free\"\n[network]\nsame_zone = \"0s\"\nsame_host = \"0s\"\n\
         [clients.c]\ncalls = \"front\"\narrivals = \"constant\"\nrate = \"100/s\"\n\
         [services.front]\nconcurrency = 50\nsteps = [{call}]\n[services.back]\nconcurrency = 50\nwork = \"4ms\"\n\
         {mesh}{rest}"
    ))
}

/// Connections are made through the proxies: while one of them is down, none is, and nothing is sent.
#[test]
fn no_connection_is_made_through_a_sidecar_that_is_down() {
    let fault = "[[faults]]\nkind = \"outage\"\ntarget = \"sidecar:back\"\nat = \"5005ms\"\nduration = \"2s\"\n";
    let call = "{ call = \"back\", transport = \"rest\" }";
    let summary = struck_by(call, "[mesh]\nproxy = { work = \"1ms\" }\n", fault);
    let failed = &summary.edges["front -> back"].failed;
    assert!(failed["connect_failed"] >= 199, "{failed:?}");
    assert!(failed.values().sum::<u64>() <= 202, "{failed:?}");
    // Two passes there for the client, and two for each call that was made.
    let (asked, lost) = (summary.clients["c"].arrived, failed.values().sum::<u64>());
    let passed = summary.nodes["sidecar:front"].arrivals;
    assert!((2 * asked + 2 * (asked - lost)..=4 * asked - 2 * lost + 2).contains(&passed), "{passed}");
}

#[test]
fn an_outage_of_a_sidecar_is_one_of_its_service_though_that_works() {
    let fault = |kind: &str| {
        format!("[[faults]]\nkind = \"{kind}\"\ntarget = \"sidecar:back\"\nat = \"5005ms\"\nduration = \"2s\"\n")
    };
    for kind in ["outage", "crash"] {
        let summary = struck(&fault(kind));
        let failed = &summary.edges["front -> back"].failed;
        let all: u64 = failed.values().sum();
        assert!((199..=201).contains(&all), "{kind}: {failed:?}");
        assert!(
            failed["connect_failed"] >= 199 && summary.nodes["back"].utilization.value.unwrap() < 0.01,
            "{failed:?}"
        );
        assert_eq!(summary.clients["c"].failed["error"], all, "{kind}");
    }
    // A request every 10 ms: it is with `back` from 3 to 7 ms after it set out, and its answer at that sidecar until 8 ms.
    let moment = |at: &str| {
        let fault =
            format!("[[faults]]\nkind = \"crash\"\ntarget = \"sidecar:back\"\nat = \"{at}\"\nduration = \"100us\"\n");
        struck(&fault).edges["front -> back"].failed.clone()
    };
    for at in ["5002500us", "5005ms", "5007500us"] {
        assert_eq!(moment(at).get("reset"), Some(&1), "{at}: in flight, and lost");
    }
    assert!(moment("5009500us").is_empty(), "nothing of it is there any more");
}

#[test]
fn the_mesh_balances_requests_and_tells_callers_of_changes_whatever_finds_replicas_otherwise() {
    let text = "version = 1\nname = \"balance\"\n[sim]\nduration = \"20s\"\nwarmup = \"1s\"\nreplications = 1\n\
                [discovery]\nkind = \"dns\"\n[clients.c]\ncalls = \"a\"\nrate = \"100/s\"\n[services.a]\nsteps = [\"b\"]\n\
                [services.b]\nreplicas = 4\n[[faults]]\nkind = \"outage\"\ntarget = \"b\"\nreplicas = 1\nat = \"1s\"\nduration = \"20s\"\n";
    let with = run(&format!("{text}[mesh]\n"));
    let failed = |summary: &Summary| summary.clients["c"].failed.values().sum::<u64>();
    // A quarter of the requests until three probes in a row have failed, 20 to 30 s after it began or never.
    assert!(failed(&with) > 200, "nobody knows before the probes do");
    let told = checked(&format!("{text}[mesh]\n"));
    assert!(told.warnings().iter().any(|w| w.message.contains("discovery.kind")), "{:?}", told.warnings());
}

#[test]
fn what_has_no_sidecar_cannot_be_given_one() {
    let head = crate::ledger::HEAD;
    for (name, why) in [("e", "third party"), ("d", "database"), ("q", "broker"), ("c", "client"), ("aa", "no service")]
    {
        let text = format!(
            "{head}[services.a]\nsteps = [\"e\", {{ query = \"d\" }}]\n[externals.e]\n[databases.d]\n[queues.q]\n[mesh]\nservices = [\"a\", \"{name}\"]\n"
        );
        let Err(rejected) = load(&Source::text("test.toml", &text), &[]) else { panic!("{name} has a sidecar") };
        let found: Vec<_> = rejected.complaints.iter().filter(|c| c.is_error()).collect();
        assert!(found.len() == 1 && found[0].message.contains(why), "{found:?}");
        assert_eq!(found[0].place.as_ref().map(|place| &text[place.clone()]), Some(format!("\"{name}\"").as_str()));
    }
    let fault = |kind: &str, target: &str| {
        let text = format!("{head}{PAIR}[mesh]\n[[faults]]\nkind = \"{kind}\"\ntarget = \"{target}\"\nat = \"1s\"\n");
        load(&Source::text("test.toml", &text), &[]).is_ok()
    };
    assert!(fault("outage", "sidecar:a") && !fault("outage", "sidecar:x") && !fault("partition", "sidecar:a"));
}

#[test]
fn whatever_comes_goes_by_proxies_whoever_guards_it_and_whatever_fails() {
    let all = (scenario::scenario(), scenario::sendings(), guarded::layer(), proptest::bool::ANY, proptest::bool::ANY);
    always(160, &all, |(scenario::Text(text), sendings, layer, below, ambient)| {
        let mut text = layer.over(&text, true);
        let _ = write!(text, "\n[mesh]\nproxy = {{ work = \"1ms\", concurrency = 1 }}\n");
        if ambient {
            text += "kind = \"ambient\"\nwaypoint = { work = \"1ms\", concurrency = 1 }\n";
        }
        if below {
            text += "policy = \"proxies\"\n[policies.proxies]\ntimeout = \"20ms\"\nretries = { max = 2, backoff = \"3ms\" }\n";
        }
        let hits = [("outage", "n0"), ("crash", "n1"), ("crash", "w"), ("freeze", "n1")];
        for (nth, (kind, of)) in hits.into_iter().enumerate() {
            let target = match (ambient, kind) {
                (false, _) => format!("sidecar:{of}"),
                (true, "freeze") => "ztunnel".to_owned(),
                (true, _) => "waypoint".to_owned(),
            };
            if text.contains(&format!("[services.{of}]")) {
                let _ = write!(
                    text,
                    "[[faults]]\nname = \"proxy {nth}\"\nkind = \"{kind}\"\ntarget = \"{target}\"\nat = \"{nth}5ms\"\nduration = \"17ms\"\n"
                );
            }
        }
        let mut plan = finite(&text, &sendings);
        plan.duration = Span::from_secs_f64(100.0);
        let sent: u64 = sendings.iter().take(plan.clients.len()).map(|s| s.len() as u64).sum();
        let finished = ended(&plan, 7, Sums::default());
        assert!(finished.stop == Stop::Ended && finished.at_rest, "{:?}, something is left:\n{text}", finished.stop);
        assert_eq!(finished.probe.requests, sent, "{text}");
        assert!(finished.probe.wrong.is_none(), "{:?}\n{text}", finished.probe.wrong);
    });
}
