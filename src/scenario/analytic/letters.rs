//! What is given up and handled again elsewhere: retry topics, and dead letters that somebody consumes. Of what a consumer fails so many
//! are handed on as its tries leave: with a share p of failures and n tries of a message each try leaves p^n (1 − p) ÷ (1 − p^n); p is the
//! consumer's own `error_rate`, what its callees fail is left to the run. What
//! expires, does not fit, or comes back because its consumer was late or died is left to the run, and so are letters that go round without an end.

use super::super::programs::{deliveries, readers};
use super::messages::Messages;
use super::{Edge, Model};
use crate::scenario::written::{Consumer, OnError, Scenario};

impl Model<'_> {
    /// Letters are edges, too.
    pub(super) fn add_letters(&mut self) {
        let scenario = self.scenario;
        for node in scenario.nodes.values() {
            for consumer in &node.consumes {
                let Some(from) = self.programs.find(&(&node.name.value, &consumer.program.name.value)) else { continue };
                let letters = self.letters(consumer);
                self.vertices[from].edges.extend(letters);
            }
        }
    }

    /// Where the letters of a consumer are handled, how often each time that it tries.
    fn letters(&self, consumer: &Consumer) -> Vec<Edge> {
        let (Some(at), share) = (lies(self.scenario, consumer), left(self.scenario, consumer)) else { return Vec::new() };
        let readers = if share > 0.0 { readers(self.scenario, at) } else { Vec::new() };
        let edge = |(program, times): ((&str, &str), f64)| {
            let to = self.programs.find(&program)?;
            Some(Edge { to, times: share * times, messages: Some(Messages::default()), letter: true })
        };
        readers.into_iter().filter_map(edge).collect()
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

/// What share of a consumer's tries leaves a letter.
fn left(scenario: &Scenario, consumer: &Consumer) -> f64 {
    let (fails, queue) = (consumer.program.error_rate.value, scenario.queues.get(&consumer.from.value));
    let tries = match (queue, &consumer.retries.value, consumer.on_error.value) {
        (None, Some(rule), OnError::DeadLetter) => rule.max.value.map(|max| max.saturating_add(1)),
        (_, _, OnError::DeadLetter) => Some(1),
        (Some(queue), _, OnError::Retry) => queue.max_deliveries.value,
        _ => None,
    };
    tries.map_or(0.0, |tries| fails.powf(f64::from(tries)) / deliveries(queue, consumer))
}
