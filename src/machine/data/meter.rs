//! Counts that the replicas of a node share.

use crate::model::policy::{RateLimit, RateLimitSpec, Verdict};
use crate::model::{MeterId, Plan};
use crate::units::Time;

/// The counts, each of all clients together or of each of them.
#[derive(Clone, Debug)]
pub(crate) struct Meters(Vec<Vec<RateLimit>>);

impl Meters {
    /// Nothing counted yet.
    pub(crate) fn new(plan: &Plan) -> Self {
        let of = |spec: &RateLimitSpec| {
            let each = if spec.per_client { plan.clients.len() } else { 1 };
            vec![RateLimit::new(*spec); each]
        };
        Self(plan.meters.iter().map(of).collect())
    }

    /// Counts a request; whether it may come in.
    pub(crate) fn admit(&mut self, now: Time, meter: MeterId, client: u16) -> bool {
        let own = &mut self.0[meter.index()];
        let at = if own.len() > 1 { usize::from(client) } else { 0 };
        own[at].admit(now) == Verdict::Go
    }
}
