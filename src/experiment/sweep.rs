//! One value over several: every figure against a parameter of the file, where a promise stops to hold, and where the knee is.
//!
//! Each point of the grid is the scenario with those values, run so many times; the seeds are the same at all points, so that
//! neighbours differ by what was changed. A run leaves one row of figures, and all that is told comes of these rows in
//! their order: which thread, which shard or which of several starts made a row changes no byte.
//!
//! A campaign is a folder (`--output`): a manifest of what is swept, and a line for each run. What is killed goes on where it was,
//! a part of a line is run again. Parts (`--shards`) are put together (`--merge`) to the bytes of one run.
//!
//! The p50 and p99 of a point are means over its runs of each run's own percentile over all that arrived, the interval is
//! Student's, its upper end farther as for means of times. A promise holds as far as the curve of what it measures stays on
//! the good side; between two points that is read off a straight line (of the logarithm, where it is a latency). Its interval
//! goes from where the worse end of the measured figure crosses the bound to where the better end does.
//!
//! The knee is where throughput ÷ mean latency is greatest (Kleinrock, "Power and deterministic rules of thumb for
//! probabilistic problems in computer communications", ICC 1979): up to there more load brings more than it costs. It is
//! found in each run, between points by a parabola, and averaged.

mod crossing;
mod fold;
mod knee;
mod manifest;
mod row;

pub use crossing::{Holds, Reach};
pub use fold::{Figures, Kept, Point};
pub use knee::Knee;
pub use manifest::{Manifest, Parameter, Promised, Spot};
pub use row::Row;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::Serialize;

use super::parallel;
use super::run::{Watch, guard, once, replication};
use super::study::{Head, Trouble};
use crate::machine::{Stop, replication_seed};
use crate::model::Plan;
use crate::scenario::written::Axis;
use crate::scenario::{Checked, lower};
use crate::units::Time;
use fold::fold;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// What is swept; none: what the file says.
    pub axes: Vec<Axis>,
    /// Whose requests the answer is about; the client with most of them where nobody is named.
    pub client: Option<String>,
    /// The part of the runs that is to be made here; all where nothing is said.
    pub shard: Option<Shard>,
}

/// A part of the runs: those whose number leaves this rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 0.
    pub nth: u64,
    /// Of how many.
    pub of: u64,
}

/// Where finished runs are kept, so that a sweep can be stopped at any moment and go on, or be made in parts.
pub trait Rows: Sync {
    /// The manifest of what is there already.
    fn manifest(&self) -> Option<String>;
    /// Keeps the manifest of what is begun.
    fn begin(&self, manifest: &str) -> Result<(), String>;
    /// The lines that are there; what is no whole row does not count.
    fn known(&self) -> Result<Vec<String>, String>;
    /// One more line.
    fn add(&self, line: &str) -> Result<(), String>;
}

/// Nothing is kept.
pub struct Unkept;

