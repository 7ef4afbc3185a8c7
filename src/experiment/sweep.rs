//! One value over several: every figure against a parameter of the file, where a promise stops to hold, and where the knee is.
//!
//! Each point of the grid is the scenario with those values, run so many times; the seeds are the same at all points, so that
//! neighbours differ by what was changed. A run leaves one row of figures, and all that is told comes of these rows in
//! their order: which thread, which shard or which of several starts made a row changes no byte.
//!
//! A campaign is a folder (`--output`): a manifest of what is swept, and a line for each run. What is killed goes on where it was,
//! a part of a line is run again, and more runs of each point (`-n`) are added to those that are there. Parts (`--shards`) are put together (`--merge`) to the bytes of one run.
//!
//! The p50 and p99 of a point are means over its runs of each run's own percentile over all that arrived, the interval is
//! Student's, its upper end farther as for means of times. A promise holds as far as the curve of what it measures stays on
//! the good side; between two points that is read off a straight line (of the reciprocal, where it is a time). Its interval
//! goes from where the worse end of the measured figure crosses the bound to where the better end does, and is wider by what the
//! curve may do between its points, as their neighbours tell.
//!
//! The knee is where throughput ÷ mean latency is greatest (Kleinrock, "Power and deterministic rules of thumb for
//! probabilistic problems in computer communications", ICC 1979): up to there more load brings more than it costs. It is
//! found in each run, between points by curves through them, and averaged.

mod crossing;
mod fold;
mod knee;
mod manifest;
mod row;
mod shelf;

pub use crossing::{Border, Holds, Reach};
pub use fold::{Figures, Kept, Point};
pub use knee::Knee;
pub use manifest::{Manifest, Parameter, Promised, Spot};
pub use row::Row;
pub use shelf::{Held, Place, Rows};

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::Serialize;

use super::measure::Measure;
use super::parallel;
use super::run::{SoFar, Watch, guard, once, replication};
use super::study::{Head, Trouble};
use crate::machine::{Stop, replication_seed};
use crate::model::Plan;
use crate::scenario::written::Axis;
use crate::scenario::{Checked, lower};
use crate::units::Time;
use fold::fold;
use shelf::{Shelf, Shelves};

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
    /// As far as each promise holds along one of two parameters, at each value of the other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub border: Vec<Border>,
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
}

/// Hears the rows in order, each once, while the figures are made of them: for tables of single runs.
pub type Tell<'a> = &'a mut dyn FnMut(&Manifest, &Row) -> Result<(), String>;

/// Runs a sweep, or what is missing of it.
///
/// ```
/// use hoptax::experiment::study::{Options, load};
/// use hoptax::experiment::sweep::{Held, Wanted, study};
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
/// let wanted = Wanted { axes, ..Wanted::default() };
/// let found = study(&checked, &wanted, None, &(), &Held::default(), &mut |_, _| Ok(())).unwrap();
/// let sweep = found.sweep.unwrap();
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
    tell: Tell<'_>,
) -> Result<Study, Trouble> {
    let axes = if wanted.axes.is_empty() { &checked.scenario.sweep } else { &wanted.axes };
    let grid = manifest::Grid::of(checked, axes)?;
    let manifest = Manifest::of(checked, &grid, wanted.client.as_deref(), (jobs, watch))?;
    if let Some(shard) = wanted.shard.filter(|shard| shard.of > manifest.runs()) {
        let (of, runs) = (shard.of, manifest.runs());
        return Err(Trouble::Absent(format!(
            "--shards {of}: there are {runs} runs, and a part has one at least; say {runs} or fewer"
        )));
    }
    rows.claim().map_err(Trouble::Kept)?;
    match rows.manifest() {
        Some(text) if !manifest.extends(&text) => manifest.same(&text, "the folder")?,
        _ => rows.begin(&manifest.text()).map_err(Trouble::Kept)?,
    }
    let todo = {
        let shelf = Shelf::of("", rows, &manifest)?;
        let part = |run: u64| wanted.shard.is_none_or(|shard| manifest.place(run) % shard.of == shard.nth);
        let points = 0..manifest.points.len() as u64;
        let all = points.flat_map(|point| manifest.runs_of(point));
        all.filter(|run| part(*run) && !shelf.has(*run)).collect::<Vec<u64>>()
    };
    let whole = Field::run(&grid, &manifest, &todo, checked, (jobs, watch, rows))?;
    let shelves = Shelves::of(vec![Shelf::of("", rows, &manifest)?], &manifest)?;
    let (runs, known) = (manifest.runs(), shelves.known(&manifest));
    if known == 0 && !whole {
        return Err(Trouble::Interrupted);
    }
    if wanted.shard.is_some() && whole && known < runs {
        return Ok(Study { sweep: None, runs, known, whole });
    }
    let sweep = told(&manifest, &shelves, tell)?;
    Ok(Study { sweep: Some(sweep), runs, known, whole })
}

