//! Lines that shed, deadlines that travel, tries that know of each other, breakers of replicas.

use std::fmt::Write as _;

use hoptax::experiment::summary::Summary;

use crate::bench::run;
use crate::policies::adds_up;

const HEAD: &str = "version = 1\n[sim]\nduration = \"20500ms\"\nwarmup = \"2s\"\nreplications = 1\n\
     [defaults]\ntransport = \"free\"\n[network]\nsame_zone = \"0.1ms\"\n";

/// A scenario whose client, every so often, sends so many at once.
fn bursts(each: u32, client: &str, nodes: &str) -> Summary {
    run(&format!(
        "{HEAD}[clients.c]\ncalls = \"a\"\narrivals = \"constant\"\nrate = \"1/s\"\nbatch = {each}\n{client}\n{nodes}"
    ))
}

fn failed(summary: &Summary, edge: &str) -> Vec<(String, u64)> {
    summary.edges[edge].failed.clone().into_iter().collect()
}

fn success(summary: &Summary) -> f64 {
    summary.clients["c"].success_rate.value.unwrap()
}

/// Twice what a service can do, for as long as it takes.
fn overload(order: &str) -> Summary {
    let text = format!(
        "{HEAD}[clients.c]\ncalls = \"a\"\nrate = \"20000/s\"\ntimeout = \"200ms\"\n\
         [services.a]\nconcurrency = 100\nwork = {{ mean = \"10ms\" }}\nqueue_order = {order}\n"
    );
    run(&text.replace("20500ms", "3s"))
}

#[test]
fn in_an_overload_codel_keeps_the_goodput_and_first_come_first_served_loses_it() {
    let fifo = overload("\"fifo\"");
    assert!(success(&fifo) < 0.01, "all are served, too late: {}", success(&fifo));
    let codel = overload("\"codel\"");
    let goodput = codel.clients["c"].throughput_per_s.value.unwrap();
    assert!((9_700.0..10_300.0).contains(&goodput), "capacity is 10000/s: {goodput}");
    let wait = &codel.nodes["a"].wait_ms;
    assert!(wait.max.unwrap() <= 100.0, "nobody waits longer than the interval: {:?}", wait.max);
    assert!(wait.p99.value.unwrap() <= 5.1, "nearly all at most the target: {:?}", wait.p99.value);
    assert_eq!(failed(&codel, "c -> a").iter().map(|f| f.0.as_str()).collect::<Vec<_>>(), ["overloaded"]);
    let patient = overload("{ kind = \"codel\", target = \"50ms\", interval = \"150ms\" }");
    let wait = &patient.nodes["a"].wait_ms;
    assert!(wait.max.unwrap() <= 150.0 && wait.p90.value.unwrap() > 49.0, "{:?}", wait.p90.value);
}

#[test]
fn a_line_with_room_is_not_touched_by_codel() {
    let quiet = |order: &str| {
        let summary =
            bursts(8, "", &format!("[services.a]\nconcurrency = 1\nwork = \"10ms\"\nqueue_order = {order}\n"));
        (success(&summary), summary.clients["c"].latency_ms.mean.value.unwrap())
    };
    assert_eq!(quiet("\"codel\""), quiet("\"fifo\""), "a burst that is over within the interval");
    assert!(quiet("{ kind = \"codel\", target = \"5ms\", interval = \"35ms\" }").0 < 0.6);
}

const PATIENT: &str = "[policies.p]\ndeadline = \"50ms\"\npropagate_deadline = true\n";

#[test]
fn what_is_past_its_deadline_is_not_begun() {
    let service = |more: &str, policy: &str| {
        let nodes = format!("[services.a]\nconcurrency = 1\nwork = \"10ms\"\n{more}{policy}");
        let summary = bursts(10, "policy = \"p\"", &nodes);
        let working = summary.nodes["a"].mean_working.value.unwrap();
        assert_eq!(failed(&summary, "c -> a").len(), 1, "its caller has long known");
        assert!((0.39..0.41).contains(&success(&summary)), "answers after 10.2 ms, 20.2 ms, …: {}", success(&summary));
        (working * 100.0).round()
    };
    assert_eq!(service("", PATIENT), 5.0, "five of ten have begun within 50 ms");
    assert_eq!(service("drop_expired = false\n", PATIENT), 10.0);
    assert_eq!(service("", &PATIENT.replace("true", "false")), 10.0, "nobody told it");
}

