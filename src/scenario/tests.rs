//! What the parts of the scenario promise one another.

use super::*;

/// A file with free transport and the given rest.
fn file(rest: &str) -> Source {
    Source::text("a.toml", format!("version = 1\n[defaults]\ntransport = \"free\"\n{rest}"))
}

fn loaded(rest: &str) -> Checked {
    load(&file(rest), &[]).unwrap_or_else(|r| panic!("{}", crate::diag::render(&r.complaints, &r.source, false)))
}

const RICH: &str = r#"
[sim]
duration = "2m"
[network]
same_zone = "1500us"
[network.links."shoppers -> orders"]
latency = { dist = "weibull", mean = "33333333ns", shape = 0.7 }
[network.links."orders -> users"]
bandwidth = "10Mbit/s"
loss = "0.1%"
[transports.rest]
connections = { max = 5, tls = "1.2" }
[transports.fast]
like = "faster"
encode = { per_byte = "0.123ns" }
[transports.faster]
like = "rest"
decode = { per_message = "1500ns" }
protocol = "http2"
[transports.plain]
like = "free"
size_factor = 1.25
[transports.whole]
encode = { per_message = "1us", per_byte = "1ns" }
decode = { per_message = "1us", per_byte = "1ns" }
size_factor = 0.5
protocol = "http1"
connections = { max = 3, max_idle = 3, idle_timeout = "1m", tls = "none" }
cancels = "queued"
[discovery]
load_balancing = "least_request"
choices = "all"
balance_per = "request"
[clients.shoppers]
calls = [{ to = "orders", share = "20%" }, { to = "orders.create", request = "4KB", response = "1MiB" }]
transport = "fast"
browser = true
phases = [{ duration = "1m", rate = "10/s", ramp_to = "20/min" }, { rate = "7/h" }]
batch = { dist = "geometric", mean = 10 }
timeout = "3s"
zone = "eu/a/h1"
[clients.staff]
calls = ["orders.create", "edge"]
policy = "p"
retries = { max = 3, budget = { share = "20%", min_per_second = 10, ttl = "5s" } }
users = 3
think_time = { mix = [{ share = "99%", mean = "2.4ns" }, { p50 = "1s", p90 = "2s", p999 = "9s" }] }
[clients.bursts]
calls = "orders"
arrivals = "bursty"
bursty = { low = "1/s", high = "2/s", stay_low = "1s", stay_high = "1m30s" }
[clients.gaps]
calls = "orders"
arrivals = { value = "8s" }
[services.orders]
concurrency = "unlimited"
cores = 1.5
queue_order = "priority"
preemptive = true
queue_timeout = { dist = "uniform", min = "1ms", max = "9ms" }
steps = []
[services.orders.pools]
db = { connections = 7 }
[services.orders.endpoints.create]
work = { dist = "pareto", min = "1ms", max = "1s", alpha = 1.5 }
error_rate = "0.2%"
steps = [
  { parallel = [{ call = "users.get", optional = true, times = 2 }, "mail", { wait = "1ms" }], wait_for = "any" },
  { call = "users.get", transport = "grpc", stream = 50, request = "333B" },
  { call = "users.get", transport = "plain", response = "0B" },
  { transaction = "db", steps = [{ query = "db", table = "t", mode = "write" }, { call = "mail", transport = "whole" }], probability = 0.5 },
  { split = [{ weight = "70%", steps = [{ query = "db", policy = "p" }] }, { weight = 0.3, steps = [] }], probability = 0.25 },
]
[services.users.endpoints.get]
work = "1ms"
[externals.mail]
wait = "20ms"
[databases.db]
work = { dist = "erlang", mean = "2ms", k = 3 }
max_connections = 20
[databases.db.tables.t]
writers = 2
[policies.p]
timeout = "500ms"
[policies.q]
deadline = "2s"
propagate_deadline = true
timeout = "300ms"
retries = { max = 2, on = ["timeout", "reset"], backoff = { mean = "20ms" }, jitter = "none", budget = { deposit = 0.1, per = "call", cap = 10 } }
circuit_breaker = { window_calls = 50, min_calls = 10, slow_call = "1s", counts = "calls", on = ["timeout"] }
bulkhead = { max_wait = "1s" }
rate_limit = { rate = "30/min", algorithm = "sliding_window", window = "10s", max_wait = "20ms" }
adaptive_throttle = { k = 1.1 }
concurrency_limit = "vegas"
order = ["bulkhead", "retries", "circuit_breaker", "timeout"]
[policies.r]
like = "resilience4j"
circuit_breaker = { consecutive = 5 }
bulkhead = "none"
retries = { max = 1, jitter = "20%", backoff = "7ms", backoff_max = "70ms", budget = "10%" }
[policies.s]
like = "aws-sdk"
[policies.t]
like = "linkerd"
hedge = "none"
[policies.u]
like = "envoy"
retries = { budget = { max_tokens = 10, token_ratio = 0.5 }, jitter = "decorrelated" }
[gateways.edge]
rate_limit = { rate = "500/s", burst = 100, per = "client", refill = "discrete" }
shed = { queue_longer_than = "100ms" }
concurrency_limit = { kind = "aimd", initial = 30, max = 40 }
steps = [
  { call = "orders", policy = "q" }, { call = "orders", policy = "r", circuit_breaker = "none", deadline = "9s" },
  { call = "orders", policy = "s", fallback = [{ wait = "1ms" }, "orders"] }, { call = "orders", policy = "t" }, { call = "orders", policy = "u" },
  { call = "orders", hedge = { after = { p50 = "1ms", p99 = "9ms" }, max = 2 }, concurrency_limit = "none" },
]
[[slos]]
of = "orders.create -> mail"
expect = "p99.9 < 1s"
[variants."second one"]
services.orders.cores = 2
"transports.whole.connections.max" = 9
"network.links.\"orders -> mail\".latency" = "9ms"
"services.orders.endpoints.create.steps.1.probability" = 0.5
"#;

