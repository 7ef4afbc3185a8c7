//! Flipping one interaction: `"links.orders -> payments" = "queue"` in a variant or in `--set`, and
//! `hoptax compare FILE --edge "orders -> payments" --patterns rest,grpc,queue,stream`.
//!
//! The scenario as written is changed, so that the outcome is a scenario that could be saved. A transport (`rest`,
//! `grpc`, `free`, `in-process`, an own one) goes to every call of the edge. With `queue` the calls become sends to a new
//! queue, `payments-queue`, which the callee consumes; with `stream` they become events of a new topic, `orders-events`,
//! of which the callee is one group. The consumers are made from the callee's endpoint and stand on its own replicas and
//! cores, as many as the endpoint had workers (and the topic has as many partitions), so that the same work is done by
//! the same machines. The publisher waits until the broker has the message safe. A table in place of the word names the
//! broker, or says more of it: `{ queue = "payments-queue", publish_latency = "2ms" }`.
//!
//! Whoever sends a message gets no answer, and does not learn that the work failed: that is said, unless the call says
//! `uses_reply = false`.

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

use super::sites::{Call, Sites};
use super::{Edit, suggest};
use crate::diag::{Complaint, code};
use crate::graph::{Arrow, End};

/// Tables of nodes, which share one namespace with queues and topics.
pub(super) const NODES: [&str; 8] =
    ["clients", "gateways", "services", "databases", "caches", "externals", "queues", "topics"];

/// Workers of a service that does not say how many (Tomcat's).
const WORKERS: i64 = 200;

/// What becomes of the calls.
enum Pattern {
    /// They take another transport.
    Transport(String),
    /// They become messages: the table of brokers, the name if one is given, what else is said of the broker.
    Broker { family: &'static str, name: Option<String>, settings: Vec<(String, Value)> },
}

/// Flips an edge; what the caller gets no more comes back as warnings.
pub(super) fn flip(
    document: &mut DocumentMut,
    edit: &Edit,
    edge: &str,
    value: Value,
) -> Result<Vec<Complaint>, Complaint> {
    let wrong = |code, why: String| edit.complaint(code, &why);
    let Some(arrow) = Arrow::of(edge) else {
        let help = "an edge is \"caller -> callee\", such as \"links.orders -> payments\" = \"queue\"";
        return Err(wrong(code::UNKNOWN_PATH, format!("`{edge}` is not an edge")).help(help));
    };
    let (from, to) = (arrow.from, arrow.end().trimmed());
    let pattern = pattern(value).map_err(|why| wrong(code::BAD_VALUE, why))?;
    caller(document, from).map_err(|(code, why)| wrong(code, why))?;
    let calls = sites(document, from, &to);
    let Some(first) = calls.first() else {
        return Err(
            wrong(code::UNKNOWN_NAME, format!("`{from}` does not call `{}`", to.node)).help(known(document, from))
        );
    };
    let target = first.target.clone();
    if let Some(other) = calls.iter().find(|call| call.target != target) {
        let why = format!("`{from}` calls both `{target}` and `{}`; name one of them", other.target);
        return Err(wrong(code::UNKNOWN_NAME, why));
    }
    match pattern {
        Pattern::Transport(name) => {
            Sites::of(document, from).change(&target, |step| travel(step, &target, &name));
            Ok(Vec::new())
        }
        Pattern::Broker { family, name, settings } => {
            consumer_of(document, &to).map_err(|(code, why)| wrong(code, why))?;
            let told = lost(edit, from, &target, &calls);
            let name = name.unwrap_or_else(|| free_name(document, family, from, &target));
            broker(document, family, &name, settings).map_err(|why| wrong(code::WRONG_TARGET, why))?;
            let verb = if family == "queues" { "send" } else { "publish" };
            Sites::of(document, from).change(&target, |step| publish(step, verb, &name));
            consume(document, family, &name, &End::of(&target).trimmed());
            Ok(told.into_iter().collect())
        }
    }
}

/// The calls of an edge. An edge to a node without an endpoint means its default endpoint, else the one that is called.
fn sites(document: &mut DocumentMut, from: &str, to: &End<'_>) -> Vec<Call> {
    let mut calls = Sites::of(document, from).find(|target| {
        let end = End::of(target).trimmed();
        end.node == to.node && (to.endpoint.is_none() || to.endpoint == end.endpoint)
    });
    if to.endpoint.is_none() && calls.iter().any(|call| call.target == to.node) {
        calls.retain(|call| call.target == to.node);
    }
    calls
}

fn pattern(value: Value) -> Result<Pattern, String> {
    let family = |word: &str| match word {
        "queue" => Some("queues"),
        "stream" | "topic" => Some("topics"),
        _ => None,
    };
    match value {
        Value::String(word) => {
            let word = word.into_value();
            Ok(match family(&word) {
                Some(family) => Pattern::Broker { family, name: None, settings: Vec::new() },
                None => Pattern::Transport(word),
            })
        }
        Value::InlineTable(table) => {
            let (mut kind, mut settings) = (None, Vec::new());
            for (key, value) in table {
                match (family(&key), value.as_str()) {
                    (Some(family), Some(name)) => kind = Some((family, name.to_owned())),
                    _ => settings.push((key.clone(), value)),
                }
            }
            let (family, name) =
                kind.ok_or("say which: { queue = \"payments-queue\" } or { topic = \"orders-events\" }")?;
            let name = (!name.is_empty()).then_some(name);
            Ok(Pattern::Broker { family, name, settings })
        }
        other => {
            Err(format!("{} is no pattern: write \"queue\", \"stream\", or a transport", other.to_string().trim()))
        }
    }
}

type Why = (crate::diag::Code, String);

/// Only what has steps can call otherwise.
fn caller(document: &DocumentMut, from: &str) -> Result<(), Why> {
    if node(document, "services", from).or_else(|| node(document, "gateways", from)).is_some() {
        return Ok(());
    }
    if node(document, "clients", from).is_some() {
        let why = format!("`{from}` is a client: it waits for its answer. Flip a call between services");
        return Err((code::WRONG_TARGET, why));
    }
    Err((code::UNKNOWN_NAME, format!("there is no service `{from}`{}", near(document, "services", from))))
}

/// Only services consume.
fn consumer_of(document: &DocumentMut, to: &End<'_>) -> Result<(), Why> {
    match family_of(document, to.node) {
        Some("services") => Ok(()),
        Some(other) => {
            Err((code::WRONG_TARGET, format!("`{}` is one of [{other}.*], which consume no messages", to.node)))
        }
        None => Err((
            code::UNKNOWN_NAME,
            format!("there is no service `{}`{}", to.node, near(document, "services", to.node)),
        )),
    }
}

fn near(document: &DocumentMut, family: &str, name: &str) -> String {
    let names =
        document.get(family).and_then(Item::as_table_like).into_iter().flat_map(TableLike::iter).map(|(k, _)| k);
    suggest(name, names).map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"))
}

fn node<'d>(document: &'d DocumentMut, family: &str, name: &str) -> Option<&'d dyn TableLike> {
    document.get(family)?.as_table_like()?.get(name)?.as_table_like()
}

