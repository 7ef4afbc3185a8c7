//! The measured time, looked at stretch by stretch.

use super::super::source::Source;
use super::super::transport::Channel;
use super::{Node, Plan};
use crate::units::Span;

/// Stretches of the measured time.
pub const STRETCHES: u32 = 120;

impl Plan {
    /// The length of one stretch of the measured time.
    pub fn stretch(&self) -> Span {
        Span((self.duration.0 / u64::from(STRETCHES)).max(1))
    }

    /// Whether there is anything to be seen over time: load or replicas that change, faults, or policies, which have
    /// moods.
    pub fn is_eventful(&self) -> bool {
        !self.guards.is_empty() || !self.is_stationary()
    }

    /// Whether nothing interferes with calls and their policies: no faults or flows, nobody at the door, no replicas that come
    /// or go or slow each other down.
    pub fn is_calm(&self) -> bool {
        let calm = |node: &Node| node.life.is_none() && node.intake.is_none() && node.contention.is_none();
        let resets = self.channels.iter().any(Channel::resets);
        self.faults.is_empty()
            && self.flows.is_empty()
            && self.nodes.iter().all(calm)
            && !resets
            && !self.discovery.asks()
    }

    /// Whether the load stays what it is and nothing goes wrong; only then are halves compared and batch means used.
    pub fn is_stationary(&self) -> bool {
        self.faults.is_empty() && self.has_constant_load()
    }

    /// Whether load, replicas and what is read stay what they are, faults apart.
    pub fn has_constant_load(&self) -> bool {
        self.nodes.iter().all(|node| node.life.and_then(|life| life.autoscale).is_none())
            && self.groups.iter().all(|group| group.replay.is_none())
            && self.clients.iter().all(|c| match &c.source {
                Source::Paced(paced) => {
                    paced.segments.windows(2).all(|s| s[0].rate == s[1].rate)
                        && paced.segments.iter().all(|s| s.slope == 0.0)
                }
                Source::Replay(_) => false,
                Source::Bursty(_) | Source::Gaps(_) | Source::Closed(_) => true,
            })
    }

    /// By node: the clients whose requests may come to it, over however many calls; all of them where messages take a part,
    /// since nobody knows who reads what.
    pub fn clients_behind(&self) -> Vec<Vec<usize>> {
        let all = || (0..self.clients.len()).collect::<Vec<usize>>();
        if !self.queues.is_empty() || !self.topics.is_empty() {
            return self.nodes.iter().map(|_| all()).collect();
        }
        let mut callees = vec![Vec::new(); self.nodes.len()];
        self.links.iter().for_each(|link| callees[link.from.index()].push(link.to.index()));
        let mut behind: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        let mut open = Vec::new();
        for (at, client) in self.clients.iter().enumerate() {
            open.push(client.node.index());
            while let Some(node) = open.pop() {
                // Clients come in order: the last one is this one, or has not been here.
                if behind[node].last() != Some(&at) {
                    behind[node].push(at);
                    open.extend(&callees[node]);
                }
            }
        }
        // Function calls have no links.
        behind.iter_mut().filter(|found| found.is_empty()).for_each(|found| *found = all());
        behind
    }

    /// By edge: its call-sites.
    pub fn calls_of_edges(&self) -> Vec<Vec<u32>> {
        let mut all = vec![Vec::new(); self.edges.len()];
        (0..).zip(&self.calls).for_each(|(at, call)| all[call.edge.index()].push(at));
        all
    }
}
