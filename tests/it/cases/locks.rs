//! Locks on whole tables. PostgreSQL, Explicit Locking: ACCESS EXCLUSIVE conflicts with every other lock, all are kept to the
//! end of their transaction, and who comes while it waits waits behind it; Client Connection Defaults: `lock_timeout`.

use hoptax::experiment::summary::Summary;

use crate::bench::{checked, run};

/// A report that has the table from 10 s to 30 s, a migration that wants it alone from 11 s on for 30 s, a reader at 12 s.
/// Rates are such that each comes once.
fn three(migration: &str, reader: &str) -> Summary {
    run(&format!(
        "version = 1\n[sim]\nduration = \"75s\"\nwarmup = \"0s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [network]\nsame_zone = \"0s\"\n\
         [clients.report]\ncalls = \"app.report\"\narrivals = \"constant\"\nphases = [{{ duration = \"15s\", rate = \"6/min\" }}, {{ duration = \"60s\", rate = \"0.001/min\" }}]\n\
         [clients.migration]\ncalls = \"app.migrate\"\narrivals = \"constant\"\nphases = [{{ duration = \"15s\", rate = \"5.4545/min\" }}, {{ duration = \"60s\", rate = \"0.001/min\" }}]\n\
         [clients.reader]\ncalls = \"app.read\"\narrivals = \"constant\"\nphases = [{{ duration = \"15s\", rate = \"5/min\" }}, {{ duration = \"60s\", rate = \"0.001/min\" }}]\n\
         [services.app.endpoints.report]\nsteps = [{{ transaction = \"db\", steps = [{{ query = \"db\", table = \"t\" }}, {{ wait = \"20s\" }}] }}]\n\
         [services.app.endpoints.migrate]\nsteps = [{{ transaction = \"db\", steps = [{{ query = \"db\", table = \"t\", {migration} }}, {{ wait = \"30s\" }}] }}]\n\
         [services.app.endpoints.read]\nsteps = [{{ {reader} }}]\n\
         [databases.db]\ntables.t = {{ writers = 9 }}\ntables.u = {{ writers = 9 }}\n"
    ))
}

/// Seconds to the answer of the one request of each client.
fn took(summary: &Summary) -> [f64; 3] {
    ["report", "migration", "reader"].map(|client| {
        let stats = &summary.clients[client];
        assert_eq!(stats.arrived, 1, "{client}");
        stats.latency_all_ms.max.unwrap() / 1e3
    })
}

fn near(found: [f64; 3], expected: [f64; 3]) -> bool {
    found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.02)
}

#[test]
fn who_comes_while_one_waits_for_the_whole_table_waits_behind_it() {
    const ALONE: &str = "mode = \"exclusive\"";
    let read = "query = \"db\", table = \"t\"";
    // The migration waits 19 s for the report, and has the table for 30; the reader came a second after it.
    assert!(near(took(&three(ALONE, read)), [20.0, 49.0, 48.0]), "{:?}", took(&three(ALONE, read)));
    // Writers wait as readers do; of another table nobody does.
    assert!(near(took(&three(ALONE, &format!("{read}, mode = \"write\""))), [20.0, 49.0, 48.0]));
    assert!(near(took(&three(ALONE, "query = \"db\", table = \"u\"")), [20.0, 49.0, 0.0]));
    // A write, or a read, waits for no reader and keeps none.
    for mode in ["write", "read"] {
        assert!(near(took(&three(&format!("mode = \"{mode}\""), read)), [20.0, 30.0, 0.0]), "{mode}");
    }
}

#[test]
fn a_lock_timeout_ends_the_waiting_and_those_behind_go_on() {
    let read = "query = \"db\", table = \"t\"";
    let found = three("mode = \"exclusive\", lock_timeout = \"2s\"", read);
    assert!(near(took(&found), [20.0, 2.0, 1.0]), "{:?}", took(&found));
    assert_eq!(found.clients["migration"].failed.get("error"), Some(&1));
    assert_eq!(found.edges["app -> db"].failed.get("lock_timeout"), Some(&1));
    // A reader has one of its own; the migration goes on.
    let found = three("mode = \"exclusive\"", &format!("{read}, lock_timeout = \"500ms\""));
    assert!(near(took(&found), [20.0, 49.0, 0.5]), "{:?}", took(&found));
    // Who tries again comes in when the report has gone: after waits of 2 s and pauses of a second.
    let again = "mode = \"exclusive\", lock_timeout = \"2s\", retries = { max = 9, on = [\"lock_timeout\"], backoff = \"1s\", backoff_factor = 1, jitter = \"none\" }";
    let found = three(again, read);
    assert!(near(took(&found), [20.0, 49.0, 1.0]), "{:?}", took(&found));
}

