//! Circuit breaker: stops calling a callee that fails, and asks carefully whether it works again.
//!
//! `circuit_breaker = { failure_rate = "50%", window = "10s", min_calls = 20, open_for = "15s", half_open_calls = 5 }`. *Closed*, it
//! lets tries through and counts how they end: over a time `window`, over the last `window_calls`, or `consecutive` failures.
//! With at least `min_calls` in the window it trips as soon as the share of failures reaches `failure_rate`, or the share of
//! tries slower than `slow_call` reaches `slow_rate`. *Open*, it refuses everything with `circuit_open`. When `open_for`
//! ends it is *half-open*: `half_open_calls` tries go through as probes, everyone else is refused. When as many have ended (or
//! `min_calls`, if that is fewer) their rates are held against the thresholds: reached, it trips again, else it closes with
//! an empty window (Resilience4j). With `half_open = "first_failure"` one failed probe is a trip and all must succeed, as in
//! Hystrix and Polly, whose only probe decides; so it always is with `consecutive`, which has no rate. With
//! `open_for_max`, every trip of a half-open breaker doubles the next `open_for`.
//!
//! `counts = "tries"` (default) puts the breaker inside the retries: every try counts. `counts = "calls"` puts it outside:
//! a call counts once, with all its tries. `on` names the failures that count (default: all).
//!
//! `per = "callee"` (default): one breaker for the callee, so that one bad replica of three trips it for all, or never does.
//! `per = "replica"`: one for each of its replicas; one whose breaker is open is left out when a replica is picked (failure
//! accrual in Finagle and Linkerd), and only where all are open is a try refused. The caller must pick per request then.
//!
//! A time window is kept in ten buckets (Hystrix, Polly), a count window is exact (Resilience4j). An end counts in the state
//! that the breaker is in by then: what began before it tripped and ends while it is half-open counts beside its probes, and
//! while it is open nothing counts. That is so in Resilience4j, Hystrix, Polly and Linkerd.
//!
//! Sources: `CircuitBreakerStateMachine` and `CircuitBreakerMetrics` of Resilience4j, `HystrixCircuitBreaker`,
//! `CircuitStateController` of Polly, linkerd2-proxy `http/breaker`.

use crate::units::{Span, Time};

use super::super::outcome::Outcome;
use super::book::Book;
use super::{OutcomeSet, Verdict};

/// A breaker as run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerSpec {
    /// What it looks at.
    pub window: Window,
    /// Share of failures that trips it; not for consecutive failures.
    pub failure_rate: f64,
    /// Slow tries, if they count.
    pub slow: Option<Slow>,
    /// How long it stays open.
    pub open_for: Span,
    /// The longest it stays open when probes keep failing; `open_for` where it does not grow.
    pub open_for_max: Span,
    /// Probes of a half-open breaker.
    pub half_open_calls: u32,
    /// Whether one failed probe trips it, and not their rate.
    pub first_failure: bool,
    /// Failures that count.
    pub on: OutcomeSet,
    /// Whether each replica of the callee has its own.
    pub per_replica: bool,
}

/// What a closed breaker looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Window {
    /// When it is what ended of late.
    Time {
        /// How late.
        length: Span,
        /// Below so many it does not judge.
        min_calls: u32,
    },
    /// When it is the last so many.
    Calls {
        /// How many.
        calls: u32,
        /// Below so many it does not judge.
        min_calls: u32,
    },
    /// When it is failures in a row.
    Consecutive {
        /// So many trip it.
        failures: u32,
    },
}

/// When a try is slow and how many may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slow {
    /// A try that takes longer is slow.
    pub after: Span,
    /// Share of slow tries that trips it.
    pub rate: f64,
}

/// What a breaker does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// When it lets everything through.
    Closed,
    /// When it lets nothing through.
    Open,
    /// When it lets a few probes through.
    HalfOpen,
}

/// What a breaker has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BreakerTally {
    /// Trips, those of failed probes among them.
    pub opened: u64,
    /// Time spent open.
    pub open: Span,
    /// Time spent half-open.
    pub half_open: Span,
}

/// The state of a breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    spec: BreakerSpec,
    phase: Phase,
    since: Time,
    /// How long it stays open this time.
    open_for: Span,
    /// Probes that went, and those of them that have ended.
    probes: u32,
    ended_probes: u32,
    book: Book,
    tally: BreakerTally,
}

impl Breaker {
    /// A closed one.
    pub fn new(spec: BreakerSpec) -> Self {
        Self {
            spec,
            phase: Phase::Closed,
            since: Time(0),
            open_for: spec.open_for,
            probes: 0,
            ended_probes: 0,
            book: Book::new(spec.window),
            tally: BreakerTally::default(),
        }
    }

