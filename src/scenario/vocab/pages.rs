//! The manual: the module docs of the families, so that manual, help and code have one source.

/// Words and the text of the module that knows about them.
const PAGES: &[(&[&str], &str)] = &[
    (&["JUnit", "junit"], include_str!("../../report/junit.rs")),
    (&["queue_order", "preemptive"], include_str!("../../model/line/mod.rs")),
    (&["fifo"], include_str!("../../model/line/fifo.rs")),
    (&["lifo"], include_str!("../../model/line/lifo.rs")),
    (&["propagate_deadline", "drop_expired"], include_str!("../../machine/calls/tied.rs")),
    (&["idempotent"], include_str!("../../machine/calls/effect.rs")),
    (&["codel"], include_str!("../../model/line/codel.rs")),
    (&["priority"], include_str!("../../model/line/priority.rs")),
    (&["load_balancing"], include_str!("../../model/balance/mod.rs")),
    (&["round_robin"], include_str!("../../model/balance/round_robin.rs")),
    (&["random"], include_str!("../../model/balance/random.rs")),
    (&["least_request", "choices", "distinct"], include_str!("../../model/balance/least_request.rs")),
    (&["pick_first"], include_str!("../../model/balance/pick_first.rs")),
    (&["p2c_ewma"], include_str!("../../model/balance/p2c_ewma.rs")),
    (&["prequal"], include_str!("../../model/balance/prequal.rs")),
    (&["hash"], include_str!("../../model/balance/hash.rs")),
    (
        &["discovery", "dns", "kubernetes", "ttl", "propagation", "readiness"],
        include_str!("../../model/discovery/mod.rs"),
    ),
    (&["mesh", "sidecar", "ambient", "waypoint", "mtls", "push_delay", "proxy"], include_str!("../tables/mesh.rs")),
    (&["locality", "overprovisioning", "zone-aware", "failover"], include_str!("../../model/balance/locality.rs")),
    (&["slow_start", "aggression"], include_str!("../../model/balance/slow_start.rs")),
    (&["zones", "zone_weights"], include_str!("../tables/zones.rs")),
    (&["resolver", "lookup", "attempts"], include_str!("../../model/discovery/resolver.rs")),
    (&["outlier_detection", "max_ejected", "always_eject_one"], include_str!("../../model/discovery/outlier.rs")),
    (&["arrivals", "users", "clients"], include_str!("../../model/source/mod.rs")),
    (&["poisson", "constant", "phases", "rate"], include_str!("../../model/source/paced.rs")),
    (&["bursty"], include_str!("../../model/source/bursty.rs")),
    (&["think_time"], include_str!("../../model/source/closed.rs")),
    (&["transports", "rest", "grpc", "connections", "tls", "balance_per"], include_str!("../../model/transport.rs")),
    (&["policies", "policy", "order", "deadline"], include_str!("../../model/policy/mod.rs")),
    (&["retries", "backoff", "jitter"], include_str!("../../model/policy/retry.rs")),
    (&["budget"], include_str!("../../model/policy/budget.rs")),
    (&["circuit_breaker", "half_open", "half_open_calls"], include_str!("../../model/policy/breaker.rs")),
    (&["bulkhead", "held_until"], include_str!("../../model/policy/bulkhead.rs")),
    (&["rate_limit", "burst", "token_bucket"], include_str!("../../model/policy/rate_limit.rs")),
    (&["hedge"], include_str!("../../model/policy/hedge.rs")),
    (&["adaptive_throttle"], include_str!("../../model/policy/throttle.rs")),
    (&["concurrency_limit", "gradient", "vegas", "aimd"], include_str!("../../model/policy/limit.rs")),
    (&["shed"], include_str!("../../model/policy/shed.rs")),
    (&["gateways", "routes", "to", "auth", "cache_ttl", "inside", "counter"], include_str!("../tables/gates.rs")),
    (&["path"], include_str!("../tables/paths.rs")),
    (&["intake"], include_str!("../../model/policy/intake.rs")),
    (&["autoscale", "stabilization", "request"], include_str!("../../model/policy/autoscale.rs")),
    (&["ready_after", "warmup"], include_str!("../../machine/fleet/mod.rs")),
    (&["team", "libraries", "deploys_with"], include_str!("../tables/owners.rs")),
    (&["like"], include_str!("libraries.rs")),
    (&["pools", "max_connections"], include_str!("../../machine/wire/lend.rs")),
    (&["contention", "coherency"], include_str!("../../model/contention.rs")),
    (&["tables", "writers", "transaction", "conditional_write"], include_str!("../../machine/data/lock.rs")),
    (&["rows", "row", "hot row"], include_str!("../../machine/data/rows.rs")),
    (&["exclusive", "lock_timeout"], include_str!("../../machine/data/grip.rs")),
    (&["replication_lag", "read_from"], include_str!("../../machine/data/copies.rs")),
    (&["deadlock", "deadlock_timeout"], include_str!("../../machine/data/deadlock.rs")),
    (&["links", "flip", "pattern"], include_str!("../edit/flip.rs")),
    // Before the `capacity` of queues: the verb is asked about sooner than the key.
    (&["capacity", "headroom", "N-1", "n-1", "spike"], include_str!("../../experiment/capacity.rs")),
    (
        &[
            "queues",
            "prefetch",
            "ack_timeout",
            "visibility_timeout",
            "max_deliveries",
            "dead_letter",
            "capacity",
            "wait_for_reply",
            "poll_max",
            "poll_wait",
            "ack_every",
        ],
        include_str!("../../model/queue/mod.rs"),
    ),
    (&["worker_pools", "worker_pool"], include_str!("../../model/queue/crew.rs")),
    (&["broker", "alarm", "memory alarm"], include_str!("../../machine/mail/alarm.rs")),
    (&["message_groups"], include_str!("../../model/queue/group.rs")),
    (&["topics", "partitions", "group"], include_str!("../../model/stream/mod.rs")),
    (&["linger"], include_str!("../../model/stream/batcher.rs")),
    (&["key", "keys", "skew"], include_str!("../../model/stream/spread.rs")),
    (&["retention", "segment"], include_str!("../../model/stream/log.rs")),
    (&["commit_every"], include_str!("../../model/stream/cursor.rs")),
    (&["in_flight"], include_str!("../../model/stream/pipe.rs")),
    (&["delivery_timeout", "buffer", "max_block"], include_str!("../../machine/streams/room.rs")),
    (&["delay", "retry topics", "blocking retries"], include_str!("../../model/stream/redelivery.rs")),
    (&["max_poll_interval"], include_str!("../../machine/streams/member.rs")),
    (&["rebalance", "member", "session_timeout"], include_str!("../../model/stream/group.rs")),
    (&["replication", "min_insync", "acks"], include_str!("../../machine/streams/broker.rs")),
    (&["consumes"], include_str!("../../machine/mail/consumer.rs")),
    (&["flows"], include_str!("../../machine/core/root.rs")),
    (
        &["caches", "cache", "on_miss", "hit_rate", "ttl_from", "single_flight"],
        include_str!("../../model/cache/mod.rs"),
    ),
    (&["coupling", "temporal coupling"], include_str!("../../experiment/coupling.rs")),
    (&["availability", "five nines"], include_str!("../../experiment/coupling/availability.rs")),
    (&["recover", "stay down", "collapse"], include_str!("../../experiment/recover.rs")),
    (&["precision", "until-decided", "enough"], include_str!("../../experiment/enough.rs")),
    (&["auto", "MSER-5"], include_str!("../../experiment/warmup.rs")),
    (&["relaxation time"], include_str!("../analytic/relaxation.rs")),
    (&["hunt", "reproducer"], include_str!("../../experiment/hunt.rs")),
    (&["whatif", "Holm"], include_str!("../../experiment/whatif.rs")),
    (&["sweep", "knee", "campaign", "shard", "shards", "merge"], include_str!("../../experiment/sweep.rs")),
    (&["why"], include_str!("../../experiment/why.rs")),
    (&["baseline", "unpaired", "Welch"], include_str!("../../experiment/compare/stored.rs")),
    (&["import", "OPEN"], include_str!("../../import/mod.rs")),
    (&["diagnose", "n_eff", "effectively"], include_str!("../../experiment/diagnosis/mod.rs")),
    (&["advise", "ways out"], include_str!("../../experiment/advise.rs")),
    (&["cores"], include_str!("../../machine/stations/cpu.rs")),
    (&["parallel", "wait_for"], include_str!("../../machine/stations/fork.rs")),
    (&["faults", "mtbf", "mttr", "busy_only"], include_str!("../../model/fault/mod.rs")),
    (&["outage", "refuse", "hang", "black_hole"], include_str!("../../model/fault/outage.rs")),
    (&["drop"], include_str!("../../model/fault/drop.rs")),
    (&["crash"], include_str!("../../model/fault/crash.rs")),
    (&["slow"], include_str!("../../model/fault/slow.rs")),
    (&["errors"], include_str!("../../model/fault/errors.rs")),
    (&["latency", "jitter"], include_str!("../../model/fault/latency.rs")),
    (&["partition"], include_str!("../../model/fault/partition.rs")),
    (&["packet_loss"], include_str!("../../model/fault/packet_loss.rs")),
    (&["deploy", "breaking"], include_str!("../../model/fault/deploy.rs")),
    (&["liveness", "probe", "shallow", "deep"], include_str!("../../model/discovery/readiness.rs")),
    (&["rollout", "drain", "max_surge", "max_unavailable", "pre_stop"], include_str!("../../model/fault/rollout.rs")),
    (&["move"], include_str!("../../model/fault/relocation.rs")),
    (&["discovery_outage"], include_str!("../../model/fault/discovery_outage.rs")),
    (&["cold_cache"], include_str!("../../model/fault/cold_cache.rs")),
    (&["poison_message"], include_str!("../../model/fault/poison_message.rs")),
    (&["traffic"], include_str!("../../model/fault/traffic.rs")),
    (&["freeze"], include_str!("../../model/fault/freeze.rs")),
    (&["ledger"], include_str!("../../machine/core/ledger.rs")),
    (&["lognormal", "p50"], include_str!("../../random/dist/lognormal.rs")),
    (&["exponential"], include_str!("../../random/dist/exponential.rs")),
    (&["erlang"], include_str!("../../random/dist/erlang.rs")),
    (&["gamma"], include_str!("../../random/dist/gamma.rs")),
    (&["hyperexponential"], include_str!("../../random/dist/hyperexponential.rs")),
    (&["pareto"], include_str!("../../random/dist/pareto.rs")),
    (&["weibull"], include_str!("../../random/dist/weibull.rs")),
    (&["normal"], include_str!("../../random/dist/normal.rs")),
    (&["geometric"], include_str!("../../random/dist/geometric.rs")),
    (&["mix"], include_str!("../../random/dist/mix.rs")),
    (&["samples"], include_str!("../../random/dist/samples.rs")),
];

/// What the manual says about a word, one page after the other where it has several.
pub(super) fn page(word: &str) -> Option<String> {
    let text = |text: &str| {
        let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<&str>>().join("\n")
    };
    let all: Vec<String> =
        PAGES.iter().filter(|(words, _)| words.contains(&word)).map(|(_, page)| text(page)).collect();
    (!all.is_empty()).then(|| all.join("\n\n"))
}

/// Words that only the manual knows.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    PAGES.iter().flat_map(|(words, _)| words.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_says_something() {
        for word in words() {
            assert!(page(word).is_some_and(|text| text.len() > 40), "{word}");
        }
    }
}
