//! Gateways: routes, who may come in, what is remembered, limits that are shared, and what translating costs.

use hoptax::experiment::summary::Summary;
use hoptax::scenario::{canonical, forecast};

use crate::bench::checked;
use crate::ledger::{HEAD, holds, small};

fn arrivals(summary: &Summary, node: &str) -> f64 {
    summary.nodes[node].arrivals as f64
}

fn success(summary: &Summary) -> f64 {
    summary.clients["c"].success_rate.value.unwrap()
}

/// One gateway `a`, which is called by these.
fn called(calls: &str, nodes: &str) -> Summary {
    small(nodes, &[("calls = \"a\"", &format!("calls = {calls}"))])
}

#[test]
fn the_first_route_that_fits_is_taken() {
    let nodes = "[gateways.a]\nroutes = [{ path = \"/users/me\", to = \"me\" }, { path = \"/users/{id}\", name = \"user\", to = \"users\" }, \
                 { path = \"/*\", to = \"rest\" }]\n[services.me]\n[services.users]\n[services.rest]\n";
    for (calls, to) in [
        ("\"a:/users/me\"", "me"),
        ("\"a:/users/42\"", "users"),
        ("\"a:/users/42?full=1\"", "users"),
        ("\"a.user\"", "users"),
        ("\"a:/users/{id}\"", "users"),
        ("\"a:/users/42/orders\"", "rest"),
        ("\"a:/\"", "rest"),
        ("\"a\"", "rest"),
        ("[{ to = \"a:/x/y\", share = \"50%\" }, \"a:/*\"]", "rest"),
    ] {
        let summary = called(calls, nodes);
        for node in ["me", "users", "rest"] {
            let expected = if node == to { arrivals(&summary, "a") } else { 0.0 };
            assert!((arrivals(&summary, node) - expected).abs() < 0.5, "{calls} {node}");
        }
    }
    let summary = called("\"a:/users/7\"", nodes);
    assert!(summary.endpoints.contains_key("a.user") && summary.edges.contains_key("c -> a.user"));
    assert!(called("\"a:/none\"", nodes).edges.contains_key("c -> a:/*"));
}

#[test]
fn what_a_gateway_does_itself_holds_for_each_route() {
    let nodes = "[gateways.a]\nwork = \"2ms\"\nroutes = [{ path = \"/one\", to = \"b\" }, { path = \"/many\", to = \"b\", times = 20 }, \
                 { path = \"/own\", steps = [{ work = \"1ms\" }] }]\n[services.b]\nwork = \"1ms\"\n";
    let ledger = |calls: &str| called(calls, nodes).ledger["c"].clone();
    holds(&ledger("\"a:/one\""), &[("a", "gateway", 2.0), ("b", "work", 1.0)]);
    holds(&ledger("\"a:/many\""), &[("a", "gateway", 2.0), ("b", "work", 20.0)]);
    holds(&ledger("\"a:/own\""), &[("a", "gateway", 3.0)]);
}

#[test]
fn a_partial_answer_is_one() {
    let nodes = "[gateways.a]\nroutes = [{ path = \"/page\", steps = [{ parallel = [{ call = \"b\" }, \
                 { call = \"slow\", timeout = \"5ms\", optional = true }] }] }]\n[services.b]\nwork = \"1ms\"\n[services.slow]\nwork = \"50ms\"\n";
    let summary = called("\"a\"", nodes);
    assert_eq!((success(&summary), summary.edges["a -> slow"].failed["timeout"]), (1.0, summary.clients["c"].arrived));
    let partial = |summary: &Summary| summary.endpoints.values().find_map(|endpoint| endpoint.partial).unwrap();
    assert_eq!(partial(&summary).partial_share.value, Some(1.0), "each of them");
    assert!(partial(&summary).partial_answers > 0);
    let whole = called("\"a\"", &nodes.replace("50ms", "4ms"));
    assert_eq!((partial(&whole).partial_answers, partial(&whole).partial_share.value), (0, Some(0.0)), "none of them");
    assert!(
        (summary.clients["c"].latency_ms.mean.value.unwrap() - 5.0).abs() < 1e-6,
        "it is awaited up to its timeout"
    );
}

