//! A comparison as people and programs read it: the same content as a table, Markdown or CSV. JSON is the
//! comparison itself.

mod content;
mod csv;
mod markdown;
mod patterns;
mod table;
mod total;
mod warnings;

pub use crate::report::markdown::escape as escaped;
#[cfg(feature = "charts")]
pub(super) use content::apart_rate;
pub(super) use content::{apart_ms, apart_share};
pub use content::{heading, notes, sheets};
pub use csv::{HEADER, render as csv};
pub use markdown::{folded, render as markdown};
pub use table::render as table;
pub use total::total;
pub use warnings::warnings;

#[cfg(test)]
pub(crate) mod sample {
    use crate::experiment::compare::{Comparison, compare};
    use crate::experiment::summary::{Replicate, Summary};
    use crate::report::sample;

    /// A run of which every figure is `factor` times that of the sample.
    fn run(variant: Option<&str>, factor: f64) -> Summary {
        let mut summary = sample::summary();
        summary.scenario.variant = variant.map(str::to_owned);
        for stats in summary.clients.values_mut() {
            let d = &mut stats.latency_ms;
            for e in [&mut d.mean, &mut d.p50, &mut d.p99] {
                *e = e.scaled(factor);
            }
            for (to, from) in [(0, d.p50), (1, d.p99)] {
                let arrived = &mut stats.latency_arrived_ms;
                *[&mut arrived.p50, &mut arrived.p99][to] = from;
            }
            let mean = d.mean.value.unwrap_or(1.0);
            stats.each = (0..10u32)
                .map(|i| {
                    let luck = 0.985 + 0.01 * f64::from(i % 4) + 0.001 * f64::from(i % 3) * factor;
                    // The medians of the others go up and down.
                    let swing = if variant.is_none() { 0.0 } else { 0.02 * f64::from(i % 2) - 0.01 };
                    Replicate {
                        sum_ms: mean * luck * 11_800.0,
                        arrived: 11_812,
                        succeeded: 11_800,
                        unanswered: 0,
                        p50_ms: d.p50.value.map(|v| v * (luck + swing)),
                        p99_ms: d.p99.value.map(|v| v * (luck + 0.3 * f64::from(i % 2) * (factor - 1.0))),
                        in_window: 11_800 + u64::from(i),
                        span_s: 60.0,
                    }
                })
                .collect();
        }
        summary
    }

    /// Two variants against the file as written: one quicker, one the same.
    pub(crate) fn comparison() -> Comparison {
        let others = [run(Some("grpc"), 0.9), run(Some("twin"), 1.0)];
        compare(&run(None, 1.0), &others, vec!["network calls".into()], vec!["a note".into()])
    }
}
