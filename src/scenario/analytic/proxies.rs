//! What the proxies of a mesh are asked for: two messages for each request to a service that has one, and two for each call
//! that it makes over the network, tries beyond the first apart. A message to a queue is one, or two where its publisher
//! waits for word; one from a queue is two with its acknowledgement. Records of topics, which travel together, are left out.

use std::collections::BTreeMap;

use super::flow::Flow;
use super::{Edge, Model, NodeForecast};
use crate::scenario::written::{Node, Queue};

impl Model<'_> {
    /// What to expect of each proxy, by name.
    pub(super) fn proxies(&self, average: &Flow, height: &Flow) -> Vec<NodeForecast> {
        let Some(mesh) = &self.scenario.mesh else { return Vec::new() };
        let work = self.mean(&mesh.proxy.work.value);
        let held = work + self.mean(&mesh.proxy.telemetry.value);
        let (mut all, mut ways): (ByName, ByName) = Default::default();
        for node in self.scenario.nodes.values().filter(|node| self.scenario.is_meshed(node)) {
            let name = mesh.proxy_of(node);
            let workers = several(mesh.replicas_of(self.scenario, node), mesh.proxy.concurrency.value);
            let entry = all.entry(name.clone()).or_insert_with(|| empty(name, workers, work));
            entry.rate += self.messages(node, average);
            entry.peak_rate += self.messages(node, height);
            if let Some((way, name)) = self.scenario.waypoint_of(node) {
                let (workers, work) = (several(way.replicas.value, way.concurrency.value), self.mean(&way.work.value));
                let entry = ways.entry(name.clone()).or_insert_with(|| empty(name, workers, work));
                entry.rate += self.relayed(node, average);
                entry.peak_rate += self.relayed(node, height);
            }
        }
        all.values_mut().for_each(|proxy| load(proxy, held));
        ways.values_mut().for_each(|way| load(way, way.work_ms * 1e6));
        all.into_values().chain(ways.into_values()).collect()
    }

    /// Messages per second that the waypoint of a node forwards: of each call from the mesh the request and the answer.
    fn relayed(&self, node: &Node, flow: &Flow) -> f64 {
        let own = |i: usize| self.vertices[i].node == node.name.value;
        let meshed =
            |i: &usize| self.scenario.nodes.get(self.vertices[*i].node).is_some_and(|n| self.scenario.is_meshed(n));
        let calls = |i: usize| {
            let edges = self.vertices[i].edges.iter().filter(|edge| own(edge.to) && edge.messages.is_some());
            flow.total[i] * edges.map(|edge| edge.times).sum::<f64>()
        };
        2.0 * (0..self.vertices.len()).filter(meshed).map(calls).sum::<f64>()
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

/// Proxies by name.
type ByName = BTreeMap<String, NodeForecast>;

/// What so many messages, each of which keeps a worker for so long (ns), make of a proxy.
fn load(proxy: &mut NodeForecast, held: f64) {
    let (each, workers) = (held / 1e9, proxy.workers.unwrap_or(1.0));
    proxy.offered = proxy.rate * each;
    proxy.utilization = proxy.offered / workers;
    proxy.peak_utilization = proxy.peak_rate * each / workers;
    proxy.held = proxy.utilization;
}

/// Workers of so many replicas: both are as large as the file likes.
fn several(replicas: u32, workers: u32) -> f64 {
    f64::from(replicas) * f64::from(workers)
}

/// A proxy that nothing passes.
fn empty(name: String, workers: f64, work: f64) -> NodeForecast {
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
