//! `[services.*]`, `[gateways.*]`, `[databases.*]`, `[externals.*]`, `[caches.*]` and their endpoints.
//!
//! The five kinds share most of their keys and one form as written, so that they are read and told by hand, here.

use std::collections::{BTreeMap, BTreeSet};

use super::super::check::zero;
use super::super::declare::{Field as _, Kind as _, Perhaps, Record as _, Told};
use super::super::lower::Lowering;
use super::super::print::{self, Page, key as quoted_key};
use super::super::read::{self, Desk, View, check_name, count, count_or, duration, flag, law, number, share, zone};
use super::super::vocab::{Key, Shape, Table, Word, key, word};
use super::super::walk::is_called;
use super::super::written::{
    Cache, Coming, Consumer, Contended, DoorRules, Given, Pool, Pooler, Spread, Step, WorkerPool, Zone, on,
};
use super::gates::{self, Edge, Gate};
use super::orders::{self, Io, QueueOrder, Served};
use super::owners::Owned;
use super::policy::intake;
use super::steps::{Program, Steps};
use crate::diag::{Complaint, code};
use crate::graph::End;
use crate::model::contention::Contention;
use crate::model::id::NONE;
use crate::model::line::{Delay, Order};
use crate::model::{EndpointId, NodeId, Pc, plan};
use crate::random::dist::Law;
use crate::random::draw::name_hash;
use crate::units::Span;

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
    /// Services: how replicas come and go (apart, like all that most do not say: there may be ten thousand nodes); with `autoscale`, `replicas` is how many there are at the beginning.
    pub coming: Box<Coming>,
    /// Workers per replica; default 200 (services), 100 (databases), unlimited (`None`: externals).
    pub concurrency: Given<Option<u32>>,
    /// CPU that all work on a replica shares; `None`: every worker its own.
    pub cores: Given<Option<f64>>,
    /// Money a replica costs an hour; `None`: nobody says.
    pub cost: Given<Option<f64>>,
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
    pub door: Box<DoorRules>,
    /// Where it stands.
    pub zone: Given<Option<Zone>>,
    /// Where its replicas stand, if not all there.
    pub spread: Spread,
    /// Services: its pools of database connections, by the database's name.
    pub pools: BTreeMap<String, Pool>,
    /// Databases: connections over all callers; `None`: no limit.
    pub max_connections: Given<Option<u32>>,
    /// Databases: what all callers' pools lead to; `None`: the database itself.
    pub pooler: Option<Pooler>,
    /// Databases: how long a transaction waits for a lock before it looks for a deadlock; default PostgreSQL's 1 s.
    pub deadlock_timeout: Given<Span>,
    /// Databases: how long after its primary the replicas show a write; `None`: at once, and nobody counts.
    pub replication_lag: Given<Option<Law>>,
    /// Databases: tables and how many may write to each at once.
    pub tables: BTreeMap<String, Contended>,
    /// Gateways: where paths lead, and what is asked before.
    pub gate: Option<Box<Gate>>,
    /// Caches: what decides about hits.
    pub cache: Option<Cache>,
    /// Services: who owns it, and what it is released with.
    pub owned: Owned,
    /// By name; the default endpoint's name is empty.
    pub endpoints: BTreeMap<String, Box<Endpoint>>,
    /// Services: where it takes messages from.
    pub consumes: Vec<Consumer>,
    /// Services: workers that several of these share, by name.
    pub worker_pools: BTreeMap<String, WorkerPool>,
}

impl Node {
    /// All that its replicas do: what its endpoints do, and what its consumers do.
    pub fn programs(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.values().map(AsRef::as_ref).chain(self.consumes.iter().map(|consumer| &consumer.program))
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

impl NodeKind {
    /// The family of its table.
    pub(in crate::scenario) fn family(self) -> &'static str {
        match self {
            Self::Service => "services",
            Self::Gateway => "gateways",
            Self::Database => "databases",
            Self::External => "externals",
            Self::Cache => "caches",
        }
    }

    /// What one is called.
    pub(in crate::scenario) fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Gateway => "gateway",
            Self::Database => "database",
            Self::External => "external",
            Self::Cache => "cache",
        }
    }

    /// All, in the order of the file.
    pub(in crate::scenario) const ALL: [Self; 5] =
        [Self::Service, Self::Gateway, Self::Database, Self::External, Self::Cache];
}

const UNLIMITED: &[Word] = &[word("unlimited", "As many as come: nothing ever waits.")];

