//! Jaeger's JSON: what its pages download and its query API answers, a trace by itself, or a list of spans.
//!
//! Format: jaeger-ui `TraceResponse`; times and durations in microseconds, the kind and failure of a span among its tags.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::otlp::Loose;
use super::spans::{Names, Span, Tags, id, span_id};

/// An answer with its traces, or a trace by itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Whole<'a> {
    #[serde(borrow)]
    data: Vec<Trace<'a>>,
    #[serde(borrow)]
    spans: Vec<Told<'a>>,
    #[serde(borrow)]
    processes: BTreeMap<String, Process<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Trace<'a> {
    #[serde(borrow)]
    spans: Vec<Told<'a>>,
    #[serde(borrow)]
    processes: BTreeMap<String, Process<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Process<'a> {
    #[serde(alias = "serviceName")]
    service: String,
    #[serde(borrow)]
    tags: Option<Vec<Tag<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Tag<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    value: Option<Loose>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(alias = "traceID", borrow)]
    trace_id: Cow<'a, str>,
    #[serde(alias = "spanID", borrow)]
    span_id: Cow<'a, str>,
    #[serde(borrow)]
    operation_name: Cow<'a, str>,
    #[serde(default, borrow)]
    references: Option<Vec<Reference<'a>>>,
    #[serde(default, alias = "parentSpanID")]
    parent: Option<String>,
    start_time: f64,
    duration: f64,
    #[serde(default, borrow)]
    tags: Option<Vec<Tag<'a>>>,
    #[serde(default, alias = "processID")]
    process_id: Option<String>,
    #[serde(default, borrow)]
    process: Option<Process<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference<'a> {
    #[serde(default, borrow)]
    ref_type: Cow<'a, str>,
    #[serde(alias = "spanID", borrow)]
    span_id: Cow<'a, str>,
}

/// The spans of a text.
pub(super) fn read(text: &str, names: &mut Names) -> Result<Vec<Span>, serde_json::Error> {
    let traces = if text.trim_start().starts_with('[') {
        vec![Trace { spans: serde_json::from_str(text)?, processes: BTreeMap::new() }]
    } else {
        let whole: Whole<'_> = serde_json::from_str(text)?;
        let alone = Trace { spans: whole.spans, processes: whole.processes };
        whole.data.into_iter().chain([alone]).collect()
    };
    let mut spans = Vec::new();
    for Trace { spans: told, processes } in traces {
        spans.extend(told.into_iter().map(|told| span(told, &processes, names)));
    }
    Ok(spans)
}

fn span(told: Told<'_>, processes: &BTreeMap<String, Process<'_>>, names: &mut Names) -> Span {
    let mut tags = Tags::default();
    let process = told.process.as_ref().or_else(|| processes.get(told.process_id.as_deref()?));
    let of_process = process.and_then(|process| process.tags.as_ref()).into_iter().flatten();
    for Tag { key, value } in of_process.chain(told.tags.iter().flatten()) {
        if let Some(value) = value {
            tags.say(key, &value.shown());
        }
    }
    let references = told.references.unwrap_or_default();
    let child = references.iter().find(|one| one.ref_type != "FOLLOWS_FROM").or(references.first());
    let parent = child.map(|one| one.span_id.as_ref()).or(told.parent.as_deref()).filter(|id| !id.is_empty());
    let service = process.map(|process| process.service.as_str()).filter(|name| !name.is_empty());
    let nanos = |micros: f64| (micros.max(0.0) * 1e3) as u64;
    let from = nanos(told.start_time);
    let mut span = Span {
        trace: id(&told.trace_id),
        id: span_id(&told.span_id),
        parent: parent.map(span_id),
        service: names.of(service.unwrap_or("unknown-service")),
        name: names.of(&told.operation_name),
        from,
        to: from.saturating_add(nanos(told.duration)),
        ..Span::default()
    };
    tags.into(names, &mut span);
    span
}

impl Loose {
    fn shown(&self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}
