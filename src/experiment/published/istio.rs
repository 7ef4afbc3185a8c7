//! What two sidecars add to the latency of a call.

use super::claim::{Claim, Experiment, Kind, Publication, Runs, Tolerance, Unit};
use crate::experiment::figure::{Figure, Part};

pub(super) const PUBLICATION: Publication = Publication {
    name: "istio",
    source: "Istio: Performance and Scalability (istio.io, 1.8), sidecars",
    experiments: &[Experiment {
        name: "istio-sidecars",
        kind: Kind::Measured,
        text: include_str!("../../../scenarios/published/istio-sidecars.toml"),
        variants: &["", "plain", "jitter", "plain-jitter"],
        short: false,
        claims: &[
            Claim {
                what: "no jitter, p90",
                theirs: 0.00276,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.05),
                ours: |runs| added(runs, ("", "plain"), Part::P90),
            },
            Claim {
                what: "jitter, p90",
                theirs: 0.00172,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.05),
                ours: |runs| added(runs, ("jitter", "plain-jitter"), Part::P90),
            },
            Claim {
                what: "jitter, p99",
                theirs: 0.00191,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.05),
                ours: |runs| added(runs, ("jitter", "plain-jitter"), Part::P99),
            },
        ],
    }],
};

/// What the call takes longer with sidecars than without.
fn added(runs: &Runs<'_>, (with, without): (&str, &str), part: Part) -> Figure {
    let edge = "fortio -> echo";
    runs.of(with).call(edge, part) - runs.of(without).call(edge, part)
}
