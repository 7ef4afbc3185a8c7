//! Replications: independent runs of one plan, in parallel, merged in index order.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::machine::{Alive, Finished, Machine, Stop, replication_seed};
use crate::model::{Calm, Plan};
use crate::scenario::{Checked, forecast, lower};
use crate::units::{Span, Time};

use super::estimate::{self, CONFIDENCE, Replication};
use super::measure::{Cohort, Measure};
use super::parallel;
use super::settle::Settling;
use super::summary::{Conservation, Run, ScenarioRef, Stats, Summary, Tool, Verdict};
use super::verdict::{Evidence, verdicts};

/// Whoever watches a run: is told how far it is, and may stop it.
pub trait Watch: Sync {
    /// How much of all replications is done, 0 to 1.
    fn advanced(&self, share_done: f64);
    /// Whether to stop.
    fn stopped(&self) -> bool;
    /// Whether a first answer is wanted while there is no better one.
    fn curious(&self) -> bool {
        false
    }
    /// What is known by now: of replications told after each, of loads after each, where it is wanted, in the order in which they end.
    /// Nothing of it reaches a result.
    fn hear(&self, _: &SoFar) {}
}

/// What is known before everything is.
#[derive(Clone, Debug, PartialEq)]
pub enum SoFar {
    /// What the first replication shows that tells, before any has ended.
    Within {
        /// So much of its measured time is over, s.
        measured_s: f64,
        /// By client, as of [`Runs`](Self::Runs), but of the requests that have ended.
        clients: Vec<(String, f64, Option<f64>)>,
    },
    /// What the replications show that have ended, before the others have.
    Runs {
        /// So many have ended.
        ended: u32,
        /// Of so many.
        of: u32,
        /// By client, those with most requests first: its name, the share of its requests that ended well, and the 99th percentile
        /// over all of them, ms; `None` where it lies among the failed.
        clients: Vec<(String, f64, Option<f64>)>,
    },
    /// A load, and how many runs kept everything at it.
    Load {
        /// Requests per second.
        per_s: f64,
        /// Runs that kept all promises.
        kept: u32,
        /// Of so many.
        of: u32,
    },
    /// A run of a point of a sweep.
    Point {
        /// The values of its parameters.
        at: String,
        /// The client that is asked about.
        client: String,
        /// The share of its requests that ended well.
        well: f64,
        /// The 99th percentile over all of them, ms; `None` where it lies among the failed.
        p99_ms: Option<f64>,
    },
}

/// Adds up what has ended for whoever is curious.
struct Gathered<'a> {
    plan: &'a Plan,
    so_far: Mutex<(u32, Vec<Cohort>)>,
    of: u32,
    /// How long the replication had measured that told first, when it did so last, ns; none tells once one has ended.
    within: AtomicU64,
}

impl Gathered<'_> {
    /// One more has ended.
    fn add(&self, measure: &Measure) -> SoFar {
        let mut so_far = self.so_far.lock().unwrap_or_else(PoisonError::into_inner);
        let (ended, all) = &mut *so_far;
        *ended += 1;
        all.resize(measure.clients.len(), Cohort::default());
        all.iter_mut().zip(&measure.clients).for_each(|(all, one)| all.merge(one));
        self.within.store(u64::MAX, Ordering::Relaxed);
        SoFar::Runs { ended: *ended, of: self.of, clients: self.fared(all) }
    }

    /// What one that is under way shows: at first, and whenever it has measured twice as long.
    fn glance(&self, now: Time, measure: &Measure) -> Option<SoFar> {
        let measured = Span(now.0.saturating_sub(self.plan.warmup.0)).min(self.plan.duration);
        let told = self.within.load(Ordering::Relaxed);
        if measured.0 <= told.saturating_mul(2) || measure.clients.iter().all(|client| client.ended == [0; _]) {
            return None;
        }
        // Another may have told meanwhile, or ended.
        self.within.compare_exchange(told, measured.0, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        // Those that are under way are no losses.
        let over = |client: &Cohort| Cohort { arrived: client.ended.iter().sum(), ..client.clone() };
        let clients = self.fared(&measure.clients.iter().map(over).collect::<Vec<_>>());
        Some(SoFar::Within { measured_s: measured.as_secs_f64(), clients })
    }

    /// How clients fare, those with most requests first.
    fn fared(&self, clients: &[Cohort]) -> Vec<(String, f64, Option<f64>)> {
        let mut busiest: Vec<usize> = (0..clients.len()).filter(|at| clients[*at].arrived > 0).collect();
        busiest.sort_by_key(|at| std::cmp::Reverse(clients[*at].arrived));
        let told = |at: usize| {
            let one = estimate::replicate(&clients[at], self.plan.duration);
            let name = self.plan.node(self.plan.clients[at].node).name.clone();
            (name, one.succeeded as f64 / one.arrived as f64, one.p99_ms)
        };
        busiest.into_iter().map(told).collect()
    }
}

