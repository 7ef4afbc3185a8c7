//! What lets so many through: `bulkhead`, `rate_limit`, `shed`, `concurrency_limit`, `adaptive_throttle`.

use super::super::check::{none, zero};
use super::super::declare::{
    Count, Duration, Field, Flag, Maybe, Must, Number, Or, PerTime, Record, Ruled, Said, Spoken, To, Varying, table,
    words,
};
use super::super::read::{self, Desk, View};
use super::super::vocab::{Shape, Word, word};
use super::super::written::{Given, Rule, Target};
use crate::diag::{Complaint, code};
use crate::model::policy::{BulkheadSpec, LimitKind, LimitSpec, Metering, RateLimitSpec, Refill, ThrottleSpec};
use crate::random::dist::Law;
use crate::units::{Rate, Span};

words! {
    /// Until when a try is inside a bulkhead.
    pub enum Held {
        GivenUp = "given_up", "Its caller has the answer, or gives up.";
        Answered = "answered", "Its callee has answered, as a thread that cannot be stopped (Hystrix).";
    }
}

table! {
    /// `bulkhead`.
    pub struct Bulkhead: "bulkhead",
    "So many at once, per replica of the caller and callee. Resilience4j's numbers are the defaults." {
        max_concurrent: Given<u32> as Or<Count> = "25", "At most so many inside.";
        max_wait: Given<Span> as Or<Duration> = "\"0s\"", "How long one waits for room, first come first served.";
        held_until: Given<Held> as Or<Held> = "\"given_up\"", "Until when a try is inside.";
    }
}

impl Bulkhead {
    /// Complains about numbers that cannot be.
    pub(super) fn ranges(&self, complaints: &mut Vec<Complaint>) {
        none("max_concurrent", &self.max_concurrent, &0, "no call would ever pass", complaints);
    }

    /// As run.
    pub(super) fn lowered(&self) -> BulkheadSpec {
        BulkheadSpec {
            max_concurrent: self.max_concurrent.value,
            max_wait: self.max_wait.value,
            until_answered: self.held_until.value == Held::Answered,
        }
    }
}

words! {
    /// How a rate limit measures.
    pub enum Algorithm {
        TokenBucket = "token_bucket", "Tokens come back at the rate, up to `burst`.";
        FixedWindow = "fixed_window", "Counts from boundary to boundary: twice the limit may pass around one.";
        SlidingWindow = "sliding_window", "Counts what passed within the last window.";
    }
}

words! {
    for Refill {
        Continuous = "continuous", "Bit by bit.";
        Discrete = "discrete", "One at a time, at multiples of 1 ÷ rate.";
    }
}

table! {
    /// What every rate limit says.
    pub struct Metered: "rate_limit", "So many per time.",
    needs "write rate_limit = { rate = \"100/s\", burst = 20 }" {
        rate: Given<Rate> as Must<PerTime>, "How many per time.";
        algorithm: Given<Algorithm> as Or<Algorithm> = "\"token_bucket\"", "How it is measured.";
        burst: Given<Option<f64>> as Maybe<Number>,
            "Tokens at most, and at the start. Default: what one second brings, at least 1.";
        refill: Given<Refill> as Or<Refill> = "\"continuous\"", "How tokens come back.";
        window: Given<Span> as Or<Duration> = "\"1s\"", "Of the window algorithms.";
    }
}

table! {
    /// `rate_limit` of a policy.
    pub struct RateLimit: "rate_limit",
    "So many per time, per replica of the caller and callee; the rest fails with `rate_limited`." {
        ..metered: Metered;
        max_wait: Given<Span> as Or<Duration> = "\"0s\"", "How long one waits for its turn, which is kept for it.";
    }
}

words! {
    /// What a node's rate limit counts together.
    pub enum Door {
        Replica = "replica", "All that comes to a replica; with a `counter`, to all of them.";
        Client = "client", "What comes on behalf of each client.";
    }
}

