//! Topics, their producers and their groups.

use hoptax::experiment::summary::{Group, Summary};

use crate::bench::run;

/// A scenario of one client, a service `a` that publishes to the topic `t`, and a service `w` that reads it as the group `g`,
/// with no network between them.
fn scenario(duration: &str, source: &str, topic: &str, consumer: &str, more: &str) -> String {
    format!(
        "version = 1\n[sim]\nduration = \"{duration}\"\nwarmup = \"0s\"\nreplications = 1\n[defaults]\ntransport = \"free\"\n\
         [network]\nsame_zone = \"0ms\"\n[clients.c]\ncalls = \"a\"\n{source}\n\
         [services.a]\nconcurrency = \"unlimited\"\nsteps = [{{ publish = \"t\" }}]\n[topics.t]\n{topic}\n\
         [services.w]\nconsumes = [{{ from = \"t\", group = \"g\", {consumer} }}]\n{more}"
    )
}

fn constant(rate: u32) -> String {
    format!("arrivals = \"constant\"\nrate = \"{rate}/s\"")
}

fn fault(kind: &str, more: &str) -> String {
    format!("[[faults]]\nname = \"f\"\nkind = \"{kind}\"\n{more}\n")
}

const FLOW: &str = "[[flows]]\nname = \"event\"\nstarts = \"c\"\nends = \"w\"\n";

fn group(summary: &Summary) -> &Group {
    &summary.topics["t"].groups["g"]
}

fn ms(figure: hoptax::experiment::summary::Estimate) -> f64 {
    figure.value.expect("a figure")
}

/// Right: noticed at the next poll or commit (Kafka's `AbstractCoordinator`, heartbeat thread): in 100 s of batches of ten
/// seconds and a limit of five, 1 record and then ten times the same ten; each batch has a leave and a return.
#[test]
fn who_exceeds_the_poll_interval_finishes_the_batch_in_hand() {
    let text = scenario("100s", &constant(10), "", "batch = 10, work = \"1s\", max_poll_interval = \"5s\"", "");
    let summary = run(&text);
    let group = group(&summary);
    assert_eq!((group.consumed, group.duplicates), (11, 88), "{group:?}");
    assert!((18..=20).contains(&group.rebalances), "{group:?}");
}

/// Right: a poll fills `max.poll.records` across partitions (`FetchCollector.collectFetch`): after fifteen minutes of one a
/// second, 500 records of 0.7 s each take 350 s and the limit is five minutes, with one partition as with four.
#[test]
fn a_poll_fills_across_partitions() {
    for partitions in [1, 4] {
        let topic = format!("partitions = {partitions}\nkey = \"id\"");
        let down = fault("outage", "target = \"w\"\nat = \"1m\"\nduration = \"15m\"");
        let summary = run(&scenario("60m", &constant(1), &topic, "batch = 500, work = \"700ms\"", &down));
        let group = group(&summary);
        assert!(group.duplicates > 1_000 && group.rebalances > 6, "{partitions}: {group:?}");
    }
}

/// Right: one delay a record, from publishing to its first success: with one try in ten failing, exponential work is
/// exponential again with mean 10 / 0.9 ms, and an M/M/1 with 18 a second has 1 / (90 − 18) s.
#[test]
fn a_record_has_one_delay_whatever_its_tries() {
    let source = "arrivals = \"poisson\"\nrate = \"18/s\"";
    let text = scenario("1500s", source, "", "work = { mean = \"10ms\" }, error_rate = \"10%\"", "");
    let summary = run(&text);
    let mean = ms(group(&summary).delay_ms.mean);
    assert!((mean - 13.89).abs() < 0.5, "{mean}");
    assert_eq!(group(&summary).duplicates, 0);
}

/// Right: commits fall anywhere in their interval: what comes twice after a crash is rate × interval / 2 on average.
#[test]
fn what_comes_twice_after_a_crash_is_half_an_interval() {
    for (every, right) in [("1s", 20.0), ("5s", 100.0), ("15s", 300.0)] {
        let consumer = format!("session_timeout = \"3s\", commit_every = \"{every}\", work = \"1ms\"");
        let down = fault("crash", "target = \"w\"\nat = \"20s\"\nduration = \"10s\"");
        let text = scenario("40s", "rate = \"40/s\"", "", &consumer, &down)
            .replace("warmup = \"0s\"\nreplications = 1\n", "warmup = \"15s\"\nreplications = 100\n");
        let found = group(&run(&text)).duplicates as f64 / 100.0;
        // Uniform over the interval: a standard error of 0.29 × 2 / 10 of the mean.
        assert!((found / right - 1.0).abs() < 0.17, "{every}: {found}");
    }
}

