//! Counting: tallies, levels over time, histograms, intervals. All of it merges exactly and in any order.

mod coarse;
mod histogram;
mod interval;
mod occupancy;
mod paired;
mod recorder;
mod student;
mod tally;

pub use coarse::Coarse;
pub use histogram::Histogram;
pub use interval::{
    Interval, batch_means, beyond, mean_of, paired_difference, pooled_quantile, proportion, ratio, settled,
    variance_gain,
};
pub use occupancy::Occupancy;
pub use paired::{Paired, Sections, holm, paired_quantile, paired_ratio, paired_share};
pub use recorder::Recorder;
pub use student::{t_chance, t_quantile};
pub use tally::Tally;

/// The rank (from 1) of the `q`-quantile among `n`. What a float adds to a whole number (0.07 · 100) does not count.
pub fn rank(q: f64, n: u64) -> u64 {
    let place = q.clamp(0.0, 1.0) * n as f64;
    let near = libm::round(place);
    let up = if (place - near).abs() < 1e-9 * near { near } else { libm::ceil(place) };
    (up as u64).clamp(1, n.max(1))
}
