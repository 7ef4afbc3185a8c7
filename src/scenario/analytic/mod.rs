//! What to expect before anything runs: how often each node is visited, what that asks of its workers, and how long an
//! answer takes at the very least; and how much memory a run needs. From the file as written alone: this room knows nothing
//! of how a file is read, checked, printed or lowered. What is wrong with what it finds, the checks say.

mod attempts;
mod consumers;
mod expected;
mod flow;
mod held;
mod hops;
mod letters;
mod members;
mod memory;
mod messages;
mod primary;
mod proxies;
mod rates;
mod relaxation;
mod seldom;
mod times;

use std::collections::BTreeMap;

use self::flow::{Flow, ROUNDS};
use self::hops::Hop;
use self::messages::Messages;
pub(super) use self::rates::open_rate;
use self::times::Times;
use super::walk::{self, laws_of};
use crate::random::dist::Law;
use crate::scenario::law_mean::mean;
use crate::scenario::programs::{Hop as Leads, Programs, forgotten, misses, program, programs};
use crate::scenario::written::{
    Call, Client, ClientCall, Door, Endpoint, How, Io, Link, Load, Node, NodeKind, Scenario, Step, Target, Verb, on,
};

pub use expected::{Busiest, ConsumerForecast, Forecast, NodeForecast, Shared, SharedKind};
pub(super) use held::pools;
pub use memory::{CEILING, Memory};
pub(super) use memory::{memory, power};
pub use relaxation::{Slowest, slowest};
pub use seldom::surprises;

/// A call of an endpoint: whom, how often on average, and what its messages cost; `None` for a function call.
struct Edge {
    to: usize,
    times: f64,
    messages: Option<Messages>,
    /// Whether it is no call, but what a consumer gives up.
    letter: bool,
}

impl Edge {
    /// What is expected of a hop; nothing where it is a fallback's.
    fn of(scenario: &Scenario, to: usize, hop: &Leads<'_>) -> Option<Self> {
        let messages = match hop.call().map(|call| (call, walk::transport_of(scenario, call))) {
            None => Some(Messages::default()),
            Some((_, How::InProcess)) => None,
            Some((call, How::Over(spec))) => Some(Messages::of(spec, call)),
        };
        Some(Self { to, times: hop.times?, messages, letter: false })
    }
}

/// A program and what is known of it.
struct Vertex<'s> {
    node: &'s str,
    endpoint: &'s Endpoint,
    edges: Vec<Edge>,
    /// Own CPU and waits, function calls included, nanoseconds.
    cpu: f64,
    wait: f64,
    /// Least mean time to the answer, without the callee's share of the messages.
    response: f64,
}

struct Model<'s> {
    scenario: &'s Scenario,
    programs: Programs<'s>,
    vertices: Vec<Vertex<'s>>,
    /// Callees before callers, as far as circles allow.
    order: Vec<usize>,
    /// The mean of each law of the scenario, by its address: a fit is not repeated every round.
    means: BTreeMap<*const Law, f64>,
    /// The same of what is known of each call before any round.
    hops: BTreeMap<*const Call, Hop>,
    links: BTreeMap<(&'s str, &'s str), &'s Link>,
}

/// What to expect of a scenario that is free of errors.
pub fn forecast(scenario: &Scenario) -> Forecast {
    let mut graph = Model::new(scenario);
    graph.settle_times();
    let mut out = Forecast::default();
    let (mut external, mut peak) = (Flow::none(graph.vertices.len()), Flow::none(graph.vertices.len()));
    let asked = graph.asked();
    for (name, client) in &scenario.clients {
        let (mean, top) = graph.client_rates(client);
        if mean.is_infinite() {
            out.spins = Some(name.clone());
        }
        let (mean, top) = (if mean.is_finite() { mean } else { 0.0 }, if top.is_finite() { top } else { 0.0 });
        out.clients.push((name.clone(), mean));
        for call in &client.calls {
            if let Some(i) = graph.at(&call.target.value) {
                let messages = Messages::of_client(walk::client_transport(scenario, client), call);
                let [mean, top] = let_in(scenario, client, call, [mean, top], &asked);
                external.add(i, mean, &messages);
                peak.add(i, top, &messages);
            }
        }
    }
    graph.add_letters();
    let (mut average, mut height) = (graph.visits(&external), graph.visits(&peak));
    if average.is_none() || height.is_none() {
        graph.forget_letters();
        (average, height) = (graph.visits(&external), graph.visits(&peak));
    }
    out.explodes = average.is_none() || height.is_none();
    let (average, height) = (average.unwrap_or(external), height.unwrap_or(peak));
    let seconds = scenario.sim.duration.value.as_secs_f64() + scenario.sim.warmup.value.span().as_secs_f64();
    out.events = graph.events(&average) * seconds;
    out.shared = graph.shared(&out.clients, &average, &height);
    out.databases = held::databases(scenario);
    out.consumers = graph.consumers(&average, &height);
    out.programs = graph.arrivals(&average);
    out.nodes = scenario.nodes.values().map(|node| graph.node(node, &average, &height)).collect();
    graph.primaries(&mut out.nodes, &average, &height);
    let worst = attempts::worst(scenario);
    let proxies = graph.proxies(&average, &height);
    out.events += proxies.iter().map(|proxy| proxy.rate).sum::<f64>() * seconds;
    for node in &mut out.nodes {
        node.worst_attempts = worst.get(node.name.as_str()).copied().unwrap_or(1);
    }
    out.nodes.extend(proxies);
    out
}

