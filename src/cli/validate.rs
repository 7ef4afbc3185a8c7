//! `validate`: the simulator against queueing theory, and against what others have published.

use std::path::{Path, PathBuf};

use super::engine;
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use super::progress::{Mode, Progress};
use crate::report::{published, theory};

/// Compare the simulator with queueing theory, or with published results
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Args {
    /// Models such as `mm1`, publications such as `sre-book`; without any all of them
    models: Vec<String>,
    /// Every case, not only the short set
    #[arg(long)]
    full: bool,
    /// Published results instead of theory
    #[arg(long, conflicts_with = "full")]
    published: bool,
    /// Real processes on this machine instead of theory: runs `hoptax-testbed`, which has arguments of its own
    #[arg(long)]
    testbed: bool,
    /// Write the scenarios of published results to a folder, and run nothing
    #[arg(long, value_name = "DIR", requires = "published")]
    save: Option<PathBuf>,
    /// Threads; the result is the same for any number
    #[arg(short, long, value_name = "N")]
    jobs: Option<usize>,
    /// How progress is shown on standard error
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    progress: Mode,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    if let Some(folder) = &args.save {
        return save(&args.models, folder);
    }
    if args.published {
        return compare(args, output);
    }
    let progress = Progress::begin(args.progress, output);
    let wanted = engine::Wanted { models: &args.models, full: args.full, jobs: args.jobs };
    let validation = engine::theory(&wanted, &progress);
    progress.end();
    let rows = theory::agreements(&validation.map_err(told)?);
    output::result(theory::render(&rows, output.style()).as_bytes())?;
    Ok(if theory::agrees(&rows) { Exit::Done } else { Exit::Broken })
}

/// Runs what others have published, and fails where a claim is not met.
fn compare(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let progress = Progress::begin(args.progress, output);
    let all = engine::published(&args.models, args.jobs, &progress);
    progress.end();
    let all = published::told(&all.map_err(told)?);
    let absent: &[(&str, &str)] = if args.models.is_empty() { &engine::ABSENT } else { &[] };
    output::result(published::render(&all, absent, output.style()).as_bytes())?;
    let met = all.iter().flat_map(|publication| &publication.claims).all(|claim| claim.agrees);
    Ok(if met { Exit::Done } else { Exit::Broken })
}

fn save(names: &[String], folder: &Path) -> Result<Exit, Failure> {
    let experiments = engine::published_scenarios(names).map_err(told)?;
    output::folder(folder)?;
    for (_, experiment) in experiments {
        output::file(&folder.join(format!("{}.toml", experiment.name)), experiment.text.as_bytes())?;
    }
    Ok(Exit::Done)
}

fn told(trouble: engine::Trouble) -> Failure {
    engine::told(trouble, &engine::Options::default(), false)
}
