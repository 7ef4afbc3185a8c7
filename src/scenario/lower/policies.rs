//! Rules of calls: from what policies and calls say to what the machine asks.

use crate::model::id::NONE;
use crate::model::policy::{
    Backoff, BreakerSpec, BulkheadSpec, Exponential, Hedge, IntakeSpec, LimitKind, LimitSpec, Metering, ORDER,
    OutcomeSet, RateLimitSpec, Retry, Rules, Shed, Slow, Stage, ThrottleSpec, Window,
};
use crate::model::{LawId, Outcome};
use crate::random::dist::Law;
use crate::units::Span;

use super::super::written::{self, Algorithm, Guards, Node, on};
use super::Lowering;

/// How much longer than the first the longest wait of a backoff is, where nobody says: Envoy's.
const LONGEST: u64 = 10;

impl Lowering<'_> {
    /// The rules of a call, `NONE` where nothing but a timeout guards it. Calls with equal rules share them, and so between
    /// one caller and one callee their state.
    pub(super) fn rules(&mut self, guards: &Guards) -> u32 {
        if guards.is_plain() {
            return NONE;
        }
        let mut rules = Rules {
            deadline: guards.deadline.as_ref().map(|deadline| self.lane(deadline.value)),
            propagate: guards.propagate_deadline.as_ref().is_some_and(|given| given.value),
            timeout: guards.timeout.as_ref().map(|timeout| self.lane(timeout.value)),
            retry: on(&guards.retries).map(|rule| self.retry(rule)),
            hedge: on(&guards.hedge).map(|rule| Hedge {
                after: self.rule_law(&rule.after.value),
                max: rule.max.value,
                tied: rule.tied.value,
            }),
            rate_limit: on(&guards.rate_limit).map(rate_limit),
            bulkhead: on(&guards.bulkhead).map(|rule| BulkheadSpec {
                max_concurrent: rule.max_concurrent.value,
                max_wait: rule.max_wait.value,
                until_answered: rule.until_answered.value,
            }),
            breaker: on(&guards.circuit_breaker).map(breaker),
            throttle: on(&guards.adaptive_throttle)
                .map(|rule| ThrottleSpec { k: rule.k.value, window: rule.window.value }),
            limit: on(&guards.concurrency_limit).map(limit),
            stages: Vec::new(),
            early: false,
        };
        rules.arrange(&order(guards));
        let plan = &mut self.plan;
        *self.rules.entry(format!("{rules:?}")).or_insert_with(|| {
            plan.rules.push(rules);
            plan.rules.len() as u32 - 1
        })
    }

    fn retry(&mut self, rule: &written::Retries) -> Retry {
        let backoff = exponential(rule).unwrap_or_else(|| Backoff::Law(self.rule_law(&rule.backoff.value)));
        let on = failures(&rule.on.value);
        Retry { max: rule.max.value, on, backoff, budget: rule.budget.value }
    }

    /// A law of a rule; equal laws are one, so that equal rules are.
    fn rule_law(&mut self, law: &Law) -> LawId {
        let told = format!("{law:?}");
        if let Some(id) = self.rule_laws.get(&told) {
            return *id;
        }
        let id = self.law(law);
        self.rule_laws.insert(told, id);
        id
    }
}

/// Waits that grow, where the first one is constant.
pub(in crate::scenario) fn exponential(rule: &written::Retries) -> Option<Backoff> {
    let Law::Constant { value } = rule.backoff.value else { return None };
    let base = Span(value.round() as u64);
    let max = rule.backoff_max.value.unwrap_or(Span(base.0.saturating_mul(LONGEST)));
    let factor = rule.backoff_factor.value;
    Some(Backoff::Exponential(Exponential { base, factor, max, jitter: rule.jitter.value }))
}

