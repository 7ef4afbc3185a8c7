//! `report`: a result that was kept, shown again.

use std::path::PathBuf;

use super::engine;
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use super::pictures;
use super::run::{self, Beside, Format, Held, Place};
use crate::experiment::summary::Summary;

/// Show a result that was kept (`run -o run.json`): the same tables, CSV and Markdown, without running anything, and those pictures that a
/// result holds (with `run --series` what went over time, too)
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// What `run --format json` or `run -o NAME.json` wrote
    #[arg(value_name = "RUN.json")]
    file: PathBuf,
    /// What standard output carries
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write this too: .html .json .csv .md .txt .svg .png .xml, or `-`: standard output and nothing else there; may be repeated
    #[arg(short = 'o', value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write everything into this folder
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// An SLO that stays undecided has failed
    #[arg(long)]
    strict: bool,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let kinds = run::kinds(&args.files)?;
    pictures::known(&args.files, pictures::OF_RUNS)?;
    output::writable(&args.files)?;
    args.output.iter().try_for_each(|folder| output::writable_folder(folder))?;
    let summaries: Vec<Summary> = engine::kept(&args.file)?;
    let exit = summaries.iter().fold(Exit::Done, |exit, summary| exit.or(run::verdict(summary, args.strict)));
    let place = Place { files: &args.files, kinds: &kinds, format: args.format, folder: args.output.clone() };
    let held = Held { summaries: &summaries, against: None, beside: &Beside::default() };
    Ok(output.told(exit, run::deliver(held, &place, output)))
}
