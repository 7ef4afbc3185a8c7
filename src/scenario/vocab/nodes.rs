//! Services, databases, externals.

use super::brokers::CONSUMER;
use super::policies::{CONCURRENCY_LIMIT, INTAKE, LIMITS, NONE};
use super::tables::{Key, Shape, Table, Word, key, later, word};
use crate::scenario::declare::Record as _;
use crate::scenario::tables::scale::Coming;

const IO: &[Word] = &[
    word("blocking", "The worker is held while a call waits."),
    word("async", "The worker is free while a call waits, and is asked for again for the next CPU."),
];

const ORDER: &[Word] = &[
    word("fifo", "First come, first served."),
    word("lifo", "Last come, first served."),
    word("random", "Anyone."),
    word("priority", "The lowest priority number first, then first come."),
    word("codel", "Controlled delay with adaptive LIFO: short waits, the newest first in an overload."),
];

const TABLE_ORDER: &[Word] = &[word("codel", "Controlled delay with adaptive LIFO.")];

/// `queue_order` as a table.
pub static QUEUE_ORDER: Table = Table {
    name: "queue_order",
    doc: "Controlled delay with adaptive LIFO, and its two times: Facebook's.",
    keys: &[&[
        key("kind", Shape::Choice(TABLE_ORDER), "The order that has something to say.").or("\"codel\""),
        key("target", Shape::Duration, "How long a newcomer may wait in a line that does not empty.").or("\"5ms\""),
        key(
            "interval",
            Shape::Duration,
            "How long one may wait otherwise; a line not empty for so long is one that does not empty.",
        )
        .or("\"100ms\""),
    ]],
};

const UNLIMITED: &[Word] = &[word("unlimited", "As many as come: nothing ever waits.")];

const DOES: &[Key] = &[
    key("work", Shape::Law, "Own CPU time of the default endpoint, before its steps. Default: none."),
    key("wait", Shape::Law, "Own time that needs no CPU, after the work. Default: none."),
    key("error_rate", Shape::Share, "Fails so many requests after their work.").or("0.0"),
];

const STEPS: &[Key] = &[key("steps", Shape::Steps, "What a request does after its work, in order. Default: nothing.")];

const LINE: &[Key] = &[
    key(
        "cores",
        Shape::Number,
        "CPU that all work on a replica shares (processor sharing). Default: every worker has its own.",
    ),
    key("contention", Shape::Share, "Work takes so much longer for each other request at work on the replica.")
        .or("0.0"),
    key("coherency", Shape::Share, "And so much longer for each pair of them (Universal Scalability Law).").or("0.0"),
    key(
        "queue_limit",
        Shape::WholeOr(UNLIMITED),
        "Waiting per replica; the next is refused at once. Default: no limit.",
    ),
    key("queue_order", Shape::OneOr(&QUEUE_ORDER, ORDER), "Who is served next.").or("\"fifo\""),
    key("preemptive", Shape::Flag, "Whether a newcomer takes the worker of a running request (lifo and priority).")
        .or("false"),
    key(
        "drop_expired",
        Shape::Flag,
        "Whether a request past the deadline that came with it is dropped before it is begun.",
    )
    .or("true"),
    key("queue_timeout", Shape::Law, "Leaves the line, not the work, after this long. Default: never."),
];

const PLACE: &[Key] = &[
    key(
        "zone",
        Shape::Zone,
        "`region/zone/host`: decides the network class between two nodes. Default: all in one zone.",
    ),
    key("endpoints", Shape::Named(&ENDPOINT), "Several things the node can be asked for, by name."),
];

const SERVICE_ONLY: &[Key] = &[
    key("io", Shape::Choice(IO), "Whether a worker is held while a call waits.").or("\"blocking\""),
    key(
        "pools",
        Shape::Named(&POOL),
        "Connections of each replica to databases, by their names. Without a pool each query opens one of its own.",
    ),
    key("consumes", Shape::List(&CONSUMER), "The queues and topics it takes messages from. Default: none."),
    later("team", "Who owns it."),
    later("libraries", "What it shares with others."),
    later("deploys_with", "What it must be deployed with."),
];

const DOOR: &[Key] = &[
    key(
        "rate_limit",
        Shape::OneOr(&INTAKE, NONE),
        "So many requests per time and replica; the others are refused. Default: none.",
    ),
    key("shed", Shape::OneOr(&SHED, NONE), "Refuses newcomers while the line is too long. Default: none."),
    key(
        "concurrency_limit",
        Shape::OneOr(&CONCURRENCY_LIMIT, LIMITS),
        "An adaptive limit on how many are inside at once. Default: none.",
    ),
];

/// `shed`.
static SHED: Table = Table {
    name: "shed",
    doc: "Newcomers are refused while the first in line has waited too long.",
    keys: &[&[key("queue_longer_than", Shape::Duration, "How long the first in line may have waited.")]],
};

/// `[gateways.*]`.
pub(super) static GATEWAY: Table = Table {
    name: "[gateways.*]",
    doc: "A gateway: a service at the edge that waits without holding a worker.",
    keys: &[
        &[
            REPLICAS,
            key("concurrency", Shape::WholeOr(UNLIMITED), "Workers: requests one replica works on at once.").or("200"),
            key("io", Shape::Choice(IO), "Whether a worker is held while a call waits.").or("\"async\""),
        ],
        DOES,
        STEPS,
        DOOR,
        &[
            later("routes", "Paths and where they lead."),
            later("auth", "Who checks a request, once, at the edge."),
            later("inside", "Another transport behind it, and what translating costs."),
        ],
        LINE,
        PLACE,
    ],
};

