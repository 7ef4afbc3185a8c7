//! A hundred writers of one row, and how they wait before they try again.

use super::claim::{Claim, Experiment, Kind, Publication, Runs, Tolerance, Unit};
use crate::experiment::figure::{Figure, Part};

pub(super) const PUBLICATION: Publication = Publication {
    name: "aws-backoff",
    source: "Brooker: Exponential Backoff And Jitter. AWS Architecture Blog, 2015",
    experiments: &[Experiment {
        name: "aws-backoff",
        kind: Kind::Simulated,
        text: include_str!("../../../scenarios/published/aws-backoff.toml"),
        variants: &["", "full", "equal", "decorrelated", "without"],
        short: true,
        claims: &[
            calls("calls, exponential", 1_860.08, 62.01, |runs| calls_of(runs, "")),
            calls("calls, full jitter", 795.72, 7.17, |runs| calls_of(runs, "full")),
            calls("calls, equal jitter", 812.77, 7.22, |runs| calls_of(runs, "equal")),
            calls("calls, decorrelated", 1_005.23, 28.21, |runs| calls_of(runs, "decorrelated")),
            calls("calls, no wait", 2_422.51, 29.9, |runs| calls_of(runs, "without")),
            time("until all are done, exponential", 63.798_45, |runs| time_of(runs, "")),
            time("until all are done, full jitter", 4.926_51, |runs| time_of(runs, "full")),
            time("until all are done, equal jitter", 6.626_87, |runs| time_of(runs, "equal")),
            time("until all are done, decorrelated", 4.687_47, |runs| time_of(runs, "decorrelated")),
            time("until all are done, no wait", 2.026_53, |runs| time_of(runs, "without")),
        ],
    }],
};

/// Writes of all hundred clients: mean and deviation over the hundred runs of the program.
const fn calls(what: &'static str, theirs: f64, sd: f64, ours: fn(&Runs<'_>) -> Figure) -> Claim {
    Claim { what, theirs, unit: Unit::Count, tolerance: Tolerance::Errors(sd / 10.0), ours }
}

/// Seconds until the last one has written.
const fn time(what: &'static str, theirs: f64, ours: fn(&Runs<'_>) -> Figure) -> Claim {
    Claim { what, theirs, unit: Unit::Seconds, tolerance: Tolerance::Near(0.05), ours }
}

fn calls_of(runs: &Runs<'_>, variant: &str) -> Figure {
    runs.of(variant).tries("contest -> writer") * 100.0
}

fn time_of(runs: &Runs<'_>, variant: &str) -> Figure {
    runs.of(variant).latency("contests", Part::Mean)
}
