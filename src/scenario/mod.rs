//! The scenario file: vocabulary, reading, checking, editing, lowering.
//!
//! [`load`] is the way in: text → reading (every mistake complained about, none fatal) → checking → [`Checked`], which is
//! what the rest of the house may rely on.

mod check;
pub mod edit;
mod law_mean;
mod read;
mod source;
pub mod vocab;
pub mod written;

pub use crate::diag::Source;
pub use check::{Forecast, NodeForecast, forecast, transport_of};
pub use edit::Edit;
pub use source::OpenError;
pub use vocab::json_schema;

use crate::diag::Complaint;
use written::Scenario;

/// A scenario without errors.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The scenario as written.
    pub scenario: Scenario,
    /// What runs but looks wrong.
    pub warnings: Vec<Complaint>,
    /// 16 hex digits that name what the scenario means: comments, order and formatting do not count.
    pub hash: String,
    /// The text that was read, edits applied.
    pub source: Source,
}

/// A text that is no scenario.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// Everything that is wrong with it, in the order of the text.
    pub complaints: Vec<Complaint>,
    /// The text, edits applied: complaints point into it.
    pub source: Source,
}

/// Reads and checks a text.
pub fn load(source: &Source, _edits: &[Edit]) -> Result<Checked, Rejected> {
    let (scenario, desk) = read::read(source);
    let mut complaints = desk.complaints;
    if let Some(scenario) = &scenario {
        complaints.extend(check::check(scenario, source, &desk.refused, complaints.is_empty()));
    }
    crate::diag::sort(&mut complaints);
    let source = source.clone();
    match scenario {
        Some(scenario) if !complaints.iter().any(Complaint::is_error) => {
            Ok(Checked { scenario, warnings: complaints, hash: "0".repeat(16), source })
        }
        _ => Err(Rejected { complaints, source }),
    }
}
