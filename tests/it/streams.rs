//! Event streams: every group gets every record, in order, never lost or never twice as its commits say, whatever becomes of
//! its members; and the rules of topics and groups one by one.

use hoptax::experiment::summary::Group;
use hoptax::model::{Fact, Probe};
use hoptax::units::Time;
use proptest::prelude::*;

use crate::bench::{ended, plan, run};
use crate::laws::always;

/// What the groups of one topic have gone through, over a whole run.
#[derive(Debug, Default)]
struct Seen {
    produced: u64,
    exposed: u64,
    forfeited: u64,
    groups: Vec<Reader>,
}

/// What one group has gone through.
#[derive(Clone, Debug, Default)]
struct Reader {
    first: u64,
    again: u64,
    missed: u64,
    /// Records it is not past: up with what is exposed, down with what it passes.
    lag: i64,
    /// When what it read first was published: with one partition and one producer it never goes back.
    last: Time,
}

impl Seen {
    fn of(groups: usize) -> Self {
        Self { groups: vec![Reader::default(); groups], ..Self::default() }
    }
}

impl Probe for Seen {
    fn on(&mut self, _: Time, fact: Fact) {
        match fact {
            Fact::Produced { .. } => self.produced += 1,
            Fact::Exposed { records, .. } => {
                self.exposed += u64::from(records);
                self.groups.iter_mut().for_each(|g| g.lag += i64::from(records));
            }
            Fact::Forfeited { records, .. } => self.forfeited += u64::from(records),
            Fact::Read { group, published, repeats } => {
                let group = &mut self.groups[group.index()];
                if !repeats {
                    assert!(published >= group.last, "a record overtook another");
                    group.last = published;
                }
            }
            Fact::Passed { group, repeats, stale, .. } => {
                let group = &mut self.groups[group.index()];
                *(if repeats { &mut group.again } else { &mut group.first }) += 1;
                group.lag -= i64::from(!stale);
            }
            Fact::Rewound { group, records } => self.groups[group.index()].lag += records.cast_signed(),
            Fact::Skipped { group, records, missed } => {
                let group = &mut self.groups[group.index()];
                group.lag -= records.cast_signed();
                group.missed += missed;
            }
            _ => {}
        }
        assert!(self.groups.iter().all(|g| g.lag >= 0), "a group is past what there is");
    }
}

fn pick(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(words)
}

/// A topic, two groups and the crashes of their members, drawn at random. The clients stop long before the run ends.
#[derive(Clone, Debug)]
struct Drawn {
    topic: &'static str,
    how: &'static str,
    commits: &'static str,
    group: &'static str,
    fault: &'static str,
    errors: bool,
    network: bool,
    dynamic: bool,
    partitions: u32,
}

impl Drawn {
    fn text(&self) -> String {
        let Self { topic, how, commits, group, fault, partitions, .. } = self;
        let network = if self.network { "2ms" } else { "0ms" };
        let errors = if self.errors { 0.2 } else { 0.0 };
        // Who is somebody new after every crash, and crashes for ever, never comes to rest.
        let member = if self.dynamic && !fault.contains("mtbf") { "dynamic" } else { "static" };
        format!(
            "version = 1\n[sim]\nduration = \"400s\"\nwarmup = \"0s\"\nreplications = 1\n\
             [network]\nsame_zone = \"{network}\"\n[defaults]\ntransport = \"free\"\n\
             [clients.c]\ncalls = \"p\"\nphases = [{{ duration = \"20s\", rate = \"40/s\" }}, {{ duration = \"380s\", rate = \"0/s\" }}]\n\
             [services.p]\nsteps = [{{ publish = \"t\", wait_for_ack = {} }}]\n\
             [topics.t]\npartitions = {partitions}\npublish_latency = \"1ms\"\n{topic}\n\
             [services.a]\nreplicas = 2\nconsumes = [{{ from = \"t\", group = \"a\", concurrency = 2, work = {{ mean = \"15ms\" }}, error_rate = {errors:?}, member = \"{member}\", {how}, {commits}, {group} }}]\n\
             [services.b]\nconsumes = [{{ from = \"t\", group = \"b\", work = \"1ms\", member = \"{member}\", {commits}, {group} }}]\n\
             [[faults]]\nname = \"f\"\n{fault}\n",
            self.network
        )
    }
}

