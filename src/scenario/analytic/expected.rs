//! What a forecast says.

/// What to expect of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Forecast {
    /// By node, in name order.
    pub nodes: Vec<NodeForecast>,
    /// Whoever consumes messages, in the order of the services.
    pub consumers: Vec<ConsumerForecast>,
    /// By node and endpoint or consumer: requests and messages that arrive per second, averaged over the run.
    pub programs: Vec<(String, String, f64)>,
    /// By client, in name order: requests per second, averaged over the run. A closed client's is an upper bound.
    pub clients: Vec<(String, f64)>,
    /// Connections and links that requests share: pools, limited connections, bandwidths.
    pub shared: Vec<Shared>,
    /// Databases with pools: the name, the connections of all pools together, and how many it takes.
    pub databases: Vec<(String, u64, Option<u32>)>,
    /// Events of one replication, roughly.
    pub events: f64,
    /// Whether calls in a circle multiply without bound.
    pub explodes: bool,
    /// Whether a closed client never lets time pass.
    pub spins: Option<String>,
}

/// What to expect of a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeForecast {
    /// Its name.
    pub name: String,
    /// Requests that arrive per second, averaged over the run; function calls are not arrivals.
    pub rate: f64,
    /// The same at the height of the load.
    pub peak_rate: f64,
    /// Own CPU per request, in milliseconds, function calls, encoding and decoding included.
    pub work_ms: f64,
    /// Work offered, in Erlangs: workers busy on average if there were enough.
    pub offered: f64,
    /// Workers over all replicas; `None`: unlimited.
    pub workers: Option<f64>,
    /// CPU over all replicas: cores, or workers where nothing is said; `None`: unlimited.
    pub cpus: Option<f64>,
    /// A database's replicas: the work of its primary in Erlangs, where that is busier than they are on average. Then it
    /// is what the utilizations are about.
    pub primary: Option<f64>,
    /// Offered work ÷ CPU; 0 where it is unlimited.
    pub utilization: f64,
    /// The same at the height of the load.
    pub peak_utilization: f64,
    /// Workers held ÷ workers, waiting for callees included where the caller blocks; a lower bound.
    pub held: f64,
    /// Mean time to its answer without any waiting in line, in milliseconds; a lower bound.
    pub response_ms: f64,
    /// Tries of one request at worst, over the longest path to it: 1 without retries.
    pub worst_attempts: u64,
}

/// What to expect of the consumers of one queue, or of one group, in one service.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerForecast {
    /// The queue or topic.
    pub from: String,
    /// The group, at a topic.
    pub group: Option<String>,
    /// The service.
    pub service: String,
    /// Deliveries per second, averaged over the run.
    pub rate: f64,
    /// Mean time to handle a message without any waiting in line, in milliseconds; a lower bound.
    pub handling_ms: f64,
    /// The worker pool that it shares with others.
    pub pool: Option<String>,
    /// Consumers over all replicas; those of the pool, where it shares one.
    pub members: u64,
    /// Partitions of the topic: no more members than that are active.
    pub partitions: Option<u32>,
    /// Handling offered ÷ active members; in a pool that of all its queues.
    pub utilization: f64,
    /// The same at the height of the load.
    pub peak_utilization: f64,
    /// The busiest member in this service, where the group's partitions decide what each is offered.
    pub busiest: Option<Busiest>,
}

/// What the busiest member of a group is offered. A member works on the partitions that are assigned to it, and nobody helps it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Busiest {
    /// Records of its partitions per second, averaged over the run.
    pub rate: f64,
    /// The same at the height of the load.
    pub peak_rate: f64,
    /// Records per second that a member can do at most.
    pub can: f64,
    /// Partitions that it has.
    pub partitions: u64,
    /// Members of this service that are offered more than they can do at the height of the load.
    pub over: u64,
}

/// What to expect of something that requests of one caller share on their way to one callee.
#[derive(Clone, Debug, PartialEq)]
pub struct Shared {
    /// What it is.
    pub kind: SharedKind,
    /// The caller.
    pub from: String,
    /// The callee.
    pub to: String,
    /// How many there are over all replicas of the caller, or the bandwidth in bytes per second.
    pub room: f64,
    /// How many are in use on average, or the bytes per second of the busier direction; a lower bound.
    pub used: f64,
    /// The same at the height of the load.
    pub peak: f64,
}

/// What requests share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SharedKind {
    /// The pools of database connections.
    Pool,
    /// The connections of a transport: its name.
    Connections(String),
    /// The bandwidth of a link.
    Link,
}
