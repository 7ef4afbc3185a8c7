//! The measured time, looked at stretch by stretch.

use super::super::source::Source;
use super::Plan;
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

    /// Whether the load stays what it is and nothing goes wrong; only then are halves compared and batch means used.
    pub fn is_stationary(&self) -> bool {
        self.faults.is_empty()
            && self.nodes.iter().all(|node| node.life.and_then(|life| life.autoscale).is_none())
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

    /// The clients whose requests may come to a node, over however many calls; all of them where messages take a part, since
    /// nobody knows who reads what.
    pub fn clients_behind(&self, node: usize) -> Vec<usize> {
        let mut behind = vec![!self.queues.is_empty() || !self.topics.is_empty(); self.nodes.len()];
        behind[node] = true;
        for _ in &self.nodes {
            let before = behind.clone();
            self.links.iter().filter(|link| before[link.to.index()]).for_each(|link| behind[link.from.index()] = true);
            if before == behind {
                break;
            }
        }
        let mut found: Vec<usize> =
            (0..self.clients.len()).filter(|at| behind[self.clients[*at].node.index()]).collect();
        if found.is_empty() {
            // Function calls have no links.
            found.extend(0..self.clients.len());
        }
        found
    }
}
