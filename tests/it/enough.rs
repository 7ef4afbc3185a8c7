//! Runs are added until a figure is precise enough, and its interval holds all the same.

use hoptax::experiment::enough::{Aim, Goal, enough};
use hoptax::experiment::study::{Options, load};
use hoptax::experiment::summary::{Outcome, Summary};
use hoptax::experiment::warmup::cut;
use hoptax::machine::{Machine, replication_seed};
use hoptax::model::Aside;
use hoptax::scenario::{Checked, Source, lower};
use hoptax::stats::mean_of;
use hoptax::units::{Span, Time};

/// M/M/1 with 100/s, so loaded, for so long.
fn queue(rho: f64, seconds: u32, seed: u64, promise: &str) -> String {
    let rate = 100.0 * rho;
    format!(
        r#"
version = 1
sim = {{ duration = "{seconds}s", warmup = "{}s", seed = {seed} }}
network = {{ same_zone = "0ms" }}
[clients.users]
calls = "desk"
rate = "{rate}/s"
transport = "free"
[services.desk]
concurrency = 1
work = {{ mean = "10ms" }}
{promise}
"#,
        seconds / 2
    )
}

fn run(text: &str, goal: &Goal) -> Summary {
    let checked = load(&Source::text("enough", text), None, &Options::default()).unwrap_or_else(|why| panic!("{why}"));
    enough(&checked, goal, Some(1), &()).unwrap_or_else(|why| panic!("{why}"))
}

/// Of so many seeds, how many intervals hold the mean of M/M/1 for ever, 10 ms ÷ (1 − ρ), and the runs that they took.
fn coverage(rho: f64, seconds: u32, within: f64, seeds: u64) -> (u64, u64) {
    let goal = Goal::Precise { figure: Aim::Mean, within, client: None };
    let exact = 10.0 / (1.0 - rho);
    let (mut held, mut runs) = (0, 0);
    for seed in 1..=seeds {
        let summary = run(&queue(rho, seconds, seed, ""), &goal);
        let told = summary.run.enough.unwrap();
        assert!(told.reached, "{told:?}");
        held += u64::from(told.measured.unwrap().contains(exact).unwrap());
        runs += u64::from(summary.run.replications);
    }
    (held, runs)
}