/// A gateway that asks `auth`, which takes 10 ms.
fn asking(auth: &str, more: &str) -> String {
    format!(
        "[gateways.a]\nauth = {{ call = \"auth\"{auth} }}\nroutes = [{{ path = \"/in\", to = \"b\" }}, \
         {{ path = \"/login\", to = \"b\", auth = false }}]\n[services.b]\n[services.auth]\nwork = \"10ms\"\n{more}"
    )
}

#[test]
fn who_may_come_in_is_asked_once_and_remembered() {
    let each = called("\"a:/in\"", &asking("", ""));
    assert_eq!(each.nodes["auth"].arrivals, each.clients["c"].arrived);
    holds(&each.ledger["c"], &[("auth", "work", 10.0)]);
    assert_eq!(called("\"a:/login\"", &asking("", "")).nodes["auth"].arrivals, 0);
    // One credential, ten requests a second, ten of them within a second of the answer: every eleventh asks.
    let cached = called("\"a:/in\"", &asking(", cache_ttl = \"1s\", keys = 1", ""));
    let (looks, asks) = (cached.clients["c"].arrived as f64, arrivals(&cached, "auth"));
    assert!((asks - looks / 11.0).abs() <= 2.0, "{asks} of {looks}");
    let found = cached.nodes["a"].cache.as_ref().unwrap();
    assert_eq!(found.hits + found.misses, cached.clients["c"].arrived);
    assert_eq!(found.misses, cached.nodes["auth"].arrivals);
}

#[test]
fn a_memory_finds_as_much_as_theory_says_in_each_replica() {
    // 50 credentials, 100 requests a second to 2 replicas: one a second of each, as long as it is remembered. Half are found.
    let nodes = asking(", cache_ttl = \"1s\", keys = 50", "").replace("[gateways.a]", "[gateways.a]\nreplicas = 2");
    let nodes = nodes.replace("work = \"10ms\"", "");
    let long = [("calls = \"a\"", "calls = \"a:/in\""), ("rate = \"10/s\"", "rate = \"100/s\""), ("10s", "100s")];
    let summary = small(&nodes, &[long[0], long[1], long[2], ("\"constant\"", "\"poisson\"")]);
    let hits = summary.nodes["a"].cache.as_ref().unwrap().hit_rate.value.unwrap();
    assert!((hits - 0.5).abs() < 0.01, "{hits}");
}

#[test]
fn an_outage_of_auth_takes_what_is_not_remembered() {
    // Of a credential that comes every ten seconds and is remembered for 20 s, 2 of 3 are known when the outage begins, and each
    // second a twentieth of these less: over 10 s, 1 - 2/3 · (1 - 10/40) = 50 % are lost. Without a cache all of them.
    let fault = "[[faults]]\nkind = \"outage\"\ntarget = \"auth\"\nat = \"20s\"\nduration = \"10s\"\n";
    let lost = |auth: &str| {
        let nodes = asking(auth, fault).replace("work = \"10ms\"", "");
        let head = [("calls = \"a\"", "calls = \"a:/in\""), ("rate = \"10/s\"", "rate = \"200/s\""), ("10s", "30s")];
        let warm = ("warmup = \"2s\"", "warmup = \"200s\"");
        let summary = small(&nodes, &[head[0], head[1], head[2], warm, ("\"constant\"", "\"poisson\"")]);
        (1.0 - success(&summary)) * 3.0
    };
    let cached = lost(", cache_ttl = \"20s\", keys = 2000");
    assert!((cached - 0.5).abs() < 0.02, "{cached}");
    assert!((lost("") - 1.0).abs() < 0.02);
}

#[test]
fn answers_are_remembered_until_a_replica_restarts() {
    let nodes = |more: &str| {
        format!(
            "[gateways.a]\nroutes = [{{ path = \"/in\", to = \"b\", cache = {{ ttl = \"1h\", keys = 5 }} }}]\n\
             [services.b]\nwork = \"10ms\"\n{more}"
        )
    };
    let warm = called("\"a\"", &nodes(""));
    assert_eq!(warm.nodes["b"].arrivals, 0, "five answers are known after the warm-up");
    let crash = "[[faults]]\nkind = \"crash\"\ntarget = \"a\"\nat = \"5.01s\"\nduration = \"1ms\"\n";
    let again = called("\"a\"", &nodes(crash));
    assert_eq!(again.nodes["b"].arrivals, 10, "and five are fetched again, in each of two replications");
}