/// Nobody watches.
impl Watch for () {
    fn advanced(&self, _: f64) {}
    fn stopped(&self) -> bool {
        false
    }
}

/// Why there are no figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// When the watch stopped the run before a single replication had ended.
    Interrupted,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Interrupted => f.write_str("interrupted before a single replication had ended"),
        }
    }
}

impl std::error::Error for Failure {}

/// Runs a checked scenario on `jobs` threads (all cores by default). The figures do not depend on the number of threads.
pub fn run(checked: &Checked, jobs: Option<usize>, watch: &dyn Watch) -> Result<Summary, Failure> {
    let plan = lower(checked);
    let mut ran = Ran::default();
    ran.add(checked, &plan, checked.scenario.sim.replications.value, jobs, watch);
    if ran.is_empty() {
        return Err(Failure::Interrupted);
    }
    Ok(ran.summary(checked, &plan, 1.0))
}

/// Replications that were run, to which more may be added.
#[derive(Default)]
pub(super) struct Ran {
    replications: Vec<Replication>,
    events: u64,
    guard: Option<String>,
    unfinished_s: Option<f64>,
    interrupted: bool,
}

impl Ran {
    /// Runs as many more as make so many in all; what has ended before an interruption counts.
    pub(super) fn add(&mut self, checked: &Checked, plan: &Plan, upto: u32, jobs: Option<usize>, watch: &dyn Watch) {
        let more = self.runs()..upto;
        let count = more.len();
        let finished = replicate(plan, more, threads_for(checked, jobs, count), watch, self.is_empty());
        self.interrupted |= finished.len() < count || finished.iter().any(|f| f.1.stop == Stop::Interrupted);
        if finished.is_empty() {
            return;
        }
        self.events += finished.iter().map(|f| f.1.events).sum::<u64>();
        self.guard = self.guard.take().or_else(|| finished.iter().find_map(|f| guard(&f.1, plan)));
        self.unfinished_s = unfinished(&finished, plan);
        self.replications.extend(finished.into_iter().map(|f| replication(f, plan)));
    }

    /// How many there are.
    pub(super) fn runs(&self) -> u32 {
        self.replications.len() as u32
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.replications.is_empty()
    }

    /// Whether some are missing because the watch stopped them.
    pub(super) fn interrupted(&self) -> bool {
        self.interrupted
    }

    /// What they show; promises are decided by intervals so many times as wide.
    pub(super) fn summary(&self, checked: &Checked, plan: &Plan, wider: f64) -> Summary {
        let replications = &self.replications;
        let run = Run {
            events: self.events,
            partial: self.interrupted,
            unfinished_s: self.unfinished_s,
            guard: self.guard.clone(),
            ..conditions(checked, plan, replications)
        };
        let mut summary = figures(checked, plan, replications, run);
        summary.run.camps = super::camps::camps(&summary);
        summary.timeline = estimate::timeline(replications, plan, &summary.clients);
        summary.conservation = conservation(&summary);
        summary.slos = verdicts(&checked.scenario.slos, Evidence { plan, replications, wider });
        summary
    }
}

/// Threads: no more than there are replications, than the machine has, and than there is memory for.
pub(super) fn threads(checked: &Checked, jobs: Option<usize>) -> usize {
    threads_for(checked, jobs, checked.scenario.sim.replications.value as usize)
}

fn threads_for(checked: &Checked, jobs: Option<usize>, replications: usize) -> usize {
    let machine = parallel::cores();
    let memory = checked.memory.at_once(checked.ceiling);
    jobs.unwrap_or(machine).min(machine).min(memory).min(replications).max(1)
}