const DOES: &[Key] = &[
    key("work", Shape::Law, "Own CPU time of the default endpoint, before its steps. Default: none."),
    key("wait", Shape::Law, "Own time that needs no CPU, after the work. Default: none."),
    key("error_rate", Shape::Share, "Fails so many requests after their work.").or("0.0"),
];

const STEPS: &[Key] = &[key("steps", Shape::Steps, "What a request does after its work, in order. Default: nothing.")];

const LINE: &[Key] = &[
    key(
        "cores",
        Shape::Number,
        "CPU that all work on a replica shares (processor sharing). Default: every worker has its own.",
    ),
    key(
        "cost",
        Shape::Number,
        "What a replica costs an hour, in whatever money; `advise` tells the sum where all but third parties say it. Default: not said.",
    ),
    key("contention", Shape::Share, "Work takes so much longer for each other request at work on the replica.")
        .or("0.0"),
    key("coherency", Shape::Share, "And so much longer for each pair of them (Universal Scalability Law).").or("0.0"),
    key(
        "queue_limit",
        Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]),
        "Waiting per replica; the next is refused at once. Default: no limit.",
    ),
    key("queue_order", Served::SHAPE, "Who is served next.").or("\"fifo\""),
    key("preemptive", Shape::Flag, "Whether a newcomer takes the worker of a running request (lifo and priority).")
        .or("false"),
    key(
        "drop_expired",
        Shape::Flag,
        "Whether a request past the deadline that came with it is dropped before it is begun.",
    )
    .or("true"),
    key("queue_timeout", Shape::Law, "Leaves the line, not the work, after this long. Default: never."),
];

const PLACE: &[Key] = &[
    key(
        "zone",
        Shape::Zone,
        "`region/zone/host`: decides the network class between two nodes. Default: all in one zone.",
    ),
    key("endpoints", Shape::Named(&ENDPOINT), "Several things the node can be asked for, by name."),
];

const SERVICE_ONLY: &[Key] = &[
    key("io", Io::SHAPE, "Whether a worker is held while a call waits.").or("\"blocking\""),
    key(
        "pools",
        Shape::Named(Pool::TABLE),
        "Connections of each replica to databases, by their names. Without a pool each query opens one of its own.",
    ),
    key("consumes", Shape::Tables(Consumer::TABLE), "The queues and topics it takes messages from. Default: none."),
    key("worker_pools", Shape::Named(WorkerPool::TABLE), "Workers that several of these share, by name. Default: none."),
];

/// `[gateways.*]`.
pub(in crate::scenario) static GATEWAY: Table = Table {
    name: "[gateways.*]",
    doc: "A gateway: a service at the edge that waits without holding a worker.",
    keys: &[
        &[
            REPLICAS,
            key(
                "concurrency",
                Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]),
                "Workers: requests one replica works on at once.",
            )
            .or("200"),
            key("io", Io::SHAPE, "Whether a worker is held while a call waits.").or("\"async\""),
        ],
        DOES,
        STEPS,
        DoorRules::KEYS,
        gates::ROUTES,
        Edge::KEYS,
        LINE,
        Spread::KEYS,
        PLACE,
    ],
};

const REPLICAS: Key = key("replicas", Shape::Whole, "How many of it run.").or("1");

/// `[services.*]`.
pub(in crate::scenario) static SERVICE: Table = Table {
    name: "[services.*]",
    doc: "A service: so many replicas, each with workers that take requests from a line.",
    keys: &[
        &[
            REPLICAS,
            key(
                "concurrency",
                Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]),
                "Workers: requests one replica works on at once. The default is Tomcat's.",
            )
            .or("200"),
        ],
        DOES,
        STEPS,
        SERVICE_ONLY,
        Owned::KEYS,
        Coming::KEYS,
        DoorRules::KEYS,
        LINE,
        Spread::KEYS,
        PLACE,
    ],
};

