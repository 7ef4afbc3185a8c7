//! Pools of database connections, transactions that hold one, and tables that let in few writers.

use hoptax::experiment::summary::Summary;
use hoptax::machine::Stop;
use hoptax::model::{Cause, Fact, Probe};
use hoptax::units::Time;
use proptest::prelude::*;

use crate::bench::ended;
use crate::laws::finite;
use crate::ledger::{holds, small};

/// Four requests at once to `a`.
fn burst(nodes: &str) -> Summary {
    small(nodes, &[("rate", "batch = 4\nrate")])
}

fn waited(summary: &Summary) -> f64 {
    summary.ledger["c"].total.mean_ms.of(Cause::ConnectionWait)
}

#[test]
fn a_pool_lends_its_connections_one_after_the_other() {
    let nodes =
        |pool: &str| format!("[services.a]\nsteps = [{{ query = \"d\" }}]\n{pool}[databases.d]\nwork = \"10ms\"\n");
    holds(&burst(&nodes("")).ledger["c"], &[("d", "database", 10.0)]);
    let two = burst(&nodes("pools.d = { connections = 2 }\n"));
    holds(&two.ledger["c"], &[("a", "connection_wait", 5.0), ("d", "database", 10.0)]);
    let one = burst(&nodes("pools.d = { connections = 1 }\n"));
    holds(&one.ledger["c"], &[("a", "connection_wait", 15.0), ("d", "database", 10.0)]);
}

#[test]
fn who_waits_for_a_connection_too_long_fails() {
    // One connection, 10 ms each: the second waits 10, the third would wait 20. It is told of the edge to the database, of a
    // query as of a transaction, and who asked for all that is told of an error.
    for step in ["{ query = \"d\" }", "{ transaction = \"d\", steps = [{ query = \"d\" }] }"] {
        let nodes = format!(
            "[services.a]\nsteps = [{step}]\npools.d = {{ connections = 1, wait = \"15ms\" }}\n[databases.d]\nwork = \"10ms\"\n"
        );
        let summary = burst(&nodes);
        let (client, edge) = (&summary.clients["c"], &summary.edges["a -> d"]);
        assert!((client.success_rate.value.unwrap() - 0.5).abs() < 1e-9);
        assert_eq!(edge.arrived, client.arrived);
        assert_eq!(edge.failed["pool_timeout"] * 2, client.arrived);
        assert_eq!(client.failed["error"] * 2, client.arrived);
        assert_eq!(summary.nodes["d"].arrivals * 2, client.arrived, "who has no connection does not query");
        holds(summary.ledger["c"].failed.as_ref().unwrap(), &[("a", "connection_wait", 15.0)]);
        holds(&summary.ledger["c"], &[("a", "connection_wait", 5.0), ("d", "database", 10.0)]);
    }
}

/// Four queries at once under a policy, 10 ms each over one connection.
fn guarded(policy: &str, wait: &str) -> Summary {
    burst(&format!(
        "[services.a]\nsteps = [{{ query = \"d\", {policy} }}]\npools.d = {{ connections = 1, wait = \"{wait}\" }}\n\
         [databases.d]\nwork = \"10ms\"\n"
    ))
}

fn failed(summary: &Summary, word: &str) -> f64 {
    let edge = &summary.edges["a -> d"];
    edge.failed.get(word).copied().unwrap_or_default() as f64 / edge.arrived as f64
}

#[test]
fn the_wait_for_a_pool_is_part_of_a_try() {
    // The second has its connection from 10 on and is not done by 15, the others have none; all give up at once.
    for (policy, word) in [("timeout = \"15ms\"", "timeout"), ("deadline = \"15ms\"", "deadline")] {
        let summary = guarded(policy, "1s");
        assert_eq!(summary.clients["c"].success_rate.value, Some(0.25), "{word}");
        assert_eq!(failed(&summary, word), 0.75);
        assert_eq!(summary.edges["a -> d"].latency_ms.max, Some(10.0));
        holds(summary.ledger["c"].failed.as_ref().unwrap(), &[("a", "failed_tries", 15.0)]);
    }
    // Whoever has the one place in the bulkhead asks the pool; what the pool refuses is a failure to the breaker.
    let full = guarded("bulkhead = { max_concurrent = 1, max_wait = \"0s\" }", "1s");
    assert_eq!(failed(&full, "bulkhead_full"), 0.75);
    let policing = |summary: &Summary| summary.edges["a -> d"].policing.clone().unwrap();
    let broken = guarded("circuit_breaker = { consecutive = 2, open_for = \"60s\" }", "15ms");
    assert!(policing(&broken).limited > 0 && failed(&broken, "circuit_open") > 0.8);
}

