//! Random policies, doors, a queue and faults, laid over random scenarios.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{BoxedStrategy, Just, Strategy as _, any, prop_oneof};
use proptest::sample::select;

/// What is laid over a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// Rules, and whether there is a timeout even where nothing vanishes.
    policies: Vec<(String, bool)>,
    /// Which policy the first call has, the second, and so on: the number of none stands for none.
    choices: Vec<usize>,
    /// By node, what it refuses at its door.
    doors: Vec<String>,
    /// By client, its tries after the first.
    retries: Vec<Option<&'static str>>,
    /// Its tables, and whether publishers wait.
    queue: Option<(String, bool)>,
    /// A cache that the first node looks into: its keys, and what a miss takes.
    cache: Option<(&'static str, &'static str)>,
    faults: Vec<Fault>,
}

/// Every failure that a retry may be about.
const ON: &str =
    r#"["error", "overloaded", "timeout", "connect_failed", "reset", "rate_limited", "circuit_open", "bulkhead_full"]"#;

fn retries() -> BoxedStrategy<String> {
    let wait = select(vec!["\"0ms\"", "\"1ms\"", "\"5ms\"", "{ mean = \"2ms\" }"]);
    let budget = select(vec![
        "",
        "",
        ", budget = \"20%\"",
        ", budget = { deposit = 0.2, cap = 3 }",
        ", budget = { deposit = 0.5, cap = 2, per = \"call\", refund = true }",
        ", budget = { max_tokens = 4, token_ratio = 0.5 }",
        ", budget = { budget_percent = \"20%\", min_retry_concurrency = 1 }",
    ]);
    let jitter = select(vec!["none", "full", "equal", "decorrelated", "envoy", "20%"]);
    (1..4u32, wait, jitter, budget)
        .prop_map(|(max, wait, jitter, budget)| {
            let jitter = if wait.starts_with('{') { String::new() } else { format!(", jitter = \"{jitter}\"") };
            format!("retries = {{ max = {max}, on = {ON}, backoff = {wait}{jitter}{budget} }}\n")
        })
        .boxed()
}

/// One of these lines, or none of them.
fn perhaps(lines: Vec<&'static str>) -> BoxedStrategy<String> {
    weighted(0.35, select(lines)).prop_map(|line| line.map_or(String::new(), |line| format!("{line}\n"))).boxed()
}

/// The rules of a policy; the timeout is left to the caller.
fn policy() -> BoxedStrategy<String> {
    let deadline = perhaps(vec![
        "deadline = \"5ms\"",
        "deadline = \"20ms\"",
        "deadline = \"12ms\"\npropagate_deadline = true",
        "deadline = \"40ms\"\npropagate_deadline = true",
    ]);
    let hedge = perhaps(vec![
        "hedge = { after = \"0ms\", max = 2 }",
        "hedge = { after = \"2ms\" }",
        "hedge = { after = \"4ms\", max = 2 }",
    ]);
    let again = weighted(0.5, retries()).prop_map(Option::unwrap_or_default);
    let breaker = perhaps(vec![
        "circuit_breaker = { consecutive = 2, open_for = \"10ms\" }",
        "circuit_breaker = { window_calls = 4, min_calls = 4, open_for = \"20ms\", half_open_calls = 2 }",
        "circuit_breaker = { window = \"50ms\", min_calls = 3, slow_call = \"3ms\", open_for = \"5ms\", counts = \"calls\" }",
    ]);
    let bulkhead = perhaps(vec![
        "bulkhead = { max_concurrent = 1 }",
        "bulkhead = { max_concurrent = 1, max_wait = \"3ms\" }",
        "bulkhead = { max_concurrent = 2, max_wait = \"20ms\" }",
    ]);
    let rate = perhaps(vec![
        "rate_limit = { rate = \"200/s\", burst = 1 }",
        "rate_limit = { rate = \"100/s\", burst = 2, max_wait = \"8ms\" }",
        "rate_limit = { rate = \"300/s\", algorithm = \"sliding_window\", window = \"20ms\" }",
    ]);
    let limit = perhaps(vec![
        "concurrency_limit = { kind = \"aimd\", initial = 2, min = 1, max = 4 }",
        "adaptive_throttle = { k = 1.5, window = \"1s\" }",
    ]);
    let order = prop_oneof![
        3 => Just(""),
        1 => Just(
            "order = [\"bulkhead\", \"circuit_breaker\", \"retries\", \"rate_limit\", \"adaptive_throttle\", \
             \"concurrency_limit\", \"timeout\"]\n"
        ),
        1 => Just(
            "order = [\"circuit_breaker\", \"rate_limit\", \"concurrency_limit\", \"bulkhead\", \"adaptive_throttle\", \
             \"retries\", \"timeout\"]\n"
        ),
    ];
    (deadline, prop_oneof![again, hedge], breaker, bulkhead, rate, limit, order)
        .prop_map(|(deadline, again, breaker, bulkhead, rate, limit, order)| {
            // A breaker that says what it counts has its place already.
            let order = if breaker.contains("counts") { "" } else { order };
            [&deadline, &again, &breaker, &bulkhead, &rate, &limit, order].concat()
        })
        .boxed()
}

