//! The floors below, as the verbs see them. Nothing else in the shell reaches down.

use std::path::Path;

use super::args::{Change, Setting};
use super::exit::Failure;
use super::output::Output;
use crate::diag::{self, Complaint};
use crate::experiment::summary::Summary;
use crate::experiment::{self, study};
use crate::import::{self, Import};
use crate::report::forecast;
use crate::report::table::Style;
use crate::scenario::{self, Edit, OpenError, Source};

pub(super) use crate::experiment::advise::{
    Saved as AdviceSaved, Study as AdviceStudy, Wanted as AdviseWanted, study as advise,
};
pub(super) use crate::experiment::capacity::{Wanted as CapacityWanted, study as capacity};
pub(super) use crate::experiment::compare::{
    Cast, Comparison, Regression, Study, regressions, stored, study as compare, unjudged,
};
pub(super) use crate::experiment::coupling::{
    Coupling, NoShelf, Shelf, Wanted as CouplingWanted, Window, study as coupling,
};
pub(super) use crate::experiment::diagnosis::{Diagnosis, change, diagnose, prove};
pub(super) use crate::experiment::enough::{Goal, each as enough_of_each};
pub(super) use crate::experiment::hunt::{Wanted as HuntWanted, many as hunted, study as hunt};
pub(super) use crate::experiment::patterns::{Interaction, cast as patterns};
pub(super) use crate::experiment::published::{ABSENT, known as published_scenarios, study as published};
pub(super) use crate::experiment::recover::{Recover, Wanted as RecoverWanted, study as recover};
pub(super) use crate::experiment::study::{Options, Series, Trouble, each};
pub(super) use crate::experiment::sweep::{
    Held, Manifest, Place, Row, Rows as SweepRows, Shard, Study as SweepStudy, Sweep, Wanted as SweepWanted, merge,
    study as sweep,
};
pub(super) use crate::experiment::theory::{Wanted, study as theory};
pub(super) use crate::experiment::trace::{Pick, Sought, Trace};
pub(super) use crate::experiment::variants::{Which, checked};
pub(super) use crate::experiment::whatif::{Of as WhatIfOf, Wanted as WhatIfWanted, WhatIf, study as whatif};
pub(super) use crate::experiment::why::{Study as Why, study as why};
pub(super) use crate::experiment::{SoFar, Watch};
pub(super) use crate::import::{Fitted, fit, open_lines};
pub(super) use crate::scenario::written::Axis;
pub(super) use crate::scenario::{Checked, variants};

/// Reads a file, or the embedded default. What is wrong with it is told when it is checked.
pub(super) fn read(file: Option<&Path>, colour: bool) -> Result<Source, Failure> {
    let text = file.map_or_else(|| Ok(Source::embedded()), Source::open);
    let source = text.map_err(|trouble| match trouble {
        OpenError::Io { path, error } => Failure::Broken(format!("{path}: {error}")),
        OpenError::Invalid { source, complaint } => Failure::Invalid(diag::render(&[*complaint], &source, colour)),
    })?;
    match file.filter(|_| source.text.trim_start().starts_with('{')) {
        Some(path) => Err(no_scenario(path)),
        None => Ok(source),
    }
}

/// What begins with a brace is JSON: a thousand mistakes of a scenario would hide that.
fn no_scenario(path: &Path) -> Failure {
    let path = crate::report::text::clean(&path.display().to_string());
    Failure::Invalid(format!(
        "error: {path} is JSON, not a scenario\n  --> {path}:1:1\n   = help: `hoptax report {path}` shows a result that was kept, \
         `hoptax import {path}` reads what was measured\n"
    ))
}

/// A scenario that was written into another folder may name files that are not there: whoever is to run it is told.
pub(super) fn note_unreadable(path: &Path, output: &Output) {
    if let Ok(written) = Source::open(path)
        && let Err(why) = scenario::load(&written, &[])
    {
        let first = why.complaints.first().map_or_else(String::new, |complaint| complaint.message.clone());
        output.note(&format!("{} does not run where it stands: {first}; put beside it what it names", shown(path)));
    }
}