#[test]
fn what_is_printed_loads_to_the_same_scenario() {
    let rest = RICH.replace("orders.create -> mail", "orders -> mail");
    let first = loaded(&rest);
    let printed = canonical(&first.scenario);
    let second = load(&Source::text("a.toml", printed.clone()), &[])
        .unwrap_or_else(|r| panic!("{printed}\n{}", crate::diag::render(&r.complaints, &r.source, false)));
    assert_eq!(first.hash, second.hash, "{printed}");
    let again = canonical(&second.scenario);
    assert_eq!(printed.replace("  # default", ""), again.replace("  # default", ""));
    assert!(printed.contains("replicas = 1  # default"), "{printed}");
}

#[test]
fn the_hash_is_about_meaning() {
    let same = [
        "[clients.c]\ncalls = \"s\"\nrate = \"60/min\"\n[services.s]\nwork = \"1ms\"\n",
        "# a comment\nname = \"x\"\n[services]\ns = { work = \"1000us\", replicas = 1 }\n[clients]\nc = { rate = \"1/s\", calls = [{ to = \"s\" }] }\n",
    ];
    let hashes: Vec<String> = same
        .iter()
        .map(|text| {
            load(&Source::text("a.toml", format!("version = 1\n{text}[defaults]\ntransport = \"free\"\n")), &[])
                .unwrap()
                .hash
        })
        .collect();
    assert_eq!(hashes[0], hashes[1]);
    assert_eq!(hashes[0].len(), 16);
    assert_ne!(loaded(&same[0].replace("1ms", "2ms")).hash, hashes[0]);
}