table! {
    /// `rate_limit` of a node.
    pub struct DoorLimit: "rate_limit of a node",
    "So many per time and replica; the rest is refused with `rate_limited`, before it costs anything." {
        ..metered: Metered;
        per: Given<Door> as Or<Door> = "\"replica\"", "What is counted together.";
        counter: Option<Given<Target>> as Said<To>,
            "Gateways: the cache or service that keeps one count for all replicas; each request pays the call there. Default: each replica counts by itself.";
    }
}

impl Metered {
    /// Complains about numbers that cannot be.
    pub(in crate::scenario) fn ranges(&self, complaints: &mut Vec<Complaint>) {
        zero(self.rate.value.0 <= 0.0, "rate", self.rate.place.as_ref(), "no call would ever pass", complaints);
        none("window", &self.window, &Span::ZERO, "nothing would ever be counted", complaints);
        if let Some(burst) = self.burst.value.filter(|burst| *burst < 1.0) {
            let message = format!("`burst` is {burst}: a call takes a whole token");
            complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(self.burst.place.clone()));
        }
    }

    fn metering(&self) -> Metering {
        match self.algorithm.value {
            Algorithm::TokenBucket => {
                let burst = self.burst.value.unwrap_or(self.rate.value.per_second().max(1.0));
                Metering::TokenBucket { burst, refill: self.refill.value }
            }
            Algorithm::FixedWindow => Metering::FixedWindow { window: self.window.value },
            Algorithm::SlidingWindow => Metering::SlidingWindow { window: self.window.value },
        }
    }
}

impl RateLimit {
    /// As run.
    pub(super) fn lowered(&self) -> RateLimitSpec {
        let Self { metered, max_wait } = self;
        let rate = metered.rate.value.per_second();
        RateLimitSpec { rate, metering: metered.metering(), max_wait: max_wait.value, per_client: false }
    }
}

impl DoorLimit {
    /// As run.
    pub(in crate::scenario) fn lowered(&self) -> RateLimitSpec {
        let Self { metered, per, .. } = self;
        let rate = metered.rate.value.per_second();
        RateLimitSpec {
            rate,
            metering: metered.metering(),
            max_wait: Span::ZERO,
            per_client: per.value == Door::Client,
        }
    }
}

table! {
    /// `shed`.
    pub struct Shed: "shed", "Newcomers are refused while the first in line has waited too long.",
    needs "write shed = { queue_longer_than = \"100ms\" }" {
        queue_longer_than: Given<Span> as Must<Duration>, "How long the first in line may have waited.";
    }
}

table! {
    /// `hedge`.
    pub struct Hedge: "hedge", "More tries before the first has failed; the first good answer counts.",
    needs "write hedge = { after = \"50ms\", max = 1 }" {
        after: Given<Law> as Must<Varying>, "From one try to the next.";
        max: Given<u32> as Or<Count> = "1", "Tries after the first.";
        tied: Given<bool> as Or<Flag> = "false", "Whether the first that is begun takes the others from their lines.";
    }
}

impl Hedge {
    /// Complains about numbers that cannot be.
    pub(super) fn ranges(&self, complaints: &mut Vec<Complaint>) {
        none("max", &self.max, &0, "leave the hedge out instead", complaints);
    }
}

words! {
    for LimitKind {
        Gradient = "gradient", "Follows the ratio of long-term to present latency (Netflix Gradient2).";
        Vegas = "vegas", "Estimates the callee's line from the shortest latency (TCP Vegas).";
        Aimd = "aimd", "Grows by one, shrinks by a tenth when something is dropped.";
    }
}

table! {
    /// `concurrency_limit`.
    pub struct ConcurrencyLimit: "concurrency_limit",
    "So many at once as the latency allows; numbers of Netflix's concurrency-limits." {
        kind: Given<LimitKind> as Or<LimitKind> = "\"gradient\"", "How it adapts.";
        initial: Given<u32> as Or<Count> = "20", "At the start.";
        min: Given<Option<u32>> as Maybe<Count>, "At least. Default: 20; vegas: 1.";
        max: Given<Option<u32>> as Maybe<Count>, "At most. Default: 200; vegas: 1000.";
    }
}

