//! A file that shows one thing: the scenario with one fault, one promise, a seed, and nothing that is not needed for that.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, Value};

use super::super::declare::Spoken as _;
use super::super::written::{Fault, FaultKind, Given, Scope, Slo, Unavailable};
use crate::diag::Source;
use crate::units::Span;

/// The text of a scenario with this fault alone and this promise alone, its variants and comments gone; `head` stands above
/// it, a comment a line.
pub fn reproducer(
    source: &Source,
    fault: &Fault,
    promise: &Slo,
    (seed, replications): (u64, u32),
    head: &[String],
) -> String {
    let Ok(mut document) = source.text.parse::<DocumentMut>() else { return source.text.clone() };
    for gone in ["variants", "sweep", "faults", "slos", "description"] {
        document.remove(gone);
    }
    let sim = document.entry("sim").or_insert(Item::Table(Table::new()));
    if let Some(sim) = sim.as_table_like_mut() {
        sim.insert("seed", whole(seed));
        sim.insert("replications", whole(u64::from(replications)));
    }
    document.insert("faults", list(fault_keys(fault)));
    document.insert("slos", list(promise_keys(promise)));
    let text = without_comments(&document.to_string());
    let head: Vec<String> = head.iter().map(|line| format!("# {line}")).collect();
    format!("{}\n\n{}", head.join("\n"), text.trim_start())
}

fn whole(n: u64) -> Item {
    Item::Value(Value::from(i64::try_from(n).unwrap_or(i64::MAX)))
}

/// A list of one table.
fn list(keys: Vec<(&'static str, Value)>) -> Item {
    let mut table = Table::new();
    keys.into_iter().for_each(|(key, value)| drop(table.insert(key, Item::Value(value))));
    let mut all = ArrayOfTables::new();
    all.push(table);
    Item::ArrayOfTables(all)
}

/// What a fault that comes once says.
fn fault_keys(fault: &Fault) -> Vec<(&'static str, Value)> {
    let mut keys: Vec<(&'static str, Value)> = vec![
        ("name", fault.name.value.as_str().into()),
        ("kind", fault.kind.value.word().into()),
        ("target", fault.target.value.as_str().into()),
    ];
    let known = fault.kind.value.words();
    if known.contains(&"mode") && fault.kind.value != FaultKind::Partition && fault.mode.value != Unavailable::Refuse {
        keys.push(("mode", fault.mode.value.word().into()));
    }
    if let Some(factor) = fault.factor.value {
        keys.push(("factor", factor.into()));
    }
    if let Some(replicas) = fault.replicas.value {
        keys.push(("replicas", i64::from(replicas).into()));
    }
    keys.extend(fault.at().map(|at| ("at", time(at))));
    keys.extend(fault.duration.value.map(|length| ("duration", time(length))));
    keys
}

fn time(span: Span) -> Value {
    span.to_string().into()
}

fn promise_keys(promise: &Slo) -> Vec<(&'static str, Value)> {
    let mut keys: Vec<(&'static str, Value)> = Vec::new();
    if !promise.name.is_default() {
        keys.push(("name", promise.name.value.as_str().into()));
    }
    keys.push(("of", promise.of.value.as_str().into()));
    keys.push(("expect", promise.expect.value.as_str().into()));
    match promise.scope.as_ref().map(|scope| &scope.value) {
        Some(Scope::OutsideFaults) => keys.push(("outside_faults", true.into())),
        Some(Scope::During(name)) => keys.push(("during", name.as_str().into())),
        Some(Scope::AfterFault(name)) => keys.push(("after_fault", name.as_str().into())),
        None => {}
    }
    keys
}

/// A text without the lines that are comments, and without gaps where they stood.
fn without_comments(text: &str) -> String {
    // In a text over several lines a line that looks like a comment is none.
    if text.contains("\"\"\"") || text.contains("'''") {
        return text.to_owned();
    }
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        if !(line.trim().is_empty() && lines.last().is_none_or(|last| last.trim().is_empty())) {
            lines.push(line);
        }
    }
    lines.join("\n") + "\n"
}

/// A promise that somebody recovers from a fault within a time.
pub fn recovers(of: &str, within: Span, fault: &str) -> Slo {
    let expect = format!("recovery_time < {within}");
    Slo {
        name: Given::default(format!("{of} {expect}")),
        of: Given::default(of.to_owned()),
        promise: super::super::tables::slos::promise(&expect).unwrap_or_default(),
        expect: Given::default(expect),
        outside_faults: Given::default(false),
        during: None,
        after_fault: Some(Given::default(fault.to_owned())),
        scope: Some(Given::default(Scope::AfterFault(fault.to_owned()))),
    }
}
