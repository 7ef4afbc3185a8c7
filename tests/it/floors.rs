//! The house has floors, and imports go down only.

use std::fs;

use crate::source::{code, files, root, shipped};

/// The floor of each top module.
const FLOORS: [(&str, u8); 15] = [
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
    ("import", 4),
    ("report", 5),
    ("library", 5),
    ("cli", 6),
    ("lib", 7),
];

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
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

/// The analytic model has a floor of its own within the scenario: below everything that reads, judges or lowers a file.
#[test]
fn the_analytic_model_knows_the_file_as_written_alone() {
    let above = ["check", "edit", "lower", "print", "read", "tables", "vocab"];
    let found: Vec<String> = files()
        .iter()
        .filter(|(file, _)| file.starts_with("scenario/analytic/"))
        .flat_map(|(file, text)| {
            let code = code(text);
            let names =
                |room: &&str| ["scenario::", "super::super::"].iter().any(|at| code.contains(&format!("{at}{room}")));
            above.into_iter().filter(names).map(|room| format!("{file} → {room}")).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
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
fn nothing_is_unsafe() {
    let manifest = fs::read_to_string(root().with_file_name("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    let found: Vec<String> = files()
        .into_iter()
        .filter(|(_, text)| code(text).split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe"))
        .map(|(file, _)| file)
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

/// What the house has from outside of it, and the only files that may ask for it.
const OUTSIDE: [(&str, &[&str]); 12] = [
    ("std::fs", &["scenario/source.rs", "cli/output.rs"]),
    ("std::os", &["scenario/source.rs", "cli/output.rs", "cli/testbed.rs"]),
    ("std::thread", &["experiment/parallel.rs", "cli/progress.rs"]),
    ("rayon", &["experiment/parallel.rs"]),
    ("std::time::Instant", &["cli/progress.rs"]),
    ("Instant::now", &["cli/progress.rs"]),
    ("SystemTime", &[]),
    ("std::env", &["cli/output.rs", "cli/testbed.rs", "main.rs"]),
    ("std::process", &["cli/exit.rs", "cli/progress.rs", "cli/mod.rs", "cli/testbed.rs", "main.rs"]),
    ("process::exit", &["cli/exit.rs", "cli/progress.rs", "cli/testbed.rs"]),
    ("println!", &[]),
    ("HashMap", &[]),
];

/// A text in which `std::{fs, time::Instant}` is written out as `std::fs` and `std::time::Instant`.
fn spelled(code: &str) -> String {
    let mut spelled = code.to_owned();
    for start in ["std::{", "std::time::{"] {
        for (at, _) in code.match_indices(start) {
            let stem = start.trim_end_matches('{');
            for head in heads(&code[at + stem.len()..]) {
                spelled += &format!("\n{stem}{head}");
            }
        }
    }
    spelled
}

#[test]
fn only_the_shell_and_its_seams_look_outside() {
    let shipped: Vec<_> = files().into_iter().map(|(file, text)| (spelled(&shipped(&file, &text)), file)).collect();
    for (word, allowed) in OUTSIDE {
        let users = shipped.iter().filter(|(text, _)| text.contains(word)).map(|(_, file)| file.as_str());
        let found: Vec<&str> = users.filter(|file| !allowed.contains(file)).collect();
        assert!(found.is_empty(), "{word} in {found:?}");
    }
    assert!(spelled("use std::{fs, thread};").contains("std::thread"));
    assert!(spelled("use std::time::{Duration, Instant};").contains("std::time::Instant"));
}
