//! What people are told about a scenario that is wrong: goldens of the rendered messages, one per bad file.
//!
//! `HOPTAX_BLESS=1 cargo test` writes them anew; then read the difference.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use hoptax::diag::{Severity, code, render};
use hoptax::scenario::{Edit, OpenError, Source, load};

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/diagnostics")
}

/// A text as if it were a file of that name, beside no other files.
fn source(name: &str, text: &str) -> Source {
    Source { dir: Some(goldens()), ..Source::text(name, text) }
}

fn told(source: &Source, edits: &[Edit]) -> String {
    match load(source, edits) {
        Ok(checked) => render(checked.warnings(), checked.source(), false),
        Err(rejected) => render(&rejected.complaints, &rejected.source, false),
    }
}

/// Compares with the golden, or writes it.
fn golden(name: &str, text: &str) -> Result<(), String> {
    let path = goldens().join(format!("{name}.txt"));
    if std::env::var_os("HOPTAX_BLESS").is_some() {
        fs::write(&path, text).map_err(|e| e.to_string())?;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if expected == text { Ok(()) } else { Err(format!("{name}: expected\n{expected}\nfound\n{text}")) }
}

#[test]
fn every_bad_file_is_told_what_is_wrong_with_it() {
    let mut wrong = Vec::new();
    let mut files: Vec<_> = fs::read_dir(goldens()).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    files.sort();
    assert!(files.len() > 20);
    for path in files {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        wrong.extend(golden(&name, &told(&source(&format!("{name}.toml"), &text), &[])).err());
    }
    assert!(wrong.is_empty(), "{}\nHOPTAX_BLESS=1 writes them anew", wrong.join("\n"));
}

#[test]
fn changes_that_lead_nowhere_are_told_where_they_would() {
    let text = fs::read_to_string(goldens().join("warnings.toml")).unwrap();
    let edits = [
        "clients.shopers.rate=3/s",
        "services.orders.instances=3",
        "services.orders.queue_limt=3",
        "services.orders.steps.7.timeout=3s",
        "services.orders.retries=3",
        "services=3",
        "sim.seed.low=3",
        "sim.duration={ x = ",
        "variants.a.b=3",
    ];
    let edits: Vec<Edit> = edits.iter().map(|edit| Edit::parse(edit).unwrap()).collect();
    golden("edits", &told(&source("warnings.toml", &text), &edits)).unwrap();
    assert!(Edit::parse("sim.seed").unwrap_err().contains("sets nothing"));
}

#[test]
fn a_change_is_complained_about_in_the_changed_text() {
    let text = fs::read_to_string(goldens().join("too-long-a-run.toml")).unwrap();
    let edit = Edit::parse("services.orders.work=8").unwrap();
    let rejected = load(&source("a.toml", &text), &[edit]).unwrap_err();
    assert!(render(&rejected.complaints, &rejected.source, false).contains("work = 8"));
}

/// A directory of this test's own.
fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("hoptax-diagnostics-{}-{name}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn refused(path: &Path) -> (hoptax::diag::Code, String) {
    match Source::open(path) {
        Err(OpenError::Invalid { complaint, source }) => (complaint.code, render(&[*complaint], &source, false)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_scenario_file_is_refused_before_it_is_read() {
    let dir = scratch("open");
    let (found, text) = refused(&dir);
    assert_eq!(found, code::NOT_A_FILE, "{text}");
    let binary = dir.join("binary.toml");
    fs::write(&binary, b"version = 1\nname = \"\xff\"").unwrap();
    let (found, text) = refused(&binary);
    assert!(found == code::NOT_UTF8 && text.contains("offset 20"), "{text}");
    let large = dir.join("large.toml");
    fs::File::create(&large).unwrap().set_len(50 << 20).unwrap();
    let (found, text) = refused(&large);
    assert!(found == code::TOO_LARGE && text.contains("50 MB"), "{text}");
    assert!(matches!(Source::open(&dir.join("nowhere.toml")), Err(OpenError::Io { .. })));
    fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn measured_values_are_read_from_beside_the_file() {
    let dir = scratch("samples");
    fs::write(dir.join("measured.csv"), "latency_ms\n8\n12\n").unwrap();
    fs::write(dir.join("arrivals.csv"), "1s\n2s\n2500ms\n").unwrap();
    let text = "version = 1\n[defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"s\"\nreplay = \"arrivals.csv\"\n\
                [services.s]\nconcurrency = 1\nwork = { samples = \"measured.csv\" }\n";
    let source = Source { dir: Some(dir.clone()), ..Source::text("a.toml", text) };
    let first = load(&source, &[]).unwrap();
    fs::write(dir.join("measured.csv"), "8ms\n13ms\n").unwrap();
    assert_ne!(load(&source, &[]).unwrap().hash(), first.hash(), "other contents, another scenario");
    fs::write(dir.join("measured.csv"), "8\n13\n").unwrap();
    let rejected = load(&source, &[]).unwrap_err();
    assert!(rejected.complaints[0].message.contains("no unit"), "{:?}", rejected.complaints);
    fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn text_cut_anywhere_is_complained_about_and_never_panics() {
    for name in ["warnings", "transports", "pools", "unknown-keys", "laws", "variants", "not-yet"] {
        let text = fs::read_to_string(goldens().join(format!("{name}.toml"))).unwrap();
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            told(&source("cut.toml", &text[..end]), &[]);
        }
    }
}

/// A small generator of its own: the same damage every time.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

#[test]
fn damaged_files_are_complained_about_and_never_panic() {
    let mut files: Vec<_> = fs::read_dir(goldens()).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    files.sort();
    let texts: Vec<String> = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let lines: Vec<&str> = texts.iter().flat_map(|text| text.lines()).collect();
    let values = [
        "-1",
        "0",
        "1e308",
        "inf",
        "nan",
        "\"0s\"",
        "\"1000d\"",
        "\"100%\"",
        "[]",
        "{}",
        "true",
        "\"\"",
        "\"s\"",
        "99999999999999999999",
        "\"1e9/s\"",
        "4294967295",
    ];
    let mut state = 7;
    for round in 0..1_500 {
        let mut text: Vec<String> = texts[next(&mut state) % texts.len()].lines().map(str::to_owned).collect();
        for _ in 0..=round % 4 {
            let at = next(&mut state) % text.len();
            match next(&mut state) % 4 {
                0 => drop(text.remove(at)),
                1 => text.insert(at, lines[next(&mut state) % lines.len()].into()),
                2 => {
                    let other = next(&mut state) % text.len();
                    text.swap(at, other);
                }
                _ => {
                    let key = text[at].split('=').next().unwrap_or_default().to_owned();
                    text[at] = format!("{key}= {}", values[next(&mut state) % values.len()]);
                }
            }
            if text.is_empty() {
                text.push(String::new());
            }
        }
        told(&source("damaged.toml", &text.join("\n")), &[]);
    }
}

#[test]
fn the_gallery_loads() {
    let gallery = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    for path in
        fs::read_dir(gallery).unwrap().map(|f| f.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "toml"))
    {
        let source = Source::open(&path).unwrap();
        let checked = load(&source, &[]).unwrap_or_else(|r| panic!("{}", render(&r.complaints, &r.source, false)));
        let warnings: Vec<_> = checked.warnings().iter().filter(|w| w.severity == Severity::Warning).collect();
        eprintln!("{}: {} warnings", path.display(), warnings.len());
    }
    load(&Source::embedded(), &[]).unwrap();
}

#[test]
fn deep_nesting_and_long_chains_end() {
    let deep = format!("version = 1\na = {}{}\n", "[".repeat(5_000), "]".repeat(5_000));
    assert!(told(&source("deep.toml", &deep), &[]).contains("E001"));
    let dotted = format!("version = 1\n{}a = 1\n", "a.".repeat(5_000));
    assert!(told(&source("dotted.toml", &dotted), &[]).contains("E001"));
    let mut chain =
        String::from("version = 1\n[defaults]\ntransport = \"free\"\n[clients.c]\ncalls = \"s0\"\nrate = \"1/s\"\n");
    for i in 0..3_000 {
        let _ = writeln!(chain, "[services.s{i}]\nwork = \"1us\"\nsteps = [\"s{}\"]", i + 1);
    }
    chain.push_str("[services.s3000]\nwork = \"1us\"\n");
    let checked = load(&source("chain.toml", &chain), &[]).unwrap();
    assert!(checked.warnings().iter().all(|w| w.severity != Severity::Error));
}
