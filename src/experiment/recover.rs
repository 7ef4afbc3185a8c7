//! Whether a system gets up again: under more and more load, after a trigger that is on for longer and longer.
//!
//! A trigger is a fault of the file, or a spike of traffic. Each run has it once and nothing else that goes wrong. A run
//! *stays down* when the client whose requests are judged has not recovered after the trigger's end, by the rule of every
//! run's recovery: no ten seconds of windows lie in the band of what was usual before, though the run goes on for as long
//! as the trigger was on and for ten seconds more, and things do not get better meanwhile: neither are fewer lost, nor is
//! less under way, which a line does that only takes its time. Whoever loses more than half of
//! its requests before the trigger is down already, which is told apart and counts as down. Where the run ends before
//! either can be said, it was not seen.
//!
//! Near the edge seeds decide, so the answer is the share of runs that stay down, with its exact binomial interval
//! (Clopper and Pearson); what was not seen widens it to either side. The edge is where half of the runs stay down, read
//! off between the loads that were run; its interval goes from the largest load up to which surely fewer do, to the
//! smallest from which surely more do.
//!
//! How rarely it collapses by itself, at today's load and with nothing going wrong, plain runs cannot tell. It is estimated by
//! multilevel splitting on how much is under way, times more the more retry budgets are spent and caches are cold: levels are
//! fixed from pilot seeds, the interval comes from the spread between 32 independent splitting runs, on the scale of factors
//! (the logarithm), its upper end farther where they are lopsided. It is *not trusted*, and said so, where something comes
//! seldom and is large (heavy-tailed work, a rate that jumps), where the runs differ by three times what each says of itself,
//! or by more than their number can tell, and where most of them saw none; that more under way does not lead to a collapse is
//! told as a reason then. A run counts whatever way it came down, so where they agree the levels need not be the right ones. A way that none of all these runs took is in no figure.

mod edge;
mod map;
mod pulse;
mod rare;
mod split;
mod trigger;

pub use edge::{Edge, edge};
pub use map::Cell;
pub(super) use pulse::Pulse;
pub use rare::Rare;
pub use trigger::{SPIKE, Trigger};

use serde::Serialize;

use super::estimate::CONFIDENCE;
use super::parallel;
use super::run::Watch;
use super::study::{Part, Trouble, growing, judged};
use super::summary::{ScenarioRef, Tool};
use crate::scenario::{Checked, forecast};
use map::Map;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The fault that is the trigger, or [`SPIKE`]; without it the file's first fault that has a length, else a spike.
    pub trigger: Option<String>,
    /// Whose requests are judged; the client with most of them where nobody is named.
    pub client: Option<String>,
    /// Whose load grows; none: everybody's.
    pub grow: Vec<String>,
    /// Loads, in times of what the file says; none: up to what the busiest node can do.
    pub loads: Vec<f64>,
    /// Lengths of the trigger, s; none: from a quarter to four times as long as the file says.
    pub lengths_s: Vec<f64>,
    /// Whether it is asked, too, how rarely it collapses by itself.
    pub rare: bool,
}

/// How all of it was run.
#[derive(Clone, Debug, Serialize)]
pub struct Conditions {
    /// Seed of the first replication, the same for every load and length.
    pub seed: u64,
    /// Independent runs for each load and length.
    pub replications: u32,
    /// Measured time, s.
    pub duration_s: f64,
    /// Confidence of the intervals.
    pub confidence: f64,
    /// What kind of figures these are.
    pub note: String,
}

/// The node that has least room for more load.
#[derive(Clone, Debug, Serialize)]
pub struct Busiest {
    /// Its name.
    pub node: String,
    /// How much of it today's load takes, by the forecast.
    pub utilization: f64,
}