#[test]
fn changes_reach_everything_that_is_written() {
    let text = "[clients.c]\ncalls = \"s\"\nrate = \"1/s\"\n[services.s]\nwork = { p50 = \"1ms\", p99 = \"2ms\" }\nsteps = [{ call = \"t\" }, \"t\"]\n\
                [services.t]\nwork = \"1ms\" # short\n[databases.d]\nwork = \"1ms\"\n[[slos]]\nof = \"c\"\nexpect = \"success_rate > 99%\"\n";
    let edits: Vec<Edit> = [
        "clients.c.rate=200/s",
        "services.s.work.p99=4ms",
        "services.s.steps.0.timeout = 5ms",
        "services.s.steps.1={ call = \"t\", times = 3 }",
        "network.links.\"s -> t\".latency=9ms",
        "policies.fast.timeout=1s",
        "defaults.policy=fast",
        "slos.0.expect=p99 < 4ms",
        "sim.duration=\"5s\"",
        "externals.mail={ work = \"1ms\" }",
        "transports.rest.connections.max=7",
        "services.s.pools.d={ connections = 3 }",
        "services.t.pools.d.wait=1s",
        "databases.d.tables.rows.writers=2",
        "services.s.steps.0.transport=rest",
    ]
    .iter()
    .map(|edit| Edit::parse(edit).unwrap())
    .collect();
    let checked = load(&file(text), &edits)
        .unwrap_or_else(|r| panic!("{}\n{}", r.source.text, crate::diag::render(&r.complaints, &r.source, false)));
    let printed = canonical(&checked.scenario);
    for part in [
        "rate = \"200/s\"",
        "p99 = \"4ms\"",
        "{ call = \"t\", transport = \"rest\", timeout = \"5ms\" },",
        "{ call = \"t\", times = 3 },",
        "[network.links.\"s -> t\"]\nlatency = \"9ms\"",
        "[policies.fast]\ntimeout = \"1s\"",
        "policy = \"fast\"",
        "expect = \"p99 < 4ms\"",
        "duration = \"5s\"",
        "[externals.mail]",
        "connections = { max = 7, max_idle = 7,",
        "[services.s.pools.d]\nconnections = 3",
        "[services.t.pools.d]\nconnections = 10  # default\nwait = \"1s\"",
        "[databases.d.tables.rows]\nwriters = 2",
    ] {
        assert!(printed.contains(part), "{part} is missing in\n{printed}");
    }
    assert!(checked.source.text.contains("# short"), "comments stay");
}

#[test]
fn variants_keep_the_order_of_the_file() {
    let text = "version = 1\n[clients.c]\ncalls = \"s\"\nrate = \"1/s\"\n[services.s]\n[variants.zebra]\n\
                \"services.s.replicas\" = 2\n[variants.ant]\nservices.s.replicas = 3\n";
    let source = Source::text("test.toml", text);
    assert_eq!(variants(&source), ["zebra", "ant"]);
    let printed = canonical(&load(&source, &[]).unwrap().scenario);
    assert_eq!(variants(&Source::text("again.toml", &printed)), ["zebra", "ant"], "{printed}");
}

#[test]
fn variants_are_changes_by_name() {
    let rest = RICH.replace("orders.create -> mail", "orders -> mail");
    let base = loaded(&rest);
    assert_eq!(variant_edits(&base.scenario, "third one"), None);
    let edits = variant_edits(&base.scenario, "second one").unwrap();
    assert_eq!(edits.len(), 4);
    let variant = load(&file(&rest), &edits).unwrap();
    assert_eq!(variant.variant.as_deref(), Some("second one"));
    assert_eq!(variant.scenario.nodes["orders"].cores.value, Some(2.0));
    assert_eq!(variant.scenario.network.links.len(), 3);
    assert_ne!(variant.hash, base.hash);
}

