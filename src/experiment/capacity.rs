//! The largest load that keeps its promises: as many times today's as that a run of the file's length keeps all of them with a
//! probability of at least 95 % (or what is asked), at it and at every load tried below.
//!
//! The same seeds are run at every load. Of each seed it is known up to which load its run keeps everything and from which on it
//! does not: loads are tried from below, up to what the busiest node can do by the forecast and beyond, then the seeds that
//! break first are looked at more closely, until the step is a hundredth. What so many of the seeds reach is the capacity: an
//! order statistic, and its interval is one, too, without any assumption on how thresholds are distributed (Hahn, Meeker,
//! "Statistical Intervals", 5.2). Near what a node can do lines take long to come to their height, in time as 1 ÷ (1 − ρ)²
//! (Whitt, "Planning queueing simulations", 1989): where nothing else changes in a run, its warm-up grows so.
//!
//! A seed that keeps its promises again at a larger load that was tried is told of: more is then not always worse.
//!
//! Without one: the same with one replica gone, of the node that is busiest then. For a load that is wanted: the replicas that
//! have no node busier than the busiest is at the capacity, one by one taken back as long as enough runs keep the promises;
//! least cores first.

mod order;
mod toward;

pub use toward::{Added, Toward};

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::parallel;
use super::run::{Watch, once, promises, replication};
use super::study::{Head, Trouble, growing, judged};
use super::summary::Estimate;
use crate::machine::{Stop, replication_seed};
use crate::scenario::edit::{grown, one_less, warmed};
use crate::scenario::written::Slo;
use crate::scenario::{Checked, forecast, lower};
use crate::units::Time;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whose load grows; none: everybody's.
    pub grow: Vec<String>,
    /// With which probability a run is to keep all promises.
    pub confidence: f64,
    /// A load that is wanted, requests per second of all that grow together.
    pub target_per_s: Option<f64>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { grow: Vec::new(), confidence: 0.95, target_per_s: None }
    }
}

/// What a scenario can carry.
#[derive(Clone, Debug, Serialize)]
pub struct Limit {
    /// Requests per second of all that grow together; `None` where not even the least load tried is kept.
    pub per_s: Estimate,
    /// The same in times of today's load.
    pub times: Estimate,
    /// Whether the largest load tried was kept: then it is at least so much.
    pub at_least: bool,
    /// The promise that most of those that break first break.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaks: Option<String>,
    /// Who is busiest there, by the forecast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busiest: Option<String>,
    /// How busy it is there, by the forecast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utilization: Option<f64>,
    /// Every load tried with all seeds, in times of today's, and the share of runs that kept all promises.
    pub tried: Vec<(f64, Estimate)>,
    /// Seeds whose run kept everything again at a load beyond one where it did not.
    pub again: usize,
}

/// The capacity with one replica gone.
#[derive(Clone, Debug, Serialize)]
pub struct Without {
    /// Of which node.
    pub node: String,
    /// What is left then; `None` where it had only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
}

/// How much load a scenario carries.
#[derive(Clone, Debug, Serialize)]
pub struct Capacity {
    /// Who made it, of what, and how.
    #[serde(flatten)]
    pub head: Head,
    /// Whose load grows.
    pub grown: Vec<String>,
    /// Requests per second of theirs, as the file says.
    pub today_per_s: f64,
    /// With which probability a run is to keep all promises.
    pub probability: f64,
    /// Runs of each load that was tried with all seeds.
    pub seeds: u32,
    /// The capacity.
    pub limit: Limit,
    /// With one replica gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without: Option<Without>,
    /// What to add for the load that is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toward: Option<Toward>,
    /// Requests under way at the capacity, by Little's law from the client's mean latency there: so many virtual users does a
    /// load test keep busy, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<f64>,
}

/// What was found, and whether that is all of it.
#[derive(Clone, Debug)]
pub struct Study {
    /// The figures.
    pub capacity: Capacity,
    /// Whether everything was run.
    pub whole: bool,
}

/// Finds the capacity, that with a replica gone, and what a wanted load takes.
pub fn study(checked: &Checked, wanted: &Wanted, jobs: Option<usize>, watch: &dyn Watch) -> Result<Study, Trouble> {
    let absent = |why: &str| Err(Trouble::Absent(why.to_owned()));
    if checked.scenario.slos.is_empty() {
        return absent(
            "there is no promise to keep; say what is promised under [[slos]], such as expect = \"p99 < 400ms\"",
        );
    }
    if !(0.5..1.0).contains(&wanted.confidence) {
        return absent("a probability from 0.5 to below 1, such as 0.95");
    }
    let grown = growing(checked, &wanted.grow)?;
    let client = judged(checked, grown.first().map(String::as_str))?;
    let today = today(checked, &grown);
    let ranks = order::Ranks::of(wanted.confidence, checked.scenario.sim.replications.value);
    let parts = if wanted.target_per_s.is_some() { 3 } else { 2 };
    let search = |at: usize| Search { grown: &grown, today, ranks, jobs, watch, at, of: parts };
    let (limit, users) = search(0).limit(checked, Some(&client)).ok_or(Trouble::Interrupted)?;
    let mut whole = true;
    let without = one_less(checked).map(|(node, less)| {
        let limit = less.as_ref().map(|less| search(1).limit(less, None).map(|found| found.0));
        whole &= !matches!(limit, Some(None));
        Without { node, limit: limit.flatten() }
    });
    let toward =
        wanted.target_per_s.filter(|_| whole).map(|target| toward::toward(&search(2), checked, target, &limit));
    whole &= !matches!(toward, Some(None));
    let capacity = Capacity {
        head: Head::of(checked, "simulated, not measured"),
        grown,
        today_per_s: today,
        probability: wanted.confidence,
        seeds: ranks.seeds,
        limit,
        without,
        toward: toward.flatten(),
        users,
    };
    Ok(Study { capacity, whole })
}