/// `[databases.*]`.
pub(in crate::scenario) static DATABASE: Table = Table {
    name: "[databases.*]",
    doc: "A database: queries execute on its workers.",
    keys: &[
        &[
            key(
                "replicas",
                Shape::Whole,
                "How many of it run: a primary, which takes all writes and the transactions with one in them, and \
                 replicas, which share the reads with it.",
            )
            .or("1"),
            key("concurrency", Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]), "Queries executing at once.").or("100"),
            key(
                "max_connections",
                Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]),
                "Connections over all callers; beyond it, opening one fails. Default: no limit.",
            ),
            key("pooler", Shape::One(Pooler::TABLE), "What the pools of callers lead to, and share. Default: the database itself."),
            key("tables", Shape::Named(Contended::TABLE), "Tables where writers contend, by name."),
            key(
                "deadlock_timeout",
                Shape::Duration,
                "A transaction that has waited so long for a table looks whether it waits for itself; then it is rolled back \
                 and fails with `deadlock`. The default is PostgreSQL's.",
            )
            .or("\"1s\""),
            key(
                "replication_lag",
                Shape::Law,
                "How long after its primary the replicas show a write; reads that miss one are counted. Default: they show it at once.",
            ),
        ],
        DOES,
        LINE,
        Spread::KEYS,
        PLACE,
    ],
};

/// `[externals.*]`.
pub(in crate::scenario) static EXTERNAL: Table = Table {
    name: "[externals.*]",
    doc: "A third party: answers after its time, limits unknown.",
    keys: &[
        &[
            REPLICAS,
            key("concurrency", Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]), "Requests at once.")
                .or("\"unlimited\""),
        ],
        DOES,
        LINE,
        Spread::KEYS,
        PLACE,
    ],
};

/// `[caches.*]`.
pub(in crate::scenario) static CACHE: Table = Table {
    name: "[caches.*]",
    doc: "A cache, asked by { cache = \"name\", on_miss = [...] }. Its hits are a fixed share (`hit_rate`), or what comes of the \
          `keys` that are asked for and of how long they are kept.",
    keys: &[
        &[key("concurrency", Shape::Or(&[Shape::Whole, Shape::Choice(UNLIMITED)]), "Looks at once.")
            .or("\"unlimited\"")],
        Cache::KEYS,
        DOES,
        LINE,
        &[key(
            "zone",
            Shape::Zone,
            "`region/zone/host`: decides the network class between two nodes. Default: all in one zone.",
        )],
    ],
};

/// `[services.*.endpoints.*]`.
pub(in crate::scenario) static ENDPOINT: Table = Table {
    name: "[services.*.endpoints.*]",
    doc: "One thing a node can be asked for, called as `node.endpoint`.",
    keys: &[DOES, STEPS],
};

/// One node.
pub(in crate::scenario) fn node(desk: &mut Desk<'_>, kind: NodeKind, name: Given<String>, view: &View<'_>) -> Node {
    let (service, database) = (kind == NodeKind::Service, kind == NodeKind::Database);
    let opens = service || kind == NodeKind::Gateway;
    let limit =
        |desk: &mut Desk<'_>, key: &str| view.read(desk, key, count_or("unlimited")).unwrap_or(Given::default(None));
    let several = view.vocab.find("replicas").is_some();
    let replicas = if several { view.or_default(desk, "replicas", count) } else { Given::default(1) };
    let coming = if service { Coming::of(desk, view) } else { Coming::never() };
    let door = if opens { DoorRules::read(desk, view).unwrap_or_default() } else { DoorRules::default() };
    let mut endpoints = endpoints(desk, &name, view);
    let gate = (kind == NodeKind::Gateway).then(|| Gate::of(desk, view, (&name.value, &door), &mut endpoints));
    Node {
        kind,
        replicas: coming.begins(replicas),
        coming: Box::new(coming),
        concurrency: view.or_default(desk, "concurrency", count_or("unlimited")),
        cores: view.maybe(desk, "cores", number),
        cost: view.maybe(desk, "cost", number),
        contention: view.or_default(desk, "contention", share),
        coherency: view.or_default(desk, "coherency", share),
        io: if opens { view.or_default(desk, "io", Io::read) } else { Given::default(Io::Blocking) },
        queue_limit: limit(desk, "queue_limit"),
        queue_order: view.or_default(desk, "queue_order", Served::read),
        preemptive: view.or_default(desk, "preemptive", flag),
        queue_timeout: view.maybe(desk, "queue_timeout", law),
        drop_expired: view.or_default(desk, "drop_expired", flag),
        door: Box::new(door),
        zone: view.maybe(desk, "zone", zone),
        spread: if several { Spread::read(desk, view) } else { None }.unwrap_or_else(Spread::nowhere),
        pools: if service { Pool::all(desk, view) } else { BTreeMap::new() },
        max_connections: if database { limit(desk, "max_connections") } else { Given::default(None) },
        pooler: if database { Perhaps::<Pooler>::read(desk, view, "pooler", "").flatten() } else { None },
        deadlock_timeout: if database {
            view.or_default(desk, "deadlock_timeout", duration)
        } else {
            Given::default(Span::ZERO)
        },
        replication_lag: if database { view.maybe(desk, "replication_lag", law) } else { Given::default(None) },
        tables: if database { read::named(desk, view, "tables") } else { BTreeMap::new() },
        gate: gate.map(Box::new),
        owned: if service { Owned::read(desk, view) } else { None }.unwrap_or_else(Owned::unknown),
        cache: (kind == NodeKind::Cache).then(|| Cache::read(desk, view)).flatten(),
        endpoints,
        consumes: Vec::new(),
        worker_pools: if service { read::named(desk, view, "worker_pools") } else { BTreeMap::new() },
        name,
    }
}

