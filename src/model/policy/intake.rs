//! Intake: what a gateway or a service refuses at its own door.
//!
//! `rate_limit = { rate = "500/s", burst = 100, per = "client" }`, `shed = { queue_longer_than = "100ms" }` and
//! `concurrency_limit = "gradient"` on a gateway or service hold for each of its replicas by itself: three replicas behind a
//! balancer let three times the rate through. They are asked in that order when a request arrives, before it asks for a
//! worker. A refusal costs no work: `rate_limited`, or `overloaded`. Shedding and adaptive limits let the less important go
//! first, where clients have priorities. A gateway whose replicas count together asks whoever keeps
//! the count (`counter`), when it has the request already.

use crate::units::{Span, Time};

use super::super::outcome::Outcome;
use super::{Limit, LimitSpec, RateLimit, RateLimitSpec, Shed, Verdict};

/// An intake as run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct IntakeSpec {
    /// So many per time.
    pub rate_limit: Option<RateLimitSpec>,
    /// None while the line is too long.
    pub shed: Option<Shed>,
    /// As many at once as the latency allows.
    pub limit: Option<LimitSpec>,
}

/// The intake of one replica.
#[derive(Clone, Debug)]
pub struct Intake {
    spec: IntakeSpec,
    /// One for all, or one for each client.
    rates: Vec<RateLimit>,
    limit: Option<Limit>,
}

impl Intake {
    /// Nobody inside; `clients` is how many there are.
    pub fn new(spec: IntakeSpec, clients: usize) -> Self {
        let rates = spec.rate_limit.map(|rate| {
            let each = if rate.per_client { clients } else { 1 };
            vec![RateLimit::new(rate); each]
        });
        Self { spec, rates: rates.unwrap_or_default(), limit: spec.limit.map(Limit::new) }
    }

    /// Whether a request on behalf of a client may come in; `oldest`: when the first in line before it joined that.
    pub fn admit(&mut self, now: Time, client: usize, priority: u8, oldest: Option<Time>) -> Verdict {
        let own = if self.rates.len() > 1 { client } else { 0 };
        let rate = self.rates.get_mut(own).map_or(Verdict::Go, |rate| rate.admit(now));
        if rate != Verdict::Go {
            return rate;
        }
        let shed = self.spec.shed.map_or(Verdict::Go, |shed| shed.admit(now, oldest));
        if shed != Verdict::Go {
            return shed;
        }
        match self.limit.as_mut().map_or(Verdict::Go, |limit| limit.admit(priority)) {
            Verdict::Go => Verdict::Go,
            _ => Verdict::Refuse(Outcome::Overloaded),
        }
    }

    /// One of this priority that came in has been answered so, after `sojourn`; `u` is uniform in [0, 1).
    pub fn release(&mut self, priority: u8, sojourn: Span, outcome: Outcome, u: f64) {
        if let Some(limit) = &mut self.limit {
            limit.release(priority, sojourn, outcome, u);
        }
    }

    /// Whether nobody is inside.
    pub fn is_idle(&self) -> bool {
        self.limit.as_ref().is_none_or(Limit::is_empty)
    }

    /// Whether it wants to hear of answers.
    pub fn counts(&self) -> bool {
        self.limit.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LimitKind as Kind, Metering, Refill};
    use super::*;

    fn rate(per_client: bool) -> RateLimitSpec {
        let metering = Metering::TokenBucket { burst: 1.0, refill: Refill::Continuous };
        RateLimitSpec { rate: 1.0, metering, max_wait: Span::ZERO, per_client }
    }

    #[test]
    fn clients_share_a_rate_or_have_their_own() {
        for (per_client, second) in [(false, Verdict::Refuse(Outcome::RateLimited)), (true, Verdict::Go)] {
            let mut intake = Intake::new(IntakeSpec { rate_limit: Some(rate(per_client)), ..IntakeSpec::default() }, 2);
            assert_eq!(intake.admit(Time(0), 0, 0, None), Verdict::Go);
            assert_eq!(intake.admit(Time(0), 1, 0, None), second);
            assert_eq!(intake.admit(Time(0), 0, 0, None), Verdict::Refuse(Outcome::RateLimited));
        }
    }

    #[test]
    fn a_full_limit_is_an_overload_at_the_door() {
        let limit = LimitSpec { kind: Kind::Aimd, initial: 1.0, min: 1.0, max: 1.0 };
        let mut intake = Intake::new(IntakeSpec { limit: Some(limit), ..IntakeSpec::default() }, 1);
        assert_eq!(intake.admit(Time(0), 0, 0, None), Verdict::Go);
        assert_eq!(intake.admit(Time(0), 0, 0, None), Verdict::Refuse(Outcome::Overloaded));
        intake.release(0, Span(1), Outcome::Succeeded, 0.0);
        assert_eq!(intake.admit(Time(0), 0, 0, None), Verdict::Go);
    }
}