fn door() -> BoxedStrategy<String> {
    perhaps(vec![
        "rate_limit = { rate = \"150/s\", burst = 2 }",
        "rate_limit = { rate = \"100/s\", burst = 1, per = \"client\" }",
        "shed = { queue_longer_than = \"2ms\" }",
        "concurrency_limit = { kind = \"aimd\", initial = 2, min = 1, max = 4 }",
        "concurrency_limit = \"gradient\"",
    ])
}

/// A queue that the first node sends to, and who takes from it.
fn queue() -> BoxedStrategy<(String, bool)> {
    let queue = select(vec![
        "",
        "publish_latency = \"1ms\"\n",
        "capacity = 3\nwhen_full = \"reject\"\n",
        "capacity = 2\nwhen_full = \"drop_oldest\"\n",
        "capacity = 2\nwhen_full = \"block\"\n",
        "ack_timeout = \"4ms\"\nmax_deliveries = 3\n",
        "message_ttl = \"6ms\"\n",
    ]);
    let consumer = select(vec![
        "work = \"1ms\"",
        "work = { mean = \"3ms\" }, error_rate = \"30%\", on_error = \"retry\", prefetch = 2",
        "work = \"2ms\", error_rate = \"20%\", on_error = \"skip\"",
        "work = \"1ms\", ack = \"before\", poll = \"2ms\"",
        "concurrency = 2, work = \"2ms\", poll = { mean = \"1ms\" }",
    ]);
    (queue, consumer, any::<bool>())
        .prop_map(|(queue, consumer, wait)| {
            let consumes = format!("consumes = [{{ from = \"q\", {consumer} }}]");
            (format!("[queues.q]\n{queue}[services.w]\nreplicas = 2\n{consumes}\n"), wait)
        })
        .boxed()
}

/// A cache, and what a miss takes.
fn cache() -> BoxedStrategy<(&'static str, &'static str)> {
    let keys = select(vec![
        "keys = 1\nttl = \"3ms\"\nsingle_flight = true\nwork = \"1ms\"",
        "keys = 2\nttl = \"2ms\"\nttl_from = \"access\"\nsingle_flight = true\nconcurrency = 1\nqueue_limit = 1\nwork = \"1ms\"",
        "keys = 6\nskew = 1.0\ncapacity = 2\nsingle_flight = true",
        "keys = 3\nttl = \"5ms\"\nerror_rate = \"20%\"",
        "hit_rate = \"50%\"\nwork = { mean = \"1ms\" }",
    ]);
    let miss = select(vec!["", "{ wait = \"2ms\" }", "{ work = \"1ms\" }", "{ call = \"n1\" }, { wait = \"1ms\" }"]);
    (keys, miss).boxed()
}

/// A fault of a node (`n0` to `n3`) or of the queue.
#[derive(Clone, Debug)]
struct Fault {
    kind: &'static str,
    words: &'static str,
    node: usize,
    when: String,
    /// Whether it happens to the first replica alone.
    first: bool,
}

impl Fault {
    fn target(&self) -> String {
        match self.node {
            4 => "q".to_owned(),
            5 => "k".to_owned(),
            node => format!("n{node}"),
        }
    }

