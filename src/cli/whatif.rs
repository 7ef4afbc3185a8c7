//! `whatif`: what a notch on anything would change.

use clap::ValueEnum;

use super::engine::{self, WhatIfOf, WhatIfWanted};
use super::exit::{Exit, Failure};
use super::output::Output;
use super::pictures;
use super::progress::Progress;
use super::studied::{Asked, Found};
use crate::report::{json, whatif};

/// Turn every node, edge, pool, limit, timeout and number of replicas by a notch, each alone: where to spend the next week
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    asked: Asked,
    /// Whose requests; by default the client with most of them
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// By what changes are ranked
    #[arg(long, value_enum, default_value_t, value_name = "FIGURE")]
    by: By,
}

/// By what changes are ranked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum By {
    /// 99th percentile of all that arrive.
    #[default]
    P99,
    /// Their median.
    P50,
    /// Mean of the answered.
    Mean,
    /// Share that succeeds.
    Success,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let kinds = args.asked.kinds()?;
    let (checked, options) = args.asked.scenario(output)?;
    let of = match args.by {
        By::P99 => WhatIfOf::P99,
        By::P50 => WhatIfOf::P50,
        By::Mean => WhatIfOf::Mean,
        By::Success => WhatIfOf::SuccessRate,
    };
    let wanted = WhatIfWanted { client: args.client.clone(), of };
    let progress = Progress::begin(args.asked.progress, output);
    let study = engine::whatif(&checked, &wanted, args.asked.jobs, &progress);
    progress.end();
    let study = study.map_err(|trouble| engine::told(trouble, &options, output.colour_errors()))?;
    let found = Found {
        name: "whatif",
        json: json::pretty(&study.whatif),
        page: &|every| whatif::page(&study.whatif, every),
        picture: Some(&|| pictures::tornado(&study.whatif)),
    };
    let ended = if study.whole { Exit::Done } else { Exit::Interrupted };
    Ok(args.asked.deliver(&found, &kinds, ended, output))
}
