//! How often the intervals that are shown hold the truth, measured: M/M/1 queues whose truth theory knows, many seeds.
//!
//! `cargo run --profile quick --example coverage -- 400` takes a few minutes on two cores. Ends with 1 where a goal is
//! missed; with fewer than 400 seeds chance is allowed for.

use std::process::ExitCode;

use hoptax::experiment;
use hoptax::experiment::summary::{Estimate, Outcome, Summary};
use hoptax::scenario::{Source, load};

/// Intervals that say 95 % hold at least this often.
const COVERAGE: f64 = 0.92;
/// From so many seeds on nothing is put down to chance.
const ALL: usize = 400;

/// One queue, at a load, for a time.
struct Case {
    load: f64,
    seconds: f64,
    /// Fails by itself, whatever else happens.
    errors: f64,
    /// Turns away whoever finds so many in line.
    line: Option<i32>,
}

/// A figure of a case and its truth.
struct Figure {
    name: &'static str,
    truth: f64,
    of: fn(&Summary) -> Estimate,
    /// Whether more is worse: a share of successes is promised from below.
    below: bool,
    /// How it is written in a promise.
    word: &'static str,
    unit: &'static str,
    /// Whether the run is long enough for it to be shown, and for a promise with a factor of two to spare to be met.
    long: bool,
}

/// What the runs of a case said of a figure.
#[derive(Default)]
struct Heard {
    values: Vec<f64>,
    widths: Vec<f64>,
    held: usize,
    broken_met: usize,
    kept_met: usize,
}

fn cases() -> Vec<Case> {
    let plain = |load, seconds, errors| Case { load, seconds, errors, line: None };
    let limited = |seconds, line| Case { load: 0.7, seconds, errors: 0.0, line: Some(line) };
    vec![
        plain(0.7, 60.0, 1e-3),
        plain(0.7, 300.0, 1e-4),
        plain(0.85, 60.0, 1e-2),
        plain(0.85, 300.0, 1e-3),
        // Rare failures in clusters: 1.7 %, 0.3 %, 0.017 % of requests find the line full.
        limited(60.0, 7),
        limited(60.0, 12),
        limited(60.0, 20),
        limited(300.0, 20),
    ]
}

impl Case {
    /// Share of requests that fail: by themselves, or at a full line (M/M/1/K).
    fn failing(&self) -> f64 {
        let full = |line: i32| (1.0 - self.load) * self.load.powi(line + 1) / (1.0 - self.load.powi(line + 2));
        self.line.map_or(self.errors, full)
    }

    fn figures(&self) -> Vec<Figure> {
        let long = self.seconds >= 300.0;
        let failed = self.failing() * self.load * 100.0 * self.seconds * 10.0;
        let mut figures = vec![Figure {
            name: "success",
            truth: 1.0 - self.failing(),
            of: |s| s.clients["c"].success_rate,
            below: false,
            word: "success_rate",
            unit: "",
            // About twenty clusters of five, or a hundred on their own.
            long: failed >= 200.0,
        }];
        if self.line.is_some() {
            return figures;
        }
        let mean = 10.0 / (1.0 - self.load);
        let latency = |name, truth, of, long| Figure { name, truth, of, below: true, word: name, unit: "ms", long };
        figures.push(latency("mean", mean, |s| s.clients["c"].latency_ms.mean, long));
        figures.push(latency("p50", mean * 2_f64.ln(), |s| s.clients["c"].latency_ms.p50, long));
        figures.push(latency("p99", mean * 100_f64.ln(), |s| s.clients["c"].latency_ms.p99, long));
        figures.push(latency("p99.9", mean * 1_000_f64.ln(), |s| s.clients["c"].latency_ms.p999, false));
        figures
    }

    /// Two promises for each figure: one that is broken by a fifth, one that is kept with a factor of two to spare.
    fn text(&self, seed: usize) -> String {
        let promises: String = self.figures().iter().flat_map(|f| [1.0 / 1.2, 2.0].map(|by| f.promise(by))).collect();
        let line = self.line.map_or(String::new(), |line| format!("queue_limit = {line}\n"));
        let errors = if self.errors > 0.0 { format!("error_rate = {}\n", self.errors) } else { String::new() };
        format!(
            "version = 1\nname = \"queue\"\n[sim]\nduration = \"{}s\"\nwarmup = \"10s\"\nreplications = 10\nseed = {seed}\n\
             [defaults]\ntransport = \"free\"\n[network]\nsame_zone = \"0s\"\n[clients.c]\ncalls = \"a\"\nrate = \"{}/s\"\n\
             [services.a]\nconcurrency = 1\nwork = {{ mean = \"10ms\" }}\n{line}{errors}{promises}",
            self.seconds,
            self.load * 100.0,
        )
    }

