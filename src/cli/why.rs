//! `why`: what a request waited for, and who began it.

use std::path::PathBuf;

use super::args::Change;
use super::engine::{self, Pick, Sought};
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use super::progress::{Mode, Progress};
use super::run::{self, Format, Kind};
use super::trace::pick;
use crate::report::page::Page;
use crate::report::{json, reason};

/// Why a request took so long or failed: what it waited for, who held that, down to whose work, fault or line began it
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// The scenario; without one the built-in one
    file: Option<PathBuf>,
    #[command(flatten)]
    change: Change,
    /// Sought request: the N-th of the measured time, `slowest`; or many at once, alike ones together: those beyond a
    /// percentile such as `p99`, `failed`; of more than a hundred, a hundred spread evenly
    #[arg(long, value_name = "WHICH", default_value = "p99")]
    request: String,
    /// Whose request, where there are several clients
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// In which replication: a failure that the first does not have may be in another
    #[arg(long, value_name = "N", default_value_t = 1)]
    replication: u32,
    /// What standard output carries
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write this too: .json .csv .md .txt, or `-`: standard output and nothing else there; may be repeated
    #[arg(short = 'o', value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How progress is shown on standard error
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    progress: Mode,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let asked: Pick = pick(&args.request).map_err(|why| {
        Failure::Usage(format!("--request {}: {why}", output::shown(std::path::Path::new(&args.request))))
    })?;
    let kinds = run::kinds(&args.files)?;
    if let Some(at) = kinds.iter().position(|kind| !matches!(kind, Kind::Text(_))) {
        let path = output::shown(&args.files[at]);
        return Err(Failure::Usage(format!(
            "{path}: a sentence has no picture; end the name in .json, .csv, .md or .txt"
        )));
    }
    output::writable(&args.files)?;
    if args.change.variant.as_deref() == Some("all") {
        return Err(Failure::Usage("requests of one variant are asked; name it instead of `all`".into()));
    }
    let colour = output.colour_errors();
    let source = engine::read(args.file.as_deref(), colour)?;
    let options = engine::options(&args.change, None);
    let checked = engine::check(&source, args.change.variant.as_deref(), &options, colour)?;
    let which = Sought { pick: asked, client: args.client.as_deref(), replication: args.replication };
    let progress = Progress::begin(args.progress, output);
    let study = engine::why(&checked, which, &args.request, &progress);
    progress.end();
    let engine::Why { why, whole } = study.map_err(|trouble| engine::told(trouble, &options, colour))?;
    let page = |every: bool| -> Page { reason::page(&why, every) };
    let text = |format: Format, style: crate::report::table::Style| match format {
        Format::Table => page(style.all).table(style),
        Format::Json => json::pretty(&reason::told(&why)),
        Format::Csv => page(true).csv(),
        Format::Md => page(true).markdown(),
    };
    let mut failures = Vec::new();
    for (path, kind) in args.files.iter().zip(kinds).filter(|(path, _)| !run::is_stdout(path)) {
        let Kind::Text(format) = kind else { continue };
        failures.extend(output::file(path, text(format, crate::report::table::Style::of_file()).as_bytes()).err());
    }
    let piped = args.files.iter().any(|path| run::is_stdout(path));
    let format = args.format.unwrap_or(if piped { Format::Json } else { Format::Table });
    failures.extend(output::result(text(format, output.style()).as_bytes()).err());
    Ok(output.told(if whole { Exit::Done } else { Exit::Interrupted }, failures))
}
