//! How much hangs together, counted: what a change has to touch grows with these figures, so they may only shrink.
//!
//! `.ci/house` prints them, of this tree or of another.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::source::{files, root, shipped};

/// What is counted, and the most it may be. Whoever brings a figure down writes the new one here.
const BOUNDS: [(&str, usize); 7] = [
    ("files of src/scenario that name a key of the file: median", 2),
    ("the same at most, all tables that declare a key of that name taken as one", 7),
    ("pairs of a word and what it stands for, written apart from it", 0),
    ("fields of the largest struct of src/machine", 15),
    ("files of src/machine that implement Machine", 14),
    ("parts of src/machine (files, folders) in the largest ring of calls", 2),
    ("files of src/machine in the largest ring of calls", 9),
];

#[test]
fn the_house_does_not_grow_together() {
    let counted = counted();
    for ((what, most), (count, who)) in BOUNDS.iter().zip(&counted) {
        println!("{count:4} of {most:3}  {what}  {who}");
    }
    if std::env::var_os("HOPTAX_TREE").is_some() {
        return;
    }
    for ((what, most), (count, who)) in BOUNDS.iter().zip(counted) {
        assert!(count <= *most, "{what}: {count}, and {most} was the most: {who}");
    }
}

/// Each figure of [`BOUNDS`], and what it is a figure of.
fn counted() -> [(usize, String); 7] {
    let files: Vec<(String, String)> = files()
        .into_iter()
        .map(|(file, text)| (shipped(&file, &text), file))
        .map(|(code, file)| (file, code))
        .collect();
    let below = |folder: &str| -> Vec<(&str, &str)> {
        let inside = files.iter().filter_map(|(file, code)| Some((file.strip_prefix(folder)?, code.as_str())));
        inside.collect()
    };
    let (scenario, machine) = (below("scenario/"), below("machine/"));
    let (named, apart) = named(&scenario);
    let median = named.get(named.len() / 2).cloned().unwrap_or_default();
    let most = apart.last().cloned().unwrap_or_default();
    let pairs: usize = scenario.iter().map(|(_, code)| pairs(code)).sum();
    let machines: Vec<&str> =
        machine.iter().filter(|(_, code)| implements(code, "Machine")).map(|(file, _)| *file).collect();
    let ring = |of: fn(&str) -> &str| {
        let ring = largest_ring(&calls(&machine, of));
        let of: BTreeSet<&str> = machine.iter().map(|(file, _)| of(file)).collect();
        (ring.len(), format!("of {}: {}", of.len(), ring.join(" ")))
    };
    [
        (median.0, String::new()),
        most,
        (pairs, String::new()),
        largest_struct(&machine),
        (machines.len(), String::new()),
        ring(part),
        ring(|file| file),
    ]
}

/// Keys of the file, each with how many files name it, few first.
type Named = Vec<(usize, String)>;

/// All keys; and the same with all tables that declare a key of that name as one: `name` may stand in any of them.
fn named(scenario: &[(&str, &str)]) -> (Named, Named) {
    let schema = fs::read_to_string(root().with_file_name("hoptax.schema.json")).unwrap();
    let mut keys = BTreeSet::new();
    properties(&serde_json::from_str(&schema).unwrap(), &mut keys);
    assert!(keys.len() > 100, "the schema has no keys");
    let (mut named, mut apart) = (Named::new(), Named::new());
    for key in keys {
        let (literal, declared) = (format!("\"{key}\""), format!("{key}: "));
        // `table!` names a key as a field: `max: Given<u32> as Or<Count>`.
        let declares = |line: &str| line.trim_start().starts_with(&declared) && line.contains(" as ");
        let names = |code: &str| code.contains(&literal) || code.lines().any(declares);
        let all = scenario.iter().filter(|(_, code)| names(code));
        let (tables, others): (Vec<&str>, Vec<&str>) =
            all.map(|(file, _)| *file).partition(|file| file.starts_with("tables/"));
        named.push((tables.len() + others.len(), key.clone()));
        apart.push((tables.len().min(1) + others.len(), key));
    }
    named.sort();
    apart.sort();
    (named, apart)
}

/// The names of all properties in a schema.
fn properties(schema: &serde_json::Value, keys: &mut BTreeSet<String>) {
    if let Some(inner) = schema.get("properties").and_then(|all| all.as_object()) {
        keys.extend(inner.keys().cloned());
    }
    for inner in
        schema.as_object().into_iter().flat_map(|all| all.values()).chain(schema.as_array().into_iter().flatten())
    {
        properties(inner, keys);
    }
}

