//! Policies: numbers that cannot be, rules that contradict each other, and rules that can never matter.

use std::collections::BTreeMap;

use super::super::guarded::of_client;
use super::ranges::zero;
use super::walk;
use crate::diag::{Complaint, code};
use crate::model::Outcome;
use crate::model::policy::{BudgetSpec, Stage};
use crate::random::dist::Law;
use crate::scenario::law_mean::mean;
use crate::scenario::written::{
    AdaptiveThrottle, BalancePer, Bulkhead, CircuitBreaker, ConcurrencyLimit, Given, Guards, Hedge, How, Node, Place,
    RateLimit, Retries, Rule, Scenario, TransportSpec, on,
};
use crate::units::Span;

/// Complains about numbers that cannot be.
pub(super) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    for policy in scenario.policies.values() {
        guards(&policy.guards, complaints);
    }
    for client in scenario.clients.values() {
        on(&client.retries).into_iter().for_each(|rule| retries(rule, complaints));
    }
    for node in scenario.nodes.values() {
        on(&node.rate_limit).into_iter().for_each(|rule| rate_limit(rule, complaints));
        on(&node.concurrency_limit).into_iter().for_each(|rule| concurrency_limit(rule, complaints));
    }
    for endpoint in scenario.nodes.values().flat_map(Node::programs) {
        walk::calls(endpoint).into_iter().for_each(|call| guards(&call.guards, complaints));
    }
}

fn guards(all: &Guards, complaints: &mut Vec<Complaint>) {
    for (key, given, why) in [
        ("timeout", &all.timeout, "every call would fail at once"),
        ("deadline", &all.deadline, "every call would fail at once"),
    ] {
        let none = given.as_ref().is_some_and(|given| given.value == Span::ZERO);
        zero(none, key, given.as_ref().and_then(|given| given.place.as_ref()), why, complaints);
    }
    on(&all.retries).into_iter().for_each(|rule| retries(rule, complaints));
    on(&all.circuit_breaker).into_iter().for_each(|rule| breaker(rule, complaints));
    on(&all.bulkhead).into_iter().for_each(|rule| bulkhead(rule, complaints));
    on(&all.rate_limit).into_iter().for_each(|rule| rate_limit(rule, complaints));
    on(&all.hedge).into_iter().for_each(|rule| hedge(rule, complaints));
    on(&all.concurrency_limit).into_iter().for_each(|rule| concurrency_limit(rule, complaints));
    on(&all.adaptive_throttle).into_iter().for_each(|rule| throttle(rule, complaints));
}

fn none<T: PartialEq>(key: &str, given: &Given<T>, nothing: &T, why: &str, complaints: &mut Vec<Complaint>) {
    zero(given.value == *nothing, key, given.place.as_ref(), why, complaints);
}

fn out(message: String, place: Option<Place>, complaints: &mut Vec<Complaint>) {
    complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(place));
}

fn retries(rule: &Retries, complaints: &mut Vec<Complaint>) {
    none(
        "backoff_factor",
        &rule.backoff_factor,
        &0.0,
        "there would be no second wait; write 1.0 for equal waits",
        complaints,
    );
    let constant = matches!(rule.backoff.value, Law::Constant { .. });
    if let (false, Some(place)) = (constant, rule.backoff_max.place.clone().or_else(|| rule.jitter.place.clone())) {
        let harmless = rule.backoff_max.place.is_none() && rule.jitter.value == crate::model::policy::Jitter::None;
        if !harmless {
            let message = "`backoff` varies by itself; `backoff_max` and `jitter` change nothing";
            complaints.push(Complaint::warning(code::NO_EFFECT, message).at(place));
        }
    }
    if let (Law::Constant { value }, Some(max)) = (&rule.backoff.value, rule.backoff_max.value)
        && (max.0 as f64) < *value
    {
        let message = format!("`backoff_max` ({max}) is below `backoff` ({})", Span(*value as u64));
        let complaint = Complaint::error(code::CONTRADICTION, message).at(rule.backoff_max.place.clone());
        complaints.push(complaint.help("every wait would be the maximum; write that as `backoff`"));
    }
    let place = rule.budget.place.clone();
    match rule.budget.value {
        Some(BudgetSpec::Tokens { cap, cost, .. }) if cap < cost => {
            out(format!("a retry costs {cost} tokens, but there are never more than {cap}"), place, complaints);
        }
        Some(BudgetSpec::Half { max_tokens, .. }) => {
            zero(max_tokens == 0.0, "max_tokens", place.as_ref(), "no retry would ever be allowed", complaints);
        }
        Some(BudgetSpec::Share { share, min_per_second, ttl }) => {
            let never = share * ttl.as_secs_f64() == 0.0 && min_per_second == 0.0;
            zero(never, "budget", place.as_ref(), "no retry would ever be allowed", complaints);
        }
        _ => {}
    }
}

