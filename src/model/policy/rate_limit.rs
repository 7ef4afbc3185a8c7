//! Rate limits: so many calls per time.
//!
//! `rate_limit = { rate = "100/s", burst = 20, refill = "continuous" }` is a bucket that starts full: a call takes a token, and
//! tokens come back at the rate, bit by bit (`continuous`) or one at a time (`discrete`). `algorithm = "fixed_window"` counts
//! per `window` and starts anew at each, so that twice the limit may pass around a boundary; `"sliding_window"` counts
//! what passed within the last `window`. A call over the limit fails with `rate_limited`, or with `max_wait` waits for its
//! turn, which is kept for it. The default `burst` is what one second brings (as Guava's `SmoothBursty`).
//!
//! On a caller's policy it limits what one replica of the caller sends; on a gateway or service what one replica of it
//! takes, all callers together or `per = "client"`.

use std::collections::VecDeque;

use crate::units::{Span, Time};

use super::super::outcome::Outcome;
use super::Verdict;

/// A rate limit as run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimitSpec {
    /// Per second.
    pub rate: f64,
    /// How it is measured.
    pub metering: Metering,
    /// How long a call waits for its turn at most.
    pub max_wait: Span,
    /// Whether each client has its own (gateways and services).
    pub per_client: bool,
}

/// How a rate is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metering {
    /// When calls take tokens.
    TokenBucket {
        /// Tokens at most, and at the start.
        burst: f64,
        /// How they come back.
        refill: Refill,
    },
    /// When calls are counted from boundary to boundary.
    FixedWindow {
        /// From one boundary to the next; the first is time zero.
        window: Span,
    },
    /// When the calls of the last window are counted.
    SlidingWindow {
        /// How long it is.
        window: Span,
    },
}

/// How tokens come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refill {
    /// When they do bit by bit.
    Continuous,
    /// When they do one at a time, at multiples of 1 ÷ rate since time zero.
    Discrete,
}

/// The state of a rate limit.
#[derive(Clone, Debug)]
pub struct RateLimit {
    spec: RateLimitSpec,
    /// Tokens; fewer than none where turns are promised.
    tokens: f64,
    /// When they were last counted (token bucket), or the number of the window.
    last: Time,
    /// Calls of this window, and turns promised in later ones.
    used: u64,
    /// When the calls of the sliding window passed or will.
    log: VecDeque<Time>,
}

impl RateLimit {
    /// A full bucket, an empty window.
    pub fn new(spec: RateLimitSpec) -> Self {
        let tokens = match spec.metering {
            Metering::TokenBucket { burst, .. } => burst,
            _ => 0.0,
        };
        Self { spec, tokens, last: Time(0), used: 0, log: VecDeque::new() }
    }

    /// Asks to pass; `Wait` keeps the turn.
    pub fn admit(&mut self, now: Time) -> Verdict {
        let wait = match self.spec.metering {
            Metering::TokenBucket { burst, refill } => self.bucket(now, burst, refill),
            Metering::FixedWindow { window } => self.fixed(now, window),
            Metering::SlidingWindow { window } => self.sliding(now, window),
        };
        match wait {
            Some(Span::ZERO) => Verdict::Go,
            Some(wait) => Verdict::Wait(wait),
            None => Verdict::Refuse(Outcome::RateLimited),
        }
    }

    fn bucket(&mut self, now: Time, burst: f64, refill: Refill) -> Option<Span> {
        let rate = self.spec.rate;
        let came = match refill {
            Refill::Continuous => now.since(self.last).as_secs_f64() * rate,
            Refill::Discrete => ticks(now, rate) - ticks(self.last, rate),
        };
        self.tokens = (self.tokens + came).min(burst);
        self.last = now;
        // A nanosecond's rounding must not cost a token that is there.
        if self.tokens >= 1.0 - 1e-9 {
            self.tokens -= 1.0;
            return Some(Span::ZERO);
        }
        let lacks = 1.0 - self.tokens;
        let wait = match refill {
            Refill::Continuous => lacks / rate,
            Refill::Discrete => (ticks(now, rate) + lacks) / rate - now.0 as f64 / 1e9,
        };
        self.promise(wait).inspect(|_| self.tokens -= 1.0)
    }

