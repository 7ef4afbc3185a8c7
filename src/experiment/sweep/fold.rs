//! From the rows of a point to its figures.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Manifest, Row};
use crate::experiment::estimate::CONFIDENCE;
use crate::experiment::summary::Estimate;
use crate::stats::{mean_of, mean_time, proportion, share_of_windows};

/// What became of a client's requests at a point.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    /// Requests over all runs.
    pub arrived: u64,
    /// Successes per second of measured time.
    pub throughput_per_s: Estimate,
    /// Successes ÷ arrived.
    pub success_rate: Estimate,
    /// Mean latency of the successes, ms.
    pub mean_ms: Estimate,
    /// Median over all that arrived, mean over the runs, ms.
    pub p50_ms: Estimate,
    /// 99th percentile, as the median.
    pub p99_ms: Estimate,
    /// Runs in which the 99th percentile lies among the failed and the unanswered; then it has no mean.
    pub p99_never_in: u64,
}

/// What became of a promise at a point.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Kept {
    /// What was measured, mean over the runs, in its own unit; no value where some run had none.
    pub measured: Estimate,
    /// Share of the runs that keep it, of those that have enough to tell; no value where none has.
    pub kept: Estimate,
    /// Runs that have too little to tell.
    #[serde(skip_serializing_if = "crate::experiment::summary::nothing")]
    pub untold_in: u64,
}

/// A point of the grid.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Point {
    /// Its number.
    pub point: u64,
    /// The value of each parameter.
    pub at: Vec<String>,
    /// Hash of the scenario with these values.
    pub hash: String,
    /// Runs.
    pub runs: u64,
    /// By client.
    pub clients: BTreeMap<String, Figures>,
    /// By node: how much of what is scarcest is in use; only the busiest are there.
    pub nodes: BTreeMap<String, Estimate>,
    /// The busiest of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busiest: Option<String>,
    /// The promises, in the order of the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub promises: Vec<Kept>,
    /// Share of the runs that keep all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_kept: Option<Estimate>,
    /// Cores, where nodes say how many they have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<f64>,
    /// Who is offered more than it can do, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overloaded: Vec<String>,
    /// A guard that stopped a run, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<String>,
    /// By run: throughput ÷ mean latency of the client that is asked about.
    #[serde(skip)]
    pub(super) power: Vec<f64>,
}

impl Point {
    /// Its busiest node, and how much of it is in use.
    pub fn bottleneck(&self) -> Option<(&str, Estimate)> {
        let name = self.busiest.as_deref()?;
        Some((name, *self.nodes.get(name).filter(|used| used.value.is_some())?))
    }
}

/// What the rows of a point come to.
pub(super) fn fold(manifest: &Manifest, point: u64, rows: &[Row]) -> Point {
    let spot = &manifest.points[point as usize];
    let clients = manifest.clients.iter().enumerate().map(|(at, name)| (name.clone(), figures(rows, at)));
    let nodes: BTreeMap<String, Estimate> =
        (manifest.nodes.iter().enumerate()).filter_map(|(at, name)| Some((name.clone(), in_use(rows, at)?))).collect();
    let value = |estimate: &Estimate| estimate.value.unwrap_or(0.0);
    let busiest = nodes.iter().max_by(|a, b| value(a.1).total_cmp(&value(b.1)).then_with(|| b.0.cmp(a.0)));
    let busiest = busiest.map(|(name, _)| name.clone());
    let promises = manifest.promises.iter().enumerate().map(|(at, promise)| kept(rows, at, promise.time)).collect();
    let all: Vec<Option<bool>> = rows.iter().map(all_kept).collect();
    let asked = manifest.clients.iter().position(|name| *name == manifest.client).unwrap_or(0);
    Point {
        point,
        at: spot.at.clone(),
        hash: spot.hash.clone(),
        runs: rows.len() as u64,
        clients: clients.collect(),
        nodes,
        busiest,
        promises,
        all_kept: (!manifest.promises.is_empty()).then(|| share(&all)),
        cores: spot.cores,
        overloaded: spot.overloaded.clone(),
        guard: rows.iter().find_map(|row| row.guard.clone()),
        power: rows.iter().map(|row| power(row, asked)).collect(),
    }
}