/// A result that was kept: what `run --format json` wrote, whatever the file is called.
pub(super) fn kept(path: &Path) -> Result<Vec<Summary>, Failure> {
    let broken = |why: String| Failure::Broken(format!("{}: {why}", path.display()));
    let text = scenario::kept(path, LARGEST_RESULT).map_err(broken)?;
    Summary::stored(&text).map_err(|wrong| broken(wrong.to_string()))
}

/// Results are read whole; one of thirty services with histograms has two megabytes.
const LARGEST_RESULT: u64 = 1 << 30;

/// Reads a file of any kind that can be imported; one of lines is read line by line, whatever its size. Anything else is kept
/// in memory as a whole, and takes up to four times its size.
pub(super) fn take_in(import: &mut Import, path: &Path, ceiling: u64) -> Result<import::Kind, Failure> {
    let broken = |why: String| Failure::Broken(format!("{}: {why}", path.display()));
    let mut begun = false;
    let streamed = scenario::lines(path, ceiling / 4, |nth, line| {
        begun |= nth == 1 && import::Kind::of_line(line).is_some();
        if !begun {
            return Ok(false);
        }
        import.line(nth, line)?;
        Ok(true)
    });
    if begun {
        let kind = import::Kind::OtlpLines;
        return streamed.and_then(|_| import.note(&shown(path), kind)).map(|()| kind).map_err(broken);
    }
    let large = path.metadata().is_ok_and(|meta| meta.is_file() && meta.len() > ceiling / 4);
    let cure = if large { "; --max-memory allows more, four times the size of a file" } else { "" };
    let text = scenario::kept(path, ceiling / 4).map_err(|why| broken(format!("{why}{cure}")))?;
    import.read(&shown(path), &text).map_err(broken)
}

