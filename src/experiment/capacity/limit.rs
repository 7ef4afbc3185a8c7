//! How a limit is searched: the same seeds at load after load, then closer where those turn that break first.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::order::{Ranks, sign_chance};
use crate::experiment::estimate::CONFIDENCE;
use crate::experiment::measure::Measure;
use crate::experiment::parallel;
use crate::experiment::run::{SoFar, Watch, once, promises, replication};
use crate::experiment::summary::Estimate;
use crate::machine::{Stop, replication_seed};
use crate::scenario::edit::{grown, warmed};
use crate::scenario::written::{Metric, Slo};
use crate::scenario::{Checked, forecast, lower};
use crate::stats::share_of_windows;
use crate::units::Time;

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
    /// Every load tried, in times of today's, and the share of runs that kept all promises: with all seeds up to where more of them
    /// break something than the limit takes, with the first sixteen beyond.
    pub tried: Vec<(f64, Estimate)>,
    /// Where more is not worse: pairs of neighbouring loads, in times of today's, of which surely more runs keep all promises at the
    /// larger (a sign test over the seeds, at all pairs together as sure as the intervals).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rises: Vec<[f64; 2]>,
}

/// Parts of what the busiest node can do, and beyond.
const PARTS: [f64; 12] = [0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.9, 0.97, 1.05, 1.25, 1.6, 2.5];

/// Loads where nothing limits them.
const FREE: [f64; 8] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0];

/// So many loads at which no run keeps anything are enough to give up, where none did before.
const IDLE: usize = 4;

/// Beyond what is asked for so many of the seeds are enough: whether more is not always worse shows in them, too.
pub const SCOUTS: u32 = 16;

/// The step that is fine enough.
const FINE: f64 = 0.01;

/// Of a search's time, what is taken for the loads that are tried with all seeds.
const SURVEY: f64 = 0.7;

/// How often what lies between two loads is halved: from a factor of two to less than [`FINE`].
const HALVINGS: u32 = 8;

/// How a scenario's capacity is searched.
pub(super) struct Search<'a> {
    pub(super) grown: &'a [String],
    pub(super) today: f64,
    pub(super) ranks: Ranks,
    pub(super) jobs: Option<usize>,
    pub(super) watch: &'a dyn Watch,
    /// Which of so many searches.
    pub(super) at: usize,
    pub(super) of: usize,
}

/// Between which loads a seed stops to keep everything.
#[derive(Clone, Copy)]
struct Threshold {
    kept: f64,
    broken: f64,
    promise: Option<usize>,
}

/// What the loads that were tried showed.
struct Tried {
    /// By seed.
    thresholds: Vec<Threshold>,
    loads: Vec<(f64, Estimate)>,
    /// By load, by seed: whether it kept everything.
    kept: Vec<Vec<bool>>,
}

