//! The scenario file: vocabulary, reading, checking, editing, lowering.
//!
//! [`load`] is the way in: text → reading (every mistake complained about, none fatal) → checking → [`Checked`], which is
//! what the rest of the house may rely on.

mod analytic;
mod check;
mod declare;
pub mod edit;
mod guarded;
mod hosts;
mod law_mean;
mod lower;
mod print;
pub(crate) mod programs;
mod read;
mod source;
mod tables;
#[cfg(test)]
mod tests;
mod topology;
pub mod vocab;
mod walk;
pub mod written;

pub use crate::diag::Source;
pub use analytic::{
    Busiest, CEILING, ConsumerForecast, Forecast, Memory, NodeForecast, Shared, SharedKind, Slowest, forecast, slowest,
    surprises,
};
pub use edit::{Edit, variant_edits};
pub(crate) use hosts::{Hosts, processes};
pub use lower::lower;
pub use print::{canonical, hash};
pub(crate) use read::suggest;
pub use read::values as times;
pub use source::OpenError;
#[cfg(feature = "files")]
pub use source::{kept, lines};
pub(crate) use tables::faults::callers_of;
pub use topology::{Link, Part, Topology, Vertex};
pub use vocab::json_schema;
pub(crate) use walk::{calls as each_call, publishes as each_publish, steps as each_step};
pub use walk::{client_transport, transport_of};

use crate::diag::{Complaint, Severity, code};
use written::Scenario;

/// A scenario without errors. It is sealed: what it says, its hash and what it needs stay in step. Who wants another makes
/// [`Edit`]s and loads it again.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The scenario as written.
    pub(crate) scenario: Scenario,
    /// What runs but looks wrong.
    pub(crate) warnings: Vec<Complaint>,
    /// 16 hex digits that name what the scenario means: comments, order and formatting do not count.
    pub(crate) hash: String,
    /// The text that was read, edits applied.
    pub(crate) source: Source,
    /// The variant that was applied, if any.
    pub(crate) variant: Option<String>,
    /// Nodes whose offered load exceeds their capacity, in words.
    pub(crate) overloaded: Vec<String>,
    /// What a run needs at the least.
    pub(crate) memory: Memory,
    /// What it may use, bytes.
    pub(crate) ceiling: u64,
}

impl Checked {
    /// The scenario as written.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// What runs but looks wrong.
    pub fn warnings(&self) -> &[Complaint] {
        &self.warnings
    }

    /// 16 hex digits that name what the scenario means: comments, order and formatting do not count.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The text that was read, edits applied.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The variant that was applied, if any.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }

    /// Nodes whose offered load exceeds their capacity, in words.
    pub fn overloaded(&self) -> &[String] {
        &self.overloaded
    }

    /// What a run needs at the least.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What it may use, bytes.
    pub fn ceiling(&self) -> u64 {
        self.ceiling
    }

    /// The same, which may use so many bytes; refused where it needs more.
    pub fn within(self, ceiling: u64) -> Result<Self, Rejected> {
        match self.memory.complaint(ceiling) {
            Some(complaint) => Err(Rejected { complaints: vec![complaint], source: self.source }),
            None => Ok(Self { ceiling, ..self }),
        }
    }
}

/// A text that is no scenario.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// Everything that is wrong with it, in the order of the text.
    pub complaints: Vec<Complaint>,
    /// The text, edits applied: complaints point into it.
    pub source: Source,
}

/// As the command line shows it, without colours.
impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::diag::render(&self.complaints, &self.source, false))
    }
}

impl std::error::Error for Rejected {}

/// Reads and checks a text, after making the changes to it.
pub fn load(source: &Source, edits: &[Edit]) -> Result<Checked, Rejected> {
    load_for(source, edits, false)
}

