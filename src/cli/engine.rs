//! The floors below, as the verbs see them. Nothing else in the shell reaches down.

mod published;
mod theory;

use std::path::Path;

use super::args::Setting;
use super::exit::Failure;
use crate::diag::{self, Complaint, nouns};
use crate::experiment::summary::Summary;
use crate::experiment::{self, coupling, patterns};
use crate::report::forecast;
use crate::report::table::Style;
use crate::scenario::{self, Edit, OpenError};

pub(super) use self::published::{published, published_scenarios};
pub(super) use self::theory::theory;
pub(super) use crate::experiment::Watch;
pub(super) use crate::experiment::compare::Comparison;
pub(super) use crate::experiment::patterns::Patterns;
pub(super) use crate::experiment::published::ABSENT;
pub(super) use crate::experiment::trace::{Pick, Trace};
pub(super) use crate::scenario::Checked;

/// A scenario as written.
pub(super) struct Source {
    text: scenario::Source,
    /// The variants it names.
    pub(super) variants: Vec<String>,
    /// Memory that a run of it may need, bytes.
    ceiling: u64,
}

impl Source {
    /// The name of the file.
    pub(super) fn name(&self) -> &str {
        &self.text.name
    }

    /// The same, whose runs may need so many bytes.
    pub(super) fn within(self, ceiling: Option<u64>) -> Self {
        Self { ceiling: ceiling.unwrap_or(self.ceiling), ..self }
    }
}

/// Reads a file, or the embedded default. What is wrong with it is told when it is checked.
pub(super) fn read(file: Option<&Path>, colour: bool) -> Result<Source, Failure> {
    let text = file.map_or_else(|| Ok(scenario::Source::embedded()), scenario::Source::open);
    let text = text.map_err(|trouble| match trouble {
        OpenError::Io { path, error } => Failure::Broken(format!("{path}: {error}")),
        OpenError::Invalid { source, complaint } => Failure::Invalid(diag::render(&[*complaint], &source, colour)),
    })?;
    let variants = scenario::variants(&text);
    Ok(Source { text, variants, ceiling: scenario::CEILING })
}

/// Applies the variant, then the settings, and checks the outcome.
pub(super) fn check(
    source: &Source,
    variant: Option<&str>,
    settings: &[Setting],
    colour: bool,
) -> Result<Checked, Failure> {
    let reject = |r: scenario::Rejected| refuse(&r.complaints, &r.source, colour);
    let mut edits = Vec::new();
    if let Some(name) = variant {
        let plain = scenario::load(&source.text, &[]).map_err(reject)?;
        let known = source.variants.join(", ");
        edits = scenario::variant_edits(&plain.scenario, name).ok_or_else(|| {
            let known = if known.is_empty() { "it has none".into() } else { format!("it has {known}") };
            Failure::Usage(format!("{}: no variant `{name}`; {known}", source.text.name))
        })?;
    }
    edits.extend(settings.iter().map(|s| Edit {
        path: s.path.clone(),
        value: s.value.clone(),
        origin: "--set".into(),
    }));
    scenario::load(&source.text, &edits)
        .and_then(|checked| checked.within(source.ceiling))
        .map_err(|rejected| in_argument(&rejected.complaints, settings, colour).unwrap_or_else(|| reject(rejected)))
}

/// Settings that lead nowhere, each shown where it was typed; `None` where something else is wrong, too.
fn in_argument(complaints: &[Complaint], settings: &[Setting], colour: bool) -> Option<Failure> {
    let typed = |complaint: &Complaint| -> Option<String> {
        let setting = settings.iter().find(|s| complaint.message.starts_with(&format!("--set {}: ", s.path)))?;
        let text = format!("{}={}", setting.path, setting.value);
        // What the complaint is about stands in its message between backticks; else it is about the whole path.
        let word = complaint.message.split('`').nth(1).filter(|word| !word.is_empty());
        let at = word.and_then(|word| Some((text.find(word)?, word.len()))).unwrap_or((0, setting.path.len()));
        let source = scenario::Source::text("--set", &text);
        let message = complaint.message.split_once(": ").map_or("", |(_, why)| why).to_owned();
        let told = Complaint { message, ..complaint.clone() }.at(at.0..at.0 + at.1);
        Some(diag::render(&[told], &source, colour))
    };
    let rendered: Vec<String> = complaints.iter().filter(|c| c.is_error()).map(typed).collect::<Option<_>>()?;
    (!rendered.is_empty()).then(|| Failure::Invalid(rendered.join("\n")))
}