const REPLICAS: Key = key("replicas", Shape::Whole, "How many of it run.").or("1");

/// `[services.*]`.
pub static SERVICE: Table = Table {
    name: "[services.*]",
    doc: "A service: so many replicas, each with workers that take requests from a line.",
    keys: &[
        &[
            REPLICAS,
            key(
                "concurrency",
                Shape::WholeOr(UNLIMITED),
                "Workers: requests one replica works on at once. The default is Tomcat's.",
            )
            .or("200"),
        ],
        DOES,
        STEPS,
        SERVICE_ONLY,
        Coming::KEYS,
        DOOR,
        LINE,
        PLACE,
    ],
};

/// `[databases.*]`.
pub static DATABASE: Table = Table {
    name: "[databases.*]",
    doc: "A database: queries execute on its workers.",
    keys: &[
        &[
            key(
                "replicas",
                Shape::Whole,
                "How many of it run: a primary, which takes all writes and the transactions with one in them, and \
                 replicas, which share the reads with it.",
            )
            .or("1"),
            key("concurrency", Shape::WholeOr(UNLIMITED), "Queries executing at once.").or("100"),
            key(
                "max_connections",
                Shape::WholeOr(UNLIMITED),
                "Connections over all callers; beyond it, opening one fails. Default: no limit.",
            ),
            key("tables", Shape::Named(&TABLE), "Tables where writers contend, by name."),
            key(
                "deadlock_timeout",
                Shape::Duration,
                "A transaction that has waited so long for a table looks whether it waits for itself; then it is rolled back \
                 and fails with `deadlock`. The default is PostgreSQL's.",
            )
            .or("\"1s\""),
            later("replication_lag", "How far replicas are behind."),
        ],
        DOES,
        LINE,
        PLACE,
    ],
};

/// `[externals.*]`.
pub static EXTERNAL: Table = Table {
    name: "[externals.*]",
    doc: "A third party: answers after its time, limits unknown.",
    keys: &[
        &[REPLICAS, key("concurrency", Shape::WholeOr(UNLIMITED), "Requests at once.").or("\"unlimited\"")],
        DOES,
        LINE,
        PLACE,
    ],
};

const TTL_FROM: &[Word] = &[
    word("fill", "From when it was put in, as in Redis and memcached."),
    word("access", "From when it was last hit: what is asked for often stays."),
];

/// `[caches.*]`.
pub(super) static CACHE: Table = Table {
    name: "[caches.*]",
    doc: "A cache, asked by { cache = \"name\", on_miss = [...] }. Its hits are a fixed share (`hit_rate`), or what comes of the \
          `keys` that are asked for and of how long they are kept.",
    keys: &[
        &[
            key("concurrency", Shape::WholeOr(UNLIMITED), "Looks at once.").or("\"unlimited\""),
            key("hit_rate", Shape::Share, "The share of hits, each look a draw of its own. Default: an outcome."),
            key("keys", Shape::Whole, "How many different keys are asked for; the hit rate is then an outcome."),
            key("skew", Shape::Number, "Zipf exponent: the k-th most popular key has weight k^-skew. 0: all alike.")
                .or("0.0"),
            key("ttl", Shape::Duration, "How long an entry lasts. Default: for ever."),
            key("ttl_from", Shape::Choice(TTL_FROM), "From when that is counted.").or("\"fill\""),
            key(
                "capacity",
                Shape::Whole,
                "Entries at most; the one used longest ago makes room (LRU). Default: all keys.",
            ),
            key(
                "single_flight",
                Shape::Flag,
                "Whether, in each replica of the caller, those that miss a key wait for the first to fetch it.",
            )
            .or("false"),
        ],
        DOES,
        LINE,
        &[key(
            "zone",
            Shape::Zone,
            "`region/zone/host`: decides the network class between two nodes. Default: all in one zone.",
        )],
    ],
};

/// `[services.*.endpoints.*]`.
pub static ENDPOINT: Table = Table {
    name: "[services.*.endpoints.*]",
    doc: "One thing a node can be asked for, called as `node.endpoint`.",
    keys: &[DOES, STEPS],
};

/// `[services.*.pools]`.
pub static POOL: Table = Table {
    name: "[services.*.pools]",
    doc: "The connections of each replica of the service to one database. A query, or a transaction, holds one; \
          nothing that waits for one is seen by the database. The wait of a query is part of its try: in its timeout and its \
          deadline, and in the latency of its edge. The defaults are HikariCP's: maximumPoolSize 10, connectionTimeout 30 s.",
    keys: &[&[
        key("connections", Shape::Whole, "So many per replica.").or("10"),
        key(
            "wait",
            Shape::Duration,
            "How long a query or a transaction waits for one before it fails with `pool_timeout`.",
        )
        .or("\"30s\""),
    ]],
};

/// `[databases.*.tables.*]`.
pub static TABLE: Table = Table {
    name: "[databases.*.tables.*]",
    doc: "A table where writers contend: queries that write wait for their turn, however many replicas there are.",
    keys: &[&[key("writers", Shape::Whole, "So many write at once.").or("1")]],
};