/// How often a word stands beside the variant it means: `("fifo", Order::Fifo)`.
fn pairs(code: &str) -> usize {
    let pair = |(at, _): (usize, &str)| {
        let call = code[..at].chars().next_back().is_some_and(|c| is_name(c) || c == '!');
        let (_, rest) = code[at + 1..].trim_start().strip_prefix('"')?.split_once('"')?;
        let (variant, _) = rest.trim_start().strip_prefix(',')?.split_once(')')?;
        let variant = variant.trim().trim_end_matches(',');
        let path = variant.chars().all(|c| is_name(c) || c == ':') && variant.contains("::");
        (!call && path && variant.starts_with(char::is_uppercase)).then_some(())
    };
    code.match_indices('(').filter_map(pair).count()
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether a type is implemented here, apart from traits for it.
fn implements(code: &str, name: &str) -> bool {
    let heads = code.lines().filter(|line| line.starts_with("impl")).filter(|line| !line.contains(" for "));
    heads.into_iter().any(|line| line.split(|c| !is_name(c)).any(|word| word == name))
}

/// The struct with the most fields, and how many those are.
fn largest_struct(files: &[(&str, &str)]) -> (usize, String) {
    let mut all = Vec::new();
    for (_, code) in files {
        let mut lines = code.lines();
        while let Some(line) = lines.next() {
            let Some((_, name)) = line.split_once("struct ") else { continue };
            if line.trim_end().ends_with('{') {
                let fields = lines.by_ref().take_while(|line| *line != "}").filter(|line| line.contains(": "));
                all.push((fields.count(), name.split(|c| !is_name(c)).next().unwrap_or_default().to_owned()));
            }
        }
    }
    all.into_iter().max().unwrap_or_default()
}

/// The part a file belongs to: its folder in `src/machine`, or the file itself.
fn part(file: &str) -> &str {
    file.split('/').next().unwrap_or(file)
}

/// From part to part, whose functions call whose. A name that several parts define is followed where the path says which.
fn calls<'a>(files: &[(&'a str, &'a str)], of: fn(&str) -> &str) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut homes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, code) in files {
        for name in after(code, "fn ").into_iter().chain(after(code, "struct ")).chain(after(code, "enum ")) {
            homes.entry(name).or_default().insert(of(file));
        }
    }
    let home = |name: &str| homes.get(name).filter(|homes| homes.len() == 1).and_then(BTreeSet::first).copied();
    let mut calls: BTreeMap<&str, BTreeSet<&str>> = files.iter().map(|(file, _)| (of(file), BTreeSet::new())).collect();
    for (file, code) in files {
        let called = code.match_indices('(').filter_map(|(at, _)| called(&code[..at])).filter_map(|(before, name)| {
            let path =
                before.strip_suffix("::").map(|path| &path[path.rfind(|c| !is_name(c)).map_or(0, |at| at + 1)..]);
            let module = path.and_then(|path| calls_home(path, files, of));
            if COMMON.contains(&name) && before.ends_with('.') {
                return None;
            }
            path.and_then(home).or(module).or_else(|| home(name))
        });
        let called: BTreeSet<&str> = called.filter(|to| *to != of(file)).collect();
        calls.get_mut(of(file)).unwrap().extend(called);
    }
    calls
}

/// Methods of the standard library that parts have too: `.take()` says nothing of whose it is.
const COMMON: [&str; 40] = [
    "abs", "add", "all", "any", "append", "clear", "clone", "contains", "count", "default", "drain", "end", "entry",
    "extend", "fill", "find", "first", "get", "get_mut", "insert", "is_empty", "iter", "last", "len", "max", "min",
    "next", "pop", "position", "push", "remove", "replace", "reserve", "resize", "retain", "start", "step", "sum",
    "swap", "take",
];

/// The part that a module's name stands for.
fn calls_home<'a>(module: &str, files: &[(&'a str, &'a str)], of: fn(&str) -> &str) -> Option<&'a str> {
    let mut found = files.iter().filter(|(file, _)| {
        let stem = file.strip_suffix(".rs").unwrap_or(file);
        let stem = stem.strip_suffix("/mod").unwrap_or(stem);
        stem.rsplit('/').next() == Some(module)
    });
    found.next().map(|(file, _)| of(file))
}

/// The name that stands before an opening parenthesis, and what stands before it; nothing where it is being defined.
fn called(before: &str) -> Option<(&str, &str)> {
    let before = before.strip_suffix('>').map_or(before, |generic| &generic[..generic.rfind("::<").unwrap_or(0)]);
    let start = before.rfind(|c| !is_name(c)).map_or(0, |at| at + 1);
    let (before, name) = before.split_at(start);
    (name.starts_with(|c: char| c.is_lowercase()) && !before.ends_with("fn ")).then_some((before, name))
}

/// The names that follow a word.
fn after<'a>(code: &'a str, word: &str) -> Vec<&'a str> {
    let starts = code.match_indices(word).filter(|(at, _)| !code[..*at].ends_with(is_name));
    let names = starts.map(|(at, _)| &code[at + word.len()..]);
    names
        .map(|rest| &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())])
        .filter(|name| !name.is_empty())
        .collect()
}

/// The largest set of parts of which each reaches each other.
fn largest_ring<'a>(calls: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<&'a str> {
    let reach = |from: &'a str| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(at) = next.pop() {
            for to in calls.get(at).into_iter().flatten() {
                if seen.insert(*to) {
                    next.push(to);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> = calls.keys().map(|from| (*from, reach(from))).collect();
    let rings = reached.iter().map(|(part, to)| -> Vec<&str> {
        to.iter().copied().filter(|other| reached.get(other).is_some_and(|back| back.contains(part))).collect()
    });
    rings.max_by_key(Vec::len).unwrap_or_default()
}

#[test]
fn what_is_counted_is_seen() {
    assert_eq!(pairs(r#"[("a", Kind::A), ("b", crate::Kind::B), f("c", Kind::C), ("d", Kind::D, 1), ("e", E)]"#), 1);
    assert!(
        implements("impl<P: Probe> Machine<'_, P> {", "Machine") && !implements("impl Drop for Machine {", "Machine")
    );
    assert_eq!(
        largest_struct(&[("a.rs", "pub struct A<T> {\n    a: u8,\n    pub b: T,\n}\nstruct B(u8);")]),
        (2, "A".into())
    );
    let machine = [
        ("a/mod.rs", "fn up() { self.across(); }"),
        ("a/more.rs", "fn own() { up() }"),
        ("b.rs", "fn across() { c::same(1) }"),
        ("c.rs", "fn same() { up() } fn new() {}"),
        ("d.rs", "fn same() { up(); new() }"),
    ];
    assert_eq!(largest_ring(&calls(&machine, part)), ["a", "b.rs", "c.rs"]);
}
