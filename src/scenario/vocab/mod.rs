//! The vocabulary of the scenario file as data: the single source of what a key is called, what it holds, what it is
//! when nobody writes it, and what it means. The reader, the JSON Schema and `hoptax explain` all read these tables.
//!
//! A word whose `later` is set is known but not supported yet: it is refused by name. Lifting a refusal is deleting
//! one `.later()`.

mod brokers;
mod clients;
mod explain;
mod faults;
mod figures;
mod file;
mod laws;
mod libraries;
mod near;
mod nodes;
mod pages;
mod policies;
mod schema;
mod steps;
mod tables;
mod transports;

pub use explain::{explain, words};
pub use file::FILE;
pub use near::{Near, absent, near};
pub(in crate::scenario) use policies::NONE;
pub use schema::json_schema;
pub(in crate::scenario) use tables::word;
pub use tables::{Key, Shape, Table, Word, key};

pub use brokers::{CONSUMER, FLOW, KEYED, QUEUE, REPLAY, TOPIC};
pub use clients::{BURSTY, CLIENT, PHASE, SHARED_CALL};
pub use faults::FAULT;
pub use file::{LINK, NETWORK, SLO};
pub use laws::{ANY_LAW, BRANCH_LAW, COUNTS, LAW};
pub use libraries::{LIBRARIES, Library, library};
pub use nodes::{DATABASE, ENDPOINT, EXTERNAL, POOL, QUEUE_ORDER, SERVICE, TABLE};
pub use policies::{BUDGET, CONCURRENCY_LIMIT, FAILURES, POLICY, RETRIES, STAGES};
pub use steps::{ARM, STEPS, StepTable, VERBS};
pub use transports::{CONNECTIONS, COST, PRESETS, Preset, TRANSPORT, TRANSPORT_WORDS};
