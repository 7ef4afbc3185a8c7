//! How much memory a run needs at the least, told from the file alone: what there is from the beginning, and what is kept of
//! each replication. Sizes are those of this version, rounded up.

use std::collections::{BTreeMap, BTreeSet};

use super::super::walk;
use crate::diag::{Complaint, code};
use crate::scenario::written::{Load, Node, Place, Scenario};

/// What a run may need unless the command line allows more, bytes.
pub const CEILING: u64 = 4 << 30;

/// Bytes of what is there from the beginning.
const REPLICA: f64 = 512.0;
const KNOWN_REPLICA: f64 = 24.0;
const CALLER: f64 = 640.0;
const BATCHER: f64 = 96.0;
const PARTITION: f64 = 256.0;
const MEMBER: f64 = 320.0;
const USER: f64 = 96.0;
const KEY: f64 = 16.0;
const STRUCK: f64 = 4.0;

/// Bytes of what is alive at once at the most: a request and all that belongs to it.
const ALIVE: f64 = 512.0;
/// So much may be alive whatever the file says.
const USUAL: f64 = 1e6;

/// Bytes of the figures of one replication.
const CLIENT_FIGURES: f64 = 64e3;
const NODE_FIGURES: f64 = 6e3;
const EDGE_FIGURES: f64 = 6e3;
const BROKER_FIGURES: f64 = 8e3;
const SECOND: f64 = 24.0;
/// Longer runs are not looked at second by second.
const SECONDS: f64 = 1e6;

/// What a run needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// All of it, bytes.
    pub bytes: f64,
    /// Of that, what each replication needs while it runs.
    pub each: f64,
    /// What needs most, in words.
    pub what: String,
    /// Its place.
    pub place: Option<Place>,
    /// Of all, bytes.
    pub largest: f64,
}

impl Memory {
    fn add(&mut self, bytes: f64, place: Option<&Place>, what: impl FnOnce() -> String) {
        self.bytes += bytes;
        if bytes > self.largest {
            (self.largest, self.what, self.place) = (bytes, what(), place.cloned());
        }
    }

    /// How many replications may run at once.
    pub(crate) fn at_once(&self, ceiling: u64) -> usize {
        ((ceiling as f64 - (self.bytes - self.each)) / self.each.max(1.0)).max(1.0) as usize
    }

    /// A complaint, where it is more than may be used.
    pub fn complaint(&self, ceiling: u64) -> Option<Complaint> {
        if self.bytes <= ceiling as f64 {
            return None;
        }
        let message =
            format!("the run would need about {}; at most {} is used", size(self.bytes), size(ceiling as f64));
        let label = format!("{}: {}", self.what, size(self.largest));
        let complaint = Complaint::error(code::TOO_MUCH_MEMORY, message).at(self.place.clone()).label(label);
        Some(complaint.help("make it smaller, or allow more on the command line: --max-memory 16GiB"))
    }
}

/// `4 GiB`, `250 MiB`.
fn size(bytes: f64) -> String {
    let (unit, word) = match bytes {
        b if b >= (1_u64 << 40) as f64 => ((1_u64 << 40) as f64, "TiB"),
        b if b >= (1_u64 << 30) as f64 => ((1_u64 << 30) as f64, "GiB"),
        _ => ((1_u64 << 20) as f64, "MiB"),
    };
    let number = bytes / unit;
    match number {
        n if n >= 1e6 => format!("{n:.0e} {word}"),
        n if n >= 10.0 || n.fract() < 0.05 => format!("{n:.0} {word}"),
        n => format!("{n:.1} {word}"),
    }
}

/// `10^11`, `3·10^9`.
pub(in crate::scenario) fn power(n: f64) -> String {
    if n < 1e5 {
        return format!("{n:.0}");
    }
    let exponent = n.log10().floor();
    let digit = (n / 10_f64.powf(exponent)).round();
    match digit {
        d if d >= 10.0 => format!("10^{}", exponent + 1.0),
        d if d <= 1.0 => format!("10^{exponent}"),
        d => format!("{d}·10^{exponent}"),
    }
}

