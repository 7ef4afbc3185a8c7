//! What a proxy's balancing and its retries are worth.

use super::claim::{Claim, Experiment, Kind, Publication, Runs, Tolerance, Unit};
use crate::experiment::figure::Figure;

pub(super) const PUBLICATION: Publication = Publication {
    name: "linkerd",
    source: "Linkerd: Beyond Round Robin (2016); books demo, retries of a route",
    experiments: &[
        Experiment {
            name: "linkerd-slow-host",
            kind: Kind::Measured,
            text: include_str!("../../../scenarios/published/linkerd-slow-host.toml"),
            variants: &["", "least-loaded", "ewma"],
            short: true,
            // As many digits as are printed; the third is the last mark of a scale of percentiles, and half of what is lost there
            // is lost before the balancer can know.
            claims: &[
                Claim {
                    what: "one of 11 is slow, round robin",
                    theirs: 0.95,
                    unit: Unit::Share,
                    tolerance: Tolerance::Within(0.005),
                    ours: |runs| runs.plain().success("strest"),
                },
                Claim {
                    what: "one of 11 is slow, least loaded",
                    theirs: 0.99,
                    unit: Unit::Share,
                    tolerance: Tolerance::Within(0.005),
                    ours: |runs| runs.of("least-loaded").success("strest"),
                },
                Claim {
                    what: "one of 11 is slow, peak EWMA",
                    theirs: 0.999,
                    unit: Unit::Share,
                    tolerance: Tolerance::Within(0.001),
                    ours: |runs| runs.of("ewma").success("strest"),
                },
            ],
        },
        Experiment {
            name: "linkerd-retries",
            kind: Kind::Measured,
            text: include_str!("../../../scenarios/published/linkerd-retries.toml"),
            variants: &["", "three"],
            short: true,
            // Counted over so few requests that their own rows differ by a point.
            claims: &[
                Claim {
                    what: "success seen, one retry",
                    theirs: 0.7317,
                    unit: Unit::Share,
                    tolerance: Tolerance::Within(0.01),
                    ours: |runs| runs.plain().success("traffic"),
                },
                Claim {
                    what: "of the load, retries: one",
                    theirs: 0.3422,
                    unit: Unit::Share,
                    tolerance: Tolerance::Within(0.01),
                    ours: |runs| again(runs, ""),
                },
                Claim {
                    what: "success seen, three retries",
                    theirs: 0.9278,
                    unit: Unit::Share,
                    tolerance: Tolerance::Within(0.01),
                    ours: |runs| runs.of("three").success("traffic"),
                },
                Claim {
                    what: "of the load, retries: three",
                    theirs: 0.4728,
                    unit: Unit::Share,
                    tolerance: Tolerance::Within(0.01),
                    ours: |runs| again(runs, "three"),
                },
            ],
        },
    ],
};

/// What share of all tries is beyond the first.
fn again(runs: &Runs<'_>, variant: &str) -> Figure {
    (Figure::sure(1.0) / runs.of(variant).tries("webapp -> books")).complement()
}