/// The same; `idle`: a file without clients will do, of which is read off what is written and in which nothing would happen.
pub(crate) fn load_for(source: &Source, edits: &[Edit], idle: bool) -> Result<Checked, Rejected> {
    let reject = |complaints, source: &Source| Rejected { complaints, source: source.clone() };
    let (source, told) = edit::apply(source, edits).map_err(|complaints| reject(complaints, source))?;
    let (scenario, mut complaints, variants) = examine(&source);
    complaints.extend(told);
    complaints.retain(|complaint| !idle || complaint.code != code::NOTHING_TO_DO);
    // Variants are changes to the file as written: upon another change of its structure they need not fit.
    let as_written = !edits.iter().any(|edit| edit.variant().is_some() || edit.flips());
    if let (Some(scenario), true, false) = (&scenario, as_written, complaints.iter().any(Complaint::is_error)) {
        complaints.extend(broken_variants(&source, scenario, &variants));
        complaints.extend(tables::sweep::misfits(&scenario.sweep, |edit| outcome(&source, std::slice::from_ref(edit))));
    }
    sort(&mut complaints);
    match scenario {
        Some(scenario) if !complaints.iter().any(Complaint::is_error) => {
            let overloaded = check::overloaded(&forecast(&scenario));
            let variant = edits.iter().find_map(Edit::variant).map(str::to_owned);
            let memory = analytic::memory(&scenario);
            Ok(Checked {
                hash: hash(&scenario),
                memory,
                ceiling: CEILING,
                scenario,
                warnings: complaints,
                source,
                variant,
                overloaded,
            })
        }
        _ => {
            complaints.retain(|c| c.severity != Severity::Note);
            Err(reject(complaints, &source))
        }
    }
}

/// The names of a text's variants in the order of the file, as far as it can be read.
pub fn variants(source: &Source) -> Vec<String> {
    read::read(source).0.map_or(Vec::new(), |scenario| scenario.variants.into_iter().map(|v| v.name.value).collect())
}

/// The scenario of a text, what is wrong with it, and where its variants stand.
fn examine(source: &Source) -> (Option<Scenario>, Vec<Complaint>, Vec<(String, written::Place)>) {
    let (scenario, desk) = read::read(source);
    let mut complaints = desk.complaints;
    if let Some(scenario) = &scenario {
        let whole = complaints.is_empty();
        complaints.extend(check::check(scenario, source, &desk.refused, whole));
    }
    (scenario, complaints, desk.variants)
}

/// In the order of the text, but that a node is overloaded is said before anything else.
fn sort(complaints: &mut Vec<Complaint>) {
    crate::diag::sort(complaints);
    complaints.sort_by_key(|c| c.code != code::OVERLOADED);
}

/// What is wrong with a text once these changes are made to it.
fn outcome(source: &Source, edits: &[Edit]) -> Vec<Complaint> {
    match edit::apply(source, edits) {
        Ok((edited, _)) => examine(&edited).1,
        Err(complaints) => complaints,
    }
}

/// More variants than anyone compares; each is read in full.
const VARIANTS: usize = 100;

/// A variant must be a scenario, too: it is told now, not when it is asked for.
fn broken_variants(source: &Source, scenario: &Scenario, places: &[(String, written::Place)]) -> Vec<Complaint> {
    let mut all = Vec::new();
    if places.len() > VARIANTS {
        let told = Complaint::error(code::BAD_VARIANT, format!("{} variants; at most {VARIANTS}", places.len()));
        return vec![told.at(places[VARIANTS].1.clone())];
    }
    for (name, place) in places {
        let edits = edit::variant_edits(scenario, name).unwrap_or_default();
        for complaint in outcome(source, &edits).iter().filter(|c| c.is_error()) {
            let own = complaint.message.starts_with("variant ");
            let message =
                if own { complaint.message.clone() } else { format!("variant `{name}`: {}", complaint.message) };
            let code = if own { complaint.code } else { code::BAD_VARIANT };
            let told = Complaint::error(code, message).at(place.clone());
            all.push(Complaint {
                help: complaint.help.clone().or((!complaint.label.is_empty()).then(|| complaint.label.clone())),
                ..told
            });
        }
    }
    all
}
