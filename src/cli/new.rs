//! `new`: a scenario to begin with.

use std::path::{Path, PathBuf};

use super::exit::{Exit, Failure};
use super::output::{self, Output};

/// The scenario that is written, explained line by line.
pub(super) const STARTER: &str = include_str!("starter.toml");

/// Write a commented scenario to start from
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Args {
    /// Where to; `-` is standard output
    #[arg(default_value = "scenario.toml")]
    file: PathBuf,
    /// Overwrite what is there
    #[arg(long)]
    force: bool,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    if args.file == Path::new("-") {
        output::result(STARTER.as_bytes())?;
        return Ok(Exit::Done);
    }
    let path = output::shown(&args.file);
    if !args.force && args.file.symlink_metadata().is_ok() {
        return Err(Failure::Broken(format!("{path}: is there already; --force overwrites it")));
    }
    output::file(&args.file, STARTER.as_bytes())?;
    output.note(&format!("wrote {path}; next: hoptax run {path}"));
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Manner;

    #[test]
    fn what_is_there_is_kept_unless_forced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.toml");
        std::fs::write(&file, "mine").unwrap();
        let output = Output::new(Manner { quiet: true, ..Manner::default() });
        let refused = act(&Args { file: file.clone(), force: false }, &output);
        assert!(matches!(refused, Err(Failure::Broken(text)) if text.contains("mine.toml")));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
        act(&Args { file: file.clone(), force: true }, &output).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), STARTER);
    }

    #[test]
    fn the_starter_is_toml() {
        let table: toml::Table = STARTER.parse().unwrap();
        assert_eq!(table["version"].as_integer(), Some(1));
    }
}
