//! Queues, topics, who consumes them, and flows.

use super::tables::{Key, Shape, Table, Word, key, word};

const UNLIMITED: &[Word] = &[word("unlimited", "No limit.")];

const WHEN_FULL: &[Word] = &[
    word(
        "drop_oldest",
        "The message at the head is dropped (or dead-lettered), the new one is confirmed: `drop-head`.",
    ),
    word(
        "reject",
        "The new message is refused: `reject-publish`. Who waits for the broker's answer (a nack) fails with `overloaded`, \
         who does not never hears of it.",
    ),
    word("dead_letter", "The same, and the message goes to the queue's `dead_letter`: `reject-publish-dlx`."),
    word(
        "block",
        "The sender waits until there is room, whether it waits for the broker's answer or not: a bounded queue within a \
         process, or a broker's flow control. (RabbitMQ itself blocks by alarms of memory and disk, never by length.)",
    ),
];

const KIND: &[Word] = &[
    word(
        "standard",
        "Who received a message last may delete it, also when its time is over and nobody has received it since.",
    ),
    word("fifo", "Whoever is late is refused. (Message groups are not modelled.)"),
];

const PUBLISHING: Key = key(
    "publish_latency",
    Shape::Law,
    "From a message's arrival at the broker until it is safe there: only then is it delivered and confirmed.",
)
.or("\"0s\"");

const ZONE: Key =
    key("zone", Shape::Zone, "`region/zone/host`: decides the network class to it. Default: all in one zone.");

/// `[queues.*]`.
pub static QUEUE: Table = Table {
    name: "[queues.*]",
    doc: "A queue: each message goes to one consumer, and is gone when that has acknowledged it. The broker is a node \
          of its own and costs nothing but what is written here.",
    keys: &[&[
        PUBLISHING,
        key(
            "capacity",
            Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]),
            "Messages ready for delivery; those with consumers do not count.",
        )
        .or("\"unlimited\""),
        key(
            "when_full",
            Shape::Choice(WHEN_FULL),
            "What happens beyond the capacity. The default is RabbitMQ's, `drop-head`.",
        )
        .or("\"drop_oldest\""),
        key(
            "ack_timeout",
            Shape::Duration,
            "RabbitMQ: a consumer that has not acknowledged a message so long after its delivery loses its channel: all \
             it has is delivered again, what it says later is refused; it works on. Default: never (RabbitMQ: 30 min).",
        ),
        key(
            "visibility_timeout",
            Shape::Duration,
            "SQS: a message is hidden so long after it was received, whatever becomes of who has it. SQS's default is 30 s.",
        ),
        key("kind", Shape::Choice(KIND), "With a visibility_timeout: what a late acknowledgement does.")
            .or("\"standard\""),
        key(
            "max_deliveries",
            Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]),
            "A message that comes back after so many deliveries goes to `dead_letter`, or is dropped. SQS's \
             maxReceiveCount; RabbitMQ's delivery-limit + 1 (its default for quorum queues is 20).",
        )
        .or("\"unlimited\""),
        key("dead_letter", Shape::Text, "The queue that gets what is given up here. Default: it is dropped."),
        key(
            "message_ttl",
            Shape::Duration,
            "A message expires when it reaches the head older than that. Default: never.",
        ),
        key(
            "priorities",
            Shape::Flag,
            "Whether messages are delivered by priority (inherited from the client), 0 first.",
        )
        .or("false"),
        key(
            "confirms",
            Shape::Flag,
            "Whether publishers wait until the message is safe, where the step does not say it (wait_for_ack).",
        )
        .or("false"),
        ZONE,
    ]],
};

const ACKS: &[Word] = &[
    word("all", "Every replica in sync has it."),
    word("leader", "The leader has it."),
    word("none", "Nobody is asked."),
];

