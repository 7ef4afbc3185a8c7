//! Failures of a client, by windows of time: rare ones come in clusters.

use crate::model::{Outcome, Plan};
use crate::stats::{Clusters, Ends, Interval, Recorder, clustered, persistence};
use crate::units::Span;

use super::super::measure::bin_width;
use super::{CONFIDENCE, Replication};

/// A window is no shorter than this, s, so that a cluster lies in one of them.
const SHORTEST: f64 = 10.0;
/// Fewer windows over all replications say nothing of clusters.
const FEWEST: usize = 30;

/// How many requests in a row share a fate, judged by their latencies.
pub(super) fn fate(pooled: &Recorder, each: &[&Recorder]) -> f64 {
    let single: Vec<Ends<'_>> = each.iter().map(|r| Ends::all(r)).collect();
    persistence(&Ends::all(pooled), &single.iter().collect::<Vec<_>>())
}

/// Share of a client's requests that ended well, by windows; `None` where the run is too short for them.
pub(super) fn success(replications: &[Replication], at: usize, plan: &Plan) -> Option<Interval> {
    let windows = windows(replications, at, plan)?;
    let cohorts: Vec<_> = replications.iter().map(|r| &r.measure.clients[at]).collect();
    let good = |c: &super::Cohort| c.ended[Outcome::Succeeded as usize];
    let parts: Vec<(u64, u64)> = cohorts.iter().map(|c| (good(c), c.arrived)).collect();
    let mut pooled = Recorder::default();
    cohorts.iter().for_each(|c| pooled.merge(&c.good));
    let each: Vec<&Recorder> = cohorts.iter().map(|c| &c.good).collect();
    Some(clustered(&parts, Clusters { windows: &windows, persistence: fate(&pooled, &each) }, CONFIDENCE))
}

/// (Successes, arrivals) of each window, by replication.
fn windows(replications: &[Replication], at: usize, plan: &Plan) -> Option<Vec<Vec<(u64, u64)>>> {
    let timelines: Vec<_> = replications.iter().map(|r| &r.measure.timelines[at]).collect();
    let bins = timelines.first()?.bins.len();
    let width = Span(bin_width(plan.duration)).as_secs_f64();
    let together = (longest(plan).max(SHORTEST) / width).ceil().max(1.0);
    // What is left at the end belongs to the last window.
    let count = (bins as f64 / together) as usize;
    if count * timelines.len() < FEWEST {
        return None;
    }
    let of = |window: usize| {
        let from = window * together as usize;
        let to = if window + 1 == count { bins } else { from + together as usize };
        let sum = |bins: &[super::super::measure::Bin]| {
            bins.iter().fold((0, 0), |sum, bin| (sum.0 + bin.good.count(), sum.1 + bin.arrived))
        };
        timelines.iter().map(|t| sum(&t.bins[from..to])).collect()
    };
    Some((0..count).map(of).collect())
}

/// The longest timeout or deadline of the plan, s.
fn longest(plan: &Plan) -> f64 {
    plan.lanes.iter().max().map_or(0.0, |span| span.as_secs_f64())
}
