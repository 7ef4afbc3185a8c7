//! How good a run was: what else the machine did meanwhile, and how late requests set out.

use serde::{Deserialize, Serialize};

use crate::load::Sent;

/// The machine may be so busy, may be robbed of so much, and requests may set out so late, ms (99 % of them), before a run is not to
/// be trusted.
const BUSY: f64 = 0.85;
const STOLEN: f64 = 0.03;
const LATE_MS: f64 = 3.0;

/// Ticks of all cores so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    busy: f64,
    stolen: f64,
    all: f64,
}

/// How good a run was.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Quality {
    /// Share of all cores' time that was used, by whomever.
    pub(crate) busy: f64,
    /// Share that a hypervisor took.
    pub(crate) steal: f64,
    /// How late requests set out, ms: the median, and of one in a hundred.
    pub(crate) late_p50_ms: f64,
    /// See there.
    pub(crate) late_p99_ms: f64,
    /// Whether its figures are to be trusted.
    pub(crate) trusted: bool,
}

impl Usage {
    /// As it is now; nothing where the system does not say.
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        Self::of(&text)
    }

    /// The first line: user, nice, system, idle, iowait, irq, softirq, steal.
    fn of(text: &str) -> Self {
        let line = text.lines().next().unwrap_or_default();
        let ticks: Vec<f64> = line.split_whitespace().skip(1).take(8).filter_map(|word| word.parse().ok()).collect();
        let at = |place: usize| ticks.get(place).copied().unwrap_or(0.0);
        let all: f64 = ticks.iter().sum();
        Self { busy: all - at(3) - at(4) - at(7), stolen: at(7), all }
    }
}

impl Quality {
    /// What the machine did between two looks.
    pub(crate) fn between(before: Usage, after: Usage) -> Self {
        let all = (after.all - before.all).max(1.0);
        Self { busy: (after.busy - before.busy) / all, steal: (after.stolen - before.stolen) / all, ..Self::default() }
    }

    /// And how late its requests set out.
    pub(crate) fn with(self, sent: &[Sent]) -> Self {
        let mut late: Vec<f64> =
            sent.iter().map(|sent| sent.started.saturating_sub(sent.intended) as f64 / 1e6).collect();
        late.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| late.get((late.len() as f64 * share) as usize).copied().unwrap_or(0.0);
        let (late_p50_ms, late_p99_ms) = (at(0.5), at(0.99));
        let trusted = self.busy < BUSY && self.steal < STOLEN && late_p99_ms < LATE_MS;
        Self { late_p50_ms, late_p99_ms, trusted, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_all_ticks() {
        let before = Usage::of("cpu  0 0 0 0 0 0 0 0 0 0\n");
        let after = Usage::of("cpu  30 0 10 50 0 0 0 10 0 0\ncpu0 1 1 1\n");
        let quality = Quality::between(before, after);
        assert!((quality.busy - 0.4).abs() < 1e-9 && (quality.steal - 0.1).abs() < 1e-9);
    }
}
