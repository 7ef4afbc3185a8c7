//! Who is served first when more came than can be served.

use super::claim::{Claim, Experiment, Kind, Publication, Tolerance, Unit};
use crate::experiment::figure::Part;

pub(super) const PUBLICATION: Publication = Publication {
    name: "fail-at-scale",
    source: "Maurer: Fail at Scale. ACM Queue 13(8), 2015 (the tendency; it has no figures)",
    experiments: &[SPIKE, OVERLOAD],
};

const SPIKE: Experiment = Experiment {
    name: "spike-order",
    kind: Kind::Rule,
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
};

/// The article says what the rule is for: fresh requests are served, and those are as many as the service can.
const OVERLOAD: Experiment = Experiment {
    name: "overload-codel",
    kind: Kind::Rule,
    text: include_str!("../../../scenarios/published/overload-codel.toml"),
    variants: &["", "codel"],
    short: true,
    claims: &[
        Claim {
            what: "goodput at 2 × 1,000/s, fifo",
            theirs: 0.0,
            unit: Unit::PerSecond,
            tolerance: Tolerance::AtMost(100.0),
            ours: |runs| runs.plain().throughput("users"),
        },
        Claim {
            what: "goodput, CoDel and adaptive LIFO",
            theirs: 1_000.0,
            unit: Unit::PerSecond,
            tolerance: Tolerance::AtLeast(900.0),
            ours: |runs| runs.of("codel").throughput("users"),
        },
        Claim {
            what: "p50 in line, M = 5 ms",
            theirs: 0.005,
            unit: Unit::Seconds,
            tolerance: Tolerance::AtMost(0.005),
            ours: |runs| runs.of("codel").wait("service", Part::P50),
        },
        Claim {
            what: "p99.9 in line, N = 100 ms",
            theirs: 0.1,
            unit: Unit::Seconds,
            tolerance: Tolerance::AtMost(0.1),
            ours: |runs| runs.of("codel").wait("service", Part::P999),
        },
    ],
};
