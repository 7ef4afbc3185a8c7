//! Finding and picking a replica, as written.

use crate::model::discovery::Kind;
use crate::units::Span;

use super::{Given, Rule};

/// `[discovery]`.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// How replicas are found; default a fixed list.
    pub kind: Given<Kind>,
    /// How long an answer of DNS is kept; default 30 s.
    pub ttl: Given<Span>,
    /// From a change until it is known; default by kind.
    pub propagation: Given<Span>,
    /// How replicas are probed; default by kind.
    pub readiness: Given<Option<Probes>>,
    /// How a caller picks a replica; default round robin.
    pub load_balancing: Given<Balancing>,
    /// `choices` of least request; default 2. `None` stands for `"all"`.
    pub choices: Given<Option<u32>>,
    /// Whether its candidates are different ones; default no.
    pub distinct: Given<bool>,
    /// Keys of `hash`; `None`, the default, stands for one per call.
    pub keys: Given<Option<u32>>,
    /// What is balanced over transports with connections; without them every request is. Default by kind.
    pub balance_per: Given<BalancePer>,
    /// When a caller leaves out a replica; default never.
    pub outlier_detection: Rule<OutlierDetection>,
}

/// `readiness`.
#[derive(Clone, Debug, PartialEq)]
pub struct Probes {
    /// Time between two.
    pub every: Given<Span>,
    /// So many fail before a replica is out.
    pub failures: Given<u32>,
}

/// `outlier_detection`.
#[derive(Clone, Debug, PartialEq)]
pub struct OutlierDetection {
    /// Failures in a row.
    pub consecutive_errors: Given<u32>,
    /// Time between two looks at who may come back.
    pub interval: Given<Span>,
    /// How long a replica is out at least.
    pub base_ejection: Given<Span>,
    /// Share of the replicas that may be out.
    pub max_ejected: Given<f64>,
    /// Whether one always may; default no.
    pub always_eject_one: Given<bool>,
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
    /// The one with the fewest of this caller's requests among `choices` candidates.
    LeastRequest,
    /// Always the same one (a random one per caller replica).
    PickFirst,
    /// Of two distinct candidates the one with the smaller product of recent latency and requests.
    P2cEwma,
    /// The one that a key belongs to.
    Hash,
}

impl Balancing {
    /// All of them and their words.
    pub const WORDS: [(&str, Balancing); 6] = [
        ("round_robin", Balancing::RoundRobin),
        ("random", Balancing::Random),
        ("least_request", Balancing::LeastRequest),
        ("pick_first", Balancing::PickFirst),
        ("p2c_ewma", Balancing::P2cEwma),
        ("hash", Balancing::Hash),
    ];
}

impl BalancePer {
    /// Both and their words.
    pub const WORDS: [(&str, BalancePer); 2] =
        [("connection", BalancePer::Connection), ("request", BalancePer::Request)];
}

/// All kinds of discovery and their words.
pub const KINDS: [(&str, Kind); 4] =
    [("static", Kind::Static), ("dns", Kind::Dns), ("kubernetes", Kind::Kubernetes), ("mesh", Kind::Mesh)];

impl Discovery {
    /// Whether replicas are probed where nobody says otherwise, and callers hear of changes.
    pub fn is_watched(&self) -> bool {
        is_watched(self.kind.value)
    }
}

/// Whether callers hear of changes by themselves.
pub fn is_watched(kind: Kind) -> bool {
    matches!(kind, Kind::Kubernetes | Kind::Mesh)
}
