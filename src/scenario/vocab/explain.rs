//! The vocabulary in words: what `hoptax explain` prints.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::figures::figures;
use super::{COUNTS, FILE, Key, LAW, PRESETS, STEPS, Shape, Table, VERBS, library};
use crate::diag::CODES;

/// A table and what its keys hold below it, each once.
pub(super) fn tables() -> Vec<&'static Table> {
    let mut all: Vec<&'static Table> = vec![&FILE];
    let mut at = 0;
    while at < all.len() {
        for key in all[at].all() {
            let inner = below(key.shape);
            for table in inner {
                if !all.iter().any(|known| std::ptr::eq(*known, table)) {
                    all.push(table);
                }
            }
        }
        at += 1;
    }
    all
}

/// The tables that a key may hold, those of laws included.
fn below(shape: Shape) -> Vec<&'static Table> {
    match shape {
        Shape::Law | Shape::LawTable => vec![&LAW],
        Shape::Counts => vec![&COUNTS],
        Shape::Steps => VERBS.iter().map(|(_, t)| *t).collect(),
        Shape::Or(any) => any.iter().flat_map(|one| below(*one)).collect(),
        _ => shape.table().into_iter().collect(),
    }
}

/// All words that can be explained: keys, the words they hold, words of the output, codes; sorted, each once.
pub fn words() -> Vec<&'static str> {
    let mut all: Vec<&'static str> = CODES.iter().flat_map(|code| [code.number, code.name]).collect();
    for key in tables().iter().flat_map(|table| table.all()) {
        all.push(key.name);
        all.extend(key.shape.words().iter().map(|word| word.word));
    }
    all.extend(super::pages::words());
    all.extend(super::figures::all().flat_map(|figure| figure.words));
    all.sort_unstable();
    all.dedup();
    all
}

/// What a word of the scenario file or of the output, or a code, means; `None` for a word that is none.
pub fn explain(word: &str) -> Option<String> {
    let mut out = String::new();
    if let Some(code) = CODES.iter().find(|code| code.number.eq_ignore_ascii_case(word) || code.name == word) {
        let _ = writeln!(out, "{} {}\n  {}", code.number, code.name, code.doc);
    }
    // The same key means the same in many tables: it is told once, with the tables it stands in.
    let mut told: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    let mut keys: Vec<&Key> = Vec::new();
    for table in tables() {
        for key in table.all() {
            if key.name == word {
                let places = told.entry((key.name, key.doc)).or_default();
                if places.is_empty() {
                    keys.push(key);
                }
                places.push(table.name);
            }
        }
    }
    for key in keys {
        let places = &told[&(key.name, key.doc)];
        one_key(&mut out, key, places);
    }
    as_word(&mut out, word);
    for figure in figures(word) {
        let _ = writeln!(out, "{} — in the output: {}", figure.words.join(", "), figure.place);
        wrapped(&mut out, figure.doc);
    }
    if let Some(page) = super::pages::page(word) {
        let gap = if out.is_empty() { "" } else { "\n" };
        let _ = writeln!(out, "{gap}{page}");
    }
    (!out.is_empty()).then_some(out)
}

fn one_key(out: &mut String, key: &Key, places: &[&str]) {
    let _ = writeln!(out, "{} — in {}", key.name, places.join(", "));
    let _ = writeln!(out, "  {}", key.doc);
    if key.later {
        let _ = writeln!(out, "  Known, but not supported yet.");
        return;
    }
    if let Some(default) = key.default {
        let _ = writeln!(out, "  Default: {default}");
    }
    let _ = writeln!(out, "  Holds: {}", holds(key.shape));
    for word in key.shape.words() {
        let later = if word.later { " (not supported yet)" } else { "" };
        let _ = writeln!(out, "    {}{later}: {}", word.word, word.doc);
    }
    let inner: Vec<&'static Table> = match key.shape {
        Shape::Steps => below(key.shape),
        shape => shape.table().into_iter().collect(),
    };
    for table in inner {
        let _ = writeln!(out, "  {}: {}", table.name, table.doc);
        let keys: Vec<&str> = table.all().filter(|k| !k.later).map(|k| k.name).collect();
        if !keys.is_empty() {
            let _ = writeln!(out, "    keys: {}", keys.join(", "));
        }
    }
}

/// A word that a key may hold, explained with its key.
fn as_word(out: &mut String, word: &str) {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for key in tables().iter().flat_map(|table| table.all()) {
        for found in key.shape.words().iter().filter(|w| w.word == word) {
            if seen.contains(&(key.name, found.doc)) {
                continue;
            }
            seen.push((key.name, found.doc));
            let later = if found.later { " Known, but not supported yet." } else { "" };
            let _ = writeln!(out, "{} = \"{}\"\n  {}{later}", key.name, found.word, found.doc);
        }
    }
    preset(out, word);
    if let Some(library) = library(word) {
        let _ = writeln!(out, "[policies.*] like = \"{word}\" is");
        library.toml.lines().for_each(|line| wrapped(out, line));
        wrapped(out, library.source);
    }
}