    fn run(&self, seed: usize) -> Summary {
        let checked = load(&Source::text("queue", self.text(seed)), &[]).expect("a scenario without mistakes");
        experiment::run(&checked, None, &()).expect("nobody interrupts")
    }
}

impl Figure {
    /// A promise whose bound is the truth times `by`; of a share, the share of failures that it allows.
    fn promise(&self, by: f64) -> String {
        let (sense, bound) = if self.below { ("<", self.truth * by) } else { (">", 1.0 - (1.0 - self.truth) * by) };
        format!("[[slos]]\nof = \"c\"\nexpect = \"{} {sense} {bound:.9}{}\"\n", self.word, self.unit)
    }
}

impl Heard {
    fn hear(&mut self, estimate: Estimate, truth: f64, verdicts: &[Outcome]) {
        self.values.extend(estimate.value);
        if let Some((low, high)) = estimate.ends() {
            self.widths.push(high - low);
            self.held += usize::from(low <= truth && truth <= high);
        }
        self.broken_met += usize::from(verdicts[0] == Outcome::Met);
        self.kept_met += usize::from(verdicts[1] == Outcome::Met);
    }

    /// Median width by that of an oracle, who knows how the estimate varies from seed to seed.
    fn width(&self) -> f64 {
        let mean = self.values.iter().sum::<f64>() / self.values.len() as f64;
        let squares: f64 = self.values.iter().map(|v| (v - mean) * (v - mean)).sum();
        let oracle = 2.0 * 1.96 * (squares / (self.values.len() - 1) as f64).sqrt();
        let mut widths = self.widths.clone();
        widths.sort_by(f64::total_cmp);
        widths.get(widths.len() / 2).map_or(f64::NAN, |w| w / oracle)
    }

    /// Prints a line of the table and says whether all goals are met.
    fn judge(&self, case: &Case, figure: &Figure, seeds: usize) -> bool {
        // What chance does to a share and to a width at few seeds, in one run of a hundred.
        let luck = |p: f64, n: usize| if seeds < ALL { 2.33 * (p * (1.0 - p) / n.max(1) as f64).sqrt() } else { 0.0 };
        let share = |n: usize, of: usize| n as f64 / of.max(1) as f64;
        let shown = self.widths.len();
        let (coverage, width) = (share(self.held, shown), self.width());
        let (broken, kept) = (share(self.broken_met, seeds), share(self.kept_met, seeds));
        let mut missed = Vec::new();
        let mut want = |met: bool, what: &'static str| {
            if !met {
                missed.push(what);
            }
        };
        want(shown == 0 || coverage >= COVERAGE - luck(COVERAGE, shown), "coverage");
        want(broken <= 0.05 + luck(0.05, seeds), "broken, called met");
        if figure.long {
            want(share(shown, seeds) >= 0.95 - luck(0.95, seeds), "shown");
            want(width <= 1.5 * (1.0 + if seeds < ALL { 2.0 / (2.0 * seeds as f64).sqrt() } else { 0.0 }), "width");
            want(kept >= 0.9 - luck(0.9, seeds), "kept, not called met");
        }
        let failing = if figure.below { String::new() } else { format!(" {:.1e}", case.failing()) };
        let line = case.line.map_or(String::new(), |line| format!(" line {line}"));
        println!(
            "{:<22} {:>4} {:>4} s {:>6.1} % {:>6.1} % {:>6.2} {:>7.1} % {:>6.1} %  {}",
            format!("{}{failing}{line}", figure.name),
            case.load,
            case.seconds,
            100.0 * share(shown, seeds),
            100.0 * coverage,
            width,
            100.0 * broken,
            100.0 * kept,
            missed.join(", "),
        );
        missed.is_empty()
    }
}

/// Runs all seeds of a case; how many figures miss their goals.
fn study(case: &Case, seeds: usize) -> usize {
    let figures = case.figures();
    let told = |seed: usize| {
        let summary = case.run(seed);
        let verdicts: Vec<Outcome> = summary.slos.iter().map(|slo| slo.verdict).collect();
        (figures.iter().map(|f| (f.of)(&summary)).collect::<Vec<_>>(), verdicts)
    };
    let all: Vec<_> = (1..=seeds).map(told).collect();
    let judged = figures.iter().enumerate().map(|(at, figure)| {
        let mut heard = Heard::default();
        all.iter().for_each(|(found, verdicts)| heard.hear(found[at], figure.truth, &verdicts[2 * at..]));
        heard.judge(case, figure, seeds)
    });
    judged.filter(|met| !met).count()
}

fn main() -> ExitCode {
    let seeds = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(40).max(2);
    println!("{seeds} seeds, 10 replications each; width: median ÷ an oracle's\n");
    println!("figure                 load length   shown covered  width  broken,  kept,   missed");
    println!("                                                         called met");
    let missed: usize = cases().iter().map(|case| study(case, seeds)).sum();
    println!("\n{missed} figures miss a goal");
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