#[test]
fn a_pool_that_lends_nothing_in_time_is_asked_again() {
    let retries = |on: &str| format!("retries = {{ max = 1, on = [\"{on}\"], backoff = \"0s\" }}");
    // The third and the fourth give up at 16 and ask again; the third has its connection at 20, the fourth at 30.
    let again = guarded(&retries("pool_timeout"), "16ms");
    assert_eq!(again.clients["c"].success_rate.value, Some(1.0));
    assert_eq!(again.edges["a -> d"].attempts_per_request.value, Some(1.5));
    let parts = [("a", "connection_wait", 7.0), ("a", "failed_tries", 8.0), ("d", "database", 10.0)];
    holds(&again.ledger["c"], &parts);
    let other = guarded(&retries("error"), "16ms");
    assert_eq!((other.clients["c"].success_rate.value, failed(&other, "pool_timeout")), (Some(0.5), 0.5));
}

#[test]
fn a_connection_is_given_back_between_tries() {
    // One at a time, 10 ms, given up after 6: the second try of each comes after those that wait. All four in turn are served
    // for 6 ms and fail, whoever waits longer than that has failed before: nothing is held in the end.
    let summary = guarded(
        "timeout = \"6ms\", retries = { max = 1, on = [\"timeout\"], backoff = \"1ms\", jitter = \"none\" }",
        "1s",
    );
    assert_eq!(failed(&summary, "timeout"), 1.0);
    assert_eq!(summary.run.guard, None);
    // At 0 and at 7 the first of the line goes to the database, and at 6 and 13 nobody is left to.
    assert_eq!(summary.nodes["d"].arrivals * 2, summary.clients["c"].arrived);
    // A hedge takes a connection of its own, or waits for one.
    let hedged = guarded("hedge = { after = \"5ms\", max = 1 }", "1s");
    assert_eq!(hedged.clients["c"].success_rate.value, Some(1.0));
}

/// Queries and transactions under every guard, over pools that are too small, at callers and databases that die and stand
/// still: every call that set out ends, and no connection, no place in a line and no frame is left.
#[test]
fn nothing_of_a_pool_is_left_in_the_end() {
    let sendings: Vec<u64> = (0..90).map(|n| n * 3 / 4).collect();
    for (steps, guard) in STEPS.iter().flat_map(|steps| GUARDS.map(|guard| (steps, guard))) {
        for (pool, fault) in POOLS.iter().flat_map(|pool| FAULTS.map(|fault| (pool, fault))) {
            let text = small_pools(&steps.replace('G', guard), pool, fault);
            let plan = finite(&text, std::slice::from_ref(&sendings));
            let finished = ended(&plan, 7, Calls::default());
            assert!(finished.stop == Stop::Ended && finished.at_rest, "{:?}:\n{text}", finished.stop);
            assert_eq!((finished.probe.answered, finished.probe.open), (90, 0), "{text}");
        }
    }
}

const STEPS: [&str; 3] = [
    "{ query = \"d\"G }",
    "{ parallel = [{ query = \"d\", times = 3G }, { wait = \"3ms\" }], wait_for = \"any\" }",
    "{ transaction = \"d\", steps = [{ query = \"d\", table = \"t\", mode = \"write\"G }] }, { query = \"d\"G }",
];

