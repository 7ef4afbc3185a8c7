//! Walking steps and calls.

use std::collections::{BTreeMap, BTreeSet};

use crate::random::dist::Law;
use crate::scenario::written::{
    Arrivals, Call, Client, Consumer, Endpoint, FREE, Guards, How, IN_PROCESS, Load, Mode, Node, NodeKind, Publish,
    Scenario, Step, TransportSpec, Verb, When, on,
};

/// Visits every step, those inside others included, outermost first.
pub(crate) fn steps<'s>(all: &'s [Step], visit: &mut impl FnMut(&'s Step)) {
    for step in all {
        visit(step);
        match &step.verb {
            Verb::Parallel { branches, .. } => {
                for branch in branches {
                    steps(std::slice::from_ref(&branch.step), visit);
                }
            }
            Verb::Split(arms) => {
                for arm in arms {
                    steps(&arm.steps, visit);
                }
            }
            Verb::Transaction { steps: inner, .. }
            | Verb::Cache { on_miss: inner, .. }
            | Verb::Remember { steps: inner, .. } => steps(inner, visit),
            Verb::Call(call) | Verb::Query(call) => {
                call.fallback.iter().for_each(|fallback| steps(&fallback.value, visit));
            }
            _ => {}
        }
    }
}

/// Whether a transaction of a database writes to it.
pub(crate) fn writes(transaction: &[Step], database: &str) -> bool {
    let mut any = false;
    steps(transaction, &mut |step| {
        if let Verb::Query(call) = &step.verb {
            any |= call.target.value.node == database && call.mode.value != Mode::Read;
        }
    });
    any
}

/// The call of a step, queries and looks into caches included.
pub(crate) fn call(step: &Step) -> Option<&Call> {
    match &step.verb {
        Verb::Call(call) | Verb::Query(call) | Verb::Cache { call, .. } | Verb::Meter(call) => Some(call),
        _ => None,
    }
}

/// All messages an endpoint publishes.
pub(crate) fn publishes(endpoint: &Endpoint) -> Vec<&Publish> {
    let mut all = Vec::new();
    steps(&endpoint.steps, &mut |step| {
        if let Verb::Publish(publish) = &step.verb {
            all.push(publish);
        }
    });
    all
}

/// Who consumes from a queue or topic: the services and their entries, in name order.
pub(crate) fn consumers<'s>(scenario: &'s Scenario, broker: &str) -> Vec<(&'s Node, &'s Consumer)> {
    let readers = scenario.index.readers.get_or_init(|| {
        let mut readers: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
        for (name, node) in &scenario.nodes {
            for (nth, consumer) in node.consumes.iter().enumerate() {
                readers.entry(consumer.from.value.clone()).or_default().push((name.clone(), nth));
            }
        }
        readers
    });
    let found = |(name, nth): &(String, usize)| {
        let node = scenario.nodes.get(name)?;
        Some((node, node.consumes.get(*nth)?))
    };
    readers.get(broker).into_iter().flatten().filter_map(found).collect()
}

/// Who reads a topic as members of one group.
pub(crate) fn members<'s>(scenario: &'s Scenario, topic: &str, group: &str) -> Vec<(&'s Node, &'s Consumer)> {
    let mut all = consumers(scenario, topic);
    all.retain(|(_, consumer)| consumer.group.as_ref().is_some_and(|g| g.value == group));
    all
}

/// Whether somebody calls a node: otherwise it only consumes.
pub(crate) fn is_called(scenario: &Scenario, node: &str) -> bool {
    let called = scenario.index.called.get_or_init(|| {
        let all = scenario.nodes.values().flat_map(Node::programs).flat_map(calls).map(|call| &call.target);
        let clients = scenario.clients.values().flat_map(|client| &client.calls).map(|call| &call.target);
        all.chain(clients).map(|target| target.value.node.clone()).collect()
    });
    called.contains(node)
}

/// All calls of an endpoint.
pub(crate) fn calls(endpoint: &Endpoint) -> Vec<&Call> {
    let mut all = Vec::new();
    steps(&endpoint.steps, &mut |step| all.extend(call(step)));
    all
}

/// How a call travels, its own transport or the default one. A query pays the network alone; what is not part of the
/// caller's process is called over `free` where the default is in-process.
pub fn transport_of<'s>(scenario: &'s Scenario, call: &Call) -> How<'s> {
    let name = &call.transport.as_ref().unwrap_or(&scenario.defaults.transport).value;
    match scenario.nodes.get(&call.target.value.node).map(|node| node.kind) {
        Some(NodeKind::Service) if name == IN_PROCESS => How::InProcess,
        Some(NodeKind::Service | NodeKind::External | NodeKind::Gateway) => How::Over(spec(scenario, name)),
        Some(NodeKind::Database | NodeKind::Cache) | None => How::Over(spec(scenario, FREE)),
    }
}

/// How a client calls: it is outside, so never in-process.
pub fn client_transport<'s>(scenario: &'s Scenario, client: &Client) -> &'s TransportSpec {
    spec(scenario, &client.transport.as_ref().unwrap_or(&scenario.defaults.transport).value)
}

