//! `capacity`: the largest load that keeps its promises.

use super::engine::{self, CapacityWanted};
use super::exit::{Exit, Failure};
use super::output::Output;
use super::progress::Progress;
use super::run::Kind;
use super::studied::{Asked, Found, TEXTS};
use crate::report::{capacity, json};
use crate::units::{Rate, parse_share};

/// Find the largest load that keeps its promises, that with a replica gone, and what a wanted load takes
#[derive(Clone, Debug, clap::Args)]
#[command(mut_arg("files", |files| files.help(TEXTS)))]
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
    /// Virtual users of a load test [default: as many as are busy on average]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    users: Option<u32>,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let kinds = args.asked.kinds()?;
    if kinds.iter().any(|kind| matches!(kind, Kind::Svg | Kind::Png)) {
        return Err(Failure::Usage("capacity draws no picture; `hoptax sweep` draws the way there".into()));
    }
    let (checked, options) = args.asked.scenario(output)?;
    let wanted = CapacityWanted {
        grow: args.grow.clone(),
        confidence: args.confidence,
        target_per_s: args.target.map(Rate::per_second),
        users: args.users,
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
