//! A number that varies.

use toml::de::DeValue;

use super::files::samples;
use super::value::{as_number, bad, number, share, time_text, whole, wrong_kind};
use super::view::{View, listed, unknown_word};
use super::{Desk, Value};
use crate::diag::{Complaint, code};
use crate::random::dist::Law;
use crate::scenario::vocab::{BRANCH_LAW, COUNTS, LAW, Shape, Table};
use crate::units::parse_nanos;

/// What the numbers of a law count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// Nanoseconds, written with a unit.
    Time,
    /// Plain numbers.
    Count,
}

/// A time that varies.
pub(crate) fn law(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Law> {
    any(desk, key, value, Unit::Time, &LAW)
}

/// A count that varies.
pub(crate) fn counts(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Law> {
    any(desk, key, value, Unit::Count, &COUNTS)
}

fn any(desk: &mut Desk<'_>, key: &str, value: &Value<'_>, unit: Unit, vocab: &'static Table) -> Option<Law> {
    if let DeValue::Table(table) = value.get_ref() {
        let view = View::open(desk, vocab, table, value.span());
        return form(desk, key, &view, unit);
    }
    if unit == Unit::Time && !value.get_ref().is_str() && as_number(value).is_none() {
        wrong_kind(
            desk,
            key,
            value,
            "a time or a law",
            &format!("write {key} = \"8ms\" or {key} = {{ p50 = \"8ms\", p99 = \"60ms\" }}"),
        );
        return None;
    }
    quantity(desk, key, value, unit).map(|value| Law::Constant { value })
}

/// One number of a law.
fn quantity(desk: &mut Desk<'_>, key: &str, value: &Value<'_>, unit: Unit) -> Option<f64> {
    if unit == Unit::Count {
        return number(desk, key, value);
    }
    let text = time_text(desk, key, value)?;
    parse_nanos(text).map_err(|why| bad(desk, key, value, &why)).ok()
}

/// The percentiles people name.
const PERCENTILES: [(&str, f64); 5] = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999)];

/// Keys each family needs.
const FAMILIES: [(&str, &[&str]); 11] = [
    ("constant", &["value"]),
    ("exponential", &["mean"]),
    ("lognormal", &["mean", "cv"]),
    ("erlang", &["mean", "k"]),
    ("gamma", &["mean", "cv"]),
    ("hyperexponential", &["mean", "cv"]),
    ("pareto", &["min", "max", "alpha"]),
    ("weibull", &["mean", "shape"]),
    ("uniform", &["min", "max"]),
    ("normal", &["mean", "sd"]),
    ("geometric", &["mean"]),
];

/// All keys of plain forms.
const NUMBERS: [&str; 9] = ["value", "mean", "cv", "k", "alpha", "shape", "min", "max", "sd"];

fn form(desk: &mut Desk<'_>, key: &str, view: &View<'_>, unit: Unit) -> Option<Law> {
    let present: Vec<&str> = ["mix", "samples", "dist"]
        .into_iter()
        .filter(|k| view.has(k))
        .chain(PERCENTILES.iter().map(|(k, _)| *k).chain(NUMBERS).filter(|k| view.has(k)))
        .collect();
    match present.as_slice() {
        ["mix"] => mix(desk, key, view, unit),
        ["samples"] => measured(desk, view, unit),
        ["value"] => family(desk, view, "constant", unit),
        ["mean"] => family(desk, view, "exponential", unit),
        ["dist", rest @ ..] => by_name(desk, view, rest, unit),
        all if !all.is_empty() && all.iter().all(|k| PERCENTILES.iter().any(|(p, _)| p == k)) => {
            percentiles(desk, key, view, unit)
        }
        all => {
            unclear(desk, key, view, all);
            None
        }
    }
}

fn unclear(desk: &mut Desk<'_>, key: &str, view: &View<'_>, present: &[&str]) {
    let message = if present.is_empty() {
        format!("`{key}`: an empty law")
    } else {
        format!("`{key}`: {} together are no law", listed(present))
    };
    desk.push(Complaint::error(code::DISTRIBUTION, message).at(view.place.clone()).help(
        "write \"8ms\", { mean = \"5ms\" }, { p50 = \"8ms\", p99 = \"60ms\" }, { dist = \"lognormal\", mean = \"5ms\", cv = 1.5 }, \
         { mix = [ … ] } or { samples = \"file.csv\" }",
    ));
}

fn by_name(desk: &mut Desk<'_>, view: &View<'_>, rest: &[&str], unit: Unit) -> Option<Law> {
    let name = view.read(desk, "dist", super::value::text)?.value;
    let Some((_, wants)) = FAMILIES.iter().find(|(family, _)| *family == name) else {
        let Some(Shape::Choice(known)) = LAW.find("dist").map(|k| k.shape) else { return None };
        unknown_word(desk, "dist", view.get("dist")?, &name, known);
        return None;
    };
    for extra in rest.iter().filter(|k| !wants.contains(k)) {
        desk.push(
            Complaint::error(code::MISPLACED, format!("{} has no `{extra}`", a(&name)))
                .at(view.place_of(extra))
                .help(format!("it is described by {}", listed(wants))),
        );
    }
    family(desk, view, &name, unit)
}

