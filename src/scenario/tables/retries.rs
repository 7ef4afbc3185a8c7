//! `retries`.

use super::super::check::none;
use super::super::declare::{Count, Duration, Flag, Kind, Maybe, Number, Or, Spoken, Varying, table, words};
use super::super::lower::Lowering;
use super::super::print::{listed, quoted};
use super::super::read::{self, Desk, Value};
use super::super::vocab::Shape;
use super::super::written::Given;
use super::budget::Budget;
use crate::diag::{Complaint, code};
use crate::model::Outcome;
use crate::model::policy::{Backoff, BudgetSpec, Exponential, Jitter, OutcomeSet, Retry};
use crate::random::dist::Law;
use crate::units::Span;

words! {
    for Outcome {
        Error = Outcome::Error.word(), "The callee failed.";
        Overloaded = Outcome::Overloaded.word(), "The callee's line was full, or the request left it unserved.";
        Timeout = Outcome::Timeout.word(), "No answer came in time.";
        ConnectFailed = Outcome::ConnectFailed.word(), "No connection could be opened.";
        PoolTimeout = Outcome::PoolTimeout.word(), "The pool to a database lent no connection in time.";
        Canceled = Outcome::Canceled.word(), "The callee stopped because the caller had given up.";
        Reset = Outcome::Reset.word(), "The connection was reset.";
        Deadline = Outcome::Deadline.word(), "The deadline over all tries had passed.";
        RateLimited = Outcome::RateLimited.word(), "A rate limit or an adaptive throttle refused it.";
        CircuitOpen = Outcome::CircuitOpen.word(), "A circuit breaker was open.";
        BulkheadFull = Outcome::BulkheadFull.word(), "A bulkhead, or an adaptive limit, had no room.";
        NoEndpoint = Outcome::NoEndpoint.word(), "No replica was known.";
        Abandoned = Outcome::Abandoned.word(), "The one who asked went away.";
        Deadlock = Outcome::Deadlock.word(), "The callee's transaction was the victim of a deadlock. `error` includes it.";
        LockTimeout = Outcome::LockTimeout.word(), "A query waited for a lock longer than its `lock_timeout`. `error` includes it.";
    }
}

words! {
    for Jitter {
        None = "none", "Exactly the wait.";
        Full = "full", "Between nothing and the wait.";
        Equal = "equal", "Between half of the wait and all of it.";
        Decorrelated = "decorrelated", "Between `backoff` and three times the wait before.";
        Envoy = "envoy", "Between nothing and `backoff` × 2ⁿ, n from 0: full jitter of a wait that doubles.";
    }
}

table! {
    /// `retries`.
    pub struct Retries: "retries",
    "Tries again after a failure that `on` names, after a wait. Envoy's waits are the defaults: 25 ms, doubled up to ten times that." {
        max: Given<u32> as Or<Count> = "1", "Tries after the first. Envoy's default.";
        on: Given<Vec<Outcome>> as Or<Failures>
            = r#"["error", "overloaded", "timeout", "connect_failed", "pool_timeout", "reset", "no_endpoint"]"#,
            "Failures that are tried again.";
        backoff: Given<Law> as Or<Varying> = "\"25ms\"",
            "The first wait, doubled before each further retry; a law that varies is drawn alike each time.";
        backoff_max: Given<Option<Span>> as Maybe<Duration>, "The longest wait. Default: ten times `backoff`.";
        backoff_factor: Given<f64> as Or<Number> = "2.0", "How much longer each wait is than the one before.";
        jitter: Given<Jitter> as Or<Spread> = "\"full\"", "How waits are spread; \"20%\": so much less or more.";
        other_replica: Given<bool> as Or<Flag> = "false",
            "Whether a retry avoids replicas that were tried: up to five draws more, then what was drawn (Envoy's `previous_hosts`).";
        budget: Given<Option<BudgetSpec>> as Maybe<Budget>,
            "What the retries of all calls together may be. Default: no limit.";
    }
}

/// A list of failures, not empty.
pub(crate) enum Failures {}

impl Kind for Failures {
    type Value = Vec<Outcome>;
    const SHAPE: Shape = Shape::List(&Shape::Choice(Outcome::WORDS));
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Vec<Outcome>> {
        let words = read::all_spoken(desk, key, value)?;
        if words.is_empty() {
            read::bad(desk, key, value, "an empty list: nothing would be meant; name the failures, or leave it out");
        }
        (!words.is_empty()).then_some(words)
    }
    fn print(all: &Vec<Outcome>) -> String {
        listed(all)
    }
}

/// A jitter: a word, or a share.
pub(crate) enum Spread {}

