//! What two sidecars add to the latency of a call, and the CPU of one.

use super::claim::{Claim, Experiment, Publication, Runs, Tolerance, Unit};
use crate::experiment::figure::{Figure, Part};

pub(super) const PUBLICATION: Publication = Publication {
    name: "istio",
    source: "Istio: Performance and Scalability (istio.io, 1.8 and 1.13), sidecars",
    experiments: &[Experiment {
        name: "istio-sidecars",
        text: include_str!("../../../scenarios/published/istio-sidecars.toml"),
        variants: &["", "plain", "jitter", "plain-jitter"],
        short: false,
        claims: &[
            Claim {
                what: "no jitter, p90",
                theirs: 0.00276,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.15),
                ours: |runs| added(runs, ("", "plain"), Part::P90),
            },
            Claim {
                what: "jitter, p90",
                theirs: 0.00172,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.15),
                ours: |runs| added(runs, ("jitter", "plain-jitter"), Part::P90),
            },
            Claim {
                what: "jitter, p99",
                theirs: 0.00191,
                unit: Unit::Seconds,
                tolerance: Tolerance::Near(0.15),
                ours: |runs| added(runs, ("jitter", "plain-jitter"), Part::P99),
            },
            Claim {
                what: "cores of a proxy at 1,000/s, 1.13",
                theirs: 0.35,
                unit: Unit::Count,
                tolerance: Tolerance::Near(0.15),
                ours: |runs| runs.of("jitter").level("sidecar:echo", |node| &node.mean_busy),
            },
        ],
    }],
};

/// What the call takes longer with sidecars than without.
fn added(runs: &Runs<'_>, (with, without): (&str, &str), part: Part) -> Figure {
    let edge = "fortio -> echo";
    runs.of(with).call(edge, part) - runs.of(without).call(edge, part)
}