/// The default endpoint is there when anything about it is written, or when there is no other.
fn endpoints(desk: &mut Desk<'_>, node: &Given<String>, view: &View<'_>) -> BTreeMap<String, Box<Endpoint>> {
    let mut all = BTreeMap::new();
    let others = if view.vocab.find("endpoints").is_some() { view.named(desk, "endpoints") } else { Vec::new() };
    for (name, inner) in others {
        check_name(desk, &name);
        let mut one = endpoint(desk, name.clone(), &inner);
        // What is said about the whole node holds for each of its endpoints that says nothing else.
        if one.error_rate.is_default() && view.has("error_rate") {
            one.error_rate = view.or_default(desk, "error_rate", share);
        }
        all.insert(name.value.clone(), Box::new(one));
    }
    let own = ["work", "wait", "steps"].iter().any(|key| view.vocab.find(key).is_some() && view.has(key));
    if own || all.is_empty() {
        let name = Given { value: String::new(), place: node.place.clone() };
        all.insert(String::new(), Box::new(endpoint(desk, name, view)));
    }
    all
}

/// One endpoint, or what a node does by default.
fn endpoint(desk: &mut Desk<'_>, name: Given<String>, view: &View<'_>) -> Endpoint {
    let has_steps = view.vocab.find("steps").is_some();
    Endpoint {
        name,
        work: view.maybe(desk, "work", law),
        wait: view.maybe(desk, "wait", law),
        error_rate: view.or_default(desk, "error_rate", share),
        steps: if has_steps {
            view.read(desk, "steps", Steps::read).map(|s| s.value).unwrap_or_default()
        } else {
            Vec::new()
        },
    }
}

/// Tells a node and all in it; `hurried` where deadlines travel.
pub(in crate::scenario) fn tell(node: &Node, hurried: bool, page: &mut Page) {
    let header = format!("{}.{}", node.kind.family(), quoted_key(&node.name.value));
    page.header(&format!("[{header}]"));
    let mut none = Vec::new();
    if node.kind != NodeKind::Cache {
        page.given("replicas", &node.replicas, u32::to_string);
    }
    if node.kind == NodeKind::Service {
        page.told(node.owned.told(), &mut none);
        page.told(node.coming.told(), &mut none);
    }
    page.given("concurrency", &node.concurrency, |c| c.map_or("\"unlimited\"".into(), |n| n.to_string()));
    page.maybe("cores", &node.cores, &mut none, |c| format!("{c:?}"));
    // A fact that nothing in a run depends on is told where it is said.
    if node.cost.value.is_some() {
        page.maybe("cost", &node.cost, &mut none, |c| format!("{c:?}"));
    }
    page.given("contention", &node.contention, |c| format!("{c:?}"));
    page.given("coherency", &node.coherency, |c| format!("{c:?}"));
    if matches!(node.kind, NodeKind::Service | NodeKind::Gateway) {
        page.told(node.door.told(), &mut none);
        page.given("io", &node.io, Io::print);
    }
    page.maybe("queue_limit", &node.queue_limit, &mut none, u32::to_string);
    page.given("queue_order", &node.queue_order, Served::print);
    page.given("preemptive", &node.preemptive, bool::to_string);
    page.maybe("queue_timeout", &node.queue_timeout, &mut none, print::law);
    // Said where it can matter: where no deadline travels, none is past.
    if hurried || !node.drop_expired.is_default() {
        page.given("drop_expired", &node.drop_expired, bool::to_string);
    }
    page.maybe("zone", &node.zone, &mut none, print::zone);
    page.told(node.spread.told(), &mut none);
    if node.kind == NodeKind::Database {
        page.maybe("max_connections", &node.max_connections, &mut none, u32::to_string);
        if let (Some(value), default) = Perhaps::<Pooler>::told(&node.pooler) {
            page.told([Told { key: "pooler", value: Some(value), default }], &mut none);
        }
        if node.replication_lag.value.is_some() {
            page.maybe("replication_lag", &node.replication_lag, &mut none, print::law);
        }
        // Said where it can matter: where nothing is locked, nothing is waited for.
        if !node.tables.is_empty() || !node.deadlock_timeout.is_default() {
            page.given("deadlock_timeout", &node.deadlock_timeout, print::time);
        }
    }
    if let Some(own) = &node.cache {
        page.told(own.told(), &mut none);
    }
    let named = node.endpoints.len() > usize::from(node.endpoints.contains_key(""));
    let gate = node.gate.as_deref();
    if let Some(gate) = gate {
        gate.tell(page, &mut none);
    }
    if let Some(own) = gate.and_then(Gate::own) {
        tell_own(own, page, &mut none);
    }
    if let Some(own) = node.endpoints.get("") {
        tell_endpoint(own, said(node, own), page, &mut none, named);
    }
    page.none(&none);
    if let Some(gate) = gate {
        gate.tell_routes(&header, page);
    }
    for (name, pool) in &node.pools {
        page.whole(&format!("[{header}.pools.{}]", quoted_key(name)), pool.told());
    }
    for (name, table) in &node.tables {
        page.whole(&format!("[{header}.tables.{}]", quoted_key(name)), table.told());
    }
    for (name, pool) in &node.worker_pools {
        page.whole(&format!("[{header}.worker_pools.{}]", quoted_key(name)), pool.told());
    }
    for consumer in &node.consumes {
        page.whole(&format!("[[{header}.consumes]]"), consumer.told());
    }
    let routed = |name: &str| gate.is_some_and(|gate| gate.leads(name));
    for (name, inner) in node.endpoints.iter().filter(|(name, _)| !name.is_empty() && !routed(name)) {
        page.header(&format!("[{header}.endpoints.{}]", quoted_key(name)));
        let mut none = Vec::new();
        tell_endpoint(inner, said(node, inner), page, &mut none, false);
        page.none(&none);
    }
}

