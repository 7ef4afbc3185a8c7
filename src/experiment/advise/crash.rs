//! A crash between a commit and its message, simulated: what was written and never told, and what was told twice.
//!
//! Where a call became a message, its sender writes and then sends. All of it crashes at random moments, a thousand times or so over all
//! replications, and is back at once; effects that never happen although what leads to them was committed are lost, effects that
//! happen again are doubled, each less what the same runs without crashes show. By hand a crash at a random moment finds as many
//! between their write and their message as there are on average: rate × window, seen in the runs without crashes. The window opens
//! when the write is asked for: the database commits it even if nobody waits any more.

use serde::Serialize;

use super::seen::{Between, Seen, seen};
use super::way::Commit;
use crate::experiment::estimate::CONFIDENCE;
use crate::experiment::patterns::free;
use crate::experiment::run::Watch;
use crate::experiment::study::{Options, Trouble, load};
use crate::experiment::summary::Estimate;
use crate::scenario::Checked;
use crate::scenario::edit::{calmed, with_table};
use crate::stats::ratio;

/// What crashes of a sender did.
#[derive(Clone, Debug, Serialize)]
pub struct Crashes {
    /// Who crashed.
    pub sender: String,
    /// Whose effect.
    pub flow: String,
    /// Whether the message is a row of the commit.
    pub outbox: bool,
    /// How often, over all replications.
    pub crashes: u64,
    /// Effects lost by each.
    pub lost: Estimate,
    /// Effects doubled by each.
    pub doubled: Estimate,
    /// Asked to be written and not yet sent at any moment, on average: what each crash would lose by hand, for a database commits what
    /// it was asked, whether or not whoever asked is still there. With an outbox nothing is: the row is there.
    pub between: f64,
}

/// From one crash to the next, on average: so many mean latencies, but no less than this, s.
const APART: f64 = 20.0;
const LEAST_S: f64 = 0.1;

/// All replications with crashes and without; nothing where the client has no effect there.
pub(super) fn crashes(
    calm: &Checked,
    commit: &Commit,
    (client, latency_s): (&str, f64),
    jobs: Option<usize>,
    watches: [&dyn Watch; 2],
) -> Result<Option<Crashes>, Trouble> {
    let text = calmed(&commit.text);
    let named = load(&text, None, &Options::default())?;
    let flows = &named.scenario.flows;
    let ends = |ends: &[crate::scenario::written::Given<String>]| matches!(ends, [end] if crate::graph::End::of(&end.value).node == commit.receiver);
    let Some(effect) = flows.iter().position(|flow| flow.starts.value == client && ends(&flow.ends.value)) else {
        return Ok(None);
    };
    let flow = flows[effect].name.value.clone();
    let name = free("committed", |name| flows.iter().any(|flow| flow.name.value == name));
    let text = with_table(&text, "flows", &[("name", &name), ("starts", client), ("ends", &commit.write)]);
    let apart = format!("{}ms", (APART * latency_s).max(LEAST_S) * 1e3);
    let fault = [("kind", "crash"), ("target", &commit.sender), ("mtbf", &apart), ("mttr", "1ms")];
    let [calm_runs, crashed] = {
        let as_it_runs = |text| -> Result<Checked, Trouble> {
            let mut one = load(text, None, &Options::default())?;
            one.scenario.sim = calm.scenario.sim.clone();
            Ok(Checked { ceiling: calm.ceiling, ..one })
        };
        let between = Between { sender: &commit.sender, write: &commit.write, broker: &commit.broker };
        let [quiet, loud] = [as_it_runs(&text)?, as_it_runs(&with_table(&text, "faults", &fault))?];
        [seen(&quiet, Some(between), jobs, watches[0])?, seen(&loud, None, jobs, watches[1])?]
    };
    let per_crash = |of: &dyn Fn(&Seen) -> u64| {
        let parts = crashed.iter().zip(&calm_runs).map(|(with, without)| {
            let more = of(with).saturating_sub(of(without));
            (more as f64, with.struck as f64)
        });
        ratio(&parts.collect::<Vec<_>>(), CONFIDENCE)
    };
    let untold = |one: &Seen| one.effects[flows.len()].done.saturating_sub(one.effects[effect].done);
    let time = calm.scenario.sim.duration.value.as_secs_f64() * calm_runs.len() as f64;
    let between = calm_runs.iter().map(|one| one.between_s).sum::<f64>() / time;
    Ok(Some(Crashes {
        sender: commit.sender.clone(),
        flow,
        outbox: commit.outbox.is_some(),
        crashes: crashed.iter().map(|one| one.struck).sum(),
        lost: per_crash(&untold),
        doubled: per_crash(&|one| one.effects[effect].again),
        between: if commit.outbox.is_some() { 0.0 } else { between.max(0.0) },
    }))
}
