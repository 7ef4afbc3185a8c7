//! What there was in the system in either half of the measured time, part by part.

/// Areas under the levels of nodes, queues, groups and clients, in this order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Halves {
    half: Vec<u128>,
    end: Vec<u128>,
}

impl Halves {
    /// The first half is over; these are the areas since the measured time began.
    pub(super) fn fold(&mut self, areas: Vec<u128>) {
        self.half = areas;
    }

    /// The second half is over.
    pub(super) fn close(&mut self, areas: Vec<u128>) {
        self.end = areas;
    }

    /// Whether both halves were seen to their end.
    pub(crate) fn is_closed(&self) -> bool {
        !self.half.is_empty() && self.half.len() == self.end.len()
    }

    /// The areas of one part, level × ns.
    pub(crate) fn part(&self, at: usize) -> (f64, f64) {
        match (self.half.get(at), self.end.get(at)) {
            (Some(half), Some(end)) => (*half as f64, (end - half) as f64),
            _ => (0.0, 0.0),
        }
    }

    /// The areas of the first so many parts together.
    pub(crate) fn whole(&self, parts: usize) -> (f64, f64) {
        let sum = |areas: &[u128]| areas.iter().take(parts).sum::<u128>();
        let (half, end) = (sum(&self.half), sum(&self.end));
        (half as f64, end.saturating_sub(half) as f64)
    }
}
