//! A rate limit: a bucket whose tokens come back bit by bit (Guava's `RateLimiter`), or a count that starts anew at each boundary
//! (Resilience4j's `RateLimiter`).

use hoptax::model::policy::{Metering, RateLimitSpec};

/// So many per time.
pub(crate) struct Rate {
    spec: RateLimitSpec,
    tokens: f64,
    last: u64,
    /// Taken in this window, and promised in later ones.
    used: u64,
}

impl Rate {
    /// A full bucket, an empty window.
    pub(crate) fn new(spec: RateLimitSpec) -> Self {
        let tokens = if let Metering::TokenBucket { burst, .. } = spec.metering { burst } else { 0.0 };
        Self { spec, tokens, last: 0, used: 0 }
    }

    /// How long to wait before one may go, ns; `None`: it may not.
    pub(crate) fn ask(&mut self, now: u64) -> Option<u64> {
        let wait = match self.spec.metering {
            Metering::TokenBucket { burst, .. } => {
                self.tokens = (self.tokens + (now - self.last) as f64 / 1e9 * self.spec.rate).min(burst);
                self.last = now;
                ((1.0 - self.tokens).max(0.0) / self.spec.rate * 1e9).round() as u64
            }
            Metering::FixedWindow { window } | Metering::SlidingWindow { window } => self.in_window(now, window.0),
        };
        if wait > self.spec.max_wait.0 {
            return None;
        }
        self.tokens -= 1.0;
        self.used += 1;
        Some(wait)
    }

    fn in_window(&mut self, now: u64, window: u64) -> u64 {
        let limit = ((self.spec.rate * window as f64 / 1e9).floor() as u64).max(1);
        let (current, before) = (now / window, self.last / window);
        self.used = self.used.saturating_sub(limit.saturating_mul(current - before));
        self.last = now;
        let later = self.used / limit;
        if later == 0 { 0 } else { (current + later) * window - now }
    }
}
