//! Thirty dependencies that almost always answer.

use super::claim::{Claim, Experiment, Kind, Publication, Tolerance, Unit};

pub(super) const PUBLICATION: Publication = Publication {
    name: "hystrix",
    source: "Netflix: Hystrix wiki, what it is for (30 dependencies of 99.99 %)",
    experiments: &[Experiment {
        name: "hystrix-thirty",
        kind: Kind::Rule,
        text: include_str!("../../../scenarios/published/hystrix-thirty.toml"),
        variants: &[""],
        short: true,
        claims: &[
            // 0.9999^30, as many digits as they print.
            Claim {
                what: "success, 30 of 99.99 %",
                theirs: 0.997,
                unit: Unit::Share,
                tolerance: Tolerance::Within(0.0005),
                ours: |runs| runs.plain().success("users"),
            },
        ],
    }],
};
