//! What is tested from outside, in one binary.

mod bench;
mod cli;
mod diagnostics;
mod draws;
mod floors;
mod golden;
mod held;
mod intervals;
mod laws;
mod sameness;
mod schema;
mod stops;
mod theory;
