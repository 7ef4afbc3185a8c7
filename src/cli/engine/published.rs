//! Published results, run and told.

use super::{Failure, Watch, check};
use crate::experiment;
use crate::experiment::published::{self, Experiment, Finding, Publication, Tolerance, Verdict};
use crate::experiment::summary::Summary;
use crate::report::published as report;
use crate::scenario;

/// Runs what these publications claim, or all.
pub(in crate::cli) fn published(
    names: &[String],
    jobs: Option<usize>,
    watch: &dyn Watch,
) -> Result<Vec<report::Publication>, Failure> {
    known(names)?;
    let experiments = published::experiments(names);
    let run = |experiment: &Experiment, variant: &str| simulate(experiment, variant, jobs);
    let mut told: Vec<(&Publication, report::Publication)> = Vec::new();
    for (at, (publication, experiment)) in experiments.iter().enumerate() {
        if watch.stopped() {
            return Err(Failure::Interrupted);
        }
        let claims = published::examine(publication, experiment, &run)?;
        let place = told.iter().position(|(p, _)| p.name == publication.name).unwrap_or_else(|| {
            told.push((publication, report::Publication { source: publication.source.into(), claims: Vec::new() }));
            told.len() - 1
        });
        told[place].1.claims.extend(claims.iter().map(claim));
        watch.advanced((at + 1) as f64 / experiments.len() as f64);
    }
    Ok(told.into_iter().map(|(_, told)| told).collect())
}

/// The scenarios of these publications, or all, by name.
pub(in crate::cli) fn published_scenarios(names: &[String]) -> Result<Vec<(&'static str, &'static str)>, Failure> {
    known(names)?;
    Ok(published::experiments(names).into_iter().map(|(_, experiment)| (experiment.name, experiment.text)).collect())
}

fn known(names: &[String]) -> Result<(), Failure> {
    let all = published::PUBLICATIONS.map(|publication| publication.name);
    match names.iter().find(|name| !all.contains(&name.as_str())) {
        Some(unknown) => Err(Failure::Usage(format!("no publication `{unknown}`; there are {}", all.join(", ")))),
        None => Ok(()),
    }
}

/// The whole way that a file takes, too.
fn simulate(experiment: &Experiment, variant: &str, jobs: Option<usize>) -> Result<Summary, Failure> {
    let text = scenario::Source::text(experiment.name, experiment.text);
    let variants = scenario::variants(&text);
    let source = super::Source { text, variants, ceiling: scenario::CEILING };
    let checked = check(&source, (!variant.is_empty()).then_some(variant), &[], false)?;
    experiment::run(&checked, jobs, &()).map_err(|_| Failure::Interrupted)
}

fn claim(finding: &Finding) -> report::Claim {
    let unit = match finding.unit {
        published::Unit::Count => report::Unit::Count,
        published::Unit::Seconds => report::Unit::Seconds,
        published::Unit::Share => report::Unit::Share,
        published::Unit::PerSecond => report::Unit::PerSecond,
        published::Unit::Times => report::Unit::Times,
    };
    let amount = |value| report::Amount { value, unit };
    let bound = match finding.bound {
        Some(Tolerance::AtMost(bound)) => Some(('≤', bound)),
        Some(Tolerance::AtLeast(bound)) => Some(('≥', bound)),
        _ => None,
    };
    report::Claim {
        what: finding.what.into(),
        theirs: amount(finding.theirs),
        bound: bound.map(|(sign, bound)| (sign, amount(bound))),
        ours: amount(finding.ours),
        half: (finding.half > 0.0).then(|| amount(finding.half)),
        allowed: finding.allowed.map(amount),
        agrees: finding.verdict != Verdict::Differs,
    }
}
