//! Every request of every client in one replication, by its number: what `hoptax testbed` lays beside the same requests as they
//! really went.

use std::collections::BTreeMap;

use crate::machine::Machine;
use crate::model::{Aside, ClientId, Fact, Opening, Outcome, Plan, Probe, Trace};
use crate::units::Time;

/// A client's request as it went in a replication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// The client.
    pub client: ClientId,
    /// Which of its requests, from 0, the warm-up's included.
    pub nth: u64,
    /// When it was meant to set out.
    pub intended: Time,
    /// When its client knew how it ended, and how; `None` where the run ended first.
    pub ended: Option<(Time, Outcome)>,
    /// Whether it belongs to the measured cohort.
    pub measured: bool,
}

/// Who listens for roots.
#[derive(Default)]
struct Listener {
    /// Where in `all` the request of a frame stands.
    open: BTreeMap<u32, usize>,
    all: Vec<Root>,
}

impl Probe for Listener {
    fn traces(&self) -> bool {
        true
    }

    fn on(&mut self, _now: Time, _fact: Fact) {}

    fn trace(&mut self, moment: Trace) {
        match moment {
            Trace::Opened { frame, opening: Opening::Root { client, nth, measured }, at } => {
                self.open.insert(frame, self.all.len());
                self.all.push(Root { client, nth, intended: at, ended: None, measured });
            }
            Trace::Closed { frame, outcome, at, .. } => {
                if let Some(place) = self.open.remove(&frame) {
                    self.all[place].ended = Some((at, outcome));
                }
            }
            _ => {}
        }
    }
}

/// One replication under a seed ([`replication_seed`](crate::machine::replication_seed)), as the requests of its clients, in the
/// order in which they set out.
pub fn roots(plan: &Plan, seed: u64) -> Vec<Root> {
    let mut listener = Listener::default();
    Machine::new(plan, seed, Aside(&mut listener)).run(|_| true);
    listener.all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::replication_seed;
    use crate::scenario::lower;

    #[test]
    fn every_request_is_told_with_its_number_and_its_end() {
        let desk = crate::Scenario::builder("desk")
            .table("sim")
            .set("duration", "20s")
            .set("warmup", "0s")
            .table("defaults")
            .set("transport", "free")
            .client("people")
            .set("calls", "desk")
            .set("rate", "50/s")
            .service("desk")
            .set("concurrency", 1)
            .set("work.mean", "10ms")
            .set("queue_limit", 2)
            .build()
            .unwrap();
        let plan = lower(desk.checked());
        let all = roots(&plan, replication_seed(plan.seed, 0));
        let measured: Vec<&Root> = all.iter().filter(|root| root.measured).collect();
        assert!(measured.len() > 800, "{}", measured.len());
        assert!(all.iter().enumerate().all(|(at, root)| root.nth == at as u64));
        assert!(measured.iter().all(|root| root.ended.is_some_and(|(at, _)| at > root.intended)));
        let summary = desk.with("sim.replications", 1).unwrap().run().unwrap();
        let good = measured.iter().filter(|root| root.ended.is_some_and(|(_, outcome)| outcome.is_good())).count();
        let people = summary.client("people").unwrap();
        assert_eq!((people.arrived, people.succeeded), (measured.len() as u64, good as u64));
    }
}
