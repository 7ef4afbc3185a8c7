//! `[sweep]`: paths of the file, each with the values that it is to take, one after the other.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::super::read::{self, Desk, Value};
use super::super::written::Given;
use crate::diag::{Complaint, code};
use crate::units::{Rate, Span, parse_size};

/// A path and the values that it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The path, such as `clients.shoppers.rate`.
    pub path: Given<String>,
    /// The values as TOML; a bare word is a text.
    pub values: Vec<String>,
}

/// More values than anybody looks at.
const MOST: usize = 10_000;

impl Axis {
    /// Reads `clients.shoppers.rate=100/s..400/s:7`, `…:7log`, or `…=a,b,c`. The error is a fragment that says how it would be
    /// right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let example = "write for example clients.shoppers.rate=100/s..400/s:7 or services.orders.replicas=2,4,8";
        let edit =
            super::super::Edit::parse(text).map_err(|_| format!("`{text}` names no path and values; {example}"))?;
        Ok(Self { path: Given::default(edit.path), values: values(&edit.value)? })
    }

    /// All axes of the file, in its order.
    pub(in crate::scenario) fn all(desk: &mut Desk<'_>, table: &DeTable<'_>) -> Vec<Self> {
        let mut flat = Vec::new();
        for (path, value) in table {
            flatten(path.get_ref(), value, &mut flat);
        }
        flat.sort_by_key(|(value, _)| value.span().start);
        let mut all = Vec::new();
        for (value, path) in flat {
            let place = value.span();
            match listed(desk, value).and_then(|values| counted(&values).map(|()| values)) {
                Ok(values) => all.push(Self { path: Given::at(path, place), values }),
                Err(why) => read::bad(desk, &path, value, &why),
            }
        }
        all
    }

    /// The path and its values, as they stand in a file.
    pub(in crate::scenario) fn told(&self) -> (String, String) {
        (
            self.path.value.clone(),
            format!("[{}]", self.values.iter().map(|value| whole(value)).collect::<Vec<_>>().join(", ")),
        )
    }

    /// The values as numbers of one unit, and that unit as it follows a number; `None` where they are words.
    pub fn numbers(&self) -> Option<(Vec<f64>, String)> {
        numbers(&self.values)
    }
}

/// A value as TOML: a bare word gets its quotes.
fn whole(value: &str) -> String {
    if value.parse::<toml_edit::Value>().is_ok() { value.to_owned() } else { super::super::print::quoted(value) }
}

/// A dotted key without quotes arrives as nested tables.
fn flatten<'v>(path: &str, value: &'v Value<'v>, out: &mut Vec<(&'v Value<'v>, String)>) {
    match value.get_ref() {
        DeValue::Table(inner) => {
            inner
                .iter()
                .for_each(|(key, value)| flatten(&format!("{path}.{}", read::segment(key.get_ref())), value, out));
        }
        _ => out.push((value, path.to_owned())),
    }
}

/// A list as it is written, a text as it would be typed.
fn listed(desk: &Desk<'_>, value: &Value<'_>) -> Result<Vec<String>, String> {
    match value.get_ref() {
        DeValue::Array(items) => Ok(items.iter().map(|item| desk.slice(item.span()).to_owned()).collect()),
        DeValue::String(text) => values(text),
        _ => Err("wants a list of values, or a range such as \"100/s..400/s:7\"".into()),
    }
}

fn counted(values: &[String]) -> Result<(), String> {
    match values.len() {
        0 => Err("a list without values".into()),
        n if n > MOST => Err(format!("{n} values; at most {MOST}")),
        _ => match twice(values) {
            Some(value) => Err(format!("{value} stands there twice; say each value once")),
            None => Ok(()),
        },
    }
}

