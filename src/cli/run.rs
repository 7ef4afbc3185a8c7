//! `run`: a scenario in, figures and pictures out.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::args::Change;
use super::engine;
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use super::pictures;
use super::progress::{Mode, Progress};
use crate::experiment::summary::{Outcome, Summary};
use crate::report::{csv, json, junit, markdown, table};

/// Run a scenario and report every figure with its interval
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Args {
    /// The scenario; without one the built-in scenario is run and everything is kept in `output/`
    file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) change: Change,
    /// Threads; the result is the same for any number
    #[arg(short, long, value_name = "N", value_parser = threads)]
    pub(super) jobs: Option<usize>,
    /// What standard output carries
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write this too: .json .csv .md .txt .svg .png, or `-`: standard output and nothing else there (JSON unless
    /// --format says otherwise); may be repeated. A picture shows what its name ends in:
    /// `percentiles` (else this), `timeline`, `ledger`, `nodes`, `failing`, `pressure`, `policies`, `queues`, `replicas`, `graph`
    #[arg(short = 'o', value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Write everything into this folder: JSON, CSV, Markdown, charts; what another run left of these goes
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// In the JSON, the figures of every single replication too
    #[arg(long)]
    per_replication: bool,
    /// Do not judge SLOs
    #[arg(long)]
    no_slo: bool,
    /// An SLO that stays undecided has failed
    #[arg(long, conflicts_with = "no_slo")]
    strict: bool,
    /// How progress is shown on standard error
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    progress: Mode,
}

/// What a result is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Tables, as wide as the terminal; 80 columns in a pipe or a file.
    Table,
    /// The whole contract.
    Json,
    /// One figure a row.
    Csv,
    /// Tables for a wiki.
    Md,
}

/// What a file is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text(Format),
    Junit,
    Svg,
    Png,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let kinds = kinds(&args.files)?;
    pictures::known(&args.files, pictures::OF_RUNS)?;
    output::writable(&args.files)?;
    if let Some(folder) = args.output.as_deref().or_else(|| usual(args).then(|| Path::new(USUAL))) {
        output::writable_folder(folder)?;
    }
    let (summaries, ended) = simulate(args, output)?;
    let exit = summaries.iter().fold(ended, |exit, summary| exit.or(verdict(summary, args.strict)));
    Ok(output.told(exit, deliver(&summaries, args, &kinds, output)))
}

/// Runs the file, one of its variants, or all of them, and says whether all of them were run.
fn simulate(args: &Args, output: &Output) -> Result<(Vec<Summary>, Exit), Failure> {
    let colour = output.colour_errors();
    let source = engine::read(args.file.as_deref(), colour)?;
    let options = engine::options(&args.change, args.jobs);
    let which = match args.change.variant.as_deref() {
        Some("all") => engine::Which::All,
        Some(one) => engine::Which::One(one),
        None => engine::Which::Written,
    };
    // All are checked before the first is run.
    let told = |trouble| engine::told(trouble, &options, colour);
    let checked = engine::checked(&source, which, &options).map_err(told)?;
    for warnings in engine::warnings(&checked, colour) {
        output.rendered(warnings.trim_end());
    }
    let progress = Progress::begin(args.progress, output);
    let ran = engine::each(&checked, args.jobs, &progress, checked.len());
    progress.end();
    let engine::Series { mut summaries, whole } = ran.map_err(told)?;
    if args.no_slo {
        for summary in &mut summaries {
            summary.slos.clear();
        }
    }
    if args.per_replication {
        summaries = summaries.into_iter().map(Summary::with_replications).collect();
    }
    Ok((summaries, if whole { Exit::Done } else { Exit::Interrupted }))
}

/// Writes files first: a reader of standard output may go away early. What fails keeps nothing else from being written.
fn deliver(summaries: &[Summary], args: &Args, kinds: &[Kind], output: &Output) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (path, kind) in args.files.iter().zip(kinds).filter(|(path, _)| !is_stdout(path)) {
        failures.extend(content(summaries, *kind, path).and_then(|bytes| output::file(path, &bytes)).err());
    }
    if let Some(folder) = folder(args, summaries) {
        match everything(summaries, &folder, output) {
            Ok(()) => output.note(&format!("charts, JSON and CSV: {}", output::shown(&folder.join("")))),
            Err(failure) => failures.push(failure),
        }
    }
    let piped = args.files.iter().any(|path| is_stdout(path));
    let format = args.format.unwrap_or(if piped { Format::Json } else { Format::Table });
    failures.extend(output::result(text(summaries, format, output.style()).as_bytes()).err());
    failures
}

/// Where everything goes when nothing was asked for at all.
const USUAL: &str = "output";

