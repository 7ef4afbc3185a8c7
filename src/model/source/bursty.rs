//! Bursty arrivals: a Poisson process whose rate jumps between a low and a high level after exponential stays (a
//! Markov-modulated Poisson process of two states; Fischer and Meier-Hellstern 1993).

use crate::random::ziggurat::exponential;
use crate::units::Time;

use super::{Batch, Naming, Pace};

/// Two rates and how long they last.
#[derive(Clone, Debug)]
pub struct Bursty {
    /// Arrivals per ns: low, high.
    pub rates: [f64; 2],
    /// Mean stay, ns: low, high.
    pub stays: [f64; 2],
    /// Requests per arrival.
    pub batch: Batch,
}

impl Bursty {
    pub(super) fn next(&self, now: Time, pace: &mut Pace, naming: Naming) -> Time {
        if pace.stays == 0 {
            // The long-run share of time decides where it begins.
            pace.high = naming.other(1, 0).unit() * (self.stays[0] + self.stays[1]) < self.stays[1];
            self.stay(now, pace, naming);
        }
        let mut need = exponential(&mut naming.gap(pace.arrivals));
        let mut at = now.0 as f64;
        loop {
            let rate = self.rates[usize::from(pace.high)];
            let holds = (pace.until.0 as f64 - at).max(0.0) * rate;
            if need <= holds && rate > 0.0 {
                return Time(((at + need / rate).round() as u64).max(now.0));
            }
            need -= holds;
            at = pace.until.0 as f64;
            pace.high = !pace.high;
            self.stay(pace.until, pace, naming);
        }
    }

    fn stay(&self, from: Time, pace: &mut Pace, naming: Naming) {
        pace.stays += 1;
        let stay = self.stays[usize::from(pace.high)] * exponential(&mut naming.other(1, pace.stays));
        pace.until = Time(from.0 + stay.round() as u64 + 1);
    }
}