/// `[topics.*]`.
pub static TOPIC: Table = Table {
    name: "[topics.*]",
    doc: "A topic: a log of events in partitions; every group of consumers gets every event, in order per partition.",
    keys: &[&[
        PUBLISHING,
        key("partitions", Shape::Whole, "So many logs; one is read by one member of a group. The default is Kafka's.")
            .or("1"),
        key(
            "key",
            Shape::Or(&[Shape::Text, Shape::One(&KEYED)]),
            "What decides the partition where a step names no key. Default: none, in turn.",
        ),
        key("retention", Shape::Duration, "How long events are kept, read or not. The default is Kafka's.")
            .or("\"7d\""),
        key(
            "segment",
            Shape::Duration,
            "A partition begins a new segment when its oldest event is so old; `retention` deletes whole segments, and looks \
             every five minutes. The default is Kafka's.",
        )
        .or("\"7d\""),
        key("replication", Shape::Whole, "Copies of each partition, the leader's included. The default is Kafka's.")
            .or("1"),
        key(
            "min_insync",
            Shape::Whole,
            "Copies in sync without which acks = \"all\" cannot be had. The default is Kafka's.",
        )
        .or("1"),
        key("acks", Shape::Choice(ACKS), "Who must have an event before it is safe. The default is Kafka's.")
            .or("\"all\""),
        key(
            "linger",
            Shape::Duration,
            "How long a publisher gathers a batch (Kafka: 0 ms up to 3.9, 5 ms from 4.0 on).",
        )
        .or("\"0s\""),
        key("batch", Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]), "Messages of a batch at most.").or("\"unlimited\""),
        key(
            "in_flight",
            Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]),
            "Requests of one publisher that the broker has not answered; beyond that events wait and share a batch. The \
             default is Kafka's.",
        )
        .or("5"),
        key(
            "delivery_timeout",
            Shape::Duration,
            "A publisher gives up an event that is not safe so long after it was published. The default is Kafka's.",
        )
        .or("\"2m\""),
        key(
            "buffer",
            Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]),
            "Events that one publisher holds until they are safe; when it is full, whoever publishes waits. (Kafka: 32 MiB.)",
        )
        .or("\"unlimited\""),
        key(
            "max_block",
            Shape::Duration,
            "Whoever waits longer for room in the buffer fails. The default is Kafka's.",
        )
        .or("\"60s\""),
        ZONE,
    ]],
};

/// `key = { … }` of a topic.
pub static KEYED: Table = Table {
    name: "key = { … }",
    doc: "A key that requests share: records with the same value go to the same partition, so that popular values make hot \
          partitions. A text alone names a key of which every request has its own value.",
    keys: &[&[
        key("name", Shape::Text, "Its name."),
        key("keys", Shape::Whole, "How many values it has."),
        key("skew", Shape::Number, "The k-th most frequent value has weight k^-skew (Zipf); 0: all alike.").or("0.0"),
    ]],
};

const REBALANCE: &[Word] = &[
    word("eager", "Every member gives up all its partitions first: the whole group pauses."),
    word("cooperative", "Members keep what does not move and work on; what moves pauses for two rounds."),
];

const MEMBER: &[Word] = &[
    word("dynamic", "A new member: the group waits until the session of the one it was is over, unless that left."),
    word("static", "The old member, as long as its session lasts; it does not leave when it stops."),
];

/// `replay = { … }`.
pub static REPLAY: Table = Table {
    name: "replay = { … }",
    doc: "The group goes back in its topic, as after a bug that has been mended. Times count from the start of the measured \
          time; records are kept from `from` on.",
    keys: &[&[
        key("at", Shape::Duration, "When it goes back."),
        key("from", Shape::Duration, "To what was published from then on.").or("\"0s\""),
    ]],
};

