//! What a database's primary is asked for: all writes and the transactions that contain one, and its share of the reads.

use super::super::walk;
use super::Model;
use super::expected::NodeForecast;
use super::flow::Flow;
use crate::scenario::programs::forgotten;
use crate::scenario::written::{Call, Mode, NodeKind, ReadFrom, Step, Verb};

impl Model<'_> {
    /// Where a database has replicas, its primary may be busier than all of them on average.
    pub(super) fn primaries(&self, nodes: &mut [NodeForecast], average: &Flow, height: &Flow) {
        let replicated = |name: &str| {
            let node = &self.scenario.nodes[name];
            (node.kind == NodeKind::Database && node.replicas.value > 1).then_some(f64::from(node.replicas.value))
        };
        if !nodes.iter().any(|node| replicated(&node.name).is_some()) {
            return;
        }
        let pinned = [average, height].map(|flow| self.pinned(flow));
        for node in nodes {
            let (Some(replicas), Some(cpus)) = (replicated(&node.name), node.cpus) else { continue };
            let load = |flow: &Flow, pinned: &[f64]| -> f64 {
                let of = self.of_node(&node.name).map(|(i, v)| {
                    let spread = (flow.visits[i] - pinned[i]).max(0.0) / replicas;
                    (pinned[i] + spread) * v.cpu / 1e9
                });
                of.sum()
            };
            let [mean, top] = [load(average, &pinned[0]), load(height, &pinned[1])];
            let each = cpus / replicas;
            if mean / each > node.utilization * (1.0 + 1e-9) {
                node.primary = Some(mean);
                node.utilization = mean / each;
                node.peak_utilization = top / each;
            }
        }
    }

    /// Visits that only a primary can take, by endpoint.
    fn pinned(&self, flow: &Flow) -> Vec<f64> {
        let mut all = vec![0.0; self.vertices.len()];
        for (v, visits) in self.vertices.iter().zip(&flow.total) {
            self.pin(&v.endpoint.steps, *visits, None, &mut all);
        }
        all
    }

    /// `writing`: the database of the transaction around, if that writes.
    fn pin(&self, steps: &[Step], visits: f64, writing: Option<&str>, all: &mut [f64]) {
        for step in steps {
            let visits = visits * f64::from(step.times.value) * step.probability.value;
            match &step.verb {
                Verb::Query(call) if needs_primary(call, writing) => {
                    if let Some(i) = self.of(call) {
                        all[i] += visits;
                    }
                }
                Verb::Cache { call, on_miss } => self.pin(on_miss, visits * self.misses(call), writing, all),
                Verb::Remember { memory, steps } => {
                    self.pin(steps, visits * forgotten(self.scenario, memory), writing, all);
                }
                Verb::Parallel { branches, .. } => {
                    branches.iter().for_each(|b| self.pin(std::slice::from_ref(&b.step), visits, None, all));
                }
                Verb::Split(arms) => {
                    let sum: f64 = arms.iter().map(|arm| arm.weight.value).sum();
                    arms.iter().for_each(|arm| self.pin(&arm.steps, visits * arm.weight.value / sum, writing, all));
                }
                Verb::Transaction { database, steps } => {
                    let writes = walk::writes(steps, &database.value);
                    self.pin(steps, visits, writes.then_some(database.value.as_str()), all);
                }
                _ => {}
            }
        }
    }
}

fn needs_primary(call: &Call, writing: Option<&str>) -> bool {
    call.mode.value != Mode::Read
        || call.read_from.value == ReadFrom::Primary
        || writing == Some(call.target.value.node.as_str())
}
