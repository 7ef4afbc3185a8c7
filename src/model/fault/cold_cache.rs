//! `cold_cache`: a cache loses what it knew, and goes on.
//!
//! Somebody flushed it, a failover went to an empty replica, a deploy changed the format of its keys. Everything misses until it
//! is fetched again: whatever stands behind the cache gets the load that the cache kept from it, up to 1 ÷ (1 − hit rate)
//! times as much. It is over at once (`at`, or `mtbf` alone); how long it is felt is up to the scenario. A cache with a fixed
//! `hit_rate` knows nothing that it could lose.
