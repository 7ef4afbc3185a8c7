//! Caches: a look before the long way.
//!
//! `{ cache = "prices", on_miss = [{ query = "prices-db" }] }` asks `[caches.prices]` over the network, there and back, like a
//! query. On a hit the request goes on; on a miss it takes the steps of `on_miss` first, and what they fetched is put into the
//! cache without being waited for. Where these steps fail the request fails, and nothing is put in.
//!
//! With `hit_rate = "85%"` each look is a draw of its own. With `keys = 10000` the hit rate is an outcome: every look is for a
//! key, the k-th most popular with weight k^-skew (Zipf; without `skew` all alike), and the cache remembers which keys it has.
//! An entry lasts for `ttl` from the time it was put in, or, with `ttl_from = "access"`, from the last time it was hit. With
//! `capacity` the key that was used longest ago makes room for a new one (LRU). An entry that is too old takes room until it
//! is asked for or pushed out, as in memcached.
//!
//! Many that miss the same key at once all go the long way (a stampede), unless `single_flight = true`: then, in each replica
//! of the caller, the first one goes and the others wait for it. They go on with what it fetched, or fail with it, as
//! with Go's `singleflight` and Guava's `LoadingCache`.
//!
//! A cache that cannot be asked (it is down, the look times out) is a miss, as clients of caches commonly have it; what is fetched
//! meanwhile is not put in. What a cache knows is looked up when its answer arrives. After a crash, or a fault of the kind
//! `cold_cache`, it is empty.
//!
//! What a gateway remembers, of who may come in (`auth`) or of answers (`cache` of a route), is kept in the memory of each of its
//! replicas: nobody is asked over the network, a look takes no time, and every replica learns for itself.

mod store;

pub use store::Store;

use crate::random::{Draw, Lineage, Purpose};
use crate::units::Span;

use super::id::NodeId;

/// A cache as run.
#[derive(Clone, Debug, PartialEq)]
pub struct Cache {
    /// Its node.
    pub node: NodeId,
    /// Its name as a hash.
    pub hash: u64,
    /// What decides about hits.
    pub content: Content,
    /// Whether those that miss a key wait for the first.
    pub single_flight: bool,
    /// Whether each replica of the node has one of its own.
    pub own: bool,
    /// Where its entries are among those of all caches.
    pub first_store: u32,
}

/// What decides whether a look is a hit.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// When it is chance.
    Rate(f64),
    /// When it is what was put in.
    Keys(Keys),
}

/// The keys of a cache and how long it keeps them.
#[derive(Clone, Debug, PartialEq)]
pub struct Keys {
    /// How many there are.
    pub count: u32,
    /// The probability of this or a more popular key; empty where all are alike.
    cumulative: Vec<f64>,
    /// How long an entry lasts; the longest there is: for ever.
    pub ttl: Span,
    /// Whether that is counted from the last hit.
    pub from_access: bool,
    /// Entries at most.
    pub capacity: u32,
}

/// A step that looks into a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Which cache, of the plan's.
    pub cache: u32,
    /// Names the draw of its key: that of the call to it, or of the look itself.
    pub site: u64,
}

impl Keys {
    /// So many keys, the k-th most popular with weight k^-skew.
    pub fn new(count: u32, skew: f64, ttl: Option<Span>, from_access: bool, capacity: Option<u32>) -> Self {
        let weights = || (1..=count).map(|key| f64::from(key).powf(-skew));
        let total: f64 = if skew > 0.0 { weights().sum() } else { 0.0 };
        let mut sum = 0.0;
        let add = |weight: f64| {
            sum += weight / total;
            sum
        };
        let cumulative = if skew > 0.0 { weights().map(add).collect() } else { Vec::new() };
        let (ttl, capacity) = (ttl.unwrap_or(Span(u64::MAX)), capacity.unwrap_or(count));
        Self { count, cumulative, ttl, from_access, capacity }
    }
}

impl Cache {
    /// The key that a look with this lineage is for.
    pub fn key(&self, seed: u64, lineage: Lineage) -> u32 {
        let Content::Keys(keys) = &self.content else { return 0 };
        let mut draw = Draw::new(seed, lineage, Purpose::Key, self.hash);
        if keys.cumulative.is_empty() {
            return draw.below(keys.count);
        }
        let u = draw.unit();
        (keys.cumulative.partition_point(|c| *c <= u) as u32).min(keys.count - 1)
    }

    /// Whether a look with this lineage is a hit, where that is chance.
    pub fn chance(&self, seed: u64, lineage: Lineage) -> Option<bool> {
        let Content::Rate(rate) = self.content else { return None };
        Some(Draw::new(seed, lineage, Purpose::Key, self.hash).unit() < rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(content: Content) -> Cache {
        Cache { node: NodeId(0), hash: 7, content, single_flight: false, own: false, first_store: 0 }
    }

    fn share(of: impl Fn(Lineage) -> bool) -> f64 {
        (0..100_000).filter(|n| of(Lineage::root(3, *n))).count() as f64 / 100_000.0
    }

    #[test]
    fn popular_keys_come_more_often() {
        let zipf = cache(Content::Keys(Keys::new(1_000, 1.0, None, false, None)));
        // The harmonic number of 1,000 is 7.485.
        assert!((share(|l| zipf.key(1, l) == 0) - 1.0 / 7.485).abs() < 0.004);
        assert!((share(|l| zipf.key(1, l) < 10) - 2.929 / 7.485).abs() < 0.005);
        let alike = cache(Content::Keys(Keys::new(4, 0.0, None, false, None)));
        assert!((0..4).all(|key| (share(|l| alike.key(1, l) == key) - 0.25).abs() < 0.005));
    }

    #[test]
    fn a_hit_rate_is_the_rate_of_hits() {
        let fixed = cache(Content::Rate(0.85));
        assert!((share(|l| fixed.chance(1, l) == Some(true)) - 0.85).abs() < 0.004);
        assert_eq!(cache(Content::Keys(Keys::new(4, 0.0, None, false, None))).chance(1, Lineage(1)), None);
    }
}
