//! Comparing: one scenario against others, figure by figure, under common random numbers.
//!
//! Replication i of the one is paired with replication i of the other: both have the same arrivals and the same work, so
//! what they share cancels. Percentiles are compared by sectioning, means and shares by the jackknife, both with Student's
//! t. Where the best of several is chosen, Holm's correction applies, and the winner is run again with fresh seeds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::estimate::CONFIDENCE;
use super::summary::{Estimate, Replicate, Stats, Summary, Tool};
use crate::stats::{Paired, Sections, paired_quantile, paired_ratio, paired_share};

mod apart;
mod cast;
mod stored;
mod study;
mod total;

pub use cast::{Cast, WRITTEN};
pub use stored::{Regression, regressions, stored, unjudged};
pub use study::{Study, study};
pub use total::{Confirmed, Overall, Total, confirm};

/// One scenario against others.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Version of this shape.
    pub schema_version: u32,
    /// Who made it.
    pub tool: Tool,
    /// How all of them were run.
    pub run: Conditions,
    /// What the others are compared with.
    pub base: Side,
    /// The others, in the order given.
    pub others: Vec<Versus>,
    /// Which is the quickest over all requests.
    pub total: Total,
    /// What was derived of the patterns of one interaction, where that is what was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patterns: Option<super::patterns::Patterns>,
}

/// How all scenarios of a comparison were run.
#[derive(Clone, Debug, Serialize)]
pub struct Conditions {
    /// Seed of the first replication, the same for all.
    pub seed: u64,
    /// Independent runs of each.
    pub replications: u32,
    /// Measured time of each, s.
    pub duration_s: f64,
    /// Confidence of the intervals.
    pub confidence: f64,
    /// What is paired.
    pub pairing: &'static str,
    /// Closed clients: their requests are not the same in both runs, only their replications can be paired.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub closed_clients: Vec<String>,
    /// What kind of figures these are.
    pub note: std::borrow::Cow<'static, str>,
    /// What was made equal, and what differs besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One of the scenarios.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// The variant, the file, or `as written`.
    pub name: String,
    /// The scenario's own name.
    pub scenario: String,
    /// Hash of its checked form.
    pub hash: String,
}

/// One of the others against the base.
#[derive(Clone, Debug, Serialize)]
pub struct Versus {
    /// Which one.
    #[serde(flatten)]
    pub side: Side,
    /// By client.
    pub clients: BTreeMap<String, Figures>,
    /// By flow: until the effect has happened.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub flows: BTreeMap<String, Figures>,
    /// Clients and flows that only one of the two has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmatched: Vec<String>,
}

/// The figures of a client in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Mean latency of successes, ms; not compared where requests of either had no end.
    pub mean_ms: Difference,
    /// Median over all that arrived, ms.
    pub p50_ms: Difference,
    /// 99th percentile over all that arrived, ms.
    pub p99_ms: Difference,
    /// Successes ÷ arrived.
    pub success_rate: Difference,
    /// Successes per second of measured time.
    pub throughput_per_s: Difference,
    /// Requests that were not answered when the runs stopped: in the base, in the other, over all replications.
    pub unanswered: [u64; 2],
    /// How long the oldest of them had been under way, s.
    pub oldest_unanswered_s: [Option<f64>; 2],
}

impl Versus {
    /// Clients, then flows: what they are, their names and their figures.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &String, &Figures)> {
        let of = |what: &'static str| move |(name, figures)| (what, name, figures);
        self.clients.iter().map(of("clients")).chain(self.flows.iter().map(of("flows")))
    }
}

impl Figures {
    /// All figures with their names in the contract.
    pub fn all(&self) -> [(&'static str, &Difference); 5] {
        [
            ("mean_ms", &self.mean_ms),
            ("p50_ms", &self.p50_ms),
            ("p99_ms", &self.p99_ms),
            ("success_rate", &self.success_rate),
            ("throughput_per_s", &self.throughput_per_s),
        ]
    }

    /// How often chance alone gives differences as large, in the order of [`all`](Self::all): what the contract does not hold.
    pub(super) fn chances(&self) -> [Option<f64>; 5] {
        self.all().map(|(_, difference)| difference.chance)
    }

    /// The same figures with chances that were kept beside them.
    pub(super) fn with_chances(mut self, kept: [Option<f64>; 5]) -> Self {
        let Self { mean_ms, p50_ms, p99_ms, success_rate, throughput_per_s, .. } = &mut self;
        let all = [mean_ms, p50_ms, p99_ms, success_rate, throughput_per_s];
        all.into_iter().zip(kept).for_each(|(difference, chance)| difference.chance = chance);
        self
    }
}

/// A figure in both, and how far they are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// In the base.
    pub base: Estimate,
    /// In the other.
    pub other: Estimate,
    /// Other minus base, paired.
    pub difference: Estimate,
    /// Difference ÷ base.
    pub relative: Option<f64>,
    /// What may be said of it.
    pub verdict: Verdict,
    /// How many times more replications independent seeds would have needed.
    pub variance_gain: Option<f64>,
    /// How often chance alone gives a difference as large as this.
    #[serde(skip)]
    pub chance: Option<f64>,
    /// Base and other: what it is at least where that is all that is known, because some were still under way.
    #[serde(default, skip_serializing_if = "untold")]
    pub at_least: [Option<f64>; 2],
    /// Base and other: whether it lies among the failed, which are slower than everything.
    #[serde(default, skip_serializing_if = "untold")]
    pub never: [bool; 2],
}