#[test]
fn a_deadline_travels_through_calls_without_a_policy() {
    let services = |first: &str| {
        format!(
            "[services.a]\nconcurrency = 50\nsteps = [{first}]\n\
             [services.b]\nconcurrency = 50\nsteps = [{{ call = \"d\" }}]\n[services.d]\nconcurrency = 50\nwait = \"200ms\"\n"
        )
    };
    for first in [
        "\"b\"",
        "{ parallel = [\"b\", { wait = \"1ms\" }] }",
        "{ call = \"b\", timeout = \"1s\", retries = { max = 1 } }",
    ] {
        let nodes = services(first);
        let travels = bursts(4, "policy = \"p\"", &format!("{nodes}{PATIENT}"));
        for edge in ["c -> a", "a -> b", "b -> d"] {
            assert_eq!(failed(&travels, edge), [("deadline".to_owned(), 80)], "{first} {edge}");
            let most = travels.edges[edge].latency_all_ms.max.unwrap();
            assert!(most <= 50.0 + 1e-6, "{first} {edge}: {most}");
        }
        assert!(travels.edges["b -> d"].policing.is_none(), "it has no policy");
        adds_up(&travels);
        let stays = bursts(4, "policy = \"p\"", &format!("{nodes}{}", PATIENT.replace("true", "false")));
        assert_eq!(failed(&stays, "b -> d"), []);
    }
}

/// A service that asks three replicas, whose work varies widely, at 30 % of what they can do.
fn replicas(policy: &str, rest: &str) -> Summary {
    run(&format!(
        "{HEAD}[discovery]\nload_balancing = \"random\"\n[clients.c]\ncalls = \"a\"\nrate = \"90/s\"\n\
         [services.a]\nconcurrency = 500\nsteps = [{{ call = \"b\", {policy} }}]\n\
         [services.b]\nreplicas = 3\nconcurrency = 1\nwork = {{ dist = \"gamma\", mean = \"10ms\", cv = 0.8 }}\n{rest}"
    ))
}

#[test]
fn tied_requests_wait_less_and_hardly_anything_is_done_twice() {
    let told = |hedge: &str| {
        let summary = replicas(hedge, "");
        adds_up(&summary);
        let p99 = summary.clients["c"].latency_ms.p99.value.unwrap();
        (summary.nodes["b"].mean_working.value.unwrap(), p99, summary)
    };
    let (alone, slow, _) = told("");
    let (tied, quick, summary) = told("hedge = { after = \"1ms\", tied = true }");
    let (doubled, _, _) = told("hedge = { after = \"1ms\" }");
    assert!((tied / alone - 1.0).abs() < 0.03, "{tied} workers at work, {alone} without hedges");
    assert!(doubled > alone * 1.8, "{doubled}: untied, both are worked on");
    assert!(quick < slow * 0.8, "p99 {quick} ms, {slow} ms without hedges");
    assert_eq!(failed(&summary, "a -> b"), []);
    let hedges = summary.edges["a -> b"].policing.as_ref().unwrap().hedges;
    assert!(hedges > 1_600, "nearly every request has a second try: {hedges}");
}

/// Dean and Barroso, "The Tail at Scale" (2013), table 2: reads of an idle cluster, three replicas, 1 ms from one request to
/// the next. Service and load are fitted to their times without hedges (19, 38, 67 and 98 ms); the rest comes out of the run.
#[test]
fn tied_requests_have_the_effect_that_was_measured() {
    let times = |hedge: &str| {
        let summary = run(&format!(
            "version = 1\n[sim]\nduration = \"300s\"\nwarmup = \"10s\"\nreplications = 4\n[defaults]\ntransport = \"free\"\n\
             [network]\nsame_zone = \"0.25ms\"\n[discovery]\nload_balancing = \"random\"\n[clients.c]\ncalls = \"a\"\nrate = \"62/s\"\n\
             [services.a]\nconcurrency = 5000\nsteps = [{{ call = \"b\"{hedge} }}]\n\
             [services.b]\nreplicas = 3\nconcurrency = 1\nwork = {{ dist = \"gamma\", mean = \"16ms\", cv = 0.5 }}\n"
        ));
        let latency = &summary.edges["a -> b"].latency_ms;
        let times = [&latency.p50, &latency.p90, &latency.p99, &latency.p999].map(|time| time.value.unwrap());
        (times, summary.nodes["b"].mean_working.value.unwrap())
    };
    let (alone, busy) = times("");
    let (tied, busier) = times(", hedge = { after = \"1ms\", tied = true }");
    for (found, measured) in alone.iter().zip([19.0, 38.0, 67.0, 98.0]) {
        assert!((found / measured - 1.0f64).abs() < 0.06, "without hedges: {alone:?}");
    }
    for ((before, after), measured) in alone.iter().zip(&tied).zip([0.16, 0.24, 0.37, 0.38]) {
        let saved: f64 = 1.0 - after / before;
        assert!((saved - measured).abs() < 0.1, "{saved} saved, {measured} measured: {alone:?}, tied {tied:?}");
    }
    assert!(busier / busy < 1.01, "less than 1 % more work: {busy}, {busier}");
}

