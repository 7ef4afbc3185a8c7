//! How rarely it collapses by itself: without any trigger, at today's load.

use std::sync::atomic::{AtomicU32, Ordering};

use serde::Serialize;

use super::split::{Course, EFFORT, Split};
use crate::experiment::estimate::CONFIDENCE;
use crate::experiment::parallel;
use crate::experiment::run::Watch;
use crate::experiment::summary::Estimate;
use crate::model::{ClientId, Plan};
use crate::random::Lineage;
use crate::scenario::edit::struck;
use crate::scenario::{Checked, lower, surprises};
use crate::stats::t_quantile;

/// The probability that a client is down at the end of a run in which nothing goes wrong.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Rare {
    /// The probability, by splitting.
    pub probability: Estimate,
    /// The same per hour of the measured time.
    pub per_hour: Estimate,
    /// Splitting runs that the interval comes from.
    pub runs: u32,
    /// Of these, those that saw it at all.
    pub seen_in: u32,
    /// Runs of the machine from each level.
    pub effort: u32,
    /// The levels of what is under way, from pilot seeds.
    pub levels: Vec<f64>,
    /// Why the figures are not to be trusted; none: they are.
    pub not_trusted: Vec<String>,
    /// The spread between splitting runs, in times of that within them, if what they copy had nothing in common.
    pub spread: Option<f64>,
    /// How many times as many events plain runs would need for the same variance.
    pub gain: Option<f64>,
    /// Events handled, the pilot's included.
    pub events: u64,
}

impl Rare {
    /// Whether it was stopped before all splitting runs were done.
    pub(super) fn is_partial(&self) -> bool {
        self.runs < RUNS
    }

    /// Of a study that was stopped before it was known.
    pub(super) fn stopped() -> Self {
        Self { not_trusted: vec!["interrupted before it was known".into()], ..Self::default() }
    }
}

/// Splitting runs.
const RUNS: u32 = 32;

/// A spread between runs of more than so many times that within says that they follow different ways.
const SPREAD: f64 = 3.0;

/// Where runs scatter by more than so many times their mean, 32 of them are too few for any interval: what is lognormal with
/// this coefficient of variation is still covered by 94 %, with twice of it by 90.
const SCATTER: f64 = 1.5;

/// More of it than this may not come from runs that were down without having come to the next level.
const ASIDE: f64 = 0.3;

/// What is the seed of nothing else.
const PILOT: u64 = 0x7069_6c6f_7400_0000;
const SPLIT: u64 = 0x7370_6c69_7400_0000;

/// Estimates it; `None` where it was stopped.
pub(super) fn rare(checked: &Checked, client: &str, threads: usize, watch: &dyn Watch) -> Option<Rare> {
    let calm = struck(checked, Vec::new());
    let plan = lower(&calm);
    let client = plan.clients.iter().position(|own| plan.node(own.node).name == client)?;
    let course = Course { plan: &plan, client: ClientId(client as u32), watch };
    let levels = course.pilot(Lineage::root(plan.seed, PILOT).0)?;
    let done = AtomicU32::new(1);
    let one = |nth: u32| {
        let split = course.split(&levels.at, Lineage::root(plan.seed, SPLIT | u64::from(nth)).0);
        watch.advanced(f64::from(done.fetch_add(1, Ordering::Relaxed)) / f64::from(RUNS + 1));
        split
    };
    let splits: Vec<Split> = parallel::each(RUNS, threads, one).into_iter().flatten().collect();
    if splits.len() < 2 {
        return None;
    }
    let mut found = estimate(&splits, &plan, levels.events_of_a_run);
    found.levels = levels.at;
    found.events += levels.events;
    if found.is_partial() {
        found.not_trusted.push(format!("interrupted: {} of {RUNS} splitting runs were done", splits.len()));
    }
    let surprises = surprises(&calm);
    if !surprises.is_empty() {
        let why = "seldom and large: it brings it down alone, which what is under way does not see coming";
        found.not_trusted.push(format!("{}: {why}", surprises.join(", ")));
    }
    // Who finds as many whatever the levels are needs none that lead there.
    if !levels.lead && !found.not_trusted.is_empty() {
        found.not_trusted.push("more and more under way does not lead to a collapse".into());
    }
    Some(found)
}

/// What splitting runs say together.
fn estimate(splits: &[Split], plan: &Plan, events_of_a_run: f64) -> Rare {
    let n = splits.len() as f64;
    let each: Vec<f64> = splits.iter().map(|split| split.probability).collect();
    let mean = each.iter().sum::<f64>() / n;
    let variance = each.iter().map(|p| (p - mean) * (p - mean)).sum::<f64>() / (n - 1.0);
    let events: u64 = splits.iter().map(|split| split.events).sum();
    let seen_in = each.iter().filter(|p| **p > 0.0).count() as u32;
    let mut found = Rare { runs: splits.len() as u32, seen_in, effort: EFFORT, events, ..Rare::default() };
    if seen_in == 0 {
        found.not_trusted.push("no splitting run saw one".into());
        return found;
    }
    found.probability = interval(&each, mean, variance);
    found.per_hour = found.probability.scaled(3_600.0 / plan.duration.as_secs_f64());
    let seen = || splits.iter().filter(|split| split.probability > 0.0);
    let within = mean * (seen().map(|split| split.within).sum::<f64>() / f64::from(seen_in)).sqrt();
    if within > 0.0 && variance > 0.0 {
        found.spread = Some(variance.sqrt() / within);
        let plain = mean * (1.0 - mean) / (variance / n) * events_of_a_run;
        found.gain = Some(plain / events as f64);
    }
    let aside = splits.iter().map(|split| split.aside).sum::<f64>() / n;
    found.not_trusted = doubts(&found, variance.sqrt() / mean, aside / mean);
    found
}

