//! `capacity`: the largest load that keeps its promises.

use super::engine::{self, CapacityWanted};
use super::exit::{Exit, Failure};
use super::output::Output;
use super::progress::Progress;
use super::studied::{Asked, Found};
use crate::report::{capacity, json};
use crate::units::{Rate, parse_share};

/// Find the largest load that keeps its promises, that with a replica gone, and what a wanted load takes
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    asked: Asked,
    /// Whose load grows; may be repeated [default: everybody's]
    #[arg(long, value_name = "NAME")]
    grow: Vec<String>,
    /// With which probability a run is to keep all its promises
    #[arg(long, value_name = "SHARE", default_value = "95%", value_parser = parse_share)]
    confidence: f64,
    /// A load that is wanted, such as 500/s: which replicas it takes
    #[arg(long, value_name = "RATE", value_parser = Rate::parse)]
    target: Option<Rate>,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let kinds = args.asked.kinds()?;
    let (checked, options) = args.asked.scenario(output)?;
    let wanted = CapacityWanted {
        grow: args.grow.clone(),
        confidence: args.confidence,
        target_per_s: args.target.map(Rate::per_second),
    };
    let progress = Progress::begin(args.asked.progress, output);
    let study = engine::capacity(&checked, &wanted, args.asked.jobs, &progress);
    progress.end();
    let study = study.map_err(|trouble| engine::told(trouble, &options, output.colour_errors()))?;
    let found = Found {
        name: "capacity",
        json: json::pretty(&study.capacity),
        page: &|_| capacity::page(&study.capacity),
        picture: None,
    };
    let ended = if study.whole { Exit::Done } else { Exit::Interrupted };
    Ok(args.asked.deliver(&found, &kinds, ended, output))
}