/// Whether there is nothing to tell of either side.
fn untold<T: Default + PartialEq>(sides: &T) -> bool {
    *sides == T::default()
}

impl Difference {
    fn of(base: Estimate, other: Estimate, paired: Paired) -> Self {
        let difference = paired.difference;
        let relative = difference.value.zip(base.value).map(|(d, b)| d / b).filter(|share| share.is_finite());
        let (variance_gain, chance) = (paired.gain, paired.chance);
        let verdict = Verdict::of(difference);
        Self { base, other, difference, relative, verdict, variance_gain, chance, ..Self::default() }
    }

    /// The mean where one side has unanswered requests: those that were answered are no measure of all, so there is no
    /// difference.
    fn incomparable(self, open: bool) -> Self {
        let Self { base, other, at_least, .. } = self;
        let open = open || !untold(&at_least);
        if open { Self { base, other, at_least, verdict: Verdict::NotComparable, ..Self::default() } } else { self }
    }

    /// Whether the difference is more than chance.
    pub fn is_significant(&self) -> bool {
        matches!(self.verdict, Verdict::Lower | Verdict::Higher)
    }
}

/// What may be said of a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// When the interval lies below zero.
    Lower,
    /// When the interval lies above zero.
    Higher,
    /// When both are the same in every replication.
    Same,
    /// When the interval contains zero.
    NoSignificantDifference,
    /// When requests of one side had no end: what its mean is nobody knows.
    NotComparable,
    /// When there is no honest interval.
    #[default]
    Unknown,
}

impl Verdict {
    fn of(difference: Estimate) -> Self {
        match difference.ends() {
            None => Verdict::Unknown,
            Some((0.0, 0.0)) => Verdict::Same,
            Some((low, _)) if low > 0.0 => Verdict::Higher,
            Some((_, high)) if high < 0.0 => Verdict::Lower,
            Some(_) => Verdict::NoSignificantDifference,
        }
    }
}

/// What is held against what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pairing {
    /// When replications of one are held against the same ones of the other.
    Replications,
    /// When figures are held against figures, because the runs have no draws in common, or what each of them did is unknown.
    None,
}

impl Pairing {
    /// How it is said.
    fn told(self) -> &'static str {
        match self {
            Self::Replications => "common random numbers, replication by replication",
            Self::None => "unpaired: Welch's t on the interval of each figure",
        }
    }
}

/// Compares the first with each of the others. Their runs must have the same seed and replications.
pub fn compare(base: &Summary, others: &[Summary], closed_clients: Vec<String>, notes: Vec<String>) -> Comparison {
    held(base, others, (closed_clients, notes), Pairing::Replications)
}

/// The first against each of the others; with the closed clients, and what else is to be known.
fn held(
    base: &Summary,
    others: &[Summary],
    (closed_clients, notes): (Vec<String>, Vec<String>),
    pairing: Pairing,
) -> Comparison {
    Comparison {
        schema_version: 1,
        tool: base.tool.clone(),
        run: Conditions {
            seed: base.run.seed,
            replications: base.run.replications,
            duration_s: base.run.duration_s,
            confidence: CONFIDENCE,
            pairing: pairing.told(),
            closed_clients,
            note: base.run.note.clone(),
            notes,
        },
        base: side(base),
        others: others.iter().map(|other| versus(base, other, pairing)).collect(),
        total: total::of(base, others, pairing),
        patterns: None,
    }
}

/// What a summary is called in a comparison.
fn name(summary: &Summary) -> String {
    summary.scenario.variant.clone().unwrap_or_else(|| "as written".into())
}

fn side(summary: &Summary) -> Side {
    Side { name: name(summary), scenario: summary.scenario.name.clone(), hash: summary.scenario.hash.clone() }
}