/// Lines of at most eighty columns, indented.
fn wrapped(out: &mut String, text: &str) {
    let mut line = String::from(" ");
    for part in text.split_whitespace() {
        if line.chars().count() + 1 + part.chars().count() > 78 {
            let _ = writeln!(out, "{line}");
            line = String::from("   ");
        }
        let _ = write!(line, " {part}");
    }
    let _ = writeln!(out, "{line}");
}

/// The values of a transport that is there without being written.
fn preset(out: &mut String, word: &str) {
    let Some(preset) = PRESETS.iter().find(|preset| preset.name == word) else { return };
    let _ = writeln!(out, "[transports.{word}]");
    for line in preset.toml.lines() {
        let _ = writeln!(out, "  {line}");
    }
    if !preset.source.is_empty() {
        let _ = writeln!(out, "  {}", preset.source);
    }
}

fn holds(shape: Shape) -> String {
    let plain = match shape {
        Shape::Or(any) => return several(any),
        Shape::List(each) => return list(*each),
        Shape::Named(_) => "tables by name",
        Shape::Tables(_) => "a list of tables",
        Shape::Name => "a name of the file's own",
        Shape::LawTable => "any number that varies, as a table",
        Shape::Text => "a text",
        Shape::Whole => "a whole number",
        Shape::Number => "a number",
        Shape::Flag => "true or false",
        Shape::Duration => "a time with its unit, such as \"250ms\" or \"1m30s\"",
        Shape::Law => LAW.doc,
        Shape::Counts => COUNTS.doc,
        Shape::Rate => "so many per time, such as \"120/s\" or \"30/min\"",
        Shape::Size => "a size, such as \"512B\", \"4KB\" or \"1MiB\"",
        Shape::Bandwidth => "bytes or bits per second, such as \"100MB/s\" or \"10Gbit/s\"",
        Shape::Share => "a share, such as \"0.2%\" or 0.002",
        Shape::Weight => "a number or a share",
        Shape::Zone => "`region`, `region/zone` or `region/zone/host`",
        Shape::Target => "the name of a node, or of an endpoint as `node.endpoint`",
        Shape::Choice(_) => "one of these words:",
        Shape::Words(_) => "a table of names, each with one of these words:",
        Shape::Calls(_) => "a target, or a list of targets with shares",
        Shape::One(_) => "a table",
        Shape::Steps => STEPS,
        Shape::Edits => "tables by name, each with paths and their new values",
        Shape::Values => {
            "paths, each with a list of values or a range such as \"100/s..400/s:7\" (`:7log` for equal factors)"
        }
        Shape::Anything => "anything",
    };
    plain.into()
}

/// Of several, words come last: they are listed behind.
fn several(any: &[Shape]) -> String {
    let (words, others): (Vec<Shape>, Vec<Shape>) = any.iter().partition(|one| matches!(one, Shape::Choice(_)));
    let share = if words.is_empty() { "a share such as \"10%\"" } else { "a share such as \"20%\"" };
    let each = others.into_iter().chain(words).map(|one| match one {
        Shape::Share => share.into(),
        one => holds(one),
    });
    each.collect::<Vec<_>>().join(", or ")
}

fn list(each: Shape) -> String {
    match each {
        Shape::Choice(_) => "a list of these words:".into(),
        _ => "a list of texts".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_can_be_explained() {
        for word in words() {
            assert!(explain(word).is_some_and(|text| !text.is_empty()), "{word}");
        }
        assert_eq!(explain("banana"), None);
    }

    #[test]
    fn keys_words_and_codes_are_told_with_their_place() {
        assert!(explain("queue_limit").is_some_and(|t| t.contains("[services.*]") && t.contains("whole number")));
        assert!(explain("lognormal").is_some_and(|t| t.contains("dist = \"lognormal\"")));
        assert!(explain("retries").is_some_and(|t| t.contains("backoff") && t.contains("[policies.*]")));
        assert!(explain("envoy").is_some_and(|t| t.contains("min_retry_concurrency") && t.contains("15s")));
        assert!(explain("used").is_some_and(|t| t.contains("Busy workers ÷ workers") && t.contains("in the output")));
        assert!(explain("queue").is_some_and(|t| t.contains("in line for a worker")));
        assert!(explain("E101").is_some_and(|t| t.contains("unknown-key")));
    }
}
