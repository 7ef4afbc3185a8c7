//! What a scenario of the gallery claims about its figures: `# claim: FIGURE BOUND [with VARIANT]` in its opening comment.
//!
//! A figure is named as the JSON names it (`clients.web.latency_ms.p99`); of one that has an interval its value is meant. A
//! bound is `in A..B`, `< A`, `> A` or `= A`. What begins with `diagnosis.` is a figure of `hoptax diagnose`.

use hoptax::experiment::diagnosis::diagnose;
use hoptax::experiment::summary::Summary;
use hoptax::scenario::{Source, load, variant_edits};
use serde_json::Value;

/// A line that names a figure and a bound.
#[derive(Debug, PartialEq)]
struct Claim<'t> {
    figure: &'t str,
    bound: Bound,
    variant: Option<&'t str>,
}

#[derive(Debug, PartialEq)]
enum Bound {
    In(f64, f64),
    Below(f64),
    Above(f64),
    Is(f64),
}

impl Bound {
    fn holds(&self, figure: f64) -> bool {
        match *self {
            Self::In(low, high) => (low..=high).contains(&figure),
            Self::Below(high) => figure < high,
            Self::Above(low) => figure > low,
            Self::Is(exactly) => figure == exactly,
        }
    }
}

/// What a text claims, and what does not hold of these runs of it and of its variants.
pub(crate) fn broken(source: &Source, runs: &[Summary]) -> (usize, Vec<String>) {
    let lines: Vec<&str> = source.text.lines().filter_map(|line| line.strip_prefix("# claim: ")).collect();
    let told =
        lines.iter().filter_map(|line| broken_claim(line, source, runs).err().map(|why| format!("`{line}`: {why}")));
    (lines.len(), told.collect())
}

fn broken_claim(line: &str, source: &Source, runs: &[Summary]) -> Result<(), String> {
    let claim = read(line).ok_or("is no claim; write `FIGURE in A..B`, `< A`, `> A` or `= A`, and `with VARIANT`")?;
    let run = runs.iter().find(|run| run.scenario.variant.as_deref() == claim.variant).ok_or("no such variant")?;
    let json = match claim.figure.strip_prefix("diagnosis.") {
        Some(_) => serde_json::json!({ "diagnosis": diagnosed(source, claim.variant)? }),
        None => serde_json::to_value(run).map_err(|e| e.to_string())?,
    };
    let found = find(&json, claim.figure).ok_or("no such figure")?;
    let figure = found.get("value").unwrap_or(found).as_f64().ok_or_else(|| format!("it is {found}"))?;
    if claim.bound.holds(figure) { Ok(()) } else { Err(format!("it is {figure}")) }
}

fn diagnosed(source: &Source, variant: Option<&str>) -> Result<Value, String> {
    let written = load(source, &[]).map_err(|rejected| rejected.to_string())?;
    let edits = variant.and_then(|name| variant_edits(written.scenario(), name)).unwrap_or_default();
    let checked = load(source, &edits).map_err(|rejected| rejected.to_string())?;
    serde_json::to_value(diagnose(&checked)).map_err(|e| e.to_string())
}

fn read(line: &str) -> Option<Claim<'_>> {
    let (line, variant) = line.split_once(" with ").map_or((line, None), |(line, variant)| (line, Some(variant)));
    for (word, bound) in [(" < ", Bound::Below as fn(f64) -> Bound), (" > ", Bound::Above), (" = ", Bound::Is)] {
        if let Some((figure, number)) = line.split_once(word) {
            return Some(Claim { figure, bound: bound(number.parse().ok()?), variant });
        }
    }
    let (figure, range) = line.split_once(" in ")?;
    let (low, high) = range.split_once("..")?;
    Some(Claim { figure, bound: Bound::In(low.parse().ok()?, high.parse().ok()?), variant })
}

/// A figure by its path; names may have dots of their own, so the longest that is there is followed.
fn find<'v>(json: &'v Value, path: &str) -> Option<&'v Value> {
    if path.is_empty() {
        return Some(json);
    }
    let follow = |name: &str| path.strip_prefix(name).filter(|rest| rest.is_empty() || rest.starts_with('.'));
    let names = json.as_object()?.iter().filter_map(|(name, inner)| Some((name.len(), follow(name)?, inner)));
    let (_, rest, inner) = names.max_by_key(|(length, ..)| *length)?;
    find(inner, rest.trim_start_matches('.'))
}

#[test]
fn a_claim_is_read_and_found() {
    let bound = Bound::In(0.5, 7.0);
    let read_as = Claim { figure: "edges.a -> b.c.tries", bound, variant: Some("slow") };
    assert_eq!(read("edges.a -> b.c.tries in 0.5..7 with slow"), Some(read_as));
    assert_eq!(read("x < 3"), Some(Claim { figure: "x", bound: Bound::Below(3.0), variant: None }));
    assert_eq!(read("x about 3"), None);
    let json = serde_json::json!({ "edges": { "a": { "b": 1 }, "a.b": 2 } });
    assert_eq!(find(&json, "edges.a.b"), Some(&Value::from(2)));
    assert_eq!(find(&json, "edges.a.c"), None);
}