/// The chain, with the breaker outside the retries where it counts calls.
fn order(guards: &Guards) -> Vec<Stage> {
    let mut order = guards.order.as_ref().map_or_else(|| ORDER.to_vec(), |given| given.value.clone());
    // A stage that an order leaves out but a rule is there for stands where it always does: right before the timer.
    for stage in ORDER {
        if !order.contains(&stage) {
            let timer = order.iter().position(|other| *other == Stage::Timer).unwrap_or(order.len());
            order.insert(timer, stage);
        }
    }
    if let Some(outside) = on(&guards.circuit_breaker).and_then(|rule| rule.outside.value) {
        let is_outside = |order: &[Stage]| {
            let at = |stage| order.iter().position(|other| *other == stage);
            at(Stage::Breaker) < at(Stage::Retry)
        };
        if is_outside(&order) != outside {
            order.retain(|stage| *stage != Stage::Breaker);
            let tries = order.iter().position(|stage| *stage == Stage::Retry).unwrap_or(0);
            order.insert(if outside { tries } else { tries + 1 }, Stage::Breaker);
        }
    }
    order
}

fn breaker(rule: &written::CircuitBreaker) -> BreakerSpec {
    let min_calls = rule.min_calls.value;
    let window = match (rule.consecutive.value, rule.window_calls.value) {
        (Some(failures), _) => Window::Consecutive { failures },
        (None, Some(calls)) => Window::Calls { calls, min_calls: min_calls.min(calls) },
        (None, None) => Window::Time { length: rule.window.value, min_calls },
    };
    let on: OutcomeSet = match &rule.on.value {
        Some(on) => failures(on),
        None => Outcome::FAILURES.into_iter().collect(),
    };
    BreakerSpec {
        window,
        failure_rate: rule.failure_rate.value,
        slow: rule.slow_call.value.map(|after| Slow { after, rate: rule.slow_rate.value }),
        open_for: rule.open_for.value,
        open_for_max: rule.open_for_max.value.unwrap_or(rule.open_for.value),
        half_open_calls: rule.half_open_calls.value,
        first_failure: rule.first_failure.value.unwrap_or(rule.consecutive.value.is_some()),
        on,
        per_replica: rule.per_replica.value,
    }
}

/// A rate limit as run.
fn rate_limit(rule: &written::RateLimit) -> RateLimitSpec {
    let rate = rule.rate.value.per_second();
    let metering = match rule.algorithm.value {
        Algorithm::TokenBucket => {
            Metering::TokenBucket { burst: rule.burst.value.unwrap_or(rate.max(1.0)), refill: rule.refill.value }
        }
        Algorithm::FixedWindow => Metering::FixedWindow { window: rule.window.value },
        Algorithm::SlidingWindow => Metering::SlidingWindow { window: rule.window.value },
    };
    RateLimitSpec { rate, metering, max_wait: rule.max_wait.value, per_client: rule.per_client.value }
}

/// A deadlock's victim fails with an error like any other, for whoever does not ask.
fn failures(on: &[Outcome]) -> OutcomeSet {
    let victims = on.contains(&Outcome::Error).then_some(Outcome::Deadlock);
    on.iter().copied().chain(victims).collect()
}

/// What a node refuses at its door.
pub(super) fn intake(node: &Node) -> Option<IntakeSpec> {
    let spec = IntakeSpec {
        rate_limit: on(&node.rate_limit).map(rate_limit),
        shed: on(&node.shed).map(|shed| Shed { queue_longer_than: shed.queue_longer_than.value }),
        limit: on(&node.concurrency_limit).map(limit),
    };
    (spec != IntakeSpec::default()).then_some(spec)
}

/// An adaptive limit as run.
pub(in crate::scenario) fn limit(rule: &written::ConcurrencyLimit) -> LimitSpec {
    let (min, max) = match rule.kind.value {
        LimitKind::Vegas => (1, 1_000),
        LimitKind::Gradient | LimitKind::Aimd => (20, 200),
    };
    let (min, max) = (rule.min.value.unwrap_or(min), rule.max.value.unwrap_or(max));
    LimitSpec {
        kind: rule.kind.value,
        initial: f64::from(rule.initial.value),
        min: f64::from(min),
        max: f64::from(max),
    }
}