impl Rows for Unkept {
    fn manifest(&self) -> Option<String> {
        None
    }
    fn begin(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
    fn known(&self) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }
    fn add(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
}

/// A sweep.
#[derive(Clone, Debug, Serialize)]
pub struct Sweep {
    /// Who made it, of what, and how.
    #[serde(flatten)]
    pub head: Head,
    /// What was swept; the last changes first from point to point.
    pub parameters: Vec<Parameter>,
    /// Whose requests the answer is about.
    pub client: String,
    /// Every combination of values.
    pub points: Vec<Point>,
    /// As far as each promise holds, where one number is swept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub promises: Vec<Holds>,
    /// Where more load costs more than it brings; `None` where that is at no point within.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub knee: Option<Knee>,
    /// Runs that are still to be made.
    pub missing: u64,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Study {
    /// The figures, of the points that are whole; `None` where this was a shard, and others are to come.
    pub sweep: Option<Sweep>,
    /// How many runs there are in all.
    pub runs: u64,
    /// Of these, known now.
    pub known: u64,
    /// Whether everything that was to be run was.
    pub whole: bool,
    /// The rows in order, with the manifest, for tables of single runs.
    pub rows: Option<(Manifest, Vec<Row>)>,
}

/// Runs a sweep, or what is missing of it.
///
/// ```
/// use hoptax::experiment::study::{Options, load};
/// use hoptax::experiment::sweep::{Unkept, Wanted, study};
/// use hoptax::scenario::Source;
/// use hoptax::scenario::written::Axis;
///
/// let text = r#"
/// version = 1
/// sim = { duration = "40s", warmup = "4s", replications = 6 }
/// network = { same_zone = "0ms" }
/// [clients.users]
/// calls = "desk"
/// rate = "10/s"
/// transport = "free"
/// [services.desk]
/// concurrency = 1
/// work = { mean = "10ms" }
/// "#;
/// let checked = load(&Source::text("desk", text), None, &Options::default()).unwrap();
/// let axes = vec![Axis::parse("clients.users.rate=10/s..90/s:9").unwrap()];
/// let sweep = study(&checked, &Wanted { axes, ..Wanted::default() }, None, &(), &Unkept).unwrap().sweep.unwrap();
/// // M/M/1: the mean is 10 ms ÷ (1 − ρ), and throughput ÷ mean is greatest at ρ = ½.
/// let half = &sweep.points[4].clients["users"].mean_ms;
/// assert!((half.value.unwrap() - 20.0).abs() < 2.0);
/// assert!((sweep.knee.unwrap().at.value.unwrap() - 50.0).abs() < 8.0);
/// ```
pub fn study(
    checked: &Checked,
    wanted: &Wanted,
    jobs: Option<usize>,
    watch: &dyn Watch,
    rows: &dyn Rows,
) -> Result<Study, Trouble> {
    let axes = if wanted.axes.is_empty() { &checked.scenario.sweep } else { &wanted.axes };
    let grid = manifest::Grid::of(checked, axes)?;
    let manifest = Manifest::of(checked, &grid, wanted.client.as_deref())?;
    match rows.manifest() {
        Some(text) => manifest.same(&text, "the folder")?,
        None => rows.begin(&manifest.text()).map_err(Trouble::Kept)?,
    }
    let known = known(&rows.known().map_err(Trouble::Kept)?, &manifest)?;
    let runs = manifest.runs();
    let before = known.len() as u64;
    let field = Field {
        grid: &grid,
        manifest: &manifest,
        watch,
        rows,
        done: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        why: Mutex::new(None),
    };
    let todo: Vec<u64> = (0..runs)
        .filter(|run| wanted.shard.is_none_or(|shard| run % shard.of == shard.nth) && !known.contains_key(run))
        .collect();
    let made = field.run(&todo, checked, jobs);
    if let Some(why) = field.why.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(why);
    }
    let whole = made.len() == todo.len();
    let all: Vec<Row> = known.into_values().chain(made).collect();
    let count = all.len() as u64;
    debug_assert!(count <= runs && count >= before);
    if count == 0 && !whole {
        return Err(Trouble::Interrupted);
    }
    if wanted.shard.is_some() && whole && count < runs {
        return Ok(Study { sweep: None, runs, known: count, whole, rows: None });
    }
    let (sweep, sorted) = told(&manifest, all);
    Ok(Study { sweep: Some(sweep), runs, known: count, whole, rows: Some((manifest, sorted)) })
}

/// Parts that were made apart, as one: each a manifest, and lines. The first says what is meant; another scenario, version or
/// parameter is refused by name.
pub fn merge(parts: &[(String, String, Vec<String>)]) -> Result<Study, Trouble> {
    let (first, text, _) = parts.first().ok_or_else(|| Trouble::Absent("there is nothing to merge".into()))?;
    let manifest = Manifest::read(text, first)?;
    manifest.is_ours(first)?;
    let mut all = BTreeMap::new();
    for (name, text, lines) in parts {
        manifest.same(text, name)?;
        for (run, row) in known(lines, &manifest)? {
            if all.get(&run).is_some_and(|other| *other != row) {
                return Err(Trouble::Kept(format!(
                    "{name}: run {run} is not what it is elsewhere; one of them was changed"
                )));
            }
            all.insert(run, row);
        }
    }
    let (runs, count) = (manifest.runs(), all.len() as u64);
    if count < runs {
        let missing = (0..runs).filter(|run| !all.contains_key(run)).take(3).map(|run| run.to_string());
        let such = missing.collect::<Vec<_>>().join(", ");
        let cure =
            "go on with the shards that are not finished, or with `hoptax sweep FILE --output` one of these folders";
        return Err(Trouble::Kept(format!("{} of {runs} runs are missing, such as {such}; {cure}", runs - count)));
    }
    let (sweep, sorted) = told(&manifest, all.into_values().collect());
    Ok(Study { sweep: Some(sweep), runs, known: count, whole: true, rows: Some((manifest, sorted)) })
}

/// The rows among these lines, by run.
fn known(lines: &[String], manifest: &Manifest) -> Result<BTreeMap<u64, Row>, Trouble> {
    let mut all: BTreeMap<u64, Row> = BTreeMap::new();
    for row in lines.iter().filter_map(|line| Row::read(line)) {
        if row.run >= manifest.runs() {
            return Err(Trouble::Kept(format!("there is a run {}, of {}", row.run, manifest.runs())));
        }
        if all.get(&row.run).is_some_and(|other| *other != row) {
            return Err(Trouble::Kept(format!("run {} is there twice, and not the same; one was changed", row.run)));
        }
        all.insert(row.run, row);
    }
    Ok(all)
}

/// What the rows come to, and the rows in order.
fn told(manifest: &Manifest, mut rows: Vec<Row>) -> (Sweep, Vec<Row>) {
    rows.sort_by_key(|row| row.run);
    let missing = manifest.runs() - rows.len() as u64;
    // A point counts with the runs that it has; an interruption leaves the others out.
    let by_point = rows.chunk_by(|a, b| manifest.point(a.run) == manifest.point(b.run));
    let points: Vec<Point> = by_point.map(|rows| fold(manifest, manifest.point(rows[0].run), rows)).collect();
    let promises = crossing::holds(manifest, &points);
    let knee = knee::knee(manifest, &points);
    let sweep = Sweep {
        head: manifest.head.clone(),
        parameters: manifest.parameters.clone(),
        client: manifest.client.clone(),
        points,
        promises,
        knee,
        missing,
    };
    (sweep, rows)
}

/// What all threads work on.
struct Field<'a> {
    grid: &'a manifest::Grid<'a>,
    manifest: &'a Manifest,
    watch: &'a dyn Watch,
    rows: &'a dyn Rows,
    /// Simulated time, ns.
    done: AtomicU64,
    stop: AtomicBool,
    why: Mutex<Option<Trouble>>,
}

