//! What a service writes and what it tells others of that: the same commit by a name of its own, so that it can be followed, and
//! an outbox, so that one is never there without the other.
//!
//! A write and a message are two things: a crash between them leaves the first without the second. With an *outbox* the message
//! is a row of the same transaction. Here that is an endpoint of the database that publishes to a queue, which stands for the
//! table, when its work is done; a loop in the service itself takes the rows, publishes each, and marks it when the broker has it.
//! A crash between the two has it published again: at least once instead of at most once. ("Transactional outbox", "polling
//! publisher": Richardson, "Microservices Patterns", 2018, chapter 3.)

use toml_edit::{DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::sites::{STEPS, Sites};
use super::ways::{consume, free, implicit, services};
use crate::diag::Source;

/// The name of a broker that one text has and another has not.
pub fn added(before: &Source, after: &Source, family: &str) -> Option<String> {
    let names = |source: &Source| -> Vec<String> {
        let document = source.text.parse::<DocumentMut>().unwrap_or_default();
        let all = document.get(family).and_then(Item::as_table_like);
        all.into_iter().flat_map(TableLike::iter).map(|(name, _)| name.to_owned()).collect()
    };
    let known = names(before);
    names(after).into_iter().find(|name| !known.contains(name))
}

/// The text in which what a service writes before it tells a broker has a name of its own, such as `db.orders-commit`; and that
/// name. `None` where it writes nothing before that, in the same list of steps and for certain.
pub fn with_commit(source: &Source, from: &str, broker: &str) -> Option<(Source, String)> {
    let mut document = source.text.parse::<DocumentMut>().ok()?;
    let written = written_before(&mut document, from, broker)?;
    let target = named(&mut document, from, &written)?;
    Sites::of(&mut document, from).told_after(&writes(&written), &tells(broker), &mut |write| lead(write, &target));
    Some((Source { text: document.to_string(), ..source.clone() }, target))
}

/// How an outbox is read.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// How long whoever found nothing waits.
    pub poll: &'a str,
    /// Readers of each replica.
    pub at_once: u32,
}

/// The text in which the message is a row of what is written, the name of what is written, and that of the outbox.
pub fn with_outbox(source: &Source, from: &str, broker: &str, reader: Reader<'_>) -> Option<(Source, String, String)> {
    let (named, target) = with_commit(source, from, broker)?;
    let mut document = named.text.parse::<DocumentMut>().ok()?;
    let outbox = free(&document, &format!("{from}-outbox"));
    let message = Sites::of(&mut document, from).taken_after(&writes(&target), &tells(broker))?;
    let (database, endpoint) = target.split_once('.')?;
    let mut row = InlineTable::new();
    row.insert("send", outbox.as_str().into());
    let own = document.get_mut("databases")?.as_table_like_mut()?.get_mut(database)?.as_table_like_mut()?;
    let own = own.get_mut("endpoints")?.as_table_like_mut()?.get_mut(endpoint)?.as_table_like_mut()?;
    own.insert(STEPS, list([row]));
    let queues = document.entry("queues").or_insert_with(|| Item::Table(implicit()));
    queues.as_table_like_mut()?.insert(&outbox, Item::Table(Table::new()));
    consume(&mut document, from, reads(&outbox, database, message, reader))?;
    Some((Source { text: document.to_string(), ..source.clone() }, target, outbox))
}

