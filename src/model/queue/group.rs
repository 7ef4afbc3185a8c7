//! Message groups: messages with the same key, one after the other.
//!
//! `key = { name = "customer", keys = 100 }` on a queue gives every message a group, as SQS FIFO queues have them (`MessageGroupId`)
//! and brokers with message groups or a single active consumer: while a consumer has a message of a group without having said
//! what became of it, the group is that consumer's, and the others get messages of other groups. With one key there is one group
//! and one message at a time, however many consumers there are. A text alone (`key = "order"`) is a key of which every request
//! has its own value: what one request sends stays in order, and nothing else waits. What goes back keeps its place, so that the
//! rest of its group waits for it. Keys are shared as those of topics are: the k-th most frequent with weight k^-skew.
//!
//! Source: Amazon SQS developer guide, "Using the Amazon SQS message group ID" and "FIFO queue delivery logic"; there a batch may
//! hold several messages of a group, as here.

use crate::random::{Draw, Lineage, Purpose};

/// The groups of a queue.
#[derive(Clone, Debug, PartialEq)]
pub enum Groups {
    /// When every request has its own; the hash of the key's name.
    Own(u64),
    /// When requests share them.
    Shared {
        /// The hash of the key's name.
        name: u64,
        /// The probability of this group or one that is more frequent.
        cumulative: Vec<f64>,
    },
}

impl Groups {
    /// So many groups, the k-th most frequent with weight k^-skew.
    pub fn shared(name: u64, keys: u32, skew: f64) -> Self {
        let weights = || (1..=keys).map(|key| f64::from(key).powf(-skew));
        let total: f64 = weights().sum();
        let mut sum = 0.0;
        let cumulative = weights().map(|weight| {
            sum += weight / total;
            sum
        });
        Self::Shared { name, cumulative: cumulative.collect() }
    }

    /// The group of what a request (its lineage) sends.
    pub fn of(&self, seed: u64, lineage: Lineage) -> u64 {
        match self {
            Self::Own(name) => lineage.child(*name, 0).0,
            Self::Shared { name, cumulative } => {
                let u = Draw::new(seed, lineage, Purpose::Key, *name).unit();
                cumulative.partition_point(|c| *c <= u).min(cumulative.len() - 1) as u64
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_groups_are_frequent_and_own_ones_are_apart() {
        let groups = Groups::shared(7, 3, 1.0);
        let mut seen = [0_u32; 3];
        (0..11_000).for_each(|n| seen[groups.of(1, Lineage::root(1, n)) as usize] += 1);
        for (seen, expected) in seen.iter().zip([6_000.0, 3_000.0, 2_000.0]) {
            assert!((f64::from(*seen) / expected - 1.0).abs() < 0.06, "{seen} {expected}");
        }
        let own = Groups::Own(7);
        assert_ne!(own.of(1, Lineage(3)), own.of(1, Lineage(4)));
        assert_eq!(own.of(1, Lineage(3)), own.of(1, Lineage(3)));
    }
}