/// What a run of a scenario without errors needs.
pub(in crate::scenario) fn memory(scenario: &Scenario) -> Memory {
    let mut memory = Memory::default();
    let hosts = hosts(scenario);
    replicas(scenario, &hosts, &mut memory);
    brokers(scenario, &mut memory);
    clients(scenario, &mut memory);
    faults(scenario, &mut memory);
    let alive = scenario.sim.max_in_flight.value as f64 - USUAL;
    memory.add(alive.max(0.0) * ALIVE, scenario.sim.max_in_flight.place.as_ref(), || {
        format!("{} requests in flight", power(scenario.sim.max_in_flight.value as f64))
    });
    memory.each = memory.bytes;
    figures(scenario, &mut memory);
    memory
}

/// By node: replicas of whoever runs its programs, itself and those that call it in their own process.
fn hosts(scenario: &Scenario) -> BTreeMap<&str, f64> {
    let mut hosts: BTreeMap<&str, f64> =
        scenario.nodes.iter().map(|(name, node)| (name.as_str(), f64::from(node.most_replicas()))).collect();
    let inside = |call: &&crate::scenario::written::Call| walk::transport_of(scenario, call).is_in_process();
    let callees: BTreeMap<&str, BTreeSet<&str>> = scenario
        .nodes
        .iter()
        .map(|(name, node)| {
            let calls = node.programs().flat_map(walk::calls).filter(inside);
            (name.as_str(), calls.map(|call| call.target.value.node.as_str()).collect())
        })
        .collect();
    let mut open: Vec<&str> = hosts.keys().copied().collect();
    // Those with most replicas last, so that they are looked at first and nearly nothing is looked at twice.
    open.sort_by(|a, b| hosts[a].total_cmp(&hosts[b]));
    while let Some(caller) = open.pop() {
        for callee in callees.get(caller).into_iter().flatten() {
            let most = hosts[caller];
            if let Some(known) = hosts.get_mut(callee).filter(|known| **known < most) {
                *known = most;
                open.push(callee);
            }
        }
    }
    hosts
}

/// Replicas, and what each of a caller's remembers of each of a callee's.
fn replicas(scenario: &Scenario, hosts: &BTreeMap<&str, f64>, memory: &mut Memory) {
    for (name, node) in &scenario.nodes {
        let place = node.replicas.place.as_ref().or(node.name.place.as_ref());
        let own = f64::from(node.most_replicas());
        memory.add(own * REPLICA, place, || format!("{own:.0} replicas of `{name}`"));
        if let Some(keys) = node.cache.as_ref().and_then(|cache| cache.keys.value) {
            memory.add(f64::from(keys) * KEY, place, || format!("the keys of `{name}`"));
        }
        let alone = node.consumes.iter().filter(|one| node.pool_of(one).is_none()).map(|one| &one.concurrency);
        for each in alone.chain(node.worker_pools.values().map(|pool| &pool.concurrency)) {
            let members = own * f64::from(each.value);
            let place = each.place.as_ref().or(place);
            memory.add(members * MEMBER, place, || format!("{members:.0} consumers in `{name}`"));
        }
        let callers = hosts[name.as_str()];
        let callees: BTreeSet<&str> =
            node.programs().flat_map(walk::calls).map(|call| call.target.value.node.as_str()).collect();
        for callee in callees {
            let known = scenario.nodes.get(callee).map_or(1.0, |callee| f64::from(callee.most_replicas()));
            memory.add(callers * (CALLER + known * KNOWN_REPLICA), place, || {
                format!("{callers:.0} replicas of `{name}` that know {known:.0} of `{callee}`")
            });
        }
    }
}