    /// Whether a try may go. Ask `is_half_open` right after a `Go`: then it is a probe.
    #[inline]
    pub fn admit(&mut self, now: Time) -> Verdict {
        self.settle(now);
        match self.phase {
            Phase::Closed => Verdict::Go,
            Phase::HalfOpen if self.probes < self.spec.half_open_calls => {
                self.probes += 1;
                Verdict::Go
            }
            Phase::Open | Phase::HalfOpen => Verdict::Refuse(Outcome::CircuitOpen),
        }
    }

    /// Whether `admit` would let a try go.
    pub fn lets_through(&mut self, now: Time) -> bool {
        self.settle(now);
        match self.phase {
            Phase::Closed => true,
            Phase::HalfOpen => self.probes < self.spec.half_open_calls,
            Phase::Open => false,
        }
    }

    /// Whether what `admit` lets through now is a probe.
    pub fn is_half_open(&self) -> bool {
        self.phase == Phase::HalfOpen
    }

    /// A try that it let through has ended.
    #[inline]
    pub fn record(&mut self, now: Time, good: bool, slow: bool, probe: bool) {
        self.settle(now);
        let slow = slow && self.spec.slow.is_some();
        match self.phase {
            Phase::Closed => {
                self.book.write(now, good, slow);
                if self.book.trips(now, &self.spec) {
                    self.trip(now);
                }
            }
            Phase::HalfOpen => {
                self.ended_probes += u32::from(probe);
                self.book.write(now, good, slow);
                match self.book.judge(&self.spec, self.needed()) {
                    Some(true) => self.trip(now),
                    Some(false) => self.close(now),
                    None => {}
                }
            }
            Phase::Open => {}
        }
    }

    /// How many ends decide about a half-open breaker.
    fn needed(&self) -> u32 {
        match self.spec.window {
            Window::Time { min_calls, .. } | Window::Calls { min_calls, .. } if !self.spec.first_failure => {
                min_calls.min(self.spec.half_open_calls).max(1)
            }
            _ => self.spec.half_open_calls,
        }
    }

    /// A try that it let through will never be known to have ended: a probe makes room for another.
    pub fn forget(&mut self, now: Time, probe: bool) {
        self.settle(now);
        if probe && self.phase == Phase::HalfOpen {
            self.probes = self.probes.saturating_sub(1);
        }
    }

    /// What it does now.
    pub fn phase(&mut self, now: Time) -> Phase {
        self.settle(now);
        self.phase
    }

    /// Whether this outcome counts as a failure.
    #[inline]
    pub fn counts(&self, outcome: Outcome) -> bool {
        self.spec.on.contains(outcome)
    }

    /// Whether a try of this latency is slow.
    #[inline]
    pub fn is_slow(&self, latency: Span) -> bool {
        self.spec.slow.is_some_and(|slow| latency > slow.after)
    }

    /// Whether a probe is under way.
    pub fn is_probing(&self) -> bool {
        self.phase == Phase::HalfOpen && self.probes > self.ended_probes
    }

    /// What it has done until now.
    pub fn tally(&mut self, now: Time) -> BreakerTally {
        self.settle(now);
        let mut tally = self.tally;
        match self.phase {
            Phase::Closed => {}
            Phase::Open => tally.open += now.since(self.since),
            Phase::HalfOpen => tally.half_open += now.since(self.since),
        }
        tally
    }

    /// Half-open begins when `open_for` ends, whoever notices it.
    #[inline]
    fn settle(&mut self, now: Time) {
        if self.phase == Phase::Open && now >= self.since + self.open_for {
            self.half_open();
        }
    }

    #[cold]
    fn half_open(&mut self) {
        self.tally.open += self.open_for;
        self.phase = Phase::HalfOpen;
        self.since = self.since + self.open_for;
        self.probes = 0;
        self.ended_probes = 0;
        self.book = Book::probing(self.spec.half_open_calls);
    }

    #[cold]
    fn trip(&mut self, now: Time) {
        if self.phase == Phase::HalfOpen {
            self.tally.half_open += now.since(self.since);
            self.open_for =
                Span(self.open_for.0.saturating_mul(2).min(self.spec.open_for_max.0)).max(self.spec.open_for);
        }
        self.tally.opened += 1;
        self.phase = Phase::Open;
        self.since = now;
    }

    fn close(&mut self, now: Time) {
        self.tally.half_open += now.since(self.since);
        self.phase = Phase::Closed;
        self.since = now;
        self.open_for = self.spec.open_for;
        self.book = Book::new(self.spec.window);
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