const GUARDS: [&str; 7] = [
    "",
    ", timeout = \"6ms\"",
    ", deadline = \"8ms\"",
    ", timeout = \"5ms\", retries = { max = 2, on = [\"pool_timeout\", \"timeout\", \"reset\"], backoff = \"1ms\" }",
    ", hedge = { after = \"1ms\", max = 2 }",
    ", bulkhead = { max_concurrent = 2, max_wait = \"5ms\", held_until = \"answered\" }, timeout = \"3ms\"",
    ", circuit_breaker = { consecutive = 2, open_for = \"5ms\" }, hedge = { after = \"1ms\", tied = true }, deadline = \"4ms\"",
];

const POOLS: [&str; 3] = ["connections = 1, wait = \"5ms\"", "connections = 2", "connections = 3, wait = \"0s\""];

const FAULTS: [(&str, &str); 5] = [("", ""), ("crash", "a"), ("freeze", "a"), ("crash", "d"), ("outage", "d")];

/// Two replicas of a service, each with such a pool, and of its database.
fn small_pools(steps: &str, pool: &str, (kind, target): (&str, &str)) -> String {
    let head = "version = 1\n[sim]\nduration = \"1s\"\n[defaults]\ntransport = \"free\"\n[network]\nsame_zone = \"1ms\"\n\
                [clients.c]\ncalls = \"a\"\nrate = \"10/s\"\ntransport = \"grpc\"\ntimeout = \"25ms\"\n";
    let nodes = format!(
        "[services.a]\nreplicas = 2\nio = \"async\"\nsteps = [{steps}]\npools.d = {{ {pool} }}\n\
         [databases.d]\nreplicas = 2\nwork = \"4ms\"\nmax_connections = 3\ntables.t = {{ writers = 1 }}\n"
    );
    let fault = if kind.is_empty() {
        String::new()
    } else {
        format!(
            "[[faults]]\nname = \"f\"\nkind = \"{kind}\"\ntarget = \"{target}\"\nat = \"13ms\"\nduration = \"11ms\"\n"
        )
    };
    format!("{head}{nodes}{fault}")
}

/// Requests that were answered, and calls that have not ended.
#[derive(Default)]
struct Calls {
    answered: u64,
    open: i64,
}

impl Probe for Calls {
    fn accounts(&self) -> bool {
        true
    }

    fn on(&mut self, _: Time, fact: Fact) {
        match fact {
            Fact::Answered { .. } => self.answered += 1,
            Fact::Called { .. } => self.open += 1,
            Fact::Settled { .. } => self.open -= 1,
            _ => {}
        }
    }
}

#[test]
fn a_transaction_holds_its_connection_across_a_remote_call() {
    let nodes = |steps: &str| {
        format!(
            "[services.a]\nsteps = [{steps}]\npools.d = {{ connections = 2 }}\n[databases.d]\nwork = \"1ms\"\n\
             [services.b]\nwork = \"10ms\"\n"
        )
    };
    let inside = burst(&nodes("{ transaction = \"d\", steps = [{ query = \"d\" }, \"b\", { query = \"d\" }] }"));
    // Two at a time, 12 ms each.
    assert!((waited(&inside) - 6.0).abs() < 1e-6, "{}", waited(&inside));
    let outside = burst(&nodes("\"b\", { transaction = \"d\", steps = [{ query = \"d\", times = 2 }] }"));
    assert!((waited(&outside) - 1.0).abs() < 1e-6, "{}", waited(&outside));
}

#[test]
fn a_connection_comes_back_from_a_transaction_that_failed() {
    let nodes = "[services.a]\nsteps = [{ transaction = \"d\", steps = [{ query = \"d\" }, { call = \"b\", timeout = \"5ms\" }] }]\n\
                 pools.d = { connections = 1, wait = \"1s\" }\n[databases.d]\nwork = \"1ms\"\ntables.t = { writers = 1 }\n[services.b]\nwork = \"10ms\"\n";
    let failed = *burst(nodes).ledger["c"].failed.clone().unwrap();
    // 6 ms each, one after the other: 0, 6, 12 and 18.
    holds(&failed, &[("a", "connection_wait", 9.0), ("a", "failed_tries", 5.0), ("d", "database", 1.0)]);
}

