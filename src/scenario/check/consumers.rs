//! What to expect of messages and of those who consume them.

use std::collections::BTreeMap;

use super::expected::ConsumerForecast;
use super::flow::Flow;
use super::forecast::{Edge, Graph};
use super::messages::Messages;
use super::times::Times;
use super::walk;
use crate::scenario::written::{Consumer, Node, OnError, Publish, Queue};

fn group_of(consumer: &Consumer) -> Option<&str> {
    consumer.group.as_ref().map(|group| group.value.as_str())
}

impl Graph<'_> {
    /// Messages go to the consumers of a queue, each to one of them, or to one of each group of a topic.
    pub(super) fn messages(&self, broker: &str, times: f64, out: &mut Vec<Edge>) {
        let all = walk::consumers(self.scenario, broker);
        let members = |(node, c): &(&Node, &Consumer)| f64::from(node.most_replicas()) * f64::from(c.concurrency.value);
        let mut whole: BTreeMap<Option<&str>, f64> = BTreeMap::new();
        all.iter().for_each(|one| *whole.entry(group_of(one.1)).or_default() += members(one));
        for one in &all {
            let whole = whole[&group_of(one.1)];
            if let Some(&to) = self.index.get(&(one.0.name.value.as_str(), one.1.program.name.value.as_str())) {
                let tries = deliveries(self.scenario.queues.get(broker), one.1);
                out.push(Edge { to, times: times * tries * members(one) / whole, messages: Some(Messages::default()) });
            }
        }
    }

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

    /// What to expect of all consumers.
    pub(super) fn consumers(&self, average: &Flow, height: &Flow) -> Vec<ConsumerForecast> {
        let mut all = Vec::new();
        for node in self.scenario.nodes.values() {
            for consumer in &node.consumes {
                let key = (node.name.value.as_str(), consumer.program.name.value.as_str());
                let Some(&i) = self.index.get(&key) else { continue };
                let members = u64::from(node.most_replicas()) * u64::from(consumer.concurrency.value);
                let partitions = self.scenario.topics.get(&consumer.from.value).map(|t| t.partitions.value);
                let active = partitions.map_or(members, |p| members.min(u64::from(p)));
                let each = self.vertices[i].response;
                let share = |flow: &Flow| flow.visits[i] * each / 1e9 / active as f64;
                all.push(ConsumerForecast {
                    from: consumer.from.value.clone(),
                    group: consumer.group.as_ref().map(|g| g.value.clone()),
                    service: node.name.value.clone(),
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

/// Deliveries of one message on average: what fails and goes back is delivered again.
fn deliveries(queue: Option<&Queue>, consumer: &Consumer) -> f64 {
    let fails = consumer.program.error_rate.value;
    let most = queue.and_then(|q| q.max_deliveries.value).map_or(f64::INFINITY, f64::from);
    if queue.is_none() || consumer.on_error.value != OnError::Retry || fails <= 0.0 {
        return 1.0;
    }
    if fails >= 1.0 { most.min(1e6) } else { (1.0 - fails.powf(most)) / (1.0 - fails) }
}
