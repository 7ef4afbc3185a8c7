//! What circuit breakers did, read off them at the boundaries of the measured time and between its stretches.

use crate::units::Span;

/// What the circuit breakers of one policy and link did in the measured time, over all replicas of the caller.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BreakerTime {
    /// How many there are.
    pub(crate) breakers: u32,
    /// Opened how often, time open, time half-open: at the beginning of the measured time, at the last look, and as far as
    /// they have been read at this one.
    before: [u64; 3],
    last: [u64; 3],
    reading: (u32, [u64; 3]),
}

impl BreakerTime {
    /// How often they opened, how long they were open and half-open, in the measured time.
    pub(crate) fn told(&self) -> (u64, Span, Span) {
        let [opened, open, half_open] = [0, 1, 2].map(|at| self.last[at].saturating_sub(self.before[at]));
        (opened, Span(open), Span(half_open))
    }

    /// Reads one breaker.
    pub(super) fn read(&mut self, opened: u32, open: Span, half_open: Span) {
        let (count, sums) = &mut self.reading;
        *count += 1;
        sums.iter_mut().zip([u64::from(opened), open.0, half_open.0]).for_each(|(sum, read)| *sum += read);
    }

    /// All of them have been read; with `begins`, what they did before does not count.
    pub(super) fn look(&mut self, begins: bool) {
        (self.breakers, self.last) = std::mem::take(&mut self.reading);
        if begins {
            self.before = self.last;
        }
    }

    /// Time open and half-open so far, ns, of the average breaker.
    pub(super) fn shares(&self) -> [f64; 2] {
        [1, 2].map(|at| self.last[at] as f64 / f64::from(self.breakers.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_they_did_before_the_measured_time_does_not_count() {
        let mut time = BreakerTime::default();
        let mut look = |open: [u64; 2], begins| {
            open.iter().for_each(|open| time.read(1, Span(*open), Span(0)));
            time.look(begins);
            time
        };
        look([10, 20], true);
        let later = look([40, 20], false);
        assert_eq!((later.breakers, later.told()), (2, (0, Span(30), Span(0))));
        assert_eq!(later.shares(), [30.0, 0.0]);
    }
}
