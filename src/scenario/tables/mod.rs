//! The tables of the file, each in one file: its words and keys, as written, its checks, its lowering.

pub(in crate::scenario) mod discovery;
pub(in crate::scenario) mod scale;
pub(in crate::scenario) mod sim;