/// Requests per second of these clients, as the file says.
fn today(checked: &Checked, grown: &[String]) -> f64 {
    forecast(&checked.scenario).clients.iter().filter(|(name, _)| grown.contains(name)).map(|(_, rate)| rate).sum()
}

/// Parts of what the busiest node can do, and beyond.
const PARTS: [f64; 12] = [0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.9, 0.97, 1.05, 1.25, 1.6, 2.5];

/// Loads where nothing limits them.
const FREE: [f64; 8] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0];

/// The step that is fine enough.
const FINE: f64 = 0.01;

/// How a scenario's capacity is searched.
struct Search<'a> {
    grown: &'a [String],
    today: f64,
    ranks: order::Ranks,
    jobs: Option<usize>,
    watch: &'a dyn Watch,
    /// Which of so many searches.
    at: usize,
    of: usize,
}

/// A run at a load: the promise it broke first in the order of the file, if it broke any.
#[derive(Clone, Copy)]
struct Fate {
    broke: Option<usize>,
    mean_ms: Option<f64>,
}

/// Between which loads a seed stops to keep everything.
#[derive(Clone, Copy)]
struct Threshold {
    seed: u32,
    kept: f64,
    broken: f64,
    promise: Option<usize>,
}

impl Search<'_> {
    /// The capacity; `None` where the watch stopped it. With a client, the mean requests of it under way there.
    fn limit(&self, checked: &Checked, client: Option<&str>) -> Option<(Limit, Option<f64>)> {
        let loads = loads(checked);
        let every: Vec<u32> = (0..self.ranks.seeds).collect();
        let mut thresholds: Vec<Threshold> =
            every.iter().map(|&seed| Threshold { seed, kept: 0.0, broken: f64::INFINITY, promise: None }).collect();
        let (mut tried, mut back) = (Vec::new(), vec![false; every.len()]);
        for (nth, load) in loads.iter().enumerate() {
            self.watch.advanced((self.at as f64 + 0.7 * nth as f64 / loads.len() as f64) / self.of as f64);
            let fates = self.runs(checked, *load, &every, None)?;
            let kept = fates.iter().filter(|fate| fate.broke.is_none()).count() as u64;
            tried.push((*load, crate::stats::share_of_windows(kept, fates.len() as u64, super::estimate::CONFIDENCE)));
            for ((threshold, back), fate) in thresholds.iter_mut().zip(&mut back).zip(&fates) {
                match (fate.broke, threshold.broken.is_finite()) {
                    (None, false) => threshold.kept = *load,
                    (None, true) => *back = true,
                    (Some(promise), false) => (threshold.broken, threshold.promise) = (*load, Some(promise)),
                    (Some(_), true) => {}
                }
            }
            if kept == 0 {
                break;
            }
        }
        self.refine(checked, &mut thresholds)?;
        let limit = self.told(checked, &thresholds, tried, back.iter().filter(|back| **back).count());
        let users = client.and_then(|client| self.users(checked, limit.times.value?, client));
        Some((limit, users))
    }

    /// Halves the step of the seeds that break first until it is fine.
    fn refine(&self, checked: &Checked, thresholds: &mut [Threshold]) -> Option<()> {
        for round in 0..8 {
            self.watch.advanced((self.at as f64 + 0.7 + 0.3 * f64::from(round) / 8.0) / self.of as f64);
            let mut ends: Vec<f64> = thresholds.iter().map(|threshold| threshold.broken).collect();
            ends.sort_by(f64::total_cmp);
            let last = ends[self.ranks.high - 1];
            let open = |threshold: &Threshold| {
                let wide = threshold.broken.is_finite() && threshold.kept > 0.0;
                wide && threshold.kept < last && threshold.broken / threshold.kept > 1.0 + FINE
            };
            let mut groups: Vec<(f64, Vec<usize>)> = Vec::new();
            for (at, threshold) in thresholds.iter().enumerate().filter(|(_, threshold)| open(threshold)) {
                let middle = (threshold.kept * threshold.broken).sqrt();
                match groups.iter_mut().find(|(load, _)| *load == middle) {
                    Some((_, group)) => group.push(at),
                    None => groups.push((middle, vec![at])),
                }
            }
            if groups.is_empty() {
                break;
            }
            for (load, group) in groups {
                let seeds: Vec<u32> = group.iter().map(|at| thresholds[*at].seed).collect();
                for (at, fate) in group.iter().zip(self.runs(checked, load, &seeds, None)?) {
                    match fate.broke {
                        None => thresholds[*at].kept = load,
                        Some(promise) => (thresholds[*at].broken, thresholds[*at].promise) = (load, Some(promise)),
                    }
                }
            }
        }
        Some(())
    }

    /// What became of these seeds at a load, in order; `None` where the watch stopped it.
    fn runs(&self, checked: &Checked, load: f64, seeds: &[u32], client: Option<&str>) -> Option<Vec<Fate>> {
        let more = warmed(&grown(checked, self.grown, load), busiest(checked).map_or(0.0, |(_, used)| used * load));
        let plan = lower(&more);
        let client = client.and_then(|name| plan.clients.iter().position(|one| plan.node(one.node).name == name));
        let slos: &[Slo] = &checked.scenario.slos;
        let threads = parallel::cores_for(self.jobs).min(more.memory.at_once(more.ceiling)).max(1);
        let stopped = AtomicU64::new(0);
        let one = |nth: u32| {
            let seed = replication_seed(plan.seed, seeds[nth as usize]);
            let mut look = |_: Time| !self.watch.stopped();
            if self.watch.stopped() {
                return Fate { broke: None, mean_ms: None };
            }
            let finished = once(&plan, seed, &mut look);
            stopped.fetch_add(u64::from(finished.stop == Stop::Interrupted), Ordering::Relaxed);
            let ended = matches!(finished.stop, Stop::Ended | Stop::Patience);
            let replication = replication((seed, finished), &plan);
            let found = promises(&more, &plan, &replication);
            let breaks =
                |nth: &usize| !found[*nth].measured.value.is_some_and(|x| x.is_finite() && slos[*nth].promise.keeps(x));
            // A run that a guard ended kept nothing.
            let broke = if ended { (0..found.len()).find(breaks) } else { Some(0) };
            let good = client.map(|at| replication.measure.clients[at].good.tally());
            let mean_ms =
                good.filter(|times| times.count() > 0).map(|times| times.sum() as f64 / times.count() as f64 / 1e6);
            Fate { broke, mean_ms }
        };
        let fates = parallel::each(seeds.len() as u32, threads, one);
        (!self.watch.stopped() && stopped.load(Ordering::Relaxed) == 0).then_some(fates)
    }

    /// Requests of a client under way at a load: its rate × its mean latency.
    fn users(&self, checked: &Checked, load: f64, client: &str) -> Option<f64> {
        let seeds: Vec<u32> = (0..8).collect();
        let each: Vec<f64> =
            self.runs(checked, load, &seeds, Some(client))?.iter().filter_map(|fate| fate.mean_ms).collect();
        let rate = today(&grown(checked, self.grown, load), &[client.to_owned()]);
        (!each.is_empty()).then(|| rate * each.iter().sum::<f64>() / each.len() as f64 / 1e3)
    }

    fn told(&self, checked: &Checked, thresholds: &[Threshold], tried: Vec<(f64, Estimate)>, again: usize) -> Limit {
        let mut sorted: Vec<Threshold> = thresholds.to_vec();
        sorted.sort_by(|a, b| a.kept.total_cmp(&b.kept).then(a.broken.total_cmp(&b.broken)).then(a.seed.cmp(&b.seed)));
        let at = |rank: usize| Some(sorted[rank - 1].kept).filter(|load| *load > 0.0);
        let times =
            Estimate { value: at(self.ranks.at), low: at(self.ranks.low), high: at(self.ranks.high), ..Estimate::NONE };
        let first: Vec<usize> = sorted[..self.ranks.high].iter().filter_map(|threshold| threshold.promise).collect();
        let count = |promise: usize| first.iter().filter(|other| **other == promise).count();
        let slos = &checked.scenario.slos;
        let breaks = (0..slos.len()).filter(|nth| count(*nth) > 0).max_by_key(|nth| (count(*nth), slos.len() - nth));
        let (busiest, used) = busiest(checked).unzip();
        Limit {
            per_s: times.scaled(self.today),
            at_least: sorted[self.ranks.at - 1].broken.is_infinite(),
            breaks: breaks.map(|nth| format!("{} {}", slos[nth].of.value, slos[nth].expect.value)),
            busiest,
            utilization: used.zip(times.value).map(|(used, times)| used * times),
            times,
            tried,
            again,
        }
    }
}

/// Loads in times of today's.
fn loads(checked: &Checked) -> Vec<f64> {
    let used = busiest(checked).map(|(_, used)| used);
    used.map_or(FREE.to_vec(), |used| PARTS.iter().map(|part| part / used).collect())
}

/// Who has least room for more, by the forecast, and how busy it is.
fn busiest(checked: &Checked) -> Option<(String, f64)> {
    let nodes = forecast(&checked.scenario).nodes;
    let used = nodes.into_iter().map(|node| (node.utilization.max(node.held).max(node.peak_utilization), node.name));
    let most = used.filter(|(used, _)| *used > 0.0).max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1)))?;
    Some((most.1, most.0))
}
