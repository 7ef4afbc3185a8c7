//! What is given up and handled again elsewhere: retry topics, and dead letters that somebody consumes. Of what a consumer fails so many
//! are handed on as its tries leave: with a share p of failures and n tries of a message each try leaves p^n (1 − p) ÷ (1 − p^n); p is the
//! consumer's `error_rate` and, as far as their own say it, those of all whom it asks. What
//! expires, does not fit, or comes back because its consumer was late or died is left to the run, and so are letters that go round without an end.

use super::super::guarded::tries;
use super::super::programs::{deliveries, forgotten, readers};
use super::messages::Messages;
use super::{Edge, Model};
use crate::scenario::written::{Call, Consumer, OnError, Scenario, Step, Verb};

impl Model<'_> {
    /// Letters are edges, too.
    pub(super) fn add_letters(&mut self) {
        let (scenario, fails) = (self.scenario, self.fails());
        for node in scenario.nodes.values() {
            for consumer in &node.consumes {
                let Some(from) = self.programs.find(&(&node.name.value, &consumer.program.name.value)) else {
                    continue;
                };
                let letters = self.letters(consumer, fails[from]);
                self.vertices[from].edges.extend(letters);
            }
        }
    }

    /// Where the letters of a consumer are handled, how often each time that it tries.
    fn letters(&self, consumer: &Consumer, fails: f64) -> Vec<Edge> {
        let share = left(self.scenario, consumer, fails);
        let Some(at) = lies(self.scenario, consumer) else { return Vec::new() };
        let readers = if share > 0.0 { readers(self.scenario, at) } else { Vec::new() };
        let edge = |(program, times): ((&str, &str), f64)| {
            let to = self.programs.find(&program)?;
            Some(Edge { to, times: share * times, messages: Some(Messages::default()), letter: true })
        };
        readers.into_iter().filter_map(edge).collect()
    }

    /// What share of the runs of each program fails by an `error_rate`, callees first; what goes round in circles is taken to go well.
    fn fails(&self) -> Vec<f64> {
        let mut fails = vec![0.0; self.vertices.len()];
        for &at in &self.order {
            let endpoint = self.vertices[at].endpoint;
            fails[at] = 1.0 - (1.0 - endpoint.error_rate.value) * self.well(&endpoint.steps, &fails);
        }
        fails
    }

    /// How likely it is that all steps go well.
    fn well(&self, steps: &[Step], fails: &[f64]) -> f64 {
        let one = |step: &Step| {
            let once = 1.0 - step.probability.value * (1.0 - self.goes_well(&step.verb, fails));
            once.powf(f64::from(step.times.value))
        };
        steps.iter().map(one).product()
    }

    fn goes_well(&self, verb: &Verb, fails: &[f64]) -> f64 {
        match verb {
            Verb::Call(call) | Verb::Query(call) => self.answers(call, fails),
            Verb::Cache { call, on_miss } => 1.0 - self.misses(call) * (1.0 - self.well(on_miss, fails)),
            Verb::Transaction { steps, .. } => self.well(steps, fails),
            Verb::Remember { memory, steps } => {
                1.0 - forgotten(self.scenario, memory) * (1.0 - self.well(steps, fails))
            }
            // Where not all have to succeed, enough are taken to.
            Verb::Parallel { branches, wait_for } if wait_for.value.is_none() => {
                let needed = branches.iter().filter(|branch| !branch.optional.value);
                needed.map(|branch| self.well(std::slice::from_ref(&branch.step), fails)).product()
            }
            Verb::Split(arms) => {
                let sum: f64 = arms.iter().map(|arm| arm.weight.value).sum();
                arms.iter().map(|arm| arm.weight.value / sum * self.well(&arm.steps, fails)).sum()
            }
            Verb::Parallel { .. } | Verb::Publish(_) | Verb::Meter(_) | Verb::Work(_) | Verb::Wait(_) => 1.0,
        }
    }

    /// A call goes well if one of its tries does, or what is done instead.
    fn answers(&self, call: &Call, fails: &[f64]) -> f64 {
        let once = self.of(call).map_or(0.0, |at| fails[at]);
        let all = once.powf(tries(&self.scenario.guards(call)) as f64);
        1.0 - call.fallback.as_ref().map_or(all, |instead| all * (1.0 - self.well(&instead.value, fails)))
    }

    /// Letters that go round without an end are not counted.
    pub(super) fn forget_letters(&mut self) {
        self.vertices.iter_mut().for_each(|vertex| vertex.edges.retain(|edge| !edge.letter));
    }
}

/// Where the letters of a consumer come to lie: where somebody consumes them, by way of queues in which they expire.
fn lies<'s>(scenario: &'s Scenario, consumer: &'s Consumer) -> Option<&'s str> {
    let own = scenario.queues.get(&consumer.from.value).map_or(&consumer.dead_letter, |queue| &queue.dead_letter);
    let mut at = own.as_ref()?.value.as_str();
    for _ in 0..=scenario.queues.len() {
        let queue = scenario.queues.get(at).filter(|_| readers(scenario, at).is_empty());
        let Some(next) = queue.filter(|queue| queue.message_ttl.value.is_some()).and_then(|q| q.dead_letter.as_ref())
        else {
            return Some(at);
        };
        at = &next.value;
    }
    None
}

/// What share of a consumer's tries, of which so many fail, leaves a letter.
fn left(scenario: &Scenario, consumer: &Consumer, fails: f64) -> f64 {
    let queue = scenario.queues.get(&consumer.from.value);
    let tries = match (queue, &consumer.retries.value, consumer.on_error.value) {
        (None, Some(rule), OnError::DeadLetter) => rule.max.value.map(|max| max.saturating_add(1)),
        (_, _, OnError::DeadLetter) => Some(1),
        (Some(queue), _, OnError::Retry) => queue.max_deliveries.value,
        _ => None,
    };
    tries.map_or(0.0, |tries| fails.powf(f64::from(tries)) / deliveries(queue, consumer))
}
