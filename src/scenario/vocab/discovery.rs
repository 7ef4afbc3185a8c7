//! How a caller finds and picks a replica.

use super::policies::NONE;
use super::tables::{Key, Shape, Table, Word, key, word};

const KIND: &[Word] = &[
    word("static", "A fixed list of replicas; after a `move` it is wrong for good."),
    word("dns", "Names are looked up, and the answer is kept for `ttl`."),
    word("kubernetes", "One virtual address per service; callers see a change after `propagation`."),
    word("mesh", "Every caller's sidecar has the list, `propagation` after a change, and balances requests."),
];

const BALANCING: &[Word] = &[
    word("round_robin", "One after the other, from a random start per caller replica."),
    word("random", "Any, alike."),
    word("least_request", "The one with the fewest of this caller's requests among `choices` candidates."),
    word("pick_first", "Always the same one, a random one per caller replica."),
    word("p2c_ewma", "Of two distinct candidates the one that answered faster of late and has fewer requests."),
    word("hash", "The same key to the same replica."),
];

const PER: &[Word] = &[
    word("connection", "Only new connections are balanced; requests follow the connection they get."),
    word("request", "Every request is balanced."),
];

const ALL: &[Word] = &[word("all", "All replicas.")];

const OWN: &[Word] = &[word("calls", "Every call has a key of its own; its retries have the same.")];

const FINDING: &[Key] = &[
    key("kind", Shape::Choice(KIND), "How replicas are found.").or("\"static\""),
    key("ttl", Shape::Duration, "dns: how long an answer is kept, per caller replica and callee.").or("\"30s\""),
    key(
        "propagation",
        Shape::Duration,
        "From a change of endpoints until callers, or DNS, know of it. Default: 1s for kubernetes, 100ms for mesh, none \
         for dns.",
    ),
    key(
        "readiness",
        Shape::OneOr(&READINESS, NONE),
        "kubernetes, mesh: a replica that does not answer its probes is taken out of the list. Default: a probe every \
         10s, three failures.",
    ),
];

const PICKING: &[Key] = &[
    key("load_balancing", Shape::Choice(BALANCING), "How a caller picks a replica.").or("\"round_robin\""),
    key("choices", Shape::WholeOr(ALL), "Candidates of least_request.").or("2"),
    key("distinct", Shape::Flag, "least_request: whether its candidates are different ones; Envoy may draw one twice.")
        .or("false"),
    key("keys", Shape::WholeOr(OWN), "hash: calls share so many keys.").or("\"calls\""),
    key(
        "balance_per",
        Shape::Choice(PER),
        "What is balanced over transports with connections; over `free` every request is. Default: request for mesh, \
         else connection.",
    ),
    key(
        "outlier_detection",
        Shape::OneOr(&OUTLIERS, NONE),
        "A caller leaves out a replica that fails it, for a while. Default: none.",
    ),
];

/// `[discovery]`.
pub static DISCOVERY: Table = Table {
    name: "[discovery]",
    doc: "How a caller finds the replicas of a node and picks one.",
    keys: &[FINDING, PICKING],
};

/// `readiness`.
pub static READINESS: Table = Table {
    name: "readiness",
    doc: "Probes that ask every replica whether it works.",
    keys: &[&[
        key("every", Shape::Duration, "Time between two probes of a replica.").or("\"10s\""),
        key("failures", Shape::Whole, "So many in a row fail before it is taken out.").or("3"),
    ]],
};

/// `outlier_detection`.
pub static OUTLIERS: Table = Table {
    name: "outlier_detection",
    doc: "A caller leaves out a replica that fails it, for a while.",
    keys: &[&[
        key("consecutive_errors", Shape::Whole, "Failures in a row after which a replica is left out.").or("5"),
        key("interval", Shape::Duration, "Time between two looks at who may come back.").or("\"10s\""),
        key(
            "base_ejection",
            Shape::Duration,
            "How long a replica is left out, times the number of its ejections; 300s at most.",
        )
        .or("\"30s\""),
        key("max_ejected", Shape::Share, "Share of the replicas that may be left out: 10% of eight are none.")
            .or("0.1"),
        key(
            "always_eject_one",
            Shape::Flag,
            "Whether one may be left out whatever `max_ejected` says, as in Envoy before 1.31.",
        )
        .or("false"),
    ]],
};