/// One family from its keys; complains about each that is missing or impossible.
fn family(desk: &mut Desk<'_>, view: &View<'_>, name: &str, unit: Unit) -> Option<Law> {
    let wants = FAMILIES.iter().find(|(family, _)| *family == name)?.1;
    let mut numbers = Vec::new();
    for key in wants {
        if !view.has(key) {
            desk.push(
                Complaint::error(code::MISSING_KEY, format!("{} needs `{key}`", a(name)))
                    .at(view.place.clone())
                    .help(format!("it is described by {}", listed(wants))),
            );
            continue;
        }
        let read = match *key {
            "cv" | "alpha" | "shape" => view.read(desk, key, number),
            "k" => view.read(desk, key, |d, k, v| whole(d, k, v).map(|n| n as f64)),
            _ => view.read(desk, key, |d, k, v| quantity(d, k, v, unit)),
        };
        numbers.extend(read.map(|n| n.value));
    }
    if numbers.len() < wants.len() {
        return None;
    }
    let law = assemble(name, &numbers);
    possible(desk, view, &law).then_some(law)
}

/// A word with its article.
fn a(word: &str) -> String {
    format!("{} {word}", if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" })
}

fn assemble(name: &str, n: &[f64]) -> Law {
    match name {
        "constant" => Law::Constant { value: n[0] },
        "exponential" => Law::Exponential { mean: n[0] },
        "lognormal" => Law::Lognormal { mean: n[0], cv: n[1] },
        "erlang" => Law::Erlang { mean: n[0], k: n[1].min(f64::from(u32::MAX)) as u32 },
        "gamma" => Law::Gamma { mean: n[0], cv: n[1] },
        "hyperexponential" => Law::Hyperexponential { mean: n[0], cv: n[1] },
        "pareto" => Law::Pareto { min: n[0], max: n[1], alpha: n[2] },
        "weibull" => Law::Weibull { mean: n[0], shape: n[1] },
        "uniform" => Law::Uniform { min: n[0], max: n[1] },
        "normal" => Law::Normal { mean: n[0], sd: n[1] },
        _ => Law::Geometric { mean: n[0] },
    }
}

/// Whether a distribution with these parameters exists; complains if not.
fn possible(desk: &mut Desk<'_>, view: &View<'_>, law: &Law) -> bool {
    let why = super::super::law_mean::impossible(law);
    if let Some(why) = &why {
        desk.push(Complaint::error(code::DISTRIBUTION, why.clone()).at(view.place.clone()));
    }
    why.is_none()
}

fn percentiles(desk: &mut Desk<'_>, key: &str, view: &View<'_>, unit: Unit) -> Option<Law> {
    let mut points = Vec::new();
    let mut written = 0;
    for (name, q) in PERCENTILES {
        written += usize::from(view.has(name));
        points.extend(view.read(desk, name, |d, k, v| quantity(d, k, v, unit)).map(|v| (q, v.value)));
    }
    if written < 2 {
        desk.push(
            Complaint::error(code::DISTRIBUTION, format!("`{key}`: one percentile does not make a law"))
                .at(view.place.clone())
                .help("give two, such as { p50 = \"8ms\", p99 = \"60ms\" }, or a constant"),
        );
        return None;
    }
    if points.len() < written {
        return None;
    }
    let law = Law::Percentiles(points);
    possible(desk, view, &law).then_some(law)
}

fn mix(desk: &mut Desk<'_>, key: &str, view: &View<'_>, unit: Unit) -> Option<Law> {
    let views = view.list(desk, "mix");
    let mut branches = Vec::new();
    let mut shares = Vec::new();
    for branch in &views {
        debug_assert!(std::ptr::eq(branch.vocab, &raw const BRANCH_LAW));
        shares.push(branch.read(desk, "share", share).map(|s| s.value));
        branches.extend(form(desk, key, branch, unit));
    }
    if views.is_empty() {
        desk.push(Complaint::error(code::DISTRIBUTION, format!("`{key}`: an empty mix")).at(view.place.clone()));
    }
    if branches.len() < views.len() || views.is_empty() {
        return None;
    }
    let shares = fill_shares(desk, &shares, view.place_of("mix"))?;
    Some(Law::Mix(shares.into_iter().zip(branches).collect()))
}

/// Shares that sum to 1: those that are missing divide the rest. Complains where they cannot.
pub(crate) fn fill_shares(
    desk: &mut Desk<'_>,
    shares: &[Option<f64>],
    place: Option<crate::scenario::written::Place>,
) -> Option<Vec<f64>> {
    let sum: f64 = shares.iter().flatten().sum();
    let missing = shares.iter().filter(|s| s.is_none()).count();
    let told = |x: f64| format!("{:.4}", x * 100.0).trim_end_matches('0').trim_end_matches('.').to_owned();
    let why = if sum > 1.0 + 1e-9 {
        format!("the shares add up to {} %, more than all", told(sum))
    } else if missing == 0 && sum < 1.0 - 1e-9 {
        format!("the shares add up to {} %, and none is left open for the rest", told(sum))
    } else {
        let rest = (1.0 - sum).max(0.0) / missing.max(1) as f64;
        return Some(shares.iter().map(|s| s.unwrap_or(rest)).collect());
    };
    let help = "make them add up to 100 %, or leave one out: it takes the rest";
    desk.push(Complaint::error(code::SHARES, why).at(place).help(help));
    None
}

fn measured(desk: &mut Desk<'_>, view: &View<'_>, unit: Unit) -> Option<Law> {
    let path = view.read(desk, "samples", super::value::text)?;
    let values = samples(desk, &path, unit == Unit::Time)?;
    Some(Law::Samples { path: path.value, values })
}
