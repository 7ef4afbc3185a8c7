//! A warm-up that is found (`warmup = "auto"`): how long it takes until nothing is left of the empty beginning.
//!
//! Ten pilot runs of the file's length, without its faults, begin empty, under seeds of their own. What is under way is looked at a thousand
//! times in each, averaged over the runs, and batched by five. The cut is where the mean of what is left is known best: where
//! the sum of squares around it, divided by the square of how many batches are left, is least (MSER-5: White, Spratt, "The
//! effectiveness of the truncation rule MSER-5", WSC 2000).
//!
//! A run that is short beside its relaxation time ([`slowest`]) shows that rule nothing: it wanders as it likes, and finds a cut as often as
//! not (M/M/1 at 0.99 for 20 s, of 398 s). So a run has to be ten times as long as its slowest station takes, by the forecast, and no cut is sooner than
//! that time once. Without any cut the bias of a mean is τ ÷ 4T of it (from empty, in heavy traffic), a fortieth then; half
//! of the interval of ten runs is 2.26 √(τ ÷ 10T), a fifth of it.
//!
//! A cut that lies beyond the first half shows nothing but that the run is too short, too: which is said, and nothing is run. The rule
//! comes to such a cut by chance in one run of six that are ten times as long, so the second half has to differ from the first by more than
//! chance makes it (the pilots in pairs, 99.9 %); where it does not, the best cut in the first half holds. Where load or replicas change by themselves there is no rest to come to, and
//! a warm-up has to be given.
//!
//! It is found once, for the file as it is loaded; what a sweep or a capacity then changes keeps it, and stands in the output like
//! one that was given.

use super::parallel;
use super::study::{Options, Trouble};
use crate::machine::{Machine, replication_seed};
use crate::model::Aside;
use crate::scenario::edit::{apply, struck};
use crate::scenario::written::WarmUp;
use crate::scenario::{self, Checked, Edit, Slowest, lower, slowest};
use crate::stats::paired_difference;
use crate::units::{Span, Time};

/// Pilot runs.
const PILOTS: u32 = 10;

/// Looks in each.
const LOOKS: u64 = 1_000;

/// Looks in a batch.
const BATCH: usize = 5;

/// So many times as long as its slowest station takes to forget its beginning has a run to be.
const LONGER: f64 = 10.0;

/// How sure it has to be that the halves of the run differ.
const SURE: f64 = 0.999;

/// Pilot runs have numbers that no replication has.
const APART: u32 = 1 << 30;

/// The scenario with a warm-up that was found, where its file leaves that to the pilots; as it is everywhere else.
pub(super) fn found(checked: Checked, options: &Options) -> Result<Checked, Trouble> {
    let place = &checked.scenario.sim.warmup;
    if place.value != WarmUp::Auto || checked.scenario.clients.is_empty() {
        return Ok(checked);
    }
    if !lower(&checked).has_constant_load() {
        let why = "warmup = \"auto\": load or replicas change in the run, so that it never comes to rest";
        return Err(Trouble::Absent(format!("{why}; say how long, such as warmup = \"10s\"")));
    }
    let slowest = slowest(&checked.scenario);
    if let Some(why) = slowest.as_ref().and_then(|slowest| short(&checked, slowest)) {
        return Err(Trouble::Unsettled(why));
    }
    let Some(cut) = cut(&checked, options.jobs) else { return Err(Trouble::Unsettled(restless(&checked))) };
    let cut = cut.max(slowest.map_or(Span::ZERO, |slowest| slowest.takes));
    let edit = Edit {
        path: "sim.warmup".into(),
        value: format!("\"{}ms\"", cut.0 / 1_000_000),
        origin: "warmup = \"auto\"".into(),
    };
    let broken = |complaints| scenario::Rejected { complaints, source: checked.source.clone() };
    let (source, _) = apply(&checked.source, &[edit]).map_err(broken)?;
    let variant = checked.variant.clone();
    let again = scenario::load_for(&source, &[], options.idle)?.within(options.ceiling)?;
    Ok(Checked { variant, ..again })
}

/// Why a run is too short for its slowest station, if it is.
fn short(checked: &Checked, slowest: &Slowest) -> Option<String> {
    let Slowest { node, used, takes } = slowest;
    let (takes, length) = (takes.as_secs_f64(), checked.scenario.sim.duration.value.as_secs_f64());
    let needed = LONGER * takes;
    let digits = |x: f64| format!("{x:.2e}").parse().unwrap_or(x);
    let (used, takes) = (digits(100.0 * used), digits(takes));
    let begin = format!("warmup = \"auto\": {node} is {used} % busy and takes {takes} s to forget how it began");
    let why = format!("{begin}, and {length} s are too short to see that");
    (length < needed).then(|| format!("{why}; run longer, such as duration = \"{}s\"", libm::ceil(needed)))
}

