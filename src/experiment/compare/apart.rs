//! Figures of runs that cannot be paired: each is held against the other by its own interval.

use super::{Difference, Figures, Overall, name};
use crate::experiment::estimate::CONFIDENCE;
use crate::experiment::summary::{Distribution, Estimate, Stats, Summary};
use crate::stats::unpaired;

/// The figures of a client in both; `runs` are the replications behind each.
pub(super) fn figures(base: &Stats, other: &Stats, runs: [u32; 2]) -> Figures {
    let between = |a: Estimate, b: Estimate| difference(a, b, runs);
    let (a, b) = (arrived(base), arrived(other));
    let quantile = |(name, q): (&str, f64), one: Estimate, two: Estimate| {
        let at_least = [a, b].map(|d| d.at_least_ms.get(name).copied());
        let failed = |stats: &Stats| (stats.succeeded as f64) < q * stats.arrived as f64;
        let never = [(base, one, at_least[0]), (other, two, at_least[1])]
            .map(|(stats, e, least)| e.value.or(least).is_none() && failed(stats));
        Difference { at_least, never, ..between(one, two) }
    };
    let open = base.unanswered + other.unanswered > 0;
    Figures {
        mean_ms: between(base.latency_ms.mean, other.latency_ms.mean).incomparable(open),
        p50_ms: quantile(("p50", 0.5), a.p50, b.p50),
        p99_ms: quantile(("p99", 0.99), a.p99, b.p99),
        success_rate: between(base.success_rate, other.success_rate),
        throughput_per_s: between(base.throughput_per_s, other.throughput_per_s),
        unanswered: [base.unanswered, other.unanswered],
        oldest_unanswered_s: [base.oldest_unanswered_s, other.oldest_unanswered_s],
    }
}

/// Latency over all that arrived. Files of before that was told have the answered alone, which is the same where all were.
fn arrived(stats: &Stats) -> &Distribution {
    let untold = stats.latency_arrived_ms.count == 0 && stats.succeeded == stats.arrived;
    if untold { &stats.latency_ms } else { &stats.latency_arrived_ms }
}

/// Mean latency and success rate over the requests of all clients that both have.
pub(super) fn overall(base: &Summary, other: &Summary) -> Overall {
    let runs = [base.run.replications, other.run.replications];
    let of = |this: &Summary, with: &Summary, figure: fn(&Stats) -> (Estimate, u64)| {
        let shared = this.clients.iter().filter(|(name, _)| with.clients.contains_key(*name));
        together(shared.map(|(_, stats)| figure(stats)))
    };
    let both =
        |figure: fn(&Stats) -> (Estimate, u64)| difference(of(base, other, figure), of(other, base, figure), runs);
    let left = |this: &Summary| this.clients.values().map(|stats| stats.unanswered).sum();
    let unanswered: [u64; 2] = [left(base), left(other)];
    let mean_ms = both(|stats| (stats.latency_ms.mean, stats.succeeded)).incomparable(unanswered != [0, 0]);
    let success_rate = both(|stats| (stats.success_rate, stats.arrived));
    Overall { name: name(other), mean_ms, success_rate, unanswered, stands: mean_ms.is_significant() }
}

fn difference(base: Estimate, other: Estimate, runs: [u32; 2]) -> Difference {
    Difference::of(base, other, unpaired((base, runs[0]), (other, runs[1]), CONFIDENCE))
}

/// A figure over several clients, each with its requests. How far they go together within a run a file does not say: the
/// interval holds if they do altogether.
fn together(all: impl Iterator<Item = (Estimate, u64)>) -> Estimate {
    let all: Vec<(Estimate, f64)> = all.filter(|(_, n)| *n > 0).map(|(figure, n)| (figure, n as f64)).collect();
    let whole: f64 = all.iter().map(|(_, n)| n).sum();
    let sum = |of: fn(&Estimate) -> Option<f64>| {
        let parts: Option<Vec<f64>> = all.iter().map(|(figure, n)| Some(of(figure)? * n / whole)).collect();
        parts.filter(|parts| !parts.is_empty()).map(|parts| parts.iter().sum::<f64>())
    };
    let [value, low, high] = [sum(|e| e.value), sum(|e| e.low), sum(|e| e.high)];
    match (value, low, high) {
        (Some(value), Some(low), Some(high)) => Estimate::between(value, low, high),
        (Some(value), ..) => Estimate::point(value),
        _ => Estimate::NONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_clients_go_together_at_worst() {
        let found = together([(Estimate::around(10.0, 1.0), 300), (Estimate::around(20.0, 3.0), 100)].into_iter());
        assert_eq!(found, Estimate::between(12.5, 11.0, 14.0));
        assert_eq!(together(std::iter::empty()), Estimate::NONE);
        assert_eq!(together([(Estimate::point(4.0), 3)].into_iter()), Estimate::point(4.0));
    }
}
