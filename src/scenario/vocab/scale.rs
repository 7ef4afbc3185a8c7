//! Replicas that come and go.

use super::policies::NONE;
use super::tables::{Key, Shape, Table, Word, key, word};

const METRIC: &[Word] = &[
    word(
        "cpu",
        "Cores at work ÷ `request`; unless that is said ÷ `cores`, or ÷ workers where every worker has its own.",
    ),
    word("workers", "Workers held, waiting for a callee or not, ÷ workers."),
    word("in_flight", "Requests there."),
    word("rps", "Requests that arrive per second."),
    word("lag", "Messages and records that wait for its consumers."),
];

/// Keys of a service.
pub(super) const COMING_AND_GOING: &[Key] = &[
    key(
        "ready_after",
        Shape::Law,
        "From the start of a replica until it takes requests: of a new one, and of one that restarts after a crash or in a \
         deploy. Default: 20 s with `autoscale`, else none.",
    ),
    key("warmup", Shape::OneOr(&WARMUP, NONE), "Replicas that have just become ready are slow. Default: none."),
    key("autoscale", Shape::OneOr(&AUTOSCALE, NONE), "Replicas that follow the load. Default: none."),
];

/// `warmup`.
pub(super) static WARMUP: Table = Table {
    name: "warmup",
    doc: "Work on a replica that has just become ready takes longer: cold caches, code that is not compiled yet.",
    keys: &[&[
        key("factor", Shape::Number, "So many times as long at first, then linearly down to 1.").or("3.0"),
        key("over", Shape::Duration, "How long that takes.").or("\"30s\""),
    ]],
};

/// `autoscale`.
pub(super) static AUTOSCALE: Table = Table {
    name: "autoscale",
    doc: "Replicas that follow the load, as the horizontal pod autoscaler of Kubernetes decides.",
    keys: &[&[
        key("min", Shape::Whole, "Fewest replicas; so many at the beginning, unless `replicas` says more.").or("1"),
        key("max", Shape::Whole, "Most replicas."),
        key("metric", Shape::Choice(METRIC), "What is held against the target, as an average over replicas.")
            .or("\"cpu\""),
        key(
            "target",
            Shape::Weight,
            "What the metric should be on each replica: a share (cpu, workers) or a number (in_flight, rps, lag).",
        ),
        key(
            "request",
            Shape::Number,
            "cpu: the cores that each replica asks for (`resources.requests.cpu`). Default: as many as it has.",
        ),
        key("every", Shape::Duration, "From one look to the next.").or("\"15s\""),
        key("stabilization", Shape::Duration, "It shrinks to the most replicas that were desired within this time.")
            .or("\"300s\""),
    ]],
};
