//! Retry budgets: how many retries all calls together may add.
//!
//! `budget = "10%"` (or `{ share = "10%", min_per_second = 10, ttl = "10s" }`) is Linkerd's: calls of the last `ttl` pay for
//! retries. `budget = { deposit = 0.1, per = "success", cap = 10 }` is a bucket of tokens that starts full; every success (or
//! every `call`) puts in `deposit`, a retry takes `cost` (1). With `timeout_cost` and `refund` it is the AWS SDK's
//! (500 tokens, 5 per retry, 10 after a timeout; a retry that succeeds gives its cost back, beside
//! the one token that every good try puts in). `budget = { max_tokens = 10,
//! token_ratio = 0.1 }` is gRPC's: every try that fails with what `on` names takes a token (other failures take none), every
//! success puts back the ratio, and nobody retries unless more than half are left. `budget = { budget_percent = "20%", min_retry_concurrency = 3 }` is Envoy's: so many
//! retries at once. `budget = { failure_rate = "10%" }` lets nobody retry while more tries have failed, since the beginning,
//! than that share of the calls: each caller judges by what it saw, so callers that see little give up retrying early. A
//! retry that the budget refuses is not made later: the call fails with what its last try said.
//!
//! Sources: tower's `TpsBudget`; Brooker, "Fixing retries with token buckets and circuit breakers" (2022); gRPC proposal A6;
//! aws-sdk-go-v2 `aws/retry`; Envoy's `circuit_breaker.proto`.

use crate::units::{Span, Time};

use super::super::outcome::Outcome;
use super::window::{BUCKETS, Trailing};

/// What puts tokens in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// When every good try does.
    Success,
    /// When every call does.
    Call,
}

/// A budget as run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BudgetSpec {
    /// When retries are a share of the calls of late (Linkerd).
    Share {
        /// Retries per call.
        share: f64,
        /// Retries per second that are always allowed.
        min_per_second: f64,
        /// How long a call pays for retries.
        ttl: Span,
    },
    /// When retries take tokens that successes or calls put in.
    Tokens {
        /// Tokens put in.
        deposit: f64,
        /// By what.
        per: Per,
        /// Tokens at most, and at the start.
        cap: f64,
        /// Tokens a retry takes.
        cost: f64,
        /// Tokens a retry after a timeout takes.
        timeout_cost: f64,
        /// Whether a retry that succeeds gives back what it took, beside the deposit (AWS SDK).
        refund: bool,
    },
    /// When failures take tokens, and retries need more than half of them (gRPC).
    Half {
        /// Tokens at most, and at the start.
        max_tokens: f64,
        /// Tokens that a success puts back.
        token_ratio: f64,
    },
    /// When nobody retries while more than a share fails (Brooker's breaker).
    Healthy {
        /// Failed tries per call, since the beginning.
        failure_rate: f64,
    },
    /// When retries are a share of the tries in flight (Envoy).
    Active {
        /// Retries per try in flight.
        share: f64,
        /// Retries at once that are always allowed.
        min: u32,
    },
}

/// The state of a budget.
///
/// The machine tells it of every call's first try (`on_call`) and how every try ended (`on_success`, `on_failure`, or
/// `on_abandoned` where nobody waits for its end); a retry first asks `withdraw`, which also counts it as under way.
#[derive(Clone, Debug)]
pub struct Budget {
    spec: BudgetSpec,
    tokens: f64,
    /// Calls, and what retries took, of the last `ttl`.
    window: Option<Trailing<2>>,
    active: u32,
    retries: u32,
    calls: u64,
    failures: u64,
}

const CALLS: usize = 0;
const TAKEN: usize = 1;

impl Budget {
    /// A budget before the first call.
    pub fn new(spec: BudgetSpec) -> Self {
        let (tokens, window) = match spec {
            BudgetSpec::Share { ttl, .. } => (0.0, Some(Trailing::new(ttl, BUCKETS))),
            BudgetSpec::Tokens { cap, .. } => (cap, None),
            BudgetSpec::Half { max_tokens, .. } => (max_tokens, None),
            BudgetSpec::Healthy { .. } | BudgetSpec::Active { .. } => (0.0, None),
        };
        Self { spec, tokens, window, active: 0, retries: 0, calls: 0, failures: 0 }
    }

