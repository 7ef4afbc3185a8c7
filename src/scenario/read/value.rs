//! Single values: each is understood, or a complaint says what its key wants.

use toml::de::{DeArray, DeTable, DeValue};

use super::{Desk, Value};
use crate::diag::{Complaint, code};
use crate::graph::End;
use crate::scenario::written::{Target, Zone};
use crate::units::{Rate, Span, parse_bandwidth, parse_share, parse_size};

/// Complains that a value is of the wrong kind.
pub(crate) fn wrong_kind(desk: &mut Desk<'_>, key: &str, value: &Value<'_>, wants: &str, help: &str) {
    let kind = value.get_ref().type_str();
    let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
    let complaint = Complaint::error(code::WRONG_KIND, format!("`{key}` wants {wants}, not {article} {kind}"));
    desk.push(complaint.at(value.span()).help(help));
}

/// Complains that a value cannot be understood.
pub(crate) fn bad(desk: &mut Desk<'_>, key: &str, value: &Value<'_>, why: &str) {
    desk.push(Complaint::error(code::BAD_VALUE, format!("`{key}`: {why}")).at(value.span()));
}

pub(crate) fn text(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<String> {
    let found = value.get_ref().as_str().map(str::to_owned);
    if found.is_none() {
        wrong_kind(desk, key, value, "a text", "put it between quotes");
    }
    found
}

pub(crate) fn flag(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<bool> {
    let found = value.get_ref().as_bool();
    if found.is_none() {
        wrong_kind(desk, key, value, "true or false", "without quotes");
    }
    found
}

pub(crate) fn table<'t>(desk: &mut Desk<'_>, key: &str, value: &'t Value<'t>) -> Option<&'t DeTable<'t>> {
    let found = value.get_ref().as_table();
    if found.is_none() {
        wrong_kind(desk, key, value, "a table", &format!("write for example {key} = {{ … }}"));
    }
    found
}

pub(crate) fn array<'t>(desk: &mut Desk<'_>, key: &str, value: &'t Value<'t>) -> Option<&'t DeArray<'t>> {
    let found = value.get_ref().as_array();
    if found.is_none() {
        wrong_kind(desk, key, value, "a list", &format!("write for example {key} = [ … ]"));
    }
    found
}

