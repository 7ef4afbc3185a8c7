//! What the pages call RabbitMQ's, SQS's, Spring AMQP's, PostgreSQL's or HikariCP's, against what those say themselves. Each row: the
//! key, what hoptax has, where the real system says so, whether that was found there, and a look at what hoptax does.
//!
//! Of 30 rows, seven were wrong in 0.1.0: late deletes, what a dead consumer of SQS had, when SQS gives a message up, what a
//! late consumer of `RabbitMQ` loses, `block`, writes on any replica, and deadlocks without a victim.

use hoptax::experiment::summary::Summary;
use hoptax::scenario::canonical;

use crate::bench::{checked, run};

/// Whether the real system's own page was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Verified,
    Unconfirmed,
}
use Found::{Unconfirmed, Verified};

struct Row {
    key: &'static str,
    value: &'static str,
    source: &'static str,
    found: Found,
    holds: fn() -> String,
}

const fn row(key: &'static str, value: &'static str, source: &'static str, found: Found, holds: fn() -> String) -> Row {
    Row { key, value, source, found, holds }
}

/// One message each 10 ms for a second, all times constant, one hop 1 ms.
fn steady(queue: &str, consumer: &str, more: &str) -> Summary {
    run(&text(queue, consumer, more))
}

fn text(queue: &str, consumer: &str, more: &str) -> String {
    format!(
        "version = 1\n[sim]\nduration = \"1s\"\nwarmup = \"0s\"\nreplications = 1\n[network]\nsame_zone = \"1ms\"\n\
         [defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"p\"\narrivals = \"constant\"\nrate = \"100/s\"\n\
         [services.p]\nsteps = [{{ send = \"q\" }}]\n[queues.q]\n{queue}\n\
         [services.w]\nconsumes = [{{ from = \"q\", {consumer} }}]\n{more}"
    )
}

/// What the canonical form says of a key of a queue in the words of SQS.
fn of_sqs(key: &str) -> String {
    said(&text("visibility_timeout = \"30s\"", "work = \"1ms\"", ""), "[queues.q]", key)
}

/// What it says where nothing is written.
fn default_of(section: &str, key: &str) -> String {
    let pool = "[services.p.pools]\ndb = {}\n[databases.db]\ntables.t = {}\n";
    let text = text("", "work = \"1ms\"", pool)
        .replace("{ send = \"q\" }", "{ send = \"q\" }, { query = \"db\", mode = \"write\", table = \"t\" }");
    said(&text, section, key)
}

/// What the canonical form says of a key, comments aside.
fn said(text: &str, section: &str, key: &str) -> String {
    let printed = canonical(checked(text).scenario());
    let lines = printed.lines().skip_while(|line| !line.starts_with(section));
    let mut own = lines.skip(1).take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(" = "));
    let found = own.find(|(name, _)| name.trim_start_matches("# ") == key);
    let value = found.map_or("none", |(_, value)| value.split(" #").next().unwrap_or(value).trim());
    value.trim_matches('"').to_owned()
}

fn told(holds: bool, what: &str) -> String {
    if holds { what.to_owned() } else { format!("not: {what}") }
}

const RABBIT: &str = "rabbitmq-website docs/maxlength, Default Max Queue Length Limit Behaviour";
const OVERFLOW: &str = "rabbitmq-website docs/maxlength, Queue Overflow Behaviour";
const DLX: &str = "rabbitmq-website docs/dlx";
const SQS: &str = "Amazon SQS API reference";

