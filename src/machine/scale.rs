//! The autoscaler looks at a node, and replicas come and go.
//!
//! What it looks at is kept here, for nodes that are scaled only: the levels of each replica, summed over time since the last
//! look. What a replica that is leaving still does is its own, and says nothing of the others.

use crate::kernel::Phase;
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
    /// Its replicas, in their order.
    pods: Vec<Pod>,
    /// What a replica has of what the metric counts; 1 where that is a number and no share.
    each: f64,
    /// Whether work is done on shared cores, of which some may be at work already.
    shared: bool,
}

/// What the metric counts on one replica.
#[derive(Clone, Copy, Debug, Default)]
struct Pod {
    load: Gauge,
    /// 1 while it is ready.
    ready: Gauge,
}

impl Pod {
    /// The average since the last look, if it is ready and has been for a while.
    fn take(&mut self, now: Time) -> Option<f64> {
        let (load, ready) = (self.load.take(now), self.ready.take(now));
        (self.ready.level > 0 && ready > 0.0).then(|| load / ready)
    }
}

impl Scaled {
    /// What the metric is on average over those that are ready, and how many these are.
    fn take(&mut self, now: Time) -> (f64, u32) {
        let seen: Vec<f64> = self.pods.iter_mut().filter_map(|pod| pod.take(now)).collect();
        let mean = seen.iter().sum::<f64>() / seen.len().max(1) as f64;
        (mean / self.each, seen.len() as u32)
    }
}

impl<P: Probe> Machine<'_, P> {
    /// The autoscaler of a node, if it has one, begins to look.
    pub(super) fn start_scaling(&mut self, node: NodeId, life: &Life) {
        let Some(rule) = life.autoscale else { return self.recount(node) };
        let (plan, initial) = (self.plan.node(node), life.initial);
        let workers = plan.capacity().map_or(f64::INFINITY, |workers| workers as f64);
        let each = match rule.metric {
            Metric::Cpu => match (plan.cores, rule.request) {
                (Some(cores), request) => 1e3 * request.unwrap_or(cores),
                (None, request) => request.unwrap_or(workers),
            },
            Metric::Workers => workers,
            Metric::InFlight | Metric::Rps | Metric::Lag => 1.0,
        };
        let scaler = Autoscaler::new(self.now, initial);
        let (pods, shared) = (vec![Pod::default(); plan.replicas as usize], plan.cores.is_some());
        self.scaled.resize_with(self.plan.nodes.len(), || None);
        self.scaled[node.index()] = Some(Scaled { rule, scaler, wanted: initial, pods, each, shared });
        self.recount(node);
        self.set_endpoints(node);
        self.agenda.push(self.now + rule.every, Phase::Sample, Rare::Look(node.0).event());
    }

    /// Tells a fact that changes how much a replica has to do.
    #[inline(always)]
    pub(super) fn tell_load(&mut self, replica: u32, fact: Fact) {
        if !self.scaled.is_empty() {
            self.gauge(replica, fact);
        }
        self.probe.on(self.now, fact);
    }

    /// Something on a replica changes what a metric counts.
    #[inline(never)]
    pub(super) fn gauge(&mut self, replica: u32, fact: Fact) {
        let (Fact::Entered { node }
        | Fact::Left { node }
        | Fact::Reached { node, .. }
        | Fact::Replied { node, .. }
        | Fact::Started { node, .. }
        | Fact::Stopped { node, .. }) = fact
        else {
            return;
        };
        let (now, first) = (self.now, self.plan.node(node).first_replica);
        let Some(scaled) = self.scaled.get_mut(node.index()).and_then(Option::as_mut) else { return };
        let load = &mut scaled.pods[(replica - first) as usize].load;
        let at_work = |cores: u32| if scaled.shared { i64::from(cores) } else { 1 };
        match (scaled.rule.metric, fact) {
            (Metric::Workers, Fact::Entered { .. }) | (Metric::InFlight, Fact::Reached { .. }) => load.step(now, 1),
            (Metric::Workers, Fact::Left { .. }) | (Metric::InFlight, Fact::Replied { .. }) => load.step(now, -1),
            (Metric::Cpu, Fact::Started { cores, .. }) => load.step(now, at_work(cores)),
            (Metric::Cpu, Fact::Stopped { cores, .. }) => load.step(now, -at_work(cores)),
            // Arrivals per second of a replica: a second is so many nanoseconds.
            (Metric::Rps, Fact::Reached { .. }) => load.area += 1_000_000_000,
            _ => {}
        }
    }

    /// Which replicas of a node are ready from now on.
    pub(super) fn gauge_ready(&mut self, node: NodeId) {
        let now = self.now;
        for (at, replica) in self.replicas_of(node).enumerate() {
            let ready = self.is_ready(replica);
            if let Some(scaled) = self.scaled.get_mut(node.index()).and_then(Option::as_mut) {
                let gauge = &mut scaled.pods[at].ready;
                gauge.step(now, i64::from(ready) - gauge.level);
            }
        }
    }

    /// The autoscaler of a node looks.
    #[cold]
    pub(super) fn look_at(&mut self, node: NodeId) {
        let now = self.now;
        let waiting = self.waiting_for(node);
        let Some(scaled) = self.scaled.get_mut(node.index()).and_then(Option::as_mut) else { return };
        let (rule, replicas) = (scaled.rule, scaled.wanted);
        let (metric, ready) = scaled.take(now);
        let seen = if rule.metric == Metric::Lag {
            // What waits does so for all of them, ready or not.
            ScaleReading { replicas, ready: replicas, metric: waiting as f64 / f64::from(replicas.max(1)) }
        } else {
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
