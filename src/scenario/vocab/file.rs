//! The file itself and its small tables.

use super::tables::{Key, Shape, Table, key};
use crate::scenario::declare::Record as _;
use crate::scenario::tables::clients::CLIENT;
use crate::scenario::tables::discovery::Discovery;
use crate::scenario::tables::faults::Fault;
use crate::scenario::tables::flows::Flow;
use crate::scenario::tables::mesh::Mesh;
use crate::scenario::tables::network::Network;
use crate::scenario::tables::nodes::{CACHE, DATABASE, EXTERNAL, GATEWAY, SERVICE};
use crate::scenario::tables::policy::POLICY;
use crate::scenario::tables::queues::Queue;
use crate::scenario::tables::sim::{Defaults, Sim};
use crate::scenario::tables::slos::Slo;
use crate::scenario::tables::topics::Topic;
use crate::scenario::tables::transports::TransportSpec;

/// The key of the scenario's name.
pub(in crate::scenario) const NAME: &str = "name";

const HEAD: &[Key] = &[
    key("version", Shape::Whole, "The version of the vocabulary: 1."),
    key(NAME, Shape::Text, "The scenario's name. Default: the file's."),
    key("description", Shape::Text, "One sentence about it.").or("\"\""),
];

const TABLES: &[Key] = &[
    key("sim", Shape::One(Sim::TABLE), "The run."),
    key("defaults", Shape::One(Defaults::TABLE), "What holds where nothing else is said."),
    key(
        "transports",
        Shape::Named(TransportSpec::TABLE),
        "How calls travel: changes to `rest` and `grpc`, and transports of one's own.",
    ),
    key("network", Shape::One(Network::TABLE), "Latencies, bandwidth, loss."),
    key("discovery", Shape::One(Discovery::TABLE), "How a caller finds and picks a replica."),
    key("mesh", Shape::One(Mesh::TABLE), "Proxies beside services."),
    key("clients", Shape::Named(&CLIENT), "Who calls from outside."),
    key("services", Shape::Named(&SERVICE), "Services by name."),
    key("gateways", Shape::Named(&GATEWAY), "Services at the edge by name."),
    key("databases", Shape::Named(&DATABASE), "Databases by name."),
    key("externals", Shape::Named(&EXTERNAL), "Third parties by name."),
    key("caches", Shape::Named(&CACHE), "Caches by name."),
    key("queues", Shape::Named(Queue::TABLE), "Queues by name: each message to one consumer."),
    key("topics", Shape::Named(Topic::TABLE), "Topics by name: every group gets every event."),
    key("policies", Shape::Named(&POLICY), "Rules that guard calls, by name."),
    key("flows", Shape::Tables(Flow::TABLE), "What done means to the business, across asynchronous hops."),
    key("faults", Shape::Tables(Fault::TABLE), "What goes wrong, and when."),
    key("slos", Shape::Tables(Slo::TABLE), "What is promised."),
    key(
        "variants",
        Shape::Edits,
        "Changed copies of the scenario, by name: paths and their new values, such as \"defaults.transport\" = \"in-process\".",
    ),
    key(
        "sweep",
        Shape::Values,
        "What `hoptax sweep` runs: paths, each with the values that it takes, such as \"clients.shoppers.rate\" = \"100/s..400/s:7\" or [\"100/s\", \"200/s\"]; of several every combination.",
    ),
];

/// The file.
pub static FILE: Table =
    Table { name: "the file", doc: "A scenario: who calls whom, how, and what it costs.", keys: &[HEAD, TABLES] };
