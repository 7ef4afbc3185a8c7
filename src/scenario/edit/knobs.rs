//! What can be turned: the speed of a node or an edge, a number of replicas, workers, connections or places, a timeout, a
//! policy's retries. A scenario with one of them turned is a scenario; its hash is its own.

use std::collections::BTreeSet;
use std::fmt;

use super::super::written::{Call, Given, Guards, Link, Rule, Scenario, Step, Verb, on};
use super::super::{Checked, each_call, hash};
use crate::graph::Arrow;
use crate::random::dist::Law;
use crate::units::Span;

/// Something that can be turned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Knob {
    /// How long a node's own work takes.
    Tempo(String),
    /// How long messages take between a caller and a callee, each way.
    Latency(String, String),
    /// Replicas of a node.
    Replicas(String),
    /// Workers of each replica.
    Concurrency(String),
    /// Cores of each replica.
    Cores(String),
    /// Places in each replica's line.
    QueueLimit(String),
    /// Connections of a service's replicas to a database.
    Pool(String, String),
    /// Connections that a database takes.
    MaxConnections(String),
    /// How long a client waits.
    ClientTimeout(String),
    /// How long each try under a policy may take.
    PolicyTimeout(String),
    /// The timeouts that a node's calls to another have of their own.
    CallTimeout(String, String),
    /// A policy's retries; off is the only way to turn them.
    Retries(String),
    /// The retries that a node's calls to another have of their own.
    CallRetries(String, String),
    /// The retries of a client.
    ClientRetries(String),
    /// How many calls a policy lets out at once.
    Bulkhead(String),
    /// The same of a node's calls to another.
    CallBulkhead(String, String),
    /// How many calls a policy lets out per time.
    RateLimit(String),
    /// The same of a node's calls to another.
    CallRateLimit(String, String),
    /// How long a service waits for a connection to a database.
    PoolWait(String, String),
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Less of it: shorter, fewer, off.
    Down,
    /// More of it.
    Up,
}

/// A tenth more or less; of a whole number at least one.
const NOTCH: f64 = 0.1;

/// Timeouts are turned by so much.
const NOTCH_OF_TIMEOUTS: f64 = 0.25;

impl Way {
    fn sign(self) -> f64 {
        match self {
            Self::Down => -1.0,
            Self::Up => 1.0,
        }
    }

    /// A whole number a notch on; `None` below one.
    fn count(self, now: u32) -> Option<u32> {
        let notch = (f64::from(now) * NOTCH).round().max(1.0) as u32;
        match self {
            Self::Up => now.checked_add(notch),
            Self::Down => now.checked_sub(notch).filter(|n| *n > 0),
        }
    }

    fn span(self, now: Span) -> Span {
        Span::from_secs_f64(now.as_secs_f64() * (1.0 + self.sign() * NOTCH_OF_TIMEOUTS))
    }
}

impl Knob {
    /// Where it is, for who depends on whom; a policy is everywhere.
    pub fn place(&self) -> Option<&str> {
        match self {
            Self::PolicyTimeout(_) | Self::Retries(_) | Self::Bulkhead(_) | Self::RateLimit(_) => None,
            Self::Tempo(at)
            | Self::Latency(at, _)
            | Self::Replicas(at)
            | Self::Concurrency(at)
            | Self::Cores(at)
            | Self::QueueLimit(at)
            | Self::Pool(at, _)
            | Self::MaxConnections(at)
            | Self::ClientTimeout(at)
            | Self::ClientRetries(at)
            | Self::CallRetries(at, _)
            | Self::CallBulkhead(at, _)
            | Self::CallRateLimit(at, _)
            | Self::PoolWait(at, _)
            | Self::CallTimeout(at, _) => Some(at),
        }
    }
}

impl fmt::Display for Knob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tempo(node) => f.write_str(node),
            Self::Latency(from, to) => write!(f, "{}", Arrow { from, to }),
            Self::Replicas(node) => write!(f, "{node} replicas"),
            Self::Concurrency(node) => write!(f, "{node} concurrency"),
            Self::Cores(node) => write!(f, "{node} cores"),
            Self::QueueLimit(node) => write!(f, "{node} queue_limit"),
            Self::Pool(node, to) => write!(f, "{node} pool to {to}"),
            Self::MaxConnections(node) => write!(f, "{node} max_connections"),
            Self::ClientTimeout(client) => write!(f, "{client} timeout"),
            Self::PolicyTimeout(policy) => write!(f, "policy {policy} timeout"),
            Self::CallTimeout(from, to) => write!(f, "{} timeout", Arrow { from, to }),
            Self::Retries(policy) => write!(f, "policy {policy} retries"),
            Self::CallRetries(from, to) => write!(f, "{} retries", Arrow { from, to }),
            Self::ClientRetries(client) => write!(f, "{client} retries"),
            Self::Bulkhead(policy) => write!(f, "policy {policy} bulkhead"),
            Self::CallBulkhead(from, to) => write!(f, "{} bulkhead", Arrow { from, to }),
            Self::RateLimit(policy) => write!(f, "policy {policy} rate_limit"),
            Self::CallRateLimit(from, to) => write!(f, "{} rate_limit", Arrow { from, to }),
            Self::PoolWait(node, to) => write!(f, "{node} wait for {to}"),
        }
    }
}

