//! What is tested from outside, in one binary.

mod bench;
mod connections;
mod diagnostics;
mod draws;
mod held;
mod laws;
mod ledger;
mod pools;
mod schema;
mod theory;
mod transports;