fn family_of(document: &DocumentMut, name: &str) -> Option<&'static str> {
    NODES.into_iter().find(|family| node(document, family, name).is_some())
}

/// Whom a caller calls, as help.
fn known(document: &mut DocumentMut, from: &str) -> String {
    let mut all: Vec<String> = Sites::of(document, from).find(|_| true).into_iter().map(|call| call.target).collect();
    all.sort();
    all.dedup();
    match all.len() {
        0 => format!("`{from}` calls nobody"),
        _ => format!("it calls {}", all.join(", ")),
    }
}

/// `payments-queue` belongs to its consumer, `orders-events` to its publisher.
fn free_name(document: &DocumentMut, family: &str, from: &str, target: &str) -> String {
    let base =
        if family == "queues" { format!("{}-queue", target.replace('.', "-")) } else { format!("{from}-events") };
    (1..u32::MAX)
        .map(|n| if n == 1 { base.clone() } else { format!("{base}-{n}") })
        .find(|name| family_of(document, name).is_none())
        .unwrap_or(base)
}

/// Makes the broker, or says more of the one that is there.
fn broker(
    document: &mut DocumentMut,
    family: &'static str,
    name: &str,
    settings: Vec<(String, Value)>,
) -> Result<(), String> {
    if let Some(other) = family_of(document, name).filter(|other| *other != family) {
        return Err(format!("`{name}` is one of [{other}.*] already"));
    }
    if document.get(family).is_none() {
        let mut all = Table::new();
        all.set_implicit(true);
        document.insert(family, Item::Table(all));
    }
    let all = document.get_mut(family).and_then(Item::as_table_like_mut).ok_or(format!("[{family}] is no table"))?;
    if all.get(name).is_none() {
        all.insert(name, Item::Table(Table::new()));
    }
    let own = all.get_mut(name).and_then(Item::as_table_like_mut).ok_or(format!("`{name}` is no table"))?;
    for (key, mut value) in settings {
        value.decor_mut().clear();
        own.insert(&key, Item::Value(value));
    }
    Ok(())
}

/// The call becomes a message. What a message has no use for goes: transport, sizes, policies.
fn publish(step: &mut dyn TableLike, verb: &str, name: &str) {
    let others: Vec<String> = step.iter().map(|(key, _)| key.to_owned()).filter(|key| !kept(key)).collect();
    let kept: Vec<(String, Item)> =
        step.iter().filter(|(key, _)| kept(key)).map(|(key, item)| (key.to_owned(), item.clone())).collect();
    others.iter().for_each(|key| drop(step.remove(key)));
    kept.iter().for_each(|(key, _)| drop(step.remove(key)));
    step.insert(verb, Item::Value(name.into()));
    step.insert("wait_for_ack", Item::Value(true.into()));
    for (key, item) in kept {
        step.insert(&key, item);
    }
    step.fmt();
}

/// Keys that any step has.
fn kept(key: &str) -> bool {
    ["times", "probability", "optional"].contains(&key)
}

