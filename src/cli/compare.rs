//! `compare`: one scenario against others on common random numbers, with the difference of every figure.

use std::path::{Path, PathBuf};

use super::args::{Change, Setting};
use super::engine::{self, Checked, Comparison};
use super::exit::{Exit, Failure};
use super::interaction;
use super::output::{self, Output};
use super::pictures;
use super::progress::{Mode, Progress};
use super::run::{self, Format, Kind, Part};
use crate::experiment::summary::Summary;
use crate::report::{compare, content, json, table::Style};

/// Compare a scenario with its variants, or with other files: every difference with its interval
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Args {
    /// The scenario, and what it is compared with; a single one is compared with its variants
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
    /// Write this too: .json .csv .md .txt .svg .png, or `-`: standard output and nothing else there; may be repeated.
    /// A picture shows what its name ends in: `differences` (else this), `percentiles`, `timeline`, `ledger`, `nodes`
    #[arg(short = 'o', value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write everything into this folder: JSON, CSV, Markdown, charts
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
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
    let result = simulate(args, output)?;
    let verdict = |summary: &Summary| run::verdict(summary, args.strict);
    let exit = result.summaries.iter().fold(result.ended, |exit, summary| exit.or(verdict(summary)));
    Ok(output.told(exit, deliver(&result, args, &kinds, output)))
}

/// The scenarios, each with the name it has here; the first is the one that the others are compared with.
struct Cast {
    scenarios: Vec<(String, Checked)>,
    notes: Vec<String>,
}

fn cast(args: &Args, colour: bool) -> std::result::Result<Cast, Failure> {
    match (&args.interaction.edge, args.scenarios.len()) {
        (Some(edge), 0 | 1) => patterns(args, edge, colour),
        (Some(_), _) => Err(Failure::Usage("--edge flips an interaction of one file; several are given".into())),
        (None, 0 | 1) => variants(args, colour),
        (None, _) => files(args, colour),
    }
}

/// A file with one interaction in several patterns.
fn patterns(args: &Args, edge: &str, colour: bool) -> std::result::Result<Cast, Failure> {
    if let Some(variant) = &args.change.variant {
        return Err(Failure::Usage(format!("--variant {variant} and --edge: choose one of them")));
    }
    let source = engine::read(args.scenarios.first().map(PathBuf::as_path), colour)?.within(args.change.max_memory);
    let flipped = interaction::flipped(&args.interaction, edge, &source, &args.change.settings(), colour)?;
    Ok(Cast { scenarios: flipped.scenarios, notes: flipped.notes })
}

/// What a scenario without changes is called here.
const WRITTEN: &str = "as written";

/// A file as written and its variants in its order, or one of these first and then the rest.
fn variants(args: &Args, colour: bool) -> std::result::Result<Cast, Failure> {
    let source = engine::read(args.scenarios.first().map(PathBuf::as_path), colour)?.within(args.change.max_memory);
    let settings = args.change.settings();
    let base = args.base.as_deref().filter(|name| *name != WRITTEN);
    let all = std::iter::once(None).chain(source.variants.iter().map(|name| Some(name.as_str())));
    let wanted: Vec<Option<&str>> = match args.change.variant.as_deref() {
        Some(one) if one != "all" => vec![Some(one).filter(|one| *one != WRITTEN)],
        _ => all.collect(),
    };
    let wanted: Vec<Option<&str>> = wanted.into_iter().filter(|variant| *variant != base).collect();
    let first = engine::check(&source, base, &settings, colour)?;
    if wanted.is_empty() {
        let why =
            "it has no other variants, so there is nothing to compare it with; add [variants.…] or name a second file";
        return Err(Failure::Usage(format!("{}: {why}", source.name())));
    }
    let name = |variant: Option<&str>| variant.unwrap_or(WRITTEN).to_owned();
    let mut notes = Vec::new();
    let mut scenarios = vec![(name(base), first)];
    for variant in wanted {
        let (checked, told) = alike(&source, variant, &settings, &scenarios[0].1, colour)?;
        notes.extend(told.map(|what| format!("{}: {what}", name(variant))));
        scenarios.push((name(variant), checked));
    }
    Ok(Cast { scenarios, notes })
}