/// A value that is there more than once.
fn twice(values: &[String]) -> Option<&str> {
    let mut sorted: Vec<&str> = values.iter().map(|value| value.trim_matches(['"', '\''])).collect();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// The values that a typed text stands for.
fn values(text: &str) -> Result<Vec<String>, String> {
    let text = text.trim();
    let all = match text.split_once("..") {
        Some((from, rest)) => ranged(from.trim(), rest)?,
        None => {
            text.trim_start_matches('[').trim_end_matches(']').split(',').map(|one| one.trim().to_owned()).collect()
        }
    };
    if let Some(at) = all.iter().position(String::is_empty) {
        return Err(format!("value {} of `{text}` is empty", at + 1));
    }
    counted(&all)?;
    Ok(all)
}

/// `400/s:7` after `100/s..`.
fn ranged(from: &str, rest: &str) -> Result<Vec<String>, String> {
    let wrong =
        || format!("`{from}..{rest}` is no range; write for example 100/s..400/s:7, or :7log for equal factors");
    // Three dots would be read as two and a number such as .5.
    if rest.starts_with('.') {
        return Err(wrong());
    }
    let (to, how) = rest.rsplit_once(':').ok_or_else(wrong)?;
    let (count, log) = how.trim().strip_suffix("log").map_or((how, false), |count| (count, true));
    let count: usize = count.trim().parse().map_err(|_| wrong())?;
    if !(2..=MOST).contains(&count) {
        return Err(format!("a range of {count} values; from 2 to {MOST}"));
    }
    let ends = [from.to_owned(), to.trim().to_owned()];
    let (numbers, unit) = numbers(&ends).ok_or_else(wrong)?;
    let (low, high) = (numbers[0], numbers[1]);
    if log && (low <= 0.0 || high <= 0.0) {
        return Err("equal factors lead neither to nor past zero; leave `log` out".into());
    }
    let whole = unit.is_empty() && low.fract() == 0.0 && high.fract() == 0.0;
    let at = |nth: usize| {
        let share = nth as f64 / (count - 1) as f64;
        let x = if log { low * libm::pow(high / low, share) } else { low + (high - low) * share };
        // The ends stay as they were written, between them nobody needs more than six digits.
        match nth {
            0 => from.to_owned(),
            _ if nth + 1 == count => ends[1].clone(),
            _ if whole => format!("{}", x.round()),
            _ => format!("{}{unit}", six_digits(x)),
        }
    };
    let mut all: Vec<String> = (0..count).map(at).collect();
    all.dedup();
    Ok(all)
}

fn six_digits(x: f64) -> f64 {
    format!("{x:.5e}").parse().unwrap_or(x)
}

/// Numbers of one unit: the same letters behind each, or times, rates or sizes of several units.
fn numbers(values: &[String]) -> Option<(Vec<f64>, String)> {
    let bare: Vec<&str> = values.iter().map(|value| value.trim_matches(['"', '\''])).collect();
    let split: Vec<(f64, &str)> = bare.iter().map(|text| number(text)).collect::<Option<_>>().unwrap_or_default();
    if let Some((_, unit)) = split.first()
        && split.iter().all(|(_, other)| other == unit)
    {
        return Some((split.iter().map(|(x, _)| *x).collect(), (*unit).to_owned()));
    }
    let all = |read: &dyn Fn(&str) -> Option<f64>| bare.iter().map(|text| read(text)).collect::<Option<Vec<f64>>>();
    all(&|text| Span::parse(text).ok().map(Span::as_secs_f64))
        .map(|found| (found, "s".to_owned()))
        .or_else(|| Some((all(&|text| Rate::parse(text).ok().map(Rate::per_second))?, "/s".to_owned())))
        .or_else(|| Some((all(&|text| parse_size(text).ok().map(|n| n as f64))?, "B".to_owned())))
}

/// A number and what follows it; a unit has no digits.
fn number(text: &str) -> Option<(f64, &str)> {
    let is = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '_');
    let end = text.find(|c: char| !is(c)).unwrap_or(text.len());
    let (digits, unit): (&str, &str) = (&text[..end], text[end..].trim());
    let x: f64 = digits.replace('_', "").parse().ok()?;
    (x.is_finite() && !unit.contains(|c: char| c.is_ascii_digit())).then_some((x, unit))
}

/// Complaints about paths that lead nowhere or values that do not fit, each at its place.
pub(in crate::scenario) fn misfits(
    axes: &[Axis],
    examine: impl Fn(&super::super::Edit) -> Vec<Complaint>,
) -> Vec<Complaint> {
    let mut all = Vec::new();
    for axis in axes {
        let place: Range<usize> = axis.path.place.clone().unwrap_or_default();
        let edit = |value: &String| super::super::Edit {
            path: axis.path.value.clone(),
            value: value.clone(),
            origin: "sweep".into(),
        };
        let ends = [axis.values.first(), axis.values.last().filter(|_| axis.values.len() > 1)];
        for complaint in ends.into_iter().flatten().flat_map(|value| examine(&edit(value))).filter(Complaint::is_error)
        {
            let own = complaint.message.starts_with("sweep ");
            let message = if own {
                complaint.message.clone()
            } else {
                format!("sweep {}: {}", axis.path.value, complaint.message)
            };
            let code = if own { complaint.code } else { code::BAD_VALUE };
            let help = complaint.help.or((!complaint.label.is_empty()).then_some(complaint.label));
            all.push(Complaint { help, ..Complaint::error(code, message).at(place.clone()) });
        }
    }
    all.dedup_by(|a, b| a.message == b.message);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_its_ends_and_equal_steps_or_factors() {
        let of = |text: &str| values(text).unwrap();
        assert_eq!(of("100/s..400/s:4"), ["100/s", "200/s", "300/s", "400/s"]);
        assert_eq!(of("1..1000:4log"), ["1", "10", "100", "1000"]);
        assert_eq!(of("1..4:7"), ["1", "2", "3", "4"], "replicas are whole, each value comes once");
        assert_eq!(of("500ms..2s:4"), ["500ms", "1s", "1.5s", "2s"]);
        assert_eq!(of("0.1%..10%:3log"), ["0.1%", "1%", "10%"]);
        assert_eq!(of("a, b,c"), ["a", "b", "c"]);
        for wrong in [
            "1..5",
            "1..5:1",
            "1..5:x",
            "0..5:3log",
            "a..b:3",
            "1,,2",
            "",
            "1/s..5ms:3",
            "1..5:99999",
            "1...5:3",
            "2,3,2",
        ] {
            assert!(values(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_have_one_unit() {
        let of = |all: &[&str]| numbers(&all.iter().map(|&one| one.to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["\"100/s\"", "\"200/s\""]), Some((vec![100.0, 200.0], "/s".into())));
        assert_eq!(of(&["60/min", "2/s"]), Some((vec![1.0, 2.0], "/s".into())));
        assert_eq!(of(&["1m30s", "500ms"]), Some((vec![90.0, 0.5], "s".into())));
        assert_eq!(of(&["1KB", "1MB"]).unwrap().1, "B");
        assert_eq!(of(&["grpc", "rest"]), None);
        assert_eq!(of(&["3", "grpc"]), None);
    }

    #[test]
    fn an_axis_is_a_path_and_values() {
        let axis = Axis::parse("network.links.\"a -> b\".latency=1ms,2ms").unwrap();
        assert_eq!((axis.path.value.as_str(), axis.values.len()), ("network.links.\"a -> b\".latency", 2));
        assert!(Axis::parse("rate").unwrap_err().contains("write for example"));
    }
}
