//! What a text is, told by what it says and not by what it is called.

use std::fmt;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// When it is one object of OpenTelemetry's traces.
    Otlp,
    /// When it is one such object a line.
    OtlpLines,
    /// When it is what Jaeger's query API answers.
    Jaeger,
    /// When it is spans of Zipkin, version 2.
    Zipkin,
    /// When it is Jaeger's list of who called whom how often.
    Dependencies,
    /// When it is Kiali's graph.
    Kiali,
    /// When it is objects of Kubernetes or Istio.
    Kubernetes,
    /// When it is a compose file.
    Compose,
    /// When it is a graph of istio/tools isotope.
    Isotope,
    /// When it is metrics as Prometheus scrapes them.
    PrometheusText,
    /// When it is what Prometheus' query API answers.
    PrometheusAnswer,
    /// When it is rates over time, comma-separated.
    Rates,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Otlp => "OTLP JSON",
            Self::OtlpLines => "OTLP JSON lines",
            Self::Jaeger => "Jaeger JSON",
            Self::Zipkin => "Zipkin JSON",
            Self::Dependencies => "Jaeger dependencies",
            Self::Kiali => "Kiali graph",
            Self::Kubernetes => "Kubernetes YAML",
            Self::Compose => "compose YAML",
            Self::Isotope => "isotope YAML",
            Self::PrometheusText => "Prometheus metrics",
            Self::PrometheusAnswer => "Prometheus answer",
            Self::Rates => "CSV of rates",
        })
    }
}

impl Kind {
    /// The kind of a text; the error says what it looks like, and what can be imported.
    pub fn of(text: &str) -> Result<Self, String> {
        let start = text.trim_start_matches('\u{feff}').trim_start();
        let found = match start.chars().next() {
            None => return Err("there is nothing in it".into()),
            Some('{') => Self::of_object(text)?,
            Some('[') => Self::of_list(text)?,
            Some(_) => Self::of_lines(start),
        };
        found.ok_or_else(|| format!("nothing that can be imported: {ALL}"))
    }

    /// What a `.jsonl` file's first line says, where it is whole.
    pub fn of_line(line: &str) -> Option<Self> {
        let keys = Keys::of(line).ok()?;
        keys.has(&["resourceSpans", "resource_spans"]).then_some(Self::OtlpLines)
    }

    fn of_object(text: &str) -> Result<Option<Self>, String> {
        let first = text.trim_start().lines().next().unwrap_or_default();
        let several = text.trim_start().lines().nth(1).is_some_and(|line| line.starts_with('{'));
        if several && Self::of_line(first).is_some() {
            return Ok(Some(Self::OtlpLines));
        }
        let keys = Keys::of(text).map_err(|error| format!("broken JSON: {error}"))?;
        Ok(Self::of_keys(&keys))
    }

    fn of_keys(keys: &Keys) -> Option<Self> {
        if keys.has(&["resourceSpans", "resource_spans", "batches", "trace", "result"]) {
            Some(Self::Otlp)
        } else if keys.has(&["elements"]) {
            Some(Self::Kiali)
        } else if keys.has(&["apiVersion", "kind"]) {
            Some(Self::Kubernetes)
        } else if keys.has(&["status"]) && keys.has(&["data"]) {
            Some(Self::PrometheusAnswer)
        } else if keys.has(&["data", "spans"]) {
            Some(Self::Jaeger)
        } else if keys.has(&["services"]) {
            Some(Self::Compose)
        } else {
            None
        }
    }

    fn of_list(text: &str) -> Result<Option<Self>, String> {
        let First(keys) = serde_json::from_str(text).map_err(|error| format!("broken JSON: {error}"))?;
        let Some(keys) = keys else { return Err("an empty list: there is nothing in it".into()) };
        Ok(if keys.has(&["traceId"]) {
            Some(Self::Zipkin)
        } else if keys.has(&["traceID", "spanID"]) {
            Some(Self::Jaeger)
        } else if keys.has(&["parent"]) && keys.has(&["child"]) {
            Some(Self::Dependencies)
        } else {
            None
        })
    }

