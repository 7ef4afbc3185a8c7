//! Random scenarios over connections of every kind: few, short-lived, waited for, slow to open; over links that lose messages; and to
//! names that have to be asked for.

use proptest::prelude::{BoxedStrategy, Just, Strategy as _, any, prop_oneof};
use proptest::sample::select;

use super::scenario::{Text, faults, scenario, sendings};
use super::{always, goes, with_faults};

/// A transport with its connections, and what is lost between nodes.
fn wire() -> BoxedStrategy<(String, &'static str)> {
    let like = select(vec![
        "like = \"rest\"",
        "like = \"grpc\"",
        "like = \"grpc\"\nstreams = 2",
        "like = \"grpc\"\nstreams = 3",
    ]);
    // Who calls itself over a connection that it holds waits for ever if there is no other, and no end to waiting.
    let max = select(vec![
        "max = 1, wait = \"1ms\"",
        "max = 1, wait = \"7ms\"",
        "max = 2, max_idle = 0, wait = \"7ms\"",
        "max = 1000, max_idle = 1",
        "max = 1000, max_idle = 1000",
    ]);
    let some = |all: Vec<&'static str>| prop_oneof![2 => Just(""), 1 => select(all)];
    let rest = (
        some(vec![", connect_timeout = \"1ms\"", ", connect_timeout = \"4ms\""]),
        some(vec![", max_age = \"9ms\"", ", max_age = \"5ms\", max_age_grace = \"2ms\"", ", max_age = \"40ms\""]),
        some(vec![", server_idle_timeout = \"5ms\"", ", slow_start_after_idle = false"]),
    );
    let loss = select(vec!["", "10%", "40%"]);
    (like, max, rest, loss)
        .prop_map(|(like, max, (opens, age, idle), loss)| {
            let table = format!(
                "[transports.wired]\n{like}\nsize_factor = 40.0\nconnections = {{ {max}{opens}{age}{idle} }}\n"
            );
            (table, loss)
        })
        .boxed()
}

fn discovery() -> BoxedStrategy<String> {
    let resolver = "resolver = { takes = \"1ms\", loss = \"30%\", timeout = \"5ms\" }";
    let kind = select(vec![
        "balance_per = \"request\"".to_owned(),
        "kind = \"static\"".to_owned(),
        format!("kind = \"dns\"\nttl = \"0s\"\n{resolver}"),
        format!("kind = \"dns\"\nttl = \"9ms\"\n{resolver}"),
        format!("kind = \"dns\"\nttl = \"0s\"\n{resolver}\nbalance_per = \"request\""),
        format!("kind = \"dns\"\nttl = \"9ms\"\n{resolver}\nbalance_per = \"request\""),
    ]);
    let picks = select(vec!["round_robin", "least_request", "p2c_ewma", "hash"]);
    (kind, picks).prop_map(|(kind, picks)| format!("[discovery]\n{kind}\nload_balancing = \"{picks}\"\n")).boxed()
}

/// Links between the nodes that are there.
fn links(text: &str, loss: &str) -> String {
    let there = |at: &usize| text.contains(&format!(".n{at}]"));
    let pairs = (0..4usize).flat_map(|from| (from + 1..4).map(move |to| (from, to)));
    let of = |(from, to): (usize, usize)| format!("[network.links.\"n{from} -> n{to}\"]\nloss = \"{loss}\"\n");
    if loss.is_empty() { String::new() } else { pairs.filter(|(_, to)| there(to)).map(of).collect() }
}

#[test]
fn whatever_comes_goes_over_whatever_connections() {
    let all = ((scenario(), sendings()), wire(), discovery(), faults(), any::<bool>());
    always(256, &all, |((Text(text), sendings), (transport, loss), discovery, faults, troubled)| {
        let (head, rest) = text.split_once("[discovery]\n").expect("a head");
        let nodes = rest.split_once("[clients.").expect("clients").1;
        let (start, _) = head.split_once("[defaults]").expect("defaults");
        let network = head.split_once("[network]").expect("a network").1;
        let links = links(&text, loss);
        let text = format!(
            "{start}[defaults]\ntransport = \"wired\"\n{transport}[network]{network}{links}{discovery}[clients.{nodes}"
        );
        let text = if troubled { with_faults(&text, &faults) } else { text };
        goes(&text, &sendings, true);
    });
}

/// Transactions and queries by a pooler, of callers that crash: what was lent comes back.
#[test]
fn what_a_pooler_lends_comes_back_though_callers_die() {
    let when = || (0..200u64, 1..40u64).prop_map(|(at, ms)| format!("at = \"{at}ms\"\nduration = \"{ms}ms\"\n"));
    let mode = select(vec!["transaction", "statement"]);
    always(128, &(sendings(), when(), when(), mode, 1..3u32), |(sendings, one, other, mode, size)| {
        let text = format!(
            "version = 1\nname = \"drawn\"\n[sim]\nduration = \"20s\"\nwarmup = \"0s\"\nreplications = 2\n\
             [defaults]\ntransport = \"free\"\n[network]\nsame_zone = \"0s\"\n\
             [clients.c0]\ncalls = \"n0\"\nrate = \"100/s\"\n[clients.c1]\ncalls = \"n0.plain\"\nrate = \"100/s\"\n\
             [services.n0]\nreplicas = 2\nconcurrency = 9\npools = {{ n1 = {{ connections = 3, wait = \"9ms\" }} }}\n\
             steps = [{{ transaction = \"n1\", steps = [{{ query = \"n1\" }}, {{ wait = \"3ms\" }}, {{ query = \"n1\" }}] }}]\n\
             [services.n0.endpoints.plain]\nsteps = [{{ query = \"n1\", timeout = \"5ms\" }}]\n\
             [databases.n1]\nreplicas = 1\nconcurrency = 2\nwork = \"2ms\"\n\
             pooler = {{ connections = {size}, mode = \"{mode}\", wait = \"6ms\" }}\n\
             [[faults]]\nname = \"f0\"\nkind = \"crash\"\ntarget = \"n0\"\nreplicas = 1\n{one}\
             [[faults]]\nname = \"f1\"\nkind = \"crash\"\ntarget = \"n0\"\n{other}"
        );
        goes(&text, &sendings, false);
    });
}
