//! A load test of a scenario: a generator with so many virtual users between a client and whom it calls.

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value};

use super::flip::NODES;
use super::ways::{free, implicit, services};
use crate::diag::Source;

/// A scenario with a load generator in it.
#[derive(Clone, Debug)]
pub struct Rig {
    /// Its text.
    pub source: Source,
    /// The service that is the generator: a worker is a virtual user.
    pub generator: String,
    /// The edge from it on which a request is sent.
    pub sends: String,
}

/// What a client says of its calls, which is the generator's now.
const OF_CALLS: [&str; 4] = ["transport", "timeout", "policy", "retries"];

/// The text in which a client's requests go through a generator with so many virtual users (`None`: as many as it takes). What
/// finds none that is free is dropped, or waits in line. `None` where the text has no such client.
pub fn with_generator(source: &Source, client: &str, users: Option<u32>, drops: bool) -> Option<Rig> {
    let mut document = source.text.parse::<DocumentMut>().ok()?;
    let generator = free(&document, &format!("{client}-generator"));
    let sender = free(&document, &format!("{client}-sender"));
    let family = NODES.into_iter().find(|family| document.get(family).is_some_and(|all| all.get(client).is_some()))?;
    let caller = document.get_mut(family)?.get_mut(client)?.as_table_like_mut()?;
    let zone = caller.get("zone").cloned();
    let calls = caller.remove("calls")?.into_value().ok()?;
    let moved: Vec<(&str, Value)> =
        OF_CALLS.iter().filter_map(|key| Some((*key, caller.remove(key)?.into_value().ok()?))).collect();
    caller.insert("calls", Item::Value(generator.as_str().into()));
    caller.insert("transport", Item::Value("free".into()));
    let services = services(&mut document)?;
    let concurrency = users.map_or_else(|| Value::from("unlimited"), |users| Value::from(i64::from(users)));
    let mut hop = InlineTable::new();
    hop.insert("call", sender.as_str().into());
    hop.insert("transport", "free".into());
    let mut one = service(concurrency, "blocking", zone.clone(), hop);
    if drops {
        one.insert("queue_limit", Item::Value(0.into()));
    }
    services.insert(&generator, Item::Table(one));
    services.insert(&sender, Item::Table(service("unlimited".into(), "async", zone, sent(calls, &moved))));
    for (from, to) in [(client, &generator), (generator.as_str(), &sender)] {
        no_way(&mut document, from, to)?;
    }
    let sends = format!("{generator} -> {sender}");
    Some(Rig { source: Source { text: document.to_string(), ..source.clone() }, generator, sends })
}

/// A service that takes no time and does one step.
fn service(concurrency: Value, io: &str, zone: Option<Item>, step: InlineTable) -> Table {
    let mut one = Table::new();
    one.insert("concurrency", Item::Value(concurrency));
    one.insert("io", Item::Value(io.into()));
    one.insert("work", Item::Value("0s".into()));
    one.insert("steps", Item::Value(Value::Array(Array::from_iter([step]))));
    zone.into_iter().for_each(|zone| drop(one.insert("zone", zone)));
    one
}

/// The step that sends what the client sent: its one call, or one of several by their shares.
fn sent(calls: Value, moved: &[(&str, Value)]) -> InlineTable {
    let mut branches: Vec<(Value, InlineTable)> = Vec::new();
    let single = |call: Value| match call {
        Value::InlineTable(mut call) => (call.remove("share").unwrap_or_else(|| "100%".into()), renamed(call, moved)),
        target => ("100%".into(), renamed(InlineTable::from_iter([("to", target)]), moved)),
    };
    match calls {
        Value::Array(all) => branches.extend(all.into_iter().map(single)),
        one => branches.push(single(one)),
    }
    if branches.len() == 1 {
        return branches.remove(0).1;
    }
    let branch = |(share, step): (Value, InlineTable)| {
        let mut branch = InlineTable::new();
        branch.insert("weight", weight(&share));
        branch.insert("steps", Value::Array(Array::from_iter([step])));
        branch
    };
    InlineTable::from_iter([("split", Value::Array(branches.into_iter().map(branch).collect()))])
}

/// A client's call as a step.
fn renamed(mut call: InlineTable, moved: &[(&str, Value)]) -> InlineTable {
    let mut step = InlineTable::new();
    call.remove("to").into_iter().for_each(|to| drop(step.insert("call", to)));
    call.iter().for_each(|(key, value)| drop(step.insert(key, value.clone())));
    moved.iter().for_each(|(key, value)| drop(step.insert(*key, value.clone())));
    step
}

/// `20%` as a weight.
fn weight(share: &Value) -> Value {
    let percent = share.as_str().and_then(|text| text.trim().strip_suffix('%')?.trim().parse::<f64>().ok());
    percent.map_or_else(|| share.clone(), Value::from)
}

/// A link that takes no time.
fn no_way(document: &mut DocumentMut, from: &str, to: &str) -> Option<()> {
    let made = || Item::Table(implicit());
    let network = document.entry("network").or_insert_with(made).as_table_like_mut()?;
    let links = network.entry("links").or_insert_with(made).as_table_like_mut()?;
    let nothing: InlineTable = InlineTable::from_iter([("latency", Value::from("0s"))]);
    links.insert(&format!("{from} -> {to}"), Item::Value(Value::InlineTable(nothing)));
    Some(())
}