/// All that a file has to turn.
pub fn knobs(checked: &Checked) -> Vec<Knob> {
    let scenario = &checked.scenario;
    let mut all = BTreeSet::new();
    for (name, node) in &scenario.nodes {
        let own = || name.clone();
        all.extend([Knob::Tempo(own()), Knob::Replicas(own()), Knob::Concurrency(own()), Knob::Cores(own())]);
        all.extend([Knob::QueueLimit(own()), Knob::MaxConnections(own())]);
        all.extend(node.pools.keys().map(|to| Knob::Pool(own(), to.clone())));
        all.extend(node.pools.keys().map(|to| Knob::PoolWait(own(), to.clone())));
        for call in node.programs().flat_map(each_call) {
            let to = || call.target.value.node.clone();
            all.extend([Knob::Latency(own(), to()), Knob::CallTimeout(own(), to()), Knob::CallRetries(own(), to())]);
            all.extend([Knob::CallBulkhead(own(), to()), Knob::CallRateLimit(own(), to())]);
        }
    }
    for (name, client) in &scenario.clients {
        all.extend([Knob::ClientTimeout(name.clone()), Knob::ClientRetries(name.clone())]);
        all.extend(client.calls.iter().map(|call| Knob::Latency(name.clone(), call.target.value.node.clone())));
    }
    for name in scenario.policies.keys() {
        all.extend([Knob::PolicyTimeout(name.clone()), Knob::Retries(name.clone())]);
        all.extend([Knob::Bulkhead(name.clone()), Knob::RateLimit(name.clone())]);
    }
    all.retain(|knob| [Way::Down, Way::Up].into_iter().any(|way| turned(checked, knob, way).is_some()));
    all.into_iter().collect()
}

/// The scenario with one thing turned by a notch, and what was done, such as `10 → 11`; `None` where there is nothing to
/// turn, or not that way.
pub fn turned(checked: &Checked, knob: &Knob, way: Way) -> Option<(Checked, String)> {
    let mut scenario = checked.scenario.clone();
    let told = turn(&mut scenario, knob, way)?;
    let hash = hash(&scenario);
    Some((Checked { scenario, hash, ..checked.clone() }, told))
}

/// The scenario with all that a node does taking so many times as long; `None` where it does nothing.
pub fn slowed(checked: &Checked, node: &str, factor: f64) -> Option<Checked> {
    let mut scenario = checked.scenario.clone();
    pace(&mut scenario, node, factor).then(|| Checked { hash: hash(&scenario), scenario, ..checked.clone() })
}

fn turn(scenario: &mut Scenario, knob: &Knob, way: Way) -> Option<String> {
    let factor = 1.0 + way.sign() * NOTCH;
    let percent = || format!("{}10 %", if way == Way::Up { "+" } else { "−" });
    match knob {
        Knob::Tempo(node) => pace(scenario, node, factor).then(percent),
        Knob::Latency(from, to) => far(scenario, from, to, factor).then(percent),
        Knob::Replicas(node) => {
            let node = scenario.nodes.get_mut(node)?;
            // What follows the load has no number of its own.
            (node.most_replicas() == node.replicas.value).then_some(())?;
            counted(&mut node.replicas.value, way)
        }
        Knob::Concurrency(node) => counted(scenario.nodes.get_mut(node)?.concurrency.value.as_mut()?, way),
        Knob::QueueLimit(node) => counted(scenario.nodes.get_mut(node)?.queue_limit.value.as_mut()?, way),
        Knob::MaxConnections(node) => counted(scenario.nodes.get_mut(node)?.max_connections.value.as_mut()?, way),
        Knob::Pool(node, to) => counted(&mut scenario.nodes.get_mut(node)?.pools.get_mut(to)?.connections.value, way),
        Knob::Cores(node) => {
            let cores = scenario.nodes.get_mut(node)?.cores.value.as_mut()?;
            let before = *cores;
            *cores =
                (before + way.sign() * (before * NOTCH).max(if before < 2.0 { before * NOTCH } else { 1.0 })).max(1e-3);
            Some(format!("{before} → {cores}"))
        }
        Knob::ClientTimeout(client) => Some(timed(scenario.clients.get_mut(client)?.timeout.value.as_mut()?, way)),
        Knob::PolicyTimeout(policy) => {
            Some(timed(&mut scenario.policies.get_mut(policy)?.guards.timeout.as_mut()?.value, way))
        }
        Knob::CallTimeout(from, to) => {
            own_calls(scenario, from, to, |guards| Some(timed(&mut guards.timeout.as_mut()?.value, way)))
        }
        Knob::Retries(policy) => switched_off(&mut scenario.policies.get_mut(policy)?.guards.retries, way),
        Knob::CallRetries(from, to) => own_calls(scenario, from, to, |guards| switched_off(&mut guards.retries, way)),
        Knob::ClientRetries(client) => switched_off(&mut scenario.clients.get_mut(client)?.retries, way),
        Knob::Bulkhead(policy) => at_once(&mut scenario.policies.get_mut(policy)?.guards, way),
        Knob::CallBulkhead(from, to) => own_calls(scenario, from, to, |guards| at_once(guards, way)),
        Knob::RateLimit(policy) => per_time(&mut scenario.policies.get_mut(policy)?.guards, factor),
        Knob::CallRateLimit(from, to) => own_calls(scenario, from, to, |guards| per_time(guards, factor)),
        Knob::PoolWait(node, to) => Some(timed(&mut scenario.nodes.get_mut(node)?.pools.get_mut(to)?.wait.value, way)),
    }
}

