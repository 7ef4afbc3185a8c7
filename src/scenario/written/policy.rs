//! Policies as written.

use crate::model::Outcome;
use crate::model::policy::{BudgetSpec, Jitter, LimitKind, Refill, Stage};
use crate::random::dist::Law;
use crate::units::{Rate, Span};

use super::{Call, Cancels, Given, Scenario};

/// `[policies.*]`.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Name, placed at its table header.
    pub name: Given<String>,
    /// The library it starts from.
    pub like: Option<Given<String>>,
    /// What it says.
    pub guards: Guards,
}

/// A rule that may be absent (nobody says anything), switched off (`None` inside), or there.
pub type Rule<T> = Option<Given<Option<T>>>;

/// What a policy says, and a call inline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guards {
    /// Per try.
    pub timeout: Option<Given<Span>>,
    /// Over all tries.
    pub deadline: Option<Given<Span>>,
    /// Whether the callee's own calls inherit it.
    pub propagate_deadline: Option<Given<bool>>,
    /// Tries again.
    pub retries: Rule<Retries>,
    /// Stops calling.
    pub circuit_breaker: Rule<CircuitBreaker>,
    /// So many at once.
    pub bulkhead: Rule<Bulkhead>,
    /// So many per time.
    pub rate_limit: Rule<RateLimit>,
    /// Tries twice.
    pub hedge: Rule<Hedge>,
    /// As many as the latency allows.
    pub concurrency_limit: Rule<ConcurrencyLimit>,
    /// As many as the callee takes.
    pub adaptive_throttle: Rule<AdaptiveThrottle>,
    /// What a caller that gave up stops; absent: as the transport does.
    pub cancels: Option<Given<Cancels>>,
    /// The chain.
    pub order: Option<Given<Vec<Stage>>>,
}

/// `retries`.
#[derive(Clone, Debug, PartialEq)]
pub struct Retries {
    /// Tries after the first.
    pub max: Given<u32>,
    /// What is tried again.
    pub on: Given<Vec<Outcome>>,
    /// The first wait if constant, else every wait.
    pub backoff: Given<Law>,
    /// The longest wait; `None`: ten times the first.
    pub backoff_max: Given<Option<Span>>,
    /// From one wait to the next.
    pub backoff_factor: Given<f64>,
    /// How waits are spread.
    pub jitter: Given<Jitter>,
    /// What bounds them.
    pub budget: Given<Option<BudgetSpec>>,
}

/// `circuit_breaker`.
#[derive(Clone, Debug, PartialEq)]
pub struct CircuitBreaker {
    /// Share of failures.
    pub failure_rate: Given<f64>,
    /// What is slow; `None`: nothing.
    pub slow_call: Given<Option<Span>>,
    /// Share of slow ones.
    pub slow_rate: Given<f64>,
    /// A time window.
    pub window: Given<Span>,
    /// A count window; `None`: the time window holds.
    pub window_calls: Given<Option<u32>>,
    /// Failures in a row; `None`: a rate counts.
    pub consecutive: Given<Option<u32>>,
    /// Below so many it does not judge.
    pub min_calls: Given<u32>,
    /// How long it stays open.
    pub open_for: Given<Span>,
    /// How long at most; `None`: always `open_for`.
    pub open_for_max: Given<Option<Span>>,
    /// Probes.
    pub half_open_calls: Given<u32>,
    /// Whether the first failed probe decides; `None`: as its window says.
    pub first_failure: Given<Option<bool>>,
    /// What counts; `None`: every failure.
    pub on: Given<Option<Vec<Outcome>>>,
    /// Whether it stands outside the retries; `None`: as the order says.
    pub outside: Given<Option<bool>>,
    /// Whether each replica of the callee has its own.
    pub per_replica: Given<bool>,
}

/// `bulkhead`.
#[derive(Clone, Debug, PartialEq)]
pub struct Bulkhead {
    /// So many at once.
    pub max_concurrent: Given<u32>,
    /// How long one waits for room.
    pub max_wait: Given<Span>,
    /// Whether who gives up stays inside until the callee has answered; default no.
    pub until_answered: Given<bool>,
}

/// How a rate limit measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Tokens.
    TokenBucket,
    /// From boundary to boundary.
    FixedWindow,
    /// The last window.
    SlidingWindow,
}

