//! Why a request took long or failed: the chain from what it waited for to what began it, on systems of which that is known.

use std::sync::atomic::{AtomicBool, Ordering};

use hoptax::experiment::Watch;
use hoptax::experiment::study::{Options, Trouble, load};
use hoptax::experiment::trace::{Pick, Sought};
use hoptax::experiment::why::{Began, Group, Wanted, Why, study};
use hoptax::report::reason::{answer, page};
use hoptax::report::table::Style;
use hoptax::report::text::width;
use hoptax::scenario::Source;

fn ask(text: &str, pick: (Pick, &str), client: Option<&str>) -> Why {
    let checked = load(&Source::text("why", text), None, &Options::default()).unwrap_or_else(|why| panic!("{why}"));
    let which = Sought { client, ..Sought::first(pick.0) };
    let found = study(&checked, which, pick.1, &()).unwrap_or_else(|why| panic!("{why}"));
    assert!(found.whole);
    found.why
}

/// The way of the largest group: what was wanted, and whose it was.
fn way(group: &Group) -> Vec<(Wanted, &str)> {
    group.chain.iter().map(|link| (link.wanted, link.to.as_deref().unwrap_or(&link.node))).collect()
}

/// Three blocking services in a row; the last is slow for ten seconds.
const CHAIN: &str = r#"
version = 1
sim = { duration = "40s", warmup = "5s", replications = 1 }
defaults = { transport = "free" }
[clients.web]
calls = "gateway"
rate = "100/s"
[services.gateway]
concurrency = 60
work = "1ms"
steps = ["orders"]
[services.orders]
concurrency = 16
work = "2ms"
steps = ["bank"]
[services.bank]
concurrency = 8
work = { mean = "20ms" }
[[faults]]
name = "bank slow"
kind = "slow"
target = "bank"
factor = 20
at = "20s"
duration = "10s"
"#;