/// Where a system stays down.
#[derive(Clone, Debug, Serialize)]
pub struct Recover {
    /// Version of this shape.
    pub schema_version: u32,
    /// Who made it.
    pub tool: Tool,
    /// What was simulated.
    pub scenario: ScenarioRef,
    /// How.
    pub run: Conditions,
    /// What went wrong.
    pub trigger: Trigger,
    /// Whose requests are judged.
    pub client: String,
    /// Requests of theirs per second as the file says: the load of 1.
    pub today_per_s: f64,
    /// Whose load grows.
    pub grown: Vec<String>,
    /// Who limits the load, where anything does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busiest: Option<Busiest>,
    /// By length, then load.
    pub cells: Vec<Cell>,
    /// By length: where half of the runs stay down.
    pub edges: Vec<Edge>,
    /// How rarely it collapses by itself at today's load, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rare: Option<Rare>,
    /// Loads and lengths that were not run because the study was stopped.
    pub missing: usize,
    /// Whether it was stopped before all of it was run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// What was found, and whether that is all of it.
#[derive(Clone, Debug)]
pub struct Study {
    /// The figures.
    pub recover: Recover,
    /// Whether everything was run.
    pub whole: bool,
}

/// Runs every load with every length of the trigger, then between the loads where the outcome turns. An interruption
/// leaves what is finished.
///
/// ```
/// use hoptax::experiment::recover::{Wanted, study};
/// use hoptax::experiment::study::{Options, load};
/// use hoptax::scenario::Source;
///
/// let text = r#"
/// version = 1
/// sim = { duration = "80s", warmup = "0s", replications = 6 }
/// defaults = { transport = "free" }
/// network = { same_zone = "0s" }
/// [clients.users]
/// calls = "front"
/// rate = "50/s"
/// [services.front]
/// io = "async"
/// concurrency = "unlimited"
/// steps = [{ call = "desk", timeout = "1s", retries = { max = 3 } }]
/// [services.desk]
/// concurrency = 1
/// work = { mean = "10ms" }
/// [[faults]]
/// kind = "freeze"
/// target = "desk"
/// at = "30s"
/// duration = "5s"
/// "#;
/// let checked = load(&Source::text("storm", text), None, &Options::default()).unwrap();
/// let wanted = Wanted { loads: vec![0.3, 1.4], lengths_s: vec![5.0], ..Wanted::default() };
/// let found = study(&checked, &wanted, None, &()).unwrap().recover;
/// // Four tries of 15 requests a second are less than the 100 that the desk can do, of 70 they are more.
/// let stay_down = |load: f64| found.cells.iter().find(|cell| cell.load == load).unwrap().probability.value;
/// assert_eq!((stay_down(0.3), stay_down(1.4)), (Some(0.0), Some(1.0)));
/// ```
pub fn study(checked: &Checked, wanted: &Wanted, jobs: Option<usize>, watch: &dyn Watch) -> Result<Study, Trouble> {
    let client = judged(checked, wanted.client.as_deref())?;
    let grown = growing(checked, &wanted.grow)?;
    let busiest = busiest(checked);
    let (trigger, fault) = trigger::pick(checked, wanted.trigger.as_deref(), &grown, busiest.as_ref())?;
    let lengths = trigger.lengths(&wanted.lengths_s)?;
    let loads = loads(&wanted.loads, busiest.as_ref())?;
    let part = |at: usize| Part { whole: watch, at, of: 1 + usize::from(wanted.rare) };
    let first = part(0);
    let mut map =
        Map { checked, fault, grown: &grown, client: &client, jobs, watch: &first, cells: Vec::new(), missing: 0 };
    map.survey(&loads, &lengths);
    map.refine(&lengths);
    if map.cells.is_empty() {
        return Err(Trouble::Interrupted);
    }
    let edges = lengths.iter().map(|length| edge(&map.cells, *length)).collect();
    let rare = wanted.rare.then(|| rare::rare(checked, &client, parallel::cores_for(jobs), &part(1)));
    let rare = rare.map(|found| found.unwrap_or_else(Rare::stopped));
    let whole = map.missing == 0 && rare.as_ref().is_none_or(|rare| !rare.is_partial());
    let sim = &checked.scenario.sim;
    let today = forecast(&checked.scenario).clients.into_iter().find(|(name, _)| *name == client);
    let recover = Recover {
        schema_version: 1,
        tool: Tool::this(),
        scenario: ScenarioRef::of(checked),
        run: Conditions {
            seed: sim.seed.value,
            replications: sim.replications.value,
            duration_s: sim.duration.value.as_secs_f64(),
            confidence: CONFIDENCE,
            note: "simulated, not measured".into(),
        },
        trigger,
        today_per_s: today.map_or(0.0, |(_, rate)| rate),
        missing: map.missing,
        partial: !whole,
        cells: map.cells,
        client: client.clone(),
        grown,
        busiest,
        edges,
        rare,
    };
    Ok(Study { recover, whole })
}

/// Who has least room for more, by the forecast.
fn busiest(checked: &Checked) -> Option<Busiest> {
    let forecast = forecast(&checked.scenario);
    let used =
        forecast.nodes.iter().map(|node| (&node.name, node.utilization.max(node.held).max(node.peak_utilization)));
    let consumers = forecast.consumers.iter().map(|one| (&one.service, one.utilization.max(one.peak_utilization)));
    let all = used.chain(consumers).filter(|(_, used)| *used > 0.0);
    let most = all.max_by(|a, b| a.1.total_cmp(&b.1).then_with(|| b.0.cmp(a.0)))?;
    Some(Busiest { node: most.0.clone(), utilization: most.1 })
}

/// Parts of what the busiest node can do, as loads.
const PARTS: [f64; 8] = [0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97];

/// Nobody asks about more than so many times today's load, whatever the busiest node could do.
const FARTHEST: f64 = 10.0;

/// A load of more than so many times today's is a slip of the pen.
const MOST: f64 = 1_000.0;

/// Loads where nothing limits them.
const FREE: [f64; 8] = [0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0];

/// Loads in times of today's, today's among them.
fn loads(asked: &[f64], busiest: Option<&Busiest>) -> Result<Vec<f64>, Trouble> {
    if let Some(bad) = asked.iter().find(|load| !(**load > 0.0 && **load <= MOST)) {
        let why =
            format!("a load of {bad} times today's cannot be asked about: it must be more than 0 and at most {MOST}");
        return Err(Trouble::Absent(format!("{why}; write for example 1.5")));
    }
    let mut all: Vec<f64> = match (asked, busiest) {
        ([], Some(busiest)) => {
            let used = busiest.utilization.max(1.0 / FARTHEST);
            PARTS.iter().map(|part| two_digits(part / used)).collect()
        }
        ([], None) => FREE.to_vec(),
        (asked, _) => asked.to_vec(),
    };
    if asked.is_empty() {
        all.push(1.0);
    }
    all.sort_by(f64::total_cmp);
    all.dedup();
    Ok(all)
}

/// As somebody would say it: two digits.
fn two_digits(x: f64) -> f64 {
    let unit = libm::pow(10.0, libm::floor(libm::log10(x)) - 1.0);
    let rounded = (x / unit).round() * unit;
    // Back to the nearest decimal, so that no dust of a float is left.
    format!("{rounded:.12}").parse().unwrap_or(rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_reach_as_far_as_the_busiest_can_do() {
        let busiest = Busiest { node: "desk".into(), utilization: 0.4 };
        let all = loads(&[], Some(&busiest)).unwrap();
        assert_eq!(all, [0.25, 0.5, 0.87, 1.0, 1.3, 1.6, 2.0, 2.3, 2.4]);
        assert_eq!(loads(&[2.0, 0.5, 2.0], None).unwrap(), [0.5, 2.0]);
        // Where hardly anything is busy it is asked up to ten times today's.
        let idle = Busiest { node: "desk".into(), utilization: 0.001 };
        assert_eq!(loads(&[], Some(&idle)).unwrap(), [1.0, 2.0, 3.5, 5.0, 6.5, 8.0, 9.0, 9.7]);
        assert!([0.0, f64::NAN, f64::INFINITY, 1e300].iter().all(|load| loads(&[*load], None).is_err()));
    }
}