/// `rate_limit`.
#[derive(Clone, Debug, PartialEq)]
pub struct RateLimit {
    /// How many per second.
    pub rate: Given<Rate>,
    /// How it is measured.
    pub algorithm: Given<Algorithm>,
    /// Tokens at most; `None`: what one second brings.
    pub burst: Given<Option<f64>>,
    /// How tokens come back.
    pub refill: Given<Refill>,
    /// Of the window algorithms.
    pub window: Given<Span>,
    /// How long one waits for its turn; at a node's door: not at all.
    pub max_wait: Given<Span>,
    /// At a node's door: whether each client has its own.
    pub per_client: Given<bool>,
}

/// `shed`.
#[derive(Clone, Debug, PartialEq)]
pub struct Shed {
    /// How long the first in line may have waited.
    pub queue_longer_than: Given<Span>,
}

/// `hedge`.
#[derive(Clone, Debug, PartialEq)]
pub struct Hedge {
    /// From one try to the next.
    pub after: Given<Law>,
    /// Tries after the first.
    pub max: Given<u32>,
    /// Whether the first that is begun takes the others from their lines.
    pub tied: Given<bool>,
}

/// `concurrency_limit`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConcurrencyLimit {
    /// How it adapts.
    pub kind: Given<LimitKind>,
    /// At the start.
    pub initial: Given<u32>,
    /// At least; `None`: the kind's own.
    pub min: Given<Option<u32>>,
    /// At most; `None`: the kind's own.
    pub max: Given<Option<u32>>,
}

/// `adaptive_throttle`.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptiveThrottle {
    /// Requests per accept.
    pub k: Given<f64>,
    /// How long they are remembered.
    pub window: Given<Span>,
}

impl Guards {
    /// These, and where they say nothing, `below`.
    #[must_use]
    pub fn over(&self, below: &Guards) -> Guards {
        #[expect(clippy::ref_option, reason = "a rule is kept as an option, and looked at where it is kept")]
        fn first<T: Clone>(a: &Option<T>, b: &Option<T>) -> Option<T> {
            a.as_ref().or(b.as_ref()).cloned()
        }
        Guards {
            timeout: first(&self.timeout, &below.timeout),
            deadline: first(&self.deadline, &below.deadline),
            propagate_deadline: first(&self.propagate_deadline, &below.propagate_deadline),
            retries: first(&self.retries, &below.retries),
            circuit_breaker: first(&self.circuit_breaker, &below.circuit_breaker),
            bulkhead: first(&self.bulkhead, &below.bulkhead),
            rate_limit: first(&self.rate_limit, &below.rate_limit),
            hedge: first(&self.hedge, &below.hedge),
            concurrency_limit: first(&self.concurrency_limit, &below.concurrency_limit),
            adaptive_throttle: first(&self.adaptive_throttle, &below.adaptive_throttle),
            cancels: first(&self.cancels, &below.cancels),
            order: first(&self.order, &below.order),
        }
    }

    /// Whether nothing guards but, perhaps, a timeout.
    pub fn is_plain(&self) -> bool {
        #[expect(clippy::ref_option, reason = "a rule is kept as an option, and looked at where it is kept")]
        fn off<T>(rule: &Rule<T>) -> bool {
            rule.as_ref().is_none_or(|given| given.value.is_none())
        }
        self.deadline.is_none()
            && off(&self.retries)
            && off(&self.circuit_breaker)
            && off(&self.bulkhead)
            && off(&self.rate_limit)
            && off(&self.hedge)
            && off(&self.concurrency_limit)
            && off(&self.adaptive_throttle)
    }
}

/// A rule that is there.
pub fn on<T>(rule: &Rule<T>) -> Option<&T> {
    rule.as_ref()?.value.as_ref()
}

impl Scenario {
    /// What guards a call: what it says itself, else its policy, else the default policy.
    pub fn guards(&self, call: &Call) -> Guards {
        let name = call.policy.as_ref().or(self.defaults.policy.as_ref());
        match name.and_then(|name| self.policies.get(&name.value)) {
            Some(policy) => call.guards.over(&policy.guards),
            None => call.guards.clone(),
        }
    }
}
