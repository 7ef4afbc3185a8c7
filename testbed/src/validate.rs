//! `hoptax validate --testbed`: every scenario of `scenarios/testbed` as processes, beside its prediction and beside the recorded
//! run. What fails is semantics: counts, success, orders of magnitude. What is less accurate than in the record is told, not failed:
//! machines differ, and so do minutes.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::compare::{self, ClientRow, Comparison, NAMES};
use crate::harness::quality::{Quality, Usage};
use crate::harness::{self, Broken, Manner};
use crate::prepare::{self, Trouble};
use crate::report::NEAR;
use crate::verb::{self, Exit};

/// The scenarios, where nobody says otherwise.
const FOLDER: &str = "scenarios/testbed";

/// The record among them.
const RECORD: &str = "record.json";

/// Runs that a record is the median of, where nobody says otherwise.
const RUNS: usize = 5;

/// Scenarios at once, where nobody says otherwise.
const ABREAST: usize = 3;

/// No other is begun beside those that run while the machine is busier than that.
const BUSY: f64 = 0.6;

/// Those that show most in least time, and how long each is measured.
const QUICK: [&str; 6] = [
    "02-one-queue-at-seventy-percent",
    "05-a-short-line-in-overload",
    "07-a-blocking-chain-of-four",
    "14-one-connection-many-streams",
    "20-retries-in-overload",
    "28-an-outage-that-refuses",
];
const QUICK_LENGTH: &str = "sim.duration=18s";

/// What semantics may differ by: points of success, and how many times as long the median is.
const SUCCESS: f64 = 0.05;
const TIMES: f64 = 2.0;

/// Run the scenarios of the testbed's record as processes, and compare with prediction and record
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// The beginnings of names, such as `07`; without any all scenarios
    names: Vec<String>,
    /// Six of them, shortened: in three minutes, for semantics only
    #[arg(long, conflicts_with = "record")]
    quick: bool,
    /// Run each several times, and write the medians as the new record
    #[arg(long)]
    record: bool,
    /// How many times
    #[arg(long, value_name = "N", default_value_t = RUNS, requires = "record", value_parser = at_least_one)]
    runs: usize,
    /// So many scenarios at once, however busy the machine is. Default: up to three, as long as it is not busy
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    abreast: Option<usize>,
    /// Where the scenarios are
    #[arg(long, value_name = "DIR", default_value = FOLDER)]
    folder: PathBuf,
}

/// What was recorded.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    schema_version: u32,
    /// How many runs each figure is the median of.
    runs: usize,
    /// Cores of the machine.
    cores: usize,
    scenarios: BTreeMap<String, Recorded>,
}

/// A scenario's median run.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Recorded {
    /// How it is run again.
    command: String,
    clients: BTreeMap<String, Figures>,
    /// Share of all cores' time used, the median over runs.
    busy: f64,
    /// Runs that are to be trusted.
    trusted: usize,
}

/// A client's figures: success, mean, p50, p90, p99.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Figures {
    predicted: [f64; 5],
    /// The median over runs.
    measured: [f64; 5],
    /// From the least to the most over runs.
    spread: [[f64; 2]; 5],
    /// Of the median.
    accuracy: [f64; 5],
    /// Share of paired requests that ended the same way, the median over runs.
    same_end: Option<f64>,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("write a number from 1".into()),
        Ok(count) => Ok(count),
    }
}

/// Runs what was asked for.
pub(crate) fn act(args: &Args) -> Exit {
    match checked(args) {
        Ok(exit) => exit,
        Err((why, exit)) => {
            eprint!("{why}");
            exit
        }
    }
}

fn checked(args: &Args) -> Result<Exit, (String, Exit)> {
    let files = files(args).map_err(|why| (why, Exit::Broken))?;
    let path = args.folder.join(RECORD);
    let before: Record =
        std::fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let set = if args.quick { vec![QUICK_LENGTH.to_owned()] } else { Vec::new() };
    let mut tally = Tally::default();
    let count = if args.record { args.runs } else { 1 };
    let mut record = Record { schema_version: 1, runs: count, cores: cores(), ..Record::default() };
    record.scenarios.extend(before.scenarios);
    _ = verb::say(&(head() + "\n"));
    for (file, runs) in files.iter().zip(all_runs(&files, &set, count, args.abreast)) {
        let runs = runs?;
        let now = recorded(file, &runs);
        let name = runs[0].scenario.clone();
        let old = record.scenarios.get(&name).filter(|_| !args.quick);
        for (client, figures) in &now.clients {
            let was = old.and_then(|old| old.clients.get(client));
            _ = verb::say(&(tally.line(&name, client, figures, was, now.trusted == runs.len()) + "\n"));
        }
        tally.look(&runs);
        record.scenarios.insert(name, now);
    }
    _ = verb::say(&format!("\n{}\n", tally.sentence()));
    if args.record {
        let text = serde_json::to_string_pretty(&record).unwrap_or_default() + "\n";
        std::fs::write(&path, text).map_err(|error| (format!("error: {}: {error}\n", path.display()), Exit::Broken))?;
    }
    Ok(if tally.broken.is_empty() { Exit::Done } else { Exit::Broken })
}

