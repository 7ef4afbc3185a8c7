//! A pooler in front of a database, which the pools of all callers lead to.

use hoptax::experiment::summary::Summary;

use crate::bench::run;

/// So many replicas with so many connections each run a transaction of 30 ms, 20 of them in the database.
fn transactions(replicas: u32, pool: u32, database: &str) -> Summary {
    run(&format!(
        "version = 1\n[sim]\nduration = \"60s\"\nwarmup = \"5s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [network]\nsame_zone = \"0s\"\n[clients.users]\ncalls = \"api\"\narrivals = \"poisson\"\nrate = \"600/s\"\n\
         [services.api]\nreplicas = {replicas}\nio = \"async\"\nconcurrency = \"unlimited\"\n\
         pools.db = {{ connections = {pool}, wait = \"1h\" }}\n\
         steps = [{{ transaction = \"db\", steps = [{{ query = \"db\" }}, {{ wait = \"10ms\" }}, {{ query = \"db\" }}] }}]\n\
         [databases.db]\nconcurrency = \"unlimited\"\nwait = \"10ms\"\n{database}"
    ))
}

fn latency(summary: &Summary) -> [f64; 3] {
    let latency = &summary.clients["users"].latency_ms;
    [latency.mean.value.unwrap(), latency.p99.value.unwrap(), latency.max.unwrap()]
}

/// Twenty connections are twenty connections, whether one replica has them or ten share them: the same draws, the same line, the same
/// times to the nanosecond.
#[test]
fn what_ten_replicas_share_is_as_if_one_had_it() {
    let alone = latency(&transactions(1, 20, ""));
    assert_eq!(latency(&transactions(10, 1_000, "pooler = { connections = 20 }\n")), alone);
    assert_eq!(latency(&transactions(1, 1_000, "pooler = { connections = 20 }\nmax_connections = 20\n")), alone);
    assert!(alone[0] > 31.0, "some wait: {alone:?}");
}

/// bcgov/wps#5780, n8n-helm#106: ten pods with pools of 20 are 200 connections; PostgreSQL takes 100. `PgBouncer`'s 20 are enough for what
/// holds them 30 ms 600 times a second (18 on average), and 13 only if none is held between the queries (12).
#[test]
fn a_pooler_makes_do_with_few_connections() {
    let direct = transactions(10, 20, "max_connections = 100\n");
    assert_eq!(direct.edges["api -> db"].failed.get("connect_failed"), None, "as long as nobody needs as many");
    let pooled = transactions(10, 20, "pooler = { connections = 20 }\nmax_connections = 100\n");
    assert!(latency(&pooled)[0] < 40.0 && pooled.clients["users"].failed.is_empty(), "{:?}", latency(&pooled));
    let each = transactions(10, 200, "pooler = { connections = 13, mode = \"statement\" }\n");
    assert!(latency(&each)[0] < 45.0, "{:?}", latency(&each));
    // 13 ÷ 30 ms = 433 of 600 a second; who has waited for 100 ms fails.
    let short = transactions(10, 200, "pooler = { connections = 13, wait = \"100ms\" }\n");
    let users = &short.clients["users"];
    let served = users.succeeded as f64 / users.arrived as f64;
    assert!((served - 433.3 / 600.0).abs() < 0.02, "{served}");
    assert!(short.edges["api -> db"].failed.contains_key("pool_timeout"), "{:?}", short.edges["api -> db"].failed);
}
