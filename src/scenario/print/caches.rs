//! Caches as written.

use super::{Page, quoted, time};
use crate::scenario::written::{Cache, TtlFrom};

/// What decides about the hits of a cache.
pub(super) fn cache(cache: &Cache, page: &mut Page, none: &mut Vec<String>) {
    page.maybe("hit_rate", &cache.hit_rate, none, |rate| format!("{rate:?}"));
    if cache.hit_rate.value.is_some() {
        // With a fixed share of hits nothing else decides about them, and nothing else may be said.
        return;
    }
    page.maybe("keys", &cache.keys, none, u32::to_string);
    page.given("skew", &cache.skew, |skew| format!("{skew:?}"));
    page.maybe("ttl", &cache.ttl, none, time);
    page.given("ttl_from", &cache.ttl_from, |from| quoted(if *from == TtlFrom::Fill { "fill" } else { "access" }));
    page.maybe("capacity", &cache.capacity, none, u32::to_string);
    page.given("single_flight", &cache.single_flight, bool::to_string);
}