/// The text in which what one service wrote before it told another by a queue is taken back where the other fails: it does not try
/// again, its message goes to a queue of the sender's own, and the sender writes once more, under a name of its own, which is handed
/// back. `write` is the name of what was written, as [`with_commit`] gives it. (A saga's compensation: Garcia-Molina and Salem,
/// "Sagas", SIGMOD 1987.)
pub fn with_undo(source: &Source, (from, to): (&str, &str), broker: &str, write: &str) -> Option<(Source, String)> {
    let mut document = source.text.parse::<DocumentMut>().ok()?;
    let undo = free(&document, &format!("{from}-undo"));
    let queues = document.get_mut("queues")?.as_table_like_mut()?;
    queues.get_mut(broker)?.as_table_like_mut()?.insert("dead_letter", Item::Value(undo.as_str().into()));
    queues.insert(&undo, Item::Table(Table::new()));
    let table = table_of(&mut document, from, write);
    let (database, endpoint) = write.split_once('.')?;
    let own = document.get_mut("databases")?.as_table_like_mut()?.get_mut(database)?.as_table_like_mut()?;
    let endpoints = own.get_mut("endpoints")?.as_table_like_mut()?;
    let (copy, name) = (endpoints.get(endpoint)?.clone(), endpoint.replace("-commit", "-undo"));
    if endpoints.contains_key(&name) {
        return None;
    }
    endpoints.insert(&name, copy);
    let target = format!("{database}.{name}");
    let consumes = services(&mut document)?.get_mut(to)?.as_table_like_mut()?;
    let fails = |consumer: &mut dyn TableLike| {
        if consumer.get("from").and_then(Item::as_str) == Some(broker) {
            consumer.insert("on_error", Item::Value("dead_letter".into()));
        }
    };
    match consumes.get_mut("consumes")? {
        Item::ArrayOfTables(all) => all.iter_mut().for_each(|one| fails(one)),
        Item::Value(Value::Array(all)) => {
            all.iter_mut().filter_map(Value::as_inline_table_mut).for_each(|one| fails(one));
        }
        _ => return None,
    }
    let mut again = InlineTable::new();
    again.insert("query", target.as_str().into());
    table.into_iter().for_each(|table| drop(again.insert("table", table.into())));
    again.insert("mode", "write".into());
    let mut takes = Table::new();
    takes.insert("from", Item::Value(undo.into()));
    takes.insert("work", Item::Value("0s".into()));
    takes.insert(STEPS, list([again]));
    consume(&mut document, from, takes)?;
    Some((Source { text: document.to_string(), ..source.clone() }, target))
}

/// The table that a write is to, where it says one.
fn table_of(document: &mut DocumentMut, from: &str, write: &str) -> Option<String> {
    let mut found = None;
    Sites::of(document, from).each(&mut |step| {
        if step.get("query").and_then(Item::as_str) == Some(write) {
            found = step.get("table").and_then(Item::as_str).map(str::to_owned).or(found.take());
        }
    });
    found
}

/// The loop that publishes a row and marks it.
fn reads(outbox: &str, database: &str, mut message: InlineTable, reader: Reader<'_>) -> Table {
    message.insert("wait_for_ack", true.into());
    let mut mark = InlineTable::new();
    mark.insert("query", database.into());
    mark.insert("table", outbox.into());
    mark.insert("mode", "write".into());
    let mut loops = Table::new();
    loops.insert("from", Item::Value(outbox.into()));
    loops.insert("poll", Item::Value(reader.poll.into()));
    loops.insert("concurrency", Item::Value(i64::from(reader.at_once).into()));
    loops.insert("work", Item::Value("0s".into()));
    loops.insert(STEPS, list([message, mark]));
    loops
}

fn list<const N: usize>(steps: [InlineTable; N]) -> Item {
    Item::Value(steps.map(Value::InlineTable).into_iter().collect::<toml_edit::Array>().into())
}

/// Whom the last write before a message asks.
fn written_before(document: &mut DocumentMut, from: &str, broker: &str) -> Option<String> {
    let mut found = None;
    let any = |step: &dyn TableLike| is_write(step);
    Sites::of(document, from).told_after(&any, &tells(broker), &mut |write| {
        found = found.take().or_else(|| write.get("query").and_then(Item::as_str).map(str::to_owned));
    });
    found
}

/// A write that is made for certain, once.
fn is_write(step: &dyn TableLike) -> bool {
    let says = |key: &str| step.get(key).and_then(Item::as_str);
    let chance = ["times", "probability", "fallback"].iter().any(|key| step.contains_key(key));
    says("query").is_some() && matches!(says("mode"), Some("write" | "conditional_write")) && !chance
}

fn writes(target: &str) -> impl Fn(&dyn TableLike) -> bool {
    move |step: &dyn TableLike| is_write(step) && step.get("query").and_then(Item::as_str) == Some(target)
}

/// A message that is sent for certain, once.
fn tells(broker: &str) -> impl Fn(&dyn TableLike) -> bool {
    move |step: &dyn TableLike| {
        let says = |key: &str| step.get(key).and_then(Item::as_str) == Some(broker);
        let chance = ["times", "probability"].iter().any(|key| step.contains_key(key));
        (says("send") || says("publish")) && !chance
    }
}