/// The call takes another transport.
fn travel(step: &mut dyn TableLike, target: &str, transport: &str) {
    step.insert("call", Item::Value(target.into()));
    step.insert("transport", Item::Value(transport.into()));
    step.fmt();
}

/// The callee's endpoint becomes a consumer, as many as it has workers.
fn consume(document: &mut DocumentMut, family: &str, broker: &str, to: &End<'_>) {
    let Some(callee) = node(document, "services", to.node) else { return };
    let workers = callee.get("concurrency").and_then(Item::as_integer).unwrap_or(WORKERS);
    let replicas = callee.get("replicas").and_then(Item::as_integer).unwrap_or(1);
    let mut entry = toml_edit::InlineTable::new();
    entry.insert("from", broker.into());
    if family == "topics" {
        entry.insert("group", to.node.into());
    }
    entry.insert("concurrency", workers.into());
    if let Some(endpoint) = to.endpoint {
        let own = callee.get("endpoints").and_then(Item::as_table_like).and_then(|all| all.get(endpoint));
        program(&mut entry, own.and_then(Item::as_table_like));
    }
    if family == "topics"
        && let Some(topic) = table_mut(document, "topics", broker)
        && topic.get("partitions").is_none()
    {
        topic.insert("partitions", Item::Value((workers * replicas).into()));
    }
    if let Some(callee) = table_mut(document, "services", to.node) {
        add(callee, broker, entry);
    }
}

/// A consumer that shared the workers of a pool has as many of its own.
pub(super) fn work_alone(consumer: &mut dyn TableLike, pools: Option<&Item>) {
    consumer.remove("weight");
    let Some(pool) = consumer.remove("worker_pool") else { return };
    let workers = |pool: &str| pools?.get(pool)?.get("concurrency")?.as_integer();
    if let Some(workers) = pool.as_str().and_then(workers) {
        consumer.insert("concurrency", Item::Value(workers.into()));
    }
}

fn table_mut<'d>(document: &'d mut DocumentMut, family: &str, name: &str) -> Option<&'d mut dyn TableLike> {
    document.get_mut(family)?.as_table_like_mut()?.get_mut(name)?.as_table_like_mut()
}

/// What the endpoint does, so that it is the consumer's own and not that of the default endpoint.
fn program(entry: &mut toml_edit::InlineTable, endpoint: Option<&dyn TableLike>) {
    let value = |key: &str| endpoint.and_then(|e| e.get(key)).and_then(|item| item.clone().into_value().ok());
    entry.insert("work", value("work").unwrap_or_else(|| "0s".into()));
    let mut steps = value("steps").and_then(|steps| steps.as_array().cloned()).unwrap_or_default();
    if let Some(wait) = value("wait") {
        let mut step = toml_edit::InlineTable::new();
        step.insert("wait", wait);
        steps.insert(0, Value::InlineTable(step));
    }
    entry.insert("steps", Value::Array(steps));
    if let Some(share) = value("error_rate") {
        entry.insert("error_rate", share);
    }
}

/// Adds a consumer, unless the service consumes from that broker already.
fn add(callee: &mut dyn TableLike, broker: &str, entry: toml_edit::InlineTable) {
    let from = |table: &dyn TableLike| table.get("from").and_then(Item::as_str) == Some(broker);
    match callee.get_mut("consumes") {
        Some(Item::ArrayOfTables(all)) => {
            if !all.iter().any(|table| from(table)) {
                all.push(entry.into_table());
            }
        }
        Some(Item::Value(Value::Array(all))) => {
            if !all.iter().filter_map(Value::as_inline_table).any(|table| from(table)) {
                all.push(Value::InlineTable(entry));
            }
        }
        _ => {
            let mut all = Array::new();
            all.push(Value::InlineTable(entry));
            callee.insert("consumes", Item::Value(Value::Array(all)));
        }
    }
}

/// What the caller gets no more; nothing where no call uses its reply.
fn lost(edit: &Edit, from: &str, target: &str, calls: &[Call]) -> Option<Complaint> {
    let using: Vec<&Call> = calls.iter().filter(|call| call.uses_reply).collect();
    let first = using.first()?;
    let size = first.response.as_ref().map_or_else(String::new, |size| format!(" ({size})"));
    let mut parts = vec![format!("`{from}` no longer gets the answer of `{target}`{size}, nor learns that it failed")];
    let after = using.iter().map(|call| call.after).max().unwrap_or(0);
    match after {
        0 => {}
        1 => parts.push("the step after it goes on without".into()),
        n => parts.push(format!("the {n} steps after it go on without")),
    }
    let mut guards: Vec<&str> = using.iter().flat_map(|call| call.guards.iter().map(String::as_str)).collect();
    guards.sort_unstable();
    guards.dedup();
    if !guards.is_empty() {
        parts.push(format!("what the call said goes with it: {}", guards.join(", ")));
    }
    let why = format!("{}: {}", edit.origin, parts.join("; "));
    Some(Complaint::warning(code::REPLY_LOST, why).help("say uses_reply = false on a call that only needs to happen"))
}
