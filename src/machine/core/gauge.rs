//! The autoscaler looks at a node, and replicas come and go.
//!
//! What it looks at is kept here, for nodes that are scaled only: the levels of each replica, summed over time since the last
//! look. What a replica that is leaving still does is its own, and says nothing of the others.

use std::collections::VecDeque;

use crate::model::plan::Plan;
use crate::model::policy::{Autoscale, Autoscaler, Metric};
use crate::model::{Fact, NodeId, Probe};
use crate::units::Time;

use crate::machine::core::Core;

/// A level and what it sums up to over time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gauge {
    pub(crate) level: i64,
    last: Time,
    /// Level × nanoseconds.
    area: i128,
}

impl Gauge {
    pub(crate) fn step(&mut self, now: Time, by: i64) {
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
pub(crate) struct Scaled {
    pub(crate) rule: Autoscale,
    pub(crate) scaler: Autoscaler,
    /// Replicas that there are to be.
    pub(crate) wanted: u32,
    /// What was measured, how many replicas were ready, and when the autoscaler will see it.
    pub(crate) late: VecDeque<(Time, f64, u32)>,
    /// Its replicas, in their order.
    pub(crate) pods: Vec<Pod>,
    /// What a replica has of what the metric counts; 1 where that is a number and no share.
    pub(crate) each: f64,
    /// Whether work is done on shared cores, of which some may be at work already.
    pub(crate) shared: bool,
}

/// Who wants to know what which replica does.
#[derive(Clone, Debug)]
pub(crate) struct Gauges {
    /// By node: what scales it; empty where nothing scales anything.
    pub(crate) scaled: Vec<Option<Scaled>>,
    /// Whether some node has several replicas, so that it is told which of them does something.
    several: bool,
}

impl Gauges {
    /// Those of a plan; what is scaled comes in later.
    pub(crate) fn new(plan: &Plan) -> Self {
        Self { scaled: Vec::new(), several: plan.has_several() }
    }

    /// What scales a node, if anything does.
    pub(crate) fn of(&mut self, node: NodeId) -> Option<&mut Scaled> {
        self.scaled.get_mut(node.index()).and_then(Option::as_mut)
    }
}

/// What the metric counts on one replica.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pod {
    load: Gauge,
    /// 1 while it is ready.
    pub(crate) ready: Gauge,
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
    pub(crate) fn take(&mut self, now: Time) -> (f64, u32) {
        let seen: Vec<f64> = self.pods.iter_mut().filter_map(|pod| pod.take(now)).collect();
        let mean = seen.iter().sum::<f64>() / seen.len().max(1) as f64;
        (mean / self.each, seen.len() as u32)
    }
}

impl<P: Probe> Core<'_, P> {
    /// Tells a fact that changes how much a replica has to do. It is put together where it is told: then mostly not at all.
    #[inline(always)]
    pub(crate) fn tell_load(&mut self, replica: u32, fact: impl Fn() -> Fact) {
        if !P::CALM && !self.gauges.scaled.is_empty() {
            self.gauge(replica, fact());
        }
        let counts =
            matches!(fact(), Fact::Reached { .. } | Fact::Entered { .. } | Fact::Left { .. } | Fact::Replied { .. });
        if counts && self.gauges.several {
            self.tell_of_several(replica, fact());
        }
        self.probe.on(self.now, fact());
    }

    /// Tells which replica a fact is about.
    #[inline(never)]
    fn tell_of_several(&mut self, replica: u32, fact: Fact) {
        self.probe.load(self.now, replica, fact);
    }

    /// Something on a replica changes what a metric counts.
    #[inline(never)]
    pub(crate) fn gauge(&mut self, replica: u32, fact: Fact) {
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
        let Some(scaled) = self.gauges.of(node) else { return };
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
}
