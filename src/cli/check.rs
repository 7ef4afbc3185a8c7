//! `check`: what was understood, without a run.

use std::path::PathBuf;

use super::args::Change;
use super::engine;
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use crate::report::text::clean;

/// Show a scenario as it was understood: defaults marked, forecast, warnings
#[derive(Clone, Debug, Default, clap::Args)]
#[command(mut_arg("variant", |variant| variant.help(super::args::EVERY)))]
pub(super) struct Args {
    /// The scenario; without one the built-in one
    file: Option<PathBuf>,
    #[command(flatten)]
    change: Change,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let colour = output.colour_errors();
    let source = engine::read(args.file.as_deref(), colour)?;
    let options = engine::Options { pilots: false, ..engine::options(&args.change, None) };
    let understood = |variant: Option<&str>| {
        engine::check(&source, variant, &options, colour).map(|checked| engine::understood(&checked, output.style()))
    };
    let mut text;
    if args.change.variant.as_deref() == Some("all") {
        text = understood(None)?;
        for name in engine::variants(&source) {
            text = format!("{text}\nvariant {}\n\n{}", clean(&name), understood(Some(&name))?);
        }
    } else {
        text = understood(args.change.variant.as_deref())?;
    }
    output::result(text.as_bytes())?;
    Ok(Exit::Done)
}