    fn of_lines(text: &str) -> Option<Self> {
        let lines = || text.lines().take(MOST).map(str::trim_end).filter(|line| !line.is_empty());
        let begins = |word: &str| lines().any(|line| line.starts_with(word));
        if begins("# TYPE ") || begins("# HELP ") || lines().any(super::metrics::is_sample) {
            return Some(Self::PrometheusText);
        }
        if begins("apiVersion:") || begins("kind:") {
            return Some(Self::Kubernetes);
        }
        if begins("services:") {
            let mut after = lines().skip_while(|line| !line.starts_with("services:")).skip(1);
            let list = after
                .find(|line| !line.trim_start().starts_with('#'))
                .is_some_and(|line| line.trim_start().starts_with('-'));
            return Some(if list { Self::Isotope } else { Self::Compose });
        }
        super::rates::is_rates(text).then_some(Self::Rates)
    }
}

/// What is wrong with YAML, in a line: where and what. The piece of the text that the parser prints besides calls the file by no name.
pub(super) fn yaml(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    text.strip_prefix("error: ").unwrap_or(&text).to_owned()
}

/// What is wrong with a line of JSON: the only line that its parser knows is the first.
pub(super) fn of_one_line(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
}

/// Lines that are looked at for what a text is.
const MOST: usize = 5_000;

/// What can be imported, in a sentence.
const ALL: &str = "OTLP JSON (.json, .jsonl), Jaeger or Zipkin JSON, Prometheus metrics or answers (service graphs, Istio), Kiali \
                   graphs, Kubernetes and Istio YAML, compose, isotope, and CSV of rates are";

/// The keys of an object, without what is behind them.
#[derive(Debug, Default)]
struct Keys(Vec<String>);

impl Keys {
    fn of(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    fn has(&self, any: &[&str]) -> bool {
        self.0.iter().any(|key| any.contains(&key.as_str()))
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Keys;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Keys::default();
                while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
                    if keys.0.len() < MOST {
                        keys.0.push(key);
                    }
                }
                Ok(keys)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Keys, A::Error> {
                let first = all.next_element::<Keys>()?.unwrap_or_default();
                while all.next_element::<IgnoredAny>()?.is_some() {}
                Ok(first)
            }
        }
        from.deserialize_any(All)
    }
}

/// The keys of the first of a list, or of the first of its first.
struct First(Option<Keys>);

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = First;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<First, A::Error> {
                let first = all.next_element::<Keys>()?;
                while all.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        from.deserialize_seq(All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_what_it_says() {
        for (text, kind) in [
            (r#"{"resourceSpans":[]}"#, Kind::Otlp),
            ("{\"resourceSpans\":[]}\n{\"resourceSpans\":[]}\n", Kind::OtlpLines),
            (r#"{"result":{}}"#, Kind::Otlp),
            (r#"{"data":[],"total":0}"#, Kind::Jaeger),
            (r#"[{"traceId":"1","id":"1"}]"#, Kind::Zipkin),
            (r#"[[{"traceId":"1","id":"1"}]]"#, Kind::Zipkin),
            (r#"[{"parent":"a","child":"b","callCount":1}]"#, Kind::Dependencies),
            (r#"{"elements":{}}"#, Kind::Kiali),
            (r#"{"status":"success","data":{}}"#, Kind::PrometheusAnswer),
            ("apiVersion: v1\nkind: Service\n", Kind::Kubernetes),
            ("services:\n- name: a\n", Kind::Isotope),
            ("services:\n  a:\n    image: b\n", Kind::Compose),
            ("# TYPE x counter\nx 1\n", Kind::PrometheusText),
            ("time,rate\n0,10\n60,20\n", Kind::Rates),
        ] {
            assert_eq!(Kind::of(text), Ok(kind), "{text}");
        }
        for (text, why) in [
            ("", "nothing in it"),
            ("{", "broken JSON"),
            ("[]", "empty list"),
            ("hello", "can be imported"),
            ("[3]", "broken"),
            ("{}", "can be imported"),
        ] {
            assert!(Kind::of(text).is_err_and(|error| error.contains(why)), "{text}: {:?}", Kind::of(text));
        }
    }
}
