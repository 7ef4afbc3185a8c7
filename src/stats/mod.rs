//! Counting: tallies, levels over time, histograms, intervals.
mod histogram;
pub use histogram::Histogram;
