//! Retry budgets: Linkerd's (tower's `TpsBudget`), buckets of tokens (Brooker; the AWS SDK), gRPC's throttle (proposal A6), Envoy's
//! share of what is under way.

use hoptax::model::Outcome;
use hoptax::model::policy::{BudgetSpec, Per};

use super::trail::Trail;

/// What retries of all calls together may cost.
pub(crate) struct Budget {
    spec: BudgetSpec,
    tokens: f64,
    /// Calls, and retries, of late.
    trail: Trail<2>,
    calls: u64,
    failures: u64,
    under_way: u32,
    retries: u32,
}

impl Budget {
    /// Full.
    pub(crate) fn new(spec: BudgetSpec) -> Self {
        let (tokens, ttl) = match spec {
            BudgetSpec::Tokens { cap, .. } => (cap, 0),
            BudgetSpec::Half { max_tokens, .. } => (max_tokens, 0),
            BudgetSpec::Share { ttl, .. } => (0.0, ttl.0),
            _ => (0.0, 0),
        };
        Self { spec, tokens, trail: Trail::new(ttl), calls: 0, failures: 0, under_way: 0, retries: 0 }
    }

    /// The first try of a call sets out.
    pub(crate) fn on_call(&mut self, now: u64) {
        self.calls += 1;
        self.under_way += 1;
        match self.spec {
            BudgetSpec::Share { .. } => self.trail.add(now, 0, 1.0),
            BudgetSpec::Tokens { deposit, per: Per::Call, cap, .. } => self.tokens = (self.tokens + deposit).min(cap),
            _ => {}
        }
    }

    /// The `nth` try was good, after one that had failed with `cause`.
    pub(crate) fn on_success(&mut self, nth: u32, cause: Outcome) {
        self.on_abandoned(nth);
        match self.spec {
            BudgetSpec::Tokens { deposit, per: Per::Success, cap, refund, cost, timeout_cost } => {
                let back = if cause == Outcome::Timeout { timeout_cost } else { cost };
                let back = if refund && nth > 0 { back } else { 0.0 };
                self.tokens = (self.tokens + deposit + back).min(cap);
            }
            BudgetSpec::Half { max_tokens, token_ratio } => self.tokens = (self.tokens + token_ratio).min(max_tokens),
            _ => {}
        }
    }

    /// The `nth` try has failed, with something that is tried again or not.
    pub(crate) fn on_failure(&mut self, nth: u32, retryable: bool) {
        self.on_abandoned(nth);
        self.failures += 1;
        if retryable && matches!(self.spec, BudgetSpec::Half { .. }) {
            self.tokens = (self.tokens - 1.0).max(0.0);
        }
    }

    /// Nobody waits for the `nth` try.
    pub(crate) fn on_abandoned(&mut self, nth: u32) {
        self.under_way = self.under_way.saturating_sub(1);
        if nth > 0 {
            self.retries = self.retries.saturating_sub(1);
        }
    }

    /// Whether a retry is paid for; then it is under way.
    pub(crate) fn withdraw(&mut self, now: u64, cause: Outcome) -> bool {
        let pays = match self.spec {
            BudgetSpec::Share { share, min_per_second, ttl } => {
                let [calls, taken] = self.trail.sums(now);
                taken + 1.0 <= calls * share + min_per_second * ttl.as_secs_f64() + 1e-9
            }
            BudgetSpec::Tokens { cost, timeout_cost, .. } => {
                let cost = if cause == Outcome::Timeout { timeout_cost } else { cost };
                let pays = self.tokens + 1e-9 >= cost;
                self.tokens -= if pays { cost } else { 0.0 };
                pays
            }
            BudgetSpec::Half { max_tokens, .. } => self.tokens > max_tokens / 2.0,
            BudgetSpec::Healthy { failure_rate } => self.failures as f64 <= failure_rate * self.calls as f64,
            BudgetSpec::Active { share, min } => {
                f64::from(self.retries + 1) <= (share * f64::from(self.under_way)).max(f64::from(min))
            }
        };
        if pays {
            self.under_way += 1;
            self.retries += 1;
            if matches!(self.spec, BudgetSpec::Share { .. }) {
                self.trail.add(now, 1, 1.0);
            }
        }
        pays
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_tokens_stop_all_retries() {
        let mut budget = Budget::new(BudgetSpec::Half { max_tokens: 4.0, token_ratio: 0.5 });
        budget.on_failure(0, true);
        assert!(budget.withdraw(0, Outcome::Error), "three of four");
        budget.on_failure(1, true);
        assert!(!budget.withdraw(0, Outcome::Error), "two of four");
        budget.on_success(0, Outcome::Error);
        assert!(budget.withdraw(0, Outcome::Error));
    }

    #[test]
    fn calls_of_late_pay() {
        let ttl = hoptax::units::Span(10_000_000_000);
        let mut budget = Budget::new(BudgetSpec::Share { share: 0.5, min_per_second: 0.0, ttl });
        (0..4).for_each(|_| budget.on_call(1_000_000_000));
        assert_eq!([1; 3].map(|_| budget.withdraw(1_000_000_000, Outcome::Error)), [true, true, false]);
        assert!(!budget.withdraw(30_000_000_000, Outcome::Error), "those calls are forgotten");
    }
}
