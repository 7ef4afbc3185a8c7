//! The house has floors, and imports go down only.

use std::fs;
use std::path::{Path, PathBuf};

/// The floor of each top module.
const FLOORS: [(&str, u8); 13] = [
    ("units", 0),
    ("random", 0),
    ("stats", 0),
    ("diag", 0),
    ("graph", 0),
    ("kernel", 1),
    ("model", 2),
    ("machine", 2),
    ("scenario", 3),
    ("experiment", 4),
    ("report", 5),
    ("cli", 6),
    ("lib", 7),
];

/// Lines of a file at most.
const LONGEST: usize = 400;

/// Files that are longer, to be split; they may not grow.
const TOO_LONG: [(&str, usize); 0] = [];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file, with its path below `src`.
fn files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![source()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(source()).unwrap().to_string_lossy().replace('\\', "/");
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(files.len() > 100, "the source is somewhere else");
    files.sort();
    files
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// The code of a file: comments say what they like.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The code of a file without its unit tests, which stand at its end.
fn shipped(text: &str) -> String {
    let tests = ["#[cfg(test)]\n", "#[cfg(all(test, "].iter().filter_map(|mark| text.rfind(mark)).max();
    code(&text[..tests.unwrap_or(text.len())])
}

/// The top modules that a text names: `crate::a`, `crate::{a, b::c}`, `hoptax::a`; and `super::a` where that is the crate.
fn named(code: &str, root: bool) -> Vec<String> {
    let mut all = Vec::new();
    let starts = if root { &["crate::", "hoptax::", "super::", "self::"][..] } else { &["crate::", "hoptax::"] };
    for start in starts {
        for (at, _) in code.match_indices(start) {
            let rest = &code[at + start.len()..];
            all.extend(heads(rest));
        }
    }
    all
}

/// The first names of a path or of a group of paths.
fn heads(rest: &str) -> Vec<String> {
    let name = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut depth, mut heads, mut part) = (0, Vec::new(), String::new());
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => heads.push(name(&std::mem::take(&mut part))),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                part.push(c);
            }
        }
    }
    heads.push(name(&part));
    heads.into_iter().filter(|head| !head.is_empty()).collect()
}

/// Arrows from a module to one on a higher floor.
fn upward(file: &str, text: &str) -> Vec<String> {
    let top = file.split(['/', '.']).next().unwrap();
    let own = if top == "main" { 7 } else { floor(top).unwrap_or_else(|| panic!("{file} is on no floor")) };
    // In `src/a.rs` and `src/a/mod.rs` the module above is the crate.
    let root = file == format!("{top}.rs") || file == format!("{top}/mod.rs");
    let arrows = named(&code(text), root).into_iter().filter_map(|to| Some((floor(&to)?, to)));
    arrows.filter(|(above, _)| *above > own).map(|(_, to)| format!("{file} → {to}")).collect()
}

#[test]
fn imports_go_down_only() {
    let arrows: Vec<String> = files().iter().flat_map(|(file, text)| upward(file, text)).collect();
    assert!(arrows.is_empty(), "{}", arrows.join("\n"));
}

#[test]
fn an_upward_arrow_would_be_seen() {
    for text in [
        "use crate::scenario::load;",
        "use crate::{units::Time, scenario::{load, lower}};",
        "use crate::{\n    units::{Span, Time},\n    report,\n};",
        "fn f() -> crate::cli::Exit {}",
        "use hoptax::experiment;",
    ] {
        assert_eq!(upward("machine/call.rs", text).len(), 1, "{text}");
    }
    assert_eq!(upward("units/mod.rs", "use super::kernel::Agenda;").len(), 1);
    for text in ["use crate::{model::Plan, units};", "// use crate::cli", "use super::walk;"] {
        assert!(upward("machine/call.rs", text).is_empty(), "{text}");
    }
}

#[test]
fn files_can_be_read_in_one_sitting() {
    let files = files();
    let lines = |text: &str| text.lines().count();
    let most = |file: &str| TOO_LONG.iter().find(|(long, _)| *long == file).map_or(LONGEST, |(_, lines)| *lines);
    let long = files.iter().filter(|(file, text)| lines(text) > most(file));
    let long: Vec<String> = long.map(|(file, text)| format!("{file}: {} lines", lines(text))).collect();
    assert!(long.is_empty(), "more than {LONGEST} lines, or longer than before:\n{}", long.join("\n"));
    for (split, _) in TOO_LONG {
        let still = files.iter().any(|(file, text)| file == split && lines(text) > LONGEST);
        assert!(still, "{split} is short now: take it off the list");
    }
}

#[test]
fn nothing_is_unsafe() {
    let manifest = fs::read_to_string(source().with_file_name("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    let found: Vec<String> = files()
        .into_iter()
        .filter(|(_, text)| code(text).split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe"))
        .map(|(file, _)| file)
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn only_the_shell_looks_at_a_clock_or_writes() {
    let only = |word: &str, allowed: &[&str]| {
        let found: Vec<String> = files()
            .into_iter()
            .filter(|(file, text)| !allowed.contains(&file.as_str()) && shipped(text).contains(word))
            .map(|(file, _)| file)
            .collect();
        assert!(found.is_empty(), "{word} in {found:?}");
    };
    only("Instant::now", &["cli/progress.rs"]);
    only("SystemTime", &[]);
    only("println!", &[]);
    only("std::process::exit", &["cli/exit.rs", "cli/progress.rs"]);
    only("HashMap", &[]);
}
