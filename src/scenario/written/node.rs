//! Nodes as written.

use std::collections::BTreeMap;

use crate::random::dist::Law;
use crate::units::Span;

use super::{Coming, ConcurrencyLimit, Consumer, Given, RateLimit, Rule, Shed, Step, Zone};

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

/// From when an entry of a cache counts as fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtlFrom {
    /// From when it was put in.
    Fill,
    /// From when it was last hit.
    Access,
}

/// What decides about the hits of a cache.
#[derive(Clone, Debug, PartialEq)]
pub struct Cache {
    /// A fixed share of hits; `None`: what is asked for and what is kept decide.
    pub hit_rate: Given<Option<f64>>,
    /// How many keys are asked for.
    pub keys: Given<Option<u32>>,
    /// Zipf exponent of their weights; default 0, all alike.
    pub skew: Given<f64>,
    /// How long an entry lasts; `None`: for ever.
    pub ttl: Given<Option<Span>>,
    /// From when; default from when it was put in, as in Redis and memcached.
    pub ttl_from: Given<TtlFrom>,
    /// Entries at most; `None`: no limit.
    pub capacity: Given<Option<u32>>,
    /// Whether those that miss a key wait for the first to fetch it; default false.
    pub single_flight: Given<bool>,
}

/// Whether a worker is held while a call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Io {
    /// Held.
    Blocking,
    /// Free meanwhile.
    Async,
}

/// Who is served next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueOrder {
    /// First come, first served.
    Fifo,
    /// Last come, first served.
    Lifo,
    /// Anyone.
    Random,
    /// Lowest priority number, then first come.
    Priority,
    /// First or last come first, as the line is, with a bound on the wait.
    Codel {
        /// How long a newcomer may wait in a line that does not empty.
        target: Span,
        /// Otherwise, and how long a line is not empty before it counts as one that does not.
        interval: Span,
    },
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
    /// Services and gateways: so many requests per time and replica.
    pub rate_limit: Rule<RateLimit>,
    /// Services and gateways: no request while the line is too long.
    pub shed: Rule<Shed>,
    /// Services and gateways: as many at once as the latency allows.
    pub concurrency_limit: Rule<ConcurrencyLimit>,
    /// Where it stands.
    pub zone: Given<Option<Zone>>,
    /// Services: its pools of database connections, by the database's name.
    pub pools: BTreeMap<String, Pool>,
    /// Databases: connections over all callers; `None`: no limit.
    pub max_connections: Given<Option<u32>>,
    /// Databases: how long a transaction waits for a lock before it looks for a deadlock; default PostgreSQL's 1 s.
    pub deadlock_timeout: Given<Span>,
    /// Databases: tables and how many may write to each at once.
    pub tables: BTreeMap<String, Given<u32>>,
    /// Caches: what decides about hits.
    pub cache: Option<Cache>,
    /// By name; the default endpoint's name is empty.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// Services: where it takes messages from.
    pub consumes: Vec<Consumer>,
}

impl Node {
    /// All that its replicas do: what its endpoints do, and what its consumers do.
    pub fn programs(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.values().chain(self.consumes.iter().map(|consumer| &consumer.program))
    }
}

/// The connections of one replica of a service to one database.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// The database, as named.
    pub name: Given<String>,
    /// So many; default `HikariCP`'s 10.
    pub connections: Given<u32>,
    /// How long a caller waits for one before it fails; default `HikariCP`'s 30 s.
    pub wait: Given<Span>,
}

/// What a request asks a node to do.
#[derive(Clone, Debug)]
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
