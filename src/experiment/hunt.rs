//! The smallest fault that breaks a promise, or that a client never recovers from.
//!
//! How large a fault is: the replica-seconds that it takes away. An outage takes all of a replica, a node that takes f times as
//! long 1 − 1/f of each; an edge takes away what the callee's replicas do for its caller: their time, by its share of their
//! calls. Nodes, brokers, zones and edges are taken down (refusing, and hanging) and cut off from the network, nodes slowed
//! down, all of their replicas, half or one. A promise is broken when its whole interval lies on the wrong side, over twenty runs at least: what `hoptax run` calls
//! failed. Never recovered from: surely more than half of the runs are not as before, by the rule of every run's recovery.
//!
//! The file's own faults are left out: what is asked is what one fault does alone, and a promise that fails with them is broken
//! already.
//!
//! A longer fault is taken to do no less harm. So each candidate is tried at the largest size that would still be news, five runs of it first: where these meet
//! every promise with their whole intervals and all come back, that is all. Where it breaks something its length is halved until the steps are small. The smallest of all is then held to fresh
//! seeds: made longer until it breaks something there, too, and shorter while nine tenths of it still do, with fewer replicas
//! while one less still does.

mod cast;
mod found;
mod search;

pub use cast::{Candidate, Way};
pub use found::{Broken, Found};
pub use search::Tried;

use serde::Serialize;

use super::coupling::targets;
use super::estimate::CONFIDENCE;
use super::run::{Watch, run};
use super::study::{Part, Trouble};
use super::summary::{Outcome, ScenarioRef, Summary, Tool};
use crate::scenario::Checked;
use crate::scenario::edit::struck;
use cast::{candidates, shared};
use search::{Hunter, LEAST_S};

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only these nodes, brokers, zones and edges; none: all.
    pub targets: Vec<String>,
    /// Only these promises, by name; none: all.
    pub promises: Vec<String>,
    /// The longest fault, s; without it 60 s, at most what is left of the run.
    pub up_to_s: Option<f64>,
    /// When the fault begins, s from the start of the measured time; without it at three tenths of it, and at several times
    /// where the load changes.
    pub at_s: Option<f64>,
    /// Whether only a fault counts that is never recovered from; then no promise is needed.
    pub never_recovers: bool,
}

/// How all of it was run.
#[derive(Clone, Debug, Serialize)]
pub struct Conditions {
    /// Seed of the first replication of the search.
    pub seed: u64,
    /// The same of the runs that the smallest was held to; they had no part in finding it.
    pub fresh_seed: u64,
    /// Independent runs of each fault.
    pub replications: u32,
    /// Of these, how many come first: where they meet every promise the others are spared.
    pub first_look: u32,
    /// Measured time, s.
    pub duration_s: f64,
    /// Confidence of the intervals.
    pub confidence: f64,
    /// The longest fault, s.
    pub up_to_s: f64,
    /// When faults begin, s from the start of the measured time.
    pub at_s: Vec<f64>,
    /// What kind of figures these are.
    pub note: String,
}

/// A promise, and how it fares without any fault.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Promised {
    /// Its name.
    pub name: String,
    /// Without any fault.
    pub verdict: Outcome,
}

