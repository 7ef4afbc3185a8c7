//! `completions`: for the shell that asks.

use clap_complete::Shell;

use super::exit::{Exit, Failure};
use super::output;

/// Print completions for a shell
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

pub(super) fn act(args: &Args, command: &clap::Command) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command.clone(), "hoptax", &mut script);
    output::result(&script)?;
    Ok(Exit::Done)
}