#[test]
fn the_forecast_solves_the_traffic_equations() {
    let jackson = "[network]\nsame_zone = \"0s\"\n[clients.a]\ncalls = \"h.x\"\nrate = \"30/s\"\n[clients.b]\ncalls = \"h.y\"\nrate = \"10/s\"\n\
        [services.h]\nio = \"async\"\n\
        [services.h.endpoints.x]\nsteps = [\"s0\", { split = [{ weight = 0.7, steps = [\"h.y\"] }, { weight = 0.3 }] }]\n\
        [services.h.endpoints.y]\nsteps = [\"s1\", { split = [{ weight = 0.3, steps = [\"h.x\"] }, { weight = 0.7 }] }]\n\
        [services.s0]\nconcurrency = 3\nwork = { mean = \"50ms\" }\n[services.s1]\nconcurrency = 2\nwork = { mean = \"20ms\" }\n";
    let forecast = forecast(&loaded(jackson).scenario);
    let rate = |name: &str| forecast.nodes.iter().find(|n| n.name == name).map(|n| (n.rate, n.utilization)).unwrap();
    // x = 30 + 0.3 y, y = 10 + 0.7 x.
    assert!((rate("s0").0 - 33.0 / 0.79).abs() < 1e-6, "{:?}", rate("s0"));
    assert!((rate("s1").0 - 31.0 / 0.79).abs() < 1e-6);
    assert!((rate("s0").1 - 33.0 / 0.79 * 0.05 / 3.0).abs() < 1e-6);
    assert!(!forecast.explodes);
}

#[test]
fn blocking_callers_are_forecast_to_hold_their_workers() {
    let chain = |io: &str| {
        let text = format!(
            "[network]\nsame_zone = \"1ms\"\n[clients.c]\ncalls = \"a\"\nrate = \"10/s\"\n\
             [services.a]\nio = \"{io}\"\nconcurrency = 2\nwork = \"10ms\"\nsteps = [{{ call = \"b\", times = 2 }}]\n\
             [services.b]\nconcurrency = 4\nwork = \"50ms\"\n"
        );
        forecast(&loaded(&text).scenario).nodes[0].clone()
    };
    assert!((chain("blocking").held - 10.0 * (0.010 + 2.0 * 0.052) / 2.0).abs() < 1e-9);
    assert!((chain("async").held - 10.0 * 0.010 / 2.0).abs() < 1e-9);
}

#[test]
fn function_calls_are_work_of_the_caller() {
    let text = "[clients.c]\ncalls = \"a\"\nrate = \"10/s\"\n[services.a]\nconcurrency = 2\nwork = \"10ms\"\n\
                steps = [{ call = \"b\", transport = \"in-process\" }]\n[services.b]\nwork = \"50ms\"\nsteps = [\"d\"]\n[services.d]\nwork = \"1ms\"\n";
    let forecast = forecast(&loaded(text).scenario);
    let (a, b, d) = (&forecast.nodes[0], &forecast.nodes[1], &forecast.nodes[2]);
    assert!((a.utilization - 10.0 * 0.060 / 2.0).abs() < 1e-9 && (a.work_ms - 60.0).abs() < 1e-9);
    assert!(b.rate == 0.0 && (d.rate - 10.0).abs() < 1e-9);
}

#[test]
fn a_closed_load_is_bounded_by_its_narrowest_node() {
    let text = "[network]\nsame_zone = \"0s\"\n[clients.c]\ncalls = \"s\"\nusers = 50\nthink_time = \"1s\"\n[services.s]\nconcurrency = 1\nwork = \"100ms\"\n";
    let forecast = forecast(&loaded(text).scenario);
    assert!((forecast.clients[0].1 - 10.0).abs() < 1e-9);
    assert!(loaded(text).overloaded.is_empty(), "a closed load never overloads");
    let open = |load: &str| loaded(&text.replace("users = 50\nthink_time = \"1s\"", load)).overloaded;
    assert_eq!(open("rate = \"15/s\""), ["s: 1.50 × what it can do"]);
    let phases = "phases = [{ rate = \"2/s\", duration = \"50s\" }, { rate = \"15/s\", duration = \"10s\" }]";
    assert_eq!(open(phases), ["s: 1.50 × what it can do at its peak"]);
}

