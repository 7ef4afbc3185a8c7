//! `diagnose`: how many services these are, really.

use std::path::{Path, PathBuf};

use super::engine::{self, Checked, Diagnosis, NoShelf, Options};
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use super::progress::Progress;
use super::run::{self, Format, Kind};
use super::studied::Asked;
use super::{graph, pictures};
use crate::report::table::Style;
use crate::report::{diagnosis, html, json};

/// How many services are these, really? The signs of a distributed monolith, and what binds two services each
#[derive(Clone, Debug, Default, clap::Args)]
#[command(mut_arg("files", |files| files.help(super::studied::PAGES)))]
#[command(mut_arg("output", |output| output.help("Write everything into this folder: JSON, CSV, Markdown, the page, the picture")))]
pub(super) struct Args {
    #[command(flatten)]
    asked: Asked,
    /// Read it off the file alone, and simulate nothing
    #[arg(long = "static")]
    still: bool,
    /// Exit with 99 where there are effectively fewer services than this, such as 4.5
    #[arg(long, value_name = "N", value_parser = least)]
    fail_below: Option<f64>,
    /// Say what has changed against this older file as it is written, and what did it; read off both files
    #[arg(long, value_name = "OLD")]
    against: Option<PathBuf>,
}

/// A number of services that a diagnosis can be below of.
fn least(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|n: &f64| n.is_finite() && *n > 0.0);
    number.ok_or_else(|| "write a number of services above 0, such as 4.5".to_owned())
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let kinds = run::kinds(&args.asked.files)?;
    if kinds.iter().any(|kind| !matches!(kind, Kind::Text(_) | Kind::Html)) {
        let why = "a diagnosis is a page or text: -o NAME ending in .html, .md, .json, .csv or .txt; its picture alone is `hoptax graph`";
        return Err(Failure::Usage(why.into()));
    }
    output::writable(&args.asked.files)?;
    args.asked.folder().into_iter().try_for_each(output::writable_folder)?;
    let (checked, options) = args.asked.idle(output)?;
    // Where nobody asks for anything, nothing can be shown by a run.
    let still = args.still || checked.scenario().clients.is_empty();
    let (mut found, whole) =
        if still { (engine::diagnose(&checked), true) } else { proven(args, &checked, &options, output)? };
    found.interrupted = !whole;
    if let Some(old) = &args.against {
        let colour = output.colour_errors();
        let source = engine::read(Some(old), colour)?;
        // What is turned or chosen here is the change.
        let as_written = Options { edits: Vec::new(), ..options };
        let old = engine::check(&source, None, &as_written, colour)?;
        found.change = Some(engine::change(&old, &checked));
    }
    let few = args.fail_below.zip(found.n_eff).is_some_and(|(least, n_eff)| n_eff < least);
    let ended = if whole { Exit::Done } else { Exit::Interrupted }.or(if few { Exit::SloFailed } else { Exit::Done });
    if let (true, Some(least), Some(n_eff)) = (few, args.fail_below, found.n_eff) {
        let never =
            if least > found.services as f64 { ", which they could not be if they were all independent" } else { "" };
        output.note(&format!("effectively {n_eff:.2}: fewer than the {least} of --fail-below{never}"));
    }
    Ok(deliver((&found, &checked), args, &kinds, ended, output))
}

/// With the signs shown by runs, and whether all of it was run.
fn proven(args: &Args, checked: &Checked, options: &Options, output: &Output) -> Result<(Diagnosis, bool), Failure> {
    let progress = Progress::begin(args.asked.progress, output);
    let found = engine::prove(checked, args.asked.jobs, &progress, &NoShelf);
    progress.end();
    found.map_err(|trouble| engine::told(trouble, options, output.colour_errors()))
}

/// Files first: a reader of standard output may go away early.
fn deliver(
    (found, checked): (&Diagnosis, &Checked),
    args: &Args,
    kinds: &[Kind],
    ended: Exit,
    output: &Output,
) -> Exit {
    let mut failures = Vec::new();
    for (path, kind) in args.asked.files.iter().zip(kinds).filter(|(path, _)| !run::is_stdout(path)) {
        let text = match kind {
            Kind::Text(format) => text(found, *format, Style::of_file()),
            _ => page(found, checked),
        };
        failures.extend(output::file(path, text.as_bytes()).err());
    }
    if let Some(folder) = args.asked.folder() {
        match everything(folder, found, checked) {
            Ok(()) => output.note(&format!("JSON, CSV, Markdown, page, pictures: {}", output::shown(&folder.join("")))),
            Err(failure) => failures.push(failure),
        }
    }
    let piped = args.asked.files.iter().any(|path| run::is_stdout(path));
    let format = args.asked.format.unwrap_or(if piped { Format::Json } else { Format::Table });
    failures.extend(output::result(text(found, format, output.style()).as_bytes()).err());
    output.told(ended, failures)
}

/// All of it into a folder, the picture of what is one in fact beside it.
fn everything(folder: &Path, found: &Diagnosis, checked: &Checked) -> Result<(), Failure> {
    output::folder(folder)?;
    for (ending, format) in [("json", Format::Json), ("csv", Format::Csv), ("md", Format::Md), ("txt", Format::Table)] {
        output::file(&folder.join(format!("diagnose.{ending}")), text(found, format, Style::of_file()).as_bytes())?;
    }
    output::file(&folder.join("diagnose.html"), page(found, checked).as_bytes())?;
    if cfg!(feature = "charts") {
        let picture = pictures::topology(checked, &graph::diagram(checked))?;
        output::file(&folder.join("diagnose.svg"), picture.as_bytes())?;
        if cfg!(feature = "png") {
            output::file(&folder.join("diagnose.png"), &pictures::png(&picture)?)?;
        }
    }
    Ok(())
}

/// The page to hand round: with the picture of what is one in fact.
fn page(found: &Diagnosis, checked: &Checked) -> String {
    let picture = pictures::topology(checked, &graph::diagram(checked)).ok();
    html::page(&diagnosis::page(found), picture).html()
}

fn text(found: &Diagnosis, format: Format, style: Style) -> String {
    match format {
        Format::Table => diagnosis::table(found, style),
        Format::Json => json::pretty(found),
        Format::Csv => diagnosis::csv(found),
        Format::Md => diagnosis::markdown(found),
    }
}
