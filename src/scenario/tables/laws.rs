//! A number that varies: its forms, its families, its mean.

use toml::de::DeValue;

use super::super::declare::{Kind, Spoken, words};
use super::super::print::quoted;
use super::super::read::{self, Desk, Value, View, bad, listed, number, wrong_kind};
use super::super::vocab::{Key, Shape, Table, key};
use super::super::walk::laws_of;
use super::super::written::{Arrivals, Load, Place, Scenario};
use crate::diag::{Complaint, code};
use crate::random::dist::{Dist, Law};
use crate::units::{Span, parse_nanos};

words! {
    /// The families that have a word.
    enum Family {
        Constant = "constant", "Always the same: { dist = \"constant\", value = \"8ms\" }.";
        Exponential = "exponential", "Memoryless: { dist = \"exponential\", mean = \"5ms\" }.";
        Lognormal = "lognormal", "By mean and coefficient of variation: { dist = \"lognormal\", mean = \"5ms\", cv = 1.5 }.";
        Erlang = "erlang", "The sum of k exponentials: { dist = \"erlang\", mean = \"5ms\", k = 4 }.";
        Gamma = "gamma", "By mean and coefficient of variation: { dist = \"gamma\", mean = \"5ms\", cv = 0.5 }.";
        Hyperexponential = "hyperexponential", "Two exponentials with balanced means, cv at least 1: { dist = \"hyperexponential\", mean = \"5ms\", cv = 3.0 }.";
        Pareto = "pareto", "Bounded Pareto, a heavy tail cut off: { dist = \"pareto\", min = \"1ms\", max = \"10s\", alpha = 1.5 }.";
        Weibull = "weibull", "By mean and shape, below 1 heavier than exponential: { dist = \"weibull\", mean = \"5ms\", shape = 0.7 }.";
        Uniform = "uniform", "Anything in between alike: { dist = \"uniform\", min = \"1ms\", max = \"9ms\" }.";
        Normal = "normal", "Truncated at 0: { dist = \"normal\", mean = \"5ms\", sd = \"1ms\" }.";
        Geometric = "geometric", "Counts from 1: { dist = \"geometric\", mean = 10 }.";
    }
}

impl Family {
    /// The keys that describe it, in order.
    fn wants(self) -> &'static [&'static str] {
        match self {
            Self::Constant => &["value"],
            Self::Exponential | Self::Geometric => &["mean"],
            Self::Lognormal | Self::Gamma | Self::Hyperexponential => &["mean", "cv"],
            Self::Erlang => &["mean", STAGES],
            Self::Pareto => &["min", "max", "alpha"],
            Self::Weibull => &["mean", "shape"],
            Self::Uniform => &["min", "max"],
            Self::Normal => &["mean", "sd"],
        }
    }

    /// The law of these numbers, one for each key.
    fn law(self, n: &[f64]) -> Law {
        match self {
            Self::Constant => Law::Constant { value: n[0] },
            Self::Exponential => Law::Exponential { mean: n[0] },
            Self::Lognormal => Law::Lognormal { mean: n[0], cv: n[1] },
            Self::Erlang => Law::Erlang { mean: n[0], k: n[1].min(f64::from(u32::MAX)) as u32 },
            Self::Gamma => Law::Gamma { mean: n[0], cv: n[1] },
            Self::Hyperexponential => Law::Hyperexponential { mean: n[0], cv: n[1] },
            Self::Pareto => Law::Pareto { min: n[0], max: n[1], alpha: n[2] },
            Self::Weibull => Law::Weibull { mean: n[0], shape: n[1] },
            Self::Uniform => Law::Uniform { min: n[0], max: n[1] },
            Self::Normal => Law::Normal { mean: n[0], sd: n[1] },
            Self::Geometric => Law::Geometric { mean: n[0] },
        }
    }

    /// The family of a law, if it has one, and its numbers.
    fn of_law(law: &Law) -> Option<(Self, Vec<f64>)> {
        Some(match *law {
            Law::Constant { value } => (Self::Constant, vec![value]),
            Law::Exponential { mean } => (Self::Exponential, vec![mean]),
            Law::Lognormal { mean, cv } => (Self::Lognormal, vec![mean, cv]),
            Law::Erlang { mean, k } => (Self::Erlang, vec![mean, f64::from(k)]),
            Law::Gamma { mean, cv } => (Self::Gamma, vec![mean, cv]),
            Law::Hyperexponential { mean, cv } => (Self::Hyperexponential, vec![mean, cv]),
            Law::Pareto { min, max, alpha } => (Self::Pareto, vec![min, max, alpha]),
            Law::Weibull { mean, shape } => (Self::Weibull, vec![mean, shape]),
            Law::Uniform { min, max } => (Self::Uniform, vec![min, max]),
            Law::Normal { mean, sd } => (Self::Normal, vec![mean, sd]),
            Law::Geometric { mean } => (Self::Geometric, vec![mean]),
            Law::Percentiles(_) | Law::Mix(_) | Law::Samples { .. } => return None,
        })
    }
}