/// Why there is no cut.
fn restless(checked: &Checked) -> String {
    let length = checked.scenario.sim.duration.value.as_secs_f64();
    if let Some(who) = checked.overloaded.first() {
        let cure = "offer less, or say how long the beginning is, such as warmup = \"10s\"";
        return format!("warmup = \"auto\": it never comes to rest, {who}; {cure}");
    }
    let why = format!("warmup = \"auto\": after half of {length} s what is under way is not yet as it stays");
    format!("{why}; run longer, such as duration = \"{}s\"", 2.0 * length)
}

/// How long until nothing is left of the beginning, whether the load of the file changes or not; `None` where that is more than half
/// of the run.
pub fn cut(checked: &Checked, jobs: Option<usize>) -> Option<Span> {
    let mut calm = struck(checked, Vec::new());
    calm.scenario.sim.warmup.value = WarmUp::For(Span::ZERO);
    let plan = &lower(&calm);
    let threads = parallel::cores_for(jobs).min(checked.memory.at_once(checked.ceiling)).max(1);
    let step = (plan.duration.0 / LOOKS).max(1);
    let one = |nth: u32| {
        let mut nobody = ();
        let mut machine = Machine::new(plan, replication_seed(plan.seed, APART + nth), Aside(&mut nobody));
        let level = |look: u64| {
            machine.run_watched_to(Time(plan.warmup.0 + (look + 1) * step), |_| true);
            machine.under_way()
        };
        (0..LOOKS).map(level).collect::<Vec<u64>>()
    };
    let all = parallel::each(PILOTS, threads, one);
    let batches: Vec<Vec<f64>> = all.iter().map(|levels| batched(levels)).collect();
    settled(&batches).map(|at| Span(step * (at * BATCH) as u64))
}

/// Sums of so many looks in a row.
fn batched(levels: &[u64]) -> Vec<f64> {
    levels.chunks_exact(BATCH).map(|looks| looks.iter().sum::<u64>() as f64).collect()
}

/// How many batches are cut off of all pilots; `None` where that is more than half of them, and not by chance.
fn settled(pilots: &[Vec<f64>]) -> Option<usize> {
    let count = pilots.iter().map(Vec::len).min()?;
    let together: Vec<f64> = (0..count).map(|at| pilots.iter().map(|pilot| pilot[at]).sum()).collect();
    let half = count / 2;
    let at = least(&together, count);
    if at <= half {
        return Some(at);
    }
    let early = least(&together, half);
    let mean = |batches: &[f64]| batches.iter().sum::<f64>() / batches.len() as f64;
    // What is left of the first half, if that is little, is its end.
    let from = early.min(half.saturating_sub(BATCH));
    let (first, second): (Vec<f64>, Vec<f64>) =
        pilots.iter().map(|pilot| (mean(&pilot[from..half]), mean(&pilot[half..count]))).unzip();
    let apart = paired_difference(&first, &second, SURE);
    (apart.contains(0.0) == Some(true)).then_some(early)
}

/// How many batches are cut off where the mean of the rest is known best, of so many at most.
fn least(batches: &[f64], most: usize) -> usize {
    let n = batches.len();
    let (mut sum, mut squares) = (0.0, 0.0);
    let mut best = (f64::INFINITY, 0);
    // From the end, so that each is added once; the last few always agree with each other, and say nothing.
    for (at, batch) in batches.iter().enumerate().rev() {
        sum += batch;
        squares += batch * batch;
        let left = (n - at) as f64;
        let around = (squares - sum * sum / left).max(0.0) / (left * left);
        if n - at >= BATCH && at <= most && around <= best.0 {
            best = (around, at);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_cut_off() {
        // Ten pilots that differ a little.
        let rest = |at: usize, nth: usize| 100.0 + ((at + nth) % 3) as f64;
        let from = |first: usize, of: fn(usize) -> f64| {
            let pilot = |nth| (0..200).map(|at| if at < first { of(at) } else { rest(at, nth) }).collect::<Vec<f64>>();
            settled(&(0..10).map(pilot).collect::<Vec<_>>())
        };
        assert_eq!(from(0, |_| 0.0), Some(0));
        assert_eq!(from(30, |at| at as f64), Some(30), "from empty");
        assert_eq!(from(30, |at| 500.0 - at as f64), Some(30), "from full");
        assert_eq!(from(120, |at| at as f64), None, "run longer");
        assert_eq!(from(200, |at| at as f64), None, "what grows never comes to rest");
    }

    /// What only wanders about may be quietest at its end; that is no sign of a beginning.
    #[test]
    fn a_late_cut_by_chance_is_none() {
        let wanders = |nth: usize| {
            let swing = |at: usize| if at < 150 { 20.0 * libm::sin(at as f64 * 0.2 + nth as f64) } else { 0.0 };
            (0..200).map(|at| 100.0 + swing(at)).collect::<Vec<f64>>()
        };
        let pilots: Vec<Vec<f64>> = (0..10).map(wanders).collect();
        let together: Vec<f64> = (0..200).map(|at| pilots.iter().map(|pilot| pilot[at]).sum()).collect();
        assert!(least(&together, 200) > 100, "it shows nothing");
        assert!(settled(&pilots).is_some());
    }
}
