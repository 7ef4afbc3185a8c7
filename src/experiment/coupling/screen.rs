//! What cannot differ need not be run: whose requests have nothing to do with what is down, however far around.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::Graph;
use crate::scenario::written::Scenario;
use crate::scenario::{Checked, Topology};

/// Who leads to whom, by the names of clients, nodes and brokers.
#[derive(Clone, Debug)]
pub struct Screen {
    graph: Graph<String, bool>,
    /// By name: which part it belongs to. What is in one part never meets what is in another.
    part: BTreeMap<String, usize>,
    /// What any client's requests, or what comes of a replay, may get to. Nothing happens at the others.
    busy: BTreeSet<String>,
}

impl Screen {
    /// Of a file.
    pub fn of(checked: &Checked) -> Self {
        let graph = graph(&checked.scenario);
        let part = parts(&graph);
        let busy = begins(&checked.scenario).flat_map(|from| graph.reached_from(from)).cloned().collect();
        Self { graph, part, busy }
    }

    /// Whether what happens at one may change anything at the other.
    pub fn meet(&self, one: &str, other: &str) -> bool {
        self.part.get(one) == self.part.get(other) && self.busy.contains(one) && self.busy.contains(other)
    }

    /// What somebody's requests may come to, itself included.
    pub fn reached(&self, from: &str) -> BTreeSet<&String> {
        self.graph.reached_from(&from.to_owned())
    }

    /// What can be reached from one only by way of another.
    pub fn only_by(&self, from: &str, way: &str) -> Vec<&String> {
        let (from, way) = (from.to_owned(), way.to_owned());
        let behind = self.graph.reached_from(&way).into_iter().filter(|name| **name != way);
        behind.filter(|name| self.graph.dominators(&from, name).contains(&&way)).collect()
    }

    /// The first broker that every way from one to the other goes through.
    pub fn sheltered(&self, from: &str, to: &str, scenario: &Scenario) -> Option<String> {
        let all = self.graph.dominators(&from.to_owned(), &to.to_owned());
        all.into_iter().find(|name| is_broker(scenario, name)).cloned()
    }
}

fn is_broker(scenario: &Scenario, name: &str) -> bool {
    scenario.queues.contains_key(name) || scenario.topics.contains_key(name)
}

/// Where anything begins: clients, and topics whose records somebody reads again, also those from before the run.
fn begins(scenario: &Scenario) -> impl Iterator<Item = &String> {
    let read = scenario.nodes.values().flat_map(|node| &node.consumes);
    let again = read.filter(|consumer| consumer.replay.value.is_some()).map(|consumer| &consumer.from.value);
    scenario.clients.keys().chain(again)
}

fn graph(scenario: &Scenario) -> Graph<String, bool> {
    let topology = Topology::of(scenario);
    let mut graph = Graph::new();
    for vertex in topology.vertices {
        graph.add(vertex.name);
    }
    for link in topology.links {
        graph.connect(link.from, link.to, link.message);
    }
    graph
}

/// Which part each belongs to, whichever way the arrows point.
fn parts(graph: &Graph<String, bool>) -> BTreeMap<String, usize> {
    let mut part: Vec<usize> = (0..graph.len()).collect();
    let root = |part: &[usize], mut at: usize| {
        while part[at] != at {
            at = part[at];
        }
        at
    };
    for (from, to, _) in graph.arrows() {
        if let (Some(from), Some(to)) = (graph.find(from), graph.find(to)) {
            let (from, to) = (root(&part, from), root(&part, to));
            part[from.max(to)] = from.min(to);
        }
    }
    (0..graph.len()).map(|at| (graph.name(at).clone(), root(&part, at))).collect()
}
