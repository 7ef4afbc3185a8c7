//! What a machine begins with.

use crate::kernel::Phase;
use crate::model::plan::Plan;
use crate::model::{Mark, Probe};
use crate::random::Lineage;
use crate::units::{Span, Time};

use super::Machine;
use super::calls::Calls;
use super::clients::Clients;
use super::core::Core;
use super::core::event::{EXHAUSTED, Event};
use super::data::Data;
use super::fleet::Fleet;
use super::left::STRETCH;
use super::mail::Mail;
use super::stations::Stations;
use super::streams::Streams;

/// The seed of one replication.
pub fn replication_seed(seed: u64, replication: u32) -> u64 {
    Lineage::root(seed, u64::from(replication)).0
}

impl<'p, P: Probe> Machine<'p, P> {
    /// A run of `plan` at time zero.
    pub fn new(plan: &'p Plan, seed: u64, probe: P) -> Self {
        debug_assert!(!P::CALM || plan.is_calm(), "a machine for calm plans has nothing that interferes");
        let mut machine = Self {
            core: Core::new(plan, seed, probe),
            stations: Stations::new(plan),
            calls: Calls::new(plan, seed),
            data: Data::new(plan),
            mail: Mail::new(plan),
            streams: Streams::new(plan, seed),
            fleet: Fleet::default(),
            clients: Clients::new(plan),
        };
        machine.begin();
        machine
    }

    /// Puts the boundaries and every client's first arrival on the agenda.
    fn begin(&mut self) {
        self.core.expect_marks();
        self.core.expect_faults();
        self.set_up_parts();
        self.start_scaling_all();
        self.start_asking();
    }
}

impl<P: Probe> Core<'_, P> {
    /// Puts the boundaries of the measured time on the agenda.
    fn expect_marks(&mut self) {
        let (open, length) = (Time(self.plan.warmup.0), self.plan.duration);
        let close = open + length;
        // It has its last instant and not its first: n equal stretches have as many arrivals each. Nothing comes before time zero.
        let first = if open > Time(0) { Phase::Sample } else { Phase::Recovery };
        self.agenda.push(open, first, Event::Mark(Mark::Open as u32));
        self.agenda.push(open + Span(length.0 / 2), Phase::Sample, Event::Mark(Mark::Half as u32));
        self.agenda.push(close, Phase::Sample, Event::Mark(Mark::Close as u32));
        self.agenda.push(close + self.plan.patience, Phase::Sample, Event::Mark(EXHAUSTED));
        if self.plan.is_eventful() {
            self.agenda.push(open + self.plan.stretch(), Phase::Sample, Event::Mark(STRETCH));
        }
    }
}
