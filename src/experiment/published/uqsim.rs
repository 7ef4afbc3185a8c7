//! Where a web server in front of a cache saturates.

use super::claim::{Claim, Experiment, Kind, Publication, Tolerance, Unit};

pub(super) const PUBLICATION: Publication = Publication {
    name: "uqsim",
    source: "Zhang, Gan, Delimitrou: uqSim. ISPASS 2019 (parameters of its repository)",
    experiments: &[Experiment {
        name: "two-tiers",
        kind: Kind::Simulated,
        text: include_str!("../../../scenarios/published/two-tiers.toml"),
        variants: &["", "four-threads"],
        short: false,
        claims: &[
            Claim {
                what: "most, 8 + 2 threads: memcached",
                theirs: 180_180.180_180_180_17,
                unit: Unit::PerSecond,
                tolerance: Tolerance::Near(0.03),
                ours: |runs| runs.plain().throughput("connections"),
            },
            Claim {
                what: "most, 8 + 4 threads: nginx",
                theirs: 195_121.951_219_512_17,
                unit: Unit::PerSecond,
                tolerance: Tolerance::Near(0.03),
                ours: |runs| runs.of("four-threads").throughput("connections"),
            },
        ],
    }],
};
