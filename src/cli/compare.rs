//! `compare`: one scenario against others on common random numbers, with the difference of every figure.

use std::path::{Path, PathBuf};

use super::args::Change;
use super::engine::{self, Cast, Checked, Comparison, Options, Study};
use super::exit::{Exit, Failure};
use super::interaction;
use super::output::{self, Output};
use super::pictures;
use super::progress::{Mode, Progress};
use super::regression::Gate;
use super::run::{self, Format, Kind};
use crate::experiment::summary::Summary;
use crate::report::{compare, json, table::Style};

/// Compare a scenario with its variants, or with other files: every difference with its interval
#[derive(Clone, Debug, Default, clap::Args)]
#[command(mut_arg("variant", |variant| variant.help(super::args::EVERY)))]
pub(super) struct Args {
    /// The scenario, and what it is compared with; a single one is compared with its variants. Or results that were kept
    /// (`run -o a.json`): they are paired where both were written with --per-replication and the same seed
    #[arg(value_name = "FILE")]
    scenarios: Vec<PathBuf>,
    #[command(flatten)]
    change: Change,
    #[command(flatten)]
    interaction: interaction::Interaction,
    /// Compare with this variant instead of the file as written
    #[arg(long, value_name = "VARIANT", conflicts_with = "edge")]
    base: Option<String>,
    /// Threads; the result is the same for any number
    #[arg(short, long, value_name = "N", value_parser = run::threads)]
    jobs: Option<usize>,
    /// What standard output carries
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write this too: .html .json .csv .md .txt .svg .png, or `-`: standard output and nothing else there; may be repeated.
    /// A picture shows what its name ends in: `differences` (else this), `percentiles`, `timeline`, `ledger`, `nodes`
    #[arg(short = 'o', value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write everything into this folder: JSON, CSV, Markdown, charts
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    gate: Gate,
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

/// What was run, and what came of it.
struct Result {
    summaries: Vec<Summary>,
    comparison: Comparison,
    warnings: Vec<String>,
    ended: Exit,
}

pub(super) fn act(args: &Args, output: &Output) -> std::result::Result<Exit, Failure> {
    let kinds = run::kinds(&args.files)?;
    pictures::known(&args.files, pictures::OF_COMPARISONS)?;
    output::writable(&args.files)?;
    for folder in args.output.iter().chain(&args.interaction.save) {
        output::writable_folder(folder)?;
    }
    let result =
        if args.scenarios.iter().any(|path| engine::is_kept(path)) { kept(args)? } else { simulate(args, output)? };
    let verdict = |summary: &Summary| run::verdict(summary, args.strict);
    let exit = result.summaries.iter().fold(result.ended, |exit, summary| exit.or(verdict(summary)));
    let gate = args.gate.judge(&result.comparison);
    gate.iter().for_each(|gate| output.note(&gate.sentence()));
    let exit = exit.or(gate.map_or(Exit::Done, |gate| gate.exit()));
    Ok(output.told(exit, deliver(&result, args, &kinds, output)))
}

/// Results that were kept, held against the first of them.
fn kept(args: &Args) -> std::result::Result<Result, Failure> {
    let wrong = |why: &str| Err(Failure::Usage(why.into()));
    if let Some(path) = args.scenarios.iter().find(|path| !engine::is_kept(path)) {
        let path = output::shown(path);
        return wrong(&format!("{path} is a scenario, and others are results: run it first, with -o NAME.json"));
    }
    if !args.change.settings().is_empty() || args.change.variant.is_some() {
        return wrong("results were kept as they are: --set, --seed, -n and --variant are for scenarios");
    }
    if args.base.is_some() || args.interaction.edge.is_some() {
        return wrong("--base and --edge are of a scenario; of results the first is what the others are compared with");
    }
    let mut summaries = Vec::new();
    for (path, name) in args.scenarios.iter().zip(names(&args.scenarios)) {
        for mut summary in engine::kept(path)? {
            let own = summary.scenario.variant.take().map(|variant| format!(", {variant}")).unwrap_or_default();
            summary.scenario.variant = Some(format!("{name}{own}"));
            summaries.push(summary);
        }
    }
    if args.no_slo {
        summaries.iter_mut().for_each(|summary| summary.slos.clear());
    }
    let Some((base, others)) = summaries.split_first().filter(|(_, others)| !others.is_empty()) else {
        return wrong("one result, and nothing to compare it with; name a second file");
    };
    let comparison = engine::stored(base, others);
    let warnings = compare::warnings(&summaries);
    Ok(Result { summaries, comparison, warnings, ended: Exit::Done })
}

fn cast(args: &Args, options: &Options, colour: bool) -> std::result::Result<Cast, Failure> {
    let (variant, several) = (args.change.variant.as_deref(), args.scenarios.len());
    let wrong = |why: String| Err(Failure::Usage(why));
    let told = |trouble| engine::told(trouble, options, colour);
    if several > 1 {
        return match (&args.interaction.edge, variant, &args.base) {
            (Some(_), ..) => wrong("--edge flips an interaction of one file; several are given".into()),
            (_, Some(variant), _) => wrong(format!("--variant {variant} is of one file, and {several} are given")),
            (.., Some(base)) => wrong(format!(
                "--base {base} is a variant of one file, and {several} are given: the first is what the others are compared with"
            )),
            _ => files(&args.scenarios, options, colour),
        };
    }
    if let (Some(_), Some(variant)) = (&args.interaction.edge, variant) {
        return wrong(format!("--variant {variant} and --edge: choose one of them"));
    }
    let source = engine::read(args.scenarios.first().map(PathBuf::as_path), colour)?;
    if let Some(interaction) = args.interaction.wanted() {
        return engine::patterns(&source, &interaction, options).map_err(told);
    }
    let only = variant.filter(|variant| *variant != "all");
    Cast::variants(&source, args.base.as_deref(), only, options).map_err(told)
}

/// Several files as written.
fn files(paths: &[PathBuf], options: &Options, colour: bool) -> std::result::Result<Cast, Failure> {
    let mut cast = Cast::default();
    for (path, name) in paths.iter().zip(names(paths)) {
        let source = engine::read(Some(path), colour)?;
        cast.add(&name, &source, None, options).map_err(|trouble| engine::told(trouble, options, colour))?;
    }
    Ok(cast)
}

/// The stems of the files, or their paths where stems repeat.
fn names(paths: &[PathBuf]) -> Vec<String> {
    let stem = |path: &PathBuf| path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let stems: Vec<String> = paths.iter().map(stem).collect();
    let once = |name: &String| stems.iter().filter(|other| *other == name).count() == 1;
    if stems.iter().all(once) { stems } else { paths.iter().map(|path| path.to_string_lossy().into_owned()).collect() }
}

fn simulate(args: &Args, output: &Output) -> std::result::Result<Result, Failure> {
    let colour = output.colour_errors();
    let options = engine::options(&args.change, args.jobs);
    let cast = cast(args, &options, colour)?;
    if let Some(folder) = &args.interaction.save {
        save(&cast.scenarios, folder, output)?;
    }
    let checked: Vec<Checked> = cast.scenarios.iter().map(|(_, checked)| checked.clone()).collect();
    for warnings in engine::warnings(&checked, colour) {
        output.rendered(warnings.trim_end());
    }
    let progress = Progress::begin(args.progress, output);
    let study = engine::compare(&cast, args.jobs, &progress);
    progress.end();
    let Study { mut summaries, comparison, whole } =
        study.map_err(|trouble| engine::told(trouble, &options, colour))?;
    if args.no_slo {
        summaries.iter_mut().for_each(|summary| summary.slos.clear());
    }
    let warnings = compare::warnings(&summaries);
    Ok(Result { summaries, comparison, warnings, ended: if whole { Exit::Done } else { Exit::Interrupted } })
}

/// Every scenario as a file that says everything, defaults included.
fn save(scenarios: &[(String, Checked)], folder: &Path, output: &Output) -> std::result::Result<(), Failure> {
    output::folder(folder)?;
    let stems = stems(scenarios.iter().map(|(name, _)| name.as_str()));
    for (stem, (_, checked)) in stems.iter().zip(scenarios) {
        let path = folder.join(format!("{stem}.toml"));
        output::file(&path, engine::whole(checked, stem).as_bytes())?;
        output.note(&format!("scenario: {}", output::shown(&path)));
    }
    Ok(())
}

/// Names of files, one for each: what differs only by a sign or by the size of its letters is numbered.
fn stems<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut stems: Vec<String> = Vec::new();
    for name in names {
        let stem = run::file_name(name);
        let taken = |stem: &String| stems.iter().any(|other| other.to_lowercase() == stem.to_lowercase());
        let numbered = (2..).map(|n| format!("{stem}-{n}"));
        let free = std::iter::once(stem.clone()).chain(numbered).find(|stem| !taken(stem));
        stems.push(free.unwrap_or(stem));
    }
    stems
}

