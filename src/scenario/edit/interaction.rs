//! One interaction in another pattern, and what is added to a scenario to look at it: each a scenario of its own.

use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::flip::work_alone;
use super::sites::Sites;
use super::ways::{free, services, with_topic};
use super::{Edit, apply};
use crate::diag::{Complaint, Source};

/// The text with one edge in another pattern (`rest`, `queue`, `stream`, …), without its variants; and what the caller
/// gets no more. A broker takes so long until a message is safe.
pub fn in_pattern(
    source: &Source,
    edge: &str,
    pattern: &str,
    publish_latency: Option<&str>,
) -> Result<(Source, Vec<Complaint>), Vec<Complaint>> {
    let broker = ["queue", "stream", "topic"].contains(&pattern);
    let value = match publish_latency.filter(|_| broker) {
        Some(latency) if latency.starts_with('{') => format!("{{ {pattern} = \"\", publish_latency = {latency} }}"),
        Some(latency) => format!("{{ {pattern} = \"\", publish_latency = \"{latency}\" }}"),
        None => format!("\"{pattern}\""),
    };
    let edit = Edit { path: format!("links.{edge}"), value, origin: format!("pattern `{pattern}`") };
    apply(&without_variants(source), &[edit])
}

/// The text in which what a service tells several others by calls is one event, which each of them reads; and the topic's name.
pub fn as_one_event(source: &Source, from: &str, targets: &[&str]) -> Result<(Source, String), Vec<Complaint>> {
    let bare = without_variants(source);
    let topic = bare.text.parse::<DocumentMut>().map(|document| free(&document, &format!("{from}-events")));
    let topic = topic.unwrap_or_default();
    let edit = |target: &&str| Edit {
        path: format!("links.{from} -> {target}"),
        value: format!("{{ topic = \"{topic}\" }}"),
        origin: "one event".into(),
    };
    let (told, _) = apply(&bare, &targets.iter().map(edit).collect::<Vec<_>>())?;
    let Ok(mut document) = told.text.parse::<DocumentMut>() else { return Ok((told, topic)) };
    Sites::of(&mut document, from).once(&|step| step.get("publish").and_then(Item::as_str) == Some(topic.as_str()));
    Ok((Source { text: document.to_string(), ..told }, topic))
}

/// The text in which what a service sends to several queues is one event of a new topic with so many partitions, which whoever took from
/// any of them reads as a group of its own; and the topic's name. The queues are gone, with what they said. `None` where the text is
/// no table of tables.
pub fn sends_as_one_event(source: &Source, from: &str, queues: &[&str], partitions: u32) -> Option<(Source, String)> {
    let mut document = without_variants(source).text.parse::<DocumentMut>().ok()?;
    let topic = free(&document, &format!("{from}-events"));
    let sends = |step: &dyn TableLike| {
        ["send", "publish"]
            .into_iter()
            .find(|verb| step.get(verb).and_then(Item::as_str).is_some_and(|queue| queues.contains(&queue)))
    };
    Sites::of(&mut document, from).each(&mut |step| {
        let Some(verb) = sends(step) else { return };
        step.remove(verb);
        step.insert("publish", Item::Value(topic.as_str().into()));
        step.fmt();
    });
    Sites::of(&mut document, from).once(&|step| step.get("publish").and_then(Item::as_str) == Some(topic.as_str()));
    for (name, service) in services(&mut document).into_iter().flat_map(|all| all.iter_mut()) {
        let Some(service) = service.as_table_like_mut() else { continue };
        let pools = service.get("worker_pools").cloned();
        let Some(consumes) = service.get_mut("consumes") else { continue };
        let reads = |consumer: &mut dyn TableLike| {
            if consumer.get("from").and_then(Item::as_str).is_some_and(|queue| queues.contains(&queue)) {
                consumer.insert("from", Item::Value(topic.as_str().into()));
                consumer.insert("group", Item::Value(name.get().into()));
                consumer.remove("prefetch");
                work_alone(consumer, pools.as_ref());
            }
        };
        match consumes {
            Item::ArrayOfTables(all) => all.iter_mut().for_each(|one| reads(one)),
            Item::Value(Value::Array(all)) => {
                all.iter_mut().filter_map(Value::as_inline_table_mut).for_each(|one| reads(one));
            }
            _ => {}
        }
    }
    let own = document.get_mut("queues")?.as_table_like_mut()?;
    queues.iter().for_each(|queue| drop(own.remove(queue)));
    let mut said = Table::new();
    said.insert("partitions", Item::Value(i64::from(partitions).into()));
    with_topic(&mut document, &topic, said)?;
    Some((Source { text: document.to_string(), ..source.clone() }, topic))
}

/// The text without its variants.
fn without_variants(source: &Source) -> Source {
    let Ok(mut document) = source.text.parse::<DocumentMut>() else { return source.clone() };
    document.remove("variants");
    Source { text: document.to_string(), ..source.clone() }
}

/// The text with one more table in a list such as `flows` or `faults`.
pub fn with_table(source: &Source, list: &str, keys: &[(&str, &str)]) -> Source {
    let keys: Vec<(&str, String)> = keys.iter().map(|(key, text)| (*key, (*text).to_owned())).collect();
    with_tables(source, list, &[keys])
}

/// The text with more tables in a list such as `flows` or `faults`, without its variants: what is added may be about a call
/// that one of them takes away.
pub fn with_tables(source: &Source, list: &str, tables: &[Vec<(&str, String)>]) -> Source {
    let Ok(mut document) = source.text.parse::<DocumentMut>() else { return source.clone() };
    document.remove("variants");
    for keys in tables {
        match document.get_mut(list) {
            Some(Item::Value(Value::Array(all))) => {
                let table: InlineTable = keys.iter().map(|(key, text)| (*key, Value::from(text.as_str()))).collect();
                all.push(Value::InlineTable(table));
            }
            found => {
                let mut table = Table::new();
                keys.iter().for_each(|(key, text)| drop(table.insert(key, Item::Value(text.as_str().into()))));
                if let Some(Item::ArrayOfTables(all)) = found {
                    all.push(table);
                } else {
                    let mut all = ArrayOfTables::new();
                    all.push(table);
                    document.insert(list, Item::ArrayOfTables(all));
                }
            }
        }
    }
    Source { text: document.to_string(), ..source.clone() }
}
