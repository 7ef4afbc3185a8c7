//! Ways out of a coupling, as changes to the text: rules said on calls, a call become a function call, a database of one's own,
//! another way in.

use std::collections::BTreeMap;

use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::doors::each_called;
use super::sites::Sites;
use crate::diag::Source;
use crate::graph::End;

/// The tables of a database, and who owns each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    /// By service: how many of the database's workers become its own.
    pub shares: BTreeMap<String, u32>,
    /// By table: its only writer, and the others that read it.
    pub read_by_others: BTreeMap<String, (String, Vec<String>)>,
}

/// The text with a key said on every call of a target that does not say it; `None` where all say it, or none is there.
pub fn with_rule(source: &Source, from: &str, target: &str, key: &str, value: &str) -> Option<Source> {
    let mut document = source.text.parse::<DocumentMut>().ok()?;
    let value: Value = value.parse().unwrap_or_else(|_| Value::from(value));
    let mut sites = Sites::of(&mut document, from);
    let calls = sites.find(|name| name == target);
    if calls.is_empty() || calls.iter().all(|call| call.guards.iter().any(|said| said == key)) {
        return None;
    }
    sites.change(target, |step| {
        if step.get("call").is_none() {
            step.insert("call", Item::Value(target.into()));
        }
        if step.get(key).is_none() {
            step.insert(key, Item::Value(value.clone()));
        }
        step.fmt();
    });
    Some(Source { text: document.to_string(), ..source.clone() })
}

/// Marks calls on their way into a cache; no key of the file.
const REMEMBERED: &str = "remembered call";

/// The text in which a service looks into a cache of its own before it calls a target, no longer than so, and finds so large a
/// share there; and the cache's name. `None` where it calls no such thing.
pub fn with_cache(
    source: &Source,
    (from, target): (&str, &str),
    (hit_rate, timeout): (&str, &str),
) -> Option<(Source, String)> {
    let mut document = source.text.parse::<DocumentMut>().ok()?;
    if Sites::of(&mut document, from).find(|name| name == target).is_empty() {
        return None;
    }
    let name = free(&document, &format!("{}-cache", target.replace('.', "-")));
    // Marked first: what stands under `on_miss` is a call of the same target, and would be found again.
    Sites::of(&mut document, from).change(target, |step| {
        step.remove("call");
        step.insert(REMEMBERED, Item::Value(target.into()));
    });
    Sites::of(&mut document, from).each(&mut |step| {
        if step.remove(REMEMBERED).is_none() {
            return;
        }
        let mut call = InlineTable::new();
        call.insert("call", target.into());
        for key in step.iter().map(|(key, _)| key.to_owned()).collect::<Vec<_>>() {
            // How often the step is taken is said of the look.
            if !["times", "probability", "optional"].contains(&key.as_str()) {
                let value = step.remove(&key).and_then(|item| item.into_value().ok());
                value.into_iter().for_each(|value| drop(call.insert(&key, value)));
            }
        }
        step.insert("cache", Item::Value(name.as_str().into()));
        step.insert("timeout", Item::Value(timeout.into()));
        step.insert(
            "on_miss",
            Item::Value([Value::InlineTable(call)].into_iter().collect::<toml_edit::Array>().into()),
        );
        step.fmt();
    });
    let mut cache = Table::new();
    cache.insert("hit_rate", Item::Value(hit_rate.into()));
    let caches = document.entry("caches").or_insert_with(|| Item::Table(implicit()));
    caches.as_table_like_mut()?.insert(&name, Item::Table(cache));
    Some((Source { text: document.to_string(), ..source.clone() }, name))
}

/// The text without a table or a key (`services.orders.cost`); as it is where there is none.
pub fn without(source: &Source, path: &str) -> Source {
    let Ok(mut document) = source.text.parse::<DocumentMut>() else { return source.clone() };
    let (tables, key) = path.rsplit_once('.').map_or((None, path), |(tables, key)| (Some(tables), key));
    let mut table: Option<&mut dyn TableLike> = Some(document.as_table_mut());
    for segment in tables.into_iter().flat_map(|tables| tables.split('.')) {
        table = table.and_then(|table| table.get_mut(segment)).and_then(Item::as_table_like_mut);
    }
    if let Some(table) = table {
        table.remove(key);
    }
    Source { text: document.to_string(), ..source.clone() }
}