/// Keys that are plain numbers, whatever the law counts, and the one that is a whole number.
const PLAIN: [&str; 3] = ["cv", "alpha", "shape"];
const STAGES: &str = "k";

const FORMS: &[Key] = &[
    key("value", Shape::Duration, "Always the same; same as the plain text."),
    key("dist", Family::SHAPE, "The family; without it, `mean` alone is exponential and percentiles are fitted."),
    key("mean", Shape::Duration, "The mean; alone: exponential."),
    key("cv", Shape::Number, "Coefficient of variation: standard deviation ÷ mean."),
    key("k", Shape::Whole, "Stages of an erlang."),
    key("alpha", Shape::Number, "Tail index of a pareto; smaller is heavier."),
    key("shape", Shape::Number, "Shape of a weibull; below 1 is heavier than exponential."),
    key("min", Shape::Duration, "Smallest value (pareto, uniform)."),
    key("max", Shape::Duration, "Largest value (pareto, uniform)."),
    key("sd", Shape::Duration, "Standard deviation of a normal."),
    key("p50", Shape::Duration, "Median; any two percentiles make a log-normal through both, more a monotone fit."),
    key("p90", Shape::Duration, "90 % are at most this."),
    key("p95", Shape::Duration, "95 % are at most this."),
    key("p99", Shape::Duration, "99 % are at most this."),
    key("p999", Shape::Duration, "99.9 % are at most this."),
];

const SHARE: &[Key] = &[key("share", Shape::Share, "How often this branch of the mix is drawn.")];

// A static: a mix is a list of laws, and constants cannot go in circles.
static WHOLE: [Key; 2] = [
    key("mix", Shape::Tables(&BRANCH_LAW), "One of several laws, each with its share; a missing share is the rest."),
    key(
        "samples",
        Shape::Text,
        "A CSV file of measured values, one per line: with a unit each, or with a header that names it (`ms`).",
    ),
];

/// A time that varies.
pub static LAW: Table = Table {
    name: "a number that varies",
    doc: "\"8ms\" (constant), { mean = \"5ms\" } (exponential), { p50 = \"8ms\", p99 = \"60ms\" } (log-normal through \
          both), { dist = …, … }, { mix = [{ share = \"99%\", … }, …] } or { samples = \"measured.csv\" }.",
    keys: &[FORMS, &WHOLE],
};

/// One branch of a mix.
pub static BRANCH_LAW: Table =
    Table { name: "a branch of a mix", doc: "Any law, with its share.", keys: &[SHARE, FORMS, &WHOLE] };

/// A count that varies: the same keys, numbers without unit.
pub static COUNTS: Table = Table {
    name: "a count that varies",
    doc: "10 (always), or a law over plain numbers, such as { dist = \"geometric\", mean = 10 }.",
    keys: &[FORMS, &WHOLE],
};

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
    if unit == Unit::Time && !value.get_ref().is_str() && read::as_number(value).is_none() {
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
    let text = read::time_text(desk, key, value)?;
    parse_nanos(text).map_err(|why| bad(desk, key, value, &why)).ok()
}

/// The percentiles people name.
const PERCENTILES: [(&str, f64); 5] = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999)];

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
        ["value"] => one_family(desk, view, Family::Constant, unit),
        ["mean"] => one_family(desk, view, Family::Exponential, unit),
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
    let family = view.read(desk, "dist", Family::read)?.value;
    let wants = family.wants();
    for extra in rest.iter().filter(|k| !wants.contains(k)) {
        desk.push(
            Complaint::error(code::MISPLACED, format!("{} has no `{extra}`", a(family.word())))
                .at(view.place_of(extra))
                .help(format!("it is described by {}", listed(wants))),
        );
    }
    one_family(desk, view, family, unit)
}

/// One family from its keys; complains about each that is missing or impossible.
fn one_family(desk: &mut Desk<'_>, view: &View<'_>, family: Family, unit: Unit) -> Option<Law> {
    let wants = family.wants();
    let mut numbers = Vec::new();
    for key in wants {
        if !view.has(key) {
            desk.push(
                Complaint::error(code::MISSING_KEY, format!("{} needs `{key}`", a(family.word())))
                    .at(view.place.clone())
                    .help(format!("it is described by {}", listed(wants))),
            );
            continue;
        }
        let read = match *key {
            plain if PLAIN.contains(&plain) => view.read(desk, key, number),
            STAGES => view.read(desk, key, |d, k, v| read::whole(d, k, v).map(|n| n as f64)),
            _ => view.read(desk, key, |d, k, v| quantity(d, k, v, unit)),
        };
        numbers.extend(read.map(|n| n.value));
    }
    if numbers.len() < wants.len() {
        return None;
    }
    let law = family.law(&numbers);
    possible(desk, view, &law).then_some(law)
}

