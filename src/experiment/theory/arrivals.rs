//! One station whose arrivals are not Poisson: spaced, in batches, in bursts.

use serde::Deserialize;

use super::figure::{Mode, Part, Reading, Seen, equal};
use super::record::Model;
use super::sheet::{Asked, Law, Sheet, exponential, poisson, rate, span, work};
use super::single::{answers, station};

/// Arrivals `gaps` apart.
fn spaced(asked: &Asked<'_>, gaps: &Law, lines: &str) -> Sheet {
    let per_second = 1.0 / gaps.mean();
    let load = match gaps {
        Law::Constant { .. } => format!("arrivals = \"constant\"\nrate = \"{}\"", rate(per_second)),
        _ => format!("arrivals = {}", gaps.written()),
    };
    station(asked, per_second, &load, 1, lines)
}

#[derive(Debug, Deserialize)]
pub(super) struct Gim1 {
    gaps: Law,
    mu: f64,
}

impl Model for Gim1 {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        spaced(asked, &self.gaps, &work(&exponential(self.mu)))
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        answers(seen)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Gg1 {
    gaps: Law,
    service: Law,
}

impl Model for Gg1 {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        spaced(asked, &self.gaps, &work(&self.service))
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        let wait = seen.wait("station", Part::Mean);
        let mut all = answers(seen);
        all.push(("mean_wait_upper".into(), wait, Mode::AtMost(0.0)));
        all.push(("mean_wait_lower".into(), wait, Mode::AtLeast(0.0)));
        all.push(("mean_wait_klb_approx".into(), wait, Mode::Near(0.15)));
        all
    }
}

/// Several arrive at once.
#[derive(Debug, Deserialize)]
pub(super) struct BatchMm1 {
    batches: f64,
    batch: u32,
    geometric: bool,
    mu: f64,
}

impl Model for BatchMm1 {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let batch = self.batch;
        let law =
            if self.geometric { format!("{{ dist = \"geometric\", mean = {batch} }}") } else { batch.to_string() };
        let load = format!("{}\nbatch = {law}", poisson(self.batches));
        station(asked, self.batches * f64::from(batch), &load, 1, &work(&exponential(self.mu)))
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        answers(seen)
    }
}

/// Poisson arrivals whose rate jumps between two levels.
#[derive(Debug, Deserialize)]
pub(super) struct MmppM1 {
    low: f64,
    high: f64,
    leave_low: f64,
    leave_high: f64,
    mu: f64,
}

impl Model for MmppM1 {
    fn scenario(&self, asked: &Asked<'_>) -> Sheet {
        let load = format!(
            "arrivals = \"bursty\"\nbursty = {{ low = \"{}\", high = \"{}\", stay_low = \"{}\", stay_high = \"{}\" }}",
            rate(self.low),
            rate(self.high),
            span(1.0 / self.leave_low),
            span(1.0 / self.leave_high)
        );
        let mean = (self.low * self.leave_high + self.high * self.leave_low) / (self.leave_low + self.leave_high);
        station(asked, mean, &load, 1, &work(&exponential(self.mu)))
    }

    fn readings(&self, seen: Seen<'_>) -> Vec<Reading> {
        let mut all = answers(seen);
        all.push(equal("mean_rate", seen.throughput("callers")));
        all
    }
}
