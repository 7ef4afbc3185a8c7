//! Traces for other people's viewers. Both formats show a call from two sides, which is what their viewers are made for:
//! the caller's, with network and connection, and the callee's, from arrival to reply.

pub mod chrome;
pub mod otlp;
mod sides;

pub use sides::{Role, Side, sides};