/// Who has read a table and then wants it alone waits for the others that have read it; two of them wait for each other.
#[test]
fn two_who_have_read_cannot_both_have_it_alone() {
    let text = |wait: &str| {
        format!(
            "version = 1\n[sim]\nduration = \"15s\"\nwarmup = \"0s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
             [clients.one]\ncalls = \"app.one\"\narrivals = \"constant\"\nrate = \"6/min\"\n\
             [clients.two]\ncalls = \"app.two\"\narrivals = \"constant\"\nrate = \"5.4545/min\"\n\
             [services.app.endpoints.one]\nsteps = [{{ transaction = \"db\", steps = [{{ query = \"db\", table = \"t\" }}, {{ wait = \"3s\" }}, {{ query = \"db\", table = \"t\", mode = \"exclusive\" }}] }}]\n\
             [services.app.endpoints.two]\nsteps = [{{ transaction = \"db\", steps = [{{ query = \"db\", table = \"t\" }}, {{ wait = \"{wait}\" }}, {{ query = \"db\", table = \"t\", mode = \"exclusive\" }}] }}]\n\
             [databases.db]\ntables.t = {{ writers = 1 }}\n"
        )
    };
    let found = run(&text("3s"));
    // One wants it from 13 s on, the other from 14 s on: that one looks first, at 14 s, when nobody is stuck yet.
    let failed: u64 = found.clients.values().filter_map(|stats| stats.failed.get("deadlock")).sum();
    assert_eq!(failed, 1, "{:?}", found.clients);
    assert_eq!(found.clients.values().map(|stats| stats.succeeded).sum::<u64>(), 1);
}

/// A circle that goes through the line has a victim, too. The first has `a`, and wants `b` from 12.2 s on, which the third has
/// from 12 s on; the second wants `a` alone from 12.5 s on, and the third wants `a` behind it from 14 s on: it looks last.
#[test]
fn a_circle_through_the_line_has_a_victim() {
    let once = |name: &str, at: f64, steps: &str| {
        format!(
            "[clients.{name}]\ncalls = \"app.{name}\"\narrivals = \"constant\"\nrate = \"{}/min\"\n\
             [services.app.endpoints.{name}]\nsteps = [{{ transaction = \"db\", steps = [{steps}] }}]\n",
            60.0 / at
        )
    };
    let read = |table: &str| format!("{{ query = \"db\", table = \"{table}\" }}");
    let alone = |table: &str| format!("{{ query = \"db\", table = \"{table}\", mode = \"exclusive\" }}");
    let text = format!(
        "version = 1\n[sim]\nduration = \"16s\"\nwarmup = \"0s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n{}{}{}\
         [databases.db]\ntables.a = {{ writers = 1 }}\ntables.b = {{ writers = 1 }}\n",
        once("first", 10.0, &format!("{}, {{ wait = \"2.2s\" }}, {}", read("a"), read("b"))),
        once("second", 12.5, &alone("a")),
        once("third", 12.0, &format!("{}, {{ wait = \"2s\" }}, {}", alone("b"), read("a"))),
    );
    let found = run(&text);
    assert_eq!(found.clients["third"].failed.get("deadlock"), Some(&1), "{:?}", found.clients);
    assert!(["first", "second"].iter().all(|name| found.clients[*name].succeeded == 1), "{:?}", found.clients);
}

/// Flagsmith, incident of 5 September 2023 (flagsmith.statuspage.io/incidents/h64tzjy7btly): a migration that took 50 ms in
/// tests waited for a lock on a busy table, "a backlog of blocked connections" waited behind it, the connections of the database
/// ran out, and from 09:45 to 10:20 UTC the API did not answer. Here the migration waits for 10 s and has the table for 30 s.
/// By hand: for 40 s nobody is answered. Of the 200 workers 50 have a connection and 150 wait for one, 10 s each time: 450 fail
/// so. Who stands in line behind them gives up after 30 s, which are the 3,000 of the first 10 s: together 9 to 10 % of 36,000.
#[test]
fn a_migration_behind_a_report_exhausts_the_connections() {
    let text = include_str!("exclusive-lock.toml");
    let found = run(text);
    let flags = &found.clients["flags"];
    let lost = 1.0 - flags.success_rate.value.unwrap();
    assert!((0.07..0.11).contains(&lost), "{lost}");
    // Most of them wait for a connection in vain, not for the table.
    let edge = &found.edges["api -> db"];
    assert!(edge.failed["pool_timeout"] > 600, "{:?}", edge.failed);
    // Where the migration gives up after 2 s, nobody fails, and the longest wait is those.
    let patient = text.replace("mode = \"exclusive\"", "mode = \"exclusive\", lock_timeout = \"2s\"");
    let found = run(&patient);
    assert!(found.clients["flags"].failed.is_empty(), "{:?}", found.clients["flags"].failed);
    assert!((1_900.0..4_500.0).contains(&found.clients["flags"].latency_ms.max.unwrap()));
    // Without a report in its way it has only the 30 s of its own work to answer for.
    let found = run(&text.replace("{ wait = \"20s\" }", "{ wait = \"1ms\" }"));
    let alone = 1.0 - found.clients["flags"].success_rate.value.unwrap();
    assert!(alone < lost / 2.0 && alone > 0.002, "{alone}");
}