/// The name of a file, without its folder.
fn shown(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Whether a file holds a result rather than a scenario, told by its first character: no scenario begins with a brace, and
/// what begins with a bracket and ends in `.json` is a list of results.
pub(super) fn is_kept(path: &Path) -> bool {
    let named = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    named || scenario::kept(path, LARGEST_RESULT).is_ok_and(|text| text.trim_start().starts_with('{'))
}

/// What a command line says of how it is to be done.
pub(super) fn options(change: &Change, jobs: Option<usize>) -> Options {
    let set = |s: &Setting| Edit { path: s.path.clone(), value: s.value.clone(), origin: "--set".into() };
    let usual = Options::default();
    Options {
        edits: change.settings().iter().map(set).collect(),
        ceiling: change.max_memory.unwrap_or(usual.ceiling),
        jobs,
        idle: false,
        pilots: true,
    }
}

/// What is swept, as changes: what is wrong with one is shown where it was typed.
pub(super) fn swept(axes: &[Axis]) -> Vec<Edit> {
    let edit = |(axis, value): (&Axis, &String)| Edit {
        path: axis.path.value.clone(),
        value: value.clone(),
        origin: "--sweep".into(),
    };
    axes.iter().flat_map(|axis| axis.values.iter().map(move |value| (axis, value))).map(edit).collect()
}

/// Applies the variant, then the settings, and checks the outcome.
pub(super) fn check(
    source: &Source,
    variant: Option<&str>,
    options: &Options,
    colour: bool,
) -> Result<Checked, Failure> {
    study::load(source, variant, options).map_err(|trouble| told(trouble, options, colour))
}

/// How trouble ends the program. What is wrong with a setting is shown where it was typed.
pub(super) fn told(trouble: Trouble, options: &Options, colour: bool) -> Failure {
    match trouble {
        Trouble::Interrupted => Failure::Interrupted,
        Trouble::Absent(why) => Failure::Usage(why),
        Trouble::Kept(why) => Failure::Broken(why),
        Trouble::Unsettled(why) => Failure::Guarded(format!("error: {why}")),
        Trouble::Rejected(rejected) => in_argument(&rejected.complaints, &options.edits, colour)
            .unwrap_or_else(|| refuse(&rejected.complaints, &rejected.source, colour)),
    }
}

/// Settings that lead nowhere, each shown where it was typed; `None` where something else is wrong, too.
fn in_argument(complaints: &[Complaint], settings: &[Edit], colour: bool) -> Option<Failure> {
    let typed = |complaint: &Complaint| -> Option<String> {
        let setting = settings.iter().find(|s| complaint.message.starts_with(&format!("{} {}: ", s.origin, s.path)))?;
        let text = format!("{}={}", setting.path, setting.value);
        // What the complaint is about stands in its message between backticks; else it is about the whole path.
        let word = complaint.message.split('`').nth(1).filter(|word| !word.is_empty());
        let at = word.and_then(|word| Some((text.find(word)?, word.len()))).unwrap_or((0, setting.path.len()));
        let source = Source::text(&setting.origin, &text);
        let message = complaint.message.split_once(": ").map_or("", |(_, why)| why).to_owned();
        let told = Complaint { message, ..complaint.clone() }.at(at.0..at.0 + at.1);
        Some(diag::render(&[told], &source, colour))
    };
    let rendered: Vec<String> = complaints.iter().filter(|c| c.is_error()).map(typed).collect::<Option<_>>()?;
    (!rendered.is_empty()).then(|| Failure::Invalid(rendered.join("\n")))
}

/// A run that would be too long is a guard that was hit before the run, anything else an invalid scenario.
fn refuse(complaints: &[Complaint], source: &Source, colour: bool) -> Failure {
    let text = diag::render(complaints, source, colour);
    let only_too_long = complaints.iter().filter(|c| c.is_error()).all(|c| c.code == diag::code::TOO_LONG_A_RUN);
    if only_too_long { Failure::Guarded(text) } else { Failure::Invalid(text) }
}

/// What was understood: the scenario with its defaults filled in and marked, the forecast, the warnings.
pub(super) fn understood(checked: &Checked, style: Style) -> String {
    let warnings = diag::render(&checked.warnings, &checked.source, style.color);
    let table = forecast::render(&scenario::forecast(&checked.scenario), style);
    let parts = [scenario::canonical(&checked.scenario), table, warnings, open(&checked.source, true)];
    parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The questions that a file leaves open: how many, and all of them where that is wanted.
fn open(source: &Source, every: bool) -> String {
    let all = open_lines(&source.text);
    if all.is_empty() {
        return String::new();
    }
    let lines = diag::nouns(all.len() as u64, "question");
    let mut text = format!("open: {} {lines} that the file's input does not answer, with a default each", all.len());
    if every {
        let listed = all.iter().map(|(nth, line)| format!("\n  line {nth}: {}", crate::report::text::clean(line)));
        text.extend(listed);
    } else {
        text += "; `hoptax check` lists them";
    }
    text + "\n"
}

/// What runs but looks wrong, rendered; what several variants share is told once.
pub(super) fn warnings(all: &[Checked], colour: bool) -> Vec<String> {
    let mut said: Vec<Complaint> = Vec::new();
    let mut rendered: Vec<String> = all.iter().take(1).map(|one| open(&one.source, false)).collect();
    rendered.retain(|text| !text.is_empty());
    for checked in all {
        // A variant's places differ where its changes move the lines below them.
        let same = |a: &Complaint, b: &Complaint| a.code == b.code && a.message == b.message;
        let warnings = checked.warnings.iter().filter(|c| c.severity == diag::Severity::Warning);
        let new: Vec<Complaint> = warnings.filter(|c| !said.iter().any(|other| same(other, c))).cloned().collect();
        if !new.is_empty() {
            rendered.push(diag::render(&new, &checked.source, colour));
            said.extend(new);
        }
    }
    rendered
}

/// The scenario as it was understood: a file that says everything, its defaults marked.
pub(super) fn canonical(checked: &Checked) -> String {
    scenario::canonical(checked.scenario())
}

/// The scenario as a file that says everything, without its variants.
pub(super) fn whole(checked: &Checked, name: &str) -> String {
    let mut scenario = checked.scenario.clone();
    scenario.variants.clear();
    scenario.name.value = format!("{}-{name}", scenario.name.value);
    scenario::canonical(&scenario)
}

/// Who leads to whom.
pub(super) fn topology(checked: &Checked) -> scenario::Topology {
    scenario::Topology::of(checked.scenario())
}

/// Follows one request.
pub(super) fn trace(checked: &Checked, which: Sought<'_>) -> Result<Trace, Failure> {
    experiment::trace(checked, which).map_err(Failure::Usage)
}

/// About so many requests, as OpenTelemetry's JSON, one a line.
pub(super) fn sampled(checked: &Checked, wanted: u64) -> String {
    let found = experiment::trace::sampled(checked, wanted);
    crate::report::export::otlp::lines(&found.traces, found.every)
}

/// The words that can be explained, sorted.
pub(super) fn words() -> Vec<&'static str> {
    scenario::vocab::words()
}

/// What a word of the vocabulary means.
pub(super) fn explain(word: &str) -> Option<String> {
    scenario::vocab::explain(word)
}

/// What is said of a word for which there is nothing.
pub(super) fn absent(word: &str) -> Option<&'static str> {
    scenario::vocab::absent(word)
}

