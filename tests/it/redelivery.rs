//! Records that fail: tried again in place, or from topics of their own.

use hoptax::experiment::summary::{Group, Summary};
use hoptax::machine::Stop;
use hoptax::model::{Fact, Plan, Probe};
use hoptax::scenario::{Source, forecast, load};
use hoptax::units::Time;
use proptest::prelude::*;

use crate::bench::{checked, ended, plan, run};
use crate::laws::always;

/// One service that publishes to `t`, one that reads it; nothing takes time that is not written here.
fn pair(rate: &str, topic: &str, consumer: &str, more: &str) -> String {
    format!(
        "version = 1\n[sim]\nduration = \"60s\"\nwarmup = \"0s\"\nreplications = 1\n[network]\nsame_zone = \"0ms\"\n\
         [defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"p\"\narrivals = \"constant\"\nrate = \"{rate}\"\n\
         [services.p]\nsteps = [{{ publish = \"t\" }}]\n[topics.t]\n{topic}\n\
         [services.w]\nconsumes = [{{ from = \"t\", group = \"g\", {consumer} }}]\n{more}"
    )
}

fn group<'s>(summary: &'s Summary, topic: &str) -> &'s Group {
    let groups = &summary.topics[topic].groups;
    groups.values().next().expect("a group")
}

const POISON: &str = "[[faults]]\nkind = \"poison_message\"\ntarget = \"t\"\nat = \"20s\"\n";

/// Four tries of 10 ms, and 1, 2 and 4 s between them: what was published with it waits as long, in every partition of the
/// consumer, because it sleeps.
#[test]
fn a_record_that_fails_is_tried_so_often_and_holds_up_all_that_its_consumer_has() {
    for partitions in [1, 4] {
        let retries =
            "work = \"10ms\", retries = { max = 3, backoff = \"1s\", backoff_factor = 2.0 }, on_error = \"skip\"";
        let summary = run(&pair("10/s", &format!("partitions = {partitions}"), retries, POISON));
        let own = group(&summary, "t");
        assert!((own.delay_ms.max.unwrap() - 7_040.0).abs() < 1e-6, "{:?}", own.delay_ms);
        assert!((69..=73).contains(&own.max_lag), "a record in each of its 7.04 s, {}", own.max_lag);
        assert_eq!(summary.edges["t -> w"].failed["error"], 4);
        assert_eq!(own.consumed, summary.topics["t"].published - own.lag_at_end);
    }
}

/// Each try fails by itself: of four in a row p⁴ do.
#[test]
fn what_fails_at_every_try_is_given_up() {
    let dead =
        "error_rate = 0.5, work = \"1us\", retries = { max = 3 }, on_error = \"dead_letter\", dead_letter = \"dead\"";
    let summary = run(&pair("500/s", "", dead, "[queues.dead]\n"));
    let (all, given_up) = (summary.topics["t"].published as f64, summary.queues["dead"].published as f64);
    let spread = (0.0625 * 0.9375 / all).sqrt();
    assert!((given_up / all - 0.0625).abs() < 4.0 * spread, "{given_up} of {all}");
    // 1 + p + p² + p³ tries of each.
    let tries = summary.edges["t -> w"].arrived as f64;
    assert!((tries / all - 1.875).abs() < 0.02, "{tries} of {all}");
}

/// Spring: the waits must stay below `max.poll.interval.ms`. One that does not costs the member its place, and the record begins
/// anew, for ever.
#[test]
fn a_wait_longer_than_the_poll_interval_costs_the_member_its_place() {
    let text = |backoff: &str| {
        let rule = format!(
            "work = \"1ms\", retries = {{ max = 2, backoff = \"{backoff}\" }}, on_error = \"skip\", max_poll_interval = \"5s\""
        );
        pair("10/s", "", &rule, POISON)
    };
    let (within, beyond) = (run(&text("4s")), run(&text("6s")));
    assert_eq!((group(&within, "t").rebalances, within.edges["t -> w"].failed["error"]), (0, 3));
    let lost = group(&beyond, "t");
    assert!(lost.rebalances >= 5 && lost.lag_at_end > 350, "{lost:?}");
    let warned = checked(&text("6s"));
    assert!(warned.warnings().iter().any(|c| c.message.contains("given up by its group")), "{:?}", warned.warnings());
    assert!(checked(&text("4s")).warnings().iter().all(|c| !c.message.contains("given up by its group")));
}

