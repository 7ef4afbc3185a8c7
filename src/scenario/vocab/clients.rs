//! Who calls from outside.

use super::TRANSPORT_WORDS;
use super::tables::NONE;
use super::tables::{Key, Shape, Table, Word, key, later, word};
use crate::scenario::declare::Record as _;
use crate::scenario::tables::retries::Retries;
use crate::scenario::tables::steps::Sizes;

const ARRIVALS: &[Word] = &[
    word("poisson", "Independent of one another: exponential gaps."),
    word("constant", "Equal gaps."),
    word("bursty", "Poisson whose rate jumps between a low and a high one: see `bursty`."),
];

const LOAD: &[Key] = &[
    key("calls", Shape::Calls(&SHARED_CALL), "Whom it calls: one target, or a list of { to, share }."),
    key(
        "arrivals",
        Shape::ChoiceOrLaw(ARRIVALS),
        "The pattern of an open load; or any varying number: the time between arrivals, which needs no rate.",
    )
    .or("\"poisson\""),
    key("rate", Shape::Rate, "Arrivals per time, whatever happens to them."),
    key(
        "phases",
        Shape::List(&PHASE),
        "A rate that changes; the last one holds. Counts from the start of the measured time; the warm-up holds the first.",
    ),
    key("batch", Shape::Counts, "Several at once; the rate then counts batches. Default: one."),
    key("bursty", Shape::One(&BURSTY), "The two rates of a bursty load and how long each stays."),
    key("replay", Shape::Text, "A CSV file of arrival times from the start of the measured time, one per line."),
    key("users", Shape::Whole, "A closed load: so many users, each waits for the answer, then thinks."),
    key("think_time", Shape::Law, "Between an answer and the same user's next request.").or("\"0s\""),
];

const REST: &[Key] = &[
    key("transport", Shape::TextOr(TRANSPORT_WORDS), "How it calls. Default: the one of [defaults]."),
    key(
        "browser",
        Shape::Flag,
        "Comes through a browser, which speaks no gRPC: over `grpc` a hop translates (gRPC-Web).",
    )
    .or("false"),
    key("timeout", Shape::Duration, "To the whole answer; the work goes on. Default: none."),
    key("priority", Shape::Whole, "Inherited downstream; 0 is served first.").or("0"),
    key("zone", Shape::Zone, "Where it stands. Default: in one zone with all."),
    key("weight", Shape::Number, "Its weight when clients are summed up. Default: its share of the traffic."),
    key(
        "policy",
        Shape::Text,
        "The [policies.*] that guards its calls. Default: none, also where [defaults] names one.",
    ),
    key(
        "retries",
        Shape::OneOr(Retries::TABLE, NONE),
        "Tries again after a failure; `timeout` is then per try. Default: none.",
    ),
    later("public", "Comes through the public internet."),
];

/// `[clients.*]`.
pub static CLIENT: Table = Table {
    name: "[clients.*]",
    doc: "A population outside. Open: requests come at a rate, whatever happens. Closed: each of a number of users \
          waits for its answer, then thinks. Latency counts from the intended arrival.",
    keys: &[LOAD, REST],
};

/// One stretch of a rate.
pub static PHASE: Table = Table {
    name: "a phase",
    doc: "One stretch of an open load.",
    keys: &[&[
        key("duration", Shape::Duration, "How long; the last phase may leave it out."),
        key("rate", Shape::Rate, "The rate at its start."),
        key("ramp_to", Shape::Rate, "The rate at its end, reached linearly. Default: no ramp."),
    ]],
};

/// The two levels of a bursty load.
pub static BURSTY: Table = Table {
    name: "a bursty load",
    doc: "A Markov-modulated Poisson process with two levels; stays are exponential.",
    keys: &[&[
        key("low", Shape::Rate, "The low rate."),
        key("high", Shape::Rate, "The high rate."),
        key("stay_low", Shape::Duration, "Mean stay at the low rate."),
        key("stay_high", Shape::Duration, "Mean stay at the high rate."),
    ]],
};

/// One of several targets of a client.
pub static SHARED_CALL: Table = Table {
    name: "one of several calls",
    doc: "A target and how many of the requests go there.",
    keys: &[
        &[
            key("to", Shape::Target, "The target."),
            key("share", Shape::Share, "How many of the requests; a missing share is the rest."),
        ],
        Sizes::KEYS,
    ],
};