/// Several files as written.
fn files(args: &Args, colour: bool) -> std::result::Result<Cast, Failure> {
    if let Some(variant) = &args.change.variant {
        return Err(Failure::Usage(format!(
            "--variant {variant} is of one file, and {} are given",
            args.scenarios.len()
        )));
    }
    if let Some(base) = &args.base {
        return Err(Failure::Usage(format!(
            "--base {base} is a variant of one file, and {} are given: the first is what the others are compared with",
            args.scenarios.len()
        )));
    }
    let settings = args.change.settings();
    let names = names(&args.scenarios);
    let mut cast = Cast { scenarios: Vec::new(), notes: Vec::new() };
    for (path, name) in args.scenarios.iter().zip(names) {
        let source = engine::read(Some(path), colour)?.within(args.change.max_memory);
        let checked = match cast.scenarios.first() {
            None => engine::check(&source, None, &settings, colour)?,
            Some((_, base)) => {
                let (checked, told) = alike(&source, None, &settings, base, colour)?;
                cast.notes.extend(told.map(|what| format!("{name}: {what}")));
                checked
            }
        };
        cast.scenarios.push((name, checked));
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

/// A scenario with the base's seed and replications, and what had to be changed for that.
fn alike(
    source: &engine::Source,
    variant: Option<&str>,
    settings: &[Setting],
    base: &Checked,
    colour: bool,
) -> std::result::Result<(Checked, Option<String>), Failure> {
    let own = engine::check(source, variant, settings, colour)?;
    let (ours, theirs) = (engine::frame(&own), engine::frame(base));
    if ours == theirs {
        return Ok((own, None));
    }
    let mut settings = settings.to_vec();
    settings.extend(theirs.settings());
    Ok((engine::check(source, variant, &settings, colour)?, Some(ours.told(&theirs))))
}

fn simulate(args: &Args, output: &Output) -> std::result::Result<Result, Failure> {
    let colour = output.colour_errors();
    let cast = cast(args, colour)?;
    if let Some(folder) = &args.interaction.save {
        save(&cast.scenarios, folder, output)?;
    }
    let (names, checked): (Vec<String>, Vec<Checked>) = cast.scenarios.into_iter().unzip();
    for warnings in engine::warnings(&checked, colour) {
        output.rendered(warnings.trim_end());
    }
    // Where there is a choice, the winner is run again: two more.
    let choice = if checked.len() > 2 { 2 } else { 0 };
    let of =
        checked.len() + choice + if args.interaction.edge.is_some() { checked.len() * interaction::RUNS } else { 0 };
    let progress = Progress::begin(args.progress, output);
    let ran = run::each(&checked, args.jobs, &progress, of);
    let (mut summaries, mut ended) = match ran {
        Ok(ran) => ran,
        Err(failure) => {
            progress.end();
            return Err(failure);
        }
    };
    // A run that was cut short has other replications than the rest: it cannot be paired.
    summaries.retain(|summary| !summary.run.partial);
    if summaries.len() < checked.len() {
        ended = Exit::Interrupted;
    }
    if summaries.len() < 2 {
        progress.end();
        return Err(Failure::Interrupted);
    }
    let closed = engine::closed_clients(&checked[0]);
    let mut comparison = engine::compare(&mut summaries, &names, closed, cast.notes);
    if let Some(winner) = winner(&comparison, &names).filter(|_| summaries.len() > 2) {
        let part = |at: usize| Part { whole: &progress, at: checked.len() + at, of };
        match engine::confirm(&checked[0], &checked[winner], args.jobs, [&part(0), &part(1)]) {
            Ok(confirmed) => comparison.total.confirmed = Some(confirmed),
            Err(_) => ended = Exit::Interrupted,
        }
    }
    if let (Some(edge), Exit::Done) = (&args.interaction.edge, ended) {
        let scenarios: Vec<(String, Checked)> = names.into_iter().zip(checked).collect();
        let done = scenarios.len() + choice;
        match interaction::table(edge, &scenarios, &summaries, args.jobs, (&progress, done, of)) {
            Ok(patterns) => comparison.patterns = Some(patterns),
            Err(Failure::Interrupted) => ended = Exit::Interrupted,
            Err(failure) => {
                progress.end();
                return Err(failure);
            }
        }
    }
    progress.end();
    if args.no_slo {
        summaries.iter_mut().for_each(|summary| summary.slos.clear());
    }
    let warnings = warnings(&summaries);
    Ok(Result { summaries, comparison, warnings, ended })
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

fn winner(comparison: &Comparison, names: &[String]) -> Option<usize> {
    names.iter().position(|name| comparison.total.quickest.as_deref() == Some(name))
}

/// What must be read before any figure: trouble of the runs, promises that were broken. What all share is told once.
fn warnings(summaries: &[Summary]) -> Vec<String> {
    let of = |summary: &Summary| -> Vec<String> {
        let broken = |slo: &&crate::experiment::summary::Verdict| {
            use crate::experiment::summary::Outcome::{Failed, NoData};
            matches!(slo.verdict, Failed | NoData)
        };
        let slos = summary.slos.iter().filter(broken).map(|slo| format!("SLO failed: {} {}", slo.of, slo.expect));
        content::warnings(summary).into_iter().chain(slos).collect()
    };
    let each: Vec<Vec<String>> = summaries.iter().map(of).collect();
    let everywhere = |line: &String| each.iter().all(|lines| lines.contains(line));
    let mut all: Vec<String> =
        each[0].iter().filter(|line| everywhere(line)).map(|line| format!("all: {line}")).collect();
    for (summary, lines) in summaries.iter().zip(&each) {
        let own = lines.iter().filter(|line| !everywhere(line));
        all.extend(own.map(|line| format!("{}: {line}", content::variant(summary))));
    }
    all
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
