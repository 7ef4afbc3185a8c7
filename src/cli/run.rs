//! `run`: a scenario in, figures and pictures out.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::args::Change;
use super::engine;
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use super::pictures;
use super::progress::{Mode, Progress};
use super::regression::{self, Against, Gate};
use crate::experiment::summary::{Outcome, Summary};
use crate::report::{csv, html, json, junit, markdown, table};

/// Run a scenario and report every figure with its interval
#[derive(Clone, Debug, Default, clap::Args)]
#[command(mut_arg("variant", |variant| variant.help(super::args::EVERY)))]
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
    /// Write this too: .html (a page to hand round) .json .csv .md .txt .xml (`JUnit`) .otlp.jsonl (traces) .series.csv (over time) .svg .png, or `-`: standard output and nothing else there (JSON unless
    /// --format says otherwise); may be repeated. A picture shows what its name ends in:
    /// `percentiles` (else this), `timeline`, `arrivals`, `distribution`, `ledger`, `nodes`, `failing`, `pressure`, `policies`, `queues`, `replicas`, `graph`
    #[arg(short = 'o', value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Write everything into this folder: JSON, CSV, Markdown, charts; what another run left of these goes
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// How many requests a file that ends in `.otlp.jsonl` is to hold, spread evenly over the measured time of the first
    /// replication
    #[arg(long, value_name = "N", default_value_t = 1000)]
    traces: u64,
    #[command(flatten)]
    more: More,
    /// Hold the run against this result that was kept: what changed beyond noise. Paired where that was written with
    /// --per-replication
    #[arg(long, value_name = "RESULT.json")]
    baseline: Option<PathBuf>,
    #[command(flatten)]
    gate: Gate,
    #[command(flatten)]
    enough: Enough,
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

/// What the JSON holds besides, where it is asked for.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
struct More {
    /// In the JSON, the figures of every single replication too
    #[arg(long)]
    per_replication: bool,
    /// In the JSON, clients, queues and readers of topics over time too, so that `hoptax report` draws them again
    #[arg(long)]
    series: bool,
}

impl More {
    fn to(self, summary: Summary) -> Summary {
        let summary = if self.per_replication { summary.with_replications() } else { summary };
        if self.series { summary.with_series() } else { summary }
    }
}

/// How many runs are enough.
#[derive(Clone, Debug, Default, clap::Args)]
struct Enough {
    /// Add runs until this figure is so precise, with an interval that holds however many it takes: p50, p90, p95, p99,
    /// p99.9, mean or throughput of the client with most requests; 10 runs at least, 384 at most
    #[arg(long, value_name = "FIGURE=SHARE", value_parser = engine::Goal::parse, conflicts_with_all = ["replications", "until_decided"])]
    precision: Option<engine::Goal>,
    /// Whose figure is to be precise
    #[arg(long, value_name = "NAME", requires = "precision")]
    client: Option<String>,
    /// Add runs until every promise is kept or broken for certain; then no interval of a promise is told
    #[arg(long, conflicts_with_all = ["replications", "no_slo"])]
    until_decided: bool,
}

impl Enough {
    /// What runs are added for, if that was asked.
    fn goal(&self) -> Option<engine::Goal> {
        match &self.precision {
            Some(engine::Goal::Precise { figure, within, .. }) => {
                Some(engine::Goal::Precise { figure: *figure, within: *within, client: self.client.clone() })
            }
            _ => self.until_decided.then_some(engine::Goal::Decided),
        }
    }
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
    Html,
    Svg,
    Png,
    /// Traces, for whoever reads OpenTelemetry's JSON.
    Traces,
    /// What went over time, a row for each stretch.
    Series,
}

pub(super) fn act(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let kinds = kinds(&args.files)?;
    args.gate.needs_base(args.baseline.as_deref())?;
    pictures::known(&args.files, pictures::OF_RUNS)?;
    output::writable(&args.files)?;
    if let Some(folder) = args.output.as_deref().or_else(|| usual(args).then(|| Path::new(USUAL))) {
        output::writable_folder(folder)?;
    }
    let base = args.baseline.as_deref().map(regression::baseline).transpose()?;
    let Ran { summaries, ended, beside } = simulate(args, &kinds, output)?;
    let against = base.map(|base| regression::against(&base, &summaries, args.gate)).transpose()?;
    let exit = summaries.iter().fold(ended, |exit, summary| exit.or(verdict(summary, args.strict)));
    let exit = exit.or(against.as_ref().map_or(Exit::Done, Against::exit));
    let folder = folder(args, &summaries);
    let place = Place { files: &args.files, kinds: &kinds, format: args.format, folder };
    let held = Held { summaries: &summaries, against: against.as_ref(), beside: &beside };
    Ok(output.told(exit, deliver(held, &place, output)))
}

