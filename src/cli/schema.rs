//! `schema`: the JSON Schema of a scenario, for editors.

use super::engine;
use super::exit::{Exit, Failure};
use super::output;

/// Print the JSON Schema (draft-07) of the scenario file
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Args {}

pub(super) fn act(_: &Args) -> Result<Exit, Failure> {
    output::result(engine::schema().as_bytes())?;
    Ok(Exit::Done)
}
