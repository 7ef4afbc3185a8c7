//! What is taken back: a saga's compensation, simulated.
//!
//! As it is, a caller hears that its callee failed and answers so. Once the call is a message it has answered well by then, and what
//! it wrote before has to be written back. Here every failure of the callee is taken for a refusal, which trying again would not
//! change: the message goes to a queue of the sender's, which writes once more. Where failures pass, the message is tried again
//! instead, as in the way itself, and nothing is taken back.

use serde::Serialize;

use crate::experiment::patterns::free;
use crate::experiment::run::{Watch, run};
use crate::experiment::study::{Options, Trouble, load};
use crate::experiment::summary::Estimate;
use crate::scenario::Checked;
use crate::scenario::edit::{calmed, with_table};

use super::way::Undo;

/// What became of what was answered well.
#[derive(Clone, Debug, Serialize)]
pub struct Undone {
    /// Who takes it back.
    pub sender: String,
    /// Whose refusal it is.
    pub receiver: String,
    /// Share of the requests that it comes to.
    pub share: Estimate,
    /// From the moment the request was meant to set out until it has been taken back, ms.
    pub p50_ms: Estimate,
    /// The same for the slowest hundredth of those.
    pub p99_ms: Estimate,
}

/// All replications in which refusals are taken back; nothing where a client's requests lead to none.
pub(super) fn undone(
    calm: &Checked,
    undo: &Undo,
    client: &str,
    jobs: Option<usize>,
    watch: &dyn Watch,
) -> Result<Option<Undone>, Trouble> {
    let text = calmed(&undo.text);
    let named = load(&text, None, &Options::default())?;
    let name = free("taken back", |name| named.scenario.flows.iter().any(|flow| flow.name.value == name));
    let text = with_table(&text, "flows", &[("name", &name), ("starts", client), ("ends", &undo.write)]);
    let Ok(mut other) = load(&text, None, &Options::default()) else { return Ok(None) };
    other.scenario.sim = calm.scenario.sim.clone();
    let summary = run(&Checked { ceiling: calm.ceiling, ..other }, jobs, watch)?;
    if summary.run.partial {
        return Err(Trouble::Interrupted);
    }
    let told = summary.flows.get(&name).map(|flow| Undone {
        sender: undo.sender.clone(),
        receiver: undo.receiver.clone(),
        share: flow.success_rate,
        p50_ms: flow.latency_ms.p50,
        p99_ms: flow.latency_ms.p99,
    });
    Ok(told.filter(|told| told.share.value.is_some_and(|share| share > 0.0)))
}
