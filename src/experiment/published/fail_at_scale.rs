//! Who is served first when more came than can be served.

use super::claim::{Claim, Experiment, Publication, Tolerance, Unit};

pub(super) const PUBLICATION: Publication = Publication {
    name: "fail-at-scale",
    source: "Maurer: Fail at Scale. ACM Queue 13(8), 2015 (the tendency; it has no figures)",
    experiments: &[Experiment {
        name: "spike-order",
        text: include_str!("../../../scenarios/published/spike-order.toml"),
        variants: &["", "last-first"],
        short: false,
        claims: &[
            Claim {
                what: "in time after a spike, fifo",
                theirs: 0.0,
                unit: Unit::Share,
                tolerance: Tolerance::AtMost(0.1),
                ours: |runs| runs.plain().measured("after the spike"),
            },
            Claim {
                what: "in time after a spike, lifo",
                theirs: 1.0,
                unit: Unit::Share,
                tolerance: Tolerance::AtLeast(0.9),
                ours: |runs| runs.of("last-first").measured("after the spike"),
            },
        ],
    }],
};