/// Each replica has a batch for each partition of each topic.
fn brokers(scenario: &Scenario, memory: &mut Memory) {
    let all: f64 = scenario.nodes.values().map(Node::most_replicas).map(f64::from).sum();
    let all = all + (scenario.clients.len() + scenario.queues.len() + scenario.topics.len()) as f64;
    for (name, topic) in &scenario.topics {
        let partitions = f64::from(topic.partitions.value);
        let place = topic.partitions.place.as_ref().or(topic.name.place.as_ref());
        memory.add(partitions * (PARTITION + all * BATCHER), place, || {
            format!("{partitions:.0} partitions of `{name}`, each with a batch for {all:.0} replicas")
        });
    }
}

fn clients(scenario: &Scenario, memory: &mut Memory) {
    for (name, client) in &scenario.clients {
        if let Load::Closed { users, .. } = &client.load {
            let n = f64::from(users.value);
            memory.add(n * USER, users.place.as_ref(), || format!("{n:.0} users of `{name}`"));
        }
    }
}

/// Each fault has a list of the replicas that it happens to.
fn faults(scenario: &Scenario, memory: &mut Memory) {
    let replicas = |fault: &crate::scenario::written::Fault| -> f64 {
        let nodes = fault.nodes(scenario).into_iter().filter_map(|name| scenario.nodes.get(name));
        nodes.map(|node| f64::from(node.most_replicas().min(fault.replicas.value.unwrap_or(u32::MAX)))).sum()
    };
    // One fault after the other costs as much as there are: what the first of them needs, they all may.
    let all: f64 = scenario.faults.iter().take(MANY).map(replicas).sum();
    let many = scenario.faults.len() as f64 / scenario.faults.len().clamp(1, MANY) as f64;
    let place = scenario.faults.first().and_then(|fault| fault.place.clone());
    memory.add(all * many * STRUCK, place.as_ref(), || format!("{} faults", scenario.faults.len()));
}

/// So many faults are looked at one by one.
const MANY: usize = 1_000;

/// What is kept of each replication.
fn figures(scenario: &Scenario, memory: &mut Memory) {
    let sim = &scenario.sim;
    let edges: usize = scenario
        .nodes
        .values()
        .map(|node| {
            let calls = node.programs().flat_map(walk::calls).map(|call| &call.target.value);
            let places = calls.map(|to| (to.node.as_str(), to.endpoint.as_str())).collect::<BTreeSet<_>>();
            places.len() + node.endpoints.len()
        })
        .sum();
    let seconds = (sim.duration.value.as_secs_f64()).min(SECONDS) * f64::from(u8::from(!scenario.faults.is_empty()));
    let (clients, nodes) = (scenario.clients.len() as f64, scenario.nodes.len() as f64);
    let each = clients * (CLIENT_FIGURES + seconds * SECOND)
        + nodes * NODE_FIGURES
        + edges as f64 * EDGE_FIGURES
        + (scenario.queues.len() + scenario.topics.len() + scenario.flows.len() + scenario.slos.len()) as f64
            * BROKER_FIGURES;
    let n = f64::from(sim.replications.value);
    memory.add(n * each, sim.replications.place.as_ref(), || format!("the figures of {n:.0} replications"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size(4.0 * (1_u64 << 30) as f64), "4 GiB");
        assert_eq!(size(1.5 * (1_u64 << 30) as f64), "1.5 GiB");
        assert_eq!(size(300.0 * (1_u64 << 20) as f64), "300 MiB");
    }

    #[test]
    fn the_largest_is_named() {
        let mut memory = Memory::default();
        memory.add(10.0, None, || "little".into());
        memory.add(5e9, Some(&(3..7)), || "much".into());
        let complaint = memory.complaint(CEILING).expect("more than there is");
        assert_eq!((complaint.place, complaint.code), (Some(3..7), code::TOO_MUCH_MEMORY));
        assert!(complaint.label.starts_with("much"));
        assert!(memory.complaint(6_000_000_000).is_none());
    }
}
