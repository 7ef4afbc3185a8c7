//! Words of the vocabulary, put into a scenario one after the other: what the check refuses is taken out again. The tables
//! themselves say which words there are, so that a new one is drawn as soon as it is read.

use hoptax::scenario::vocab::{FILE, Shape, Table, VERBS};
use hoptax::scenario::{Edit, Source, load};

use super::dice::Dice;
use super::skeleton::{NAMES, law, skeleton};

/// A scenario, and the words that were put into it.
pub(crate) struct Drawn {
    /// Its text.
    pub(crate) text: String,
    /// Paths that were set.
    pub(crate) paths: Vec<String>,
}

/// The valid scenario of a seed.
pub(crate) fn scenario(seed: u64) -> Drawn {
    let mut dice = Dice::new(seed);
    let mut source = Source::text("drawn", skeleton(&mut dice));
    while load(&source, &[]).is_err() {
        source = Source::text("drawn", skeleton(&mut dice));
    }
    let mut paths = Vec::new();
    for _ in 0..4 + dice.below(12) {
        let few = 1 + dice.below(3);
        let edits: Vec<Edit> = (0..few).flat_map(|_| edits(&mut dice, &source.text)).collect();
        if let Ok(checked) = load(&source, &edits) {
            source = checked.source().clone();
            edits.iter().for_each(|edit| words(edit, &mut paths));
        }
    }
    Drawn { text: source.text, paths }
}

/// The words of a change: what of its path is none but a name or a number is left out, and a table in it has words of its own.
fn words(edit: &Edit, all: &mut Vec<String>) {
    let parts: Vec<&str> = edit.path.split('.').collect();
    let key = parts[parts.len() - 1];
    let family = ["consumes", "worker_pools"].into_iter().find(|inner| parts.contains(inner)).unwrap_or(parts[0]);
    all.push(format!("{family}.{key}"));
    let inner = edit.value.split(['{', ',']).filter_map(|part| part.split_once(" = "));
    all.extend(inner.map(|(word, _)| format!("{key}.{}", word.trim())));
}

/// A change somewhere: of one key, or of several that may mean nothing without each other.
fn edits(dice: &mut Dice, text: &str) -> Vec<Edit> {
    if dice.percent(25) && text.contains("[queues.q]") {
        return if dice.percent(70) { consumer(dice) } else { pool(dice) };
    }
    edit(dice, text).into_iter().collect()
}

/// A few keys of an entry of `consumes`.
fn consumer(dice: &mut Dice) -> Vec<Edit> {
    let (Some(table), nth) = (inner_table("consumes"), dice.below(5)) else { return Vec::new() };
    some(dice, table, &format!("services.reader.consumes.{nth}"))
}

/// A few keys of the worker pool.
fn pool(dice: &mut Dice) -> Vec<Edit> {
    inner_table("worker_pools").map_or_else(Vec::new, |table| some(dice, table, "services.reader.worker_pools.both"))
}

/// A table within that of services.
fn inner_table(name: &str) -> Option<&'static Table> {
    let Shape::Named(services) = FILE.find("services")?.shape else { return None };
    match services.find(name)?.shape {
        Shape::Tables(table) | Shape::Named(table) => Some(table),
        _ => None,
    }
}

/// Between one and four keys of a table.
fn some(dice: &mut Dice, table: &'static Table, path: &str) -> Vec<Edit> {
    let mut all: Vec<Edit> = Vec::new();
    for _ in 0..=dice.below(4) {
        let Some((key, value)) = key_of(dice, table) else { continue };
        let path = format!("{path}.{key}");
        if all.iter().all(|edit| edit.path != path) {
            all.push(Edit { path, value, origin: "generate".into() });
        }
    }
    all
}

/// A change of one key somewhere.
fn edit(dice: &mut Dice, text: &str) -> Option<Edit> {
    let families = [
        "sim",
        "network",
        "discovery",
        "clients",
        "services",
        "gateways",
        "databases",
        "externals",
        "caches",
        "queues",
        "topics",
        "policies",
        "faults",
        "slos",
        "transports",
        "defaults",
        "steps",
    ];
    let family = dice.one(&families);
    if family == "steps" {
        return step(dice, text);
    }
    let mut path = family.to_owned();
    let table = match FILE.find(family)?.shape {
        Shape::One(table) => table,
        Shape::Named(table) => {
            let heads = text.lines().filter_map(|line| line.strip_prefix(&format!("[{family}."))?.strip_suffix(']'));
            let names: Vec<&str> = heads.filter(|name| !name.contains('.')).collect();
            let name = if family == "transports" {
                dice.one(&["rest", "grpc", "free"])
            } else if names.is_empty() {
                return None;
            } else {
                dice.one(&names)
            };
            path = format!("{path}.{name}");
            table
        }
        Shape::Tables(table) => {
            let there = text.matches(&format!("[[{family}]]")).count();
            if there == 0 {
                return None;
            }
            path = format!("{path}.{}", dice.below(there));
            table
        }
        _ => return None,
    };
    let (key, value) = key_of(dice, table)?;
    Some(Edit { path: format!("{path}.{key}"), value, origin: "generate".into() })
}

/// A change of a step of a service.
fn step(dice: &mut Dice, text: &str) -> Option<Edit> {
    let (at, nth) = (dice.below(4), dice.below(3));
    if !text.contains(&format!("[services.s{at}]")) {
        return None;
    }
    let (_, table) = VERBS[dice.below(VERBS.len())];
    let (key, value) = key_of(dice, table)?;
    Some(Edit { path: format!("services.s{at}.steps.{nth}.{key}"), value, origin: "generate".into() })
}

