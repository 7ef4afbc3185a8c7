//! What a load generator sees of a stall, and what it misses that waits for answers before it sends.

use super::claim::{Claim, Experiment, Kind, Publication, Tolerance, Unit};
use crate::experiment::figure::Part;

/// Measured: a server that was stopped for a moment. How long is the greatest latency; how quick it is otherwise, the median
/// of each view. What they print of percentiles between is their generator's jitter, which nobody simulates.
pub(super) const PUBLICATION: Publication = Publication {
    name: "wrk2",
    source: "Tene: wrk2, README: 2,000/s over 100 connections, stopped for a moment",
    experiments: &[Experiment {
        name: "wrk2-stall",
        kind: Kind::Measured,
        text: include_str!("../../../scenarios/published/wrk2-stall.toml"),
        variants: &["", "uncorrected"],
        short: true,
        claims: &[
            // One stall of one run: a tenth.
            Claim {
                what: "corrected, mean",
                theirs: 0.06366,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.1),
                ours: |runs| runs.plain().latency("wrk2", Part::Mean),
            },
            Claim {
                what: "corrected, p99",
                theirs: 1.27,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.1),
                ours: |runs| runs.plain().latency("wrk2", Part::P99),
            },
            Claim {
                what: "corrected, p99.9",
                theirs: 1.42,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.1),
                ours: |runs| runs.plain().latency("wrk2", Part::P999),
            },
            Claim {
                what: "uncorrected, mean",
                theirs: 0.006_588,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.1),
                ours: |runs| runs.of("uncorrected").latency("wrk2", Part::Mean),
            },
            Claim {
                what: "uncorrected, p99",
                theirs: 0.00604,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.1),
                ours: |runs| runs.of("uncorrected").latency("wrk2", Part::P99),
            },
            Claim {
                what: "uncorrected, p99.9",
                theirs: 1.41,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.1),
                ours: |runs| runs.of("uncorrected").latency("wrk2", Part::P999),
            },
        ],
    }],
};

/// A rule: a system that is perfect for 100 s and stands still for another 100.
pub(super) const TENE: Publication = Publication {
    name: "tene",
    source: "Tene: How NOT to Measure Latency: 100/s for 100 s, then 100 s of nothing",
    experiments: &[Experiment {
        name: "tene-stall",
        kind: Kind::Rule,
        text: include_str!("../../../scenarios/published/tene-stall.toml"),
        variants: &["", "naive"],
        short: true,
        claims: &[
            Claim {
                what: "mean of who means to come",
                theirs: 25.0,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.005),
                ours: |runs| runs.plain().latency("testers", Part::Mean),
            },
            Claim {
                what: "p99.9 of who waits for answers",
                theirs: 0.001,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.01),
                ours: |runs| runs.of("naive").latency("testers", Part::P999),
            },
        ],
    }],
};
