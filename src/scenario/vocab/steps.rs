//! What an endpoint does, step by step.

use super::tables::{Key, Shape, Table, Word, key, word};
use super::transports::{SIZES, TRANSPORT_WORDS};
use crate::scenario::declare::Record as _;
use crate::scenario::tables::policy::Guards;

/// The vocabulary of one verb.
pub type StepTable = &'static Table;

const ANY: &[Key] = &[
    key("times", Shape::Whole, "So often, one after the other; inside `parallel`: so many copies at once.").or("1"),
    key("probability", Shape::Share, "How likely the step is taken.").or("1.0"),
    key("optional", Shape::Flag, "Only for a branch of `parallel`: awaited up to its timeout, and may be missing.")
        .or("false"),
];

const CALLING: &[Key] = &[
    key("policy", Shape::Text, "The [policies.*] that guards it; default: the one of [defaults], if any."),
    key(
        "fallback",
        Shape::Steps,
        "Steps to take when the call has failed, all its tries included; it has then not failed. Default: none.",
    ),
    key("idempotent", Shape::Flag, "false: a retry after it was done is a second effect, and counted as one.")
        .or("true"),
];

static WORK: Table = Table {
    name: "a work step",
    doc: "CPU time on the worker (and cores) of the service.",
    keys: &[&[key("work", Shape::Law, "CPU time.")], ANY],
};

static WAIT: Table = Table {
    name: "a wait step",
    doc: "Time that needs no CPU; a blocking service holds its worker meanwhile.",
    keys: &[&[key("wait", Shape::Law, "Time that needs no CPU.")], ANY],
};

static CALL: Table = Table {
    name: "a call step",
    doc: "Calls an endpoint of another node and waits for its answer. In `steps`, a plain text is a call.",
    keys: &[
        &[
            key("call", Shape::Target, "Who is called: `users`, or one endpoint: `users.get`."),
            key("transport", Shape::TextOr(TRANSPORT_WORDS), "How the call travels. Default: the one of [defaults]."),
            key(
                "stream",
                Shape::Whole,
                "Server streaming: so many messages in the answer, each of the size of `response`. Default: one body.",
            ),
            key(
                "uses_reply",
                Shape::Flag,
                "false: the caller only needs it to happen, so it may as well be a message.",
            )
            .or("true"),
        ],
        SIZES,
        CALLING,
        Guards::KEYS,
        ANY,
    ],
};

const MODE: &[Word] = &[
    word("read", "Looks: any number at once."),
    word("write", "Changes: needs one of the table's writers, and keeps it to the end of the transaction around it."),
    word(
        "conditional_write",
        "Changes, unless another write came since this request last read the table: then it fails with `error`.",
    ),
];

static QUERY: Table = Table {
    name: "a query step",
    doc: "Asks a database and waits for its answer. The network is paid both ways.",
    keys: &[
        &[
            key("query", Shape::Target, "The database."),
            key("table", Shape::Text, "The table, where writers contend. Default: none."),
            key("mode", Shape::Choice(MODE), "What it does to the table.").or("\"read\""),
        ],
        SIZES,
        CALLING,
        Guards::KEYS,
        ANY,
    ],
};

static TRANSACTION: Table = Table {
    name: "a transaction step",
    doc: "Takes a connection from the pool to the database and holds it, with the tables written to, across its steps. \
          Without one in time it fails (`pool_timeout`, on the edge to the database).",
    keys: &[
        &[
            key("transaction", Shape::Text, "The database."),
            key("steps", Shape::Steps, "What happens inside, in order."),
        ],
        ANY,
    ],
};

const WAIT_FOR: &[Word] = &[word("all", "Every branch must succeed."), word("any", "The first success ends it.")];

static PARALLEL: Table = Table {
    name: "a parallel step",
    doc: "Branches that wait together; their CPU takes turns on the parent's worker. The last success that is needed \
          ends it, and it fails as soon as it can no longer be met; the rest run on for nobody.",
    keys: &[
        &[
            key("parallel", Shape::Steps, "The branches: one step each."),
            key("wait_for", Shape::WholeOr(WAIT_FOR), "How many branches must succeed.").or("\"all\""),
        ],
        ANY,
    ],
};

static SPLIT: Table = Table {
    name: "a split step",
    doc: "One of several ways, drawn by weight.",
    keys: &[&[key("split", Shape::List(&ARM), "The ways: { weight, steps }.")], ANY],
};

/// One way of a split.
pub static ARM: Table = Table {
    name: "a way of a split",
    doc: "Taken as often as its weight says, relative to the sum of all weights.",
    keys: &[&[
        key("weight", Shape::Weight, "Relative to the sum of all weights; a share such as \"70%\" will do.").or("1.0"),
        key("steps", Shape::Steps, "In order; may be empty."),
    ]],
};

static CACHE: Table = Table {
    name: "a cache step",
    doc: "Looks into a cache and waits for its answer; a miss takes the steps of `on_miss`, and what they fetched is put in. \
          The network is paid both ways.",
    keys: &[
        &[
            key("cache", Shape::Target, "The cache."),
            key("on_miss", Shape::Steps, "What a miss takes, in order. Default: nothing."),
            key(
                "policy",
                Shape::Text,
                "The [policies.*] that guards the look; default: the one of [defaults], if any.",
            ),
        ],
        SIZES,
        Guards::KEYS,
        ANY,
    ],
};

const PUBLISHING: &[Key] = &[key(
    "wait_for_ack",
    Shape::Flag,
    "Whether the request goes on only when the broker has the message safe. Default: the queue's `confirms`; \
     otherwise no, as clients of RabbitMQ and Kafka do.",
)];

static SEND: Table = Table {
    name: "a send step",
    doc: "Puts a message into a queue. The request goes on at once, or waits until the broker has the message safe.",
    keys: &[&[key("send", Shape::Text, "The queue.")], PUBLISHING, ANY],
};

static PUBLISH: Table = Table {
    name: "a publish step",
    doc: "Publishes an event to a topic, or a message to a queue. The request goes on at once, or waits until the broker \
          has it safe.",
    keys: &[
        &[
            key("publish", Shape::Text, "The topic or queue."),
            key("key", Shape::Text, "Topics: what decides the partition. Default: the topic's `key`."),
        ],
        PUBLISHING,
        ANY,
    ],
};

/// The verbs and their vocabularies. A verb whose first key is refused is refused as a whole.
pub static VERBS: &[(&str, StepTable)] = &[
    ("work", &WORK),
    ("wait", &WAIT),
    ("call", &CALL),
    ("query", &QUERY),
    ("transaction", &TRANSACTION),
    ("parallel", &PARALLEL),
    ("split", &SPLIT),
    ("cache", &CACHE),
    ("send", &SEND),
    ("publish", &PUBLISH),
];

/// What `steps` is, in a sentence.
pub static STEPS: &str = "A list of steps, in order: { work }, { wait }, { call }, { query }, { transaction }, { send }, { publish }, \
    { parallel }, { split }, { cache }; a \
    plain text is a call.";
