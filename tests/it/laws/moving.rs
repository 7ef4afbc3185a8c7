//! Random scenarios whose callers learn late, or never, where their callees are.

use std::cell::Cell;

use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy as _, any, prop_oneof};
use proptest::sample::select;

use super::scenario::{Text, faults, scenario, sendings};
use super::{always, goes, with_faults};

/// How callers find callees, in place of what the scenario says.
fn discovery() -> BoxedStrategy<String> {
    let kind = select(vec![
        "kind = \"static\"",
        "kind = \"dns\"\nttl = \"20ms\"",
        "kind = \"dns\"\nttl = \"1ms\"\npropagation = \"5ms\"",
        "kind = \"dns\"\nttl = \"0s\"\nresolver = { takes = \"1ms\", loss = \"30%\", timeout = \"4ms\" }",
        "kind = \"dns\"\nttl = \"7ms\"\nresolver = { takes = \"2ms\", loss = \"30%\", timeout = \"4ms\" }",
        "kind = \"kubernetes\"\npropagation = \"3ms\"\nreadiness = { every = \"5ms\", failures = 2 }",
        "kind = \"kubernetes\"\nreadiness = \"none\"\nbalance_per = \"request\"",
        "kind = \"mesh\"\npropagation = \"0s\"\nreadiness = { every = \"1ms\", failures = 1 }",
        "kind = \"mesh\"\nbalance_per = \"connection\"",
    ]);
    let picks = select(vec!["round_robin", "least_request", "pick_first", "p2c_ewma", "hash", "prequal"]);
    let outliers = prop_oneof![
        Just(""),
        Just(
            "outlier_detection = { consecutive_errors = 2, interval = \"10ms\", base_ejection = \"20ms\", max_ejected = 0.5 }\n"
        ),
    ];
    (kind, picks, outliers, leanings())
        .prop_map(|(kind, picks, outliers, leanings)| {
            format!("[discovery]\n{kind}\nload_balancing = \"{picks}\"\n{outliers}{leanings}")
        })
        .boxed()
}

/// Whom callers prefer.
fn leanings() -> BoxedStrategy<String> {
    let locality = prop_oneof![
        1 => Just(""),
        1 => select(vec![
            "locality = { kind = \"zone_aware\", min_cluster_size = 2 }\n",
            "locality = { kind = \"failover\" }\n",
            "locality = { kind = \"failover\", overprovisioning = 1.0 }\npanic_threshold = \"70%\"\n",
            "locality = { kind = \"weighted\" }\n",
            "locality = { kind = \"same_zone\" }\n",
        ]),
    ];
    let new = select(vec![
        "",
        "slow_start = { window = \"30ms\" }\n",
        "slow_start = { window = \"2s\", aggression = 2.0 }\n",
    ]);
    (locality, new).prop_map(|(locality, new)| format!("{locality}{new}")).boxed()
}

/// The zones in which the replicas of all nodes stand.
fn zones() -> BoxedStrategy<&'static str> {
    select(vec![
        "",
        "zones = [\"r/a\", \"r/b\"]\n",
        "zones = [\"r/a\", \"r/b\", \"q/a\"]\n",
        "zones = [\"q/a\", \"r/a\", \"r/a\"]\nzone_weights = [1, 0, 3]\n",
    ])
    .boxed()
}

/// Moves of nodes, and outages of discovery, when.
fn moves() -> BoxedStrategy<Vec<(&'static str, usize, String)>> {
    let moved = prop_oneof![
        2 => (0..200u64).prop_map(|at| format!("at = \"{at}ms\"")),
        1 => (10..60u64, any::<bool>()).prop_map(|(up, busy)| format!("mtbf = \"{up}ms\"\nbusy_only = {busy}")),
    ];
    let moved = (moved, any::<bool>()).prop_map(|(when, one)| {
        let first = if one { "\nreplicas = 1" } else { "" };
        ("move\"", format!("{when}{first}"))
    });
    let out = (0..200u64, 1..80u64)
        .prop_map(|(at, ms)| ("discovery_outage\"", format!("at = \"{at}ms\"\nduration = \"{ms}ms\"")));
    vec((prop_oneof![2 => moved, 1 => out], 0..4usize), 1..4)
        .prop_map(|all| all.into_iter().map(|((kind, rest), node)| (kind, node, rest)).collect())
        .boxed()
}

#[test]
fn whatever_comes_goes_though_callers_do_not_know_where() {
    let all = ((scenario(), sendings()), (discovery(), zones(), any::<bool>()), moves(), faults(), any::<bool>());
    let struck = Cell::new(0);
    always(256, &all, |((Text(text), sendings), (discovery, zones, whole), moves, faults, wired)| {
        let (head, rest) = text.split_once("[discovery]\n").expect("a head");
        let nodes = rest.split_once("[clients.").expect("clients").1;
        let text = format!("{head}{discovery}[clients.{nodes}");
        let both: Vec<_> = moves.into_iter().chain(faults).collect();
        // Every node has replicas by its second line or so.
        let text = with_faults(&text, &both)
            .replace("replicas = 2\nconcurrency", &format!("replicas = 2\n{zones}concurrency"));
        let text = text.replace("replicas = 3\nconcurrency", &format!("replicas = 3\n{zones}concurrency"));
        // What happens to a node may happen to a zone.
        let text = if whole && text.contains("zones = [") {
            text.replacen("target = \"n1\"", "target = \"zone:r/a\"", 1)
        } else {
            text
        };
        struck.set(struck.get() + goes(&text, &sendings, wired));
    });
    assert!(struck.get() > 400, "only {} faults: the scenarios show too little", struck.get());
}
