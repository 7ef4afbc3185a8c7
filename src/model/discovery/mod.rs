//! How a caller finds the replicas of a node: discovery.
//!
//! `kind = "static"` (default): a list in the configuration. It names every replica, whatever happens to it; after a
//! `move` it is wrong for good. `"dns"`: a name is looked up when no answer is at hand, and the answer is kept for
//! `ttl` (30 s: the JVM's, and that of the records Kubernetes serves), per caller replica and callee; the first ones
//! are of any age. (Where requests are balanced over HTTP/2 it is kept until a connection breaks: see `connections`.) Caches add up: one between the callers and the name's server is `propagation`. Nobody asks whether
//! an address answers. While a `discovery_outage` lasts every lookup fails: an answer is used up to its end, then calls
//! fail with `no_endpoint` (resolvers serve stale answers only where told to). `"kubernetes"`: one virtual address per
//! service; what stands behind it is known to all callers `propagation` after it has changed. `"mesh"`: the same list
//! in each caller's sidecar or client, so that requests are balanced (`balance_per = "request"`), not connections.
//!
//! `propagation` is the time from a change of the endpoints until it can be seen: 1 s for `kubernetes` (kube-proxy's
//! `minSyncPeriod`), 100 ms for `mesh` (Istio waits so long for further changes), none for `dns`, where the `ttl` comes
//! on top. A change never moves connections that are open: with `balance_per = "connection"` requests follow them to
//! the old address.
//!
//! With `kubernetes` and `mesh`, `readiness = { every = "10s", failures = 3 }` (the defaults of a Kubernetes probe)
//! asks every replica, each at a phase of its own: after three failed probes it is out of the list, after the first
//! good one it is back, both `propagation` later. Between, callers are sent to a replica that is down. Where no replica
//! is left calls fail with `no_endpoint`.
//!
//! Changes cost no time of a call and no CPU, and neither do lookups unless a `resolver` says what they take. With `ttl = "0s"` nothing
//! is kept: a name is looked up whenever a connection is opened, or for every request where these are balanced.

mod book;
mod outlier;
mod readiness;
mod resolver;

use super::balance::{Locality, SlowStart};
use crate::units::Span;

pub use book::{Address, Book, panics};
pub use outlier::{OutlierSpec, Outliers};
pub use readiness::{Depth, Readiness};
pub use resolver::Resolver;

/// How replicas are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// When a list in the configuration names them.
    #[default]
    Static,
    /// When a name is looked up and the answer kept for a while.
    Dns,
    /// When a virtual address stands before them.
    Kubernetes,
    /// When every caller has the list.
    Mesh,
}

impl Discovery {
    /// Whether probes stand in line with requests.
    pub fn asks(&self) -> bool {
        self.liveness.is_some() || self.readiness.is_some_and(|probes| probes.queues())
    }

    /// Whether callers hear of changes by themselves.
    pub fn is_watched(&self) -> bool {
        matches!(self.kind, Kind::Kubernetes | Kind::Mesh)
    }
}

/// Discovery as planned.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Discovery {
    /// How replicas are found.
    pub kind: Kind,
    /// How long an answer of DNS is kept.
    pub ttl: Span,
    /// What it takes to look a name up; `None`: nothing.
    pub resolver: Option<Resolver>,
    /// From a change of endpoints until callers, or DNS, know it.
    pub propagation: Span,
    /// How replicas are asked whether they work; `None`: not at all.
    pub readiness: Option<Readiness>,
    /// Who is restarted that does not answer; `None`: nobody.
    pub liveness: Option<Readiness>,
    /// When a caller leaves out replicas that fail it.
    pub outliers: Option<OutlierSpec>,
    /// With a smaller share of the replicas healthy all get requests; 0: never.
    pub panic: f64,
    /// Whether callers prefer replicas near them; `None`: they do not look where one stands.
    pub locality: Option<Locality>,
    /// How new replicas are brought in; `None`: at once.
    pub slow_start: Option<SlowStart>,
    /// How long a caller that probes waits for a request to do so beside; `None`: for ever.
    pub idle_probes: Option<Span>,
}