#[test]
fn a_lock_needs_a_table_and_an_end() {
    let text = |query: &str, tables: &str| {
        format!(
            "version = 1\n[clients.c]\ncalls = \"s\"\nrate = \"1/s\"\n[services.s]\nsteps = [{{ query = \"db\", {query} }}]\n[databases.db]\n{tables}\n"
        )
    };
    let codes = |text: &str| {
        let source = hoptax::scenario::Source::text("test.toml", text);
        let complaints = match hoptax::scenario::load(&source, &[]) {
            Ok(checked) => checked.warnings().to_vec(),
            Err(rejected) => rejected.complaints,
        };
        complaints.iter().map(|complaint| complaint.code.name).collect::<Vec<_>>()
    };
    assert!(codes(&text("mode = \"exclusive\"", "")).contains(&"no-table"));
    assert!(codes(&text("lock_timeout = \"1s\"", "")).contains(&"no-table"));
    assert!(codes(&text("mode = \"exclusive\", table = \"t\"", "")).contains(&"no-table"));
    assert!(codes(&text("mode = \"exclusive\", table = \"t\"", "tables.t = {}")).contains(&"lock-without-end"));
    let whole = text("mode = \"exclusive\", table = \"t\", lock_timeout = \"1s\"", "tables.t = {}");
    assert!(!codes(&whole).iter().any(|code| ["no-table", "lock-without-end"].contains(code)), "{:?}", codes(&whole));
    // As told it reads back to itself.
    let told = hoptax::scenario::canonical(checked(&whole).scenario());
    assert!(told.contains("mode = \"exclusive\", lock_timeout = \"1s\""), "{told}");
    let again = hoptax::scenario::canonical(checked(&told).scenario());
    assert!(again.contains("mode = \"exclusive\", lock_timeout = \"1s\""), "{again}");
}

/// One query of 10 ms at a time for each row, 60 a second in all.
fn rows(table: &str, extra: &str) -> Summary {
    run(&format!(
        "version = 1\n[sim]\nduration = \"600s\"\nwarmup = \"10s\"\nreplications = 2\n[defaults]\ntransport = \"free\"\n\
         [network]\nsame_zone = \"0s\"\n[clients.users]\ncalls = \"app\"\nrate = \"60/s\"\n\
         [services.app]\nio = \"async\"\nconcurrency = \"unlimited\"\nsteps = [{{ query = \"db\", table = \"t\", mode = \"write\"{extra} }}]\n\
         [databases.db]\nconcurrency = \"unlimited\"\nwait = \"10ms\"\ntables.t = {{ {table} }}\n"
    ))
}

fn mean(summary: &Summary) -> f64 {
    summary.clients["users"].latency_ms.mean.value.unwrap()
}

/// Each row is a line of its own: M/D/1 by what of the load is its (Zipf), after Pollaczek and Khinchine.
#[test]
fn each_row_has_a_line_of_its_own_and_the_hot_one_the_longest() {
    let expected = |keys: u32, skew: f64| {
        let weights: Vec<f64> = (1..=keys).map(|key| f64::from(key).powf(-skew)).collect();
        let total: f64 = weights.iter().sum();
        let wait = |busy: f64| 10.0 * busy / (2.0 * (1.0 - busy));
        10.0 + weights.iter().map(|weight| weight / total).map(|share| share * wait(0.6 * share)).sum::<f64>()
    };
    // One row is the table as it was.
    let exactly = |summary: Summary| (mean(&summary), summary.clients["users"].latency_ms.max);
    assert_eq!(exactly(rows("writers = 1", "")), exactly(rows("writers = 1, keys = 1", "")));
    for (keys, skew) in [(1, 0.0), (2, 0.0), (4, 0.0), (4, 2.0), (50, 1.5)] {
        let found = mean(&rows(&format!("keys = {keys}, skew = {skew:.1}"), ""));
        let right = expected(keys, skew);
        assert!((found - right).abs() < 0.02 * right, "{keys} rows, skew {skew}: {found} for {right}");
    }
    // What the row is called changes nothing but the draw.
    let named = mean(&rows("keys = 4, skew = 2", ", row = \"own\""));
    assert!((named - expected(4, 2.0)).abs() < 0.02 * named, "{named}");
}

