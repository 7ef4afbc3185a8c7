//! Arrivals with gaps of any law: a renewal process.

use crate::random::dist::Dist;
use crate::units::{Span, Time};

use super::{Batch, Naming};

/// Independent gaps.
#[derive(Clone, Debug)]
pub struct Gaps {
    /// Their law, ns.
    pub law: Dist,
    /// Requests per arrival.
    pub batch: Batch,
}

impl Gaps {
    pub(super) fn next(&self, now: Time, nth: u64, naming: Naming) -> Time {
        now + Span(self.law.sample(&mut naming.gap(nth)))
    }
}
