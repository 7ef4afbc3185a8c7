//! Published results that take little to run; `hoptax validate --published` runs all.

use hoptax::experiment::published::{self, Experiment, Verdict};
use hoptax::experiment::{self, summary::Summary};
use hoptax::scenario::{self, Source};

fn run(experiment: &Experiment, variant: &str) -> Result<Summary, String> {
    let source = Source::text(experiment.name, experiment.text);
    let said = |r: scenario::Rejected| format!("{:?}", r.complaints);
    let plain = scenario::load(&source, &[]).map_err(said)?;
    let edits = scenario::variant_edits(plain.scenario(), variant).unwrap_or_default();
    let checked = scenario::load(&source, &edits).map_err(said)?;
    experiment::run(&checked, None, &()).map_err(|_| "interrupted".to_owned())
}

#[test]
fn what_others_published_comes_out_of_their_conditions() {
    let short = published::experiments(&[]).into_iter().filter(|(_, experiment)| experiment.short);
    let found = short.flat_map(|(publication, experiment)| {
        published::examine(publication, experiment, &run).unwrap_or_else(|why| panic!("{}: {why}", experiment.name))
    });
    let found: Vec<_> = found.collect();
    assert!(found.len() > 35, "{}", found.len());
    let off: Vec<_> = found.iter().filter(|finding| finding.verdict == Verdict::Differs).collect();
    assert!(off.is_empty(), "{off:#?}");
}
