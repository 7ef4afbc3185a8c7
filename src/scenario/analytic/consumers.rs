//! What to expect of messages and of those who consume them. Workers that several queues share are as busy as the messages of all of
//! them make them; how long those of each queue wait for one another is left to the run.

use super::Model;
use super::expected::ConsumerForecast;
use super::flow::Flow;
use super::times::Times;
use crate::scenario::written::{Consumer, Node, Publish};

impl Model<'_> {
    /// A publisher that waits for the broker pays the network both ways and its latency.
    pub(super) fn publish(&self, publish: &Publish, from: &str) -> Times {
        let to = publish.to.value.as_str();
        let queue = self.scenario.queues.get(to);
        if !publish.wait_for_ack.value.unwrap_or(queue.is_some_and(|q| q.confirms.value)) {
            return Times::default();
        }
        let topic = self.scenario.topics.get(to);
        let safe = queue.map(|q| &q.publish_latency).or(topic.map(|t| &t.publish_latency));
        let safe = safe.map_or(0.0, |law| self.mean(&law.value));
        Times { cpu: 0.0, wait: 0.0, response: self.one_way(from, to) + safe + self.one_way(to, from) }
    }

    /// Whether a program is a consumer's.
    pub(super) fn is_consumer(&self, vertex: usize) -> bool {
        self.vertices[vertex].endpoint.name.value.starts_with("from ")
    }

    /// Workers that are busy with the messages of a consumer, and of those that share its workers.
    fn handling(&self, node: &Node, consumer: &Consumer, flow: &Flow) -> f64 {
        let all = node.beside(consumer).filter_map(|one| {
            let i = self.programs.find(&(node.name.value.as_str(), one.program.name.value.as_str()))?;
            Some(flow.visits[i] * self.vertices[i].response / 1e9)
        });
        all.sum()
    }

    /// What to expect of all consumers.
    pub(super) fn consumers(&self, average: &Flow, height: &Flow) -> Vec<ConsumerForecast> {
        let mut all = Vec::new();
        for node in self.scenario.nodes.values() {
            for consumer in &node.consumes {
                let key = (node.name.value.as_str(), consumer.program.name.value.as_str());
                let Some(i) = self.programs.find(&key) else { continue };
                let members = u64::from(node.most_replicas()) * u64::from(node.asks(consumer).concurrency.value);
                let partitions = self.scenario.topics.get(&consumer.from.value).map(|t| t.partitions.value);
                let active = partitions.map_or(members, |p| members.min(u64::from(p)));
                let each = self.vertices[i].response;
                let share = |flow: &Flow| self.handling(node, consumer, flow) / active as f64;
                all.push(ConsumerForecast {
                    from: consumer.from.value.clone(),
                    group: consumer.group.as_ref().map(|g| g.value.clone()),
                    service: node.name.value.clone(),
                    pool: node.pool_of(consumer).map(|pool| pool.name.value.clone()),
                    rate: average.visits[i],
                    handling_ms: each / 1e6,
                    members,
                    partitions,
                    utilization: share(average),
                    peak_utilization: share(height),
                    busiest: self.busiest(node, consumer, each, (average, height)),
                });
            }
        }
        all
    }
}
