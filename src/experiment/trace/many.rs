//! Many requests, followed in one run: every so-many-th, past brokers too.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::machine::{Machine, replication_seed};
use crate::model::{Aside, Fact, NodeId, Opening, Plan, Probe, Trace as Moment};
use crate::random::Lineage;
use crate::scenario::{Checked, lower};
use crate::units::Time;

use super::Trace;
use super::find::Finder;
use super::follow::{Follower, topics};

/// Requests of the first replication, in the order in which they set out.
#[derive(Clone, Debug)]
pub struct Sampled {
    /// Of so many one was followed.
    pub every: u64,
    /// They.
    pub traces: Vec<Trace>,
}

/// Follows about so many requests of all clients, spread evenly over the measured time. The first replication is run twice:
/// once to count them.
pub fn sampled(checked: &Checked, wanted: u64) -> Sampled {
    let plan = lower(checked);
    let seed = replication_seed(plan.seed, 0);
    let mut finder = Finder::of(&plan);
    Machine::new(&plan, seed, Aside(&mut finder)).run(|_| true);
    let every = finder.measured().div_ceil(wanted.max(1)).max(1);
    let mut many = Many { every, counts: vec![0; plan.clients.len()], topics: topics(&plan), ..Many::default() };
    Machine::new(&plan, seed, Aside(&mut many)).run(|_| true);
    Sampled { every, traces: many.tell(checked, &plan) }
}

/// Follows every so-many-th request.
#[derive(Debug, Default)]
struct Many {
    every: u64,
    /// Measured requests of each client so far.
    counts: Vec<u64>,
    topics: Rc<[NodeId]>,
    /// Those that are followed, each with which of its client's measured ones it is.
    followed: Vec<(Follower, u64)>,
    /// Frames under way, and messages, by whose they are.
    frames: BTreeMap<u32, usize>,
    letters: BTreeMap<Lineage, usize>,
}

impl Many {
    fn tell(self, checked: &Checked, plan: &Plan) -> Vec<Trace> {
        self.followed.into_iter().map(|(follower, nth)| follower.tell(checked, plan, nth)).collect()
    }

    /// Whose a frame is that opens now.
    fn whose(&mut self, opening: Opening) -> Option<usize> {
        match opening {
            Opening::Root { client, nth, measured: true } => {
                let count = &mut self.counts[client.index()];
                *count += 1;
                // The first of each so many; clients begin at different ones, so that none is always first.
                (*count + client.index() as u64).is_multiple_of(self.every).then(|| {
                    self.followed.push((Follower::of(client, nth, &self.topics), self.counts[client.index()]));
                    self.followed.len() - 1
                })
            }
            Opening::Root { .. } => None,
            Opening::Call { parent, .. } | Opening::Branch { parent } => self.frames.get(&parent).copied(),
            Opening::Message { message, .. } => self.letters.get(&message).copied(),
        }
    }

    /// Whose a moment is.
    fn owner(&mut self, moment: Moment) -> Option<usize> {
        match moment {
            Moment::Opened { frame, opening, .. } => {
                // A slot is used again; what had it before is over.
                self.frames.remove(&frame);
                let owner = self.whose(opening)?;
                self.frames.insert(frame, owner);
                Some(owner)
            }
            Moment::Segment { frame, .. } | Moment::Abandoned { frame, .. } | Moment::Spurned { frame, .. } => {
                self.frames.get(&frame).copied()
            }
            Moment::Sent { frame, message, .. } => {
                let owner = self.frames.get(&frame).copied()?;
                self.letters.insert(message, owner);
                Some(owner)
            }
            Moment::Moved { from, message, .. } => {
                let owner = self.letters.get(&from).copied()?;
                self.letters.insert(message, owner);
                Some(owner)
            }
            Moment::Gone { message, .. } => self.letters.remove(&message),
            Moment::Closed { frame, .. } => self.frames.remove(&frame),
        }
    }
}

impl Probe for Many {
    fn accounts(&self) -> bool {
        true
    }

    fn traces(&self) -> bool {
        true
    }

    fn on(&mut self, _: Time, _: Fact) {}

    fn trace(&mut self, moment: Moment) {
        if let Some(owner) = self.owner(moment) {
            self.followed[owner].0.trace(moment);
        }
    }
}