pub(crate) fn whole(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<u64> {
    let DeValue::Integer(integer) = value.get_ref() else {
        wrong_kind(desk, key, value, "a whole number", "without quotes, unit or fraction");
        return None;
    };
    // The parser leaves digits as written, sign and underscores included in some forms.
    let digits = integer.as_str().replace('_', "");
    if digits.starts_with('-') && !digits.trim_start_matches(['-', '0']).is_empty() {
        bad(desk, key, value, &format!("{digits} is below zero"));
        return None;
    }
    let found = u64::from_str_radix(digits.trim_start_matches(['+', '-']), integer.radix()).ok();
    let found = found.filter(|n| i64::try_from(*n).is_ok());
    if found.is_none() {
        bad(desk, key, value, "the number is too large");
    }
    found
}

pub(crate) fn count(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<u32> {
    let n = whole(desk, key, value)?;
    let found = u32::try_from(n).ok();
    if found.is_none() {
        bad(desk, key, value, &format!("{n} is too many; at most {}", u32::MAX));
    }
    found
}

/// A finite number, if the value is one; no complaint.
pub(crate) fn as_number(value: &Value<'_>) -> Option<f64> {
    let found: Option<f64> = match value.get_ref() {
        DeValue::Integer(i) if i.radix() == 10 => i.as_str().replace('_', "").parse().ok(),
        DeValue::Integer(i) => u64::from_str_radix(&i.as_str().replace('_', ""), i.radix()).ok().map(|n| n as f64),
        DeValue::Float(f) => f.as_str().replace('_', "").parse().ok(),
        _ => None,
    };
    found.filter(|n| n.is_finite())
}

pub(crate) fn number(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<f64> {
    let found = as_number(value);
    match found {
        None => wrong_kind(desk, key, value, "a number", "without quotes or unit, and not inf or nan"),
        Some(n) if n < 0.0 => bad(desk, key, value, &format!("{n} is below zero")),
        Some(_) => {}
    }
    found.filter(|n| *n >= 0.0)
}

/// A weight: a number or a share.
pub(crate) fn weight(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<f64> {
    if value.get_ref().is_str() { share(desk, key, value) } else { number(desk, key, value) }
}

pub(crate) fn duration(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Span> {
    let text = time_text(desk, key, value)?;
    understood(desk, key, value, Span::parse(text))
}

/// The text of a time; a bare number is told that it has no unit.
pub(crate) fn time_text<'v>(desk: &mut Desk<'_>, key: &str, value: &'v Value<'_>) -> Option<&'v str> {
    if let Some(n) = as_number(value) {
        let complaint = Complaint::error(code::BAD_VALUE, format!("`{key}`: {n} has no unit")).at(value.span());
        desk.push(
            complaint
                .label("a bare number is not a time")
                .help(format!("write for example {key} = \"{0}ms\" or {key} = \"{0}s\"", n.abs())),
        );
        return None;
    }
    let text = value.get_ref().as_str();
    if text.is_none() {
        wrong_kind(desk, key, value, "a time", &format!("write for example {key} = \"250ms\""));
    }
    text
}

pub(crate) fn rate(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Rate> {
    if let Some(n) = as_number(value) {
        let complaint = Complaint::error(code::BAD_VALUE, format!("`{key}`: {n} has no unit")).at(value.span());
        desk.push(complaint.label("per what?").help(format!("write for example {key} = \"{}/s\"", n.abs())));
        return None;
    }
    let Some(text) = value.get_ref().as_str() else {
        wrong_kind(desk, key, value, "a rate", &format!("write for example {key} = \"120/s\""));
        return None;
    };
    understood(desk, key, value, Rate::parse(text))
}

/// A size in bytes.
pub(crate) fn size(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<u64> {
    let text = with_unit(desk, key, value, "a size", ["B", "KB"])?;
    understood(desk, key, value, parse_size(text))
}

/// Bytes per second.
pub(crate) fn bandwidth(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<f64> {
    let text = with_unit(desk, key, value, "a bandwidth", ["MB/s", "Mbit/s"])?;
    understood(desk, key, value, parse_bandwidth(text))
}

/// The text of a number with a unit; a bare number is told that it has none.
fn with_unit<'v>(
    desk: &mut Desk<'_>,
    key: &str,
    value: &'v Value<'_>,
    what: &str,
    units: [&str; 2],
) -> Option<&'v str> {
    if let Some(n) = as_number(value) {
        let complaint = Complaint::error(code::BAD_VALUE, format!("`{key}`: {n} has no unit")).at(value.span());
        let help = format!("write for example {key} = \"{0}{1}\" or {key} = \"{0}{2}\"", n.abs(), units[0], units[1]);
        desk.push(complaint.label(format!("a bare number is not {what}")).help(help));
        return None;
    }
    let text = value.get_ref().as_str();
    if text.is_none() {
        wrong_kind(desk, key, value, what, &format!("write for example {key} = \"4{}\"", units[1]));
    }
    text
}

pub(crate) fn share(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<f64> {
    let read = match (as_number(value), value.get_ref().as_str()) {
        (Some(n), _) => parse_share(&n.to_string()),
        (None, Some(text)) => parse_share(text),
        (None, None) => {
            wrong_kind(desk, key, value, "a share", &format!("write for example {key} = \"0.2%\" or {key} = 0.002"));
            return None;
        }
    };
    understood(desk, key, value, read)
}

pub(crate) fn zone(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Zone> {
    let text = text(desk, key, value)?;
    let parts: Vec<&str> = text.split('/').map(str::trim).collect();
    if parts.len() > 3 || parts.iter().any(|p| p.is_empty()) {
        bad(desk, key, value, &format!("`{text}` is not `region`, `region/zone` or `region/zone/host`"));
        return None;
    }
    let part = |i: usize| parts.get(i).map(|p| (*p).to_owned());
    Some(Zone { region: parts[0].to_owned(), zone: part(1), host: part(2) })
}

pub(crate) fn target(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Target> {
    let text = text(desk, key, value)?;
    let end = End::of(&text);
    let (node, endpoint) = (end.node, end.endpoint());
    let dots = !end.is_path() && endpoint.contains(['.', ':', '/']);
    if node.is_empty() || dots || text.ends_with(['.', ':']) || (text.contains(':') && !end.is_path()) {
        bad(desk, key, value, &format!("`{text}` is neither `node` nor `node.endpoint` nor `gateway:/path`"));
        return None;
    }
    let endpoint = desk.routes.route(node, endpoint).unwrap_or(endpoint).to_owned();
    Some(Target { node: node.to_owned(), endpoint })
}

/// A whole number, or a word that stands for none.
pub(crate) fn count_or(word: &'static str) -> impl Fn(&mut Desk<'_>, &str, &Value<'_>) -> Option<Option<u32>> {
    move |desk, key, value| match value.get_ref().as_str() {
        Some(text) if text == word => Some(None),
        Some(text) => {
            bad(desk, key, value, &format!("`{text}` is neither a whole number nor \"{word}\""));
            None
        }
        None => count(desk, key, value).map(Some),
    }
}

fn understood<T>(desk: &mut Desk<'_>, key: &str, value: &Value<'_>, read: Result<T, String>) -> Option<T> {
    read.map_err(|why| bad(desk, key, value, &why)).ok()
}

/// The word most like the one written, if any is near enough to have been meant.
pub(crate) fn suggest<'w>(wrote: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    // A long word may be further off than a short one; comparing endless names would take for ever.
    if wrote.chars().count() > 60 {
        return None;
    }
    let normal = |w: &str| w.to_lowercase().replace(['-', ' '], "_");
    let wrote = normal(wrote);
    words
        .into_iter()
        .filter(|w| w.len() <= 80 && w.len().abs_diff(wrote.len()) <= 1 + w.len() / 4)
        .map(|w| (strsim::damerau_levenshtein(&wrote, &normal(w)), w))
        .filter(|(d, w)| *d <= 1 + w.chars().count().min(wrote.chars().count()) / 4)
        .min_by_key(|(d, _)| *d)
        .map(|(_, w)| w)
}