fn usual(args: &Args) -> bool {
    args.file.is_none() && args.files.is_empty()
}

/// The folder for everything: the one asked for, or the usual one.
fn folder(args: &Args, summaries: &[Summary]) -> Option<PathBuf> {
    let name = &summaries.first()?.scenario.name;
    args.output.clone().or_else(|| usual(args).then(|| Path::new(USUAL).join(file_name(name))))
}

/// A name that is safe as the name of a folder.
pub(super) fn file_name(name: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || c == '_' { c } else { '-' };
    let name: String = name.chars().map(safe).take(80).collect();
    if name.is_empty() { "scenario".into() } else { name }
}

/// Writes every kind of result into a folder.
fn everything(summaries: &[Summary], folder: &Path, output: &Output) -> Result<(), Failure> {
    output::folder(folder)?;
    let texts = [("summary.json", Format::Json), ("summary.csv", Format::Csv), ("summary.md", Format::Md)];
    let mut written = Vec::new();
    for (name, format) in texts {
        output::file(&folder.join(name), text(summaries, format, table::Style::default()).as_bytes())?;
        written.push(name.to_owned());
    }
    if let Some(text) = csv::timeline(summaries) {
        output::file(&folder.join("timeline.csv"), text.as_bytes())?;
        written.push("timeline.csv".into());
    }
    let charts = pictures::all(summaries, &folder.join("charts"))?;
    tidy(folder, &written, &charts, output);
    Ok(())
}

/// The files of a folder with everything, of runs and of comparisons.
const TEXTS: [&str; 7] =
    ["summary.json", "summary.csv", "summary.md", "timeline.csv", "compare.json", "compare.csv", "compare.md"];

/// Removes what another run has left in the folder, which would be taken for a result of this one.
pub(super) fn tidy(folder: &Path, texts: &[String], charts: &[String], output: &Output) {
    let stale = |name: &&str| !texts.iter().any(|own| own == *name);
    let texts: Vec<String> = TEXTS.iter().filter(|name| stale(name)).map(|name| (*name).to_owned()).collect();
    output::sweep(folder, &texts, output);
    let there = output::names(&folder.join("charts"));
    let stale: Vec<String> =
        there.into_iter().filter(|name| pictures::is_ours(name) && !charts.contains(name)).collect();
    output::sweep(&folder.join("charts"), &stale, output);
}

fn content(summaries: &[Summary], kind: Kind, path: &Path) -> Result<Vec<u8>, Failure> {
    match kind {
        Kind::Text(format) => Ok(text(summaries, format, table::Style::of_file()).into_bytes()),
        Kind::Junit => Ok(junit::render(summaries).into_bytes()),
        Kind::Svg => Ok(pictures::svg(summaries, path)?.into_bytes()),
        Kind::Png => pictures::png(&pictures::svg(summaries, path)?),
    }
}

fn text(summaries: &[Summary], format: Format, style: table::Style) -> String {
    match format {
        Format::Table => table::render(summaries, style),
        Format::Json => json::render(summaries),
        Format::Csv => csv::render(summaries),
        Format::Md => markdown::render(summaries),
    }
}

pub(super) fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// What each file is to hold, told by its ending before anything is run.
pub(super) fn kinds(files: &[PathBuf]) -> Result<Vec<Kind>, Failure> {
    files.iter().map(|path| kind(path)).collect()
}

fn kind(path: &Path) -> Result<Kind, Failure> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        _ if is_stdout(path) => Ok(Kind::Text(Format::Json)),
        Some("json") => Ok(Kind::Text(Format::Json)),
        Some("csv") => Ok(Kind::Text(Format::Csv)),
        Some("xml") => Ok(Kind::Junit),
        Some("md") => Ok(Kind::Text(Format::Md)),
        Some("txt") => Ok(Kind::Text(Format::Table)),
        Some("svg") => Ok(Kind::Svg),
        Some("png") => Ok(Kind::Png),
        _ => Err(Failure::Usage(format!(
            "{}: cannot tell what to write; end the name in .json, .csv, .md, .txt, .xml (JUnit), .svg or .png",
            output::shown(path)
        ))),
    }
}

/// The code that a summary leads to.
pub(super) fn verdict(summary: &Summary, strict: bool) -> Exit {
    let run = &summary.run;
    let interrupted = if run.partial { Exit::Interrupted } else { Exit::Done };
    let unsettled = if run.guard.is_some() || run.settled == Some(false) { Exit::Unsettled } else { Exit::Done };
    let failed = summary.slos.iter().any(|slo| match slo.verdict {
        Outcome::Met => false,
        Outcome::Failed | Outcome::NoData => true,
        Outcome::Undecided => strict,
    });
    interrupted.or(unsettled).or(if failed { Exit::SloFailed } else { Exit::Done })
}

