//! `validate`: the simulator against queueing theory.

use super::engine;
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use super::progress::{Mode, Progress};
use crate::report::theory;

/// Compare the simulator with queueing theory, model by model
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Args {
    /// Models such as `mm1`; without any all of them
    models: Vec<String>,
    /// Every case, not only the short set
    #[arg(long)]
    full: bool,
    /// Threads; the result is the same for any number
    #[arg(short, long, value_name = "N")]
    jobs: Option<usize>,
    /// How progress is shown on standard error
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    progress: Mode,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let progress = Progress::begin(args.progress, output);
    let rows = engine::theory(&args.models, args.full, args.jobs, &progress);
    progress.end();
    let rows = rows?;
    output::result(theory::render(&rows, output.style()).as_bytes())?;
    let (passed, all) = rows.iter().fold((0, 0), |sum, row| (sum.0 + row.passed, sum.1 + row.metrics));
    let enough = f64::from(passed) >= engine::BAR * f64::from(all);
    Ok(if enough && rows.iter().all(theory::Agreement::holds) { Exit::Done } else { Exit::Broken })
}
