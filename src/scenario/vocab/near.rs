//! Words that people bring from elsewhere, and what they are called here.

/// A near miss.
#[derive(Debug)]
pub struct Near {
    /// What was written.
    pub wrote: &'static str,
    /// The key meant.
    pub meant: &'static str,
    /// What else to know; may be empty.
    pub why: &'static str,
}

const fn n(wrote: &'static str, meant: &'static str, why: &'static str) -> Near {
    Near { wrote, meant, why }
}

const STEPS_WHY: &str = "a list of dependencies does not say when each is called, how often, or whether the calls \
    wait for one another; `steps` says it: steps = [{ call = \"users\" }]";
const WORK_WHY: &str = "own time only: waiting for callees, queues and the network comes out of the simulation";
const PER_REPLICA: &str = "requests one replica works on at once";

const POOLS: &str =
    "a pool belongs to a caller and a database: [services.orders.pools] orders-db = { connections = 10 }";
const SIZES: &str = "a call has two sizes: request = \"4KB\", response = \"20KB\"";
const LOCALITY: &str = "locality = { kind = \"zone_aware\" }: `hoptax explain locality`";

const LATENCIES: &str = "one way, by class: same_host, same_zone, cross_zone, cross_region; a single link: \
    [network.links.\"orders -> billing\"] latency = \"1ms\"";

const MESH: &str =
    "the proxies of a mesh: [mesh] services = \"all\" or a list, proxy = { work = \"0.3ms\", concurrency = 2 }";

const LOCKS: &str = "mode = \"exclusive\" has the whole table to itself, as ALTER TABLE has";

/// Near misses of how things talk. Where a word stands twice, the first whose key the table knows is meant.
const TALK: &[Near] = &[
    n("pool", "pools", POOLS),
    n("pool_size", "pools", POOLS),
    n("max_pool_size", "pools", POOLS),
    n("maximum_pool_size", "pools", POOLS),
    n("connection_pool", "pools", POOLS),
    n("connections", "pools", POOLS),
    n("db_pool", "pools", POOLS),
    n("pool_size", "max_connections", POOLS),
    n("pool", "max_connections", POOLS),
    n("pools", "max_connections", POOLS),
    n("connections", "max_connections", POOLS),
    n("pool_size", "connections", ""),
    n("maximum_pool_size", "connections", ""),
    n("pool", "connections", "connections = { max = 100, max_idle = 10, idle_timeout = \"90s\", tls = \"1.3\" }"),
    n("size", "connections", ""),
    n("connection_timeout", "wait", "how long a request waits for a connection"),
    n("timeout", "wait", "how long a request waits for a connection"),
    n("max_wait", "wait", "how long a request waits for a connection"),
    n("locks", "tables", "[databases.orders-db.tables.orders] writers = 1"),
    n("lock", "tables", "[databases.orders-db.tables.orders] writers = 1"),
    n("max_writers", "writers", ""),
    n("lock", "mode", LOCKS),
    n("hot_rows", "keys", "tables.accounts = { keys = 1000, skew = 1.2 }: rows with a lock each"),
    n("rows", "keys", "rows of a table, each with a lock of its own"),
    n("lock_mode", "mode", LOCKS),
    n("lock_wait_timeout", "lock_timeout", ""),
    n("statement_timeout", "lock_timeout", "the wait for a lock alone; `timeout` is for all of the query"),
    n("breaking_change", "breaking", ""),
    n("max", "connections", "connections = { max = 100 }"),
    n("max_idle", "connections", "connections = { max_idle = 10 }"),
    n("idle_timeout", "connections", "connections = { idle_timeout = \"90s\" }"),
    n("tls", "connections", "connections = { tls = \"1.3\" }"),
    n("max_connections", "connections", "connections = { max = 100 }"),
    n("max_connections", "max", ""),
    n("max_idle_connections", "max_idle", ""),
    n("keep_alive", "connections", "connections = { idle_timeout = \"90s\", server_idle_timeout = \"5s\" }"),
    n("keep_alive_timeout", "server_idle_timeout", ""),
    n("keepalive_timeout", "server_idle_timeout", ""),
    n("max_connection_age", "max_age", ""),
    n("pre_stop", "drain", "drain = { pre_stop = \"10s\", grace = \"30s\" }"),
    n("termination_grace_period", "drain", "drain = { pre_stop = \"10s\", grace = \"30s\" }"),
    n("readiness_probe", "readiness", ""),
    n("liveness_probe", "liveness", ""),
    n("keep_alive", "idle_timeout", ""),
    n("keepalive", "idle_timeout", ""),
    n("serialize", "encode", ""),
    n("serialization", "encode", ""),
    n("marshal", "encode", ""),
    n("deserialize", "decode", ""),
    n("deserialization", "decode", ""),
    n("unmarshal", "decode", ""),
    n(
        "compression",
        "size_factor",
        "bytes on the wire ÷ bytes of the payload; what it costs belongs into encode and decode",
    ),
    n("http", "protocol", ""),
    n("http_version", "protocol", ""),
    n("max_streams", "streams", ""),
    n("max_concurrent_streams", "streams", ""),
    n("base", "like", ""),
    n("extends", "like", ""),
    n("preset", "like", ""),
    n("cancel", "cancels", ""),
    n("cancellation", "cancels", ""),
    n("protocol", "transport", ""),
    n("via", "transport", ""),
    n("size", "request", SIZES),
    n("payload", "request", SIZES),
    n("payload_size", "request", SIZES),
    n("body", "request", SIZES),
    n("bytes", "request", SIZES),
    n("request_size", "request", ""),
    n("response_size", "response", ""),
    n("reply", "response", ""),
    n("streaming", "stream", "so many messages in the answer"),
    n("messages", "stream", "so many messages in the answer"),
    n("rtt", "latency", "one way: half the round trip"),
    n("delay", "latency", "one way"),
    n("packet_loss", "loss", ""),
    n("drop", "loss", ""),
    n("throughput", "bandwidth", ""),
    n("speed", "bandwidth", ""),
    n("latency", "same_zone", LATENCIES),
    n("rtt", "same_zone", LATENCIES),
    n("cross_az", "cross_zone", ""),
    n("same_az", "same_zone", ""),
];

