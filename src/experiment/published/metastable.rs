//! A trigger that passes and a failure that stays, because retries keep it alive.

use super::claim::{Claim, Experiment, Kind, Publication, Runs, Tolerance, Unit};
use crate::experiment::figure::Figure;

const NAME: &str = "retry-trigger";

const TEXT: &str = include_str!("../../../scenarios/published/retry-trigger.toml");

pub(super) const PUBLICATION: Publication = Publication {
    name: "metastable",
    source: "Huang et al.: Metastable Failures in the Wild. OSDI 2022 (calibrated load)",
    experiments: &[Experiment {
        name: NAME,
        kind: Kind::Measured,
        text: TEXT,
        variants: &["", "b", "c", "d"],
        short: false,
        claims: &[
            outcome("(a) 0.45 CPU for 10 s: recovers", 1.0, |runs| goodput(runs, "")),
            outcome("(b) 0.40 CPU for 10 s: stays down", 0.0, |runs| goodput(runs, "b")),
            outcome("(c) 0.40 CPU for 9 s: recovers", 1.0, |runs| goodput(runs, "c")),
            outcome("(d) as (b), 75 % load: recovers", 1.0, |runs| goodput(runs, "d")),
        ],
    }],
};

/// How narrow the calibration is: the same triggers at other loads, by a program of the same server written apart from this
/// one for this comparison.
pub(super) const BAND: Publication = Publication {
    name: "metastable-band",
    source: "The same at other loads, by an independent program (not published)",
    experiments: &[Experiment {
        name: NAME,
        kind: Kind::Simulated,
        text: TEXT,
        variants: &["b-at-30", "a-at-42", "d-at-42", "d-at-55"],
        short: false,
        claims: &[
            outcome("(b) where 30 % busy: recovers", 1.0, |runs| goodput(runs, "b-at-30")),
            outcome("(a) where 42 % busy: stays down", 0.0, |runs| goodput(runs, "a-at-42")),
            outcome("(d) where 42 % busy: recovers", 1.0, |runs| goodput(runs, "d-at-42")),
            outcome("(d) where 55 % busy: stays down", 0.0, |runs| goodput(runs, "d-at-55")),
        ],
    }],
};

/// Whether requests of the last 40 s succeed; a run does or does not, so this is the share of runs that recovered.
const fn outcome(what: &'static str, theirs: f64, ours: fn(&Runs<'_>) -> Figure) -> Claim {
    Claim { what, theirs, unit: Unit::Share, tolerance: Tolerance::Within(0.25), ours }
}

fn goodput(runs: &Runs<'_>, variant: &str) -> Figure {
    runs.of(variant).success_between("users", 60.0, 100.0)
}