pub(super) fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("not a number of threads from 1".into()),
        Ok(n) => Ok(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_worst_of_a_run_decides() {
        let mut summary = sample::summary();
        assert_eq!(verdict(&summary, false), Exit::SloFailed);
        summary.slos.retain(|slo| matches!(slo.verdict, Outcome::Met | Outcome::Undecided));
        assert_eq!(verdict(&summary, false), Exit::Done);
        assert_eq!(verdict(&summary, true), Exit::SloFailed);
        summary.run.settled = Some(false);
        assert_eq!(verdict(&summary, true), Exit::Unsettled);
        summary.run.partial = true;
        assert_eq!(verdict(&summary, true), Exit::Interrupted);
    }

    #[test]
    fn a_warning_that_all_variants_share_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("latency-only.toml");
        // The variant adds a line above the promise, so the same warning stands at another place.
        let text = crate::cli::new::STARTER.replace("success_rate >= 99.5%", "mean < 1s");
        std::fs::write(&file, text + "\n[variants.cores]\n\"services.shop.cores\" = 2\n").unwrap();
        let source = engine::read(Some(&file), false).unwrap();
        let variants = [None, Some("cores")];
        let options = engine::options(&crate::cli::args::Change::default(), None);
        let checked = variants.map(|variant| engine::check(&source, variant, &options, false).unwrap());
        let (one, all) = (engine::warnings(&checked[..1], false), engine::warnings(&checked, false));
        assert!(one.len() == 1 && one[0].contains("W404"), "{one:?}");
        assert_eq!(one, all);
    }

    #[test]
    fn an_slo_without_samples_fails() {
        let mut summary = sample::summary();
        summary.slos.retain(|slo| slo.verdict == Outcome::NoData);
        assert_eq!(verdict(&summary, false), Exit::SloFailed);
    }

    #[test]
    fn the_ending_tells_the_kind() {
        assert_eq!(kind(Path::new("a/B.JSON")), Ok(Kind::Text(Format::Json)));
        assert_eq!(kind(Path::new("x.svg")), Ok(Kind::Svg));
        for path in ["x", "x.pdf", "json"] {
            assert!(matches!(kind(Path::new(path)), Err(Failure::Usage(_))), "{path}");
        }
    }

    #[test]
    fn folders_have_safe_names() {
        assert_eq!(file_name("../../etc/chain of calls"), "------etc-chain-of-calls");
        assert_eq!(file_name(""), "scenario");
    }

    #[cfg(feature = "png")]
    #[test]
    fn files_hold_what_their_endings_say() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["a.json", "a.csv", "a.md", "a.txt", "a.svg", "a.png", "a-timeline.svg"];
        let args = Args { files: names.map(|name| folder.path().join(name)).into(), ..Args::default() };
        for (path, kind) in args.files.iter().zip(kinds(&args.files).unwrap()) {
            let bytes = content(&[sample::summary()], kind, path).unwrap();
            output::file(path, &bytes).unwrap();
        }
        let starts = |name: &str, with: &[u8]| {
            let bytes = std::fs::read(folder.path().join(name)).unwrap();
            assert!(bytes.starts_with(with), "{name}");
        };
        starts("a.json", b"{\n");
        starts("a.csv", b"section,");
        starts("a.md", b"# chain\n");
        starts("a.txt", b"chain");
        starts("a.svg", b"<svg");
        starts("a.png", b"\x89PNG");
        let over_time = std::fs::read_to_string(folder.path().join("a-timeline.svg")).unwrap();
        assert!(over_time.contains("latency over time"));
    }

    #[cfg(feature = "png")]
    #[test]
    fn a_folder_gets_everything() {
        let folder = tempfile::tempdir().unwrap();
        let quiet = Output::new(crate::cli::args::Manner { quiet: true, ..Default::default() });
        output::folder(&folder.path().join("charts")).unwrap();
        for stale in ["charts/failing-x.svg", "charts/mine.svg", "compare.csv"] {
            output::file(&folder.path().join(stale), b"old").unwrap();
        }
        everything(&[sample::summary()], folder.path(), &quiet).unwrap();
        assert!(folder.path().join("charts/mine.svg").exists());
        assert!(!folder.path().join("charts/failing-x.svg").exists() && !folder.path().join("compare.csv").exists());
        for name in ["summary.json", "summary.csv", "summary.md", "charts/timeline.svg", "charts/ledger.png"] {
            assert!(folder.path().join(name).exists(), "{name}");
        }
    }
}
