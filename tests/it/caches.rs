//! Caches: what they keep from those behind them, and what happens when they do not.

use hoptax::experiment::summary::{CacheFigures, Summary};

use crate::bench::{checked, run};
use crate::ledger::{holds, small};

/// One request every 100 ms looks into a cache and asks a database where it misses.
fn nodes(cache: &str, rest: &str) -> String {
    format!(
        "[services.a]\nsteps = [{{ cache = \"k\", on_miss = [{{ query = \"d\" }}] }}]\n[caches.k]\n{cache}\n\
         [databases.d]\nwork = \"5ms\"\n{rest}"
    )
}

fn figures(summary: &Summary) -> CacheFigures {
    summary.nodes["k"].cache.unwrap()
}

/// Requests that went the long way, as a share of all.
fn missed(summary: &Summary) -> f64 {
    summary.edges["a -> d"].arrived as f64 / summary.clients["c"].arrived as f64
}

#[test]
fn an_entry_is_fetched_once_in_its_time() {
    // Every 100 ms: put in, four hits, too old. (At 500 ms exactly it is too old.)
    let from_fill = small(&nodes("keys = 1\nttl = \"450ms\"", ""), &[]);
    assert!((missed(&from_fill) - 0.2).abs() < 0.003, "{}", missed(&from_fill));
    assert!((figures(&from_fill).hit_rate.value.unwrap() - 0.8).abs() < 0.003);
    let from_access = small(&nodes("keys = 1\nttl = \"150ms\"\nttl_from = \"access\"", ""), &[]);
    assert_eq!(missed(&from_access), 0.0, "it was fetched in the warm-up, and asked for ever since");
    let never = small(&nodes("keys = 1\nttl = \"90ms\"\nttl_from = \"access\"", ""), &[]);
    assert_eq!(missed(&never), 1.0);
}

/// Poisson requests for one key, λ a second, kept for T: from the fill on λT in 1 + λT are hits; from the last look on those that come
/// within T of it, 1 − e^−λT.
#[test]
fn a_time_to_live_keeps_what_theory_says() {
    let cases = [
        ("10/s", "1s", "fill", 4_000, 10.0 / 11.0),
        ("1/s", "60s", "fill", 40_000, 60.0 / 61.0),
        ("0.1/s", "5s", "fill", 400_000, 1.0 / 3.0),
        ("0.5/s", "3s", "access", 80_000, 1.0 - (-1.5_f64).exp()),
    ];
    for (rate, ttl, from, seconds, exact) in cases {
        let text = format!(
            "version = 1\n[sim]\nduration = \"{seconds}s\"\nwarmup = \"300s\"\nreplications = 8\n[network]\nsame_zone = \"0ms\"\n\
             [defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"a\"\nrate = \"{rate}\"\n\
             [services.a]\nsteps = [{{ cache = \"k\", on_miss = [{{ query = \"d\" }}] }}]\n\
             [caches.k]\nkeys = 1\nttl = \"{ttl}\"\nttl_from = \"{from}\"\n[databases.d]\n"
        );
        let hits = figures(&run(&text)).hit_rate.value.unwrap();
        assert!((hits / exact - 1.0).abs() < 0.005, "{rate} {ttl} {from}: {hits} for {exact}");
    }
}

#[test]
fn a_hit_costs_a_look_and_a_miss_costs_the_long_way_too() {
    let hit = small(&nodes("hit_rate = 1.0\nwork = \"1ms\"", ""), &[]);
    holds(&hit.ledger["c"], &[("k", "work", 1.0)]);
    let miss = small(&nodes("hit_rate = 0.0\nwork = \"1ms\"", ""), &[]);
    holds(&miss.ledger["c"], &[("d", "database", 5.0), ("k", "work", 1.0)]);
    let some = small(&nodes("hit_rate = \"70%\"", ""), &[("rate = \"10/s\"", "rate = \"500/s\"")]);
    assert!((missed(&some) - 0.3).abs() < 0.02, "{}", missed(&some));
    assert_eq!(figures(&some).hits + figures(&some).misses, some.clients["c"].arrived);
}

#[test]
fn room_for_half_of_all_keys_is_a_hit_every_other_time() {
    let half = small(&nodes("keys = 100\ncapacity = 50", ""), &[("rate = \"10/s\"", "rate = \"1000/s\"")]);
    assert!((missed(&half) - 0.5).abs() < 0.02, "{}", missed(&half));
    // The more some keys are asked for, the better a small cache does.
    let skewed =
        small(&nodes("keys = 100\ncapacity = 50\nskew = 1.2", ""), &[("rate = \"10/s\"", "rate = \"1000/s\"")]);
    assert!(missed(&skewed) < 0.3, "{}", missed(&skewed));
}

