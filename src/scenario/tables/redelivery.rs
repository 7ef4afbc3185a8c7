//! `retries` of a consumer: a record that fails is tried again where it stands.

use super::super::declare::{CountOr, Duration, Maybe, Number, Or, Varying, table};
use super::super::law_mean::mean;
use super::super::lower::Lowering;
use super::super::walk;
use super::super::written::{Given, Scenario};
use super::consumers::{Consumer, OnError};
use super::queues::Unlimited;
use super::retries::{Spread, Waits};
use crate::diag::{Complaint, code};
use crate::graph::Graph;
use crate::model::id::NONE;
use crate::model::policy::{Backoff, Jitter};
use crate::model::stream;
use crate::random::dist::Law;
use crate::units::Span;

table! {
    /// `retries` of a consumer.
    pub struct Redelivery: "retries of a consumer",
    "A record that fails is tried again where it stands, and all that its consumer has waits behind it; then `on_error` says what becomes of it. The defaults are those of Spring Kafka's `DefaultErrorHandler`." {
        max: Given<Option<u32>> as Or<CountOr<Unlimited>> = "9", "Tries after the first.";
        backoff: Given<Law> as Or<Varying> = "\"0s\"",
            "The wait before the first of them; a law that varies is drawn alike each time.";
        backoff_max: Given<Option<Span>> as Maybe<Duration>, "The longest wait. Default: ten times `backoff`.";
        backoff_factor: Given<f64> as Or<Number> = "1.0", "How much longer each wait is than the one before.";
        jitter: Given<Jitter> as Or<Spread> = "\"none\"", "How waits are spread; \"20%\": so much less or more.";
    }
}

impl Redelivery {
    fn waits(&self) -> Waits<'_> {
        let Self { backoff, backoff_max, backoff_factor, jitter, .. } = self;
        Waits { backoff, backoff_max, backoff_factor, jitter }
    }

    /// The longest wait there is, as far as it is known.
    fn longest(&self) -> Span {
        match self.waits().exponential() {
            // Waits grow, or they all are the first.
            Some(Backoff::Exponential(waits)) => {
                waits.longest(0).max(waits.longest(self.max.value.unwrap_or(64).saturating_sub(1)))
            }
            _ => Span(mean(&self.backoff.value) as u64),
        }
    }
}

impl Lowering<'_> {
    pub(super) fn redelivery(&mut self, rule: &Redelivery) -> stream::Redelivery {
        stream::Redelivery { max: rule.max.value.unwrap_or(NONE), backoff: self.waits(&rule.waits()) }
    }
}

/// Complains about numbers that cannot be, and retries that end in nothing.
pub(super) fn ranges(consumer: &Consumer, complaints: &mut Vec<Complaint>) {
    let Some(rule) = &consumer.retries.value else { return };
    rule.waits().ranges(complaints);
    if rule.max.value.is_some() && consumer.on_error.value == OnError::Retry {
        let message = "`retries` come to an end, and nothing says what becomes of the record then";
        let place = consumer.on_error.place.clone().or_else(|| consumer.retries.place.clone());
        complaints.push(
            Complaint::error(code::CONTRADICTION, message)
                .at(place)
                .help("say so: on_error = \"dead_letter\" or \"skip\"; to try for ever: max = \"unlimited\""),
        );
    }
}

/// What runs but looks wrong.
pub(super) fn look(consumer: &Consumer, complaints: &mut Vec<Complaint>) {
    let Some(rule) = &consumer.retries.value else { return };
    if rule.max.value.is_none() && consumer.on_error.value != OnError::Retry {
        let complaint = Complaint::warning(code::UNUSED, "`on_error` means nothing beside retries without end");
        complaints.push(complaint.at(consumer.on_error.place.clone()));
    }
    let (longest, limit) = (rule.longest(), consumer.max_poll_interval.value);
    if rule.max.value != Some(0) && longest > limit {
        let message = format!(
            "a consumer that waits {longest} before it tries again is given up by its group after {limit}, and its record begins anew"
        );
        let complaint = Complaint::warning(code::DELIVERED_TWICE, message).at(consumer.retries.place.clone());
        complaints.push(complaint.help(
            "lower `backoff` or `backoff_max`, lengthen `max_poll_interval`, or let it wait in a topic: dead_letter, and `delay` of whoever reads that",
        ));
    }
}

/// Complains about events that go round among topics: each of them would for ever, as nothing here counts how often one came back.
pub(super) fn circles(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let mut graph = Graph::new();
    scenario.topics.keys().for_each(|topic| {
        graph.add(topic.as_str());
    });
    for topic in scenario.topics.keys() {
        let letters = walk::consumers(scenario, topic).into_iter().filter_map(|(_, c)| c.dead_letter.as_ref());
        for dead in letters.filter(|dead| scenario.topics.contains_key(&dead.value)) {
            graph.connect(topic.as_str(), dead.value.as_str(), dead.place.clone());
        }
    }
    for circle in graph.circles(|_, _, _| true) {
        let path: Vec<&str> = circle.path.iter().map(|topic| **topic).collect();
        let message = format!("dead letters go round in a circle: {}", path.join(" → "));
        let complaint = Complaint::error(code::DEAD_LETTER_CYCLE, message).at(circle.closes.clone());
        complaints.push(
            complaint
                .label("closes the circle")
                .help("a topic for each try: the dead letters of the last one stay there"),
        );
    }
}
