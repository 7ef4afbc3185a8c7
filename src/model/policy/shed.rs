//! Shedding: a request that finds the line too long is refused at once.
//!
//! `shed = { queue_longer_than = "100ms" }` on a service: while the request at the head of a replica's line has waited longer
//! than this, newcomers are refused with `overloaded`. A refusal costs the replica nothing, and the caller learns of it
//! while it still has time. In a line with `queue_order = "priority"` only those count that a newcomer stands behind: the less
//! important are shed while the important still go through.

use crate::units::{Span, Time};

use super::super::outcome::Outcome;
use super::Verdict;

/// Shedding as run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shed {
    /// How long the head of the line may have waited.
    pub queue_longer_than: Span,
}

impl Shed {
    /// What becomes of a newcomer; `oldest`: when the first of those that it would stand behind joined the line, `None` where
    /// nobody waits.
    #[inline]
    pub fn admit(self, now: Time, oldest: Option<Time>) -> Verdict {
        match oldest {
            Some(since) if now.since(since) > self.queue_longer_than => Verdict::Refuse(Outcome::Overloaded),
            _ => Verdict::Go,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_that_waits_too_long_sheds() {
        let shed = Shed { queue_longer_than: Span(100) };
        assert_eq!(shed.admit(Time(1_000), None), Verdict::Go);
        assert_eq!(shed.admit(Time(1_000), Some(Time(900))), Verdict::Go);
        assert_eq!(shed.admit(Time(1_000), Some(Time(899))), Verdict::Refuse(Outcome::Overloaded));
    }
}