    /// Whether callers without a timeout would wait for ever.
    fn is_silent(&self) -> bool {
        ["black_hole", "drop"].iter().any(|word| self.words.contains(word)) || self.kind == "partition"
    }

    fn fits_queue(&self) -> bool {
        matches!(self.kind, "outage" | "crash" | "poison_message") && !self.is_silent()
    }

    fn table(&self, nth: usize) -> String {
        let Self { kind, words, when, .. } = self;
        let whole = matches!(*kind, "latency" | "partition" | "packet_loss" | "deploy" | "replicas_lost");
        let first = if self.first && !whole && self.node < 4 { "replicas = 1\n" } else { "" };
        let planned = *kind == "deploy" && when.contains("mtbf");
        let instant = matches!(*kind, "cold_cache" | "poison_message");
        let when = if planned { "at = \"20ms\"\nduration = \"20ms\"\n" } else { when };
        let lasting = |line: &&str| !instant || !line.starts_with("duration") && !line.starts_with("mttr");
        let when: String = when.split_inclusive('\n').filter(lasting).collect();
        let target = self.target();
        format!("[[faults]]\nname = \"f{nth}\"\nkind = \"{kind}\"\ntarget = \"{target}\"\n{words}{when}{first}")
    }
}

fn fault() -> BoxedStrategy<Fault> {
    let kind = select(vec![
        ("outage", ""),
        ("outage", "mode = \"black_hole\"\n"),
        ("outage", "mode = \"drop\"\n"),
        ("crash", ""),
        ("crash", ""),
        ("crash", "mode = \"black_hole\"\n"),
        ("freeze", ""),
        ("slow", "factor = 3.0\n"),
        ("errors", "probability = 0.5\n"),
        ("latency", "add = \"3ms\"\njitter = \"2ms\"\n"),
        ("partition", ""),
        ("packet_loss", "probability = 0.2\n"),
        ("deploy", ""),
        ("replicas_lost", "replicas = 1\n"),
        ("cold_cache", ""),
        ("poison_message", ""),
    ]);
    let when = prop_oneof![
        3 => (0..200u64, 1..80u64).prop_map(|(at, ms)| format!("at = \"{at}ms\"\nduration = \"{ms}ms\"\n")),
        1 => (5..60u64, 1..20u64).prop_map(|(up, down)| format!("mtbf = \"{up}ms\"\nmttr = \"{down}ms\"\n")),
    ];
    let parts = (kind, 0..6usize, when, any::<bool>());
    parts.prop_map(|((kind, words), node, when, first)| Fault { kind, words, node, when, first }).boxed()
}

/// Anything.
pub(crate) fn layer() -> BoxedStrategy<Layer> {
    (
        vec((policy(), any::<bool>()), 3),
        vec(0..4usize, 1..8),
        vec(door(), 4),
        vec(weighted(0.4, select(vec!["\"timeout\", \"error\"", "\"reset\", \"connect_failed\", \"overloaded\""])), 3),
        weighted(0.4, queue()),
        weighted(0.4, cache()),
        vec(fault(), 0..4),
    )
        .prop_map(|(policies, choices, doors, retries, queue, cache, faults)| Layer {
            policies,
            choices,
            doors,
            retries,
            queue,
            cache,
            faults,
        })
        .boxed()
}

/// Rules that have nothing to do.
const IDLE: &str = "[policies.p0]\ndeadline = \"1h\"\nretries = { max = 3, on = [\"rate_limited\"], budget = \"20%\" }\n\
                    bulkhead = { max_concurrent = 1000000 }\nrate_limit = { rate = \"1000000/s\", burst = 1000000 }\n\
                    circuit_breaker = { consecutive = 1000000 }\n";

/// A scenario whose every call is under rules that have nothing to do, unless the call says more.
pub(super) fn idle(text: &str) -> String {
    let layer = Layer {
        policies: vec![(String::new(), false)],
        choices: vec![0],
        doors: Vec::new(),
        retries: Vec::new(),
        queue: None,
        cache: None,
        faults: Vec::new(),
    };
    layer.guard(text, &mut 0) + IDLE
}