    /// How much of it is spent, 0 to 1.
    pub fn spent(&self, now: Time) -> f64 {
        let part = |taken: f64, of: f64| taken / of.max(f64::MIN_POSITIVE);
        let spent = match self.spec {
            BudgetSpec::Share { share, min_per_second, ttl } => {
                let sums = self.window.clone().map(|mut window| window.sums(now)).unwrap_or_default();
                part(sums[TAKEN], sums[CALLS] * share + min_per_second * ttl.as_secs_f64())
            }
            BudgetSpec::Tokens { cap, .. } => part(cap - self.tokens, cap),
            // Below half of the tokens nobody retries.
            BudgetSpec::Half { max_tokens, .. } => part(max_tokens - self.tokens, max_tokens / 2.0),
            BudgetSpec::Active { share, min } => {
                part(f64::from(self.retries), (share * f64::from(self.active)).max(f64::from(min)))
            }
            BudgetSpec::Healthy { failure_rate } => part(self.failures as f64, failure_rate * self.calls as f64),
        };
        spent.clamp(0.0, 1.0)
    }

    /// The first try of a call sets out.
    pub fn on_call(&mut self, now: Time) {
        self.active += 1;
        self.calls += 1;
        match self.spec {
            BudgetSpec::Share { .. } => {
                if let Some(window) = &mut self.window {
                    window.add(now, CALLS, 1.0);
                }
            }
            BudgetSpec::Tokens { deposit, per: Per::Call, .. } => self.put(deposit),
            _ => {}
        }
    }

    /// The `nth` try (from 0) was good; `cause` is the failure that the try before it ended with.
    pub fn on_success(&mut self, nth: u32, cause: Outcome) {
        self.end(nth);
        match self.spec {
            BudgetSpec::Tokens { deposit, refund: true, cost, timeout_cost, .. } if nth > 0 => {
                self.put(deposit + if cause == Outcome::Timeout { timeout_cost } else { cost });
            }
            BudgetSpec::Tokens { deposit, per: Per::Success, .. } => self.put(deposit),
            BudgetSpec::Half { token_ratio, .. } => self.put(token_ratio),
            _ => {}
        }
    }

    /// The `nth` try (from 0) failed; `retryable`: with something that is tried again.
    pub fn on_failure(&mut self, nth: u32, retryable: bool) {
        self.end(nth);
        self.failures += 1;
        if let BudgetSpec::Half { .. } = self.spec
            && retryable
        {
            self.tokens = (self.tokens - 1.0).max(0.0);
        }
    }

    /// The `nth` try (from 0) is no longer waited for.
    pub fn on_abandoned(&mut self, nth: u32) {
        self.end(nth);
    }

    /// Whether a retry after this failure is paid for; if so, it is taken and under way.
    pub fn withdraw(&mut self, now: Time, cause: Outcome) -> bool {
        let paid = match self.spec {
            BudgetSpec::Share { share, min_per_second, ttl } => self.share(now, share, min_per_second, ttl),
            BudgetSpec::Tokens { cost, timeout_cost, .. } => {
                self.take(if cause == Outcome::Timeout { timeout_cost } else { cost })
            }
            BudgetSpec::Half { max_tokens, .. } => self.tokens > max_tokens / 2.0,
            BudgetSpec::Healthy { failure_rate } => self.failures as f64 <= failure_rate * self.calls as f64,
            BudgetSpec::Active { share, min } => {
                let allowed = (share * self.active as f64).max(min as f64);
                self.retries as f64 + 1.0 <= allowed
            }
        };
        if paid {
            self.active += 1;
            self.retries += 1;
        }
        paid
    }

    fn share(&mut self, now: Time, share: f64, min_per_second: f64, ttl: Span) -> bool {
        let Some(window) = &mut self.window else { return false };
        let [calls, taken] = window.sums(now);
        // In retries rather than in calls, with room for what a sum of shares loses in rounding.
        let allowed = calls * share + min_per_second * ttl.as_secs_f64();
        let paid = taken + 1.0 <= allowed * (1.0 + 1e-12);
        if paid {
            window.add(now, TAKEN, 1.0);
        }
        paid
    }

    fn take(&mut self, cost: f64) -> bool {
        // Ten deposits of 0.1 are a token, whatever binary fractions make of it.
        let paid = self.tokens >= cost - 1e-9;
        if paid {
            self.tokens = (self.tokens - cost).max(0.0);
        }
        paid
    }

    fn put(&mut self, tokens: f64) {
        let cap = match self.spec {
            BudgetSpec::Tokens { cap, .. } => cap,
            BudgetSpec::Half { max_tokens, .. } => max_tokens,
            _ => return,
        };
        self.tokens = (self.tokens + tokens).min(cap);
    }

    /// Whether no try is under way.
    pub fn is_idle(&self) -> bool {
        self.active == 0 && self.retries == 0
    }

