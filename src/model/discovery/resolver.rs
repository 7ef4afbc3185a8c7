//! `resolver`: what it takes to look a name up.
//!
//! `resolver = { takes = "1ms", loss = "1%", timeout = "5s", attempts = 2 }` of `[discovery]` with `kind = "dns"`. Whoever needs an
//! answer that is not at hand asks the name's server, waits for the answer (`takes`), and goes on with it. A question or its answer may
//! be lost (`loss`); after `timeout` it is asked again, `attempts` times in all, and then the request fails with `no_endpoint`. The
//! defaults are those of glibc's resolver (`RES_TIMEOUT` 5 s, `RES_DFLRETRY` 2); musl divides its 5 s by the attempts, which is
//! `timeout = "2.5s"`. In a `discovery_outage` every question is lost. What all of that takes is `connect` in the ledger; it is within the
//! `timeout` of the request.
//!
//! Where answers are kept, who comes while one is asked for waits for the same answer (as in the JVM and in Go). With `ttl = "0s"`
//! nothing is kept: each looks the name up for itself, as `getaddrinfo` does. A pooled connection asks when it is opened and not
//! again, so that how often that happens decides; where requests are balanced (`balance_per = "request"`), or travel without
//! connections (`free`), it is each request whose answer is too old. gRPC's resolver works beside the requests: they go to
//! the old addresses until it has an answer.
//!
//! Clients look names up in no time (they are many machines), and so do queries (a pool's connections are there) and calls with a
//! breaker for each replica.
//!
//! Sources: glibc `resolv/resolv.h`, resolv.conf(5); musl `src/network/res_msend.c`; kubernetes/kubernetes#56903 (5 s and 2.5 s:
//! questions that are lost in conntrack).

use crate::random::Draw;
use crate::units::Span;

use super::super::id::LawId;

/// A resolver as planned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolver {
    /// How long an answer takes.
    pub takes: LawId,
    /// Probability that a question, or its answer, is lost.
    pub loss: f64,
    /// How long one waits for an answer before asking again.
    pub timeout: Span,
    /// How often a name is asked for.
    pub attempts: u32,
}

impl Resolver {
    /// How long a question takes whose answer would take so long, and whether it is answered.
    pub fn asks(&self, takes: Span, dark: bool, draw: &mut Draw) -> (Span, bool) {
        let lost = dark || takes >= self.timeout || self.loss > 0.0 && draw.unit() < self.loss;
        if lost { (self.timeout, false) } else { (takes, true) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Lineage, Purpose};

    #[test]
    fn what_is_lost_or_late_takes_as_long_as_one_waits() {
        let resolver = Resolver { takes: LawId(0), loss: 0.25, timeout: Span(50), attempts: 2 };
        let asks = |takes, dark, n| resolver.asks(Span(takes), dark, &mut Draw::new(1, Lineage(2), Purpose::Probe, n));
        let lost = (0..20_000).filter(|n| asks(7, false, *n) == (Span(50), false)).count();
        assert!((lost as f64 / 2e4 - 0.25).abs() < 0.01, "{lost}");
        assert!((0..100).all(|n| asks(50, false, n) == (Span(50), false) && asks(7, true, n) == (Span(50), false)));
        assert!((0..100).any(|n| asks(7, false, n) == (Span(7), true)));
    }
}
