//! What is tested from outside, in one binary.

mod bench;
mod diagnostics;
mod draws;
mod held;
mod laws;
mod schema;
mod theory;