    fn end(&mut self, nth: u32) {
        self.active = self.active.saturating_sub(1);
        if nth > 0 {
            self.retries = self.retries.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(budget: &mut Budget, now: Time, cause: Outcome) -> u32 {
        (0..1_000).take_while(|_| budget.withdraw(now, cause)).count() as u32
    }

    fn tokens(deposit: f64, per: Per, cap: f64) -> Budget {
        Budget::new(BudgetSpec::Tokens { deposit, per, cap, cost: 1.0, timeout_cost: 1.0, refund: false })
    }

    #[test]
    fn what_is_spent_is_told() {
        let mut budget = tokens(0.1, Per::Success, 10.0);
        assert_eq!(budget.spent(Time(0)), 0.0);
        assert_eq!((count(&mut budget, Time(0), Outcome::Error), budget.spent(Time(0))), (10, 1.0));
        let mut share =
            Budget::new(BudgetSpec::Share { share: 0.1, min_per_second: 0.0, ttl: crate::units::Span(10_000_000_000) });
        (0..40).for_each(|_| share.on_call(Time(1)));
        assert!(share.withdraw(Time(1), Outcome::Error) && (share.spent(Time(1)) - 0.25).abs() < 1e-12);
    }

    #[test]
    fn who_sees_too_many_failures_does_not_retry() {
        let mut budget = Budget::new(BudgetSpec::Healthy { failure_rate: 0.1 });
        let mut fail = |calls: u32| {
            (0..calls).for_each(|_| budget.on_call(Time(0)));
            budget.on_failure(0, true);
            budget.withdraw(Time(0), Outcome::Error)
        };
        assert!(!fail(1), "the first call failed");
        assert!(fail(19), "2 of 20");
        assert!(!fail(1), "3 of 21");
        assert!(fail(19), "4 of 40");
    }

    #[test]
    fn tokens_start_full_and_successes_refill() {
        let mut budget = tokens(0.1, Per::Success, 10.0);
        assert_eq!(count(&mut budget, Time(0), Outcome::Error), 10);
        for _ in 0..10 {
            budget.on_call(Time(0));
            budget.on_success(0, Outcome::Succeeded);
        }
        assert_eq!(count(&mut budget, Time(0), Outcome::Error), 1);
        let mut budget = tokens(0.5, Per::Call, 2.0);
        for _ in 0..100 {
            budget.on_call(Time(0));
        }
        assert_eq!(count(&mut budget, Time(0), Outcome::Error), 2);
    }

    #[test]
    fn a_share_is_paid_by_the_calls_of_late() {
        let second = 1_000_000_000;
        let spec = BudgetSpec::Share { share: 0.2, min_per_second: 0.0, ttl: Span(10 * second) };
        let mut budget = Budget::new(spec);
        for _ in 0..50 {
            budget.on_call(Time(0));
        }
        assert_eq!(count(&mut budget, Time(second), Outcome::Error), 10);
        assert_eq!(count(&mut budget, Time(20 * second), Outcome::Error), 0);
        let spec = BudgetSpec::Share { share: 0.2, min_per_second: 10.0, ttl: Span(10 * second) };
        assert_eq!(count(&mut Budget::new(spec), Time(0), Outcome::Error), 100);
    }

    #[test]
    fn the_aws_sdk_affords_a_hundred_retries_and_gives_back_what_helped() {
        let spec = BudgetSpec::Tokens {
            deposit: 1.0,
            per: Per::Success,
            cap: 500.0,
            cost: 5.0,
            timeout_cost: 10.0,
            refund: true,
        };
        assert_eq!(count(&mut Budget::new(spec), Time(0), Outcome::Error), 100);
        let mut budget = Budget::new(spec);
        assert_eq!(count(&mut budget, Time(0), Outcome::Timeout), 50);
        budget.on_success(1, Outcome::Timeout);
        assert_eq!(count(&mut budget, Time(0), Outcome::Timeout), 1);
    }

    #[test]
    fn grpc_retries_only_above_half() {
        let mut budget = Budget::new(BudgetSpec::Half { max_tokens: 10.0, token_ratio: 0.1 });
        for _ in 0..4 {
            budget.on_failure(0, true);
        }
        budget.on_failure(0, false);
        assert!(budget.withdraw(Time(0), Outcome::Error), "six of ten are left: what is not retryable takes none");
        budget.on_failure(1, true);
        assert!(!budget.withdraw(Time(0), Outcome::Error), "five are not more than half");
        budget.on_success(0, Outcome::Succeeded);
        assert!(budget.withdraw(Time(0), Outcome::Error));
    }

    #[test]
    fn envoy_counts_retries_at_once() {
        let mut budget = Budget::new(BudgetSpec::Active { share: 0.2, min: 3 });
        assert_eq!(count(&mut budget, Time(0), Outcome::Error), 3);
        budget.on_abandoned(1);
        assert_eq!(count(&mut budget, Time(0), Outcome::Error), 1);
        for _ in 0..100 {
            budget.on_call(Time(0));
        }
        // Each retry is itself in flight: r ≤ 0.2 (99 + r), in whole retries.
        assert_eq!(count(&mut budget, Time(0), Outcome::Error) + 3, 24);
    }
}
