//! What is tested from outside, in one binary.

mod bench;
mod cli;
mod connections;
mod diagnostics;
mod draws;
mod floors;
mod golden;
mod held;
mod intervals;
mod laws;
mod ledger;
mod policies;
mod pools;
mod sameness;
mod schema;
mod stops;
mod theory;
mod transports;