/// Runs of one point that follow each other on one thread: the plan is lowered once for them.
type Task = Vec<u64>;

impl Field<'_> {
    /// The rows of these runs.
    fn run(&self, todo: &[u64], checked: &Checked, jobs: Option<usize>) -> Vec<Row> {
        let threads = parallel::cores_for(jobs).min(checked.memory.at_once(checked.ceiling)).max(1);
        let tasks = self.tasks(todo, threads);
        let each = |at: u32| self.task(&tasks[at as usize], todo.len());
        parallel::each(tasks.len() as u32, threads, each).into_iter().flatten().collect()
    }

    /// By point; what would leave threads idle is cut.
    fn tasks(&self, todo: &[u64], threads: usize) -> Vec<Task> {
        let enough = if threads == 1 { 1 } else { 4 * threads };
        let most = todo.len().div_ceil(enough).max(1);
        let mut all: Vec<Task> = Vec::new();
        for run in todo {
            let point = self.manifest.point(*run);
            match all.last_mut() {
                Some(task) if self.manifest.point(task[0]) == point && (threads == 1 || task.len() < most) => {
                    task.push(*run);
                }
                _ => all.push(vec![*run]),
            }
        }
        all
    }

    fn task(&self, task: &[u64], of: usize) -> Vec<Row> {
        if self.stopped() {
            return Vec::new();
        }
        // It was checked when the manifest was made.
        let point = match self.grid.at(self.manifest.point(task[0])) {
            Ok(point) => point,
            Err(why) => return self.give_up(why),
        };
        let plan = lower(&point);
        let mut made = Vec::new();
        for run in task {
            let Some(row) = self.one(&point, &plan, *run, of) else { break };
            if let Err(why) = self.rows.add(&row.text()) {
                return self.give_up(Trouble::Kept(why));
            }
            made.push(row);
        }
        made
    }

    fn one(&self, point: &Checked, plan: &Plan, run: u64, of: usize) -> Option<Row> {
        if self.stopped() {
            return None;
        }
        let seed = replication_seed(plan.seed, (run % u64::from(self.manifest.head.replications)) as u32);
        let length = (plan.warmup + plan.duration).0.max(1);
        let whole = length as f64 * of as f64;
        let mut told = 0;
        let mut look = |now: Time| {
            let here = now.0.min(length);
            let all = self.done.fetch_add(here - told, Ordering::Relaxed) + here - told;
            told = here;
            self.watch.advanced(all as f64 / whole);
            !self.stopped()
        };
        let finished = once(plan, seed, &mut look);
        let all = self.done.fetch_add(length - told, Ordering::Relaxed) + length - told;
        self.watch.advanced(all as f64 / whole);
        if finished.stop == Stop::Interrupted {
            return None;
        }
        let (guard, events) = (guard(&finished, plan), finished.events);
        let replication = replication((seed, finished), plan);
        Some(Row { run, events, guard, ..Row::of(point, plan, &replication, self.manifest) })
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.watch.stopped()
    }

    fn give_up(&self, why: Trouble) -> Vec<Row> {
        self.stop.store(true, Ordering::Relaxed);
        self.why.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        Vec::new()
    }
}