/// Near misses of all other keys.
const KEYS: &[Near] = &[
    n("latency", "work", WORK_WHY),
    n("service_time", "work", WORK_WHY),
    n("processing_time", "work", WORK_WHY),
    n("cpu_time", "work", WORK_WHY),
    n("response_time", "work", WORK_WHY),
    n("sleep", "wait", "time that needs no CPU"),
    n("delay", "wait", "time that needs no CPU"),
    n("poll_interval", "poll", "sleeps so long when it found nothing"),
    n("polling", "poll", "sleeps so long when it found nothing"),
    n("max_polling_interval", "poll_max", ""),
    n("backoff_when_idle", "poll_max", "sleeps twice as long each time, up to this"),
    n("long_poll", "poll_wait", ""),
    n("long_polling", "poll_wait", ""),
    n("wait_time", "poll_wait", ""),
    n("instances", "replicas", ""),
    n("pods", "replicas", ""),
    n("count", "replicas", ""),
    n("workers", "concurrency", PER_REPLICA),
    n("threads", "concurrency", PER_REPLICA),
    n("max_concurrency", "concurrency", PER_REPLICA),
    n("depends_on", "steps", STEPS_WHY),
    n("dependencies", "steps", STEPS_WHY),
    n("start", "at", ""),
    n("after", "at", ""),
    n("length", "duration", ""),
    n("runs", "replications", ""),
    n("repetitions", "replications", ""),
    n("cpus", "cores", ""),
    n("cpu", "cores", ""),
    n("queue_size", "queue_limit", "waiting per replica"),
    n("max_queue", "queue_limit", "waiting per replica"),
    n("backlog", "queue_limit", "waiting per replica"),
    n("discipline", "queue_order", ""),
    n("failure_rate", "error_rate", ""),
    n("errors", "error_rate", ""),
    n("rps", "rate", "write for example rate = \"120/s\""),
    n("qps", "rate", "write for example rate = \"120/s\""),
    n("arrival_rate", "rate", "write for example rate = \"120/s\""),
    n("vus", "users", "a closed load: each user waits for its answer, then thinks"),
    n("sla", "slos", ""),
    n("target", "calls", ""),
    n("to", "calls", ""),
    n("prob", "probability", ""),
    n("repeat", "times", ""),
    n("loop", "times", ""),
    n("quorum", "wait_for", ""),
    n("target", "of", ""),
    n("metric", "expect", ""),
    n("objective", "expect", ""),
    n("lb", "load_balancing", ""),
    n("topology_aware", "locality", LOCALITY),
    n("traffic_distribution", "locality", LOCALITY),
    n("locality_lb", "locality", LOCALITY),
    n("zone_routing", "locality", LOCALITY),
    n("slow_start_config", "slow_start", ""),
    n("availability_zones", "zones", ""),
    n("azs", "zones", ""),
    n("db", "databases", "databases are tables by name: [databases.orders-db]"),
    n("database", "databases", "databases are tables by name: [databases.orders-db]"),
    n("stream", "topics", "a log that every group reads is a topic: [topics.order-created]"),
    n("streams", "topics", "a log that every group reads is a topic: [topics.order-created]"),
    n(
        "broker",
        "queues",
        "a queue gives each message to one consumer ([queues.emails]); a topic gives every group every event ([topics.order-created])",
    ),
    n(
        "brokers",
        "queues",
        "a queue gives each message to one consumer ([queues.emails]); a topic gives every group every event ([topics.order-created])",
    ),
    n(
        "users",
        "clients",
        "a population that calls from outside is a client: [clients.shoppers] with `users` (closed) or `rate` (open)",
    ),
    n("sidecar", "mesh", MESH),
    n("sidecars", "mesh", MESH),
    n("envoy", "mesh", MESH),
    n("istio", "mesh", MESH),
    n("linkerd", "mesh", MESH),
    n("service_mesh", "mesh", MESH),
    n("proxies", "mesh", MESH),
    n("simulation", "sim", ""),
    n("run", "sim", ""),
    n("third_parties", "externals", ""),
    n("third-parties", "externals", ""),
    n("nodes", "services", ""),
    n("components", "services", ""),
    n("microservices", "services", ""),
];

