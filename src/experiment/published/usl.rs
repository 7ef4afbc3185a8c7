//! Systems that do less the more they are asked at once, by the law that Gunther fitted to them.
//!
//! Contention and coherency are what he found; a run says what they make of so many users. Allowed is how far his own fit is
//! off, rounded up: a run of his law cannot be nearer.

use super::claim::{Claim, Experiment, Kind, Publication, Tolerance, Unit};

pub(super) const PUBLICATION: Publication = Publication {
    name: "usl",
    source: "Gunther: fits to SPEC SDM91 and to a ray tracer (data of the package usl)",
    experiments: &[
        Experiment {
            name: "usl-specsdm91",
            kind: Kind::Measured,
            text: include_str!("../../../scenarios/published/usl-specsdm91.toml"),
            variants: &["", "u1", "u18", "u36", "u72", "u108", "u144"],
            short: true,
            claims: &[
                // The fit itself is off by 39 % here: it leaves one user out of account.
                Claim {
                    what: "scripts an hour, 1 user",
                    theirs: 64.9,
                    unit: Unit::Count,
                    tolerance: Tolerance::Near(0.4),
                    ours: |runs| runs.of("u1").throughput("users") * 3600.0,
                },
                Claim {
                    what: "scripts an hour, 18 users",
                    theirs: 995.9,
                    unit: Unit::Count,
                    tolerance: Tolerance::Near(0.09),
                    ours: |runs| runs.of("u18").throughput("users") * 3600.0,
                },
                Claim {
                    what: "scripts an hour, 36 users",
                    theirs: 1652.4,
                    unit: Unit::Count,
                    tolerance: Tolerance::Near(0.09),
                    ours: |runs| runs.of("u36").throughput("users") * 3600.0,
                },
                Claim {
                    what: "scripts an hour, 72 users",
                    theirs: 1853.2,
                    unit: Unit::Count,
                    tolerance: Tolerance::Near(0.09),
                    ours: |runs| runs.of("u72").throughput("users") * 3600.0,
                },
                Claim {
                    what: "scripts an hour, 108 users",
                    theirs: 1828.9,
                    unit: Unit::Count,
                    tolerance: Tolerance::Near(0.09),
                    ours: |runs| runs.of("u108").throughput("users") * 3600.0,
                },
                Claim {
                    what: "scripts an hour, 144 users",
                    theirs: 1775.0,
                    unit: Unit::Count,
                    tolerance: Tolerance::Near(0.09),
                    ours: |runs| runs.of("u144").throughput("users") * 3600.0,
                },
                Claim {
                    what: "scripts an hour, 216 users",
                    theirs: 1702.2,
                    unit: Unit::Count,
                    tolerance: Tolerance::Near(0.09),
                    ours: |runs| runs.plain().throughput("users") * 3600.0,
                },
            ],
        },
        Experiment {
            name: "usl-raytracer",
            kind: Kind::Measured,
            text: include_str!("../../../scenarios/published/usl-raytracer.toml"),
            variants: &["", "p4", "p8", "p16", "p32"],
            short: true,
            claims: &[
                Claim {
                    what: "rays, 4 processors",
                    theirs: 78.0,
                    unit: Unit::PerSecond,
                    tolerance: Tolerance::Near(0.1),
                    ours: |runs| runs.of("p4").throughput("processors"),
                },
                Claim {
                    what: "rays, 8 processors",
                    theirs: 130.0,
                    unit: Unit::PerSecond,
                    tolerance: Tolerance::Near(0.1),
                    ours: |runs| runs.of("p8").throughput("processors"),
                },
                Claim {
                    what: "rays, 16 processors",
                    theirs: 190.0,
                    unit: Unit::PerSecond,
                    tolerance: Tolerance::Near(0.1),
                    ours: |runs| runs.of("p16").throughput("processors"),
                },
                Claim {
                    what: "rays, 32 processors",
                    theirs: 260.0,
                    unit: Unit::PerSecond,
                    tolerance: Tolerance::Near(0.1),
                    ours: |runs| runs.of("p32").throughput("processors"),
                },
                Claim {
                    what: "rays, 64 processors",
                    theirs: 310.0,
                    unit: Unit::PerSecond,
                    tolerance: Tolerance::Near(0.1),
                    ours: |runs| runs.plain().throughput("processors"),
                },
            ],
        },
    ],
};
