//! Whatever topics and their groups say is "Kafka's", against Kafka: its source as of October 2024, just before 4.0
//! (`github.com/apache/kafka`, 1eb7644), unless a row says otherwise. What is not in these tables is no preset: `batch` of a topic
//! (Kafka: 16 kB a partition, `batch.size`), `buffer` (32 MiB), `batch` of a consumer (500, `max.poll.records`), `poll`, `key`.
//!
//! Found wrong when this table was made: restarted consumers were static members; a poll took one partition; a late member stopped
//! in the middle of its batch; commits by the clock fell within three seconds; records were deleted one by one; `latest` lost
//! nothing of what it jumped over for flows; requests in flight and the producer's patience had no limit; `acks` of one copy
//! differed; what a killed producer held was sent all the same; what lost its leader was written again out of order.

use hoptax::model::Plan;
use hoptax::model::stream::{Acks, Protocol};

use crate::bench::{plan, run};

/// A default: its key, what it is, the setting of that name, where that is said, and whether it was found there.
struct Row {
    key: &'static str,
    value: &'static str,
    setting: &'static str,
    page: &'static str,
    verified: bool,
    found: fn(&Plan) -> String,
}

const PRODUCER: &str = "clients/…/producer/ProducerConfig.java";
const CONSUMER: &str = "clients/…/consumer/ConsumerConfig.java";
const LOG: &str = "storage/…/log/LogConfig.java";
const BROKER: &str = "server-common/…/config/ServerLogConfigs.java";
const REPLICATION: &str = "server/…/config/ReplicationConfigs.java";
const SPRING: &str = "docs.spring.io/spring-kafka, listener container";

fn span(span: hoptax::units::Span) -> String {
    span.to_string()
}

const fn row(
    key: &'static str,
    value: &'static str,
    setting: &'static str,
    page: &'static str,
    verified: bool,
    found: fn(&Plan) -> String,
) -> Row {
    Row { key, value, setting, page, verified, found }
}

const DEFAULTS: &[Row] = &[
    row("partitions", "1", "num.partitions", BROKER, true, |p| p.topics[0].partitions.to_string()),
    row("retention", "7d", "retention.ms", LOG, true, |p| span(p.topics[0].retention)),
    row("segment", "7d", "segment.ms", LOG, true, |p| span(p.topics[0].segment)),
    row("replication", "1", "default.replication.factor", REPLICATION, true, |p| p.topics[0].replication.to_string()),
    row("min_insync", "1", "min.insync.replicas", BROKER, true, |p| p.topics[0].min_insync.to_string()),
    row("acks", "All", "acks", PRODUCER, true, |p| format!("{:?}", p.topics[0].acks)),
    row("linger", "0s", "linger.ms (up to 3.9)", PRODUCER, true, |p| span(p.topics[0].linger)),
    row("in_flight", "5", "max.in.flight.requests.per.connection", PRODUCER, true, |p| {
        p.topics[0].in_flight.to_string()
    }),
    row("delivery_timeout", "2m", "delivery.timeout.ms", PRODUCER, true, |p| span(p.topics[0].delivery_timeout)),
    row("max_block", "1m", "max.block.ms", PRODUCER, true, |p| span(p.topics[0].max_block)),
    row("rebalance", "Eager", "partition.assignment.strategy (Range first)", CONSUMER, true, |p| {
        format!("{:?}", p.groups[0].protocol)
    }),
    row("member", "dynamic", "group.instance.id (null)", CONSUMER, true, |p| {
        if p.groups[0].keeps_names { "static" } else { "dynamic" }.into()
    }),
    row("session_timeout", "45s", "session.timeout.ms", CONSUMER, true, |p| span(p.groups[0].session_timeout)),
    row("max_poll_interval", "5m", "max.poll.interval.ms", CONSUMER, true, |p| span(p.groups[0].max_poll_interval)),
    row("from_start", "false", "auto.offset.reset (latest)", CONSUMER, true, |p| {
        p.groups[0].seats[0].from_start.to_string()
    }),
    row("concurrency", "1", "concurrency", SPRING, false, |p| p.groups[0].seats[0].concurrency.to_string()),
    row("commit_every", "None", "AckMode.BATCH", SPRING, false, |p| format!("{:?}", p.groups[0].seats[0].commit_every)),
];

const PLAIN: &str = "version = 1\n[sim]\nduration = \"1s\"\n[clients.c]\ncalls = \"a\"\nrate = \"1/s\"\n\
    [services.a]\nsteps = [{ publish = \"t\" }]\n[topics.t]\n\
    [services.w]\nconsumes = [{ from = \"t\", group = \"g\" }]\n";

#[test]
fn defaults_are_those_of_kafka() {
    let plan = plan(PLAIN);
    for Row { key, value, setting, page, verified, found } in DEFAULTS {
        let words = if *verified { "" } else { " (unconfirmed)" };
        assert_eq!(found(&plan), *value, "`{key}` is {setting} of {page}{words}");
    }
    assert_eq!(DEFAULTS.iter().filter(|row| !row.verified).count(), 2);
    assert_eq!((plan.topics[0].acks, plan.groups[0].protocol), (Acks::All, Protocol::Eager));
}

/// What no key says: the longest delay that a fault brings, in seconds, between what the setting allows.
struct Rule {
    setting: &'static str,
    page: &'static str,
    topic: &'static str,
    fault: &'static str,
    between: (f64, f64),
}

const RULES: &[Rule] = &[
    Rule {
        setting: "broker.session.timeout.ms = 9 s: then another copy leads",
        page: "server/…/config/KRaftConfigs.java",
        topic: "replication = 3",
        fault: "kind = \"outage\"\ntarget = \"t\"",
        between: (8.6, 9.2),
    },
    Rule {
        setting: "unclean.leader.election.enable = false: with one copy the partition waits",
        page: LOG,
        topic: "replication = 1",
        fault: "kind = \"outage\"\ntarget = \"t\"",
        between: (19.5, 20.2),
    },
    Rule {
        setting: "heartbeat.interval.ms = 3 s: a session ends 42 to 45 s after the crash",
        page: CONSUMER,
        topic: "",
        fault: "kind = \"crash\"\ntarget = \"w\"",
        between: (41.5, 45.2),
    },
    Rule {
        setting: "LeaveGroup: whoever stops in good order is gone at once, and new when it is back",
        page: "clients/…/consumer/internals/AbstractCoordinator.java",
        topic: "",
        fault: "kind = \"outage\"\ntarget = \"w\"",
        between: (19.5, 20.2),
    },
];

#[test]
fn rules_without_a_key_are_those_of_kafka() {
    for Rule { setting, page, topic, fault, between } in RULES {
        let text =
            PLAIN.replace("\"1s\"", "\"100s\"\nwarmup = \"0s\"\nreplications = 1").replace("\"1/s\"", "\"20/s\"")
                + &format!("work = \"1ms\"\n[[faults]]\nname = \"f\"\n{fault}\nat = \"20s\"\nduration = \"20s\"\n");
        let text = text.replace("[topics.t]\n", &format!("[topics.t]\n{topic}\n"));
        let longest = run(&text).topics["t"].groups["g"].delay_ms.max.expect("records") / 1000.0;
        assert!((between.0..=between.1).contains(&longest), "{setting} ({page}): {longest} s");
    }
}
