//! How long a station takes to forget where it began.
//!
//! What is left of the beginning of an M/M/1 falls in the end as exp(−t ÷ τ), with τ = 1 ÷ (√μ − √λ)² = (1 + √ρ)² ÷ μ(1 − ρ)²: its
//! relaxation time (Cohen, "The Single Server Queue", II.2.1; Abate, Whitt, "Transient behavior of the M/M/1 queue", 1987). Near what it can
//! do that is 4 ÷ μ(1 − ρ)², and so grow the runs that show its mean (Whitt, "Planning queueing simulations", 1989). With c workers
//! it is that of one who is c times as quick, and no less than the work of one request (M/M/∞). With room for K requests
//! 1 ÷ τ = λ + μ − 2√(λμ) cos(π ÷ (K + 1)) (Morse, "Queues, Inventories and Maintenance", 1958), which is finite at any load.
//!
//! Utilizations and times are those of the forecast. Work that varies more than exponential work takes longer, by (1 + cv²) ÷ 2,
//! work that varies less is sooner there; what calls wait for in line elsewhere is not in it.

use super::forecast;
use crate::scenario::written::{Load, Node, Scenario};
use crate::units::Span;

/// The station that takes longest.
#[derive(Clone, Debug, PartialEq)]
pub struct Slowest {
    /// Its node.
    pub node: String,
    /// How busy it is: work ÷ what it can do, or workers held ÷ workers.
    pub used: f64,
    /// Its relaxation time.
    pub takes: Span,
}

/// The slowest station of a scenario, by the forecast; `None` where nobody has a line, or how busy it is is not known beforehand (of
/// closed clients, and of loads that no run is long enough for).
pub fn slowest(scenario: &Scenario) -> Option<Slowest> {
    if scenario.clients.values().any(|client| matches!(client.load, Load::Closed { .. })) {
        return None;
    }
    let mut all: Vec<Slowest> = Vec::new();
    for one in forecast(scenario).nodes {
        let Some(node) = scenario.nodes.get(&one.name).filter(|_| one.rate > 0.0) else { continue };
        let mut add = |used: f64, servers: Option<f64>| {
            let Some(servers) = servers.filter(|servers| *servers > 0.0) else { return };
            let takes = Station { used, servers: each(node, servers), service_s: used * servers / one.rate };
            let takes = takes.relaxation_s(node.queue_limit.value);
            let takes = takes.map(Span::from_secs_f64);
            all.extend(takes.map(|takes| Slowest { node: one.name.clone(), used, takes }));
        };
        add(one.utilization, one.cpus);
        add(one.held, one.workers);
    }
    all.into_iter().max_by(|a, b| a.takes.cmp(&b.takes).then_with(|| b.node.cmp(&a.node)))
}

/// Of the workers of all replicas those that share a line: of a replica, or all that take messages from the same queue.
fn each(node: &Node, servers: f64) -> f64 {
    if node.consumes.is_empty() { servers / f64::from(node.most_replicas()) } else { servers }
}

/// Workers that share a line.
struct Station {
    used: f64,
    servers: f64,
    /// Mean time that a request keeps one of them.
    service_s: f64,
}

impl Station {
    /// The relaxation time with room for so many in line, s; `None` where it never comes to rest.
    fn relaxation_s(&self, room: Option<u32>) -> Option<f64> {
        if self.service_s <= 0.0 {
            return None;
        }
        let can = self.servers / self.service_s;
        let comes = self.used * can;
        // Where room is unlimited the cosine is one, and no load beyond what it can do comes to rest.
        let turn = room.map_or(1.0, |room| libm::cos(std::f64::consts::PI / (f64::from(room) + self.servers + 1.0)));
        if room.is_none() && self.used >= 1.0 {
            return None;
        }
        let falls = comes + can - 2.0 * (comes * can).sqrt() * turn;
        Some((1.0 / falls).max(self.service_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(used: f64, servers: f64, room: Option<u32>) -> Option<f64> {
        Station { used, servers, service_s: 0.01 }.relaxation_s(room)
    }

    #[test]
    fn a_queue_takes_longer_the_nearer_it_is_to_what_it_can_do() {
        let near = |found: Option<f64>, exact: f64| assert!((found.unwrap() / exact - 1.0).abs() < 1e-9, "{found:?}");
        near(of(0.25, 1.0, None), 0.04);
        near(of(0.81, 1.0, None), 1.0);
        near(of(0.81, 4.0, None), 0.25);
        assert_eq!(of(0.1, 100.0, None), Some(0.01), "hardly any line: the work of one request");
        assert_eq!((of(1.0, 1.0, None), of(1.2, 1.0, None)), (None, None), "never");
    }

    /// M/M/1/2 has three states, and its rates can be written down: λ + μ ± √(λμ).
    #[test]
    fn with_little_room_it_is_soon_there_at_any_load() {
        let exact = |used: f64| 0.01 / (1.0 + used - f64::sqrt(used));
        for used in [0.5, 1.0, 1.5] {
            assert!((of(used, 1.0, Some(1)).unwrap() / exact(used).max(0.01) - 1.0).abs() < 1e-9, "{used}");
        }
        assert!(of(0.9, 1.0, Some(100_000)).unwrap() / of(0.9, 1.0, None).unwrap() > 0.999);
    }
}
