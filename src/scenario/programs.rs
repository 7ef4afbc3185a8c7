//! Who leads to whom in a file: what endpoints and consumers do, and the calls and messages between them. Whoever asks after
//! circles, load or what depends on what walks this one graph.

use std::collections::BTreeMap;

use super::analytic::open_rate;
use super::law_mean::mean;
use super::walk;
use super::written::{
    Call, Client, ClientCall, Consumer, Load, Memory, Node, OnError, Place, Publish, Queue, Scenario, Step, Verb,
};
use crate::graph::Graph;

/// What a node does when it is asked or a message comes: the node and the name of the endpoint, empty for the default one.
pub(crate) type Program<'s> = (&'s str, &'s str);

/// All programs of a file, in the order of the file, and how they lead to one another.
pub(crate) type Programs<'s> = Graph<Program<'s>, Hop<'s>>;

/// From one program to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hop<'s> {
    /// What leads there.
    pub(crate) by: By<'s>,
    /// How often, on average, each time the caller's program runs; `None` in a fallback, which is not expected to run.
    pub(crate) times: Option<f64>,
}

/// What leads from one program to another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By<'s> {
    /// A call, a query or a look into a cache.
    Call(&'s Call),
    /// A message and one that consumes it.
    Message(&'s Publish),
}

impl<'s> Hop<'s> {
    /// The call, if it is one.
    pub(crate) fn call(&self) -> Option<&'s Call> {
        match self.by {
            By::Call(call) => Some(call),
            By::Message(_) => None,
        }
    }

    /// Where it stands in the text.
    pub(crate) fn place(&self) -> Option<Place> {
        match self.by {
            By::Call(call) => call.target.place.clone(),
            By::Message(publish) => publish.to.place.clone(),
        }
    }
}

/// The graph of a file whose names lead somewhere.
pub(crate) fn programs(scenario: &Scenario) -> Programs<'_> {
    let mut graph = Graph::new();
    for (node, inner) in &scenario.nodes {
        for program in inner.programs() {
            graph.add((node.as_str(), program.name.value.as_str()));
        }
    }
    for (node, inner) in &scenario.nodes {
        for program in inner.programs() {
            let mut way = Way { scenario, from: (node, &program.name.value), graph: &mut graph };
            way.steps(&program.steps, Some(1.0));
        }
    }
    graph
}

/// The program of that name.
pub(crate) fn program<'s>(scenario: &'s Scenario, key: Program<'_>) -> Option<&'s super::written::Endpoint> {
    let node = scenario.nodes.get(key.0)?;
    let consumers = || node.consumes.iter().map(|consumer| &consumer.program);
    node.endpoints.get(key.1).map(AsRef::as_ref).or_else(|| consumers().find(|program| program.name.value == key.1))
}

/// The program that a call is for.
pub(crate) fn called(call: &Call) -> Program<'_> {
    (&call.target.value.node, &call.target.value.endpoint)
}

/// The programs of a broker's consumers.
pub(crate) fn consuming<'s>(scenario: &'s Scenario, broker: &str) -> Vec<Program<'s>> {
    let all = walk::consumers(scenario, broker).into_iter();
    all.map(|(node, consumer)| (node.name.value.as_str(), consumer.program.name.value.as_str())).collect()
}

/// The share of looks that miss; without a rate the cache is taken to be warm.
pub(crate) fn misses(scenario: &Scenario, call: &Call) -> f64 {
    let cache = scenario.nodes.get(&call.target.value.node).and_then(|node| node.cache.as_ref());
    cache.and_then(|cache| cache.hit_rate.value).map_or(0.0, |rate| 1.0 - rate)
}

/// The share of looks for what a node's replicas remember that find nothing: of a key that is asked for λ times within its
/// ttl, 1 in 1 + λ (a renewal from each fill), each replica by itself.
pub(crate) fn forgotten(scenario: &Scenario, memory: &Memory) -> f64 {
    let replicas = scenario.nodes.get(&memory.node).map_or(1.0, |node| f64::from(node.most_replicas()));
    let within = asked(scenario, &memory.node) / replicas * memory.ttl.as_secs_f64();
    if within <= 0.0 {
        return 0.0;
    }
    let some = stretches(memory.keys);
    let weight = |key: f64| key.powf(-memory.skew);
    let total: f64 = some.iter().map(|(key, count)| count * weight(*key)).sum();
    let of = |(key, count): &(f64, f64)| {
        let share = weight(*key) / total;
        count * share / (1.0 + share * within)
    };
    some.iter().map(of).sum()
}

/// Keys and how many are like each of them: the first ones by themselves, then in stretches of a hundredth.
fn stretches(keys: u32) -> Vec<(f64, f64)> {
    let (mut all, mut at) = (Vec::new(), 1);
    while at <= keys {
        let count = (at / 100).clamp(1, keys - at + 1);
        all.push((f64::from(at) + f64::from(count - 1) / 2.0, f64::from(count)));
        at += count;
    }
    all
}

