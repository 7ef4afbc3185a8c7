//! The vocabulary of the scenario file as data: the single source of what a key is called, what it holds, what it is
//! when nobody writes it, and what it means. The reader, the JSON Schema and `hoptax explain` all read these tables.
//!
//! A word whose `later` is set is known but not supported yet: it is refused by name. Lifting a refusal is deleting
//! one `.later()`.

mod explain;
mod figures;
mod file;
mod libraries;
mod near;
mod pages;
mod schema;
mod studies;
mod tables;

pub use explain::{explain, words};
pub use file::FILE;
pub(in crate::scenario) use file::NAME;
pub(in crate::scenario) use libraries::LIBRARY_WORDS;
pub use near::{Near, absent, near};
pub use schema::json_schema;
pub use tables::{Key, Shape, Table, Word, key};
pub(in crate::scenario) use tables::{NONE, later, word};

pub use super::tables::laws::{BRANCH_LAW, COUNTS, LAW};
pub use super::tables::steps::{STEPS, StepTable, VERBS};
pub use super::tables::transports::{PRESETS, Preset, TRANSPORT_WORDS};
pub use libraries::{LIBRARIES, Library, library};