#[test]
fn a_route_may_be_called_auth() {
    let nodes = "[gateways.a]\nauth = { call = \"auth\", cache_ttl = \"1h\", keys = 1 }\nroutes = [{ path = \"/in\", name = \"auth\", \
                 to = \"b\", cache = { ttl = \"1ns\", keys = 1 } }]\n[services.b]\n[services.auth]\n";
    let summary = called("\"a.auth\"", nodes);
    assert_eq!((summary.nodes["auth"].arrivals, summary.nodes["b"].arrivals), (0, summary.clients["c"].arrived));
}

#[test]
fn those_that_miss_the_same_may_wait_for_the_first() {
    let nodes = |more: &str| {
        format!(
            "[gateways.a]\nwork = \"1ms\"\nroutes = [{{ path = \"/in\", to = \"b\", cache = {{ ttl = \"1ms\", keys = 1{more} }} }}]\n\
             [services.b]\nwork = \"10ms\"\n"
        )
    };
    let four = [("rate", "batch = 4\nrate")];
    let (each, one) = (small(&nodes(""), &four), small(&nodes(", single_flight = true"), &four));
    assert_eq!(each.nodes["b"].arrivals, each.clients["c"].arrived);
    assert_eq!(one.nodes["b"].arrivals * 4, one.clients["c"].arrived);
    holds(&each.ledger["c"], &[("a", "gateway", 1.0), ("b", "work", 10.0)]);
    holds(&one.ledger["c"], &[("a", "gateway", 1.0), ("a", "wait", 7.5), ("b", "work", 2.5)]);
}

#[test]
fn a_shared_count_costs_a_call_and_lets_the_rate_through() {
    let nodes = |counter: &str, more: &str| {
        format!(
            "[gateways.a]\nreplicas = 4\nrate_limit = {{ rate = \"20/s\", burst = 10{counter} }}\nsteps = [\"b\"]\n[services.b]\n\
             [caches.counts]\nhit_rate = 1.0\nwork = \"1ms\"\n{more}"
        )
    };
    let hundred = [("rate = \"10/s\"", "rate = \"100/s\""), ("\"constant\"", "\"poisson\""), ("10s", "60s")];
    let (own, shared) = (small(&nodes("", ""), &hundred), small(&nodes(", counter = \"counts\"", ""), &hundred));
    assert!((success(&own) - 0.8).abs() < 0.01, "four replicas let four times the rate through: {}", success(&own));
    assert!((success(&shared) - 0.2).abs() < 0.01, "{}", success(&shared));
    assert_eq!(shared.clients["c"].failed["rate_limited"], shared.clients["c"].arrived - shared.clients["c"].succeeded);
    holds(&own.ledger["c"], &[]);
    holds(&shared.ledger["c"], &[("counts", "work", 1.0)]);
    let each = small(&nodes(", per = \"client\", counter = \"counts\"", ""), &hundred);
    assert!((success(&each) - 0.2).abs() < 0.01, "there is one client");
    let down = "[[faults]]\nkind = \"outage\"\ntarget = \"counts\"\nat = \"0s\"\nduration = \"60s\"\n";
    assert!(
        success(&small(&nodes(", counter = \"counts\"", down), &hundred)) > 0.99,
        "nobody counts, everybody comes in"
    );
}

