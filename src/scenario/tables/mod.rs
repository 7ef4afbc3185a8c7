//! The tables of the file, each in one file: its words and keys, as written, its checks, its lowering.

pub(in crate::scenario) mod breaker;
pub(in crate::scenario) mod budget;
pub(in crate::scenario) mod caches;
pub(in crate::scenario) mod clients;
pub(in crate::scenario) mod consumers;
pub(in crate::scenario) mod discovery;
pub(in crate::scenario) mod faults;
pub(in crate::scenario) mod flows;
pub(in crate::scenario) mod gates;
pub(in crate::scenario) mod laws;
pub(in crate::scenario) mod limits;
pub(in crate::scenario) mod mesh;
pub(in crate::scenario) mod network;
pub(in crate::scenario) mod nodes;
pub(in crate::scenario) mod orders;
pub(in crate::scenario) mod paths;
pub(in crate::scenario) mod policy;
pub(in crate::scenario) mod pools;
pub(in crate::scenario) mod queues;
pub(in crate::scenario) mod retries;
pub(in crate::scenario) mod scale;
pub(in crate::scenario) mod sim;
pub(in crate::scenario) mod slos;
pub(in crate::scenario) mod steps;
pub(in crate::scenario) mod topics;
pub(in crate::scenario) mod transports;