impl Kind for Spread {
    type Value = Jitter;
    const SHAPE: Shape = Shape::Or(&[Shape::Choice(<Jitter as Spoken>::WORDS), Shape::Share]);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Jitter> {
        if let Some(word) = value.get_ref().as_str() {
            if let Some(jitter) = Jitter::of(word) {
                return Some(jitter);
            }
            if !word.trim_start().starts_with(|c: char| c.is_ascii_digit() || c == '-') {
                read::unknown_word(desk, key, value, word, Jitter::WORDS);
                return None;
            }
        }
        let share = read::share(desk, key, value)?;
        // A jitter of nothing is none, so that each is printed in one way.
        Some(if share == 0.0 { Jitter::None } else { Jitter::Share(share) })
    }
    fn print(jitter: &Jitter) -> String {
        match jitter {
            Jitter::Share(share) => format!("{share:?}"),
            plain => quoted(plain.word()),
        }
    }
}

impl Retries {
    /// Complains about numbers that cannot be.
    pub(in crate::scenario) fn ranges(&self, complaints: &mut Vec<Complaint>) {
        self.waits().ranges(complaints);
        if let Some(spec) = &self.budget.value {
            super::budget::ranges(spec, self.budget.place.as_ref(), complaints);
        }
    }

    /// Waits that grow, where the first one is constant.
    pub(in crate::scenario) fn exponential(&self) -> Option<Backoff> {
        self.waits().exponential()
    }

    fn waits(&self) -> Waits<'_> {
        let Self { backoff, backoff_max, backoff_factor, jitter, .. } = self;
        Waits { backoff, backoff_max, backoff_factor, jitter }
    }
}

/// The waits before further tries, whoever tries.
pub(super) struct Waits<'w> {
    pub(super) backoff: &'w Given<Law>,
    pub(super) backoff_max: &'w Given<Option<Span>>,
    pub(super) backoff_factor: &'w Given<f64>,
    pub(super) jitter: &'w Given<Jitter>,
}

impl Waits<'_> {
    /// Complains about numbers that cannot be.
    pub(super) fn ranges(&self, complaints: &mut Vec<Complaint>) {
        let Self { backoff, backoff_max, backoff_factor, jitter } = *self;
        let why = "there would be no second wait; write 1.0 for equal waits";
        none("backoff_factor", backoff_factor, &0.0, why, complaints);
        let constant = matches!(backoff.value, Law::Constant { .. });
        if let (false, Some(place)) = (constant, backoff_max.place.clone().or_else(|| jitter.place.clone())) {
            let harmless = backoff_max.place.is_none() && jitter.value == Jitter::None;
            if !harmless {
                let message = "`backoff` varies by itself; `backoff_max` and `jitter` change nothing";
                complaints.push(Complaint::warning(code::NO_EFFECT, message).at(place));
            }
        }
        if let (Law::Constant { value }, Some(max)) = (&backoff.value, backoff_max.value)
            && (max.0 as f64) < *value
        {
            let message = format!("`backoff_max` ({max}) is below `backoff` ({})", Span(*value as u64));
            let complaint = Complaint::error(code::CONTRADICTION, message).at(backoff_max.place.clone());
            complaints.push(complaint.help("every wait would be the maximum; write that as `backoff`"));
        }
    }

    /// Waits that grow, where the first one is constant.
    pub(super) fn exponential(&self) -> Option<Backoff> {
        let Law::Constant { value } = self.backoff.value else { return None };
        let base = Span(value.round() as u64);
        let max = self.backoff_max.value.unwrap_or(Span(base.0.saturating_mul(LONGEST)));
        let factor = self.backoff_factor.value;
        Some(Backoff::Exponential(Exponential { base, factor, max, jitter: self.jitter.value }))
    }
}

/// How much longer than the first the longest wait of a backoff is, where nobody says: Envoy's.
const LONGEST: u64 = 10;

/// A deadlock's victim, or one that waited too long for a lock, fails with an error like any other, for whoever does not ask.
pub(super) fn failures(on: &[Outcome]) -> OutcomeSet {
    let locked = [Outcome::Deadlock, Outcome::LockTimeout].into_iter().filter(|_| on.contains(&Outcome::Error));
    on.iter().copied().chain(locked).collect()
}

impl Lowering<'_> {
    /// Waits as run.
    pub(super) fn waits(&mut self, waits: &Waits<'_>) -> Backoff {
        waits.exponential().unwrap_or_else(|| Backoff::Law(self.rule_law(&waits.backoff.value)))
    }

    /// Retries as run.
    pub(super) fn retry(&mut self, rule: &Retries) -> Retry {
        let backoff = self.waits(&rule.waits());
        let (max, other_replica, budget) = (rule.max.value, rule.other_replica.value, rule.budget.value);
        Retry { max, on: failures(&rule.on.value), backoff, other_replica, budget }
    }
}
