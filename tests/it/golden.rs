//! The gallery as people see it, with few replications: a few tables whole, of each file what it claims. `.ci/bless` writes
//! the tables anew; then read the difference.

use std::fs;
use std::path::{Path, PathBuf};

use hoptax::experiment;
use hoptax::experiment::summary::Summary;
use hoptax::report::json;
use hoptax::report::table::{Style, WIDTH, render};
use hoptax::scenario::{Edit, Source, load, variant_edits, variants};
use unicode_width::UnicodeWidthStr as _;

use crate::bench::same;
use crate::claims::broken;

/// Files whose tables are kept whole: closed load, a ledger of many hops, mail and flows, streams, policies in a fault,
/// autoscaling, layers of retries, caches. Together they show every kind of table; one more would show none twice better.
const WHOLE: [&str; 8] = ["05", "06", "14", "20", "30", "34", "35", "42"];

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

/// A scenario and its variants, in few replications.
pub(crate) fn few_runs(source: &Source) -> Vec<Summary> {
    let mut all = vec![None];
    all.extend(variants(source).into_iter().map(Some));
    let run = |variant: Option<String>| {
        let written = load(source, &[]).unwrap_or_else(|r| panic!("{:?}", r.complaints));
        let mut edits = variant.and_then(|name| variant_edits(written.scenario(), &name)).unwrap_or_default();
        edits.push(Edit::parse("sim.replications=3").unwrap());
        let checked = load(source, &edits).unwrap_or_else(|r| panic!("{:?}", r.complaints));
        experiment::run(&checked, Some(2), &()).unwrap()
    };
    all.into_iter().map(run).collect()
}

#[test]
fn the_gallery_looks_as_it_did_and_keeps_what_it_claims() {
    let mut wrong = Vec::new();
    for file in gallery() {
        let source = Source::open(&file).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let runs = few_runs(&source);
        runs.iter().for_each(reads_back);
        let table = render(&runs, Style::default());
        for line in table.lines() {
            assert!(line.width() <= WIDTH, "{name}: {} columns: {line}", line.width());
        }
        if WHOLE.iter().any(|number| name.starts_with(number)) {
            looks_as_it_did(&name, &table);
        }
        let (claims, broken) = broken(&source, &runs);
        assert!(claims >= 2, "{name} claims {claims} figures");
        wrong.extend(broken.into_iter().map(|told| format!("{name}: {told}")));
    }
    assert!(wrong.is_empty(), "claims that do not hold:\n{}", wrong.join("\n"));
}

/// What is stored is read back to what was stored.
fn reads_back(run: &Summary) {
    let stored = json::one(run);
    let again: Summary = serde_json::from_str(&stored).unwrap_or_else(|e| panic!("{}: {e}", run.scenario.name));
    same(&json::one(&again), &stored, &format!("{}, stored and read back", run.scenario.name));
}

fn looks_as_it_did(name: &str, table: &str) {
    let golden = home("tests/golden/gallery").join(name).with_extension("txt");
    if std::env::var_os("HOPTAX_BLESS").is_some() {
        fs::write(&golden, table).unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    same(table, &expected, &format!("{name} (.ci/bless writes it anew)"));
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