/// The text without its faults, and without promises about the time during or after one; what is promised of the time outside
/// of them is promised of all of it.
pub fn calmed(source: &Source) -> Source {
    let Ok(mut document) = source.text.parse::<DocumentMut>() else { return source.clone() };
    document.remove("faults");
    let stays = |slo: &dyn TableLike| !slo.contains_key("during") && !slo.contains_key("after_fault");
    match document.get_mut("slos") {
        Some(Item::ArrayOfTables(all)) => {
            all.retain(|slo| stays(slo));
            all.iter_mut().for_each(|slo| _ = slo.remove("outside_faults"));
        }
        Some(Item::Value(Value::Array(all))) => {
            all.retain(|slo| slo.as_inline_table().is_none_or(|slo| stays(slo)));
            all.iter_mut().filter_map(Value::as_inline_table_mut).for_each(|slo| _ = slo.remove("outside_faults"));
        }
        _ => {}
    }
    Source { text: document.to_string(), ..source.clone() }
}

/// The text in which each service has what it owns of a database in one of its own, `orders-db`, and learns what others own by
/// events, which it writes down for itself. What goes wrong with the shared one goes wrong with the largest, which is told.
pub fn with_own_databases(source: &Source, database: &str, owners: &Owners) -> Option<(Source, String)> {
    let mut document = source.text.parse::<DocumentMut>().ok()?;
    let shared = document.get("databases")?.get(database)?.clone();
    let names: BTreeMap<&String, String> =
        owners.shares.keys().map(|service| (service, free(&document, &format!("{service}-db")))).collect();
    for (table, (owner, readers)) in &owners.read_by_others {
        tell(&mut document, (database, table), (owner, readers), &names)?;
    }
    for (service, share) in &owners.shares {
        let own = &names[service];
        let mut copy = shared.clone();
        if let Some(table) = copy.as_table_like_mut() {
            table.insert("concurrency", Item::Value(i64::from(*share).into()));
        }
        document.get_mut("databases")?.as_table_like_mut()?.insert(own, copy);
        lead(&mut document, service, database, own);
    }
    document.get_mut("databases")?.as_table_like_mut()?.remove(database);
    let largest = owners.shares.iter().max_by_key(|(_, share)| **share)?.0;
    let heir = names[largest].clone();
    strike(&mut document, database, &heir);
    Some((Source { text: document.to_string(), ..source.clone() }, heir))
}

/// What goes wrong with one goes wrong with the other.
fn strike(document: &mut DocumentMut, from: &str, to: &str) {
    let one = |fault: &mut dyn TableLike| {
        if fault.get("target").and_then(Item::as_str) == Some(from) {
            fault.insert("target", Item::Value(to.into()));
        }
    };
    match document.get_mut("faults") {
        Some(Item::ArrayOfTables(all)) => all.iter_mut().for_each(|fault| one(fault)),
        Some(Item::Value(Value::Array(all))) => {
            all.iter_mut().filter_map(Value::as_inline_table_mut).for_each(|fault| one(fault));
        }
        _ => {}
    }
}

/// The table of all services, made where there is none.
pub(super) fn services(document: &mut DocumentMut) -> Option<&mut dyn TableLike> {
    document.entry("services").or_insert_with(|| Item::Table(implicit())).as_table_like_mut()
}