fn anything() -> impl Strategy<Value = Drawn> {
    let topics = pick(&[
        "",
        "linger = \"5ms\"",
        "linger = \"50ms\"\nbatch = 3",
        "key = \"id\"",
        "in_flight = 1",
        "linger = \"1s\"",
        "in_flight = 1\nbatch = 2\ndelivery_timeout = \"2s\"",
        "buffer = 3\nmax_block = \"1s\"",
        "buffer = 9\nkey = \"id\"\ndelivery_timeout = \"1s\"",
    ]);
    let hows = pick(&["batch = 1", "batch = 5", "poll = \"20ms\"", "poll = { mean = \"50ms\" }, batch = 3"]);
    let groups = pick(&[
        "rebalance = \"eager\", session_timeout = \"6s\"",
        "rebalance = \"cooperative\", session_timeout = \"6s\"",
        "session_timeout = \"20s\"",
    ]);
    let faults = pick(&[
        "kind = \"crash\"\ntarget = \"a\"\nmtbf = \"3s\"\nmttr = \"1s\"",
        "kind = \"crash\"\ntarget = \"a\"\nreplicas = 1\nmtbf = \"8s\"\nmttr = \"10s\"",
        "kind = \"outage\"\ntarget = \"a\"\nreplicas = 1\nmtbf = \"4s\"\nmttr = \"2s\"",
        "kind = \"crash\"\ntarget = \"a\"\nreplicas = 1\nat = \"4s\"\nduration = \"3s\"",
        "kind = \"crash\"\ntarget = \"b\"\nat = \"5s\"\nduration = \"30s\"",
        "kind = \"outage\"\ntarget = \"t\"\nat = \"5s\"\nduration = \"3s\"",
        "kind = \"freeze\"\ntarget = \"a\"\nat = \"5s\"\nduration = \"3s\"",
        "kind = \"crash\"\ntarget = \"p\"\nat = \"5s\"\nduration = \"3s\"",
    ]);
    let commits = pick(&["ack = \"after\"", "commit_every = \"2s\"", "ack = \"before\""]);
    (topics, hows, commits, groups, faults, any::<[bool; 3]>(), 1..5u32).prop_map(
        |(topic, how, commits, group, fault, [errors, network, dynamic], partitions)| Drawn {
            topic,
            how,
            commits,
            group,
            fault,
            errors,
            network,
            dynamic,
            partitions,
        },
    )
}

#[test]
fn every_group_gets_every_record_in_order_lost_or_doubled_only_as_its_commits_allow() {
    always(72, &anything(), |mut drawn| {
        // Order is told by publication, so it can be seen in a single partition only.
        drawn.partitions = if drawn.topic.is_empty() { 1 } else { drawn.partitions };
        let plan = plan(&drawn.text());
        let mut seen = Seen::of(2);
        if drawn.partitions > 1 || drawn.topic.contains("key") {
            seen = counted(&plan);
        } else {
            seen = ended(&plan, 7, seen).probe;
        }
        assert!(seen.produced > 500 && seen.exposed + seen.forfeited == seen.produced, "{drawn:?} {seen:?}");
        for group in &seen.groups {
            assert_eq!(group.first + group.missed, seen.exposed, "{drawn:?} {group:?}");
            assert_eq!(group.lag, 0, "{drawn:?} {group:?}");
            if drawn.commits.contains("before") {
                assert_eq!(group.again, 0, "never twice: {drawn:?}");
            } else {
                assert_eq!(group.missed, 0, "never lost: {drawn:?}");
            }
        }
    });
}