/// Requests of clients per second that come to a node, at most.
fn asked(scenario: &Scenario, node: &str) -> f64 {
    let run = scenario.sim.duration.value.as_secs_f64();
    let of = |client: &Client| match &client.load {
        Load::Open { arrivals, phases, batch } => {
            let share: f64 = client.calls.iter().filter(|c| c.target.value.node == node).map(ClientCall::often).sum();
            share * open_rate(&arrivals.value, phases, run).0 * batch.value.as_ref().map_or(1.0, mean)
        }
        // Users who wait for their answers come more seldom than their thinking alone says.
        Load::Closed { users, think_time } => {
            let pause = mean(&think_time.value) / 1e9;
            let share: f64 = client.calls.iter().filter(|c| c.target.value.node == node).map(ClientCall::often).sum();
            if pause > 0.0 { share * f64::from(users.value) / pause } else { 0.0 }
        }
    };
    scenario.clients.values().map(of).sum()
}

/// A program whose steps are walked.
struct Way<'s, 'g> {
    scenario: &'s Scenario,
    from: Program<'s>,
    graph: &'g mut Programs<'s>,
}

impl<'s> Way<'s, '_> {
    fn steps(&mut self, steps: &'s [Step], times: Option<f64>) {
        for step in steps {
            self.step(step, times.map(|n| n * f64::from(step.times.value) * step.probability.value));
        }
    }

    fn step(&mut self, step: &'s Step, times: Option<f64>) {
        match &step.verb {
            Verb::Call(call) | Verb::Query(call) => {
                self.hop(called(call), By::Call(call), times);
                call.fallback.iter().for_each(|fallback| self.steps(&fallback.value, None));
            }
            Verb::Cache { call, on_miss } => {
                self.hop(called(call), By::Call(call), times);
                self.steps(on_miss, times.map(|n| n * misses(self.scenario, call)));
            }
            Verb::Parallel { branches, .. } => {
                branches.iter().for_each(|branch| self.steps(std::slice::from_ref(&branch.step), times));
            }
            Verb::Split(arms) => {
                let sum: f64 = arms.iter().map(|arm| arm.weight.value).sum();
                arms.iter().for_each(|arm| self.steps(&arm.steps, times.map(|n| n * arm.weight.value / sum)));
            }
            Verb::Transaction { steps, .. } => self.steps(steps, times),
            Verb::Remember { memory, steps } => {
                self.steps(steps, times.map(|n| n * forgotten(self.scenario, memory)));
            }
            Verb::Meter(call) => self.hop(called(call), By::Call(call), times),
            Verb::Publish(publish) => self.message(publish, times),
            Verb::Work(_) | Verb::Wait(_) => {}
        }
    }

    fn hop(&mut self, to: Program<'s>, by: By<'s>, times: Option<f64>) {
        if self.graph.find(&to).is_some() {
            self.graph.connect(self.from, to, Hop { by, times });
        }
    }

    /// Messages go to the consumers of a queue, each to one of them, or to one of each group of a topic.
    fn message(&mut self, publish: &'s Publish, times: Option<f64>) {
        for (to, tries) in readers(self.scenario, &publish.to.value) {
            self.hop(to, By::Message(publish), times.map(|n| n * tries));
        }
    }
}

/// The consumers of a queue or topic, and how often each handles a message that comes there, on average.
pub(crate) fn readers<'s>(scenario: &'s Scenario, broker: &str) -> Vec<(Program<'s>, f64)> {
    let all = walk::consumers(scenario, broker);
    let members =
        |(node, c): &(&Node, &Consumer)| f64::from(node.most_replicas()) * f64::from(node.asks(c).concurrency.value);
    let mut whole: BTreeMap<Option<&str>, f64> = BTreeMap::new();
    all.iter().for_each(|one| *whole.entry(group_of(one.1)).or_default() += members(one));
    let of = |one: &(&'s Node, &'s Consumer)| {
        let tries = deliveries(scenario.queues.get(broker), one.1);
        let program = (one.0.name.value.as_str(), one.1.program.name.value.as_str());
        (program, tries * (members(one) / whole[&group_of(one.1)]))
    };
    all.iter().map(of).collect()
}

fn group_of(consumer: &Consumer) -> Option<&str> {
    consumer.group.as_ref().map(|group| group.value.as_str())
}

/// Deliveries of one message on average: what fails and goes back is delivered again.
pub(crate) fn deliveries(queue: Option<&Queue>, consumer: &Consumer) -> f64 {
    let fails = consumer.program.error_rate.value;
    let most = match (queue, &consumer.retries.value) {
        (Some(queue), _) => queue.max_deliveries.value.map_or(f64::INFINITY, f64::from),
        (None, Some(rule)) => rule.max.value.map_or(f64::INFINITY, |max| 1.0 + f64::from(max)),
        (None, None) => return 1.0,
    };
    if queue.is_some() && consumer.on_error.value != OnError::Retry || fails <= 0.0 {
        return 1.0;
    }
    if fails >= 1.0 { most.min(1e6) } else { (1.0 - fails.powf(most)) / (1.0 - fails) }
}
