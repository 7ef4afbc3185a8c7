//! What others published, run again.

use super::{Experiment, Finding, PUBLICATIONS, Publication, examine, experiments};
use crate::experiment::run::Watch;
use crate::experiment::run::run;
use crate::experiment::study::{Options, Trouble, load};
use crate::experiment::summary::Summary;
use crate::scenario::Source;

/// Runs what these publications claim, or all: each with what was found of its claims.
pub fn study(
    names: &[String],
    jobs: Option<usize>,
    watch: &dyn Watch,
) -> Result<Vec<(&'static Publication, Vec<Finding>)>, Trouble> {
    let experiments = known(names)?;
    let simulate = |experiment: &Experiment, variant: &str| simulate(experiment, variant, jobs);
    let mut all: Vec<(&Publication, Vec<Finding>)> = Vec::new();
    for (at, (publication, experiment)) in experiments.iter().enumerate() {
        if watch.stopped() {
            return Err(Trouble::Interrupted);
        }
        let claims = examine(publication, experiment, &simulate)?;
        match all.iter_mut().find(|(other, _)| other.name == publication.name) {
            Some((_, known)) => known.extend(claims),
            None => all.push((publication, claims)),
        }
        watch.advanced((at + 1) as f64 / experiments.len() as f64);
    }
    Ok(all)
}

/// The experiments of these publications, or all; each name must be one's.
pub fn known(names: &[String]) -> Result<Vec<(&'static Publication, &'static Experiment)>, Trouble> {
    let all = PUBLICATIONS.map(|publication| publication.name);
    match names.iter().find(|name| !all.contains(&name.as_str())) {
        Some(unknown) => Err(Trouble::Absent(format!("no publication `{unknown}`; there are {}", all.join(", ")))),
        None => Ok(experiments(names)),
    }
}

/// The whole way that a file takes, too.
fn simulate(experiment: &Experiment, variant: &str, jobs: Option<usize>) -> Result<Summary, Trouble> {
    let source = Source::text(experiment.name, experiment.text);
    let checked = load(&source, Some(variant).filter(|name| !name.is_empty()), &Options::default())?;
    Ok(run(&checked, jobs, &())?)
}