fn lead(write: &mut dyn TableLike, target: &str) {
    write.insert("query", Item::Value(target.into()));
}

/// An endpoint of a database that does what another does, for one service; its name with that of the database.
fn named(document: &mut DocumentMut, from: &str, target: &str) -> Option<String> {
    let (database, endpoint) = target.split_once('.').unwrap_or((target, ""));
    let own = document.get_mut("databases")?.as_table_like_mut()?.get_mut(database)?.as_table_like_mut()?;
    let taken = |name: &str| {
        own.get("endpoints").and_then(Item::as_table_like).is_some_and(|endpoints| endpoints.contains_key(name))
    };
    let base = format!("{from}-commit");
    let numbered = (2..).map(|n| format!("{base}-{n}"));
    let name = std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name))?;
    let mut copy = Table::new();
    let like = if endpoint.is_empty() {
        Some(&*own)
    } else {
        own.get("endpoints")?.as_table_like()?.get(endpoint)?.as_table_like()
    };
    for key in ["work", "wait", "error_rate", STEPS] {
        like.and_then(|like| like.get(key)).into_iter().for_each(|said| drop(copy.insert(key, said.clone())));
    }
    // What says nothing has a default endpoint as long as it has no other.
    if ["work", "wait", "endpoints"].iter().all(|key| own.get(key).is_none()) {
        own.insert("work", Item::Value("0s".into()));
    }
    if own.get("endpoints").is_none() {
        own.insert("endpoints", Item::Table(implicit()));
    }
    own.get_mut("endpoints")?.as_table_like_mut()?.insert(&name, Item::Table(copy));
    Some(format!("{database}.{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load;

    const SHOP: &str = r#"
version = 1
[clients.users]
calls = "orders"
rate = "10/s"
[services.orders]
steps = [{ query = "db", table = "orders", mode = "write" }, { work = "1ms" }, { send = "mails" }]
[services.mail]
consumes = [{ from = "mails", work = "1ms" }]
[queues.mails]
[databases.db]
work = "1ms"
"#;

    const READER: Reader<'_> = Reader { poll: "100ms", at_once: 2 };

    #[test]
    fn a_message_is_a_row_of_what_is_written() {
        let (text, target, outbox) = with_outbox(&Source::text("shop", SHOP), "orders", "mails", READER).unwrap();
        let checked = load(&text, &[]).unwrap_or_else(|rejected| panic!("{rejected}\n{}", text.text));
        assert_eq!((target.as_str(), outbox.as_str()), ("db.orders-commit", "orders-outbox"));
        let scenario = checked.scenario();
        let published = |node: &str, endpoint: &str| {
            crate::scenario::walk::publishes(&scenario.nodes[node].endpoints[endpoint]).len()
        };
        assert_eq!((published("orders", ""), published("db", "orders-commit"), published("db", "")), (0, 1, 0));
        let loops = &scenario.nodes["orders"].consumes[0];
        assert_eq!(
            (loops.from.value.as_str(), loops.concurrency.value, loops.program.steps.len()),
            ("orders-outbox", 2, 2)
        );
        let work = |endpoint: &str| scenario.nodes["db"].endpoints[endpoint].work.value.clone();
        assert_eq!(work("orders-commit"), work(""));
    }

    #[test]
    fn without_a_write_before_it_there_is_nothing_to_lose() {
        let none = |from: &str, to: &str| {
            let text = SHOP.replace(from, to);
            assert_ne!(text, SHOP);
            assert!(with_commit(&Source::text("shop", &text), "orders", "mails").is_none(), "{text}");
        };
        none(", mode = \"write\"", "");
        none("mode = \"write\"", "mode = \"write\", probability = 0.5");
        none(
            "{ query = \"db\", table = \"orders\", mode = \"write\" }, { work = \"1ms\" }, { send = \"mails\" }",
            "{ send = \"mails\" }, { query = \"db\", table = \"orders\", mode = \"write\" }",
        );
        // What a transaction may still take back is no commit.
        none(
            "{ query = \"db\", table = \"orders\", mode = \"write\" }, { work = \"1ms\" }, { send = \"mails\" }",
            "{ transaction = \"db\", steps = [{ query = \"db\", table = \"orders\", mode = \"write\" }, { send = \"mails\" }] }",
        );
    }
}