/// Parts that were made apart, each with its name, as one. The first says what is meant; another scenario, version or
/// parameter is refused by name.
pub fn merge(parts: &[(String, &dyn Rows)], tell: Tell<'_>) -> Result<Study, Trouble> {
    let text = |name: &str, rows: &dyn Rows| {
        let none = || Trouble::Kept(format!("{name}: there is no manifest.json; it is no folder of a sweep"));
        rows.manifest().ok_or_else(none)
    };
    let (first, rows) = parts.first().ok_or_else(|| Trouble::Absent("there is nothing to merge".into()))?;
    let manifest = Manifest::read(&text(first, *rows)?, first)?;
    manifest.is_ours(first)?;
    let mut all = Vec::new();
    for (name, rows) in parts {
        manifest.same(&text(name, *rows)?, name)?;
        all.push(Shelf::of(name, *rows, &manifest)?);
    }
    let shelves = Shelves::of(all, &manifest)?;
    let (runs, known) = (manifest.runs(), shelves.known(&manifest));
    if known < runs {
        let missing = (0..runs).filter(|run| !shelves.has(*run)).take(3).map(|run| run.to_string());
        let such = missing.collect::<Vec<_>>().join(", ");
        let cure =
            "go on with the shards that are not finished, or with `hoptax sweep FILE --output` one of these folders";
        return Err(Trouble::Kept(format!("{} of {runs} runs are missing, such as {such}; {cure}", runs - known)));
    }
    let sweep = told(&manifest, &shelves, tell)?;
    Ok(Study { sweep: Some(sweep), runs, known, whole: true })
}

/// What the rows come to; of a point at a time they are in memory. An interruption leaves out what has no run yet.
fn told(manifest: &Manifest, shelves: &Shelves<'_>, tell: Tell<'_>) -> Result<Sweep, Trouble> {
    let (mut points, mut known) = (Vec::new(), 0);
    for point in 0..manifest.points.len() as u64 {
        let rows = shelves.rows(manifest.runs_of(point))?;
        for row in &rows {
            tell(manifest, row).map_err(Trouble::Kept)?;
        }
        known += rows.len() as u64;
        points.extend((!rows.is_empty()).then(|| fold(manifest, point, &rows)));
    }
    Ok(Sweep {
        head: manifest.head.clone(),
        parameters: manifest.parameters.clone(),
        client: manifest.client.clone(),
        promises: crossing::holds(manifest, &points),
        border: crossing::border(manifest, &points),
        knee: knee::knee(manifest, &points),
        points,
        missing: manifest.runs() - known,
    })
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

impl<'a> Field<'a> {
    /// Makes these runs; whether all of them came to their end.
    fn run(
        grid: &'a manifest::Grid<'a>,
        manifest: &'a Manifest,
        todo: &[u64],
        checked: &Checked,
        (jobs, watch, rows): (Option<usize>, &'a dyn Watch, &'a dyn Rows),
    ) -> Result<bool, Trouble> {
        let (done, stop, why) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(None));
        let field = Self { grid, manifest, watch, rows, done, stop, why };
        let threads = parallel::cores_for(jobs).min(checked.memory.at_once(checked.ceiling)).max(1);
        let tasks = field.tasks(todo, threads);
        let each = |at: u32| field.task(&tasks[at as usize], todo.len());
        let made: usize = parallel::each(tasks.len() as u32, threads, each).into_iter().sum();
        match field.why.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(why) => Err(why),
            None => Ok(made == todo.len()),
        }
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

    /// Makes its runs, and keeps their rows; how many it came to.
    fn task(&self, task: &[u64], of: usize) -> usize {
        if self.stopped() {
            return 0;
        }
        // It was checked when the manifest was made.
        let point = match self.grid.at(self.manifest.point(task[0])) {
            Ok(point) => point,
            Err(why) => return self.give_up(why),
        };
        let plan = lower(&point);
        let mut made = 0;
        for run in task {
            let Some(row) = self.one(&point, &plan, *run, of) else { break };
            if let Err(why) = self.rows.add(&row.text(self.manifest)) {
                return self.give_up(Trouble::Kept(why));
            }
            made += 1;
        }
        made
    }

    fn one(&self, point: &Checked, plan: &Plan, run: u64, of: usize) -> Option<Row> {
        if self.stopped() {
            return None;
        }
        let seed = replication_seed(plan.seed, self.manifest.replication(run));
        let length = (plan.warmup + plan.duration).0.max(1);
        let whole = length as f64 * of as f64;
        let mut told = 0;
        let mut look = |now: Time, _: &Measure| {
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
        let row = Row { run, events, guard, ..Row::of(point, plan, &replication, self.manifest) };
        if self.watch.curious() {
            self.watch.hear(&self.told(&row));
        }
        Some(row)
    }

    /// What a run shows of the client that is asked about.
    fn told(&self, row: &Row) -> SoFar {
        let Manifest { client, clients, points, .. } = self.manifest;
        let asked = clients.iter().position(|name| name == client).unwrap_or(0);
        let found = row.clients.get(asked).copied().unwrap_or_default();
        SoFar::Point {
            at: points[self.manifest.point(row.run) as usize].at.join(" "),
            client: client.clone(),
            well: found.succeeded as f64 / found.arrived.max(1) as f64,
            p99_ms: found.p99_ms,
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.watch.stopped()
    }

    fn give_up(&self, why: Trouble) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.why.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        0
    }
}
