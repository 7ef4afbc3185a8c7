//! OpenTelemetry's JSON, which Jaeger and most trace viewers open.
//!
//! Format: opentelemetry-proto, `docs/specification.md` and `trace.proto`: one `TracesData` object, keys in lower camel
//! case, ids in hex, enums as numbers, times as decimal strings. Times count from a fixed day, so that the same input gives
//! the same bytes.

use serde_json::{Value, json};

use super::sides::{Role, Side, sides};
use crate::experiment::trace::Trace;
use crate::model::Cause;
use crate::report::json::pretty;
use crate::report::text::clean;
use crate::report::waterfall::ms;

/// 2020-01-01 00:00 UTC, ns: when every simulation begins.
const EPOCH: u64 = 1_577_836_800 * 1_000_000_000;

/// The trace as JSON.
pub fn render(trace: &Trace) -> String {
    pretty(&whole(trace, 1))
}

/// Traces as the file exporter writes them, one object a line; of so many requests one was kept.
pub fn lines(traces: &[Trace], every: u64) -> String {
    let mut text = String::new();
    for trace in traces {
        text.push_str(&whole(trace, every).to_string());
        text.push('\n');
    }
    text
}

fn whole(trace: &Trace, every: u64) -> Value {
    let sides = sides(trace);
    let id = format!("{:016x}{:016x}", mixed(trace, b"high", 0), mixed(trace, b"low", 0));
    let mut places: Vec<(&str, u32)> = Vec::new();
    for side in &sides {
        if !places.contains(&(side.node, side.replica)) {
            places.push((side.node, side.replica));
        }
    }
    let groups: Vec<Value> = places
        .into_iter()
        .map(|place| {
            let own = sides.iter().enumerate().filter(|(_, side)| (side.node, side.replica) == place);
            let spans: Vec<Value> = own.map(|(at, side)| span(trace, &id, &sides, at, side)).collect();
            json!({
                "resource": { "attributes": resource(trace, place, every) },
                "scopeSpans": [{ "scope": { "name": "hoptax", "version": env!("CARGO_PKG_VERSION") }, "spans": spans }],
            })
        })
        .collect();
    json!({ "resourceSpans": groups })
}

fn resource(trace: &Trace, (node, replica): (&str, u32), every: u64) -> Vec<Value> {
    let later = (trace.replication > 1).then(|| text("hoptax.replication", &trace.replication.to_string()));
    let mut all = vec![
        text("service.name", &clean(node)),
        text("service.instance.id", &format!("{}-{replica}", clean(node))),
        text("hoptax.scenario", &clean(&trace.scenario)),
        text("hoptax.scenario_hash", &trace.hash),
        text("hoptax.seed", &trace.seed.to_string()),
        text("hoptax.note", "simulated, not measured"),
    ];
    all.extend(later);
    if every > 1 {
        all.push(text("hoptax.stands_for", &every.to_string()));
    }
    all
}

fn span(trace: &Trace, id: &str, sides: &[Side], at: usize, side: &Side) -> Value {
    let moment = |ns: u64| (EPOCH + trace.began + ns).to_string();
    let mut span = json!({
        "traceId": id,
        "spanId": span_id(trace, at),
        "name": clean(side.name),
        "kind": kind(side.role),
        "startTimeUnixNano": moment(side.from),
        "endTimeUnixNano": moment(side.to),
        "attributes": attributes(trace, sides, at),
        "status": status(side),
    });
    if let Some(parent) = side.parent {
        span["parentSpanId"] = json!(span_id(trace, parent));
    }
    if side.role == Role::Client {
        let callee = sides.get(at + 1).map_or("", |callee| callee.node);
        if let Some(all) = span["attributes"].as_array_mut() {
            all.push(text("peer.service", &clean(callee)));
        }
    }
    if let Some(since) = side.abandoned.filter(|since| (side.from..side.to).contains(since)) {
        span["events"] = json!([{ "timeUnixNano": moment(since), "name": "abandoned" }]);
    }
    span
}

/// Span kinds of `trace.proto`. A broker's part is none of theirs.
fn kind(role: Role) -> u32 {
    match role {
        Role::Internal | Role::Broker => 1,
        Role::Server => 2,
        Role::Client => 3,
        Role::Producer => 4,
        Role::Consumer => 5,
    }
}

/// On what the side's own time was spent, and how the try ended.
fn attributes(trace: &Trace, sides: &[Side], at: usize) -> Vec<Value> {
    let side = &sides[at];
    let mut attributes = Vec::new();
    for cause in Cause::ALL {
        let own = side.segments.iter().filter(|s| s.cause == cause);
        let spent: u64 = own.map(|s| s.to - s.from).sum();
        if spent > 0 {
            let key = format!("hoptax.cause.{}_ms", cause.word());
            attributes.push(json!({ "key": key, "value": { "doubleValue": ms(spent) } }));
        }
    }
    // Semantic conventions of messaging: where a message lies, and which system is meant by what it does there.
    if let Some(stream) = side.stream {
        attributes.push(text("messaging.system", if stream { "kafka" } else { "rabbitmq" }));
    }
    // Semantic conventions of databases: which kind of system a query is for, at both ends of it.
    let asked = if side.role == Role::Client { sides.get(at + 1).map(|callee| callee.node) } else { Some(side.node) };
    if asked.is_some_and(|node| trace.databases.iter().any(|database| database == node)) {
        attributes.push(text("db.system.name", "other_sql"));
    }
    if matches!(side.role, Role::Producer | Role::Broker) {
        attributes.push(text("messaging.destination.name", &clean(side.name)));
    }
    if !side.outcome.is_good() {
        attributes.push(text("error.type", side.outcome.word()));
    }
    attributes
}

