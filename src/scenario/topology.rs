//! Who leads to whom, by the names of clients, nodes and brokers: what a picture of the architecture shows, and what studies
//! ask that want to know whether one can reach another.

use std::collections::{BTreeMap, BTreeSet};

use super::hosts::Hosts;
use super::programs::{By, programs};
use super::walk;
use super::written::{Node, NodeKind, Scenario, Verb};

/// What kind of thing stands in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// `[clients.*]`.
    Client,
    /// `[gateways.*]`.
    Gateway,
    /// `[services.*]`.
    Service,
    /// `[caches.*]`.
    Cache,
    /// `[databases.*]`.
    Database,
    /// `[externals.*]`.
    External,
    /// `[queues.*]`.
    Queue,
    /// `[topics.*]`.
    Topic,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vertex {
    /// Its name.
    pub name: String,
    /// What it is.
    pub part: Part,
    /// Services: who owns it, where the file says so.
    pub team: Option<String>,
    /// Services: what is called as a function by it alone, where that is drawn as a part of it; empty in a [`Topology`].
    pub parts: Vec<String>,
}

/// From one to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Who calls, sends or hands over.
    pub from: String,
    /// Who is called, or gets it.
    pub to: String,
    /// Whether it is a message, behind which nobody waits; otherwise a call, a query or a look into a cache.
    pub message: bool,
    /// Of a topic's records: the group that gets them, the first where there are several.
    pub group: Option<String>,
}

/// All of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// Clients, nodes, queues and topics, each in the order of their names.
    pub vertices: Vec<Vertex>,
    /// Each pair once, in the order of the file; whoever calls and sends, too, calls.
    pub links: Vec<Link>,
    /// Names that are one unit in fact, with its number from 1, where somebody has asked for it; who stands alone is left out.
    pub units: BTreeMap<String, usize>,
    /// Services that run in the process of one other, each with that one.
    pub inside: BTreeMap<String, String>,
}

impl Topology {
    /// Of a file whose names lead somewhere.
    pub fn of(scenario: &Scenario) -> Self {
        let inside = inside(scenario);
        let mut all = Self { vertices: vertices(scenario), links: Vec::new(), units: BTreeMap::new(), inside };
        let mut seen = BTreeSet::new();
        for (from, to, message) in ways(scenario) {
            if seen.insert((from, to)) {
                let group = group(scenario, from, to);
                all.links.push(Link { from: from.to_owned(), to: to.to_owned(), message, group });
            }
        }
        all
    }

    /// The one of that name.
    pub fn vertex(&self, name: &str) -> Option<&Vertex> {
        self.vertices.iter().find(|vertex| vertex.name == name)
    }
}

/// What runs in the process of one other alone; where several have it, each has a copy, and it is nobody's part.
fn inside(scenario: &Scenario) -> BTreeMap<String, String> {
    let hosts = Hosts::of(scenario);
    let of = |name: &String| match hosts.around(name)[..] {
        [host] if host != name => Some((name.clone(), host.to_owned())),
        _ => None,
    };
    scenario.nodes.keys().filter_map(of).collect()
}

fn vertices(scenario: &Scenario) -> Vec<Vertex> {
    let plain = |part: Part| move |name: &String| Vertex { name: name.clone(), part, team: None, parts: Vec::new() };
    let node = |(name, node): (&String, &Node)| Vertex {
        name: name.clone(),
        part: part(node.kind),
        team: node.owned.team.value.clone(),
        parts: Vec::new(),
    };
    let clients = scenario.clients.keys().map(plain(Part::Client));
    let brokers = scenario.queues.keys().map(plain(Part::Queue)).chain(scenario.topics.keys().map(plain(Part::Topic)));
    clients.chain(scenario.nodes.iter().map(node)).chain(brokers).collect()
}

fn part(kind: NodeKind) -> Part {
    match kind {
        NodeKind::Service => Part::Service,
        NodeKind::Gateway => Part::Gateway,
        NodeKind::Database => Part::Database,
        NodeKind::External => Part::External,
        NodeKind::Cache => Part::Cache,
    }
}

/// The group as whose member a service reads a topic.
fn group(scenario: &Scenario, topic: &str, service: &str) -> Option<String> {
    let own = scenario.nodes.get(service)?.consumes.iter().find(|consumer| consumer.from.value == topic)?;
    own.group.as_ref().filter(|_| scenario.topics.contains_key(topic)).map(|group| group.value.clone())
}

/// Every way from one to another, and whether it is a message; calls first.
fn ways(scenario: &Scenario) -> Vec<(&str, &str, bool)> {
    let mut all: Vec<(&str, &str, bool)> = Vec::new();
    for (name, client) in &scenario.clients {
        all.extend(client.calls.iter().map(|call| (name.as_str(), call.target.value.node.as_str(), false)));
    }
    let graph = programs(scenario);
    let calls = graph.arrows().filter(|(_, _, hop)| matches!(hop.by, By::Call(_)));
    all.extend(calls.map(|(from, to, _)| (from.0, to.0, false)));
    for (name, node) in &scenario.nodes {
        for program in node.programs() {
            walk::steps(&program.steps, &mut |step| {
                if let Verb::Publish(publish) = &step.verb {
                    all.push((name, &publish.to.value, true));
                }
            });
        }
        // A replay brings records that nobody publishes in the run.
        all.extend(node.consumes.iter().map(|consumer| (consumer.from.value.as_str(), name.as_str(), true)));
        let dead = node.consumes.iter().filter_map(|consumer| consumer.dead_letter.as_ref());
        all.extend(dead.map(|letters| (name.as_str(), letters.value.as_str(), true)));
    }
    for (name, queue) in &scenario.queues {
        // A dead letter is a message that goes on.
        all.extend(queue.dead_letter.iter().map(|letters| (name.as_str(), letters.value.as_str(), true)));
    }
    all
}
