//! Which partition a record goes to.
//!
//! Without `key` a producer fills one batch for a partition and turns to the next (Kafka's sticky partitioner, simplified: it
//! picks the next at random, by the length of its queue). With `key = "order_id"` every request has a key of its own, so
//! that records spread evenly but what one request publishes stays together and in order. With `key = { name = "customer",
//! keys = 1000, skew = 1.2 }` requests share keys, the k-th most frequent with weight k^-skew (Zipf): popular keys
//! make hot partitions. Keys are hashed to partitions, as in every log; the hash is not Kafka's murmur2, so the partition that
//! is hot has another number.

use crate::random::draw::name_hash;
use crate::random::{Draw, Lineage, Purpose};

/// How records are spread over the partitions of a topic.
#[derive(Clone, Debug, PartialEq)]
pub enum Spread {
    /// When records have no key: by batches, one partition after the other.
    Turns,
    /// When every request has a key of its own; the hash of the key's name.
    Own(u64),
    /// When requests share keys.
    Shared {
        /// The hash of the key's name.
        name: u64,
        /// The probability of this or an earlier partition.
        cumulative: Vec<f64>,
    },
}

impl Spread {
    /// Requests share `keys` keys, the k-th most frequent with weight k^-skew.
    pub fn shared(name: &str, keys: u32, skew: f64, partitions: u32) -> Self {
        let mut weights = vec![0.0; partitions as usize];
        for key in 1..=keys {
            let partition = Lineage::root(name_hash(name), u64::from(key)).0 % u64::from(partitions);
            weights[partition as usize] += f64::from(key).powf(-skew);
        }
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let cumulative = weights.iter().map(|weight| {
            sum += weight / total;
            sum
        });
        Self::Shared { name: name_hash(name), cumulative: cumulative.collect() }
    }

    /// The partition for what a request (its lineage) publishes; `None` where the producer takes turns.
    pub fn partition(&self, seed: u64, lineage: Lineage, partitions: u32) -> Option<u32> {
        match self {
            Self::Turns => None,
            Self::Own(name) => Some(Draw::new(seed, lineage, Purpose::Key, *name).below(partitions)),
            Self::Shared { name, cumulative } => {
                let u = Draw::new(seed, lineage, Purpose::Key, *name).unit();
                Some((cumulative.partition_point(|c| *c <= u) as u32).min(partitions - 1))
            }
        }
    }

    /// The share of the records that goes to each partition.
    pub fn shares(&self, partitions: u32) -> Vec<f64> {
        let Self::Shared { cumulative, .. } = self else {
            return vec![1.0 / f64::from(partitions.max(1)); partitions as usize];
        };
        let before = std::iter::once(&0.0).chain(cumulative);
        cumulative.iter().zip(before).map(|(to, from)| to - from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(spread: &Spread, partitions: u32) -> Vec<f64> {
        let mut shares = vec![0.0; partitions as usize];
        for n in 0..100_000 {
            let at = spread.partition(7, Lineage::root(1, n), partitions).expect("a key");
            shares[at as usize] += 1e-5;
        }
        shares
    }

    #[test]
    fn keys_of_ones_own_spread_evenly() {
        let all = shares(&Spread::Own(3), 8);
        assert!(all.iter().all(|s| (s - 0.125).abs() < 0.005), "{all:?}");
    }

    #[test]
    fn a_popular_key_makes_a_hot_partition() {
        let spread = Spread::shared("customer", 1_000, 1.2, 8);
        let all = shares(&spread, 8);
        let most = all.iter().copied().fold(0.0, f64::max);
        let hottest = spread.shares(8).into_iter().fold(0.0, f64::max);
        assert!((most - hottest).abs() < 0.005, "{most} {all:?}");
        // The most frequent of 1,000 keys with weights k^-1.2 alone has 1 / 4.338 of all.
        assert!(most > 0.23, "{most}");
    }

    #[test]
    fn one_request_keeps_to_one_partition() {
        let spread = Spread::Own(3);
        let at = |n| spread.partition(7, Lineage::root(1, n), 64);
        assert_eq!(at(5), at(5));
        assert_ne!((at(1), at(2), at(3)), (at(4), at(5), at(6)));
    }
}