/// What people look for and hoptax does not have: what it is, that it is not there, and what comes nearest.
const ABSENT: &[(&[&str], &str)] = &[
    (
        &["reply", "reply_to", "correlation_id"],
        "there is no step that replies: a consumer does by having handled a message; what comes nearest is who waits for that, \
         { send = \"rpc\", wait_for_reply = true }",
    ),
    (
        &["startup_probe", "health_check", "healthcheck", "health"],
        "there is no such probe; what comes nearest is `ready_after` of a service (until it takes requests), and in [discovery] \
         `readiness` (who gets them) and `liveness` (who is restarted)",
    ),
    (
        &["outbox", "transactional_outbox", "cdc", "debezium"],
        "there is no outbox; what comes nearest is a step { transaction = \"orders-db\", steps = [ … ] } and after it \
         { publish = \"order-created\" }, between which a crash can come",
    ),
    (
        &["saga", "compensate", "compensation", "rollback"],
        "there are no sagas and no compensation; what comes nearest is a chain of queues whose `dead_letter` is consumed by \
         the service that undoes, and a flow that says when it is done",
    ),
    (
        &["pgbouncer", "proxysql", "rds_proxy", "connection_pooler"],
        "there is no node of that kind: a pooler belongs to its database, [databases.db] pooler = { connections = 20 }",
    ),
    (
        &["cron", "schedule", "batch_job", "job", "jobs"],
        "there are no jobs; what comes nearest is a client with arrivals = \"constant\" and a low rate such as \"1/min\"",
    ),
    (
        &["websocket", "websockets", "sse", "subscribe", "subscription", "push"],
        "there are no connections that the server speaks on first; what comes nearest is a call whose answer is a `stream`",
    ),
    (
        &["disk", "iops", "memory", "heap", "gc", "gc_pause", "garbage_collection"],
        "there is no memory, disk or garbage collector; what comes nearest is the spread of `work`, and the faults `freeze` \
         (a pause) and `slow`, at random times with `mtbf`",
    ),
    (
        &["read_replica", "read_replicas", "replica_lag", "replication_lag", "failover"],
        "there is no lag between the replicas of a database, and no failover; what comes nearest is a second database for \
         reads, and the fault `outage` for the time that a failover takes",
    ),
    (
        &["redelivery_delay", "retry_delay", "nack_delay", "delay_seconds", "requeue_delay"],
        "queues have no delay before a message is delivered again; what comes nearest is `visibility_timeout`, after which \
         what nobody acknowledged comes back, or a queue without consumers with `message_ttl` and `dead_letter`; readers of \
         topics have `retries` (in place) and `delay` (retry topics)",
    ),
    (
        &["cost", "price", "budget_usd", "billing"],
        "there is no money here; requests, workers held and CPU time are in the output",
    ),
    (
        &["chaos", "chaos_monkey", "toxiproxy"],
        "faults are tables: [[faults]] kind = \"outage\", target = \"stock\", at = \"60s\", duration = \"30s\"; random \
         ones have `mtbf` and `mttr`",
    ),
];

/// What is said of a word for which there is nothing, if it is known that there is nothing.
pub fn absent(wrote: &str) -> Option<&'static str> {
    let plain = wrote.to_lowercase().replace('-', "_");
    ABSENT.iter().find(|(words, _)| words.contains(&plain.as_str())).map(|(_, what)| *what)
}

/// The near miss of a word among the keys of a table.
pub fn near(wrote: &str, table: &super::Table) -> Option<&'static Near> {
    TALK.iter().chain(KEYS).find(|near| near.wrote == wrote && table.find(near.meant).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_said_not_to_be_there() {
        for (words, what) in ABSENT {
            assert!(what.contains("nearest") || what.contains("no ") || what.contains("are tables"), "{words:?}");
            for word in *words {
                assert_eq!(absent(word), Some(*what), "{word} is listed twice");
            }
        }
        assert!(absent("Correlation-Id").is_some() && absent("concurrency").is_none());
    }
}