/// Right: a killed consumer without `group.instance.id` is somebody new (KIP-345, `ClickHouse` issue 104305): the group waits for
/// the old one's session, 45 s from its last heartbeat; the others stop meanwhile (eager) or keep theirs (cooperative).
#[test]
fn a_killed_consumer_is_somebody_new_unless_it_is_static() {
    let killed = |consumer: &str| {
        let consumer = format!("work = \"5ms\", {consumer}");
        let down = fault("crash", "target = \"w\"\nreplicas = 1\nat = \"30s\"\nduration = \"5s\"");
        let text = scenario("3m", &constant(100), "partitions = 6\nkey = \"id\"", &consumer, &down)
            .replace("[services.w]\n", "[services.w]\nreplicas = 3\n");
        let group = group(&run(&text)).clone();
        (group.delay_ms.max.expect("records"), group.max_lag, group.rebalances)
    };
    let (eager, cooperative, named) =
        (killed("rebalance = \"eager\""), killed("rebalance = \"cooperative\""), killed("member = \"static\""));
    assert!(
        (42_000.0..46_000.0).contains(&eager.0) && (42_000.0..46_000.0).contains(&cooperative.0),
        "{eager:?} {cooperative:?}"
    );
    // All six partitions wait for some forty seconds, or two of them do.
    assert!((3_500..4_600).contains(&eager.1), "{eager:?}");
    assert!((1_200..1_600).contains(&cooperative.1), "{cooperative:?}");
    assert_eq!(eager.2, 1);
    assert!(named.0 < 6_000.0 && named.2 == 0, "{named:?}");
}

/// Right: only closed segments are deleted, and what `latest` jumps over is lost (apache/pinot issue 19359): ten of twenty
/// minutes with segments of a minute, nothing with Kafka's of seven days.
#[test]
fn what_latest_jumps_over_is_lost_and_only_closed_segments_are_deleted() {
    let with = |segment: &str, start: &str| {
        let down = fault("outage", "target = \"w\"\nat = \"2m\"\nduration = \"10m\"") + FLOW;
        let topic = format!("retention = \"5m\"\n{segment}");
        let summary = run(&scenario("20m", &constant(10), &topic, &format!("work = \"1ms\", {start}"), &down));
        let group = group(&summary).clone();
        assert_eq!(group.consumed + group.skipped + group.lag_at_end, summary.topics["t"].published, "{group:?}");
        (ms(summary.flows["event"].success_rate), group.skipped)
    };
    let (latest, lost) = with("segment = \"1m\"", "from_start = false");
    assert!((latest - 0.5).abs() < 0.005 && (5_950..6_050).contains(&lost), "{latest} {lost}");
    // The oldest that is left is five to ten minutes old: that of the last look, at 10.5 minutes.
    let (earliest, lost) = with("segment = \"1m\"", "from_start = true");
    assert!((earliest - 0.85).abs() < 0.03 && (1_700..2_200).contains(&lost), "{earliest} {lost}");
    assert_eq!(with("", "from_start = false"), (1.0, 0));
}

/// Right: with one copy, whoever waits for the leader waits for the same as who waits for all.
#[test]
fn with_one_copy_the_leaders_word_is_everybodys() {
    let latency = |topic: &str| {
        let text = scenario("30s", &constant(50), &format!("publish_latency = \"2ms\"\n{topic}"), "work = \"1ms\"", "")
            .replace("publish = \"t\"", "publish = \"t\", wait_for_ack = true");
        ms(run(&text).clients["c"].latency_ms.mean)
    };
    assert!((latency("acks = \"leader\"") - latency("acks = \"all\"")).abs() < 1e-9);
    assert!(latency("acks = \"none\"") < 0.001 && latency("acks = \"leader\"\nreplication = 3") < 0.001);
}

/// Right: members that poll every second do not all ask at the same instant: work that comes in twenty at once would be done
/// in steps of a second otherwise.
#[test]
fn pollers_do_not_march_in_step() {
    let text = scenario(
        "10m",
        &constant(10),
        "partitions = 10\nkey = \"id\"",
        "poll = \"1s\", batch = 500, work = \"1ms\"",
        "",
    )
    .replace("[services.w]\n", "[services.w]\nreplicas = 10\n");
    let summary = run(&text);
    // Each partition waits half a second on average; the lag of all ten is never that of a whole second at once.
    let group = group(&summary);
    assert!((ms(group.delay_ms.mean) - 500.0).abs() < 40.0, "{group:?}");
    assert!(group.max_lag < 11 && ms(group.mean_lag) > 4.0, "{group:?}");
}

