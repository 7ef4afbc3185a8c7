//! The autoscaler looks at a node, and replicas come and go.
//!
//! What it looks at is kept here, for nodes that are scaled only: the levels of a node, summed over time since the last look.

use crate::kernel::Phase;
use crate::model::id::NONE;
use crate::model::plan::Life;
use crate::model::policy::{Autoscale, Autoscaler, Metric, ScaleReading};
use crate::model::{Fact, NodeId, Probe};
use crate::units::Time;

use super::Machine;
use super::event::Rare;

/// A level and what it sums up to over time.
#[derive(Clone, Copy, Debug, Default)]
struct Gauge {
    level: i64,
    last: Time,
    /// Level × nanoseconds.
    area: i128,
}

impl Gauge {
    fn step(&mut self, now: Time, by: i64) {
        self.area += i128::from(self.level) * i128::from(now.since(self.last).0);
        self.last = now;
        self.level += by;
    }

    /// What it has summed up to since this was asked last.
    fn take(&mut self, now: Time) -> f64 {
        self.step(now, 0);
        std::mem::take(&mut self.area) as f64
    }
}

/// A node that is scaled.
#[derive(Clone, Debug)]
pub(super) struct Scaled {
    rule: Autoscale,
    scaler: Autoscaler,
    /// Replicas that there are to be.
    wanted: u32,
    /// What the metric counts.
    load: Gauge,
    /// Replicas that are ready.
    ready: Gauge,
    /// What a replica has of what the metric counts; 1 where that is a number and no share.
    each: f64,
}

impl<P: Probe> Machine<'_, P> {
    /// The autoscaler of a node, if it has one, begins to look.
    pub(super) fn start_scaling(&mut self, node: NodeId, life: &Life) {
        let Some(rule) = life.autoscale else { return self.recount(node) };
        let (plan, initial) = (self.plan.node(node), life.initial);
        let own = if plan.called { plan.workers } else { 0 };
        let workers = if own == NONE { f64::INFINITY } else { f64::from(own + plan.consumers) };
        let each = match rule.metric {
            Metric::Cpu => plan.cores.map_or(workers, |cores| 1e3 * cores),
            Metric::Workers => workers,
            Metric::InFlight | Metric::Rps | Metric::Lag => 1.0,
        };
        let scaler = Autoscaler::new(self.now, initial);
        let (load, ready) = (Gauge::default(), Gauge::default());
        self.scaled.resize_with(self.plan.nodes.len(), || None);
        self.scaled[node.index()] = Some(Scaled { rule, scaler, wanted: initial, load, ready, each });
        self.recount(node);
        self.set_endpoints(node);
        self.agenda.push(self.now + rule.every, Phase::Sample, Rare::Look(node.0).event());
    }

    /// Something changes what a metric counts.
    #[inline(never)]
    pub(super) fn gauge(&mut self, fact: Fact) {
        let (node, by) = match fact {
            Fact::Entered { node } | Fact::Left { node } | Fact::Reached { node, .. } | Fact::Replied { node, .. } => {
                (node, 1)
            }
            Fact::Started { node, cores, .. } | Fact::Stopped { node, cores, .. } => (node, i64::from(cores.max(1))),
            _ => return,
        };
        let Some(scaled) = self.scaled.get_mut(node.index()).and_then(Option::as_mut) else { return };
        let load = &mut scaled.load;
        match (scaled.rule.metric, fact) {
            (Metric::Workers, Fact::Entered { .. })
            | (Metric::Cpu, Fact::Started { .. })
            | (Metric::InFlight, Fact::Reached { .. }) => load.step(self.now, by),
            (Metric::Workers, Fact::Left { .. })
            | (Metric::Cpu, Fact::Stopped { .. })
            | (Metric::InFlight, Fact::Replied { .. }) => load.step(self.now, -by),
            // Arrivals per second of a replica: a second is so many nanoseconds.
            (Metric::Rps, Fact::Reached { .. }) => load.area += 1_000_000_000,
            _ => {}
        }
    }

    /// So many replicas of a node are ready from now on.
    pub(super) fn gauge_ready(&mut self, node: NodeId, ready: u32) {
        let now = self.now;
        if let Some(scaled) = self.scaled.get_mut(node.index()).and_then(Option::as_mut) {
            let by = i64::from(ready) - scaled.ready.level;
            scaled.ready.step(now, by);
        }
    }

    /// The autoscaler of a node looks.
    #[cold]
    pub(super) fn look_at(&mut self, node: NodeId) {
        let now = self.now;
        let waiting = self.waiting_for(node);
        let Some(scaled) = self.scaled.get_mut(node.index()).and_then(Option::as_mut) else { return };
        let (rule, replicas) = (scaled.rule, scaled.wanted);
        let (load, ready) = (scaled.load.take(now), scaled.ready.take(now));
        let seen = if rule.metric == Metric::Lag {
            // What waits does so for all of them, ready or not.
            ScaleReading { replicas, ready: replicas, metric: waiting as f64 / f64::from(replicas.max(1)) }
        } else {
            let metric = if ready > 0.0 { load / (ready * scaled.each) } else { 0.0 };
            let ready = if ready > 0.0 { scaled.ready.level as u32 } else { 0 };
            ScaleReading { replicas, ready: ready.min(replicas), metric }
        };
        let wanted = scaled.scaler.decide(&rule, now, seen);
        scaled.wanted = wanted;
        self.tell(Fact::Weighed { node, metric: seen.metric, wanted });
        if wanted != replicas {
            self.scale(node, wanted);
        }
        if !self.closed {
            self.agenda.push(now + rule.every, Phase::Sample, Rare::Look(node.0).event());
        }
    }

    /// There are to be so many replicas of a node.
    fn scale(&mut self, node: NodeId, wanted: u32) {
        let newest = self.newest(node);
        let there = newest.len() as u32;
        let surplus = &newest[..there.saturating_sub(wanted) as usize];
        for replica in surplus {
            self.let_go_replica(*replica);
        }
        for replica in self.vacant(node).into_iter().take(wanted.saturating_sub(there) as usize) {
            self.begin_life(replica);
        }
        self.recount(node);
        self.set_endpoints(node);
        // Once callers know of others: answers say that the connection ends with them.
        for replica in surplus {
            self.reset_connections(*replica);
        }
    }

    /// Messages and records that wait for the consumers of a node.
    fn waiting_for(&self, node: NodeId) -> u64 {
        let queues: std::collections::BTreeSet<_> =
            self.plan.crews.iter().filter(|crew| crew.node == node).map(|crew| crew.queue).collect();
        queues.into_iter().map(|queue| self.ready_in(queue)).sum::<u64>() + self.behind(node)
    }
}