/// Of so many requests of a client per second, on average and at the height, how many calls a limit at the gateway lets in; of all
/// that it counts together each client's share.
fn let_in(
    scenario: &Scenario,
    client: &Client,
    call: &ClientCall,
    rates: [f64; 2],
    asked: &BTreeMap<&str, [f64; 2]>,
) -> [f64; 2] {
    let own = rates.map(|rate| rate * call.often());
    let node = &call.target.value.node;
    let gateway = scenario.nodes.get(node).filter(|node| node.kind == NodeKind::Gateway);
    let Some((gateway, limit)) = gateway.and_then(|gateway| Some((gateway, on(&gateway.door.rate_limit)?))) else {
        return own;
    };
    let counts = if limit.counter.is_some() { 1 } else { gateway.most_replicas() };
    let most = limit.metered.rate.value.per_second() * f64::from(counts);
    let calls = client.calls.iter().filter(|call| call.target.value.node == *node);
    let of_client: f64 = calls.map(ClientCall::often).sum();
    let each = limit.per.value == Door::Client;
    let all = asked.get(node.as_str()).copied().filter(|_| !each).unwrap_or(rates.map(|rate| rate * of_client));
    [0, 1].map(|at| own[at] * (most / all[at].max(most)))
}

impl<'s> Model<'s> {
    /// What clients ask of each node per second, on average and at the height.
    fn asked(&self) -> BTreeMap<&'s str, [f64; 2]> {
        let mut asked: BTreeMap<&str, [f64; 2]> = BTreeMap::new();
        for client in self.scenario.clients.values() {
            let (mean, top) = self.client_rates(client);
            for call in &client.calls {
                let all = asked.entry(&call.target.value.node).or_default();
                *all = [all[0] + mean * call.often(), all[1] + top * call.often()];
            }
        }
        asked
    }

    fn new(scenario: &'s Scenario) -> Self {
        let programs = programs(scenario);
        let vertex = |at: usize| {
            let (node, name) = *programs.name(at);
            let endpoint = program(scenario, (node, name));
            let endpoint = endpoint.unwrap_or_else(|| unreachable!("the graph is of the programs that there are"));
            let edges = programs.leaving(at).filter_map(|(to, hop)| Edge::of(scenario, to, hop)).collect();
            Vertex { node, endpoint, edges, cpu: 0.0, wait: 0.0, response: 0.0 }
        };
        let vertices = (0..programs.len()).map(vertex).collect();
        // Fallbacks are not expected to run.
        let order = programs.callees_first(|hop| hop.times.is_some());
        let mut means = BTreeMap::new();
        laws_of(scenario, &mut |law| {
            means.insert(&raw const *law, mean(law));
        });
        let mut links = BTreeMap::new();
        for link in &scenario.network.links {
            links.entry((link.from.value.as_str(), link.to.value.as_str())).or_insert(link);
        }
        let mut graph = Self { scenario, programs, vertices, order, means, hops: BTreeMap::new(), links };
        for v in &graph.vertices {
            for call in walk::calls(v.endpoint) {
                let hop = graph.hop(call, v.node);
                graph.hops.extend(hop.map(|hop| (&raw const *call, hop)));
            }
        }
        graph
    }

    /// What comes to each program per second.
    fn arrivals(&self, flow: &Flow) -> Vec<(String, String, f64)> {
        let name = |at: usize| *self.programs.name(at);
        let all = flow.visits.iter().enumerate();
        all.map(|(at, rate)| (name(at).0.to_owned(), name(at).1.to_owned(), *rate)).collect()
    }

    /// The share of looks that miss.
    fn misses(&self, call: &Call) -> f64 {
        misses(self.scenario, call)
    }

    fn of(&self, call: &Call) -> Option<usize> {
        self.at(&call.target.value)
    }

    fn at(&self, target: &Target) -> Option<usize> {
        self.programs.find(&(target.node.as_str(), target.endpoint.as_str()))
    }

    /// Own times and least response times, callees first; circles settle over rounds.
    fn settle_times(&mut self) {
        for _ in 0..ROUNDS {
            let mut change: f64 = 0.0;
            for k in 0..self.order.len() {
                let i = self.order[k];
                let v = &self.vertices[i];
                let own = |law: &Option<Law>| law.as_ref().map_or(0.0, |law| self.mean(law));
                let (cpu, wait) = (own(&v.endpoint.work.value), own(&v.endpoint.wait.value));
                let inner = self.sequence(&v.endpoint.steps, v.node);
                let response = cpu + wait + inner.response;
                change = change.max((response - v.response).abs() / response.max(1.0));
                let v = &mut self.vertices[i];
                (v.cpu, v.wait, v.response) = (cpu + inner.cpu, wait + inner.wait, response);
            }
            if change < 1e-9 || !change.is_finite() {
                break;
            }
        }
    }

    fn mean(&self, law: &Law) -> f64 {
        self.means.get(&(&raw const *law)).copied().unwrap_or_else(|| mean(law))
    }

    fn sequence(&self, steps: &[Step], from: &str) -> Times {
        steps.iter().fold(Times::default(), |sum, step| {
            let one = self.one(step, from).times(step.probability.value);
            sum.plus(one.times(f64::from(step.times.value)))
        })
    }

    fn one(&self, step: &Step, from: &str) -> Times {
        match &step.verb {
            Verb::Work(law) => Times { cpu: self.mean(law), wait: 0.0, response: self.mean(law) },
            Verb::Wait(law) => Times { cpu: 0.0, wait: self.mean(law), response: self.mean(law) },
            Verb::Call(call) | Verb::Query(call) | Verb::Meter(call) => self.call(call),
            Verb::Cache { call, on_miss } => {
                self.call(call).plus(self.sequence(on_miss, from).times(self.misses(call)))
            }
            Verb::Publish(publish) => self.publish(publish, from),
            Verb::Transaction { steps, .. } => self.sequence(steps, from),
            Verb::Remember { memory, steps } => self.sequence(steps, from).times(forgotten(self.scenario, memory)),
            Verb::Parallel { branches, .. } => branches.iter().fold(Times::default(), |all, branch| {
                let copies = f64::from(branch.step.times.value);
                let one = self.one(&branch.step, from).times(branch.step.probability.value);
                all.beside(Times { cpu: one.cpu * copies, wait: one.wait, response: one.response })
            }),
            Verb::Split(arms) => {
                let sum: f64 = arms.iter().map(|arm| arm.weight.value).sum();
                arms.iter().fold(Times::default(), |all, arm| {
                    all.plus(self.sequence(&arm.steps, from).times(arm.weight.value / sum))
                })
            }
        }
    }

    /// Requests per second: averaged over the run, and at the height of the load.
    fn client_rates(&self, client: &Client) -> (f64, f64) {
        match &client.load {
            Load::Closed { users, think_time } => {
                let rate = self.closed_rate(client, f64::from(users.value), mean(&think_time.value));
                (rate, rate)
            }
            Load::Open { arrivals, phases, batch } => {
                let each = batch.value.as_ref().map_or(1.0, mean);
                let (average, top) = open_rate(&arrivals.value, phases, self.scenario.sim.duration.value.as_secs_f64());
                (average * each, top * each)
            }
        }
    }

    /// The asymptotic bounds of a closed network: no faster than without waiting, no faster than its narrowest node.
    fn closed_rate(&self, client: &Client, users: f64, think: f64) -> f64 {
        let mut external = Flow::none(self.vertices.len());
        let mut response = think;
        for call in &client.calls {
            if let Some(i) = self.at(&call.target.value) {
                let messages = Messages::of_client(walk::client_transport(self.scenario, client), call);
                external.add(i, call.often(), &messages);
                let away = self.away(&client.name.value, &self.vertices[i], &messages);
                response += call.often() * (messages.encode + away + messages.decode);
            }
        }
        let unhindered = if response > 0.0 { users / response * 1e9 } else { f64::INFINITY };
        let Some(flow) = self.visits(&external) else { return unhindered };
        let narrowest = self.scenario.nodes.values().map(|node| {
            let (cpu, held) = self.demand(node, &flow);
            let by = |n: Option<f64>, demand: f64| n.filter(|_| demand > 0.0).map_or(f64::INFINITY, |n| n / demand);
            let called = self.is_called(node);
            by(cpus(node, called), cpu).min(by(workers(node, called), held))
        });
        narrowest.fold(unhindered, f64::min)
    }

    /// CPU asked of a node and workers held there, in Erlangs, by remote visits to its endpoints; where its cores are
    /// shared, or nobody calls it, by the messages it consumes, too.
    fn demand(&self, node: &Node, flow: &Flow) -> (f64, f64) {
        let called = self.is_called(node);
        let counts = |i: usize| called != self.is_consumer(i);
        let of = |counts: &dyn Fn(usize) -> bool, own: &dyn Fn(&Vertex<'_>) -> f64| -> f64 {
            let all = self.of_node(&node.name.value).filter(|(i, _)| counts(*i));
            all.map(|(i, v)| (flow.visits[i] * own(v) + flow.codec[i]) / 1e9).sum()
        };
        let held = of(&counts, &|v| if called { holds(node, v) } else { v.response });
        if node.cores.value.is_some() { (of(&|_| true, &|v| v.cpu), held) } else { (of(&counts, &|v| v.cpu), held) }
    }

    fn is_called(&self, node: &Node) -> bool {
        node.consumes.is_empty() || walk::is_called(self.scenario, &node.name.value)
    }

    fn of_node<'g>(&'g self, node: &'g str) -> impl Iterator<Item = (usize, &'g Vertex<'s>)> {
        let own = self.programs.named_from((node, "")).take_while(move |((n, _), _)| *n == node);
        own.map(|(_, i)| (i, &self.vertices[i]))
    }

    /// Events per second, roughly: an arrival, its network, its work, each of its steps, and what messages cost.
    fn events(&self, flow: &Flow) -> f64 {
        let cost = |v: &Vertex<'_>| 3.0 + 0.5 * walk::unrolled(&v.endpoint.steps).min(1e6);
        let own: f64 = self.vertices.iter().zip(&flow.visits).map(|(v, x)| x * cost(v)).sum();
        own + flow.events
    }

    fn node(&self, node: &Node, average: &Flow, height: &Flow) -> NodeForecast {
        let name = &node.name.value;
        let called = self.is_called(node);
        let own = || self.of_node(name).filter(|(i, _)| called != self.is_consumer(*i));
        let sum = |flow: &Flow| own().map(|(i, _)| flow.visits[i]).sum::<f64>();
        let rate = sum(average);
        let answers: f64 = own().map(|(i, v)| average.visits[i] * v.response + average.codec[i]).sum();
        let per = |total: f64| if rate > 0.0 { total / rate } else { 0.0 };
        let ((offered, held), (peak, _)) = (self.demand(node, average), self.demand(node, height));
        let share = |load: f64, of: Option<f64>| of.map_or(0.0, |of| if of > 0.0 { load / of } else { 0.0 });
        NodeForecast {
            name: name.clone(),
            rate,
            peak_rate: sum(height),
            work_ms: per(offered * 1e3),
            offered,
            workers: workers(node, called),
            cpus: cpus(node, called),
            primary: None,
            utilization: share(offered, cpus(node, called)),
            peak_utilization: share(peak, cpus(node, called)),
            held: share(held, workers(node, called)),
            response_ms: per(answers / 1e6),
            worst_attempts: 1,
        }
    }
}

/// How long a request holds its worker.
fn holds(node: &Node, v: &Vertex<'_>) -> f64 {
    if node.io.value == Io::Blocking { v.response } else { v.cpu }
}

/// Workers over all replicas; those of a node that nobody calls are its consumers.
fn workers(node: &Node, called: bool) -> Option<f64> {
    let consumers = node.crowd(|_| true) as f64;
    let each = if called { node.concurrency.value.map(f64::from) } else { Some(consumers) };
    each.map(|each| each * f64::from(node.most_replicas()))
}

/// CPU over all replicas.
fn cpus(node: &Node, called: bool) -> Option<f64> {
    let replicas = f64::from(node.most_replicas());
    let workers = workers(node, called);
    match (node.cores.value, workers) {
        (Some(cores), Some(workers)) => Some((cores * replicas).min(workers)),
        (cores, workers) => cores.map(|cores| cores * replicas).or(workers),
    }
}