/// All replications that ended, in index order, with their seeds; where none has, and there are no others, what those
/// measured that were under way.
fn replicate(
    plan: &Plan,
    which: Range<u32>,
    jobs: usize,
    watch: &dyn Watch,
    alone: bool,
) -> Vec<(u64, Finished<Measure>)> {
    let (first, replications) = (which.start, which.len() as u32);
    let length = (plan.warmup + plan.duration).0.max(1);
    let done = AtomicU64::new(0);
    let gathered = Gathered { plan, so_far: Mutex::default(), of: replications, within: AtomicU64::new(0) };
    let one = |index: u32| {
        if watch.stopped() {
            return None;
        }
        let mut told = 0;
        let seed = replication_seed(plan.seed, first + index);
        let mut look = |now: Time, measure: &Measure| {
            if let Some(so_far) = watch.curious().then(|| gathered.glance(now, measure)).flatten() {
                watch.hear(&so_far);
            }
            let here = now.0.min(length);
            let all = done.fetch_add(here - told, Ordering::Relaxed) + here - told;
            told = here;
            watch.advanced(all as f64 / (length as f64 * f64::from(replications)));
            !watch.stopped()
        };
        let finished = once(plan, seed, &mut look);
        done.fetch_add(length - told.min(length), Ordering::Relaxed);
        if watch.curious() && finished.stop != Stop::Interrupted {
            watch.hear(&gathered.add(&finished.probe));
        }
        Some((seed, finished))
    };
    let mut finished: Vec<(u64, Finished<Measure>)> =
        parallel::each(replications, jobs, one).into_iter().flatten().collect();
    if !alone || finished.iter().any(|f| f.1.stop != Stop::Interrupted) {
        finished.retain(|f| f.1.stop != Stop::Interrupted);
    } else {
        // Better than nothing is what those measured that were under way.
        finished.retain(|f| f.1.at > Time(plan.warmup.0));
    }
    finished
}

/// One replication, with whoever looks at it from time to time and may end it.
pub(super) fn once(plan: &Plan, seed: u64, look: &mut dyn FnMut(Time, &Measure) -> bool) -> Finished<Measure> {
    let measure = Measure::new(plan);
    if !plan.is_calm() {
        return Machine::new(plan, seed, measure).run_heard(look);
    }
    let machine = Machine::new(plan, seed, Calm(measure));
    let Finished { probe: Calm(probe), events, stop, at, at_rest } = machine.run_heard(|now, calm| look(now, &calm.0));
    Finished { probe, events, stop, at, at_rest }
}

/// The promises of one replication alone, as the verdicts on it.
pub(super) fn promises(checked: &Checked, plan: &Plan, replication: &Replication) -> Vec<Verdict> {
    let one = std::slice::from_ref(replication);
    verdicts(&checked.scenario.slos, Evidence { plan, replications: one, wider: 1.0 })
}

/// How far the shortest had measured where none had ended, s.
fn unfinished(finished: &[(u64, Finished<Measure>)], plan: &Plan) -> Option<f64> {
    let interrupted = finished.iter().all(|f| f.1.stop == Stop::Interrupted);
    let measured = finished.iter().map(|f| Span(f.1.at.0.saturating_sub(plan.warmup.0)).as_secs_f64());
    interrupted.then(|| measured.reduce(f64::min))?
}

/// How it was run, and whether it settled.
fn conditions(checked: &Checked, plan: &Plan, replications: &[Replication]) -> Run {
    let settling = super::settle::settling(replications, plan, &forecast(&checked.scenario));
    let Settling { settled, state, rising } = settling;
    Run {
        seed: plan.seed,
        replications: replications.len() as u32,
        duration_s: plan.duration.as_secs_f64(),
        warmup_s: plan.warmup.as_secs_f64(),
        events: 0,
        confidence: CONFIDENCE,
        settled,
        state,
        rising,
        note: "simulated, not measured".into(),
        partial: false,
        unfinished_s: None,
        guard: None,
        camps: Vec::new(),
        enough: None,
        seeds: replications.iter().map(|r| r.seed).collect(),
        overloaded: checked.overloaded.clone(),
    }
}