/// The steps of an endpoint as written: a gateway adds its own.
fn said<'n>(node: &'n Node, endpoint: &'n Endpoint) -> &'n Vec<Step> {
    node.gate.as_ref().map_or(&endpoint.steps, |gate| gate.said(endpoint))
}

/// A default endpoint beside others is there because something was said about it, which must still be said.
fn tell_endpoint(endpoint: &Endpoint, steps: &Vec<Step>, page: &mut Page, none: &mut Vec<String>, beside: bool) {
    tell_own(endpoint, page, none);
    if steps.is_empty() {
        if beside && endpoint.work.value.is_none() && endpoint.wait.value.is_none() {
            page.line("steps", "[]", false);
        } else {
            none.push("steps".into());
        }
    } else {
        page.line("steps", Program::print(steps), false);
    }
}

/// What an endpoint does before its steps.
fn tell_own(endpoint: &Endpoint, page: &mut Page, none: &mut Vec<String>) {
    page.maybe("work", &endpoint.work, none, print::law);
    page.maybe("wait", &endpoint.wait, none, print::law);
    page.given("error_rate", &endpoint.error_rate, |e| format!("{e:?}"));
}

impl<'s> Lowering<'s> {
    /// Nodes and their endpoints, in name order.
    pub(in crate::scenario) fn nodes(&mut self) {
        for (name, node) in &self.scenario.nodes {
            let id = self.node(name, node);
            if let Some(cache) = &node.cache {
                self.cache_of(id, cache);
            }
            for (table, contended) in &node.tables {
                self.tables.push((name, table));
                let (writers, deadlock_timeout) = (contended.writers.value, node.deadlock_timeout.value);
                let first = self.plan.tables.last().map_or(0, |last| last.first + last.places());
                self.plan.tables.push(plan::Table { writers, first, rows: contended.rows(), deadlock_timeout });
            }
            for endpoint in node.programs().map(|e| &e.name.value) {
                let eid = EndpointId(self.plan.endpoints.len() as u32);
                self.plan.endpoints.push(plan::Endpoint {
                    name: End::named(name, endpoint).to_string(),
                    node: id,
                    entry: Pc::default(),
                    consumer: false,
                    goals: 0,
                });
                self.endpoints.insert((id, endpoint), eid);
            }
        }
    }

