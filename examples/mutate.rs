//! Scenario files with mistakes: bytes and words of the gallery changed, doubled, moved and left out. Each is checked, and
//! run where the check lets it through; nothing may panic, abort, or go on for ever.
//!
//! `cargo run --profile quick --example mutate -- 100000 7`; `… -- --print 7` prints the one of seed 7.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;

use hoptax::experiment;
use hoptax::scenario::{Edit, Source, load};

#[path = "generate/dice.rs"]
mod dice;
use dice::Dice;

/// Events of one replication at most.
const EVENTS: u64 = 1_000_000;

/// What is under way, for a panic to tell.
static UNDER_WAY: Mutex<(u64, String)> = Mutex::new((0, String::new()));

/// Values that are put where others stood.
const ODD: [&str; 30] = [
    "0",
    "1",
    "-1",
    "4294967295",
    "9223372036854775807",
    "1e300",
    "nan",
    "inf",
    "\"0s\"",
    "\"1ns\"",
    "\"1000d\"",
    "\"\"",
    "true",
    "{}",
    "[]",
    "\"1e9/s\"",
    "\"1/d\"",
    "\"100%\"",
    "0.0",
    "\"unlimited\"",
    "\"none\"",
    "\"all\"",
    "\"1TB\"",
    "{ mean = \"1ns\" }",
    "{ p50 = \"1ns\", p90 = \"1ns\", p99 = \"1d\" }",
    "[[]]",
    "\"s0\"",
    "\"any\"",
    "10000000",
    "\"\\u0000\"",
];

fn gallery() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    paths.iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
}

/// The scenario of a seed.
fn mutated(seed: u64, gallery: &[String]) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let mut text = gallery[dice.below(gallery.len())].clone().into_bytes();
    for _ in 0..=dice.below(4) {
        if dice.percent(30) { bytes(&mut dice, &mut text) } else { lines(&mut dice, &mut text) }
    }
    text
}

fn bytes(dice: &mut Dice, text: &mut Vec<u8>) {
    let at = dice.below(text.len());
    match dice.below(4) {
        0 => text[at] = dice.below(256) as u8,
        1 => text.insert(at, dice.one(&[b"[", b"]", b"{", b"}", b"\"", b".", b"=", b"\n", b"0", b"\xff"])[0]),
        2 => drop(text.remove(at)),
        _ => {
            let end = (at + dice.below(40)).min(text.len());
            let part = text[at..end].to_vec();
            let to = dice.below(text.len());
            text.splice(to..to, part);
        }
    }
    if text.is_empty() {
        text.push(b' ');
    }
}

/// A line is changed as somebody would who types what comes to mind.
fn lines(dice: &mut Dice, text: &mut Vec<u8>) {
    let whole = String::from_utf8_lossy(text).into_owned();
    let mut all: Vec<String> = whole.lines().map(str::to_owned).collect();
    if all.is_empty() {
        return;
    }
    let at = dice.below(all.len());
    match dice.below(6) {
        0 => drop(all.remove(at)),
        1 => all.insert(at, all[dice.below(all.len())].clone()),
        2 => {
            let other = dice.below(all.len());
            all.swap(at, other);
        }
        _ => {
            // The value of a line that has one.
            let with: Vec<usize> =
                (0..all.len()).filter(|at| all[*at].contains(" = ") && !all[*at].starts_with('#')).collect();
            if let Some(at) = with.get(dice.below(with.len())) {
                let key = all[*at].split(" = ").next().unwrap_or_default().to_owned();
                all[*at] = format!("{key} = {}", dice.one(&ODD));
            }
        }
    }
    *text = all.join("\n").into_bytes();
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| args.get(at).and_then(|n| n.parse().ok()).unwrap_or(default);
    let gallery = gallery();
    if args.first().is_some_and(|first| first == "--print") {
        println!("{}", String::from_utf8_lossy(&mutated(number(1, 1), &gallery)));
        return ExitCode::SUCCESS;
    }
    std::panic::set_hook(Box::new(|panic| {
        let (seed, text) = &*UNDER_WAY.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        eprintln!("seed {seed}: {panic}\n{text}");
        std::process::exit(1);
    }));
    let (count, first) = (number(0, 10_000), number(1, 1));
    let short = [format!("sim.max_events={EVENTS}"), "sim.replications=1".to_owned()];
    let short: Vec<Edit> = short.iter().map(|edit| Edit::parse(edit).expect("path=value")).collect();
    let (mut valid, mut refused) = (0_u64, 0_u64);
    for seed in first..first + count {
        if seed > first && (seed - first) % 10_000 == 0 {
            eprintln!("{} of {count}", seed - first);
        }
        let text = String::from_utf8_lossy(&mutated(seed, &gallery)).into_owned();
        *UNDER_WAY.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = (seed, text.clone());
        let Ok(checked) = load(&Source::text("mutated", &text), &[]) else { continue };
        let ceiling = checked.ceiling();
        let Ok(checked) = checked.within(ceiling) else {
            refused += 1;
            continue;
        };
        valid += 1;
        // A file that takes no edit (a table `sim` that is none, say) was refused before.
        if let Ok(short) = load(checked.source(), &short) {
            let _ = experiment::run(&short, Some(1), &());
        }
    }
    println!("{count} files from seed {first}: {valid} were run, {refused} would have needed too much memory");
    ExitCode::SUCCESS
}
