//! Figures with their uncertainty, read from a summary and combined as independent.

use std::iter::Sum;
use std::ops::{Add, Div, Mul, Sub};

use super::summary::{Distribution, Estimate, Node, Stats, Summary};

/// A value and the half-width of its interval; not a number where the summary has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figure {
    pub(super) value: f64,
    pub(super) half: f64,
}

/// How a figure is compared.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    /// By interval, with the floor of the metric, or this one.
    Equal(Option<f64>),
    /// Not above, but for this relative slack.
    AtMost(f64),
    /// Not below, but for this relative slack.
    AtLeast(f64),
    /// Within this share of the expected value, whatever the interval.
    Near(f64),
    /// Within this much of the expected value, whatever the interval.
    Within(f64),
}

/// A metric by the name theory gives it, what the run found, and how to compare.
pub(super) type Reading = (String, Figure, Mode);

/// A reading that is compared by interval.
pub(super) fn equal(metric: impl Into<String>, figure: Figure) -> Reading {
    (metric.into(), figure, Mode::Equal(None))
}

/// Which figure of a distribution.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Mean,
    Var,
    P50,
    P90,
    P95,
    P99,
    P999,
}

/// The percentiles theory speaks of.
pub(super) const PERCENTILES: [(&str, Part); 4] =
    [("p50", Part::P50), ("p95", Part::P95), ("p99", Part::P99), ("p999", Part::P999)];

/// What `figure` says at every percentile, named by `prefix`.
pub(super) fn percentiles<'a>(
    prefix: &'a str,
    figure: impl Fn(Part) -> Figure + 'a,
) -> impl Iterator<Item = Reading> + 'a {
    PERCENTILES.into_iter().map(move |(name, part)| equal(format!("{prefix}{name}"), figure(part)))
}

impl Figure {
    pub(super) const MISSING: Self = Self { value: f64::NAN, half: 0.0 };

    /// A count or a constant.
    pub(super) fn sure(value: f64) -> Self {
        Self { value, half: 0.0 }
    }

    /// What is left of 1.
    pub(super) fn complement(self) -> Self {
        Self { value: 1.0 - self.value, half: self.half }
    }

    /// Where the run gave no interval: four standard errors of as many independent samples as were counted.
    fn from(estimate: &Estimate, spread: impl Fn(f64) -> f64, samples: f64) -> Self {
        let Some(value) = estimate.value else { return Self::MISSING };
        let half = match (estimate.low, estimate.high) {
            (Some(low), Some(high)) => (high - low) / 2.0,
            _ => 4.0 * spread(value) / samples.max(1.0).sqrt(),
        };
        Self { value, half }
    }

    fn level(estimate: &Estimate, samples: u64) -> Self {
        Self::from(estimate, f64::abs, samples as f64)
    }

    fn share(estimate: &Estimate, samples: u64) -> Self {
        let spread = |p: f64| if (0.0..=1.0).contains(&p) { (p * (1.0 - p)).sqrt() } else { p.abs() };
        Self::from(estimate, spread, samples as f64)
    }

    /// A part of a distribution in milliseconds, in seconds.
    fn of(times: &Distribution, part: Part) -> Self {
        let (estimate, beyond) = match part {
            Part::Mean => (&times.mean, 1.0),
            Part::Var => (&times.var, 1.0),
            Part::P50 => (&times.p50, 0.5),
            Part::P90 => (&times.p90, 0.1),
            Part::P95 => (&times.p95, 0.05),
            Part::P99 => (&times.p99, 0.01),
            Part::P999 => (&times.p999, 0.001),
        };
        let unit = if matches!(part, Part::Var) { 1e-6 } else { 1e-3 };
        Self::from(estimate, f64::abs, times.count as f64 * beyond) * unit
    }
}

impl Add for Figure {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { value: self.value + other.value, half: self.half.hypot(other.half) }
    }
}

impl Sub for Figure {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { value: self.value - other.value, half: self.half.hypot(other.half) }
    }
}

impl Mul<f64> for Figure {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self { value: self.value * factor, half: self.half * factor.abs() }
    }
}

impl Div for Figure {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        let below = self.value / (other.value + other.half) - value;
        Self { value, half: (self.half / other.value).hypot(below) }
    }
}

