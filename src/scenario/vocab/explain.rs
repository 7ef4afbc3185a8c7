//! The vocabulary in words: what `hoptax explain` prints.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::figures::{FIGURES, figures};
use super::{COUNTS, FILE, Key, LAW, PRESETS, STEPS, Shape, Table, VERBS, Word, library};
use crate::diag::CODES;

/// A table and what its keys hold below it, each once.
fn tables() -> Vec<&'static Table> {
    let mut all: Vec<&'static Table> = vec![&FILE];
    let mut at = 0;
    while at < all.len() {
        for key in all[at].all() {
            let inner: Vec<&'static Table> = match key.shape {
                Shape::One(t)
                | Shape::TextOrOne(t)
                | Shape::OneOr(t, _)
                | Shape::ShareOr(t)
                | Shape::Named(t)
                | Shape::List(t)
                | Shape::Calls(t) => vec![t],
                Shape::Law | Shape::ChoiceOrLaw(_) => vec![&LAW],
                Shape::Counts => vec![&COUNTS],
                Shape::Steps => VERBS.iter().map(|(_, t)| *t).collect(),
                _ => Vec::new(),
            };
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

/// The words a key may hold.
fn words_of(shape: Shape) -> &'static [Word] {
    match shape {
        Shape::Choice(words)
        | Shape::ChoiceOrLaw(words)
        | Shape::WholeOr(words)
        | Shape::TextOr(words)
        | Shape::OneOr(_, words)
        | Shape::Words(words)
        | Shape::WordOrShare(words) => words,
        _ => &[],
    }
}

/// All words that can be explained: keys, the words they hold, words of the output, codes; sorted, each once.
pub fn words() -> Vec<&'static str> {
    let mut all: Vec<&'static str> = CODES.iter().flat_map(|code| [code.number, code.name]).collect();
    for key in tables().iter().flat_map(|table| table.all()) {
        all.push(key.name);
        all.extend(words_of(key.shape).iter().map(|word| word.word));
    }
    all.extend(super::pages::words());
    all.extend(FIGURES.iter().flat_map(|figure| figure.words));
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
    for word in words_of(key.shape) {
        let later = if word.later { " (not supported yet)" } else { "" };
        let _ = writeln!(out, "    {}{later}: {}", word.word, word.doc);
    }
    let inner: Vec<&'static Table> = match key.shape {
        Shape::One(t)
        | Shape::TextOrOne(t)
        | Shape::OneOr(t, _)
        | Shape::ShareOr(t)
        | Shape::Named(t)
        | Shape::List(t)
        | Shape::Calls(t) => vec![t],
        Shape::Steps => VERBS.iter().map(|(_, t)| *t).collect(),
        _ => Vec::new(),
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
        for found in words_of(key.shape).iter().filter(|w| w.word == word) {
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

fn holds(shape: Shape) -> &'static str {
    match shape {
        Shape::Text => "a text",
        Shape::Texts => "a text, or a list of texts",
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
        Shape::ChoiceOrLaw(_) => "any number that varies, as a table, or one of these words:",
        Shape::TextOr(_) => "a name of the file's own, or one of these words:",
        Shape::WholeOr(_) => "a whole number, or one of these words:",
        Shape::Calls(_) => "a target, or a list of targets with shares",
        Shape::One(_) => "a table",
        Shape::TextOrOne(_) => "a text, or a table",
        Shape::OneOr(..) => "a table, or one of these words:",
        Shape::ShareOr(_) => "a share such as \"10%\", or a table",
        Shape::Words(_) => "a list of these words:",
        Shape::WordOrShare(_) => "a share such as \"20%\", or one of these words:",
        Shape::Named(_) => "tables by name",
        Shape::List(_) => "a list of tables",
        Shape::Steps => STEPS,
        Shape::Edits => "tables by name, each with paths and their new values",
        Shape::Anything => "anything",
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
