//! The floors below, as the verbs see them. Nothing else in the shell reaches down.

use std::path::Path;

use super::args::Setting;
use super::exit::Failure;
use crate::experiment::summary::Summary;
use crate::report::theory::Agreement;

/// Who follows a run from outside.
pub(super) trait Watch: Sync {
    /// The run has come this far.
    fn advanced(&self, share_done: f64);
    /// Whether the run is to stop after the replications under way.
    fn stopped(&self) -> bool;
}

/// A scenario as written.
pub(super) struct Source {
    /// The variants it names.
    pub(super) variants: Vec<String>,
}

/// A scenario that was understood.
pub(super) struct Checked;

/// Reads a file, or the embedded default.
pub(super) fn read(_file: Option<&Path>, _colour: bool) -> Result<Source, Failure> {
    Err(unwired())
}

/// Applies the variant, then the settings, and checks the outcome.
pub(super) fn check(
    _source: &Source,
    _variant: Option<&str>,
    _settings: &[Setting],
    _colour: bool,
) -> Result<Checked, Failure> {
    Err(Failure::Invalid("this build has no engine".into()))
}

/// What was understood: the scenario with its defaults filled in and marked, the forecast, the warnings.
pub(super) fn understood(_checked: &Checked) -> String {
    String::new()
}

/// Runs all replications.
pub(super) fn run(_checked: &Checked, _jobs: Option<usize>, watch: &dyn Watch) -> Result<Summary, Failure> {
    watch.advanced(0.0);
    Err(if watch.stopped() { Failure::Interrupted } else { unwired() })
}

/// The words that can be explained, sorted.
pub(super) fn words() -> Vec<&'static str> {
    Vec::new()
}

/// What a word of the vocabulary means.
pub(super) fn explain(_word: &str) -> Option<String> {
    None
}

/// The JSON Schema of a scenario, with a newline at its end.
pub(super) fn schema() -> Result<String, Failure> {
    Err(unwired())
}

/// Runs the models that theory knows the answer to; all cases where `full`.
pub(super) fn theory(
    _models: &[String],
    _full: bool,
    _jobs: Option<usize>,
    _watch: &dyn Watch,
) -> Result<Vec<Agreement>, Failure> {
    Err(unwired())
}

fn unwired() -> Failure {
    Failure::Broken("this build has no engine".into())
}
