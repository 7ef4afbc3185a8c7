//! The gallery as people see it: each scenario's table, with few replications. `HOPTAX_BLESS=1 cargo test golden` writes
//! them anew; then read the difference.

use std::fs;
use std::path::{Path, PathBuf};

use hoptax::experiment;
use hoptax::experiment::summary::Summary;
use hoptax::report::table::{Style, WIDTH, render};
use hoptax::scenario::{Edit, Source, load, variant_edits, variants};
use unicode_width::UnicodeWidthStr as _;

use crate::bench::same;

pub(crate) fn home(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The files of the gallery, in teaching order.
fn gallery() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(home("scenarios")).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "toml"));
    files.sort();
    assert!(files.len() >= 5);
    files
}

/// A scenario and its variants, each run for a short while.
pub(crate) fn short_runs(source: &Source) -> Vec<Summary> {
    let mut all = vec![None];
    all.extend(variants(source).into_iter().map(Some));
    let run = |variant: Option<String>| {
        let written = load(source, &[]).unwrap_or_else(|r| panic!("{:?}", r.complaints));
        let mut edits = variant.and_then(|name| variant_edits(&written.scenario, &name)).unwrap_or_default();
        // Faults have their times, autoscalers theirs, and with them the run keeps its own.
        let takes_time = !written.scenario.faults.is_empty()
            || written.scenario.nodes.values().any(|n| n.coming.autoscale.is_some());
        let short: &[&str] = if takes_time { &[] } else { &["sim.duration=5s", "sim.warmup=1s"] };
        edits.extend(short.iter().chain(&["sim.replications=3"]).map(|edit| Edit::parse(edit).unwrap()));
        let checked = load(source, &edits).unwrap_or_else(|r| panic!("{:?}", r.complaints));
        experiment::run(&checked, Some(2), &()).unwrap()
    };
    all.into_iter().map(run).collect()
}

#[test]
fn the_gallery_looks_as_it_did() {
    for file in gallery() {
        let source = Source::open(&file).unwrap();
        let summaries = short_runs(&source);
        let table = render(&summaries, Style::default());
        for line in table.lines() {
            assert!(line.width() <= WIDTH, "{}: {} columns: {line}", source.name, line.width());
        }
        let golden = home("tests/golden/gallery").join(file.with_extension("txt").file_name().unwrap());
        if std::env::var_os("HOPTAX_BLESS").is_some() {
            fs::write(&golden, &table).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        same(&table, &expected, &format!("{} (HOPTAX_BLESS=1 writes it anew)", source.name));
    }
}

#[test]
fn every_file_opens_with_its_question_and_what_to_look_for() {
    for file in gallery() {
        let text = fs::read_to_string(&file).unwrap();
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("# ") && first.ends_with('?'), "{}: {first}", file.display());
        assert!(text.contains("# What to look for\n"), "{}", file.display());
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let readme = fs::read_to_string(home("README.md")).unwrap();
        assert!(readme.contains(&format!("(scenarios/{name})")), "the README does not name {name}");
    }
}
