//! A warm-up that is found (`warmup = "auto"`): how long it takes until nothing is left of the empty beginning.
//!
//! Ten pilot runs of the file's length, without its faults, begin empty, under seeds of their own. What is under way is looked at a thousand
//! times in each, averaged over the runs, and batched by five. The cut is where the mean of what is left is known best: where
//! the sum of squares around it, divided by the square of how many batches are left, is least (MSER-5: White, Spratt, "The
//! effectiveness of the truncation rule MSER-5", WSC 2000). A cut that lies beyond the first half shows nothing but that the run is
//! too short, which is said, and nothing is run. Where load or replicas change by themselves there is no rest to come to, and
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
use crate::scenario::{self, Checked, Edit, lower};
use crate::units::{Span, Time};

/// Pilot runs.
const PILOTS: u32 = 10;

/// Looks in each.
const LOOKS: u64 = 1_000;

/// Looks in a batch.
const BATCH: usize = 5;

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
    let Some(cut) = cut(&checked, options.jobs) else {
        let length = checked.scenario.sim.duration.value.as_secs_f64();
        if let Some(who) = checked.overloaded.first() {
            let cure = "offer less, or say how long the beginning is, such as warmup = \"10s\"";
            return Err(Trouble::Unsettled(format!("warmup = \"auto\": it never comes to rest, {who}; {cure}")));
        }
        let why = format!("warmup = \"auto\": after half of {length} s what is under way is not yet as it stays");
        return Err(Trouble::Unsettled(format!("{why}; run longer, such as duration = \"{}s\"", 2.0 * length)));
    };
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
    let batch = |at: usize| {
        all.iter().map(|levels| levels[at * BATCH..(at + 1) * BATCH].iter().sum::<u64>()).sum::<u64>() as f64
    };
    let batches: Vec<f64> = (0..LOOKS as usize / BATCH).map(batch).collect();
    least(&batches).map(|at| Span(step * (at * BATCH) as u64))
}

/// How many batches are cut off where the mean of the rest is known best; `None` where that is more than half of them.
fn least(batches: &[f64]) -> Option<usize> {
    let n = batches.len();
    let (mut sum, mut squares) = (0.0, 0.0);
    let mut best = (f64::INFINITY, 0);
    // From the end, so that each is added once; the last few always agree with each other, and say nothing.
    for (at, batch) in batches.iter().enumerate().rev() {
        sum += batch;
        squares += batch * batch;
        let left = (n - at) as f64;
        let around = (squares - sum * sum / left).max(0.0) / (left * left);
        if n - at >= BATCH && around <= best.0 {
            best = (around, at);
        }
    }
    (best.1 <= n / 2).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_cut_off() {
        let rest = |at: usize| 100.0 + if at.is_multiple_of(2) { 1.0 } else { -1.0 };
        let from = |first: usize, of: fn(usize) -> f64| {
            (0..200).map(|at| if at < first { of(at) } else { rest(at) }).collect::<Vec<f64>>()
        };
        assert_eq!(least(&from(0, |_| 0.0)), Some(0));
        assert_eq!(least(&from(30, |at| at as f64)), Some(30), "from empty");
        assert_eq!(least(&from(30, |at| 500.0 - at as f64)), Some(30), "from full");
        assert_eq!(least(&from(120, |at| at as f64)), None, "run longer");
        assert_eq!(least(&(0..200).map(|at| at as f64).collect::<Vec<_>>()), None, "what grows never comes to rest");
    }
}