/// Writes files first: a reader of standard output may go away early. What fails keeps nothing else from being written.
fn deliver(result: &Result, args: &Args, kinds: &[Kind], output: &Output) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (path, kind) in args.files.iter().zip(kinds).filter(|(path, _)| !run::is_stdout(path)) {
        failures.extend(contents(result, *kind, path).and_then(|bytes| output::file(path, &bytes)).err());
    }
    if let Some(folder) = &args.output {
        match everything(result, folder, output) {
            Ok(()) => output.note(&format!("charts, JSON and CSV: {}", output::shown(&folder.join("")))),
            Err(failure) => failures.push(failure),
        }
    }
    let piped = args.files.iter().any(|path| run::is_stdout(path));
    let format = args.format.unwrap_or(if piped { Format::Json } else { Format::Table });
    failures.extend(output::result(text(result, format, output.style()).as_bytes()).err());
    failures
}

fn everything(result: &Result, folder: &Path, output: &Output) -> std::result::Result<(), Failure> {
    output::folder(folder)?;
    let texts = [("compare.json", Format::Json), ("compare.csv", Format::Csv), ("compare.md", Format::Md)];
    for (name, format) in texts {
        output::file(&folder.join(name), text(result, format, Style::default()).as_bytes())?;
    }
    output::file(&folder.join("summary.json"), json::render(&result.summaries).as_bytes())?;
    let charts = pictures::comparison(&result.comparison, &result.summaries, &folder.join("charts"))?;
    let written: Vec<String> = texts.iter().map(|(name, _)| *name).chain(["summary.json"]).map(str::to_owned).collect();
    run::tidy(folder, &written, &charts, output);
    Ok(())
}

