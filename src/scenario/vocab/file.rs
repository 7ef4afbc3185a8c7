//! The file itself and its small tables.

use super::brokers::{FLOW, QUEUE, TOPIC};
use super::clients::CLIENT;
use super::faults::FAULT;
use super::nodes::{CACHE, DATABASE, EXTERNAL, GATEWAY, SERVICE};
use super::policies::POLICY;
use super::tables::{Key, Shape, Table, key, later};
use super::transports::TRANSPORT;
use crate::scenario::declare::Record as _;
use crate::scenario::tables::discovery::Discovery;
use crate::scenario::tables::sim::{Defaults, Sim};

const HEAD: &[Key] = &[
    key("version", Shape::Whole, "The version of the vocabulary: 1."),
    key("name", Shape::Text, "The scenario's name. Default: the file's."),
    key("description", Shape::Text, "One sentence about it.").or("\"\""),
];

const TABLES: &[Key] = &[
    key("sim", Shape::One(Sim::TABLE), "The run."),
    key("defaults", Shape::One(Defaults::TABLE), "What holds where nothing else is said."),
    key(
        "transports",
        Shape::Named(&TRANSPORT),
        "How calls travel: changes to `rest` and `grpc`, and transports of one's own.",
    ),
    key("network", Shape::One(&NETWORK), "Latencies, bandwidth, loss."),
    key("discovery", Shape::One(Discovery::TABLE), "How a caller finds and picks a replica."),
    key("clients", Shape::Named(&CLIENT), "Who calls from outside."),
    key("services", Shape::Named(&SERVICE), "Services by name."),
    key("gateways", Shape::Named(&GATEWAY), "Services at the edge by name."),
    key("databases", Shape::Named(&DATABASE), "Databases by name."),
    key("externals", Shape::Named(&EXTERNAL), "Third parties by name."),
    key("caches", Shape::Named(&CACHE), "Caches by name."),
    key("queues", Shape::Named(&QUEUE), "Queues by name: each message to one consumer."),
    key("topics", Shape::Named(&TOPIC), "Topics by name: every group gets every event."),
    key("policies", Shape::Named(&POLICY), "Rules that guard calls, by name."),
    key("flows", Shape::List(&FLOW), "What done means to the business, across asynchronous hops."),
    key("faults", Shape::List(&FAULT), "What goes wrong, and when."),
    key("slos", Shape::List(&SLO), "What is promised."),
    key(
        "variants",
        Shape::Edits,
        "Changed copies of the scenario, by name: paths and their new values, such as \"defaults.transport\" = \"in-process\".",
    ),
    later("mesh", "A sidecar beside each service."),
    later("sweep", "One value over several."),
];

/// The file.
pub static FILE: Table =
    Table { name: "the file", doc: "A scenario: who calls whom, how, and what it costs.", keys: &[HEAD, TABLES] };

/// `[network]`.
pub static NETWORK: Table = Table {
    name: "[network]",
    doc: "One-way latency by class; the zones of two nodes decide the class between them.",
    keys: &[&[
        key("same_host", Shape::Law, "Both ends on one host.").or("\"30us\""),
        key("same_zone", Shape::Law, "Both ends in one zone.").or("{ p50 = \"0.25ms\", p99 = \"1.5ms\" }"),
        key("cross_zone", Shape::Law, "Two zones of one region.").or("{ p50 = \"0.5ms\", p99 = \"3ms\" }"),
        key("cross_region", Shape::Law, "Two regions.").or("\"35ms\""),
        key("links", Shape::Named(&LINK), "Single links: [network.links.\"orders -> billing\"]."),
    ]],
};

/// `[network.links."a -> b"]`.
pub static LINK: Table = Table {
    name: "[network.links.\"a -> b\"]",
    doc: "One link, both directions of the calls over it.",
    keys: &[&[
        key("latency", Shape::Law, "One-way latency. Default: that of the class."),
        key(
            "bandwidth",
            Shape::Bandwidth,
            "Bytes per second and direction; messages pass one after the other. Default: no limit.",
        ),
        key("loss", Shape::Share, "Share of messages that are lost and sent again: delay, not error.").or("0.0"),
    ]],
};

/// `[[slos]]`.
pub static SLO: Table = Table {
    name: "[[slos]]",
    doc: "What is promised; a run judges it, and a broken promise is exit code 99.",
    keys: &[&[
        key("name", Shape::Text, "Default: `of` and `expect`."),
        key(
            "of",
            Shape::Text,
            "A client, a flow, an endpoint, a node, an edge (\"orders -> payments\"), a queue or a `topic/group`.",
        ),
        key("expect", Shape::Text, "For example \"p99 < 400ms\", \"success_rate >= 99.5%\", \"good(400ms) >= 99%\"."),
        key("outside_faults", Shape::Flag, "Judged by requests that set out while no fault is on.").or("false"),
        key("during", Shape::Text, "Judged by requests that set out during this fault."),
        key("after_fault", Shape::Text, "Judged by requests that set out after this fault."),
    ]],
};