    fn fixed(&mut self, now: Time, window: Span) -> Option<Span> {
        let limit = self.limit(window);
        let (current, before) = (now.0 / window.0, self.last.0 / window.0);
        self.used = self.used.saturating_sub(limit.saturating_mul(current - before));
        self.last = now;
        let later = self.used / limit;
        let wait = if later == 0 { Span::ZERO } else { Time((current + later) * window.0).since(now) };
        (wait <= self.spec.max_wait).then(|| {
            self.used += 1;
            wait
        })
    }

    fn sliding(&mut self, now: Time, window: Span) -> Option<Span> {
        let limit = self.limit(window) as usize;
        while self.log.front().is_some_and(|first| *first + window <= now) {
            self.log.pop_front();
        }
        let turn = match self.log.len().checked_sub(limit) {
            None => now,
            Some(at) => self.log[at] + window,
        };
        let wait = turn.since(now);
        (wait <= self.spec.max_wait).then(|| {
            self.log.push_back(turn);
            wait
        })
    }

    fn promise(&self, wait: f64) -> Option<Span> {
        let wait = Span::from_secs_f64(wait).max(Span(1));
        (wait <= self.spec.max_wait).then_some(wait)
    }

    fn limit(&self, window: Span) -> u64 {
        ((self.spec.rate * window.as_secs_f64()).round() as u64).max(1)
    }
}

/// Ticks of 1 ÷ rate that have passed since time zero.
fn ticks(now: Time, rate: f64) -> f64 {
    // A tick that falls on a whole nanosecond counts at that nanosecond.
    (now.0 as f64 / 1e9 * rate + 1e-9).floor()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn limit(rate: f64, metering: Metering, max_wait: u64) -> RateLimit {
        RateLimit::new(RateLimitSpec { rate, metering, max_wait: Span(max_wait * MS), per_client: false })
    }

    fn passed(limit: &mut RateLimit, at: u64) -> usize {
        (0..1_000).take_while(|_| limit.admit(Time(at * MS)) == Verdict::Go).count()
    }

    #[test]
    fn a_bucket_starts_full_and_refills() {
        let bucket = |refill| Metering::TokenBucket { burst: 3.0, refill };
        let mut smooth = limit(100.0, bucket(Refill::Continuous), 0);
        assert_eq!((passed(&mut smooth, 5), passed(&mut smooth, 14), passed(&mut smooth, 15)), (3, 0, 1));
        assert_eq!(passed(&mut smooth, 10_000), 3);
        let mut ticking = limit(100.0, bucket(Refill::Discrete), 0);
        assert_eq!((passed(&mut ticking, 5), passed(&mut ticking, 9), passed(&mut ticking, 10)), (3, 0, 1));
    }

    #[test]
    fn a_turn_that_is_promised_is_kept() {
        let mut shaped = limit(100.0, Metering::TokenBucket { burst: 1.0, refill: Refill::Continuous }, 25);
        let verdicts: Vec<Verdict> = (0..4).map(|_| shaped.admit(Time(0))).collect();
        let wait = |ms: u64| Verdict::Wait(Span(ms * MS));
        assert_eq!(verdicts, [Verdict::Go, wait(10), wait(20), Verdict::Refuse(Outcome::RateLimited)]);
        let mut cycles = limit(2.0, Metering::FixedWindow { window: Span(1_000 * MS) }, 1_500);
        let verdicts: Vec<Verdict> = (0..5).map(|_| cycles.admit(Time(900 * MS))).collect();
        assert_eq!(verdicts, [Verdict::Go, Verdict::Go, wait(100), wait(100), wait(1_100)]);
        assert_eq!(cycles.admit(Time(1_000 * MS)), wait(1_000));
    }

    #[test]
    fn windows_count_as_their_names_say() {
        let mut fixed = limit(10.0, Metering::FixedWindow { window: Span(1_000 * MS) }, 0);
        assert_eq!((passed(&mut fixed, 990), passed(&mut fixed, 1_000)), (10, 10), "twice the limit at a boundary");
        let mut sliding = limit(10.0, Metering::SlidingWindow { window: Span(1_000 * MS) }, 0);
        assert_eq!((passed(&mut sliding, 990), passed(&mut sliding, 1_000), passed(&mut sliding, 1_990)), (10, 0, 10));
    }
}
