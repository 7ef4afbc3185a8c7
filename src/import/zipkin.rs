//! Zipkin's JSON, version 2: a list of spans, or of traces.
//!
//! Format: zipkin-api `zipkin2-api.yaml`; times and durations in microseconds. A server may share the id of the client's span.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::spans::{Names, Side, Span, Tags, id, span_id};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(borrow)]
    trace_id: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(default)]
    parent_id: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    timestamp: f64,
    #[serde(default)]
    duration: f64,
    #[serde(default)]
    local_endpoint: Endpoint,
    #[serde(default)]
    remote_endpoint: Endpoint,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Endpoint {
    service_name: Option<String>,
    ipv4: Option<String>,
}

/// The spans of a text.
pub(super) fn read(text: &str, names: &mut Names) -> Result<Vec<Span>, serde_json::Error> {
    let nested = text.trim_start().strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with('['));
    let told: Vec<Told<'_>> = if nested {
        serde_json::from_str::<Vec<Vec<Told<'_>>>>(text)?.into_iter().flatten().collect()
    } else {
        serde_json::from_str(text)?
    };
    // Each is given up as soon as it is read: many are as large as the text.
    Ok(told.into_iter().map(|told| span(&told, names)).collect())
}

fn span(told: &Told<'_>, names: &mut Names) -> Span {
    let mut tags = Tags::default();
    tags.say("peer.service", told.remote_endpoint.service_name.as_deref().unwrap_or_default());
    for (key, value) in &told.tags {
        // Brave writes the message of the failure there.
        tags.say(key, if key == "error" { "true" } else { value });
    }
    tags.database |= told.tags.keys().any(|key| key == "sql.query");
    let nanos = |micros: f64| (micros.max(0.0) * 1e3) as u64;
    let from = nanos(told.timestamp);
    let instance = told.local_endpoint.ipv4.as_deref();
    let mut span = Span {
        trace: id(&told.trace_id),
        id: span_id(&told.id),
        parent: told.parent_id.as_deref().map(span_id),
        side: told.kind.as_deref().map_or(Side::Within, Side::of),
        service: names.of(told.local_endpoint.service_name.as_deref().unwrap_or("unknown-service")),
        name: names.of(told.name.as_deref().unwrap_or("unknown")),
        from,
        to: from.saturating_add(nanos(told.duration)),
        instance: instance.map(|name| names.of(name)),
        ..Span::default()
    };
    tags.into(names, &mut span);
    span
}
