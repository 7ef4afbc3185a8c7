//! What requests share on their way: pools of database connections, connections of a transport, bandwidth. How many are
//! in use follows from Little's law: so many per second times how long each holds one.

use std::collections::BTreeMap;

use super::super::guarded::timeout_of;
use super::super::walk;
use super::Model;
use super::expected::{Shared, SharedKind};
use super::flow::Flow;
use super::messages::Messages;
use crate::scenario::programs::forgotten;
use crate::scenario::written::{
    BalancePer, Call, Client, Connections, How, Node, NodeKind, Scenario, Step, TransportSpec, Verb,
};

/// Function calls deeper than this are not followed.
const DEEP: usize = 32;

/// The connections of a transport from a caller to a callee: how long they are held in a second, average and height.
type Channels<'s> = BTreeMap<(&'s str, &'s str, &'s str), [f64; 2]>;

impl<'s> Model<'s> {
    /// Everything that is shared and has an end. `clients` are their rates.
    pub(super) fn shared(&self, clients: &[(String, f64)], average: &Flow, height: &Flow) -> Vec<Shared> {
        let mut all = self.pools(average, height);
        all.extend(self.connections(clients, average, height));
        all.extend(self.links(clients, average, height));
        all
    }

    fn pools(&self, average: &Flow, height: &Flow) -> Vec<Shared> {
        let mut all = Vec::new();
        for node in self.scenario.nodes.values() {
            for pool in node.pools.values() {
                let database = pool.name.value.as_str();
                let used = |flow: &Flow| -> f64 {
                    let own = self.vertices.iter().zip(&flow.visits).filter(|(v, _)| v.node == node.name.value);
                    own.map(|(v, x)| x * self.hold(&v.endpoint.steps, v.node, database, DEEP) / 1e9).sum()
                };
                all.push(Shared {
                    kind: SharedKind::Pool,
                    from: node.name.value.clone(),
                    to: database.to_owned(),
                    room: f64::from(node.most_replicas()) * f64::from(pool.connections.value),
                    used: used(average),
                    peak: used(height),
                });
            }
        }
        all
    }

    /// How long one pass through the steps holds a connection to a database, nanoseconds.
    fn hold(&self, steps: &[Step], from: &str, database: &str, deep: usize) -> f64 {
        let one = |step: &Step| match &step.verb {
            Verb::Query(call) if call.target.value.node == database => self.one(step, from).response,
            Verb::Transaction { database: of, steps } if of.value == database => self.sequence(steps, from).response,
            Verb::Transaction { steps, .. } => self.hold(steps, from, database, deep),
            Verb::Cache { call, on_miss } => self.misses(call) * self.hold(on_miss, from, database, deep),
            Verb::Remember { memory, steps } => {
                forgotten(self.scenario, memory) * self.hold(steps, from, database, deep)
            }
            Verb::Parallel { branches, .. } => {
                branches.iter().map(|b| self.hold(std::slice::from_ref(&b.step), from, database, deep)).sum()
            }
            Verb::Split(arms) => {
                let sum: f64 = arms.iter().map(|arm| arm.weight.value).sum();
                arms.iter().map(|arm| arm.weight.value / sum * self.hold(&arm.steps, from, database, deep)).sum()
            }
            Verb::Call(call) if deep > 0 && walk::transport_of(self.scenario, call).is_in_process() => {
                let callee = self.of(call).map(|i| &self.vertices[i]);
                callee.map_or(0.0, |callee| self.hold(&callee.endpoint.steps, callee.node, database, deep - 1))
            }
            _ => 0.0,
        };
        steps.iter().map(|step| one(step) * step.probability.value * f64::from(step.times.value)).sum()
    }

    fn connections(&self, clients: &[(String, f64)], average: &Flow, height: &Flow) -> Vec<Shared> {
        let mut held: Channels<'s> = BTreeMap::new();
        for (i, v) in self.vertices.iter().enumerate() {
            let mut add = |call: &'s Call, spec: &'s TransportSpec, times: f64| {
                let Some(callee) = self.of(call).map(|i| &self.vertices[i]) else { return };
                let away = self.away(v.node, callee, &Messages::of(spec, call));
                let away = times * timeout_of(self.scenario, call).map_or(away, |t| away.min(t.0 as f64)) / 1e9;
                let slot = held.entry((v.node, callee.node, spec.name.value.as_str())).or_default();
                *slot = [slot[0] + average.total[i] * away, slot[1] + height.total[i] * away];
            };
            self.each_call(&v.endpoint.steps, 1.0, &mut add);
        }
        for (client, rate) in self.rates(clients) {
            let spec = walk::client_transport(self.scenario, client);
            for call in &client.calls {
                let Some(callee) = self.at(&call.target.value).map(|i| &self.vertices[i]) else { continue };
                let away = self.away(&client.name.value, callee, &Messages::of_client(spec, call)) / 1e9;
                let slot = held.entry((&client.name.value, callee.node, spec.name.value.as_str())).or_default();
                *slot = slot.map(|x| x + rate * call.often() * away);
            }
        }
        held.into_iter().filter_map(|(key, used)| connections(self.scenario, key, used)).collect()
    }

