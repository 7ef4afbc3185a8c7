//! OpenTelemetry's JSON of traces: one `TracesData`, or one a line; what Jaeger's API v3 and Tempo put around it.
//!
//! Format: opentelemetry-proto, `trace.proto` in its JSON mapping: numbers of 64 bits may be strings, enums numbers or names,
//! keys in either case. Only what an import needs is kept while it is read.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::spans::{Names, Side, Span, Tags, id};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Data {
    #[serde(alias = "resourceSpans", alias = "resource_spans", alias = "batches")]
    resources: Vec<Resource>,
    /// Jaeger's API v3 puts it there.
    result: Option<Box<Data>>,
    /// Tempo's API v2 there.
    trace: Option<Box<Data>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resource {
    resource: Attributed,
    #[serde(alias = "scopeSpans", alias = "scope_spans", alias = "instrumentationLibrarySpans")]
    scopes: Vec<Scope>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attributed {
    attributes: Said,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Scope {
    spans: Vec<Told>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Told {
    trace_id: Id,
    span_id: Id,
    parent_span_id: Id,
    name: String,
    kind: Kind,
    start_time_unix_nano: Number,
    end_time_unix_nano: Number,
    attributes: Said,
    status: Status,
    links: Vec<Link>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Link {
    span_id: Id,
    trace_id: Id,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    code: Code,
}

/// Whether a status is that of a failure.
#[derive(Debug, Default)]
struct Code(bool);

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match Loose::deserialize(from)? {
            Loose::Number(code) => Self(code == 2.0),
            Loose::Text(code) => Self(code == "2" || code.ends_with("ERROR")),
            Loose::Flag(_) => Self(false),
        })
    }
}

/// An id; nothing where it is empty.
#[derive(Debug, Default)]
struct Id(u128);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Option::<std::borrow::Cow<'de, str>>::deserialize(from)?.unwrap_or_default();
        Ok(Self(if text.is_empty() { 0 } else { id(&text) }))
    }
}

/// A span's kind.
#[derive(Debug, Default)]
struct Kind(Side);

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(match Loose::deserialize(from)? {
            Loose::Number(kind) => Side::of_number(kind as u64),
            Loose::Text(kind) => Side::of(kind.strip_prefix("SPAN_KIND_").unwrap_or(&kind)),
            Loose::Flag(_) => Side::Within,
        }))
    }
}

/// A whole number, as such or as a text.
#[derive(Debug, Default)]
struct Number(u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, or one in quotes")
            }
            fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Number, E> {
                Ok(Number(0))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
                Ok(Number(number as u64))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Number, E> {
                text.parse()
                    .map(Number)
                    .map_err(|_| E::custom(format!("`{text}` is no whole number of at most 64 bits")))
            }
        }
        from.deserialize_any(Whole)
    }
}

/// A plain value, whatever it is.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a text, a number, true or false is expected")]
pub(super) enum Loose {
    Flag(bool),
    Number(f64),
    Text(String),
}

impl Loose {
    pub(super) fn text(self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

/// Attributes: what matters of them, and nothing else; no room for what says nothing.
#[derive(Debug, Default)]
struct Said(Option<Box<Tags>>);

impl Said {
    fn tags(self) -> Tags {
        self.0.map_or_else(Tags::default, |tags| *tags)
    }
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Said;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of attributes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Said, A::Error> {
                let mut tags = Tags::default();
                while let Some(Attribute { key, value }) = all.next_element()? {
                    if let Some(text) = value.0 {
                        tags.say(&key, &text);
                    }
                }
                Ok(Said((tags != Tags::default()).then(|| Box::new(tags))))
            }
            fn visit_unit<E>(self) -> Result<Said, E> {
                Ok(Said::default())
            }
        }
        from.deserialize_any(All)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attribute<'a> {
    #[serde(borrow)]
    key: std::borrow::Cow<'a, str>,
    value: AnyValue,
}

/// The value of an attribute, where it is plain.
#[derive(Debug, Default)]
struct AnyValue(Option<String>);

impl<'de> Deserialize<'de> for AnyValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct One;
        impl<'de> Visitor<'de> for One {
            type Value = AnyValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the value of an attribute")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AnyValue, A::Error> {
                let mut found = None;
                while let Some(key) = map.next_key::<String>()? {
                    if matches!(key.as_str(), "stringValue" | "intValue" | "boolValue" | "doubleValue") {
                        found = Some(map.next_value::<Loose>()?.text());
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(AnyValue(found))
            }
        }
        from.deserialize_map(One)
    }
}

/// The spans of a text.
pub(super) fn read(text: &str, names: &mut Names) -> Result<Vec<Span>, serde_json::Error> {
    let data: Data = serde_json::from_str(text)?;
    let mut spans = Vec::new();
    take(data, names, &mut spans);
    Ok(spans)
}

fn take(data: Data, names: &mut Names, spans: &mut Vec<Span>) {
    for Resource { resource, scopes } in data.resources {
        let own = resource.attributes.tags();
        let service = names.of(own.service.as_deref().unwrap_or("unknown-service"));
        let instance = own.instance.as_deref().map(|name| names.of(name));
        for told in scopes.into_iter().flat_map(|scope| scope.spans) {
            let Told { trace_id, span_id, parent_span_id, name, kind, attributes, status, links, .. } = told;
            // A message is linked to whoever sent it, where it has no parent of its own.
            let link = links.first().filter(|link| link.trace_id.0 == trace_id.0).map(|link| link.span_id.0);
            let parent = [Some(parent_span_id.0), link].into_iter().flatten().find(|id| *id != 0);
            let (from, to) = (told.start_time_unix_nano.0, told.end_time_unix_nano.0);
            let mut span = Span {
                trace: trace_id.0,
                id: span_id.0 as u64,
                parent: parent.map(|id| id as u64),
                side: kind.0,
                service,
                name: names.of(&name),
                from,
                to: to.max(from),
                failed: status.code.0,
                instance,
                stands_for: own.stands_for.max(1),
                ..Span::default()
            };
            attributes.tags().into(names, &mut span);
            spans.push(span);
        }
    }
    for inner in [data.result, data.trace].into_iter().flatten() {
        take(*inner, names, spans);
    }
}
