//! What a closed breaker has seen: tries of late, the last tries, or failures in a row.

use std::collections::VecDeque;

use crate::units::Time;

use super::window::{BUCKETS, Trailing};
use super::{BreakerSpec, Window};

/// How tries ended.
#[derive(Clone, Debug)]
pub(super) enum Book {
    Time(Trailing<3>),
    Calls { last: VecDeque<(bool, bool)>, room: u32, bad: u32, slow: u32 },
    Row { bad: u32 },
}

const ALL: usize = 0;
const BAD: usize = 1;
const SLOW: usize = 2;

impl Book {
    /// An empty one.
    pub(super) fn new(window: Window) -> Self {
        match window {
            Window::Time { length, .. } => Self::Time(Trailing::new(length, BUCKETS)),
            Window::Calls { calls, .. } => Self::Calls { last: VecDeque::new(), room: calls, bad: 0, slow: 0 },
            Window::Consecutive { .. } => Self::Row { bad: 0 },
        }
    }

    /// An empty one of what ends while a breaker of so many probes is half-open.
    pub(super) fn probing(probes: u32) -> Self {
        Self::Calls { last: VecDeque::new(), room: probes, bad: 0, slow: 0 }
    }

    /// Whether a half-open breaker trips, or closes, now that `needed` have ended; none while it is too early to say.
    pub(super) fn judge(&self, spec: &BreakerSpec, needed: u32) -> Option<bool> {
        let Self::Calls { last, bad, slow, .. } = self else { return None };
        if spec.first_failure && *bad + *slow > 0 {
            return Some(true);
        }
        let over = |count: u32, rate: f64| reached(f64::from(count), rate, last.len() as f64);
        let trips = over(*bad, spec.failure_rate) || spec.slow.is_some_and(|rule| over(*slow, rule.rate));
        (last.len() as u32 >= needed).then_some(trips && !spec.first_failure)
    }

    /// One more try has ended so.
    #[inline]
    pub(super) fn write(&mut self, now: Time, good: bool, is_slow: bool) {
        match self {
            Self::Time(window) => {
                let share = |counts: bool| if counts { 1.0 } else { 0.0 };
                window.add_each(now, [1.0, share(!good), share(is_slow)]);
            }
            Self::Calls { last, room, bad, slow } => {
                if last.len() as u32 == *room
                    && let Some((was_bad, was_slow)) = last.pop_front()
                {
                    *bad -= u32::from(was_bad);
                    *slow -= u32::from(was_slow);
                }
                last.push_back((!good, is_slow));
                *bad += u32::from(!good);
                *slow += u32::from(is_slow);
            }
            Self::Row { bad } => *bad = if good && !is_slow { 0 } else { *bad + 1 },
        }
    }

    /// Whether that is enough to trip the breaker.
    #[inline]
    pub(super) fn trips(&mut self, now: Time, spec: &BreakerSpec) -> bool {
        let (all, bad, slow, min) = match (self, spec.window) {
            (Self::Time(window), Window::Time { min_calls, .. }) => {
                let sums = window.sums(now);
                (sums[ALL], sums[BAD], sums[SLOW], min_calls)
            }
            (Self::Calls { last, room, bad, slow }, Window::Calls { min_calls, .. }) => {
                (last.len() as f64, f64::from(*bad), f64::from(*slow), min_calls.min(*room))
            }
            (Self::Row { bad }, Window::Consecutive { failures }) => return *bad >= failures,
            _ => return false,
        };
        all >= f64::from(min.max(1))
            && (reached(bad, spec.failure_rate, all) || spec.slow.is_some_and(|rule| reached(slow, rule.rate, all)))
    }
}

/// Whether so many are as large a share of all as `rate`. A hair less than the product: 0.35 of 20 calls are 7, whatever binary
/// fractions make of it.
fn reached(count: f64, rate: f64, all: f64) -> bool {
    count >= rate * all - 1e-9
}
