//! The scenario as written: what the file says, defaults filled in and marked, nothing resolved yet.
//!
//! Every value knows its place in the text; a value without a place is a default. Names are resolved by
//! the check, units are already numbers.

use std::collections::BTreeMap;
use std::ops::Range;

mod index;
mod wire;

pub use super::tables::caches::*;
pub use super::tables::clients::*;
pub use super::tables::consumers::{Ack, Consumer, Membership, OnError, Replay};
pub use super::tables::discovery::*;
pub use super::tables::faults::*;
pub use super::tables::flows::Flow;
pub use super::tables::gates::{Auth, Gate, Kept, Route};
pub use super::tables::mesh::{Forwarding, HostRule, Members, Mesh, MeshKind, Per, Waypoint};
pub use super::tables::network::{Link, Network, Zone};
pub use super::tables::nodes::{Endpoint, Node, NodeKind};
pub use super::tables::orders::{Io, QueueOrder};
pub use super::tables::owners::{Holds, Owned};
pub use super::tables::paths::Pattern;
pub use super::tables::pools::{Contended, Pool, Pooler, Pooling};
pub use super::tables::queues::{Queue, QueueKind, WhenFull};
pub use super::tables::scale::*;
pub use super::tables::sim::{Defaults, Sim, WarmUp};
pub use super::tables::slos::{Metric, Promise, Scope, Sense, Slo};
pub use super::tables::steps::*;
pub use super::tables::sweep::Axis;
pub use super::tables::topics::{Acks, Keyed, SharedKey, Topic};
pub use super::tables::transports::{Connections, Cost, FREE, Protocol, Tls, TransportSpec};
pub use super::tables::worker_pools::WorkerPool;
pub use super::tables::zones::{Locality, Spread};
pub use super::tables::{breaker::*, limits::*, policy::*, retries::*};
pub use index::Index;
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
    /// `[mesh]`.
    pub mesh: Option<Mesh>,
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
    /// `[sweep]` in the order of the file.
    pub sweep: Vec<Axis>,
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

/// A rule that may be absent (nobody says anything), switched off (`None` inside), or there; apart, because every call has
/// room for nine of them and most have none.
pub type Rule<T> = Option<Box<Given<Option<T>>>>;

/// A rule that is there.
pub fn on<T>(rule: &Rule<T>) -> Option<&T> {
    rule.as_ref()?.value.as_ref()
}