/// The transport of that name; `free` for those that are none.
fn spec<'s>(scenario: &'s Scenario, name: &str) -> &'s TransportSpec {
    let found = scenario.transports.get(name).or_else(|| scenario.transports.get(FREE));
    found.unwrap_or_else(|| unreachable!("the presets are always there"))
}

/// The names of all transports that some call travels over.
pub(crate) fn transports_used(scenario: &Scenario) -> BTreeSet<&str> {
    let mut used: BTreeSet<&str> =
        scenario.clients.values().map(|client| client_transport(scenario, client).name.value.as_str()).collect();
    for call in scenario.nodes.values().flat_map(Node::programs).flat_map(calls) {
        if let How::Over(spec) = transport_of(scenario, call) {
            used.insert(&spec.name.value);
        }
    }
    used
}

/// Visits every law of a scenario, in a fixed order.
pub(crate) fn laws_of<'s>(scenario: &'s Scenario, visit: &mut impl FnMut(&'s Law)) {
    let network = &scenario.network;
    for law in [&network.same_host, &network.same_zone, &network.cross_zone, &network.cross_region] {
        visit(&law.value);
    }
    network.links.iter().filter_map(|link| link.latency.as_ref()).for_each(|law| visit(&law.value));
    on(&scenario.discovery.resolver).into_iter().for_each(|resolver| visit(&resolver.takes.value));
    for client in scenario.clients.values() {
        match &client.load {
            Load::Closed { think_time, .. } => visit(&think_time.value),
            Load::Open { arrivals, batch, .. } => {
                if let Arrivals::Gaps(law) = &arrivals.value {
                    visit(law);
                }
                batch.value.iter().for_each(&mut *visit);
            }
        }
    }
    for queue in scenario.queues.values() {
        visit(&queue.publish_latency.value);
    }
    for topic in scenario.topics.values() {
        visit(&topic.publish_latency.value);
    }
    for client in scenario.clients.values() {
        on(&client.retries).into_iter().for_each(|rule| visit(&rule.backoff.value));
    }
    scenario.policies.values().for_each(|policy| rule_laws(&policy.guards, visit));
    for fault in &scenario.faults {
        if let When::Random { mtbf, mttr, .. } = fault.when() {
            [Some(mtbf), mttr].into_iter().flatten().for_each(|law| visit(&law.value));
        }
    }
    for node in scenario.nodes.values() {
        node.consumes.iter().filter_map(|c| c.poll.value.as_ref()).for_each(&mut *visit);
        node.worker_pools.values().filter_map(|pool| pool.poll.value.as_ref()).for_each(&mut *visit);
        node.consumes.iter().filter_map(|c| c.retries.value.as_ref()).for_each(|rule| visit(&rule.backoff.value));
        node.queue_timeout.value.iter().for_each(&mut *visit);
        for endpoint in node.programs() {
            endpoint.work.value.iter().chain(&endpoint.wait.value).for_each(&mut *visit);
            steps(&endpoint.steps, &mut |step| {
                if let Verb::Work(law) | Verb::Wait(law) = &step.verb {
                    visit(law);
                }
                call(step).into_iter().for_each(|call| rule_laws(&call.guards, visit));
            });
        }
    }
}

fn rule_laws<'s>(guards: &'s Guards, visit: &mut impl FnMut(&'s Law)) {
    on(&guards.retries).into_iter().for_each(|rule| visit(&rule.backoff.value));
    on(&guards.hedge).into_iter().for_each(|rule| visit(&rule.after.value));
}

/// The queues and topics that something may come to: from a step, or as a dead letter.
pub(crate) fn fed(scenario: &Scenario) -> BTreeSet<&str> {
    let sent = scenario.nodes.values().flat_map(Node::programs).flat_map(publishes).map(|p| p.to.value.as_str());
    let consumers = scenario.nodes.values().flat_map(|node| &node.consumes);
    let dead = consumers
        .filter_map(|c| c.dead_letter.as_ref())
        .chain(scenario.queues.values().filter_map(|q| q.dead_letter.as_ref()));
    sent.chain(dead.map(|to| to.value.as_str())).collect()
}

/// How many steps there are when every `times` is written out.
pub(crate) fn unrolled(steps: &[Step]) -> f64 {
    steps
        .iter()
        .map(|step| {
            let inner = match &step.verb {
                Verb::Parallel { branches, .. } => {
                    branches.iter().map(|b| unrolled(std::slice::from_ref(&b.step))).sum()
                }
                Verb::Split(arms) => arms.iter().map(|arm| unrolled(&arm.steps)).sum(),
                Verb::Transaction { steps, .. } | Verb::Cache { on_miss: steps, .. } | Verb::Remember { steps, .. } => {
                    unrolled(steps)
                }
                Verb::Call(call) | Verb::Query(call) => {
                    call.fallback.as_ref().map_or(0.0, |fallback| unrolled(&fallback.value))
                }
                _ => 0.0,
            };
            f64::from(step.times.value) * (1.0 + inner)
        })
        .sum()
}