#[test]
fn a_database_turns_away_connections_beyond_its_limit() {
    let nodes = |pool: &str| {
        format!(
            "[services.a]\nsteps = [{{ query = \"d\" }}]\n{pool}[databases.d]\nmax_connections = 3\nwork = \"10ms\"\n"
        )
    };
    for pool in ["", "pools.d = { connections = 10 }\n"] {
        let summary = burst(&nodes(pool));
        assert!((summary.clients["c"].success_rate.value.unwrap() - 0.75).abs() < 1e-9);
        assert_eq!(summary.ledger["c"].failed.as_ref().unwrap().total.mean_ms.sum(), 0.0, "refused at once");
    }
    let small = burst(&nodes("pools.d = { connections = 3 }\n"));
    assert_eq!(small.clients["c"].success_rate.value, Some(1.0));
}

#[test]
fn writers_of_a_table_wait_for_one_another_and_readers_do_not() {
    let nodes = |mode: &str, writers: u32| {
        format!(
            "[services.a]\nsteps = [{{ query = \"d\", table = \"t\", mode = \"{mode}\" }}]\n\
             [databases.d]\nwork = \"10ms\"\ntables.t = {{ writers = {writers} }}\n"
        )
    };
    holds(&burst(&nodes("read", 1)).ledger["c"], &[("d", "database", 10.0)]);
    holds(&burst(&nodes("write", 1)).ledger["c"], &[("d", "database", 25.0)]);
    holds(&burst(&nodes("write", 2)).ledger["c"], &[("d", "database", 15.0)]);
}

#[test]
fn a_transaction_keeps_the_table_until_it_ends() {
    let nodes = "[services.a]\nsteps = [{ transaction = \"d\", steps = [{ query = \"d\", table = \"t\", mode = \"write\", times = 2 }, \"b\"] }]\n\
                 [databases.d]\nwork = \"1ms\"\ntables.t = { writers = 1 }\n[services.b]\nwork = \"8ms\"\n";
    // 10 ms each, one after the other: they wait 0, 10, 20 and 30 for the table.
    holds(&burst(nodes).ledger["c"], &[("b", "work", 8.0), ("d", "database", 2.0 + 15.0)]);
}

/// Requests at once that each look at one row and then change it, 10 ms each way, and how many of four succeed.
fn optimistic(steps: &str) -> f64 {
    let nodes =
        format!("[services.a]\nsteps = [{steps}]\n[databases.d]\nwork = \"10ms\"\ntables.t = {{ writers = 1 }}\n");
    burst(&nodes).clients["c"].success_rate.value.unwrap()
}

const LOOK: &str = "{ query = \"d\", table = \"t\" }";
const CHANGE: &str = "{ query = \"d\", table = \"t\", mode = \"conditional_write\" }";

#[test]
fn of_those_who_looked_at_the_same_version_one_may_write() {
    assert_eq!(optimistic(&format!("{LOOK}, {CHANGE}")), 0.25);
    assert_eq!(optimistic(CHANGE), 1.0, "who never looked writes");
    assert_eq!(optimistic(&format!("{LOOK}, {}", CHANGE.replace("conditional_", ""))), 1.0, "without a condition");
    assert_eq!(optimistic(&format!("{LOOK}, {CHANGE}, {CHANGE}")), 0.25, "its own write is no conflict");
    let apart = format!("{LOOK}, {}", CHANGE.replace("\"t\"", "\"u\""));
    let nodes = format!(
        "[services.a]\nsteps = [{apart}]\n[databases.d]\nwork = \"10ms\"\ntables.t = {{ writers = 1 }}\n\
         tables.u = {{ writers = 1 }}\n"
    );
    assert_eq!(burst(&nodes).clients["c"].success_rate.value, Some(1.0), "another row");
}