/// 1 for good, 2 for bad.
fn status(side: &Side) -> Value {
    if side.outcome.is_good() { json!({ "code": 1 }) } else { json!({ "code": 2, "message": side.outcome.word() }) }
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn span_id(trace: &Trace, at: usize) -> String {
    format!("{:016x}", mixed(trace, b"span", at as u64))
}

/// A number that tells requests and their spans apart: FNV-1a (Fowler, Noll, Vo), stirred because FNV leaves the upper bits
/// of short inputs alike. An id of zeros would mean that there is none.
fn mixed(trace: &Trace, salt: &[u8], at: u64) -> u64 {
    let numbers = [trace.seed.wrapping_add(u64::from(trace.replication) - 1), trace.nth, at].map(u64::to_le_bytes);
    let words = [salt, trace.hash.as_bytes(), trace.client.as_bytes()];
    let bytes = words.into_iter().flatten().chain(numbers.iter().flatten());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (hash ^ (hash >> 32)).max(1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::report::sample_trace;

    /// Spans with the service they belong to.
    fn spans(trace: &Trace) -> Vec<(String, Value)> {
        let whole: Value = serde_json::from_str(&render(trace)).unwrap();
        let mut all = Vec::new();
        for group in whole["resourceSpans"].as_array().unwrap() {
            let attributes = group["resource"]["attributes"].as_array().unwrap();
            let service = attributes.iter().find(|a| a["key"] == "service.name").unwrap();
            let service = service["value"]["stringValue"].as_str().unwrap();
            assert_eq!(group["scopeSpans"][0]["scope"]["name"], "hoptax");
            let spans = group["scopeSpans"][0]["spans"].as_array().unwrap();
            all.extend(spans.iter().map(|span| (service.to_owned(), span.clone())));
        }
        all
    }

    fn moment(span: &Value, key: &str) -> u64 {
        span[key].as_str().unwrap().parse().unwrap()
    }

    #[test]
    fn required_fields_are_there() {
        let hex = |value: &Value, long: usize| {
            let id = value.as_str().unwrap();
            id.len() == long && id.chars().all(|c| c.is_ascii_hexdigit()) && id.chars().any(|c| c != '0')
        };
        let all = spans(&sample_trace::trace());
        assert_eq!(all.len(), 13);
        for (_, span) in &all {
            assert!(hex(&span["traceId"], 32) && hex(&span["spanId"], 16), "{span}");
            assert!(span["kind"].is_u64() && span["name"].is_string(), "{span}");
            assert!(moment(span, "startTimeUnixNano") >= EPOCH + 12_345_000_000, "{span}");
            assert!([1, 2].contains(&span["status"]["code"].as_u64().unwrap()), "{span}");
        }
        assert_eq!(all.iter().filter(|(_, span)| span.get("parentSpanId").is_none()).count(), 1);
    }

    #[test]
    fn children_lie_within_their_parents_unless_abandoned() {
        let all = spans(&sample_trace::trace());
        let by_id: BTreeMap<&str, &Value> = all.iter().map(|(_, s)| (s["spanId"].as_str().unwrap(), s)).collect();
        assert_eq!(by_id.len(), all.len(), "ids are told apart");
        for (_, span) in &all {
            let Some(parent) = span.get("parentSpanId") else { continue };
            let parent = by_id[parent.as_str().unwrap()];
            assert!(moment(span, "startTimeUnixNano") >= moment(parent, "startTimeUnixNano"), "{span}");
            let abandoned = span.get("events").is_some();
            assert!(abandoned || moment(span, "endTimeUnixNano") <= moment(parent, "endTimeUnixNano"), "{span}");
        }
    }

    #[test]
    fn callers_and_callees_are_told_apart() {
        let all = spans(&sample_trace::trace());
        let find = |service: &str, kind: u64, name: &str| {
            all.iter().filter(|(at, s)| at == service && s["kind"] == kind && s["name"] == name).count()
        };
        assert_eq!(find("shoppers", 1, "shoppers"), 1);
        assert_eq!(find("shoppers", 3, "orders.create"), 1);
        assert_eq!(find("orders", 2, "orders.create"), 1);
        assert_eq!(find("orders", 3, "payments.charge"), 2);
        assert_eq!(find("payments", 2, "payments.charge"), 2);
        let failed: Vec<&Value> = all.iter().map(|(_, s)| s).filter(|s| s["status"]["code"] == 2).collect();
        assert!(failed.len() == 2 && failed.iter().all(|s| s["status"]["message"] == "timeout"), "{failed:?}");
    }

    #[test]
    fn causes_are_attributes_and_ids_depend_on_the_request() {
        let trace = sample_trace::trace();
        let text = render(&trace);
        assert!(text.contains("\"hoptax.cause.database_ms\"") && text.contains("\"doubleValue\": 3.8"), "{text}");
        assert_eq!(text, render(&trace));
        let other = Trace { nth: 1, ..trace };
        assert_ne!(spans(&other)[0].1["traceId"], spans(&sample_trace::trace())[0].1["traceId"]);
    }
}
