//! What cannot differ need not be run: whose requests have nothing to do with what is down, however far around.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::Graph;
use crate::scenario::Checked;
use crate::scenario::programs::{By, programs};
use crate::scenario::written::{Scenario, Verb};

/// Who leads to whom, by the names of clients, nodes and brokers.
#[derive(Clone, Debug)]
pub struct Screen {
    graph: Graph<String, bool>,
    /// By name: which part it belongs to. What is in one part never meets what is in another.
    part: BTreeMap<String, usize>,
}

impl Screen {
    /// Of a file.
    pub fn of(checked: &Checked) -> Self {
        let graph = graph(&checked.scenario);
        let part = parts(&graph);
        Self { graph, part }
    }

    /// Whether what happens at one may change anything at the other.
    pub fn meet(&self, one: &str, other: &str) -> bool {
        self.part.get(one) == self.part.get(other)
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

fn graph(scenario: &Scenario) -> Graph<String, bool> {
    let mut graph = Graph::new();
    for name in
        scenario.clients.keys().chain(scenario.nodes.keys()).chain(scenario.queues.keys()).chain(scenario.topics.keys())
    {
        graph.add(name.clone());
    }
    let mut seen = BTreeSet::new();
    let mut connect = |from: &str, to: &str, message: bool| {
        if seen.insert((from.to_owned(), to.to_owned())) {
            graph.connect(from.to_owned(), to.to_owned(), message);
        }
    };
    for (name, client) in &scenario.clients {
        client.calls.iter().for_each(|call| connect(name, &call.target.value.node, false));
    }
    for (from, to, hop) in programs(scenario).arrows() {
        match hop.by {
            By::Call(_) => connect(from.0, to.0, false),
            By::Message(publish) => connect(&publish.to.value, to.0, true),
        }
    }
    for (name, node) in &scenario.nodes {
        for program in node.programs() {
            crate::scenario::each_step(&program.steps, &mut |step| {
                if let Verb::Publish(publish) = &step.verb {
                    connect(name, &publish.to.value, true);
                }
            });
        }
        // A dead letter is a message that goes on, and so is one that nobody publishes but a replay.
        node.consumes.iter().for_each(|consumer| connect(&consumer.from.value, name, true));
    }
    for (name, queue) in &scenario.queues {
        if let Some(letters) = &queue.dead_letter {
            connect(name, &letters.value, true);
        }
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
