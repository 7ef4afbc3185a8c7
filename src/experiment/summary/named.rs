//! Figures by name.

use super::{Distribution, Ledger, Node, Queue, Stats, Summary, Topic};

impl Summary {
    /// What became of a client's requests; `None` where there is no such client.
    pub fn client(&self, name: &str) -> Option<&Stats> {
        self.clients.get(name)
    }

    /// What became of a flow: what a request means, followed through every message that comes of it.
    pub fn flow(&self, name: &str) -> Option<&Stats> {
        self.flows.get(name)
    }

    /// What became of the requests at an endpoint: `shop.buy`, or `shop` where it has but one.
    pub fn endpoint(&self, name: &str) -> Option<&Stats> {
        self.endpoints.get(name)
    }

    /// What became of the calls on an edge: `shop -> stock`, or `shop -> stock.reserve`.
    pub fn edge(&self, name: &str) -> Option<&Stats> {
        self.edges.get(name)
    }

    /// What happened at a service, database, cache or another node.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.get(name)
    }

    /// What happened to the messages of a queue.
    pub fn queue(&self, name: &str) -> Option<&Queue> {
        self.queues.get(name)
    }

    /// What happened to the events of a topic.
    pub fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.get(name)
    }

    /// Where the time of a client's requests went.
    pub fn ledger(&self, client: &str) -> Option<&Ledger> {
        self.ledger.get(client)
    }
}

impl Stats {
    /// Latency of what was answered well. Of all that arrived, with the failed slower than everything: `latency_arrived_ms`.
    pub fn latency(&self) -> &Distribution {
        &self.latency_ms
    }

    /// Successes ÷ arrived; `None` where nothing arrived.
    pub fn success_rate(&self) -> Option<f64> {
        self.success_rate.value
    }
}

/// The values alone; the fields of the same names have their intervals. `None` where the samples do not carry a figure.
impl Distribution {
    /// Mean, ms.
    pub fn mean(&self) -> Option<f64> {
        self.mean.value
    }

    /// Median, ms.
    pub fn p50(&self) -> Option<f64> {
        self.p50.value
    }

    /// 90th percentile, ms.
    pub fn p90(&self) -> Option<f64> {
        self.p90.value
    }

    /// 95th percentile, ms.
    pub fn p95(&self) -> Option<f64> {
        self.p95.value
    }

    /// 99th percentile, ms.
    pub fn p99(&self) -> Option<f64> {
        self.p99.value
    }

    /// 99.9th percentile, ms.
    pub fn p999(&self) -> Option<f64> {
        self.p999.value
    }
}