/// A table, the word of a kind, or "none".
pub(crate) enum Limited {}

/// The words of a limit without numbers.
const LIMITS: &[Word] = &[
    LimitKind::WORDS[0],
    LimitKind::WORDS[1],
    LimitKind::WORDS[2],
    word("none", "Without it, whatever the policy or the preset says."),
];

impl Field for Limited {
    type Held = Rule<ConcurrencyLimit>;
    const SHAPE: Shape = Shape::Or(&[Shape::One(ConcurrencyLimit::TABLE), Shape::Choice(LIMITS)]);
    fn read(desk: &mut Desk<'_>, view: &View<'_>, key: &'static str, help: &str) -> Option<Self::Held> {
        let word = view.get(key).and_then(|value| Some((value, value.get_ref().as_str()?)));
        let Some((value, word)) = word.filter(|(_, word)| LIMITS[3].word != *word) else {
            return Ruled::<ConcurrencyLimit>::read(desk, view, key, help);
        };
        let Some(kind) = LimitKind::of(word) else {
            read::unknown_word(desk, key, value, word, LIMITS);
            return Some(None);
        };
        let bare = ConcurrencyLimit::read(desk, &View::absent(ConcurrencyLimit::TABLE));
        let limit = bare.map(|bare| ConcurrencyLimit { kind: Given::default(kind), ..bare });
        Some(Some(Box::new(Given { value: limit, place: view.place_if_own(key, value) })))
    }
    fn told(held: &Self::Held) -> (Option<String>, bool) {
        Ruled::<ConcurrencyLimit>::told(held)
    }
}

impl ConcurrencyLimit {
    /// Complains about numbers that cannot be.
    pub(in crate::scenario) fn ranges(&self, complaints: &mut Vec<Complaint>) {
        let spec = self.lowered();
        let place = [&self.min, &self.max].into_iter().find_map(|given| given.place.clone());
        let place = place.or_else(|| self.initial.place.clone()).or_else(|| self.kind.place.clone());
        none("min", &self.min, &Some(0), "no call would ever pass", complaints);
        if spec.min > spec.max || spec.initial < spec.min || spec.initial > spec.max {
            let message = format!("the limit starts at {} and runs from {} to {}", spec.initial, spec.min, spec.max);
            complaints.push(Complaint::error(code::CONTRADICTION, message).at(place).help("write min ≤ initial ≤ max"));
        }
    }

    /// As run.
    pub(in crate::scenario) fn lowered(&self) -> LimitSpec {
        let (min, max) = match self.kind.value {
            LimitKind::Vegas => (1, 1_000),
            LimitKind::Gradient | LimitKind::Aimd => (20, 200),
        };
        let (min, max) = (self.min.value.unwrap_or(min), self.max.value.unwrap_or(max));
        LimitSpec {
            kind: self.kind.value,
            initial: f64::from(self.initial.value),
            min: f64::from(min),
            max: f64::from(max),
        }
    }
}

table! {
    /// `adaptive_throttle`.
    pub struct AdaptiveThrottle: "adaptive_throttle",
    "Refuses with probability (requests − k × accepts) ÷ (requests + 1), over the last window (Google SRE)." {
        k: Given<f64> as Or<Number> = "2.0", "Requests per accept that are always let through.";
        window: Given<Span> as Or<Duration> = "\"2m\"", "How long requests are remembered.";
    }
}

impl AdaptiveThrottle {
    /// Complains about numbers that cannot be.
    pub(super) fn ranges(&self, complaints: &mut Vec<Complaint>) {
        none("window", &self.window, &Span::ZERO, "nothing would ever be remembered", complaints);
        if self.k.value < 1.0 {
            let message = format!("`k` is {}: it would refuse what the callee accepts", self.k.value);
            complaints.push(Complaint::error(code::OUT_OF_RANGE, message).at(self.k.place.clone()).help("1.0 or more"));
        }
    }

    /// As run.
    pub(super) fn lowered(&self) -> ThrottleSpec {
        ThrottleSpec { k: self.k.value, window: self.window.value }
    }
}