impl Search<'_> {
    /// The limit, as far as it was found before the watch stopped; `None` where no load was tried.
    pub(super) fn limit(&self, checked: &Checked) -> Option<Limit> {
        let mut tried = self.survey(checked);
        if tried.loads.is_empty() {
            return None;
        }
        let surveyed: Vec<f64> = tried.loads.iter().map(|tried| tried.0).collect();
        self.refine(checked, &surveyed, &mut tried.thresholds);
        Some(self.told(checked, &tried))
    }

    /// From below, up to where no seed keeps anything.
    fn survey(&self, checked: &Checked) -> Tried {
        let loads = self.telling(checked, loads(checked));
        let every: Vec<u32> = (0..self.ranks.seeds).collect();
        let none = Threshold { kept: 0.0, broken: f64::INFINITY, promise: None };
        let mut tried = Tried { thresholds: vec![none; every.len()], loads: Vec::new(), kept: Vec::new() };
        for (nth, load) in loads.iter().enumerate() {
            let enough = tried.broken() >= self.ranks.high;
            let seeds = if enough { &every[..every.len().min(SCOUTS as usize)] } else { &every };
            let part = [nth, nth + 1].map(|nth| SURVEY * nth as f64 / loads.len() as f64);
            let Some(fates) = self.fates(checked, (*load, *load), seeds, part) else { break };
            // Where nothing is kept at the least loads, it may be at larger ones.
            let kept = tried.add(*load, &fates);
            self.tell(*load, kept, seeds.len());
            if kept == 0 && (tried.kept_any() || nth + 1 >= IDLE) {
                break;
            }
        }
        tried
    }

    /// What is known by now, for whoever is curious.
    fn tell(&self, load: f64, kept: usize, of: usize) {
        if self.watch.curious() {
            let (kept, of) = (kept as u32, of as u32);
            self.watch.hear(&SoFar::Load { per_s: load * self.today, kept, of });
        }
    }

    /// Those of the loads at which a run has requests enough for the percentiles that are promised; one at least. A run of ninety
    /// requests has no 99th percentile, which says nothing against the load.
    fn telling(&self, checked: &Checked, loads: Vec<f64>) -> Vec<f64> {
        let clients = forecast(&checked.scenario).clients;
        let seconds = checked.scenario.sim.duration.value.as_secs_f64();
        let needed = |slo: &Slo| {
            let Metric::Percentile(q) = slo.promise.metric else { return 0.0 };
            let own = clients.iter().find(|(name, _)| *name == slo.of.value && self.grown.contains(name));
            // As many as there are to have one beyond, and what Poisson takes away at most.
            let requests = 1.0 / (1.0 - q) + 4.0 * (1.0 / (1.0 - q)).sqrt();
            own.map_or(0.0, |(_, rate)| requests / (rate * seconds))
        };
        let least = checked.scenario.slos.iter().map(needed).filter(|least| least.is_finite());
        let least = least.fold(0.0, f64::max);
        let enough: Vec<f64> = loads.into_iter().filter(|load| *load >= least).collect();
        if enough.is_empty() { vec![least] } else { enough }
    }

    pub(super) fn advanced(&self, share: f64) {
        self.watch.advanced((self.at as f64 + share) / self.of as f64);
    }

    /// Halves the step of the seeds that break first until it is fine. What lies between two loads warms up as long as the larger
    /// of them: a seed that kept everything there then shows the same stretch of the same run at less load, so that it need not be
    /// asked. With a warm-up of its own it might have broken something, and the limit would be too high.
    fn refine(&self, checked: &Checked, surveyed: &[f64], thresholds: &mut [Threshold]) {
        for round in 0..HALVINGS {
            let part = [round, round + 1].map(|round| SURVEY + (1.0 - SURVEY) * f64::from(round) / f64::from(HALVINGS));
            let groups = open(thresholds, self.ranks.high);
            if groups.is_empty() {
                break;
            }
            for (load, group) in groups {
                let seeds: Vec<u32> = group.iter().map(|at| *at as u32).collect();
                let warm = surveyed.iter().copied().find(|above| *above >= load).unwrap_or(load);
                let Some(fates) = self.fates(checked, (load, warm), &seeds, part) else { return };
                for (at, broke) in group.iter().zip(fates) {
                    match broke {
                        None => thresholds[*at].kept = load,
                        Some(promise) => (thresholds[*at].broken, thresholds[*at].promise) = (load, Some(promise)),
                    }
                }
            }
        }
    }

    /// What became of these seeds at a load, in order: the first promise that a run broke, if it broke any. `None` where the
    /// watch stopped it.
    pub(super) fn runs(&self, checked: &Checked, load: f64, seeds: &[u32]) -> Option<Vec<Option<usize>>> {
        self.fates(checked, (load, load), seeds, [0.0, 1.0])
    }

    /// The same with the warm-up that another load needs, in a part of the time that this search takes.
    fn fates(
        &self,
        checked: &Checked,
        (load, warm): (f64, f64),
        seeds: &[u32],
        [from, to]: [f64; 2],
    ) -> Option<Vec<Option<usize>>> {
        let more = warmed(&grown(checked, self.grown, load), &grown(checked, self.grown, warm));
        let plan = lower(&more);
        let slos = &more.scenario.slos;
        let threads = parallel::cores_for(self.jobs).min(more.memory.at_once(more.ceiling)).max(1);
        let (stopped, done) = (AtomicU64::new(0), AtomicU64::new(0));
        let one = |nth: u32| {
            if self.watch.stopped() {
                return None;
            }
            let seed = replication_seed(plan.seed, seeds[nth as usize]);
            let finished = once(&plan, seed, &mut |_: Time, _: &Measure| !self.watch.stopped());
            stopped.fetch_add(u64::from(finished.stop == Stop::Interrupted), Ordering::Relaxed);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            self.advanced(from + (to - from) * done as f64 / seeds.len() as f64);
            // A run that a guard ended kept nothing.
            if !matches!(finished.stop, Stop::Ended | Stop::Patience) {
                return Some(0);
            }
            let found = promises(&more, &plan, &replication((seed, finished), &plan));
            let kept =
                |nth: usize| found[nth].measured.value.is_some_and(|x| x.is_finite() && slos[nth].promise.keeps(x));
            (0..found.len()).find(|nth| !kept(*nth))
        };
        let fates = parallel::each(seeds.len() as u32, threads, one);
        (!self.watch.stopped() && stopped.load(Ordering::Relaxed) == 0).then_some(fates)
    }

    fn told(&self, checked: &Checked, tried: &Tried) -> Limit {
        let (mut kept, mut broken): (Vec<f64>, Vec<f64>) =
            tried.thresholds.iter().map(|threshold| (threshold.kept, threshold.broken)).unzip();
        kept.sort_by(f64::total_cmp);
        broken.sort_by(f64::total_cmp);
        let known = |load: f64| Some(load).filter(|load| *load > 0.0 && load.is_finite());
        let Ranks { at, low, high, .. } = self.ranks;
        let value = known(kept[at - 1]);
        let ends = value.and(known(kept[low - 1]).or(Some(0.0))).zip(known(broken[high - 1]));
        let times = Estimate { value, low: ends.map(|ends| ends.0), high: ends.map(|ends| ends.1), ..Estimate::NONE };
        let (busiest, used) = busiest(checked).unzip();
        Limit {
            per_s: times.scaled(self.today),
            at_least: value.is_some() && broken[at - 1].is_infinite(),
            breaks: tried.breaks(high).map(|nth| {
                let slo = &checked.scenario.slos[nth];
                format!("{} {}", slo.of.value, slo.expect.value)
            }),
            busiest,
            utilization: used.zip(times.value).map(|(used, times)| used * times),
            times,
            tried: tried.loads.clone(),
            rises: tried.rises(),
        }
    }
}