/// A key of a table that is not itself a family of tables, and a value.
fn key_of(dice: &mut Dice, table: &'static Table) -> Option<(&'static str, String)> {
    let keys: Vec<_> = table.all().filter(|key| !key.later).collect();
    let key = keys[dice.below(keys.len())];
    Some((key.name, value(dice, key.name, key.shape, 0)?))
}

/// A value of a shape.
fn value(dice: &mut Dice, name: &str, shape: Shape, depth: usize) -> Option<String> {
    let word = |dice: &mut Dice, words: &'static [hoptax::scenario::vocab::Word]| {
        let word = &words[dice.below(words.len())];
        (!word.later).then(|| format!("\"{}\"", word.word))
    };
    let duration = |dice: &mut Dice| {
        dice.one(&["\"0s\"", "\"20us\"", "\"1ms\"", "\"5ms\"", "\"40ms\"", "\"300ms\"", "\"2s\""]).to_owned()
    };
    let whole = |dice: &mut Dice| dice.one(&["0", "1", "2", "3", "8", "50"]).to_owned();
    let share = |dice: &mut Dice| dice.one(&["\"0%\"", "\"1%\"", "\"30%\"", "\"80%\"", "\"100%\"", "0.5"]).to_owned();
    Some(match shape {
        Shape::Number => dice.one(&["0.0", "0.5", "1.0", "1.5", "2.0", "10.0"]).to_owned(),
        Shape::Flag => dice.one(&["true", "false"]).to_owned(),
        Shape::Duration => duration(dice),
        Shape::Rate => dice.one(&["\"1/s\"", "\"40/s\"", "\"300/s\"", "\"600/min\""]).to_owned(),
        Shape::Size => dice.one(&["\"0B\"", "\"1KB\"", "\"60KB\"", "\"1MB\""]).to_owned(),
        Shape::Bandwidth => dice.one(&["\"100KB/s\"", "\"10MB/s\"", "\"1Gbit/s\""]).to_owned(),
        Shape::Zone => dice.one(&["\"r1\"", "\"r1/a\"", "\"r1/b\"", "\"r2/a\"", "\"r1/a/h\""]).to_owned(),
        Shape::Choice(words) => word(dice, words)?,
        Shape::Or(any) => {
            let one = any[dice.below(any.len())];
            value(dice, name, one, depth)?
        }
        Shape::Law | Shape::LawTable => law(dice).to_owned(),
        Shape::Whole => whole(dice),
        Shape::Share | Shape::Weight => share(dice),
        Shape::List(Shape::Choice(words)) => {
            let some: Vec<String> = words
                .iter()
                .filter(|word| !word.later && dice.percent(50))
                .map(|w| format!("\"{}\"", w.word))
                .collect();
            format!("[{}]", some.join(", "))
        }
        Shape::List(Shape::Zone) => dice.one(&["[\"r1/a\", \"r1/b\"]", "[\"r1/a\", \"r1/a\", \"r2/a\"]"]).to_owned(),
        Shape::List(Shape::Number) => dice.one(&["[1, 2]", "[2.0, 0, 1]"]).to_owned(),
        Shape::List(Shape::Name) => format!("[\"{}\"]", dice.one(&NAMES)),
        Shape::Words(words) => format!("{{ common = {} }}", word(dice, words)?),
        Shape::Text | Shape::Name | Shape::Target => match name {
            "name" | "description" | "samples" | "file" | "expect" => return None,
            "key" => "\"order\"".into(),
            "group" => "\"r\"".into(),
            "from" => dice.one(&["\"q\"", "\"q2\"", "\"t\"", "\"later\""]).to_owned(),
            "dead_letter" => dice.one(&["\"dead\"", "\"later\""]).to_owned(),
            "broker" => "\"rabbit\"".into(),
            "worker_pool" => "\"both\"".into(),
            "policy" => dice.one(&["\"p0\"", "\"p1\""]).to_owned(),
            _ => format!("\"{}\"", dice.one(&NAMES)),
        },
        Shape::One(table) if name == "key" => inline_with(dice, table, depth, "name = \"customer\", keys = 7"),
        Shape::One(table) if depth < 2 => inline(dice, table, depth),
        Shape::Tables(table) if depth < 2 => {
            let all: Vec<String> = (0..=dice.below(2)).map(|_| inline(dice, table, depth)).collect();
            format!("[{}]", all.join(", "))
        }
        Shape::Steps => {
            dice.one(&["[\"x\"]", "[{ work = \"1ms\" }, { query = \"d\" }]", "[{ send = \"dead\" }]"]).to_owned()
        }
        Shape::Counts => dice.one(&["2", "{ mean = 3.0 }"]).to_owned(),
        _ => return None,
    })
}

/// A table within a line.
fn inline(dice: &mut Dice, table: &'static Table, depth: usize) -> String {
    inline_with(dice, table, depth, "")
}

/// The same with keys that it needs.
fn inline_with(dice: &mut Dice, table: &'static Table, depth: usize, needs: &str) -> String {
    let keys: Vec<_> = table.all().filter(|key| !key.later && !needs.contains(&format!("{} = ", key.name))).collect();
    let mut said: Vec<String> = if needs.is_empty() { Vec::new() } else { vec![needs.to_owned()] };
    let mut names = Vec::new();
    for _ in 0..=dice.below(4) {
        let key = keys[dice.below(keys.len())];
        if names.contains(&key.name) {
            continue;
        }
        if let Some(value) = value(dice, key.name, key.shape, depth + 1) {
            names.push(key.name);
            said.push(format!("{} = {value}", key.name));
        }
    }
    format!("{{ {} }}", said.join(", "))
}
