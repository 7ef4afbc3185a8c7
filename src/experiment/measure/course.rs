//! How levels went over time: means over each stretch of the measured time.
//!
//! A level has its area anyway, and a count its sum; both are read at the end of every stretch, so that nothing is paid for
//! between two looks. Runs in which nothing changes are not looked at.

use crate::model::Plan;
use crate::model::id::NONE;
use crate::units::Time;

use super::{BreakerTime, Cohort, Station};

/// What was seen of one thing: `N` sums, and by how much each grew per nanosecond in every stretch.
#[derive(Clone, Debug)]
pub(crate) struct Growth<const N: usize> {
    before: [f64; N],
    pub(crate) stretches: Vec<[f64; N]>,
}

impl<const N: usize> Default for Growth<N> {
    fn default() -> Self {
        Self { before: [0.0; N], stretches: Vec::new() }
    }
}

impl<const N: usize> Growth<N> {
    /// A stretch of `nanos` is over; without any, the first begins.
    fn look(&mut self, sums: [f64; N], nanos: f64) {
        if nanos > 0.0 {
            let mut grown = sums;
            // A breaker that dies with its replica begins anew.
            grown.iter_mut().zip(self.before).for_each(|(sum, before)| *sum = (*sum - before).max(0.0) / nanos);
            self.stretches.push(grown);
        }
        self.before = sums;
    }
}

/// The course of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course {
    last: Time,
    /// By client: requests in flight when each stretch ended.
    pub(crate) in_flight: Vec<Vec<f64>>,
    /// By node: requests there, in line, workers held, workers that work, arrivals.
    pub(crate) nodes: Vec<Growth<5>>,
    /// By edge: calls, retries, hedges, tries refused by the caller itself. Only edges with policies have any.
    pub(crate) edges: Vec<Growth<4>>,
    /// By policy and link: time open, time half-open.
    pub(crate) breakers: Vec<Growth<2>>,
    guarded: Vec<bool>,
}

impl Course {
    /// Of a plan in which something may change; `None` for others.
    pub(super) fn new(plan: &Plan) -> Option<Box<Self>> {
        let mut guarded = vec![false; plan.edges.len()];
        plan.calls.iter().filter(|c| c.guard != NONE).for_each(|c| guarded[c.edge.index()] = true);
        plan.is_eventful().then(|| {
            Box::new(Self {
                last: Time(0),
                in_flight: vec![Vec::new(); plan.clients.len()],
                nodes: vec![Growth::default(); plan.servers()],
                edges: vec![Growth::default(); plan.edges.len()],
                breakers: vec![Growth::default(); plan.guards.len()],
                guarded,
            })
        })
    }

    /// The measured time begins, or a stretch of it is over.
    pub(super) fn look(
        &mut self,
        now: Time,
        begins: bool,
        (stations, edges, breakers, clients): (&mut [Station], &[Cohort], &[BreakerTime], &[Cohort]),
    ) {
        let nanos = if begins { 0.0 } else { now.since(self.last).0 as f64 };
        self.last = now;
        self.nodes.iter_mut().zip(stations).for_each(|(node, station)| node.look(station.sums(now), nanos));
        self.breakers.iter_mut().zip(breakers).for_each(|(growth, read)| growth.look(read.shares(), nanos));
        for ((growth, cohort), _) in
            self.edges.iter_mut().zip(edges).zip(&self.guarded).filter(|(_, guarded)| **guarded)
        {
            growth.look(cohort.sums(), nanos);
        }
        if nanos > 0.0 {
            self.in_flight.iter_mut().zip(clients).for_each(|(all, cohort)| all.push(cohort.under_way() as f64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_has_what_was_added_in_it() {
        let mut growth = Growth::default();
        growth.look([100.0], 0.0);
        growth.look([150.0], 10.0);
        growth.look([150.0], 10.0);
        growth.look([20.0], 10.0);
        assert_eq!(growth.stretches, [[5.0], [0.0], [0.0]]);
    }
}
