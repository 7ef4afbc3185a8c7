//! The shorter of two lines, picked at random.

use super::claim::{Claim, Experiment, Kind, Publication, Tolerance, Unit};
use crate::experiment::figure::Part;

pub(super) const PUBLICATION: Publication = Publication {
    name: "two-choices",
    source: "Mitzenmacher: The Power of Two Choices. IEEE TPDS 12(10), 2001, sect. 4",
    experiments: &[Experiment {
        name: "two-choices",
        kind: Kind::Rule,
        text: include_str!("../../../scenarios/published/two-choices.toml"),
        variants: &["", "one", "three"],
        short: false,
        claims: &[
            Claim {
                what: "time at 90 % busy, one choice",
                theirs: 10.0,
                unit: Unit::Seconds,
                tolerance: Tolerance::Errors(0.0),
                ours: |runs| runs.of("one").latency("users", Part::Mean),
            },
            // Limits for infinitely many servers; five hundred are up to half a per cent above.
            Claim {
                what: "the shorter of two lines",
                theirs: 2.614_057_377_323_876,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.01),
                ours: |runs| runs.plain().latency("users", Part::Mean),
            },
            Claim {
                what: "the shortest of three",
                theirs: 2.027_855_968_995_279,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.01),
                ours: |runs| runs.of("three").latency("users", Part::Mean),
            },
        ],
    }],
};
