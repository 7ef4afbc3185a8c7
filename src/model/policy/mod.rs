//! Policies: the rules that guard a call.
//!
//! `[policies.standard]` names a set of rules; a call takes it by `policy = "standard"`, `[defaults] policy` gives it to
//! all calls, and a call may say the same keys inline. Nothing guards a call unless something says so.
//!
//! ```text
//! call -> deadline -> fallback -> retry or hedge
//!           -> per try: rate limit -> bulkhead -> breaker -> throttle -> concurrency limit
//!             -> try timer starts -> pool of a database -> discovery -> load balancing -> connection -> link
//! ```
//!
//! A rule's state is kept per replica of the caller and callee, as in a client library or a sidecar: ten callers have ten
//! breakers that learn each for itself. Faults sit below the policies, so a retry sees them. A preset
//! (`like = "resilience4j"`) may carry that library's own order.

mod autoscale;
mod book;
mod breaker;
mod budget;
mod bulkhead;
mod hedge;
mod intake;
mod limit;
mod rate_limit;
mod retry;
mod shed;
mod throttle;
pub mod uses;
mod window;

pub use autoscale::{Autoscale, Autoscaler, Metric, Pace, Reading as ScaleReading, Select};
pub use breaker::{Breaker, BreakerSpec, BreakerTally, Phase, Slow, Window};
pub use budget::{Budget, BudgetSpec, Per};
pub use bulkhead::{Bulkhead, BulkheadSpec};
pub use hedge::Hedge;
pub use intake::{Intake, IntakeSpec};
pub use limit::{Kind as LimitKind, Limit, LimitSpec};
pub use rate_limit::{Metering, RateLimit, RateLimitSpec, Refill};
pub use retry::{Backoff, Exponential, Jitter, Retry};
pub use shed::Shed;
pub use throttle::{Throttle, ThrottleSpec};

use crate::units::Span;

use super::id::LaneId;
use super::outcome::Outcome;

/// What a rule says to a call, a try or a request that asks to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// When it may go on.
    Go,
    /// When it has to wait: a bulkhead's caller in line for so long at most, a rate limit's for exactly so long, after
    /// which it goes on without asking again.
    Wait(Span),
    /// When it fails at once.
    Refuse(Outcome),
}

/// A set of ways to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeSet(pub u16);

impl OutcomeSet {
    /// Whether it holds this one.
    #[inline]
    pub fn contains(self, outcome: Outcome) -> bool {
        self.0 & (1 << outcome as u16) != 0
    }

    /// All its members, in the order of the output.
    pub fn iter(self) -> impl Iterator<Item = Outcome> {
        Outcome::FAILURES.into_iter().filter(move |outcome| self.contains(*outcome))
    }
}

impl FromIterator<Outcome> for OutcomeSet {
    fn from_iter<I: IntoIterator<Item = Outcome>>(outcomes: I) -> Self {
        Self(outcomes.into_iter().fold(0, |set, outcome| set | 1 << outcome as u16))
    }
}

/// One guard in the chain, from the call to the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// When tries begin: what stands before guards the whole call, what stands behind guards each try.
    Retry,
    /// When the rate limit is asked.
    RateLimit,
    /// When the bulkhead is asked.
    Bulkhead,
    /// When the circuit breaker is asked.
    Breaker,
    /// When the adaptive throttle is asked.
    Throttle,
    /// When the adaptive concurrency limit is asked.
    Limit,
    /// When the timer of the try starts.
    Timer,
}

/// The order where nothing else is said.
pub const ORDER: [Stage; 7] =
    [Stage::Retry, Stage::RateLimit, Stage::Bulkhead, Stage::Breaker, Stage::Throttle, Stage::Limit, Stage::Timer];

/// The rules of one policy, as run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Over all tries of a call and the waits between them.
    pub deadline: Option<LaneId>,
    /// Whether the callee's own calls inherit what is left of the deadline.
    pub propagate: bool,
    /// Per try.
    pub timeout: Option<LaneId>,
    /// Tries again.
    pub retry: Option<Retry>,
    /// Sends a second try before the first has failed.
    pub hedge: Option<Hedge>,
    /// So many tries per time.
    pub rate_limit: Option<RateLimitSpec>,
    /// So many tries at once.
    pub bulkhead: Option<BulkheadSpec>,
    /// Stops calling a callee that fails.
    pub breaker: Option<BreakerSpec>,
    /// Refuses as many as the callee refuses.
    pub throttle: Option<ThrottleSpec>,
    /// So many tries at once as the latency allows.
    pub limit: Option<LimitSpec>,
    /// The stages that are there, outermost first.
    pub stages: Vec<Stage>,
    /// Whether the timer of a try runs while the try may still have to wait for a stage.
    pub early: bool,
}

impl Rules {
    /// Those of a call without rules of its own, which passes on the deadline that its caller inherited.
    pub fn bare() -> Self {
        Self { stages: vec![Stage::Retry, Stage::Timer], ..Self::default() }
    }

    /// Whether they do anything but wait for an answer and give up: try again, elsewhere, or not at all.
    pub fn answers(&self) -> bool {
        let again = self.retry.is_some() || self.hedge.is_some();
        let refuses = self.rate_limit.is_some() || self.bulkhead.is_some() || self.throttle.is_some();
        again || refuses || self.breaker.is_some() || self.limit.is_some()
    }

