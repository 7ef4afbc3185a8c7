//! What is tested from outside, in one binary.

mod bench;
mod caches;
mod cli;
mod compare;
mod connections;
mod diagnostics;
mod draws;
mod faults;
mod floors;
mod golden;
mod held;
mod intervals;
mod laws;
mod ledger;
mod mail;
mod policies;
mod pools;
mod sameness;
mod schema;
mod stops;
mod streams;
mod theory;
mod transports;