fn contents(result: &Result, kind: Kind, path: &Path) -> std::result::Result<Vec<u8>, Failure> {
    let picture = || pictures::compared(&result.comparison, &result.summaries, path);
    match kind {
        Kind::Text(format) => Ok(text(result, format, Style::of_file()).into_bytes()),
        Kind::Junit => Ok(crate::report::junit::render(&result.summaries).into_bytes()),
        Kind::Traces | Kind::Series => Err(Failure::Usage(format!(
            "{}: traces and series are of one run; `hoptax run` writes them",
            output::shown(path)
        ))),
        Kind::Html => {
            let drawn = pictures::drawn_of(&result.comparison, &result.summaries);
            Ok(crate::report::html::comparison(&result.comparison, &result.summaries, &result.warnings, &drawn)
                .html()
                .into_bytes())
        }
        Kind::Svg => Ok(picture()?.into_bytes()),
        Kind::Png => pictures::png(&picture()?),
    }
}

fn text(result: &Result, format: Format, style: Style) -> String {
    match format {
        Format::Table => compare::table(&result.comparison, &result.warnings, style),
        Format::Json => json::pretty(&result.comparison),
        Format::Csv => compare::csv(&result.comparison),
        Format::Md => compare::markdown(&result.comparison, &result.warnings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_scenarios_are_saved_as_one_file() {
        let of = |names: &[&str]| stems(names.iter().copied());
        assert_eq!(of(&["as written", "a.b", "a-b", "A_b", "a-B"]), ["as-written", "a-b", "a-b-2", "A_b", "a-B-3"]);
    }

    #[test]
    fn files_are_called_by_their_stems_unless_those_repeat() {
        let of = |paths: &[&str]| names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(of(&["a/x.toml", "b/y.toml"]), ["x", "y"]);
        assert_eq!(of(&["a/x.toml", "b/x.toml"]), ["a/x.toml", "b/x.toml"]);
    }
}