#[test]
fn who_looks_again_succeeds_in_the_end() {
    let nodes = format!(
        "[services.a]\nsteps = [{{ call = \"b\", retries = {{ max = 3, backoff = \"0s\", on = [\"error\"] }} }}]\n\
         [services.b]\nsteps = [{LOOK}, {CHANGE}]\n[databases.d]\nwork = \"1ms\"\ntables.t = {{ writers = 1 }}\n"
    );
    let summary = burst(&nodes);
    assert_eq!(summary.clients["c"].success_rate.value, Some(1.0));
    let tries = summary.edges["a -> b"].attempts_per_request.value.unwrap();
    // Who waits for the lock to be told of a conflict looks again after the next write: 1, 2, 2 and 3 tries.
    assert!((tries - 2.0).abs() < 1e-9, "{tries}");
}

#[test]
fn a_transaction_that_fails_leaves_the_version_alone() {
    // The second transaction waits for the lock of the first, and for how that ends.
    let nodes = |fails: &str| {
        format!(
            "[services.a]\nsteps = [{{ parallel = [{{ call = \"b\" }}, {{ call = \"e\" }}], wait_for = \"any\" }}]\n\
             [services.b]\nsteps = [{{ wait = \"1ms\" }}, {{ transaction = \"d\", steps = [{LOOK}, {CHANGE}] }}]\n\
             [services.e]\nsteps = [{{ transaction = \"d\", steps = [{LOOK}, {CHANGE}, {{ call = \"f\" }}] }}]\n\
             [services.f]\nwork = \"5ms\"\nerror_rate = {fails}\n[databases.d]\nwork = \"1ms\"\ntables.t = {{ writers = 1 }}\n"
        )
    };
    let second = |fails: &str| small(&nodes(fails), &[]).edges["a -> b"].success_rate.value.unwrap();
    assert_eq!(second("0.0"), 0.0, "the first one committed");
    assert_eq!(second("1.0"), 1.0, "the first one was undone");
}

#[test]
fn a_policy_on_a_query_does_not_keep_the_lock_of_its_transaction() {
    let nodes = "[services.a]\nsteps = [{ transaction = \"d\", steps = [{ query = \"d\", table = \"t\", mode = \"write\", \
                 retries = { max = 1 } }] }]\n[databases.d]\nwork = \"1ms\"\ntables.t = { writers = 1 }\n";
    let summary = burst(nodes);
    assert_eq!(summary.clients["c"].success_rate.value, Some(1.0));
    assert_eq!(summary.run.guard, None);
}

#[test]
fn contention_stretches_work_by_who_is_at_work_when_it_begins() {
    let nodes = "[services.a]\nwork = \"10ms\"\ncontention = \"50%\"\ncoherency = \"25%\"\n";
    // Alone 10; then 1 + 0.5 + 0.25 × 2 = 2, 3.5 and 5.5 times that.
    holds(&burst(nodes).ledger["c"], &[("a", "work", (10.0 + 20.0 + 35.0 + 55.0) / 4.0)]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Of n writers that look again after every conflict all succeed. A conflict comes of somebody else's success since one
    /// looked, and each of the others succeeds once: the k-th to succeed tries at most k times.
    #[test]
    fn a_conflict_is_always_somebody_elses_success(writers in 1..9_u32, legs in 1..20_u32, work in 0..5_u32, wait in 0..9_u32) {
        let nodes = format!(
            "[network.links.\"b -> d\"]\nlatency = {{ mean = \"{legs}ms\" }}\n\
             [services.a]\nio = \"async\"\nsteps = [{{ parallel = [{{ call = \"b\", times = {writers}, \
             retries = {{ max = 1000, on = [\"error\"], backoff = \"{wait}ms\" }} }}] }}]\n\
             [services.b]\nio = \"async\"\nsteps = [{LOOK}, {{ wait = {{ mean = \"{legs}ms\" }} }}, {CHANGE}]\n\
             [databases.d]\nwork = \"{work}ms\"\ntables.t = {{ writers = 1 }}\n"
        );
        let summary = small(&nodes, &[("10/s", "12/min")]);
        prop_assert_eq!(summary.clients["c"].success_rate.value, Some(1.0));
        let tries = summary.edges["a -> b"].attempts_per_request.value.unwrap();
        let most = f64::from(writers + 1) / 2.0;
        prop_assert!((1.0..=most + 1e-9).contains(&tries), "{} for {}", tries, writers);
    }
}