static ROWS: &[Row] = &[
    row("queues.when_full", "drop_oldest", RABBIT, Verified, || default_of("[queues.q]", "when_full")),
    row("queues.capacity", "unlimited", "rabbitmq-website docs/maxlength: none unless set", Verified, || {
        default_of("[queues.q]", "capacity")
    }),
    row("queues.capacity", "ready messages only", "rabbitmq-website docs/maxlength, Overview", Verified, || {
        // 50 messages with the consumer, 50 and no more ready: nothing is dropped.
        let queue = steady("capacity = 60", "prefetch = 50, work = \"10s\"", "").queues["q"].clone();
        told(queue.dropped == 0 && queue.max_depth > 40 && queue.published > 90, "ready messages only")
    }),
    row("when_full = drop_oldest", "the head goes, the publisher is confirmed", RABBIT, Verified, || {
        let all = steady("capacity = 5\nconfirms = true", "prefetch = 1, work = \"1s\"", "");
        told(
            all.queues["q"].dropped > 80 && all.clients["c"].failed.is_empty(),
            "the head goes, the publisher is confirmed",
        )
    }),
    row("when_full = drop_oldest", "the head is dead-lettered", DLX, Verified, || {
        let all = steady("capacity = 5\ndead_letter = \"dead\"", "prefetch = 1, work = \"1s\"", "[queues.dead]\n");
        told(
            all.queues["dead"].published.abs_diff(all.queues["q"].dead_lettered) < 10
                && all.queues["q"].dead_lettered > 80,
            "the head is dead-lettered",
        )
    }),
    row("when_full = reject", "a nack, seen with confirms only", OVERFLOW, Verified, || {
        let of = |confirms: bool| {
            steady(
                &format!("capacity = 5\nwhen_full = \"reject\"\nconfirms = {confirms}"),
                "prefetch = 1, work = \"1s\"",
                "",
            )
        };
        let (seen, unseen) = (of(true), of(false));
        let holds = seen.clients["c"].failed.values().sum::<u64>().abs_diff(seen.queues["q"].rejected) <= 1
            && unseen.clients["c"].failed.is_empty()
            && unseen.queues["q"].rejected > 80;
        told(holds, "a nack, seen with confirms only")
    }),
    row("when_full = dead_letter", "refused and dead-lettered", OVERFLOW, Verified, || {
        let queue = "capacity = 5\nwhen_full = \"dead_letter\"\ndead_letter = \"dead\"";
        let all = steady(queue, "prefetch = 1, work = \"1s\"", "[queues.dead]\n");
        told(
            all.queues["dead"].published == all.queues["q"].rejected && all.queues["q"].rejected > 80,
            "refused and dead-lettered",
        )
    }),
    row(
        "when_full = block",
        "senders wait",
        "java.util.concurrent.BlockingQueue, put; rabbitmq-website docs/connection-blocked (by alarm, not by length)",
        Verified,
        || {
            let all = steady("capacity = 5\nwhen_full = \"block\"", "prefetch = 1, work = \"50ms\"", "");
            told(all.queues["q"].max_blocked > 50 && all.queues["q"].rejected == 0, "senders wait")
        },
    ),
    row("queues.confirms", "false", "rabbitmq-website docs/confirms: enabled with confirm.select", Verified, || {
        default_of("[queues.q]", "confirms")
    }),
    row(
        "queues.confirms",
        "heard when the message is safe",
        "rabbitmq-website docs/confirms, When Will Published Messages Be Confirmed",
        Verified,
        || {
            let all = steady("confirms = true\npublish_latency = \"3ms\"", "work = \"1ms\"", "");
            let mean = all.clients["c"].latency_ms.mean.value.unwrap_or_default();
            told((mean - 7.0).abs() < 1e-6, "heard when the message is safe")
        },
    ),
    row(
        "queues.ack_timeout",
        "none",
        "RabbitMQ's is 30 min, looked at once a minute; docs/consumers",
        Verified,
        || default_of("[queues.q]", "ack_timeout"),
    ),
    row(
        "queues.ack_timeout",
        "a late consumer loses all it has",
        "rabbitmq-website docs/consumers, Delivery Acknowledgement Timeout",
        Verified,
        || {
            let queue = steady("ack_timeout = \"200ms\"", "prefetch = 100, work = \"300ms\"", "").queues["q"].clone();
            told(queue.acked == 0 && queue.redelivered > 40, "a late consumer loses all it has")
        },
    ),
    row(
        "queues.max_deliveries",
        "unlimited",
        "docs/quorum-queues: delivery-limit 20 for quorum queues from 4.0 on, none for classic ones",
        Verified,
        || default_of("[queues.q]", "max_deliveries"),
    ),
    row(
        "queues.max_deliveries",
        "RabbitMQ's delivery-limit + 1",
        "docs/quorum-queues, Poison Message Handling: redelivered more times than the limit",
        Verified,
        || {
            // A limit of 2 is three deliveries.
            let queue =
                steady("max_deliveries = 3", "prefetch = 1, work = \"1ms\", error_rate = 1.0", "").queues["q"].clone();
            told(
                queue.delivered == 3 * queue.published && queue.dropped == queue.published,
                "RabbitMQ's delivery-limit + 1",
            )
        },
    ),
    row(
        "queues.message_ttl",
        "expires at the head, and is not delivered",
        "rabbitmq-website docs/ttl, Caveats",
        Verified,
        || {
            let queue = steady("message_ttl = \"100ms\"", "prefetch = 1, work = \"50ms\"", "").queues["q"].clone();
            told(
                queue.expired > 50 && queue.wait_ms.max.unwrap_or(1e9) < 101.1,
                "expires at the head, and is not delivered",
            )
        },
    ),
    row(
        "queues.message_ttl",
        "kept when a message goes back",
        "rabbitmq-website docs/ttl: the original expiry time is preserved",
        Verified,
        || {
            let consumer = "prefetch = 1, work = \"150ms\", error_rate = 1.0";
            let queue = steady("message_ttl = \"100ms\"", consumer, "").queues["q"].clone();
            told(queue.redelivered == 0 && queue.expired > 50, "kept when a message goes back")
        },
    ),
    row("queues.dead_letter", "rejected, expired, too often, too many", DLX, Verified, || {
        let dead = |queue: &str, consumer: &str| {
            let all = steady(&format!("dead_letter = \"dead\"\n{queue}"), consumer, "[queues.dead]\n");
            all.queues["q"].dead_lettered > 50
                && all.queues["q"].dead_lettered.abs_diff(all.queues["dead"].published) < 20
        };
        let holds = dead("", "work = \"1ms\", error_rate = 1.0, on_error = \"dead_letter\"")
            && dead("message_ttl = \"50ms\"", "prefetch = 1, work = \"40ms\"")
            && dead("max_deliveries = 2", "work = \"1ms\", error_rate = 1.0")
            && dead("capacity = 5", "prefetch = 1, work = \"1s\"");
        told(holds, "rejected, expired, too often, too many")
    }),
    row(
        "queues.priorities",
        "false",
        "rabbitmq-website docs/priority: classic queues have none unless declared",
        Verified,
        || default_of("[queues.q]", "priorities"),
    ),
    row(
        "consumes.prefetch",
        "250",
        "spring-amqp AbstractMessageListenerContainer.DEFAULT_PREFETCH_COUNT",
        Verified,
        || default_of("[[services.w.consumes]]", "prefetch"),
    ),
    row(
        "consumes.concurrency",
        "1",
        "spring-amqp SimpleMessageListenerContainer.concurrentConsumers",
        Unconfirmed,
        || default_of("[[services.w.consumes]]", "concurrency"),
    ),
    row("consumes.on_error", "retry", "spring-amqp, defaultRequeueRejected = true", Unconfirmed, || {
        default_of("[[services.w.consumes]]", "on_error")
    }),
    row(
        "a dead consumer",
        "what it had goes back at once",
        "rabbitmq-website docs/confirms, Automatic Requeueing",
        Verified,
        || {
            let crash = "[[faults]]\nkind = \"crash\"\ntarget = \"w\"\nat = \"500ms\"\nduration = \"100ms\"\n";
            let queue = steady("", "prefetch = 10, work = \"20ms\"", crash).queues["q"].clone();
            told((1..=10).contains(&queue.redelivered), "what it had goes back at once")
        },
    ),
    row("queues.visibility_timeout", "none", "SQS's is 30 s: CreateQueue, VisibilityTimeout", Verified, || {
        default_of("[queues.q]", "visibility_timeout")
    }),
    row("queues.kind", "standard", "Amazon SQS API reference, CreateQueue, FifoQueue", Verified, || of_sqs("kind")),
    row("kind = standard", "the last receipt deletes, however late", SQS, Verified, || {
        let queue = steady("visibility_timeout = \"20ms\"", "poll = \"1ms\", work = \"30ms\"", "").queues["q"].clone();
        told(queue.acked > 25 && queue.redelivered == 0, "the last receipt deletes, however late")
    }),
    row(
        "kind = fifo",
        "who is late is refused",
        "aws/aws-sdk-js#1279, #1750; localstack/localstack#12442 (against AWS)",
        Verified,
        || {
            let queue = steady("visibility_timeout = \"20ms\"\nkind = \"fifo\"", "poll = \"1ms\", work = \"30ms\"", "")
                .queues["q"]
                .clone();
            told(queue.acked == 0 && queue.redelivered > 20, "who is late is refused")
        },
    ),
    row("max_deliveries", "SQS's maxReceiveCount", "Amazon SQS Developer Guide, dead-letter queues", Verified, || {
        let queue = "visibility_timeout = \"5ms\"\nmax_deliveries = 2\ndead_letter = \"dead\"";
        let all = steady(queue, "poll = \"1ms\", work = \"1ms\", error_rate = 1.0", "[queues.dead]\n");
        let own = &all.queues["q"];
        told(own.dead_lettered > 10 && own.acked == 0 && own.delivered <= 2 * own.published, "SQS's maxReceiveCount")
    }),
    row("pools.connections", "10", "HikariCP HikariConfig.maximumPoolSize", Verified, || {
        default_of("[services.p.pools.db]", "connections")
    }),
    row("pools.wait", "30s", "HikariCP HikariConfig.CONNECTION_TIMEOUT", Verified, || {
        default_of("[services.p.pools.db]", "wait")
    }),
    row("databases.deadlock_timeout", "1s", "PostgreSQL, Lock Management, deadlock_timeout", Verified, || {
        default_of("[databases.db]", "deadlock_timeout")
    }),
];

#[test]
fn every_row_holds() {
    let broken: Vec<String> = ROWS
        .iter()
        .filter_map(|row| {
            let found = (row.holds)();
            (found != row.value).then(|| format!("{}: {found}, not {} ({})", row.key, row.value, row.source))
        })
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
    assert_eq!(ROWS.iter().filter(|row| row.found == Unconfirmed).count(), 2);
}