    fn timer_runs_early(&self) -> bool {
        let waits = |stage: &Stage| match stage {
            Stage::Bulkhead => self.bulkhead.is_some_and(|bulkhead| bulkhead.max_wait > Span::ZERO),
            Stage::RateLimit => self.rate_limit.is_some_and(|limit| limit.max_wait > Span::ZERO),
            _ => false,
        };
        self.stages.iter().skip_while(|stage| **stage != Stage::Timer).any(waits)
    }

    /// The stages of `order` that these rules have; `Retry` and `Timer` are always there.
    pub fn arrange(&mut self, order: &[Stage]) {
        let has = |stage: &Stage| match stage {
            Stage::Retry | Stage::Timer => true,
            Stage::RateLimit => self.rate_limit.is_some(),
            Stage::Bulkhead => self.bulkhead.is_some(),
            Stage::Breaker => self.breaker.is_some(),
            Stage::Throttle => self.throttle.is_some(),
            Stage::Limit => self.limit.is_some(),
        };
        self.stages = order.iter().copied().filter(has).collect();
        self.early = self.timer_runs_early();
    }

    /// The stages that each try passes, after the tries begin.
    pub fn per_try(&self) -> &[Stage] {
        let begin = self.stages.iter().position(|stage| *stage == Stage::Retry);
        &self.stages[begin.map_or(0, |at| at + 1)..]
    }

    /// The stages that the call passes once, before its tries begin.
    pub fn per_call(&self) -> &[Stage] {
        let begin = self.stages.iter().position(|stage| *stage == Stage::Retry);
        &self.stages[..begin.unwrap_or(0)]
    }
}

/// The state of one policy between one replica of a caller and a callee (or one replica of it).
#[derive(Clone, Debug, Default)]
pub struct State {
    /// What retries may cost.
    pub budget: Option<Budget>,
    /// Tries per time.
    pub rate_limit: Option<RateLimit>,
    /// Tries at once.
    pub bulkhead: Option<Bulkhead>,
    /// Closed, open or half-open: one for the callee, or one for each replica of it.
    pub breakers: Vec<Breaker>,
    /// Refusals of late.
    pub throttle: Option<Throttle>,
    /// The limit and who is in flight.
    pub limit: Option<Limit>,
}

impl State {
    /// As it is before the first call of a callee with so many replicas.
    pub fn new(rules: &Rules, replicas: u32) -> Self {
        let breakers = |spec: BreakerSpec| if spec.per_replica { replicas } else { 1 };
        Self {
            budget: rules.retry.as_ref().and_then(|retry| retry.budget).map(Budget::new),
            rate_limit: rules.rate_limit.map(RateLimit::new),
            bulkhead: rules.bulkhead.map(Bulkhead::new),
            breakers: rules.breaker.map_or_else(Vec::new, |spec| vec![Breaker::new(spec); breakers(spec) as usize]),
            throttle: rules.throttle.map(Throttle::new),
            limit: rules.limit.map(Limit::new),
        }
    }

    /// Whether nobody is inside.
    pub fn is_idle(&self) -> bool {
        self.bulkhead.as_ref().is_none_or(Bulkhead::is_empty)
            && self.limit.as_ref().is_none_or(Limit::is_empty)
            && !self.breakers.iter().any(Breaker::is_probing)
            && self.budget.as_ref().is_none_or(Budget::is_idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_knows_its_members() {
        let set: OutcomeSet = [Outcome::Timeout, Outcome::Abandoned].into_iter().collect();
        assert!(set.contains(Outcome::Timeout) && set.contains(Outcome::Abandoned));
        assert!(!set.contains(Outcome::Error) && !set.contains(Outcome::Succeeded));
        assert_eq!(set.iter().collect::<Vec<_>>(), [Outcome::Timeout, Outcome::Abandoned]);
    }

    #[test]
    fn what_stands_before_the_tries_guards_the_call() {
        let bulkhead = BulkheadSpec { max_concurrent: 1, max_wait: Span::ZERO, until_answered: false };
        let mut rules = Rules { bulkhead: Some(bulkhead), ..Rules::default() };
        rules.arrange(&ORDER);
        assert_eq!(rules.per_call(), []);
        assert_eq!(rules.per_try(), [Stage::Bulkhead, Stage::Timer]);
        rules.arrange(&[Stage::Bulkhead, Stage::Breaker, Stage::Retry, Stage::Timer]);
        assert_eq!(rules.per_call(), [Stage::Bulkhead]);
        assert_eq!(rules.per_try(), [Stage::Timer]);
    }

    #[test]
    fn a_timer_is_early_where_a_try_may_wait_behind_it() {
        let bulkhead = |max_wait| Some(BulkheadSpec { max_concurrent: 1, max_wait, until_answered: false });
        let early = |max_wait, order: &[Stage]| {
            let mut rules = Rules { bulkhead: bulkhead(max_wait), ..Rules::default() };
            rules.arrange(order);
            rules.early
        };
        let before = [Stage::Retry, Stage::Timer, Stage::Bulkhead];
        assert!(early(Span(1), &before));
        assert!(!early(Span::ZERO, &before) && !early(Span(1), &ORDER));
    }
}