/// Where results are written, and as what.
pub(super) struct Place<'a> {
    pub(super) files: &'a [PathBuf],
    pub(super) kinds: &'a [Kind],
    pub(super) format: Option<Format>,
    pub(super) folder: Option<PathBuf>,
}

/// What was run, how that ended, and what a page shows besides.
struct Ran {
    summaries: Vec<Summary>,
    ended: Exit,
    beside: Beside,
}

/// What a page shows besides figures.
#[derive(Default)]
pub(super) struct Beside {
    /// The scenarios as they were understood, by their names.
    scenarios: Vec<(String, String)>,
    /// Single requests as pictures, by what they are.
    requests: Vec<(String, String)>,
    /// Many of them, as OpenTelemetry's JSON, one a line.
    traces: String,
}

impl Beside {
    fn of(checked: &[engine::Checked]) -> Self {
        let name = |one: &engine::Checked| one.variant().unwrap_or("as written").to_owned();
        let scenarios = checked.iter().map(|one| (name(one), engine::canonical(one))).collect();
        let one = checked.first().filter(|_| checked.len() == 1);
        let picks = [
            ("Request: the slowest", engine::Pick::Slowest),
            ("Request: at the 99th percentile", engine::Pick::Quantile(0.99)),
            ("Request: one that failed", engine::Pick::Failed),
        ];
        // A request that there is not, such as one that failed, is not shown.
        let drawn = |(title, pick): (&str, engine::Pick)| {
            let trace = engine::trace(one?, engine::Sought::first(pick)).ok()?;
            Some((title.to_owned(), pictures::waterfall(&trace).ok()?))
        };
        Self { scenarios, requests: picks.into_iter().filter_map(drawn).collect(), traces: String::new() }
    }
}

/// Runs the file, one of its variants, or all of them, and says whether all of them were run; with what pages show besides.
fn simulate(args: &Args, kinds: &[Kind], output: &Output) -> Result<Ran, Failure> {
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
    let ran = match args.enough.goal() {
        Some(goal) => engine::enough_of_each(&checked, &goal, args.jobs, &progress),
        None => engine::each(&checked, args.jobs, &progress, checked.len()),
    };
    progress.end();
    let engine::Series { mut summaries, whole } = ran.map_err(told)?;
    if args.no_slo {
        for summary in &mut summaries {
            summary.slos.clear();
        }
    }
    summaries = summaries.into_iter().map(|summary| args.more.to(summary)).collect();
    let drawn = kinds.iter().any(|kind| matches!(kind, Kind::Svg | Kind::Png | Kind::Html));
    outline(&mut summaries, &checked, drawn || args.output.is_some() || usual(args));
    let mut beside = if whole && kinds.contains(&Kind::Html) { Beside::of(&checked) } else { Beside::default() };
    if let (true, [one]) = (kinds.contains(&Kind::Traces), checked.as_slice()) {
        beside.traces = engine::sampled(one, args.traces);
    }
    Ok(Ran { summaries, ended: if whole { Exit::Done } else { Exit::Interrupted }, beside })
}

/// Who is one in fact stands in the picture of who calls whom.
fn outline(summaries: &mut [Summary], checked: &[engine::Checked], drawn: bool) {
    for (summary, one) in summaries.iter_mut().zip(checked).filter(|_| drawn) {
        summary.topology.units = super::graph::units(one);
    }
}

/// Writes files first: a reader of standard output may go away early. What fails keeps nothing else from being written.
pub(super) fn deliver(held: Held<'_>, place: &Place<'_>, output: &Output) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (path, kind) in place.files.iter().zip(place.kinds).filter(|(path, _)| !is_stdout(path)) {
        let bytes = content(held, *kind, path);
        failures.extend(bytes.and_then(|bytes| output::file(path, &bytes)).err());
    }
    if let Some(folder) = &place.folder {
        match everything(held.summaries, folder, output) {
            Ok(()) => output.note(&format!("charts, JSON and CSV: {}", output::shown(&folder.join("")))),
            Err(failure) => failures.push(failure),
        }
    }
    let piped = place.files.iter().any(|path| is_stdout(path));
    let format = place.format.unwrap_or(if piped { Format::Json } else { Format::Table });
    let told = matches!(format, Format::Table | Format::Md);
    held.against.iter().filter(|_| !told).for_each(|against| output.note(&against.sentence()));
    failures.extend(output::result(held.text(format, output.style()).as_bytes()).err());
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