const GROUP: &[Key] = &[
    key(
        "rebalance",
        Shape::Choice(REBALANCE),
        "Topics: how partitions change hands when members come and go. The default is Kafka's.",
    )
    .or("\"eager\""),
    key(
        "member",
        Shape::Choice(MEMBER),
        "Topics: who a consumer is when it comes back. The default is Kafka's (no `group.instance.id`).",
    )
    .or("\"dynamic\""),
    key(
        "session_timeout",
        Shape::Duration,
        "Topics: a member that crashed is given up so long after its last heartbeat. The default is Kafka's.",
    )
    .or("\"45s\""),
    key(
        "max_poll_interval",
        Shape::Duration,
        "Topics: a member that works longer on a batch is given up by its group. The default is Kafka's.",
    )
    .or("\"5m\""),
    key("replay", Shape::One(&REPLAY), "Topics: the group goes back once. Default: never."),
    key("dead_letter", Shape::Text, "Topics: the queue that gets events that fail under on_error = \"dead_letter\"."),
];

const ACK: &[Word] = &[
    word("after", "When it has been handled: a message may be handled twice, but is not lost."),
    word("before", "When a consumer begins with it: a message may be lost, but is not handled twice."),
];

const ON_ERROR: &[Word] = &[
    word("retry", "It goes back, near the head, and is delivered again."),
    word("skip", "It is acknowledged all the same."),
    word("dead_letter", "It goes to the queue's `dead_letter` (of a topic: the consumer's own), or is dropped."),
    word("never_ack", "Queues: nothing is said: it stays with the consumer, whose prefetch fills."),
];

/// One entry of `consumes`.
pub static CONSUMER: Table = Table {
    name: "[[services.*.consumes]]",
    doc: "Messages a service takes from a queue or a topic. A consumer handles one message at a time and is a worker of \
          its own beside the service's, but shares the replica's `cores`. What it does is its own `work` and `steps`; \
          what it does not say is that of the service's default endpoint.",
    keys: &[&[
        key("from", Shape::Text, "The queue or topic."),
        key("group", Shape::Text, "Topics, where it is needed: the group whose members share the events."),
        key("concurrency", Shape::Whole, "Consumers of each replica. The default is Spring's.").or("1"),
        key(
            "prefetch",
            Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]),
            "Queues: deliveries without acknowledgement that one consumer may have. The default is Spring AMQP's.",
        )
        .or("250"),
        key("batch", Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]), "Messages that one poll takes at most; handled one after the other.")
            .or("1"),
        key("ack", Shape::Choice(ACK), "When a message is acknowledged.").or("\"after\""),
        key("commit_every", Shape::Duration, "Topics: the offset is stored so often. Default: after every batch."),
        key(
            "poll",
            Shape::Law,
            "Asks for messages, and sleeps so long when it found none. Default: the broker of a queue pushes.",
        ),
        key(
            "from_start",
            Shape::Flag,
            "Topics: when events it had not read were deleted (`retention`), goes on with the oldest left, not the newest.",
        )
        .or("false"),
        key("ordered", Shape::Flag, "Topics: events of a partition one after the other.").or("true"),
        key("on_error", Shape::Choice(ON_ERROR), "What becomes of a message whose handling fails.").or("\"retry\""),
        key("idempotent", Shape::Flag, "Whether handling a message twice is no second effect.").or("false"),
        key(
            "error_rate",
            Shape::Share,
            "Fails so many messages after their work. Default: the service's, unless work or steps are said here.",
        ),
        key("work", Shape::Law, "CPU time of a message. Default: the service's."),
        key("steps", Shape::Steps, "What is done with a message after its work. Default: what the service does."),
    ], GROUP],
};

/// `[[flows]]`.
pub static FLOW: Table = Table {
    name: "[[flows]]",
    doc: "What done means to the business, across asynchronous hops: from the moment a client's request was meant to set \
          out until what it caused has first succeeded at the end, or at the last of several ends.",
    keys: &[&[
        key("name", Shape::Text, "Its name."),
        key("starts", Shape::Text, "The client whose requests begin it."),
        key(
            "ends",
            Shape::Or(&[Shape::Text, Shape::List(&Shape::Text)]),
            "Where it ends: a service or one of its endpoints, a queue or `topic/group`; of a list, the last to be reached.",
        ),
    ]],
};
