//! Pools of database connections, transactions that hold one, and tables that let in few writers.

use hoptax::experiment::summary::Summary;
use hoptax::model::Cause;

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
    // One connection, 10 ms each: the second waits 10, the third would wait 20.
    let nodes = "[services.a]\nsteps = [{ query = \"d\" }]\npools.d = { connections = 1, wait = \"15ms\" }\n[databases.d]\nwork = \"10ms\"\n";
    let summary = burst(nodes);
    assert!((summary.clients["c"].success_rate.value.unwrap() - 0.5).abs() < 1e-9);
    assert_eq!(
        summary.edges["a -> d"].arrived * 2,
        summary.clients["c"].arrived,
        "who has no connection does not query"
    );
    holds(summary.ledger["c"].failed.as_ref().unwrap(), &[("a", "connection_wait", 15.0)]);
    holds(&summary.ledger["c"], &[("a", "connection_wait", 5.0), ("d", "database", 10.0)]);
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
