//! What goes wrong.

use super::tables::{Key, Shape, Table, Word, key, word};

const KINDS: &[Word] = &[
    word(
        "outage",
        "Replicas take no new work, and connections to them are reset; work in progress goes on for nobody.",
    ),
    word("crash", "Replicas die with all that is in progress there, and come back empty."),
    word("freeze", "Replicas stand still and lose nothing: a long pause of the garbage collector, a paused machine."),
    word("slow", "Work on replicas takes longer."),
    word("errors", "Requests fail at once."),
    word("latency", "Messages take longer."),
    word("partition", "Messages between two sides vanish."),
    word("packet_loss", "Messages are lost and sent again."),
    word("replicas_lost", "Some replicas are gone."),
    word("cold_cache", "A cache loses what it knew, and goes on."),
    word("move", "A node gets a new address; the old one takes nothing, and connections to it are reset."),
    word("discovery_outage", "No lookup succeeds, and no change of endpoints is seen."),
    word("deploy", "Replicas restart one after the other."),
    word("poison_message", "The next message of a queue or topic is one that nobody can work on."),
    word("traffic", "A client sends more."),
];

const MODE: &[Word] = &[
    word("refuse", "A caller hears at once that nobody is there: `connect_failed`, after the network there and back."),
    word(
        "hang",
        "The process stands still for good: the kernel takes connections, answers are lost, and a caller without a timeout waits for ever.",
    ),
    word(
        "drop",
        "The network drops messages: TCP sends them again, so that they arrive some time after the end. What a partition does.",
    ),
    word("black_hole", "Nothing is said: `hang` of an outage, `drop` of a partition."),
];

const WHEN: &[Key] = &[
    key("at", Shape::Duration, "When it begins, from the start of the measured time."),
    key("duration", Shape::Duration, "How long it is on. Default: until the end."),
    key(
        "mtbf",
        Shape::Law,
        "At random instead: from the end of one to the start of the next, in the warm-up too. A plain time is the mean \
         of an exponential.",
    ),
    key(
        "mttr",
        Shape::Law,
        "At random: how long each is on. A plain time is the mean of an exponential; a move, a cold_cache and a poison_message have none.",
    ),
    key("busy_only", Shape::Flag, "At random: the time to the next counts only while the target works.").or("false"),
];

const MAGNITUDE: &[Key] = &[
    key(
        "mode",
        Shape::Choice(MODE),
        "What becomes of new work: outage, crash, and at the old address of a move. A partition drops.",
    )
    .or("\"refuse\""),
    key(
        "replicas",
        Shape::Whole,
        "So many of the node's replicas, the first ones; of a deploy so many at once. Default: all, of a deploy 1.",
    ),
    key("factor", Shape::Number, "Times as long (slow), times as much (traffic)."),
    key("add", Shape::Duration, "Time added to each message that the target sends (latency)."),
    key("jitter", Shape::Duration, "Up to so much more or less than `add`, alike.").or("\"0ms\""),
    key("probability", Shape::Share, "Probability that a request or a message is hit.").or("1.0"),
];

/// `[[faults]]`.
pub static FAULT: Table = Table {
    name: "[[faults]]",
    doc: "What goes wrong, and when: at a time with `at` and `duration`, or at random with `mtbf` and `mttr`. Faults sit \
          below the policies, so that a retry sees them.",
    keys: &[
        &[
            key("name", Shape::Text, "Default: `kind` and `target`."),
            key("kind", Shape::Choice(KINDS), "What goes wrong."),
            key(
                "target",
                Shape::Text,
                "A node, a zone (\"zone:eu-west/a\") or an edge (\"orders -> billing\"); of a discovery_outage by default \
                 every name.",
            ),
        ],
        WHEN,
        MAGNITUDE,
    ],
};
