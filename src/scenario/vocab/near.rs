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

/// Near misses of keys.
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
    n(
        "pool_size",
        "pools",
        "a pool belongs to a caller and a database: [services.orders.pools] orders-db = { connections = 10 }",
    ),
    n(
        "connection_pool",
        "pools",
        "a pool belongs to a caller and a database: [services.orders.pools] orders-db = { connections = 10 }",
    ),
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
    KEYS.iter().find(|near| near.wrote == wrote && table.find(near.meant).is_some())
}
