//! What goes wrong, and when.
//!
//! A fault of `[[faults]]` is on once (`at`, `duration`), counted from the start of the measured time, or again and again
//! (`mtbf` from the end of one to the start of the next, `mttr`): then in the warm-up too, and both times are drawn by the
//! fault's name and how often it struck, so that nothing else changes them. With `busy_only` the time to the next counts
//! only while the target works: a machine that wears out by running. Faults overlap: a replica is up again when the last
//! fault that took it down is over.
//!
//! Nobody is told: without health checks a balancer goes on sending to a replica that is down.

mod crash;
mod freeze;
mod outage;

use crate::random::{Draw, Lineage, Purpose};
use crate::units::{Span, Time};

use super::id::LawId;
use super::plan::Plan;

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

/// What happens to each of the target's replicas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// When it takes no new work and its connections break.
    Outage {
        /// Whether new work vanishes instead of being refused.
        hole: bool,
    },
    /// When it dies.
    Crash {
        /// Whether new work vanishes instead of being refused.
        hole: bool,
    },
    /// When it stands still.
    Freeze,
}

impl Fault {
    /// The nth time between two of it, or the nth time it is on.
    pub fn span(&self, plan: &Plan, seed: u64, nth: u64, on: bool) -> Span {
        let When::Random { mtbf, mttr, .. } = self.when else { return Span::ZERO };
        let mut draw = Draw::new(seed, Lineage(self.hash), Purpose::Fault, nth << 1 | u64::from(on));
        Span(plan.law(if on { mttr } else { mtbf }).sample(&mut draw).max(1))
    }
}