#[test]
fn a_hedge_goes_to_another_replica() {
    // One replica takes a second: a hedge that is never sent there is always quick.
    let slow = "[[faults]]\nkind = \"slow\"\ntarget = \"b\"\nreplicas = 1\nat = \"0s\"\nfactor = 100\n";
    let nodes = |balance: &str| {
        run(&format!(
            "{HEAD}[discovery]\nload_balancing = \"{balance}\"\n[clients.c]\ncalls = \"a\"\nrate = \"20/s\"\n\
             [services.a]\nconcurrency = 500\nsteps = [{{ call = \"b\", hedge = {{ after = \"20ms\" }} }}]\n\
             [services.b]\nreplicas = 3\nconcurrency = 100\nwork = \"10ms\"\n{slow}"
        ))
    };
    for balance in ["random", "pick_first", "least_request", "round_robin"] {
        let most = nodes(balance).clients["c"].latency_ms.max.unwrap();
        assert!(most < 32.0, "{balance}: {most}");
    }
}

#[test]
fn one_bad_replica_of_three_trips_the_callees_breaker_or_its_own() {
    let bad = "[[faults]]\nkind = \"errors\"\ntarget = \"b\"\nreplicas = 1\nat = \"0s\"\nprobability = 1.0\n";
    let with = |rule: &str| {
        let breaker = format!("circuit_breaker = {{ {rule}, window = \"2s\", min_calls = 10, open_for = \"5s\" }}");
        let summary = replicas(&breaker, bad);
        adds_up(&summary);
        let arrivals = summary.nodes["b"].refused as f64 / summary.clients["c"].arrived as f64;
        (success(&summary), arrivals, summary.edges["a -> b"].policing.clone().unwrap().breaker.unwrap())
    };
    let (trips, _, breaker) = with("failure_rate = \"20%\"");
    assert!(trips < 0.3 && breaker.open_share.value.unwrap() > 0.5, "for nothing: {trips} {breaker:?}");
    let (never, _, breaker) = with("failure_rate = \"50%\", per = \"callee\"");
    assert!((0.6..0.73).contains(&never) && breaker.opened < 3, "{never} {breaker:?}");
    let (own, sent, breaker) = with("failure_rate = \"50%\", per = \"replica\"");
    assert!(own > 0.98 && sent < 0.02, "{own}: {sent} of all go to the bad one");
    assert!((0.25..0.34).contains(&breaker.open_share.value.unwrap()), "one of three is open: {breaker:?}");
}

#[test]
fn where_every_replicas_breaker_is_open_the_call_is_refused() {
    let bad = "[[faults]]\nkind = \"errors\"\ntarget = \"b\"\nat = \"0s\"\nprobability = 1.0\n";
    let summary = replicas("circuit_breaker = { consecutive = 3, open_for = \"60s\", per = \"replica\" }", bad);
    let failed = failed(&summary, "a -> b");
    assert!(failed.iter().any(|f| f.0 == "circuit_open" && f.1 > 1_500), "{failed:?}");
    assert!(summary.nodes["b"].refused < 30, "{}", summary.nodes["b"].refused);
}

#[test]
fn done_twice_is_a_second_effect_where_the_call_says_so() {
    let twice = |work: &str, call: &str| {
        let nodes = format!(
            "[services.a]\nconcurrency = 50\nsteps = [{{ call = \"b\", timeout = \"15ms\", retries = {{ max = 2, backoff = \"1ms\" }}, {call} }}]\n\
             [services.b]\nconcurrency = 50\nwork = \"{work}\"\n"
        );
        bursts(5, "", &nodes).clients["c"].duplicate_effects
    };
    assert_eq!(twice("20ms", "idempotent = false"), 200, "three tries of each of a hundred calls, all worked on");
    assert_eq!(twice("20ms", "idempotent = true"), 0);
    assert_eq!(twice("10ms", "idempotent = false"), 0, "one try is enough");
}