/// A rebalance waits for a member that sleeps between two tries, and no longer: the next try is a poll.
#[test]
fn a_member_that_waits_joins_a_rebalance_with_its_next_try() {
    let rule = "concurrency = 2, work = \"1ms\", retries = { max = \"unlimited\", backoff = \"1s\" }";
    let stop = "[[faults]]\nname = \"stop\"\nkind = \"outage\"\ntarget = \"w\"\nreplicas = 1\nat = \"30s\"\nduration = \"1m\"\n";
    let text = pair("10/s", "partitions = 4", rule, &format!("{POISON}{stop}"))
        .replace("[services.w]", "[services.w]\nreplicas = 2");
    let own = run(&text);
    // It leaves at once; the others hear of it within a heartbeat (3 s), and the one that tries for ever within a second more.
    assert_eq!(group(&own, "t").rebalances, 1);
    let lag = group(&own, "t").lag_at_end as f64;
    // Its own partition since the 20th second, and from the 30th on the one that it got: it sleeps over both.
    assert!((165.0..=177.0).contains(&lag), "a quarter of 40 s and a quarter of 30 s, {lag}");
}

/// `t` to `r1` (after 1 s) to `r2` (after 2 s) to `dlt`, which nobody reads.
fn topics(consumer: &str, more: &str) -> String {
    let on = |next: &str| format!("on_error = \"dead_letter\", dead_letter = \"{next}\", {consumer}");
    let first = on("r1");
    let (second, third) = (on("r2"), on("dlt"));
    // The reader of the retry topics is the same service.
    let consumer = format!(
        "{first} }}, {{ from = \"r1\", group = \"g\", delay = \"1s\", {second} }}, {{ from = \"r2\", group = \"g\", delay = \"2s\", {third}"
    );
    let more = format!("[topics.r1]\npartitions = 2\n[topics.r2]\n[topics.dlt]\n{POISON}{more}");
    pair("10/s", "partitions = 4", &consumer, &more)
}

#[test]
fn from_a_topic_of_its_own_a_record_comes_again_later_and_holds_nobody_up() {
    let summary = run(&topics("work = \"10ms\"", ""));
    assert!((group(&summary, "t").delay_ms.max.unwrap() - 10.0).abs() < 1e-6, "nothing waits behind it");
    for (topic, delay) in [("r1", 1_010.0), ("r2", 2_010.0)] {
        assert_eq!((summary.topics[topic].published, group(&summary, topic).consumed), (1, 1));
        let seen = group(&summary, topic).delay_ms.max.unwrap();
        assert!((seen - delay).abs() < 1e-6, "{topic}: {seen}");
    }
    assert_eq!(summary.topics["dlt"].published, 1);
}

/// A record is let alone until it is due, and no longer, whatever else its reader has at hand: other partitions do not wait for
/// one whose first is young. Batches do not matter.
#[test]
fn who_is_not_due_holds_up_no_other_partition() {
    for batch in ["1", "\"unlimited\""] {
        let consumer = format!("error_rate = 1.0, work = \"100us\", batch = {batch}");
        let text = topics(&consumer, "").replace("partitions = 2", "partitions = 3").replace(POISON, "");
        let text = text.replace("constant", "poisson");
        let summary = run(&text);
        for (topic, delay) in [("r1", 1_000.0), ("r2", 2_000.0)] {
            let seen = &group(&summary, topic).delay_ms;
            assert!(seen.p50.value.unwrap() >= delay && seen.max.unwrap() < delay + 2.0, "{topic} {seen:?}");
        }
        let dlt = summary.topics["dlt"].published;
        assert!(dlt.abs_diff(summary.topics["t"].published) < 60, "three seconds are under way: {dlt}");
    }
}

