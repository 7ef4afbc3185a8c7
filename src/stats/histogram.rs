//! A latency histogram in HDR layout.

/// A histogram of u64 values (nanoseconds) with three significant digits.
#[derive(Clone, Debug, Default)]
pub struct Histogram;

impl Histogram {
    /// Samples recorded.
    pub fn count(&self) -> u64 {
        0
    }
    /// The value below or at which the share `q` of the samples lies; 0 when empty.
    pub fn quantile(&self, _q: f64) -> u64 {
        0
    }
    /// Calls `f(value, count)` for each non-empty bucket, ascending; the value is the bucket's middle.
    pub fn each(&self, _f: impl FnMut(u64, u64)) {}
}