/// The JSON Schema of a scenario, with a newline at its end.
pub(super) fn schema() -> String {
    format!("{:#}\n", scenario::json_schema())
}

/// Measured times.
pub(super) enum Times {
    /// Single ones, ns.
    Samples(Vec<f64>),
    /// Percentiles by name, each with a time as it was written.
    Percentiles(Vec<(String, String)>),
}

/// Percentiles stand once each, and higher ones take longer.
fn ascending(points: &[(String, String)]) -> Result<(), String> {
    // By their digits as behind a point: p50, p90, p95, p99, p999.
    let mut sorted: Vec<(&str, f64)> = Vec::new();
    for (name, time) in points {
        sorted.push((name, crate::units::parse_nanos(time)?));
    }
    sorted.sort_by_key(|(name, _)| name.trim_start_matches('p'));
    for pair in sorted.windows(2) {
        let ((low, shorter), (high, longer)) = (pair[0], pair[1]);
        if low == high {
            return Err(format!("{low} stands there twice; leave one of them out"));
        }
        if longer <= shorter {
            return Err(format!("{high} is not above {low}, as a higher percentile is: one of them is another's time"));
        }
    }
    Ok(())
}

/// Reads measured times: one a line, or percentiles.
pub(super) fn times(path: &Path) -> Result<Times, Failure> {
    let broken = |why: String| Failure::Broken(format!("{}: {why}", path.display()));
    let text = scenario::kept(path, LARGEST_RESULT).map_err(broken)?;
    let rows: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let known = ["p50", "p90", "p95", "p99", "p999"];
    let percentile = |row: &&str| {
        let (name, time) = row.split_once([',', ';', '\t', ' '])?;
        let time = time.trim();
        (known.contains(&name.trim()) && crate::units::parse_nanos(time).is_ok())
            .then(|| (name.trim().to_owned(), time.to_owned()))
    };
    let points: Vec<(String, String)> = rows.iter().filter_map(percentile).collect();
    if points.len() == rows.len() && points.len() > 1 {
        ascending(&points).map_err(broken)?;
        return Ok(Times::Percentiles(points));
    }
    scenario::times(&text).map(Times::Samples).map_err(broken)
}