/// Transfers between two rows lock them one after the other: two of them may each wait for the other's. With the same row twice, or
/// with rows enough, none does.
#[test]
fn transfers_between_hot_rows_are_deadlocks_now_and_then() {
    let transfers = |table: &str, to: &str| {
        let summary = run(&format!(
            "version = 1\n[sim]\nduration = \"300s\"\nwarmup = \"5s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
             [network]\nsame_zone = \"0s\"\n[clients.users]\ncalls = \"app\"\nrate = \"40/s\"\n\
             [services.app]\nio = \"async\"\nconcurrency = \"unlimited\"\nsteps = [{{ transaction = \"db\", steps = [\n\
               {{ query = \"db\", table = \"t\", row = \"from\", mode = \"write\" }},\n\
               {{ query = \"db\", table = \"t\", row = \"{to}\", mode = \"write\" }},\n] }}]\n\
             [databases.db]\nconcurrency = \"unlimited\"\nwait = \"5ms\"\ntables.t = {{ {table} }}\ndeadlock_timeout = \"20ms\"\n"
        ));
        let users = &summary.clients["users"];
        let victims = summary.edges["app -> db"].failed.get("deadlock").copied().unwrap_or(0);
        (victims as f64 / users.arrived as f64, users.succeeded as f64 / users.arrived as f64)
    };
    let (victims, served) = transfers("keys = 10", "to");
    // Two transfers overlap within 10 ms of each other for 5 ms of which each has its first lock: about 40/s × 2 × 5 ms of them, and of
    // two in a hundred pairs of rows one crosses: ½ % or so.
    assert!((0.0005..0.02).contains(&victims) && served > 0.97, "{victims} {served}");
    assert_eq!(transfers("keys = 10", "from").0, 0.0, "the same row has it already");
    let (victims, served) = transfers("keys = 50000", "to");
    assert!(victims < 1e-4 && served > 0.9999, "{victims} {served}");
}

/// The clock of a wait that is over rings for a place in memory that is a message's by now, which has no caller to ask. A scenario
/// drawn at random, as small as it could be made.
#[test]
fn a_clock_that_rings_late_asks_nobody_else() {
    let summary = run(r#"
version = 1
[sim]
duration = "3s"
warmup = "0s"
replications = 1
seed = 38
[network]
same_zone = { mean = "8ms" }
[clients.c0]
calls = "s0"
rate = "300/s"
[databases.d]
work = { dist = "erlang", mean = "2ms", k = 3 }
tables.tab = { writers = 2 }
[caches.k]
keys = 68
[queues.q]
ack_timeout = "1ms"
[topics.t]
[services.s0]
steps = [{ split = [{ weight = 3, steps = [{ publish = "t" }, { send = "q", times = 2, probability = "60%" }] }, { steps = [{ split = [{ weight = 3, steps = [{ publish = "t" }] }, { steps = [{ work = { p50 = "1ms", p90 = "1ms", p99 = "20ms" } }, { work = { p50 = "1ms", p99 = "9ms" } }, { send = "q", probability = "60%" }] }] }] }], probability = "60%" }, { transaction = "d", steps = [{ query = "d", table = "tab", mode = "write", lock_timeout = "15ms", timeout = "3ms", times = 2 }, { send = "q", probability = "60%" }] }, { cache = "k", on_miss = [{ work = { p50 = "1ms", p90 = "1ms", p99 = "20ms" } }, { send = "q", times = 2 }, { query = "d", table = "tab", mode = "write", lock_timeout = "15ms" }] }]
[services.reader]
consumes = [{ from = "q", concurrency = 3 }, { from = "t", group = "r", concurrency = 3 }]
"#);
    let users = &summary.clients["c0"];
    assert!(users.arrived > 800 && users.failed.values().sum::<u64>() > 0, "{} {:?}", users.arrived, users.failed);
}
