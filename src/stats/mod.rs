//! Counting: tallies, levels over time, histograms, intervals. All of it merges exactly and in any order.

mod camps;
mod coarse;
mod drift;
mod gamma;
mod histogram;
mod interval;
mod occupancy;
mod paired;
mod quantile;
mod recorder;
mod share;
mod student;
mod tally;

pub use camps::{Camps, Kind, camps};
pub use coarse::Coarse;
pub use drift::{Drift, drift, seems_to_rise};
pub use histogram::{Exported, Histogram};
pub use interval::{Interval, batch_means, mean_of, mean_time, one_run, paired_difference, ratio, variance_gain};
pub use occupancy::Occupancy;
pub use paired::{Paired, Sections, holm, paired_quantile, paired_ratio, paired_share, unpaired};
pub use quantile::{ENOUGH_BEYOND, Ends, Weighed, beyond, persistence, pooled_quantile, times_longer};
pub use recorder::Recorder;
pub use share::{Clusters, clustered, proportion, share_of_windows};
pub use student::{t_chance, t_quantile};
pub use tally::Tally;

/// The rank (from 1) of the `q`-quantile among `n`. What a float adds to a whole number (0.07 · 100) does not count.
fn rank(q: f64, n: u64) -> u64 {
    let place = q.clamp(0.0, 1.0) * n as f64;
    let near = libm::round(place);
    let up = if (place - near).abs() < 1e-9 * near { near } else { libm::ceil(place) };
    (up as u64).clamp(1, n.max(1))
}
