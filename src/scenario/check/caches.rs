//! Caches: either a hit rate or what decides about it, and numbers that can be.

use super::ranges::zero;
use crate::diag::{Complaint, code};
use crate::scenario::written::{Cache, Node, Place, Scenario};
use crate::units::Span;

/// Keys of one cache at most: each takes memory.
const MOST: u32 = 10_000_000;

/// Complains about caches whose hits nothing, or too much, decides about.
pub(super) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
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
