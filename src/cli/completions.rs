//! `completions`: for the shell that asks.

use clap_complete::Shell;

use super::exit::{Exit, Failure};
use super::output::Output;

/// Print completions for a shell
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

pub(super) fn act(args: &Args, command: &clap::Command, output: &Output) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command.clone(), "hoptax", &mut script);
    output.result(&script)?;
    Ok(Exit::Done)
}
