//! Coupling in slowness: what a callee that is slower does to those who wait for it, and how slow it may be.
//!
//! `ε = ln(p99(f) ÷ p99(1)) ÷ ln f` at f = 1.1, over all that arrive, with failed and unanswered as slower than everything:
//! 0 where a client does not notice, 1 where its p99 grows as the node's work does, more where lines grow. `f*` is the
//! slow-down at which a promise of the client's breaks. Its interval goes from the largest slow-down at which the promise's
//! whole interval still keeps it to the smallest at which the whole interval breaks it, of those that were tried.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::experiment::estimate::CONFIDENCE;
use crate::experiment::parallel;
use crate::experiment::run::{Watch, threads};
use crate::experiment::summary::Estimate;
use crate::machine::{Machine, Stop, replication_seed};
use crate::model::policy::Rules;
use crate::model::{Aside, Fact, Plan, Probe};
use crate::scenario::edit::slowed;
use crate::scenario::written::{Metric, Node, Promise, Sense, Verb};
use crate::scenario::{Checked, each_step, lower};
use crate::stats::{ENOUGH_BEYOND, beyond, t_quantile};
use crate::units::Time;

/// The slow-down of ε.
const EPSILON_AT: f64 = 1.1;

/// Slow-downs that are tried to find one that breaks a promise.
const STEPS: [f64; 7] = [EPSILON_AT, 1.5, 2.0, 4.0, 8.0, 16.0, 32.0];

/// How often what lies between is halved.
const HALVINGS: u32 = 4;

/// A node that is slower: what becomes of the clients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slowness {
    /// The node.
    pub node: String,
    /// By client.
    pub clients: BTreeMap<String, Slowed>,
}

/// What a slower node does to one client.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slowed {
    /// 99th percentile of all that arrive, as it is, ms.
    pub p99_ms: Option<f64>,
    /// How much of a slow-down by a tenth arrives there.
    pub epsilon: Estimate,
    /// Why ε has no value or no interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// By what factor the node may be slower until a promise breaks, by promise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub breaks_at: BTreeMap<String, Breaks>,
}

/// When a promise breaks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Breaks {
    /// The slow-down; no value where none that was tried breaks it, or where it is broken as it is.
    pub factor: Estimate,
    /// What is known where there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

impl Breaks {
    /// Of a promise whose figure this study does not keep.
    fn unknown() -> Self {
        let because =
            "asked of means, percentiles, success and shares within a time over the whole run only".to_owned();
        Self { factor: Estimate::NONE, because: Some(because) }
    }
}

/// The latencies of one client in one run.
#[derive(Clone, Debug, Default)]
struct Times {
    /// Of those that succeeded, ns.
    good: Vec<u64>,
    /// All that were sent.
    sent: u64,
}

/// By client.
#[derive(Clone, Debug)]
struct Clocked(Vec<Times>);

impl Probe for Clocked {
    fn on(&mut self, now: Time, fact: Fact) {
        match fact {
            Fact::Offered { client, measured: true } => self.0[client.index()].sent += 1,
            Fact::Answered { client, outcome, intended, measured: true } if outcome.is_good() => {
                self.0[client.index()].good.push(now.since(intended).0);
            }
            _ => {}
        }
    }
}

impl Times {
    /// A quantile of all that were sent, ms; `None` among those that never succeed.
    fn quantile(&self, q: f64) -> Option<f64> {
        let place = ((q * self.sent as f64 - 1e-9).ceil() as usize).max(1);
        self.good.get(place - 1).map(|nanos| *nanos as f64 / 1e6)
    }

    /// The share that succeeds within so many ms.
    fn within(&self, ms: f64) -> f64 {
        let found = self.good.partition_point(|nanos| *nanos as f64 <= ms * 1e6);
        found as f64 / self.sent.max(1) as f64
    }

    /// A promise's figure; a percentile that is never reached is endless. `None`: of this kind nothing is known here.
    fn figure(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Percentile(q) => Some(self.quantile(q).unwrap_or(f64::INFINITY)),
            Metric::SuccessRate => Some(self.within(f64::INFINITY)),
            Metric::ErrorRate => Some(1.0 - self.within(f64::INFINITY)),
            Metric::Good(ms) => Some(self.within(ms)),
            Metric::Mean if !self.good.is_empty() => {
                let sum: f64 = self.good.iter().map(|nanos| *nanos as f64).sum();
                Some(sum / self.good.len() as f64 / 1e6)
            }
            _ => None,
        }
    }
}

