//! Random scenarios in which a request may spend its time on anything.

/// Bytes that decide what a random scenario looks like; all zero is the plainest one.
struct Dice<'d>(std::slice::Iter<'d, u8>);

impl Dice<'_> {
    fn below(&mut self, n: u32) -> u32 {
        u32::from(self.0.next().copied().unwrap_or(0)) % n
    }

    fn one<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[self.below(words.len() as u32) as usize]
    }

    /// Several steps of service number `at`, which calls those after it.
    fn steps(&mut self, at: u32, depth: u32) -> String {
        let count = self.below(4);
        (0..count).map(|_| self.step(at, depth)).collect::<Vec<_>>().join(", ")
    }

    fn step(&mut self, at: u32, depth: u32) -> String {
        let last = at + 1 >= SERVICES;
        let verb = match self.below(if depth > 1 { 5 } else { 8 }) {
            0 => format!("work = {}", self.time()),
            1 => format!("wait = {}", self.time()),
            2 | 3 if !last => self.call(at),
            2..=4 => {
                let mode = self.one(&["read", "write"]);
                let timeout = self.one(&["", ", timeout = \"3ms\""]);
                format!("query = \"d\", table = \"t\", mode = \"{mode}\"{timeout}")
            }
            5 => format!("transaction = \"d\", steps = [{}]", self.steps(at, 2.max(depth + 1))),
            6 => {
                let branches: Vec<String> = (0..2 + self.below(2)).map(|_| self.step(at, depth + 1)).collect();
                let wait_for = self.one(&["\"all\"", "\"any\"", "2"]);
                let optional = if wait_for == "\"all\"" { self.one(&["", ", optional = true"]) } else { "" };
                let first = branches[0].strip_suffix(" }").unwrap();
                let times = self.one(&["", ", times = 2"]);
                let first = if first.contains("times") {
                    format!("{first}{optional} }}")
                } else {
                    format!("{first}{optional}{times} }}")
                };
                format!("parallel = [{first}, {}], wait_for = {wait_for}", branches[1..].join(", "))
            }
            _ => {
                let ways = [self.steps(at, depth + 1), self.steps(at, depth + 1)];
                format!("split = [{{ weight = 3, steps = [{}] }}, {{ steps = [{}] }}]", ways[0], ways[1])
            }
        };
        let times = self.one(&["", "", ", times = 2"]);
        let chance = self.one(&["", "", ", probability = \"60%\""]);
        format!("{{ {verb}{times}{chance} }}")
    }

    fn call(&mut self, at: u32) -> String {
        let callee = at + 1 + self.below(SERVICES - at - 1);
        let transport = self.one(&["free", "rest", "grpc", "in-process", "narrow", "thin"]);
        let timeout = self.one(&["", ", timeout = \"4ms\"", ", timeout = \"9ms\""]);
        let timeout = if transport == "in-process" { "" } else { timeout };
        let stream = if self.below(4) == 3 && transport != "in-process" { ", stream = 5" } else { "" };
        let size = self.one(&["1KB", "50KB"]);
        format!("call = \"s{callee}\", transport = \"{transport}\", response = \"{size}\"{timeout}{stream}")
    }

    fn time(&mut self) -> &'static str {
        self.one(&["\"1ms\"", "{ mean = \"1ms\" }", "\"0s\"", "{ mean = \"4ms\" }"])
    }

    fn service(&mut self, at: u32) -> String {
        let io = self.one(&["blocking", "async"]);
        let workers = self.one(&["200", "1", "2", "5"]);
        let cores = self.one(&["", "cores = 1\n", "cores = 2\n"]);
        let order = self.one(&["fifo", "lifo", "random", "priority"]);
        let limits = self.one(&["", "queue_limit = 5\n", "queue_timeout = \"5ms\"\n", "error_rate = \"5%\"\n"]);
        let pool =
            self.one(&["", "pools.d = { connections = 1, wait = \"5ms\" }\n", "pools.d = { connections = 2 }\n"]);
        let replicas = 1 + self.below(3);
        let preempts = if matches!(order, "lifo" | "priority") { self.one(&["", "preemptive = true\n"]) } else { "" };
        let work = self.time();
        let steps = self.steps(at, 0);
        format!(
            "[services.s{at}]\nio = \"{io}\"\nconcurrency = {workers}\n{cores}queue_order = \"{order}\"\n{preempts}{limits}\
             {pool}replicas = {replicas}\nwork = {work}\nsteps = [{steps}]\n"
        )
    }
}