/// At a nominal 95 % no fewer than 93 % hold; a hundred seeds here and half as many of the longer runs, twenty times as many in
/// `.ci/long`.
#[test]
fn intervals_hold_however_many_runs_it_took() {
    let seeds = std::env::var("HOPTAX_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(100);
    for (rho, seconds, within, seeds) in [(0.7, 20, 0.10, seeds), (0.9, 40, 0.25, seeds / 2)] {
        let (held, runs) = coverage(rho, seconds, within, seeds);
        let share = held as f64 / seeds as f64;
        println!("load {rho}: {held} of {seeds} intervals hold, {} runs each", runs as f64 / seeds as f64);
        assert!(share >= 0.93, "load {rho}: {held} of {seeds}");
        assert!(runs > 12 * seeds, "the first look was never enough, or this shows nothing");
    }
}

/// A promise far from its bound is decided by the first ten runs; one near it takes more, and no interval is told.
#[test]
fn promises_are_decided_and_no_more() {
    let promise = |bound: u32| format!("[[slos]]\nof = \"users\"\nexpect = \"mean < {bound}ms\"");
    let far = run(&queue(0.7, 20, 1, &promise(60)), &Goal::Decided);
    assert_eq!((far.run.replications, far.slos[0].verdict), (10, Outcome::Met));
    let near = run(&queue(0.7, 20, 1, &promise(35)), &Goal::Decided);
    let told = near.run.enough.unwrap();
    assert!(told.reached && near.run.replications > 10, "{told:?}");
    assert_eq!((near.slos[0].verdict, near.slos[0].measured.ends()), (Outcome::Met, None));
}

/// What is under way from a moment on until the end, time average of each of ten runs.
fn levels(checked: &Checked, from: Span) -> Vec<f64> {
    let plan = lower(checked);
    let step = 100_000_000;
    let level = |nth: u32| {
        let mut nobody = ();
        let mut machine = Machine::new(&plan, replication_seed(plan.seed, nth), Aside(&mut nobody));
        let mut looks = Vec::new();
        for at in from.0 / step + 1..=plan.duration.0 / step {
            machine.run_watched_to(Time(at * step), |_| true);
            looks.push(machine.under_way() as f64);
        }
        looks.iter().sum::<f64>() / looks.len() as f64
    };
    (0..10).map(level).collect()
}

/// After a warm-up that was found, what is left of the beginning is less than a quarter of what is not known anyway, from empty and from
/// full: with four hundred requests in line after a second, or none. M/M/1 at 0.8 has four
/// under way, each at its client and at the desk.
#[test]
fn a_warm_up_that_was_found_leaves_no_bias() {
    let full = "phases = [{ duration = \"1s\", rate = \"500/s\" }, { rate = \"80/s\" }]";
    for start in ["rate = \"80/s\"", full] {
        let (mut bias, mut half, mut longest) = (0.0, 0.0, 0.0_f64);
        for seed in 1..=40 {
            let text = queue(0.8, 200, seed, "").replace("rate = \"80/s\"", start).replace("\"100s\"", "\"0s\"");
            let checked = load(&Source::text("warm", &text), None, &Options::default()).unwrap();
            let found = cut(&checked, Some(1)).unwrap_or_else(|| panic!("no cut from {start}, seed {seed}"));
            longest = longest.max(found.as_secs_f64());
            let level = mean_of(&levels(&checked, found), 0.95);
            bias += (level.value.unwrap() - 8.0) / 40.0;
            half += level.half_width().unwrap() / 40.0;
        }
        println!("{start}: bias {bias:.3}, half-width {half:.3}, longest cut {longest} s");
        assert!(bias.abs() < half / 4.0, "{start}: {bias}, and half of an interval is {half}");
    }
}

/// A system that has not come to rest is told to be run longer, one that never will so, and one whose load changes to say how long.
#[test]
fn what_does_not_come_to_rest_has_no_warm_up() {
    let of = |rho, seconds| {
        let text = queue(rho, seconds, 1, "").replace(&format!("warmup = \"{}s\"", seconds / 2), "warmup = \"auto\"");
        load(&Source::text("warm", &text), None, &Options::default())
    };
    assert!(
        of(1.5, 20).unwrap_err().to_string().contains("desk: 1.50 × what it can do; offer less"),
        "no run is long enough"
    );
    let found = of(0.5, 20).unwrap();
    let warmup = found.scenario().sim.warmup.value.span().as_secs_f64();
    assert!(warmup < 10.0 && found.source().text.contains("ms\""), "{warmup}");
}

fn auto(rho: f64, seconds: u32, seed: u64) -> Result<Checked, String> {
    let text = queue(rho, seconds, seed, "").replace(&format!("warmup = \"{}s\"", seconds / 2), "warmup = \"auto\"");
    load(&Source::text("warm", &text), None, &Options::default()).map_err(|why| why.to_string())
}

/// M/M/1 at 0.99 takes 398 s to forget its beginning: what 20 s show is chance, and whatever seed they have they are refused. At 0.9 it takes 3.8 s, so that 40 s will do whatever their
/// seed; what is then left of the beginning is less than a quarter of what is not known anyway.
#[test]
fn a_run_is_long_enough_or_it_is_not_whatever_its_seed() {
    let (mut bias, mut half) = (0.0, 0.0);
    for seed in 1..=40 {
        let why = auto(0.99, 20, seed).unwrap_err();
        assert!(why.contains("desk is 99 % busy and takes 398 s") && why.contains("run longer, such as"), "{why}");
        let found = auto(0.9, 40, seed).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        let warmup = found.scenario().sim.warmup.value.span();
        assert!(warmup.as_secs_f64() > 3.79 && warmup.as_secs_f64() <= 20.0, "seed {seed}: {warmup:?}");
        let plain = queue(0.9, 40, seed, "").replace("\"20s\"", "\"0s\"");
        let plain = load(&Source::text("warm", &plain), None, &Options::default()).unwrap();
        let level = mean_of(&levels(&plain, warmup), 0.95);
        bias += (level.value.unwrap() - 18.0) / 40.0;
        half += level.half_width().unwrap() / 40.0;
    }
    println!("bias {bias:.3}, half-width {half:.3}");
    assert!(bias.abs() < half / 4.0, "{bias}, and half of an interval is {half}");
}

#[test]
fn without_a_promise_nothing_is_to_be_decided() {
    let checked = load(&Source::text("enough", queue(0.5, 2, 1, "")), None, &Options::default()).unwrap();
    let told = enough(&checked, &Goal::Decided, None, &()).unwrap_err().to_string();
    assert!(told.contains("[[slos]]"), "{told}");
}
