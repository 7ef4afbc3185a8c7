//! The vocabulary of the scenario file as data: the single source of what a key is called, what it holds, what it is
//! when nobody writes it, and what it means. The reader, the JSON Schema and `hoptax explain` all read these tables.
//!
//! A word whose `later` is set is known but not supported yet: it is refused by name. Lifting a refusal is deleting
//! one `.later()`.

mod clients;
mod explain;
mod figures;
mod file;
mod laws;
mod libraries;
mod near;
mod nodes;
mod pages;
mod schema;
mod tables;

pub use explain::{explain, words};
pub use file::FILE;
pub(in crate::scenario) use libraries::LIBRARY_WORDS;
pub use near::{Near, absent, near};
pub use schema::json_schema;
pub use tables::{Key, Shape, Table, Word, key};
pub(in crate::scenario) use tables::{NONE, word};

pub use super::tables::steps::{STEPS, StepTable, VERBS};
pub use super::tables::transports::{PRESETS, Preset, TRANSPORT_WORDS};
pub use clients::{BURSTY, CLIENT, PHASE, SHARED_CALL};
pub use laws::{ANY_LAW, BRANCH_LAW, COUNTS, LAW};
pub use libraries::{LIBRARIES, Library, library};
pub use nodes::{DATABASE, ENDPOINT, EXTERNAL, QUEUE_ORDER, SERVICE};