#[test]
fn a_timer_before_the_bulkhead_counts_the_wait_for_room() {
    let with = |order: &str| {
        let policy = format!(
            "[policies.p]\ntimeout = \"30ms\"\nretries = \"none\"\nbulkhead = {{ max_concurrent = 1, max_wait = \"100ms\" }}\n{order}\n"
        );
        let nodes = "[services.a]\nconcurrency = 50\nsteps = [{ call = \"b\", policy = \"p\" }]\n[services.b]\nwork = \"20ms\"\n";
        let summary = bursts(3, "", &format!("{nodes}{policy}"));
        adds_up(&summary);
        (failed(&summary, "a -> b"), summary.edges["a -> b"].latency_all_ms.max.unwrap().round())
    };
    assert_eq!(with(""), (vec![], 61.0), "the third has waited twice 20 ms");
    let early = with("order = [\"retries\", \"timeout\", \"bulkhead\"]");
    assert_eq!(early, (vec![("timeout".to_owned(), 40)], 30.0), "the second had 10 ms left");
}

#[test]
fn a_policy_says_whether_the_callee_hears_that_its_caller_gave_up() {
    let done = |cancels: &str| {
        let nodes = format!(
            "[services.a]\nconcurrency = 50\nsteps = [{{ call = \"b\", timeout = \"15ms\"{cancels} }}]\n\
             [services.b]\nconcurrency = 1\nwork = \"10ms\"\n"
        );
        (bursts(10, "", &nodes).nodes["b"].mean_working.value.unwrap() * 100.0).round()
    };
    assert_eq!(done(""), 10.0);
    assert_eq!(done(", cancels = \"queued\""), 2.0, "those in line are taken from it");
}

#[test]
fn who_is_dropped_at_once_stops_where_it_stands() {
    // So many come at once to one worker, and are given up after 15 ms. What `b` and `d` do, ms a burst, and how many are given up.
    let done = |each: u32, io: &str, b: &str| {
        let nodes = format!(
            "[services.a]\nconcurrency = 50\nsteps = [{{ call = \"b\", timeout = \"15ms\", cancels = \"at_once\" }}]\n\
             [services.b]\nconcurrency = 1\nio = \"{io}\"\n{b}\n[services.d]\nconcurrency = 50\nwork = \"20ms\"\n"
        );
        let summary = bursts(each, "", &nodes);
        adds_up(&summary);
        let working = |node: &str| (summary.nodes[node].mean_working.value.unwrap() * 1000.0).round();
        (working("b"), working("d"), summary.edges["a -> b"].failed["timeout"] / 20)
    };
    assert_eq!(done(10, "blocking", "work = \"10ms\""), (15.0, 0.0, 9), "at work");
    assert_eq!(done(10, "blocking", "wait = \"10ms\"\nsteps = [{ work = \"1ms\" }]"), (1.0, 0.0, 9), "asleep");
    assert_eq!(done(10, "async", "wait = \"10ms\"\nsteps = [{ work = \"2ms\" }]"), (5.0, 0.0, 8), "in line to go on");
    let two = "steps = [{ parallel = [{ call = \"d\" }, { work = \"30ms\" }] }, { work = \"9ms\" }]";
    assert_eq!(done(1, "blocking", two), (15.0, 20.0, 1), "in a branch; whom another had called works on");
}

#[test]
fn all_of_it_together_loses_nothing_and_adds_up() {
    let mut text = include_str!("guarded.toml")
        .replace("hedge = { after = \"15ms\", max = 2 }", "hedge = { after = \"2ms\", max = 2, tied = true }")
        .replace("open_for = \"2s\" }", "open_for = \"2s\", per = \"replica\" }")
        .replace("[services.d]\n", "[services.d]\nreplicas = 2\nqueue_order = \"codel\"\n")
        .replace("work = { mean = \"9ms\" }", "work = { mean = \"40ms\" }")
        .replace("deadline = \"150ms\"", "deadline = \"150ms\"\npropagate_deadline = true")
        .replace(
            "max_wait = \"30ms\" }",
            "max_wait = \"30ms\" }\norder = [\"retries\", \"timeout\", \"bulkhead\", \"circuit_breaker\"]",
        )
        .replace("rate = \"100/s\"", "rate = \"150/s\"");
    let _ = write!(
        text,
        "[discovery]\nbalance_per = \"request\"\n[[faults]]\nkind = \"freeze\"\ntarget = \"a\"\nmtbf = \"9s\"\nmttr = \"200ms\"\n"
    );
    let summary = run(&text);
    adds_up(&summary);
    assert!(summary.edges["a -> d"].failed.contains_key("overloaded"), "{:?}", summary.edges["a -> d"].failed);
    assert!(summary.edges["a -> b"].policing.as_ref().unwrap().hedges > 10_000);
}
