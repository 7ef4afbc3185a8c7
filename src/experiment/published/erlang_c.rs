//! How often somebody waits at servers that are half busy.

use super::claim::{Claim, Experiment, Kind, Publication, Tolerance, Unit};

pub(super) const PUBLICATION: Publication = Publication {
    name: "erlang-c",
    source: "Brooker: surprising economics of load-balanced systems. 2020 (Erlang C)",
    experiments: &[Experiment {
        name: "half-busy",
        kind: Kind::Rule,
        text: include_str!("../../../scenarios/published/half-busy.toml"),
        variants: &["", "ten"],
        short: true,
        claims: &[
            Claim {
                what: "who waits, 5 servers half busy",
                theirs: 0.13,
                unit: Unit::Share,
                tolerance: Tolerance::Within(0.005),
                ours: |runs| runs.plain().share("servers", |node| &node.p_wait),
            },
            Claim {
                what: "the same, 10 servers",
                theirs: 0.036,
                unit: Unit::Share,
                tolerance: Tolerance::Within(0.001),
                ours: |runs| runs.of("ten").share("servers", |node| &node.p_wait),
            },
        ],
    }],
};