/// A bulkhead with room for more or fewer.
fn at_once(guards: &mut Guards, way: Way) -> Option<String> {
    counted(&mut guards.bulkhead.as_mut()?.value.as_mut()?.max_concurrent.value, way)
}

/// A limit that lets so many times as many through.
fn per_time(guards: &mut Guards, factor: f64) -> Option<String> {
    let rate = &mut guards.rate_limit.as_mut()?.value.as_mut()?.metered.rate.value;
    let before = rate.0;
    rate.0 *= factor;
    Some(format!("{before}/s → {}/s", rate.0))
}

/// A rule that can only be left out.
fn switched_off<T>(rule: &mut Rule<T>, way: Way) -> Option<String> {
    (way == Way::Down && on(rule).is_some()).then(|| {
        *rule = Some(Box::new(Given { value: None, place: None }));
        "off".to_owned()
    })
}

fn counted(now: &mut u32, way: Way) -> Option<String> {
    let before = *now;
    *now = way.count(before)?;
    Some(format!("{before} → {now}"))
}

fn timed(now: &mut Span, way: Way) -> String {
    let before = *now;
    *now = way.span(before);
    format!("{before} → {now}")
}

/// All that a node does takes so many times as long; whether it does anything.
fn pace(scenario: &mut Scenario, node: &str, factor: f64) -> bool {
    let mut any = false;
    let Some(node) = scenario.nodes.get_mut(node) else { return false };
    let consumed = node.consumes.iter_mut().map(|consumer| &mut consumer.program);
    for program in node.endpoints.values_mut().map(AsMut::as_mut).chain(consumed) {
        for law in [&mut program.work.value, &mut program.wait.value].into_iter().flatten() {
            (*law, any) = (law.times(factor), true);
        }
        each_step_mut(&mut program.steps, &mut |step| {
            if let Verb::Work(law) | Verb::Wait(law) = &mut step.verb {
                (*law, any) = (law.times(factor), true);
            }
        });
    }
    any
}

/// Messages between two take so many times as long; whether they take any time.
fn far(scenario: &mut Scenario, from: &str, to: &str, factor: f64) -> bool {
    let law = scenario.latency(from, to).times(factor);
    if matches!(law, Law::Constant { value: 0.0 }) {
        return false;
    }
    let links = &mut scenario.network.links;
    match links.iter_mut().find(|link| link.from.value == from && link.to.value == to) {
        Some(link) => link.latency = Some(Given { value: law, place: None }),
        None => links.push(Link::plain(from, to, law)),
    }
    true
}

/// What the calls of one node to another have of their own, turned; what was done to the last of them.
fn own_calls(
    scenario: &mut Scenario,
    from: &str,
    to: &str,
    turn: impl Fn(&mut Guards) -> Option<String>,
) -> Option<String> {
    let mut told = None;
    let node = scenario.nodes.get_mut(from)?;
    let consumed = node.consumes.iter_mut().map(|consumer| &mut consumer.program);
    for program in node.endpoints.values_mut().map(AsMut::as_mut).chain(consumed) {
        each_step_mut(&mut program.steps, &mut |step| {
            if let Some(call) = call_mut(step).filter(|call| call.target.value.node == to) {
                told = turn(&mut call.guards).or(told.take());
            }
        });
    }
    told
}

fn call_mut(step: &mut Step) -> Option<&mut Call> {
    match &mut step.verb {
        Verb::Call(call) | Verb::Query(call) | Verb::Cache { call, .. } | Verb::Meter(call) => Some(call),
        _ => None,
    }
}

/// Every step, and what is inside.
fn each_step_mut(steps: &mut [Step], visit: &mut impl FnMut(&mut Step)) {
    for step in steps {
        visit(step);
        match &mut step.verb {
            Verb::Parallel { branches, .. } => {
                branches.iter_mut().for_each(|branch| each_step_mut(std::slice::from_mut(&mut branch.step), visit));
            }
            Verb::Split(arms) => arms.iter_mut().for_each(|arm| each_step_mut(&mut arm.steps, visit)),
            Verb::Transaction { steps, .. } | Verb::Remember { steps, .. } => each_step_mut(steps, visit),
            Verb::Cache { on_miss, .. } => each_step_mut(on_miss, visit),
            Verb::Call(call) | Verb::Query(call) => {
                if let Some(fallback) = &mut call.fallback {
                    each_step_mut(&mut fallback.value, visit);
                }
            }
            Verb::Publish(_) | Verb::Work(_) | Verb::Wait(_) | Verb::Meter(_) => {}
        }
    }
}