/// Runs, what they were held against, and what a page shows besides.
#[derive(Clone, Copy)]
pub(super) struct Held<'a> {
    pub(super) summaries: &'a [Summary],
    pub(super) against: Option<&'a Against>,
    pub(super) beside: &'a Beside,
}

impl Held<'_> {
    /// The text of a run; before it in a sentence, and after it in full, how it stands against what was kept. JSON and CSV
    /// are of the run alone.
    fn text(self, format: Format, style: table::Style) -> String {
        let text = text(self.summaries, format, style);
        self.against.map_or_else(|| text.clone(), |against| against.around(&text, format, style))
    }

    fn page(self) -> String {
        let mut pictures = pictures::drawn(self.summaries);
        pictures.extend(self.beside.requests.iter().cloned());
        let mut leaf = html::run(self.summaries, &self.beside.scenarios, &pictures);
        leaf.answers.splice(0..0, self.against.map(Against::sentence));
        leaf.html()
    }
}

fn content(held: Held<'_>, kind: Kind, path: &Path) -> Result<Vec<u8>, Failure> {
    match kind {
        Kind::Text(format) => Ok(held.text(format, table::Style::of_file()).into_bytes()),
        Kind::Junit => Ok(junit::render(held.summaries).into_bytes()),
        Kind::Html => Ok(held.page().into_bytes()),
        Kind::Series => {
            let none =
                || Failure::Broken(format!("{}: nothing goes over time: no request set out", output::shown(path)));
            csv::timeline(held.summaries).map(String::into_bytes).ok_or_else(none)
        }
        Kind::Traces if held.beside.traces.is_empty() => Err(Failure::Usage(format!(
            "{}: traces are of one scenario that is run; name a variant",
            output::shown(path)
        ))),
        Kind::Traces => Ok(held.beside.traces.clone().into_bytes()),
        Kind::Svg => Ok(pictures::svg(held.summaries, path)?.into_bytes()),
        Kind::Png => pictures::png(&pictures::svg(held.summaries, path)?),
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
        Some("jsonl") => Ok(Kind::Traces),
        Some("csv") if is_series(path) => Ok(Kind::Series),
        Some("json") => Ok(Kind::Text(Format::Json)),
        Some("csv") => Ok(Kind::Text(Format::Csv)),
        Some("xml") => Ok(Kind::Junit),
        Some("md") => Ok(Kind::Text(Format::Md)),
        Some("txt") => Ok(Kind::Text(Format::Table)),
        Some("html" | "htm") => Ok(Kind::Html),
        Some("svg") => Ok(Kind::Svg),
        Some("png") => Ok(Kind::Png),
        _ => Err(Failure::Usage(format!(
            "{}: cannot tell what to write; end the name in .json, .csv, .md, .txt, .html, .xml (JUnit), .otlp.jsonl (traces), .series.csv (over time), .svg or .png",
            output::shown(path)
        ))),
    }
}

/// Whether a file is to hold what went over time: its name ends in `.series.csv`.
fn is_series(path: &Path) -> bool {
    let stem = path.file_stem().map(Path::new);
    stem.and_then(Path::extension).is_some_and(|ending| ending.eq_ignore_ascii_case("series"))
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
        let names = ["a.json", "a.csv", "a.md", "a.txt", "a.svg", "a.png", "a-timeline.svg", "a.html"];
        let args = Args { files: names.map(|name| folder.path().join(name)).into(), ..Args::default() };
        for (path, kind) in args.files.iter().zip(kinds(&args.files).unwrap()) {
            let bytes = content(
                Held { summaries: &[sample::summary()], against: None, beside: &Beside::default() },
                kind,
                path,
            )
            .unwrap();
            output::file(path, &bytes).unwrap();
        }
        let starts = |name: &str, with: &[u8]| {
            let bytes = std::fs::read(folder.path().join(name)).unwrap();
            assert!(bytes.starts_with(with), "{name}");
        };
        starts("a.json", b"{\n");
        starts("a.csv", b"section,");
        starts("a.md", b"# chain\n");
        starts("a.txt", b"1 of 4 promises kept");
        starts("a.html", b"<!DOCTYPE html>");
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
