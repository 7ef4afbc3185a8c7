//! `import`: from what others measured or wrote down to a scenario.

use std::path::PathBuf;

use super::engine;
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use super::run;
use crate::import::Import;

/// Make a scenario of traces (OTLP, Jaeger, Zipkin), metrics (service graphs, Istio), Kiali graphs, Kubernetes and Istio YAML,
/// compose, isotope, or rates over time; several files fill one another's gaps
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// What is told by what it says, not by its name
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write the scenario here instead of to standard output
    #[arg(short = 'o', value_name = "FILE.toml")]
    to: Option<PathBuf>,
    /// Overwrite what is there, with whatever was answered in it
    #[arg(long)]
    force: bool,
    /// The scenario's name [default: the first file's]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Memory that may be used, such as `16GiB`: a file that is read whole may have a quarter of it, one of lines any size
    #[arg(long, value_name = "SIZE", value_parser = crate::units::parse_size, default_value = "4GiB")]
    max_memory: u64,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let to: Vec<PathBuf> = args.to.iter().cloned().collect();
    let there = |path: &&PathBuf| !run::is_stdout(path) && path.is_file();
    if let Some(path) = to.iter().find(there).filter(|_| !args.force) {
        let path = output::shown(path);
        return Err(Failure::Broken(format!(
            "{path}: is there already, and what was answered in it would be lost; --force overwrites it"
        )));
    }
    output::writable(&to)?;
    let mut import = Import::default();
    for path in &args.files {
        let kind = engine::take_in(&mut import, path, args.max_memory)?;
        output.note(&format!("{}: {kind}", output::shown(path)));
    }
    import.is_enough().map_err(Failure::Broken)?;
    let stem = args.files.first().and_then(|path| path.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
    let name = args.name.clone().or(stem).unwrap_or_else(|| "imported".into());
    let text = import.scenario(&run::file_name(&name));
    match args.to.as_ref().filter(|path| !run::is_stdout(path)) {
        Some(path) => output::file(path, text.as_bytes())?,
        None => output::result(text.as_bytes())?,
    }
    let open = engine::open_lines(&text).len();
    if open > 0 {
        let are = if open == 1 { "question is" } else { "questions are" };
        output.note(&format!("{open} {are} left open: the lines marked OPEN; `hoptax check` lists them"));
    }
    Ok(Exit::Done)
}
