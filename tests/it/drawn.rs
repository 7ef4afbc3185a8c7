//! What the generator of random scenarios draws: whatever it never draws, nothing is held of.

use std::collections::BTreeSet;

use hoptax::scenario::vocab::{FILE, Shape, Table};

#[path = "../../examples/generate/dice.rs"]
mod dice;
#[path = "../../examples/generate/skeleton.rs"]
mod skeleton;
#[path = "../../examples/generate/words.rs"]
mod words;

/// The table behind a key of another.
fn within(table: &'static Table, key: &str) -> &'static Table {
    match table.find(key).unwrap().shape {
        Shape::One(table) | Shape::Named(table) | Shape::Tables(table) => table,
        _ => panic!("{key} is no table"),
    }
}

/// Every key of the tables about messages is drawn in some scenario that the check takes.
#[test]
fn every_word_about_messages_is_drawn() {
    let Shape::Named(services) = FILE.find("services").unwrap().shape else { panic!("services are named") };
    let Shape::Named(queues) = FILE.find("queues").unwrap().shape else { panic!("queues are named") };
    let Shape::Named(topics) = FILE.find("topics").unwrap().shape else { panic!("topics are named") };
    let consumes = within(services, "consumes");
    let tables = [
        ("queues", queues),
        ("topics", topics),
        ("consumes", consumes),
        ("retries", within(consumes, "retries")),
        ("replay", within(consumes, "replay")),
        ("worker_pools", within(services, "worker_pools")),
    ];
    let all = tables.into_iter().flat_map(|(name, table)| {
        table.all().filter(|key| !key.later).map(move |key| format!("{name}.{}", key.name))
    });
    let mut left: BTreeSet<String> = all.collect();
    for seed in 0..3_000 {
        for path in words::scenario(seed).paths {
            left.remove(&path);
        }
        if left.is_empty() {
            return;
        }
    }
    panic!("never drawn: {left:?}");
}