#[test]
fn a_stampede_is_one_fetch_when_the_others_wait_for_it() {
    let burst = [("rate", "batch = 8\nrate")];
    let of = |io: &str, single: bool| {
        let nodes = nodes(&format!("keys = 1\nttl = \"50ms\"\nsingle_flight = {single}"), "");
        small(&nodes.replace("[services.a]", &format!("[services.a]\nio = \"{io}\"")), &burst)
    };
    for io in ["blocking", "async"] {
        let (all, one) = (of(io, false), of(io, true));
        assert_eq!((missed(&all), missed(&one)), (1.0, 0.125), "{io}");
        assert_eq!(figures(&all).misses, figures(&one).misses, "who waits has missed, too");
        assert!((one.clients["c"].latency_ms.max.unwrap() - 5.0).abs() < 0.01);
        // The others wait without CPU for as long as the first one fetches.
        holds(&one.ledger["c"], &[("a", "wait", 4.375), ("d", "database", 0.625)]);
    }
}

#[test]
fn those_who_wait_for_a_fetch_fail_with_it_and_nothing_is_put_in() {
    let nodes = nodes("keys = 1\nsingle_flight = true", "error_rate = 1.0\n");
    let summary = small(&nodes, &[("rate", "batch = 4\nrate")]);
    assert_eq!(summary.clients["c"].succeeded, 0);
    assert_eq!(missed(&summary), 0.25, "every burst asks once");
    assert_eq!(figures(&summary).hits, 0);
    // Each replica of the caller asks for itself.
    let two = small(&nodes.replace("[services.a]", "[services.a]\nreplicas = 2"), &[("rate", "batch = 4\nrate")]);
    assert_eq!(missed(&two), 0.5);
}

#[test]
fn a_cache_that_is_down_is_a_miss_and_comes_back_empty_after_a_crash() {
    let fault =
        |kind: &str| format!("[[faults]]\nkind = \"{kind}\"\ntarget = \"k\"\nat = \"1050ms\"\nduration = \"1s\"\n");
    let outage = small(&nodes("keys = 1", &fault("outage")), &[]);
    assert_eq!(outage.clients["c"].failed.values().sum::<u64>(), 0);
    // 10 of 100 requests in each of two replications; what they fetched could not be put in, but what was there is.
    assert_eq!((figures(&outage).misses, outage.edges["a -> d"].arrived), (20, 20));
    let crash = small(&nodes("keys = 1", &fault("crash")), &[]);
    assert_eq!(figures(&crash).misses, 22, "one more each, to fill it again");
}

#[test]
fn a_cold_cache_lets_the_load_through() {
    let cold = "[[faults]]\nkind = \"cold_cache\"\ntarget = \"k\"\nat = \"1050ms\"\n";
    let summary = small(&nodes("keys = 1", cold), &[]);
    assert_eq!(figures(&summary).misses, 2, "once in each replication");
    let often = cold.replace("at = \"1050ms\"", "mtbf = { value = \"500ms\" }");
    let summary = small(&nodes("keys = 1", &often), &[]);
    assert!((36..=42).contains(&figures(&summary).misses), "{}", figures(&summary).misses);
    assert_eq!(summary.faults[0].name, "cold_cache k");
}

#[test]
fn looks_stand_in_transactions_branches_and_functions() {
    let nodes = "[services.a]\nio = \"async\"\nsteps = [{ parallel = [{ cache = \"k\", on_miss = [{ work = \"1ms\" }], times = 2 }, \
                 { call = \"b\", transport = \"in-process\" }] }, { work = \"1ms\" }]\n\
                 [services.b]\nsteps = [{ transaction = \"d\", steps = [{ cache = \"k\", on_miss = [{ query = \"d\" }] }] }]\n\
                 [caches.k]\nkeys = 3\nttl = \"200ms\"\nsingle_flight = true\n[databases.d]\nwork = \"5ms\"\n";
    let summary = small(nodes, &[]);
    assert_eq!(summary.clients["c"].failed.values().sum::<u64>(), 0);
    assert_eq!(figures(&summary).hits + figures(&summary).misses, 3 * summary.clients["c"].arrived);
    assert!(summary.conservation.holds && summary.conservation.in_flight_at_end == 0);
}

#[test]
fn what_check_prints_reads_back() {
    let text = crate::ledger::HEAD.to_owned()
        + &nodes("keys = 10\nskew = 1.1\nttl = \"30s\"\ncapacity = 5\nsingle_flight = true", "");
    let once = hoptax::scenario::canonical(checked(&text).scenario());
    assert_eq!(
        hoptax::scenario::canonical(checked(&once).scenario()).replace("  # default", ""),
        once.replace("  # default", "")
    );
    assert!(once.contains("on_miss = [{ query = \"d\" }]") && once.contains("ttl_from = \"fill\""), "{once}");
}
