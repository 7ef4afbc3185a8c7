//! `circuit_breaker`.

use super::super::check::none;
use super::super::declare::{Count, Duration, Kind as _, Maybe, Or, Share, Told, table, words};
use super::super::read::{Desk, View};
use super::super::written::Given;
use super::retries::{Failures, failures};
use crate::diag::{Complaint, code};
use crate::model::Outcome;
use crate::model::policy::{BreakerSpec, OutcomeSet, Slow, Window};
use crate::units::Span;

words! {
    /// Where a breaker stands.
    pub enum Counts {
        Tries = "tries", "Inside the retries: every try counts.";
        Calls = "calls", "Outside the retries: a call counts once, with all its tries.";
    }
}

words! {
    /// What has a breaker of its own.
    pub enum Breaks {
        Callee = "callee", "One for the callee.";
        Replica = "replica", "One for each of its replicas; one that is open is not picked.";
    }
}

words! {
    /// What decides about a half-open breaker.
    pub enum Probing {
        Rate = "rate", "The rates of all its probes, held against the thresholds (Resilience4j).";
        FirstFailure = "first_failure", "The first failed probe trips it; all must succeed (Hystrix, Polly, Linkerd).";
    }
}

table! {
    /// `circuit_breaker`.
    pub struct CircuitBreaker: "circuit_breaker",
    "Closed, it counts; open, it refuses everything; half-open, it lets a few probes through. It looks at a time window, at `window_calls`, or at `consecutive` failures. Hystrix's numbers are the defaults.",
    then Self::looks_at_one, meant Self::meant {
        failure_rate: Given<f64> as Or<Share> = "0.5", "The share of failures that trips it.";
        slow_call: Given<Option<Span>> as Maybe<Duration>, "A try that takes longer is slow. Default: none is.";
        slow_rate: Given<f64> as Or<Share> = "1.0", "The share of slow tries that trips it.";
        window: Given<Span> as Or<Duration> = "\"10s\"", "How late a try must have ended to count.";
        window_calls: Given<Option<u32>> as Maybe<Count>, "Instead of a time: the last so many tries count.";
        consecutive: Given<Option<u32>> as Maybe<Count>, "Instead of a rate: so many failures in a row trip it.";
        min_calls: Given<u32> as Or<Count> = "20", "With fewer in the window it does not judge.";
        open_for: Given<Span> as Or<Duration> = "\"5s\"", "How long it stays open.";
        open_for_max: Given<Option<Span>> as Maybe<Duration>,
            "Failed probes double `open_for` up to this. Default: it always is the same.";
        half_open_calls: Given<u32> as Or<Count> = "1", "Probes that are let through before it closes or trips again.";
        half_open: Given<Option<Probing>> as Maybe<Probing>,
            "What decides about a half-open breaker. Default: rate; with `consecutive` first_failure.";
        on: Given<Option<Vec<Outcome>>> as Maybe<Failures>, "Failures that count. Default: all.";
        counts: Given<Option<Counts>> as Maybe<Counts>, "Inside or outside the retries. Default: as `order` says.";
        per: Given<Breaks> as Or<Breaks> = "\"callee\"", "What has a breaker of its own.";
    }
}

/// In the order of the canonical form.
const TOLD: [&str; 14] = [
    "consecutive",
    "window_calls",
    "window",
    "failure_rate",
    "min_calls",
    "slow_call",
    "slow_rate",
    "open_for",
    "open_for_max",
    "half_open_calls",
    "half_open",
    "on",
    "counts",
    "per",
];

