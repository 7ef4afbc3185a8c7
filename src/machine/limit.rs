//! What a run may not exceed, looked at between pulses.

use crate::model::Probe;
use crate::units::Time;

use crate::machine::Machine;
use crate::machine::core::course::Stop;
use crate::machine::core::frame::Origin;
use crate::machine::core::limit::Alive;

/// Events that may be pending: half of what the agenda holds, for what comes between two looks.
const PENDING: usize = 1 << 24;

/// Records in the logs of topics weigh less than a request, and an outage of a consumer is no mistake.
const RECORDS: u64 = 8;

impl<P: Probe> Machine<'_, P> {
    /// Looks at the watch, and at what there is.
    #[cold]
    pub(crate) fn look_up(&mut self, watch: &mut impl FnMut(Time, &P) -> bool) {
        if !watch(self.core.now, &self.core.probe) {
            self.core.halt(Stop::Interrupted);
        } else if self.core.course.events >= self.core.plan.max_events {
            self.core.halt(Stop::Events);
        } else if let Some(kind) = self.crowd() {
            self.core.halt(Stop::TooMany(kind));
        } else if self.core.never_ends() {
            self.core.halt(Stop::Instant);
        }
    }

    /// How near it seems to a collapse that feeds itself: how much is under way (calls that wait to be tried again included), as
    /// many times more as retry budgets are spent and caches are cold on average (each 0 to 1).
    pub fn strain(&self) -> f64 {
        let budgets = || self.calls.police.iter().filter_map(|police| police.state.budget.as_ref());
        let spent: f64 = budgets().map(|budget| budget.spent(self.core.now)).sum();
        let spent = spent / budgets().count().max(1) as f64;
        let cold = self.data.caches.coldness(self.core.plan);
        self.under_way() as f64 * (1.0 + spent + cold)
    }

    /// Events handled so far.
    pub fn events(&self) -> u64 {
        self.core.course.events
    }

    /// What there is too much of.
    fn crowd(&self) -> Option<Alive> {
        let most = self.core.plan.max_in_flight;
        let messages = self.mail.alive() as u64;
        // Only where there are many frames is it worth telling them apart.
        let mut of = [0_u64; 2];
        if self.core.frames.live() as u64 - self.core.course.in_flight > most {
            for at in self.core.frames.live_slots() {
                match self.core.frames[at].origin {
                    Origin::Branch => of[1] += 1,
                    Origin::Root => {}
                    _ => of[0] += 1,
                }
            }
        }
        let found = [
            (Alive::Tries, of[0], most),
            (Alive::Branches, of[1], most),
            (Alive::Messages, messages, most),
            (Alive::Batches, self.streams.alive() as u64, most),
            (Alive::Records, self.streams.records(), most.saturating_mul(RECORDS)),
            (Alive::Events, self.core.agenda.len() as u64, PENDING as u64),
        ];
        found.into_iter().find(|(_, there, most)| there > most).map(|(kind, ..)| kind)
    }
}
