//! A breaker for slow calls in front of a callee that is slow and well.

use super::claim::{Claim, Experiment, Kind, Publication, Tolerance, Unit};
use crate::experiment::figure::Part;

pub(super) const PUBLICATION: Publication = Publication {
    name: "resilience4j",
    source: "zgabrieloliveira/microservice-resilience-benchmark: latency, hybrid",
    experiments: &[Experiment {
        name: "slow-payment",
        kind: Kind::Measured,
        text: include_str!("../../../scenarios/published/slow-payment.toml"),
        variants: &["", "unprotected"],
        short: true,
        claims: &[
            // The fifty under way when the breaker opens, and two probes twice: half a request is rounding.
            Claim {
                what: "answered of 30 s, breaker",
                theirs: 54.0,
                unit: Unit::Count,
                tolerance: Tolerance::Within(0.5),
                ours: |runs| runs.plain().succeeded("users"),
            },
            // Of 1,338; how k6's users begin decides how many are refused, and is worth one second of thirty.
            Claim {
                what: "success, breaker",
                theirs: 0.0403,
                unit: Unit::Share,
                tolerance: Tolerance::Near(0.05),
                ours: |runs| runs.plain().success("users"),
            },
            Claim {
                what: "answered of 30 s, unprotected",
                theirs: 400.0,
                unit: Unit::Count,
                tolerance: Tolerance::Within(0.5),
                ours: |runs| runs.of("unprotected").succeeded("users"),
            },
            // Their gateway and network cost some 50 ms that nobody says anything of.
            Claim {
                what: "mean latency, unprotected",
                theirs: 3.05,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.02),
                ours: |runs| runs.of("unprotected").latency("users", Part::Mean),
            },
        ],
    }],
};