#[test]
fn shares_of_a_node_hold_for_its_endpoints() {
    let text = "[clients.c]\ncalls = \"s.x\"\nrate = \"1/s\"\n[services.s]\nerror_rate = 0.5\n[services.s.endpoints.x]\nwork = \"1ms\"\n\
                [services.s.endpoints.y]\nerror_rate = 0.1\n";
    let node = &loaded(text).scenario.nodes["s"];
    assert_eq!((node.endpoints["x"].error_rate.value, node.endpoints["y"].error_rate.value), (0.5, 0.1));
    assert!(!node.endpoints.contains_key(""));
}

#[test]
fn presets_are_there_and_can_be_adjusted_and_extended() {
    let text = "[transports.rest]\nconnections = { max = 5 }\n[transports.fast]\nlike = \"rest\"\nencode = { per_byte = \"0.5ns\" }\n\
                [transports.h2]\nlike = \"fast\"\nprotocol = \"http2\"\n[transports.warm]\nlike = \"free\"\nconnections = { max_idle = 3 }\n\
                [clients.c]\ncalls = \"s\"\nrate = \"1/s\"\n[services.s]\nwork = \"1ms\"\n";
    let checked = loaded(text);
    let spec = |name: &str| checked.scenario.transports[name].clone();
    let (rest, fast, h2, warm) = (spec("rest"), spec("fast"), spec("h2"), spec("warm"));
    assert_eq!(rest.connections.as_ref().map(|c| (c.max.value, c.max_idle.value)), Some((5, 5)));
    assert!(rest.name.place.is_some() && rest.encode.per_byte == written::Given::default(2_400.0));
    assert!(fast.encode.per_byte.value == 500.0 && fast.encode.per_message == rest.encode.per_message);
    assert_eq!(fast.connections.as_ref().map(|c| (c.max.value, c.max.is_default())), Some((5, true)));
    assert_eq!((fast.streams.value, h2.streams.value, h2.encode.per_byte.value), (1, 100, 500.0));
    assert_eq!(warm.connections.map(|c| (c.max.value, c.max_idle.value)), Some((100, 3)));
    let grpc = spec("grpc");
    assert!(grpc.name.is_default() && grpc.cancels.value == written::Cancels::Queued && grpc.size_factor.value == 0.42);
    assert!(spec("free").connections.is_none());
}

#[test]
fn calls_travel_as_they_say_or_as_all_do() {
    let text = |default: &str| {
        format!(
            "version = 1\n[defaults]\ntransport = \"{default}\"\n[clients.c]\ncalls = \"s\"\nrate = \"1/s\"\n[services.s]\n\
             steps = [\"t\", {{ call = \"t\", transport = \"grpc\" }}, \"x\", {{ query = \"d\" }}]\n[services.t]\nwork = \"1ms\"\n\
             [externals.x]\nwork = \"1ms\"\n[databases.d]\nwork = \"1ms\"\n"
        )
    };
    for (default, expected) in [
        ("rest", "rest rest grpc rest free"),
        ("in-process", "free in-process grpc free free"),
        ("free", "free free grpc free free"),
    ] {
        let checked = load(&Source::text("a.toml", text(default)), &[]).unwrap();
        let scenario = &checked.scenario;
        let mut told = vec![client_transport(scenario, &scenario.clients["c"]).name.value.clone()];
        for step in &scenario.nodes["s"].endpoints[""].steps {
            let (written::Verb::Call(call) | written::Verb::Query(call)) = &step.verb else { unreachable!() };
            told.push(match transport_of(scenario, call) {
                written::How::InProcess => "in-process".into(),
                written::How::Over(spec) => spec.name.value.clone(),
            });
        }
        assert_eq!(told.join(" "), expected);
    }
}

