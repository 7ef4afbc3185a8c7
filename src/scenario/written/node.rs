//! Nodes as written.

use std::collections::BTreeMap;

use crate::random::dist::Law;
use crate::units::Span;

use super::{Cache, Coming, Consumer, Contended, DoorRules, Given, Io, Pool, QueueOrder, Step, Zone};

/// What kind of table a node was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// `[services.*]`.
    Service,
    /// `[gateways.*]`.
    Gateway,
    /// `[databases.*]`.
    Database,
    /// `[externals.*]`.
    External,
    /// `[caches.*]`.
    Cache,
}

/// A service, gateway, database or external.
#[derive(Clone, Debug)]
pub struct Node {
    /// Name, placed at its table header.
    pub name: Given<String>,
    /// Which kind of table.
    pub kind: NodeKind,
    /// Default 1.
    pub replicas: Given<u32>,
    /// Services: how replicas come and go; with `autoscale`, `replicas` is how many there are at the beginning.
    pub coming: Coming,
    /// Workers per replica; default 200 (services), 100 (databases), unlimited (`None`: externals).
    pub concurrency: Given<Option<u32>>,
    /// CPU that all work on a replica shares; `None`: every worker its own.
    pub cores: Given<Option<f64>>,
    /// Work takes longer for each other request at work on the replica; default 0.
    pub contention: Given<f64>,
    /// And for each pair of them; default 0.
    pub coherency: Given<f64>,
    /// Default blocking.
    pub io: Given<Io>,
    /// Waiting per replica; `None`: no limit.
    pub queue_limit: Given<Option<u32>>,
    /// Default fifo.
    pub queue_order: Given<QueueOrder>,
    /// Whether a newcomer takes the worker of a running request (lifo and priority).
    pub preemptive: Given<bool>,
    /// How long a request stays in line; `None`: for ever.
    pub queue_timeout: Given<Option<Law>>,
    /// Whether a request past the deadline that it carries is dropped before it is begun; default true.
    pub drop_expired: Given<bool>,
    /// Services and gateways: what is refused at the door.
    pub door: DoorRules,
    /// Where it stands.
    pub zone: Given<Option<Zone>>,
    /// Services: its pools of database connections, by the database's name.
    pub pools: BTreeMap<String, Pool>,
    /// Databases: connections over all callers; `None`: no limit.
    pub max_connections: Given<Option<u32>>,
    /// Databases: how long a transaction waits for a lock before it looks for a deadlock; default PostgreSQL's 1 s.
    pub deadlock_timeout: Given<Span>,
    /// Databases: tables and how many may write to each at once.
    pub tables: BTreeMap<String, Contended>,
    /// Caches: what decides about hits.
    pub cache: Option<Cache>,
    /// By name; the default endpoint's name is empty.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// Services: where it takes messages from.
    pub consumes: Vec<Consumer>,
}

impl NodeKind {
    /// All of them.
    pub(in crate::scenario) const ALL: [Self; 5] =
        [Self::Service, Self::Gateway, Self::Database, Self::External, Self::Cache];

    /// The key of their tables.
    pub(in crate::scenario) fn family(self) -> &'static str {
        match self {
            Self::Service => "services",
            Self::Gateway => "gateways",
            Self::Database => "databases",
            Self::External => "externals",
            Self::Cache => "caches",
        }
    }
}

impl Node {
    /// All that its replicas do: what its endpoints do, and what its consumers do.
    pub fn programs(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.values().chain(self.consumes.iter().map(|consumer| &consumer.program))
    }
}

/// What a request asks a node to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Name; empty for the default endpoint.
    pub name: Given<String>,
    /// Own CPU time; `None`: none.
    pub work: Given<Option<Law>>,
    /// Time that needs no CPU, after the work; `None`: none.
    pub wait: Given<Option<Law>>,
    /// Share of requests that fail after their work.
    pub error_rate: Given<f64>,
    /// In order.
    pub steps: Vec<Step>,
}