/// The scenarios that are meant, in order of their names.
fn files(args: &Args) -> Result<Vec<PathBuf>, String> {
    let folder = args.folder.display();
    let help = "run it where the repository is, or say where they are with --folder";
    let all = std::fs::read_dir(&args.folder).map_err(|error| format!("error: {folder}: {error}; {help}\n"))?;
    let mut all: Vec<PathBuf> = all.filter_map(|entry| Some(entry.ok()?.path())).collect();
    all.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    all.sort();
    let begins = |path: &Path, names: &[String]| names.iter().any(|name| stem(path).starts_with(name.as_str()));
    if args.quick {
        all.retain(|path| QUICK.contains(&stem(path).as_str()));
    }
    if !args.names.is_empty() {
        all.retain(|path| begins(path, &args.names));
    }
    if all.is_empty() { Err(format!("error: {folder} has no such scenario; {help}\n")) } else { Ok(all) }
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The runs of a scenario, or why there are none and how the program ends.
type Runs = Result<Vec<Comparison>, (String, Exit)>;

/// Runs all scenarios, some of them at once. The results are in the order of the files; after one that breaks no other is begun.
fn all_runs(files: &[PathBuf], set: &[String], count: usize, abreast: Option<usize>) -> Vec<Runs> {
    let todo: Mutex<VecDeque<(usize, &PathBuf)>> = Mutex::new((0..files.len()).zip(files).collect());
    let done: Mutex<BTreeMap<usize, Runs>> = Mutex::default();
    let work = |first: bool| {
        loop {
            // Whoever is not the first waits until there is room.
            while !first && abreast.is_none() && !lock(&todo).is_empty() && !is_quiet() {}
            let Some((at, file)) = lock(&todo).pop_front() else { return };
            eprintln!("{} of {}: {}", at + 1, files.len(), stem(file));
            let runs: Runs = (0..count).map(|_| run(file, set)).collect();
            if runs.is_err() {
                lock(&todo).clear();
            }
            lock(&done).insert(at, runs);
        }
    };
    std::thread::scope(|scope| {
        let work = &work;
        (0..abreast.unwrap_or(ABREAST)).for_each(|nth| _ = scope.spawn(move || work(nth == 0)));
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the machine had room within the last second.
fn is_quiet() -> bool {
    let before = Usage::read();
    std::thread::sleep(Duration::from_secs(1));
    Quality::between(before, Usage::read()).busy < BUSY
}

fn run(file: &Path, set: &[String]) -> Result<Comparison, (String, Exit)> {
    let prepared = prepare::prepare(file, set, false).map_err(|trouble| match trouble {
        Trouble::File(why) => (format!("error: {why}\n"), Exit::Broken),
        Trouble::Invalid(why) => (why, Exit::Invalid),
    })?;
    let measured = harness::run(&prepared, Manner { replication: 0, burn: false });
    let measured = measured.map_err(|broken| match broken {
        Broken::Interrupted => (String::new(), Exit::Interrupted),
        Broken::Failed(why) => (format!("error: {}: {why}\n", file.display()), Exit::Broken),
    })?;
    Ok(compare::paired(&prepared, &measured))
}

/// The median of some runs.
fn recorded(file: &Path, runs: &[Comparison]) -> Recorded {
    let clients = (0..runs[0].clients.len()).map(|at| {
        let rows: Vec<&ClientRow> = runs.iter().map(|run| &run.clients[at]).collect();
        (rows[0].name.clone(), figures(&rows))
    });
    let busy = sorted(runs.iter().map(|run| run.quality.busy));
    Recorded {
        command: format!("hoptax testbed {}", file.display()),
        clients: clients.collect(),
        busy: busy[busy.len() / 2],
        trusted: runs.iter().filter(|run| run.quality.trusted).count(),
    }
}

fn figures(rows: &[&ClientRow]) -> Figures {
    let predicted = rows[0].predicted.values();
    let all: [Vec<f64>; 5] = std::array::from_fn(|at| sorted(rows.iter().map(|row| row.measured.values()[at])));
    let measured: [f64; 5] = std::array::from_fn(|at| all[at][rows.len() / 2]);
    let same = sorted(rows.iter().filter_map(|row| Some(row.paired?.same_end)));
    Figures {
        predicted,
        measured,
        spread: std::array::from_fn(|at| [all[at][0], all[at][rows.len() - 1]]),
        accuracy: std::array::from_fn(|at| compare::accuracy(predicted[at], measured[at])),
        same_end: same.get(same.len() / 2).copied(),
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut all: Vec<f64> = values.collect();
    all.sort_unstable_by(f64::total_cmp);
    all
}

/// What came of all scenarios.
#[derive(Debug, Default)]
struct Tally {
    /// By figure: accuracies.
    accuracy: [Vec<f64>; 5],
    clients: usize,
    /// What is no longer the same in kind, and where.
    broken: Vec<String>,
}

fn head() -> String {
    format!(
        "{:<40} {:>9} {:>9} {:>7} {:>7} {:>8} {:>11}",
        "scenario", "predicted", "measured", "p50", "p99", "same end", "record p99"
    )
}

impl Tally {
    fn line(&mut self, name: &str, client: &str, now: &Figures, was: Option<&Figures>, trusted: bool) -> String {
        self.clients += 1;
        self.accuracy.iter_mut().zip(now.accuracy).for_each(|(all, one)| all.push(one));
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let [good, _, p50, _, p99] = now.accuracy.map(percent);
        _ = good;
        let same = now.same_end.map_or_else(|| "-".to_owned(), percent);
        let recorded = was.map_or_else(|| "-".to_owned(), |was| percent(was.accuracy[4]));
        let name: String = format!("{name} {client}").chars().take(40).collect();
        let mark = if trusted { "" } else { "  not quiet" };
        format!(
            "{name:<40} {:>9} {:>9} {p50:>7} {p99:>7} {same:>8} {recorded:>11}{mark}",
            percent(now.predicted[0]),
            percent(now.measured[0])
        )
    }

    /// Looks whether the runs are the same in kind as their prediction.
    fn look(&mut self, runs: &[Comparison]) {
        for row in runs.iter().flat_map(|run| run.clients.iter().map(move |row| (run, row))) {
            let (run, client) = row;
            for what in differs(client) {
                self.broken.push(format!("{}, {}: {what}", run.scenario, client.name));
            }
        }
    }

    fn sentence(&self) -> String {
        let near = |figure: usize| self.accuracy[figure].iter().filter(|share| **share >= NEAR).count();
        let median = |figure: usize| {
            let all = sorted(self.accuracy[figure].iter().copied());
            all.get(all.len() / 2).map_or(0.0, |share| share * 100.0)
        };
        let told = [2, 4].map(|figure| {
            format!(
                "{}: {} of {} within 3 %, median accuracy {:.1} %",
                NAMES[figure],
                near(figure),
                self.clients,
                median(figure)
            )
        });
        let mut out = told.join("; ");
        for what in &self.broken {
            out += &format!("\nnot as predicted: {what}");
        }
        out
    }
}

/// In what a client's requests went another way than predicted, not only sooner or later.
fn differs(row: &ClientRow) -> Vec<String> {
    let mut all = Vec::new();
    let (was, is) = (&row.predicted, &row.measured);
    if row.paired.is_some() && was.count != is.count {
        all.push(format!("{} requests, not {}", is.count, was.count));
    }
    if (was.success - is.success).abs() > SUCCESS {
        all.push(format!("{:.1} % succeed, not {:.1} %", is.success * 100.0, was.success * 100.0));
    }
    let times = if was.p50_ms > 0.0 { is.p50_ms / was.p50_ms } else { 1.0 };
    // Below a millisecond the machine decides.
    if was.p50_ms > 1.0 && !(1.0 / TIMES..=TIMES).contains(&times) {
        all.push(format!("the median takes {times:.1} times as long"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Figures as Of;

    fn row(success: f64, p50_ms: f64, count: u64) -> ClientRow {
        let measured = Of { count, success, p50_ms, ..Of::default() };
        let predicted = Of { count: 100, success: 0.9, p50_ms: 20.0, ..Of::default() };
        ClientRow {
            name: "people".into(),
            predicted,
            measured,
            accuracy: [1.0; 5],
            paired: Some(compare::Paired::default()),
            one_run: None,
        }
    }

    #[test]
    fn noise_is_no_difference_and_another_outcome_is() {
        assert!(differs(&row(0.88, 30.0, 100)).is_empty());
        assert_eq!(differs(&row(0.8, 20.0, 100)), ["80.0 % succeed, not 90.0 %"]);
        assert_eq!(differs(&row(0.9, 50.0, 100)), ["the median takes 2.5 times as long"]);
        assert_eq!(differs(&row(0.9, 20.0, 99)), ["99 requests, not 100"]);
    }
}