impl Tried {
    /// What all seeds did at one load more; how many kept everything.
    fn add(&mut self, load: f64, fates: &[Option<usize>]) -> usize {
        for (threshold, broke) in self.thresholds.iter_mut().zip(fates).filter(|(one, _)| one.broken.is_infinite()) {
            match broke {
                None => threshold.kept = load,
                Some(promise) => (threshold.broken, threshold.promise) = (load, Some(*promise)),
            }
        }
        self.kept.push(fates.iter().map(Option::is_none).collect());
        let kept = fates.iter().filter(|broke| broke.is_none()).count();
        self.loads.push((load, share_of_windows(kept as u64, fates.len() as u64, CONFIDENCE)));
        kept
    }

    /// Neighbouring loads of which more runs keep everything at the larger than chance would make it.
    fn rises(&self) -> Vec<[f64; 2]> {
        let pairs = self.kept.len().saturating_sub(1).max(1) as f64;
        let rises = |at: &usize| {
            let (below, above) = (&self.kept[*at], &self.kept[at + 1]);
            let count = |first: bool| below.iter().zip(above).filter(|(a, b)| (**a, **b) == (first, !first)).count();
            let (worse, better) = (count(true), count(false));
            sign_chance(better, worse) < (1.0 - CONFIDENCE) / pairs
        };
        let at = (0..self.kept.len().saturating_sub(1)).filter(rises);
        at.map(|at| [self.loads[at].0, self.loads[at + 1].0]).collect()
    }

    /// Seeds that broke something.
    fn broken(&self) -> usize {
        self.thresholds.iter().filter(|threshold| threshold.broken.is_finite()).count()
    }

    fn kept_any(&self) -> bool {
        self.loads.iter().any(|(_, kept)| kept.value.is_some_and(|share| share > 0.0))
    }

    /// The promise that most of so many that break first break; of several the first in the file.
    fn breaks(&self, first: usize) -> Option<usize> {
        let mut sorted: Vec<&Threshold> = self.thresholds.iter().collect();
        sorted.sort_by(|a, b| a.broken.total_cmp(&b.broken));
        let broken: Vec<usize> = sorted[..first].iter().filter_map(|threshold| threshold.promise).collect();
        let count = |promise: usize| broken.iter().filter(|other| **other == promise).count();
        broken.iter().copied().max_by_key(|promise| (count(*promise), std::cmp::Reverse(*promise)))
    }
}

/// The seeds among so many that break first whose step is not fine yet, by the load in its middle.
fn open(thresholds: &[Threshold], high: usize) -> Vec<(f64, Vec<usize>)> {
    let mut ends: Vec<f64> = thresholds.iter().map(|threshold| threshold.broken).collect();
    ends.sort_by(f64::total_cmp);
    let last = ends[high - 1];
    let mut groups: Vec<(f64, Vec<usize>)> = Vec::new();
    for (at, Threshold { kept, broken, .. }) in thresholds.iter().enumerate() {
        let wide = broken.is_finite() && *kept > 0.0 && broken / kept > 1.0 + FINE;
        if !wide || *kept >= last {
            continue;
        }
        let middle = (kept * broken).sqrt();
        match groups.iter_mut().find(|(load, _)| *load == middle) {
            Some((_, group)) => group.push(at),
            None => groups.push((middle, vec![at])),
        }
    }
    groups
}

/// Loads in times of today's.
fn loads(checked: &Checked) -> Vec<f64> {
    let used = busiest(checked).map(|(_, used)| used);
    used.map_or(FREE.to_vec(), |used| PARTS.iter().map(|part| part / used).collect())
}

/// Who has least room for more, by the forecast, and how busy it is.
pub(super) fn busiest(checked: &Checked) -> Option<(String, f64)> {
    let nodes = forecast(&checked.scenario).nodes;
    let used = nodes.into_iter().map(|node| (node.utilization.max(node.held).max(node.peak_utilization), node.name));
    let most = used.filter(|(used, _)| *used > 0.0).max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1)))?;
    Some((most.1, most.0))
}
