//! `recover`: from which load on a system stays down after something went wrong.

use super::engine::{self, RecoverWanted};
use super::exit::{Exit, Failure};
use super::output::Output;
use super::pictures;
use super::progress::Progress;
use super::studied::{Asked, Found};
use crate::report::{json, recover};
use crate::units::Span;

/// Let something go wrong under more and more load, for longer and longer: where the system stays down afterwards
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    asked: Asked,
    /// The fault of the file that is the trigger, or `spike`: more traffic [default: its first that has a length, else `spike`]
    #[arg(long, value_name = "NAME")]
    trigger: Option<String>,
    /// Whose requests are judged; by default the client with most of them
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// Whose load grows; may be repeated [default: everybody's]
    #[arg(long, value_name = "NAME")]
    grow: Vec<String>,
    /// Loads to run, in times of today's, such as 0.5,1,2 [default: up to what the busiest node can do]
    #[arg(long, value_name = "TIMES", value_delimiter = ',')]
    load: Vec<f64>,
    /// How long the trigger is on, such as 5s,10s [default: a quarter to four times as long as the file says]
    #[arg(long, value_name = "TIME", value_delimiter = ',', value_parser = Span::parse)]
    length: Vec<Span>,
    /// Ask, too, how rarely it collapses by itself at today's load: by multilevel splitting
    #[arg(long)]
    rare: bool,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let kinds = args.asked.kinds()?;
    let (checked, options) = args.asked.scenario(output)?;
    let wanted = RecoverWanted {
        trigger: args.trigger.clone(),
        client: args.client.clone(),
        grow: args.grow.clone(),
        loads: args.load.clone(),
        lengths_s: args.length.iter().map(|length| length.as_secs_f64()).collect(),
        rare: args.rare,
    };
    let progress = Progress::begin(args.asked.progress, output);
    let study = engine::recover(&checked, &wanted, args.asked.jobs, &progress);
    progress.end();
    let study = study.map_err(|trouble| engine::told(trouble, &options, output.colour_errors()))?;
    let found = Found {
        name: "recover",
        json: json::pretty(&study.recover),
        page: &|every| recover::page(&study.recover, every),
        picture: Some(&|| pictures::boundary(&study.recover)),
    };
    let ended = if study.whole { Exit::Done } else { Exit::Interrupted };
    Ok(args.asked.deliver(&found, &kinds, ended, output))
}
