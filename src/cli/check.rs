//! `check`: what was understood, without a run.

use std::path::PathBuf;

use super::args::Change;
use super::engine;
use super::exit::{Exit, Failure};
use super::output::Output;

/// Show a scenario as it was understood: defaults marked, forecast, warnings
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Args {
    /// The scenario; without one the built-in one
    file: Option<PathBuf>,
    #[command(flatten)]
    change: Change,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let colour = output.colour_errors();
    let source = engine::read(args.file.as_deref(), colour)?;
    let settings = args.change.settings();
    let variant = args.change.variant.as_deref();
    let all = (variant == Some("all")).then_some(&source.variants);
    let text = match all {
        None => engine::understood(&engine::check(&source, variant, &settings, colour)?),
        Some(variants) => {
            let mut text = engine::understood(&engine::check(&source, None, &settings, colour)?);
            for name in variants {
                let checked = engine::check(&source, Some(name), &settings, colour)?;
                text.push_str(&format!("\nvariant {name}\n{}", engine::understood(&checked)));
            }
            text
        }
    };
    output.result(text.as_bytes())?;
    Ok(Exit::Done)
}
