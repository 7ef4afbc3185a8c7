//! Poisson and constant arrivals whose rate may change: `rate`, or `phases` with ramps.
//!
//! A gap is drawn in operational time (mean 1: exponential or exactly 1) and turned into real time by inverting the
//! integrated rate (Çinlar 1975), so that a different rate stretches the same arrivals instead of drawing new ones.

use crate::random::ziggurat::exponential;
use crate::units::Time;

use super::{Batch, Naming};

/// Arrivals at a rate over time.
#[derive(Clone, Debug)]
pub struct Paced {
    /// Whether gaps are exponential; otherwise equal.
    pub poisson: bool,
    /// The rate over time, ascending; the last segment holds for ever.
    pub segments: Vec<Segment>,
    /// Requests per arrival.
    pub batch: Batch,
}

/// A stretch of a piecewise linear rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Its end, ns of simulated time; infinite for the last.
    pub until: f64,
    /// Arrivals per ns at its start.
    pub rate: f64,
    /// Change of the rate per ns.
    pub slope: f64,
    /// Its start, ns.
    pub from: f64,
}

impl Paced {
    /// The next arrival after `now`; `None` when the rate stays zero for ever.
    #[inline]
    pub(super) fn next(&self, now: Time, nth: u64, naming: Naming) -> Option<Time> {
        let need = if self.poisson { exponential(&mut naming.gap(nth)) } else { 1.0 };
        let at = now.0.cast_signed() as f64;
        match self.segments.last() {
            // Mostly the rate stays what it is.
            Some(last) if at >= last.from && last.rate > 0.0 && last.slope == 0.0 => {
                Some(Time(rounded(at + need / last.rate).max(now.0)))
            }
            _ => self.next_of_changing(now, need),
        }
    }

    /// The same while the rate changes, or where it is none: so many arrivals are needed until the next.
    fn next_of_changing(&self, now: Time, mut need: f64) -> Option<Time> {
        let mut at = now.0 as f64;
        for segment in &self.segments {
            if at >= segment.until {
                continue;
            }
            let rate = segment.rate + segment.slope * (at - segment.from);
            let room = segment.until - at;
            let holds = if room.is_finite() { room * (rate + segment.slope * room / 2.0) } else { f64::INFINITY };
            if rate <= 0.0 && segment.slope <= 0.0 {
                at = segment.until;
            } else if need <= holds {
                return Some(Time(rounded(at + inverse(need, rate, segment.slope)).max(now.0)));
            } else {
                need -= holds;
                at = segment.until;
            }
        }
        None
    }
}

/// To the nearest whole number, halves up; baseline x86-64 would call a function for `f64::round`, and converts to signed
/// numbers in one step, to unsigned ones in several. What lies beyond 292 years becomes that.
#[inline]
fn rounded(at: f64) -> u64 {
    let whole = at as i64;
    whole.cast_unsigned() + u64::from(at - whole as f64 >= 0.5)
}

/// The time after which a rate `rate + slope·t` has brought `need` arrivals.
fn inverse(need: f64, rate: f64, slope: f64) -> f64 {
    if slope == 0.0 {
        return need / rate;
    }
    // The stable form of the quadratic's root, good for either sign of the slope.
    2.0 * need / (rate + libm::sqrt((rate * rate + 2.0 * slope * need).max(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(from: f64, until: f64, start: f64, end: f64) -> Segment {
        let slope = if until.is_finite() { (end - start) / (until - from) } else { 0.0 };
        Segment { from, until, rate: start, slope }
    }

    #[test]
    fn constant_arrivals_follow_a_ramp() {
        // From 0 to 100 per 1000 ns, rising linearly: the n-th arrival at sqrt(2 n / slope).
        let paced = Paced {
            poisson: false,
            segments: vec![segment(0.0, 1000.0, 0.0, 0.1), segment(1000.0, f64::INFINITY, 0.1, 0.1)],
            batch: None,
        };
        let naming = Naming { seed: 1, source: 2 };
        let mut now = Time(0);
        for n in 1..=60u64 {
            now = paced.next(now, n, naming).unwrap();
            let expected = if n <= 50 { (2.0 * n as f64 / 1e-4).sqrt() } else { 1000.0 + (n - 50) as f64 * 10.0 };
            assert!((now.0 as f64 - expected).abs() < 3.0 + n as f64 * 0.5, "{n}: {} {expected}", now.0);
        }
    }

    #[test]
    fn a_rate_that_stays_is_no_other_than_one_that_may_change() {
        let segments = vec![segment(0.0, 1000.0, 0.0, 0.1), segment(1000.0, f64::INFINITY, 0.003, 0.003)];
        let (paced, naming) = (Paced { poisson: true, segments, batch: None }, Naming { seed: 1, source: 2 });
        for n in 0..200 {
            let (now, need) = (Time(900 + n), exponential(&mut naming.gap(n)));
            assert_eq!(paced.next(now, n, naming), paced.next_of_changing(now, need), "{now:?}");
        }
    }

    #[test]
    fn a_rate_of_zero_ends_or_pauses() {
        let naming = Naming { seed: 1, source: 2 };
        let ended = Paced { poisson: true, segments: vec![segment(0.0, f64::INFINITY, 0.0, 0.0)], batch: None };
        assert_eq!(ended.next(Time(5), 0, naming), None);
        let paused = Paced {
            poisson: false,
            segments: vec![segment(0.0, 100.0, 0.0, 0.0), segment(100.0, f64::INFINITY, 0.5, 0.5)],
            batch: None,
        };
        assert_eq!(paused.next(Time(5), 0, naming), Some(Time(102)));
    }
}