/// A name that no node has.
pub(super) fn free(document: &DocumentMut, name: &str) -> String {
    let taken = |name: &str| {
        document.iter().any(|(_, family)| family.as_table_like().is_some_and(|family| family.contains_key(name)))
    };
    let numbered = (2..).map(|n| format!("{name}-{n}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

/// What a service asked of one database it asks of another.
fn lead(document: &mut DocumentMut, service: &str, from: &str, to: &str) {
    Sites::of(document, service).each(&mut |step| {
        for key in ["query", "transaction"] {
            if step.get(key).and_then(Item::as_str) == Some(from) {
                step.insert(key, Item::Value(to.into()));
            }
        }
    });
    let pools = document.get_mut("services").and_then(Item::as_table_like_mut);
    let pools = pools.and_then(|all| all.get_mut(service)?.as_table_like_mut()?.get_mut("pools"));
    if let Some(pools) = pools.and_then(Item::as_table_like_mut)
        && let Some(pool) = pools.remove(from)
    {
        pools.insert(to, pool);
    }
}

/// The owner of a table says what it wrote; each reader writes that down in its own.
fn tell(
    document: &mut DocumentMut,
    (database, table): (&str, &str),
    (owner, readers): (&str, &[String]),
    names: &BTreeMap<&String, String>,
) -> Option<()> {
    let topic = free(document, &format!("{table}-changes"));
    let mut event = InlineTable::new();
    event.insert("publish", topic.as_str().into());
    let writes = |step: &dyn TableLike| {
        let says = |key: &str| step.get(key).and_then(Item::as_str);
        says("query") == Some(database)
            && says("table") == Some(table)
            && matches!(says("mode"), Some("write" | "conditional_write"))
    };
    Sites::of(document, owner).follow(&writes, &event);
    with_topic(document, &topic, Table::new())?;
    for reader in readers {
        let mut note = InlineTable::new();
        note.insert("query", names.get(reader)?.as_str().into());
        note.insert("table", table.into());
        note.insert("mode", "write".into());
        let mut consumer = Table::new();
        consumer.insert("from", Item::Value(topic.as_str().into()));
        consumer.insert("group", Item::Value(reader.as_str().into()));
        consumer.insert("work", Item::Value("0s".into()));
        consumer
            .insert("steps", Item::Value([Value::InlineTable(note)].into_iter().collect::<toml_edit::Array>().into()));
        consume(document, reader, consumer)?;
    }
    Some(())
}

/// The text in which everybody outside a unit who asks for an endpoint of one of its services asks another of them, `host`, for an
/// endpoint named after it, such as `orders.users-get`, which calls it as a function. `None` where the host is no table of the file.
pub fn with_entry(source: &Source, (host, unit): (&str, &[String]), target: &str) -> Option<Source> {
    let mut document = source.text.parse::<DocumentMut>().ok()?;
    let endpoint = target.replace('.', "-");
    let asked = End::named(host, &endpoint).to_string();
    let outside: Vec<String> = ["services", "gateways"]
        .iter()
        .filter_map(|family| document.get(family)?.as_table_like())
        .flat_map(|all| all.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>())
        .filter(|name| !unit.contains(name))
        .collect();
    for name in outside {
        Sites::of(&mut document, &name).change(target, |step| {
            step.insert("call", Item::Value(asked.as_str().into()));
            step.fmt();
        });
    }
    each_called(&mut document, &mut |_, called| (called == target).then(|| asked.clone()));
    let own = document.get_mut("services")?.as_table_like_mut()?.get_mut(host)?.as_table_like_mut()?;
    // A service that says nothing has a default endpoint as long as it has no other.
    if ["work", "wait", "steps", "endpoints"].iter().all(|key| own.get(key).is_none()) {
        own.insert("work", Item::Value("0s".into()));
    }
    if own.get("endpoints").is_none() {
        let mut all = Table::new();
        all.set_implicit(true);
        own.insert("endpoints", Item::Table(all));
    }
    own.get_mut("endpoints")?.as_table_like_mut()?.insert(&endpoint, Item::Table(function(target)));
    Some(Source { text: document.to_string(), ..source.clone() })
}

/// An endpoint that does nothing but call another as a function.
fn function(target: &str) -> Table {
    let mut step = InlineTable::new();
    step.insert("call", target.into());
    step.insert("transport", "in-process".into());
    let mut endpoint = Table::new();
    // What fails is the function.
    endpoint.insert("error_rate", Item::Value(0.0.into()));
    endpoint.insert("steps", Item::Value([Value::InlineTable(step)].into_iter().collect::<toml_edit::Array>().into()));
    endpoint
}

/// The table of all gateways, made where there is none.
pub(super) fn gateways(document: &mut DocumentMut) -> Option<&mut dyn TableLike> {
    document.entry("gateways").or_insert_with(|| Item::Table(implicit())).as_table_like_mut()
}

/// One more topic.
pub(super) fn with_topic(document: &mut DocumentMut, name: &str, topic: Table) -> Option<()> {
    let topics = document.entry("topics").or_insert_with(|| Item::Table(implicit()));
    topics.as_table_like_mut()?.insert(name, Item::Table(topic));
    Some(())
}

pub(super) fn implicit() -> Table {
    let mut table = Table::new();
    table.set_implicit(true);
    table
}

/// One more consumer of a service.
pub(super) fn consume(document: &mut DocumentMut, service: &str, consumer: Table) -> Option<()> {
    let service = document.get_mut("services")?.as_table_like_mut()?.get_mut(service)?.as_table_like_mut()?;
    match service.get_mut("consumes") {
        Some(Item::ArrayOfTables(all)) => all.push(consumer),
        Some(Item::Value(Value::Array(all))) => all.push(Value::InlineTable(consumer.into_inline_table())),
        _ => {
            let mut all = ArrayOfTables::new();
            all.push(consumer);
            service.insert("consumes", Item::ArrayOfTables(all));
        }
    }
    Some(())
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
steps = [
  { transaction = "db", steps = [{ query = "db", table = "orders", mode = "write" }] },
  "mail",
]
pools = { db = { connections = 4 } }
[services.mail]
steps = [{ query = "db", table = "orders" }, { query = "db", table = "mails", mode = "write" }]
[databases.db]
work = "1ms"
concurrency = 8
tables = { orders = { writers = 1 }, mails = { writers = 2 } }
"#;

    #[test]
    fn a_rule_is_said_once() {
        let shop = Source::text("shop", SHOP);
        let guarded = with_rule(&shop, "orders", "mail", "timeout", "\"50ms\"").unwrap();
        assert!(guarded.text.contains(r#"{ call = "mail", timeout = "50ms" }"#), "{}", guarded.text);
        assert!(with_rule(&guarded, "orders", "mail", "timeout", "\"50ms\"").is_none());
        assert!(with_rule(&shop, "orders", "nobody", "timeout", "\"50ms\"").is_none());
    }

    #[test]
    fn a_cache_is_asked_before_the_call() {
        let shop = Source::text("shop", SHOP);
        let (cached, name) = with_cache(&shop, ("orders", "mail"), ("80%", "20ms")).unwrap();
        let checked = load(&cached, &[]).unwrap_or_else(|rejected| panic!("{rejected}\n{}", cached.text));
        assert!(
            cached.text.contains(r#"{ cache = "mail-cache", timeout = "20ms", on_miss = [{ call = "mail" }] }"#),
            "{}",
            cached.text
        );
        assert!(checked.scenario().nodes.contains_key(&name));
        assert!(with_cache(&shop, ("orders", "nobody"), ("80%", "20ms")).is_none());
    }

    #[test]
    fn what_one_owns_and_others_read_is_told_by_events() {
        let owners = Owners {
            shares: [("orders".to_owned(), 5), ("mail".to_owned(), 3)].into(),
            read_by_others: [("orders".to_owned(), ("orders".to_owned(), vec!["mail".to_owned()]))].into(),
        };
        let shop = Source::text("shop", format!("{SHOP}[[faults]]\nkind = \"outage\"\ntarget = \"db\"\nat = \"1s\"\n"));
        let (apart, heir) = with_own_databases(&shop, "db", &owners).unwrap();
        assert_eq!(heir, "orders-db");
        let checked = load(&apart, &[]).unwrap_or_else(|rejected| panic!("{rejected}"));
        let scenario = checked.scenario();
        assert!(!scenario.nodes.contains_key("db") && scenario.topics.contains_key("orders-changes"));
        assert_eq!(scenario.faults[0].target.value, heir);
        assert_eq!(scenario.nodes["orders-db"].concurrency.value, Some(5));
        // A copy of what another owns has as many writers as the table.
        assert!(scenario.nodes["mail-db"].tables.contains_key("orders"));
        assert!(scenario.nodes["orders"].pools.contains_key("orders-db"));
        assert_eq!(scenario.nodes["mail"].consumes[0].from.value, "orders-changes");
        let published = crate::scenario::walk::publishes(&scenario.nodes["orders"].endpoints[""]).len();
        assert_eq!(published, 1, "{}", apart.text);
    }

    #[test]
    fn a_table_goes_with_all_that_is_in_it() {
        let text = format!("{SHOP}[discovery]\nkind = \"dns\"\n");
        assert!(!without(&Source::text("shop", &text), "discovery").text.contains("dns"));
        assert!(!without(&Source::text("shop", &text), "discovery.kind").text.contains("dns"));
        assert_eq!(without(&Source::text("shop", &text), "discovery.ttl").text, text);
    }

    #[test]
    fn everybody_outside_comes_in_by_the_host() {
        let text = "version = 1\n[clients.a]\ncalls = \"users.get\"\nrate = \"1/s\"\n\
                    [clients.b]\ncalls = [{ to = \"users.get\", share = 0.5 }, { to = \"orders\", share = 0.5 }]\nrate = \"1/s\"\n\
                    [gateways.edge]\nroutes = [{ path = \"/u\", to = \"users.get\" }]\n[clients.c]\ncalls = \"edge:/u\"\nrate = \"1/s\"\n\
                    [services.orders]\n[services.users.endpoints.get]\nwork = \"1ms\"\n";
        let unit = ["orders".to_owned(), "users".to_owned()];
        let merged = with_entry(&Source::text("shop", text), ("orders", &unit), "users.get").unwrap();
        let checked = load(&merged, &[]).unwrap_or_else(|rejected| panic!("{rejected}\n{}", merged.text));
        let scenario = checked.scenario();
        let called = |client: &str| scenario.clients[client].calls[0].target.value.to_string();
        assert_eq!([called("a"), called("b")], ["orders.users-get", "orders.users-get"], "{}", merged.text);
        assert!(scenario.nodes["orders"].endpoints.len() == 2, "{}", merged.text);
        let hosts = crate::scenario::Hosts::of(scenario);
        assert!(hosts.is_inside("users"), "{}", merged.text);
    }
}
