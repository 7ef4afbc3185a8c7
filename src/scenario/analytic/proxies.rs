//! What the proxies of a mesh are asked for: two messages for each request to a service that has one, and two for each call
//! that it makes over the network, tries beyond the first apart. A message to a queue is one, or two where its publisher
//! waits for word; one from a queue is two with its acknowledgement. Records of topics, which travel together, are left out.

use std::collections::BTreeMap;

use super::flow::Flow;
use super::{Edge, Model, NodeForecast};
use crate::scenario::written::{Mesh, Node, Queue};

impl Model<'_> {
    /// What to expect of each proxy, by name.
    pub(super) fn proxies(&self, average: &Flow, height: &Flow) -> Vec<NodeForecast> {
        let Some(mesh) = &self.scenario.mesh else { return Vec::new() };
        let work = self.mean(&mesh.proxy.work.value);
        let held = work + self.mean(&mesh.proxy.telemetry.value);
        let mut all: BTreeMap<String, NodeForecast> = BTreeMap::new();
        for node in self.scenario.nodes.values().filter(|node| self.scenario.is_meshed(node)) {
            let name = mesh.proxy_of(node);
            let replicas = mesh.replicas_of(self.scenario, node);
            let entry = all.entry(name.clone()).or_insert_with(|| empty(name, mesh, replicas, work));
            entry.rate += self.messages(node, average);
            entry.peak_rate += self.messages(node, height);
        }
        let mut all: Vec<NodeForecast> = all.into_values().collect();
        for proxy in &mut all {
            let each = held / 1e9;
            proxy.offered = proxy.rate * each;
            proxy.utilization = proxy.offered / proxy.workers.unwrap_or(1.0);
            proxy.peak_utilization = proxy.peak_rate * each / proxy.workers.unwrap_or(1.0);
            proxy.held = proxy.utilization;
        }
        all
    }

    /// Messages per second that the proxy beside a node forwards.
    fn messages(&self, node: &Node, flow: &Flow) -> f64 {
        let own = || self.of_node(&node.name.value);
        let asked: f64 = own().filter(|(i, _)| !self.is_consumer(*i)).map(|(i, _)| flow.visits[i]).sum();
        let asks = |i: usize| self.vertices[i].edges.iter().map(|edge| self.passes(edge) * edge.times).sum::<f64>();
        let asks: f64 = own().map(|(i, _)| flow.total[i] * asks(i)).sum();
        let taken: f64 = own().filter(|(i, _)| self.queue_of(*i).is_some()).map(|(i, _)| flow.visits[i]).sum();
        2.0 * (asked + taken) + asks
    }

    /// How often a call or a message to a consumer passes the proxy beside whoever makes or sends it.
    fn passes(&self, edge: &Edge) -> f64 {
        if !self.is_consumer(edge.to) {
            return if edge.messages.is_some() { 2.0 } else { 0.0 };
        }
        self.queue_of(edge.to).map_or(0.0, |queue| if queue.confirms.value { 2.0 } else { 1.0 })
    }

    /// The queue that a program consumes.
    fn queue_of(&self, vertex: usize) -> Option<&Queue> {
        let vertex = &self.vertices[vertex];
        let name = &vertex.endpoint.name.value;
        let own = self.scenario.nodes.get(vertex.node)?.consumes.iter().find(|own| own.program.name.value == *name)?;
        self.scenario.queues.get(&own.from.value)
    }
}

/// A proxy that nothing passes.
fn empty(name: String, mesh: &Mesh, replicas: u32, work: f64) -> NodeForecast {
    let workers = f64::from(replicas) * f64::from(mesh.proxy.concurrency.value);
    NodeForecast {
        name,
        rate: 0.0,
        peak_rate: 0.0,
        work_ms: work / 1e6,
        offered: 0.0,
        workers: Some(workers),
        cpus: Some(workers),
        primary: None,
        utilization: 0.0,
        peak_utilization: 0.0,
        held: 0.0,
        response_ms: work / 1e6,
        worst_attempts: 1,
    }
}
