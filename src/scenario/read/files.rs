//! Files that a scenario names: measured values, recorded arrivals.

use std::borrow::Cow;

use super::Desk;
use crate::diag::{Complaint, code, excerpt};
use crate::scenario::source::beside;
use crate::scenario::written::Given;
use crate::units::{Span, parse_nanos};

/// Measured values, one per line; times carry a unit each, or a header names it.
pub(crate) fn samples(desk: &mut Desk<'_>, path: &Given<String>, times: bool) -> Option<Vec<f64>> {
    let text = text_of(desk, path)?;
    let read = if times { values(&text) } else { plain(&text) };
    refuse(desk, path, read)
}

/// Recorded arrivals, ascending.
pub(crate) fn arrivals(desk: &mut Desk<'_>, path: &Given<String>) -> Option<Vec<Span>> {
    let text = text_of(desk, path)?;
    let read = values(&text).and_then(|nanos| match nanos.windows(2).position(|w| w[1] < w[0]) {
        Some(i) => Err(format!("arrival {} comes before the one above it; they must ascend", i + 2)),
        None => Ok(nanos.into_iter().map(|n| Span(n.round() as u64)).collect()),
    });
    refuse(desk, path, read)
}

fn refuse<T>(desk: &mut Desk<'_>, path: &Given<String>, read: Result<Vec<T>, String>) -> Option<Vec<T>> {
    let read = read.and_then(|all| if all.is_empty() { Err("no values".into()) } else { Ok(all) });
    let told = |why| Complaint::error(code::UNREADABLE, format!("{}: {why}", path.value)).at(path.place.clone());
    read.map_err(|why: String| desk.push(told(why))).ok()
}

fn text_of<'s>(desk: &mut Desk<'s>, path: &Given<String>) -> Option<Cow<'s, str>> {
    let read = beside(desk.source, &path.value);
    let told = |why| Complaint::error(code::UNREADABLE, format!("cannot read {}: {why}", path.value));
    read.map_err(|why: String| {
        desk.push(told(why).at(path.place.clone()).help("paths are relative to the scenario's file"));
    })
    .ok()
}

/// The first cell of each line that says something, with its line number.
fn cells(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(i, line)| (i + 1, line.split([',', ';', '\t']).next().unwrap_or_default().trim().trim_matches('"')))
        .filter(|(_, cell)| !cell.is_empty() && !cell.starts_with('#'))
}

/// A cell as it may be quoted: the file may be any file, and its lines of any length.
fn quoted(cell: &str) -> String {
    excerpt(cell, 20)
}

/// Longer cells are no numbers.
const LONGEST: usize = 64;

/// Times of a text, ns: one a line, with a unit each or below a header that names it.
pub fn values(text: &str) -> Result<Vec<f64>, String> {
    let mut unit = "";
    let mut all = Vec::new();
    for (i, (line, cell)) in cells(text).enumerate() {
        if i == 0 && cell.starts_with(char::is_alphabetic) {
            unit = header_unit(cell).ok_or_else(|| {
                format!("line 1: the header `{}` names no unit; write for example `latency_ms`", quoted(cell))
            })?;
            continue;
        }
        if cell.len() > LONGEST {
            return Err(format!("line {line}: `{}` is no time", quoted(cell)));
        }
        let bare = cell.parse::<f64>().is_ok();
        if bare && unit.is_empty() {
            return Err(format!(
                "line {line}: `{cell}` has no unit; write `{cell}ms`, or name the unit in a header (`ms`)"
            ));
        }
        let with_unit = if bare { format!("{cell}{unit}") } else { cell.to_owned() };
        all.push(parse_nanos(&with_unit).map_err(|why| format!("line {line}: {why}"))?);
    }
    Ok(all)
}

/// `ms` of `ms`, `latency_ms`, `latency (ms)`.
fn header_unit(header: &str) -> Option<&'static str> {
    let last = header.rsplit(|c: char| !c.is_alphanumeric()).find(|part| !part.is_empty())?;
    ["ns", "us", "ms", "s"].into_iter().find(|unit| *unit == last)
}

fn plain(text: &str) -> Result<Vec<f64>, String> {
    let mut all = Vec::new();
    for (i, (line, cell)) in cells(text).enumerate() {
        match cell.parse::<f64>() {
            Ok(n) if n.is_finite() && n >= 0.0 => all.push(n),
            _ if i == 0 && cell.starts_with(char::is_alphabetic) => {}
            _ => return Err(format!("line {line}: `{}` is not a number from 0", quoted(cell))),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_units_or_a_header_that_names_one() {
        assert_eq!(values("8ms\n9ms\n"), Ok(vec![8e6, 9e6]));
        assert_eq!(values("latency_ms\n8\n9.5\n"), Ok(vec![8e6, 9.5e6]));
        assert_eq!(values("# measured\nus,host\n8,a\n"), Ok(vec![8e3]));
        assert!(values("8\n").unwrap_err().contains("no unit"));
        assert!(values("latency\n8\n").unwrap_err().contains("names no unit"));
        assert!(values("ms\n-8\n").unwrap_err().contains("negative"));
    }

    #[test]
    fn of_a_file_that_is_something_else_little_is_told() {
        let secrets = format!("TOKEN=hunter2\u{0}PATH=\u{1b}[31m{}", "x".repeat(1 << 20));
        for told in [values(&secrets), values(&format!("ms\n{secrets}")), plain(&format!("n\n{secrets}"))] {
            let told = told.unwrap_err();
            assert!(told.len() < 160 && !told.contains('\u{1b}') && !told.contains('\u{0}'), "{told:?}");
        }
    }
}
