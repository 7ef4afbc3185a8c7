//! The scenario as written: what the file says, defaults filled in and marked, nothing resolved yet.
//!
//! Every value knows its place in the text; a value without a place is a default. Names are resolved by
//! the check, units are already numbers.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::random::dist::Law;
use crate::units::{Rate, Span};

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
    /// `[policies.*]` by name.
    pub policies: BTreeMap<String, Policy>,
    /// `[[slos]]` in order.
    pub slos: Vec<Slo>,
    /// `[variants.*]` by name: path and the TOML text of the new value, in order.
    pub variants: BTreeMap<String, Vec<(String, String)>>,
}

/// `[sim]`.
#[derive(Clone, Debug)]
pub struct Sim {
    /// Measured time; default 60 s.
    pub duration: Given<Span>,
    /// Simulated before and thrown away; default 10 s.
    pub warmup: Given<Span>,
    /// Default 1.
    pub seed: Given<u64>,
    /// Independent runs; default 10.
    pub replications: Given<u32>,
    /// Guard on events of one replication; default 10¹⁰.
    pub max_events: Given<u64>,
    /// Guard on requests in flight; default 10⁶.
    pub max_in_flight: Given<u64>,
}

/// `[defaults]`.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Transport of calls that name none: a name of `transports` or [`IN_PROCESS`]; default `rest`.
    pub transport: Given<String>,
    /// Policy of calls that name none.
    pub policy: Option<Given<String>>,
}

/// The word for a call that is no transport at all, but a function call.
pub const IN_PROCESS: &str = "in-process";

/// The transport that costs nothing but the network; no file can change it.
pub const FREE: &str = "free";

/// How a call travels.
#[derive(Clone, Copy, Debug)]
pub enum How<'s> {
    /// When the callee's program runs on the caller's worker: a function call.
    InProcess,
    /// When the call crosses the network.
    Over(&'s TransportSpec),
}

impl How<'_> {
    /// Whether it is a function call.
    pub fn is_in_process(self) -> bool {
        matches!(self, How::InProcess)
    }
}

/// A transport: a preset, or a table of `[transports.*]`. What the table leaves out is as in `like` and has no place.
#[derive(Clone, Debug, PartialEq)]
pub struct TransportSpec {
    /// Name, placed at its table header; a preset that the file does not touch has no place.
    pub name: Given<String>,
    /// The transport it starts from; `None` for presets, and for those that say everything themselves.
    pub like: Option<Given<String>>,
    /// CPU of the side that sends, per message.
    pub encode: Cost,
    /// CPU of the side that receives, per message.
    pub decode: Cost,
    /// Bytes on the wire ÷ bytes of the payload.
    pub size_factor: Given<f64>,
    /// What a connection can do.
    pub protocol: Given<Protocol>,
    /// Requests in flight per connection; 1 over HTTP/1.1.
    pub streams: Given<u32>,
    /// Per caller replica, and per callee replica where requests are balanced; `None`: no connections, no handshakes.
    pub connections: Option<Connections>,
    /// What a caller that gave up stops.
    pub cancels: Given<Cancels>,
}

/// CPU of encoding or decoding one message.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// For any message.
    pub per_message: Given<Span>,
    /// For each byte on the wire, in picoseconds.
    pub per_byte_ps: Given<f64>,
}

/// The connections of one replica of a caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Connections {
    /// At most so many; further requests wait for one.
    pub max: Given<u32>,
    /// So many stay open when nothing is in flight on them.
    pub max_idle: Given<u32>,
    /// An idle one closes after this long.
    pub idle_timeout: Given<Span>,
    /// What a new one negotiates.
    pub tls: Given<Tls>,
}

/// What a connection can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// One request in flight per connection.
    Http1,
    /// So many at once as there are streams.
    Http2,
}

/// What a new connection negotiates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Nothing: TCP's one round trip.
    None,
    /// TLS 1.2: two more.
    V12,
    /// TLS 1.3: one more.
    V13,
}

/// What a caller that gave up stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancels {
    /// Nothing: the callee works on.
    No,
    /// Requests in line are taken out, running ones stop at their next step.
    Queued,
}

/// `[network]`: one-way latencies by class.
#[derive(Clone, Debug)]
pub struct Network {
    /// Both ends on one host; default 30 µs.
    pub same_host: Given<Law>,
    /// Both ends in one zone; default p50 0.25 ms, p99 1.5 ms.
    pub same_zone: Given<Law>,
    /// Two zones of one region; default p50 0.5 ms, p99 3 ms.
    pub cross_zone: Given<Law>,
    /// Two regions; default 35 ms.
    pub cross_region: Given<Law>,
    /// `[network.links."a -> b"]`.
    pub links: Vec<Link>,
}

