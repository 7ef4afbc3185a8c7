//! Random valid scenarios, and what must hold in every one of them.
//!
//! `cargo run --profile quick --example generate -- 1000 7` runs a thousand from seed 7 and ends with 1 where something does
//! not hold: no panic, every request counted once, no share above 1, parts of the ledger that add up to the nanosecond, a
//! canonical form that reads back, the same bytes on one thread and on two. `… -- --print 7` prints the one of seed 7.

mod dice;
mod hold;
mod skeleton;
mod words;

use std::process::ExitCode;
use std::sync::Mutex;

/// What is under way, for a panic to tell.
static UNDER_WAY: Mutex<(u64, String)> = Mutex::new((0, String::new()));

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| args.get(at).and_then(|n| n.parse().ok()).unwrap_or(default);
    if args.first().is_some_and(|first| first == "--print") {
        println!("{}", words::scenario(number(1, 1)).text);
        return ExitCode::SUCCESS;
    }
    std::panic::set_hook(Box::new(|panic| {
        let (seed, text) = &*UNDER_WAY.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        eprintln!("seed {seed}: {panic}\n{text}");
        std::process::exit(1);
    }));
    let (count, first) = (number(0, 1_000), number(1, 1));
    let (mut broken, mut long, mut seen, mut events) = (0, 0, std::collections::BTreeSet::new(), 0);
    for seed in first..first + count {
        if seed > first && (seed - first) % 10_000 == 0 {
            eprintln!("{} of {count}", seed - first);
        }
        let drawn = words::scenario(seed);
        *UNDER_WAY.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = (seed, drawn.text.clone());
        seen.extend(drawn.paths);
        match hold::all(&drawn.text) {
            Ok(hold::Held::Run(run)) => events += run,
            Ok(hold::Held::TooLong) => long += 1,
            Err(why) => {
                broken += 1;
                println!("seed {seed}: {why}");
            }
        }
    }
    println!(
        "{count} scenarios from seed {first}: {broken} broken, {long} too long to run; {} words, {events} events",
        seen.len()
    );
    // Were many refused, little would have been held.
    if broken == 0 && long * 50 <= count { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
