//! Overload, cascades, retries and throttles as Google's book on reliability explains them.

use super::claim::{Claim, Experiment, Kind, Publication, Tolerance, Unit};
use crate::experiment::figure::Part;

pub(super) const PUBLICATION: Publication = Publication {
    name: "sre-book",
    source: "Beyer et al.: Site Reliability Engineering. O'Reilly, 2016, ch. 21 and 22",
    experiments: &[BIMODAL, QUEUE, GROWTH, LAYERS, BUDGET, THROTTLE, CASCADE],
};

const BIMODAL: Experiment = Experiment {
    name: "sre-bimodal",
    kind: Kind::Rule,
    text: include_str!("../../../scenarios/published/sre-bimodal.toml"),
    variants: &[""],
    short: false,
    claims: &[Claim {
        what: "served while 5 % hang",
        // 1,000 threads ÷ 5.095 s ÷ 1,000 a second.
        theirs: 0.196_270_853_778_213_93,
        unit: Unit::Share,
        tolerance: Tolerance::Within(0.005),
        ours: |runs| runs.plain().success("users"),
    }],
};

const QUEUE: Experiment = Experiment {
    name: "sre-queue",
    kind: Kind::Rule,
    text: include_str!("../../../scenarios/published/sre-queue.toml"),
    variants: &[""],
    short: true,
    claims: &[Claim {
        what: "100 ms behind a full line of 10×",
        theirs: 1.1,
        unit: Unit::Seconds,
        tolerance: Tolerance::Near(0.02),
        ours: |runs| runs.plain().latency("users", Part::Mean),
    }],
};

const GROWTH: Experiment = Experiment {
    name: "sre-growth",
    kind: Kind::Rule,
    text: include_str!("../../../scenarios/published/sre-growth.toml"),
    variants: &["", "third", "tenth"],
    short: true,
    claims: &[
        Claim {
            what: "load in the 1st second",
            theirs: 10_100.0,
            unit: Unit::PerSecond,
            tolerance: Tolerance::Near(0.005),
            ours: |runs| runs.plain().arrival_rate("backend"),
        },
        Claim {
            what: "load in the 3rd second, retried",
            theirs: 10_300.0,
            unit: Unit::PerSecond,
            tolerance: Tolerance::Near(0.005),
            ours: |runs| runs.of("third").arrival_rate("backend"),
        },
        Claim {
            what: "load in the 10th second",
            theirs: 11_000.0,
            unit: Unit::PerSecond,
            tolerance: Tolerance::Near(0.005),
            ours: |runs| runs.of("tenth").arrival_rate("backend"),
        },
    ],
};

const LAYERS: Experiment = Experiment {
    name: "sre-layers",
    kind: Kind::Rule,
    text: include_str!("../../../scenarios/published/sre-layers.toml"),
    variants: &[""],
    short: true,
    claims: &[Claim {
        what: "attempts below three layers of 4",
        theirs: 64.0,
        unit: Unit::Count,
        tolerance: Tolerance::Within(1e-9),
        ours: |runs| runs.plain().arrival_rate("database") / runs.plain().arrival_rate("frontend"),
    }],
};

const BUDGET: Experiment = Experiment {
    name: "sre-budget",
    kind: Kind::Rule,
    text: include_str!("../../../scenarios/published/sre-budget.toml"),
    variants: &["", "budget"],
    short: true,
    claims: &[
        Claim {
            what: "load, three attempts",
            theirs: 3.0,
            unit: Unit::Times,
            tolerance: Tolerance::Near(0.02),
            ours: |runs| runs.plain().tries("client -> backend"),
        },
        Claim {
            what: "load, a budget of 10 %",
            theirs: 1.1,
            unit: Unit::Times,
            tolerance: Tolerance::Near(0.02),
            ours: |runs| runs.of("budget").tries("client -> backend"),
        },
    ],
};

const THROTTLE: Experiment = Experiment {
    name: "sre-throttle",
    kind: Kind::Rule,
    text: include_str!("../../../scenarios/published/sre-throttle.toml"),
    variants: &["", "less"],
    short: false,
    claims: &[
        Claim {
            what: "sent of 500/s, K = 2, 100/s taken",
            theirs: 200.0,
            unit: Unit::PerSecond,
            tolerance: Tolerance::Near(0.03),
            ours: |runs| runs.plain().arrival_rate("backend"),
        },
        Claim {
            what: "sent of 150/s",
            theirs: 150.0,
            unit: Unit::PerSecond,
            tolerance: Tolerance::Near(0.03),
            ours: |runs| runs.of("less").arrival_rate("backend"),
        },
    ],
};

const CASCADE: Experiment = Experiment {
    name: "sre-cascade",
    kind: Kind::Rule,
    text: include_str!("../../../scenarios/published/sre-cascade.toml"),
    variants: &["", "more", "refuses"],
    short: true,
    claims: &[
        Claim {
            what: "goodput, 1,200/s where 1,000 fit",
            theirs: 1_000.0,
            unit: Unit::PerSecond,
            // "Well below 1,000".
            tolerance: Tolerance::AtMost(900.0),
            ours: |runs| runs.of("more").throughput("users"),
        },
        Claim {
            what: "the same, refused early",
            theirs: 1_000.0,
            unit: Unit::PerSecond,
            tolerance: Tolerance::AtLeast(980.0),
            ours: |runs| runs.of("refuses").throughput("users"),
        },
    ],
};