/// One client over all replications: together, and each.
struct Runs {
    pooled: Times,
    each: Vec<Times>,
}

impl Runs {
    /// Half of the interval of a figure, by sectioning.
    fn half(&self, middle: f64, of: impl Fn(&Times) -> Option<f64>) -> Option<f64> {
        let each: Vec<f64> = self.each.iter().map(of).collect::<Option<_>>()?;
        let n = each.len();
        if n < 2 {
            return None;
        }
        let squares: f64 = each.iter().map(|x| (x - middle) * (x - middle)).sum();
        let half = t_quantile(0.5 + 0.5 * CONFIDENCE, (n - 1) as f64) * (squares / (n * (n - 1)) as f64).sqrt();
        half.is_finite().then_some(half)
    }

    /// Whether a promise is kept, by the point; and whether the whole interval keeps it, and breaks it.
    fn keeps(&self, promise: Promise) -> Option<[bool; 3]> {
        let point = self.pooled.figure(promise.metric)?;
        let kept = |x: f64| match promise.sense {
            Sense::Below => x < promise.bound,
            Sense::AtMost => x <= promise.bound,
            Sense::Above => x > promise.bound,
            Sense::AtLeast => x >= promise.bound,
        };
        if point.is_infinite() {
            return Some([kept(point), false, !kept(point)]);
        }
        let half = self.half(point, |times| times.figure(promise.metric));
        let ends = half.map(|half| [kept(point - half), kept(point + half)]);
        Some([kept(point), ends == Some([true; 2]), ends == Some([false; 2])])
    }
}

/// What is asked of every node.
pub(super) struct Pace<'p> {
    checked: &'p Checked,
    jobs: Option<usize>,
    watch: &'p dyn Watch,
    clients: Vec<String>,
    base: Vec<Runs>,
    /// Whether what is slower can never do anybody good: nothing answers it but waiting and giving up.
    steady: bool,
}

impl<'p> Pace<'p> {
    /// As it is; `None` where it was stopped.
    pub(super) fn of(checked: &'p Checked, jobs: Option<usize>, watch: &'p dyn Watch) -> Option<Self> {
        let clients = checked.scenario.clients.keys().cloned().collect();
        let mut pace = Self { checked, jobs, watch, clients, base: Vec::new(), steady: !answered(checked) };
        pace.base = pace.run(checked)?;
        Some(pace)
    }

    fn run(&self, checked: &Checked) -> Option<Vec<Runs>> {
        if self.watch.stopped() {
            return None;
        }
        let plan = lower(checked);
        let replications = checked.scenario.sim.replications.value;
        let each = |index: u32| clocked(&plan, index, self.watch);
        let all: Option<Vec<Clocked>> =
            parallel::each(replications, threads(checked, self.jobs), each).into_iter().collect();
        let all = all?;
        let client = |at: usize| {
            let each: Vec<Times> = all.iter().map(|clocked| clocked.0[at].clone()).collect();
            let mut pooled = Times::default();
            for times in &each {
                pooled.sent += times.sent;
                pooled.good.extend(&times.good);
            }
            pooled.good.sort_unstable();
            Runs { pooled, each }
        };
        Some((0..self.clients.len()).map(client).collect())
    }

    /// With a node slower; `None` where it was stopped or does no work.
    fn at(&self, node: &str, factor: f64) -> Option<Vec<Runs>> {
        slowed(self.checked, node, factor).and_then(|checked| self.run(&checked))
    }

