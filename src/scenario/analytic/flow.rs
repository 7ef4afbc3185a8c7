//! How often each endpoint is visited. Visits solve the traffic equations x = external + Σ x · calls (Jackson 1957), by
//! Gauss–Seidel from callers to callees, so that a graph without circles is exact after one round.

use super::Model;
use super::messages::Messages;

/// Rounds after which calls in a circle are said to multiply without bound.
pub(super) const ROUNDS: usize = 2_000;

/// What flows through the graph, per second, by endpoint.
#[derive(Clone)]
pub(super) struct Flow {
    /// Remote visits.
    pub(super) visits: Vec<f64>,
    /// Function calls included.
    pub(super) total: Vec<f64>,
    /// CPU that the messages of those visits cost the endpoint, nanoseconds.
    pub(super) codec: Vec<f64>,
    /// Events that messages make.
    pub(super) events: f64,
}

impl Flow {
    pub(super) fn none(n: usize) -> Self {
        Self { visits: vec![0.0; n], total: vec![0.0; n], codec: vec![0.0; n], events: 0.0 }
    }

    /// So many more visits to an endpoint, each with these messages.
    pub(super) fn add(&mut self, to: usize, visits: f64, messages: &Messages) {
        self.visits[to] += visits;
        self.codec[to] += visits * messages.callee;
        self.events += visits * messages.events();
    }
}

impl Model<'_> {
    /// What flows per second when so much comes from outside; `None` where it has no bound. Function calls pass visits
    /// on to what they call, but are no visits themselves.
    pub(super) fn visits(&self, external: &Flow) -> Option<Flow> {
        let mut rank = vec![0; self.vertices.len()];
        self.order.iter().rev().enumerate().for_each(|(k, &i)| rank[i] = k);
        let external_visits = &external.visits;
        let mut total = external_visits.clone();
        for _ in 0..ROUNDS {
            let before = total.clone();
            total.copy_from_slice(external_visits);
            // Callers first: what a caller passes on this round is already known to its callees. Only what flows back,
            // which circles alone do, is known from the round before.
            for &i in self.order.iter().rev() {
                for edge in self.vertices[i].edges.iter().filter(|e| rank[e.to] <= rank[i]) {
                    total[edge.to] += before[i] * edge.times;
                }
            }
            for &i in self.order.iter().rev() {
                for edge in self.vertices[i].edges.iter().filter(|e| rank[e.to] > rank[i]) {
                    total[edge.to] += total[i] * edge.times;
                }
            }
            let change = total.iter().zip(&before).map(|(a, b)| (a - b).abs() / a.abs().max(1e-9)).fold(0.0, f64::max);
            if total.iter().any(|x| !x.is_finite() || *x > 1e18) {
                return None;
            }
            if change < 1e-9 {
                return Some(self.remote(external, total));
            }
        }
        None
    }

    fn remote(&self, external: &Flow, total: Vec<f64>) -> Flow {
        let mut flow = external.clone();
        for (v, x) in self.vertices.iter().zip(&total) {
            for edge in &v.edges {
                if let Some(messages) = &edge.messages {
                    flow.add(edge.to, x * edge.times, messages);
                }
            }
        }
        Flow { total, ..flow }
    }
}
