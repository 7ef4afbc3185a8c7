//! The autoscaler of a node looks, and replicas come and go.

use std::collections::VecDeque;

use crate::kernel::Phase;
use crate::model::plan::Life;
use crate::model::policy::{Autoscaler, Metric, ScaleReading};
use crate::model::{Fact, NodeId, Probe};

use crate::machine::Machine;
use crate::machine::core::event::Rare;
use crate::machine::core::gauge::{Pod, Scaled};

impl<P: Probe> Machine<'_, P> {
    /// The autoscaler of a node, if it has one, begins to look.
    pub(crate) fn start_scaling(&mut self, node: NodeId, life: &Life) {
        let Some(rule) = life.autoscale else {
            if self.core.plan.node(node).replicas > life.initial {
                self.set_endpoints(node);
            }
            return self.fleet.recount(&mut self.core, node);
        };
        let (plan, initial) = (self.core.plan.node(node), life.initial);
        let workers = plan.capacity().map_or(f64::INFINITY, |workers| workers as f64);
        let each = match rule.metric {
            Metric::Cpu => match (plan.cores, rule.request) {
                (Some(cores), request) => 1e3 * request.unwrap_or(cores),
                (None, request) => request.unwrap_or(workers),
            },
            Metric::Workers => workers,
            Metric::InFlight | Metric::Rps | Metric::Lag => 1.0,
        };
        let scaler = Autoscaler::new(self.core.now, initial);
        let (pods, shared) = (vec![Pod::default(); plan.replicas as usize], plan.cores.is_some());
        self.core.gauges.scaled.resize_with(self.core.plan.nodes.len(), || None);
        self.core.gauges.scaled[node.index()] =
            Some(Scaled { rule, scaler, wanted: initial, late: VecDeque::new(), pods, each, shared });
        self.fleet.recount(&mut self.core, node);
        self.set_endpoints(node);
        self.core.agenda.push(self.core.now + rule.every, Phase::Sample, Rare::Look(node.0).event());
    }

    /// The autoscaler of a node is measured for, or sees what was measured a while ago.
    #[cold]
    pub(crate) fn look_at(&mut self, node: NodeId) {
        let now = self.core.now;
        let waiting = self.waiting_for(node);
        let Some(scaled) = self.core.gauges.of(node) else { return };
        let rule = scaled.rule;
        if now.0.is_multiple_of(rule.every.0) {
            let (metric, ready) = scaled.take(now);
            // What waits does so for all of them, ready or not.
            let seen = if rule.metric == Metric::Lag { (waiting as f64, u32::MAX) } else { (metric, ready) };
            let due = now + rule.metric_lag;
            scaled.late.push_back((due, seen.0, seen.1));
            if !self.core.course.closed {
                let next = now + rule.every;
                self.core.agenda.push(next, Phase::Sample, Rare::Look(node.0).event());
                if due > now && !due.0.is_multiple_of(rule.every.0) {
                    self.core.agenda.push(due, Phase::Sample, Rare::Look(node.0).event());
                }
            }
        }
        self.decide(node);
    }

    /// The autoscaler of a node decides by what it can see by now.
    fn decide(&mut self, node: NodeId) {
        let now = self.core.now;
        let Some(scaled) = self.core.gauges.of(node) else { return };
        if scaled.late.front().is_none_or(|(due, ..)| *due > now) {
            return;
        }
        let Some((_, metric, ready)) = scaled.late.pop_front() else { return };
        let (rule, replicas) = (scaled.rule, scaled.wanted);
        let metric = if rule.metric == Metric::Lag { metric / f64::from(replicas.max(1)) } else { metric };
        let seen = ScaleReading { replicas, ready: ready.min(replicas), metric };
        let wanted = scaled.scaler.decide(&rule, now, seen);
        scaled.wanted = wanted;
        self.core.tell(Fact::Weighed { node, metric: seen.metric, wanted });
        if wanted != replicas {
            self.scale(node, wanted);
        }
    }

    /// There are to be so many replicas of a node.
    fn scale(&mut self, node: NodeId, wanted: u32) {
        let newest = self.fleet.newest(&self.core, node);
        let there = newest.len() as u32;
        let surplus = &newest[..there.saturating_sub(wanted) as usize];
        for replica in surplus {
            self.let_go_replica(*replica);
        }
        for replica in self.vacant(node).into_iter().take(wanted.saturating_sub(there) as usize) {
            self.begin_life(replica);
        }
        self.fleet.recount(&mut self.core, node);
        self.set_endpoints(node);
        // Once callers know of others: answers say that the connection ends with them.
        for replica in surplus {
            self.calls.reset_connections(&mut self.core, &mut self.stations, *replica);
        }
    }

    /// Messages and records that wait for the consumers of a node.
    fn waiting_for(&self, node: NodeId) -> u64 {
        let own = self.core.plan.crews.iter().filter(|crew| crew.node == node);
        let queues: std::collections::BTreeSet<_> = own.flat_map(|crew| &crew.duties).map(|duty| duty.queue).collect();
        queues.into_iter().map(|queue| self.mail.ready_in(queue)).sum::<u64>() + self.streams.behind(&self.core, node)
    }
}