    /// What a node's slowness does to the clients that may notice; `None` where it was stopped.
    pub(super) fn node(&self, node: &str, notices: &dyn Fn(&str) -> bool) -> Option<Slowness> {
        let whose: Vec<usize> = (0..self.clients.len()).filter(|at| notices(&self.clients[*at])).collect();
        let mut found = Slowness { node: node.to_owned(), clients: BTreeMap::new() };
        if whose.is_empty() || slowed(self.checked, node, EPSILON_AT).is_none() {
            return Some(found);
        }
        let mut trials = Trials { pace: self, node, tried: vec![(EPSILON_AT, self.at(node, EPSILON_AT)?)] };
        for at in whose {
            let mut slow = self.epsilon(at, &trials.tried[0].1[at]);
            for slo in self.checked.scenario.slos.iter().filter(|slo| slo.of.value == self.clients[at]) {
                let whole = slo.scope.as_ref().is_none_or(|scope| scope.value.fault().is_none());
                let known = whole && self.base[at].keeps(slo.promise).is_some();
                let breaks = if known { trials.breaks((at, slo.promise))? } else { Breaks::unknown() };
                slow.breaks_at.insert(slo.expect.value.clone(), breaks);
            }
            found.clients.insert(self.clients[at].clone(), slow);
        }
        Some(found)
    }

    fn epsilon(&self, at: usize, slow: &Runs) -> Slowed {
        let base = &self.base[at];
        let p99 = |times: &Times| times.quantile(0.99);
        let ratio = |a: Option<f64>, b: Option<f64>| Some((b? / a?).ln() / EPSILON_AT.ln()).filter(|x| x.is_finite());
        let told = |epsilon, because: Option<&str>| Slowed {
            p99_ms: p99(&base.pooled),
            epsilon,
            because: because.map(str::to_owned),
            ..Slowed::default()
        };
        let Some(point) = ratio(p99(&base.pooled), p99(&slow.pooled)) else {
            return told(Estimate::NONE, Some("the p99 lies among those that never succeed"));
        };
        if beyond(base.pooled.sent, 0.99) < ENOUGH_BEYOND {
            return told(Estimate::point(point), Some("too few requests for an interval of a p99: run longer"));
        }
        let each: Vec<Option<f64>> = base.each.iter().zip(&slow.each).map(|(a, b)| ratio(p99(a), p99(b))).collect();
        let Some(each) = each.into_iter().collect::<Option<Vec<f64>>>().filter(|each| each.len() > 1) else {
            return told(Estimate::point(point), Some("not every replication has a p99"));
        };
        let n = each.len() as f64;
        let squares: f64 = each.iter().map(|x| (x - point) * (x - point)).sum();
        let half = t_quantile(0.5 + 0.5 * CONFIDENCE, n - 1.0) * (squares / (n * (n - 1.0))).sqrt();
        told(Estimate::around(point, half), None)
    }
}

/// The slow-downs of a node that were run.
struct Trials<'p> {
    pace: &'p Pace<'p>,
    node: &'p str,
    tried: Vec<(f64, Vec<Runs>)>,
}

/// A client, by its place among all, and what it is promised.
type Promised = (usize, Promise);