/// With retries in place before each handover, as Spring combines the two.
#[test]
fn a_retry_topic_may_try_in_place_first() {
    let summary = run(&topics("work = \"10ms\", retries = { max = 1, backoff = \"100ms\" }", ""));
    assert_eq!(summary.edges["t -> w"].failed["error"], 2);
    assert!((group(&summary, "r2").delay_ms.max.unwrap() - 2_120.0).abs() < 1e-6);
    assert_eq!(summary.topics["dlt"].published, 1);
}

#[test]
fn what_has_no_end_or_no_meaning_is_told() {
    let rejected = |text: String| {
        let rejected = load(&Source::text("t.toml", text), &[]).unwrap_err();
        rejected.complaints.iter().map(|c| c.message.clone()).collect::<Vec<_>>().join("; ")
    };
    let endless = rejected(topics("work = \"1ms\"", "").replace("dead_letter = \"dlt\"", "dead_letter = \"r1\""));
    assert!(endless.contains("round in a circle: r1 → r2 → r1"), "{endless}");
    let silent = rejected(pair("1/s", "", "work = \"1ms\", retries = { max = 3 }", ""));
    assert!(silent.contains("nothing says what becomes of the record"), "{silent}");
    let nowhere = rejected(topics("work = \"1ms\"", "").replace("dead_letter = \"dlt\"", "dead_letter = \"dtl\""));
    assert!(nowhere.contains("no queue or topic is called `dtl`"), "{nowhere}");
}

/// Counts of each topic and each group.
#[derive(Debug, Default)]
struct Counts {
    /// By topic: produced, exposed, forfeited.
    topics: Vec<[u64; 3]>,
    /// By group: passed first, missed, and how far it came, downwards.
    groups: Vec<(u64, u64, i64)>,
    failed: u64,
}

impl Probe for Counts {
    fn on(&mut self, _: Time, fact: Fact) {
        match fact {
            Fact::Produced { topic } => self.topics[topic.index()][0] += 1,
            Fact::Exposed { topic, records } => self.topics[topic.index()][1] += u64::from(records),
            Fact::Forfeited { topic, records } => self.topics[topic.index()][2] += u64::from(records),
            Fact::Passed { group, repeats, stale, .. } => {
                let group = &mut self.groups[group.index()];
                group.0 += u64::from(!repeats);
                group.2 -= i64::from(!stale);
            }
            Fact::Rewound { group, records } => self.groups[group.index()].2 += records.cast_signed(),
            Fact::Skipped { group, records, missed } => {
                let group = &mut self.groups[group.index()];
                group.1 += missed;
                group.2 -= records.cast_signed();
            }
            Fact::Settled { outcome, .. } => self.failed += u64::from(!outcome.is_good()),
            _ => {}
        }
    }
}

fn counted(plan: &Plan) -> (Counts, bool) {
    let counts = Counts {
        topics: vec![[0; 3]; plan.topics.len()],
        groups: vec![(0, 0, 0); plan.groups.len()],
        ..Counts::default()
    };
    let finished = ended(plan, 7, counts);
    (finished.probe, finished.stop == Stop::Ended && finished.at_rest)
}

