//! Faults as written.

use crate::graph::Arrow;
use crate::random::dist::Law;
use crate::units::Span;

use super::{Given, Place, Scenario};

/// `[[faults]]`.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Name; default: kind and target.
    pub name: Given<String>,
    /// What goes wrong.
    pub kind: Given<FaultKind>,
    /// What it happens to, as written; empty for an outage of discovery that nobody gave a target.
    pub target: Given<String>,
    /// When.
    pub when: When,
    /// What becomes of new work; default: refused.
    pub mode: Given<Unavailable>,
    /// How many of the node's replicas; `None`: all.
    pub replicas: Given<Option<u32>>,
    /// Times as long, times as much.
    pub factor: Given<Option<f64>>,
    /// Time added.
    pub add: Given<Option<Span>>,
    /// Up to so much more or less than `add`; default none.
    pub jitter: Given<Span>,
    /// Probability that a request or a message is hit; default 1.
    pub probability: Given<f64>,
    /// The table.
    pub place: Option<Place>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// When replicas take no new work and their connections break; work in progress goes on for nobody.
    Outage,
    /// When replicas die, with all that is in progress there.
    Crash,
    /// When replicas stand still and lose nothing.
    Freeze,
    /// When work on replicas takes longer.
    Slow,
    /// When requests fail at once.
    Errors,
    /// When requests take longer to their callee.
    Latency,
    /// When messages between two sides vanish.
    Partition,
    /// When messages are lost and sent again.
    PacketLoss,
    /// When some replicas die.
    ReplicasLost,
    /// When replicas restart in turn.
    Deploy,
    /// When a node gets a new address.
    Move,
    /// When nothing new is learned of addresses.
    DiscoveryOutage,
    /// When a cache loses what it knew.
    ColdCache,
    /// When the next message of a queue or topic is one that nobody can work on.
    PoisonMessage,
    /// When a client sends more.
    Traffic,
}

impl FaultKind {
    /// All kinds and their words.
    pub const WORDS: [(&str, FaultKind); 15] = [
        ("outage", FaultKind::Outage),
        ("crash", FaultKind::Crash),
        ("freeze", FaultKind::Freeze),
        ("slow", FaultKind::Slow),
        ("errors", FaultKind::Errors),
        ("latency", FaultKind::Latency),
        ("partition", FaultKind::Partition),
        ("packet_loss", FaultKind::PacketLoss),
        ("replicas_lost", FaultKind::ReplicasLost),
        ("deploy", FaultKind::Deploy),
        ("move", FaultKind::Move),
        ("discovery_outage", FaultKind::DiscoveryOutage),
        ("cold_cache", FaultKind::ColdCache),
        ("poison_message", FaultKind::PoisonMessage),
        ("traffic", FaultKind::Traffic),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|w| w.1 == self).map_or("", |w| w.0)
    }

    /// The magnitude words that mean something for it.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::Outage | Self::Crash | Self::ReplicasLost | Self::Move => &["mode", "replicas"],
            Self::Freeze | Self::Deploy => &["replicas"],
            Self::Slow => &["factor", "replicas"],
            Self::Errors => &["probability", "replicas"],
            Self::Latency => &["add", "jitter", "probability"],
            Self::PacketLoss => &["probability"],
            Self::Partition => &["mode"],
            Self::DiscoveryOutage | Self::ColdCache | Self::PoisonMessage => &[],
            Self::Traffic => &["factor"],
        }
    }

    /// The one it cannot do without.
    pub fn needs(self) -> Option<&'static str> {
        match self {
            Self::Slow | Self::Traffic => Some("factor"),
            Self::Latency => Some("add"),
            Self::ReplicasLost => Some("replicas"),
            Self::Deploy => Some("duration"),
            Self::Outage
            | Self::Crash
            | Self::Freeze
            | Self::Errors
            | Self::PacketLoss
            | Self::Partition
            | Self::Move
            | Self::ColdCache
            | Self::PoisonMessage
            | Self::DiscoveryOutage => None,
        }
    }

    /// Whether it happens to messages on their way, not to replicas.
    pub fn is_between(self) -> bool {
        matches!(self, Self::Latency | Self::Partition | Self::PacketLoss)
    }

    /// Whether it can happen to the calls over one edge.
    pub fn fits_edge(self) -> bool {
        self.is_between() || self == Self::Errors
    }

    /// Whether it is over at once.
    pub fn is_instant(self) -> bool {
        matches!(self, Self::Move | Self::ColdCache | Self::PoisonMessage)
    }

    /// Whether it happens once, at a time, and not at random.
    pub fn is_planned(self) -> bool {
        matches!(self, Self::Deploy | Self::Traffic)
    }
}

/// When a fault is on.
#[derive(Clone, Debug)]
pub enum When {
    /// At a time, counted from the start of the measured time.
    At {
        /// Its beginning.
        at: Given<Span>,
        /// How long; `None`: until the end.
        duration: Given<Option<Span>>,
    },
    /// Again and again, at random.
    Random {
        /// From the end of one to the start of the next.
        mtbf: Given<Law>,
        /// How long each is on; no time at all for one that is over at once.
        mttr: Given<Law>,
        /// Whether the time to the next counts only while the target works.
        busy_only: Given<bool>,
    },
}

/// What becomes of new work for a replica that is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// When the caller hears at once that nobody is there.
    Refuse,
    /// When the process stands still for good, and answers are lost.
    Hang,
    /// When the network drops messages, which TCP sends again.
    Drop,
    /// When it hears nothing: a node hangs, a partition drops.
    BlackHole,
}

/// What a fault happens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim<'a> {
    /// A node.
    Node(&'a str),
    /// All nodes of a zone.
    Zone(&'a str),
    /// The calls from one node to another.
    Edge(&'a str, &'a str),
}

impl Fault {
    /// What the target's text stands for.
    pub fn aim(&self) -> Aim<'_> {
        let text = self.target.value.trim();
        if let Some(Arrow { from, to }) = Arrow::of(text) {
            return Aim::Edge(from, to);
        }
        text.strip_prefix("zone:").map_or(Aim::Node(text), |zone| Aim::Zone(zone.trim()))
    }

    /// The names of the nodes it hits; for an edge the callee.
    pub fn nodes<'s>(&'s self, scenario: &'s Scenario) -> Vec<&'s str> {
        match self.aim() {
            Aim::Node("") => scenario.nodes.keys().map(String::as_str).collect(),
            Aim::Node(name) | Aim::Edge(_, name) => vec![name],
            Aim::Zone(zone) => {
                let inside = |node: &&super::Node| node.zone.value.as_ref().is_some_and(|z| z.lies_in(zone));
                scenario.nodes.values().filter(inside).map(|node| node.name.value.as_str()).collect()
            }
        }
    }

    /// Its beginning, if that is known.
    pub fn at(&self) -> Option<Span> {
        match &self.when {
            When::At { at, .. } => Some(at.value),
            When::Random { .. } => None,
        }
    }
}

impl super::Zone {
    /// Whether it is, or is part of, the zone of that name: `eu-west/a/host1` lies in `eu-west/a` and in `eu-west`.
    pub fn lies_in(&self, name: &str) -> bool {
        let own = [Some(self.region.as_str()), self.zone.as_deref(), self.host.as_deref()];
        let mut parts = name.split('/').map(str::trim);
        let inside = own.iter().by_ref().zip(parts.by_ref().take(3)).all(|(own, part)| *own == Some(part));
        inside && name.split('/').count() <= 3
    }
}
