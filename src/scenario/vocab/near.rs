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
const LATENCIES: &str = "one way, by class: same_host, same_zone, cross_zone, cross_region; a single link: \
    [network.links.\"orders -> billing\"] latency = \"1ms\"";

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
    n("max", "connections", "connections = { max = 100 }"),
    n("max_idle", "connections", "connections = { max_idle = 10 }"),
    n("idle_timeout", "connections", "connections = { idle_timeout = \"90s\" }"),
    n("tls", "connections", "connections = { tls = \"1.3\" }"),
    n("max_connections", "connections", "connections = { max = 100 }"),
    n("max_connections", "max", ""),
    n("max_idle_connections", "max_idle", ""),
    n("keep_alive", "connections", "connections = { idle_timeout = \"90s\" }"),
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
    n("simulation", "sim", ""),
    n("run", "sim", ""),
    n("third_parties", "externals", ""),
    n("third-parties", "externals", ""),
    n("nodes", "services", ""),
    n("components", "services", ""),
    n("microservices", "services", ""),
];

/// The near miss of a word among the keys of a table.
pub fn near(wrote: &str, table: &super::Table) -> Option<&'static Near> {
    TALK.iter().chain(KEYS).find(|near| near.wrote == wrote && table.find(near.meant).is_some())
}
