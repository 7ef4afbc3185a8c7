//! Camps: whether the replications of a run do one thing or another.

use crate::stats::{Camps, Kind, camps as fall_apart};

use super::summary::{Camp, Replicate, Stats, Summary};

/// The camps of every client and flow: by success, and where that has none by mean latency.
pub(crate) fn camps(summary: &Summary) -> Vec<Camp> {
    summary.clients.iter().chain(&summary.flows).flat_map(|(name, stats)| of_one(name, stats)).collect()
}

fn of_one(name: &str, stats: &Stats) -> Vec<Camp> {
    type Figure = (&'static str, Kind, fn(&Replicate) -> Option<f64>);
    let figures: [Figure; 2] =
        [("success_rate", Kind::Share, Replicate::success_rate), ("mean_ms", Kind::Size, Replicate::mean_ms)];
    let found = figures.into_iter().find_map(|(figure, kind, of)| {
        let single = stats.each.iter().map(of).collect::<Option<Vec<f64>>>()?;
        Some((figure, fall_apart(&single, kind)?))
    });
    let Some((figure, Camps { low, high })) = found else { return Vec::new() };
    let camp = |(replications, value): (usize, f64)| Camp {
        of: name.to_owned(),
        figure: figure.into(),
        share: replications as f64 / stats.each.len() as f64,
        replications,
        value,
    };
    [low, high].map(camp).into()
}
