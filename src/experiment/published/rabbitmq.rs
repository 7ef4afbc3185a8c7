//! How many messages must be under way to keep a consumer busy that is far away.

use super::claim::{Claim, Experiment, Kind, Publication, Tolerance, Unit};

pub(super) const PUBLICATION: Publication = Publication {
    name: "rabbitmq",
    source: "RabbitMQ: Some queuing theory: throughput, latency and bandwidth. 2012",
    experiments: &[Experiment {
        name: "rabbitmq-prefetch",
        kind: Kind::Rule,
        text: include_str!("../../../scenarios/published/rabbitmq-prefetch.toml"),
        variants: &["", "one"],
        short: true,
        claims: &[
            Claim {
                what: "consumer busy, prefetch 1",
                theirs: 0.038,
                unit: Unit::Share,
                tolerance: Tolerance::Within(0.0005),
                ours: |runs| runs.of("one").utilization("worker"),
            },
            Claim {
                what: "consumer busy, prefetch 26",
                theirs: 1.0,
                unit: Unit::Share,
                tolerance: Tolerance::Within(0.005),
                ours: |runs| runs.plain().utilization("worker"),
            },
        ],
    }],
};