    fn node(&mut self, name: &'s str, node: &Node) -> NodeId {
        let life = self.life(node);
        let queue_timeout = node.queue_timeout.value.as_ref().map(|law| self.law(law));
        let called = node.consumes.is_empty() || is_called(self.scenario, name);
        let planned = plan::Node {
            name: name.into(),
            hash: name_hash(name),
            kind: node.kind.word(),
            first_replica: self.plan.replicas(),
            replicas: self.places(node),
            life,
            workers: node.concurrency.value.unwrap_or(NONE),
            consumers: consumers(node, called, &self.fed),
            called,
            cores: node.cores.value,
            queue_limit: node.queue_limit.value.unwrap_or(NONE),
            order: served(node.queue_order.value),
            preemptive: node.preemptive.value,
            queue_timeout,
            intake: intake(node),
            contention: contention(node),
            translates: node.gate.as_deref().is_some_and(Gate::translates),
        };
        self.push_node(name, planned)
    }
}

/// Consumers of one replica. Those of a queue that nothing comes to are there for a variant in which something does: they would
/// only make the others look idle.
fn consumers(node: &Node, called: bool, fed: &BTreeSet<&str>) -> u32 {
    let own = |counts: bool| node.crowd(|c| !counts || fed.contains(c.from.value.as_str()));
    let all = if !called && own(true) == 0 { own(false) } else { own(true) };
    u32::try_from(all).unwrap_or(u32::MAX)
}

/// What requests at one replica cost each other, if anything.
fn contention(node: &Node) -> Option<Contention> {
    let (sigma, kappa) = (node.contention.value, node.coherency.value);
    (sigma > 0.0 || kappa > 0.0).then_some(Contention { sigma, kappa })
}

fn served(order: QueueOrder) -> Order {
    match order {
        QueueOrder::Fifo => Order::Fifo,
        QueueOrder::Lifo => Order::Lifo,
        QueueOrder::Random => Order::Random,
        QueueOrder::Priority => Order::Priority,
        QueueOrder::Codel { target, interval } => Order::Codel(Delay { target, interval }),
    }
}

/// The least share of a core that can be given to a container
/// (<https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/>).
const MILLICORE: f64 = 0.001;

/// The most cores of a replica: more than any machine has.
const MOST_CORES: f64 = 1e6;

/// Complains about numbers that cannot be.
pub(in crate::scenario) fn ranges(node: &Node, complaints: &mut Vec<Complaint>) {
    let nobody = "nobody would serve";
    let awaited = on(&node.coming.autoscale).is_some_and(|scale| scale.min.value == 0);
    zero(node.replicas.value == 0 && !awaited, "replicas", node.replicas.place.as_ref(), nobody, complaints);
    zero(node.concurrency.value == Some(0), "concurrency", node.concurrency.place.as_ref(), nobody, complaints);
    if let Some(cost) = node.cost.value.filter(|cost| *cost < 0.0) {
        let message = format!("`cost` is {cost}; nothing costs less than nothing");
        complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(node.cost.place.clone()));
    }
    if let Some(cores) = node.cores.value.filter(|cores| *cores < MILLICORE) {
        let message = format!("`cores` is {cores}; the least is {MILLICORE}");
        let complaint = Complaint::error(code::OUT_OF_RANGE, message).at(node.cores.place.clone());
        complaints.push(complaint.help("Kubernetes knows nothing smaller than a thousandth of a core, either"));
    }
    if let Some(cores) = node.cores.value.filter(|cores| *cores > MOST_CORES) {
        let message = format!("`cores` is {cores}; the most is {MOST_CORES}");
        let complaint = Complaint::error(code::OUT_OF_RANGE, message).at(node.cores.place.clone());
        complaints.push(complaint.help("they are those of one replica: say how many `replicas` there are"));
    }
    if node.replicas.value == 1
        && let Some(place) = node.replication_lag.place.clone()
    {
        let message = format!("`replication_lag`: `{}` has no replicas besides its primary", node.name.value);
        let complaint = Complaint::warning(code::UNUSED, message).at(Some(place));
        complaints.push(complaint.help("say how many there are, the primary included: replicas = 2"));
    }
    orders::ranges(&node.queue_order, complaints);
    let takes = matches!(node.queue_order.value, QueueOrder::Lifo | QueueOrder::Priority);
    if node.preemptive.value && !takes {
        let message = "`preemptive` with a line where nobody is more urgent than who is being served";
        let complaint = Complaint::error(code::PREEMPTION, message).at(node.preemptive.place.clone());
        complaints.push(complaint.help("it means something for queue_order = \"lifo\" and \"priority\""));
    }
}