fn drawn() -> impl Strategy<Value = String> {
    let pick = |words: &'static [&'static str]| proptest::sample::select(words);
    let rules = pick(&[
        "",
        "retries = { max = 2 }, ",
        "retries = { max = 1, backoff = \"200ms\", jitter = \"full\" }, ",
        "retries = { max = 3, backoff = { mean = \"100ms\" } }, ",
        "retries = { max = 2, backoff = \"1500ms\" }, max_poll_interval = \"2s\", ",
    ]);
    let hows =
        pick(&["batch = 1", "batch = 5", "poll = \"20ms\"", "commit_every = \"2s\", batch = 3", "ack = \"before\""]);
    let groups = pick(&["rebalance = \"eager\"", "rebalance = \"cooperative\""]);
    let faults = pick(&[
        "kind = \"crash\"\ntarget = \"a\"\nreplicas = 1\nmtbf = \"8s\"\nmttr = \"10s\"",
        "kind = \"outage\"\ntarget = \"a\"\nreplicas = 1\nmtbf = \"4s\"\nmttr = \"2s\"",
        "kind = \"outage\"\ntarget = \"r\"\nat = \"5s\"\nduration = \"3s\"",
        "kind = \"crash\"\ntarget = \"a\"\nat = \"4s\"\nduration = \"3s\"",
        "kind = \"freeze\"\ntarget = \"a\"\nat = \"5s\"\nduration = \"3s\"",
    ]);
    (rules, hows, groups, faults, 1..4u32, 1..4u32).prop_map(|(rule, how, group, fault, partitions, after)| {
        let dead = |to: &str| format!("{rule}on_error = \"dead_letter\", dead_letter = \"{to}\", {how}, {group}, session_timeout = \"6s\", member = \"static\"");
        format!(
            "version = 1\n[sim]\nduration = \"400s\"\nwarmup = \"0s\"\nreplications = 1\n[network]\nsame_zone = \"1ms\"\n\
             [defaults]\ntransport = \"free\"\n\
             [clients.c]\ncalls = \"p\"\nphases = [{{ duration = \"20s\", rate = \"20/s\" }}, {{ duration = \"380s\", rate = \"0/s\" }}]\n\
             [services.p]\nsteps = [{{ publish = \"t\", wait_for_ack = true }}]\n\
             [topics.t]\npartitions = {partitions}\n[topics.r]\npartitions = {after}\npublish_latency = \"2ms\"\n[topics.s]\n[queues.dead]\n\
             [services.a]\nreplicas = 2\nconsumes = [{{ from = \"t\", group = \"a\", work = {{ mean = \"5ms\" }}, error_rate = 0.4, {} }},\n\
             {{ from = \"r\", group = \"a\", delay = \"700ms\", error_rate = 0.4, work = \"1ms\", {} }},\n\
             {{ from = \"s\", group = \"a\", delay = \"2s\", error_rate = 0.4, work = \"1ms\", {} }}]\n\
             [services.b]\nconsumes = [{{ from = \"dead\", work = \"1ms\" }}]\n\
             [[flows]]\nname = \"done\"\nstarts = \"c\"\nends = \"a\"\n[[faults]]\nname = \"f\"\n{fault}\n",
            dead("r"),
            dead("s"),
            dead("dead")
        )
    })
}

/// Every topic's records are read by all, or told as missed, whatever fails and dies; nothing is left.
#[test]
fn whatever_fails_goes_somewhere() {
    let failed = std::cell::Cell::new(0);
    always(40, &drawn(), |text| {
        let plan = plan(&text);
        let (counts, rests) = counted(&plan);
        assert!(rests, "something is left:\n{text}");
        for topic in &counts.topics {
            assert_eq!(topic[1] + topic[2], topic[0], "{counts:?}\n{text}");
        }
        for (group, readers) in counts.groups.iter().zip(&plan.groups) {
            let exposed = counts.topics[readers.topic as usize][1];
            assert_eq!(
                (group.0 + group.1, -group.2),
                (exposed, exposed.cast_signed()),
                "{}: {counts:?}\n{text}",
                readers.name
            );
        }
        assert!(counts.topics.iter().any(|topic| topic[0] > 300), "{counts:?}");
        failed.set(failed.get() + counts.failed);
    });
    assert!(failed.get() > 2_000, "only {} failed: the scenarios show too little", failed.get());
}

