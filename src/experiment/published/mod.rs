//! Runs against published results: what others measured, simulated or computed, and what a run of the same conditions says.
//!
//! Each publication has a file: the scenarios (under `scenarios/published`, as a user would write them), the claims, and
//! where in a [`Summary`] the answers stand. A claim is judged by its own tolerance, which comes from the publication:
//! three standard errors where it says how its figures spread, a share where it does not. Claims without figures, such as
//! "far fewer", are one-sided, and what meets them has the published shape and no more. [`ABSENT`] says what cannot be
//! reproduced, and why.

mod aws_backoff;
mod brooker;
mod claim;
mod erlang_c;
mod fail_at_scale;
mod hystrix;
mod istio;
mod linkerd;
mod metastable;
mod rabbitmq;
mod resilience4j;
mod sre_book;
mod study;
mod tail_at_scale;
mod two_choices;
mod uqsim;
mod usl;
mod wrk2;

pub use claim::{Claim, Experiment, Finding, Kind, Publication, Tolerance, Unit, Verdict};
pub use study::{known, study};

use super::summary::Summary;
use claim::Runs;

/// All publications, in the order of the table.
pub const PUBLICATIONS: [&Publication; 18] = [
    &tail_at_scale::PUBLICATION,
    &aws_backoff::PUBLICATION,
    &brooker::PUBLICATION,
    &sre_book::PUBLICATION,
    &metastable::PUBLICATION,
    &metastable::BAND,
    &fail_at_scale::PUBLICATION,
    &two_choices::PUBLICATION,
    &uqsim::PUBLICATION,
    &istio::PUBLICATION,
    &linkerd::PUBLICATION,
    &resilience4j::PUBLICATION,
    &wrk2::PUBLICATION,
    &wrk2::TENE,
    &usl::PUBLICATION,
    &rabbitmq::PUBLICATION,
    &hystrix::PUBLICATION,
    &erlang_c::PUBLICATION,
];

/// What cannot be reproduced, and why.
pub const ABSENT: [(&str, &str); 31] = [
    ("Tail at Scale, table 1", "how many leaves, and how their times depend on each other, is not said"),
    ("Brooker, serial clients", "no client here waits longer after a call that failed in the end"),
    ("Brooker, a breaker per shard", "replicas here take each other's requests, shards do not"),
    ("OSDI 2022, garbage collection", "no model of a heap"),
    ("OSDI 2022, prevalence", "a count of incidents: nothing to simulate"),
    ("Metastable failures, formal (2025)", "no figures but those of plots"),
    ("Netflix, Performance Under Load", "its first rule; the second, which is here, gives in to lasting overload"),
    ("Istio 1.2 and 1.12, MeshInsight", "the load, or the calls of a request, are not said"),
    ("Linkerd against Istio (2021)", "2000/s add less than 200/s (median 12, 14 ms): no line of work does that"),
    ("Linkerd against Istio (Kinvolk 2019)", "a proxy beyond what it can do: neither that nor the time is said"),
    ("Linkerd against ambient (2025)", "differences of percentiles alone: no figure without a mesh to fit to"),
    ("Mutual TLS of four meshes (2411.02267)", "shares of a p99 that is not said; read in other pages only"),
    ("gRPC or REST (Soares, Gorton)", "measured costs: what a scenario is told, not what it finds"),
    ("Monolith or services (KTH, Blinowski)", "services here do not share the cores of one machine"),
    ("\"5 ms become 30 to 50\"", "no publication found that says so"),
    ("uqSim against real systems; DeathStarBench", "figures that could not be checked at their source"),
    ("MiSim", "plots without figures"),
    ("Resilience4j, errors at once", "a breaker costs 6 % there; policies cost no CPU here"),
    ("Resilience4j, self-healing", "when the fault was turned off by hand is not said"),
    ("mqperf, RabbitMQ by threads", "one line fitted to 1 and 50 threads is 15 to 30 % above 5 to 20"),
    ("mqperf, SQS by threads", "0.4 % from 25 to 50 threads, but 20 % above at 100: it throttles"),
    ("RabbitMQ, windows of confirms (2024)", "window ÷ time is 10 to 35 % above the rate; why is not said"),
    ("RabbitMQ, a starved consumer (2024)", "no broker here serves its publishers first"),
    ("Kafka, RabbitMQ, Pulsar: throughput", "caps of machines: what a scenario is told"),
    ("Dapr 1.17; Spanner; Dynamo", "measured costs: what a scenario is told, not what it finds"),
    ("resilience-demo, a spike", "what a tenth of a core does for a request is not said"),
    ("Shopify, half-open breakers", "read in other pages only"),
    ("HikariCP, sizes of pools", "no thread here takes two connections of one pool"),
    ("AWS, shuffle sharding", "replicas here take each other's requests, shards do not"),
    ("Palantir dialogue", "its balancers score in ways that no file here can say"),
    ("Resilience by call graphs (2025)", "the call graph is not part of the publication"),
];

/// Runs a variant of a scenario text; the empty name is the scenario as written.
pub type Run<'a, E> = &'a dyn Fn(&Experiment, &str) -> Result<Summary, E>;

/// The experiments of these publications, or all, with what they belong to.
pub fn experiments(names: &[String]) -> Vec<(&'static Publication, &'static Experiment)> {
    let wanted = |p: &&'static Publication| names.is_empty() || names.iter().any(|name| *name == p.name);
    PUBLICATIONS.into_iter().filter(wanted).flat_map(|p| p.experiments.iter().map(move |e| (p, e))).collect()
}

/// Runs all variants of an experiment and judges its claims.
pub fn examine<E>(
    publication: &'static Publication,
    experiment: &Experiment,
    run: Run<'_, E>,
) -> Result<Vec<Finding>, E> {
    let mut runs = Vec::new();
    for variant in experiment.variants {
        runs.push((*variant, run(experiment, variant)?));
    }
    let runs = Runs(&runs);
    Ok(experiment.claims.iter().map(|claim| claim.judge((publication, experiment.kind), &runs)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Source, load, variants};

    #[test]
    fn every_scenario_is_understood_and_has_its_variants() {
        for (_, experiment) in experiments(&[]) {
            let source = Source::text(experiment.name, experiment.text);
            let checked = load(&source, &[]);
            let checked = checked.unwrap_or_else(|r| panic!("{}: {:?}", experiment.name, r.complaints));
            assert_eq!(checked.scenario.name.value, experiment.name);
            let named = variants(&source);
            for variant in experiment.variants {
                assert!(variant.is_empty() || named.iter().any(|n| n == variant), "{} {variant}", experiment.name);
            }
        }
    }

    #[test]
    fn publications_are_told_apart() {
        let mut names: Vec<_> = PUBLICATIONS.iter().map(|p| p.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PUBLICATIONS.len());
        assert!(ABSENT.iter().all(|(what, why)| what.chars().count().max(why.chars().count()) <= 74));
        for (publication, experiment) in experiments(&[]) {
            assert!(publication.source.chars().count() <= 78, "{}", publication.source);
            for claim in experiment.claims {
                assert!(claim.what.chars().count() <= 33, "{} does not fit into the table", claim.what);
            }
        }
        assert_eq!(experiments(&["uqsim".to_owned()]).len(), 1);
    }
}
