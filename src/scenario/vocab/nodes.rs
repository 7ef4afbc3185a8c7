//! Services, databases, externals.

use super::tables::{Key, Shape, Table, Word, key, later, word};
use crate::scenario::declare::{Kind as _, Record as _};
use crate::scenario::tables::caches::Cache;
use crate::scenario::tables::consumers::Consumer;
use crate::scenario::tables::orders::{Io, Served};
use crate::scenario::tables::policy::DoorRules;
use crate::scenario::tables::pools::{Contended, Pool};
use crate::scenario::tables::scale::Coming;

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
        Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]),
        "Waiting per replica; the next is refused at once. Default: no limit.",
    ),
    key("queue_order", Served::SHAPE, "Who is served next.").or("\"fifo\""),
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
    key("io", Io::SHAPE, "Whether a worker is held while a call waits.").or("\"blocking\""),
    key(
        "pools",
        Shape::Named(Pool::TABLE),
        "Connections of each replica to databases, by their names. Without a pool each query opens one of its own.",
    ),
    key("consumes", Shape::Tables(Consumer::TABLE), "The queues and topics it takes messages from. Default: none."),
    later("team", "Who owns it."),
    later("libraries", "What it shares with others."),
    later("deploys_with", "What it must be deployed with."),
];

/// `[gateways.*]`.
pub(super) static GATEWAY: Table = Table {
    name: "[gateways.*]",
    doc: "A gateway: a service at the edge that waits without holding a worker.",
    keys: &[
        &[
            REPLICAS,
            key(
                "concurrency",
                Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]),
                "Workers: requests one replica works on at once.",
            )
            .or("200"),
            key("io", Io::SHAPE, "Whether a worker is held while a call waits.").or("\"async\""),
        ],
        DOES,
        STEPS,
        DoorRules::KEYS,
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
                Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]),
                "Workers: requests one replica works on at once. The default is Tomcat's.",
            )
            .or("200"),
        ],
        DOES,
        STEPS,
        SERVICE_ONLY,
        Coming::KEYS,
        DoorRules::KEYS,
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
            key("concurrency", Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]), "Queries executing at once.").or("100"),
            key(
                "max_connections",
                Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]),
                "Connections over all callers; beyond it, opening one fails. Default: no limit.",
            ),
            key("tables", Shape::Named(Contended::TABLE), "Tables where writers contend, by name."),
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
        &[
            REPLICAS,
            key("concurrency", Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]), "Requests at once.")
                .or("\"unlimited\""),
        ],
        DOES,
        LINE,
        PLACE,
    ],
};

/// `[caches.*]`.
pub(super) static CACHE: Table = Table {
    name: "[caches.*]",
    doc: "A cache, asked by { cache = \"name\", on_miss = [...] }. Its hits are a fixed share (`hit_rate`), or what comes of the \
          `keys` that are asked for and of how long they are kept.",
    keys: &[
        &[key("concurrency", Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]), "Looks at once.")
            .or("\"unlimited\"")],
        Cache::KEYS,
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