fn breaker(rule: &CircuitBreaker, complaints: &mut Vec<Complaint>) {
    none("failure_rate", &rule.failure_rate, &0.0, "it would trip at the first call", complaints);
    none("slow_rate", &rule.slow_rate, &0.0, "it would trip at the first call", complaints);
    none("window", &rule.window, &Span::ZERO, "nothing would ever be in it", complaints);
    none("window_calls", &rule.window_calls, &Some(0), "nothing would ever be in it", complaints);
    none("consecutive", &rule.consecutive, &Some(0), "it would trip at the first call", complaints);
    none("open_for", &rule.open_for, &Span::ZERO, "it would never be open", complaints);
    none("half_open_calls", &rule.half_open_calls, &0, "it would never close again", complaints);
    if let (Some(window), Some(place)) = (rule.window_calls.value, rule.min_calls.place.clone())
        && rule.min_calls.value > window
    {
        let message = format!("`min_calls` is {}, but only {window} calls are looked at", rule.min_calls.value);
        complaints.push(Complaint::error(code::CONTRADICTION, message).at(place).help("at most `window_calls`"));
    }
    if let Some(max) = rule.open_for_max.value.filter(|max| *max < rule.open_for.value) {
        let message = format!("`open_for_max` ({max}) is below `open_for` ({})", rule.open_for.value);
        complaints.push(Complaint::error(code::CONTRADICTION, message).at(rule.open_for_max.place.clone()));
    }
}

fn bulkhead(rule: &Bulkhead, complaints: &mut Vec<Complaint>) {
    none("max_concurrent", &rule.max_concurrent, &0, "no call would ever pass", complaints);
}

fn rate_limit(rule: &RateLimit, complaints: &mut Vec<Complaint>) {
    zero(rule.rate.value.0 <= 0.0, "rate", rule.rate.place.as_ref(), "no call would ever pass", complaints);
    none("window", &rule.window, &Span::ZERO, "nothing would ever be counted", complaints);
    if let Some(burst) = rule.burst.value.filter(|burst| *burst < 1.0) {
        out(format!("`burst` is {burst}: a call takes a whole token"), rule.burst.place.clone(), complaints);
    }
}

fn hedge(rule: &Hedge, complaints: &mut Vec<Complaint>) {
    none("max", &rule.max, &0, "leave the hedge out instead", complaints);
}

fn concurrency_limit(rule: &ConcurrencyLimit, complaints: &mut Vec<Complaint>) {
    let spec = crate::scenario::lower::adaptive_limit(rule);
    let place = [&rule.min, &rule.max].into_iter().find_map(|given| given.place.clone());
    let place = place.or_else(|| rule.initial.place.clone()).or_else(|| rule.kind.place.clone());
    none("min", &rule.min, &Some(0), "no call would ever pass", complaints);
    if spec.min > spec.max || spec.initial < spec.min || spec.initial > spec.max {
        let message = format!("the limit starts at {} and runs from {} to {}", spec.initial, spec.min, spec.max);
        complaints.push(Complaint::error(code::CONTRADICTION, message).at(place).help("write min ≤ initial ≤ max"));
    }
}

fn throttle(rule: &AdaptiveThrottle, complaints: &mut Vec<Complaint>) {
    none("window", &rule.window, &Span::ZERO, "nothing would ever be remembered", complaints);
    if rule.k.value < 1.0 {
        let message = format!("`k` is {}: it would refuse what the callee accepts", rule.k.value);
        complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(rule.k.place.clone()).help("1.0 or more"));
    }
}

/// What may be said of a rule, by where it stands: it is said only if it holds for every call that the rule guards.
#[derive(Default)]
struct Doubts(BTreeMap<(usize, String), (Complaint, bool)>);

impl Doubts {
    fn put(&mut self, place: Option<&Place>, key: &str, holds: bool, complaint: impl FnOnce() -> Complaint) {
        let Some(place) = place else { return };
        let entry = self.0.entry((place.start, key.to_owned()));
        let known = entry.or_insert_with(|| (complaint().at(place.clone()), true));
        known.1 &= holds;
    }

    /// The same for what is wrong if it holds for any call.
    fn put_any(&mut self, place: Option<&Place>, key: &str, holds: bool, complaint: impl FnOnce() -> Complaint) {
        if holds {
            self.put(place, key, true, complaint);
        }
    }
}

/// Rules that contradict each other or can never matter, as they come together at each call.
pub(super) fn look(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    let mut doubts = Doubts::default();
    let wired = |spec: &TransportSpec| spec.connections.is_some();
    let bound = scenario.discovery.balance_per.value == BalancePer::Connection;
    for client in scenario.clients.values() {
        let guards = of_client(scenario, client);
        together(&guards, &mut doubts);
        per_replica(&guards, bound && wired(walk::client_transport(scenario, client)), &mut doubts);
    }
    for node in scenario.nodes.values() {
        for call in node.programs().flat_map(walk::calls) {
            if !walk::transport_of(scenario, call).is_in_process() {
                let guards = scenario.guards(call);
                let over = walk::transport_of(scenario, call);
                together(&guards, &mut doubts);
                per_replica(&guards, bound && matches!(over, How::Over(spec) if wired(spec)), &mut doubts);
            }
        }
    }
    complaints.extend(doubts.0.into_values().filter(|(_, holds)| *holds).map(|(complaint, _)| complaint));
}