fn power(row: &Row, client: usize) -> f64 {
    let requests = &row.clients[client];
    requests.mean_ms.filter(|mean| *mean > 0.0).map_or(0.0, |mean| requests.throughput_per_s / mean)
}

fn figures(rows: &[Row], client: usize) -> Figures {
    let each = || rows.iter().map(|row| &row.clients[client]);
    let rates: Vec<f64> = each().map(|one| one.throughput_per_s).collect();
    let shares: Vec<(u64, u64)> = each().map(|one| (one.succeeded, one.arrived)).collect();
    let sums: Vec<(f64, f64)> =
        each().map(|one| (one.mean_ms.unwrap_or(0.0) * one.succeeded as f64, one.succeeded as f64)).collect();
    let of = |pick: fn(&super::row::Requests) -> Option<f64>| times(&each().map(pick).collect::<Vec<_>>());
    let succeeded: u64 = shares.iter().map(|share| share.0).sum();
    Figures {
        arrived: shares.iter().map(|share| share.1).sum(),
        throughput_per_s: mean_of(&rates, CONFIDENCE),
        success_rate: proportion(&shares, CONFIDENCE),
        mean_ms: if succeeded > 0 { mean_time(&sums, CONFIDENCE) } else { Estimate::NONE },
        p50_ms: of(|one| one.p50_ms),
        p99_ms: of(|one| one.p99_ms),
        p99_never_in: each().filter(|one| one.arrived > 0 && one.p99_ms.is_none()).count() as u64,
    }
}

/// The mean over runs of a time that each run has; none where one has none.
fn times(each: &[Option<f64>]) -> Estimate {
    let all: Option<Vec<(f64, f64)>> = each.iter().map(|one| one.map(|ms| (ms, 1.0))).collect();
    all.filter(|all| !all.is_empty()).map_or(Estimate::NONE, |all| mean_time(&all, CONFIDENCE))
}

fn in_use(rows: &[Row], node: usize) -> Option<Estimate> {
    let each: Vec<f64> = rows.iter().map(|row| row.nodes[node]).collect::<Option<_>>()?;
    Some(mean_of(&each, CONFIDENCE).clamped(0.0, 1.0))
}

fn kept(rows: &[Row], promise: usize, time: bool) -> Kept {
    let each: Vec<Option<f64>> = rows.iter().map(|row| row.promises[promise].0).collect();
    let kept: Vec<Option<bool>> = rows.iter().map(|row| row.promises[promise].1).collect();
    let measured = if time { times(&each) } else { level(&each) };
    Kept { measured, kept: share(&kept), untold_in: kept.iter().filter(|kept| kept.is_none()).count() as u64 }
}

/// The mean over runs of what each run has; none where one has none.
fn level(each: &[Option<f64>]) -> Estimate {
    let all: Option<Vec<f64>> = each.iter().copied().collect();
    all.map_or(Estimate::NONE, |all| mean_of(&all, CONFIDENCE))
}

/// Whether a run keeps all promises: one that is broken decides, then one that nobody can tell.
fn all_kept(row: &Row) -> Option<bool> {
    let each = || row.promises.iter().map(|(_, kept)| *kept);
    if each().any(|kept| kept == Some(false)) { Some(false) } else { each().all(|kept| kept.is_some()).then_some(true) }
}

/// The share of those that keep, of those that can be told.
fn share(each: &[Option<bool>]) -> Estimate {
    let (good, told) = (each.iter().filter(|kept| **kept == Some(true)).count(), each.iter().flatten().count());
    if told == 0 { Estimate::NONE } else { share_of_windows(good as u64, told as u64, CONFIDENCE) }
}
