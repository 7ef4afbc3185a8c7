//! What fuzzing found, and what it began with: replayed, so that nobody needs a nightly compiler to be warned.

use std::fs;
use std::path::PathBuf;

use hoptax::scenario::{Edit, Source, canonical, hash, load};

fn corpus(target: &str) -> Vec<(PathBuf, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 10, "{target}: {}", paths.len());
    let text = |path: &PathBuf| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    paths.into_iter().map(|path| (path.clone(), text(&path))).collect()
}

#[test]
fn any_text_is_refused_or_reads_back() {
    for (path, text) in corpus("reader") {
        let Ok(checked) = load(&Source::text("fuzz", &text), &[]) else { continue };
        let form = canonical(checked.scenario());
        let again = load(&Source::text("again", &form), &[]);
        let again = again.unwrap_or_else(|r| panic!("{}: {:?}\n{form}", path.display(), r.complaints));
        assert_eq!(hash(again.scenario()), hash(checked.scenario()), "{}", path.display());
    }
}

#[test]
fn any_change_is_made_or_refused() {
    for (path, text) in corpus("set") {
        let (change, scenario) = text.split_once('\n').unwrap_or((&text, ""));
        if let Ok(edit) = Edit::parse(change) {
            let told = load(&Source::text("fuzz", scenario), &[edit]);
            assert!(told.is_ok() || told.is_err_and(|r| !r.complaints.is_empty()), "{}", path.display());
        }
    }
}
