//! What stands around a call as written: its timeout, how often it is tried, how long all of that may take.

use super::law_mean::mean;
use super::walk;
use super::written::{Call, Client, Given, Guards, Node, Retries, Scenario, on};
use crate::model::policy::{Backoff, Exponential};
use crate::units::Span;

/// The timeout of a call: its own, its policy's, the default policy's.
pub(crate) fn timeout_of(scenario: &Scenario, call: &Call) -> Option<Span> {
    scenario.guards(call).timeout.map(|timeout| timeout.value)
}

/// What guards a client's calls.
pub(crate) fn of_client(scenario: &Scenario, client: &Client) -> Guards {
    let own = Guards {
        timeout: client.timeout.value.map(|value| Given { value, place: client.timeout.place.clone() }),
        retries: client.retries.clone(),
        ..Guards::default()
    };
    match client.policy.as_ref().and_then(|name| scenario.policies.get(&name.value)) {
        Some(policy) => own.over(&policy.guards),
        None => own,
    }
}

/// Whether some call passes its deadline on.
pub(crate) fn propagates(scenario: &Scenario) -> bool {
    let calls = scenario.nodes.values().flat_map(Node::programs).flat_map(walk::calls);
    let own = calls.map(|call| scenario.guards(call));
    let mut all = own.chain(scenario.clients.values().map(|client| of_client(scenario, client)));
    all.any(|guards| guards.propagate_deadline.is_some_and(|given| given.value))
}

/// Tries of one call at most.
pub(crate) fn tries(guards: &Guards) -> u64 {
    let retries = on(&guards.retries).map_or(0, |rule| u64::from(rule.max.value));
    1 + retries.max(on(&guards.hedge).map_or(0, |rule| u64::from(rule.max.value)))
}

/// The longest a call may take, all tries and waits included; `None`: no bound.
pub(crate) fn longest(guards: &Guards) -> Option<Span> {
    let tries = guards.timeout.as_ref().and_then(|timeout| {
        let per_try = on(&guards.hedge).map_or(timeout.value, |rule| {
            timeout.value + Span((mean(&rule.after.value) * f64::from(rule.max.value)) as u64)
        });
        on(&guards.retries).map_or(Some(per_try), |rule| all_tries(rule, per_try))
    });
    match (&guards.deadline, tries) {
        (Some(deadline), Some(tries)) => Some(deadline.value.min(tries)),
        (Some(deadline), None) => Some(deadline.value),
        (None, tries) => tries,
    }
}

/// Tries beyond which nobody adds up waits any more.
const MANY: u32 = 1_000;

fn all_tries(rule: &Retries, per_try: Span) -> Option<Span> {
    if rule.max.value > MANY {
        return None;
    }
    let backoff = rule.exponential();
    let waits = (0..rule.max.value).map(|nth| match backoff {
        Some(Backoff::Exponential(waits)) => Exponential::longest(&waits, nth),
        _ => Span(mean(&rule.backoff.value) as u64),
    });
    Some(waits.fold(per_try, |sum, wait| sum + wait + per_try))
}
