//! What decides about the hits of `[caches.*]`: either a hit rate, or what it comes of.

use super::super::check::zero;
use super::super::declare::{Count, Duration, Flag, Maybe, Number, Or, Share, Told, table, words};
use super::super::lower::Lowering;
use super::super::written::{Given, Node, Place, Scenario};
use crate::diag::{Complaint, code};
use crate::model::NodeId;
use crate::model::cache::{self as run, Content, Keys};
use crate::units::Span;

words! {
    /// From when an entry of a cache counts as fresh.
    pub enum TtlFrom {
        Fill = "fill", "From when it was put in, as in Redis and memcached.";
        Access = "access", "From when it was last hit: what is asked for often stays.";
    }
}

table! {
    /// What decides about the hits of a cache.
    pub struct Cache: "[caches.*]", "What decides about the hits of a cache.",
    meant Self::meant {
        hit_rate: Given<Option<f64>> as Maybe<Share>,
            "The share of hits, each look a draw of its own. Default: an outcome.";
        keys: Given<Option<u32>> as Maybe<Count>,
            "How many different keys are asked for; the hit rate is then an outcome.";
        skew: Given<f64> as Or<Number> = "0.0",
            "Zipf exponent: the k-th most popular key has weight k^-skew. 0: all alike.";
        ttl: Given<Option<Span>> as Maybe<Duration>, "How long an entry lasts. Default: for ever.";
        ttl_from: Given<TtlFrom> as Or<TtlFrom> = "\"fill\"", "From when that is counted.";
        capacity: Given<Option<u32>> as Maybe<Count>,
            "Entries at most; the one used longest ago makes room (LRU). Default: all keys.";
        single_flight: Given<bool> as Or<Flag> = "false",
            "Whether, in each replica of the caller, those that miss a key wait for the first to fetch it.";
    }
}

impl Cache {
    /// With a fixed share of hits nothing else decides about them, and nothing else may be said.
    fn meant(&self, mut all: Vec<Told>) -> Vec<Told> {
        if self.hit_rate.value.is_some() {
            all.retain(|told| told.key == "hit_rate");
        }
        all
    }
}

impl Lowering<'_> {
    /// A cache.
    pub(in crate::scenario) fn cache_of(&mut self, node: NodeId, written: &Cache) {
        let content = match (written.hit_rate.value, written.keys.value) {
            (Some(rate), _) => Content::Rate(rate),
            (None, keys) => Content::Keys(Keys::new(
                keys.unwrap_or(1),
                written.skew.value,
                written.ttl.value,
                written.ttl_from.value == TtlFrom::Access,
                written.capacity.value,
            )),
        };
        let (hash, single_flight) = (self.plan.node(node).hash, written.single_flight.value);
        self.push_cache(run::Cache { node, hash, content, single_flight, own: false, first_store: 0 });
    }

    /// A cache, or what each replica of a node remembers; its number.
    pub(in crate::scenario) fn push_cache(&mut self, cache: run::Cache) -> u32 {
        let copies = |cache: &run::Cache| if cache.own { self.plan.node(cache.node).replicas } else { 1 };
        let first_store = self.plan.caches.last().map_or(0, |last| last.first_store + copies(last));
        self.plan.caches.push(run::Cache { first_store, ..cache });
        self.plan.caches.len() as u32 - 1
    }
}

/// Keys of one cache at most: each takes memory.
const MOST: u32 = 10_000_000;

/// Complains about caches whose hits nothing, or too much, decides about.
pub(in crate::scenario) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for node in scenario.nodes.values() {
        if let Some(cache) = &node.cache {
            one(node, cache, complaints);
        }
    }
}

fn one(node: &Node, cache: &Cache, complaints: &mut Vec<Complaint>) {
    let name = &node.name.value;
    if cache.hit_rate.value.is_some() {
        fixed(name, cache, complaints);
    } else if cache.keys.value.is_none() {
        let message = format!("nothing says what `{name}` has: neither `hit_rate` nor `keys`");
        let complaint = Complaint::error(code::MISSING_KEY, message).at(node.name.place.clone());
        complaints.push(complaint.help("write hit_rate = \"85%\", or keys = 10000 and perhaps a ttl and a capacity"));
    }
    zero(cache.keys.value == Some(0), "keys", cache.keys.place.as_ref(), "nothing could be asked for", complaints);
    zero(
        cache.capacity.value == Some(0),
        "capacity",
        cache.capacity.place.as_ref(),
        "nothing could be kept",
        complaints,
    );
    zero(cache.ttl.value == Some(Span::ZERO), "ttl", cache.ttl.place.as_ref(), "nothing would be kept", complaints);
    if let Some(keys) = cache.keys.value.filter(|keys| *keys > MOST) {
        let message = format!("`keys`: {keys}; at most {MOST}");
        complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(cache.keys.place.clone()));
    }
    if cache.skew.value < 0.0 {
        let message = format!("`skew` is {}: the most popular key would be the least popular", cache.skew.value);
        complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(cache.skew.place.clone()));
    }
}

/// With a fixed share of hits nothing else decides about them.
fn fixed(name: &str, cache: &Cache, complaints: &mut Vec<Complaint>) {
    let places: [(&str, &Option<Place>); 6] = [
        ("keys", &cache.keys.place),
        ("skew", &cache.skew.place),
        ("ttl", &cache.ttl.place),
        ("ttl_from", &cache.ttl_from.place),
        ("capacity", &cache.capacity.place),
        ("single_flight", &cache.single_flight.place),
    ];
    for (key, place) in places.into_iter().filter(|(_, place)| place.is_some()) {
        let message = format!("`{key}` beside `hit_rate`: the share of hits of `{name}` is fixed");
        let complaint = Complaint::error(code::CONTRADICTION, message).at(place.clone());
        complaints.push(complaint.help("leave `hit_rate` out, so that it is an outcome"));
    }
}