/// The same without looking at the order.
fn counted(plan: &hoptax::model::Plan) -> Seen {
    #[derive(Debug)]
    struct Unordered(Seen);
    impl Probe for Unordered {
        fn on(&mut self, now: Time, fact: Fact) {
            if !matches!(fact, Fact::Read { .. }) {
                self.0.on(now, fact);
            }
        }
    }
    let seen = Unordered(Seen::of(2));
    ended(plan, 7, seen).probe.0
}

fn group<'s>(summary: &'s hoptax::experiment::summary::Summary, name: &str) -> &'s Group {
    &summary.topics["t"].groups[name]
}

/// One service that publishes ten times a second for a minute, and one that reads.
fn pair(topic: &str, consumer: &str, more: &str) -> String {
    format!(
        "version = 1\n[sim]\nduration = \"60s\"\nwarmup = \"0s\"\nreplications = 1\n[network]\nsame_zone = \"0ms\"\n\
         [defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"p\"\narrivals = \"constant\"\nrate = \"10/s\"\n\
         [services.p]\nsteps = [{{ publish = \"t\", wait_for_ack = true }}]\n[topics.t]\n{topic}\n\
         [services.w]\nreplicas = 2\nconsumes = [{{ from = \"t\", group = \"g\", {consumer} }}]\n{more}"
    )
}

fn ms(figure: hoptax::experiment::summary::Estimate) -> f64 {
    figure.value.expect("a figure")
}

#[test]
fn a_publisher_waits_for_company_the_broker_and_the_network() {
    let text = pair("publish_latency = \"3ms\"\nlinger = \"4ms\"", "work = \"0ms\"", "")
        .replace("same_zone = \"0ms\"", "same_zone = \"2ms\"");
    let summary = run(&text);
    // There and back between client and service, linger, to the broker, its latency, and back.
    assert!((ms(summary.clients["c"].latency_ms.mean) - (4.0 + 4.0 + 2.0 + 3.0 + 2.0)).abs() < 1e-6);
    // The record reaches its reader one latency after it is safe.
    assert!((ms(group(&summary, "g").delay_ms.mean) - (4.0 + 2.0 + 3.0 + 2.0)).abs() < 1e-6);
}

#[test]
fn a_crash_is_found_out_after_the_session_and_a_stop_at_once() {
    let fault = |kind: &str| {
        format!(
            "[[faults]]\nname = \"f\"\nkind = \"{kind}\"\ntarget = \"w\"\nreplicas = 1\nat = \"10s\"\nduration = \"10m\"\n"
        )
    };
    let longest = |kind: &str| {
        let text = pair("partitions = 2", "work = \"1ms\", session_timeout = \"20s\"", &fault(kind));
        let summary = run(&text);
        (group(&summary, "g").delay_ms.max.expect("records"), group(&summary, "g").rebalances)
    };
    let (crash, stop) = (longest("crash"), longest("outage"));
    assert_eq!((crash.1, stop.1), (1, 1));
    // 17 to 20 s until the session is over, up to 3 s until the other has heard.
    assert!((17_000.0..23_500.0).contains(&crash.0), "{crash:?}");
    assert!(stop.0 < 3_500.0, "{stop:?}");
}

#[test]
fn a_poison_record_blocks_its_partition_and_no_other() {
    let text = |on_error: &str| {
        pair("partitions = 2", &format!("work = \"10ms\", error_rate = 1.0, {on_error}"), "[queues.dead]\n")
    };
    let retry = run(&text("on_error = \"retry\""));
    assert_eq!((group(&retry, "g").consumed, group(&retry, "g").lag_at_end), (0, retry.topics["t"].published));
    let dead = run(&text("on_error = \"dead_letter\", dead_letter = \"dead\""));
    assert!(group(&dead, "g").consumed >= dead.topics["t"].published - 2);
    assert_eq!(dead.queues["dead"].published, group(&dead, "g").consumed);
}