impl Dice<'_> {
    /// A gateway before the first service, which may ask the last one who is calling.
    fn gateway(&mut self) -> String {
        let io = self.one(&["async", "blocking"]);
        let workers = self.one(&["200", "1", "3"]);
        let inside = self.one(&["", "inside = \"grpc\"\n", "inside = \"narrow\"\n"]);
        let auth = self.one(&[
            "",
            "auth = { call = \"s3\", timeout = \"9ms\" }\n",
            "auth = { call = \"s3\", cache_ttl = \"50ms\", keys = 4 }\n",
            "auth = { call = \"s3\", cache_ttl = \"50ms\", keys = 2, single_flight = true }\n",
        ]);
        let limit = self.one(&[
            "",
            "rate_limit = { rate = \"50/s\", burst = 5 }\n",
            "rate_limit = { rate = \"50/s\", burst = 5, counter = \"counts\" }\n",
            "rate_limit = { rate = \"20/s\", per = \"client\", counter = \"s3\" }\n",
        ]);
        let cache = self.one(&[
            "",
            ", cache = { ttl = \"30ms\", keys = 3 }",
            ", cache = { ttl = \"9ms\", keys = 2, single_flight = true }",
        ]);
        let (work, steps, replicas) = (self.time(), self.steps(0, 0), 1 + self.below(2));
        let (stream, more) = (self.one(&["", ", stream = 4"]), self.one(&["", ", auth = false"]));
        let counts = if limit.contains("counts") { "[caches.counts]\nhit_rate = 1.0\nwork = \"1ms\"\n" } else { "" };
        format!(
            "{counts}[gateways.g]\nio = \"{io}\"\nconcurrency = {workers}\nreplicas = {replicas}\nwork = {work}\n{inside}{auth}{limit}\
             routes = [{{ path = \"/one/*\", to = \"s0\", times = 2{stream}{more} }}, \
             {{ path = \"/*\", name = \"rest\", steps = [{{ call = \"s1\" }}, {steps}]{cache} }}]\n"
        )
    }
}

const SERVICES: u32 = 4;

/// The scenario that these bytes decide.
pub(super) fn random_scenario(bytes: &[u8]) -> String {
    let mut dice = Dice(bytes.iter());
    let services: String = (0..SERVICES).map(|at| dice.service(at)).collect();
    let per = dice.one(&["connection", "request"]);
    let outside = dice.one(&["free", "rest", "grpc"]);
    let timeout = dice.one(&["", "timeout = \"15ms\"\n"]);
    let browser = dice.one(&["false", "true"]);
    let link = dice.one(&["", "[network.links.\"s0 -> s1\"]\nbandwidth = \"2MB/s\"\nloss = \"1%\"\n"]);
    let writers = 1 + dice.below(2);
    let gateway = dice.gateway();
    format!(
        r#"
version = 1
[sim]
duration = "1500ms"
warmup = "100ms"
[discovery]
balance_per = "{per}"
[network]
same_zone = {{ mean = "0.2ms" }}
[transports.narrow]
like = "rest"
connections = {{ max = 2, max_idle = 1, idle_timeout = "20ms", tls = "1.2" }}
[transports.thin]
like = "grpc"
streams = 2
[clients.open]
calls = "s0"
transport = "{outside}"
browser = {browser}
rate = "80/s"
{timeout}
[clients.closed]
calls = [{{ to = "s0" }}, {{ to = "s1", share = "50%" }}]
priority = 1
users = 3
think_time = {{ mean = "10ms" }}
[clients.guests]
calls = [{{ to = "g:/one/7" }}, {{ to = "g.rest", share = "60%", times = 2 }}]
transport = "{outside}"
rate = "40/s"
[databases.d]
work = {{ mean = "1ms" }}
concurrency = 3
max_connections = 12
tables.t = {{ writers = {writers} }}
{link}{services}{gateway}"#
    )
}