/// One overridden link, both directions of a call over it.
#[derive(Clone, Debug)]
pub struct Link {
    /// Caller.
    pub from: Given<String>,
    /// Callee (a node).
    pub to: Given<String>,
    /// One-way latency; `None`: that of the class.
    pub latency: Option<Given<Law>>,
    /// Bytes per second and direction, first come first served; `None`: no limit.
    pub bandwidth: Option<Given<f64>>,
    /// Share of messages that are lost and sent again: delay, not error. Default 0.
    pub loss: Given<f64>,
}

/// `[discovery]`.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// How a caller picks a replica; default round robin.
    pub load_balancing: Given<Balancing>,
    /// `choices` of least request; default 2. `None` stands for `"all"`.
    pub choices: Given<Option<u32>>,
    /// What is balanced over transports with connections; without them every request is. Default: connections.
    pub balance_per: Given<BalancePer>,
}

/// What is balanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BalancePer {
    /// New connections: requests follow the connection they get.
    Connection,
    /// Every request.
    Request,
}

/// How a caller picks a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balancing {
    /// One after the other, from a random start per caller replica.
    RoundRobin,
    /// Uniformly at random.
    Random,
    /// The one with the fewest of this caller's requests among `choices` distinct candidates.
    LeastRequest,
    /// Always the same one (a random one per caller replica).
    PickFirst,
}

/// Where a node stands: region, zone, host, any of them may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// `eu-west` of `eu-west/a/host1`.
    pub region: String,
    /// `a`.
    pub zone: Option<String>,
    /// `host1`.
    pub host: Option<String>,
}

/// What kind of table a node was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// `[services.*]`.
    Service,
    /// `[databases.*]`.
    Database,
    /// `[externals.*]`.
    External,
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
}

/// A service, database or external.
#[derive(Clone, Debug)]
pub struct Node {
    /// Name, placed at its table header.
    pub name: Given<String>,
    /// Which kind of table.
    pub kind: NodeKind,
    /// Default 1.
    pub replicas: Given<u32>,
    /// Workers per replica; default 200 (services), 100 (databases), unlimited (`None`: externals).
    pub concurrency: Given<Option<u32>>,
    /// CPU that all work on a replica shares; `None`: every worker its own.
    pub cores: Given<Option<f64>>,
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
    /// Where it stands.
    pub zone: Given<Option<Zone>>,
    /// Services: its pools of database connections, by the database's name.
    pub pools: BTreeMap<String, Pool>,
    /// Databases: connections over all callers; `None`: no limit.
    pub max_connections: Given<Option<u32>>,
    /// Databases: tables and how many may write to each at once.
    pub tables: BTreeMap<String, Given<u32>>,
    /// By name; the default endpoint's name is empty.
    pub endpoints: BTreeMap<String, Endpoint>,
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

/// One step of an endpoint.
#[derive(Clone, Debug)]
pub struct Step {
    /// The whole step in the text.
    pub place: Place,
    /// How often, one after the other (inside `parallel`: at once); default 1.
    pub times: Given<u32>,
    /// How likely; default 1.
    pub probability: Given<f64>,
    /// What.
    pub verb: Verb,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Verb {
    /// CPU time.
    Work(Law),
    /// Time without CPU.
    Wait(Law),
    /// A call to a service or external.
    Call(Call),
    /// A call to a database.
    Query(Call),
    /// Steps during which one connection of the pool to a database is held, and the tables written to stay locked.
    Transaction {
        /// The database.
        database: Given<String>,
        /// In order.
        steps: Vec<Step>,
    },
    /// Branches that wait together.
    Parallel {
        /// The branches; each may be optional.
        branches: Vec<Branch>,
        /// How many must succeed; `None`: all.
        wait_for: Given<Option<u32>>,
    },
    /// One of several ways, by weight.
    Split(Vec<Arm>),
}

/// A branch of `parallel`.
#[derive(Clone, Debug)]
pub struct Branch {
    /// What it does.
    pub step: Step,
    /// Whether it may be missing.
    pub optional: Given<bool>,
}

/// One way of a `split`.
#[derive(Clone, Debug)]
pub struct Arm {
    /// Relative to the sum of all weights.
    pub weight: Given<f64>,
    /// In order; may be empty.
    pub steps: Vec<Step>,
}

/// A node and one of its endpoints, as named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The node.
    pub node: String,
    /// The endpoint; empty: the default one.
    pub endpoint: String,
}

/// What a call carries each way if nobody says: 1 KB.
pub const PAYLOAD: u64 = 1_000;

/// A call as written.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who is called.
    pub target: Given<Target>,
    /// How; `None`: the default transport. Queries have none.
    pub transport: Option<Given<String>>,
    /// Which policy; `None`: the default policy, if any.
    pub policy: Option<Given<String>>,
    /// Per try; overrides the policy's.
    pub timeout: Option<Given<Span>>,
    /// Bytes of the request before encoding; default 1 KB.
    pub request: Given<u64>,
    /// Bytes of the response (of each message of a stream) before encoding; default 1 KB.
    pub response: Given<u64>,
    /// Server streaming: so many messages in the answer; `None`: one body.
    pub stream: Given<Option<u32>>,
    /// Queries: the table; `None`: none that matters.
    pub table: Option<Given<String>>,
    /// Queries: default read.
    pub mode: Given<Mode>,
}