impl Sum for Figure {
    fn sum<I: Iterator<Item = Self>>(figures: I) -> Self {
        figures.fold(Self::sure(0.0), Add::add)
    }
}

/// A summary, looked at.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a>(pub(super) &'a Summary);

impl Seen<'_> {
    /// A level of a node.
    pub(super) fn level(self, node: &str, of: impl Fn(&Node) -> &Estimate) -> Figure {
        self.node(node, |n| Figure::level(of(n), n.arrivals))
    }

    /// A share of a node's requests or time.
    pub(super) fn share(self, node: &str, of: impl Fn(&Node) -> &Estimate) -> Figure {
        self.node(node, |n| Figure::share(of(n), n.arrivals))
    }

    /// Time in the lines of a node, s.
    pub(super) fn wait(self, node: &str, part: Part) -> Figure {
        self.node(node, |n| Figure::of(&n.wait_ms, part))
    }

    /// Time at a node, s.
    pub(super) fn sojourn(self, node: &str, part: Part) -> Figure {
        self.node(node, |n| Figure::of(&n.sojourn_ms, part))
    }

    /// Busy workers ÷ workers.
    pub(super) fn utilization(self, node: &str) -> Figure {
        self.level(node, |n| &n.utilization)
    }

    /// Arrivals per second of measured time.
    pub(super) fn arrival_rate(self, node: &str) -> Figure {
        let seconds = self.0.run.duration_s * f64::from(self.0.run.replications);
        self.node(node, |n| Figure::sure(n.arrivals as f64 / seconds))
    }

    /// Latency of a client's successes, s.
    pub(super) fn latency(self, client: &str, part: Part) -> Figure {
        self.client(client, |c| Figure::of(&c.latency_ms, part))
    }

    /// Latency of a call's successes, s.
    pub(super) fn call(self, edge: &str, part: Part) -> Figure {
        self.0.edges.get(edge).map_or(Figure::MISSING, |e| Figure::of(&e.latency_ms, part))
    }

    /// Share of a client's requests that ended badly.
    pub(super) fn failure(self, client: &str) -> Figure {
        self.client(client, |c| Figure::share(&c.success_rate, c.arrived)).complement()
    }

    /// Share of a client's requests that ended well.
    pub(super) fn success(self, client: &str) -> Figure {
        self.failure(client).complement()
    }

    /// Successes per second.
    pub(super) fn throughput(self, client: &str) -> Figure {
        self.client(client, |c| Figure::level(&c.throughput_per_s, c.arrived))
    }

    /// Successes of a run.
    pub(super) fn succeeded(self, client: &str) -> Figure {
        let runs = f64::from(self.0.run.replications.max(1));
        self.client(client, |c| Figure::sure(c.succeeded as f64 / runs))
    }

    /// Tries per call.
    pub(super) fn tries(self, edge: &str) -> Figure {
        self.0.edges.get(edge).map_or(Figure::MISSING, |e| Figure::level(&e.attempts_per_request, e.arrived))
    }

    /// What a promise is about, in its own unit.
    pub(super) fn measured(self, promise: &str) -> Figure {
        let found = self.0.slos.iter().find(|slo| slo.name == promise);
        found.map_or(Figure::MISSING, |slo| Figure::level(&slo.measured, 1))
    }

    /// Share of a client's requests that ended well among those that set out between two times, s.
    pub(super) fn success_between(self, client: &str, from: f64, to: f64) -> Figure {
        let Some(client) = self.0.clients.get(client) else { return Figure::MISSING };
        let bins = client.timeline.iter().filter(|bin| bin.from_s >= from && bin.from_s + bin.width_s <= to);
        let (arrived, failed) = bins.fold((0, 0), |sum, bin| (sum.0 + bin.arrived, sum.1 + bin.failed));
        if arrived == 0 { Figure::MISSING } else { Figure::sure(1.0 - failed as f64 / arrived as f64) }
    }

    fn node(self, name: &str, figure: impl Fn(&Node) -> Figure) -> Figure {
        self.0.nodes.get(name).map_or(Figure::MISSING, figure)
    }

    fn client(self, name: &str, figure: impl Fn(&Stats) -> Figure) -> Figure {
        self.0.clients.get(name).map_or(Figure::MISSING, figure)
    }
}