#[test]
fn a_poison_message_holds_up_one_partition_until_it_is_given_up() {
    let text = |on_error: &str| {
        let fault = "[queues.dead]\n[[faults]]\nkind = \"poison_message\"\ntarget = \"t\"\nat = \"20s\"\n";
        pair("partitions = 2", &format!("work = \"10ms\", {on_error}"), fault)
    };
    let retry = run(&text("on_error = \"retry\""));
    let (stuck, all) = (group(&retry, "g").lag_at_end, retry.topics["t"].published);
    // Half of what came after the 20th of the seconds waits behind it.
    assert!(stuck > all / 10 && stuck < all / 2, "{stuck} of {all}");
    let dead = run(&text("on_error = \"dead_letter\", dead_letter = \"dead\""));
    assert_eq!(dead.queues["dead"].published, u64::from(dead.run.replications));
    assert!(group(&dead, "g").lag_at_end <= 2, "{:?}", group(&dead, "g"));
}

#[test]
fn retention_deletes_what_a_slow_group_has_not_read_and_says_so() {
    let consumer = |start: &str| format!("work = \"300ms\", {start}");
    for start in ["from_start = true", "from_start = false"] {
        let text = pair("partitions = 1\nretention = \"1m\"\nsegment = \"10s\"", &consumer(start), "")
            .replace("replicas = 2", "replicas = 1")
            .replace("duration = \"60s\"", "duration = \"12m\"");
        let summary = run(&text);
        let group = group(&summary, "g");
        assert!(group.skipped > 300, "{start} {group:?}");
        assert_eq!(group.consumed + group.skipped + group.lag_at_end, summary.topics["t"].published, "{start}");
    }
}

#[test]
fn a_replay_brings_back_what_was_published_since() {
    let summary = run(&pair("partitions = 3", "work = \"1ms\", replay = { at = \"40s\", from = \"25s\" }", ""));
    let group = group(&summary, "g");
    // Fifteen seconds of ten a second.
    assert!((148..=152).contains(&group.duplicates), "{group:?}");
    assert_eq!(summary.clients["c"].duplicate_effects, group.duplicates);
    assert!(group.lag_at_end <= 1, "{group:?}");
}

#[test]
fn a_slow_handler_is_expelled_and_its_record_comes_again() {
    let text = pair("partitions = 1", "work = \"12s\", max_poll_interval = \"5s\"", "")
        .replace("replicas = 2", "replicas = 1");
    let summary = run(&text);
    let group = group(&summary, "g");
    assert!(group.consumed == 1 && group.rebalances >= 3, "nothing is ever committed: {group:?}");
}

#[test]
fn a_broker_outage_holds_publishers_back_and_a_second_copy_shortens_it() {
    let fault = "[[faults]]\nname = \"f\"\nkind = \"outage\"\ntarget = \"t\"\nat = \"10s\"\nduration = \"30s\"\n";
    let longest =
        |topic: &str| run(&pair(topic, "work = \"1ms\"", fault)).clients["c"].latency_ms.max.expect("answers");
    let (alone, two) = (longest("replication = 1"), longest("replication = 2"));
    assert!((29_000.0..=30_100.0).contains(&alone), "{alone}");
    assert!((8_000.0..=9_100.0).contains(&two), "{two}");
    let short = longest("replication = 2\nmin_insync = 2");
    assert!((29_000.0..=30_100.0).contains(&short), "one copy in sync is too few: {short}");
}

#[test]
fn popular_keys_make_hot_partitions() {
    let lag = |key: &str| {
        let text = pair(&format!("partitions = 8\n{key}"), "concurrency = 4, work = \"400ms\"", "");
        group(&run(&text), "g").max_lag
    };
    assert!(lag("key = { name = \"customer\", keys = 100, skew = 1.5 }") > 2 * lag("key = \"order_id\""));
}