#[expect(clippy::ref_option, reason = "a rule is kept as an option, and looked at where it is kept")]
fn place<T>(rule: &Rule<T>) -> Option<&Place> {
    rule.as_ref()?.place.as_ref()
}

fn together(guards: &Guards, doubts: &mut Doubts) {
    let warn = |message: String, help: &str| Complaint::warning(code::NO_EFFECT, message).help(help.to_owned());
    let (retry, hedge) = (on(&guards.retries).filter(|rule| rule.max.value > 0), on(&guards.hedge));
    if let (Some(timeout), Some(deadline)) = (&guards.timeout, &guards.deadline) {
        let place = timeout.place.as_ref().or(deadline.place.as_ref());
        doubts.put(place, "timeout", timeout.value >= deadline.value, || {
            let message = format!("the timeout of a try, {}, is not below the deadline of the call", timeout.value);
            warn(message, "the deadline comes first, so a try that hangs is never tried again")
        });
    }
    if let (Some(rule), Some(timeout)) = (hedge, &guards.timeout) {
        let after = mean(&rule.after.value);
        doubts.put(rule.after.place.as_ref(), "hedge", after >= timeout.value.0 as f64, || {
            let message = format!("the hedge comes after {}, when the first try has timed out", Span(after as u64));
            warn(message, "hedge earlier: at the 95th percentile of the callee's latency, for example")
        });
    }
    if let (Some(_), Some(_)) = (retry, hedge) {
        let place = place(&guards.hedge).or_else(|| place(&guards.retries));
        doubts.put(place, "both", true, || {
            let message = "a call retries or hedges, not both";
            Complaint::error(code::CONTRADICTION, message).help("keep one; `retries = \"none\"` leaves the other out")
        });
    }
    if let Some(rule) = retry {
        never(rule, guards, doubts);
        let waits = rule.budget.value.is_none() && rule.max.value >= 3 && mean(&rule.backoff.value) == 0.0;
        doubts.put(place(&guards.retries), "storm", waits, || {
            let message = format!("{} retries at once and without a budget", rule.max.value);
            Complaint::warning(code::RETRY_STORM, message)
                .help("a callee that fails under load gets more of it; give a backoff with jitter and a budget of 10 %")
        });
    }
}

/// Breakers of replicas ask for a caller that picks the replica of each try; `bound`: its connections do.
fn per_replica(guards: &Guards, bound: bool, doubts: &mut Doubts) {
    let Some(rule) = on(&guards.circuit_breaker).filter(|rule| rule.per_replica.value) else { return };
    let at = |stage| guards.order.as_ref().and_then(|order| order.value.iter().position(|other| *other == stage));
    let first = at(Stage::Breaker).is_some_and(|breaker| Some(breaker) < at(Stage::Retry));
    doubts.put_any(rule.per_replica.place.as_ref(), "per", rule.outside.value.unwrap_or(first), || {
        let message = "a breaker for each replica cannot count calls: the tries of a call go to several";
        Complaint::error(code::CONTRADICTION, message).help("write counts = \"tries\", or per = \"callee\"")
    });
    doubts.put_any(rule.per_replica.place.as_ref(), "bound", bound, || {
        let message =
            "a breaker for each replica, but the caller does not pick replicas: its connections are bound to them";
        let help =
            "write [discovery] balance_per = \"request\", as client libraries and sidecars do, or per = \"callee\"";
        Complaint::error(code::CONTRADICTION, message).help(help)
    });
}

/// Failures that `on` names and that this call cannot end with.
fn never(rule: &Retries, guards: &Guards, doubts: &mut Doubts) {
    let limited = on(&guards.bulkhead).is_some() || on(&guards.concurrency_limit).is_some();
    let breaker = on(&guards.circuit_breaker);
    let inside = breaker.is_some_and(|rule| rule.outside.value != Some(true));
    let impossible = [
        (Outcome::Timeout, guards.timeout.is_none(), "there is no timeout per try"),
        (Outcome::Deadline, true, "when the deadline has passed there is no time for another try"),
        (Outcome::CircuitOpen, !inside, "there is no breaker inside the retries"),
        (Outcome::BulkheadFull, !limited, "there is no bulkhead"),
        (Outcome::Abandoned, true, "nobody is there to try again"),
    ];
    for (outcome, holds, why) in impossible {
        if rule.on.value.contains(&outcome) {
            doubts.put(rule.on.place.as_ref(), outcome.word(), holds, || {
                let message = format!("`on` names `{}`, but {why}", outcome.word());
                Complaint::warning(code::NO_EFFECT, message).help("leave it out, or add what it waits for")
            });
        }
    }
}
