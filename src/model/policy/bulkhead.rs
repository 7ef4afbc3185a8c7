//! Bulkhead: so many calls at once.
//!
//! `bulkhead = { max_concurrent = 25, max_wait = "0s" }`: a slow callee holds at most so many of the caller's workers; the rest
//! stay free for other work. Who finds no room waits for `max_wait` at most, first come first served, then fails with
//! `bulkhead_full`. Both defaults are Resilience4j's.
//!
//! Whoever gives up leaves at once. With `held_until = "answered"` its place is taken until the callee has answered, or is
//! known not to: a thread of Hystrix's pool is not stopped by the timeout of its command, nor does the future inside
//! Resilience4j's `TimeLimiter` end with it. A hanging callee then fills the bulkhead, and that is what it is for.

use crate::units::Span;

use super::super::outcome::Outcome;
use super::Verdict;

/// A bulkhead as run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkheadSpec {
    /// Tries inside at once.
    pub max_concurrent: u32,
    /// How long a try waits for room.
    pub max_wait: Span,
    /// Whether a try that is given up stays inside until its callee has answered.
    pub until_answered: bool,
}

/// Who is inside. Who waits stands in the machine's line.
#[derive(Clone, Debug)]
pub struct Bulkhead {
    spec: BulkheadSpec,
    inside: u32,
}

impl Bulkhead {
    /// An empty one.
    pub fn new(spec: BulkheadSpec) -> Self {
        Self { spec, inside: 0 }
    }

    /// Asks for room. `Go` takes it; `Wait` says for how long at most to stand in line. Whoever leads the line asks
    /// again after a `release`, before anyone new.
    pub fn admit(&mut self) -> Verdict {
        if self.inside < self.spec.max_concurrent {
            self.inside += 1;
            Verdict::Go
        } else if self.spec.max_wait == Span::ZERO {
            Verdict::Refuse(Outcome::BulkheadFull)
        } else {
            Verdict::Wait(self.spec.max_wait)
        }
    }

    /// One that was inside is no longer.
    pub fn release(&mut self) {
        self.inside = self.inside.saturating_sub(1);
    }

    /// Whether nobody is inside.
    pub fn is_empty(&self) -> bool {
        self.inside == 0
    }

    /// How many are inside.
    pub fn inside(&self) -> u32 {
        self.inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_waits_or_fails() {
        let mut bulkhead =
            Bulkhead::new(BulkheadSpec { max_concurrent: 2, max_wait: Span::ZERO, until_answered: false });
        assert_eq!((bulkhead.admit(), bulkhead.admit()), (Verdict::Go, Verdict::Go));
        assert_eq!(bulkhead.admit(), Verdict::Refuse(Outcome::BulkheadFull));
        bulkhead.release();
        assert_eq!((bulkhead.admit(), bulkhead.inside()), (Verdict::Go, 2));
        let mut patient = Bulkhead::new(BulkheadSpec { max_concurrent: 0, max_wait: Span(5), until_answered: false });
        assert_eq!(patient.admit(), Verdict::Wait(Span(5)));
    }
}