impl Trials<'_> {
    /// Whether a promise is kept at a slow-down: by the point, by the whole interval, and by none of it.
    fn keeps(&mut self, (at, promise): Promised, factor: f64) -> Option<[bool; 3]> {
        if !self.tried.iter().any(|(other, _)| *other == factor) {
            self.tried.push((factor, self.pace.at(self.node, factor)?));
        }
        let (_, runs) = self.tried.iter().find(|(other, _)| *other == factor)?;
        runs[at].keeps(promise)
    }

    /// Where a promise breaks: between two of the steps, then halving what lies between.
    fn breaks(&mut self, promised: Promised) -> Option<Breaks> {
        let because = |why: String| Some(Breaks { factor: Estimate::NONE, because: Some(why) });
        if self.pace.base[promised.0].keeps(promised.1).is_none_or(|[kept, ..]| !kept) {
            return because("it is broken as it is".into());
        }
        let between = if self.pace.steady { self.halved(promised)? } else { self.climbed(promised)? };
        let (mut low, high) = between;
        let Some(mut high) = high else { return because(format!("it holds up to {low} times")) };
        for _ in 0..HALVINGS {
            let middle = (low * high).sqrt();
            *(if self.keeps(promised, middle)?[0] { &mut low } else { &mut high }) = middle;
        }
        let point = (low * high).sqrt();
        let [kept, broken] = self.surely(promised, (low, high))?;
        let ends = broken.is_finite().then(|| Estimate::between(point, kept, broken));
        let open = ends.is_none().then(|| "no slow-down that was tried breaks it for certain".to_owned());
        Some(Breaks { factor: ends.unwrap_or(Estimate::point(point)), because: open })
    }

    /// Step by step upwards, until it breaks.
    fn climbed(&mut self, promised: Promised) -> Option<(f64, Option<f64>)> {
        let mut low = 1.0;
        for factor in STEPS {
            if !self.keeps(promised, factor)?[0] {
                return Some((low, Some(factor)));
            }
            low = factor;
        }
        Some((low, None))
    }

    /// The same where more of it is never better: who keeps it at the last step keeps it at all, and half of the rest is asked.
    fn halved(&mut self, promised: Promised) -> Option<(f64, Option<f64>)> {
        let last = STEPS[STEPS.len() - 1];
        if self.keeps(promised, last)?[0] {
            return Some((last, None));
        }
        let (mut kept, mut broken) = (0, STEPS.len());
        while broken - kept > 1 {
            let middle = usize::midpoint(kept, broken);
            *(if self.keeps(promised, STEPS[middle - 1])?[0] { &mut kept } else { &mut broken }) = middle;
        }
        Some((if kept == 0 { 1.0 } else { STEPS[kept - 1] }, Some(STEPS[broken - 1])))
    }

    /// The largest slow-down that keeps it for certain, and the smallest that breaks it so; a step that was left out is made up
    /// for where none nearer says so.
    fn surely(&mut self, promised: Promised, (low, high): (f64, f64)) -> Option<[f64; 2]> {
        let steps = if self.pace.steady { &STEPS[..] } else { &[] };
        for step in steps.iter().rev().filter(|step| **step < low) {
            if self.certain(promised, 1).any(|factor| factor <= low && factor > *step) {
                break;
            }
            self.keeps(promised, *step)?;
        }
        for step in steps.iter().filter(|step| **step > high) {
            if self.certain(promised, 2).any(|factor| factor >= high && factor < *step) {
                break;
            }
            self.keeps(promised, *step)?;
        }
        let kept = self.certain(promised, 1).filter(|factor| *factor <= low).fold(1.0, f64::max);
        let broken = self.certain(promised, 2).filter(|factor| *factor >= high).fold(f64::INFINITY, f64::min);
        Some([kept, broken])
    }

    /// The slow-downs at which the whole interval keeps it (1), or breaks it (2).
    fn certain(&self, (at, promise): Promised, nth: usize) -> impl Iterator<Item = f64> {
        let all = self.tried.iter().filter(move |(_, runs)| runs[at].keeps(promise).is_some_and(|found| found[nth]));
        all.map(|(factor, _)| *factor)
    }
}

/// Whether anything in a file answers slowness by something other than waiting or giving up: another try, another way, another
/// replica, or a refusal. Then a node that is slower still may do better again, and no step may be left out.
fn answered(checked: &Checked) -> bool {
    let scenario = &checked.scenario;
    let way = |verb: &Verb| match verb {
        Verb::Call(call) | Verb::Query(call) => call.fallback.is_some(),
        Verb::Parallel { branches, wait_for } => wait_for.value.is_some() || branches.iter().any(|b| b.optional.value),
        Verb::Cache { .. } | Verb::Remember { .. } => true,
        _ => false,
    };
    let mut any = scenario.nodes.values().any(|node| node.most_replicas() != node.replicas.value);
    for program in scenario.nodes.values().flat_map(Node::programs) {
        each_step(&program.steps, &mut |step| any |= way(&step.verb));
    }
    any || lower(checked).rules.iter().any(Rules::answers)
}

fn clocked(plan: &Plan, index: u32, watch: &dyn Watch) -> Option<Clocked> {
    if watch.stopped() {
        return None;
    }
    let mut clocked = Clocked(vec![Times::default(); plan.clients.len()]);
    let machine = Machine::new(plan, replication_seed(plan.seed, index), Aside(&mut clocked));
    let finished = machine.run(|_| !watch.stopped());
    if finished.stop == Stop::Interrupted || watch.stopped() {
        return None;
    }
    clocked.0.iter_mut().for_each(|times| times.good.sort_unstable());
    Some(clocked)
}
