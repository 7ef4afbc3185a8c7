//! The proxies that the messages of a call pass on their way.

use super::super::id::{EndpointId, LawId, NodeId};
use crate::units::Span;

/// A node whose workers forward messages: the sidecars of a service, one beside each replica, or the proxies of hosts.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Its node.
    pub node: NodeId,
    /// The nodes beside whose replicas it stands.
    pub of: Vec<NodeId>,
    /// What its messages are counted under.
    pub endpoint: EndpointId,
    /// First of its replicas.
    pub first: u32,
    /// How many there are; the n-th replica of a service has the one of the same number, counted around.
    pub replicas: u32,
    /// Workers of each, with a core of its own.
    pub workers: u32,
    /// What a message costs them.
    pub work: LawId,
    /// What it costs them after it has gone on, if anything.
    pub telemetry: Option<LawId>,
    /// Cryptography of a handshake of theirs, where they open the connection and where they accept it; `None`: none.
    pub seals: Option<[Span; 2]>,
}

/// Beside which end of a call a proxy stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Beside the caller.
    Caller,
    /// Beside the callee.
    Callee,
}

/// A proxy on a way.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// Which, of `Plan::proxies`.
    pub proxy: u32,
    /// Which of its replicas: that beside this end.
    pub beside: End,
}

/// The way of a call's messages: from stop to stop, and back by the same stops.
#[derive(Clone, Debug)]
pub struct Route {
    /// In the order in which a request passes them.
    pub stops: Vec<Stop>,
    /// Which of the ways between them (from 0, one more than there are stops) is that between the hosts of the two ends.
    pub far: u32,
    /// How long each of the others takes.
    pub near: LawId,
    /// Whether proxies of the mesh are at both ends, so that they encrypt the connection between them.
    pub sealed: bool,
}

impl Stop {
    /// The replica of the proxy beside the n-th replica of its end.
    #[inline]
    pub fn replica(self, proxies: &[Proxy], nth: u32) -> u32 {
        let proxy = &proxies[self.proxy as usize];
        proxy.first + if nth < proxy.replicas { nth } else { nth % proxy.replicas }
    }
}

impl Route {
    /// The proxy beside an end, if there is one.
    pub fn beside(&self, end: End) -> Option<Stop> {
        self.stops.iter().find(|stop| stop.beside == end).copied()
    }
}