/// Right: five requests in flight a connection (`max.in.flight.requests.per.connection`), then records wait and batch by
/// themselves: at 20 ms that is 250 requests a second without linger, and one in 5.2 ms with 5 ms of it: 1.3-fold, not 26-fold.
#[test]
fn five_requests_in_flight_then_records_batch_by_themselves() {
    let batches = |topic: &str| {
        let topic = format!("partitions = 4\npublish_latency = \"20ms\"\n{topic}");
        let consumer = "concurrency = 4, batch = 500, work = \"50us\"";
        let summary = run(&scenario("10s", "arrivals = \"poisson\"\nrate = \"5000/s\"", &topic, consumer, ""));
        ms(summary.topics["t"].batches_per_s)
    };
    let (none, five) = (batches(""), batches("linger = \"5ms\""));
    assert!((245.0..251.0).contains(&none) && (185.0..200.0).contains(&five), "{none} {five}");
    assert!((batches("in_flight = 1") - 50.0).abs() < 1.0);
    assert!(batches("in_flight = \"unlimited\"") > 4_800.0);
    // A request takes what waits for any partition: up to four batches with keys.
    let keyed = batches("key = \"id\"");
    assert!((300.0..=1_000.0).contains(&keyed), "{keyed}");
}

/// Right: a producer gives up after `delivery.timeout.ms`: of five minutes without a broker the first three are lost, the last
/// two arrive; who waits for its record hears that after two minutes.
#[test]
fn a_producer_gives_up_after_two_minutes() {
    let down = fault("outage", "target = \"t\"\nat = \"1m\"\nduration = \"5m\"") + FLOW;
    let text = scenario("10m", &constant(50), "partitions = 4", "concurrency = 4, work = \"5ms\"", &down);
    let summary = run(&text);
    let success = ms(summary.flows["event"].success_rate);
    assert!((success - 0.7).abs() < 0.002, "{success}");
    assert!((8_950..9_050).contains(&summary.topics["t"].lost), "{}", summary.topics["t"].lost);
    let waits = run(&text.replace("publish = \"t\"", "publish = \"t\", wait_for_ack = true"));
    let client = &waits.clients["c"];
    assert!((ms(client.success_rate) - 0.7).abs() < 0.002, "{:?}", client.success_rate);
    let patient = run(&text.replace("[topics.t]\n", "[topics.t]\ndelivery_timeout = \"10m\"\n"));
    assert_eq!(patient.topics["t"].lost, 0);
}

/// Right: a full buffer blocks whoever publishes, waiting for the broker or not, and fails it after `max.block.ms`: 1,000 records
/// are twenty seconds; nobody waits longer than ten.
#[test]
fn a_full_buffer_blocks_whoever_publishes() {
    let down = fault("outage", "target = \"t\"\nat = \"60s\"\nduration = \"60s\"");
    let topic = "buffer = 1000\nmax_block = \"10s\"";
    let summary = run(&scenario("3m", &constant(50), topic, "concurrency = 1, work = \"1ms\"", &down));
    let client = &summary.clients["c"];
    // From the 80th second until ten before the broker is back: thirty of 180.
    assert!((ms(client.success_rate) - 5.0 / 6.0).abs() < 0.002, "{:?}", client.success_rate);
    assert!((client.latency_ms.max.expect("answers") - 10_000.0).abs() < 25.0, "{:?}", client.latency_ms.max);
    assert_eq!(summary.topics["t"].lost, 0);
    assert!((7_495..=7_505).contains(&summary.topics["t"].published), "{}", summary.topics["t"].published);
}

/// Right: what a producer has not sent dies with its process.
#[test]
fn what_a_producer_holds_dies_with_it() {
    let killed = fault("crash", "target = \"a\"\nat = \"30.5s\"\nduration = \"1s\"");
    let summary = run(&scenario("60s", &constant(10), "linger = \"10s\"", "work = \"1ms\"", &killed));
    let (lost, published) = (summary.topics["t"].lost, summary.topics["t"].published);
    assert!((1..=100).contains(&lost), "{lost}");
    assert!(published - lost - group(&summary).consumed <= 100, "{lost} of {published}");
}