/// Student's t on the logarithm of the mean: what splitting runs say are products, whose errors are factors. The upper end lies
/// farther by what their lopsidedness says, because few runs miss what is rare among them (Johnson, "Modified t tests and
/// confidence intervals for asymmetrical populations", 1978).
fn interval(each: &[f64], mean: f64, variance: f64) -> Estimate {
    let n = each.len() as f64;
    let t = t_quantile(0.5 + 0.5 * CONFIDENCE, n - 1.0);
    let half = t * (variance / n).sqrt() / mean;
    let cubes = each.iter().map(|p| (p - mean) * (p - mean) * (p - mean)).sum::<f64>() / n;
    let spread = (variance * (n - 1.0) / n).sqrt();
    let skewness = if spread > 0.0 { cubes / (spread * spread * spread) } else { 0.0 };
    let moved = half * (1.0 + skewness.max(0.0) * (1.0 + 2.0 * t * t) / (6.0 * n.sqrt() * t));
    Estimate::between(mean, mean * libm::exp(-half), (mean * libm::exp(moved)).min(1.0))
}

/// Why it is not to be trusted, by the runs alone: `scatter` is their coefficient of variation, `aside` the share of runs that
/// were down without having come to the next level.
fn doubts(found: &Rare, scatter: f64, aside: f64) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(spread) = found.spread.filter(|spread| *spread > SPREAD) {
        all.push(format!(
            "splitting runs differ by {spread:.1} times what each of them says of itself: they get there on different ways"
        ));
    }
    if scatter > SCATTER {
        all.push(format!("splitting runs scatter by {scatter:.1} times their mean: there are too few of them"));
    }
    if found.seen_in * 2 < found.runs {
        all.push(format!("only {} of {} splitting runs saw one", found.seen_in, found.runs));
    }
    // Each run is unbiased whatever the levels are: where runs agree, that the levels were the wrong ones has cost time alone.
    if aside > ASIDE && !all.is_empty() {
        let percent = aside * 100.0;
        all.push(format!("{percent:.0} % of it comes from runs that were down without more and more under way"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Draw, Purpose};

    fn splits(each: &[f64]) -> Vec<Split> {
        each.iter().map(|p| Split { probability: *p, within: 0.25, events: 1_000, aside: 0.0 }).collect()
    }

    fn hour() -> Plan {
        Plan { duration: crate::units::Span(3_600_000_000_000), ..Plan::default() }
    }

    #[test]
    fn runs_that_differ_too_much_are_not_trusted() {
        let alike = estimate(&splits(&[1e-6, 2e-6, 0.5e-6, 1.5e-6].repeat(8)), &hour(), 1e3);
        assert!(alike.not_trusted.is_empty(), "{alike:?}");
        let ends = alike.per_hour.ends().unwrap();
        assert!((alike.per_hour.value.unwrap() - 1.25e-6).abs() < 1e-12, "{alike:?}");
        assert!(ends.0 > 1.0e-6 && ends.1 < 1.6e-6, "{ends:?}");
        let mut one = vec![1e-6; 31];
        one.push(1e-3);
        let apart = estimate(&splits(&one), &hour(), 1e3);
        assert!(apart.not_trusted[0].contains("different ways") && apart.spread.unwrap() > 8.0, "{apart:?}");
        let few = estimate(&splits(&[vec![0.0; 24], vec![1e-6; 8]].concat()), &hour(), 1e3);
        assert!(few.not_trusted.iter().any(|why| why.contains("only 8 of 32")), "{few:?}");
        assert_eq!(estimate(&splits(&[0.0; 32]), &hour(), 1e3).probability, Estimate::NONE);
        // Past the levels is no reason of its own: where runs agree they do so by whatever way.
        let aside = |each: &[f64]| {
            let mut past = splits(each);
            past.iter_mut().for_each(|split| split.aside = 0.5 * split.probability);
            estimate(&past, &hour(), 1e3)
        };
        let past = aside(&[1e-6, 2e-6].repeat(16));
        assert!(past.not_trusted.is_empty(), "{past:?}");
        let past = aside(&one);
        assert!(past.not_trusted.iter().any(|why| why.contains("50 % of it comes from runs")), "{past:?}");
    }

    /// What splitting runs say is lognormal, more or less: so far the interval covers what it should.
    #[test]
    fn the_interval_covers_products_of_many_factors() {
        for cv in [0.5_f64, 1.0] {
            let sigma = (1.0 + cv * cv).ln().sqrt();
            let covered = (0..1_000_u64).filter(|nth| {
                let mut draw = Draw::new(7, Lineage(*nth), Purpose::Fault, 0);
                let mut normal = || (0..12).map(|_| draw.unit()).sum::<f64>() - 6.0;
                let each: Vec<f64> = (0..RUNS).map(|_| (sigma * normal() - sigma * sigma / 2.0).exp()).collect();
                let n = each.len() as f64;
                let mean = each.iter().sum::<f64>() / n;
                let variance = each.iter().map(|p| (p - mean) * (p - mean)).sum::<f64>() / (n - 1.0);
                let ends = interval(&each, mean, variance).ends();
                ends.is_some_and(|(low, high)| low <= 1.0 && 1.0 <= high)
            });
            let covered = covered.count();
            assert!((925..=985).contains(&covered), "cv {cv}: {covered} of 1000");
        }
    }
}