/// The figures that are read off the replications alone.
fn figures(checked: &Checked, plan: &Plan, replications: &[Replication], run: Run) -> Summary {
    let stationary = plan.is_stationary();
    let (behind, calls) = (plan.clients_behind(), plan.calls_of_edges());
    let client = |at: usize| plan.node(plan.clients[at].node).name.clone();
    let clients = 0..plan.clients.len();
    Summary {
        schema_version: 1,
        tool: Tool::this(),
        scenario: ScenarioRef::of(checked),
        run,
        clients: named(clients.clone(), client, |at| estimate::client(replications, at, plan, stationary)),
        flows: cohorts(plan.flows.iter().map(|f| &f.name), replications, |m| &m.flows),
        endpoints: endpoints(plan, replications),
        edges: named(
            0..plan.edges.len(),
            |at| plan.edge_name(plan.edges[at]),
            |at| estimate::edge(replications, at, plan, &calls[at]),
        ),
        nodes: named(
            0..plan.servers(),
            |at| plan.nodes[at].name.clone(),
            |at| estimate::node(replications, at, plan, &behind[at]),
        ),
        queues: named(
            0..plan.queues.len(),
            |at| plan.node(plan.queues[at].node).name.clone(),
            |at| estimate::queue(replications, at, plan),
        ),
        ledger: named(clients, client, |at| estimate::ledger(replications, at, plan)),
        topics: estimate::topics(replications, plan),
        slos: Vec::new(),
        faults: super::recovery::faults(replications, plan),
        failing: super::failing::failing(replications, plan),
        timeline: None,
        conservation: Conservation::default(),
        replications: Vec::new(),
        series: None,
        topology: crate::scenario::Topology::of(&checked.scenario),
    }
}

/// Figures by name.
fn named<T>(
    all: std::ops::Range<usize>,
    name: impl Fn(usize) -> String,
    figures: impl Fn(usize) -> T,
) -> std::collections::BTreeMap<String, T> {
    all.map(|at| (name(at), figures(at))).collect()
}

/// Figures by name of whatever counts by cohort.
fn cohorts<'a>(
    names: impl Iterator<Item = &'a String>,
    replications: &[Replication],
    pick: impl Fn(&Measure) -> &Vec<super::measure::Cohort>,
) -> std::collections::BTreeMap<String, Stats> {
    let figures =
        |at: usize| estimate::stats(&replications.iter().map(|r| (&pick(&r.measure)[at], r.span)).collect::<Vec<_>>());
    names.enumerate().map(|(at, name)| (name.clone(), figures(at))).collect()
}

/// Figures by endpoint; what consumers do is told of the edge from their broker.
fn endpoints(plan: &Plan, replications: &[Replication]) -> std::collections::BTreeMap<String, Stats> {
    let mut all = cohorts(plan.endpoints.iter().map(|e| &e.name), replications, |m| &m.endpoints);
    plan.endpoints.iter().filter(|e| e.consumer).for_each(|e| _ = all.remove(&e.name));
    all
}

pub(super) fn replication((seed, finished): (u64, Finished<Measure>), plan: &Plan) -> Replication {
    let end = Time(plan.warmup.0 + plan.duration.0);
    let span = finished.at.min(end).since(Time(plan.warmup.0));
    Replication { measure: finished.probe.finished(), span: Span(span.0.max(1)), seed }
}

/// The guard that stopped a replication, in words.
pub(super) fn guard(finished: &Finished<Measure>, plan: &Plan) -> Option<String> {
    let what = match finished.stop {
        Stop::Events => format!("after {} events (max_events)", finished.events),
        Stop::TooMany(Alive::Events) => format!("with too many {}", Alive::Events.text()),
        Stop::TooMany(Alive::Records) => {
            format!("with more than 16 × {} {} (max_in_flight)", plan.max_in_flight, Alive::Records.text())
        }
        Stop::TooMany(what) => format!("with more than {} {} (max_in_flight)", plan.max_in_flight, what.text()),
        Stop::Instant => {
            "in an instant that does not end: something happens again and again without time passing".into()
        }
        Stop::Ended | Stop::Patience | Stop::Interrupted => return None,
    };
    let early = if finished.at < Time(plan.warmup.0) { ", in the warm-up: nothing was measured" } else { "" };
    Some(format!("stopped {what} at {:.3} s{early}", seconds(finished.at)))
}

fn seconds(at: Time) -> f64 {
    Span(at.0).as_secs_f64()
}

fn conservation(summary: &Summary) -> Conservation {
    let sum = |f: &dyn Fn(&Stats) -> u64| summary.clients.values().map(f).sum::<u64>();
    let (arrived, succeeded) = (sum(&|s| s.arrived), sum(&|s| s.succeeded));
    let in_flight_at_end = sum(&|s| s.in_flight_at_end);
    let failed = sum(&|s| s.failed.values().sum()) - in_flight_at_end;
    let holds = arrived == succeeded + failed + in_flight_at_end;
    Conservation { arrived, succeeded, failed, in_flight_at_end, holds }
}