    fn rates<'c>(&self, clients: &'c [(String, f64)]) -> impl Iterator<Item = (&'s Client, f64)> + use<'s, 'c> {
        let scenario = self.scenario;
        clients.iter().filter_map(move |(name, rate)| Some((scenario.clients.get(name)?, *rate)))
    }

    /// Every remote call in the steps, and how often it is made on average.
    fn each_call(&self, steps: &'s [Step], times: f64, visit: &mut impl FnMut(&'s Call, &'s TransportSpec, f64)) {
        for step in steps {
            let times = times * step.probability.value * f64::from(step.times.value);
            match &step.verb {
                Verb::Call(call) | Verb::Query(call) | Verb::Meter(call) => {
                    if let How::Over(spec) = walk::transport_of(self.scenario, call) {
                        visit(call, spec, times);
                    }
                }
                Verb::Cache { call, on_miss } => {
                    if let How::Over(spec) = walk::transport_of(self.scenario, call) {
                        visit(call, spec, times);
                    }
                    self.each_call(on_miss, times * self.misses(call), visit);
                }
                Verb::Transaction { steps, .. } => self.each_call(steps, times, visit),
                Verb::Remember { memory, steps } => {
                    self.each_call(steps, times * forgotten(self.scenario, memory), visit);
                }
                Verb::Parallel { branches, .. } => {
                    for branch in branches {
                        self.each_call(std::slice::from_ref(&branch.step), times, visit);
                    }
                }
                Verb::Split(arms) => {
                    let sum: f64 = arms.iter().map(|arm| arm.weight.value).sum();
                    for arm in arms {
                        self.each_call(&arm.steps, times * arm.weight.value / sum, visit);
                    }
                }
                Verb::Work(_) | Verb::Wait(_) | Verb::Publish(_) => {}
            }
        }
    }

    fn links(&self, clients: &[(String, f64)], average: &Flow, height: &Flow) -> Vec<Shared> {
        let limited =
            self.scenario.network.links.iter().filter_map(|link| Some((link, link.bandwidth.as_ref()?.value)));
        let shared = limited.map(|(link, room)| {
            let (from, to) = (link.from.value.as_str(), link.to.value.as_str());
            let bytes = |flow: &Flow| {
                let mut sum = [0.0; 2];
                for (v, x) in self.vertices.iter().zip(&flow.total).filter(|(v, _)| v.node == from) {
                    for edge in v.edges.iter().filter(|e| self.vertices[e.to].node == to) {
                        let each = edge.messages.unwrap_or_default().bytes;
                        sum = [sum[0] + x * edge.times * each[0], sum[1] + x * edge.times * each[1]];
                    }
                }
                for (client, rate) in self.rates(clients).filter(|(client, _)| client.name.value == from) {
                    let spec = walk::client_transport(self.scenario, client);
                    for call in client.calls.iter().filter(|call| call.target.value.node == to) {
                        let each = Messages::of_client(spec, call).bytes;
                        sum = [sum[0] + rate * call.often() * each[0], sum[1] + rate * call.often() * each[1]];
                    }
                }
                sum[0].max(sum[1])
            };
            let (used, peak) = (bytes(average), bytes(height));
            Shared { kind: SharedKind::Link, from: from.to_owned(), to: to.to_owned(), room, used, peak }
        });
        shared.collect()
    }
}

/// The connections of a transport between two, if it has a limit.
fn connections(scenario: &Scenario, (from, to, name): (&str, &str, &str), used: [f64; 2]) -> Option<Shared> {
    let spec = scenario.transports.get(name)?;
    let Connections { max, .. } = spec.connections.as_ref()?;
    let replicas = |node: Option<&Node>| node.map_or(1.0, |node| f64::from(node.most_replicas()));
    let callees = match scenario.discovery.balance_per.value {
        BalancePer::Request => replicas(scenario.nodes.get(to)),
        BalancePer::Connection => 1.0,
    };
    let each = f64::from(max.value) * f64::from(spec.streams.value);
    Some(Shared {
        kind: SharedKind::Connections(name.to_owned()),
        from: from.to_owned(),
        to: to.to_owned(),
        room: replicas(scenario.nodes.get(from)) * each * callees,
        used: used[0],
        peak: used[1],
    })
}

/// Databases with pools: the connections of all pools together, and how many the database takes.
pub(super) fn databases(scenario: &Scenario) -> Vec<(String, u64, Option<u32>)> {
    let pools = pools(scenario);
    let of = |node: &Node| {
        let callers = pools.get(node.name.value.as_str())?;
        let sum = callers.values().map(|(replicas, size)| u64::from(*replicas) * u64::from(*size)).sum();
        Some((node.name.value.clone(), sum, node.max_connections.value))
    };
    scenario.nodes.values().filter(|node| node.kind == NodeKind::Database).filter_map(of).collect()
}

/// By database: replicas and pool size of each caller with a pool to it.
pub(in crate::scenario) fn pools(scenario: &Scenario) -> BTreeMap<&str, BTreeMap<&str, (u32, u32)>> {
    let mut all: BTreeMap<&str, BTreeMap<&str, (u32, u32)>> = BTreeMap::new();
    for node in scenario.nodes.values() {
        for (database, pool) in &node.pools {
            let size = (node.most_replicas(), pool.connections.value);
            all.entry(database).or_default().insert(&node.name.value, size);
        }
    }
    all
}