/// What a query does to its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Looks.
    Read,
    /// Changes: needs one of the table's writers.
    Write,
}

/// `[policies.*]`.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Name, placed at its table header.
    pub name: Given<String>,
    /// Per try; `None`: none.
    pub timeout: Given<Option<Span>>,
}

/// `[clients.*]`.
#[derive(Clone, Debug)]
pub struct Client {
    /// Name, placed at its table header.
    pub name: Given<String>,
    /// Whom it calls, with shares that sum to 1.
    pub calls: Vec<ClientCall>,
    /// How; `None`: the default transport.
    pub transport: Option<Given<String>>,
    /// Whether it comes through a browser; default false.
    pub browser: Given<bool>,
    /// When it calls.
    pub load: Load,
    /// To the whole answer; `None`: none.
    pub timeout: Given<Option<Span>>,
    /// Inherited downstream; 0 first; default 0.
    pub priority: Given<u32>,
    /// Where it stands.
    pub zone: Given<Option<Zone>>,
    /// Its weight among clients; `None`: its share of the traffic.
    pub weight: Given<Option<f64>>,
}

/// One of a client's calls.
#[derive(Clone, Debug)]
pub struct ClientCall {
    /// Who is called.
    pub target: Given<Target>,
    /// How many of its requests go there.
    pub share: f64,
    /// Bytes of the request before encoding; default 1 KB.
    pub request: Given<u64>,
    /// Bytes of the response before encoding; default 1 KB.
    pub response: Given<u64>,
}

/// When a client calls.
#[derive(Clone, Debug)]
pub enum Load {
    /// When requests come whatever happens.
    Open {
        /// The pattern.
        arrivals: Given<Arrivals>,
        /// Requests (batches) per second over time; one endless phase for a plain `rate`.
        phases: Vec<Phase>,
        /// Requests per arrival; `None`: one.
        batch: Given<Option<Law>>,
    },
    /// When each of a number of users waits for the answer, then thinks.
    Closed {
        /// How many.
        users: Given<u32>,
        /// Between an answer and the next request; default none.
        think_time: Given<Law>,
    },
}

/// The pattern of open arrivals.
#[derive(Clone, Debug)]
pub enum Arrivals {
    /// Exponential gaps.
    Poisson,
    /// Equal gaps.
    Constant,
    /// Poisson whose rate jumps between two levels (a Markov-modulated Poisson process).
    Bursty {
        /// The low rate.
        low: Rate,
        /// The high rate.
        high: Rate,
        /// Mean (exponential) stay at the low rate.
        stay_low: Span,
        /// Mean (exponential) stay at the high rate.
        stay_high: Span,
    },
    /// Gaps of any law; needs no rate.
    Gaps(Law),
    /// Recorded arrival times, from the start of the measured time.
    Replay {
        /// The file as written.
        path: String,
        /// The times, ascending.
        times: Vec<Span>,
    },
}

/// One stretch of an open client's rate.
#[derive(Clone, Debug)]
pub struct Phase {
    /// How long; `None`: for ever.
    pub duration: Option<Given<Span>>,
    /// Rate at its start.
    pub rate: Given<Rate>,
    /// Rate at its end, reached linearly; `None`: no ramp.
    pub ramp_to: Option<Given<Rate>>,
}

/// `[[slos]]`.
#[derive(Clone, Debug)]
pub struct Slo {
    /// Default: `of expect`.
    pub name: Given<String>,
    /// Client, endpoint, node or edge.
    pub of: Given<String>,
    /// The expression as written.
    pub expect: Given<String>,
    /// The expression as understood.
    pub promise: Promise,
}

/// An SLO's expression as understood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Promise {
    /// The figure.
    pub metric: Metric,
    /// The comparison.
    pub sense: Sense,
    /// The bound, in the metric's own unit (ms, share, per second, count).
    pub bound: f64,
}

/// A figure an SLO may be about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// A latency percentile, ms; the value is the quantile (0.99).
    Percentile(f64),
    /// Mean latency, ms.
    Mean,
    /// Largest latency, ms.
    Max,
    /// Successes ÷ ended.
    SuccessRate,
    /// Failures ÷ ended.
    ErrorRate,
    /// Successes per second.
    Throughput,
    /// Busy ÷ workers; nodes only.
    Utilization,
    /// Share of all ended requests that succeeded within so many ms.
    Good(f64),
}

/// The comparison of an SLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    /// `<`.
    Below,
    /// `<=`.
    AtMost,
    /// `>`.
    Above,
    /// `>=`.
    AtLeast,
}