/// The smallest fault that breaks something.
#[derive(Clone, Debug, Serialize)]
pub struct Hunt {
    /// Version of this shape.
    pub schema_version: u32,
    /// Who made it.
    pub tool: Tool,
    /// What was simulated.
    pub scenario: ScenarioRef,
    /// How.
    pub run: Conditions,
    /// What is promised; what does not hold without any fault is not hunted for.
    pub promises: Vec<Promised>,
    /// Promises about the time of a fault of the file, which are not hunted for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub about_faults: Vec<String>,
    /// The file's own faults, which are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// What was tried, in this order.
    pub tried: Vec<Tried>,
    /// The smallest that breaks something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// A file that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reproducer: Option<String>,
    /// Candidates that were not tried because the study was stopped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Candidate>,
    /// Whether it was stopped before all was tried and the smallest held to fresh seeds.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// What was found, and whether that is all of it.
#[derive(Clone, Debug)]
pub struct Study {
    /// The figures.
    pub hunt: Hunt,
    /// Whether everything was tried, and the smallest held to fresh seeds.
    pub whole: bool,
}

/// Runs of each fault, at least.
const RUNS: u32 = 20;

/// Runs of a fault that come first.
const FIRST_LOOK: u32 = 5;

/// The longest fault, s, where nobody says.
const UP_TO_S: f64 = 60.0;

/// Looks for the smallest fault. An interruption leaves what is known by then.
///
/// ```
/// use hoptax::experiment::hunt::{Wanted, study};
/// use hoptax::experiment::study::{Options, load};
/// use hoptax::scenario::Source;
///
/// let text = r#"
/// version = 1
/// sim = { duration = "20s", warmup = "0s" }
/// [clients.users]
/// calls = "web"
/// rate = "50/s"
/// [services.web]
/// replicas = 2
/// work = "1ms"
/// [[slos]]
/// of = "users"
/// expect = "success_rate >= 90%"
/// "#;
/// let checked = load(&Source::text("web", text), None, &Options::default()).unwrap();
/// let found = study(&checked, &Wanted::default(), None, &()).unwrap().hunt.found.unwrap();
/// // A tenth of the requests of 20 s fails when both replicas are down for 2 s, or one for 4 s: 4 replica-seconds.
/// assert!((3.6..5.2).contains(&found.size), "{}", found.size);
/// ```
pub fn study(checked: &Checked, wanted: &Wanted, jobs: Option<usize>, watch: &dyn Watch) -> Result<Study, Trouble> {
    let sim = &checked.scenario.sim;
    let duration_s = sim.duration.value.as_secs_f64();
    let at_s = times(checked, wanted.at_s, duration_s)?;
    let up_to_s = longest(wanted, &at_s, duration_s)?;
    let mut calm = struck(checked, Vec::new());
    calm.scenario.sim.replications.value = sim.replications.value.max(RUNS);
    named(&calm, wanted)?;
    let all = candidates(&calm, &targets(&calm, &wanted.targets, false).map_err(Trouble::Absent)?);
    let of = all.len() * at_s.len() + 2;
    let without = run(&calm, jobs, &Part { whole: watch, at: 0, of })?;
    if without.run.partial {
        return Err(Trouble::Interrupted);
    }
    let all = shared(all, &without);
    let promises = promised(&without, wanted);
    let mut hunter = Hunter::of(&calm, &promises, wanted.never_recovers, (jobs, watch));
    let mut missing = hunter.search(&all, &at_s, up_to_s);
    let found = hunter.settle(up_to_s);
    let whole = missing.is_empty() && found.as_ref().is_none_or(|found| found.confirmed);
    missing.dedup();
    let hunt = Hunt {
        schema_version: 1,
        tool: without.tool.clone(),
        scenario: ScenarioRef { hash: checked.hash.clone(), ..without.scenario.clone() },
        run: Conditions {
            seed: without.run.seed,
            fresh_seed: hunter.fresh_seed(),
            replications: without.run.replications,
            first_look: FIRST_LOOK,
            duration_s,
            confidence: CONFIDENCE,
            up_to_s,
            at_s,
            note: without.run.note.to_string(),
        },
        promises,
        about_faults: about_faults(checked, &calm),
        left_out: checked.scenario.faults.iter().map(|fault| fault.name.value.clone()).collect(),
        reproducer: found.as_ref().filter(|found| found.confirmed).and_then(|found| hunter.reproducer(checked, found)),
        tried: hunter.tried,
        found,
        missing,
        partial: !whole,
    };
    Ok(Study { hunt, whole })
}

/// How many faults there are to try: each at each of its moments. Refused where [`study`] would be.
pub fn many(checked: &Checked, wanted: &Wanted) -> Result<usize, Trouble> {
    let duration_s = checked.scenario.sim.duration.value.as_secs_f64();
    let at_s = times(checked, wanted.at_s, duration_s)?;
    longest(wanted, &at_s, duration_s)?;
    let calm = struck(checked, Vec::new());
    named(&calm, wanted)?;
    let targets = targets(&calm, &wanted.targets, false).map_err(Trouble::Absent)?;
    Ok(candidates(&calm, &targets).len() * at_s.len())
}

/// How long faults may be: as asked, as far as the run goes on after they begin.
fn longest(wanted: &Wanted, at_s: &[f64], duration_s: f64) -> Result<f64, Trouble> {
    let latest = at_s.iter().copied().fold(0.0, f64::max);
    let up_to_s = wanted.up_to_s.unwrap_or(UP_TO_S).min(duration_s - latest);
    if up_to_s >= LEAST_S {
        return Ok(up_to_s);
    }
    let least = LEAST_S * 1e3;
    Err(Trouble::Absent(format!("faults of less than {least} ms are not hunted for; write for example --up-to 30s")))
}

/// When faults begin.
fn times(checked: &Checked, asked: Option<f64>, duration_s: f64) -> Result<Vec<f64>, Trouble> {
    if let Some(at) = asked {
        return if at < duration_s {
            Ok(vec![at])
        } else {
            let why = format!("a fault at {at} s begins after the measured time, which is {duration_s} s");
            Err(Trouble::Absent(why))
        };
    }
    let changes = checked.scenario.clients.values().any(|client| client.load.changes());
    let parts: &[f64] = if changes { &[0.1, 0.3, 0.5, 0.7] } else { &[0.3] };
    Ok(parts.iter().map(|part| (part * duration_s * 1e3).round() / 1e3).collect())
}

/// Refuses promises that are not there.
fn named(calm: &Checked, wanted: &Wanted) -> Result<(), Trouble> {
    let names: Vec<&str> = calm.scenario.slos.iter().map(|slo| slo.name.value.as_str()).collect();
    if names.is_empty() && !wanted.never_recovers {
        let gone =
            if calm.source.text.contains("slos") { ": those about the time of a fault do not count" } else { "" };
        let cure =
            "write one, such as [[slos]] of = \"shoppers\" expect = \"p99 < 400ms\", or ask for --never-recovers";
        return Err(Trouble::Absent(format!("no promise that could be broken{gone}; {cure}")));
    }
    match wanted.promises.iter().find(|name| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let help = match crate::scenario::suggest(name, names.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("there are {}", names.join(", ")),
            };
            Err(Trouble::Absent(format!("no promise `{name}`; {help}")))
        }
    }
}

/// Promises of the file that go with its faults.
fn about_faults(checked: &Checked, calm: &Checked) -> Vec<String> {
    let names = |checked: &Checked| checked.scenario.slos.iter().map(|slo| slo.name.value.clone()).collect::<Vec<_>>();
    let kept = names(calm);
    names(checked).into_iter().filter(|name| !kept.contains(name)).collect()
}

/// What is promised, as far as it was asked for.
fn promised(without: &Summary, wanted: &Wanted) -> Vec<Promised> {
    let asked = |name: &String| wanted.promises.is_empty() || wanted.promises.contains(name);
    let all = without.slos.iter().filter(|slo| !wanted.never_recovers && asked(&slo.name));
    all.map(|slo| Promised { name: slo.name.clone(), verdict: slo.verdict }).collect()
}
