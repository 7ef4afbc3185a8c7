//! The slowest of many: fan-out, and a second request for what is late.

use super::claim::{Claim, Experiment, Kind, Publication, Runs, Tolerance, Unit};
use crate::experiment::figure::{Figure, Part};

pub(super) const PUBLICATION: Publication = Publication {
    name: "tail-at-scale",
    source: "Dean, Barroso: The Tail at Scale. CACM 56(2), 2013",
    experiments: &[FAN_OUT, HEDGE, TIED],
};

/// The share that the promise does not count as good.
const SLOW: &str = "within a second";

const FAN_OUT: Experiment = Experiment {
    name: "tail-fan-out",
    kind: Kind::Rule,
    text: include_str!("../../../scenarios/published/tail-fan-out.toml"),
    variants: &["", "one", "thousands"],
    short: false,
    claims: &[
        Claim {
            what: "beyond 1 s, one leaf",
            theirs: 0.01,
            unit: Unit::Share,
            tolerance: Tolerance::Within(0.005),
            ours: |runs| runs.of("one").measured(SLOW).complement(),
        },
        Claim {
            what: "beyond 1 s, slowest of 100",
            // 1 - 0.99^100; the paper says 63 %.
            theirs: 0.633_967_658_726_770_9,
            unit: Unit::Share,
            tolerance: Tolerance::Within(0.005),
            ours: |runs| runs.plain().measured(SLOW).complement(),
        },
        Claim {
            what: "1 in 10,000 slow, of 2,000",
            // 1 - 0.9999^2000; the paper says almost one in five.
            theirs: 0.181_277_434_734_450_46,
            unit: Unit::Share,
            tolerance: Tolerance::Within(0.005),
            ours: |runs| runs.of("thousands").measured(SLOW).complement(),
        },
    ],
};

const HEDGE: Experiment = Experiment {
    name: "tail-hedge",
    kind: Kind::Measured,
    text: include_str!("../../../scenarios/published/tail-hedge.toml"),
    variants: &["", "hedged"],
    short: false,
    claims: &[
        Claim {
            what: "more requests, hedge at 10 ms",
            theirs: 0.02,
            unit: Unit::Share,
            tolerance: Tolerance::Within(0.003),
            ours: |runs| runs.of("hedged").tries("reader -> tablet") - Figure::sure(1.0),
        },
        Claim {
            what: "p99.9 falls from 1.8 s to 74 ms",
            theirs: 1_800.0 / 74.0,
            unit: Unit::Times,
            tolerance: Tolerance::AtLeast(10.0),
            ours: |runs| {
                let p999 = |variant| runs.of(variant).latency("benchmark", Part::P999);
                // Ten samples lie beyond each: no interval.
                Figure::sure((p999("") / p999("hedged")).value)
            },
        },
    ],
};

const TIED: Experiment = Experiment {
    name: "tied-requests",
    kind: Kind::Measured,
    text: include_str!("../../../scenarios/published/tied-requests.toml"),
    variants: &["", "tied"],
    short: false,
    claims: &[
        less("p50 with tied requests, less by", 19.0, 16.0, |runs| saved(runs, Part::P50)),
        less("p99, less by", 67.0, 42.0, |runs| saved(runs, Part::P99)),
        less("p99.9, less by", 98.0, 61.0, |runs| saved(runs, Part::P999)),
    ],
};

/// How much tied requests take off a percentile of an idle cluster, given in ms before and after.
const fn less(what: &'static str, before: f64, after: f64, ours: fn(&Runs<'_>) -> Figure) -> Claim {
    Claim { what, theirs: 1.0 - after / before, unit: Unit::Share, tolerance: Tolerance::Within(0.1), ours }
}

fn saved(runs: &Runs<'_>, part: Part) -> Figure {
    let latency = |variant| runs.of(variant).latency("readers", part);
    (latency("tied") / latency("")).complement()
}
