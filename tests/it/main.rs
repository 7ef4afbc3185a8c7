//! What is tested from outside, in one binary.

mod bench;
mod cli;
mod compare;
mod connections;
mod course;
mod diagnostics;
mod discovery;
mod draws;
mod faults;
mod floors;
mod golden;
mod held;
mod intervals;
mod laws;
mod ledger;
mod lines;
mod mail;
mod policies;
mod pools;
mod published;
mod sameness;
mod schema;
mod stops;
mod streams;
mod theory;
mod transports;
