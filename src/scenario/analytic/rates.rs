//! How many requests an open client sends.

use crate::scenario::law_mean::mean;
use crate::scenario::written::{Arrivals, Phase};

/// Arrivals per second: averaged over the run, and at the height.
pub(in crate::scenario) fn open_rate(arrivals: &Arrivals, phases: &[Phase], run: f64) -> (f64, f64) {
    match arrivals {
        Arrivals::Bursty { low, high, stay_low, stay_high } => {
            let (a, b) = (stay_low.as_secs_f64(), stay_high.as_secs_f64());
            ((low.0 * a + high.0 * b) / (a + b).max(1e-9), high.0)
        }
        Arrivals::Gaps(law) => {
            let rate = 1e9 / mean(law);
            (rate, rate)
        }
        Arrivals::Replay { times, .. } => {
            let rate = times.len() as f64 / run.max(1e-9);
            (rate, rate)
        }
        Arrivals::Poisson | Arrivals::Constant => phased(phases, run),
    }
}

fn phased(phases: &[Phase], run: f64) -> (f64, f64) {
    let (mut at, mut sum, mut top, mut last) = (0.0, 0.0, 0.0_f64, 0.0);
    for phase in phases {
        if at >= run {
            break;
        }
        let whole = phase.duration.as_ref().map_or(run - at, |d| d.value.as_secs_f64());
        let part = whole.min(run - at);
        let start = phase.rate.value.0;
        let goal = phase.ramp_to.as_ref().map_or(start, |r| r.value.0);
        let end = if whole > 0.0 { start + (goal - start) * part / whole } else { goal };
        sum += f64::midpoint(start, end) * part;
        top = top.max(start).max(end);
        at += part;
        last = goal;
    }
    if at < run {
        sum += last * (run - at);
    }
    (sum / run.max(1e-9), top)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::written::Given;
    use crate::units::{Rate, Span};

    #[test]
    fn phases_are_averaged_and_the_last_one_holds() {
        let phase = |seconds: u64, from: f64, to: Option<f64>| Phase {
            duration: Some(Given::default(Span(seconds * 1_000_000_000))),
            rate: Given::default(Rate(from)),
            ramp_to: to.map(|to| Given::default(Rate(to))),
        };
        let phases = [phase(10, 100.0, None), phase(10, 100.0, Some(300.0))];
        assert_eq!(phased(&phases, 20.0), (150.0, 300.0));
        assert_eq!(phased(&phases, 40.0), (225.0, 300.0));
        assert_eq!(phased(&phases, 15.0), ((1000.0 + 750.0) / 15.0 + 0.0, 200.0));
    }
}
