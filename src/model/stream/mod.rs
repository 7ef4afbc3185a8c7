//! Event streams: what a topic's partitions, its producers and its groups of consumers remember, as pure state machines.
//!
//! A topic is a log in `partitions`. A producer gathers records into batches, the key of a record says into
//! which partition it goes, a partition keeps records in order until nobody needs them. Every group
//! reads all of them: each partition belongs to at most one member of a group, and a cursor says how far the
//! group has come in it. Nothing here knows of time passing, of messages under way or of work: time goes in, effects come out.
//!
//! The rules are Kafka's (Kafka 4 documentation, design and configuration reference); what is simpler here is said where
//! it is.

pub mod assign;
pub mod batcher;
pub mod cursor;
pub mod group;
pub mod log;
pub mod pipe;
pub mod redelivery;
pub mod spread;
pub mod topic;

pub use batcher::{Batcher, Filed};
pub use cursor::{Commits, Cursor, Fallback};
pub use group::{Group, Protocol};
pub use log::Log;
pub use pipe::Pipe;
pub use redelivery::Redelivery;
pub use spread::Spread;
pub use topic::{Acks, Grave, Letter, OnError, Producer, Readers, Seat, Topic};