impl CircuitBreaker {
    /// What the policy says itself replaces what its library looks at.
    fn looks_at_one(mut self, desk: &mut Desk<'_>, view: &View<'_>) -> Self {
        let looks: Vec<&str> =
            ["window", "window_calls", "consecutive"].into_iter().filter(|key| view.wrote(key)).collect();
        if let [first, second, ..] = looks[..] {
            let message = format!("`{first}` and `{second}`: a breaker looks at one of them");
            let complaint = Complaint::error(code::CONTRADICTION, message).at(view.place_of(second));
            desk.push(complaint.help("a time window, a number of calls, or failures in a row; keep one"));
        }
        let own = looks.first().copied();
        let looks_at = |key: &str| own.is_none_or(|own| own == key);
        if !looks_at("window_calls") {
            self.window_calls = Given::default(None);
        }
        if !looks_at("consecutive") {
            self.consecutive = Given::default(None);
        }
        // Failures in a row have no rate, whatever the library of the policy looks at.
        if own == Some("consecutive") && self.half_open.value == Some(Probing::Rate) {
            if let Some(place) = self.half_open.place.take() {
                let message = "`half_open = \"rate\"` and `consecutive`: failures in a row have no rate";
                let complaint = Complaint::error(code::CONTRADICTION, message).at(place);
                desk.push(complaint.help("leave half_open out: the first failed probe trips the breaker again"));
            }
            self.half_open.value = None;
        }
        self
    }

    /// What it looks at first, and of the rest what means something beside that.
    fn meant(&self, mut all: Vec<Told>) -> Vec<Told> {
        let (row, calls) = (self.consecutive.value, self.window_calls.value);
        all.retain(|told| match told.key {
            "window" => row.is_none() && calls.is_none(),
            "window_calls" | "failure_rate" | "min_calls" => row.is_none(),
            "slow_rate" => self.slow_call.value.is_some(),
            _ => true,
        });
        for told in all.iter_mut().filter(|told| told.key == "min_calls") {
            // Of a window of fewer calls, all are enough.
            told.value = Some(Count::print(&self.min_calls.value.min(calls.unwrap_or(u32::MAX))));
        }
        all.sort_by_key(|told| TOLD.iter().position(|key| *key == told.key));
        all
    }

    /// Complains about numbers that cannot be.
    pub(in crate::scenario) fn ranges(&self, complaints: &mut Vec<Complaint>) {
        none("failure_rate", &self.failure_rate, &0.0, "it would trip at the first call", complaints);
        none("slow_rate", &self.slow_rate, &0.0, "it would trip at the first call", complaints);
        none("window", &self.window, &Span::ZERO, "nothing would ever be in it", complaints);
        none("window_calls", &self.window_calls, &Some(0), "nothing would ever be in it", complaints);
        none("consecutive", &self.consecutive, &Some(0), "it would trip at the first call", complaints);
        none("open_for", &self.open_for, &Span::ZERO, "it would never be open", complaints);
        none("half_open_calls", &self.half_open_calls, &0, "it would never close again", complaints);
        if let (Some(window), Some(place)) = (self.window_calls.value, self.min_calls.place.clone())
            && self.min_calls.value > window
        {
            let message = format!("`min_calls` is {}, but only {window} calls are looked at", self.min_calls.value);
            complaints.push(Complaint::error(code::CONTRADICTION, message).at(place).help("at most `window_calls`"));
        }
        if let Some(max) = self.open_for_max.value.filter(|max| *max < self.open_for.value) {
            let message = format!("`open_for_max` ({max}) is below `open_for` ({})", self.open_for.value);
            complaints.push(Complaint::error(code::CONTRADICTION, message).at(self.open_for_max.place.clone()));
        }
    }

    /// A breaker as run.
    pub(super) fn lowered(&self) -> BreakerSpec {
        let min_calls = self.min_calls.value;
        let window = match (self.consecutive.value, self.window_calls.value) {
            (Some(failures), _) => Window::Consecutive { failures },
            (None, Some(calls)) => Window::Calls { calls, min_calls: min_calls.min(calls) },
            (None, None) => Window::Time { length: self.window.value, min_calls },
        };
        let on: OutcomeSet = match &self.on.value {
            Some(on) => failures(on),
            None => Outcome::FAILURES.into_iter().collect(),
        };
        let first_failure = self.half_open.value.map(|probing| probing == Probing::FirstFailure);
        BreakerSpec {
            window,
            failure_rate: self.failure_rate.value,
            slow: self.slow_call.value.map(|after| Slow { after, rate: self.slow_rate.value }),
            open_for: self.open_for.value,
            open_for_max: self.open_for_max.value.unwrap_or(self.open_for.value),
            half_open_calls: self.half_open_calls.value,
            first_failure: first_failure.unwrap_or(self.consecutive.value.is_some()),
            on,
            per_replica: self.per.value == Breaks::Replica,
        }
    }
}
