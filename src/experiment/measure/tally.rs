//! What one replica did, of a node that has several: visits that began in the measured time, and how many of its workers it held.

use crate::model::plan::Plan;
use crate::model::{Fact, Outcome};
use crate::units::{Span, Time};

use super::station::Level;

/// One replica in one replication.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Visits, refused ones included.
    pub(crate) arrivals: u64,
    /// Of these, answered well.
    pub(crate) good: u64,
    /// Of these, answered badly.
    pub(crate) bad: u64,
    /// How long those that were answered stayed, ns.
    pub(crate) stayed: u128,
    busy: Level,
    /// Workers held × nanoseconds, once the measured time is over.
    held: u128,
}

impl Tally {
    /// One for each replica of a plan; none where no node has several.
    pub(super) fn all(plan: &Plan) -> Vec<Self> {
        vec![Self::default(); if plan.has_several() { plan.replicas() as usize } else { 0 }]
    }

    /// The measured time begins.
    pub(super) fn open(&mut self, now: Time) {
        *self = Self { busy: self.busy.since(now), ..Self::default() };
    }

    /// The measured time is over.
    pub(super) fn close(&mut self, now: Time) {
        self.held = self.busy.area(now);
    }

    /// What changes what it has to do; `counts` says whether a visit that began then does.
    #[inline]
    pub(super) fn hear(&mut self, now: Time, fact: Fact, counts: impl Fn(Time) -> bool) {
        match fact {
            Fact::Reached { .. } => self.arrivals += u64::from(counts(now)),
            Fact::Entered { .. } => self.busy.step(now, true),
            Fact::Left { .. } => self.busy.step(now, false),
            Fact::Replied { outcome, sojourn, .. } if counts(Time(now.0 - sojourn.0)) => self.end(outcome, sojourn),
            _ => {}
        }
    }

    fn end(&mut self, outcome: Outcome, sojourn: Span) {
        *(if outcome.is_good() { &mut self.good } else { &mut self.bad }) += 1;
        self.stayed += u128::from(sojourn.0);
    }

    /// Workers held on average over the measured time.
    pub(crate) fn mean_busy(&self, span: Span) -> f64 {
        self.held as f64 / span.0 as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EndpointId, NodeId};

    #[test]
    fn a_replica_has_what_began_there_in_the_measured_time() {
        let (node, endpoint) = (NodeId(0), EndpointId(0));
        let replied = |outcome, sojourn| Fact::Replied {
            node,
            endpoint,
            outcome,
            joined: true,
            sojourn: Span(sojourn),
            waited: Span::ZERO,
        };
        let mut tally = Tally::default();
        let counts = |began: Time| began > Time(100) && began <= Time(200);
        tally.hear(Time(90), Fact::Reached { node, endpoint }, counts);
        tally.hear(Time(90), Fact::Entered { node }, counts);
        tally.open(Time(100));
        tally.hear(Time(120), Fact::Left { node }, counts);
        tally.hear(Time(120), replied(Outcome::Succeeded, 30), counts);
        tally.hear(Time(150), Fact::Reached { node, endpoint }, counts);
        tally.hear(Time(160), Fact::Entered { node }, counts);
        tally.close(Time(200));
        tally.hear(Time(230), Fact::Left { node }, counts);
        tally.hear(Time(230), replied(Outcome::Error, 80), counts);
        assert_eq!((tally.arrivals, tally.good, tally.bad, tally.stayed), (1, 0, 1, 80));
        assert!((tally.mean_busy(Span(100)) - 0.6).abs() < 1e-12);
    }
}