fn versus(base: &Summary, other: &Summary, pairing: Pairing) -> Versus {
    let runs = [base.run.replications, other.run.replications];
    let both = |a: &Stats, b: &Stats| match pairing {
        Pairing::Replications => figures(a, b),
        Pairing::None => apart::figures(a, b, runs),
    };
    let (clients, mut unmatched) = matched(&base.clients, &other.clients, &both);
    let (mut flows, alone) = matched(&base.flows, &other.flows, &both);
    // A flow that is never done in either says nothing.
    flows.retain(|_, figures| figures.mean_ms.base.value.or(figures.mean_ms.other.value).is_some());
    unmatched.extend(alone);
    Versus { side: side(other), clients, flows, unmatched }
}

/// What both have, compared; and what only one of them has.
fn matched(
    base: &BTreeMap<String, Stats>,
    other: &BTreeMap<String, Stats>,
    of: &dyn Fn(&Stats, &Stats) -> Figures,
) -> (BTreeMap<String, Figures>, Vec<String>) {
    let both = base.iter().filter_map(|(name, stats)| Some((name.clone(), of(stats, other.get(name)?))));
    let alone = |a: &BTreeMap<String, Stats>, b: &BTreeMap<String, Stats>| {
        a.keys().filter(|name| !b.contains_key(*name)).cloned().collect::<Vec<_>>()
    };
    (both.collect(), [alone(base, other), alone(other, base)].concat())
}

fn figures(base: &Stats, other: &Stats) -> Figures {
    let (a, b) = (&base.latency_arrived_ms, &other.latency_arrived_ms);
    let least = |name: &str| [a, b].map(|d| d.at_least_ms.get(name).copied());
    let quantile = |(name, q): (&str, f64), base_q: Estimate, other_q: Estimate, of: fn(&Replicate) -> Option<f64>| {
        let sections = |stats: &Stats, pooled: Estimate| Sections {
            pooled: pooled.value,
            each: stats.each.iter().map(of).collect(),
            count: stats.arrived,
        };
        let paired = paired_quantile(&sections(base, base_q), &sections(other, other_q), q, CONFIDENCE);
        let at_least = least(name);
        let failed = |stats: &Stats| (stats.succeeded as f64) < q * stats.arrived as f64;
        let sides = [(base, base_q, at_least[0]), (other, other_q, at_least[1])];
        let never = sides.map(|(stats, e, least)| e.value.or(least).is_none() && failed(stats));
        Difference { at_least, never, ..Difference::of(base_q, other_q, paired) }
    };
    let rates = |stats: &Stats| stats.each.iter().map(|r| (r.in_window as f64, r.span_s)).collect::<Vec<_>>();
    let throughput = paired_ratio(&rates(base), &rates(other), CONFIDENCE);
    let paired = paired_ratio(&sums(&base.each), &sums(&other.each), CONFIDENCE);
    let mean = Difference::of(base.latency_ms.mean, other.latency_ms.mean, paired);
    Figures {
        mean_ms: Difference { at_least: least("mean"), ..mean }.incomparable(false),
        p50_ms: quantile(("p50", 0.5), a.p50, b.p50, |r| r.p50_ms),
        p99_ms: quantile(("p99", 0.99), a.p99, b.p99, |r| r.p99_ms),
        success_rate: success(base.success_rate, other.success_rate, &base.each, &other.each),
        throughput_per_s: Difference::of(base.throughput_per_s, other.throughput_per_s, throughput),
        unanswered: [base.unanswered, other.unanswered],
        oldest_unanswered_s: [base.oldest_unanswered_s, other.oldest_unanswered_s],
    }
}

fn sums(each: &[Replicate]) -> Vec<(f64, f64)> {
    each.iter().map(|r| (r.sum_ms, r.succeeded as f64)).collect()
}

fn success(a: Estimate, b: Estimate, base: &[Replicate], other: &[Replicate]) -> Difference {
    let shares = |each: &[Replicate]| each.iter().map(|r| (r.succeeded, r.arrived)).collect::<Vec<_>>();
    Difference::of(a, b, paired_share(&shares(base), &shares(other), CONFIDENCE))
}

/// Mean latency of successes over several clients or flows, ms.
pub(super) fn mean_of<'a>(all: impl Iterator<Item = &'a Stats>) -> Estimate {
    crate::stats::ratio(&sums(&together(all.map(|stats| &stats.each))), CONFIDENCE)
}

/// Replication by replication, the sums over several clients.
fn together<'a>(all: impl Iterator<Item = &'a Vec<Replicate>>) -> Vec<Replicate> {
    let mut sum: Vec<Replicate> = Vec::new();
    for each in all {
        sum.resize(sum.len().max(each.len()), Replicate::default());
        for (to, from) in sum.iter_mut().zip(each) {
            to.sum_ms += from.sum_ms;
            to.succeeded += from.succeeded;
            to.arrived += from.arrived;
            to.unanswered += from.unanswered;
            to.in_window += from.in_window;
            to.span_s = from.span_s;
        }
    }
    sum
}