#[test]
fn translating_is_the_gateways_own_business() {
    let way = "encode = { per_message = \"1ms\", per_byte = \"0ns\" }\ndecode = { per_message = \"2ms\", per_byte = \"0ns\" }\n";
    let nodes = |inside: &str| {
        format!(
            "[transports.out]\nlike = \"rest\"\n{way}[transports.in]\nlike = \"rest\"\n{way}[gateways.a]\nwork = \"5ms\"\n{inside}\n\
             steps = [\"b\"]\n[services.b]\nwork = \"3ms\"\n"
        )
    };
    let head = [("transport = \"free\"", "transport = \"out\"")];
    // The gateway decodes (2) and encodes (1) twice, its callers and callees once each.
    let without = small(&nodes(""), &head);
    holds(
        &without.ledger["c"],
        &[("a", "encode", 6.0), ("a", "gateway", 5.0), ("b", "work", 3.0), ("b", "encode", 3.0), ("c", "encode", 3.0)],
    );
    let translated = small(&nodes("inside = \"in\""), &head);
    holds(
        &translated.ledger["c"],
        &[("a", "gateway", 11.0), ("b", "work", 3.0), ("b", "encode", 3.0), ("c", "encode", 3.0)],
    );
}

#[test]
fn what_is_told_of_a_gateway_reads_back() {
    let nodes = "[gateways.a]\nwork = \"2ms\"\ninside = \"grpc\"\nauth = { call = \"auth\", cache_ttl = \"60s\", timeout = \"1s\" }\n\
                 rate_limit = { rate = \"20/s\", counter = \"counts\" }\n\
                 routes = [{ path = \"/one/{id}\", to = \"b\", times = 3, cache = { ttl = \"1s\" } }, { path = \"/in\", name = \"in\", \
                 steps = [\"b\", { parallel = [\"b\"] }], auth = false }]\nendpoints.x.steps = [\"b\"]\n[services.b]\n[services.auth]\n\
                 [caches.counts]\nhit_rate = 1.0\n";
    let first = checked(&format!("{}{nodes}", HEAD.replace("\"a\"", "\"a:/one/2\"")));
    let again = checked(&canonical(first.scenario()));
    assert_eq!(first.hash(), again.hash());
}

#[test]
fn the_forecast_heeds_limits_and_what_is_remembered() {
    let rate = |gateway: &str, node: &str| {
        let head = HEAD.replace("\"a\"", "[{ to = \"a:/in\" }]").replace("10/s", "100/s");
        let nodes = format!(
            "[gateways.a]\nreplicas = 2\n{gateway}\nroutes = [{{ path = \"/in\", to = \"b\" }}]\n[services.b]\n[services.auth]\n\
             [caches.counts]\nhit_rate = 1.0\n[clients.d]\ncalls = \"a\"\nrate = \"60/s\"\n"
        );
        let all = forecast(checked(&format!("{head}{nodes}")).scenario()).nodes;
        all.iter().find(|found| found.name == node).unwrap().rate
    };
    let limits = [("", 160.0), ("", 80.0), (", per = \"client\"", 140.0), (", counter = \"counts\"", 40.0)];
    for (at, (more, expected)) in limits.into_iter().enumerate() {
        let gateway = if at == 0 { String::new() } else { format!("rate_limit = {{ rate = \"40/s\"{more} }}") };
        assert!((rate(&gateway, "b") - expected).abs() < 1e-6, "{gateway}: {}", rate(&gateway, "b"));
    }
    // 80 a second come to each of two gateways, of 40 sessions, which are remembered for 2 s: one look of five finds nothing.
    let auth = "auth = { call = \"auth\", cache_ttl = \"2s\", keys = 40 }";
    assert!((rate(auth, "auth") - 160.0 / 5.0).abs() < 1e-6, "{}", rate(auth, "auth"));
    assert!((rate("auth = { call = \"auth\" }", "auth") - 160.0).abs() < 1e-6);
}

#[test]
fn by_which_gateway_all_comes_in_is_said() {
    let nodes = "[gateways.a]\nsteps = [\"b\"]\n[services.b]\n";
    let said = |more: &str| {
        let loaded = checked(&format!("{HEAD}{nodes}{more}"));
        let told = loaded.warnings().iter().find(|told| told.code.number == "N530");
        told.map(|told| told.message.clone()).unwrap_or_default()
    };
    assert_eq!(said(""), "all that clients ask comes in by `a`, a single point of failure: its outage is theirs");
    assert!(said("[clients.d]\ncalls = \"b\"\nrate = \"1/s\"\n").starts_with("all that `c` asks comes in by `a`"));
    assert_eq!(said("[clients.d]\ncalls = [\"a\", \"b\"]\nrate = \"1/s\"\n").matches("`d`").count(), 0);
}