/// A run that would be too long is a guard that was hit before the run, anything else an invalid scenario.
fn refuse(complaints: &[Complaint], source: &scenario::Source, colour: bool) -> Failure {
    let text = diag::render(complaints, source, colour);
    let only_too_long = complaints.iter().filter(|c| c.is_error()).all(|c| c.code == diag::code::TOO_LONG_A_RUN);
    if only_too_long { Failure::Guarded(text) } else { Failure::Invalid(text) }
}

/// What was understood: the scenario with its defaults filled in and marked, the forecast, the warnings.
pub(super) fn understood(checked: &Checked, style: Style) -> String {
    let warnings = diag::render(&checked.warnings, &checked.source, style.color);
    let table = forecast::render(&scenario::forecast(&checked.scenario), style);
    let parts = [scenario::canonical(&checked.scenario), table, warnings];
    parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("\n")
}

/// What runs but looks wrong, rendered; what several variants share is told once.
pub(super) fn warnings(all: &[Checked], colour: bool) -> Vec<String> {
    let mut said: Vec<Complaint> = Vec::new();
    let mut rendered = Vec::new();
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

/// Runs all replications.
pub(super) fn run(checked: &Checked, jobs: Option<usize>, watch: &dyn Watch) -> Result<Summary, Failure> {
    experiment::run(checked, jobs, watch).map_err(|experiment::Failure::Interrupted| Failure::Interrupted)
}

/// What must be the same in two runs for their draws to be common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    seed: u64,
    replications: u32,
}

impl Frame {
    /// What sets it.
    pub(super) fn settings(self) -> [Setting; 2] {
        let set = |path: &str, value: String| Setting { path: path.into(), value };
        [set("sim.seed", self.seed.to_string()), set("sim.replications", self.replications.to_string())]
    }

    /// What is changed to make it another, in words.
    pub(super) fn told(self, to: &Self) -> String {
        let seed = (self.seed != to.seed).then(|| format!("seed {} instead of its own {}", to.seed, self.seed));
        let count = (self.replications != to.replications).then(|| {
            let replications = nouns(to.replications.into(), "replication");
            format!("{} {replications} instead of its own {}", to.replications, self.replications)
        });
        let parts: Vec<String> = seed.into_iter().chain(count).collect();
        format!("run with {}, so that replications can be paired", parts.join(" and "))
    }
}

/// The seed and the replications of a scenario.
pub(super) fn frame(checked: &Checked) -> Frame {
    let sim = &checked.scenario.sim;
    Frame { seed: sim.seed.value, replications: sim.replications.value }
}

/// Clients that wait for their answers.
pub(super) fn closed_clients(checked: &Checked) -> Vec<String> {
    let closed = |client: &&scenario::written::Client| matches!(client.load, scenario::written::Load::Closed { .. });
    checked.scenario.clients.values().filter(closed).map(|client| client.name.value.clone()).collect()
}

/// The first against each of the others, under the names they have here.
pub(super) fn compare(
    summaries: &mut [Summary],
    names: &[String],
    closed_clients: Vec<String>,
    mut notes: Vec<String>,
) -> Comparison {
    for (summary, name) in summaries.iter_mut().zip(names) {
        summary.scenario.variant = (name != "as written").then(|| name.clone());
    }
    let (base, others) = summaries.split_at(1);
    let lengths = |other: &&Summary| other.run.duration_s != base[0].run.duration_s;
    notes.extend(others.iter().filter(lengths).map(|other| {
        let (own, of) = (other.run.duration_s, base[0].run.duration_s);
        format!("{}: measured for {own} s, not {of} s", other.scenario.variant.as_deref().unwrap_or_default())
    }));
    experiment::compare::compare(&base[0], others, closed_clients, notes)
}

/// The base and the winner again on the seed that follows, which had no part in choosing it.
pub(super) fn confirm(
    base: &Checked,
    winner: &Checked,
    jobs: Option<usize>,
    watches: [&dyn Watch; 2],
) -> Result<experiment::compare::Confirmed, Failure> {
    let [base, winner] = [base, winner].map(|checked| {
        let mut fresh = checked.clone();
        fresh.scenario.sim.seed.value = fresh.scenario.sim.seed.value.wrapping_add(1);
        fresh
    });
    let (base, winner) = (run(&base, jobs, watches[0])?, run(&winner, jobs, watches[1])?);
    let whole = !base.run.partial && !winner.run.partial;
    if whole { Ok(experiment::compare::confirm(&base, &winner)) } else { Err(Failure::Interrupted) }
}

/// The scenario as a file that says everything, without its variants.
pub(super) fn whole(checked: &Checked, name: &str) -> String {
    let mut scenario = checked.scenario.clone();
    scenario.variants.clear();
    scenario.name.value = format!("{}-{name}", scenario.name.value);
    scenario::canonical(&scenario)
}

