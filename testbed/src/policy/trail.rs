//! Counts of late: what was added within the last so many ns, in ten buckets, as Hystrix, Polly and tower keep them.

/// Buckets of a window.
const BUCKETS: u64 = 10;

/// Counts that are forgotten after a while.
#[derive(Debug)]
pub(crate) struct Trail<const N: usize> {
    /// The length of a bucket, ns.
    each: u64,
    /// The number of the youngest bucket.
    last: u64,
    counts: [[f64; N]; BUCKETS as usize],
}

impl<const N: usize> Trail<N> {
    /// Empty.
    pub(crate) fn new(length: u64) -> Self {
        Self { each: (length / BUCKETS).max(1), last: 0, counts: [[0.0; N]; BUCKETS as usize] }
    }

    /// Something is counted.
    pub(crate) fn add(&mut self, now: u64, what: usize, amount: f64) {
        self.turn(now);
        self.counts[(self.last % BUCKETS) as usize][what] += amount;
    }

    /// What there was of late.
    pub(crate) fn sums(&mut self, now: u64) -> [f64; N] {
        self.turn(now);
        std::array::from_fn(|what| self.counts.iter().map(|bucket| bucket[what]).sum())
    }

    /// Nothing has been counted.
    pub(crate) fn clear(&mut self) {
        self.counts = [[0.0; N]; BUCKETS as usize];
    }

    fn turn(&mut self, now: u64) {
        let to = now / self.each;
        for bucket in self.last + 1..=to.min(self.last + BUCKETS) {
            self.counts[(bucket % BUCKETS) as usize] = [0.0; N];
        }
        self.last = self.last.max(to);
    }
}
