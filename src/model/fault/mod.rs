//! What goes wrong, and when.
//!
//! A fault of `[[faults]]` is on once (`at`, `duration`), counted from the start of the measured time, or again and again
//! (`mtbf` from the end of one to the start of the next, `mttr`): then in the warm-up too, and both times are drawn by the
//! fault's name and how often it struck, so that nothing else changes them. With `busy_only` the time to the next counts
//! only while the target works: a machine that wears out by running. Faults overlap: a replica is up again when the last
//! fault that took it down is over.
//!
//! Nobody is told of a replica that is down, but by probes (`[discovery] kind = "kubernetes"` or `"mesh"`): a balancer goes on
//! sending to it.

mod cold_cache;
mod crash;
pub mod deploy;
mod discovery_outage;
pub mod drop;
mod errors;
mod freeze;
mod latency;
mod outage;
mod packet_loss;
mod partition;
mod poison_message;
mod relocation;
pub mod rollout;
mod slow;
mod traffic;

use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use super::id::{FaultId, LawId};
use super::plan::Plan;

/// When a promise holds, by the moment at which a request sets out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// While no fault is on.
    Outside,
    /// While this one is on.
    During(FaultId),
    /// After this one, while it is not on again.
    After(FaultId),
}

/// A fault as planned.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Name.
    pub name: String,
    /// Its name as a hash.
    pub hash: u64,
    /// When it is on.
    pub when: When,
    /// What happens.
    pub effect: Effect,
    /// The replicas it happens to, as in the world's array.
    pub replicas: Vec<u32>,
    /// The links it happens to, by index.
    pub links: Vec<u32>,
    /// Of each of these links, whether it happens to requests and to answers.
    pub ways: Vec<[bool; 2]>,
    /// The edges from publishers to brokers it happens to, by index.
    pub edges: Vec<u32>,
    /// Of a zone, where some link leads to several: the replicas in it; otherwise empty, and all that links lead to are hit.
    pub inside: Vec<bool>,
}

/// When a fault is on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// Once.
    Once {
        /// Its beginning.
        from: Time,
        /// Its end; [`Time::NEVER`]: none.
        until: Time,
    },
    /// Again and again.
    Random {
        /// From the end of one to the start of the next.
        mtbf: LawId,
        /// How long each is on.
        mttr: LawId,
        /// Whether the time to the next counts only while the target works.
        busy_only: bool,
    },
}

/// How a node does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// When callers hear at once that nobody is there.
    Refuse,
    /// When its process stands still for good: its kernel takes connections and requests, answers are lost.
    Hang,
    /// When its network drops what comes and goes; TCP sends it again.
    Drop,
}

/// What happens to each of the target's replicas, or links.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// When it takes no new work and its connections break.
    Outage {
        /// How it does not answer.
        mode: Mode,
    },
    /// When it dies.
    Crash {
        /// Whether new work vanishes instead of being refused.
        hole: bool,
    },
    /// When it stands still.
    Freeze,
    /// When its work takes longer.
    Slow {
        /// Times as long.
        factor: f64,
    },
    /// When requests fail at once.
    Errors {
        /// Probability.
        share: f64,
    },
    /// When messages take longer.
    Latency {
        /// Time added.
        add: Span,
        /// So much more or less.
        jitter: Span,
        /// Probability.
        share: f64,
    },
    /// When messages are dropped, and sent again.
    Partition,
    /// When messages are lost and sent again.
    Loss {
        /// Probability.
        share: f64,
    },
    /// When replicas restart in turn.
    Deploy {
        /// How many at a time.
        at_once: u32,
        /// Whether versions misunderstand each other until both sides are out.
        breaking: bool,
    },
    /// When new replicas start and old ones go, as the new ones get ready.
    Rollout(rollout::Rollout),
    /// When replicas get new addresses.
    Move {
        /// Whether nothing answers at the old ones.
        hole: bool,
    },
    /// When nothing new is learned of addresses.
    Blackout,
    /// When a cache loses what it knew.
    Cold,
    /// When the next message of a broker is one that nobody can work on.
    Poison,
    /// When a client sends more; the plan's rates already say so.
    Traffic,
}

impl Effect {
    /// The time a fault adds to a message with this lineage, on its way to the callee or `back`.
    pub fn delay(self, hash: u64, seed: u64, lineage: Lineage, back: bool) -> Span {
        let mut draw = Draw::new(seed, lineage, Purpose::Fault, hash ^ u64::from(back));
        match self {
            Self::Latency { add, jitter, share } => latency::added(add, jitter, share, &mut draw),
            Self::Loss { share } => packet_loss::delayed(share, &mut draw),
            _ => Span::ZERO,
        }
    }

    /// Whether a request with this lineage fails at once.
    pub fn fails(self, hash: u64, seed: u64, lineage: Lineage) -> bool {
        let Self::Errors { share } = self else { return false };
        Draw::new(seed, lineage, Purpose::Fault, hash).unit() < share
    }

    /// Whether it changes addresses.
    pub fn moves(self) -> bool {
        matches!(self, Self::Move { .. })
    }

    /// Whether it may delay messages.
    pub fn delays(self) -> bool {
        matches!(self, Self::Latency { .. } | Self::Loss { .. })
    }
}

impl Fault {
    /// Whether it happens to requests over a link, or to answers (`back`).
    pub fn hits(&self, link: u32, back: bool) -> bool {
        self.links.iter().zip(&self.ways).any(|(own, ways)| *own == link && ways[usize::from(back)])
    }

    /// Whether it happens to a message between two replicas over a link that it happens to: of a zone what crosses its border;
    /// and what is late is what leaves it, `back` by the second of them.
    pub fn is_between(&self, [caller, callee]: [u32; 2], back: bool) -> bool {
        let inside = |replica: u32| self.inside.get(replica as usize).copied().unwrap_or(false);
        match self.effect {
            _ if self.inside.is_empty() => true,
            Effect::Latency { .. } => inside(if back { callee } else { caller }),
            _ => inside(caller) != inside(callee),
        }
    }

    /// The nth time between two of it, or the nth time it is on.
    pub fn span(&self, plan: &Plan, seed: u64, nth: u64, on: bool) -> Span {
        let When::Random { mtbf, mttr, .. } = self.when else { return Span::ZERO };
        let mut draw = Draw::new(seed, Lineage(self.hash), Purpose::Fault, nth << 1 | u64::from(on));
        Span(plan.law(if on { mttr } else { mtbf }).sample(&mut draw).max(1))
    }
}