#[test]
fn messages_are_work_of_both_sides() {
    let text = "[network]\nsame_zone = \"1ms\"\n[network.links.\"a -> b\"]\nbandwidth = \"10MB/s\"\n\
        [transports.t]\nlike = \"free\"\nencode = { per_message = \"1ms\", per_byte = \"100ns\" }\n\
        decode = { per_message = \"2ms\", per_byte = \"200ns\" }\nsize_factor = 0.5\n\
        [clients.c]\ncalls = \"a\"\nrate = \"10/s\"\n[services.a]\nconcurrency = 4\nwork = \"10ms\"\n\
        steps = [{ call = \"b\", transport = \"t\", request = \"20KB\", response = \"40KB\", times = 2 }]\n\
        [services.b]\nconcurrency = 4\nwork = \"3ms\"\n";
    let forecast = forecast(&loaded(text).scenario);
    let (a, b) = (&forecast.nodes[0], &forecast.nodes[1]);
    // 10 KB there: 1 + 1 ms to encode, 2 + 2 ms to decode; 20 KB back: 1 + 2 and 2 + 4 ms.
    let (encode, receive, answer, decode) = (2.0, 4.0, 3.0, 6.0);
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} and not {expected}");
    close(a.work_ms, 10.0 + 2.0 * (encode + decode));
    close(b.work_ms, 3.0 + receive + answer);
    close(b.offered, 20.0 * 0.010);
    close(b.response_ms, 10.0);
    let away = encode + 1.0 + 1.0 + receive + 3.0 + answer + 1.0 + 2.0 + decode;
    close(a.response_ms, 10.0 + 2.0 * away);
    close(a.held, 10.0 * (0.010 + 2.0 * away / 1e3) / 4.0);
    let link = &forecast.shared[0];
    assert_eq!((link.kind.clone(), link.room, link.used), (SharedKind::Link, 1e7, 20.0 * 20_000.0));
}

#[test]
fn pools_and_connections_are_forecast_by_littles_law() {
    let text = "[network]\nsame_zone = \"1ms\"\n[transports.t]\nlike = \"free\"\nconnections = { max = 3 }\n\
        [clients.c]\ncalls = \"a\"\nrate = \"10/s\"\n[services.a]\nreplicas = 2\nwork = \"1ms\"\nsteps = [\n\
        { query = \"d\" },\n{ transaction = \"d\", steps = [{ query = \"d\" }, { call = \"b\", transport = \"t\" }] },\n\
        { call = \"f\", transport = \"in-process\", probability = 0.5 } ]\n[services.a.pools]\nd = { connections = 4 }\n\
        [services.b]\nwork = \"98ms\"\n[services.f]\nsteps = [{ query = \"d\" }]\n[databases.d]\nwork = \"8ms\"\nmax_connections = 100\n";
    let forecast = forecast(&loaded(text).scenario);
    let [pool, connections] = forecast.shared.as_slice() else { panic!("{:?}", forecast.shared) };
    // A query takes 10 ms, the call 100 ms.
    assert_eq!((pool.kind.clone(), pool.room), (SharedKind::Pool, 8.0));
    assert!((pool.used - 10.0 * (0.010 + 0.110 + 0.005)).abs() < 1e-9, "{}", pool.used);
    assert_eq!((connections.kind.clone(), connections.room), (SharedKind::Connections("t".into()), 6.0));
    assert!((connections.used - 1.0).abs() < 1e-9, "{}", connections.used);
    assert_eq!(forecast.databases, [("d".to_owned(), 8, Some(100))]);
    let crowded = loaded(&text.replace("rate = \"10/s\"", "rate = \"100/s\"")).overloaded;
    assert_eq!(
        crowded,
        ["the pool of `a` to `d`: 1.56 × what it can do", "`t` from `a` to `b`: 1.67 × what it can do"]
    );
}