/// One edge in a pattern, with flows to its callee and the draws of the file as written; and what its caller loses.
pub(super) fn in_pattern(
    source: &Source,
    edge: &str,
    pattern: &str,
    publish_latency: Option<&str>,
    written: &Checked,
    settings: &[Setting],
    colour: bool,
) -> Result<(Checked, Vec<String>), Failure> {
    let refused = |complaints: Vec<Complaint>| refuse(&complaints, &source.text, colour);
    let (mut text, lost) = scenario::edit::in_pattern(&source.text, edge, pattern, publish_latency).map_err(refused)?;
    let (_, callee) = patterns::ends(edge).unwrap_or_default();
    for effect in patterns::effects(written, edge).iter().filter(|effect| !effect.written) {
        let keys = [("name", effect.name.as_str()), ("starts", effect.client.as_str()), ("ends", callee)];
        text = scenario::edit::with_table(&text, "flows", &keys);
    }
    let text = Source { text, variants: Vec::new(), ceiling: source.ceiling };
    Ok((check(&text, None, settings, colour)?, lost.into_iter().map(|complaint| complaint.message).collect()))
}

/// The pattern table: figures of the runs there were, tolls of outages that are injected, parts counted as written.
pub(super) fn patterns(
    edge: &str,
    scenarios: &[(String, Checked)],
    summaries: &[Summary],
    jobs: Option<usize>,
    watches: &[&dyn Watch],
) -> Result<Patterns, Failure> {
    let window = coupling::Window::of(summaries[0].run.duration_s);
    let flows: Vec<String> = patterns::effects(&scenarios[0].1, edge).into_iter().map(|effect| effect.name).collect();
    let late = patterns::late_after(&summaries[0], &flows);
    let (_, callee) = patterns::ends(edge).unwrap_or_default();
    let mut rows = Vec::new();
    for (at, ((name, checked), summary)) in scenarios.iter().zip(summaries).enumerate() {
        let run = |nth: usize, fault: Option<(&str, &str)>| -> Result<Vec<coupling::Roll>, Failure> {
            let down = fault.map(|(target, mode)| broken(checked, target, mode, window)).transpose()?;
            let watch = watches[at * watches.len() / scenarios.len() + nth];
            coupling::rolls(down.as_ref().unwrap_or(checked), window, jobs, watch).map_err(|_| Failure::Interrupted)
        };
        let without = run(0, None)?;
        let toll = |with: &[coupling::Roll]| coupling::toll(&without, with, late);
        let broker = patterns::broker_of(checked, edge);
        let (spatial, replayable, parts) = patterns::written(checked, edge);
        let (caller_ms, effect_ms) = patterns::latencies(summary, &flows);
        rows.push(patterns::Row {
            pattern: name.clone(),
            caller_ms,
            effect_ms,
            callee_down: toll(&run(1, Some((callee, "refuse")))?),
            callee_hangs: toll(&run(2, Some((callee, "black_hole")))?),
            broker_down: match broker {
                Some(broker) if can_break(checked, &broker, window) => Some(toll(&run(3, Some((&broker, "refuse")))?)),
                _ => None,
            },
            has_broker: patterns::broker_of(checked, edge).is_some(),
            spatial,
            replayable,
            parts,
            words: patterns::Words::default(),
        });
    }
    Ok(patterns::table(edge, window, late, rows))
}

/// Whether this version can take the node down; where it cannot, that stays not assessed.
fn can_break(checked: &Checked, target: &str, window: coupling::Window) -> bool {
    broken(checked, target, "refuse", window).is_ok()
}

/// The scenario with a node down.
fn broken(checked: &Checked, target: &str, mode: &str, window: coupling::Window) -> Result<Checked, Failure> {
    let (at, duration) = (format!("{}ms", window.at_s * 1e3), format!("{}ms", window.for_s * 1e3));
    let name = patterns::free(&format!("{target} down"), |name| {
        checked.scenario.faults.iter().any(|fault| fault.name.value == name)
    });
    let keys = [
        ("name", name.as_str()),
        ("kind", "outage"),
        ("target", target),
        ("at", at.as_str()),
        ("duration", duration.as_str()),
        ("mode", mode),
    ];
    let text = scenario::edit::with_table(&checked.source, "faults", &keys);
    scenario::load(&text, &[]).map_err(|r| refuse(&r.complaints, &r.source, false))
}

/// Follows one request.
pub(super) fn trace(checked: &Checked, pick: Pick, client: Option<&str>) -> Result<Trace, Failure> {
    experiment::trace(checked, pick, client).map_err(Failure::Usage)
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