#[test]
fn the_chain_of_held_workers_leads_to_the_slow_node() {
    let why = ask(CHAIN, (Pick::Quantile(0.9), "p90"), None);
    assert_eq!((why.asked, why.there_are > 300), (100, true));
    let group = &why.groups[0];
    assert!(group.requests > 50, "{}", group.requests);
    let expected = [
        (Wanted::Worker, "gateway"),
        (Wanted::Answer, "orders"),
        (Wanted::Worker, "orders"),
        (Wanted::Answer, "bank"),
        (Wanted::Worker, "bank"),
    ];
    assert_eq!(way(group), expected);
    // All workers of the gateway wait, but for one that may just have been given up.
    assert!(group.chain[1].waited >= 58 && group.chain[1].of == 60, "{:?}", group.chain);
    assert!(group.chain[3].of == 16 && group.chain[3].waited >= 15, "{:?}", group.chain);
    assert_eq!((group.began.began, group.began.node.as_str(), group.began.of), (Began::Work, "bank", 8));
    assert_eq!((group.began.faults[0].name.as_str(), group.began.faults[0].since_s), ("bank slow", 20.0));
    let told = answer(&why);
    for part in [
        "for a worker of gateway, ",
        "60 of which waited for orders, ",
        "of whose workers waited for bank",
        "which was slow since 20 s (fault `bank slow`)",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let text = page(&why, false).table(Style::default());
    assert!(text.lines().all(|line| width(line) <= 80), "{text}");
}

#[test]
fn one_request_is_asked_by_its_number_and_the_same_is_said_again() {
    let why = ask(CHAIN, (Pick::Quantile(0.9), "p90"), None);
    let such_as = why.groups[0].such_as;
    let one = ask(CHAIN, (Pick::Nth(such_as), "1"), None);
    assert_eq!((one.asked, one.groups[0].latency_ms), (1, why.groups[0].latency_ms));
    assert_eq!(one.groups[0].chain, why.groups[0].chain);
    assert!(answer(&one).starts_with("request "), "{}", answer(&one));
}

#[test]
fn a_callee_that_hangs_has_the_workers_of_those_who_never_needed_it() {
    let text = include_str!("../../scenarios/66-a-pool-that-two-share.toml");
    let why = ask(text, (Pick::Failed, "failed"), Some("customers"));
    let group = &why.groups[0];
    assert_eq!(group.outcome.as_deref(), Some("timeout"));
    // The process stands still, and so does whoever would open a connection to it.
    assert_eq!(way(group), [(Wanted::Worker, "api"), (Wanted::Connection, "warehouse")]);
    assert_eq!((group.began.node.as_str(), group.began.faults[0].since_s), ("warehouse", 30.0));
    assert!(group.requests as f64 > 0.9 * why.asked as f64 && group.chain[1].waited > 25, "{group:?}");
}

#[test]
fn a_pool_of_connections_and_a_line_that_no_fault_made() {
    let text = r#"
version = 1
sim = { duration = "30s", warmup = "5s", replications = 1 }
[clients.web]
calls = "shop"
rate = "38/s"
[services.shop]
work = "1ms"
steps = [{ query = "db" }]
[services.shop.pools]
db = { connections = 2 }
[databases.db]
work = { mean = "50ms" }
concurrency = 50
"#;
    let why = ask(text, (Pick::Quantile(0.9), "p90"), None);
    let group = &why.groups[0];
    assert_eq!(way(group)[0], (Wanted::DatabaseConnection, "db"), "{}", answer(&why));
    assert_eq!((group.began.began, group.began.node.as_str(), group.began.of), (Began::Work, "db", 2));
    assert!(group.began.faults.is_empty());
    let alone = ask(&text.replace("38/s", "0.2/s"), (Pick::Nth(1), "1"), None);
    assert_eq!((alone.groups[0].chain.len(), alone.groups[0].began.node.as_str()), (0, "db"));
}

#[test]
fn what_is_down_and_what_a_breaker_refuses_is_said() {
    let down = CHAIN.replace("kind = \"slow\"", "kind = \"outage\"").replace("factor = 20\n", "");
    let why = ask(&down, (Pick::Failed, "failed"), None);
    assert_eq!((why.groups[0].began.began, why.groups[0].began.node.as_str()), (Began::Failure, "bank"));
    assert!(answer(&why).contains("`connect_failed` from bank, which was down since 20 s"), "{}", answer(&why));
    let breaker = include_str!("../../scenarios/67-a-breaker-that-protects-by-refusing.toml");
    let why = ask(breaker, (Pick::Failed, "failed"), None);
    assert!(answer(&why).contains("refused by orders itself (`circuit_open` since"), "{}", answer(&why));
}

#[test]
fn a_message_that_lay_longer_than_its_request_took_is_told_too() {
    let text = r#"
version = 1
sim = { duration = "20s", warmup = "0s", replications = 1 }
[clients.users]
calls = "orders"
rate = "20/s"
[services.orders]
work = "1ms"
steps = [{ publish = "emails" }]
[queues.emails]
[services.mailer]
consumes = [{ from = "emails", concurrency = 2, prefetch = 1, work = "2ms", steps = ["smtp"] }]
[services.smtp]
work = { value = "150ms" }
"#;
    let why = ask(text, (Pick::Nth(300), "300"), None);
    let after = why.groups[0].afterwards.as_ref().unwrap();
    assert_eq!(after.chain[0].wanted, Wanted::Consumer);
    assert_eq!(
        (after.chain[1].wanted, after.chain[1].to.as_deref(), after.chain[1].of),
        (Wanted::Answer, Some("smtp"), 2)
    );
    assert_eq!((after.began.began, after.began.node.as_str()), (Began::Work, "smtp"));
    assert!(after.spent_ms > 1_000.0 && why.groups[0].latency_ms < 50.0, "{}", answer(&why));
}

/// Has had enough when so much of all is done.
struct Until(f64, AtomicBool);

impl Watch for Until {
    fn advanced(&self, share_done: f64) {
        if share_done >= self.0 {
            self.1.store(true, Ordering::Relaxed);
        }
    }
    fn stopped(&self) -> bool {
        self.1.load(Ordering::Relaxed)
    }
}

/// Each of the three runs tells how far it is, and leaves what is known when it is stopped.
#[test]
fn what_is_known_when_it_is_stopped_is_told() {
    let text = CHAIN.replace("duration = \"40s\"", "duration = \"400s\"");
    let checked = load(&Source::text("why", &text), None, &Options::default()).unwrap();
    let until = |share| study(&checked, Sought::first(Pick::Slowest), "slowest", &Until(share, AtomicBool::new(false)));
    // Where none was found by then nothing is known.
    let none = study(&checked, Sought::first(Pick::Failed), "failed", &Until(0.0, AtomicBool::new(false)));
    assert!(matches!(none, Err(Trouble::Interrupted)));
    // While they were looked for: how many there were by then.
    let looking = until(0.2).unwrap();
    assert!(!looking.whole && looking.why.looked_s.is_some_and(|s| s > 200.0 && s < 400.0), "{:?}", looking.why);
    assert_eq!((looking.why.there_are, looking.why.asked, looking.why.missing), (1, 0, 1));
    assert!(answer(&looking.why).contains("so far; none was asked why"), "{}", answer(&looking.why));
    // While they were followed: how many there are.
    let following = until(0.5).unwrap();
    assert!(!following.whole && following.why.looked_s.is_none() && following.why.missing == 1);
    let told = page(&following.why, false).table(Style::default());
    assert!(told.contains("interrupted: 1 of 1 were not asked"), "{told}");
    assert!(until(2.0).unwrap().whole);
}

/// Of a hundred, those that were looked at by then.
#[test]
fn those_that_were_asked_by_then_are_told() {
    let text =
        CHAIN.replace("duration = \"40s\"", "duration = \"200s\"").replace("kind = \"slow\"", "kind = \"errors\"");
    let text = text.replace("factor = 20\nat = \"20s\"\nduration = \"10s\"", "probability = 0.05\nat = \"0s\"");
    let checked = load(&Source::text("why", &text), None, &Options::default()).unwrap();
    let half = Until(5.0 / 6.0, AtomicBool::new(false));
    let found = study(&checked, Sought::first(Pick::Failed), "failed", &half).unwrap();
    let why = found.why;
    assert!(!found.whole && why.asked > 20 && why.asked < 80 && why.asked + why.missing == 100, "{why:?}");
    assert!(why.groups.iter().map(|group| group.requests).sum::<u64>() == why.asked);
}

/// A failure of one run of several is found in that run.
#[test]
fn a_failure_of_a_later_replication_can_be_asked_why() {
    let text = CHAIN.replace("replications = 1", "replications = 3");
    let checked = load(&Source::text("why", &text), None, &Options::default()).unwrap();
    let slowest = |replication| {
        let which = Sought { replication, ..Sought::first(Pick::Slowest) };
        study(&checked, which, "slowest", &()).map(|found| found.why)
    };
    let (first, third) = (slowest(1).unwrap(), slowest(3).unwrap());
    assert_eq!((first.replication, third.replication), (1, 3));
    assert_ne!(first.groups[0].latency_ms, third.groups[0].latency_ms);
    // As the run itself has it.
    let summary = hoptax::experiment::run(&checked, None, &()).unwrap();
    let most = summary.clients["web"].latency_ms.max.unwrap();
    let slow = [first, slowest(2).unwrap(), third].map(|why| why.groups[0].latency_ms);
    assert!((slow.iter().copied().fold(0.0, f64::max) / most - 1.0).abs() < 0.01, "{slow:?} of {most}");
    for none in [0, 4] {
        assert!(matches!(slowest(none), Err(Trouble::Absent(why)) if why.contains("they are 1 to 3")));
    }
}

/// Seven hundred and fifty queries one after the other are one thing that the time went into, though each is short.
#[test]
fn many_short_calls_of_a_kind_are_one_thing() {
    let text = r#"
version = 1
sim = { duration = "40s", warmup = "2s", replications = 1 }
defaults = { transport = "free" }
network = { same_zone = "0ms" }
[clients.a]
calls = "shop"
arrivals = "constant"
rate = "10/s"
[clients.batch]
calls = "job"
arrivals = "constant"
phases = [{ duration = "20s", rate = "0.05/s" }, { duration = "20s", rate = "0.0001/s" }]
[services.shop]
cores = 1
concurrency = 50
work = "5ms"
steps = [{ query = "db" }]
[services.job]
work = "1ms"
steps = [{ query = "db", times = 750 }]
[databases.db]
concurrency = 1
work = "2ms"
"#;
    let why = ask(text, (Pick::Slowest, "slowest"), Some("batch"));
    let group = &why.groups[0];
    assert!(group.latency_ms > 1_500.0 && group.spent_ms > 1_490.0 && group.calls == 750, "{group:?}");
    assert_eq!((group.began.began, group.began.node.as_str()), (Began::Work, "db"));
    assert!(answer(&why).contains("at db: work there") && answer(&why).contains("in 750 calls"), "{}", answer(&why));
}

/// Of branches of which any will do, the one that was not waited for has no part in it, though it runs on.
#[test]
fn what_runs_on_for_nobody_is_not_blamed() {
    let text = r#"
version = 1
sim = { duration = "60s", warmup = "0s", replications = 1 }
defaults = { transport = "free" }
network = { same_zone = "0ms" }
[clients.users]
calls = "a"
arrivals = "constant"
rate = "10/s"
[services.a]
io = "async"
concurrency = "unlimited"
work = "1ms"
steps = [{ parallel = ["b", "d"], wait_for = "any" }, { call = "e", probability = "3%" }]
[services.b]
work = "2ms"
[services.d]
work = "300ms"
[services.e]
work = "20ms"
"#;
    let why = ask(text, (Pick::Slowest, "slowest"), None);
    let group = &why.groups[0];
    assert_eq!((group.latency_ms, group.began.node.as_str(), group.spent_ms), (23.0, "e", 20.0), "{}", answer(&why));
    // Beside a slow try another is sent out: what was waited for until then is the slow one.
    let hedged = text.replace(
        "[{ parallel = [\"b\", \"d\"], wait_for = \"any\" }, { call = \"e\", probability = \"3%\" }]",
        "[{ call = \"b\", hedge = { after = \"30ms\", max = 1 } }]",
    );
    let hedged = hedged.replace(
        "[services.b]\nwork = \"2ms\"",
        "[services.b]\nwork = { mix = [{ share = \"95%\", value = \"2ms\" }, { share = \"5%\", value = \"400ms\" }] }",
    );
    let why = ask(&hedged, (Pick::Slowest, "slowest"), None);
    let slow = ask(&hedged, (Pick::Quantile(0.94), "p94"), None);
    assert!(why.groups[0].spent_ms <= why.groups[0].latency_ms, "{}", answer(&why));
    // 30 ms of the first try, until the second was sent, and the 2 ms of that; not what the first took after.
    let group = slow.groups.iter().find(|group| group.latency_ms < 40.0).unwrap();
    assert_eq!((group.spent_ms, group.calls, group.began.node.as_str()), (32.0, 2, "b"), "{group:?}");
}

/// A breaker that is open when the fault is over refuses for what it saw before.
#[test]
fn a_breaker_that_is_still_open_is_told_with_what_it_had_seen() {
    let text = CHAIN.replace("steps = [\"bank\"]", "steps = [{ call = \"bank\", circuit_breaker = { failure_rate = \"50%\", window = \"5s\", min_calls = 20, open_for = \"8s\", half_open_calls = 5 } }]");
    let text = text
        .replace("kind = \"slow\"", "kind = \"outage\"")
        .replace("factor = 20\n", "")
        .replace("duration = \"10s\"", "duration = \"3s\"");
    let why = ask(&text, (Pick::Failed, "failed"), None);
    let over =
        |group: &&Group| group.began_s > 23.5 && group.chain.first().is_some_and(|link| link.wanted == Wanted::Leave);
    let all = why.groups.iter().find(over).unwrap_or_else(|| panic!("{:?}", why.groups));
    let saw = all.chain[0].saw.as_ref().unwrap();
    assert!(saw.word == "connect_failed" && saw.from_s >= 20.0 && saw.until_s <= 23.0 && saw.calls >= 20, "{saw:?}");
    assert_eq!(saw.faults[0].until_s, Some(23.0));
    let told = hoptax::report::reason::sentence(all);
    assert!(
        told.contains("calls to it fail (`connect_failed`)") && told.contains("when it was down from 20 s to 23 s"),
        "{told}"
    );
}

/// A worker of several queues that has a message of another is one of those that a message waits for.
#[test]
fn a_message_waits_for_all_workers_of_its_pool() {
    let text = r#"
version = 1
sim = { duration = "20s", warmup = "0s", replications = 1 }
[clients.users]
calls = "orders"
rate = "3/s"
[clients.clerks]
calls = "desk"
rate = "17/s"
[services.orders]
steps = [{ publish = "emails" }]
[services.desk]
steps = [{ publish = "reports" }]
[queues.emails]
[queues.reports]
[services.jobs]
consumes = [{ from = "reports", worker_pool = "all", work = "150ms" }, { from = "emails", worker_pool = "all", work = "100ms" }]
worker_pools.all = { concurrency = 3, prefetch = 1, order = "strict" }
"#;
    let why = ask(text, (Pick::Nth(5), "5"), Some("users"));
    let after = why.groups[0].afterwards.as_ref().unwrap();
    assert!(after.chain[0].wanted == Wanted::Consumer && after.spent_ms > 1_000.0, "{}", answer(&why));
    assert_eq!((after.began.began, after.began.at_it, after.began.of), (Began::Work, 3, 3), "{}", answer(&why));
}

/// Past the broker: what lies at its consumer waits for what that has in hand, and what that waits for.
#[test]
fn a_message_is_followed_to_its_consumer_and_what_that_waits_for() {
    let text = r#"
version = 1
sim = { duration = "40s", warmup = "0s", replications = 1 }
[clients.users]
calls = "orders"
rate = "20/s"
[services.orders]
work = "1ms"
steps = [{ publish = "emails" }]
[queues.emails]
[services.mailer]
consumes = [{ from = "emails", concurrency = 2, prefetch = 500, work = "2ms", steps = ["smtp"] }]
[services.smtp]
work = "20ms"
[[faults]]
name = "smtp hangs"
kind = "freeze"
target = "smtp"
at = "10s"
duration = "10s"
"#;
    // One that came when the fault had just begun, and lies in the consumer's own window.
    let why = ask(text, (Pick::Nth(240), "240"), None);
    let after = why.groups[0].afterwards.as_ref().unwrap();
    let wanted: Vec<Wanted> = after.chain.iter().map(|link| link.wanted).collect();
    assert_eq!(wanted[..2], [Wanted::Consumer, Wanted::Answer], "{after:?}");
    assert_eq!((after.began.node.as_str(), after.began.faults[0].name.as_str()), ("smtp", "smtp hangs"), "{after:?}");
    assert!(after.spent_ms > 4_000.0 && why.groups[0].latency_ms < 50.0, "{}", answer(&why));
}

/// A bulkhead is full of what its calls wait for.
#[test]
fn a_full_bulkhead_is_told_with_what_its_calls_wait_for() {
    let text = CHAIN.replace("steps = [\"bank\"]", "steps = [{ call = \"bank\", bulkhead = { max_concurrent = 12 } }]");
    let why = ask(&text, (Pick::Failed, "failed"), None);
    let group = &why.groups[0];
    assert_eq!((group.chain[0].wanted, group.chain[0].word.as_deref()), (Wanted::Leave, Some("bulkhead_full")));
    assert_eq!(
        (group.began.node.as_str(), group.began.faults[0].name.as_str()),
        ("bank", "bank slow"),
        "{}",
        answer(&why)
    );
}