/// Retry topics and dead letters that somebody reads are load: what the forecast says comes to each is what a run counts.
#[test]
fn the_forecast_counts_what_is_handed_on() {
    let text = |retries: &str| {
        format!(
            "version = 1\n[sim]\nduration = \"200s\"\nwarmup = \"10s\"\nreplications = 2\n[network]\nsame_zone = \"0ms\"\n\
             [defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"p\"\nrate = \"200/s\"\n\
             [services.p]\nsteps = [{{ publish = \"t\" }}, {{ send = \"q\" }}]\n\
             [topics.t]\n[topics.later]\n[queues.dead]\n[queues.q]\nmax_deliveries = 3\ndead_letter = \"waits\"\n\
             [queues.waits]\nmessage_ttl = \"1s\"\ndead_letter = \"again\"\n[queues.again]\n\
             [services.w]\nconsumes = [\n\
             {{ from = \"t\", group = \"g\", error_rate = 0.4, {retries} on_error = \"dead_letter\", dead_letter = \"later\" }},\n\
             {{ from = \"later\", group = \"g\", delay = \"2s\", error_rate = 0.4, on_error = \"dead_letter\", dead_letter = \"dead\" }},\n\
             {{ from = \"dead\", steps = [\"bank\"], on_error = \"dead_letter\" }},\n\
             {{ from = \"q\", error_rate = 0.5, on_error = \"retry\" }},\n{{ from = \"again\" }}, {{ from = \"unpaid\" }}]\n\
             [queues.unpaid]\n[externals.bank]\nerror_rate = 0.5\n"
        )
        .replace("[queues.dead]\n", "[queues.dead]\ndead_letter = \"unpaid\"\n")
    };
    for (retries, tries) in [("", 1.0), ("retries = { max = 2 },", 3.0)] {
        let checked = checked(&text(retries));
        let rates = forecast(checked.scenario()).consumers;
        let expected = |from: &str| rates.iter().find(|one| one.from == from).unwrap().rate;
        let given_up = 200.0 * 0.4_f64.powf(tries);
        let dead = 0.4 * given_up;
        let all = [("later", given_up), ("dead", dead), ("unpaid", 0.5 * dead), ("again", 25.0), ("q", 350.0)];
        for (from, exact) in all {
            assert!((expected(from) - exact).abs() < 1e-9 * exact, "{from}: {} for {exact}", expected(from));
        }
        let summary = run(&text(retries));
        for from in ["t", "later", "dead", "unpaid", "q", "again"] {
            let counted = summary.edges[&format!("{from} -> w")].arrived as f64 / 400.0;
            assert!((counted / expected(from) - 1.0).abs() < 0.06, "{from}: {counted} for {}", expected(from));
        }
    }
}

/// A record that is handed over is published: with 2 ms to each broker, 5 ms until it is safe and 1 ms of work its consumer is busy for
/// 1 + 2 + 5 + 2 ms, and what comes meanwhile waits. It is there 7 ms after it failed.
#[test]
fn to_hand_a_record_over_takes_what_a_publish_takes() {
    let text = |to: &str, latency: &str| {
        let consumer = format!("work = \"1ms\", error_rate = 1.0, on_error = \"dead_letter\", dead_letter = \"{to}\"");
        let more = "[topics.later]\npublish_latency = \"5ms\"\n[queues.dead]\npublish_latency = \"5ms\"\n\
                    [services.r]\nconsumes = [{ from = \"later\", group = \"g\" }, { from = \"dead\" }]\n\
                    [[flows]]\nname = \"read\"\nstarts = \"c\"\nends = \"r\"\n";
        pair("50/s", "", &consumer, more).replace("same_zone = \"0ms\"", &format!("same_zone = \"{latency}\""))
    };
    for to in ["later", "dead"] {
        let summary = run(&text(to, "2ms"));
        let busy = summary.nodes["w"].mean_busy.value.unwrap();
        assert!((busy - 0.05 * 10.0).abs() < 0.001, "{to}: {busy}");
        // Client to publisher, publisher to `t`, `t` to consumer: 2 ms each; 1 ms of work; 2 + 5 ms, and 2 more to who reads it.
        let flow = summary.flows["read"].latency_ms.mean.value.unwrap();
        assert!((flow - 16.0).abs() < 0.01, "{to}: {flow}");
        let free = run(&text(to, "0ms").replace("publish_latency = \"5ms\"\n", ""));
        assert!((free.nodes["w"].mean_busy.value.unwrap() - 0.05).abs() < 0.001, "{to}");
    }
    // Twice as many as it can hand over.
    let slow = run(&text("later", "2ms").replace("50/s", "200/s"));
    let behind = group(&slow, "t");
    assert!((behind.lag_at_end as f64 - 6_000.0).abs() < 20.0, "100 of 200 a second for 60 s: {}", behind.lag_at_end);
}