/// A word with its article.
fn a(word: &str) -> String {
    format!("{} {word}", if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" })
}

/// Whether a distribution with these parameters exists; complains if not.
fn possible(desk: &mut Desk<'_>, view: &View<'_>, law: &Law) -> bool {
    let why = Dist::new(law).err();
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
        shares.push(branch.read(desk, "share", read::share).map(|s| s.value));
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
pub(crate) fn fill_shares(desk: &mut Desk<'_>, shares: &[Option<f64>], place: Option<Place>) -> Option<Vec<f64>> {
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
    let path = view.read(desk, "samples", read::text)?;
    let values = read::samples(desk, &path, unit == Unit::Time)?;
    Some(Law::Samples { path: path.value, values })
}
/// A law over times.
pub(in crate::scenario) fn print(law: &Law) -> String {
    match law {
        Law::Constant { value } => span(*value),
        other => table(other),
    }
}

/// A law over counts.
pub(in crate::scenario) fn print_counts(law: &Law) -> String {
    match law {
        Law::Constant { value } => format!("{value:?}"),
        other => braces(&parts(other, &|x| format!("{x:?}"))),
    }
}

/// A law over times as a table, constants too.
pub(in crate::scenario) fn table(law: &Law) -> String {
    braces(&parts(law, &span))
}

/// A time in quotes, in the form that reads back to the very same number.
pub(in crate::scenario) fn span(nanos: f64) -> String {
    let short = Span(nanos as u64).to_string();
    if parse_nanos(&short) == Ok(nanos) { format!("\"{short}\"") } else { format!("\"{nanos}ns\"") }
}

fn braces(parts: &[String]) -> String {
    format!("{{ {} }}", parts.join(", "))
}

fn parts(law: &Law, unit: &dyn Fn(f64) -> String) -> Vec<String> {
    if let Some((family, numbers)) = Family::of_law(law) {
        return of_family(family, &numbers, unit);
    }
    match law {
        Law::Percentiles(points) => points.iter().map(|(q, x)| format!("{} = {}", percentile(*q), unit(*x))).collect(),
        Law::Mix(branches) => {
            let branch =
                |(share, law): &(f64, Law)| braces(&[vec![format!("share = {share:?}")], parts(law, unit)].concat());
            vec![format!("mix = [{}]", branches.iter().map(branch).collect::<Vec<_>>().join(", "))]
        }
        Law::Samples { path, .. } => vec![format!("samples = {}", quoted(path))],
        _ => Vec::new(),
    }
}

/// The two simplest say by their keys what they are.
fn of_family(family: Family, numbers: &[f64], unit: &dyn Fn(f64) -> String) -> Vec<String> {
    let plain = matches!(family, Family::Constant | Family::Exponential);
    let mut all = if plain { Vec::new() } else { vec![format!("dist = {}", Family::print(&family))] };
    all.extend(family.wants().iter().zip(numbers).map(|(key, n)| match *key {
        plain if PLAIN.contains(&plain) => format!("{key} = {n:?}"),
        STAGES => format!("{key} = {n}"),
        _ => format!("{key} = {}", unit(*n)),
    }));
    all
}

/// The key of a quantile.
fn percentile(q: f64) -> &'static str {
    PERCENTILES.iter().find(|(_, of)| q <= *of).map_or(PERCENTILES[4].0, |(key, _)| key)
}

/// What the files say that a scenario names: the same path with other contents is another scenario.
pub(in crate::scenario) fn numbers_of_files(scenario: &Scenario) -> Vec<f64> {
    let mut all = Vec::new();
    laws_of(scenario, &mut |law| contents(law, &mut all));
    for client in scenario.clients.values() {
        if let Load::Open { arrivals, .. } = &client.load
            && let Arrivals::Replay { times, .. } = &arrivals.value
        {
            all.extend(times.iter().map(|t| t.0 as f64));
        }
    }
    all
}

fn contents(law: &Law, out: &mut Vec<f64>) {
    match law {
        Law::Samples { values, .. } => out.extend(values),
        Law::Mix(branches) => branches.iter().for_each(|(_, law)| contents(law, out)),
        _ => {}
    }
}
