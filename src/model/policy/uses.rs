//! What names the draws of a guarded call: its tries and what its rules draw for each of them. Whoever runs a plan by other means
//! (`hoptax testbed`) draws the same numbers by the same names.

use crate::random::Lineage;

/// Names the lineage of tries after the first.
const AGAIN: u64 = 0x7472_795f_6167_6169;

/// Spreads the wait before a retry.
pub const BACKOFF: u64 = 1;

/// Decides whether an adaptive throttle refuses.
pub const THROTTLE: u64 = 2;

/// Draws the wait before a hedge, or before a retry whose wait has a law.
pub const WAIT: u64 = 3;

/// Moves an adaptive limit.
pub const LIMIT: u64 = 4;

/// The lineage of the `nth` try (from 0) of a call with this one.
#[inline]
#[must_use]
pub fn try_lineage(call: Lineage, nth: u32) -> Lineage {
    if nth == 0 { call } else { call.child(AGAIN, nth) }
}

/// The number of the draw for `purpose` that belongs to the `nth` try.
#[inline]
#[must_use]
pub fn nth_use(nth: u32, purpose: u64) -> u64 {
    u64::from(nth) << 8 | purpose
}