impl Layer {
    /// A scenario under this layer; without its faults, or with them.
    pub(crate) fn over(&self, text: &str, faulted: bool) -> String {
        let there = |fault: &&Fault| match fault.node {
            // Without a limit on deliveries poison is delivered for ever.
            4 => self.queue.as_ref().is_some_and(|(queue, _)| {
                fault.fits_queue() && (fault.kind != "poison_message" || queue.contains("max_deliveries"))
            }),
            _ if fault.kind == "poison_message" => false,
            5 => self.cache.is_some_and(|(keys, _)| fault.kind != "cold_cache" || keys.starts_with("keys")),
            _ if fault.kind == "cold_cache" => false,
            node => text.contains(&format!(".n{node}]")),
        };
        let faults: Vec<&Fault> = self.faults.iter().filter(|_| faulted).filter(there).collect();
        let silent = faults.iter().any(|fault| fault.is_silent());
        let mut out = String::new();
        let (mut calls, mut clients) = (0, 0);
        for (nth, table) in text.split("\n[").enumerate() {
            let bracket = if nth > 0 { "[" } else { "" };
            out += &self.guard(&format!("{bracket}{table}\n"), &mut calls);
            if let Some(node) = table.strip_prefix("services.n").and_then(|rest| rest.split(']').next()) {
                out += node.parse::<usize>().ok().and_then(|n| self.doors.get(n)).map_or("", String::as_str);
            }
            if table.starts_with("clients.") {
                if let Some(on) = self.retries[clients % self.retries.len()] {
                    out += &format!("retries = {{ max = 2, on = [{on}], backoff = \"2ms\" }}\n");
                }
                if silent && !table.contains("\ntimeout = ") {
                    out += "timeout = \"60ms\"\n";
                }
                clients += 1;
            }
            if silent && table.starts_with("defaults]") {
                out += "policy = \"p0\"\n";
            }
        }
        for (nth, (policy, timed)) in self.policies.iter().enumerate() {
            let timeout = if silent || *timed { "timeout = \"8ms\"\n" } else { "" };
            let cancels = ["", "cancels = \"at_once\"\n", "cancels = \"queued\"\n"][nth % 3];
            out += &format!("[policies.p{nth}]\n{timeout}{cancels}{policy}");
        }
        if let Some((queue, waits)) = &self.queue {
            let wait = if *waits { ", wait_for_ack = true" } else { "" };
            out = out.replacen("steps = [\n", &format!("steps = [\n  {{ send = \"q\"{wait} }},\n"), 1) + queue;
        }
        if let Some((keys, miss)) = self.cache {
            let last = !text.contains("[services.n1]");
            let miss = if last && miss.contains("n1") { "" } else { miss };
            let guard = if self.policies[0].1 { ", policy = \"p0\"" } else { "" };
            let step = format!("steps = [\n  {{ cache = \"k\", on_miss = [{miss}]{guard} }},\n");
            // Whoever fetches and lost its worker would wait for those who hold all workers and wait for what it fetches.
            if keys.contains("single_flight") {
                out = out.replace("preemptive = true\n", "");
            }
            out = out.replacen("steps = [\n", &step, 1) + &format!("[caches.k]\n{keys}\n");
        }
        out + &faults.iter().enumerate().map(|(nth, fault)| fault.table(nth)).collect::<String>()
    }

    /// A table of a scenario, whose calls get policies.
    fn guard(&self, table: &str, calls: &mut usize) -> String {
        let (mut out, mut rest) = (String::new(), table);
        while let Some(at) = [rest.find("call = \""), rest.find("query = \"")].into_iter().flatten().min() {
            let begin = at + rest[at..].find('"').map_or(0, |quote| quote + 1);
            let end = begin + rest[begin..].find('"').map_or(0, |quote| quote + 1);
            out += &rest[..end];
            rest = &rest[end..];
            if rest.starts_with(", transport = \"in-process\"") {
                continue;
            }
            let choice = self.choices[*calls % self.choices.len()];
            *calls += 1;
            if choice < self.policies.len() {
                out += &format!(", policy = \"p{choice}\"");
            }
        }
        out + rest
    }
}
