//! Clients and their sources.

use crate::model::ClientId;
use crate::model::plan::{self};
use crate::model::source::{Batch, Bursty, Closed, Gaps, Paced, Replay, Segment, Source};
use crate::random::dist::{Dist, Law};
use crate::random::draw::name_hash;
use crate::units::Time;

use super::super::written::{Arrivals, Load, Phase};
use super::Lowering;

impl Lowering<'_> {
    /// Clients in name order; their programs come later.
    pub(super) fn clients(&mut self) {
        for (name, client) in &self.scenario.clients {
            let node = self.bare_node(name, "client");
            let mut source = self.source(&client.load);
            if let Source::Paced(paced) = &mut source {
                paced.segments = self.surges(name, std::mem::take(&mut paced.segments));
            }
            self.plan.clients.push(plan::Client {
                node,
                entry: Default::default(),
                source,
                priority: client.priority.value.min(255) as u8,
                hash: name_hash(name),
            });
        }
    }

    /// Ids and names of all clients.
    pub(super) fn client_ids(&self) -> Vec<(ClientId, String)> {
        (0..).map(ClientId).zip(self.scenario.clients.keys().cloned()).collect()
    }

    fn source(&self, load: &Load) -> Source {
        match load {
            Load::Closed { users, think_time } => {
                Source::Closed(Closed { users: users.value, think: dist(&think_time.value) })
            }
            Load::Open { arrivals, phases, batch } => {
                let batch: Batch = batch.value.as_ref().map(dist);
                match &arrivals.value {
                    Arrivals::Poisson => Source::Paced(Paced { poisson: true, segments: self.segments(phases), batch }),
                    Arrivals::Constant => {
                        Source::Paced(Paced { poisson: false, segments: self.segments(phases), batch })
                    }
                    Arrivals::Bursty { low, high, stay_low, stay_high } => Source::Bursty(Bursty {
                        rates: [low.per_second() / 1e9, high.per_second() / 1e9],
                        stays: [stay_low.0 as f64, stay_high.0 as f64],
                        batch,
                    }),
                    Arrivals::Gaps(law) => Source::Gaps(Gaps { law: dist(law), batch }),
                    Arrivals::Replay { times, .. } => {
                        let start = Time(self.plan.warmup.0);
                        Source::Replay(Replay { times: times.iter().map(|t| start + *t).collect() })
                    }
                }
            }
        }
    }

    /// The rate over simulated time: the warm-up holds the first rate, what comes after the phases the last.
    fn segments(&self, phases: &[Phase]) -> Vec<Segment> {
        let per_ns = |p: &Phase| p.rate.value.per_second() / 1e9;
        let end_rate = |p: &Phase| p.ramp_to.as_ref().map_or(per_ns(p), |r| r.value.per_second() / 1e9);
        let mut segments = Vec::new();
        let mut from = self.plan.warmup.0 as f64;
        let first = phases.first().map_or(0.0, per_ns);
        segments.push(Segment { from: 0.0, until: from, rate: first, slope: 0.0 });
        for phase in phases {
            let length = phase.duration.as_ref().map_or(f64::INFINITY, |d| d.value.0 as f64);
            let slope = if length.is_finite() { (end_rate(phase) - per_ns(phase)) / length } else { 0.0 };
            segments.push(Segment { from, until: from + length, rate: per_ns(phase), slope });
            from += length;
        }
        if from.is_finite() {
            let last = phases.last().map_or(0.0, end_rate);
            segments.push(Segment { from, until: f64::INFINITY, rate: last, slope: 0.0 });
        }
        segments
    }
}

/// A law that the check has built before.
fn dist(law: &Law) -> Dist {
    Dist::new(law).unwrap_or_else(|why| unreachable!("checked law: {why}"))
}
