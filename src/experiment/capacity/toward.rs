//! What to add for a load that is wanted, for the fewest cores.

use std::collections::BTreeMap;

use serde::Serialize;

use super::limit::{Limit, Search, busiest};
use crate::experiment::summary::Estimate;
use crate::scenario::edit::{grown, with_replicas};
use crate::scenario::{Checked, forecast};
use crate::stats::share_of_windows;

/// A node that gets more replicas.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Added {
    /// The node.
    pub node: String,
    /// Replicas as the file says.
    pub from: u32,
    /// Replicas that it takes.
    pub to: u32,
    /// Cores of each, or workers where it says no cores; `None` where neither is limited.
    pub cores_each: Option<f64>,
}

/// What a load takes.
#[derive(Clone, Debug, Serialize)]
pub struct Toward {
    /// The load, requests per second.
    pub per_s: f64,
    /// What to add; nothing where it is carried already.
    pub add: Vec<Added>,
    /// Share of runs that keep all promises then.
    pub kept: Estimate,
    /// Whether that is enough.
    pub enough: bool,
}

/// Steps at most from what the forecast says to what the runs say.
const STEPS: usize = 6;

/// Runs that are made before it is asked whether that is enough.
const AT_ONCE: usize = 12;

/// Replicas so that no node is busier at the wanted load than the busiest is at the capacity; then as the runs say. `None` where
/// the watch stopped it.
pub(super) fn toward(search: &Search<'_>, checked: &Checked, target: f64, limit: &Limit) -> Option<Toward> {
    let load = target / search.today;
    let most = limit.utilization.filter(|used| *used > 0.0).unwrap_or(0.7).min(0.97);
    let mut replicas = needed(checked, search, load, most);
    let mut kept = runs(search, checked, &replicas, load)?;
    for _ in 0..STEPS {
        if enough(search, &kept) {
            break;
        }
        let changed = with_replicas(checked, &replicas);
        let Some(node) = tightest(&changed, search, load) else { break };
        *replicas.entry(node.0).or_insert(node.1) += 1;
        kept = runs(search, checked, &replicas, load)?;
    }
    if enough(search, &kept) {
        (replicas, kept) = spared(search, checked, replicas, load, kept)?;
    }
    let mut add = Vec::new();
    for (name, to) in replicas {
        let Some(node) = checked.scenario.nodes.get(&name) else { continue };
        let from = node.replicas.value;
        let cores_each = node.cores.value.or(node.concurrency.value.map(f64::from));
        add.extend((to > from).then_some(Added { node: name, from, to, cores_each }));
    }
    Some(Toward { per_s: target, add, enough: enough(search, &kept), kept })
}

/// Takes one back where it is not needed after all, the most cores first.
fn spared(
    search: &Search<'_>,
    checked: &Checked,
    mut replicas: BTreeMap<String, u32>,
    load: f64,
    mut kept: Estimate,
) -> Option<(BTreeMap<String, u32>, Estimate)> {
    let cores = |name: &String| checked.scenario.nodes.get(name).and_then(|node| node.cores.value).unwrap_or(0.0);
    let mut names: Vec<String> = replicas.keys().cloned().collect();
    names.sort_by(|a, b| cores(b).total_cmp(&cores(a)).then_with(|| a.cmp(b)));
    for name in names {
        let own = checked.scenario.nodes.get(&name).map_or(1, |node| node.replicas.value);
        while replicas.get(&name).is_some_and(|now| *now > own) {
            let mut fewer = replicas.clone();
            fewer.entry(name.clone()).and_modify(|now| *now -= 1);
            let found = runs(search, checked, &fewer, load)?;
            if !enough(search, &found) {
                break;
            }
            (replicas, kept) = (fewer, found);
        }
    }
    Some((replicas, kept))
}

fn enough(search: &Search<'_>, kept: &Estimate) -> bool {
    // As many of the seeds may break as below the rank of the capacity.
    let least = 1.0 - (search.ranks.at - 1) as f64 / f64::from(search.ranks.seeds);
    kept.value.is_some_and(|share| share >= least - 1e-12)
}

fn runs(search: &Search<'_>, checked: &Checked, replicas: &BTreeMap<String, u32>, load: f64) -> Option<Estimate> {
    let every: Vec<u32> = (0..search.ranks.seeds).collect();
    let changed = with_replicas(checked, replicas);
    let (mut kept, mut runs) = (0, 0);
    // Once more break something than may, the others change nothing.
    for seeds in every.chunks(AT_ONCE) {
        let fates = search.runs(&changed, load, seeds)?;
        kept += fates.iter().filter(|broke| broke.is_none()).count() as u64;
        runs += fates.len() as u64;
        if runs - kept >= search.ranks.at as u64 {
            break;
        }
    }
    Some(share_of_windows(kept, runs, crate::experiment::estimate::CONFIDENCE))
}

/// Replicas of each node that would be busier than `most`, by the forecast.
fn needed(checked: &Checked, search: &Search<'_>, load: f64, most: f64) -> BTreeMap<String, u32> {
    let mut all = BTreeMap::new();
    for node in forecast(&grown(checked, search.grown, load).scenario).nodes {
        let used = node.utilization.max(node.held).max(node.peak_utilization);
        let Some(own) = checked.scenario.nodes.get(&node.name).map(|node| node.replicas.value) else { continue };
        if used > most * 1.000_001 {
            all.insert(node.name, libm::ceil(f64::from(own) * used / most - 1e-9) as u32);
        }
    }
    all
}

/// The node that is busiest at a load, and its replicas.
fn tightest(checked: &Checked, search: &Search<'_>, load: f64) -> Option<(String, u32)> {
    let (name, _) = busiest(&grown(checked, search.grown, load))?;
    let replicas = checked.scenario.nodes.get(&name)?.replicas.value;
    Some((name, replicas))
}
