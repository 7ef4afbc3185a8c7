//! The scenario as written: what the file says, defaults filled in and marked, nothing resolved yet.
//!
//! Every value knows its place in the text; a value without a place is a default. Names are resolved by
//! the check, units are already numbers.

use std::collections::BTreeMap;
use std::ops::Range;

mod broker;
mod client;
mod fault;
mod index;
mod node;
mod policy;
mod promise;
mod step;
mod wire;

pub use super::tables::discovery::*;
pub use super::tables::scale::*;
pub use super::tables::sim::{Defaults, Sim};
pub use broker::*;
pub use client::*;
pub use fault::*;
pub use index::Index;
pub use node::*;
pub use policy::*;
pub use promise::*;
pub use step::*;
pub use wire::*;

/// A byte range of the scenario's text.
pub type Place = Range<usize>;

/// A value and where it was written; a default has no place.
#[derive(Clone, Debug, PartialEq)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// Where it stands; `None` for a default.
    pub place: Option<Place>,
}

impl<T> Given<T> {
    /// A value that stands in the text.
    pub fn at(value: T, place: Place) -> Self {
        Self { value, place: Some(place) }
    }

    /// A value that nobody wrote.
    pub fn default(value: T) -> Self {
        Self { value, place: None }
    }

    /// Whether nobody wrote it.
    pub fn is_default(&self) -> bool {
        self.place.is_none()
    }
}

/// The whole file.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Name; default: the file's stem.
    pub name: Given<String>,
    /// One sentence; empty by default.
    pub description: Given<String>,
    /// `[sim]`.
    pub sim: Sim,
    /// `[defaults]`.
    pub defaults: Defaults,
    /// Transports by name: the presets, adjusted where the file says so, and the file's own.
    pub transports: BTreeMap<String, TransportSpec>,
    /// `[network]`.
    pub network: Network,
    /// `[discovery]`.
    pub discovery: Discovery,
    /// `[clients.*]` by name.
    pub clients: BTreeMap<String, Client>,
    /// `[services.*]`, `[databases.*]`, `[externals.*]` by name (one namespace).
    pub nodes: BTreeMap<String, Node>,
    /// `[queues.*]` by name, in the namespace of the nodes.
    pub queues: BTreeMap<String, Queue>,
    /// `[topics.*]` by name, in the namespace of the nodes.
    pub topics: BTreeMap<String, Topic>,
    /// `[[flows]]` in order.
    pub flows: Vec<Flow>,
    /// `[policies.*]` by name.
    pub policies: BTreeMap<String, Policy>,
    /// `[[faults]]` in order.
    pub faults: Vec<Fault>,
    /// `[[slos]]` in order.
    pub slos: Vec<Slo>,
    /// `[variants.*]` in the order of the file.
    pub variants: Vec<Variant>,
    /// Who reads and calls what.
    pub index: Index,
}

/// `[variants.*]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Its name.
    pub name: Given<String>,
    /// Path and the TOML text of the new value, in order.
    pub edits: Vec<(String, String)>,
}

impl Scenario {
    /// Where a node, broker or client stands, if that is said.
    pub fn zone(&self, name: &str) -> Option<&Zone> {
        let node = self.nodes.get(name).map(|n| &n.zone);
        let broker = || self.queues.get(name).map(|q| &q.zone).or_else(|| self.topics.get(name).map(|t| &t.zone));
        let client = || self.clients.get(name).map(|c| &c.zone);
        node.or_else(broker).or_else(client)?.value.as_ref()
    }
}
